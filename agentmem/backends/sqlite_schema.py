"""The tables of a memory file, and what its header says.

A new file is made by :func:`create` in one go; an old one is moved forward by the steps of
:mod:`agentmem.backends.sqlite_migrations`, which is imported only then.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

from agentmem.backends.base import Header
from agentmem.backends.codec import PLAIN
from agentmem.errors import DamagedFile, NewerSchema

APPLICATION_ID = 0x61676D6D
"""At offset 68 of every memory file: "agmm"."""
SCHEMA = 1
"""The schema this version writes; the file's is its ``PRAGMA user_version``."""
LOWEST_READER = 1
"""The lowest schema whose code reads what this version writes."""

ADDED, RETIRED, VECTORS, LINKS = 1, 2, 3, 4
"""What a row of the change log says."""
UNDO = "undo:"
"""Who the past of artifacts and links is kept under, before the run's id; see ``sqlite_derived``."""

VERSION_1 = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE namespace (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL)",
    # Long columns stand last, so that reading the short ones does not touch their overflow pages.
    """CREATE TABLE memory (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  position INTEGER NOT NULL,
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  at_offset INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  retired_at INTEGER,
  valid_from INTEGER,
  valid_from_offset INTEGER,
  valid_until INTEGER,
  valid_until_offset INTEGER,
  expires_at INTEGER,
  expires_at_offset INTEGER,
  trust REAL NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  speaker TEXT,
  role TEXT,
  session TEXT,
  made_by TEXT,
  run TEXT,
  sources TEXT,
  metadata NOT NULL,
  text NOT NULL,
  data
)""",
    "CREATE UNIQUE INDEX memory_live_id ON memory (ns, id) WHERE retired_at IS NULL",
    "CREATE INDEX memory_old_id ON memory (ns, id) WHERE retired_at IS NOT NULL",
    "CREATE INDEX memory_live_position ON memory (ns, position) WHERE retired_at IS NULL",
    "CREATE INDEX memory_live_at ON memory (ns, at, position) WHERE retired_at IS NULL",
    "CREATE INDEX memory_run ON memory (ns, run) WHERE run IS NOT NULL",
    """CREATE TABLE encoding (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  pieces INTEGER NOT NULL,
  digest BLOB,
  tokens BLOB NOT NULL,
  vectors BLOB
)""",
    "CREATE INDEX encoding_pending ON encoding (ns) WHERE vectors IS NULL",
    "CREATE INDEX encoding_digest ON encoding (digest) WHERE digest IS NOT NULL",
    "CREATE TABLE term (id INTEGER PRIMARY KEY, word NOT NULL UNIQUE)",
    """CREATE TABLE source (
  ns INTEGER NOT NULL,
  source TEXT NOT NULL,
  row INTEGER NOT NULL,
  PRIMARY KEY (ns, source, row)
) WITHOUT ROWID""",
    "CREATE INDEX source_row ON source (row)",
    """CREATE TABLE link (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  kind TEXT NOT NULL,
  weight REAL NOT NULL,
  recorded_at INTEGER NOT NULL,
  retired_at INTEGER,
  made_by TEXT,
  run TEXT
)""",
    "CREATE INDEX link_source ON link (ns, source)",
    "CREATE INDEX link_target ON link (ns, target)",
    "CREATE INDEX link_run ON link (ns, run) WHERE run IS NOT NULL",
    """CREATE TABLE artifact (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  made_by TEXT NOT NULL,
  version INTEGER NOT NULL,
  data NOT NULL
)""",
    "CREATE UNIQUE INDEX artifact_source ON artifact (ns, source, kind, made_by)",
    """CREATE TABLE event (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  at_offset INTEGER NOT NULL,
  grade TEXT NOT NULL
)""",
    "CREATE INDEX event_id ON event (ns, id)",
    """CREATE TABLE undo (
  ns INTEGER NOT NULL,
  run TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (ns, run, id)
) WITHOUT ROWID""",
    """CREATE TABLE change (
  ns INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  row INTEGER NOT NULL,
  op INTEGER NOT NULL,
  PRIMARY KEY (ns, seq)
) WITHOUT ROWID""",
)
"""Never edited after a release: what comes later is a step in ``sqlite_migrations``."""

_MIGRATIONS_TABLE = (
    "CREATE TABLE _sqlite_migrations "
    "(id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)",
    "CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name "
    "ON _sqlite_migrations (migration_set, name)",
)
MIGRATION_SET = "agentmem"
STEPS = ("m001_create",)
"""Names of the steps that a new file already has behind it."""


def create(connection: sqlite3.Connection, *, vectors: str) -> None:
    """Make the tables of a new file; the caller holds a write transaction."""
    for statement in (*VERSION_1, *_MIGRATIONS_TABLE):
        connection.execute(statement)
    connection.executemany(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, datetime('now'))",
        [(MIGRATION_SET, step) for step in STEPS],
    )
    first = {
        "uuid": uuid.uuid4().hex,
        "lowest_reader": LOWEST_READER,
        "codec": PLAIN.name,
        "vectors": vectors,
        "erase_epoch": 0,
        "row_floor": 0,
        "term_floor": 0,
        "ns_floor": 0,
        "dim": 0,
    }
    write_meta(connection, first)
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={SCHEMA}")


def migrate(connection: sqlite3.Connection) -> None:
    """Move an old file forward; the caller holds a write transaction."""
    from agentmem.backends.sqlite_migrations import apply

    apply(connection)
    write_meta(connection, {"lowest_reader": LOWEST_READER})
    connection.execute(f"PRAGMA user_version={SCHEMA}")


def schema_of(connection: sqlite3.Connection) -> int:
    """The schema of a file; 0 when it has no tables yet."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def read_meta(connection: sqlite3.Connection) -> dict[str, Any]:
    """All of the header."""
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def write_meta(connection: sqlite3.Connection, values: Mapping[str, Any]) -> None:
    """Write entries of the header; None removes one."""
    for key, value in values.items():
        if value is None:
            connection.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))


def check_readable(path: str, schema: int, meta: Mapping[str, Any]) -> bool:
    """Whether this version may write the file too; it may always write files up to its own schema.

    Raises:
        NewerSchema: this version cannot even read it.
        DamagedFile: the header is incomplete.
    """
    missing = {"uuid", "lowest_reader", "codec", "vectors", "erase_epoch"} - set(meta)
    if missing:
        raise DamagedFile(
            f"{path} is damaged: its header lacks {', '.join(sorted(missing))}; restore it from a backup"
        )
    if schema <= SCHEMA:
        return True
    if int(meta["lowest_reader"]) > SCHEMA:
        raise NewerSchema(
            f"{path} was written by a newer agentmem (schema {schema}, this version reads up to {SCHEMA}); "
            "run: pip install -U agentmem-kit"
        )
    return False


def to_header(schema: int, meta: Mapping[str, Any]) -> Header:
    """The header as a record."""
    return Header(
        uuid=meta["uuid"],
        schema=schema,
        erase_epoch=int(meta["erase_epoch"]),
        embedder=meta.get("embedder"),
        fingerprint=meta.get("fingerprint"),
        dim=int(meta.get("dim") or 0),
        analyser=meta.get("analyser"),
        codec=meta["codec"],
    )
