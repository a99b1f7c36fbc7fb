"""What both halves of the backend's contract start from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from agentmem.backends.base import Backend, Encoding
from agentmem.memory import Memory
from agentmem.testing.guard import Contract

DIM = 8
START = datetime(2024, 5, 1, 12, 0, tzinfo=timezone.utc)
HERE = ("users", "ada")


def when(minutes: float) -> datetime:
    """A time after the start."""
    return START + timedelta(minutes=minutes)


def record(id: str, minutes: float = 0, **fields: Any) -> Memory:
    """A row version."""
    fields.setdefault("text", f"text of {id}")
    fields.setdefault("at", when(minutes))
    fields.setdefault("recorded_at", when(minutes))
    return Memory(id=id, namespace=HERE, **fields)


def encoding(memory: Memory, *, pending: bool = False, digest: bytes | None = None) -> Encoding:
    """Words and a vector that depend on the text only."""
    seed = int.from_bytes(memory.text.encode()[-8:], "big")
    rows = np.random.default_rng(seed).standard_normal((1, DIM)).astype(np.float32)
    vectors = None if pending else rows / np.linalg.norm(rows)
    return Encoding(memory.text.split(), len(memory.text), vectors, digest)


def write(backend: Backend, *memories: Memory, name: tuple[str, ...] = HERE, **options: Any) -> list[int]:
    """Insert memories in one transaction; gives their row numbers."""
    with backend.transaction() as transaction:
        transaction.set_embedder("test", "test-8", DIM)
        number = transaction.namespace(name)
        return transaction.insert(number, memories, [encoding(m, **options) for m in memories])


class BackendCase(Contract, ABC):
    """A backend under test; see :class:`agentmem.testing.BackendContract`."""

    @abstractmethod
    def make_backend(self, path: str) -> Backend:
        """Open a database, made if there is none."""

    @pytest.fixture
    def path(self, tmp_path: Any) -> str:
        """Where the database lies."""
        return str(tmp_path / "memory.db")

    @pytest.fixture
    def backend(self, path: str) -> Iterator[Backend]:
        """An empty database."""
        backend = self.make_backend(path)
        yield backend
        backend.close()

    def number(self, backend: Backend, name: tuple[str, ...] = HERE) -> int:
        """The number of a namespace that was written to."""
        number = backend.namespace_number(name)
        assert number is not None
        return number
