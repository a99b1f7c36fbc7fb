"""Every store of the package passes the whole contract, in a file and in memory."""

from __future__ import annotations

from typing import Any

import pytest

import agentmem
from agentmem.clock import Clock
from agentmem.store import MemoryStore
from agentmem.testing import StoreBehaviour, StoreContract


class TestUnified(StoreContract):
    def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
        return agentmem.open(path, store="unified", clock=clock, **options)


class TestEpisodic(StoreContract):
    def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
        return agentmem.open(path, store="episodic", clock=clock, **options)


class InMemory(StoreBehaviour):
    @pytest.fixture
    def path(self) -> str:
        return ":memory:"


class TestUnifiedInMemory(InMemory):
    def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
        return agentmem.open(path, store="unified", clock=clock, **options)


class TestEpisodicInMemory(InMemory):
    def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
        return agentmem.open(path, store="episodic", clock=clock, **options)
