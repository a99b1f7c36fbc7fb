"""The contract of a vector index: exact ones equal NumPy, others keep to what they promise."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import pytest
from numpy.typing import NDArray

from agentmem.index.base import VectorIndex
from agentmem.testing.guard import Contract

DIM = 24
N = 600

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def unit(rows: NDArray[np.floating]) -> Floats:
    """Rows of length one."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def offsets(counts: NDArray[np.integer] | list[int]) -> Ints:
    """Where each document's pieces begin, and the end."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


class Corpus:
    """Random documents with one to three pieces each, and the plain truth about them.

    Args:
        seed: of the random numbers.
        n: documents.
    """

    def __init__(self, seed: int = 0, n: int = N) -> None:
        rng = np.random.default_rng(seed)
        self.docs: Ints = np.arange(n, dtype=np.int64)
        self.offsets = offsets(rng.integers(1, 4, n))
        self.vectors = unit(rng.standard_normal((int(self.offsets[-1]), DIM)))
        self.queries = unit(rng.standard_normal((20, DIM)))

    def part(self, docs: Ints) -> tuple[Ints, Floats, Ints]:
        """Documents with their pieces, as ``add`` takes them."""
        pieces = [self.vectors[self.offsets[d] : self.offsets[d + 1]] for d in docs]
        return docs, np.concatenate(pieces), offsets([len(p) for p in pieces])

    def cosines(self, query: Floats) -> Floats:
        """The cosine of each document's best piece."""
        return np.asarray(np.maximum.reduceat(self.vectors @ query, self.offsets[:-1]), dtype=np.float32)


