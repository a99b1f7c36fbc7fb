"""Which rows of a vector index belong to which document, and which of them are dead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import Growing
from agentmem.index.base import Docs, Mask

_REBUILD_FROM = 256  # fewer dead entries than this are never worth a compaction


class Entries:
    """An entry is a document with its rows, which lie one after another.

    Args:
        docs: the document of each entry.
        starts: the first row of each entry.
        rows: how many rows there are.

    Attributes:
        rows: how many rows there are, dead ones included.
        several: whether any entry has more than one row.
        plain: whether entry e is document e for all e.
        dead: the dead entries, and ``dead_rows`` their rows.
    """

    def __init__(self, docs: Docs, starts: NDArray[np.int64], rows: int) -> None:
        n = len(docs)
        self._docs = Growing(docs)
        self._starts = Growing(starts)
        self._of = Growing(np.full(int(docs.max()) + 1 if n else 0, -1, np.int64))
        self._of.view[docs] = np.arange(n)
        self.rows = rows
        self.several = n != rows
        self.plain = bool(np.array_equal(docs, np.arange(n)))
        self.dead = np.empty(0, np.int64)
        self.dead_rows = np.empty(0, np.int64)

    @classmethod
    def empty(cls) -> Entries:
        """No entries yet."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), 0)

    def add(self, docs: Docs, counts: NDArray[np.int64]) -> None:
        """Append documents with this many rows each, none of them 0."""
        first = self._docs.n
        numbers = np.arange(first, first + len(docs))
        self.several = self.several or int(counts.max()) > 1
        self.plain = self.plain and bool(np.array_equal(docs, numbers))
        self._docs.append(docs)
        self._starts.append(self.rows + np.cumsum(counts) - counts)
        self._of.extend_to(int(docs.max()) + 1, -1)
        self._of.view[docs] = numbers
        self.rows += int(counts.sum())

    def remove(self, docs: Docs) -> NDArray[np.int64]:
        """Mark documents dead; returns their rows. What has no entry is passed over."""
        entries = self.of(docs)
        entries = np.unique(entries[entries >= 0])
        rows, _ = self.rows_of(entries)
        if len(entries):
            self._of.view[self.docs[entries]] = -1
            self.dead = np.concatenate([self.dead, entries])
            self.dead_rows = np.concatenate([self.dead_rows, rows])
        return rows

    @property
    def crowded(self) -> bool:
        """Whether so many are dead that the index is worth a compaction."""
        return len(self.dead) > max(_REBUILD_FROM, self._docs.n // 4)

    def compacted(self) -> tuple[Entries, NDArray[np.int64]]:
        """The live entries numbered anew, and which old rows are theirs, in order."""
        kept = np.ones(self._docs.n, bool)
        kept[self.dead] = False
        entries = np.flatnonzero(kept)
        rows, counts = self.rows_of(entries)
        return Entries(self.docs[entries], np.cumsum(counts) - counts, len(rows)), rows

    def of(self, docs: Docs) -> NDArray[np.int64]:
        """The live entry of each document, -1 for none."""
        known = self._of.view
        if not len(docs) or int(docs.max()) < len(known):
            return known[docs]
        inside = docs < len(known)
        entries = np.full(len(docs), -1, np.int64)
        entries[inside] = known[docs[inside]]
        return entries

    def of_rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The entry of each row."""
        return np.searchsorted(self.starts, rows, side="right") - 1 if self.several else rows

    def rows_of(self, entries: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows of entries one after another, and how many each has."""
        starts = self.starts[entries]
        if not self.several:
            return starts, np.ones(len(entries), np.int64)
        after = np.minimum(entries + 1, self._starts.n - 1)
        counts = np.where(entries + 1 < self._starts.n, self.starts[after], self.rows) - starts
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(starts, counts) + within, counts

    def allowed(self, mask: Mask) -> Mask:
        """A mask of documents as one of entries."""
        return mask[: self._docs.n] if self.plain else mask[self.docs]

    @property
    def docs(self) -> Docs:
        """The document of each entry."""
        return self._docs.view

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first row of each entry."""
        return self._starts.view

    @property
    def live_rows(self) -> int:
        """How many rows are not dead."""
        return self.rows - len(self.dead_rows)

    def __len__(self) -> int:
        return self._docs.n - len(self.dead)

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self._docs.nbytes + self._starts.nbytes + self._of.nbytes
