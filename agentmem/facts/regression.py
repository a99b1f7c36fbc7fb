"""A fitted logistic regression with two levels, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Weights:
    """What was fitted for one embedder.

    Attributes:
        names: of the features.
        bias: log-odds where every feature is at its mean.
        coefficients: log-odds a standard deviation of a feature.
        means, deviations: of the features on the fitting half.
        strong: the score above which 2 % of the negatives of the fitting half lay, out of fold.
        weak: the same at 10 %.
    """

    names: tuple[str, ...]
    bias: float
    coefficients: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    strong: float
    weak: float

    def scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of feature rows (rows, features)."""
        total: NDArray[np.float64] = self.bias + self._parts(rows).sum(axis=1)
        return total

    def parts(self, rows: NDArray[np.float64]) -> list[dict[str, float]]:
        """What each feature adds to each score."""
        return [dict(zip(self.names, map(float, row), strict=True)) for row in self._parts(rows)]

    def level(self, score: float) -> Literal["strong", "weak"] | None:
        """The level of a score."""
        if score > self.strong:
            return "strong"
        return "weak" if score > self.weak else None

    def _parts(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        centred = (rows - np.array(self.means)) / np.array(self.deviations)
        parts: NDArray[np.float64] = centred * np.array(self.coefficients)
        return parts
