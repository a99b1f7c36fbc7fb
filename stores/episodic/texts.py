"""Vectors and words of some turns, read from the backend at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend, Columns
from agentmem.index.space import Space

Docs = NDArray[np.int64]


class Texts:
    """Vectors and words of some turns, read at once."""

    def __init__(self, space: Space, backend: Backend, docs: Docs) -> None:
        self._space = space
        self._columns: Columns
        _, self._columns = backend.columns(space.ns, [int(row) for row in space.rows[docs]])
        order = np.argsort(self._columns.rows)
        self._order = order
        self._sorted = self._columns.rows[order]

    def _places(self, docs: Docs) -> Docs:
        """Places in the columns; -1 for what is gone."""
        rows = self._space.rows[docs]
        if not len(self._sorted):
            return np.full(len(docs), -1, np.int64)
        at = np.minimum(np.searchsorted(self._sorted, rows), len(self._sorted) - 1)
        return np.where(self._sorted[at] == rows, self._order[at], -1)

    def vectors(self, docs: Docs) -> NDArray[np.float32]:
        """Unit rows, the mean of a turn's pieces; zeros for none."""
        dim = max(self._space.settings.dim, 1)
        made = np.zeros((len(docs), dim), np.float32)
        given, offsets = self._columns.vectors, self._columns.vector_offsets
        if given is None or given.shape[1] != dim:
            return made
        for row, place in zip(made, self._places(docs).tolist(), strict=True):
            if place >= 0 and offsets[place] < offsets[place + 1]:
                row[:] = given[offsets[place] : offsets[place + 1]].astype(np.float32).mean(axis=0)
        norms = np.linalg.norm(made, axis=1, keepdims=True)
        made = np.nan_to_num(made / np.maximum(norms, 1e-9))
        return np.asarray(made, np.float32)

    def tokens(self, docs: Docs) -> list[NDArray[np.uint32]]:
        """Word numbers of each turn."""
        held, offsets = self._columns.tokens, self._columns.token_offsets
        return [
            held[offsets[p] : offsets[p + 1]] if p >= 0 else held[:0] for p in self._places(docs).tolist()
        ]
