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
_FEW = 16
_MOST_LATE = 128

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
        self._single = np.zeros(dim) if single is None else np.array(single)
        self._second = np.zeros((dim, dim)) if second is None else np.array(second)
        self._late = np.empty((0, dim), np.float32)
        self._signs = np.empty(0)
        self._counted = counted
        self._sample: NDArray[np.float32] = np.empty((0, dim), np.float32)
        self._begin()

    @property
    def single(self) -> NDArray[np.float64]:
        """Sum of the rows of the documents of one piece."""
        self._fold()
        return self._single

    @property
    def second(self) -> NDArray[np.float64]:
        """Their second moment."""
        self._fold()
        return self._second

    def _begin(self) -> None:
        """Know nothing of which document has which rows."""
        self._state = (-1, -1)
        self._looked = 0
        self._several: Ints = np.empty(0, np.int64)
        self._firsts: Ints = np.empty(0, np.int64)
        self._of_one = self._of_several = 0

    def forget(self, entries: Entries, rows: Ints, stored: Rows) -> None:
        """Take the rows of removed documents off."""
        rows = rows[rows < self._counted]
        if entries.several:
            rows = rows[entries.rows_of(entries.of_rows(rows))[1] == 1]
        self._count(rows, stored, -1.0)

    def renumber(self, rows: int) -> None:
        """The rows were compacted to so many; all of them had been seen."""
        self._counted = rows
        self._begin()

    def update(self, entries: Entries, rows: Callable[[], Rows]) -> None:
        """Bring everything up to the rows of an index: only what came since is looked at."""
        state = (entries.rows, len(entries.dead))
        if state == self._state:
            return
        stored = rows()
        if self._counted < entries.rows:
            new = np.arange(self._counted, entries.rows)
            if entries.several:
                _, counts = entries.rows_of(np.arange(entries.of_rows(new[:1])[0], len(entries.docs)))
                new = new[np.repeat(counts == 1, counts)]
            self._count(new[~np.isin(new, entries.dead_rows)], stored, 1.0)
            self._counted = entries.rows
        if entries.several:
            self._look(entries, stored, removed=state[1] != self._state[1])
        self._of_one = len(entries) - self._of_several
        self._state = state

    def _look(self, entries: Entries, stored: Rows, removed: bool) -> None:
        """Find the documents of several rows that came, and sample them all if any came or went."""
        new = np.arange(self._looked, len(entries.docs))
        new = new[entries.rows_of(new)[1] > 1]
        self._looked = len(entries.docs)
        if not len(new) and not removed:
            return
        self._several = np.concatenate([self._several, new])
        several = self._several[~np.isin(self._several, entries.dead)]
        self._of_several = len(several)
        some = several[np.linspace(0, len(several) - 1, min(_SAMPLE, len(several))).astype(np.int64)]
        taken, counts = entries.rows_of(some)
        self._sample, self._firsts = stored[taken].astype(np.float32), np.cumsum(counts) - counts

    def of(self, queries: NDArray[np.float32]) -> list[tuple[float, float]]:
        """(mean, deviation) for each query; 0 and 1 when there are no documents."""
        total, squares = queries @ self._single, np.einsum("ij,ij->i", queries @ self._second, queries)
        if len(self._late):
            late = (queries @ self._late.T).astype(np.float64)
            total, squares = total + late @ self._signs, squares + np.square(late) @ self._signs
        if self._of_several:
            best = np.maximum.reduceat(queries @ self._sample.T, self._firsts, axis=1).astype(np.float64)
            total = total + self._of_several * best.mean(axis=1)
            squares = squares + self._of_several * np.square(best).mean(axis=1)
        n = self._of_one + self._of_several
        return [moments(float(one), float(two), n) for one, two in zip(total, squares, strict=True)]

    def _count(self, rows: Ints, stored: Rows, sign: float) -> None:
        if len(rows) <= _FEW:  # the second moment of one row costs as much as that of a hundred
            self._late = np.concatenate([self._late, stored[rows].astype(np.float32)])
            self._signs = np.concatenate([self._signs, np.full(len(rows), sign)])
            if len(self._late) > _MOST_LATE:
                self._fold()
            return
        for i in range(0, len(rows), _BLOCK):
            some = stored[rows[i : i + _BLOCK]].astype(np.float32)
            self._single += sign * some.sum(axis=0, dtype=np.float64)
            self._second += sign * (some.T @ some)

    def _fold(self) -> None:
        """Count the few rows that were put off."""
        if len(self._late):
            self._single += self._signs @ self._late
            self._second += (self._late * self._signs[:, None]).T @ self._late
            self._late, self._signs = self._late[:0], self._signs[:0]

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self._second.nbytes + self._sample.nbytes


def moments(total: float, squares: float, n: int) -> tuple[float, float]:
    """Mean and standard deviation from sums; the deviation is 1 where there is none."""
    if n == 0:
        return 0.0, 1.0
    mean = total / n
    variance = squares / n - mean * mean
    return mean, float(np.sqrt(variance)) if variance > 1e-12 else 1.0
