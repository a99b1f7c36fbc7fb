"""Reading many rows at once: as columns for the indexes, and page by page for listings."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import numpy as np

from agentmem.backends.base import NO_TIME_HIGH, NO_TIME_LOW, Columns, Stored
from agentmem.backends.codec import TOKEN, VECTOR_TYPES
from agentmem.backends.sqlite_connect import Connections
from agentmem.backends.sqlite_read import KNOWN, MEMORY_COLUMNS, Reader, Row, select_in
from agentmem.clock import to_micros
from agentmem.errors import MemoryNotFound, UnknownOption

_SELECT = f"""SELECT m.row, m.position, m.id, m.kind, m.speaker, m.session, m.role, m.made_by, m.at,
coalesce(m.valid_from, {NO_TIME_LOW}), coalesce(m.valid_until, {NO_TIME_HIGH}),
coalesce(m.expires_at, {NO_TIME_HIGH}), m.trust, e.flags, e.tokens, e.pieces, e.vectors
FROM memory m CROSS JOIN encoding e ON e.row = m.row WHERE m.ns = ?"""
_BLOCK = 20_000

ORDERS = {
    "at": ("at, position", (23, 2), False),
    "-at": ("at DESC, position DESC", (23, 2), True),
    "position": ("position", (2,), False),
    "-position": ("position DESC", (2,), True),
}
"""Order -> its ORDER BY, the places of its keys in :data:`MEMORY_COLUMNS`, and whether it falls."""


def columns(
    connection: sqlite3.Connection,
    reader: Reader,
    ns: int,
    rows: Sequence[int] | None,
    known_at: datetime | None,
    dim: int,
) -> Columns:
    """Rows of a namespace as columns; the caller holds a read transaction."""
    blocks: list[list[Row]]
    if rows is not None:
        statement = f"{_SELECT} AND m.row IN ({{}})"
        blocks = [sorted(select_in(connection, statement, (ns,), map(int, rows)), key=itemgetter(1, 0))]
        return _join([_block(reader, block, dim) for block in blocks], reader, dim)
    if known_at is not None:
        found = connection.execute(
            f"{_SELECT} AND {KNOWN.replace(':known', '?')}", (ns, *[to_micros(known_at)] * 2)
        )
        blocks = [sorted(found.fetchall(), key=itemgetter(1, 0))]
        return _join([_block(reader, block, dim) for block in blocks], reader, dim)
    live = connection.execute(f"{_SELECT} AND m.retired_at IS NULL ORDER BY m.position", (ns,))
    parts = []
    while block := live.fetchmany(_BLOCK):
        parts.append(_block(reader, block, dim))
    return _join(parts, reader, dim)


def _block(reader: Reader, rows: list[Row], dim: int) -> list[Any]:
    if not rows:
        return []
    turned = list(zip(*rows, strict=True))
    numbers = [np.array(turned[i], dtype=np.int64) for i in (0, 1, 8, 9, 10, 11, 13)]
    tokens = reader.codec.read_blobs(turned[14])
    counts = np.fromiter(map(len, tokens), dtype=np.int64, count=len(rows)) // TOKEN.itemsize
    pieces = np.array(turned[15], dtype=np.int64)
    blobs = reader.codec.read_blobs([blob for blob in turned[16] if blob])
    width = dim * VECTOR_TYPES[reader.kind].itemsize
    joined = b"".join(blobs)
    if len(joined) != int(pieces.sum()) * width:  # rows of another width: as if without a vector
        kept, joined_parts = pieces.copy(), []
        for i, (count, blob) in enumerate(zip(turned[15], turned[16], strict=True)):
            if blob and len(blob) == count * width:
                joined_parts.append(reader.codec.read_blobs([blob])[0])
            else:
                kept[i] = 0
        pieces, joined = kept, b"".join(joined_parts)
    strings = [list(turned[i]) for i in (2, 3, 4, 5, 6, 7)]
    trust = np.array(turned[12], dtype=np.float32)
    return [numbers, strings, trust, b"".join(tokens), counts, joined, pieces]


def _join(parts: list[list[Any]], reader: Reader, dim: int) -> Columns:
    parts = [part for part in parts if part]
    empty = np.empty(0, dtype=np.int64)
    numbers = [np.concatenate([part[0][i] for part in parts]) if parts else empty for i in range(7)]
    strings: list[list[Any]] = [[item for part in parts for item in part[1][i]] for i in range(6)]
    pieces = np.concatenate([part[6] for part in parts]) if parts else empty
    vectors = None
    if pieces.any():
        raw = np.frombuffer(b"".join(part[5] for part in parts), dtype=VECTOR_TYPES[reader.kind])
        vectors = raw.reshape(-1, dim)
    return Columns(
        rows=numbers[0],
        positions=numbers[1],
        ids=strings[0],
        kinds=strings[1],
        speakers=strings[2],
        sessions=strings[3],
        roles=strings[4],
        made_by=strings[5],
        at=numbers[2],
        valid_from=numbers[3],
        valid_until=numbers[4],
        expires_at=numbers[5],
        trust=np.concatenate([part[2] for part in parts]) if parts else np.empty(0, dtype=np.float32),
        flags=numbers[6],
        tokens=np.frombuffer(b"".join(part[3] for part in parts), dtype=TOKEN).astype(np.uint32, copy=False),
        token_offsets=_offsets([part[4] for part in parts]),
        vectors=vectors,
        vector_offsets=_offsets([pieces]),
    )


def _offsets(counts: list[Any]) -> Any:
    total = sum(len(part) for part in counts)
    offsets = np.zeros(total + 1, dtype=np.int64)
    if total:
        np.cumsum(np.concatenate(counts), out=offsets[1:])
    return offsets


class Scan:
    """One listing: pages of live memories, with no read transaction between two of them.

    Args:
        pool: the connections.
        reader: makes records.
        order: a key of :data:`ORDERS`.
        during: bounds of ``at`` in microseconds, None where open.
        page: rows a page.
    """

    def __init__(
        self,
        pool: Connections,
        reader: Reader,
        order: str,
        during: tuple[int | None, int | None],
        page: int,
    ) -> None:
        if order not in ORDERS:
            raise UnknownOption("order", order, ORDERS)
        self._pool = pool
        self._reader = reader
        self._order, self._keys, self._falling = ORDERS[order]
        self._key: Callable[[Row], tuple[int, ...]] = lambda row: tuple(row[i] for i in self._keys)
        self._during = during
        self._page = page

    def start(self, numbers: Sequence[int], after: str | None) -> tuple[int, ...] | None:
        """The key of the memory a listing goes on after.

        Raises:
            MemoryNotFound: there never was such a memory.
        """
        if after is None:
            return None
        with self._pool.snapshot() as connection:
            for ns in numbers:
                if versions := self._reader.versions(connection, ns, [after]):
                    return self._key(versions[-1])
        raise MemoryNotFound(after)

    def live(self, numbers: Sequence[int], start: tuple[int, ...] | None) -> Iterator[Stored]:
        """Live memories of namespaces, merged in order."""
        pages = [self._live_of(ns, start) for ns in numbers]
        if len(pages) == 1:
            merged = pages[0]
        else:
            merged = heapq.merge(*pages, key=itemgetter(0), reverse=self._falling)
        for _, stored in merged:
            yield stored

    def _live_of(self, ns: int, start: tuple[int, ...] | None) -> Iterator[tuple[tuple[int, ...], Stored]]:
        where, bounds = self._bounds()
        names = self._order.replace(" DESC", "")
        sign = "<" if self._falling else ">"
        marks = ", ".join("?" * len(self._keys))
        while True:
            further = "" if start is None else f" AND ({names}) {sign} ({marks})"
            statement = (
                f"SELECT {MEMORY_COLUMNS} FROM memory WHERE ns = ? AND retired_at IS NULL{where}{further} "
                f"ORDER BY {self._order} LIMIT ?"
            )
            with self._pool.use() as connection:
                rows = connection.execute(statement, (ns, *bounds, *(start or ()), self._page)).fetchall()
                found = [(self._key(row), self._reader.stored(connection, row)) for row in rows]
            yield from found
            if len(rows) < self._page:
                return
            start = self._key(rows[-1])

    def known(self, numbers: Sequence[int], at: int, start: tuple[int, ...] | None) -> Iterator[Stored]:
        """Versions known at a time: their keys are read at once, the rows page by page."""
        where, bounds = self._bounds()
        keyed: list[tuple[tuple[int, ...], int]] = []
        names = self._order.replace(" DESC", "")
        with self._pool.snapshot() as connection:
            for ns in numbers:
                statement = (
                    f"SELECT row, {names} FROM memory WHERE ns = ? AND {KNOWN.replace(':known', '?')}{where}"
                )
                for row, *key in connection.execute(statement, (ns, at, at, *bounds)):
                    keyed.append((tuple(key), row))
        keyed.sort(reverse=self._falling)
        if start is not None:
            keyed = [k for k in keyed if (k[0] < start if self._falling else k[0] > start)]
        for first in range(0, len(keyed), self._page):
            rows = [row for _, row in keyed[first : first + self._page]]
            with self._pool.use() as connection:
                found = {
                    row[0]: self._reader.stored(connection, row)
                    for row in select_in(
                        connection, f"SELECT {MEMORY_COLUMNS} FROM memory WHERE row IN ({{}})", (), rows
                    )
                }
            yield from (found[row] for row in rows if row in found)

    def _bounds(self) -> tuple[str, list[int]]:
        low, high = self._during
        where = ("" if low is None else " AND at >= ?") + ("" if high is None else " AND at < ?")
        return where, [bound for bound in (low, high) if bound is not None]
