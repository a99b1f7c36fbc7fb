"""Lists in order: by the index where a filter asks for few, by the backend's pages otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np

from agentmem.filters import Filter, compile_filter
from agentmem.finding import inside
from agentmem.memory import Memory, Namespace
from agentmem.runtime import Runtime

_PAGE = 500
_FIRST_PAGE = 50
Interval = tuple[datetime | None, datetime | None]


def memories(
    runtime: Runtime,
    name: Namespace,
    *,
    filter: Mapping[str, Any] | None,
    during: Interval | None,
    order: str,
    after: str | None,
    limit: int | None,
    subtree: bool,
    known_at: datetime | None,
) -> Iterator[Memory]:
    """Live memories (or the versions known at a time) in order, see :meth:`MemoryStore.list`."""
    compiled = compile_filter(filter)
    if compiled is not None and after is None and known_at is None:
        found = _by_index(runtime, runtime.numbers(name, subtree), compiled, during, order)
    else:
        past = known_at is not None
        stored = runtime.backend.scan(
            runtime.past_numbers(name, subtree) if past else runtime.numbers(name, subtree),
            order=order,
            during=during,
            known_at=known_at,
            after=after,
            page=_PAGE if limit is None else min(_PAGE, max(limit, 1)) if compiled is None else _PAGE,
        )
        found = (one.memory for one in stored if compiled is None or compiled.accepts(one.memory))
    return islice(found, limit)


def _by_index(
    runtime: Runtime, numbers: list[int], filter: Filter, during: Interval | None, order: str
) -> Iterator[Memory]:
    """What matches, by the columns of the index; read from the database page by page."""
    parts: list[np.ndarray[Any, np.dtype[np.int64]]] = []
    for number in numbers:
        space = runtime.space(number)
        with space.lock:
            mask = space.mask(filter, runtime.backend) & space.live
            if during is not None:
                mask &= inside(space, during)
            docs = np.flatnonzero(mask)
            parts.append(np.stack([space.at[docs], space.positions[docs], space.rows[docs]]))
    if not parts:
        return
    at, positions, rows = np.concatenate(parts, axis=1)
    keys = (positions, at) if order.endswith("at") else (positions,)
    ordered = rows[np.lexsort(keys)].tolist()
    if order.startswith("-"):
        ordered.reverse()
    start_row, size = 0, _FIRST_PAGE
    while start_row < len(ordered):
        page = ordered[start_row : start_row + size]
        there = runtime.backend.memories_by_row(page)
        for row in page:
            if row in there and there[row].retired_at is None:
                yield there[row]
        start_row, size = start_row + size, _PAGE
