"""``ask`` by facts: the name at the end of a walk, the memories walked, and what each fact replaced.

A fact that replaced another one says so with both dates, so that an answer that has changed shows what it was
before. An answer that a newer statement in other words seems to update names that statement, too, whatever
``updates`` says: "strict" lets the older one stand and only where the judge is sure, "propose" puts the newer
one first. What is known to hold no more, with nothing in its place, is said to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from agentmem.clock import day_in_words
from agentmem.facts.access import Access, opened
from agentmem.facts.model import Chain, Fact, Proposal
from agentmem.facts.names import alike
from agentmem.facts.senses import senses, several
from agentmem.filters import Filter, compile_filter
from agentmem.index.base import Mask
from agentmem.index.space import Space
from agentmem.memory import Answer, Hit, Json, Memory, Namespace, Step
from agentmem.recall.prior import recallable
from agentmem.recall.query import parse

if TYPE_CHECKING:
    from agentmem.runtime import Runtime

_BESIDE = 4
"""Further values that are named."""
_PREPOSITION = re.compile(r"\s*\b(?:in|on|at|during|by|as of|back in)\s+$", re.IGNORECASE)
Hide: TypeAlias = Callable[[Space, datetime, datetime | None], Mask | None]
HOP = "fact"
"""The kind of step by which a memory of a walk was reached."""


def answer(
    runtime: Runtime,
    name: Namespace,
    question: str,
    *,
    at: datetime,
    known_at: datetime | None = None,
    filter: Filter | None = None,
    updates: str = "strict",
    hide: Hide | None = None,
) -> Answer | None:
    """Answer a question by facts; None where no walk over facts that may be used is sure enough.

    Args:
        runtime: the opened file.
        name: the namespace.
        question: what is asked.
        at: when it is asked: facts are taken as they stood then.
        known_at: by the versions known then.
        filter: only memories that match may be walked over.
        updates: see :data:`agentmem.validate.UPDATES`.
        hide: the store's: what recall does not find at a time. Neither it nor what has expired is used.
    """
    asked = at
    with opened(runtime, name, updates, known_at) as access:
        if access is None:
            return None
        chain, at = _walked(access, question, asked)
        if chain is None:
            return None
        last = chain.hops[-1]
        proposal = None
        if not last.backwards and last.fact.asserted:
            proposal = _proposal(access, last.fact, at, "weak" if updates == "propose" else "strong")
        older = [_before(access, hop.fact, at) for hop in chain.hops]
        beside = [] if last.backwards or at < asked else _beside(access, last.fact, at)
        memories = _memories(access, chain, [*older, proposal.newer if proposal else None, *beside])
        hidden = None if hide is None else hide(access.space, asked, known_at)
        allowed = _allowed(access, memories, filter, recallable(access.space, asked, None), hidden)
        if not allowed.issuperset(chain.memories):
            return None
        older = [one if one is not None and one.memory in allowed else None for one in older]
        if proposal is not None and proposal.newer.memory not in allowed:
            proposal = None
        beside = [one for one in beside if one.memory in allowed]
        memories = {id: memory for id, memory in memories.items() if id in allowed}
    return _told(chain, older, proposal, beside, memories, newer_first=updates == "propose")


def first(
    runtime: Runtime,
    name: Namespace,
    question: str,
    *,
    subtree: bool,
    filter: Mapping[str, Json] | None,
    **options: Any,
) -> Answer | None:
    """:func:`answer` in a namespace, or with ``subtree`` the surest one of those at and below it."""
    compiled = compile_filter(filter)
    names = [name]
    if subtree:
        names = [one for _, one in runtime.backend.namespaces(name)]
    found = (answer(runtime, one, question, filter=compiled, **options) for one in names)
    return max((one for one in found if one is not None), key=lambda one: one.confidence, default=None)


def _walked(access: Access, question: str, at: datetime) -> tuple[Chain | None, datetime]:
    """The walk and the time it was made as of: "in 2021" asks how things stood at the end of 2021."""
    times = [when for when in parse(question, at).times if not when.any_year and when.start <= at]
    if len(times) == 1:
        first, last = times[0].where
        rest = f"{_PREPOSITION.sub('', question[:first])}{question[last:]}"
        then = min(at, times[0].end - timedelta(microseconds=1))
        chain = access.view.ask(rest, then, access.runtime)
        if chain is not None:
            return chain, then
    return access.view.ask(question, at, access.runtime), at


def known_names(runtime: Runtime, name: Namespace, question: str) -> list[str]:
    """Names in a question of which facts of the namespace are known."""
    from agentmem.facts import questions

    with opened(runtime, name) as access:
        return [] if access is None else questions.known_names(access.view, question)


def _proposal(access: Access, fact: Fact, at: datetime, level: str) -> Proposal | None:
    """The surest update of a fact in other words, as of a time; one with a new value first."""
    found = [
        one
        for one in access.updating(fact)
        if level in ("weak", one.level) and (one.newer.valid_from or one.newer.at) <= at
    ]
    best = min(found, key=lambda one: (one.closes, -one.score), default=None)
    return best if best is None or not best.closes else _with_value(access, best)


def _with_value(access: Access, ending: Proposal) -> Proposal:
    """An ending with the new value that is told along with it: "I quit the bakery and started at Acme"."""
    meant = senses(ending.older.frame.key)
    for one in access.view.of_memory(ending.newer.memory):
        if one.subject_key == ending.older.subject_key and one.state == "active":
            if not meant.isdisjoint(senses(one.frame.key)):
                return replace(ending, newer=one, closes=False, reason="it ends this and names another")
    return ending


def _beside(access: Access, fact: Fact, at: datetime) -> list[Fact]:
    """What a speaker told of the same relation before, where it may have several values at a time."""
    if not fact.asserted:
        return []
    free = bool(fact.clause) and several(fact.frame.key)
    slot = access.view.slot(fact.subject, fact.frame, at=at)
    found: dict[str, Fact] = {}
    for one in () if slot is None else slot.facts:
        standing = one.state == "active" or (free and one.state == "older")
        if one.asserted and standing and not alike(one.object_key, fact.object_key):
            found.setdefault(one.object_key, one)
    return list(found.values())[:_BESIDE]


def _before(access: Access, fact: Fact, at: datetime) -> Fact | None:
    """The fact of another value whose place a fact took, in its own relation or by a decision."""
    own = access.view.slot(fact.subject, fact.frame, at=at)
    others = [slot for slot in access.view.slots(fact.subject, at=at) if fact in slot.facts]
    for slot in ([] if own is None else [own]) + others:
        if slot.newest.object_key == fact.object_key:
            for one in slot.older:
                if one.object_key != fact.object_key and one.asserted and one.state != "active":
                    return one
    return None


def _memories(access: Access, chain: Chain, others: Sequence[Fact | None]) -> dict[str, Memory]:
    """The memories of a walk, the answering one first, and of what else is told."""
    wanted = [*reversed(chain.memories), *(fact.memory for fact in others if fact is not None)]
    found = access.runtime.backend.get(
        access.space.ns, list(dict.fromkeys(wanted)), known_at=access.space.known_at
    )
    return {id: stored.memory for id, stored in found.items()}


def _allowed(
    access: Access, memories: Iterable[str], filter: Filter | None, current: Mask, hidden: Mask | None
) -> set[str]:
    """Which memories may be used: not expired, not hidden, and matching the filter."""
    mask = current if filter is None else current & access.space.mask(filter, access.runtime.backend)
    mask = mask if hidden is None else mask & ~hidden
    ids = list(memories)
    return {
        id for id, doc in zip(ids, access.space.docs_of(ids).tolist(), strict=True) if doc >= 0 and mask[doc]
    }


def _told(
    chain: Chain,
    older: Sequence[Fact | None],
    proposal: Proposal | None,
    beside: Sequence[Fact],
    memories: Mapping[str, Memory],
    *,
    newer_first: bool,
) -> Answer:
    told: list[str] = []
    why: dict[str, str] = {}
    for hop, before in zip(chain.hops, older, strict=True):
        line = hop.fact.sentence
        if before is not None:
            line += f" ({since(hop.fact)}; before, {since(before)}: {before.object})"
            why.setdefault(hop.fact.memory, f"replaces “{before.sentence}” since {day(hop.fact)}")
        told.append(line)
        why.setdefault(hop.fact.memory, f"says {hop.fact.frame.fill(hop.fact.subject, hop.fact.object)!r}")
    text = chain.answer
    final = chain.hops[-1].fact
    if not final.asserted or final.state == "closed":
        text = f"no longer {text} ({_closing(final)})"
    elif beside:
        text = "; also ".join([text, *(f"{one.object} ({since(one)})" for one in beside)])
        told += [f"{one.sentence} ({since(one)})" for one in beside]
    if proposal is not None:
        newer, last = proposal.newer, proposal.older
        if newer_first and not proposal.closes:
            text = f"{newer.object} ({since(newer)}; or still {last.object}, {since(last)})"
        else:
            may = "may hold no more" if proposal.closes else "may have changed"
            text += f" ({may}: “{newer.sentence}”, {since(newer)})"
        told.append(f"{newer.sentence} ({since(newer)}; may update the line before: {proposal.reason})")
        why.setdefault(newer.memory, f"may replace “{last.sentence}”")
    for before in older:
        if before is not None:
            why.setdefault(before.memory, f"said {before.object!r} before")
    steps = tuple(Step(hop.fact.memory, HOP, 1.0) for hop in chain.hops)
    hits = tuple(
        Hit(
            memory,
            score=chain.score,
            relevance=chain.confidence,
            signals={"facts": chain.score},
            via=steps if id == chain.hops[-1].fact.memory and len(steps) > 1 else (),
            why=(why[id],) if id in why else (),
        )
        for id, memory in memories.items()
    )
    return Answer(text, hits, chain.confidence, tuple(told), chain.hops[-1].fact.sentence)


def _closing(fact: Fact) -> str:
    """How a fact that holds no more came to its end."""
    if fact.asserted and fact.valid_until is not None:
        return f"until {day_in_words(fact.valid_until)}"
    return f"“{fact.sentence}”, {since(fact)}"


def since(fact: Fact) -> str:
    """Since when a fact holds, or when it was said, in words."""
    return f"{'said on' if fact.valid_from is None else 'since'} {day(fact)}"


def day(fact: Fact) -> str:
    """The day since which a fact holds as far as known, in words."""
    return day_in_words(fact.valid_from or fact.at)
