"""Reading rows: statements, and how a row becomes a record. Each function takes an open connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Changes, Cursor, Event, Stored
from agentmem.backends.codec import (
    PLAIN,
    Codec,
    load_object,
    moment,
    moment_or_none,
    pack_name,
    unpack_vectors,
)
from agentmem.backends.sqlite_schema import ADDED, LINKS, RETIRED, UNDO, VECTORS
from agentmem.clock import to_micros
from agentmem.memory import Artifact, Json, Link, Memory, Namespace

Row: TypeAlias = tuple[Any, ...]

_CHUNKS = (1, 4, 16, 64, 256)
NEVER: Cursor = "0:0"

MEMORY_COLUMNS = (
    "row, ns, position, id, text, kind, speaker, role, session, metadata, data, sources, trust, "
    "valid_from, valid_from_offset, valid_until, valid_until_offset, expires_at, expires_at_offset, "
    "retired_at, version, made_by, run, at, at_offset, recorded_at"
)
_LINK_COLUMNS = "source, target, kind, weight, made_by, recorded_at, retired_at, run, row"
KNOWN = "recorded_at <= :known AND (retired_at IS NULL OR retired_at > :known)"


def chunks(values: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Values in groups for ``IN (...)``: the question marks, and the group padded to their number.

    Few group sizes, so that few statements are prepared.
    """
    start = 0
    while start < len(values):
        left = len(values) - start
        size = next((size for size in _CHUNKS if size >= left), _CHUNKS[-1])
        group = list(values[start : start + size])
        group.extend([group[-1]] * (size - len(group)))
        yield ",".join("?" * size), group
        start += size


def select_in(
    connection: sqlite3.Connection, statement: str, before: Sequence[Any], values: Iterable[Any]
) -> list[Row]:
    """All rows of a statement with ``{}`` inside ``IN ({})``, for values without repeats."""
    result: list[Row] = []
    for marks, group in chunks(list(dict.fromkeys(values))):
        result += connection.execute(statement.replace("{}", marks), (*before, *group)).fetchall()
    return result


