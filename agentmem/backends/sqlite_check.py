"""Is the file whole? Structure, numbers that must agree, and vectors that must be unit rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import numpy as np

from agentmem.backends.base import Problem
from agentmem.backends.codec import TOKEN, VECTOR_TYPES
from agentmem.backends.sqlite_read import Reader
from agentmem.backends.sqlite_schema import ADDED, RETIRED, read_meta

_BATCH = 20_000
_SHOWN = 5
_RESTORE = "restore the file from a backup"
_REINDEX = "run `agentmem reindex FILE`"
_REBUILD = "close all handles and open the file again; if it stays, restore it from a backup"


def _absent(table: str, column: str) -> str:
    """SQL: no version of the id in a column exists; in two parts, for each index covers one."""
    there = (
        f"EXISTS (SELECT 1 FROM memory m WHERE m.ns = {table}.ns AND m.id = {table}.{column} AND m.retired_at"
    )
    return f"(NOT {there} IS NULL) AND NOT {there} IS NOT NULL))"


_COUNTS = (
    # where, what it counts, the statement, what to do
    (
        "encoding",
        "row versions have no encoding",
        "SELECT m.row FROM memory m LEFT JOIN encoding e USING (row, ns) WHERE e.row IS NULL",
        _REINDEX,
    ),
    (
        "encoding",
        "encodings belong to no row version",
        "SELECT e.row FROM encoding e LEFT JOIN memory m ON m.row = e.row WHERE m.row IS NULL",
        _RESTORE,
    ),
    (
        "memory",
        "row versions belong to no namespace",
        "SELECT m.row FROM memory m LEFT JOIN namespace n ON n.id = m.ns WHERE n.id IS NULL",
        _RESTORE,
    ),
    (
        "memory",
        "ids have more than one live version",
        "SELECT id FROM memory WHERE retired_at IS NULL GROUP BY ns, id HAVING count(*) > 1",
        _RESTORE,
    ),
    (
        "memory",
        "ids have versions that do not follow one another",
        "SELECT id FROM memory GROUP BY ns, id HAVING count(DISTINCT version) != count(*) "
        "OR max(version) - min(version) + 1 != count(*)",
        _RESTORE,
    ),
    (
        "source",
        "source entries belong to no row version",
        "SELECT s.row FROM source s LEFT JOIN memory m ON m.row = s.row AND m.ns = s.ns WHERE m.row IS NULL",
        _RESTORE,
    ),
    (
        "link",
        "live links start or end at ids that are not there",
        "SELECT source || ' -> ' || target FROM link WHERE retired_at IS NULL AND "
        f"({_absent('link', 'source')} OR {_absent('link', 'target')})",
        "they lead nowhere and do no harm; consolidate() may retire them",
    ),
    (
        "event",
        "use events belong to no memory",
        f"SELECT id FROM event WHERE {_absent('event', 'id')}",
        "they do no harm",
    ),
    (
        "change",
        "row versions are missing from the change log",
        f"SELECT row FROM memory EXCEPT SELECT row FROM change WHERE op = {ADDED}",
        _REBUILD,
    ),
    (
        "change",
        "retirements are missing from the change log",
        "SELECT row FROM memory WHERE retired_at IS NOT NULL "
        f"EXCEPT SELECT row FROM change WHERE op = {RETIRED}",
        _REBUILD,
    ),
    (
        "change",
        "live row versions are logged as retired",
        "SELECT m.row FROM change c JOIN memory m ON m.row = c.row "
        f"WHERE c.op = {RETIRED} AND m.retired_at IS NULL",
        _REBUILD,
    ),
    (
        "change",
        "entries of the change log belong to no row version",
        f"SELECT row FROM change WHERE op = {ADDED} EXCEPT SELECT row FROM memory",
        _REBUILD,
    ),
    (
        "change",
        "namespaces have a log beside their own",
        "SELECT DISTINCT ns FROM change EXCEPT SELECT id FROM namespace",
        _RESTORE,
    ),
)


def check(connection: sqlite3.Connection, reader: Reader) -> list[Problem]:
    """All problems of a file; the caller holds a read transaction."""
    structure = [row[0] for row in connection.execute("PRAGMA integrity_check(20)").fetchall()]
    if structure != ["ok"]:
        advice = f"{_RESTORE}, or read what is left with `sqlite3 FILE .recover`"
        return [Problem("file", f"{line}; {advice}") for line in structure]
    problems = []
    for where, what, statement, advice in _COUNTS:
        rows = [row[0] for row in connection.execute(statement).fetchall()]
        if rows:
            problems.append(Problem(where, f"{len(rows)} {what} ({_some(rows)}); {advice}"))
    problems += _sources(connection)
    problems += _order(connection)
    problems += _encodings(connection, reader)
    if read_meta(connection).get("scrub_pending"):
        problems.append(
            Problem(
                "file", "bytes of an erasure may still stand in the file; open it alone and erase() again"
            )
        )
    return problems


def _some(values: list[object]) -> str:
    shown = ", ".join(str(value) for value in values[:_SHOWN])
    return shown + (", ..." if len(values) > _SHOWN else "")


def _sources(connection: sqlite3.Connection) -> Iterator[Problem]:
    """The sources of a row must be those of the table that erasure goes by."""
    indexed: dict[int, set[str]] = {}
    for row, source in connection.execute("SELECT row, source FROM source"):
        indexed.setdefault(row, set()).add(source)
    listed = {
        row: set(json.loads(sources))
        for row, sources in connection.execute("SELECT row, sources FROM memory WHERE sources IS NOT NULL")
    }
    wrong = sorted(row for row in {*indexed, *listed} if indexed.get(row) != listed.get(row))
    if wrong:
        yield Problem("source", f"the sources of {len(wrong)} rows disagree ({_some([*wrong])}); {_RESTORE}")


def _order(connection: sqlite3.Connection) -> Iterator[Problem]:
    """Sequence numbers of the log must rise with the rows that were added."""
    last: dict[int, int] = {}
    for ns, row in connection.execute(f"SELECT ns, row FROM change WHERE op = {ADDED} ORDER BY ns, seq"):
        if row <= last.get(ns, 0):
            yield Problem("change", f"row {row} of namespace {ns} was logged out of turn; {_REBUILD}")
        last[ns] = row


def _encodings(connection: sqlite3.Connection, reader: Reader) -> Iterator[Problem]:
    dim = int(read_meta(connection).get("dim") or 0)
    dtype = VECTOR_TYPES[reader.kind]
    terms = [row[0] for row in connection.execute("SELECT id FROM term").fetchall()]
    known = np.zeros(max(terms, default=0) + 2, dtype=bool)
    known[terms] = True
    wrong: dict[str, list[object]] = {"width": [], "unit": [], "token": []}
    last = -1
    while True:
        rows = connection.execute(
            "SELECT row, tokens, pieces, vectors FROM encoding WHERE row > ? ORDER BY row LIMIT ?",
            (last, _BATCH),
        ).fetchall()
        if not rows:
            break
        last = rows[-1][0]
        tokens = reader.codec.read_blobs([row[1] for row in rows])
        for (row, _, pieces, laid), ids in zip(rows, tokens, strict=True):
            numbers = np.frombuffer(ids, dtype=TOKEN) if len(ids) % TOKEN.itemsize == 0 else None
            if numbers is None or not known[np.minimum(numbers, len(known) - 1)].all():
                wrong["token"].append(row)
            if laid is None:
                if pieces:
                    wrong["width"].append(row)
                continue
            blob = reader.codec.read_blobs([laid])[0]
            if len(blob) != pieces * dim * dtype.itemsize:
                wrong["width"].append(row)
            elif pieces:
                rows_of = np.frombuffer(blob, dtype=dtype).astype(np.float32).reshape(pieces, dim)
                lengths = np.linalg.norm(rows_of, axis=1)
                if not bool((np.abs(lengths - 1.0) < 0.01).all()):
                    wrong["unit"].append(row)
    for kind, what in (
        ("token", "row versions hold token ids that the dictionary does not have"),
        ("width", f"vectors have another width than the header's {dim}"),
        ("unit", "vectors are not finite unit rows"),
    ):
        if wrong[kind]:
            yield Problem("encoding", f"{len(wrong[kind])} {what} ({_some(wrong[kind])}); {_REINDEX}")
