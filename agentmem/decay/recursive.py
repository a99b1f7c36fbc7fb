"""Curves that carry a state from use to use: strength, stability and difficulty, counts.

The state is an array whose first axis names its parts and whose last axis is the memories. All
memories take their j-th step together, so the cost is that of the longest history, not of their sum.
An axis between holds several sets of weights at once, which is how a gradient is taken in one pass.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import TimeLike, to_datetime, to_micros
from agentmem.decay.base import Curve, elapsed_days
from agentmem.decay.history import AGAIN, GOOD, RECALLED, Codes, Histories, History, Times, Values

RETRIEVED = 0.25
"""How far a memory that was merely retrieved moves towards what a helpful use would have made of it.

A judgement, not a measurement: no public log says which retrieved memories helped.
"""


class Recursive(Curve):
    """A curve with a state: :meth:`start`, :meth:`recall` and :meth:`update` are all there is to it.

    A merely retrieved memory (grade ``"recalled"``) goes the share ``retrieved`` of the way that a good
    use would take it: its state and the time it counts as last used both move by that share.

    A failure (``"again"``) weakens the state. A flash card that was failed is shown again, so that the
    time since the last presentation begins anew (``lapse_resets=True``); a memory that was wrong or
    useless is not, so that by default the time runs on and its retention never rises.

    Attributes:
        retrieved: from 0 (retrieval alone changes nothing) to 1 (it counts as a good use).
        lapse_resets: a failure counts as a presentation.
    """

    retrieved: float
    lapse_resets: bool

    @abstractmethod
    def weights(self) -> Values:
        """The numbers that can be fitted, as a vector."""

    @abstractmethod
    def with_weights(self, weights: Values) -> Recursive:
        """This curve with other numbers."""

    @abstractmethod
    def start(self, weights: Values, grades: Codes) -> Values:
        """The state after the first presentation."""

    @abstractmethod
    def recall(self, weights: Values, state: Values, days: Values) -> Values:
        """The retention of a state some days after the last use."""

    @abstractmethod
    def update(self, weights: Values, state: Values, days: Values, grades: Codes) -> Values:
        """The state after a use that came some days after the last."""

    def foretell(self, weights: Values, histories: Histories) -> Values:
        """Retention just before each use under given weights (k,) or several sets of them (k, p, 1).

        Returns:
            (m,) or (p, m); NaN at the writings.
        """
        shape = weights.shape[1:-1] if weights.ndim > 1 else ()
        result = np.full((*shape, len(histories.times)), np.nan)
        self._scan(weights, histories, result)
        return result

    def before_uses(self, histories: Histories | Iterable[History]) -> Values:
        """The retention just before each use, in one pass; see :meth:`Curve.before_uses`."""
        packed = histories if isinstance(histories, Histories) else Histories.pack(histories)
        return np.clip(self.foretell(self.weights(), packed), 0.0, 1.0)

    def states(self, histories: Histories) -> tuple[Values, Times]:
        """The state of each memory after its last use, and the time it counts as last used."""
        return self._scan(self.weights(), histories, None)

    def prepare(self, histories: Histories | Iterable[History]) -> Callable[[TimeLike], Values]:
        """Walk the histories once; asking at a time not before the last use costs one formula."""
        packed = histories if isinstance(histories, Histories) else Histories.pack(histories)
        if not len(packed):
            return lambda at: np.zeros(0)
        state, last = self.states(packed)
        newest = int(packed.times.max())

        def at_time(at: TimeLike) -> Values:
            moment = to_micros(to_datetime(at))
            if moment < newest:
                return self.retentions(packed, at)
            days = elapsed_days(last, np.full(len(last), moment, dtype=np.int64))
            return np.clip(self.recall(self.weights(), state, days), 0.0, 1.0)

        return at_time

    def _retentions(self, histories: Histories, at: Times) -> Values:
        state, last = self.states(histories)
        return self.recall(self.weights(), state, elapsed_days(last, at))

    def _scan(self, weights: Values, histories: Histories, foretold: Values | None) -> tuple[Values, Times]:
        counts = histories.counts
        order = np.argsort(-counts, kind="stable")
        first = histories.starts[:-1][order]
        state = np.array(self.start(weights, histories.grades[first]))
        last = histories.times[first].copy()
        waiting = np.searchsorted(
            -counts[order], -np.arange(1, (counts.max() if len(counts) else 0) + 1), "right"
        )
        for step, active in enumerate(waiting[1:], start=1):
            # waiting[j] memories have more than j presentations; they stand first in the order
            place: NDArray[np.int64] = first[:active] + step
            now, grades = histories.times[place], histories.grades[place]
            days = elapsed_days(last[:active], now)
            held = state[..., :active]
            if foretold is not None:
                foretold[..., place] = self.recall(weights, held, days)
            merely, stays = grades == RECALLED, (grades == AGAIN) & (not self.lapse_resets)
            moved = self.update(weights, held, days, np.where(merely, np.int8(GOOD), grades))
            if merely.any():
                share = np.where(merely, self.retrieved, 1.0)
                moved = np.where(merely, held + share * (moved - held), moved)
                now = last[:active] + np.rint(share * (now - last[:active])).astype(np.int64)
            state[..., :active] = moved
            last[:active] = np.where(stays, last[:active], now)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return state[..., back], last[back]
