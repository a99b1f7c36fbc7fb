"""Vector search by FAISS, for namespaces too large for numpy: half the bytes, half the time, or a GPU.

Rows are kept in half precision in an exact flat index. Above ``approximate_from`` rows a product
quantiser of four bits for every two dimensions proposes 1,000 candidates or more, which are re-scored
exactly from the flat index (``exact`` is false then); with a narrow mask the flat index answers itself.
At 100,000 rows of 256 that takes a fifth of the flat index's time and finds .997 of its best 200. The
quantiser sees the rows through a random rotation: where the first dimensions carry most, as after a
principal component analysis, it would lose much without. Mean and deviation of all cosines come without
a scan (:mod:`agentmem.index.moments`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.errors import MissingDependency
from agentmem.index.base import Docs, Mask, Probe, VectorIndex
from agentmem.index.entries import Entries
from agentmem.index.moments import Moments
from agentmem.index.vectors import best_of, dots, filled, stack

APPROXIMATE_FROM = 50_000
CANDIDATES = 1_000
_FACTOR = 5  # candidates for each neighbour asked for
_GPU_MOST = 2_048  # neighbours a GPU index can return
_TRAIN = 8_192
_ROUNDS = 10  # of k-means for the quantiser; 25 find no more
_BLOCK = 16_384


def load(extra: str = "faiss") -> Any:
    """The module ``faiss``.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        return import_module("faiss")
    except ImportError:
        raise MissingDependency("faiss", extra) from None


