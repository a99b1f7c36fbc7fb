"""Consolidation: notes for what has none, links over the k nearest, evolution of neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agentmem import staleness
from agentmem.errors import BudgetSpent, DryRun, LanguageModelError, UnexpectedAnswer
from agentmem.index.space import Space
from agentmem.language.roles import Asker
from agentmem.language.text import length
from agentmem.memory import Artifact, Derived, Link, Memory
from agentmem.runtime import Runtime
from agentmem.stores.zettelkasten.held import Notes
from agentmem.stores.zettelkasten.notes import FAILED, LINK, LINKED, Note, chain_of, digest, episode_of
from agentmem.stores.zettelkasten.overlay import Overlay
from agentmem.stores.zettelkasten.roles import Annotator, Evolver, Linker, Neighbour
from agentmem.stores.zettelkasten.words import by_words

_LOCAL_BATCH = 256
_GIVE_UP = 3
"""Failed calls in a row, other than for their answer, after which a run stops: the server is down."""
_PAGE = 500


@dataclass(slots=True)
class Weaver:
    """One consolidation of one namespace.

    Attributes:
        runtime: the opened file.
        number: the namespace.
        maker: the store.
        overlay: which note stands for which episode.
        annotator, linker, evolver: the roles; no evolver, no evolution.
        asker: what the roles ask, for counting; None when they are local.
        flush: makes pending vectors.
        link_k: k, how many of the nearest notes the linker is shown.
        layout: what of a note is embedded.
        most_rewrites: versions of a chain after which it evolves no more.
    """

    runtime: Runtime
    number: int
    maker: str
    overlay: Overlay
    annotator: Annotator
    linker: Linker
    evolver: Evolver | None
    asker: Asker | None
    flush: Callable[[], int]
    link_k: int = 10
    layout: str = "paper"
    most_rewrites: int = 20
    _notes: Notes = field(init=False)
    _written: dict[str, Note] = field(default_factory=dict)
    _links: set[tuple[str, str]] = field(default_factory=set)
    _before: dict[str, str] = field(default_factory=dict)
    _done: dict[str, str | None] = field(default_factory=dict)
    _stale: set[str] = field(default_factory=set)
    _counted: tuple[int, float] = (0, 0.0)
    _failures: int = 0

    # --- the run ---------------------------------------------------------------------------------
    def run(self) -> Iterator[Derived]:
        """The batches of the run; each leaves a state from which the next run goes on."""
        gone, make, link = self._survey()
        if gone:
            yield Derived(retire=tuple(gone), left=len(make) + len(link))
        alone = self.asker is not None
        size = 1 if alone else _LOCAL_BATCH
        if alone:  # what an earlier run left without links comes first, as it came first
            for start in range(len(link)):
                yield from self._link(link[start : start + 1], len(make) + len(link) - start - 1)
                if self._stopped:
                    return
            link = []
        for start in range(0, len(make), size):
            batch = make[start : start + size]
            made = self._annotate(batch)
            left = len(make) - start - (0 if self._stopped else len(batch)) + len(link)
            yield self._counting(replace(made, left=left))
            if self._stopped:
                return
            fresh = [episode_of(str(draft.id)) for draft in made.memories]
            fresh = [id for id in fresh if self._done.get(id) != self._notes.chain(id)]
            if alone:
                yield from self._link(fresh, left)
                if self._stopped:
                    return
            else:
                link += fresh
        for start in range(0, len(link), _LOCAL_BATCH):
            yield from self._link(
                link[start : start + _LOCAL_BATCH], max(len(link) - start - _LOCAL_BATCH, 0)
            )

    @property
    def _stopped(self) -> bool:
        return self._failures >= _GIVE_UP

    def _counting(self, derived: Derived) -> Derived:
        """With the calls made since the last batch."""
        if self.asker is None:
            return derived
        calls, cost = self.asker.calls, self.asker.usage.cost or 0.0
        before, paid = self._counted
        self._counted = (calls, cost)
        return replace(derived, calls=calls - before, cost=cost - paid)

    def _failed(self, error: LanguageModelError) -> None:
        if isinstance(error, (BudgetSpent, DryRun)):
            self._failures = _GIVE_UP
        elif not isinstance(error, UnexpectedAnswer):
            self._failures += 1

    def plan(self) -> tuple[int, int]:
        """(notes to make, links to decide) of a run; a dry asker counts the prompts of the first."""
        _, make, link = self._survey()
        for start in range(0, len(make), _PAGE):
            for episode in self._read(make[start : start + _PAGE]).values():
                with suppress(DryRun):
                    self.annotator.annotate(episode, ())
        return len(make), len(make) + len(link)

    # --- what there is to do ---------------------------------------------------------------------
    def _survey(self) -> tuple[list[str], list[str], list[str]]:
        """(ids of notes to retire, episodes that need a note, episodes whose note needs links)."""
        backend = self.runtime.backend
        space = self.runtime.space(self.number)
        with space.lock:
            raw = space.live & (space.made_by < 0) & (length(space.flags) > 0)
            docs = np.flatnonzero(raw)
            docs = docs[np.argsort(space.positions[docs], kind="stable")]
            episodes = dict(zip(space.ids_of(docs), space.rows[docs].tolist(), strict=True))
            self._before = _turns_before(space, docs)
            mine = self.overlay.notes(space)
            self._stale = set(staleness.of(space, backend, mine))
            docs = np.flatnonzero(mine)
            docs = docs[np.argsort(space.rows[docs], kind="stable")]
            written = list(zip(space.rows[docs].tolist(), space.ids_of(docs), strict=True))
        newest: dict[str, tuple[int, str]] = {}
        gone: list[str] = []
        for row, note in written:
            episode = episode_of(note)
            if episode in newest or episode not in episodes:
                gone.append(newest[episode][1] if episode in newest else note)
            if episode in episodes:
                newest[episode] = (row, note)
        notes = self._notes = Notes(backend, newest)
        if self.asker is not None:
            notes.read(newest)
        make = [
            id
            for id, row in episodes.items()
            if id not in newest
            or row > newest[id][0]
            or newest[id][1] in self._stale
            or (self.asker is not None and notes[id].annotation.by == "local")
        ]
        made = set(make)
        self._done = {
            a.source: a.data.get("chain")
            for a in backend.artifacts(self.number, made_by=self.maker, kind=LINKED)
            if a.data.get("status") == "done"
        }
        link = [
            id
            for id in episodes
            if id in newest and id not in made and self._done.get(id) != chain_of(newest[id][1])
        ]
        return gone, make, link

    def _read(self, ids: Sequence[str]) -> dict[str, Memory]:
        found: dict[str, Memory] = {}
        for start in range(0, len(ids), _PAGE):
            stored = self.runtime.backend.get(self.number, ids[start : start + _PAGE])
            found.update({id: one.memory for id, one in stored.items()})
        return found

    # --- annotation ------------------------------------------------------------------------------
    def _annotate(self, ids: Sequence[str]) -> Derived:
        before = {id: self._before[id] for id in ids if id in self._before}
        memories = self._read(list(dict.fromkeys([*ids, *before.values()])))
        self._notes.read(ids)
        drafts, artifacts, retire = [], [], []
        apart: set[tuple[str, str]] = set()
        for id in ids:
            episode = memories.get(id)
            if episode is None:
                continue
            old = self._notes.pop(id)
            turn = memories.get(before.get(id, ""))
            try:
                note = self._made(episode, () if turn is None else (turn,), old)
            except LanguageModelError as error:
                self._failed(error)
                if old is not None:
                    self._notes[id] = old
                if isinstance(error, (BudgetSpent, DryRun)):
                    break
                mark = {"status": "failed", "error": str(error)}
                artifacts.append(Artifact(id, FAILED, mark, episode.version))
                continue
            self._notes[id] = note
            drafts.append(note.draft(episode, self.layout))
            artifacts.append(Artifact(id, FAILED, {"status": "done"}, episode.version))
            if old is not None:
                retire.append(old.id)
                if note.chain != old.chain:
                    apart |= self._pairs([id])
        unlink = tuple(Link(a, b, LINK, made_by=self.maker) for a, b in sorted(apart))
        return Derived(tuple(drafts), (), tuple(retire), tuple(artifacts), unlink)

    def _made(self, episode: Memory, before: Sequence[Memory], old: Note | None) -> Note:
        """The note of an episode: what it says stays, if only its row is older than the episode's."""
        local = self.asker is not None and old is not None and old.annotation.by == "local"
        if old is not None and old.id not in self._stale and not local:
            known = self._read(list(old.basis))
            same = all(id in known and digest(known[id].text) == d for id, d in old.basis.items())
            if same and len(self._read(list(old.authors))) == len(old.authors):
                return old.next("renewed")
        annotation = self.annotator.annotate(episode, before)
        if self.asker is not None:
            self._failures = 0
        used = before if self.asker is None and annotation.context else ()
        note = Note.first(episode, annotation, used)
        return note if old is None else replace(note, previous=old.id)

    # --- links and evolution ---------------------------------------------------------------------
    def _link(self, ids: Sequence[str], left: int) -> Iterator[Derived]:
        """Decide links of notes that are written; neighbours that evolve come with them."""
        ids = [id for id in ids if id in self._notes]
        if not ids:
            return
        self.flush()
        episodes = self._read(list(ids))
        ids = [id for id in ids if id in episodes]
        self._notes.read(ids)
        near = self._nearest([self._notes[id] for id in ids], episodes)
        self._links = self._pairs(ids)
        links: list[Link] = []
        artifacts: list[Artifact] = []
        self._written = {}
        for id, neighbours in zip(ids, near, strict=True):
            found = [replace(n, note=self._notes[n.note.episode]) for n in neighbours]
            try:
                links += self._decided(id, episodes, found)
            except LanguageModelError as error:
                self._failed(error)
                if isinstance(error, (BudgetSpent, DryRun)):
                    left += 1
                    break
                mark = {"status": "failed", "error": str(error), "chain": self._notes[id].chain}
                artifacts.append(Artifact(id, LINKED, mark, episodes[id].version))
                continue
            mark = {"status": "done", "chain": self._notes[id].chain}
            artifacts.append(Artifact(id, LINKED, mark, episodes[id].version))
        changed = [id for id, note in self._written.items() if self._notes[id] is not note]
        episodes.update(self._read([id for id in changed if id not in episodes]))
        drafts, retire = [], []
        for id in changed:
            if id not in episodes:
                self._notes[id] = self._written[id]
                continue
            note = self._notes[id].next(self._notes[id].cause)
            self._notes[id] = note
            drafts.append(note.draft(episodes[id], self.layout))
            retire.append(self._written[id].id)
        yield self._counting(Derived(tuple(drafts), tuple(links), tuple(retire), tuple(artifacts), left=left))

    def _decided(self, id: str, episodes: dict[str, Memory], near: Sequence[Neighbour]) -> list[Link]:
        """The links of a note; the notes changed by them stand in ``self._notes``."""
        if not near:
            return []
        note, episode = self._notes[id], episodes[id]
        decision = self.linker.link(note, episode, near)
        rewritten: Mapping[str, object] = {}
        if self.evolver is not None and decision.rewrite:
            some = [n for n in near if n.note.episode in decision.rewrite and self._may_evolve(n.note)]
            if some:
                rewritten = self.evolver.evolve(note, episode, some)
        if self.asker is not None:
            self._failures = 0
        seen: tuple[str, ...] = ()
        reasons: dict[str, str] = {}
        if self.asker is not None:  # local reasons can be told again at any time
            seen = tuple(n.note.episode for n in near)
            reasons = {other: reason for other, (_, reason) in decision.links.items()}
        if reasons or decision.tags:
            kept = note.annotation
            if decision.tags:
                kept = replace(kept, tags=decision.tags)
            linked = replace(
                note,
                annotation=kept,
                cause="linked",
                reasons={**note.reasons, **reasons},
                seen=tuple(dict.fromkeys((*note.seen, *seen))),
            )
            self._rewrite(id, linked)
        for neighbour in near:
            other = neighbour.note.episode
            annotation = rewritten.get(other)
            if annotation is None or annotation == neighbour.note.annotation:
                continue
            old = self._notes[other]
            evolved = replace(
                old,
                annotation=annotation,  # type: ignore[arg-type]
                cause="evolved",
                authors=tuple(dict.fromkeys((*old.authors, id))),
                seen=tuple(dict.fromkeys((*old.seen, *seen))),
            )
            self._rewrite(other, evolved)
        fresh = [other for other in decision.links if (id, other) not in self._links]
        fresh = [other for other in fresh if (other, id) not in self._links and other != id]
        self._links.update((id, other) for other in fresh)
        return [Link(id, other, LINK, decision.links[other][0]) for other in fresh]

    def _rewrite(self, id: str, note: Note) -> None:
        """Change a note within this batch, remembering the one that is written."""
        self._written.setdefault(id, self._notes[id])
        self._notes[id] = note

    def _pairs(self, ids: Sequence[str]) -> set[tuple[str, str]]:
        """The links that stand at these episodes."""
        links = self.runtime.backend.links(self.number, list(ids))
        return {(one.source, one.target) for one in links if one.made_by == self.maker and one.kind == LINK}

    def _may_evolve(self, note: Note) -> bool:
        return note.number < self.most_rewrites

    def _nearest(self, notes: Sequence[Note], episodes: dict[str, Memory]) -> list[list[Neighbour]]:
        """For each note its nearest other notes, M_near of the paper (equations 4 and 5)."""
        texts = [note.draft(episodes[note.episode], self.layout).text for note in notes]
        encodings = self.runtime.encode(texts)
        space = self.runtime.space(self.number)
        wanted = self.link_k + 1  # a note is nearest to itself
        pairs: list[list[tuple[str, float]]] = [[] for _ in notes]
        with space.lock:
            mask = self.overlay.notes(space)
            known = [i for i, one in enumerate(encodings) if one.vectors is not None and len(one.vectors)]
            if space.vectors is not None and known:
                queries = np.stack([_mean(encodings[i].vectors) for i in known])
                for i, probe in zip(known, space.vectors.probe_batch(queries, wanted, mask), strict=True):
                    pairs[i] = list(zip(space.ids_of(probe.docs), probe.scores.tolist(), strict=True))
            for i in set(range(len(notes))) - set(known):
                docs, shares = by_words(space, mask, encodings[i].words, wanted, self.runtime.backend)
                pairs[i] = list(zip(space.ids_of(docs), shares.tolist(), strict=True))
        near = [[(episode_of(id), similarity) for id, similarity in one] for one in pairs]
        near = [
            [pair for pair in one if pair[0] != note.episode and pair[0] in self._notes][: self.link_k]
            for note, one in zip(notes, near, strict=True)
        ]
        self._notes.read({id for one in near for id, _ in one})
        missing = {id for one in near for id, _ in one if id not in episodes}
        others = {**episodes, **self._read(sorted(missing))}
        return [
            [Neighbour(self._notes[id], others[id], similarity) for id, similarity in one if id in others]
            for one in near
        ]


def _mean(vectors: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """The direction of the pieces of a note together."""
    assert vectors is not None
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _turns_before(space: Space, docs: NDArray[np.int64]) -> dict[str, str]:
    """Each turn of a session -> the turn before it."""
    inside = docs[space.session[docs] >= 0]
    order = inside[np.lexsort((space.positions[inside], space.at[inside], space.session[inside]))]
    same = space.session[order[1:]] == space.session[order[:-1]]
    return dict(zip(space.ids_of(order[1:][same]), space.ids_of(order[:-1][same]), strict=True))
