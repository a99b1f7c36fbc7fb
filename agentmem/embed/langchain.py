"""Use any LangChain embedding model; LangChain itself is never imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from agentmem.embed import rows
from agentmem.embed.base import Embedder, Speed, Vectors
from agentmem.errors import EmbedderError


@runtime_checkable
class LangChainLike(Protocol):
    """What is asked of the object: LangChain's ``Embeddings`` has it."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts."""

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""


class LangChainEmbedder(Embedder):
    """Wraps an object with ``embed_documents`` and ``embed_query``.

    One probe sentence is embedded at once, to learn the width and to tell models apart.

    Args:
        embeddings: the object.
        speed: ``"remote"`` for a model behind a network, whose vectors are put off to ``flush()``.
        fingerprint: a name for exactly these vectors; without it, one is made from the probe.
    """

    def __init__(
        self, embeddings: LangChainLike, *, speed: Speed = "local", fingerprint: str | None = None
    ) -> None:
        self.embeddings = embeddings
        self.speed = speed
        kind = type(embeddings).__name__
        self.name = f"langchain:{kind}"
        probe = rows.checked(self._ask([rows.PROBE], query=False), 1, None, self.name)[0]
        self.dim = len(probe)
        model = [str(getattr(embeddings, key, "")) for key in ("model", "model_name")]
        self.fingerprint = fingerprint or rows.fingerprint("langchain", ";".join([kind, *model]), probe)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts, questions by ``embed_query``; empty ones get a zero row and are not sent."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        kept = [i for i, text in enumerate(texts) if text.strip()]
        if kept:
            answer = self._ask([texts[i] for i in kept], query=query)
            out[kept] = rows.checked(answer, len(kept), self.dim, self.name)
        return out

    def _ask(self, texts: list[str], *, query: bool) -> Any:
        try:
            if query:
                return [self.embeddings.embed_query(text) for text in texts]
            return self.embeddings.embed_documents(texts)
        except Exception as error:
            raise EmbedderError(f"{self.name} failed on {len(texts)} texts: {error}") from error
