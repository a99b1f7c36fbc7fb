"""The cache: the same rows, each distinct text embedded once, bounded, safe for threads."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.embed.base import Embedder, Vectors
from agentmem.embed.cache import CachedEmbedder
from agentmem.errors import EmbedderError, InvalidInput


class Counting(Embedder):
    name, dim, speed, fingerprint = "counting", 4, "local", "counting:1"

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        if "broken" in texts:
            raise EmbedderError("broken")
        self.asked += [(text, query) for text in texts]
        rows = np.array([[len(text), text.count("a"), query, 1] for text in texts], dtype=np.float32)
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def test_it_looks_like_the_embedder_it_wraps() -> None:
    cached = CachedEmbedder(Counting())
    assert (cached.name, cached.dim, cached.speed, cached.fingerprint) == (
        "counting",
        4,
        "local",
        "counting:1",
    )


def test_each_text_is_embedded_once() -> None:
    inner = Counting()
    cached = CachedEmbedder(inner)
    cached.embed(["a", "b", "a"])
    cached.embed(["b", "c"])
    assert inner.asked == [("a", False), ("b", False), ("c", False)]
    assert (cached.hits, cached.misses) == (2, 3)


def test_questions_are_kept_apart() -> None:
    inner = Counting()
    cached = CachedEmbedder(inner)
    assert not np.array_equal(cached.embed(["a"]), cached.embed(["a"], query=True))
    assert inner.asked == [("a", False), ("a", True)]


def test_the_oldest_unused_goes_first() -> None:
    inner = Counting()
    cached = CachedEmbedder(inner, size=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        cached.embed([text])
    assert [text for text, _ in inner.asked] == ["a", "b", "c", "b"]


def test_a_batch_larger_than_the_cache() -> None:
    texts = [f"text {'a' * n}" for n in range(50)]
    cached = CachedEmbedder(Counting(), size=3)
    np.testing.assert_array_equal(cached.embed(texts), Counting().embed(texts))
    assert len(cached._rows) == 3


def test_changing_an_answer_does_not_change_the_cache() -> None:
    cached = CachedEmbedder(Counting())
    first = cached.embed(["a"]).copy()
    cached.embed(["a"])[:] = 7
    np.testing.assert_array_equal(cached.embed(["a"]), first)


def test_a_failure_is_not_remembered() -> None:
    cached = CachedEmbedder(Counting())
    for _ in range(2):
        with pytest.raises(EmbedderError):
            cached.embed(["fine", "broken"])
    assert cached.embed(["fine"]).any()


def test_clear() -> None:
    inner = Counting()
    cached = CachedEmbedder(inner)
    cached.embed(["a"])
    cached.clear()
    cached.embed(["a"])
    assert len(inner.asked) == 2


def test_size_must_be_positive() -> None:
    with pytest.raises(InvalidInput):
        CachedEmbedder(Counting(), size=0)


def test_threads() -> None:
    cached = CachedEmbedder(Counting(), size=8)
    texts = ["a" * n for n in range(20)]
    expected = Counting().embed(texts)
    wrong: list[int] = []

    def work(seed: int) -> None:
        for n in np.random.default_rng(seed).integers(0, 20, 200).tolist():
            if not np.array_equal(cached.embed([texts[n]])[0], expected[n]):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(cached._rows) <= 8


@given(st.lists(st.lists(st.text(max_size=3), max_size=6), max_size=8), st.integers(1, 5))
def test_the_cache_never_shows(batches: list[list[str]], size: int) -> None:
    cached = CachedEmbedder(Counting(), size=size)
    for batch in batches:
        if batch:
            np.testing.assert_array_equal(cached.embed(batch), Counting().embed(batch))
