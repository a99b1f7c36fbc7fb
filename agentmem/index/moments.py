"""Mean and deviation of the cosines of all documents with any query, without scanning them.

The sum and the second moment of rows give both at once for documents of one piece. Of those of several,
whose best piece counts, a thousand spread evenly are scored: all of them where there are no more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from agentmem.index.entries import Entries

_SAMPLE = 1_024
_BLOCK = 16_384

Rows = NDArray[np.float16]
Ints = NDArray[np.int64]


class Moments:
    """What is kept of the rows of an index to tell the moments of its documents' cosines.

    Args:
        dim: width.
        single: sum of the rows of the documents of one piece, and their second moment, if known.
        second: see ``single``.
        counted: how many rows, from the first on, these two have seen.
    """

    def __init__(
        self,
        dim: int,
        single: NDArray[np.float64] | None = None,
        second: NDArray[np.float64] | None = None,
        counted: int = 0,
    ) -> None:
        self.single = np.zeros(dim) if single is None else np.array(single)
        self.second = np.zeros((dim, dim)) if second is None else np.array(second)
        self._counted = counted
        self._state = (-1, -1)
        self._sample: NDArray[np.float32] = np.empty((0, dim), np.float32)
        self._firsts: Ints = np.empty(0, np.int64)
        self._of_one = self._of_several = 0

    def forget(self, entries: Entries, rows: Ints, stored: Rows) -> None:
        """Take the rows of removed documents off."""
        rows = rows[rows < self._counted]
        self._count(rows[_alone(entries)[rows]], stored, -1.0)

    def renumber(self, rows: int) -> None:
        """The rows were compacted to so many; all of them had been seen."""
        self._counted = rows
        self._state = (-1, -1)

    def update(self, entries: Entries, rows: Callable[[], Rows]) -> None:
        """Bring everything up to the rows of an index."""
        state = (entries.rows, len(entries.dead))
        if state == self._state:
            return
        stored, alone = rows(), _alone(entries)
        if self._counted < entries.rows:
            new = np.arange(self._counted, entries.rows)
            new = new[alone[self._counted :]]
            self._count(new[~np.isin(new, entries.dead_rows)], stored, 1.0)
            self._counted = entries.rows
        self._of_several = self._of_one = 0
        if entries.several:
            _, counts = entries.rows_of(np.arange(len(entries.docs)))
            many = counts > 1
            many[entries.dead] = False
            several = np.flatnonzero(many)
            self._of_several = len(several)
            some = several[np.linspace(0, len(several) - 1, min(_SAMPLE, len(several))).astype(np.int64)]
            taken, counts = entries.rows_of(some)
            self._sample, self._firsts = stored[taken].astype(np.float32), np.cumsum(counts) - counts
        self._of_one = len(entries) - self._of_several
        self._state = state

    def of(self, queries: NDArray[np.float32]) -> list[tuple[float, float]]:
        """(mean, deviation) for each query; 0 and 1 when there are no documents."""
        total, squares = queries @ self.single, np.einsum("ij,ij->i", queries @ self.second, queries)
        if self._of_several:
            best = np.maximum.reduceat(queries @ self._sample.T, self._firsts, axis=1).astype(np.float64)
            total = total + self._of_several * best.mean(axis=1)
            squares = squares + self._of_several * np.square(best).mean(axis=1)
        n = self._of_one + self._of_several
        return [moments(float(one), float(two), n) for one, two in zip(total, squares, strict=True)]

    def _count(self, rows: Ints, stored: Rows, sign: float) -> None:
        for i in range(0, len(rows), _BLOCK):
            some = stored[rows[i : i + _BLOCK]].astype(np.float32)
            self.single += sign * some.sum(axis=0, dtype=np.float64)
            self.second += sign * (some.T @ some)

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self.second.nbytes + self._sample.nbytes


def _alone(entries: Entries) -> NDArray[np.bool_]:
    """For each row whether it is the only one of its document."""
    if not entries.several:
        return np.ones(entries.rows, bool)
    counts = np.diff(entries.starts, append=entries.rows)
    return np.repeat(counts == 1, counts)


def moments(total: float, squares: float, n: int) -> tuple[float, float]:
    """Mean and standard deviation from sums; the deviation is 1 where there is none."""
    if n == 0:
        return 0.0, 1.0
    mean = total / n
    variance = squares / n - mean * mean
    return mean, float(np.sqrt(variance)) if variance > 1e-12 else 1.0
