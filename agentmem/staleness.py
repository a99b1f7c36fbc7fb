"""Which derived memories are stale: what they were made of has changed since.

A derived memory is stale when one of its sources was deleted, says something else than when the memory
was made (another text, time, speaker or validity), or is stale itself. It is never served as if it were
current: recall weighs it by :data:`MALUS` and says so, ``stats()`` counts it, ``stale()`` lists it, and
the next ``consolidate()`` of the store that made it derives it anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend, Stored
from agentmem.index.base import Mask
from agentmem.index.space import Space
from agentmem.memory import Memory, Namespace
from agentmem.recall.prior import Prior, Values
from agentmem.runtime import Runtime

CORRECTION = "correction"
"""The kind of a decision about facts, which knows itself what it is about."""
CORRECTOR = "facts:1"
"""Who decisions about facts are made by, in every store."""
MALUS = 0.9
"""What a stale memory's score is multiplied by."""
_NAMED = 3
_SAID = ("text", "data", "at", "speaker", "valid_from", "valid_until")


@dataclass(frozen=True, slots=True)
class Stale:
    """A derived memory that rests on something that changed.

    Attributes:
        memory: what was derived.
        changed: ids of its sources that were changed or deleted, or are stale themselves.
    """

    memory: Memory
    changed: tuple[str, ...]


def listing(backend: Backend, ns: int) -> list[Stale]:
    """All stale memories of a namespace, in order of arrival."""
    judged = _Judged()
    judged.judge(backend, ns, backend.outlived(ns))
    found = sorted(judged.stale, key=lambda id: (judged.known[id].position, judged.known[id].row))
    return [Stale(judged.known[id].memory, judged.stale[id]) for id in found]


def among(runtime: Runtime, memories: Iterable[Memory]) -> dict[tuple[Namespace, str], tuple[str, ...]]:
    """The stale ones of some memories: (namespace, id) -> the sources that changed."""
    names = {memory.namespace for memory in memories if memory.sources}
    numbers = [number for name in names if (number := runtime.number(name)) is not None]
    found = [one for number in numbers for one in listing(runtime.backend, number)]
    return {(one.memory.namespace, one.memory.id): one.changed for one in found}


def of(space: Space, backend: Backend, mask: Mask) -> Mapping[str, tuple[str, ...]]:
    """The stale memories of a space, if any under the mask is derived: id -> the sources that changed.

    Kept in step with the space: a change costs a look at what rests on the memories that changed. The
    caller holds the space's lock.
    """
    if space.known_at is not None or not (_derived(space) & mask).any():
        return {}
    with _LOCK:
        kept = _KEPT.get(space)
        if kept is None or kept.generation != space.generation:
            kept = _KEPT[space] = _Kept(space.generation)
    if kept.changed < 0:
        kept.judged.judge(backend, space.ns, backend.outlived(space.ns))
    elif kept.changed != space.changed:
        kept.judged.again(backend, space.ns, kept.news(space))
    kept.follow(space)
    return kept.judged.stale


def weighed(space: Space, stale: Mapping[str, tuple[str, ...]], prior: Prior | None) -> Prior | None:
    """A prior under which stale memories weigh less."""
    if not stale:
        return prior
    docs = space.docs_of(stale)
    return _Lowered(docs[docs >= 0], prior)


def reasons(changed: Sequence[str]) -> tuple[str, ...]:
    """Why a stale memory counts less, in words; nothing where no source changed."""
    if not changed:
        return ()
    named = ", ".join(repr(id) for id in changed[:_NAMED]) + (" and others" if len(changed) > _NAMED else "")
    return (f"is stale: it rests on {named}, changed or deleted since",)


@dataclass(frozen=True, slots=True)
class _Lowered:
    docs: NDArray[np.int64]
    prior: Prior | None

    def __getitem__(self, docs: NDArray[np.int64], /) -> Values:
        values = np.ones(len(docs)) if self.prior is None else self.prior[docs]
        return np.where(np.isin(docs, self.docs), MALUS * values, values)


