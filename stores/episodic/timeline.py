"""The events of a namespace: a cache beside its index, brought up to date inside every read.

Turns of a session, in order of time and then arrival, are cut into events by :class:`Rules`. What came in
since the last read changes only the open end of its session: the events after the last closed one are cut
anew, from a bounded number of turns before, so that the cost does not grow with what is stored. A turn
that comes late, changes or goes has its session cut anew. A turn without a session is an event by itself.

Consolidation writes closed events down (:func:`record`); an event whose record fits its turns is taken as it
stands, so that its boundaries stay across restarts and later settings of the model.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.index.space import Space
from agentmem.language import text as language
from agentmem.stores.episodic import boundaries
from agentmem.stores.episodic.boundaries import Turns
from agentmem.stores.episodic.spans import EVENT, SURPRISE, Docs, Rules, Span, checksum, representatives
from agentmem.stores.episodic.surprise import Values, hashed_bags, novelty, reach, standardise
from agentmem.stores.episodic.texts import Texts

_SECOND = 1_000_000  # in microseconds
_READ_AT_ONCE = 20_000


@dataclass(slots=True)
class _Session:
    docs: Docs
    spans: list[Span]


class Timeline:
    """The events of one namespace. Use it while holding the lock of its space.

    Attributes:
        number: the event's number of each document; -1 for what is no turn.
        spans: events by number.
        sessions: code of a session -> its turns and events in order.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._generation = -1
        self._changed = -1
        self._clear()

    def _clear(self) -> None:
        self.number: NDArray[np.int64] = np.empty(0, np.int64)
        self.spans: dict[int, Span] = {}
        self.sessions: dict[int, _Session] = {}
        self._next = 0
        self._live: NDArray[np.bool_] = np.empty(0, bool)
        self._waiting: set[int] = set()
        self._records: dict[int, Mapping[str, Any]] = {}
        self._nats: dict[int, float] = {}
        self._changed = -1

    def forget(self) -> None:
        """Be built anew at the next refresh, from what is written by then."""
        self._generation = -1

    def refresh(self, space: Space, backend: Backend, made_by: str | None) -> None:
        """Bring the events up to the index.

        Args:
            space: the namespace's index; its lock is held.
            backend: where vectors and records are read.
            made_by: maker of the records to go by; None for none.
        """
        if (self._generation, self._changed) == (space.generation, space.changed):
            return
        if self._generation != space.generation:
            self._clear()
            self._generation = space.generation
            if made_by is not None:
                self._read_records(space, backend, made_by)
        touched = self._touched(space)
        self._cut_sessions(space, backend, touched)
        self._live = space.live.copy()
        self._changed = space.changed

    # --- what changed ------------------------------------------------------------------------------
    def _touched(self, space: Space) -> dict[int, Docs]:
        """New turns by session; a session with an empty array is cut anew from its beginning."""
        old = len(self.number)
        self.number = np.concatenate([self.number, np.full(space.n - old, -1, np.int64)])
        touched: dict[int, Docs] = {}
        for doc in np.flatnonzero(self._live & ~space.live[:old]).tolist():
            self._waiting.discard(doc)
            if self.number[doc] >= 0:
                touched[int(space.session[doc])] = np.empty(0, np.int64)
                if space.session[doc] < 0:
                    self._drop(self.spans[int(self.number[doc])])
        touched.pop(-1, None)
        if self._waiting and space.vectors is not None:
            waiting = np.array(sorted(self._waiting), np.int64)
            for doc in waiting[space.vectors.has(waiting)].tolist():
                self._waiting.discard(doc)
                if space.session[doc] >= 0:
                    touched[int(space.session[doc])] = np.empty(0, np.int64)
        fresh = np.arange(old, space.n)
        fresh = fresh[_turns(space, fresh)]
        codes = space.session[fresh]
        order = np.lexsort((space.positions[fresh], space.at[fresh], codes))
        fresh, codes = fresh[order], codes[order]
        edges = np.flatnonzero(np.diff(codes)) + 1
        for docs in np.split(fresh, edges) if len(fresh) else ():
            code = int(space.session[docs[0]])
            if code < 0:
                self._alone(space, docs)
            elif code not in self.sessions:
                touched[code] = docs
                self.sessions[code] = _Session(np.empty(0, np.int64), [])
            elif code not in touched:
                last, first = self.sessions[code].docs[-1], docs[0]
                follows = (space.at[last], space.positions[last]) < (space.at[first], space.positions[first])
                touched[code] = docs if follows else np.empty(0, np.int64)
        return touched

    def _alone(self, space: Space, docs: Docs) -> None:
        tokens = _tokens(space, docs)
        for doc, size in zip(docs.tolist(), tokens.tolist(), strict=True):
            one = np.array([doc], np.int64)
            self._put(Span(self._next, -1, 0, one, None, "start", True, (0,), 0.0, size, True))

    def _put(self, span: Span) -> None:
        self.spans[span.number] = span
        self.number[span.docs] = span.number
        self._next = max(self._next, span.number + 1)

    def _drop(self, span: Span) -> None:
        del self.spans[span.number]
        self.number[span.docs] = -1

    # --- cutting -----------------------------------------------------------------------------------
    def _cut_sessions(self, space: Space, backend: Backend, touched: Mapping[int, Docs]) -> None:
        plans: list[tuple[int, int]] = []  # session, place from which it is cut anew
        for code, added in touched.items():
            session = self.sessions[code]
            start = 0
            if len(added):
                start = len(session.docs)
                while session.spans and not session.spans[-1].closed:
                    start -= len(session.spans[-1].docs)
                    self._drop(session.spans.pop())
                session.docs = np.concatenate([session.docs, added])
            else:
                for span in session.spans:
                    self._drop(span)
                docs = np.flatnonzero((space.session == code) & space.live)
                docs = docs[_turns(space, docs)]
                session.docs = docs[np.lexsort((space.positions[docs], space.at[docs]))]
                session.spans = []
                if not len(docs):
                    del self.sessions[code]
                    continue
            plans.append((code, start))
        back = reach(self.rules.window, self.rules.context) + self.rules.warm_up
        needed = [(code, start, self.sessions[code].docs[max(0, start - back) :]) for code, start in plans]
        for group in _groups(needed):
            texts = Texts(space, backend, np.concatenate([docs for _, _, docs in group]))
            for code, start, docs in group:
                self._cut(space, texts, code, start, len(self.sessions[code].docs) - len(docs))

    def _cut(self, space: Space, texts: Texts, code: int, start: int, offset: int) -> None:
        """Cut a session anew from a place; ``texts`` hold its turns from ``offset`` on."""
        session = self.sessions[code]
        docs = session.docs
        end = len(docs)
        place = start
        turns, by, missing = self._known(space, texts, docs[offset:], offset)
        self._waiting.update(missing)
        while place < end:
            record = self._fitting(space, docs, place)
            if record is not None:
                stop = place + int(record["turns"])
                self._span(space, texts, code, docs[place:stop], record, turns, place - offset)
                place = stop
                continue
            stop = next((i for i in range(place + 1, end) if self._fitting(space, docs, i)), end)
            part = Turns(*(getattr(turns, f.name)[: stop - offset] for f in fields(Turns)))
            beyond = session.spans[-1].beyond if session.spans else 0
            warm_up = max(0, self.rules.warm_up - offset)
            cuts = self._starts(part, place - offset, warm_up, code, beyond)
            edges = [place - offset, *cuts.starts, stop - offset]
            for i, ((a, b), beyond) in enumerate(zip(pairwise(edges), [*cuts.beyond, 0], strict=True)):
                held: dict[str, Any] = {"closed": i < cuts.closed or stop < end, "by": by, "beyond": beyond}
                self._span(space, texts, code, docs[offset + a : offset + b], held, turns, a)
            place = stop

    def _starts(self, turns: Turns, start: int, warm_up: int, session: int, beyond: int) -> boundaries.Cuts:
        rules = self.rules
        n = len(turns.z)
        if rules.segmentation == "session":
            return boundaries.Cuts([], 0, [])
        if rules.segmentation == "fixed":
            return boundaries.fixed(n, rules.size, start)
        cuts = boundaries.cut(
            turns, start=start, gamma=rules.gamma, limits=rules.limits, refine=rules.refine, warm_up=warm_up,
            beyond=beyond,
        )  # fmt: skip
        if rules.segmentation == "random":
            edges = [start, *cuts.starts, n]
            lengths = boundaries.shuffled([b - a for a, b in pairwise(edges)], session)
            starts = [start + int(i) for i in np.cumsum(lengths[:-1])]
            return boundaries.Cuts(starts, 0, [0] * len(starts))
        return cuts

    def _known(self, space: Space, texts: Texts, docs: Docs, offset: int) -> tuple[Turns, str, list[int]]:
        """What the cutting needs of consecutive turns, what told their surprise, and who lacks a vector."""
        rules = self.rules
        vectors = texts.vectors(docs)
        spoken = language.length(space.flags[docs]) > 0
        missing = docs[spoken & ~vectors.any(axis=1)].tolist() if space.settings.dim else []
        by = rules.surprise
        nats = np.array([self._nats.get(doc, np.nan) for doc in docs.tolist()])
        if by == "logprobs" and not self._measured(docs[spoken]):
            by = "novelty"
        if not vectors.any():
            by = "words" if by == "novelty" else by
            vectors = hashed_bags(texts.tokens(docs))
        if by == "words":
            vectors = hashed_bags(texts.tokens(docs))
        values = nats if by == "logprobs" else novelty(vectors, context=rules.context, decay=rules.decay)
        z = standardise(
            values,
            language.length(space.flags[docs]),
            window=rules.window,
            warm_up=0 if offset else rules.warm_up,
            shrink=rules.shrink,
        )
        z = z + _gap(space.at[docs], rules)
        joined = np.zeros(len(docs), bool)
        if rules.pairs and len(docs) > 1:
            other = (space.speaker[docs[1:]] != space.speaker[docs[:-1]]) | (
                space.role[docs[1:]] != space.role[docs[:-1]]
            )
            joined[1:] = (language.ends_asking(space.flags[docs[:-1]]) > 0) & other
        return Turns(z, _tokens(space, docs), joined, vectors), by, missing

    def _span(
        self,
        space: Space,
        texts: Texts,
        code: int,
        docs: Docs,
        held: Mapping[str, Any],
        turns: Turns,
        place: int,
    ) -> None:
        """Put an event, from its record or as it was cut."""
        session = self.sessions[code]
        index = len(session.spans)
        stored = "turns" in held
        z = turns.z[place]
        rows = turns.vectors[place : place + len(docs)]
        weights = np.log1p(language.length(space.flags[docs]))
        surprise = held.get("surprise") if stored else (float(z) if index and np.isfinite(z) else None)
        span = Span(
            number=self._next,
            session=code,
            index=index,
            docs=docs,
            surprise=surprise,
            by=held["by"] if index and surprise is not None else ("size" if index else "start"),
            closed=bool(held.get("closed", True)),
            representatives=representatives(rows, self.rules.representatives),
            norm=float(np.linalg.norm((weights[:, None] * rows).sum(axis=0))),
            tokens=int(turns.tokens[place : place + len(docs)].sum()),
            stored=stored,
            beyond=int(held.get("beyond", 0)),
        )
        self._put(span)
        session.spans.append(span)

    # --- records -----------------------------------------------------------------------------------
    def _read_records(self, space: Space, backend: Backend, made_by: str) -> None:
        for artifact in backend.artifacts(space.ns, made_by=made_by):
            doc = space.doc_of(artifact.source)
            if doc < 0 or not isinstance(artifact.data, Mapping):
                continue
            if artifact.kind == EVENT:
                self._records[doc] = artifact.data
            elif artifact.kind == SURPRISE and artifact.data.get("row") == int(space.rows[doc]):
                if "nats" in artifact.data:
                    nats = artifact.data["nats"]
                    self._nats[doc] = np.nan if nats is None else float(nats)

    def _fitting(self, space: Space, docs: Docs, place: int) -> Mapping[str, Any] | None:
        """The record of the event that begins at a place, if it was made of the turns that are there."""
        record = self._records.get(int(docs[place])) if self._records else None
        if record is None:
            return None
        own = docs[place : place + int(record["turns"])]
        return record if record["rows"] == checksum(space, own) else None

    def unstored(self, space: Space) -> list[Span]:
        """Closed events without a record, in order; with a model, once it has judged their session."""
        ready = [
            session
            for session in self.sessions.values()
            if self.rules.surprise != "logprobs"
            or self._measured(session.docs[language.length(space.flags[session.docs]) > 0])
        ]
        found = [span for session in ready for span in session.spans if span.closed and not span.stored]
        return sorted(found, key=lambda s: (int(space.at[s.docs[0]]), int(space.positions[s.docs[0]])))

    def _measured(self, docs: Docs) -> bool:
        """Whether the model has judged all of these turns."""
        return all(doc in self._nats for doc in docs.tolist())

    def written(self, spans: Sequence[Span]) -> None:
        """Note that records are written now."""
        for span in spans:
            now = self.spans.get(span.number)
            if now is span:
                kept = replace(span, stored=True)
                self.spans[span.number] = kept
                self.sessions[span.session].spans[span.index] = kept

    # --- looking around ----------------------------------------------------------------------------
    def beside(self, span: Span, steps: int = 1) -> Iterator[tuple[Span, int]]:
        """Events of the same session and their distance: 1 the next, -1 the one before, and so on."""
        if span.session < 0:
            return
        around = self.sessions[span.session].spans
        for step in range(1, steps + 1):
            for distance in (step, -step):
                if 0 <= span.index + distance < len(around):
                    yield around[span.index + distance], distance


