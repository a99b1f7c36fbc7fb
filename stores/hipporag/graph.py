"""The graph of one namespace in memory: phrases and passages, and what each passage contributes.

Every edge is a contribution of a passage, so that taking a passage out takes out exactly what it put in,
and putting it in twice is putting it in once. (The original re-adds all synonym edges at every call of
``index``, and cannot undo a deleted passage's edges; HippoRAG issues #168, #174, #179.)

Weights of the walk, added up per pair of nodes:

- a fact (subject, predicate, object) of a passage: 1 between subject and object;
- synonyms: their cosine. (The original's code lets the cosine replace the count of facts; the papers add
  the edge. Here it adds.)
- version 2: a passage and each phrase it holds: 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import Growing
from agentmem.stores.hipporag.pagerank import Adjacency, Compiled
from agentmem.stores.hipporag.phrases import Facts, Triple

Ints = NDArray[np.int64]

_COMPILE_FROM = 2_000
_STEPS = 4096.0  # weights are multiples of 1/4096, so that sums and differences are exact


@dataclass(slots=True)
class Passage:
    """What a passage put into the graph.

    Attributes:
        node: its node.
        doc: its document number in the space.
        phrases: its phrases' nodes; ``counts`` how often each stands in its triples.
        facts: its facts' numbers.
        by: who read it: "rules-1", "openie", "model:NAME"; "" for rules that left no artifact yet.
        synonyms: pairs it brought: (phrase node, hash of the other, cosine).
        searched: phrase nodes for which it brought the synonyms.
        failed: what went wrong when a model read it, or "".
        embedded: whether vectors are stored with it.
    """

    node: int
    doc: int
    phrases: Ints
    counts: Ints
    facts: list[int]
    by: str
    synonyms: list[tuple[int, int, float]] = field(default_factory=list)
    searched: list[int] = field(default_factory=list)
    failed: str = ""
    embedded: bool = False


class Ledger:
    """Undirected weighted edges that come and go, compiled when a walk is asked for."""

    def __init__(self) -> None:
        self._base: Compiled | None = None
        self._current: Compiled | None = None
        self._a: list[NDArray[np.int64]] = []
        self._b: list[NDArray[np.int64]] = []
        self._weights: list[NDArray[np.float64]] = []
        self._waiting = 0

    def add(
        self, a: Sequence[int] | Ints, b: Sequence[int] | Ints, weights: Sequence[float] | NDArray[np.float64]
    ) -> None:
        """Add to the weights of pairs; a negative weight takes away."""
        if len(a):
            self._a.append(np.asarray(a, np.int64))
            self._b.append(np.asarray(b, np.int64))
            self._weights.append(np.asarray(weights, np.float64))
            self._waiting += len(a)
            self._current = None

    def compiled(self, n: int) -> Compiled:
        """The graph of n nodes, up to the last change."""
        if self._current is not None and self._current.n == n:
            return self._current
        a, b, weights = (
            np.concatenate(parts) if parts else np.empty(0, kind)
            for parts, kind in ((self._a, np.int64), (self._b, np.int64), (self._weights, np.float64))
        )
        base = self._base
        if base is None or self._waiting > max(_COMPILE_FROM, len(base.base.ends) // 20):
            if base is not None:
                c, d, old = _edges(base.base)
                a, b, weights = np.concatenate([c, a]), np.concatenate([d, b]), np.concatenate([old, weights])
            self._base = Compiled.build(n, a, b, weights)
            self._a, self._b, self._weights, self._waiting = [], [], [], 0
            base = self._base
            a, b, weights = a[:0], b[:0], weights[:0]
        self._current = base if base.n == n and not len(a) else base.beside(n, a, b, weights)
        return self._current


def _edges(part: Adjacency) -> tuple[Ints, Ints, NDArray[np.float64]]:
    rows = np.repeat(np.arange(part.n), np.diff(part.starts))
    upper = rows < part.ends
    return rows[upper], part.ends[upper].astype(np.int64), part.weights[upper].astype(np.float64)


class Table:
    """Vectors by number; the rows lie in one growing matrix."""

    def __init__(self) -> None:
        self._rows: Growing | None = None
        self.ids = Growing.empty(np.int64)
        self._known: dict[int, int] = {}

    def add(self, ids: Sequence[int], rows: NDArray[np.float32]) -> None:
        """Add vectors of numbers that have none; others are passed over."""
        new = [i for i, id in enumerate(ids) if id not in self._known]
        if not new:
            return
        if self._rows is None:
            self._rows = Growing.empty(np.float32, rows.shape[1])
        for i in new:
            self._known[ids[i]] = len(self._known)
        self._rows.append(rows[new])
        self.ids.append(np.array([ids[i] for i in new], np.int64))

    def __contains__(self, id: int) -> bool:
        return id in self._known

    def __len__(self) -> int:
        return len(self._known)

    @property
    def rows(self) -> NDArray[np.float32]:
        """All vectors, in the order of ``ids``."""
        return np.empty((0, 0), np.float32) if self._rows is None else self._rows.view

    def of(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of numbers, all of which have one."""
        return np.asarray(self.rows[[self._known[id] for id in ids]])


