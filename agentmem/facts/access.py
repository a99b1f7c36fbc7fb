"""The facts of a namespace as a store uses them: in step, corrected, and under its ``updates``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from agentmem.facts import corrections
from agentmem.facts.corrections import KIND, MAKER, Correction
from agentmem.facts.model import Corrections, Fact, Frame, Proposal
from agentmem.memory import Namespace

if TYPE_CHECKING:
    from agentmem.facts.decisions import By, Decisions
    from agentmem.facts.view import FactView
    from agentmem.index.space import Space
    from agentmem.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Access:
    """The facts of a namespace while its space's lock is held.

    Attributes:
        runtime: the opened file.
        space: the namespace's index.
        view: its facts.
        decided: what was decided about them, oldest first.
    """

    runtime: Runtime
    space: Space
    view: FactView
    decided: tuple[Correction, ...]

    def proposals(self, subject: str | None = None) -> list[Proposal]:
        """Updates in other words that nobody decided on, surest first.

        Args:
            subject: only about this subject (a name).
        """
        return self._proposed(_pairs(self.view, subject))

    def updating(self, fact: Fact) -> list[Proposal]:
        """Updates of one fact in other words that nobody decided on, surest first."""
        return self._proposed(_pairs(self.view, fact.subject, fact.id))

    def _proposed(self, pairs: list[tuple[Fact, Fact]]) -> list[Proposal]:
        from agentmem.facts.updates import UpdateJudge

        settled = {one.facts for one in self.decided if one.applies and one.verb in ("kept", "replaced")}
        ended = {one.facts[0] for one in self.decided if one.applies and one.verb in ("closed", "wrong")}
        found = [
            one
            for one in UpdateJudge(self.runtime.embedder, self.decisions()).propose(pairs)
            if one is not None
            and (one.older.id, one.newer.id) not in settled
            and ended.isdisjoint((one.older.id, one.newer.id))
        ]
        return sorted(found, key=lambda one: -one.score)

    def oldest(self, frame: Frame) -> Fact:
        """The fact that has a wording first."""
        having = [fact for fact in self.view.facts() if fact.frame.key == frame.key]
        return min(having, key=lambda fact: fact.order[2])

    def decisions(self) -> Decisions:
        """What was decided about pairs of wordings, in either order."""
        from agentmem.facts.decisions import Decision, Decisions

        rank: dict[str, By] = {"model": "model", "agreement": "agreement"}
        return Decisions(
            Decision(older, newer, one.verb == "same", rank.get(one.by, "person"), one.note)
            for one in self.decided
            if one.verb in ("same", "different")
            for older, newer in (one.frames, one.frames[::-1])
        )


@contextmanager
def opened(
    runtime: Runtime,
    name: Namespace,
    updates: str = "strict",
    known_at: datetime | None = None,
    read: Callable[[FactView, Space], None] | None = None,
) -> Iterator[Access | None]:
    """The facts of a namespace; None where nothing was ever written.

    Args:
        runtime: the opened file.
        name: the namespace.
        updates: one of :data:`agentmem.validate.UPDATES`.
        known_at: of the versions known then; such a view is made for this use alone.
        read: fills a view that is made for this use alone, instead of all that the namespace tells.
    """
    from agentmem.facts.view import FactView, view_of

    number = runtime.number(name)
    if number is None:
        yield None
        return
    space = runtime.space(number) if known_at is None else runtime.spaces.known(number, known_at)
    with space.lock:
        if read is not None:
            view = FactView()
            read(view, space)
        else:
            view = view_of(runtime, number) if known_at is None else FactView()
            view.sync(space, runtime.backend, runtime.spaces.snapshots if known_at is None else None)
        access = Access(runtime, space, view, _decided(runtime, space))
        auto = updates == "auto"
        wanted = corrections.together(
            one for one in access.decided if one.applies and (auto or one.by == "person")
        )
        if auto:
            wanted = _acting(access, wanted) if read is not None else _acted(access, wanted)
        view.correct(wanted)
        yield access


_MUCH = 40
"""Facts of a subject from which on only pairs of wordings that have something in common are looked at."""


def _pairs(view: FactView, subject: str | None, older_id: str | None = None) -> list[tuple[Fact, Fact]]:
    """(older, newer) facts of one subject in two wordings, the older one standing (and it this one)."""
    by_subject: dict[str, list[Fact]] = {}
    for fact in view.facts(subject):
        if fact.state == "active" or "ended" in fact.flags:
            by_subject.setdefault(fact.subject_key, []).append(fact)
    merged = view.corrections.merged
    return [
        (older, newer)
        for facts in by_subject.values()
        for newer, older in _near(facts, older_id)
        if older.order < newer.order
        and merged.get(older.frame.key, older.frame.key) != merged.get(newer.frame.key, newer.frame.key)
    ]


def _near(facts: list[Fact], older_id: str | None) -> Iterator[tuple[Fact, Fact]]:
    """(newer, older) facts worth a look: where there are many, those that share a word or a sense."""
    olds = [fact for fact in facts if fact.state == "active" and older_id in (None, fact.id)]
    if len(facts) < _MUCH:
        yield from product(facts, olds)
        return
    having: dict[str, list[Fact]] = {}
    for fact in facts:
        for trait in _traits(fact.frame.key):
            having.setdefault(trait, []).append(fact)
    for older in olds:
        near = {new.id: new for trait in _traits(older.frame.key) for new in having.get(trait, ())}
        yield from ((newer, older) for newer in near.values())


@lru_cache(maxsize=65_536)
def _traits(wording: str) -> frozenset[str]:
    """The words and senses of a wording."""
    from agentmem.facts.senses import senses, stems
    from agentmem.language.stopwords import STOP

    words = {stem for stem in stems(wording) if stem[0] != "{"} - STOP
    return frozenset(words) | {f"sense {sense}" for sense in senses(wording)}


def _decided(runtime: Runtime, space: Space) -> tuple[Correction, ...]:
    """What was decided, kept until the space changes."""
    kept: tuple[Correction, ...] | None = space.memo.get("corrections")
    if kept is not None:
        return kept
    kind, maker = space.code("kind", KIND), space.code("made_by", MAKER)
    docs = np.flatnonzero(space.live & (space.kind == kind) & (space.made_by == maker))
    held: list[Correction] = []
    if kind >= 0 and maker >= 0 and len(docs):
        docs = docs[np.argsort(space.rows[docs], kind="stable")]
        memories = runtime.backend.memories(space.rows[docs].tolist())
        sources = {id for memory in memories for id in memory.sources}
        found = runtime.backend.get(space.ns, sorted(sources), known_at=space.known_at)
        texts = {id: stored.memory.text for id, stored in found.items()}
        held = [corrections.read(memory, texts) for memory in memories]
    space.memo["corrections"] = tuple(held)
    return tuple(held)


@dataclass(frozen=True, slots=True)
class _Auto:
    """What was acted on, and from which state of things."""

    seen: tuple[int, int, Corrections]
    acted: Corrections


_AUTO: WeakKeyDictionary[Space, _Auto] = WeakKeyDictionary()


def _acted(access: Access, wanted: Corrections) -> Corrections:
    """With the strong proposals acted on; worked out once for each state of the space."""
    space = access.space
    seen = (space.generation, space.changed, wanted)
    kept = _AUTO.get(space)
    if kept is None or kept.seen != seen:
        kept = _AUTO[space] = _Auto(seen, _acting(access, wanted))
    return kept.acted


def _acting(access: Access, wanted: Corrections) -> Corrections:
    access.view.correct(wanted)
    superseded, closed = dict(wanted.superseded), dict(wanted.closed)
    for one in access.proposals():
        if one.level != "strong":
            continue
        if one.closes:
            closed.setdefault(one.older.id, one.newer.valid_from or one.newer.at)
        else:
            superseded.setdefault(one.older.id, one.newer.id)
    return replace(wanted, superseded=superseded, closed=closed)
