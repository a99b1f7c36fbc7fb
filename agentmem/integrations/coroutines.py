"""Embeddings that exist only as coroutines, for a store that embeds on threads."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from langchain_core.embeddings import Embeddings

T = TypeVar("T")


class AsyncEmbeddings(Embeddings):
    """Runs the asynchronous half of an embedding model, each call on an event loop of its own.

    Args:
        embeddings: the model; only ``aembed_documents`` and ``aembed_query`` are called.
    """

    def __init__(self, embeddings: Embeddings) -> None:
        self.embeddings = embeddings

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed texts."""
        return _wait(self.embeddings.aembed_documents(texts))

    def embed_query(self, text: str) -> list[float]:
        """Embed a question."""
        return _wait(self.embeddings.aembed_query(text))


def _wait(work: Coroutine[Any, Any, T]) -> T:
    with ThreadPoolExecutor(max_workers=1) as pool:  # this thread may be running an event loop
        return pool.submit(asyncio.run, work).result()
