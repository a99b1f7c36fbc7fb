"""Where the truth lives: the contract of a backend.

A backend keeps row versions, their token ids and vectors, links, use events and a change log,
and gives them back by namespace. It scores nothing and knows no embedder. Every write goes through
one :class:`Transaction`, which commits all of a call or nothing of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agentmem.memory import Artifact, Link, Memory, Namespace

Cursor: TypeAlias = Any
"""A place in the change log; opaque, compared with ``==`` only. ``None`` is before the first change."""

NO_TIME_LOW = -(2**62)
"""Stands for "no lower bound" in integer time columns (microseconds since 1970 UTC)."""
NO_TIME_HIGH = 2**62
"""Stands for "no upper bound" in integer time columns."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the indexes need of a text, stored beside it so that a rebuild never recomputes it.

    Attributes:
        words: content words in order, as the analyser gives them (stems; bigrams for scripts
            without spaces).
        flags: bits and counts of the text, see :mod:`agentmem.language.text`.
        vectors: float32 (pieces, dim), unit rows; None while the vector is pending; shape
            (0, dim) when the embedder has nothing to say, so that it is not asked again.
        digest: content hash under which an equal text finds this vector again; None for
            embedders so fast that looking it up would cost more.
    """

    words: Sequence[str]
    flags: int = 0
    vectors: NDArray[np.float32] | None = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A row version as the backend holds it.

    Attributes:
        row: its number; grows with arrival, never used twice.
        position: the row number of the memory's first version: the order of arrival, which an
            update keeps.
        memory: the row version itself.
    """

    row: int
    position: int
    memory: Memory


@dataclass(frozen=True, slots=True)
class Event:
    """A use of a memory: it was recalled, or it helped.

    Attributes:
        id: the memory's id.
        at: when.
        grade: "recalled" (merely retrieved), or "again", "hard", "good", "easy".
    """

    id: str
    at: datetime
    grade: str = "recalled"


@dataclass(slots=True)
class Columns:
    """Row versions as columns, for indexes: n rows in ascending (position, row) order.

    Attributes:
        rows: int64 (n,) row numbers.
        positions: int64 (n,) order of arrival.
        ids: n memory ids.
        kinds, speakers, sessions, roles, made_by: n strings or None each.
        at, valid_from, valid_until, expires_at: int64 (n,) microseconds since 1970 UTC;
            :data:`NO_TIME_LOW` or :data:`NO_TIME_HIGH` where there is no bound.
        trust: float32 (n,).
        flags: int64 (n,).
        tokens: uint32, all token ids one after another; ``token_offsets`` int64 (n + 1,).
        vectors: float16 or float32 (pieces, dim), or None when no row has one; ``vector_offsets``
            int64 (n + 1,). A row with no pieces has no vector (pending, or nothing to say).
    """

    rows: NDArray[np.int64]
    positions: NDArray[np.int64]
    ids: list[str]
    kinds: list[str]
    speakers: list[str | None]
    sessions: list[str | None]
    roles: list[str | None]
    made_by: list[str | None]
    at: NDArray[np.int64]
    valid_from: NDArray[np.int64]
    valid_until: NDArray[np.int64]
    expires_at: NDArray[np.int64]
    trust: NDArray[np.float32]
    flags: NDArray[np.int64]
    tokens: NDArray[np.uint32]
    token_offsets: NDArray[np.int64]
    vectors: NDArray[Any] | None
    vector_offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(slots=True)
class Changes:
    """What happened in one namespace since a cursor, folded: each row at most once a list.

    Attributes:
        cursor: the place reached; pass it to the next ``changes``.
        added: numbers of rows that became live and still are.
        retired: numbers of rows that were live at the old cursor and are no longer (retired or
            erased).
        vectors: numbers of live rows, not in ``added``, whose vectors were written.
        links: whether links changed.
        rebuild: true when the log cannot tell (erased, or another epoch): drop the cache.
    """

    cursor: Cursor
    added: list[int] = field(default_factory=list)
    retired: list[int] = field(default_factory=list)
    vectors: list[int] = field(default_factory=list)
    links: bool = False
    rebuild: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.retired or self.vectors or self.links or self.rebuild)


