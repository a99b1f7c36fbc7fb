"""Retention as a prior: what a forgetting curve says of the documents of a namespace.

The use events of a namespace are read once and then only what was logged since; they are kept beside
the namespace's index and go with it. Only the documents asked for are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.clock import to_micros
from agentmem.decay.base import Curve
from agentmem.decay.history import Histories, code_of
from agentmem.index.space import Space

Values = NDArray[np.float64]
_Life = list[tuple[int, int]]


class Uses:
    """The use events of a namespace.

    Attributes:
        lives: by memory: (microseconds since 1970 UTC, code of the grade) each.
        log: the ids of all events, in order.
        resets: counts how often all was read anew, because something was erased.
    """

    def __init__(self) -> None:
        self.lives: dict[str, _Life] = {}
        self.log: list[str] = []
        self.resets = 0
        self._cursor: Any = None
        self._version: Any = object()

    def refresh(self, backend: Backend, ns: int) -> None:
        """Read what was logged since the last time."""
        version = backend.version()
        if version == self._version:
            return
        cursor, events, everything = backend.events_since(ns, self._cursor)
        if everything:
            self.lives, self.log = {}, []
            self.resets += 1
        for event in events:
            self.lives.setdefault(event.id, []).append((to_micros(event.at), code_of(event.grade)))
            self.log.append(event.id)
        self._cursor, self._version = cursor, version


_USES: WeakKeyDictionary[Space, Uses] = WeakKeyDictionary()


def uses_of(space: Space, backend: Backend) -> Uses:
    """The use events of a space's namespace, up to date; the caller holds ``space.lock``."""
    found = _USES.get(space)
    if found is None:
        found = _USES[space] = Uses()
    found.refresh(backend, space.ns)
    return found


class Retention:
    """The retention of a space's documents at a time; computed for those asked for.

    Args:
        curve: the policy.
        space: the index; the caller holds its lock while this is used.
        backend: where the use events lie.
        at: the time.
        known_at: uses after it are not known.
        share: how much of a score retention decides.
    """

    def __init__(
        self,
        curve: Curve,
        space: Space,
        backend: Backend,
        at: datetime,
        known_at: datetime | None = None,
        share: float = 1.0,
    ) -> None:
        self._curve = curve
        self._space = space
        self.uses = uses_of(space, backend)
        self._at = at
        self._until = None if known_at is None else to_micros(known_at)
        self._share = share

    def __getitem__(self, docs: NDArray[np.int64], /) -> Values:
        """The prior 1 - share · (1 - retention) of documents."""
        return np.asarray(1.0 - self._share * (1.0 - self.of(docs)))

    def of(self, docs: NDArray[np.int64]) -> Values:
        """The retention of documents."""
        return self._curve.retentions(self.histories(docs), self._at) if len(docs) else np.zeros(0)

    def histories(self, docs: NDArray[np.int64]) -> Histories:
        """The lives of documents."""
        owners: list[int] = []
        times: list[int] = []
        grades: list[int] = []
        for place, life in self._used(docs):
            for time, grade in life:
                if self._until is None or time <= self._until:
                    owners.append(place)
                    times.append(time)
                    grades.append(grade)
        return Histories.from_columns(self._space.at[docs], owners, times, grades)

    def _used(self, docs: NDArray[np.int64]) -> Sequence[tuple[int, _Life]]:
        """(place among the documents, uses) of those that were ever used."""
        lives = self.uses.lives
        if not lives:
            return ()
        if len(lives) < len(docs):
            found = self._space.docs_of(lives)
            place = np.full(self._space.n, -1, np.int64)
            place[docs] = np.arange(len(docs))
            places = np.where(found >= 0, place[found], -1).tolist()
            return [(i, life) for i, life in zip(places, lives.values(), strict=True) if i >= 0]
        ids = self._space.ids_of(docs)
        return [(i, lives[id]) for i, id in enumerate(ids) if id in lives]
