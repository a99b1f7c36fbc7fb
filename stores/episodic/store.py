"""The store itself: options, consolidation, recall of whole events, order."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from agentmem import finding, validate
from agentmem.clock import TimeLike
from agentmem.errors import InvalidInput, MemoryNotFound, UnknownOption
from agentmem.filters import compile_filter
from agentmem.index.space import Space
from agentmem.memory import Context, Derived, Hit, Memory, Namespace
from agentmem.recall.recipe import Recipe
from agentmem.runtime import Runtime
from agentmem.store import During, Filter, MemoryStore
from agentmem.stores.episodic import reading, upkeep
from agentmem.stores.episodic.boundaries import Limits
from agentmem.stores.episodic.buffers import two_buffers
from agentmem.stores.episodic.lift import EventLift
from agentmem.stores.episodic.logprobs import LogProbs
from agentmem.stores.episodic.reading import Event, Found
from agentmem.stores.episodic.spans import Rules
from agentmem.stores.episodic.timeline import Timeline, timeline

__all__ = ["EpisodicStore", "Event"]

_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "segmentation": ("surprise", "fixed", "random", "session"),
    "surprise": ("auto", "logprobs", "novelty", "words"),
    "refine": ("modularity", "conductance", None),
    "similarity": ("engine", "representatives"),
}
_TURN, _LEAST, _MOST = 12, 30, 500  # a hit for so many tokens of budget, and bounds on the hits


class EpisodicStore(MemoryStore):
    """A conversation cut into events by surprise; see :mod:`agentmem.stores.episodic` for all options."""

    name = "episodic"
    options: ClassVar[Mapping[str, Any]] = {
        "segmentation": "surprise",
        "surprise": "auto",
        "gamma": 1.0,
        "window": 64,
        "refine": "modularity",
        "min_turns": 2,
        "min_tokens": 60,
        "max_turns": 16,
        "max_tokens": 512,
        "size": 8,
        "shrink": 10.0,
        "gap": 0.5,
        "pairs": True,
        "contiguity": 0.3,
        "neighbours": 1,
        "representatives": 4,
        "similarity": "engine",
        "event_lift": 0.2,
        "beside_lift": 0.0,
    }

    def __init__(self, runtime: Runtime, name: Namespace = (), **options: Any) -> None:
        super().__init__(runtime, name, **options)
        given = self._options
        for option, known in _CHOICES.items():
            if given[option] not in known:
                raise UnknownOption(option, given[option], [str(one) for one in known])
        for option in ("gamma", "shrink", "gap", "event_lift", "beside_lift", "min_tokens"):
            validate.number(given[option], option)
        if validate.number(given["contiguity"], "contiguity", 0, 1) == 1:
            raise InvalidInput("contiguity=1 leaves nothing for the events that are similar")
        validate.flag(given["pairs"], "pairs")
        sizes = ("window", "min_turns", "max_turns", "max_tokens", "size", "neighbours", "representatives")
        for option in sizes:
            validate.count(given[option], option)
        for size in ("turns", "tokens"):
            if given[f"min_{size}"] > given[f"max_{size}"]:
                raise InvalidInput(f"min_{size}={given[f'min_{size}']!r} is more than max_{size}")
        measured = isinstance(runtime.llm, LogProbs)
        surprise = given["surprise"]
        if surprise == "logprobs" and not measured:
            raise InvalidInput(
                "surprise='logprobs' needs an llm= that gives log-probabilities, such as "
                "agentmem.stores.episodic.EchoedLogProbs"
            )
        if surprise == "auto":
            surprise = "logprobs" if measured else "novelty"
        limits = (given[one] for one in ("min_turns", "min_tokens", "max_turns", "max_tokens"))
        same = (
            "segmentation",
            "gamma",
            "window",
            "refine",
            "size",
            "shrink",
            "gap",
            "pairs",
            "representatives",
        )
        self._rules = Rules(
            surprise=surprise, limits=Limits(*limits), **{option: given[option] for option in same}
        )
        lift = EventLift(
            self._rules, given["event_lift"], given["beside_lift"], runtime.backend, lambda: self._maker
        )
        self._own_recipe = Recipe(spread=(lift,))

    # --- hooks -----------------------------------------------------------------------------------
    def _recipe(self) -> Recipe:
        return self._own_recipe

    def _maintain(self, at: datetime) -> Iterator[Derived]:
        number = self._runtime.number(self._namespace)
        if number is None:
            return
        if self._rules.surprise == "logprobs":
            yield from upkeep.measure(self._runtime, number, self._maker)
            self._timeline(number)[1].forget()
        space, _ = self._timeline(number)
        with space.lock:
            events = self._events_of(space)
            waiting = events.unstored(space)
        yield from upkeep.write_events(self._runtime, space, events, waiting)

    # --- order -----------------------------------------------------------------------------------
    def order(self, ids: Iterable[str]) -> builtins.list[str]:
        """Ids in the order in which things happened: by time, then by arrival.

        Raises:
            MemoryNotFound: one of them is no live memory.
        """
        wanted = validate.ids(ids)
        number = self._runtime.number(self._namespace)
        found = {} if number is None else self._runtime.backend.get(number, wanted)
        for id in wanted:
            if id not in found:
                raise MemoryNotFound(id)
        return sorted(dict.fromkeys(wanted), key=lambda id: (found[id].memory.at, found[id].position))

    def before(self, first: str, second: str) -> bool:
        """Whether the memory with one id happened before the one with another."""
        return first != second and self.order([first, second])[0] == first

    def came_first(self, first: str, second: str, *, filter: Filter | None = None) -> int | None:
        """Which of two passages was said first: 0, 1, or None when neither or only one is found.

        Args:
            first: words of a turn, or part of it.
            second: words of another.
            filter: only memories that match.
        """
        hits = [self.search(passage, 1, filter=filter) for passage in (first, second)]
        if not hits[0] or not hits[1]:
            return None
        a, b = hits[0][0].memory, hits[1][0].memory
        if a.id != b.id:
            return 0 if self.before(a.id, b.id) else 1
        places = [reading.place_of(passage, a.text) for passage in (first, second)]
        return None if places[0] == places[1] else int(places[1] < places[0])

    # --- events ----------------------------------------------------------------------------------
    def timeline(self, session: str | None = None) -> builtins.list[Event]:
        """All events, or those of a session, in order of time."""
        number = self._runtime.number(self._namespace)
        if number is None:
            return []
        space, _ = self._timeline(number)
        with space.lock:
            events = self._events_of(space)
            spans = list(events.spans.values())
            if session is not None:
                code = space.code("session", session)
                spans = [span for span in spans if span.session == code and code >= 0]
            found = [Found(span, span.docs, space.ids_of(span.docs), space.rows[span.docs]) for span in spans]
        return reading.in_order(reading.load(self._runtime, found))

    def events(
        self,
        query: str,
        *,
        tokens: int = 2000,
        at: TimeLike | None = None,
        during: During | None = None,
        filter: Filter | None = None,
    ) -> builtins.list[Event]:
        """Whole events for a question, in order of time, within a budget.

        The most similar events fill the similarity buffer, those before and after them the contiguity
        buffer. When everything fits, everything is returned.

        Args:
            query: the question.
            tokens: most tokens of all turns together, by the estimate of :func:`agentmem.context`.
            at: as in :meth:`search`.
            during: only turns with start <= at < end.
            filter: only turns that match.
        """
        validate.count(tokens, "tokens")
        chosen = self._choose(query, tokens, at, during, filter)
        return reading.in_order(chosen)

    def story(
        self, query: str, *, tokens: int = 2000, at: TimeLike | None = None, filter: Filter | None = None
    ) -> Context:
        """:meth:`events` as text for a prompt: dated, cited, fenced as data, within the budget."""
        from agentmem.recall.context import build_context

        when = self._now(at)
        chosen = self._choose(query, tokens, when, None, filter)
        hits = [Hit(turn, event.score, event.relevance, {}) for event in chosen for turn in event.turns]
        order = finding.arrival(self._runtime, hits)
        return build_context(hits, tokens=tokens, at=when, query=query, order=order)

    def read(self, query: str, k: int = 10, *, most: int = 30) -> builtins.list[tuple[Memory, float]]:
        """Coarse to fine, as HCAM reads: the best events by their keys, then their turns.

        Args:
            query: the question.
            k: so many turns.
            most: so many events are read.

        Returns:
            Turns with P(E | q) · P(u | E, q), best first. Without an embedder there are no keys to read,
            and the turns come from :meth:`search`, with their relevance.
        """
        validate.count(k)
        validate.count(most, "most")
        asked = validate.query_text(query)
        number = self._runtime.number(self._namespace)
        if number is None:
            return []
        if self._runtime.embedder is None:
            return [(hit.memory, hit.relevance) for hit in self.search(asked, k)]
        space, _ = self._timeline(number)
        vectors = self._runtime.embed_questions([asked])
        assert vectors is not None
        with space.lock:
            visible = finding.visible(space, maker=self._maker, at=self._now(None), during=None)
            pairs = reading.tree(space, self._events_of(space), vectors[0], visible, k, most)
        memories = self._runtime.backend.memories_by_row([row for row, _ in pairs])
        return [(memories[row], share) for row, share in pairs if row in memories]

    # --- inside ----------------------------------------------------------------------------------
    def _timeline(self, number: int) -> tuple[Space, Timeline]:
        space = self._runtime.space(number)
        with space.lock:
            return space, self._events_of(space)

    def _events_of(self, space: Space) -> Timeline:
        return timeline(space, self._rules, self._runtime.backend, self._maker)

    def _choose(
        self,
        query: str,
        tokens: int,
        at: TimeLike | None,
        during: During | None,
        filter: Filter | None,
    ) -> builtins.list[Event]:
        """The events of :meth:`events`, the best first."""
        asked = validate.query_text(query)
        when = self._now(at)
        pool = min(max(tokens // _TURN, _LEAST), _MOST)
        hits = self.search(asked, pool, at=when, during=during, filter=filter)
        number = self._runtime.number(self._namespace)
        if number is None:
            return []
        vectors = None
        if self._options["similarity"] == "representatives":
            vectors = self._runtime.embed_questions([asked])
        compiled = compile_filter(filter)
        space, _ = self._timeline(number)
        with space.lock:
            events = self._events_of(space)
            mask = finding.visible(space, maker=self._maker, at=when, during=validate.interval(during))
            if compiled is not None:
                mask = mask & space.mask(compiled, self._runtime.backend)
            if vectors is None:
                ranked = reading.by_hits(space, events, hits, mask, tokens)
            else:
                ranked = reading.by_representatives(space, events, vectors[0], mask, tokens)
            wanted = [number for number, _ in ranked]
            near = {one: [(s.number, d) for s, d in self._near(events, one)] for one in wanted}
            known = dict.fromkeys([*wanted, *(other for pairs in near.values() for other, _ in pairs)])
            found = {one: reading.found(space, events.spans[one], mask) for one in known}
        loaded = dict(zip(found, reading.load(self._runtime, builtins.list(found.values())), strict=True))
        chosen = two_buffers(
            ranked,
            lambda one: loaded[one].tokens,
            lambda one: [(other, d) for other, d in near.get(one, ()) if loaded[other].turns],
            budget=tokens,
            contiguity=self._options["contiguity"],
        )
        best = ranked[0][0] if ranked else None
        result: builtins.list[Event] = []
        scores = dict(ranked)
        relevance = {hit.memory.id: hit.relevance for hit in hits}
        if best is not None and best not in chosen:
            window = reading.window(loaded[best], hits, tokens)
            if window.turns:
                left = tokens - window.tokens
                chosen = {one: why for one, why in chosen.items() if (left := left - loaded[one].tokens) >= 0}
                loaded[best] = window
                chosen = {best: "similar", **chosen}
        for one, why in chosen.items():
            sure = max((relevance.get(turn.id, 0.0) for turn in loaded[one].turns), default=0.0)
            result.append(replace(loaded[one], score=scores.get(one, 0.0), relevance=sure, why=why))
        return [event for event in result if event.turns]

    def _near(self, events: Timeline, number: int) -> Iterator[tuple[Any, int]]:
        return events.beside(events.spans[number], self._options["neighbours"])
