"""Stores of LangGraph's kind, ours and its own, for tests that run against both."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

WIDTH = 256
Make = Callable[..., Any]


def embed(texts: Sequence[str]) -> list[list[float]]:
    """Counts words, each at its own place; enough to tell texts apart by what they say."""
    rows = [[0.0] * WIDTH for _ in texts]
    for row, text in zip(rows, texts, strict=True):
        for word in text.lower().replace('"', " ").replace(":", " ").split():
            row[zlib.crc32(word.strip(".,?!{}[]").encode()) % WIDTH] += 1.0
        row[0] += 0.01
    return rows


@pytest.fixture(params=["agentmem", "InMemoryStore"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes stores that index these fields ("$" for the whole), or none."""
    from langgraph.store.base import IndexConfig
    from langgraph.store.memory import InMemoryStore

    from agentmem.integrations.langgraph import AgentmemStore

    opened: list[AgentmemStore] = []

    def one(*fields: str) -> Any:
        index: IndexConfig | None = None
        if fields:
            index = {"dims": WIDTH, "embed": embed}
            if fields != ("$",):
                index["fields"] = list(fields)
        if request.param == "InMemoryStore":
            return InMemoryStore(index=index)
        opened.append(AgentmemStore.from_path(":memory:", index=index or False))
        return opened[-1]

    yield one
    for store in opened:
        store.close()


@pytest.fixture
def store(make: Make) -> Any:
    """One without an index."""
    return make()