class PhraseGraph:
    """Phrases, passages, facts and synonyms of one namespace.

    Args:
        contains: whether passages are nodes of the walk (version 2).

    Attributes:
        n: nodes, those included that are no longer held by any passage.
        node_of: phrase -> node.
        keys: node -> phrase; "" for a passage.
        labels: node -> phrase as first written, or id of the passage.
        held_by: node -> number of passages that hold the phrase (|P_i|); 0 for passages.
        is_passage: node -> whether it is a passage.
        passages: id of a memory -> what it put in.
        facts: number -> fact; ``fact_numbers`` the inverse; ``fact_count`` how many passages say it.
        walk: the edges of the walk; ``holding``: phrase to passage, weighed by how often.
        phrase_vectors, fact_vectors: what has a vector.
        new_phrases, new_facts: numbers that came since somebody emptied the list, to give them vectors.
        searched: phrase node -> how many passages hold a search for its synonyms.
    """

    def __init__(self, *, contains: bool) -> None:
        self.contains = contains
        self.n = 0
        self.node_of: dict[str, int] = {}
        self.keys: list[str] = []
        self.labels: list[str] = []
        self._held_by = Growing.empty(np.int64)
        self._is_passage = Growing.empty(np.bool_)
        self._doc = Growing.empty(np.int64)
        self._awake = bytearray()
        self.passages: dict[str, Passage] = {}
        self.facts: list[Triple] = []
        self.fact_numbers: dict[Triple, int] = {}
        self._fact_count = Growing.empty(np.int64)
        self.walk = Ledger()
        self.holding = Ledger()
        self.phrase_vectors = Table()
        self.fact_vectors = Table()
        self.new_phrases: list[int] = []
        self.new_facts: list[int] = []
        self.searched: dict[int, int] = {}
        self._by_hash: dict[int, int] = {}
        self._synonyms: dict[int, dict[int, list[float]]] = {}
        self._expected: dict[int, list[tuple[Passage, int, float]]] = {}

    # --- reading -------------------------------------------------------------------------------------
    @property
    def held_by(self) -> Ints:
        """See the class."""
        return self._held_by.view

    @property
    def is_passage(self) -> NDArray[np.bool_]:
        """See the class."""
        return self._is_passage.view

    @property
    def docs(self) -> Ints:
        """Node -> document number of a passage; -1 for a phrase and for a passage that went."""
        return self._doc.view

    @property
    def fact_count(self) -> Ints:
        """See the class."""
        return self._fact_count.view

    def phrase_live(self, node: int) -> bool:
        """Whether some passage holds the phrase."""
        return bool(self._awake[node])

    def pairs(self) -> Iterable[tuple[int, int, float]]:
        """Synonyms of live phrases: (node, node, cosine), each pair once."""
        for a, others in self._synonyms.items():
            for b, (weight, _) in others.items():
                if a < b and self.phrase_live(a) and self.phrase_live(b):
                    yield a, b, weight

    # --- writing -------------------------------------------------------------------------------------
    def add(self, id: str, doc: int, facts: Facts, *, by: str, failed: str = "") -> Passage:
        """Put a passage in, in place of what it had put in before."""
        if id in self.passages:
            self.remove(id)
        node = self._new_node("", id, passage=True)
        self._doc.writable()[node] = doc
        nodes = [self._phrase(key, label) for key, (label, _) in facts.phrases.items()]
        counts = [count for _, count in facts.phrases.values()]
        numbers = [self._fact(fact) for fact in facts.facts]
        passage = Passage(
            node, doc, np.array(nodes, np.int64), np.array(counts, np.int64), numbers, by, failed=failed
        )
        self.passages[id] = passage
        self._count(passage, 1)
        return passage

    def remove(self, id: str) -> None:
        """Take a passage out, with everything that it put in."""
        passage = self.passages.pop(id)
        self._drop_synonyms(passage)
        self._count(passage, -1)
        self._doc.writable()[passage.node] = -1

    def set_synonyms(self, id: str, searched: Sequence[str], pairs: Sequence[tuple[str, int, float]]) -> None:
        """Say for which phrases a passage brought synonyms, as (phrase, hash of the other, cosine)."""
        passage = self.passages[id]
        self._drop_synonyms(passage)
        passage.searched = [self._phrase(key, key) for key in searched]
        passage.synonyms = [(self._phrase(key, key), other, weight) for key, other, weight in pairs]
        for node in passage.searched:
            self.searched[node] = self.searched.get(node, 0) + 1
        for node, other_hash, weight in passage.synonyms:
            other = self._by_hash.get(other_hash)
            if other is None:  # its passage is gone, or is yet to be read
                self._expected.setdefault(other_hash, []).append((passage, node, weight))
            elif other != node:
                self._join(node, other, weight)

    def _drop_synonyms(self, passage: Passage) -> None:
        for node in passage.searched:
            self.searched[node] -= 1
            if not self.searched[node]:
                del self.searched[node]
        for node, other_hash, _ in passage.synonyms:
            other = self._by_hash.get(other_hash)
            if other is not None and other in self._synonyms.get(node, ()):
                self._part(node, other)
        passage.searched, passage.synonyms = [], []

    def _join(self, a: int, b: int, weight: float) -> None:
        weight = round(weight * _STEPS) / _STEPS
        one = self._synonyms.setdefault(a, {})
        if b in one:
            one[b][1] += 1
            return
        one[b] = self._synonyms.setdefault(b, {})[a] = [weight, 1]
        if self.phrase_live(a) and self.phrase_live(b):
            self.walk.add([a], [b], [weight])

    def _part(self, a: int, b: int) -> None:
        entry = self._synonyms[a][b]
        entry[1] -= 1
        if entry[1] > 0:
            return
        del self._synonyms[a][b]
        del self._synonyms[b][a]
        if self.phrase_live(a) and self.phrase_live(b):
            self.walk.add([a], [b], [-entry[0]])

    def _count(self, passage: Passage, sign: int) -> None:
        """Add a passage's counts and edges, or take them away."""
        nodes = passage.phrases
        before = self._held_by.view[nodes] > 0
        self._held_by.writable()[nodes] += sign
        after = self._held_by.view[nodes] > 0
        for node in nodes[before != after].tolist():
            self._wake(node, sign > 0)
        here = np.full(len(nodes), passage.node, np.int64)
        self.holding.add(nodes, here, sign * passage.counts.astype(np.float64))
        if self.contains:
            self.walk.add(nodes, here, np.full(len(nodes), float(sign)))
        if passage.facts:
            ends = [(self.node_of[self.facts[f][0]], self.node_of[self.facts[f][2]]) for f in passage.facts]
            a, b = np.array(ends, np.int64).T
            self.walk.add(a, b, np.full(len(a), float(sign)))
            self._fact_count.writable()[passage.facts] += sign

    def _wake(self, node: int, awake: bool) -> None:
        """A phrase came (back) or went: so do its synonym edges to live phrases."""
        self._awake[node] = awake
        others = [
            (other, weight)
            for other, (weight, _) in self._synonyms.get(node, {}).items()
            if self.phrase_live(other) and other != node
        ]
        if others:
            ends, weights = zip(*others, strict=True)
            self.walk.add([node] * len(ends), ends, [w if awake else -w for w in weights])

    def _phrase(self, key: str, label: str) -> int:
        node = self.node_of.get(key)
        if node is None:
            node = self.node_of[key] = self._new_node(key, label, passage=False)
            self.new_phrases.append(node)
            hashed = phrase_hash(key)
            self._by_hash[hashed] = node
            for passage, other, weight in self._expected.pop(hashed, ()):
                if (other, hashed, weight) in passage.synonyms:
                    self._join(other, node, weight)
        return node

    def _fact(self, fact: Triple) -> int:
        number = self.fact_numbers.get(fact)
        if number is None:
            number = self.fact_numbers[fact] = len(self.facts)
            self.facts.append(fact)
            self.new_facts.append(number)
            self._fact_count.append(np.zeros(1, np.int64))
        return number

    def _new_node(self, key: str, label: str, *, passage: bool) -> int:
        self.keys.append(key)
        self.labels.append(label)
        self._awake.append(0)
        self._held_by.append(np.zeros(1, np.int64))
        self._is_passage.append(np.array([passage]))
        self._doc.append(np.full(1, -1, np.int64))
        self.n += 1
        return self.n - 1


def phrase_hash(key: str) -> int:
    """63 bits that stand for a phrase where its text must not, because another memory said it."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


def edges_of(graph: PhraseGraph) -> Mapping[tuple[int, int], float]:
    """The walk's weights by pair of nodes, for tests and export."""
    compiled = graph.walk.compiled(graph.n)
    sums: dict[tuple[int, int], float] = {}
    for part in (compiled.base, compiled.recent):
        for a, b, weight in zip(*(column.tolist() for column in _edges(part)), strict=True):
            sums[a, b] = sums.get((a, b), 0.0) + weight
    return {pair: weight for pair, weight in sums.items() if abs(weight) > 1e-9}
