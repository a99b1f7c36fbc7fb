"""Connections to a memory file: one a thread, none carried across a fork.

SQLite forbids carrying an open connection into a forked child, and its locks belong to the
process, so every idle connection is closed just before a fork; parent and child each open theirs
again at the next call. An in-memory database has one connection, which its threads share in turn.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Any

from agentmem.backends.sqlite_path import MEMORY
from agentmem.errors import (
    AgentmemError,
    BackendError,
    DamagedFile,
    FileLocked,
    ReadOnlyFile,
    StoreClosed,
)

_FORK_PATIENCE = 5.0
"""Seconds a fork waits for calls of other threads to end."""


def translate(error: sqlite3.Error, path: str) -> AgentmemError:
    """One of our errors for one of SQLite's."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return FileLocked(f"another process holds {path} for too long ({text}); try again")
    if "readonly" in text:
        return ReadOnlyFile(f"{path} cannot be written; check its permissions and those of its folder")
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return DamagedFile(
            f"{path} is damaged ({text}); restore it from a backup, or read what is left with: "
            f"sqlite3 {path} .recover"
        )
    if "is full" in text:
        return BackendError(f"the disk that holds {path} is full; nothing of this call was written")
    return BackendError(f"{path}: {text}")


class Held:
    """A connection, and the lock of the thread that is using it.

    ``impatient`` says that its busy time-out is 0, as writing leaves it.
    """

    __slots__ = ("__weakref__", "connection", "data_version", "impatient", "lock", "process")

    def __init__(self) -> None:
        self.connection: sqlite3.Connection | None = None
        self.impatient = False
        self.process = os.getpid()
        self.lock = threading.RLock()
        self.data_version: int | None = None

    def close(self) -> None:
        """Close the connection, taking back what it has not committed."""
        connection, self.connection, self.data_version = self.connection, None, None
        if connection is not None:
            connection.close()

    def roll_back(self) -> None:
        """End the open transaction, if there is one; a connection too broken for that is closed."""
        if self.connection is not None and self.connection.in_transaction:
            try:
                self.connection.execute("ROLLBACK")
            except sqlite3.Error:
                self.close()

    def abandon(self) -> None:
        """Forget a connection of the parent process for good, without closing it."""
        connection, self.connection, self.data_version = self.connection, None, None
        if connection is not None:
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    def __del__(self) -> None:
        if self.process == os.getpid():
            self.close()
        else:
            self.abandon()


