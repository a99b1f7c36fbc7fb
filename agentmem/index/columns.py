"""What spaces do with columns of rows: compare them, take some of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Columns

_ARRAYS = ("rows", "positions", "at", "valid_from", "valid_until", "expires_at", "trust", "flags")
_LISTS = ("ids", "kinds", "speakers", "sessions", "roles", "made_by")


def checksums(tokens: NDArray[np.uint32], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
    """A number for each row's token ids in their order, to see whether they changed."""
    n = len(offsets) - 1
    counts = np.diff(offsets)
    within = np.arange(len(tokens)) - np.repeat(offsets[:-1], counts)
    mixed = (tokens + np.uint32(0x9E3779B9)) * (2 * within + 1).astype(np.uint32)
    mixed ^= mixed >> np.uint32(15)
    result = np.zeros(n, np.uint32)
    filled = counts > 0
    if filled.any():
        result[filled] = np.add.reduceat(mixed, offsets[:-1][filled], dtype=np.uint32)
    return result


def take(columns: Columns, indices: NDArray[np.int64]) -> Columns:
    """Some rows of columns, in the order of their indices."""
    tokens, token_offsets = _ragged(columns.tokens, columns.token_offsets, indices)
    vectors, vector_offsets = columns.vectors, np.zeros(len(indices) + 1, np.int64)
    if vectors is not None:
        vectors, vector_offsets = _ragged(vectors, columns.vector_offsets, indices)
    values: dict[str, Any] = {name: getattr(columns, name)[indices] for name in _ARRAYS}
    for name in _LISTS:
        column = getattr(columns, name)
        values[name] = [column[i] for i in indices]
    return Columns(
        tokens=tokens,
        token_offsets=token_offsets,
        vectors=vectors,
        vector_offsets=vector_offsets,
        **values,
    )


def _ragged(
    flat: NDArray[Any], offsets: NDArray[np.int64], indices: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    starts, counts = offsets[:-1][indices], np.diff(offsets)[indices]
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    within = np.arange(int(ends[-1])) - np.repeat(ends[:-1], counts)
    return flat[np.repeat(starts, counts) + within], ends
