"""One write call on a memory file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.backends import sqlite_derived
from agentmem.backends.base import Encoding, Event, Stored, Transaction
from agentmem.backends.codec import dump_json, pack_tokens, pack_vectors
from agentmem.backends.sqlite_connect import Connections, translate
from agentmem.backends.sqlite_read import Reader, select_in
from agentmem.backends.sqlite_schema import ADDED, LINKS, RETIRED, VECTORS, read_meta, write_meta
from agentmem.backends.sqlite_terms import Terms
from agentmem.clock import offset_minutes, to_micros
from agentmem.errors import BackendError, DuplicateId, InvalidInput
from agentmem.memory import Artifact, Link, Memory, Namespace

_INSERT_MEMORY = f"INSERT INTO memory VALUES ({','.join('?' * 26)})"
_INSERT_ENCODING = (
    "INSERT INTO encoding (row, ns, flags, pieces, digest, tokens, vectors) VALUES (?,?,?,?,?,?,?)"
)
_INSERT_CHANGE = "INSERT INTO change (ns, seq, row, op) VALUES (?, ?, ?, ?)"


class SQLiteTransaction(Transaction):
    """See :class:`agentmem.backends.base.Transaction`. A context manager that begins when entered.

    Args:
        pool: the connections.
        reader: makes records, and knows codec and vector type.
        terms: the dictionary's cache.
    """

    def __init__(self, pool: Connections, reader: Reader, terms: Terms) -> None:
        self._pool = pool
        self._reader = reader
        self._terms = terms
        self._fresh: dict[str, int] = {}
        self._log: dict[int, list[tuple[int, int]]] = {}
        self._known: set[int] = set()
        self._row: int | None = None
        self._process = os.getpid()

    # --- life ------------------------------------------------------------------------------------
    def __enter__(self) -> SQLiteTransaction:
        self._held, self._connection = self._pool.begin()
        try:
            self._meta = read_meta(self._connection)
            self._words = self._terms.at(int(self._meta["erase_epoch"]))
        except BaseException as error:
            self._finish(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish(error)

    def _finish(self, error: BaseException | None) -> None:
        if os.getpid() != self._process:  # forked inside the block: the parent will end it
            return
        held, failure = self._held, error
        try:
            if error is None:
                try:
                    self._write_log()
                    self._connection.execute("COMMIT")
                    self._words.update(self._fresh)
                    self._pool.committed()
                except BaseException as raised:
                    failure = raised
            if failure is not None:
                held.roll_back()
        finally:
            self._pool.end(held)
        if isinstance(failure, sqlite3.Error):
            raise translate(failure, self._pool.path) from failure
        if failure is not error:
            assert failure is not None
            raise failure

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection, for upkeep that shares the transaction."""
        return self._connection

    # --- reading ---------------------------------------------------------------------------------
    def namespace(self, name: Namespace) -> int:
        """See the contract."""
        number = self._reader.number(self._connection, name)
        if number is None:
            number = self._next("namespace", "id", "ns_floor")
            self._connection.execute(
                "INSERT INTO namespace (id, name, epoch) "
                "VALUES (?, ?, (SELECT value FROM meta WHERE key = 'erase_epoch'))",
                (number, self._reader.codec.word(dump_json(list(name)))),
            )
        self._known.add(number)
        return number

    def live(self, ns: int, ids: Sequence[str]) -> dict[str, Stored]:
        """See the contract."""
        return self._reader.live(self._connection, ns, ids)

    def versions(self, ns: int, ids: Sequence[str]) -> dict[str, int]:
        """See the contract."""
        result: dict[str, int] = {}
        for row in self._reader.versions(self._connection, ns, ids):
            result[row[3]] = max(row[20], result.get(row[3], 0))
        return result

    def positions(self, ns: int, ids: Sequence[str]) -> dict[str, int]:
        """See the contract."""
        return {row[3]: row[2] for row in self._reader.versions(self._connection, ns, ids)}

    # --- memories --------------------------------------------------------------------------------
    def insert(
        self,
        ns: int,
        memories: Sequence[Memory],
        encodings: Sequence[Encoding],
        positions: Sequence[int | None] | None = None,
    ) -> list[int]:
        """See the contract."""
        if not memories:
            return []
        if len(memories) != len(encodings) or (positions is not None and len(positions) != len(memories)):
            raise InvalidInput("as many encodings and positions are needed as memories")
        self._require(ns)
        first = self._row = self._row or self._next("memory", "row", "row_floor")
        rows = list(range(first, first + len(memories)))
        places = (
            rows
            if positions is None
            else [r if p is None else p for r, p in zip(rows, positions, strict=True)]
        )
        laid = [self._lay(ns, *item) for item in zip(rows, places, memories, strict=True)]
        try:
            self._connection.executemany(_INSERT_MEMORY, laid)
        except sqlite3.IntegrityError:
            self._connection.execute("DELETE FROM memory WHERE row >= ?", (first,))
            raise DuplicateId(self._duplicate(ns, [memory.id for memory in memories])) from None
        self._row = first + len(memories)
        self._encode(ns, rows, encodings)
        sources = [
            (ns, s, r)
            for r, m in zip(rows, memories, strict=True)
            if m.sources
            for s in dict.fromkeys(m.sources)
        ]
        if sources:
            self._connection.executemany("INSERT INTO source (ns, source, row) VALUES (?, ?, ?)", sources)
        self._note(ns, rows, ADDED)
        past = [row for row, m in zip(rows, memories, strict=True) if m.retired_at is not None]
        if past:  # taken in with their history
            self._note(ns, past, RETIRED)
        return rows

    def retire(self, ns: int, rows: Sequence[int], at: datetime) -> None:
        """See the contract."""
        live = self._live_rows(ns, rows)
        when = to_micros(at)
        self._connection.executemany(
            "UPDATE memory SET retired_at = ? WHERE row = ?", [(when, row) for row in live]
        )
        self._note(ns, live, RETIRED)

    def _lay(self, ns: int, row: int, position: int, m: Memory) -> tuple[Any, ...]:
        codec = self._reader.codec
        start, stop, end = m.valid_from, m.valid_until, m.expires_at
        return (
            row, ns, position, m.version, to_micros(m.at), offset_minutes(m.at), to_micros(m.recorded_at),
            None if m.retired_at is None else to_micros(m.retired_at),
            None if start is None else to_micros(start), None if start is None else offset_minutes(start),
            None if stop is None else to_micros(stop), None if stop is None else offset_minutes(stop),
            None if end is None else to_micros(end), None if end is None else offset_minutes(end),
            m.trust, m.id, m.kind, m.speaker, m.role, m.session, m.made_by, m.run,
            dump_json(m.sources) if m.sources else None,
            codec.text(dump_json(dict(m.metadata)) if m.metadata else "{}"),
            codec.text(m.text),
            None if m.data is None else codec.text(dump_json(m.data)),
        )  # fmt: skip

    def _duplicate(self, ns: int, ids: Sequence[str]) -> str:
        seen = set(self._reader.live(self._connection, ns, ids))
        for id in ids:
            if id in seen:
                return id
            seen.add(id)
        return ids[0]

    # --- words and vectors -----------------------------------------------------------------------
    def set_vectors(self, ns: int, rows: Sequence[int], vectors: Sequence[NDArray[np.float32]]) -> int:
        """See the contract."""
        there = self._rows_there(ns, rows)
        packed = pack_vectors(vectors, self._reader.kind)
        values = [
            (pieces, self._reader.codec.blob(blob), row)
            for row, (pieces, blob) in zip(rows, packed, strict=True)
            if row in there and blob is not None
        ]
        self._connection.executemany("UPDATE encoding SET pieces = ?, vectors = ? WHERE row = ?", values)
        self._note(ns, self._live_rows(ns, [value[-1] for value in values]), VECTORS)
        return len(values)

    def set_encodings(self, ns: int, rows: Sequence[int], encodings: Sequence[Encoding]) -> None:
        """See the contract."""
        there = self._rows_there(ns, rows)
        kept = [(row, encoding) for row, encoding in zip(rows, encodings, strict=True) if row in there]
        self._connection.executemany("DELETE FROM encoding WHERE row = ?", [(row,) for row, _ in kept])
        self._encode(ns, [row for row, _ in kept], [encoding for _, encoding in kept])
        self._note(ns, self._live_rows(ns, [row for row, _ in kept]), VECTORS)

    def clear_vectors(self) -> None:
        """See the contract."""
        self._connection.execute("UPDATE encoding SET vectors = NULL, pieces = 0, digest = NULL")
        self.new_epoch()
        self._connection.execute(
            "UPDATE namespace SET epoch = (SELECT value FROM meta WHERE key = 'erase_epoch')"
        )

    def new_epoch(self) -> None:
        """Count up the erase epoch: snapshots and dictionary caches of before are stale."""
        self._connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'erase_epoch'")

    def begin_anew(self, ns: int) -> None:
        """Tell the caches of a namespace that the log cannot say what happened."""
        self.new_epoch()
        self._connection.execute(
            "UPDATE namespace SET epoch = (SELECT value FROM meta WHERE key = 'erase_epoch') WHERE id = ?",
            (ns,),
        )

    def _encode(self, ns: int, rows: Sequence[int], encodings: Sequence[Encoding]) -> None:
        words, blob = self._words, self._reader.codec.blob
        new = {word for encoding in encodings for word in encoding.words if word not in words}
        if self._fresh:
            new.difference_update(self._fresh)
        if new:
            self._add_words(new)
        if self._fresh:
            fresh = self._fresh
            tokens = [pack_tokens([words[w] if w in words else fresh[w] for w in e.words]) for e in encodings]
        else:
            tokens = [pack_tokens([words[word] for word in e.words]) for e in encodings]
        vectors = pack_vectors([encoding.vectors for encoding in encodings], self._reader.kind)
        self._connection.executemany(
            _INSERT_ENCODING,
            [
                (row, ns, e.flags, pieces, e.digest, blob(ids), None if laid is None else blob(laid))
                for row, e, ids, (pieces, laid) in zip(rows, encodings, tokens, vectors, strict=True)
            ],
        )

    def _add_words(self, words: set[str]) -> None:
        """Find or make the numbers of words that no cache knows."""
        self._fresh.update(self._reader.terms(self._connection, words))
        missing = sorted(words.difference(self._fresh))
        if missing:
            numbers = count(self._next("term", "id", "term_floor"))
            made = list(zip(numbers, missing, strict=False))
            word = self._reader.codec.word
            self._connection.executemany(
                "INSERT INTO term (id, word) VALUES (?, ?)", [(n, word(w)) for n, w in made]
            )
            self._fresh.update((w, n) for n, w in made)

    # --- links, events, header -------------------------------------------------------------------
    def add_links(self, ns: int, links: Sequence[Link], at: datetime) -> int:
        """See the contract. A live link that says the same already is not written again.

        One that differs in weight only is closed, and the new one takes its place.
        """
        self._require(ns)
        written = sqlite_derived.add_links(self._connection, ns, links, to_micros(at))
        if written:
            self._note(ns, [0], LINKS)
        return written

    def retire_links(
        self, ns: int, *, run: str | None = None, links: Sequence[Link] | None = None, at: datetime
    ) -> int:
        """See the contract."""
        closed = sqlite_derived.retire_links(self._connection, ns, run, links or (), to_micros(at))
        if closed:
            self._note(ns, [0], LINKS)
        return closed

    def reopen_links(self, ns: int, run: str, at: datetime) -> int:
        """See the contract."""
        opened = sqlite_derived.undo_links(self._connection, ns, run, to_micros(at))
        if opened:
            self._note(ns, [0], LINKS)
        return opened

    def put_artifacts(self, ns: int, artifacts: Sequence[Artifact], *, run: str | None = None) -> int:
        """See the contract."""
        self._require(ns)
        live = self.live(ns, [one.source for one in artifacts])
        codec = self._reader.codec
        laid = [
            (ns, a.source, a.kind, a.made_by or "", a.version, codec.text(dump_json(a.data)))
            for a in artifacts
            if a.source in live
        ]
        sqlite_derived.put_artifacts(self._connection, laid, run)
        if laid:
            self._note(ns, [0], LINKS)
        return len(laid)

    def undo_artifacts(self, ns: int, run: str) -> int:
        """See the contract."""
        changed = sqlite_derived.undo_artifacts(self._connection, ns, run)
        if changed:
            self.begin_anew(ns)
        return changed

    def add_events(self, ns: int, events: Sequence[Event]) -> None:
        """See the contract."""
        self._require(ns)
        self._connection.executemany(
            "INSERT INTO event (ns, id, at, at_offset, grade) VALUES (?, ?, ?, ?, ?)",
            [(ns, e.id, to_micros(e.at), offset_minutes(e.at), e.grade) for e in events],
        )

    def note_run(self, ns: int, run: str, retired: Sequence[str]) -> None:
        """See the contract."""
        self._require(ns)
        self._connection.executemany(
            "INSERT OR IGNORE INTO undo (ns, run, id) VALUES (?, ?, ?)", [(ns, run, id) for id in retired]
        )

    def signature(self) -> tuple[str | None, str | None]:
        """See the contract."""
        return self._meta.get("fingerprint"), self._meta.get("analyser")

    def set_embedder(self, name: str, fingerprint: str, dim: int) -> None:
        """See the contract."""
        entries = {"embedder": name, "fingerprint": fingerprint, "dim": dim}
        write_meta(self._connection, entries)
        self._meta.update(entries)

    def set_analyser(self, fingerprint: str) -> None:
        """See the contract."""
        write_meta(self._connection, {"analyser": fingerprint})
        self._meta["analyser"] = fingerprint

    # --- inside ----------------------------------------------------------------------------------
    def _require(self, ns: int) -> None:
        if ns not in self._known:
            if self._connection.execute("SELECT 1 FROM namespace WHERE id = ?", (ns,)).fetchone() is None:
                raise BackendError(
                    f"there is no namespace number {ns}; all it held was erased meanwhile: ask for it again"
                )
            self._known.add(ns)

    def _next(self, table: str, column: str, floor: str) -> int:
        """The next number of a table; the floor keeps the numbers of erased rows from coming again."""
        row = self._connection.execute(f"SELECT max({column}) FROM {table}").fetchone()
        return max(int(row[0] or 0), int(self._meta[floor])) + 1

    def _live_rows(self, ns: int, rows: Sequence[int]) -> list[int]:
        statement = "SELECT row FROM memory WHERE ns = ? AND retired_at IS NULL AND row IN ({})"
        return sorted(row[0] for row in select_in(self._connection, statement, (ns,), map(int, rows)))

    def _rows_there(self, ns: int, rows: Sequence[int]) -> set[int]:
        statement = "SELECT row FROM encoding WHERE ns = ? AND row IN ({})"
        return {row[0] for row in select_in(self._connection, statement, (ns,), map(int, rows))}

    def _note(self, ns: int, rows: Sequence[int], op: int) -> None:
        self._log.setdefault(ns, []).extend([(row, op) for row in rows])

    def _write_log(self) -> None:
        for ns, entries in self._log.items():
            top = self._connection.execute("SELECT max(seq) FROM change WHERE ns = ?", (ns,)).fetchone()[0]
            first = (top or 0) + 1
            self._connection.executemany(
                _INSERT_CHANGE, [(ns, seq, row, op) for seq, (row, op) in enumerate(entries, first)]
            )