@dataclass(slots=True)
class _Judged:
    """Who is stale, and of those the rows that were judged."""

    stale: dict[str, tuple[str, ...]] = field(default_factory=dict)
    known: dict[str, Stored] = field(default_factory=dict)

    def again(self, backend: Backend, ns: int, ids: Sequence[str]) -> None:
        """Judge what is or rests on these memories anew."""
        for id in ids:
            self.stale.pop(id, None)
            self.known.pop(id, None)
        own = [one for one in backend.get(ns, ids).values() if one.memory.sources]
        self.judge(backend, ns, [*own, *backend.dependents(ns, ids)])

    def judge(self, backend: Backend, ns: int, some: Iterable[Stored]) -> None:
        """Judge memories, and what rests on those whose judgement changes."""
        front = {one.memory.id: one for one in some if derived(one.memory)}
        while front:
            moved: list[str] = []
            sources = _live(backend, ns, front.values())
            for id, one in front.items():
                before = self.stale.pop(id, None)
                changed = tuple(
                    dict.fromkeys(
                        source
                        for source in one.memory.sources
                        if source != id
                        and (source in self.stale or _changed(backend, ns, one, source, sources))
                    )
                )
                if changed:
                    self.stale[id], self.known[id] = changed, one
                else:
                    self.known.pop(id, None)
                if (before is None) != (not changed):
                    moved.append(id)
            below = backend.dependents(ns, moved) if moved else []
            front = {one.memory.id: one for one in below if derived(one.memory)}


def derived(memory: Memory) -> bool:
    """Whether a memory was made of others: no episode (a reply may quote), and no decision about facts."""
    return memory.kind != "episode" if memory.made_by is None else memory.kind != CORRECTION


def _live(backend: Backend, ns: int, some: Iterable[Stored]) -> dict[str, Stored]:
    return backend.get(ns, list(dict.fromkeys(id for one in some for id in one.memory.sources)))


def _changed(backend: Backend, ns: int, one: Stored, source: str, live: Mapping[str, Stored]) -> bool:
    """Whether a source says something else now than when a memory was made."""
    now = live.get(source)
    if now is None:
        return True
    made = one.memory.recorded_at
    if one.memory.version == 1 and now.row < one.row and now.memory.recorded_at <= made:
        return False
    if one.memory.version > 1:
        made = _made(backend, ns, one.memory)
    elif now.memory.recorded_at == made and now.row > one.row:
        return now.memory.version > 1  # within one tick of the clock
    if now.memory.recorded_at <= made:
        return False
    past = [version for version in backend.history(ns, source) if version.recorded_at <= made]
    if not past:
        return now.memory.version > 1  # its past was not taken along
    return any(getattr(past[-1], name) != getattr(now.memory, name) for name in _SAID)


def _made(backend: Backend, ns: int, memory: Memory) -> datetime:
    """When the text of a memory was written: a version that was restored is as old as its text."""
    made = memory.recorded_at
    for version in reversed(backend.history(ns, memory.id)):
        if version.text != memory.text or version.sources != memory.sources:
            break
        made = version.recorded_at
    return made


def _derived(space: Space) -> NDArray[np.bool_]:
    """Which documents are live and no episodes."""
    kept: NDArray[np.bool_] | None = space.memo.get("derived")
    if kept is None:
        kept = space.live & ((space.made_by >= 0) | (space.kind != space.code("kind", "episode")))
        space.memo["derived"] = kept
    return kept


@dataclass(slots=True)
class _Kept:
    """What is known of a space."""

    generation: int
    changed: int = -1
    live: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    judged: _Judged = field(default_factory=_Judged)

    def news(self, space: Space) -> list[str]:
        """Ids of what was retired, came in another version, or was derived since."""
        n = len(self.live)
        gone = np.flatnonzero(self.live & ~space.live[:n])
        new = np.arange(n, space.n)
        told = (space.positions[new] != space.rows[new]) | _derived(space)[new]
        return list(dict.fromkeys(space.ids_of([*gone, *new[told]])))

    def follow(self, space: Space) -> None:
        """Remember the space as it is."""
        if self.changed != space.changed:
            self.live, self.changed = space.live.copy(), space.changed


_KEPT: WeakKeyDictionary[Space, _Kept] = WeakKeyDictionary()
_LOCK = threading.Lock()
