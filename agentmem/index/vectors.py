"""Exact vector search in numpy: the default, and the oracle of every other index.

A single query is one pass of dot products on one thread (as fast as a flat index of a dedicated
library, see :mod:`tests.index.test_vectors`); many queries are one matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.errors import UnknownOption
from agentmem.index.arrays import Growing
from agentmem.index.base import Docs, Mask, Probe, VectorIndex
from agentmem.index.entries import Entries
from agentmem.index.moments import moments

KINDS = ("auto", "numpy", "faiss", "faiss-gpu")
_AUTO_FROM = 50_000
"""Documents from which "auto" takes FAISS where it is installed. At 100,000 of 256 a query takes .4 ms of
CPU there and 2.8 ms here; below, loading the library (70 to 95 ms) costs more than a command gains."""

_BATCH_BYTES = 64 << 20  # scores held at once for a batch of queries
_LARGE = 1_000  # first rows from which on they are not copied when others follow
_FEW = 4  # fewer queries than this are scanned one by one


class NumpyVectors(VectorIndex):
    """Float32 rows in one growing buffer, scanned whole.

    Args:
        dim: width.
        base: rows to begin with, which may be a read-only memory map; never written to.
        entries: whose rows these are.
    """

    exact = True
    device = "cpu"
    kind = "numpy"

    def __init__(
        self, dim: int, base: NDArray[np.float32] | None = None, entries: Entries | None = None
    ) -> None:
        self.dim = dim
        self._base = np.empty((0, dim), np.float32) if base is None else base
        self._tail = Growing.empty(np.float32, dim)
        self._entries = Entries.empty() if entries is None else entries

    # --- writing -------------------------------------------------------------------------------
    def add(self, docs: Docs, vectors: NDArray[Any], offsets: NDArray[np.int64]) -> None:
        """See :meth:`VectorIndex.add`."""
        docs, counts = filled(docs, offsets)
        if not len(docs):
            return
        rows = vectors[int(offsets[0]) : int(offsets[-1])]
        if not self._entries.rows and len(rows) >= _LARGE:
            self._base = np.ascontiguousarray(rows, np.float32)  # a buffer of its own grows behind it
        else:
            self._tail.append(rows)
        self._entries.add(docs, counts)

    def remove(self, docs: Docs) -> None:
        """See :meth:`VectorIndex.remove`."""
        self._entries.remove(np.asarray(docs, np.int64))
        if self._entries.crowded:
            self._compact()

    def _compact(self) -> None:
        self._entries, rows = self._entries.compacted()
        self._base = self._take(rows)
        self._tail = Growing.empty(np.float32, self.dim)

    # --- reading -------------------------------------------------------------------------------
    def search_batch(
        self, queries: NDArray[np.float32], k: int, mask: Mask | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See :meth:`VectorIndex.search_batch`."""
        return stack(self.probe_batch(queries, k, mask), k)

    def probe(self, query: NDArray[np.float32], k: int, mask: Mask | None = None) -> Probe:
        """See :meth:`VectorIndex.probe`."""
        return self._best(self._scan(query), k, mask)

    def probe_batch(self, queries: NDArray[np.float32], k: int, mask: Mask | None = None) -> list[Probe]:
        """See :meth:`VectorIndex.probe_batch`."""
        if len(queries) < _FEW:
            return [self.probe(query, k, mask) for query in queries]
        probes: list[Probe] = []
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        rows, cut = self._entries.rows, len(self._base)
        step = max(_FEW, _BATCH_BYTES // (4 * max(rows, 1)))
        for i in range(0, len(queries), step):
            some = queries[i : i + step]
            scores = np.empty((len(some), rows), np.float32)
            np.matmul(some, self._base.T, out=scores[:, :cut])
            np.matmul(some, self._tail.view.T, out=scores[:, cut:])
            probes.extend(self._best(row, k, mask) for row in scores)
        return probes

    def scores(self, query: NDArray[np.float32], docs: Docs) -> NDArray[np.float32]:
        """See :meth:`VectorIndex.scores`."""
        docs = np.asarray(docs, np.int64)
        result = np.full(len(docs), np.nan, np.float32)
        entries = self._entries.of(docs)
        found = entries >= 0
        if not found.any():
            return result
        rows, counts = self._entries.rows_of(entries[found])
        if 3 * len(rows) > self._entries.rows:
            values = self._scan(query)[rows]
        else:
            values = dots(self._take(rows), np.asarray(query, np.float32))
        result[found] = best_of(values, counts) if self._entries.several else values
        return result

    def has(self, docs: Docs) -> Mask:
        """See :meth:`VectorIndex.has`."""
        return self._entries.of(np.asarray(docs, np.int64)) >= 0

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """See :meth:`VectorIndex.to_arrays`."""
        if len(self._entries.dead):
            self._compact()
        rows = self._base if not self._tail.n else np.concatenate([self._base, self._tail.view])
        return {"rows": rows, "docs": self._entries.docs, "starts": self._entries.starts}

    @classmethod
    def from_arrays(cls, dim: int, arrays: Mapping[str, NDArray[Any]]) -> NumpyVectors:
        """See :meth:`VectorIndex.from_arrays`; float32 rows are not copied."""
        rows = np.asarray(arrays["rows"], np.float32)
        return cls(dim, rows, Entries(arrays["docs"], arrays["starts"], len(rows)))

    @property
    def nbytes(self) -> int:
        """See :attr:`VectorIndex.nbytes`."""
        return int(self._base.nbytes) + self._tail.nbytes + self._entries.nbytes

    def __len__(self) -> int:
        return len(self._entries)

    # --- inside --------------------------------------------------------------------------------
    def _take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        cut = len(self._base)
        if not cut:
            return self._tail.view[rows]
        if not self._tail.n:
            return self._base[rows]
        taken = np.empty((len(rows), self.dim), np.float32)
        old = rows < cut
        taken[old] = self._base[rows[old]]
        taken[~old] = self._tail.view[rows[~old] - cut]
        return taken

    def _scan(self, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores of all rows, dead ones included."""
        scores = np.empty(self._entries.rows, np.float32)
        cut = len(self._base)
        query = np.asarray(query, np.float32)
        if cut:
            dots(self._base, query, scores[:cut])
        if self._tail.n:
            dots(self._tail.view, query, scores[cut:])
        return scores

    def _best(self, scores: NDArray[np.float32], k: int, mask: Mask | None) -> Probe:
        """The best k documents by the scores of all rows, which are written over."""
        entries = self._entries
        if entries.several:
            scores = np.maximum.reduceat(scores, entries.starts)
        if len(entries.dead):
            scores[entries.dead] = 0.0
        mean, std = moments(float(scores.sum()), float(np.dot(scores, scores)), len(entries))
        if len(entries.dead):
            scores[entries.dead] = -np.inf
        if mask is not None:
            scores = np.where(entries.allowed(mask), scores, np.float32(-np.inf))
        best = top(scores, k, None if entries.plain else entries.docs)
        return Probe(entries.docs[best], scores[best], mean, std)


def filled(docs: Docs, offsets: NDArray[np.int64]) -> tuple[Docs, NDArray[np.int64]]:
    """The documents that have rows, and how many."""
    docs, counts = np.asarray(docs, np.int64), np.diff(offsets)
    if len(docs) and counts.min() == 0:
        kept = counts > 0
        return docs[kept], counts[kept]
    return docs, counts


def best_of(values: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """The highest of each run of values; no run is empty."""
    best: NDArray[np.float32] = np.maximum.reduceat(values, np.cumsum(counts) - counts)
    return best


def dots(
    rows: NDArray[np.float32], query: NDArray[np.float32], out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """The dot product of each row with a query, on one thread.

    ``vecdot`` beats the matrix-vector product of OpenBLAS here (2.8 ms against 7.7 ms of CPU for
    100,000 rows of 256), whose second thread gains little on an idle machine and loses on a busy one.
    """
    if hasattr(np, "vecdot"):
        scores: NDArray[np.float32] = np.vecdot(rows, query, out=out)
        return scores
    return np.matmul(rows, query, out=out)  # numpy 1


def top(scores: NDArray[np.float32], k: int, ties: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """The indices of the k highest scores, best first, without those of minus infinity.

    The k-th best block maximum is a lower bound of the k-th best score, which leaves few candidates:
    ten times faster than ``argpartition`` over 100,000 scores.

    Args:
        scores: (n,).
        k: how many.
        ties: (n,) by which equal scores are ordered; None: by their index.
    """
    n = len(scores)
    k = min(k, n)
    if k <= 0:
        return np.empty(0, np.int64)
    width = min(64, n // (4 * k))
    if width >= 4:
        blocks = n // width
        heads = scores[: blocks * width].reshape(blocks, width).max(axis=1)
        bound = np.partition(heads, blocks - k)[blocks - k]
    else:
        bound = np.partition(scores, n - k)[n - k]
    found = np.flatnonzero(scores >= bound if bound > -np.inf else scores > -np.inf)
    if len(found) > 4 * k:
        values = scores[found]
        found = found[values >= np.partition(values, len(found) - k)[len(found) - k]]
    order = np.lexsort((found if ties is None else ties[found], -scores[found]))
    return found[order[:k]]


def stack(probes: list[Probe], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Probes as (q, k) document numbers, -1 where there are fewer, and cosines."""
    docs = np.full((len(probes), k), -1, np.int64)
    scores = np.zeros((len(probes), k), np.float32)
    for i, probe in enumerate(probes):
        docs[i, : len(probe.docs)] = probe.docs
        scores[i, : len(probe.docs)] = probe.scores
    return docs, scores


def choose(kind: str, dim: int, n: int = 0, arrays: Mapping[str, NDArray[Any]] | None = None) -> VectorIndex:
    """The vector index of a kind.

    Args:
        kind: "numpy", "faiss", "faiss-gpu", or "auto": numpy's, and FAISS's where it is installed and
            there are more than 50,000 documents.
        dim: width.
        n: how many documents are about to be added.
        arrays: what :meth:`VectorIndex.to_arrays` of any kind gave, to begin with.

    Raises:
        MissingDependency: FAISS is asked for and not installed.
        UnknownOption: there is no such kind.
    """
    if kind not in KINDS:
        raise UnknownOption("vector index", kind, KINDS)
    made: type[VectorIndex] = NumpyVectors
    if kind != "numpy" and not (kind == "auto" and (n <= _AUTO_FROM or find_spec("faiss") is None)):
        from agentmem.index.faiss import FaissVectors, GpuVectors

        made = GpuVectors if kind == "faiss-gpu" else FaissVectors
    return made.from_arrays(dim, arrays or nothing(dim))


def nothing(dim: int) -> dict[str, NDArray[Any]]:
    """The arrays of an empty index."""
    none = np.empty(0, np.int64)
    return {"rows": np.empty((0, dim), np.float32), "docs": none, "starts": none}
