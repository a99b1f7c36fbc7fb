"""FAISS against numpy: the same documents, close scores."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agentmem.errors import MissingDependency
from agentmem.index import vectors
from agentmem.index.base import VectorIndex
from agentmem.index.vectors import NumpyVectors, choose

faiss = pytest.importorskip("faiss", reason="the extra 'faiss' is not installed")
FaissVectors = importlib.import_module("agentmem.index.faiss").FaissVectors
GpuVectors = importlib.import_module("agentmem.index.faiss").GpuVectors
HAS_GPU = importlib.import_module("agentmem.index.faiss").gpus(faiss) > 0
DIM = 32
gpu = pytest.mark.gpu
needs_gpu = pytest.mark.skipif(not HAS_GPU, reason="FAISS has no GPU support here, or there is no GPU")


def unit(rows: Any) -> NDArray[np.float32]:
    rows = np.asarray(rows, np.float32)
    rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)  # so that both indexes hold the same


def pair(made: VectorIndex, seed: int, several: bool, n: int = 900) -> tuple[VectorIndex, NumpyVectors]:
    r = np.random.default_rng(seed)
    oracle = NumpyVectors(DIM)
    docs = r.permutation(n) if seed % 2 else np.arange(n)
    for some in np.array_split(docs, 4):
        counts = r.integers(0, 4, len(some)) if several else r.integers(0, 2, len(some))
        offsets = np.concatenate([[0], np.cumsum(counts)])
        rows = unit(r.standard_normal((int(offsets[-1]), DIM)))
        gone = r.choice(n, 30)
        for index in (made, oracle):
            index.add(some, rows, offsets)
            index.remove(gone)
            index.probe(unit(np.ones(DIM)), 3)  # what is counted late must be counted right
    return made, oracle


def same(index: VectorIndex, oracle: NumpyVectors, n: int = 900, share: float = 1.0) -> None:
    r = np.random.default_rng(9)
    queries = r.standard_normal((5, DIM)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    assert len(index) == len(oracle)
    np.testing.assert_array_equal(index.has(np.arange(n + 3)), oracle.has(np.arange(n + 3)))
    for mask in (None, r.random(n) < 0.6, r.random(n) < 0.02, np.zeros(n, bool)):
        for k in (1, 20, n + 5) if share == 1.0 else (20,):
            docs, scores = index.search_batch(queries, k, mask)
            expected, cosines = oracle.search_batch(queries, k, mask)
            for i, query in enumerate(queries):
                found, wanted = docs[i][docs[i] >= 0], expected[i][expected[i] >= 0]
                assert len(found) == len(wanted) == len(set(found.tolist()))
                assert len(set(found.tolist()) & set(wanted.tolist())) >= share * len(wanted) - 2 * (
                    share < 1
                )
                if share == 1.0:
                    np.testing.assert_allclose(scores[i], cosines[i], atol=2e-6)
                probe, exact = index.probe(query, k, mask), oracle.probe(query, k, mask)
                assert probe.docs.tolist() == found.tolist()
                close = 1e-5 if share == 1.0 else 0.01  # of many with several pieces, a sample is taken
                np.testing.assert_allclose((probe.mean, probe.std), (exact.mean, exact.std), atol=close)
                every, truth = index.scores(query, np.arange(n)), oracle.scores(query, np.arange(n))
                np.testing.assert_allclose(every, truth, atol=2e-6)
                np.testing.assert_allclose(every[probe.docs], probe.scores, atol=2e-6)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_numpy(seed: int, several: bool) -> None:
    index, oracle = pair(FaissVectors(DIM), seed, several)
    assert index.exact and index.kind == "faiss"
    same(index, oracle)


@pytest.mark.parametrize("several", [False, True])
def test_restored_from_its_own_arrays_and_from_those_of_numpy(several: bool) -> None:
    index, oracle = pair(FaissVectors(DIM), 1, several)
    arrays = {name: np.array(array) for name, array in index.to_arrays().items()}
    for array in arrays.values():
        array.setflags(write=False)
    for restored in (
        FaissVectors.from_arrays(DIM, arrays),
        choose("faiss", DIM, 900, oracle.to_arrays()),
        choose("numpy", DIM, 900, arrays),
    ):
        same(restored, oracle)
    restored = FaissVectors.from_arrays(DIM, arrays)
    for one in (restored, oracle):
        one.remove(np.arange(0, 900, 2))
        one.add(np.array([900]), unit(np.ones((2, DIM))), np.array([0, 2]))
    same(restored, oracle, 901)


@pytest.mark.parametrize("several", [False, True])
def test_with_a_quantiser_nearly_the_same_and_exact_scores(several: bool) -> None:
    n = 4000
    r = np.random.default_rng(0)
    index, oracle = FaissVectors(DIM, approximate_from=2000), NumpyVectors(DIM)
    for some in np.array_split(np.arange(n), 3):
        offsets = np.arange(len(some) + 1) * (2 if several else 1)
        rows = unit(r.standard_normal((int(offsets[-1]), DIM)))
        for one in (index, oracle):
            one.add(some, rows, offsets)
            one.remove(some[::9])
    assert not index.exact and index._proposer is not None
    same(index, oracle, n, share=0.7)
    restored = FaissVectors.from_arrays(DIM, index.to_arrays())
    assert restored._proposer.ntotal == restored._flat.ntotal
    for one in (index, oracle):
        one.remove(np.arange(n // 2))
    same(index, oracle, n, share=0.7)


def test_the_quantiser_finds_what_lies_in_few_dimensions() -> None:
    r = np.random.default_rng(0)
    spread = (1 / np.arange(1, 65)).astype(np.float32)
    rows = unit(r.standard_normal((20_000, 64)) * spread)
    index, oracle = FaissVectors(64, approximate_from=1), NumpyVectors(64)
    for one in (index, oracle):
        one.add(np.arange(len(rows)), rows, np.arange(len(rows) + 1))
    queries = unit(rows[:20] + r.standard_normal((20, 64)) * spread / 4)
    found, wanted = index.search_batch(queries, 10)[0], oracle.search_batch(queries, 10)[0]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, wanted, strict=True)]) > 0.9


def test_nothing_in_it() -> None:
    index = FaissVectors(DIM)
    probe = index.probe(unit(np.ones(DIM)), 5)
    assert (len(probe.docs), probe.mean, probe.std, len(index)) == (0, 0.0, 1.0, 0)
    assert len(FaissVectors.from_arrays(DIM, index.to_arrays())) == 0


def test_auto_takes_faiss_for_large_namespaces_only() -> None:
    assert choose("auto", DIM, 50_001).kind == "faiss"
    assert choose("auto", DIM, 50_000).kind == "numpy"


def test_one_thread_for_a_query_and_all_again_after_it() -> None:
    before = faiss.omp_get_max_threads()
    index = FaissVectors(DIM)
    index.add(np.arange(2), unit(np.eye(DIM)[:2]), np.arange(3))
    index.probe(unit(np.ones(DIM)), 1)
    assert faiss.omp_get_max_threads() == before


def test_without_faiss_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(MissingDependency, match=r"agentmem-kit\[faiss\]"):
        choose("faiss", DIM)
    monkeypatch.setattr(vectors, "find_spec", lambda name: None)
    assert choose("auto", DIM, 10**6).kind == "numpy"


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU")
def test_without_a_gpu_the_extra_is_named() -> None:
    with pytest.raises(MissingDependency, match=r"agentmem-kit\[gpu\]"):
        choose("faiss-gpu", DIM)


@gpu
@needs_gpu
@pytest.mark.parametrize("several", [False, True])
def test_on_the_gpu_the_same_as_numpy(several: bool) -> None:
    index, oracle = pair(GpuVectors(DIM), 1, several)
    assert index.device == "cuda:0"
    same(index, oracle)


def stand_in_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls of a GPU index answered by a flat one on the CPU."""

    class Flat(faiss.IndexFlatIP):  # type: ignore[misc]
        def __init__(self, resources: Any, dim: int, config: Any) -> None:
            super().__init__(dim)

    monkeypatch.setattr(faiss, "GpuIndexFlatIP", Flat, raising=False)
    monkeypatch.setattr(faiss, "GpuIndexFlatConfig", lambda: type("Config", (), {})(), raising=False)
    monkeypatch.setattr(faiss, "StandardGpuResources", lambda: None, raising=False)
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU")
@pytest.mark.parametrize("several", [False, True])
def test_what_surrounds_the_gpu(monkeypatch: pytest.MonkeyPatch, several: bool) -> None:
    stand_in_for_a_gpu(monkeypatch)
    index, oracle = pair(GpuVectors(DIM), 1, several)
    same(index, oracle)
    for one in (index, oracle):
        one.remove(np.arange(0, 900, 2))
    same(index, oracle)
