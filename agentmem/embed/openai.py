"""Embeddings from an OpenAI-compatible endpoint: OpenAI, Azure, vLLM, Ollama, LM Studio and others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from threading import Lock
from typing import Any

import numpy as np

from agentmem.embed import rows
from agentmem.embed.base import Embedder, Speed, Vectors
from agentmem.errors import EmbedderError, InvalidInput, MissingDependency

WIDTHS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
CHARACTERS_AT_ONCE = 400_000  # a request may hold 300,000 tokens at OpenAI


class OpenAIEmbedder(Embedder):
    """Asks a server for vectors, in batches.

    Rate limits, time-outs, broken connections and server errors are tried again with growing pauses,
    by the ``openai`` client. The client is made at the first call.

    Args:
        model: the model's name at the server.
        base_url: the server; None is OpenAI's, or ``OPENAI_BASE_URL``.
        api_key: None reads ``OPENAI_API_KEY``; a server given by ``base_url`` may need none.
        dimensions: ask the server for vectors of this width, where the model can shorten them.
        dim: the width the model answers with, where it is not asked for one and not well known.
        batch_size: the most texts of a request.
        timeout: seconds one try may take.
        max_retries: further tries after the first.
        query_prefix: put before questions, for models that want it, such as ``"query: "``.
        text_prefix: put before texts, such as ``"passage: "``.
        client: a ready client, such as ``openai.AzureOpenAI(...)``, used instead of an own one.
    """

    speed: Speed = "remote"

    def __init__(
        self,
        model: str = "text-embedding-3-small",
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        dimensions: int | None = None,
        dim: int | None = None,
        batch_size: int = 256,
        timeout: float = 60.0,
        max_retries: int = 5,
        query_prefix: str = "",
        text_prefix: str = "",
        client: Any = None,
    ) -> None:
        width = dimensions or dim or WIDTHS.get(model)
        if width is None:
            raise InvalidInput(
                f"the width of {model!r} is not known; pass dim=, or dimensions= to ask for one"
            )
        if width < 1 or batch_size < 1:
            raise InvalidInput("dimensions, dim and batch_size must be 1 or more")
        self.model = model
        self.name = f"openai:{model}"
        self.dim = width
        self.dimensions = dimensions
        self.batch_size = batch_size
        self.query_prefix = query_prefix
        self.text_prefix = text_prefix
        rule = f"{model};{width};{dimensions is not None};{query_prefix};{text_prefix}"
        self.fingerprint = f"openai:{sha256(rule.encode()).hexdigest()[:16]}"
        self._options = {
            "base_url": base_url,
            "api_key": api_key,
            "timeout": timeout,
            "max_retries": max_retries,
        }
        self._lock = Lock()
        self._given = client
        self._client: tuple[int, Any] | None = None

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts; empty ones get a zero row and are not sent."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        prefix = self.query_prefix if query else self.text_prefix
        kept = [i for i, text in enumerate(texts) if text.strip()]
        for batch in self._batches(kept, texts):
            out[batch] = self._ask([prefix + texts[i] for i in batch])
        return out

    def close(self) -> None:
        """Close the connections of the own client; a later call opens them again."""
        with self._lock:
            if self._client is not None and self._client[0] == os.getpid():
                self._client[1].close()
            self._client = None

    def _batches(self, kept: Sequence[int], texts: Sequence[str]) -> Iterator[list[int]]:
        batch: list[int] = []
        characters = 0
        for i in kept:
            if batch and (len(batch) == self.batch_size or characters + len(texts[i]) > CHARACTERS_AT_ONCE):
                yield batch
                batch, characters = [], 0
            batch.append(i)
            characters += len(texts[i])
        if batch:
            yield batch

    def _ask(self, texts: list[str]) -> Vectors:
        client = self._open()
        asked: dict[str, Any] = {} if self.dimensions is None else {"dimensions": self.dimensions}
        try:
            answer = client.embeddings.create(model=self.model, input=texts, encoding_format="float", **asked)
        except Exception as error:
            raise EmbedderError(f"{self.name} failed on {len(texts)} texts: {_reason(error)}") from error
        data = getattr(answer, "data", None)
        if not isinstance(data, list):
            raise EmbedderError(f"{self.name} did not answer with embeddings; is base_url the API's address?")
        try:
            ordered = [item.embedding for item in sorted(data, key=lambda item: item.index)]
        except (AttributeError, TypeError) as error:
            raise EmbedderError(f"{self.name} answered with broken embeddings: {error}") from error
        return rows.checked(ordered, len(texts), self.dim, self.name)

    def _open(self) -> Any:
        if self._given is not None:
            return self._given
        with self._lock:
            if self._client is None or self._client[0] != os.getpid():  # connections do not survive a fork
                self._client = (os.getpid(), self._make())
            return self._client[1]

    def _make(self) -> Any:
        try:
            from openai import OpenAI, OpenAIError
        except ImportError as error:
            raise MissingDependency("openai", "all") from error
        options = dict(self._options)
        if (
            options["api_key"] is None
            and options["base_url"] is not None
            and "OPENAI_API_KEY" not in os.environ
        ):
            options["api_key"] = "none"
        try:
            return OpenAI(**options)  # type: ignore[arg-type]
        except OpenAIError as error:
            raise EmbedderError(f"{self.name}: {error}") from error


def _reason(error: Exception) -> str:
    cause = f" ({error.__cause__})" if error.__cause__ is not None else ""
    return f"{type(error).__name__}: {error}{cause}"
