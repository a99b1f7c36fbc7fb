"""Which phrases are alike, found by which passage's consolidation: edges that come and go with their ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEPS = 4096.0  # weights are multiples of 1/4096, so that sums and differences are exact


class Synonyms:
    """Pairs of phrases, each brought by one passage or more.

    What came from a snapshot stays in its arrays until something has to change.

    Args:
        live: whether a node's phrase is held by a passage.
        node_of: the node of a phrase's hash, or -1.
        join: (node, others, weights): adds edges to the walk, negative ones to take away.
    """

    def __init__(
        self,
        live: Callable[[int], bool],
        node_of: Callable[[int], int],
        join: Callable[[int, Sequence[int], Sequence[float]], None],
    ) -> None:
        self._live, self._node_of, self._join_walk = live, node_of, join
        self._stored: Mapping[str, NDArray[Any]] | None = None
        self._brought: dict[int, tuple[list[int], list[tuple[int, int, float]]]] = {}
        self._searched: dict[int, int] = {}
        self._pairs: dict[int, dict[int, list[float]]] = {}
        self._expected: dict[int, list[tuple[int, int, float]]] = {}
        self._awake: set[int] = set()

    def put(self, passage: int, searched: Sequence[int], pairs: Sequence[tuple[int, int, float]]) -> None:
        """What a passage (node) brought: phrases searched, and (node, hash of the other, cosine)."""
        self._unpack()
        self.drop(passage)
        self._brought[passage] = (list(searched), list(pairs))
        for node in searched:
            self._searched[node] = self._searched.get(node, 0) + 1
        for node, other_hash, weight in pairs:
            other = self._node_of(other_hash)
            if other < 0:  # its passage is gone, or is yet to be read
                self._expected.setdefault(other_hash, []).append((passage, node, weight))
            elif other != node:
                self._join(node, other, weight)

    def drop(self, passage: int) -> None:
        """Take away what a passage brought."""
        if self._stored is not None and passage not in self._stored["passages"]:
            return
        self._unpack()
        searched, pairs = self._brought.pop(passage, ([], []))
        for node in searched:
            self._searched[node] -= 1
            if not self._searched[node]:
                del self._searched[node]
        for node, other_hash, _ in pairs:
            other = self._node_of(other_hash)
            if other >= 0 and other in self._pairs.get(node, ()):
                self._part(node, other)

    def arrived(self, node: int, hashed: int) -> None:
        """A phrase got its node: pairs that waited for it become edges when it wakes."""
        if self._stored is not None and hashed in self._stored["expected"]:
            self._unpack()
        for passage, other, weight in self._expected.pop(hashed, ()):
            if (other, hashed, weight) in self._brought.get(passage, ((), ()))[1]:
                self._join(other, node, weight)

    def ready(self, nodes: NDArray[np.int64]) -> None:
        """Before phrases come or go, while what lives still agrees with the walk: unpack if need be."""
        if self._stored is not None and np.isin(nodes, self._stored["joined"]).any():
            self._unpack()

    def wake(self, node: int, awake: bool) -> None:
        """A phrase came (back) or went: so do its edges to live phrases."""
        if self._stored is not None or node not in self._pairs:
            return
        (self._awake.add if awake else self._awake.discard)(node)
        others = [(other, weight) for other, (weight, _) in self._pairs[node].items() if other in self._awake]
        if others:
            ends, weights = zip(*others, strict=True)
            self._join_walk(node, ends, [w if awake else -w for w in weights])

    def searched(self, node: int) -> bool:
        """Whether a passage that is here holds the search for a phrase's synonyms."""
        self._unpack()
        return node in self._searched

    def brought(self, passage: int) -> tuple[list[int], list[tuple[int, int, float]]]:
        """What a passage brought: phrases searched, pairs found."""
        self._unpack()
        return self._brought.get(passage, ([], []))

    def pairs(self) -> Iterable[tuple[int, int, float]]:
        """(node, node, cosine) of all pairs, each once."""
        self._unpack()
        for a, others in self._pairs.items():
            for b, (weight, _) in others.items():
                if a < b:
                    yield a, b, weight

    def _join(self, a: int, b: int, weight: float) -> None:
        weight = round(weight * _STEPS) / _STEPS
        one = self._pairs.setdefault(a, {})
        if b in one:
            one[b][1] += 1
            return
        one[b] = self._pairs.setdefault(b, {})[a] = [weight, 1]
        for node in (a, b):
            if self._live(node):
                self._awake.add(node)
        if a in self._awake and b in self._awake:
            self._join_walk(a, [b], [weight])

    def _part(self, a: int, b: int) -> None:
        entry = self._pairs[a][b]
        entry[1] -= 1
        if entry[1] > 0:
            return
        if a in self._awake and b in self._awake:
            self._join_walk(a, [b], [-entry[0]])
        for one, other in ((a, b), (b, a)):
            del self._pairs[one][other]
            if not self._pairs[one]:
                del self._pairs[one]
                self._awake.discard(one)

    # --- snapshots -----------------------------------------------------------------------------------
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What passages brought, as arrays."""
        if self._stored is not None:
            return dict(self._stored)
        passages = list(self._brought)
        searched = [node for one in passages for node in self._brought[one][0]]
        pairs = [pair for one in passages for pair in self._brought[one][1]]
        return {
            "passages": np.array(passages, np.int64),
            "searched": np.array(searched, np.int64),
            "searched_count": np.array([len(self._brought[one][0]) for one in passages], np.int64),
            "nodes": np.array([node for node, _, _ in pairs], np.int64),
            "hashes": np.array([other for _, other, _ in pairs], np.int64),
            "weights": np.array([weight for _, _, weight in pairs], np.float64),
            "pair_count": np.array([len(self._brought[one][1]) for one in passages], np.int64),
            "expected": np.array(list(self._expected), np.int64),
            "joined": np.array(sorted(self._pairs), np.int64),
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`to_arrays`; the walk's edges are there already."""
        self._stored = arrays

    def _unpack(self) -> None:
        """Make the dictionaries of what lies in arrays, without adding an edge."""
        if self._stored is None:
            return
        stored, self._stored = self._stored, None
        walk, self._join_walk = self._join_walk, lambda node, others, weights: None
        searched, counts = stored["searched"].tolist(), stored["searched_count"].tolist()
        columns = (stored[name].tolist() for name in ("nodes", "hashes", "weights"))
        pairs, pair_counts = list(zip(*columns, strict=True)), stored["pair_count"].tolist()
        i = j = 0
        for passage, m, k in zip(stored["passages"].tolist(), counts, pair_counts, strict=True):
            self.put(passage, searched[i : i + m], pairs[j : j + k])
            i, j = i + m, j + k
        self._join_walk = walk
