"""Opening a memory file: its tables are made, moved forward, or refused."""

from __future__ import annotations

import sqlite3
import time

from agentmem.backends.codec import codec_named
from agentmem.backends.sqlite_connect import Connections
from agentmem.backends.sqlite_erase import scrub
from agentmem.backends.sqlite_path import MEMORY
from agentmem.backends.sqlite_read import Reader
from agentmem.backends.sqlite_schema import SCHEMA, check_readable, create, migrate, read_meta, schema_of
from agentmem.errors import BackendError, NotAMemoryFile, ReadOnlyFile


def prepare(pool: Connections, vectors: str) -> Reader:
    """Make or move forward the tables of a file just opened, and read how its rows are laid down."""
    with pool.use() as connection:
        schema = schema_of(connection)
        if schema < SCHEMA and not pool.readonly:
            _set_up(pool, connection, schema, vectors)
            schema = SCHEMA
        elif schema < SCHEMA:
            raise ReadOnlyFile(
                f"{pool.path} has the older schema {schema} and must be moved forward first: "
                "open it once where it can be written"
            )
        meta = read_meta(connection)
        if not check_readable(pool.path, schema, meta):
            pool.readonly = True
    if meta.get("scrub_pending") and not pool.readonly:
        try:
            scrub(pool, patience=0.0)
        except BackendError:
            pass  # it stays noted in the header
    return Reader(codec_named(meta["codec"]), meta["vectors"])


def _set_up(pool: Connections, connection: sqlite3.Connection, schema: int, vectors: str) -> None:
    if pool.path != MEMORY:
        _wal(pool, connection)
    with _SetUp(pool):
        schema = schema_of(connection)  # another process may have been quicker
        if schema == 0:
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise NotAMemoryFile(f"{pool.path} is an SQLite file, but not one of agentmem's")
            create(connection, vectors=vectors)
        elif schema < SCHEMA:
            migrate(connection)
    if pool.path != MEMORY:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _wal(pool: Connections, connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + 5.0
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    if mode != "wal":
        raise BackendError(f"{pool.path} cannot have a write-ahead log here (mode {mode}); use a local disk")


class _SetUp:
    """A write transaction of its own, before there are tables to keep a log in."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    def __enter__(self) -> None:
        self._held, self._connection = self._pool.begin()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK" if error is not None else "COMMIT")
        finally:
            self._pool.end(self._held)
