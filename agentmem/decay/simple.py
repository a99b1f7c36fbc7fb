"""Curves with a strength: MemoryBank's, the exponential and the power law; and no forgetting at all.

With t the days since the last use and S the strength in days::

    exponential   R = c·e^(-t/S)             Ebbinghaus (1885), as usually written with c = 1
    power law     R = c·(1 + t/S)^(-power)   Wickelgren (1974); Wixted & Ebbesen (1991)

Aggregated forgetting follows the power law better than the exponential: what was once useful keeps a
tail instead of vanishing. The defaults of both were fitted on a public log of flash cards, on gaps of a
day and more (``python -m agentmem.evals.forgetting --defaults``); MemoryBank's are the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from agentmem.decay.base import Curve, need, register
from agentmem.decay.history import AGAIN, Codes, Histories, Times, Values
from agentmem.decay.recursive import RETRIEVED, Recursive

_SHARE_OF_GROWTH = np.array([1.0, 0.0, 0.5, 1.0, 1.5])
"""By grade: a hard use strengthens half as much as a good one, an easy one half more."""

SHORTEST, LONGEST = 1e-6, 36_500.0
"""Bounds of a strength in days."""


@register
@dataclass(frozen=True)
class Constant(Curve):
    """No forgetting: every memory keeps the same retention (1), or a base rate to compare with."""

    name: ClassVar[str] = "constant"
    rate: float = 1.0

    def __post_init__(self) -> None:
        need(0 <= self.rate <= 1, "a rate in [0, 1]")

    def _retentions(self, histories: Histories, at: Times) -> Values:
        return np.full(len(histories), self.rate)


@register
@dataclass(frozen=True)
class MemoryBank(Recursive):
    """MemoryBank's Ebbinghaus curve (Zhong et al. 2023, arXiv:2305.10250, section 3.3).

    ::

        R = e^(-t / (days · S))        t: days since the last recall
        on recall: S <- S + step, t <- 0

    The paper: S begins at 1, step 1, the unit of t not stated (days are implied, so ``days=1``). To be
    retrieved is to be recalled there, so ``retrieved=1``. What was wrong (``"again"``) is no recall and
    changes nothing. The released code writes ``exp(-t / 5 * S)``, which is e^(-t·S/5): the *stronger* a
    memory, the faster it fades. ``days=5`` is what that line meant; ``as_coded=True`` what it does.

    It knows no failure and no difficulty; on real reviews it foretells worse than a constant.

    Attributes:
        strength: S of a new memory.
        step: what a recall adds to S.
        days: the time unit of S in days.
        as_coded: the released code's formula, in whole days, with 5 in place of ``days``.
        retrieved: share of a recall that mere retrieval is.
        lapse_resets: see :class:`~agentmem.decay.recursive.Recursive`.
    """

    name: ClassVar[str] = "memorybank"
    strength: float = 1.0
    step: float = 1.0
    days: float = 1.0
    as_coded: bool = False
    retrieved: float = 1.0
    lapse_resets: bool = False

    def __post_init__(self) -> None:
        need(self.strength > 0 and self.days > 0 and self.step >= 0, "strength > 0, days > 0 and step >= 0")
        need(0 <= self.retrieved <= 1, "retrieved in [0, 1]")

    def weights(self) -> Values:
        """(strength, step)."""
        return np.array([self.strength, self.step])

    def with_weights(self, weights: Values) -> MemoryBank:
        """This curve with another strength and step."""
        return replace(self, strength=float(weights[0]), step=float(weights[1]))

    def start(self, weights: Values, grades: Codes) -> Values:
        """S of a new memory."""
        return np.array([weights[0] * np.ones(len(grades))])

    def recall(self, weights: Values, state: Values, days: Values) -> Values:
        """R of the class's docstring."""
        if self.as_coded:
            return np.asarray(np.exp(-np.floor(days) * state[0] / 5.0))
        return np.asarray(np.exp(-days / (self.days * state[0])))

    def update(self, weights: Values, state: Values, days: Values, grades: Codes) -> Values:
        """S + step on recall; a failure is none."""
        return np.asarray(state + np.where(grades == AGAIN, 0.0, 1.0) * weights[1])