def timeline(space: Space, rules: Rules, backend: Backend, made_by: str | None) -> Timeline:
    """The up-to-date events of a namespace; hold the lock of its space."""
    held = _TIMELINES.setdefault(space, {})
    key = (rules, made_by)
    if key not in held:
        held[key] = Timeline(rules)
    held[key].refresh(space, backend, made_by)
    return held[key]


_TIMELINES: WeakKeyDictionary[Space, dict[tuple[Rules, str | None], Timeline]] = WeakKeyDictionary()


def _turns(space: Space, docs: Docs) -> NDArray[np.bool_]:
    """Which documents are live and came in, rather than being derived."""
    return np.asarray(space.live[docs] & (space.made_by[docs] < 0))


def _tokens(space: Space, docs: Docs) -> NDArray[np.int64]:
    return np.asarray(np.ceil(1.3 * language.length(space.flags[docs])), np.int64)


def _gap(at: NDArray[np.int64], rules: Rules) -> Values:
    """What a pause before a turn adds: gap · ln(seconds / gap_from), nothing for a shorter one."""
    added = np.zeros(len(at))
    if rules.gap and len(at) > 1:
        seconds = np.maximum(np.diff(at) / _SECOND, rules.gap_from)
        added[1:] = rules.gap * np.log(seconds / rules.gap_from)
    return added


def _groups(
    plans: Sequence[tuple[int, int, Docs]],
) -> Iterator[list[tuple[int, int, Docs]]]:
    """Plans in groups of so many turns that reading them at once is cheap."""
    sizes = np.cumsum([len(docs) for _, _, docs in plans]).tolist()
    begin = 0
    while begin < len(plans):
        before = sizes[begin - 1] if begin else 0
        end = max(begin + 1, bisect_left(sizes, before + _READ_AT_ONCE))
        yield list(plans[begin:end])
        begin = end
