"""One namespace's index: its live memories as numbered documents in columns, words and vectors.

A space is a cache: built from the backend's columns, brought up to the change log by
:meth:`Space.refresh`, thrown away without loss. Documents are numbered in order of arrival in the
space; one that is retired keeps its number, with ``live`` false, until so many are dead that the
space is rebuilt (``generation`` counts this: numbers of an older generation mean nothing).

Threads: hold ``space.lock`` while you use numbers, columns, words or vectors together; a refresh by
another thread waits for it. Take the locks of several spaces in ascending order of ``ns``, after
getting them all: never bring a space up to date while holding the lock of another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend, Columns, Cursor
from agentmem.errors import EmbedderMismatch
from agentmem.filters import MISSING, Filter, distinct, lookup
from agentmem.index.arrays import Coded, CodedColumn, Growing
from agentmem.index.base import Docs, Mask, VectorIndex
from agentmem.index.columns import checksums, take
from agentmem.index.ids import Ids
from agentmem.index.layout import CODED, NUMBERS, Companion, Settings
from agentmem.index.lexical import LexicalIndex
from agentmem.index.names import NamesIndex
from agentmem.index.vectors import choose

_REBUILD_FROM = 1000  # fewer dead documents than this are never worth a rebuild
_MANY_VALUES = 10_000  # a metadata column with more is not worth its place in a snapshot
_NEVER: Final = object()


class Space:
    """The index of one namespace.

    Attributes:
        ns: the namespace's number.
        n: documents, dead ones included; every array below has this length.
        n_live: live documents.
        rows, positions, at, valid_from, valid_until, expires_at, flags: int64, see
            :class:`~agentmem.backends.base.Columns`.
        trust: float32.
        live: bool; false for what was retired.
        session, speaker, kind, role, made_by: int32 codes, -1 for none; an index into
            ``sessions``, ``speakers``, ``kinds``, ``roles``, ``makers``.
        lexical: the words.
        vectors: the vectors, or None without an embedder.
        names: names and titles, read when they are asked for: :func:`agentmem.index.names.names_of`.
        cursor: the place in the change log this is complete up to.
        generation: counts rebuilds, which number documents anew.
        changed: counts changes of documents and vectors; ``links_changed`` those of links.
        memo: what readers derive from the documents and want to keep until these change.
        loaded: whether it holds anything yet that a refresh can build on.
        unsaved: documents that came, went or got a vector since the last snapshot.
        known_at: the time whose versions these are; None for the live ones.
        companions: caches of stores that are saved when this is, see there.
        lock: see above.
    """

    rows: NDArray[np.int64]
    positions: NDArray[np.int64]
    at: NDArray[np.int64]
    valid_from: NDArray[np.int64]
    valid_until: NDArray[np.int64]
    expires_at: NDArray[np.int64]
    trust: NDArray[np.float32]
    flags: NDArray[np.int64]
    live: Mask
    session: NDArray[np.int32]
    speaker: NDArray[np.int32]
    kind: NDArray[np.int32]
    role: NDArray[np.int32]
    made_by: NDArray[np.int32]

    def __init__(self, ns: int, settings: Settings) -> None:
        self.ns = ns
        self.settings = settings
        self.lock = threading.RLock()
        self.known_at: datetime | None = None
        self.cursor: Cursor = None
        self.version: Any = _NEVER
        self.generation = 0
        self.changed = 0
        self.links_changed = 0
        self.unsaved = 0
        self.loaded = False
        self.companions: dict[Any, Companion] = {}
        self._clear()

    @classmethod
    def of(cls, columns: Columns, settings: Settings, ns: int = -1) -> Space:
        """A space of these rows only, such as the versions known at a time; it is never refreshed."""
        space = cls(ns, settings)
        space._add(columns)
        space.loaded = True
        return space

    # --- keeping up ----------------------------------------------------------------------------
    def refresh(self, backend: Backend) -> bool:
        """Bring the space up to the change log; returns whether anything changed.

        The caller holds ``lock``.
        """
        if not self.loaded:
            self._rebuild(backend)
            return True
        changes = backend.changes(self.ns, self.cursor)
        if not changes:
            self.cursor = changes.cursor
            return False
        if changes.rebuild or len(changes.added) > 2 * self.n + _REBUILD_FROM:
            self._rebuild(backend)
            return True
        self.loaded = False  # until all is done: a failure midway means a rebuild
        self._retire(self._docs_of_rows(changes.retired))
        if changes.added or changes.vectors:
            _, columns = backend.columns(self.ns, [*changes.added, *changes.vectors])
            self._merge(columns, changes.added)
        if self.n - self.n_live > max(_REBUILD_FROM, self.n // 4):
            self._rebuild(backend)
        else:
            self.cursor = changes.cursor
            self.loaded = True
        self.changed += bool(changes.added or changes.retired or changes.vectors)
        self.links_changed += changes.links
        return True

    def _rebuild(self, backend: Backend) -> None:
        self.loaded = False
        cursor, columns = backend.columns(self.ns)
        self._clear()
        self._add(columns)
        self.cursor = cursor
        self.generation += 1
        self.changed += 1
        self.links_changed += 1
        self.loaded = True

    def _clear(self) -> None:
        self.n = self.n_live = 0
        self.memo: dict[Any, Any] = {}
        self._highest = -1
        self._numbers = {name: Growing.empty(kind) for name, kind in NUMBERS.items()}
        self._live = Growing.empty(bool)
        self._checks = Growing.empty(np.uint32)
        self._coded: dict[str, CodedColumn[str]] = {name: CodedColumn() for name in CODED}
        self._metadata: dict[str, CodedColumn[Any]] = {}
        self._ids = Ids()
        self.lexical = LexicalIndex(self.settings.lexical)
        self.vectors: VectorIndex | None = None
        self.names = NamesIndex()
        self._publish()

    def _publish(self) -> None:
        self.memo = {}
        for name, column in self._numbers.items():
            setattr(self, name, column.view)
        for name, coded in self._coded.items():
            setattr(self, name, coded.codes)
        self.live = self._live.view

    def _add(self, columns: Columns) -> None:
        """Add rows as new documents."""
        n = len(columns)
        docs = np.arange(self.n, self.n + n)
        for name, column in self._numbers.items():
            given = getattr(columns, name)
            if not self.n:
                self._numbers[name] = Growing(np.ascontiguousarray(given, NUMBERS[name]))
            else:
                column.append(given)
        for name, given in CODED.items():
            self._coded[name].append(getattr(columns, given))
        self._highest = max(self._highest, int(columns.rows.max()) if n else -1)
        self._live.extend_to(self.n + n, True)
        self._checks.append(checksums(columns.tokens, columns.token_offsets))
        self._ids.append(columns.ids)
        self.n += n
        self.n_live += n
        self.unsaved += n
        self._publish()
        self.lexical.add(
            docs,
            columns.sessions,
            columns.at,
            columns.positions,
            columns.flags,
            columns.tokens,
            columns.token_offsets,
        )
        self._add_vectors(docs, columns, n)

    def _add_vectors(self, docs: Docs, columns: Columns, expected: int) -> None:
        if not self.settings.dim:
            return
        if self.vectors is None:
            self.vectors = choose(self.settings.vectors, self.settings.dim, expected)
        rows = columns.vectors
        if rows is None or not len(rows):
            return
        if rows.shape[1] != self.settings.dim:
            raise EmbedderMismatch(
                f"the stored vectors are {rows.shape[1]} wide and the embedder's are {self.settings.dim}; "
                "open the file with the embedder that wrote it, or move it with: agentmem reindex"
            )
        self.vectors.add(docs, rows, columns.vector_offsets)

    def _merge(self, columns: Columns, added: Sequence[int]) -> None:
        """Add rows that became live, and the vectors of rows that are here."""
        if not len(columns) or int(columns.rows.min()) > self._highest:
            self._add(columns)
            return
        docs = self._docs_of_rows(columns.rows, missing=-1)
        known = docs >= 0
        new = np.isin(columns.rows, np.asarray(added, np.int64)) & ~known
        if known.any():
            same = self._checks.view[docs] == checksums(columns.tokens, columns.token_offsets)
            same &= known & (self.flags[docs] == columns.flags)
            changed = known & ~same  # its words are others now: read as a new document
            self._retire(docs[changed])
            new |= changed
            if self.vectors is not None:
                self.vectors.remove(docs[same])
            self._add_vectors(docs[same], take(columns, np.flatnonzero(same)), 0)
            self.unsaved += int(same.sum())
        if new.any():
            self._add(take(columns, np.flatnonzero(new)))

    def _retire(self, docs: Docs) -> None:
        docs = docs[self.live[docs]]
        if not len(docs):
            return
        self._live.writable()[docs] = False
        self._ids.retire(docs)
        self.n_live -= len(docs)
        self.unsaved += len(docs)
        self.lexical.remove(docs)
        if self.vectors is not None:
            self.vectors.remove(docs)
        self._publish()

    # --- snapshots -----------------------------------------------------------------------------
    def to_arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Everything as arrays and, for the names behind codes, a JSON object."""
        arrays: dict[str, NDArray[Any]] = {name: column.view for name, column in self._numbers.items()}
        arrays |= {name: column.codes for name, column in self._coded.items()}
        arrays |= {"live": self._live.view, "checks": self._checks.view}
        arrays |= {f"ids.{name}": array for name, array in self._ids.to_arrays().items()}
        arrays |= {f"lexical.{name}": array for name, array in self.lexical.to_arrays().items()}
        if self.vectors is not None:
            arrays |= {f"vectors.{name}": array for name, array in self.vectors.to_arrays().items()}
        arrays |= {f"names.{name}": array for name, array in self.names.to_arrays().items()}
        names: dict[str, Any] = {name: column.values for name, column in self._coded.items()}
        kept = [(key, c) for key, c in self._metadata.items() if len(c.values) <= _MANY_VALUES]
        arrays |= {f"metadata.{i}": column.codes for i, (_, column) in enumerate(kept)}
        names["metadata"] = [[key, column.values] for key, column in kept]
        return arrays, names

    def restore(self, arrays: Mapping[str, NDArray[Any]], names: Mapping[str, Any], cursor: Cursor) -> None:
        """The inverse of :meth:`to_arrays`, complete up to a cursor; arrays may be read-only."""

        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}

        self._clear()
        self._numbers = {name: Growing(arrays[name]) for name in NUMBERS}
        self._coded = {name: CodedColumn(names[name], arrays[name]) for name in CODED}
        for i, (key, values) in enumerate(names["metadata"]):
            self._metadata[key] = CodedColumn(values, arrays[f"metadata.{i}"], map(distinct, values))
        self._live = Growing(arrays["live"])
        self._checks = Growing(arrays["checks"])
        ids = part("ids.")
        self._ids = Ids(ids["text"], ids["ends"])
        self.n = self._live.n
        self.n_live = int(np.count_nonzero(self._live.view))
        self._highest = int(arrays["rows"].max()) if self.n else -1
        self.lexical = LexicalIndex.from_arrays(part("lexical."), self.settings.lexical)
        self.names = NamesIndex.from_arrays(part("names."))
        vectors = part("vectors.")
        if self.settings.dim:
            self.vectors = choose(self.settings.vectors, self.settings.dim, self.n, vectors or None)
        self._publish()
        self.cursor = cursor
        self.generation += 1
        self.changed += 1
        self.links_changed += 1
        self.unsaved = 0
        self.loaded = True

    # --- looking up ----------------------------------------------------------------------------
    def _docs_of_rows(self, rows: Sequence[int] | NDArray[np.int64], missing: int | None = None) -> Docs:
        """The live documents of row numbers; what has none is left out, or ``missing`` stands for it."""
        wanted = np.asarray(rows, np.int64)
        if len(wanted) <= 8:
            found = [np.flatnonzero((self.rows == row) & self.live) for row in wanted]
            docs = np.array([one[-1] if len(one) else -1 for one in found], np.int64)
        else:
            live = np.flatnonzero(self.live)
            order = live[np.argsort(self.rows[live], kind="stable")]
            place = np.minimum(np.searchsorted(self.rows[order], wanted), max(len(order) - 1, 0))
            docs = order[place] if len(order) else np.full(len(wanted), -1, np.int64)
            docs = np.where(self.rows[docs] == wanted, docs, -1) if len(order) else docs
        return docs[docs >= 0] if missing is None else np.where(docs >= 0, docs, missing)

    def id_of(self, doc: int) -> str:
        """The id of a document."""
        return self._ids[doc]

    def ids_of(self, docs: Iterable[int]) -> list[str]:
        """The ids of documents."""
        return [self._ids[int(doc)] for doc in docs]

    def doc_of(self, id: str) -> int:
        """The live document with an id, or -1."""
        return self._ids.find(id, self.live)

    def docs_of(self, ids: Iterable[str]) -> Docs:
        """The live documents with these ids, -1 for what is not there."""
        return np.array([self._ids.find(id, self.live) for id in ids], np.int64)

    @property
    def sessions(self) -> list[str]:
        """The names of sessions, by code."""
        return self._coded["session"].values

    @property
    def speakers(self) -> list[str]:
        """The names of speakers, by code."""
        return self._coded["speaker"].values

    @property
    def kinds(self) -> list[str]:
        """The names of kinds, by code."""
        return self._coded["kind"].values

    @property
    def roles(self) -> list[str]:
        """The names of roles, by code."""
        return self._coded["role"].values

    @property
    def makers(self) -> list[str]:
        """What stands in ``made_by``, by code."""
        return self._coded["made_by"].values

    def code(self, column: str, value: str) -> int:
        """The code of a value in "session", "speaker", "kind", "role" or "made_by"; -1 if it never came."""
        return self._coded[column].code(value)

    # --- filters -------------------------------------------------------------------------------
    def mask(self, filter: Filter, backend: Backend) -> Mask:
        """Which documents match a filter (dead ones may); bool (n,).

        Columns of metadata keys are read from the backend when first asked for, and kept.
        """
        wanted = [key for key in filter.keys if not key.startswith("@")]
        self._read_metadata(wanted, backend)
        return filter.mask(self._column, self.n)

    def _column(self, key: str) -> Coded | NDArray[np.int64]:
        if key == "@at":
            return self.at
        if key == "@id":
            return Coded(np.arange(self.n, dtype=np.int32), self.ids_of(range(self.n)))
        return self._coded[key[1:]].column if key.startswith("@") else self._metadata[key].column

    def _read_metadata(self, keys: Sequence[str], backend: Backend) -> None:
        columns = {key: self._metadata.setdefault(key, CodedColumn()) for key in keys}
        behind = {key: column for key, column in columns.items() if len(column.codes) < self.n}
        if not behind:
            return
        start = min(len(column.codes) for column in behind.values())
        rows = self.rows[start:]
        place = {int(row): i for i, row in enumerate(rows)}
        read: dict[str, list[Any]] = {key: [MISSING] * len(rows) for key in behind}
        for row, metadata in backend.metadata(self.ns, list(place)):
            for key, values in read.items():
                values[place[row]] = lookup(metadata, key)
        for key, column in behind.items():
            values = read[key][len(column.codes) - start :]
            column.append(values, [distinct(value) for value in values])

    @property
    def nbytes(self) -> int:
        """Bytes held, memory maps included; an estimate."""
        held = self._live.nbytes + self._checks.nbytes + sum(c.nbytes for c in self._numbers.values())
        held += sum(c.nbytes for c in self._coded.values()) + sum(c.nbytes for c in self._metadata.values())
        vectors = 0 if self.vectors is None else self.vectors.nbytes
        return 4096 + held + self._ids.nbytes + self.lexical.nbytes + self.names.nbytes + vectors
