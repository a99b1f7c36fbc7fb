"""Undirected weighted edges that come and go, compiled for the walk a part at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import Growing
from agentmem.stores.hipporag.pagerank import Adjacency, Compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_GROWTH = 8  # a part takes in what came after it when that has an eighth of its edges


class Ledger:
    """Edges in parts of falling size, so that one more edge never compiles all of them anew.

    Each part is at least eight times as large as the next: an edge is compiled again a few times in all,
    and a walk looks into a handful of parts. Weights of the same pair add up over the parts.

    Args:
        parts: to begin with.
        degrees: float64, of every node, over all parts.
    """

    def __init__(self, parts: Sequence[Adjacency] = (), degrees: Floats | None = None) -> None:
        self._parts = list(parts)
        self._degrees = Growing(np.empty(0) if degrees is None else degrees)
        self._a: list[Ints] = []
        self._b: list[Ints] = []
        self._weights: list[Floats] = []
        self._current: Compiled | None = None

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Ledger:
        """One whose edges lie as one part in a snapshot, under a name; the arrays may be read-only."""
        starts, ends, weights = (arrays[f"{name}.{part}"] for part in ("starts", "ends", "weights"))
        part = Adjacency(starts, ends, weights, arrays.get(f"{name}.nodes"))
        return cls([part] if len(ends) else [], arrays[f"{name}.degrees"])

    def add(
        self, a: Sequence[int] | Ints, b: Sequence[int] | Ints, weights: Sequence[float] | Floats
    ) -> None:
        """Add to the weights of pairs; a negative weight takes away. Loops are left out."""
        if not len(a):
            return
        one, other, given = np.asarray(a, np.int64), np.asarray(b, np.int64), np.asarray(weights, np.float64)
        if (one == other).any():
            kept = one != other
            one, other, given = one[kept], other[kept], given[kept]
            if not len(one):
                return
        self._degrees.extend_to(int(max(one.max(), other.max())) + 1, 0.0)
        degrees = self._degrees.writable()
        np.add.at(degrees, one, given)
        np.add.at(degrees, other, given)
        self._a.append(one)
        self._b.append(other)
        self._weights.append(given)
        self._current = None

    def compiled(self, n: int) -> Compiled:
        """The graph of n nodes, up to the last change."""
        if self._current is not None and self._current.n == n:
            return self._current
        self._degrees.extend_to(n, 0.0)
        if self._a:
            part = Adjacency.build(
                n, np.concatenate(self._a), np.concatenate(self._b), np.concatenate(self._weights)
            )
            self._a, self._b, self._weights = [], [], []
            while self._parts and len(self._parts[-1].ends) < _GROWTH * len(part.ends):
                part = _together(n, self._parts.pop(), part)
            self._parts.append(part)
        self._current = Compiled(n, tuple(self._parts), self._degrees.view)
        return self._current

    def whole(self, n: int) -> tuple[Adjacency, Floats]:
        """All edges as one part, and the degrees: what the constructor takes."""
        self.compiled(n)
        while len(self._parts) > 1:
            self._parts.append(_together(n, self._parts.pop(), self._parts.pop()))
            self._current = None
        return (self._parts[0] if self._parts else Adjacency.empty()), self._degrees.view


def _together(n: int, one: Adjacency, other: Adjacency) -> Adjacency:
    parts = (one.edges(), other.edges())
    a, b, weights = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Adjacency.build(n, a, b, weights)
