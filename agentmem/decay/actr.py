"""ACT-R's base-level activation: every use leaves a trace that fades as a power of its age.

With t_j the seconds since the j-th presentation (at least 1), d the decay and w_j the weight of a use::

    B = ln Σ_j w_j · t_j^(-d)                               Anderson & Lebiere 1998; d = 0.5
    retention = 1 / (1 + e^((τ - B)/s))                     ACT-R's probability of recall

This is the rational prior of Anderson & Schooler (1991): the odds that something is needed again fall
as a power of recency and rise with frequency. It knows no difficulty: where what is hard is repeated
most, as with flash cards, frequency misleads it.

The sum needs every use. Petrov (2006) keeps the k newest exactly and spreads the others evenly over
the time between the first (age t_n) and the k-th newest (age t_k)::

    B ≈ ln[ Σ_(j<=k) t_j^(-d) + (n-k) · (t_n^(1-d) - t_k^(1-d)) / ((1-d)(t_n - t_k)) ]

For even use that errs by .1 in B or less; for bursts that lie months apart by 1 or more, as the uses
are then not spread evenly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import numpy as np

from agentmem.clock import TimeLike, to_datetime, to_micros
from agentmem.decay.base import Curve, need, register
from agentmem.decay.history import AGAIN, RECALLED, Histories, History, Times, Values
from agentmem.decay.recursive import RETRIEVED

_SECOND = 1_000_000


@register
@dataclass(frozen=True)
class ActR(Curve):
    """Base-level activation through ACT-R's logistic (formulae in the module's docstring).

    ACT-R leaves τ and s to the task. The defaults say that of what was written and never used, half is
    remembered after 30 days: τ = -0.5·ln(30·86400).

    Attributes:
        decay: d.
        threshold: τ, the activation at which retention is one half.
        scale: s of the logistic; ACT-R's usual noise is 0.25 to 0.5.
        recent: k of Petrov's form; None computes the exact sum.
        retrieved: weight of a mere retrieval; ACT-R itself has 1 for every use.
        failed: weight of ``"again"``: 1 where the answer is shown after a failure, as with flash cards; a
            memory that was wrong or useless leaves no trace.
    """

    name: ClassVar[str] = "actr"
    decay: float = 0.5
    threshold: float = -7.384
    scale: float = 0.5
    recent: int | None = None
    retrieved: float = RETRIEVED
    failed: float = 0.0

    def __post_init__(self) -> None:
        need(0 < self.decay < 1 and self.scale > 0, "0 < decay < 1 and scale > 0")
        need(self.recent is None or self.recent >= 1, "recent >= 1 or None")
        need(0 <= self.retrieved <= 1 and 0 <= self.failed <= 1, "retrieved and failed in [0, 1]")

    def activation(self, history: History, at: TimeLike) -> float:
        """B of one memory at a time; uses after it are not looked at."""
        moment = np.array([to_micros(to_datetime(at))], dtype=np.int64)
        return float(self.activations(Histories.pack([history]).upto(moment), moment)[0])

    def activations(self, histories: Histories, at: Times) -> Values:
        """B of each memory at its time, every presentation taken as past."""
        weights = np.select(
            [histories.grades == RECALLED, histories.grades == AGAIN], [self.retrieved, self.failed], 1.0
        )
        weights[histories.starts[:-1]] = 1.0
        histories, weights = histories.only(weights > 0), weights[weights > 0]
        starts, owners = histories.starts[:-1], histories.owners
        ages = np.maximum((at[owners] - histories.times) / _SECOND, 1.0)
        if self.recent is None:
            return np.asarray(np.log(np.add.reduceat(weights * ages**-self.decay, starts)))
        ends = histories.starts[1:]
        exact = ends[owners] - np.arange(len(owners)) <= self.recent
        newest = np.add.reduceat(np.where(exact, weights * ages**-self.decay, 0.0), starts)
        others = np.add.reduceat(np.where(exact, 0.0, weights), starts)
        edge = ages[np.maximum(ends - self.recent, starts)]
        return np.asarray(np.log(newest + others * _even(edge, ages[starts], self.decay)))

    def _retentions(self, histories: Histories, at: Times) -> Values:
        with np.errstate(over="ignore"):  # e^large is inf, and 1 / inf is the right 0
            exponent = (self.threshold - self.activations(histories, at)) / self.scale
            return np.asarray(1.0 / (1.0 + np.exp(exponent)))


@dataclass(frozen=True, slots=True)
class Trace:
    """All that Petrov's form needs of a memory: constant memory, whatever the number of uses.

    Attributes:
        first: time of the first presentation.
        recent: times of the newest presentations, newest first, at most ``keep``.
        count: presentations so far.
        keep: k.
    """

    first: datetime
    recent: tuple[datetime, ...]
    count: int
    keep: int = 3

    @classmethod
    def begin(cls, at: TimeLike, *, keep: int = 3) -> Trace:
        """The trace of a memory written at a time."""
        need(keep >= 1, "keep >= 1")
        moment = to_datetime(at)
        return cls(moment, (moment,), 1, keep)

    def used(self, at: TimeLike) -> Trace:
        """The trace after one more use, not earlier than the newest."""
        return Trace(self.first, (to_datetime(at), *self.recent)[: self.keep], self.count + 1, self.keep)

    def activation(self, at: TimeLike, decay: float = 0.5) -> float:
        """B at a time, as :meth:`ActR.activation` has it with ``recent=keep``."""
        moment = to_datetime(at)
        ages = [max((moment - time).total_seconds(), 1.0) for time in self.recent]
        total = sum(age**-decay for age in ages)
        if self.count > len(ages):
            oldest = max((moment - self.first).total_seconds(), 1.0)
            total += (self.count - len(ages)) * float(_even(np.array(ages[-1]), np.array(oldest), decay))
        return math.log(total)


def _even(near: Values, far: Values, decay: float) -> Values:
    """Mean of t^(-d) over ages spread evenly from near to far."""
    span = far - near
    apart = span > 1e-9 * far
    width = np.where(apart, span, 1.0)
    mean = (far ** (1 - decay) - near ** (1 - decay)) / ((1 - decay) * width)
    return np.asarray(np.where(apart, mean, near**-decay))
