"""What the facts in found memories replaced, and what replaced them: for an explanation of hits.

What speakers tell of themselves in talk only *seems* replaced: "I prefer" twice may mean two things.

To read the facts of a large namespace takes seconds. Here only those memories are read that share words with
a statement of a hit: the others of its slot say the same of the same subject, and those that show that its
wording recurs say the same of others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from agentmem.backends.base import NO_TIME_LOW
from agentmem.clock import day_in_words, to_micros
from agentmem.facts.access import opened
from agentmem.facts.answering import Hide, day
from agentmem.facts.names import alike, name_key
from agentmem.facts.reading import Statement
from agentmem.facts.senses import several
from agentmem.facts.slots import entries
from agentmem.facts.spoken import SELF
from agentmem.filters import compile_filter
from agentmem.index.ranking import top
from agentmem.language.text import analyse, idf
from agentmem.memory import Hit, Json, Memory, Namespace
from agentmem.recall.prior import recallable

if TYPE_CHECKING:
    from agentmem.backends.base import Backend
    from agentmem.facts.model import Fact
    from agentmem.facts.view import FactView
    from agentmem.index.base import Docs, Mask
    from agentmem.index.space import Space
    from agentmem.runtime import Runtime

_WORDING = 64
"""Memories read for whether a wording recurs: as many as its support counts."""
_RECURS = 4
"""A word of a sentence may be of its wording if it is at least 1 / so many times as frequent as another."""
_SUBJECT = 256
"""Memories read about a subject, those of the wording first and of these the newest."""
_STATEMENTS = 8
"""Statements of a hit that are looked at; a long list has too many to tell."""
_TOLD = 3
"""Reasons a hit gets at most."""


def explained(
    runtime: Runtime,
    name: Namespace,
    hits: Sequence[Hit],
    *,
    at: datetime,
    known_at: datetime | None = None,
    filter: Mapping[str, Json] | None = None,
    updates: str = "strict",
    hide: Hide | None = None,
) -> list[Hit]:
    """The same hits; what their facts replaced, or what replaced them, stands last in ``why``.

    Args:
        runtime: the opened file.
        name: the namespace whose hits, and those of all below it, are explained; others stay as they are.
        hits: what was found; of one that has another version by now nothing is said.
        at: as things stood then.
        known_at: by the versions known then.
        filter: only memories that match are told of.
        updates: one of :data:`agentmem.validate.UPDATES`.
        hide: the store's: what recall does not find at a time. Neither it nor what has expired is told of.
    """
    told: dict[tuple[Namespace, str], tuple[str, ...]] = {}
    compiled = compile_filter(filter)

    def allowed(space: Space) -> Mask:
        mask = recallable(space, at, None if compiled is None else space.mask(compiled, runtime.backend))
        hidden = None if hide is None else hide(space, at, known_at)
        return mask if hidden is None else mask & ~hidden

    found_in = dict.fromkeys(hit.memory.namespace for hit in hits)
    for place in (one for one in found_in if one[: len(name)] == name):
        here = {hit.memory.id: hit.memory for hit in hits if hit.memory.namespace == place}
        said = {
            id: [one.statement for one in entries(memory, 0)][:_STATEMENTS] for id, memory in here.items()
        }
        said = {id: found for id, found in said.items() if found}
        if not said:
            continue
        with opened(runtime, place, updates, known_at, _Around(runtime, said, at, allowed)) as access:
            if access is None:
                continue
            now = runtime.backend.get(access.space.ns, list(said), known_at=access.space.known_at)
            for id, stored in now.items():
                if stored.memory.version == here[id].version:
                    told[place, id] = tuple(_reasons(access.view, stored.memory, at))[:_TOLD]
    keys = [(hit.memory.namespace, hit.memory.id) for hit in hits]
    return [
        replace(hit, why=hit.why + told[key]) if told.get(key) else hit
        for hit, key in zip(hits, keys, strict=True)
    ]


def _reasons(view: FactView, memory: Memory, at: datetime) -> list[str]:
    alone = memory.text.strip().lstrip("0123456789.) ")
    found = (_reason(view, fact, at, fact.sentence == alone) for fact in view.of_memory(memory.id))
    return list(dict.fromkeys(reason for reason in found if reason is not None))


def _reason(view: FactView, fact: Fact, at: datetime, alone: bool) -> str | None:
    """How a fact stands in a slot with others; its sentence is named where the memory says more."""
    this = "" if alone else f"“{_told(fact)}” "
    for slot in view.slots(fact.subject, at=at):
        place = next((i for i, one in enumerate(slot.facts) if one.id == fact.id), None)
        if place is None:
            continue
        here, older = slot.facts[place], slot.facts[place + 1 :]
        asserted = [one for one in older if one.asserted]
        if here.state == "active":
            before = [one for one in asserted if one.state != "active" and _gives_way(view, one, here)]
            if before and slot.newest.object_key == here.object_key:
                replaces = "seems to replace" if here.clause else "replaces"
                return f"{replaces} “{_told(before[0])}” since {day(here)}"
        elif here.asserted:
            after = [one for one in slot.facts[:place] if one.state == "active"]
            if after and _gives_way(view, here, after[-1]):
                seems = "seems " if here.clause else "" if alone else "was "
                return f"{this}{seems}replaced by “{_told(after[-1])}” on {day(after[-1])}"
            if not after and here.valid_until is not None and here.valid_until <= at:
                return f"{this}has not held since {day_in_words(here.valid_until)}"
        elif "ended" in here.flags:
            ended = [one for one in asserted if one.object_key == here.object_key]
            if ended:
                return f"ends “{_told(ended[0])}” on {day(here)}"
    return None


def _told(fact: Fact) -> str:
    """What was said, without what a speaker went on to say in the same sentence."""
    return fact.clause or fact.sentence


def _gives_way(view: FactView, older: Fact, newer: Fact) -> bool:
    """Whether one fact of a slot ends by a newer one.

    Not if both name the same thing; nor in talk, where most relations have several values ("I use"), unless
    somebody decided so.
    """
    decided = view.corrections
    if decided.superseded.get(older.id) == newer.id or older.frame.key in decided.single:
        return True
    return not alike(older.object_key, newer.object_key) and not (older.clause and several(older.frame.key))


class _Around:
    """Fills a view with what has to do with some memories: others of their wordings, and of their subjects.

    Args:
        runtime: the opened file.
        said: id -> statements of the memories.
        at: as of when; what was said later comes last among equals.
        allowed: which documents may be read beside those of the memories.
    """

    def __init__(
        self,
        runtime: Runtime,
        said: Mapping[str, Sequence[Statement]],
        at: datetime,
        allowed: Callable[[Space], Mask],
    ) -> None:
        self._backend, self._said, self._at, self._allowed = runtime.backend, said, to_micros(at), allowed

    def __call__(self, view: FactView, space: Space) -> None:
        """Read what is needed of a namespace."""
        said = [one for found in self._said.values() for one in found]
        docs = np.flatnonzero(self._allowed(space) & (space.made_by < 0))
        words = _Words(space, self._backend, docs, self._at, [one.core for one in said])
        own = space.docs_of(self._said)
        first = [own[own >= 0]]
        first += [words.alike(one.core, _WORDING) for one in said]
        known = np.unique(np.concatenate(first))
        self._take(view, space, known)
        facts = [fact for id in self._said for fact in view.of_memory(id)]
        second = [words.most(fact.frame.text, _SUBJECT, words.about(fact.subject)) for fact in facts]
        if second:
            self._take(view, space, np.setdiff1d(np.concatenate(second), known))

    def _take(self, view: FactView, space: Space, docs: Docs) -> None:
        rows = space.rows[docs].tolist()
        memories = self._backend.memories_by_row(rows)
        view.take(
            (doc, memories[row]) for doc, row in zip(docs.tolist(), rows, strict=True) if row in memories
        )
        view.settle()


class _Words:
    """Which documents say which words of some sentences themselves, the newest first.

    Args:
        space: the namespace's index.
        backend: where words have their numbers.
        docs: the documents.
        at: microseconds; what is dated later comes last.
        sentences: whose words.
    """

    def __init__(self, space: Space, backend: Backend, docs: Docs, at: int, sentences: Sequence[str]) -> None:
        self._space = space
        self._ids = backend.term_ids(sorted({word for one in sentences for word in analyse(one).words}))
        self._terms = np.array(sorted(self._ids.values()), np.int64)
        since = space.valid_from[docs]
        moment = np.where(since > NO_TIME_LOW, since, space.at[docs])
        self._docs = docs[np.lexsort((docs, moment, moment <= at))[::-1]]
        self._says = np.zeros((len(self._terms), len(docs)), np.bool_)
        places, found = space.lexical.turns.held(self._docs, self._terms)
        self._says[found, places] = True
        self._df = space.lexical.df(self._terms)
        self._rarity = idf(space.n_live, self._df)

    def most(self, text: str, count: int, among: Mask | None = None) -> Docs:
        """The documents that say most of a text by the rarity of its words; of equals the newest.

        Args:
            text: its words are some of the sentences'.
            count: how many at most.
            among: only these, and all of them if there are no more; None: those that say any of it.
        """
        rows = self._rows(text)
        said = self._rarity[rows] @ self._says[rows]
        return self._docs[top(said, count, among, 0.0 if among is None else -1.0)]

    def alike(self, sentence: str, count: int) -> Docs:
        """The documents that say most of what others say, too, of a sentence: of its wording, that is.

        Its last word is none of it: there stands the second name.
        """
        rows = self._rows(" ".join(token for token in sentence.split()[:-1] if token[0].islower()))
        often = self._df[rows]
        rows = rows[often * _RECURS >= often.max(initial=0)]
        return self._docs[top(self._says[rows].sum(axis=0), count)]

    def about(self, name: str) -> Mask:
        """Which of the documents may tell of somebody: they say the whole name, or it is who speaks."""
        rows = self._rows(name)
        key, space = name_key(name), self._space
        speakers = [code for code, one in enumerate(space.speakers) if name_key(one) == key]
        if key == name_key(SELF):
            speakers.append(-1)
        mask = np.isin(space.speaker[self._docs], speakers)
        return mask | self._says[rows].all(axis=0) if len(rows) else mask

    def _rows(self, text: str) -> Docs:
        found = {self._ids[word] for word in analyse(text).words if word in self._ids}
        return np.searchsorted(self._terms, sorted(found))