class Connections:
    """The connections of one opened file.

    Args:
        path: the file, or ":memory:".
        readonly: open for reading only.
        synchronous: "FULL" or "NORMAL".
        busy_timeout: seconds to wait for the write lock.
    """

    def __init__(self, path: str, *, readonly: bool, synchronous: str, busy_timeout: float) -> None:
        self.path = path
        self.readonly = readonly
        self.closed = False
        self.write_lock = threading.RLock()
        self._memory = path == MEMORY
        self._synchronous = synchronous
        self._timeout = busy_timeout
        self._immutable = False
        self._lock = threading.Lock()
        self._local = threading.local()
        self._all: weakref.WeakSet[Held] = weakref.WeakSet()
        self._shared = self._make() if self._memory else None
        self._generation = 0
        _POOLS.add(self)

    # --- using one -------------------------------------------------------------------------------
    def held(self) -> Held:
        """This thread's connection, which may not be open yet."""
        if self._shared is not None:
            return self._shared
        held: Held | None = getattr(self._local, "held", None)
        if held is None:
            held = self._local.held = self._make()
        return held

    def opened(self, held: Held) -> sqlite3.Connection:
        """The connection, opened if it is not; the caller holds its lock."""
        if self.closed:
            raise StoreClosed(f"{self.path} was closed; open it again")
        if held.connection is None:
            held.connection = self._open()
            held.impatient = False
        return held.connection

    def patient(self, held: Held) -> sqlite3.Connection:
        """The connection, opened if it is not, and waiting for others as reading wants it."""
        connection = self.opened(held)
        if held.impatient:
            connection.execute(f"PRAGMA busy_timeout={self._busy_ms}")
            held.impatient = False
        return connection

    def use(self) -> Use:
        """The connection, for one statement."""
        return Use(self, False)

    def snapshot(self) -> Use:
        """The connection in a read transaction, for several statements that must agree."""
        return Use(self, True)

    # --- versions --------------------------------------------------------------------------------
    def version(self) -> int:
        """A number that changes whenever anyone committed."""
        with Use(self, False) as connection:
            held = self.held()
            now = connection.execute("PRAGMA data_version").fetchone()[0]
            if now != held.data_version:
                held.data_version = now
                self.committed()
            return self._generation

    def committed(self) -> None:
        """Count a commit: ``PRAGMA data_version`` does not tell of a connection's own."""
        with self._lock:
            self._generation += 1

    # --- writing ---------------------------------------------------------------------------------
    def begin(self) -> tuple[Held, sqlite3.Connection]:
        """Begin a write transaction; :meth:`end` must follow.

        Raises:
            FileLocked: the write lock could not be had in time.
            ReadOnlyFile: the file cannot be written.
        """
        if self.readonly:
            raise ReadOnlyFile(f"{self.path} was opened for reading only")
        deadline = time.monotonic() + self._timeout
        if not self.write_lock.acquire(timeout=self._timeout):
            raise FileLocked(f"another thread has been writing to {self.path} for {self._timeout:g} s")
        held = self.held()
        held.lock.acquire()
        try:
            connection = self.opened(held)
            if connection.in_transaction:
                raise BackendError("a transaction is open in this thread already; end it first")
            if not held.impatient:
                connection.execute("PRAGMA busy_timeout=0")
                held.impatient = True
            self._again(connection, "BEGIN IMMEDIATE", deadline)
            return held, connection
        except BaseException as error:
            self.end(held)
            if isinstance(error, sqlite3.Error):
                raise translate(error, self.path) from error
            raise

    def end(self, held: Held) -> None:
        """Let go of what :meth:`begin` took."""
        held.lock.release()
        self.write_lock.release()

    def retry(self, connection: sqlite3.Connection, statement: str, deadline: float) -> None:
        """Run a statement that needs the write lock, again and again with growing random pauses."""
        connection.execute("PRAGMA busy_timeout=0")
        try:
            self._again(connection, statement, deadline)
        finally:
            connection.execute(f"PRAGMA busy_timeout={self._busy_ms}")

    def _again(self, connection: sqlite3.Connection, statement: str, deadline: float) -> None:
        pause = 0.0005
        while True:
            try:
                connection.execute(statement)
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise
                left = deadline - time.monotonic()
                if left <= 0:
                    raise FileLocked(
                        f"another process has held the write lock of {self.path} for "
                        f"{self._timeout:g} s; end it, or raise busy_timeout"
                    ) from error
                time.sleep(min(left, pause * (0.5 + random.random())))
                pause = min(pause * 1.5, 0.02)

    # --- life ------------------------------------------------------------------------------------
    def close(self) -> None:
        """Close every connection, waiting for calls of other threads to end; twice does nothing."""
        with self._lock:
            self.closed = True
            everyone = list(self._all)
        for held in everyone:
            with held.lock:
                held.close()

    @property
    def _busy_ms(self) -> int:
        return int(min(self._timeout, 5.0) * 1000)

    def _make(self) -> Held:
        held = Held()
        with self._lock:
            self._all.add(held)
        return held

    def _open(self) -> sqlite3.Connection:
        try:
            if self._memory:
                return self._connect(MEMORY, uri=False)
            if not self.readonly:
                return self._connect(f"{Path(self.path).as_uri()}?mode=rwc", uri=True)
            if not self._immutable:
                try:
                    return self._connect(f"{Path(self.path).as_uri()}?mode=ro", uri=True)
                except sqlite3.OperationalError:
                    # A read-only folder: SQLite cannot make the -shm file it reads a WAL through.
                    wal = Path(self.path + "-wal")
                    if wal.exists() and wal.stat().st_size:
                        raise
                    self._immutable = True
            return self._connect(f"{Path(self.path).as_uri()}?mode=ro&immutable=1", uri=True)
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def _connect(self, address: str, *, uri: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            address,
            timeout=self._busy_ms / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            uri=uri,
        )
        try:
            connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("PRAGMA cache_size=-16384")
            if not self.readonly:
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    # --- forks -----------------------------------------------------------------------------------
    def freeze(self) -> list[Any]:
        """Before a fork: wait for calls to end and close what is idle; returns the locks taken."""
        taken: list[Any] = []
        deadline = time.monotonic() + _FORK_PATIENCE
        everyone = list(self._all)
        locks: list[Any] = [self.write_lock, *(held.lock for held in everyone), self._lock]
        for lock in locks:
            if lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
                taken.append(lock)
        for late in [held for held in self._all if held not in everyone]:
            if late.lock.acquire(blocking=False):
                taken.append(late.lock)
        if self._shared is None:
            for held in list(self._all):
                idle = held.connection is not None and not held.connection.in_transaction
                if held.lock in taken and idle:
                    held.close()
        return taken

    def forked(self) -> None:
        """In the child: forget what could not be closed, and begin with fresh locks."""
        for held in list(self._all):
            held.lock = threading.RLock()
            held.process = os.getpid()
            if self._shared is None:
                held.abandon()
        self.write_lock = threading.RLock()
        self._lock = threading.Lock()
        self._local = threading.local()


class Use:
    """``with`` a connection; translates SQLite's errors, and may hold a read transaction."""

    __slots__ = ("_began", "_held", "_pool", "_snapshot")

    def __init__(self, pool: Connections, snapshot: bool) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._began = False
        self._held = pool.held()

    def __enter__(self) -> sqlite3.Connection:
        self._held.lock.acquire()
        try:
            connection = self._pool.patient(self._held)
            if self._snapshot and not connection.in_transaction:
                connection.execute("BEGIN")
                self._began = True
            return connection
        except BaseException as error:
            self._held.lock.release()
            if isinstance(error, sqlite3.Error):
                raise translate(error, self._pool.path) from error
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        held = self._held
        try:
            if self._began:
                held.roll_back()  # nothing was written
        finally:
            held.lock.release()
        if isinstance(error, sqlite3.Error):
            raise translate(error, self._pool.path) from error


_POOLS: weakref.WeakSet[Connections] = weakref.WeakSet()
_frozen: list[tuple[Connections, list[Any]]] = []


def _before_fork() -> None:
    _frozen.extend([(pool, pool.freeze()) for pool in list(_POOLS) if not pool.closed])


def _after_fork_in_parent() -> None:
    while _frozen:
        for lock in _frozen.pop()[1]:
            lock.release()


def _after_fork_in_child() -> None:
    while _frozen:
        _frozen.pop()[0].forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
