"""Generative Agents' retrieval score (Park et al. 2023, arXiv:2304.03442): recency, importance, relevance.

::

    score = a_r · recency + a_i · importance + a_v · relevance      each min-max scaled to [0, 1] first
    recency = 0.995^h        h: hours since the memory was last accessed; all weights 1

The recency halves in 138.3 hours. The released code has instead 0.99^rank, with the oldest access
first, so that the *oldest* is the most recent; that is not repeated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from agentmem.clock import TimeLike
from agentmem.decay.base import need, register
from agentmem.decay.history import Codes, Histories, History, Values
from agentmem.decay.recursive import Recursive
from agentmem.errors import InvalidInput


@register
@dataclass(frozen=True)
class GenerativeAgents(Recursive):
    """Recency 0.995^hours as a retention, and the paper's score of a set of candidates.

    Mere retrieval counts as much as any use (``retrieved=1``), as in the paper.

    Attributes:
        base: the recency an hour after an access.
        recency, importance, relevance: the weights of the score.
        retrieved, lapse_resets: see :class:`~agentmem.decay.recursive.Recursive`.
    """

    name: ClassVar[str] = "generative-agents"
    base: float = 0.995
    recency: float = 1.0
    importance: float = 1.0
    relevance: float = 1.0
    retrieved: float = 1.0
    lapse_resets: bool = False

    def __post_init__(self) -> None:
        need(0 < self.base < 1, "0 < base < 1")
        need(0 <= self.retrieved <= 1, "retrieved in [0, 1]")

    def weights(self) -> Values:
        """(base,)."""
        return np.array([self.base])

    def with_weights(self, weights: Values) -> GenerativeAgents:
        """This curve with another base."""
        return replace(self, base=float(weights[0]))

    def start(self, weights: Values, grades: Codes) -> Values:
        """Nothing is remembered of the past but when it ended."""
        return np.asarray(np.zeros((1, len(grades))) * weights[0])

    def recall(self, weights: Values, state: Values, days: Values) -> Values:
        """0.995^hours."""
        return np.asarray(weights[0] ** (24.0 * days) + state[0])

    def update(self, weights: Values, state: Values, days: Values, grades: Codes) -> Values:
        """Still nothing."""
        return state

    def scores(
        self, histories: Histories | Iterable[History], relevance: Sequence[float] | Values, at: TimeLike
    ) -> Values:
        """The paper's score of each candidate: a weighted sum of the three parts, each min-max scaled.

        Args:
            histories: of the candidates; their ``importance`` is the second part.
            relevance: of each candidate to the query, such as a cosine.
            at: the time of the query.

        Returns:
            One score each, from 0 to the sum of the weights. It depends on who the other candidates are.
        """
        packed = histories if isinstance(histories, Histories) else Histories.pack(histories)
        fitting = np.asarray(relevance, dtype=np.float64)
        if fitting.shape != (len(packed),):
            raise InvalidInput(f"{len(packed)} candidates need as many relevances, not {fitting.shape}")
        return np.asarray(
            self.recency * scaled(self.retentions(packed, at))
            + self.importance * scaled(packed.importance)
            + self.relevance * scaled(fitting)
        )


def scaled(values: Values) -> Values:
    """Min-max scaled to [0, 1]; where all are equal, 0.5 each, as in the released code."""
    if not len(values):
        return values
    low, high = values.min(), values.max()
    if high == low:
        return np.full(len(values), 0.5)
    return np.asarray((values - low) / (high - low))
