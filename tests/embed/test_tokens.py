"""Late interaction: a question's tokens against a text's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from agentmem.embed.base import Vectors
from agentmem.embed.minilm import MiniLMEmbedder
from agentmem.embed.static import StaticEmbedder
from agentmem.embed.tokens import TokenVectors, token_vectors


@pytest.fixture(scope="module")
def minilm() -> MiniLMEmbedder:
    return MiniLMEmbedder()


def test_rows_of_tokens_average_to_the_vector_of_the_text(minilm: MiniLMEmbedder) -> None:
    pieces, rows = minilm.tokens(["The cat sat on the mat."])[0]
    assert pieces[:3] == ["the", "cat", "sat"]
    assert rows.shape == (len(pieces), 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    assert float(rows.mean(axis=0) @ minilm.embed(["The cat sat on the mat."])[0]) > 0.4
    assert [len(one) for one, _ in minilm.tokens(["", "word", "什么是记忆的艺术"])] == [0, 1, 0]


def test_closeness_is_the_best_token_of_each_text(minilm: MiniLMEmbedder) -> None:
    tokens = TokenVectors(minilm)
    texts = ["A kitten slept on the sofa.", "Interest rates rose by a quarter.", ""]
    near = tokens.closeness("Where did the cat sleep?", texts)
    assert near.shape == (2, 3)  # "cat" and "sleep"
    assert (near[:, 0] > near[:, 1] + 0.2).all()
    assert not near[:, 2].any()
    exact = minilm.tokens(["Where did the cat sleep?"])[0][1][3] @ minilm.tokens(texts)[0][1].T
    assert near[0, 0] == pytest.approx(exact.max(), abs=0.01)  # 8 bits a number
    assert tokens.closeness("", texts).shape == (0, 3)


class Fake:
    def __init__(self) -> None:
        self.made: list[str] = []

    def tokens(self, texts: Sequence[str]) -> list[tuple[list[str], Vectors]]:
        self.made += texts
        return [([text], np.full((1, 4), 0.5, np.float32)) for text in texts]


def test_what_was_compared_is_kept_within_the_bound() -> None:
    fake = Fake()
    tokens = TokenVectors(fake, max_bytes=3 * 308)
    tokens.closeness("q", ["a", "b", "c"])
    tokens.closeness("q", ["a"])
    assert fake.made == ["a", "b", "c", "q", "q"]
    tokens.closeness("q", ["d"])  # "b" is the one not asked for longest
    tokens.closeness("q", ["a", "c", "d"])
    assert fake.made.count("a") == fake.made.count("c") == 1
    assert tokens.nbytes == 3 * 308
    tokens.clear()
    assert tokens.nbytes == 0


def test_only_minilm_has_tokens(minilm: MiniLMEmbedder) -> None:
    assert token_vectors(None) is None
    assert token_vectors(StaticEmbedder()) is None
    assert token_vectors(minilm) is token_vectors(minilm) is not None
