"""The best k of an array of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCKS = 64


def top(
    scores: NDArray[Any], k: int, mask: NDArray[np.bool_] | None = None, floor: float = 0.0
) -> NDArray[np.int64]:
    """The k documents of highest score, best first; equal scores by document number.

    The k-th largest maximum of interleaved blocks is a lower bound of the k-th score, so that only the few
    documents at or above it are sorted, never the whole array.

    Args:
        scores: one per document.
        k: how many at most.
        mask: which documents may be returned; None for all.
        floor: only documents above this score.
    """
    if k <= 0 or not len(scores):
        return np.empty(0, dtype=np.int64)
    if mask is not None:
        scores = np.where(mask[: len(scores)], scores, -np.inf)
    width = len(scores) // _BLOCKS
    bound = -np.inf
    if width >= 4 * k:
        blocks = scores[: width * _BLOCKS].reshape(_BLOCKS, width).max(axis=0)
        bound = float(np.partition(blocks, width - k)[width - k])
    found = np.flatnonzero(scores >= bound) if bound > floor else np.flatnonzero(scores > floor)
    values = scores[found]
    if len(found) > 4 * k:
        kth = np.partition(values, len(values) - k)[len(values) - k]
        better, equal = np.flatnonzero(values > kth), np.flatnonzero(values == kth)
        keep = np.concatenate([better, equal[: k - len(better)]])
        found, values = found[keep], values[keep]
    return found[np.lexsort((found, -values))[:k]]