class Reader:
    """Turns rows into records, with the file's codec and vector type.

    Args:
        codec: how texts are laid down.
        kind: type of the stored vectors.
    """

    def __init__(self, codec: Codec = PLAIN, kind: str = "float16") -> None:
        self.codec = codec
        self.kind = kind
        self._names: dict[int, Namespace] = {}

    # --- namespaces ------------------------------------------------------------------------------
    def name(self, connection: sqlite3.Connection, ns: int) -> Namespace:
        """The labels of a namespace by number; numbers are never used twice."""
        if ns not in self._names:
            row = connection.execute("SELECT name FROM namespace WHERE id = ?", (ns,)).fetchone()
            if row is None:
                return ()
            self._names[ns] = tuple(json.loads(self.codec.read_word(row[0])))
        return self._names[ns]

    def number(self, connection: sqlite3.Connection, name: Namespace) -> int | None:
        """The number of a namespace."""
        packed = self.codec.word(pack_name(name))
        row = connection.execute("SELECT id FROM namespace WHERE name = ?", (packed,)).fetchone()
        return None if row is None else int(row[0])

    def namespaces(
        self, connection: sqlite3.Connection, prefix: Namespace, past: bool
    ) -> list[tuple[int, Namespace]]:
        """Namespaces below a prefix that hold a live memory, or one that is past."""
        there = "EXISTS (SELECT 1 FROM memory WHERE ns = namespace.id AND retired_at"
        where = f"{there} IS NULL)" + (f" OR {there} IS NOT NULL)" if past else "")
        rows = connection.execute(f"SELECT id, name FROM namespace WHERE {where}").fetchall()
        named = [(int(ns), tuple(json.loads(self.codec.read_word(name)))) for ns, name in rows]
        return sorted((n for n in named if n[1][: len(prefix)] == prefix), key=lambda n: n[1])

    # --- memories --------------------------------------------------------------------------------
    def memory(self, connection: sqlite3.Connection, row: Row) -> Memory:
        """A record of :data:`MEMORY_COLUMNS`."""
        read = self.codec.read_text
        data, sources, ns = row[10], row[11], row[1]
        return Memory(
            row[3],
            self._names.get(ns) or self.name(connection, ns),
            read(row[4]),
            row[5],
            row[6],
            row[7],
            row[8],
            load_object(read(row[9])),
            None if data is None else json.loads(read(data)),
            () if sources is None else tuple(json.loads(sources)),
            row[12],
            moment_or_none(row[13], row[14]),
            moment_or_none(row[15], row[16]),
            moment_or_none(row[17], row[18]),
            moment_or_none(row[19]),
            row[20],
            row[21],
            row[22],
            at=moment(row[23], row[24]),
            recorded_at=moment(row[25]),
        )

    def stored(self, connection: sqlite3.Connection, row: Row) -> Stored:
        """A record with its numbers."""
        return Stored(row[0], row[2], self.memory(connection, row))

    def by_row(self, connection: sqlite3.Connection, rows: Sequence[int]) -> dict[int, Memory]:
        """Row versions by number."""
        found = select_in(
            connection, f"SELECT {MEMORY_COLUMNS} FROM memory WHERE row IN ({{}})", (), map(int, rows)
        )
        return {row[0]: self.memory(connection, row) for row in found}

    def live(self, connection: sqlite3.Connection, ns: int, ids: Sequence[str]) -> dict[str, Stored]:
        """Live versions by id."""
        found = select_in(
            connection,
            f"SELECT {MEMORY_COLUMNS} FROM memory WHERE ns = ? AND retired_at IS NULL AND id IN ({{}})",
            (ns,),
            ids,
        )
        return self._by_id(connection, ids, found)

    def known(
        self, connection: sqlite3.Connection, ns: int, ids: Sequence[str], at: datetime
    ) -> dict[str, Stored]:
        """Versions known at a time, by id."""
        micros = to_micros(at)
        found = [
            row
            for row in self.versions(connection, ns, ids)
            if row[25] <= micros and (row[19] is None or row[19] > micros)
        ]
        return self._by_id(connection, ids, found)

    def versions(self, connection: sqlite3.Connection, ns: int, ids: Sequence[str]) -> list[Row]:
        """All versions of ids as rows, oldest first."""
        found: list[Row] = []
        for state in ("IS NULL", "IS NOT NULL"):
            found += select_in(
                connection,
                f"SELECT {MEMORY_COLUMNS} FROM memory WHERE ns = ? AND retired_at {state} AND id IN ({{}})",
                (ns,),
                ids,
            )
        return sorted(found)

    def _by_id(
        self, connection: sqlite3.Connection, ids: Sequence[str], rows: list[Row]
    ) -> dict[str, Stored]:
        found = {row[3]: row for row in rows}
        return {id: self.stored(connection, found[id]) for id in ids if id in found}

    # --- the rest --------------------------------------------------------------------------------
    def metadata(
        self, connection: sqlite3.Connection, ns: int, rows: Sequence[int]
    ) -> dict[int, dict[str, Json]]:
        """Metadata by row number."""
        found = select_in(
            connection, "SELECT row, metadata FROM memory WHERE ns = ? AND row IN ({})", (ns,), map(int, rows)
        )
        return {row: load_object(self.codec.read_text(text)) for row, text in found}

    def texts(
        self, connection: sqlite3.Connection, ns: int, rows: Sequence[int]
    ) -> list[tuple[int, str, Json]]:
        """Texts and the titles in their metadata."""
        found = select_in(
            connection,
            "SELECT row, text, metadata FROM memory WHERE ns = ? AND row IN ({})",
            (ns,),
            map(int, rows),
        )
        read = self.codec.read_text
        result: list[tuple[int, str, Json]] = []
        for row, text, packed in found:
            metadata = read(packed)
            title = load_object(metadata).get("title") if metadata and '"title"' in metadata else None
            result.append((row, read(text), title))
        return result

    def vectors_by_digest(
        self, connection: sqlite3.Connection, digests: Sequence[bytes]
    ) -> dict[bytes, NDArray[np.float32]]:
        """Vectors by content hash."""
        found = select_in(
            connection,
            "SELECT digest, pieces, vectors FROM encoding "
            "WHERE digest IN ({}) AND digest IS NOT NULL AND vectors IS NOT NULL GROUP BY digest",
            (),
            digests,
        )
        blobs = self.codec.read_blobs([row[2] for row in found])
        return {
            row[0]: unpack_vectors(row[1], blob, self.kind) for row, blob in zip(found, blobs, strict=True)
        }

    def terms(self, connection: sqlite3.Connection, words: Iterable[str]) -> dict[str, int]:
        """Token ids of words."""
        packed = [self.codec.word(word) for word in words]
        found = select_in(connection, "SELECT word, id FROM term WHERE word IN ({})", (), packed)
        return {self.codec.read_word(word): id for word, id in found}