@dataclass(frozen=True, slots=True)
class Header:
    """Who the file is.

    Attributes:
        uuid: identity of the database; a copy made by ``backup`` gets a new one.
        schema: version of the schema.
        erase_epoch: counted up by every erasure; a snapshot of another epoch is stale.
        embedder: name of the embedder that wrote the vectors, or None before the first.
        fingerprint: the embedder's fingerprint, or None.
        dim: width of the vectors, 0 before the first.
        analyser: fingerprint of the text analyser whose words are stored.
        codec: name of the codec of text, vectors, tokens and data; "plain".
    """

    uuid: str
    schema: int
    erase_epoch: int
    embedder: str | None
    fingerprint: str | None
    dim: int
    analyser: str | None
    codec: str


@dataclass(frozen=True, slots=True)
class Erased:
    """Counts of one erasure, see :class:`agentmem.memory.ErasureReport`."""

    ids: tuple[str, ...]
    derived: tuple[str, ...]
    versions: int
    words: int
    links: int
    log: int
    complete: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing ``check`` found: where, and what to do."""

    where: str
    what: str


class Transaction(ABC):
    """One write call: commits when its ``with`` block ends, rolls back on an exception.

    Holds the database's write lock; nothing slow may happen inside.
    """

    @abstractmethod
    def namespace(self, name: Namespace) -> int:
        """The number of a namespace, made if there is none yet."""

    @abstractmethod
    def live(self, ns: int, ids: Sequence[str]) -> dict[str, Stored]:
        """The live row versions of these ids; missing ids are left out."""

    @abstractmethod
    def versions(self, ns: int, ids: Sequence[str]) -> dict[str, int]:
        """The highest version number each id ever had; ids never used are left out."""

    @abstractmethod
    def positions(self, ns: int, ids: Sequence[str]) -> dict[str, int]:
        """The position of each id's newest version, live or not; ids never used are left out."""

    @abstractmethod
    def insert(
        self,
        ns: int,
        memories: Sequence[Memory],
        encodings: Sequence[Encoding],
        positions: Sequence[int | None] | None = None,
    ) -> list[int]:
        """Insert row versions with their token ids, vectors, sources and log entries.

        Args:
            ns: the namespace's number.
            memories: complete row versions; ``namespace`` is not looked at.
            encodings: one each.
            positions: the position to keep for a new version of an old memory; None for a new
                memory, whose position is its row number.

        Returns:
            The row numbers.

        Raises:
            DuplicateId: a live memory of the namespace has the id.
        """

    @abstractmethod
    def retire(self, ns: int, rows: Sequence[int], at: datetime) -> None:
        """Close live row versions at a time and log it."""

    @abstractmethod
    def set_vectors(self, ns: int, rows: Sequence[int], vectors: Sequence[NDArray[np.float32]]) -> int:
        """Write vectors, (pieces, dim) each, of live or retired rows; returns how many were written.

        Rows that no longer exist are passed over.
        """

    @abstractmethod
    def add_links(self, ns: int, links: Sequence[Link], at: datetime) -> int:
        """Write links, recorded at a time; returns how many."""

    @abstractmethod
    def retire_links(
        self, ns: int, *, run: str | None = None, links: Sequence[Link] | None = None, at: datetime
    ) -> int:
        """Close the live links of a run, or these (by source, target, kind, made_by); returns how many.

        Those of ``links`` that name a ``run`` are closed by that run, and :meth:`reopen_links` opens them.
        """

    @abstractmethod
    def reopen_links(self, ns: int, run: str, at: datetime) -> int:
        """Write the links again that a run closed or gave another weight; returns how many.

        Left closed are those that somebody wrote again since, or one of whose ends is not live.
        """

    @abstractmethod
    def add_events(self, ns: int, events: Sequence[Event]) -> None:
        """Append use events."""

    @abstractmethod
    def signature(self) -> tuple[str | None, str | None]:
        """Fingerprints of the embedder and the analyser in the header; None before the first write."""

    @abstractmethod
    def set_embedder(self, name: str, fingerprint: str, dim: int) -> None:
        """Write the embedder's identity into the header."""

    @abstractmethod
    def set_analyser(self, fingerprint: str) -> None:
        """Write the analyser's identity into the header."""

    @abstractmethod
    def set_encodings(self, ns: int, rows: Sequence[int], encodings: Sequence[Encoding]) -> None:
        """Replace words, flags and vectors of rows (``reindex``) and log it as vectors written."""

    @abstractmethod
    def put_artifacts(self, ns: int, artifacts: Sequence[Artifact], *, run: str | None = None) -> int:
        """Write artifacts of live memories, replacing those of the same source, kind and maker.

        Logged as links are, so that caches see it. Those whose memory is not live are passed over.

        Args:
            ns: the namespace's number.
            artifacts: what to write.
            run: the consolidation that wrote them; what they replace is kept for :meth:`undo_artifacts`.

        Returns:
            How many were written.
        """

    @abstractmethod
    def undo_artifacts(self, ns: int, run: str) -> int:
        """Bring back what the artifacts of a run replaced; returns how many artifacts changed.

        What was written over since, by a later run or by none, stays; undoing that later run then brings
        back what stood before both. Caches are told to begin anew.
        """

    @abstractmethod
    def clear_vectors(self) -> None:
        """Mark the vectors of every row pending (the embedder has changed)."""

    @abstractmethod
    def note_run(self, ns: int, run: str, retired: Sequence[str]) -> None:
        """Remember which memories a consolidation retired, so that it can be undone."""


