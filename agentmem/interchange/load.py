"""Writing what was read: once however often it is imported, and nothing left out in silence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

from agentmem import validate
from agentmem.errors import InvalidInput, MemoryNotFound
from agentmem.interchange.entry import Entry, Report, cleaned, whole
from agentmem.interchange.export import below, namespace_of
from agentmem.memory import Draft, Link, Memory, Namespace

if TYPE_CHECKING:
    from agentmem.store import MemoryStore

_COMPARED = (
    "text", "speaker", "role", "session", "metadata", "data", "kind", "sources", "trust",
    "valid_from", "valid_until", "expires_at",
)  # fmt: skip
_CHANGED = "memories changed here since (kept as they are here)"
_TWICE = "memories with an id that came before in the source (the first is kept)"
_DELETED = "memories deleted here since (not brought back)"
_LOOSE = "links to memories that are not here"

Pair = tuple[Entry, Memory]


def load(
    store: MemoryStore,
    entries: Iterable[Entry],
    report: Report,
    *,
    replace_changed: bool = False,
    batch_size: int = 1000,
) -> Report:
    """Write entries into a store and count in the report what became of each.

    An id that is there already is not written again. Where the memory here differs (it was updated
    since), it is kept, or with ``replace_changed`` overwritten by a new version; what was deleted
    here stays deleted.

    Args:
        store: the handle below which the entries' namespaces lie.
        entries: what a reader gives.
        report: the same one the reader writes into.
        replace_changed: overwrite memories that differ.
        batch_size: entries a transaction.
    """
    loader = _Loader(store, report, replace_changed)
    source = iter(entries)
    while batch := list(islice(source, batch_size)):
        while _is_older(batch[-1]) and (following := next(source, None)):  # versions stay together
            batch.append(following)
        groups: dict[tuple[Namespace, type], list[Entry]] = {}
        for entry in batch:
            groups.setdefault((entry.namespace, type(entry.what)), []).append(entry)
        for (labels, kind), group in sorted(groups.items(), key=lambda item: item[0][1] is Link):
            loader.write(labels, kind, group)
    loader.finish()
    return report


@dataclass(slots=True)
class _Place:
    """A namespace that is written to.

    Attributes:
        handle: the store opened on it.
        name: its labels.
        fresh: whether nothing was ever written there before this import.
    """

    handle: MemoryStore
    name: Namespace
    fresh: bool

    def used(self, id: str) -> bool:
        """Whether a memory of this id was ever here."""
        try:
            return not self.fresh and bool(self.handle.history(id))
        except MemoryNotFound:
            return False


class _Loader:
    """Writes batch by batch into the namespaces of one import."""

    def __init__(self, store: MemoryStore, report: Report, replace_changed: bool) -> None:
        self._store = store
        self._report = report
        self._replace = replace_changed
        self._places: dict[Namespace, _Place] = {}
        self._later: dict[Namespace, list[Entry]] = {}
        self._written: set[tuple[Namespace, str]] = set()

    def write(self, labels: Namespace, kind: type, entries: Sequence[Entry]) -> None:
        """Write entries of one namespace and one kind."""
        try:
            place = self._place(labels)
        except InvalidInput as error:
            for entry in entries:
                self._report.reject(entry.line, str(error), _raw(entry))
            return
        if kind is Link:
            self._later[labels] = self._later.get(labels, []) + self._links(place, entries)
            return
        pairs = list(self._checked(place, entries))
        if kind is Memory:
            self._versions(place, pairs)
        else:
            self._drafts(place, pairs)

    def finish(self) -> None:
        """Write the links that stood before their memories; those to nothing are counted."""
        for labels, entries in self._later.items():
            if entries:
                self._report.left_out[_LOOSE] += len(self._links(self._place(labels), entries))
        self._report.left_out += Counter()  # drops counts of zero

    def _place(self, labels: Namespace) -> _Place:
        if labels not in self._places:
            handle = below(self._store, labels)
            fresh = handle._runtime.number(namespace_of(handle)) is None
            self._places[labels] = _Place(handle, namespace_of(handle), fresh)
        return self._places[labels]

    def _checked(self, place: _Place, entries: Sequence[Entry]) -> Iterator[Pair]:
        """Entries with the row versions they stand for; those that cannot be stored are reported."""
        now = self._store._runtime.clock()
        for entry in entries:
            what = entry.what
            assert isinstance(what, (Draft, Memory))
            if (clean := _cleaned(what)) is not what:
                what = clean
                self._report.replaced += 1
            draft = what if isinstance(what, Draft) else _draft_of(what)
            try:
                row = validate.to_memory(draft, place.name, now)
            except InvalidInput as error:
                self._report.reject(entry.line, str(error), _raw(entry))
                continue
            if isinstance(what, Memory):
                row = replace(what, namespace=place.name)
            yield replace(entry, what=what), row

    def _drafts(self, place: _Place, pairs: Sequence[Pair]) -> None:
        self._report.read += len(pairs)
        live = {memory.id: memory for memory in place.handle.get_many(row.id for _, row in pairs)}
        new: list[Draft] = []
        changed: list[Draft] = []
        for entry, row in pairs:
            draft = entry.what
            assert isinstance(draft, Draft)
            if draft.id is None:
                new.append(draft)
            elif row.id in live:
                if self._differs(draft, row, live[row.id]):
                    changed.append(draft)
                    live[row.id] = row
            elif place.used(row.id):
                self._report.left_out[_DELETED] += 1
            else:
                new.append(draft)
                live[row.id] = row
                self._written.add((place.name, row.id))
        if new:
            place.handle.add_many(new, on_conflict="skip")
        if changed:
            place.handle.add_many(changed, on_conflict="replace")
        self._report.added += len(new) + len(changed)

    def _differs(self, what: Draft | Memory, row: Memory, here: Memory) -> bool:
        """Whether a memory that is here is to be overwritten; counts it otherwise."""
        dated = isinstance(what, Memory) or what.at is not None
        same = all(getattr(row, name) == getattr(here, name) for name in _COMPARED)
        if same and (not dated or row.at == here.at):
            self._report.present += 1
            return False
        if not self._replace:
            self._report.present += 1
            twice = (row.namespace, row.id) in self._written
            self._report.left_out[_TWICE if twice else _CHANGED] += 1
        return self._replace

    def _versions(self, place: _Place, pairs: Sequence[Pair]) -> None:
        """Complete row versions, written as they are: times of recording, versions and makers kept."""
        live = {memory.id: memory for memory in place.handle.get_many(row.id for _, row in pairs)}
        rows: list[Memory] = []
        changed: list[Draft] = []
        for _, row in pairs:
            if row.retired_at is not None:
                if row.id not in live:  # load() passes over ids that were ever used
                    rows.append(row)
                continue
            self._report.read += 1
            if row.id in live:
                if self._differs(row, row, live[row.id]):
                    changed.append(_draft_of(row))
            elif place.used(row.id):
                self._report.left_out[_DELETED] += 1
            else:
                rows.append(row)
                live[row.id] = row
                self._written.add((place.name, row.id))
                self._report.added += 1
        if rows:
            place.handle.load(rows)
        if changed:
            place.handle.add_many(changed, on_conflict="replace")
            self._report.added += len(changed)

    def _links(self, place: _Place, entries: Sequence[Entry]) -> list[Entry]:
        """Write links with their times of recording; returns those whose ends are not here."""
        runtime = self._store._runtime
        links = [(entry, entry.what) for entry in entries if isinstance(entry.what, Link)]
        ids = sorted({id for _, link in links for id in (link.source, link.target)})
        here = {memory.id for memory in place.handle.get_many(ids)}
        known = {_key(link) for link in place.handle.links(sorted(here))} if here else set()
        loose: list[Entry] = []
        new: list[Link] = []
        for entry, link in links:
            if link.source not in here or link.target not in here:
                loose.append(entry)
            elif _key(link) not in known:
                known.add(_key(link))
                new.append(link)
        if new:
            now = runtime.clock()
            with runtime.backend.transaction() as transaction:
                number = transaction.namespace(place.name)
                for at, group in groupby(new, key=lambda link: link.recorded_at or now):
                    transaction.add_links(number, list(group), at)
            self._report.links += len(new)
        return loose


def _is_older(entry: Entry) -> bool:
    return isinstance(entry.what, Memory) and entry.what.retired_at is not None


def _key(link: Link) -> tuple[str, str, str, str | None]:
    return link.source, link.target, link.kind, link.made_by


def _draft_of(memory: Memory) -> Draft:
    return Draft(
        memory.text,
        memory.at,
        memory.speaker,
        memory.session,
        memory.metadata,
        memory.data,
        memory.kind,
        memory.id,
        memory.role,
        memory.sources,
        memory.trust,
        memory.valid_from,
        memory.valid_until,
        memory.expires_at,
    )


def _cleaned(what: Draft | Memory) -> Draft | Memory:
    """The same, or a copy without the characters that no text may hold."""
    changed: dict[str, Any] = {}
    for name in ("text", "speaker", "session", "metadata", "data"):
        value = getattr(what, name)
        clean = cleaned(value) if isinstance(value, str) and name != "data" else whole(value)
        if clean != value:
            changed[name] = clean
    return replace(what, **changed) if changed else what


def _raw(entry: Entry) -> str:
    """An entry as a line that can be mended and imported."""
    what = entry.what
    if isinstance(what, Memory):
        return json.dumps(what.to_dict(), ensure_ascii=False)
    values = {key: value for key, value in asdict(what).items() if value not in (None, (), {})}
    return json.dumps(values, ensure_ascii=False, default=str)