def link(row: Row) -> Link:
    """A record of :data:`_LINK_COLUMNS`."""
    source, target, kind, weight, made_by, recorded_at, retired_at, run = row[:8]
    return Link(source, target, kind, weight, made_by, moment(recorded_at), moment_or_none(retired_at), run)


def links(
    connection: sqlite3.Connection, ns: int, ids: Sequence[str] | None, known_at: datetime | None
) -> list[Link]:
    """Links of a namespace, oldest first."""
    state, when = "retired_at IS NULL", ()
    if known_at is not None:
        state = KNOWN.replace(":known", str(to_micros(known_at)))
    base = f"SELECT {_LINK_COLUMNS} FROM link WHERE ns = ? AND {state}"
    if ids is None:
        return [link(row) for row in connection.execute(f"{base} ORDER BY row", (ns, *when))]
    found = {row[-1]: row for end in ("source", "target")
             for row in select_in(connection, f"{base} AND {end} IN ({{}})", (ns,), ids)}  # fmt: skip
    return [link(found[row]) for row in sorted(found)]


def artifacts(
    connection: sqlite3.Connection,
    codec: Codec,
    ns: int,
    made_by: str | None,
    kind: str | None,
    sources: Sequence[str] | None,
) -> list[Artifact]:
    """Artifacts of live memories, in order of writing."""
    base = (
        "SELECT a.row, a.source, a.kind, a.version, a.made_by, a.data FROM artifact a "
        "WHERE a.ns = ? AND (? IS NULL OR a.made_by = ?) AND (? IS NULL OR a.kind = ?) "
        f"AND a.made_by NOT GLOB '{UNDO}*' AND EXISTS "
        "(SELECT 1 FROM memory m WHERE m.ns = a.ns AND m.id = a.source AND m.retired_at IS NULL)"
    )
    given = (ns, made_by, made_by, kind, kind)
    if sources is None:
        found = connection.execute(f"{base} ORDER BY a.row", given).fetchall()
    else:
        found = sorted(select_in(connection, f"{base} AND a.source IN ({{}})", given, sources))
    return [
        Artifact(row[1], row[2], json.loads(codec.read_text(row[5])), row[3], row[4] or None) for row in found
    ]


def artifacts_since(
    connection: sqlite3.Connection, codec: Codec, ns: int, since: int, made_by: str
) -> tuple[int, list[Artifact]]:
    """The highest row, and what a maker wrote behind row ``since`` of the live versions of memories."""
    newest = int(connection.execute("SELECT coalesce(max(row), 0) FROM artifact").fetchone()[0])
    found = connection.execute(
        "SELECT a.source, a.kind, a.version, a.data FROM artifact a WHERE a.row > ? AND +a.ns = ? "
        "AND a.made_by = ? AND EXISTS (SELECT 1 FROM memory m WHERE m.ns = a.ns AND m.id = a.source "
        "AND m.version = a.version AND m.retired_at IS NULL) ORDER BY a.row",
        (since, ns, made_by),
    ).fetchall()
    return newest, [
        Artifact(source, kind, json.loads(codec.read_text(data)), version, made_by)
        for source, kind, version, data in found
    ]


def dependents(connection: sqlite3.Connection, reader: Reader, ns: int, ids: Sequence[str]) -> list[Stored]:
    """The live memories that name one of these ids as a source, in order of arrival."""
    statement = (
        "SELECT DISTINCT m.row FROM source s JOIN memory m ON m.row = s.row "
        "WHERE s.ns = ? AND s.source IN ({}) AND m.retired_at IS NULL"
    )
    return _stored(connection, reader, [row[0] for row in select_in(connection, statement, (ns,), ids)])


