"""The truth in one SQLite file: see :mod:`agentmem.backends.base` for what each method promises.

The file is in WAL mode, so readers never wait for a writer. Every commit is synced to the disk
(``durability="full"``); ``"relaxed"`` leaves that to the operating system: a crash of the process
still loses nothing, a crash of the machine may lose the last commits, neither damages the file.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.backends import sqlite_check, sqlite_columns, sqlite_erase, sqlite_read, sqlite_schema
from agentmem.backends.base import (
    Backend,
    Changes,
    Columns,
    Cursor,
    Erased,
    Event,
    Header,
    Problem,
    Stored,
)
from agentmem.backends.codec import VECTOR_TYPES, moment
from agentmem.backends.sqlite_connect import Connections, translate
from agentmem.backends.sqlite_open import prepare
from agentmem.backends.sqlite_path import MEMORY, can_write, look, refuse_network
from agentmem.backends.sqlite_read import Reader, select_in
from agentmem.backends.sqlite_terms import Terms
from agentmem.backends.sqlite_write import SQLiteTransaction
from agentmem.clock import to_micros
from agentmem.errors import NotAMemoryFile, ReadOnlyFile, UnknownOption
from agentmem.memory import Artifact, Link, Memory, Namespace

DURABILITY = {"full": "FULL", "relaxed": "NORMAL"}


def open_sqlite(
    path: str | os.PathLike[str],
    *,
    durability: str = "full",
    readonly: bool = False,
    busy_timeout: float = 30.0,
    vectors: str = "float16",
) -> SQLiteBackend:
    """Open a memory file, or make one.

    Args:
        path: the file, or ":memory:" for one that lives as long as the backend.
        durability: "full" or "relaxed".
        readonly: open for reading only. A file that cannot be written is opened so by itself.
        busy_timeout: seconds to wait for the write lock of another process or thread.
        vectors: "float16" or "float32", for a new file; an old one keeps its own.

    Raises:
        NotAMemoryFile: the path is a folder, in a missing folder, or a file of something else.
        DamagedFile: the file is broken.
        NewerSchema: a newer agentmem wrote it.
        NetworkFileSystem: it lies on one.
        UnknownOption: ``durability`` or ``vectors`` is neither of its two.
    """
    if durability not in DURABILITY:
        raise UnknownOption("durability", durability, DURABILITY)
    if vectors not in VECTOR_TYPES:
        raise UnknownOption("type of vectors", vectors, VECTOR_TYPES)
    name = os.fspath(path)
    if name != MEMORY:
        place = Path(name).absolute()
        exists = look(place, readonly=readonly)
        refuse_network(place)
        if not readonly and not can_write(place, exists):
            if not exists:
                raise ReadOnlyFile(f"{place} cannot be made: its folder cannot be written")
            readonly = True
        name = str(place)
    pool = Connections(name, readonly=readonly, synchronous=DURABILITY[durability], busy_timeout=busy_timeout)
    try:
        reader = prepare(pool, vectors)
        return SQLiteBackend(pool, reader)
    except BaseException as error:
        pool.close()
        if isinstance(error, sqlite3.Error):
            raise translate(error, name) from error
        raise


class SQLiteBackend(Backend):
    """See :func:`open_sqlite`."""

    def __init__(self, pool: Connections, reader: Reader) -> None:
        self._pool = pool
        self._reader = reader
        self._terms = Terms()
        self.path = pool.path
        self.readonly = pool.readonly

    def header(self) -> Header:
        """See the contract."""
        with self._pool.snapshot() as connection:
            meta = sqlite_schema.read_meta(connection)
            return sqlite_schema.to_header(sqlite_schema.schema_of(connection), meta)

    def transaction(self) -> SQLiteTransaction:
        """See the contract."""
        return SQLiteTransaction(self._pool, self._reader, self._terms)

    # --- reading ---------------------------------------------------------------------------------
    def namespace_number(self, name: Namespace) -> int | None:
        """See the contract."""
        with self._pool.use() as connection:
            return self._reader.number(connection, name)

    def namespaces(self, prefix: Namespace = (), *, past: bool = False) -> list[tuple[int, Namespace]]:
        """See the contract."""
        with self._pool.use() as connection:
            return self._reader.namespaces(connection, prefix, past)

    def version(self) -> Any:
        """See the contract."""
        return self._pool.version()

    def cursor(self, ns: int) -> Cursor:
        """See the contract."""
        with self._pool.use() as connection:
            return sqlite_read.cursor(connection, ns)

    def changes(self, ns: int, since: Cursor) -> Changes:
        """See the contract."""
        with self._pool.use() as connection:
            now = sqlite_read.cursor(connection, ns)
        if now == since:
            return Changes(now)
        with self._pool.snapshot() as connection:
            return sqlite_read.changes(connection, ns, since)

    def columns(
        self, ns: int, rows: Sequence[int] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Cursor, Columns]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            cursor = sqlite_read.cursor(connection, ns)
            row = connection.execute("SELECT value FROM meta WHERE key = 'dim'").fetchone()
            dim = int(row[0]) if row else 0
            return cursor, sqlite_columns.columns(connection, self._reader, ns, rows, known_at, dim)

    def memories(self, rows: Sequence[int]) -> list[Memory]:
        """See the contract."""
        found = self.memories_by_row(rows)
        return [found[row] for row in rows if row in found]

    def memories_by_row(self, rows: Sequence[int]) -> dict[int, Memory]:
        """See the contract."""
        with self._pool.use() as connection:
            return self._reader.by_row(connection, rows)

    def all_rows(self, ns: int) -> list[int]:
        """See the contract."""
        with self._pool.use() as connection:
            return [
                r for (r,) in connection.execute("SELECT row FROM memory WHERE ns = ? ORDER BY row", (ns,))
            ]

    def get(self, ns: int, ids: Sequence[str], *, known_at: datetime | None = None) -> dict[str, Stored]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            if known_at is not None:
                return self._reader.known(connection, ns, ids, known_at)
            return self._reader.live(connection, ns, ids)

    def history(self, ns: int, id: str) -> list[Memory]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return [
                self._reader.memory(connection, row) for row in self._reader.versions(connection, ns, [id])
            ]

    def scan(
        self,
        numbers: Sequence[int],
        *,
        order: str = "at",
        during: tuple[datetime | None, datetime | None] | None = None,
        known_at: datetime | None = None,
        after: str | None = None,
        page: int = 500,
    ) -> Iterator[Stored]:
        """See the contract."""
        low, high = during or (None, None)
        bounds = (None if low is None else to_micros(low), None if high is None else to_micros(high))
        scan = sqlite_columns.Scan(self._pool, self._reader, order, bounds, page)
        start = scan.start(numbers, after)
        if known_at is not None:
            return scan.known(numbers, to_micros(known_at), start)
        return scan.live(numbers, start)

    def term_ids(self, words: Sequence[str]) -> Mapping[str, int]:
        """See the contract."""
        with self._pool.use() as connection:
            # Words of an open transaction may yet be rolled back: they are not remembered.
            cache = {} if connection.in_transaction else self._terms.of(connection)
            unknown = [word for word in words if word not in cache]
            if unknown:
                cache.update(self._reader.terms(connection, unknown))
            return {word: cache[word] for word in words if word in cache}

    def metadata(self, ns: int, rows: Sequence[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """See the contract."""
        for first in range(0, len(rows), 1000):
            part = [int(row) for row in rows[first : first + 1000]]
            with self._pool.use() as connection:
                found = self._reader.metadata(connection, ns, part)
            yield from ((row, found[row]) for row in part if row in found)

    def texts(self, ns: int, rows: Sequence[int]) -> Iterator[tuple[int, str, Any]]:
        """See the contract."""
        for first in range(0, len(rows), 1000):
            with self._pool.use() as connection:
                found = self._reader.texts(connection, ns, rows[first : first + 1000])
            yield from found

    def pending(self, ns: int | None = None, limit: int | None = None) -> list[tuple[int, int, str]]:
        """See the contract."""
        wall, values = ("", ()) if ns is None else (" AND e.ns = ?", (ns,))
        with self._pool.use() as connection:
            found = connection.execute(
                "SELECT e.ns, e.row, m.text FROM encoding e JOIN memory m ON m.row = e.row "
                f"WHERE e.vectors IS NULL AND m.retired_at IS NULL{wall} ORDER BY e.row LIMIT ?",
                (*values, -1 if limit is None else limit),
            ).fetchall()
        return [(number, row, self._reader.codec.read_text(text)) for number, row, text in found]

    def count_pending(self, numbers: Sequence[int] | None = None) -> int:
        """See the contract."""
        statement = (
            "SELECT count(*) FROM encoding e JOIN memory m ON m.row = e.row "
            "WHERE e.vectors IS NULL AND m.retired_at IS NULL"
        )
        with self._pool.snapshot() as connection:
            if numbers is None:
                return int(connection.execute(statement).fetchone()[0])
            found = select_in(connection, f"{statement} AND e.ns IN ({{}})", (), map(int, numbers))
            return sum(row[0] for row in found)

    def vectors_by_digest(self, digests: Sequence[bytes]) -> Mapping[bytes, NDArray[np.float32]]:
        """See the contract."""
        with self._pool.use() as connection:
            return self._reader.vectors_by_digest(connection, digests)

    def links(
        self, ns: int, ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> list[Link]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_read.links(connection, ns, ids, known_at)

    def artifacts(
        self,
        ns: int,
        *,
        made_by: str | None = None,
        kind: str | None = None,
        sources: Sequence[str] | None = None,
    ) -> list[Artifact]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_read.artifacts(connection, self._reader.codec, ns, made_by, kind, sources)

    def artifacts_since(self, ns: int, since: Any = None, *, made_by: str) -> tuple[Any, list[Artifact]]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_read.artifacts_since(connection, self._reader.codec, ns, since or 0, made_by)

    def dependents(self, ns: int, ids: Sequence[str]) -> list[Stored]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_read.dependents(connection, self._reader, ns, ids)

    def outlived(self, ns: int) -> list[Stored]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_read.outlived(connection, self._reader, ns)

    def events(self, ns: int, ids: Sequence[str] | None = None) -> list[Event]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_read.events(connection, ns, ids)

    def events_since(self, ns: int, since: Cursor) -> tuple[Cursor, list[Event], bool]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_read.events_since(connection, ns, since)

    def derived(self, ns: int, *, run: str) -> tuple[list[Stored], list[str]]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            rows = connection.execute(
                f"SELECT {sqlite_read.MEMORY_COLUMNS} FROM memory "
                "WHERE ns = ? AND run = ? AND retired_at IS NULL ORDER BY row",
                (ns, run),
            ).fetchall()
            made = [self._reader.stored(connection, row) for row in rows]
            retired = connection.execute(
                "SELECT id FROM undo WHERE ns = ? AND run = ? AND NOT EXISTS (SELECT 1 FROM memory "
                "WHERE ns = undo.ns AND id = undo.id AND retired_at IS NULL)",
                (ns, run),
            ).fetchall()
            return made, [row[0] for row in retired]

    def counts(self, numbers: Sequence[int]) -> Mapping[str, Any]:
        """See the contract."""
        kinds: dict[str, int] = {}
        firsts: list[int] = []
        lasts: list[int] = []
        result: dict[str, Any] = {"versions": 0, "links": 0}
        with self._pool.snapshot() as connection:
            numbers = [int(number) for number in numbers]
            live = "FROM memory WHERE retired_at IS NULL AND ns IN ({})"
            for kind, count, first, last in select_in(
                connection, f"SELECT kind, count(*), min(at), max(at) {live} GROUP BY kind", (), numbers
            ):
                kinds[kind] = kinds.get(kind, 0) + count
                firsts.append(first)
                lasts.append(last)
            for key, source in (
                ("versions", "memory WHERE ns IN ({})"),
                ("links", "link WHERE retired_at IS NULL AND ns IN ({})"),
            ):
                found = select_in(connection, f"SELECT count(*) FROM {source}", (), numbers)
                result[key] = sum(row[0] for row in found)
        result["memories"] = sum(kinds.values())
        result["kinds"] = kinds
        result["first"] = moment(min(firsts)) if firsts else None
        result["last"] = moment(max(lasts)) if lasts else None
        return {**result, "bytes": self._bytes()}

    def _bytes(self) -> int:
        if self.path == MEMORY:
            with self._pool.use() as connection:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                return int(pages * connection.execute("PRAGMA page_size").fetchone()[0])
        parts = (Path(self.path + end) for end in ("", "-wal", "-shm"))
        return sum(part.stat().st_size for part in parts if part.exists())

    # --- upkeep ----------------------------------------------------------------------------------
    def erase(self, ns: int, ids: Sequence[str]) -> Erased:
        """See the contract."""
        with self.transaction() as transaction:
            erased = sqlite_erase.erase(transaction, self._reader, ns, ids)
        complete = sqlite_erase.scrub(self._pool)
        return replace(erased, complete=complete, detail="" if complete else sqlite_erase.LATER)

    def check(self) -> list[Problem]:
        """See the contract."""
        with self._pool.snapshot() as connection:
            return sqlite_check.check(connection, self._reader)

    def backup(self, path: str) -> None:
        """See the contract."""
        target = Path(path).absolute()
        if target.exists():
            raise NotAMemoryFile(f"{target} exists; a backup is written to a new file only")
        if not target.parent.is_dir():
            raise NotAMemoryFile(f"the folder {target.parent} does not exist; make it first")
        part = target.with_name(target.name + ".part")
        try:
            with self._pool.use() as connection:
                connection.execute("VACUUM INTO ?", (str(part),))
            _sign_copy(part)
            try:
                os.link(part, target)
            except FileExistsError:
                raise NotAMemoryFile(f"{target} exists; a backup is written to a new file only") from None
            except OSError:  # a file system without hard links
                part.rename(target)
        finally:
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """See the contract."""
        self._pool.close()


def _sign_copy(path: Path) -> None:
    """Give a copy an identity of its own, and sync it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'uuid'", (uuid.uuid4().hex,))
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
