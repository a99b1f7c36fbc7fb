"""The order of candidates: best first, and the same every time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agentmem.recall.signals import Pool

Values = NDArray[np.float64]


def best(pools: Sequence[Pool], k: int) -> list[tuple[int, int]]:
    """The k best of all pools, as (pool, place among its candidates).

    Scores that agree to nine digits are equal: then the newest comes first, then what arrived first.
    """
    rows: list[tuple[float, int, int, int, int]] = []
    for number, pool in enumerate(pools):
        kept = _head(pool.score, k)
        docs = pool.docs[kept]
        rows.extend(
            zip(
                (-np.round(pool.score[kept], 9)).tolist(),
                (-pool.space.at[docs]).tolist(),
                [number] * len(kept),
                pool.space.positions[docs].tolist(),
                kept.tolist(),
                strict=True,
            )
        )
    return [(number, i) for _, _, number, _, i in sorted(rows)[:k]]


def _head(score: Values, k: int) -> NDArray[np.int64]:
    """Places of the k best and of all that equal the last of them."""
    if len(score) <= k:
        return np.arange(len(score))
    bound = np.partition(score, len(score) - k)[len(score) - k]
    return np.flatnonzero(score >= bound - 1e-9)