class Backend(ABC):
    """A database of memories. Safe to use from several threads; reopens by itself after a fork."""

    path: str
    readonly: bool

    @abstractmethod
    def header(self) -> Header:
        """Who the file is, read afresh."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a write.

        Raises:
            FileLocked: another process held the write lock for 30 s.
            ReadOnlyFile: the file cannot be written.
            StoreClosed: after ``close``.
        """

    # --- reading -------------------------------------------------------------------------------
    @abstractmethod
    def namespace_number(self, name: Namespace) -> int | None:
        """The number of a namespace, or None when nothing was ever written there."""

    @abstractmethod
    def namespaces(self, prefix: Namespace = (), *, past: bool = False) -> list[tuple[int, Namespace]]:
        """Namespaces whose labels begin with ``prefix`` and that hold a live memory, in order of labels.

        Args:
            prefix: the labels they begin with.
            past: also those that hold only retired versions.
        """

    @abstractmethod
    def version(self) -> Any:
        """A value that changes whenever anything was committed by anyone; costs microseconds."""

    @abstractmethod
    def cursor(self, ns: int) -> Cursor:
        """The newest place in the change log of a namespace."""

    @abstractmethod
    def changes(self, ns: int, since: Cursor) -> Changes:
        """What happened in a namespace since a cursor."""

    @abstractmethod
    def columns(
        self, ns: int, rows: Sequence[int] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Cursor, Columns]:
        """Rows as columns, with the cursor they are complete up to, from one consistent view.

        Args:
            ns: the namespace's number.
            rows: only these row numbers (live or not); None for all.
            known_at: with ``rows=None``: the versions known then instead of the live ones.
        """

    @abstractmethod
    def memories(self, rows: Sequence[int]) -> list[Memory]:
        """Row versions by number, in the order asked; rows that no longer exist are left out."""

    @abstractmethod
    def memories_by_row(self, rows: Sequence[int]) -> dict[int, Memory]:
        """:meth:`memories` as a mapping from row number."""

    @abstractmethod
    def all_rows(self, ns: int) -> list[int]:
        """Numbers of all row versions of a namespace, retired ones included, in order."""

    @abstractmethod
    def get(self, ns: int, ids: Sequence[str], *, known_at: datetime | None = None) -> dict[str, Stored]:
        """The live versions of ids (or those known at a time); missing ids are left out."""

    @abstractmethod
    def history(self, ns: int, id: str) -> list[Memory]:
        """All versions of a memory, oldest first; empty when there never was one."""

    @abstractmethod
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
        """Live memories of namespaces, by pages, never holding a read transaction between them.

        Args:
            numbers: namespace numbers.
            order: "at" (time, then position), "-at" (newest first), "position" or "-position".
            during: only ``start <= at < end``; None is open.
            known_at: the versions known then.
            after: only what comes after the live memory with this id in this order.
            page: rows read at once.
        """

    @abstractmethod
    def term_ids(self, words: Sequence[str]) -> Mapping[str, int]:
        """Token ids of words; words never stored are left out."""

    @abstractmethod
    def metadata(self, ns: int, rows: Sequence[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """(row, metadata) of rows, for filter columns."""

    def texts(self, ns: int, rows: Sequence[int]) -> Iterator[tuple[int, str, Any]]:
        """(row, text, what the metadata has under "title" or None) of the rows that still exist."""
        for row, memory in self.memories_by_row(rows).items():
            yield row, memory.text, memory.metadata.get("title")

    @abstractmethod
    def pending(self, ns: int | None = None, limit: int | None = None) -> list[tuple[int, int, str]]:
        """(namespace number, row, text) of live rows whose vector is pending, oldest first."""

    @abstractmethod
    def count_pending(self, numbers: Sequence[int] | None = None) -> int:
        """How many live rows have a pending vector."""

    @abstractmethod
    def vectors_by_digest(self, digests: Sequence[bytes]) -> Mapping[bytes, NDArray[np.float32]]:
        """Vectors of texts embedded before, by content hash."""

    @abstractmethod
    def links(
        self, ns: int, ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> list[Link]:
        """Live links (or those known at a time) that start or end at ids; None for all."""

    @abstractmethod
    def artifacts(
        self,
        ns: int,
        *,
        made_by: str | None = None,
        kind: str | None = None,
        sources: Sequence[str] | None = None,
    ) -> list[Artifact]:
        """Artifacts of live memories, in order of writing; None for all."""

    def artifacts_since(self, ns: int, since: Any = None, *, made_by: str) -> tuple[Any, list[Artifact]]:
        """What a maker wrote since a mark about the live *versions* of memories, and the new mark.

        For caches of artifacts; after ``Changes.rebuild`` a mark means nothing. This one, for backends
        that cannot tell, gives everything each time.

        Args:
            ns: the namespace's number.
            since: a mark that this method gave, or None for everything.
            made_by: the maker.
        """
        found = self.artifacts(ns, made_by=made_by)
        live = self.get(ns, list({one.source for one in found}))
        return None, [
            one for one in found if one.source in live and live[one.source].memory.version == one.version
        ]

    @abstractmethod
    def events(self, ns: int, ids: Sequence[str] | None = None) -> list[Event]:
        """Use events of memories, oldest first; None for all."""

    def events_since(self, ns: int, since: Cursor) -> tuple[Cursor, list[Event], bool]:
        """Use events logged since a cursor that this gave before (None: from the beginning).

        Returns:
            The new cursor, the events in order of logging, and whether they are all there are: then
            what was read before is to be dropped, as some of it may have been erased.
        """
        return None, self.events(ns), True

    @abstractmethod
    def derived(self, ns: int, *, run: str) -> tuple[list[Stored], list[str]]:
        """(live memories that a run made, ids of memories that it retired and that are still retired)."""

    def dependents(self, ns: int, ids: Sequence[str]) -> list[Stored]:
        """Live memories that name one of these ids as a source, in order of arrival."""
        wanted = set(ids)
        return [one for one in self.scan([ns], order="position") if wanted.intersection(one.memory.sources)]

    def outlived(self, ns: int) -> list[Stored]:
        """Live memories with a source that is not live or was written after them, in order of arrival.

        Also all that are no first versions themselves: their own past says what they rest on.
        """
        derived = [one for one in self.scan([ns], order="position") if one.memory.sources]
        live = self.get(ns, sorted({id for one in derived for id in one.memory.sources}))
        return [
            one
            for one in derived
            if one.memory.version > 1
            or any(id not in live or live[id].row > one.row for id in one.memory.sources)
            or any(live[id].memory.recorded_at > one.memory.recorded_at for id in one.memory.sources)
        ]

    @abstractmethod
    def counts(self, numbers: Sequence[int]) -> Mapping[str, Any]:
        """What is stored in namespaces.

        Returns:
            ``memories``, ``kinds`` (dict), ``versions``, ``links``, ``first`` and ``last`` (datetimes or
            None) and ``bytes`` of the file.
        """

    # --- upkeep --------------------------------------------------------------------------------
    @abstractmethod
    def erase(self, ns: int, ids: Sequence[str]) -> Erased:
        """Remove all versions of memories and all that was derived from them, with every copy."""

    @abstractmethod
    def check(self) -> list[Problem]:
        """Verify structure and contents; an empty list when clean."""

    @abstractmethod
    def backup(self, path: str) -> None:
        """Write a complete, compact copy to a new file while others read and write."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection; later calls raise :class:`~agentmem.errors.StoreClosed`."""