def outlived(connection: sqlite3.Connection, reader: Reader, ns: int) -> list[Stored]:
    """The live memories whose sources may have changed since they were made; see the contract."""
    found = connection.execute(
        # From the live ones on: versions that were replaced keep their sources, and may be many more.
        "SELECT DISTINCT d.row FROM memory d CROSS JOIN source s ON s.row = d.row AND s.ns = d.ns "
        "LEFT JOIN memory c ON c.ns = s.ns AND c.id = s.source AND c.retired_at IS NULL "
        "WHERE d.ns = ? AND d.retired_at IS NULL AND d.sources IS NOT NULL "
        "AND (c.row IS NULL OR c.row > d.row OR c.recorded_at > d.recorded_at OR d.version > 1)",
        (ns,),
    )
    return _stored(connection, reader, [row[0] for row in found])


def _stored(connection: sqlite3.Connection, reader: Reader, rows: Sequence[int]) -> list[Stored]:
    statement = f"SELECT {MEMORY_COLUMNS} FROM memory WHERE row IN ({{}})"
    found = [reader.stored(connection, row) for row in select_in(connection, statement, (), rows)]
    return sorted(found, key=lambda one: (one.position, one.row))


def events(connection: sqlite3.Connection, ns: int, ids: Sequence[str] | None) -> list[Event]:
    """Use events, in the order they were logged."""
    base = "SELECT row, id, at, at_offset, grade FROM event WHERE ns = ?"
    if ids is None:
        found = connection.execute(f"{base} ORDER BY row", (ns,)).fetchall()
    else:
        found = sorted(select_in(connection, f"{base} AND id IN ({{}})", (ns,), ids))
    return [Event(row[1], moment(row[2], row[3]), row[4]) for row in found]


def events_since(connection: sqlite3.Connection, ns: int, since: Cursor) -> tuple[Cursor, list[Event], bool]:
    """See :meth:`agentmem.backends.base.Backend.events_since`; a cursor is the epoch and the last row."""
    epoch = connection.execute("SELECT epoch FROM namespace WHERE id = ?", (ns,)).fetchone()
    if epoch is None:
        return None, [], True
    old = None if since is None else since.split(":")
    everything = old is None or old[0] != str(epoch[0])
    last = 0 if old is None or everything else int(old[1])
    ns_column = "ns" if everything else "+ns"  # the plus keeps SQLite from sorting all of the namespace's
    found = connection.execute(
        f"SELECT row, id, at, at_offset, grade FROM event WHERE {ns_column} = ? AND row > ? ORDER BY row",
        (ns, last),
    ).fetchall()
    reached = f"{epoch[0]}:{found[-1][0] if found else last}"
    return reached, [Event(row[1], moment(row[2], row[3]), row[4]) for row in found], everything


def cursor(connection: sqlite3.Connection, ns: int) -> Cursor:
    """The newest place in the log of a namespace: its epoch and sequence number."""
    row = connection.execute(
        "SELECT epoch, (SELECT max(seq) FROM change WHERE ns = namespace.id) FROM namespace WHERE id = ?",
        (ns,),
    ).fetchone()
    return NEVER if row is None else f"{row[0]}:{row[1] or 0}"


def changes(connection: sqlite3.Connection, ns: int, since: Cursor) -> Changes:
    """The log since a cursor, folded."""
    now = cursor(connection, ns)
    if now == since:
        return Changes(now)
    result = Changes(now)
    start = 0
    if since is not None and since != NEVER:
        epoch, _, seq = str(since).partition(":")
        new_epoch, _, new_seq = str(now).partition(":")
        if epoch != new_epoch or not seq.isdigit() or int(seq) > int(new_seq):
            result.rebuild = True
            return result
        start = int(seq)
    added: dict[int, None] = {}
    retired: dict[int, None] = {}
    vectors: dict[int, None] = {}
    for row, op in connection.execute(
        "SELECT row, op FROM change WHERE ns = ? AND seq > ? ORDER BY seq", (ns, start)
    ):
        if op == ADDED:
            added[row] = None
        elif op == RETIRED:
            vectors.pop(row, None)
            if row in added:
                del added[row]
            else:
                retired[row] = None
        elif op == VECTORS:
            if row not in added:
                vectors[row] = None
        elif op == LINKS:
            result.links = True
    result.added, result.retired, result.vectors = list(added), list(retired), list(vectors)
    return result
