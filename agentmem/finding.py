"""The read path: namespaces and masks in, hits with their reasons out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem import staleness
from agentmem.clock import to_micros
from agentmem.filters import compile_filter
from agentmem.index.space import Space
from agentmem.language.text import length
from agentmem.memory import Cue, Hit, Namespace, Step
from agentmem.recall import engine
from agentmem.recall.prior import Prior, current
from agentmem.recall.recipe import Recipe
from agentmem.runtime import Runtime

Mask = NDArray[np.bool_]
Weigh = Callable[[Space, datetime, datetime | None], Prior | None]
Hide = Callable[[Space, datetime, datetime | None], Mask | None]


def search(
    runtime: Runtime,
    name: Namespace,
    cues: Sequence[Cue],
    k: int,
    *,
    recipe: Recipe,
    maker: str,
    at: datetime,
    known_at: datetime | None,
    during: tuple[datetime | None, datetime | None] | None,
    filter: Mapping[str, Any] | None,
    subtree: bool,
    weigh: Weigh | None = None,
    hide: Hide | None = None,
) -> list[list[Hit]]:
    """Hits of several questions in a namespace, or in all at and below it.

    ``weigh`` and ``hide`` are the store's: what a document weighs beforehand, and what is not found.
    """
    runtime.check_header()
    compiled = compile_filter(filter)
    if known_at is None:
        numbers = runtime.numbers(name, subtree)
        spaces = [runtime.space(number) for number in numbers]
    else:
        numbers = runtime.past_numbers(name, subtree)
        spaces = [runtime.spaces.known(number, known_at) for number in numbers]
    if not spaces:
        return [[] for _ in cues]
    vectors = None
    if runtime.embedder is not None:  # a name pulls a question's vector to the wrong person's turns
        vectors = runtime.embed_questions([engine.wording(cue.text, spaces) for cue in cues])
    with ExitStack() as locks:
        for space in spaces:  # numbers ascend, so two searches never wait for each other
            locks.enter_context(space.lock)
        base = [visible(space, maker=maker, at=at, during=during) for space in spaces]
        for i, space in enumerate(spaces):
            hidden = None if hide is None else hide(space, at, known_at)
            if hidden is not None:
                base[i] &= ~hidden
        priors = [None if weigh is None else weigh(space, at, known_at) for space in spaces]
        found = []
        stale: dict[int, tuple[str, ...]] = {}
        for i, cue in enumerate(cues):
            masks = list(base)
            for wanted in (compiled, compile_filter(cue.filter)):
                if wanted is not None:
                    masks = [m & s.mask(wanted, runtime.backend) for m, s in zip(masks, spaces, strict=True)]
            old = [staleness.of(s, runtime.backend, m) for s, m in zip(spaces, masks, strict=True)]
            found.append(
                engine.search(
                    spaces,
                    cue.text,
                    cue.k or k,
                    recipe=recipe,
                    vector=None if vectors is None else vectors[i],
                    embedder=runtime.embedder_name,
                    at=at,
                    masks=masks,
                    priors=[staleness.weighed(*one) for one in zip(spaces, old, priors, strict=True)],
                    term_ids=runtime.backend.term_ids,
                    maker=maker,
                )
            )
            for one in found[-1]:
                space = spaces[one.space]
                if changed := old[one.space].get(space.id_of(one.doc), ()):
                    stale[int(space.rows[one.doc])] = changed
        rows = [[int(spaces[one.space].rows[one.doc]) for one in hits] for hits in found]
    memories = runtime.backend.memories_by_row([row for hits in rows for row in hits])
    return [
        [
            Hit(
                memory=memories[row],
                score=one.score,
                relevance=one.relevance,
                signals=one.signals,
                via=tuple(Step(*step) for step in one.via),
                why=one.why + staleness.reasons(stale.get(row, ())),
                stale=stale.get(row, ()),
            )
            for row, one in zip(rows[i], hits, strict=True)
            if row in memories
        ]
        for i, hits in enumerate(found)
    ]


def visible(
    space: Space,
    *,
    maker: str,
    at: datetime,
    during: tuple[datetime | None, datetime | None] | None,
) -> Mask:
    """Which documents may be returned: live, not expired at the asked time, inside ``during``.

    Rows that another store derived are not part of this store's view.
    """
    kept: Mask | None = space.memo.get(("seen", maker))
    if kept is None:
        kept = length(space.flags) > 0  # without text there is nothing to find
        foreign = [code for code, made_by in enumerate(space.makers) if made_by != maker]
        if foreign:
            kept &= ~np.isin(space.made_by, foreign)
        space.memo["seen", maker] = kept
    mask: Mask = kept & current(space, at)
    if during is not None:
        mask &= inside(space, during)
    return mask


def inside(space: Space, during: tuple[datetime | None, datetime | None]) -> Mask:
    """Which documents are dated start <= at < end; None is open."""
    start, end = during
    mask: Mask = np.ones(space.n, dtype=np.bool_)
    if start is not None:
        mask &= space.at >= to_micros(start)
    if end is not None:
        mask &= space.at < to_micros(end)
    return mask


def arrival(runtime: Runtime, hits: Sequence[Hit]) -> dict[str, int]:
    """The order of arrival of hits by id; of two namespaces' equal ids, one counts."""
    by_space: dict[Namespace, list[str]] = {}
    for hit in hits:
        by_space.setdefault(hit.memory.namespace, []).append(hit.memory.id)
    order: dict[str, int] = {}
    for name, ids in by_space.items():
        number = runtime.number(name)
        if number is not None:
            order.update({id: one.position for id, one in runtime.backend.get(number, ids).items()})
    return order


def turns_before(runtime: Runtime, hits: Sequence[Hit]) -> dict[tuple[Namespace, str], str]:
    """What somebody else had said right before each hit in its session: (namespace, id) -> text."""
    found: dict[tuple[Namespace, str], str] = {}
    for name in {hit.memory.namespace for hit in hits}:
        number = runtime.number(name)
        if number is None:
            continue
        ids = [hit.memory.id for hit in hits if hit.memory.namespace == name and hit.memory.session]
        space = runtime.space(number)
        rows: dict[str, int] = {}
        with space.lock:
            for id, doc in zip(ids, space.docs_of(ids).tolist(), strict=True):
                if doc < 0:
                    continue
                turns = np.flatnonzero((space.session == space.session[doc]) & space.live)
                order = turns[np.lexsort((space.positions[turns], space.at[turns]))]
                place = int(np.flatnonzero(order == doc)[0])
                if place and space.speaker[order[place - 1]] != space.speaker[doc]:
                    rows[id] = int(space.rows[order[place - 1]])
        memories = runtime.backend.memories_by_row(list(rows.values()))
        found.update({(name, id): memories[row].text for id, row in rows.items() if row in memories})
    return found
