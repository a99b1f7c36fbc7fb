"""The LangChain and sentence-transformers wrappers, with stand-ins for the models."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from agentmem.embed import rows
from agentmem.embed.langchain import LangChainEmbedder
from agentmem.embed.sentence_transformers import SentenceTransformerEmbedder
from agentmem.errors import EmbedderError, MissingDependency


class Letters:
    """Counts letters; questions get one more dimension's worth of difference."""

    def __init__(self, width: int = 26) -> None:
        self.width = width
        self.documents: list[list[str]] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.documents.append(texts)
        return [[2.0 * text.lower().count(chr(97 + n)) for n in range(self.width)] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [1.0, *self.embed_documents([text])[0][1:]]


class Others(Letters):
    pass


def test_langchain_rows_have_length_one() -> None:
    embedder = LangChainEmbedder(Letters())
    found = embedder.embed(["abc", "", "zebra", " \n"])
    assert embedder.dim == 26
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 0, 1, 0], atol=1e-6)


def test_langchain_empty_texts_are_not_sent() -> None:
    letters = Letters()
    LangChainEmbedder(letters).embed(["", "abc", " "])
    assert letters.documents[-1] == ["abc"]
    count = len(letters.documents)
    LangChainEmbedder(letters).embed([""])
    assert len(letters.documents) == count + 1  # the probe


def test_langchain_questions_go_to_embed_query() -> None:
    embedder = LangChainEmbedder(Letters())
    assert embedder.embed(["bcd"], query=True)[0, 0] > 0
    assert embedder.embed(["bcd"])[0, 0] == 0


def test_langchain_fingerprints() -> None:
    assert LangChainEmbedder(Letters()).fingerprint == LangChainEmbedder(Letters()).fingerprint
    assert LangChainEmbedder(Letters()).fingerprint != LangChainEmbedder(Letters(25)).fingerprint
    assert LangChainEmbedder(Letters()).fingerprint != LangChainEmbedder(Others()).fingerprint
    assert LangChainEmbedder(Letters(), fingerprint="mine").fingerprint == "mine"


def test_a_fingerprint_survives_the_last_digits() -> None:
    probe = np.random.default_rng(7).normal(size=384).astype(np.float32)
    noise = np.random.default_rng(8).normal(size=384).astype(np.float32)
    assert rows.fingerprint("k", "n", probe) == rows.fingerprint("k", "n", probe + 1e-5 * noise)
    assert rows.fingerprint("k", "n", probe) != rows.fingerprint("k", "n", noise)


@pytest.mark.parametrize(
    "answer",
    [
        [[1.0, 2.0]],
        [[1.0, 2.0], [1.0]],
        [[1.0], [2.0]],
        [[1.0, float("nan")], [1.0, 2.0]],
        [["x", "y"], ["z", "w"]],
        "words",
        None,
    ],
)
def test_bad_answers_are_refused(answer: object) -> None:
    with pytest.raises(EmbedderError, match="the model answered"):
        rows.checked(answer, 2, 2, "the model")


def test_huge_numbers_still_become_unit_rows() -> None:
    np.testing.assert_allclose(rows.checked([[3e38, 0.0], [0.0, 0.0]], 2, 2, "x"), [[1, 0], [0, 0]])


def test_langchain_failures_are_embedder_errors() -> None:
    letters = Letters()
    embedder = LangChainEmbedder(letters)
    letters.width = 3
    with pytest.raises(EmbedderError, match="width 3, expected 26"):
        embedder.embed(["abc"])
    letters.embed_documents = lambda texts: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(EmbedderError, match="division by zero"):
        embedder.embed(["abc"])


def test_a_real_langchain_embedding() -> None:
    embeddings = pytest.importorskip("langchain_core.embeddings")
    fake = embeddings.DeterministicFakeEmbedding(size=32)
    embedder = LangChainEmbedder(fake)
    assert embedder.dim == 32
    assert embedder.fingerprint == LangChainEmbedder(fake).fingerprint
    np.testing.assert_allclose(np.linalg.norm(embedder.embed(["one", "two"]), axis=1), 1, atol=1e-6)


class FakeTransformer:
    max_seq_length = 128

    def __init__(self, name: str, device: str | None = None, **options: Any) -> None:
        if name == "absent":
            raise OSError("no such model")
        self.made = (name, device, options)

    def encode(self, texts: list[str], **options: Any) -> np.ndarray:
        assert options["convert_to_numpy"]
        return np.array([[len(text), text.count("e"), 1.0] for text in texts], dtype=np.float32)


class WithPrompts(FakeTransformer):
    def encode_query(self, texts: list[str], **options: Any) -> np.ndarray:
        return self.encode([f"query: {text}" for text in texts], **options)

    def encode_document(self, texts: list[str], **options: Any) -> np.ndarray:
        return self.encode(texts, **options)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = FakeTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


@pytest.mark.usefixtures("library")
def test_sentence_transformers_by_name() -> None:
    embedder = SentenceTransformerEmbedder("some/model", device="cpu", revision="abc")
    assert embedder._model.made == ("some/model", "cpu", {"revision": "abc"})
    assert (embedder.name, embedder.dim) == ("sentence-transformers:some/model", 3)
    found = embedder.embed(["here", " ", "there"])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 0, 1], atol=1e-6)


@pytest.mark.usefixtures("library")
def test_a_model_that_cannot_be_loaded() -> None:
    with pytest.raises(EmbedderError, match="no such model"):
        SentenceTransformerEmbedder("absent")


def test_sentence_transformers_prompts() -> None:
    embedder = SentenceTransformerEmbedder(WithPrompts("m"))
    assert not np.array_equal(embedder.embed(["x"], query=True), embedder.embed(["x"]))


def test_sentence_transformers_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependency, match=r"agentmem-kit\[local\]"):
        SentenceTransformerEmbedder()
