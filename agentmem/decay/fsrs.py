"""FSRS-6, the scheduler of Anki, as a forgetting curve: stability and difficulty after each review.

The formulae are those of Open Spaced Repetition's FSRS-6 (the model of ``fsrs`` 6.3.2 on PyPI, MIT
licence), written anew on arrays; a test holds them equal to that package. With t days since the last
review, S the stability (the days after which R is 0.9), D the difficulty in [1, 10], G the grade from
1 (again) to 4 (easy) and w the 21 weights::

    R(t, S) = (1 + f·t/S)^(-w20),   f = 0.9^(-1/w20) - 1

    first:    S = w[G-1],   D = w4 - e^(w5(G-1)) + 1
    success:  S' = S·(1 + e^w8·(11-D)·S^(-w9)·(e^(w10(1-R)) - 1)·h·b)     h = w15 if hard, b = w16 if easy
    lapse:    S' = min(w11·D^(-w12)·((S+1)^w13 - 1)·e^(w14(1-R)),  S·e^(-w17·w18))
    same day: S' = S·e^(w17(G-3+w18))·S^(-w19), and not below S unless G = 1
    always:   D' = w7·D0(4) + (1-w7)·(D - w6(G-3)(10-D)/9),   S' >= 0.001,   1 <= D' <= 10

D in the update of S is the one before. A review within the first day is a same-day one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from agentmem.decay.base import need, register
from agentmem.decay.history import AGAIN, EASY, GOOD, HARD, Codes, Values
from agentmem.decay.recursive import Recursive

DEFAULTS = (
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796,
    1.4835, 0.0614, 0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
)  # fmt: skip
"""The published weights of FSRS-6, as its authors fitted them on many people's Anki reviews."""

LOWER = (
    0.001, 0.001, 0.001, 0.001, 1.0, 0.001, 0.001, 0.001, 0.0, 0.0, 0.001,
    0.001, 0.001, 0.001, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.1,
)  # fmt: skip
"""The smallest weights that FSRS-6 allows."""

UPPER = (
    100.0, 100.0, 100.0, 100.0, 10.0, 4.0, 4.0, 0.75, 4.5, 0.8, 3.5,
    5.0, 0.25, 0.9, 4.0, 1.0, 6.0, 2.0, 2.0, 0.8, 0.8,
)  # fmt: skip
"""The largest weights that FSRS-6 allows."""

_LEAST_STABILITY = 0.001


@register
@dataclass(frozen=True)
class FSRS6(Recursive):
    """FSRS-6 (see the module's docstring for the formulae).

    ``FSRS6(lapse_resets=True)`` is the package's to the last digits. Mere retrieval is no event here, as
    FSRS knows none like it; set ``retrieved`` to let it count.

    Attributes:
        w: the 21 weights.
        whole_days: count elapsed days as the package does, whole ones only, so that R stays 1 for a day;
            False lets retention fall by the hour.
        retrieved, lapse_resets: see :class:`~agentmem.decay.recursive.Recursive`.
    """

    name: ClassVar[str] = "fsrs6"
    w: tuple[float, ...] = DEFAULTS
    whole_days: bool = True
    retrieved: float = 0.0
    lapse_resets: bool = False

    def __post_init__(self) -> None:
        need(len(self.w) == len(DEFAULTS), f"{len(DEFAULTS)} weights, not {len(self.w)}")
        inside = all(low <= w <= high for low, w, high in zip(LOWER, self.w, UPPER, strict=True))
        need(inside, "FSRS-6 weights between fsrs.LOWER and fsrs.UPPER")
        need(0 <= self.retrieved <= 1, "retrieved in [0, 1]")

    def weights(self) -> Values:
        """The 21 weights."""
        return np.array(self.w)

    def with_weights(self, weights: Values) -> FSRS6:
        """This curve with other weights."""
        return replace(self, w=tuple(float(w) for w in weights))

    def start(self, weights: Values, grades: Codes) -> Values:
        """(S, D) after the first review."""
        w = weights
        stability = np.choose(np.asarray(grades) - AGAIN, [w[0], w[1], w[2], w[3]])
        stability = np.maximum(stability, _LEAST_STABILITY)
        return np.array([stability, np.clip(_first_difficulty(w, grades), 1.0, 10.0) + 0.0 * stability])

    def recall(self, weights: Values, state: Values, days: Values) -> Values:
        """R(t, S)."""
        decay = -weights[20]
        factor = 0.9 ** (1.0 / decay) - 1.0
        passed = np.floor(days) if self.whole_days else days
        return np.asarray((1.0 + factor * passed / state[0]) ** decay)

    def update(self, weights: Values, state: Values, days: Values, grades: Codes) -> Values:
        """(S', D') after a review."""
        w, (stability, difficulty) = weights, state
        failed = grades == AGAIN
        forgotten = 1.0 - self.recall(w, state, days)
        bonus = np.where(grades == HARD, w[15], 1.0) * np.where(grades == EASY, w[16], 1.0)
        ease = np.exp(w[8]) * (11.0 - difficulty) * stability ** -w[9]
        success = stability * (1.0 + ease * np.expm1(w[10] * forgotten) * bonus)
        relearned = (
            w[11] * difficulty ** -w[12] * ((stability + 1.0) ** w[13] - 1.0) * np.exp(w[14] * forgotten)
        )
        lapse = np.minimum(relearned, stability * np.exp(-w[17] * w[18]))
        grown = np.exp(w[17] * (grades - float(GOOD) + w[18])) * stability ** -w[19]
        same_day = stability * np.where(failed, grown, np.maximum(grown, 1.0))
        after = np.where(days < 1.0, same_day, np.where(failed, lapse, success))
        shifted = difficulty - w[6] * (grades - float(GOOD)) * (10.0 - difficulty) / 9.0
        reverted = w[7] * _first_difficulty(w, EASY) + (1.0 - w[7]) * shifted
        return np.array([np.maximum(after, _LEAST_STABILITY), np.clip(reverted, 1.0, 10.0)])

    def interval(self, stability: float, retention: float = 0.9) -> float:
        """Days until R falls to a retention: (S/f)(r^(-1/w20) - 1); the stability itself at 0.9."""
        need(0 < retention < 1, "a retention in (0, 1)")
        decay = -self.w[20]
        return float(stability / (0.9 ** (1.0 / decay) - 1.0) * (retention ** (1.0 / decay) - 1.0))


def _first_difficulty(w: Values, grade: Codes | int) -> Values:
    return np.asarray(w[4] - np.exp(w[5] * (np.asarray(grade, dtype=np.float64) - 1.0)) + 1.0)
