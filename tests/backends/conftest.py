from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentmem.backends.base import Encoding
from agentmem.backends.sqlite import SQLiteBackend, open_sqlite
from agentmem.memory import Memory

DIM = 8
START = datetime(2024, 5, 1, 12, 0, tzinfo=timezone.utc)


class Maker:
    """Makes memories and encodings that depend on their arguments only."""

    dim = DIM
    start = START

    def time(self, minutes: float = 0) -> datetime:
        return START + timedelta(minutes=minutes)

    def memory(self, id: str, text: str | None = None, minutes: float = 0, **fields: Any) -> Memory:
        fields.setdefault("at", self.time(minutes))
        fields.setdefault("recorded_at", self.time(minutes))
        return Memory(id, ("a",), f"text of {id}" if text is None else text, **fields)

    def vector(self, text: str, pieces: int = 1) -> np.ndarray:
        seed = int.from_bytes(text.encode()[-8:], "big")
        rows = np.random.default_rng(seed).normal(size=(pieces, DIM)).astype(np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def encoding(self, text: str, *, pending: bool = False, digest: bytes | None = None) -> Encoding:
        return Encoding(text.lower().split(), len(text), None if pending else self.vector(text), digest)

    def write(self, backend: SQLiteBackend, *memories: Memory, name: tuple[str, ...] = ("a",)) -> int:
        with backend.transaction() as transaction:
            number = transaction.namespace(name)
            transaction.set_embedder("e", "f", DIM)
            transaction.insert(number, memories, [self.encoding(memory.text) for memory in memories])
        return number


@pytest.fixture
def make() -> Maker:
    return Maker()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def opened() -> Iterator[Callable[..., SQLiteBackend]]:
    """``open_sqlite``, and everything closed at the end."""
    backends: list[SQLiteBackend] = []

    def opener(path: Any, **options: Any) -> SQLiteBackend:
        backends.append(open_sqlite(path, **options))
        return backends[-1]

    yield opener
    for backend in backends:
        backend.close()


@pytest.fixture(params=["file", "memory"])
def backend(
    request: pytest.FixtureRequest, path: Path, opened: Callable[..., SQLiteBackend]
) -> SQLiteBackend:
    return opened(path if request.param == "file" else ":memory:")
