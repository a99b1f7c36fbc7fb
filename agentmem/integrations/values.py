"""Columns of the values of LangGraph's items: a filter tests each distinct value once, not each item.

A cache beside the index of a namespace: a key that a filter asks for is read for all items the first time,
and from then on only for those that came since. Memory: four bytes an item and key, and the distinct values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.filters import MISSING, distinct
from agentmem.index.arrays import CodedColumn
from agentmem.index.space import Space
from agentmem.integrations import inside, items
from agentmem.memory import Memory
from agentmem.recall.prior import current
from agentmem.store import MemoryStore

_PAGE = 500
_FIRST_PAGE = 50
Mask = NDArray[np.bool_]


class Chosen:
    """The items that a filter of LangGraph's lets through; their documents, space by space.

    Args:
        backend: where values lie.
        tests: key -> test of what stands there, None for a missing key.
    """

    def __init__(self, backend: Backend, tests: Mapping[str, items.Test]) -> None:
        self._backend = backend
        self._tests = tests

    def __call__(self, space: Space) -> Mask:
        """Which documents are live items that pass; hold the space's lock."""
        kind = space.code("kind", items.KIND)
        mask: Mask = np.asarray(space.live & (space.kind == kind) & (kind >= 0))
        columns = _columns(space, self._backend, list(self._tests)) if mask.any() else {}
        for key, column in columns.items():
            test = self._tests[key]
            passed = [bool(test(value)) for value in column.values]
            mask &= np.array([*passed, bool(test(None))])[column.codes]  # -1, for a missing key, is the last
        return mask

    def accepts(self, memory: Memory) -> bool:
        """The same of one memory."""
        value = memory.data if isinstance(memory.data, Mapping) else {}
        return memory.kind == items.KIND and all(test(value.get(key)) for key, test in self._tests.items())


def in_order(store: MemoryStore, chosen: Chosen, now: datetime) -> Iterator[Memory]:
    """The chosen items at and below a handle that have not expired, by namespace, then by arrival."""
    shared = inside.runtime(store)
    shared.check_header()
    for number in shared.numbers(inside.root(store), True):
        space = shared.space(number)
        with space.lock:
            docs = np.flatnonzero(chosen(space) & current(space, now))
            rows = space.rows[docs[np.argsort(space.positions[docs], kind="stable")]].tolist()
        start, size = 0, _FIRST_PAGE
        while start < len(rows):
            page = rows[start : start + size]
            there = shared.backend.memories_by_row(page)
            for row in page:
                if row in there and there[row].retired_at is None and items.alive(there[row], now):
                    yield there[row]
            start, size = start + size, _PAGE


# --- columns -----------------------------------------------------------------------------------------
class _Held:
    """The columns of one space."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.columns: dict[str, CodedColumn[object]] = {}


def _columns(space: Space, backend: Backend, keys: list[str]) -> dict[str, CodedColumn[object]]:
    held = _HELD.get(space)
    if held is None or held.generation != space.generation:
        held = _HELD[space] = _Held(space.generation)
    columns = {key: held.columns.get(key, CodedColumn()) for key in keys}
    behind = [key for key, column in columns.items() if len(column.codes) < space.n]
    if not behind:
        return columns
    start = min(len(columns[key].codes) for key in behind)
    docs = np.flatnonzero(space.kind[start:] == space.code("kind", items.KIND))
    rows = space.rows[start:][docs].tolist()
    read: dict[str, list[object]] = {key: [MISSING] * (space.n - start) for key in behind}
    for first in range(0, len(rows), _PAGE):
        page = rows[first : first + _PAGE]
        there = backend.memories_by_row(page)
        for doc, row in zip(docs[first : first + _PAGE].tolist(), page, strict=True):
            value = there[row].data if row in there else None
            if isinstance(value, Mapping):
                for key, column in read.items():
                    column[doc] = value.get(key, MISSING)
    for key, values in read.items():
        new = values[len(columns[key].codes) - start :]
        columns[key].append(new, [distinct(value) for value in new])
        held.columns[key] = columns[key]
    return columns


_HELD: WeakKeyDictionary[Space, _Held] = WeakKeyDictionary()
