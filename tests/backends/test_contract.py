"""The SQLite backend passes the contract of backends."""

from __future__ import annotations

from agentmem.backends.base import Backend
from agentmem.backends.sqlite import open_sqlite
from agentmem.testing import BackendContract


class TestSQLite(BackendContract):
    def make_backend(self, path: str) -> Backend:
        return open_sqlite(path)


class TestSQLiteRelaxed(BackendContract):
    def make_backend(self, path: str) -> Backend:
        return open_sqlite(path, durability="relaxed", vectors="float32")
