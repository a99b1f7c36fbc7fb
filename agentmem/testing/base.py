"""What every part of the store's contract starts from: a store under test and things to put in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from agentmem.clock import Clock, ManualClock
from agentmem.embed.base import Embedder, Vectors
from agentmem.memory import Draft, Hit, Memory
from agentmem.store import MemoryStore
from agentmem.testing.guard import Contract

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=timezone.utc)
"""What the clock of a test shows at first."""

DIARY = (
    Draft("I adopted a greyhound named Biscuit last weekend.", "2023-05-08T13:56:00+02:00", "Ada", "one"),
    Draft("Congratulations! Does Biscuit like your cat?", "2023-05-08T13:57:00+02:00", "Ben", "one"),
    Draft("They sleep in the same basket by now.", "2023-05-08T13:58:00+02:00", "Ada", "one"),
    Draft("My sister Grace moved to Lisbon to study marine biology.", "2023-07-20T18:00:00Z", "Ada", "two"),
    Draft("Is she enjoying the university there?", "2023-07-20T18:01:00Z", "Ben", "two"),
    Draft("Very much, she already went diving near Sesimbra.", "2023-07-20T18:02:00Z", "Ada", "two"),
    Draft("I failed my driving test because of parallel parking.", "2023-11-02T08:30:00Z", "Ben", "three"),
    Draft("Bad luck, the second attempt is always easier.", "2023-11-02T08:31:00Z", "Ada", "three"),
    Draft("The plumber replaced the kitchen tap for ninety euros.", "2024-01-15T17:00:00Z", "Ben", "four"),
    Draft("We booked the cabin in the Dolomites for February.", "2024-01-15T17:05:00Z", "Ada", "four"),
)
"""A small diary of two people in four sessions."""


class OtherEmbedder(Embedder):
    """A small embedder that is no other: random directions by the letters of a text."""

    def __init__(self, name: str = "other", dim: int = 16, speed: Any = "local") -> None:
        self.name = name
        self.dim = dim
        self.speed = speed
        self.fingerprint = f"{name}-{dim}"
        self.calls = 0

    def embed(self, texts: Any, *, query: bool = False) -> Vectors:
        """A vector from the counts of the letters."""
        self.calls += 1
        directions = np.random.default_rng(0).standard_normal((256, self.dim))
        rows = [np.bincount(np.frombuffer(t.encode(), np.uint8), minlength=256) @ directions for t in texts]
        made = np.array(rows, dtype=np.float32).reshape(len(texts), self.dim)
        return np.asarray(made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9), np.float32)


class StoreCase(Contract, ABC):
    """A store under test; see :class:`agentmem.testing.StoreContract`."""

    @abstractmethod
    def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
        """Open a store.

        Args:
            path: the file, or ":memory:".
            clock: the clock to inject.
            options: further arguments of ``agentmem.open``, such as ``namespace`` and ``embedder``.
        """

    @pytest.fixture
    def clock(self) -> ManualClock:
        """A clock that the test moves."""
        return ManualClock(NOW)

    @pytest.fixture
    def path(self, tmp_path: Any) -> str:
        """Where the store under test lives; ":memory:" to test without a file."""
        return str(tmp_path / "memory.db")

    @pytest.fixture
    def memory(self, path: str, clock: ManualClock) -> Iterator[MemoryStore]:
        """An empty store."""
        with self.make_store(path, clock) as store:
            yield store

    @pytest.fixture
    def diary(self, memory: MemoryStore) -> MemoryStore:
        """A store that holds :data:`DIARY`."""
        memory.add_many(DIARY)
        return memory


def texts(found: Sequence[Hit] | Sequence[Memory] | Iterator[Memory]) -> list[str]:
    """The texts of hits or memories."""
    return [item.memory.text if isinstance(item, Hit) else item.text for item in found]


def episodes(store: MemoryStore, **options: Any) -> list[Memory]:
    """What came in, without what the store derived from it."""
    return [memory for memory in store.list(**options) if memory.kind == "episode"]


def rests_on(hit: Hit, id: str) -> bool:
    """Whether a hit is a memory, or was derived from it."""
    return hit.memory.id == id or id in hit.memory.sources


def fingerprint(hits: Sequence[Hit]) -> list[tuple[str, float]]:
    """What an answer was, for comparing two: texts with rounded scores."""
    return [(hit.memory.text, round(hit.score, 4)) for hit in hits]
