"""How many documents hold each term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FOLD = 4096
"""Changes of more terms than this are folded into the sorted arrays."""


class Frequencies:
    """Counts of terms: sorted arrays, which may be memory-mapped, and a dictionary of later changes.

    Args:
        terms: uint32, sorted.
        counts: int64, one each.
    """

    __slots__ = ("_changes", "_counts", "_terms")

    def __init__(
        self, terms: NDArray[np.uint32] | None = None, counts: NDArray[np.int64] | None = None
    ) -> None:
        self._terms = np.empty(0, dtype=np.uint32) if terms is None else terms
        self._counts = np.empty(0, dtype=np.int64) if counts is None else counts
        self._changes: dict[int, int] = {}

    def add(self, terms: NDArray[np.int64], sign: int) -> None:
        """Add ``sign`` for each occurrence of a term in ``terms``."""
        if len(self._changes) + len(terms) > _FOLD:
            self._fold(terms, sign)
            return
        changes = self._changes
        for term in terms.tolist():
            changes[term] = changes.get(term, 0) + sign

    def _fold(self, more: NDArray[np.int64], sign: int) -> None:
        found, counts = np.unique(more, return_counts=True)
        pairs = np.asarray(list(self._changes.items()), dtype=np.int64).reshape(-1, 2)
        terms = np.concatenate([self._terms.astype(np.int64), pairs[:, 0], found])
        terms, inverse = np.unique(terms, return_inverse=True)
        summed = np.zeros(len(terms), dtype=np.int64)
        np.add.at(summed, inverse, np.concatenate([self._counts, pairs[:, 1], sign * counts]))
        left = summed > 0
        self._terms, self._counts, self._changes = terms[left].astype(np.uint32), summed[left], {}

    def of(self, terms: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
        """The count of each term, 0 for one that never came."""
        ids = np.asarray(terms, dtype=np.int64)
        counts = np.zeros(len(ids), dtype=np.int64)
        if len(self._terms):
            at = np.searchsorted(self._terms, ids)
            at[at == len(self._terms)] = 0
            counts = np.where(self._terms[at] == ids, self._counts[at], 0)
        if self._changes:
            get = self._changes.get
            counts = counts + np.asarray([get(term, 0) for term in ids.tolist()], dtype=np.int64)
        return counts

    def to_arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Terms and counts, as the constructor takes them."""
        if self._changes:
            self._fold(np.empty(0, dtype=np.int64), 1)
        return self._terms, self._counts

    @property
    def nbytes(self) -> int:
        """Memory held, the dictionary estimated."""
        return self._terms.nbytes + self._counts.nbytes + 100 * len(self._changes)
