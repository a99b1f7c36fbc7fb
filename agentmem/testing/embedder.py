"""The contract of an embedder."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import pytest

from agentmem.embed.base import Embedder
from agentmem.testing.guard import Contract

TEXTS = [
    "The cat sleeps on the warm windowsill.",
    "A kitten naps by the window in the sun.",
    "Quarterly revenue grew by four percent.",
    "Profit rose slightly in the last quarter of the year.",
]


class EmbedderContract(Contract, ABC):
    """What every embedder must do.

    Subclass it, give :meth:`make_embedder`, and pytest runs the rest::

        class TestMine(EmbedderContract):
            def make_embedder(self):
                return MyEmbedder()
    """

    @abstractmethod
    def make_embedder(self) -> Embedder:
        """A fresh embedder; two of them must be the same embedder."""

    @pytest.fixture
    def embedder(self) -> Embedder:
        """The embedder under test."""
        return self.make_embedder()

    def test_says_who_it_is(self, embedder: Embedder) -> None:
        """Name, fingerprint, width and speed are set and of the right type."""
        assert embedder.name and isinstance(embedder.name, str)
        assert embedder.fingerprint and isinstance(embedder.fingerprint, str)
        assert isinstance(embedder.dim, int) and embedder.dim > 0
        assert embedder.speed in ("fast", "local", "remote")

    def test_shape_and_type(self, embedder: Embedder) -> None:
        """A float32 row for each text."""
        vectors = embedder.embed(TEXTS)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(TEXTS), embedder.dim)
        assert np.isfinite(vectors).all()

    def test_rows_have_length_one(self, embedder: Embedder) -> None:
        """Rows are unit vectors, so that a dot product is a cosine."""
        assert np.allclose(np.linalg.norm(embedder.embed(TEXTS), axis=1), 1, atol=1e-3)

    def test_no_texts(self, embedder: Embedder) -> None:
        """No texts give an array without rows and with the right width."""
        assert embedder.embed([]).shape == (0, embedder.dim)

    def test_a_text_does_not_depend_on_its_batch(self, embedder: Embedder) -> None:
        """Alone, among others and in another order, a text has the same vector."""
        together = embedder.embed([*TEXTS, TEXTS[0] * 20])
        alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
        assert np.allclose(together[: len(TEXTS)], alone, atol=2e-3)
        assert np.allclose(embedder.embed(TEXTS[::-1])[::-1], alone, atol=2e-3)

    def test_the_same_twice(self, embedder: Embedder) -> None:
        """Two embedders made alike give the same vectors and the same fingerprint."""
        other = self.make_embedder()
        assert other.fingerprint == embedder.fingerprint
        assert np.allclose(other.embed(TEXTS), embedder.embed(TEXTS), atol=1e-4)

    def test_texts_nobody_can_read(self, embedder: Embedder) -> None:
        """Empty, blank and odd texts give unit rows or rows of zeros, never NaN."""
        vectors = embedder.embed(["", "   ", "\n", "😀", "漢字かな", "\u200b", "a" * 5000])
        lengths = np.linalg.norm(vectors, axis=1)
        assert np.isfinite(vectors).all()
        assert (np.isclose(lengths, 1, atol=1e-3) | (lengths == 0)).all()

    def test_related_texts_are_nearer(self, embedder: Embedder) -> None:
        """Texts about one thing are nearer to each other than to others."""
        cosines = embedder.embed(TEXTS) @ embedder.embed(TEXTS).T
        assert cosines[0, 1] > max(cosines[0, 2], cosines[0, 3])
        assert cosines[2, 3] > max(cosines[2, 0], cosines[2, 1])

    def test_queries_meet_texts(self, embedder: Embedder) -> None:
        """A query's vector is nearest to the text it is about."""
        query = embedder.embed(["Where does the cat sleep?"], query=True)
        assert query.shape == (1, embedder.dim)
        assert int((embedder.embed(TEXTS) @ query[0]).argmax()) in (0, 1)
