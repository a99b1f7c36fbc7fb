"""What a store's statistics count: what came in and what it derived itself, not what other stores derived.

A store is a view of the episodes: how rare a word is for it, and how the cosines of a question are spread,
must not change because another store wrote notes or summaries into the same file. The index holds all rows
of a namespace together; this takes those of other makers off its counts.

Words are exact. The mean and the deviation of cosines are those of all counted documents where there are
few, else of a thousand of them spread evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.index.base import Docs, Mask
from agentmem.index.frequencies import Frequencies
from agentmem.index.space import Space

_SAMPLE = 1_024


class Counted:
    """The counts of one space for one maker; see :func:`counted`.

    Attributes:
        n: live documents that count.
    """

    def __init__(self, maker: str) -> None:
        self.n = 0
        self._maker = maker
        self._state = (-1, -1)
        self._clear()

    def _clear(self) -> None:
        self._seen = 0
        self._foreign = np.empty(0, np.int64)
        self._frequencies = Frequencies()
        self._sample: Docs | None = None
        self._vectors = 0

    def refresh(self, space: Space) -> None:
        """Follow the index: documents are numbered as they come, dead ones keep their number."""
        if self._state == (space.generation, space.changed):
            return
        if self._state[0] != space.generation:
            self._clear()
        alive = space.live[self._foreign]
        if not alive.all():
            self._frequencies.add(space.lexical.turns.postings(self._foreign[~alive])[0], -1)
            self._foreign = self._foreign[alive]
        new = np.flatnonzero(self._others(space, self._seen)) + self._seen
        if len(new):
            self._frequencies.add(space.lexical.turns.postings(new)[0], 1)
            self._foreign = np.concatenate([self._foreign, new])
        self.n = space.n_live - len(self._foreign)
        self._seen, self._sample = space.n, None
        self._state = (space.generation, space.changed)

    def documents(self, space: Space) -> Mask:
        """Which documents count."""
        return space.live & ~self._others(space, 0) if len(self._foreign) else space.live

    def _others(self, space: Space, start: int) -> Mask:
        """Which live documents from a number on another maker derived."""
        own = space.code("made_by", self._maker)
        made_by = space.made_by[start:]
        return np.asarray(space.live[start:] & (made_by >= 0) & (made_by != own))

    def df(self, space: Space, term_ids: Sequence[int] | NDArray[Any]) -> NDArray[np.int64]:
        """How many counted documents hold each term in their own text."""
        found = space.lexical.df(term_ids)
        return found - self._frequencies.of(term_ids) if len(self._foreign) else found

    def moments(
        self, space: Space, vector: NDArray[np.float32], every: tuple[float, float, int]
    ) -> tuple[float, float, int]:
        """(mean, deviation, n) of the cosines of counted documents, given those of all documents."""
        if not len(self._foreign) or space.vectors is None:
            return every
        if self._sample is None:
            docs = np.flatnonzero(self.documents(space))
            docs = docs[space.vectors.has(docs)]
            self._vectors = len(docs)
            if len(docs) > _SAMPLE:
                docs = docs[np.linspace(0, len(docs) - 1, _SAMPLE).astype(np.int64)]
            self._sample = docs
        if not len(self._sample):
            return 0.0, 1.0, 0
        cosines = space.vectors.scores(vector, self._sample).astype(np.float64)
        return float(cosines.mean()), float(cosines.std()), self._vectors


def counted(space: Space, maker: str | None) -> Counted | None:
    """The counts for a maker, up to date; None where everything counts. Hold the lock of the space."""
    if maker is None:
        return None
    held = _HELD.setdefault(space, {})
    if maker not in held:
        held[maker] = Counted(maker)
    held[maker].refresh(space)
    return held[maker]


_HELD: WeakKeyDictionary[Space, dict[str, Counted]] = WeakKeyDictionary()