@dataclass(frozen=True)
class _Strength(Recursive):
    """What exponential and power law share: how the strength S changes with use.

    ::

        success   S <- S · (1 + (growth - 1) · g · (1 - R/ceiling)^spacing)    g: hard 0.5, good 1, easy 1.5
        failure   S <- S · loss

    With ``spacing`` above 0 a use that comes when much is forgotten strengthens more: the spacing effect.

    Attributes:
        strength: S of a new memory, in days.
        growth: factor of S on a good use when all else was forgotten (or always, with ``spacing=0``).
        loss: factor of S on a failure.
        ceiling: retention just after a use; below 1 where even what was just seen can fail.
        first: factor of S of a memory whose first presentation was a failure.
        spacing: how much the growth depends on what was forgotten.
        retrieved, lapse_resets: see :class:`~agentmem.decay.recursive.Recursive`.
    """

    strength: float
    growth: float
    loss: float
    ceiling: float
    first: float
    spacing: float
    retrieved: float
    lapse_resets: bool

    def __post_init__(self) -> None:
        need(SHORTEST <= self.strength <= LONGEST, f"{SHORTEST} <= strength <= {LONGEST}")
        need(self.growth >= 1 and self.spacing >= 0, "growth >= 1 and spacing >= 0")
        need(0 < self.loss <= 1 and 0 < self.first <= 1, "loss and first in (0, 1]")
        need(0 < self.ceiling <= 1 and 0 <= self.retrieved <= 1, "0 < ceiling <= 1 and retrieved in [0, 1]")

    def weights(self) -> Values:
        """(strength, growth, loss, ceiling, first, spacing)."""
        return np.array([self.strength, self.growth, self.loss, self.ceiling, self.first, self.spacing])

    def with_weights(self, weights: Values) -> Recursive:
        """This curve with other numbers, in the order of :meth:`weights`."""
        names = ("strength", "growth", "loss", "ceiling", "first", "spacing", "power")
        changes: dict[str, Any] = {name: float(w) for name, w in zip(names, weights, strict=False)}
        return replace(self, **changes)

    def start(self, weights: Values, grades: Codes) -> Values:
        """S of a new memory."""
        return np.array([weights[0] * np.where(grades == AGAIN, weights[4], 1.0)])

    def update(self, weights: Values, state: Values, days: Values, grades: Codes) -> Values:
        """S after a use, between :data:`SHORTEST` and :data:`LONGEST`."""
        forgotten = np.clip(1.0 - self.recall(weights, state, days) / weights[3], 0.0, 1.0)
        gain = (weights[1] - 1.0) * _SHARE_OF_GROWTH[grades] * forgotten ** weights[5]
        factor = np.where(grades == AGAIN, weights[2], 1.0 + gain)
        return np.asarray(np.clip(state * factor, SHORTEST, LONGEST))


@register
@dataclass(frozen=True)
class Exponential(_Strength):
    """R = ceiling · e^(-t/S). With ``ceiling=1, spacing=0`` and S = 1 the textbook's Ebbinghaus curve."""

    name: ClassVar[str] = "exponential"
    strength: float = 71.3
    growth: float = 10.8
    loss: float = 0.827
    ceiling: float = 0.896
    first: float = 0.031
    spacing: float = 0.512
    retrieved: float = RETRIEVED
    lapse_resets: bool = False

    def recall(self, weights: Values, state: Values, days: Values) -> Values:
        """The retention, ceiling · e^(-t/S)."""
        return np.asarray(weights[3] * np.exp(-days / state[0]))


@register
@dataclass(frozen=True)
class PowerLaw(_Strength):
    """R = ceiling · (1 + t/S)^(-power): Wickelgren's λ(1 + βt)^(-ψ) with β = 1/S.

    Attributes:
        power: the exponent; in the long run R falls as t^(-power).
    """

    name: ClassVar[str] = "power"
    strength: float = 38.8
    growth: float = 10.0
    loss: float = 0.698
    ceiling: float = 0.916
    first: float = 0.043
    spacing: float = 0.566
    retrieved: float = RETRIEVED
    lapse_resets: bool = False
    power: float = 0.725

    def __post_init__(self) -> None:
        super().__post_init__()
        need(self.power > 0, "power > 0")

    def weights(self) -> Values:
        """(strength, growth, loss, ceiling, first, spacing, power)."""
        return np.append(super().weights(), self.power)

    def recall(self, weights: Values, state: Values, days: Values) -> Values:
        """The retention, ceiling · (1 + t/S)^(-power)."""
        return np.asarray(weights[3] * np.exp(-weights[6] * np.log1p(days / state[0])))
