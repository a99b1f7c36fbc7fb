"""What consolidation does: asks the model how surprising turns are, and writes closed events down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from agentmem.backends.base import Backend
from agentmem.errors import BudgetSpent, LanguageModelError
from agentmem.index.space import Space
from agentmem.language.base import Usage
from agentmem.language.tokens import count_tokens
from agentmem.memory import Artifact, Derived, Memory
from agentmem.runtime import Runtime
from agentmem.stores.episodic.logprobs import LogProbs, turn_surprises
from agentmem.stores.episodic.spans import SURPRISE, Span, record
from agentmem.stores.episodic.timeline import Timeline

CONTEXT = 1024
"""Tokens of the conversation before that a turn is judged by."""
PIECE = 1024
"""Tokens of turns judged in one call."""
_EVENTS_AT_ONCE = 256
_FAILURES = 3


def write_events(
    runtime: Runtime, space: Space, events: Timeline, waiting: Sequence[Span]
) -> Iterator[Derived]:
    """Records of closed events, so many a transaction."""
    for begin in range(0, len(waiting), _EVENTS_AT_ONCE):
        part = waiting[begin : begin + _EVENTS_AT_ONCE]
        with space.lock:
            rows = [int(space.rows[span.docs[0]]) for span in part]
        memories = runtime.backend.memories_by_row(rows)
        with space.lock:
            records = [
                record(space, span, memories[row].version)
                for span, row in zip(part, rows, strict=True)
                if row in memories
            ]
        yield Derived(artifacts=tuple(records), left=len(waiting) - begin - len(part))
        with space.lock:
            events.written(part)


def measure(runtime: Runtime, number: int, maker: str) -> Iterator[Derived]:
    """Log-probabilities of turns that have none, one call a batch.

    A call that fails marks its turns as failed, to be asked again at the next consolidation; a spent budget,
    or failures in a row, end it with what was done.
    """
    model = runtime.llm
    assert isinstance(model, LogProbs)
    batches = list(_batches(runtime, number, maker))
    failures = 0
    for i, (before, turns) in enumerate(batches):
        spent = _usage(model)
        try:
            values = turn_surprises(
                model, [_line(one) for one, _ in before], [_line(one) for one, _ in turns]
            )
            failures = 0
            data: list[dict[str, Any]] = [{"nats": value} for value in values]
        except BudgetSpent:
            return
        except LanguageModelError as error:
            failures += 1
            data = [{"failed": str(error)} for _ in turns]
        made = tuple(
            Artifact(memory.id, SURPRISE, {**one, "row": row}, memory.version)
            for (memory, row), one in zip(turns, data, strict=True)
        )
        used = _usage(model)
        cost = (used.cost or 0.0) - (spent.cost or 0.0)
        yield Derived(artifacts=made, calls=1, cost=cost, left=len(batches) - i - 1)
        if failures >= _FAILURES:
            return


def _usage(model: LogProbs) -> Usage:
    usage = getattr(model, "usage", None)
    return usage if isinstance(usage, Usage) else Usage()


def _line(memory: Memory) -> tuple[str, str]:
    who = memory.speaker or memory.role
    return (f"{who}: " if who else "", memory.text)


_Told = list[tuple[Memory, int]]


def _batches(runtime: Runtime, number: int, maker: str) -> Iterator[tuple[_Told, _Told]]:
    """(turns before, turns to ask about), session by session."""
    space = runtime.space(number)
    done = _done(runtime.backend, number, maker)
    with space.lock:
        docs = np.flatnonzero(space.live & (space.made_by < 0) & (space.session >= 0))
        docs = docs[np.lexsort((space.positions[docs], space.at[docs], space.session[docs]))]
        rows = space.rows[docs]
        edges = np.flatnonzero(np.diff(space.session[docs])) + 1
        sessions = [part.tolist() for part in np.split(rows, edges)] if len(rows) else []
    for session in sessions:
        if all(row in done for row in session):
            continue
        memories = runtime.backend.memories_by_row(session)
        told = [(memories[row], row) for row in session if row in memories]
        sizes = [count_tokens(memory.text) for memory, _ in told]
        place = 0
        while place < len(told):
            if told[place][1] in done:
                place += 1
                continue
            end = _fit(sizes, place, 1, PIECE)
            begin = _fit(sizes, place, -1, CONTEXT)
            yield told[begin:place], told[place:end]
            place = end


def _fit(sizes: Sequence[int], place: int, step: int, budget: int) -> int:
    """How far from a place the turns fit a budget: an end (at least one turn) or a beginning."""
    at = place
    while 0 <= (at if step > 0 else at - 1) and at < len(sizes):
        budget -= sizes[at if step > 0 else at - 1]
        if budget < 0 and (step < 0 or at > place):
            break
        at += step
        if at == 0 and step < 0:
            break
    return at


def _done(backend: Backend, number: int, maker: str) -> set[int]:
    """Rows whose surprise is known; those that failed are not among them."""
    held = backend.artifacts(number, made_by=maker, kind=SURPRISE)
    return {int(one.data["row"]) for one in held if "nats" in one.data}