@contextmanager
def one_thread(faiss: Any) -> Iterator[None]:
    """One OpenMP thread in this thread: a second one waits longer than it helps for a single query."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


class FaissVectors(VectorIndex):
    """Float16 rows in a flat index, with a product quantiser before it when there are many.

    Args:
        dim: width.
        approximate_from: rows from which the quantiser is used.
    """

    exact = True
    device = "cpu"
    kind = "faiss"

    def __init__(self, dim: int, *, approximate_from: int = APPROXIMATE_FROM) -> None:
        self.dim = dim
        self.approximate_from = approximate_from
        self._faiss = load()
        self._entries = Entries.empty()
        self._flat = self._new_flat()
        self._proposer: Any = None
        self._refined: Any = None
        self._moments = Moments(dim)

    def _new_flat(self) -> Any:
        faiss = self._faiss
        return faiss.IndexScalarQuantizer(self.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)

    # --- writing -------------------------------------------------------------------------------
    def add(self, docs: Docs, vectors: NDArray[Any], offsets: NDArray[np.int64]) -> None:
        """See :meth:`VectorIndex.add`."""
        docs, counts = filled(docs, offsets)
        if not len(docs):
            return
        self._append(vectors[int(offsets[0]) : int(offsets[-1])])
        self._entries.add(docs, counts)
        self._quantise()

    def _append(self, rows: NDArray[Any]) -> None:
        for i in range(0, len(rows), _BLOCK):
            some = np.ascontiguousarray(rows[i : i + _BLOCK], np.float16)
            self._flat.add_sa_codes(some.view(np.uint8))

    def remove(self, docs: Docs) -> None:
        """See :meth:`VectorIndex.remove`."""
        rows = self._entries.remove(np.asarray(docs, np.int64))
        if len(rows):
            self._moments.forget(self._entries, rows, self._rows())
        if self._entries.crowded:
            self._compact()

    def _compact(self) -> None:
        self._moments.update(self._entries, self._rows)
        self._entries, rows = self._entries.compacted()
        before, old = self._flat, self._rows()  # the second is a view into the first
        self._flat = self._new_flat()
        for i in range(0, len(rows), _BLOCK):
            self._append(old[rows[i : i + _BLOCK]])
        del before, old
        self._moments.renumber(len(rows))
        self._proposer = None
        self._quantise()

    def _quantise(self) -> None:
        """Bring the quantiser up to the flat index, if there are rows enough for one."""
        self.exact = self._entries.rows < self.approximate_from or self.dim % 2 != 0
        self._refined = None
        if self.exact:
            return
        with one_thread(self._faiss):  # waiting for a second one on a busy machine costs more than it saves
            self._propose(self._rows())
        self._refined = self._faiss.IndexRefine(self._proposer, self._flat)

    def _propose(self, rows: NDArray[np.float16]) -> None:
        """Train the quantiser if there is none, and give it the rows it has not seen."""
        faiss = self._faiss
        if self._proposer is None:
            rotation = faiss.RandomRotationMatrix(self.dim, self.dim)
            rotation.init(self.dim)
            quantiser = faiss.IndexPQFastScan(self.dim, self.dim // 2, 4, faiss.METRIC_INNER_PRODUCT)
            quantiser.pq.cp.niter = _ROUNDS
            self._proposer = faiss.IndexPreTransform(rotation, quantiser)
            self._parts = (rotation, quantiser)  # FAISS holds them by address only
            some = np.linspace(0, len(rows) - 1, min(_TRAIN, len(rows))).astype(np.int64)
            self._proposer.train(rows[some].astype(np.float32))
        for i in range(self._proposer.ntotal, len(rows), _BLOCK):
            self._proposer.add(rows[i : i + _BLOCK].astype(np.float32))

    # --- reading -------------------------------------------------------------------------------
    def search_batch(
        self, queries: NDArray[np.float32], k: int, mask: Mask | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See :meth:`VectorIndex.search_batch`."""
        return stack(self.probe_batch(queries, k, mask), k)

    def probe(self, query: NDArray[np.float32], k: int, mask: Mask | None = None) -> Probe:
        """See :meth:`VectorIndex.probe`."""
        with one_thread(self._faiss):
            return self.probe_batch(np.asarray(query)[None], k, mask)[0]

    def probe_batch(self, queries: NDArray[np.float32], k: int, mask: Mask | None = None) -> list[Probe]:
        """See :meth:`VectorIndex.probe_batch`."""
        queries = np.ascontiguousarray(queries, np.float32)
        self._moments.update(self._entries, self._rows)
        found = self._nearest(queries, k, self._allowed(mask))
        return [
            Probe(docs, scores, *moments)
            for (docs, scores), moments in zip(found, self._moments.of(queries), strict=True)
        ]

    def scores(self, query: NDArray[np.float32], docs: Docs) -> NDArray[np.float32]:
        """See :meth:`VectorIndex.scores`."""
        docs = np.asarray(docs, np.int64)
        result = np.full(len(docs), np.nan, np.float32)
        entries = self._entries.of(docs)
        found = entries >= 0
        if found.any():
            rows, counts = self._entries.rows_of(entries[found])
            result[found] = best_of(self._rescore(np.asarray(query, np.float32), rows), counts)
        return result

    def has(self, docs: Docs) -> Mask:
        """See :meth:`VectorIndex.has`."""
        return self._entries.of(np.asarray(docs, np.int64)) >= 0

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """See :meth:`VectorIndex.to_arrays`."""
        if len(self._entries.dead):
            self._compact()
        self._moments.update(self._entries, self._rows)
        entries = self._entries
        arrays: dict[str, NDArray[Any]] = {"rows": self._rows(), "docs": entries.docs}
        arrays |= {"starts": entries.starts, "single": self._moments.single}
        arrays["second"] = self._moments.second
        if self._proposer is not None:
            arrays["proposer"] = self._faiss.serialize_index(self._proposer)
        return arrays

    @classmethod
    def from_arrays(cls, dim: int, arrays: Mapping[str, NDArray[Any]]) -> FaissVectors:
        """See :meth:`VectorIndex.from_arrays`; the rows are copied."""
        index = cls(dim)
        index._append(arrays["rows"])
        index._entries = Entries(arrays["docs"], arrays["starts"], len(arrays["rows"]))
        if "single" in arrays:
            index._moments = Moments(dim, arrays["single"], arrays["second"], index._entries.rows)
        if "proposer" in arrays:
            index._proposer = index._faiss.deserialize_index(np.array(arrays["proposer"]))
        index._quantise()
        return index

    @property
    def nbytes(self) -> int:
        """See :attr:`VectorIndex.nbytes`."""
        quantised = 0 if self._proposer is None else self._entries.rows * self.dim // 4
        return self._entries.rows * self.dim * 2 + quantised + self._entries.nbytes + self._moments.nbytes

    def __len__(self) -> int:
        return len(self._entries)

    # --- inside --------------------------------------------------------------------------------
    def _rows(self) -> NDArray[np.float16]:
        """All rows, a view into the flat index that holds until the next add."""
        n = self._flat.ntotal
        if not n:
            return np.empty((0, self.dim), np.float16)
        codes: NDArray[np.uint8] = self._faiss.rev_swig_ptr(self._flat.codes.data(), n * self.dim * 2)
        return codes.view(np.float16).reshape(n, self.dim)

    def _allowed(self, mask: Mask | None) -> Mask | None:
        """Which rows may be returned; None for all."""
        entries = self._entries
        if mask is None and not len(entries.dead):
            return None
        if mask is None:
            allowed = np.ones(entries.rows, bool)
        else:
            allowed = entries.allowed(mask)
            if entries.several:
                allowed = np.repeat(allowed, np.diff(entries.starts, append=entries.rows))
            elif len(entries.dead):
                allowed = allowed.copy()
        if len(entries.dead):
            allowed[entries.dead_rows] = False
        return allowed

    def _nearest(
        self, queries: NDArray[np.float32], k: int, allowed: Mask | None
    ) -> list[tuple[Docs, NDArray[np.float32]]]:
        """The k nearest documents of each query."""
        most = self._entries.rows if allowed is None else int(np.count_nonzero(allowed))
        if k <= 0 or not most:
            return [(np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries]
        entries = self._entries
        ask = min(most, 2 * k if entries.several else k)
        while True:
            folded = []
            for query, (rows, scores) in zip(
                queries, self._nearest_rows(queries, ask, allowed, most), strict=True
            ):
                owners, first = np.unique(entries.of_rows(rows), return_index=True)
                docs, best = entries.docs[owners], scores[first]
                if entries.several and not self.exact:  # the best piece may not have been proposed
                    best = self.scores(query, docs)
                order = np.lexsort((docs, -best))[:k]
                folded.append((docs[order], best[order]))
            if ask == most or min(len(docs) for docs, _ in folded) >= k:
                return folded
            ask = min(most, 4 * ask)  # the best rows belonged to too few documents

    def _nearest_rows(
        self, queries: NDArray[np.float32], k: int, allowed: Mask | None, most: int
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The k nearest allowed rows of each query, best first."""
        rows = self._entries.rows
        if self._refined is not None and most * 4 > rows:
            wide = min(rows, k * rows // most + (k if most < rows else 0))
            factor = max(float(_FACTOR), CANDIDATES / wide)
            params = self._faiss.IndexRefineSearchParameters(k_factor=factor)
            scores, found = self._refined.search(queries, wide, params=params)
            if allowed is None:
                return [(r[r >= 0], s[r >= 0]) for r, s in zip(found, scores, strict=True)]
            kept = [(r >= 0) & allowed[r] for r in found]
            if min(map(np.count_nonzero, kept)) >= min(k, most):
                return [(r[m][:k], s[m][:k]) for r, s, m in zip(found, scores, kept, strict=True)]
        return self._flat_rows(queries, k, allowed)

    def _flat_rows(
        self, queries: NDArray[np.float32], k: int, allowed: Mask | None
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        faiss = self._faiss
        params = None
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            params = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        scores, rows = self._flat.search(queries, k, params=params)
        return [(r[r >= 0], s[r >= 0]) for r, s in zip(rows, scores, strict=True)]

    def _sift(
        self, query: NDArray[np.float32], rows: NDArray[np.int64], k: int, allowed: Mask | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best k of proposed rows by their exact scores."""
        rows = rows[rows >= 0]
        if allowed is not None:
            rows = rows[allowed[rows]]
        scores = self._rescore(query, rows)
        order = np.argsort(-scores, kind="stable")[:k]
        return rows[order], scores[order]

    def _rescore(self, query: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        scores = np.empty(len(rows), np.float32)
        stored = self._rows()
        for i in range(0, len(rows), _BLOCK):
            some = stored[rows[i : i + _BLOCK]].astype(np.float32)
            dots(some, query, scores[i : i + _BLOCK])
        return scores


class GpuVectors(FaissVectors):
    """The flat index on the first GPU, in half precision; the rows stay in memory for masks and scores.

    A query with a narrow mask, or for more neighbours than a GPU index returns, is answered on the CPU.

    Args:
        dim: width.

    Raises:
        MissingDependency: FAISS has no GPU support here, or there is no GPU.
    """

    device = "cuda:0"
    kind = "faiss-gpu"

    def __init__(self, dim: int) -> None:
        faiss = load("gpu")
        if not gpus(faiss):
            raise MissingDependency("FAISS with GPU support (and a GPU)", "gpu")
        super().__init__(dim, approximate_from=2**62)
        self._resources = faiss.StandardGpuResources()
        self._gpu: Any = None

    def _quantise(self) -> None:
        rows = self._rows()
        if self._gpu is None or self._gpu.ntotal > len(rows):
            faiss = self._faiss
            config = faiss.GpuIndexFlatConfig()
            config.useFloat16 = True
            config.device = 0
            self._gpu = faiss.GpuIndexFlatIP(self._resources, self.dim, config)
        for i in range(self._gpu.ntotal, len(rows), _BLOCK):
            self._gpu.add(rows[i : i + _BLOCK].astype(np.float32))

    def _compact(self) -> None:
        self._gpu = None
        super()._compact()

    def _nearest_rows(
        self, queries: NDArray[np.float32], k: int, allowed: Mask | None, most: int
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        rows = self._entries.rows
        wide = min(rows, k + 16 if allowed is None else 2 * k * rows // most + 64)
        if self._gpu is None or wide > _GPU_MOST:
            return self._flat_rows(queries, k, allowed)
        _, proposed = self._gpu.search(queries, wide)
        found = [self._sift(query, ids, k, allowed) for query, ids in zip(queries, proposed, strict=True)]
        short = [i for i, (ids, _) in enumerate(found) if len(ids) < min(k, most)]
        if short:  # the mask left too few of the nearest
            for i, exact in zip(short, self._flat_rows(queries[short], k, allowed), strict=True):
                found[i] = exact
        return found


def gpus(faiss: Any) -> int:
    """How many GPUs FAISS can use."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "GpuIndexFlatIP") else 0