class VectorIndexContract(Contract, ABC):
    """What every vector index must do.

    Subclass it and give :meth:`make_index`. ``tolerance`` is how far a cosine may be from the true one
    (half precision is fine); an index with ``exact = False`` must find ``recall`` of the true best ten.
    """

    tolerance = 2e-3
    recall = 0.95

    @abstractmethod
    def make_index(self, dim: int) -> VectorIndex:
        """An empty index for vectors of a width."""

    @pytest.fixture
    def corpus(self) -> Corpus:
        """What is indexed."""
        return Corpus()

    @pytest.fixture
    def index(self, corpus: Corpus) -> VectorIndex:
        """The index under test, filled."""
        index = self.make_index(DIM)
        index.add(corpus.docs, corpus.vectors, corpus.offsets)
        return index

    def _agree(self, truth: Floats, docs: Ints, scores: Floats, k: int) -> None:
        """Returned documents are the best k (ties within the tolerance), best first, with their cosines."""
        assert len(docs) == len(set(docs.tolist())) == k
        assert (np.diff(scores) <= 1e-6).all(), "best first"
        assert np.allclose(scores, truth[docs], atol=self.tolerance)
        best = np.sort(truth[np.isfinite(truth)])[::-1][:k]
        if self._exact:
            assert np.allclose(truth[docs], best, atol=2 * self.tolerance)
        else:
            assert (truth[docs] >= best[-1] - 2 * self.tolerance).mean() >= self.recall

    @property
    def _exact(self) -> bool:
        return self.make_index(DIM).exact

    def test_says_what_it_is(self, index: VectorIndex) -> None:
        """Width, kind, device and exactness are set."""
        assert index.dim == DIM
        assert index.kind and index.device
        assert isinstance(index.exact, bool)
        assert index.nbytes > 0
        assert len(index) == N

    def test_empty(self, corpus: Corpus) -> None:
        """An empty index answers with nothing."""
        index = self.make_index(DIM)
        docs, scores = index.search_batch(corpus.queries, 5)
        assert docs.shape == scores.shape == (len(corpus.queries), 5)
        assert (docs == -1).all()
        probe = index.probe(corpus.queries[0], 5)
        assert len(probe.docs) == len(probe.scores) == len(index) == 0
        assert (probe.mean, probe.std) == (0, 1)

    @pytest.mark.parametrize("k", [1, 10, 100])
    def test_agrees_with_numpy(self, index: VectorIndex, corpus: Corpus, k: int) -> None:
        """The k distinct documents whose best piece is nearest, best first."""
        docs, scores = index.search_batch(corpus.queries, k)
        for row, query in enumerate(corpus.queries):
            self._agree(corpus.cosines(query), docs[row], scores[row], k)

    def test_more_than_there_are(self, corpus: Corpus) -> None:
        """Where there are fewer than k, the rest is -1."""
        index = self.make_index(DIM)
        index.add(*corpus.part(corpus.docs[:3]))
        docs, _ = index.search_batch(corpus.queries[:2], 10)
        assert (np.sort(docs[:, :3], axis=1) == [0, 1, 2]).all()
        assert (docs[:, 3:] == -1).all()
        assert len(index.probe(corpus.queries[0], 10).docs) == 3

    def test_probe_is_a_search_with_moments(self, index: VectorIndex, corpus: Corpus) -> None:
        """``probe`` finds what ``search_batch`` finds, with mean and deviation over all documents."""
        for query in corpus.queries[:5]:
            probe = index.probe(query, 10)
            docs, scores = index.search_batch(query[None], 10)
            assert np.allclose(probe.scores, scores[0], atol=self.tolerance)
            assert len(set(probe.docs.tolist()) & set(docs[0].tolist())) >= 9
            truth = corpus.cosines(query)
            assert probe.mean == pytest.approx(float(truth.mean()), abs=0.02)
            assert probe.std == pytest.approx(float(truth.std()), abs=0.02)

    def test_mask(self, index: VectorIndex, corpus: Corpus) -> None:
        """Only unmasked documents come back, and the best of them; the moments stay over all."""
        mask = np.random.default_rng(1).random(N) < 0.1
        for query in corpus.queries[:5]:
            truth = np.where(mask, corpus.cosines(query), -np.inf).astype(np.float32)
            docs, scores = index.search_batch(query[None], 10, mask)
            self._agree(truth, docs[0], scores[0], 10)
            probe = index.probe(query, 10, mask)
            assert mask[probe.docs].all()
            assert probe.mean == pytest.approx(index.probe(query, 10).mean, abs=1e-3)

    def test_mask_of_nothing(self, index: VectorIndex, corpus: Corpus) -> None:
        """A mask that allows nothing gives nothing."""
        none = np.zeros(N, dtype=np.bool_)
        assert (index.search_batch(corpus.queries[:2], 5, none)[0] == -1).all()
        assert len(index.probe(corpus.queries[0], 5, none).docs) == 0

    def test_removed_documents_are_gone(self, index: VectorIndex, corpus: Corpus) -> None:
        """What was removed never comes back; what was never there is passed over."""
        gone = corpus.docs[::3]
        index.remove(gone)
        index.remove(np.array([N + 5], dtype=np.int64))
        assert len(index) == N - len(gone)
        assert not index.has(gone).any()
        for query in corpus.queries[:5]:
            truth = corpus.cosines(query)
            truth[gone] = -np.inf
            docs, scores = index.search_batch(query[None], 20)
            self._agree(truth, docs[0], scores[0], 20)

    def test_all_removed(self, index: VectorIndex, corpus: Corpus) -> None:
        """An index that was emptied is an empty index."""
        index.remove(corpus.docs)
        assert len(index) == 0
        assert (index.search_batch(corpus.queries[:1], 5)[0] == -1).all()

    def test_incremental_equals_rebuilt(self, index: VectorIndex, corpus: Corpus) -> None:
        """Filled in many steps with removals between, an index answers as one filled at once."""
        step_by_step = self.make_index(DIM)
        for start in range(0, N, 50):
            step_by_step.add(*corpus.part(corpus.docs[start : start + 50]))
            step_by_step.remove(corpus.docs[start : start + 5])
        index.remove(np.concatenate([corpus.docs[start : start + 5] for start in range(0, N, 50)]))
        _, one = step_by_step.search_batch(corpus.queries, 10)
        _, other = index.search_batch(corpus.queries, 10)
        assert np.allclose(one, other, atol=self.tolerance if self._exact else 0.05)

    def test_a_document_without_pieces(self, corpus: Corpus) -> None:
        """A document may come without a vector, and get one later."""
        index = self.make_index(DIM)
        docs = np.array([0, 1, 2], dtype=np.int64)
        index.add(docs, corpus.vectors[:2], np.array([0, 1, 1, 2], dtype=np.int64))
        assert index.has(docs).tolist() == [True, False, True]
        assert len(index) == 2
        index.add(np.array([1], dtype=np.int64), corpus.vectors[2:4], np.array([0, 2], dtype=np.int64))
        assert index.has(docs).all()
        found, _ = index.search_batch(corpus.vectors[3:4], 1)
        assert found.tolist() == [[1]]

    def test_numbers_with_gaps(self, corpus: Corpus) -> None:
        """Document numbers may leave gaps."""
        index = self.make_index(DIM)
        docs = np.array([3, 40, 41, 1000], dtype=np.int64)
        index.add(docs, corpus.vectors[:4], offsets([1, 1, 1, 1]))
        found, _ = index.search_batch(corpus.vectors[:4], 1)
        assert found[:, 0].tolist() == docs.tolist()
        assert index.has(np.array([0, 3, 999, 1000], dtype=np.int64)).tolist() == [False, True, False, True]

    def test_scores(self, index: VectorIndex, corpus: Corpus) -> None:
        """Scores of named documents are true cosines; nan where there is no vector."""
        query = corpus.queries[0]
        some = np.array([5, 0, 17, 599], dtype=np.int64)
        assert np.allclose(index.scores(query, some), corpus.cosines(query)[some], atol=self.tolerance)
        index.remove(np.array([17], dtype=np.int64))
        assert np.isnan(index.scores(query, some)).tolist() == [False, False, True, False]

    def test_half_precision_is_taken(self, corpus: Corpus) -> None:
        """Vectors may come as float16."""
        index = self.make_index(DIM)
        index.add(corpus.docs, corpus.vectors.astype(np.float16), corpus.offsets)
        docs, _ = index.search_batch(corpus.vectors[:1], 1)
        assert docs[0, 0] == 0

    def test_searching_changes_nothing(self, index: VectorIndex, corpus: Corpus) -> None:
        """The same question twice has the same answer."""
        first = index.search_batch(corpus.queries, 10)
        index.probe(corpus.queries[0], 3)
        second = index.search_batch(corpus.queries, 10)
        assert (first[0] == second[0]).all() and (first[1] == second[1]).all()
