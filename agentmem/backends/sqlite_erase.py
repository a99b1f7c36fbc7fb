"""Erasure: rows, all that was derived from them, and then every copy of their bytes in the file.

``secure_delete`` overwrites what is deleted, but a b-tree page that was split earlier keeps copies of
its cells in space that is free since then. So the file is written anew (VACUUM) and the
write-ahead log is cut to nothing. A reader in another process can hold the log; then the header keeps
the note ``scrub_pending``, and the next open or erasure finishes the work.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterable, Sequence

import numpy as np

from agentmem.backends.base import Erased
from agentmem.backends.codec import TOKEN
from agentmem.backends.sqlite_connect import Connections
from agentmem.backends.sqlite_path import MEMORY
from agentmem.backends.sqlite_read import Reader, select_in
from agentmem.backends.sqlite_schema import LINKS, write_meta
from agentmem.backends.sqlite_write import SQLiteTransaction
from agentmem.errors import FileLocked

PATIENCE = 5.0
"""Seconds an erasure waits for readers that hold the write-ahead log."""
_PAUSE = 0.02
_BATCH = 50_000

LATER = (
    "the rows are gone, but another process is reading and holds the write-ahead log, in which their "
    "bytes still stand; the next open or erase() removes them"
)


def erase(transaction: SQLiteTransaction, reader: Reader, ns: int, ids: Sequence[str]) -> Erased:
    """Remove rows and what was derived from them; their bytes go with :func:`scrub` afterwards."""
    connection = transaction.connection
    found = _ids_there(connection, ns, ids)
    derived = _derived(connection, ns, found)
    every = [*found, *derived]
    if not every:
        return Erased((), (), 0, 0, 0, 0, True)
    _raise_floors(connection)
    rows = [row[0] for row in reader.versions(connection, ns, every)]
    one = [(row,) for row in rows]
    for table in ("memory", "encoding", "source"):
        connection.executemany(f"DELETE FROM {table} WHERE row = ?", one)
    links = events = 0
    for id in every:
        for end in ("source", "target"):
            links += connection.execute(f"DELETE FROM link WHERE ns = ? AND {end} = ?", (ns, id)).rowcount
        connection.execute("DELETE FROM artifact WHERE ns = ? AND source = ?", (ns, id))
        events += connection.execute("DELETE FROM event WHERE ns = ? AND id = ?", (ns, id)).rowcount
    gone_ids = set(every)
    undo = connection.execute("SELECT run, id FROM undo WHERE ns = ?", (ns,)).fetchall()
    connection.executemany(
        "DELETE FROM undo WHERE ns = ? AND run = ? AND id = ?",
        [(ns, run, id) for run, id in undo if id in gone_ids],
    )
    gone_rows = set(rows)
    log = connection.execute("SELECT seq, row FROM change WHERE ns = ? AND op != ?", (ns, LINKS)).fetchall()
    log = [(ns, seq) for seq, row in log if row in gone_rows]
    connection.executemany("DELETE FROM change WHERE ns = ? AND seq = ?", log)
    words = _drop_words(connection, reader)
    transaction.new_epoch()
    connection.execute(
        "UPDATE namespace SET epoch = (SELECT value FROM meta WHERE key = 'erase_epoch') WHERE id = ?", (ns,)
    )
    _drop_empty(connection, ns)
    write_meta(connection, {"scrub_pending": 1})
    return Erased(tuple(found), tuple(derived), len(rows), words, links, len(log) + events, False)


def scrub(pool: Connections, *, patience: float = PATIENCE) -> bool:
    """Write the file anew and cut the write-ahead log, if an erasure asks for it.

    Args:
        pool: the connections.
        patience: seconds to wait for others.

    Returns:
        Whether nothing is left to do.
    """
    deadline = time.monotonic() + patience
    if not pool.write_lock.acquire(timeout=max(patience, 0.001)):
        return False
    try:
        with pool.use() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'scrub_pending'").fetchone()
            if row is None:
                return True
            try:
                pool.retry(connection, "VACUUM", deadline)
            except FileLocked:
                return False
            pool.committed()
            if pool.path != MEMORY and not _cut_log(connection, deadline):
                return False
            try:
                pool.retry(connection, "DELETE FROM meta WHERE key = 'scrub_pending'", deadline)
            except FileLocked:
                return False
            pool.committed()
            return True
    finally:
        pool.write_lock.release()


def _cut_log(connection: sqlite3.Connection, deadline: float) -> bool:
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                    return True
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE * (0.5 + random.random()))
    finally:
        connection.execute("PRAGMA busy_timeout=5000")


def _ids_there(connection: sqlite3.Connection, ns: int, ids: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(ids))
    there = {
        row[0]
        for state in ("IS NULL", "IS NOT NULL")
        for row in select_in(
            connection,
            f"SELECT id FROM memory WHERE ns = ? AND retired_at {state} AND id IN ({{}})",
            (ns,),
            wanted,
        )
    }
    return [id for id in wanted if id in there]


def _derived(connection: sqlite3.Connection, ns: int, ids: Sequence[str]) -> list[str]:
    """All memories that have one of these among their sources, in any version, however far down."""
    seen = dict.fromkeys(ids)
    front: Sequence[str] = ids
    while front:
        below = select_in(
            connection,
            "SELECT DISTINCT memory.id FROM source JOIN memory ON memory.row = source.row "
            "WHERE source.ns = ? AND source.source IN ({})",
            (ns,),
            front,
        )
        front = [id for id in dict.fromkeys(row[0] for row in below) if id not in seen]
        seen.update(dict.fromkeys(front))
    return list(seen)[len(ids) :]


def _raise_floors(connection: sqlite3.Connection) -> None:
    """Keep the highest numbers in the header before their rows go, so that none is used again."""
    for floor, table, column in (
        ("row_floor", "memory", "row"),
        ("term_floor", "term", "id"),
        ("ns_floor", "namespace", "id"),
    ):
        connection.execute(
            "UPDATE meta SET value = max(value, coalesce("
            f"(SELECT max({column}) FROM {table}), 0)) WHERE key = ?",
            (floor,),
        )


def _drop_words(connection: sqlite3.Connection, reader: Reader) -> int:
    """Remove the words of the dictionary that no row uses any more."""
    terms = [row[0] for row in connection.execute("SELECT id FROM term").fetchall()]
    if not terms:
        return 0
    used = np.zeros(max(terms) + 1, dtype=bool)
    last = -1
    while True:
        rows = connection.execute(
            "SELECT row, tokens FROM encoding WHERE row > ? ORDER BY row LIMIT ?", (last, _BATCH)
        ).fetchall()
        if not rows:
            break
        last = rows[-1][0]
        ids = np.frombuffer(b"".join(reader.codec.read_blobs([row[1] for row in rows])), dtype=TOKEN)
        used[ids[ids < len(used)]] = True
    unused = [(term,) for term in terms if not used[term]]
    connection.executemany("DELETE FROM term WHERE id = ?", unused)
    return len(unused)


def _drop_empty(connection: sqlite3.Connection, ns: int) -> None:
    """Remove a namespace that holds nothing more: its labels may be personal, too."""
    for table in ("memory", "link", "event"):
        if connection.execute(f"SELECT 1 FROM {table} WHERE ns = ? LIMIT 1", (ns,)).fetchone():
            return
    connection.execute("DELETE FROM namespace WHERE id = ?", (ns,))
    connection.execute("DELETE FROM change WHERE ns = ?", (ns,))
    connection.execute("DELETE FROM undo WHERE ns = ?", (ns,))
