"""Metrics of retrieval: a mean over every question asked, with an interval.

For a question with gold ids G and hits h_1, h_2, … (best first)::

    share@k = |G ∩ {h_1 … h_k}| / |G|      share of the evidence
    any@k   = 1 if G ∩ {h_1 … h_k} ≠ ∅     at least one piece
    all@k   = 1 if G ⊆ {h_1 … h_k}         every piece

``share`` is what is reported as recall: it is the only one of the three that neither hides missing
evidence (as ``any`` does) nor punishes a question for having more gold than ``k`` twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from agentmem.errors import InvalidInput

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over questions with its bootstrap interval.

    Attributes:
        value: the mean.
        low, high: ends of the 95 % interval.
        n: number of questions.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def share_at(hits: Sequence[str], gold: AbstractSet[str], k: int) -> float:
    """Share of the gold ids among the first k hits."""
    _need_gold(gold)
    return len(gold & set(hits[:k])) / len(gold)


def any_at(hits: Sequence[str], gold: AbstractSet[str], k: int) -> float:
    """1 when any gold id is among the first k hits, else 0."""
    _need_gold(gold)
    return float(not gold.isdisjoint(hits[:k]))


def all_at(hits: Sequence[str], gold: AbstractSet[str], k: int) -> float:
    """1 when every gold id is among the first k hits, else 0."""
    _need_gold(gold)
    return float(gold <= set(hits[:k]))


def mean(values: Sequence[float], *, seed: int = 0) -> Mean:
    """The mean of one value a question, and its 95 % interval by resampling the questions.

    Args:
        values: one number for *every* question asked; a question that failed counts 0.
        seed: of the resampling.

    Raises:
        InvalidInput: there are no questions; a mean of nothing is not a score.
    """
    if not len(values):
        raise InvalidInput("there are no questions to average over; a mean of nothing is not a score")
    array = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, len(array), (RESAMPLES, len(array)), dtype=np.int32)
    means = array[draws].mean(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Mean(float(array.mean()), float(low), float(high), len(array))


def summary(values: Mapping[str, Sequence[float]], *, seed: int = 0) -> dict[str, Mean]:
    """:func:`mean` of each named list."""
    return {name: mean(numbers, seed=seed) for name, numbers in values.items()}


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a positive scores above a negative; ties count half (Mann and Whitney).

    Raises:
        InvalidInput: one side is empty.
    """
    if not len(positive) or not len(negative):
        raise InvalidInput("an AUC needs values on both sides")
    above = np.asarray(positive, dtype=np.float64)
    below = np.sort(np.asarray(negative, dtype=np.float64))
    less = np.searchsorted(below, above, side="left")
    upto = np.searchsorted(below, above, side="right")
    return float((less + upto).sum() / (2 * len(above) * len(below)))


def _need_gold(gold: AbstractSet[str]) -> None:
    if not gold:
        raise InvalidInput("recall of a question without gold is not defined; score it as abstention")
