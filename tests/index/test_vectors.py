"""The numpy index against arithmetic written out, and what every index owes its caller."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from agentmem.errors import UnknownOption
from agentmem.index.base import VectorIndex
from agentmem.index.vectors import KINDS, NumpyVectors, choose, top

DIM = 16


def unit(rows: Any) -> NDArray[np.float32]:
    rows = np.asarray(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


class Oracle:
    """A dict of documents and their pieces."""

    def __init__(self) -> None:
        self.pieces: dict[int, NDArray[np.float32]] = {}

    def add(self, docs: Any, vectors: Any, offsets: Any) -> None:
        for i, doc in enumerate(docs):
            if offsets[i + 1] > offsets[i]:
                self.pieces[int(doc)] = vectors[offsets[i] : offsets[i + 1]]

    def remove(self, docs: Any) -> None:
        for doc in docs:
            self.pieces.pop(int(doc), None)

    def ranking(self, query: Any, mask: Any = None) -> list[tuple[float, int]]:
        scored = [
            (float((rows @ query).max()), doc)
            for doc, rows in self.pieces.items()
            if mask is None or mask[doc]
        ]
        return sorted(scored, key=lambda pair: (-pair[0], pair[1]))

    def moments(self, query: Any) -> tuple[float, float]:
        every = [float((rows @ query).max()) for rows in self.pieces.values()]
        return float(np.mean(every)), float(np.std(every))


def fill(seed: int, several: bool, n: int = 600) -> tuple[NumpyVectors, Oracle]:
    """An index after adds out of order, documents without vectors, and removals."""
    r = np.random.default_rng(seed)
    index, oracle = NumpyVectors(DIM), Oracle()
    docs = r.permutation(n) if seed % 2 else np.arange(n)
    for some in np.array_split(docs, 5):
        counts = r.integers(0, 4, len(some)) if several else r.integers(0, 2, len(some))
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows = unit(r.standard_normal((int(offsets[-1]), DIM)))
        gone = r.choice(n, 20)
        for one in (index, oracle):
            one.add(some, rows, offsets)  # type: ignore[attr-defined]
            one.remove(gone)  # type: ignore[attr-defined]
    return index, oracle


def check(
    index: VectorIndex, oracle: Oracle, n: int, seed: int, close: float = 1e-5, full: bool = True
) -> None:
    r = np.random.default_rng(seed)
    assert len(index) == len(oracle.pieces)
    assert index.has(np.arange(n + 5)).tolist() == [doc in oracle.pieces for doc in range(n + 5)]
    queries = unit(r.standard_normal((4, DIM)))
    for mask in (None, r.random(n) < 0.5, r.random(n) < 0.02, np.zeros(n, bool)):
        for k in (1, 10, n + 10) if full else (10,):
            docs, scores = index.search_batch(queries, k, mask)
            assert docs.shape == scores.shape == (4, k)
            for query, found, cosines in zip(queries, docs, scores, strict=True):
                ranking = oracle.ranking(query, mask)
                expected = ranking[:k]
                assert len(set(found[found >= 0].tolist())) == len(expected) == int((found >= 0).sum())
                np.testing.assert_allclose(cosines[: len(expected)], [s for s, _ in expected], atol=close)
                truth = {doc: score for score, doc in ranking}
                for doc, cosine in zip(found.tolist(), cosines.tolist(), strict=True):
                    assert doc < 0 or abs(truth[doc] - cosine) < close
                probe = index.probe(query, k, mask)
                np.testing.assert_allclose(probe.scores, cosines[: len(expected)], atol=1e-6)
                np.testing.assert_allclose((probe.mean, probe.std), oracle.moments(query), atol=close)
                every = index.scores(query, np.arange(n))
                assert {int(doc) for doc in np.flatnonzero(~np.isnan(every))} == set(oracle.pieces)
                np.testing.assert_allclose(every[probe.docs], probe.scores, atol=1e-6)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_same_as_arithmetic_written_out(seed: int, several: bool) -> None:
    index, oracle = fill(seed, several)
    check(index, oracle, 600, seed)


@pytest.mark.parametrize("several", [False, True])
def test_stored_and_restored(several: bool, tmp_path: Any) -> None:
    index, oracle = fill(1, several)
    arrays = {}
    for name, array in index.to_arrays().items():
        np.save(tmp_path / f"{name}.npy", array)
        arrays[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    restored = NumpyVectors.from_arrays(DIM, arrays)
    assert restored._base.base is not None  # a view of the map
    rows = unit(np.random.default_rng(5).standard_normal((3, DIM)))
    for one in (restored, oracle):
        one.add(np.array([600, 601]), rows, np.array([0, 1, 3]))  # type: ignore[attr-defined]
        one.remove(np.arange(0, 600, 7))  # type: ignore[attr-defined]
    check(restored, oracle, 602, 3)


@pytest.mark.parametrize("several", [False, True])
def test_compacted_when_many_are_dead(several: bool) -> None:
    index, oracle = fill(2, several, 2400)
    index._compact()
    for one in (index, oracle):
        one.remove(np.arange(300, 1800))  # type: ignore[attr-defined]
    assert len(index._entries.dead) == 0
    check(index, oracle, 2400, 4, full=False)


def test_nothing_in_it() -> None:
    index = NumpyVectors(DIM)
    probe = index.probe(unit(np.ones(DIM)), 5)
    assert (len(probe.docs), probe.mean, probe.std, len(index)) == (0, 0.0, 1.0, 0)
    index.add(np.array([3]), np.empty((0, DIM), np.float32), np.array([0, 0]))
    index.remove(np.array([3, 9]))
    assert not index.has(np.array([3])).any()
    assert np.isnan(index.scores(unit(np.ones(DIM)), np.array([3]))).all()


def test_equal_scores_come_in_order_of_documents() -> None:
    index = NumpyVectors(DIM)
    rows = np.repeat(unit(np.ones((1, DIM))), 500, axis=0)
    index.add(np.arange(500)[::-1].copy(), rows, np.arange(501))
    assert index.probe(rows[0], 3).docs.tolist() == [0, 1, 2]
    assert index.probe(rows[0], 3).std == 1.0


def test_half_precision_rows_are_taken() -> None:
    index = NumpyVectors(DIM)
    rows = unit(np.eye(DIM)[:4]).astype(np.float16)
    index.add(np.arange(4), rows, np.arange(5))
    assert index.probe(unit(np.eye(DIM)[2]), 1).docs.tolist() == [2]


@given(
    st.lists(st.integers(-3, 3), max_size=400),
    st.integers(0, 30),
    st.integers(1, 8),
    st.booleans(),
)
def test_top_is_a_stable_sort_cut_off(values: list[int], k: int, repeat: int, mask: bool) -> None:
    scores = np.tile(np.array(values, np.float32), repeat)
    if mask:
        scores[scores > 0] = -np.inf
    expected = [i for i in np.argsort(-scores, kind="stable") if scores[i] > -np.inf][:k]
    assert top(scores, k).tolist() == expected
    ties = np.arange(len(scores))[::-1].copy()
    by_tie = sorted(
        (i for i in range(len(scores)) if scores[i] > -np.inf), key=lambda i: (-scores[i], ties[i])
    )
    assert top(scores, k, ties).tolist() == by_tie[:k]


def test_top_of_many() -> None:
    scores = np.random.default_rng(0).standard_normal(50_000).astype(np.float32)
    for k in (1, 10, 200, 5000, 50_000, 60_000):
        assert top(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()


def test_choosing_a_kind() -> None:
    assert choose("numpy", DIM).kind == "numpy"
    assert choose("auto", DIM, 100).kind == "numpy"
    with pytest.raises(UnknownOption, match="faiss-gpu"):
        choose("hnsw", DIM)
    assert "auto" in KINDS
