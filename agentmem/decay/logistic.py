"""A logistic regression on twelve features of a memory's history: the best of the curves measured here.

::

    retention = 1 / (1 + e^(-z)),   z = bias + Σ_i w_i · x_i

    since   ln t, ln(1 + t), ln(1 + t/(span + 0.1))       t: days since the last use, at least a minute
    uses    ln(1 + successes), ln(1 + failures), ln(1 + successes in a row)
    last    1 if the last use was a success;  first: 1 if the first presentation was
    gaps    ln(1 + longest gap survived), ln(1 + span from first to last use), in days
    rate    (successes + 1)/(uses + 2);  lately: the mean of successes, the newer weighing more (0.3)

Writing counts as the first use. Each weight has a sign that fitting cannot change: what grows with time
may only lower retention, what grows with success only raise it. So a memory that is not used always
fades, and one that helped always rises, whatever the data said. In the odds it is a power law of time.

The default weights were fitted on all 5,677 reviews of 603 flash cards of one person, same-day repeats
included (``python -m agentmem.evals.forgetting``). One person's cards are not your memories: fit it to
your own log when you have one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from agentmem.decay.base import need, register
from agentmem.decay.history import AGAIN, Codes, Values
from agentmem.decay.recursive import RETRIEVED, Recursive

FEATURES = (
    "ln t", "ln 1+t", "ln 1+t/span", "successes", "failures", "row",
    "last", "first", "longest", "span", "rate", "lately",
)  # fmt: skip
"""The names of the features, in the order of the weights."""

SIGNS = (-1, -1, -1, 1, -1, 1, 1, 1, 1, 1, 1, 1)
"""The sign each weight must have (or be zero)."""

FITTED = (-0.208, -0.412, -0.321, 0.055, 0.0, 0.428, 0.607, 0.581, 0.279, 0.0, 4.441, 1.556)
FITTED_BIAS = -2.785
"""Weights fitted on a public log of reviews; see the module's docstring."""

_MINUTE = 1.0 / 1440.0
_LATELY = 0.3


@register
@dataclass(frozen=True)
class Logistic(Recursive):
    """Logistic regression on twelve features (see the module's docstring).

    Attributes:
        w: the weights, in the order of :data:`FEATURES`.
        bias: what is added to their sum.
        retrieved, lapse_resets: see :class:`~agentmem.decay.recursive.Recursive`.
    """

    name: ClassVar[str] = "logistic"
    w: tuple[float, ...] = FITTED
    bias: float = FITTED_BIAS
    retrieved: float = RETRIEVED
    lapse_resets: bool = False

    def __post_init__(self) -> None:
        need(len(self.w) == len(SIGNS), f"{len(SIGNS)} weights, not {len(self.w)}")
        kept = all(weight * sign >= 0 for weight, sign in zip(self.w, SIGNS, strict=True))
        need(kept, f"weights with the signs {SIGNS}")
        need(0 <= self.retrieved <= 1, "retrieved in [0, 1]")

    def weights(self) -> Values:
        """The twelve weights and the bias."""
        return np.array([*self.w, self.bias])

    def with_weights(self, weights: Values) -> Logistic:
        """This curve with other weights, the bias last."""
        return replace(self, w=tuple(float(w) for w in weights[:-1]), bias=float(weights[-1]))

    def start(self, weights: Values, grades: Codes) -> Values:
        """(successes, failures, row, last, first, longest, span, lately) after the first presentation."""
        success = np.where(grades == AGAIN, 0.0, 1.0)
        zero = np.zeros_like(success)
        lately = 0.5 + _LATELY * (success - 0.5)
        return np.array([success, 1.0 - success, success, success, success, zero, zero, lately])

    def recall(self, weights: Values, state: Values, days: Values) -> Values:
        """1 / (1 + e^(-z))."""
        z = np.tensordot(weights[:-1], self.features(state, days), 1) + weights[-1]
        return np.asarray(1.0 / (1.0 + np.exp(-z)))

    def update(self, weights: Values, state: Values, days: Values, grades: Codes) -> Values:
        """The counts after a use."""
        successes, failures, row, _, first, longest, span, lately = state
        success = np.where(grades == AGAIN, 0.0, 1.0)
        presented = 1.0 if self.lapse_resets else success
        return np.array(
            [
                successes + success,
                failures + 1.0 - success,
                (row + 1.0) * success,
                success,
                first,
                np.where(success > 0, np.maximum(longest, days), longest),
                span + days * presented,
                lately + _LATELY * (success - lately),
            ]
        )

    @staticmethod
    def features(state: Values, days: Values) -> Values:
        """The twelve features (12, n) of states some days after the last use."""
        successes, failures, row, last, first, longest, span, lately = state
        t = np.maximum(days, _MINUTE)
        return np.array(
            [
                np.log(t),
                np.log1p(t),
                np.log1p(t / (span + 0.1)),
                np.log1p(successes),
                np.log1p(failures),
                np.log1p(row),
                last,
                first,
                np.log1p(longest),
                np.log1p(span),
                (successes + 1.0) / (successes + failures + 2.0),
                lately,
            ]
        )
