"""The graph of one namespace in memory: phrases and passages, and what each passage contributes.

Every edge is a contribution of a passage, so that taking a passage out takes out exactly what it put in,
and putting it in twice is putting it in once. (The original re-adds all synonym edges at every call of
``index``, and cannot undo a deleted passage's edges; HippoRAG issues #168, #174, #179.)

Weights of the walk, added up per pair of nodes:

- a fact (subject, predicate, object) of a passage: ``doubled`` between subject and object, 1 or 2;
- synonyms: their cosine, times the same. (The original's code lets the cosine replace the count of facts;
  the papers add the edge. Here it adds.)
- version 2: a passage and each phrase it holds: 1.

Everything lies in columns by number of node or fact, which a snapshot takes as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import CodedColumn, Growing
from agentmem.index.ids import Ids
from agentmem.stores.hipporag.columns import Keys, Runs, Table, hashed
from agentmem.stores.hipporag.ledger import Ledger
from agentmem.stores.hipporag.phrases import Facts, Triple
from agentmem.stores.hipporag.synonyms import Synonyms

Ints = NDArray[np.int64]

_NUMBERS = {  # by node; the runs are those of a passage
    "held_by": (np.int32, 0),
    "is_passage": (np.bool_, False),
    "doc": (np.int32, -1),
    "row": (np.int64, -1),
    "embedded": (np.bool_, False),
    "phrases_from": (np.int64, 0),
    "phrases_to": (np.int64, 0),
    "facts_from": (np.int64, 0),
    "facts_to": (np.int64, 0),
}
_CACHED = 200_000  # vectors of facts or phrases of a fast embedder that are kept


@dataclass(frozen=True, slots=True)
class Passage:
    """What a passage put into the graph.

    Attributes:
        node: its node.
        doc: its document number in the space.
        phrases: its phrases' nodes; ``counts`` how often each stands in its triples.
        facts: its facts' numbers.
        by: who read it: "rules-1", "openie", "model:NAME"; "" for rules that left no artifact yet.
        failed: what went wrong when a model read it, or "".
        embedded: whether vectors are stored with it.
    """

    node: int
    doc: int
    phrases: NDArray[np.int32]
    counts: NDArray[np.int32]
    facts: NDArray[np.int32]
    by: str
    failed: str
    embedded: bool


class PhraseGraph:
    """Phrases, passages, facts and synonyms of one namespace.

    Args:
        contains: whether passages are nodes of the walk (version 2).
        doubled: weight of a fact, and factor of a synonym's cosine, in the walk: 1, or 2 as in the
            original's code, which adds both directions of an edge to an undirected graph.
        keep: whether all vectors are kept, because they are not soon made again.

    Attributes:
        n: nodes, those included that are no longer held by any passage.
        keys: node -> phrase; "" for a passage.
        labels: node -> phrase as first written, or id of the passage.
        walk: the edges of the walk; ``holding``: phrase to passage, weighed by how often (version 1).
        phrase_vectors, fact_vectors: what has a vector.
        synonyms: which phrases are alike, by whom it was found.
        unsaved: passages that came or went since the last snapshot.
        by_model: live passages whose triples are not by rules.
    """

    def __init__(self, *, contains: bool, doubled: float = 1.0, keep: bool = False) -> None:
        self.contains, self.doubled = contains, doubled
        self.n = self.facts = self.live = self.by_model = self.unsaved = 0
        self.keys, self.labels = Ids(), Ids()
        self._nodes = {name: Growing.empty(kind) for name, (kind, _) in _NUMBERS.items()}
        self._readers: CodedColumn[str] = CodedColumn()  # by node, -1 for a phrase
        self._node_of = Keys()
        self._passage_of = Keys()
        self._node_of_doc = Growing.empty(np.int32)
        self._phrases, self._counts, self._facts = Runs(), Runs(), Runs()
        self._ends = (Growing.empty(np.int32), Growing.empty(np.int32))
        self._predicates = Ids()
        self._fact_of = Keys()
        self._fact_count = Growing.empty(np.int32)
        self._failed: dict[int, str] = {}
        self.walk, self.holding = Ledger(), Ledger()
        most = None if keep else _CACHED
        self.phrase_vectors, self.fact_vectors = Table(most), Table(most)
        self.synonyms = Synonyms(self.phrase_live, self._node_of.get, self._joined)

    # --- reading -------------------------------------------------------------------------------------
    @property
    def held_by(self) -> NDArray[np.int32]:
        """Node -> number of passages that hold the phrase (|P_i|); 0 for passages."""
        return self._nodes["held_by"].view

    @property
    def is_passage(self) -> NDArray[np.bool_]:
        """Node -> whether it is a passage."""
        return self._nodes["is_passage"].view

    @property
    def docs(self) -> NDArray[np.int32]:
        """Node -> document number of a passage; -1 for a phrase and for a passage that went."""
        return self._nodes["doc"].view

    @property
    def node_of_doc(self) -> NDArray[np.int32]:
        """Document -> node of its passage, or -1; may be shorter than the documents are many."""
        return self._node_of_doc.view

    @property
    def fact_count(self) -> NDArray[np.int32]:
        """Fact -> how many passages say it."""
        return self._fact_count.view

    def node(self, key: str) -> int:
        """The node of a phrase, or -1."""
        return self._node_of.get(hashed(key))

    def number(self, fact: Triple) -> int:
        """The number of a fact, or -1."""
        return self._fact_of.get(hashed(*fact))

    def fact(self, number: int) -> Triple:
        """A fact by its number."""
        subject, object_ = self.ends(number)
        return self.keys[subject], self._predicates[number], self.keys[object_]

    def ends(self, number: int) -> tuple[int, int]:
        """The nodes of a fact's subject and object."""
        return int(self._ends[0].view[number]), int(self._ends[1].view[number])

    def phrase_live(self, node: int) -> bool:
        """Whether some passage holds the phrase."""
        return bool(self._nodes["held_by"].view[node] > 0)

    def passage(self, id: str) -> Passage | None:
        """What a memory put in, if it is here."""
        node = self._passage_of.get(hashed(id))
        return None if node < 0 else self.passage_at(node)

    def passage_at(self, node: int) -> Passage:
        """What the passage of a node put in."""
        one = {name: column.view[node].item() for name, column in self._nodes.items()}
        by = int(self._readers.codes[node])
        span = one["phrases_from"], one["phrases_to"]
        return Passage(
            node,
            one["doc"],
            self._phrases.of(*span),
            self._counts.of(*span),
            self._facts.of(one["facts_from"], one["facts_to"]),
            "" if by < 0 else self._readers.values[by],
            self._failed.get(node, ""),
            one["embedded"],
        )

    def passages(self) -> Iterator[tuple[str, Passage]]:
        """(id, what it put in) of all that are here, in order of arrival."""
        for node in np.flatnonzero(self.docs >= 0).tolist():
            yield self.labels[node], self.passage_at(node)

    def facts_of(self, docs: Ints) -> Ints:
        """The facts of documents, each once."""
        return self._of(docs, "facts", self._facts)

    def phrases_of(self, docs: Ints) -> Ints:
        """The phrases of documents, each once."""
        return self._of(docs, "phrases", self._phrases)

    def _of(self, docs: Ints, what: str, runs: Runs) -> Ints:
        docs = docs[docs < self._node_of_doc.n]
        nodes = self._node_of_doc.view[docs]
        nodes = nodes[nodes >= 0]
        starts, ends = self._nodes[f"{what}_from"].view[nodes], self._nodes[f"{what}_to"].view[nodes]
        found = np.sort(runs.gather(starts, ends))  # np.unique takes five times as long
        return found[np.flatnonzero(np.diff(found, prepend=-1))].astype(np.int64)

    # --- writing -------------------------------------------------------------------------------------
    def add(self, id: str, doc: int, row: int, facts: Facts, *, by: str, failed: str = "") -> int:
        """Put a passage in, in place of what it had put in before; returns its node."""
        self.remove(id)
        nodes = self._known_phrases(facts)
        numbers = [self._fact(fact) for fact in facts.facts]
        node = self._new_nodes([("", id)], passage=True)
        self._passage_of.put(hashed(id), node)
        counts = [count for _, count in facts.phrases.values()]
        start, end = self._phrases.append(nodes)
        self._counts.append(counts)
        first, last = self._facts.append(numbers)
        values = {"doc": doc, "row": row, "phrases_from": start, "phrases_to": end}
        for name, value in {**values, "facts_from": first, "facts_to": last}.items():
            self._nodes[name].writable()[node] = value
        self._readers.append([by])
        self._node_of_doc.extend_to(doc + 1, -1)
        self._node_of_doc.writable()[doc] = node
        if failed:
            self._failed[node] = failed
        self._count(self.passage_at(node), 1)
        return node

    def remove(self, id: str) -> None:
        """Take a passage out, with everything that it put in, if it is here."""
        passage = self.passage(id)
        if passage is None:
            return
        self.synonyms.drop(passage.node)
        self._count(passage, -1)
        self._passage_of.put(hashed(id), -1)
        self._nodes["doc"].writable()[passage.node] = -1
        if passage.doc >= 0:
            self._node_of_doc.writable()[passage.doc] = -1
        self._failed.pop(passage.node, None)

    def set_synonyms(self, id: str, searched: Sequence[str], pairs: Sequence[tuple[str, int, float]]) -> None:
        """Say for which phrases a passage brought synonyms, as (phrase, hash of the other, cosine)."""
        passage = self.passage(id)
        if passage is not None:
            node = {key: self.node(key) for key in {*searched, *(key for key, _, _ in pairs)}}
            found = [(node[key], other, cosine) for key, other, cosine in pairs]
            self.synonyms.put(passage.node, [node[key] for key in searched], found)

    def mark_embedded(self, node: int) -> None:
        """Note that vectors are stored with a passage."""
        self._nodes["embedded"].writable()[node] = True

    def _joined(self, a: int, others: Sequence[int], weights: Sequence[float]) -> None:
        self.walk.add([a] * len(others), others, [self.doubled * weight for weight in weights])

    def _count(self, passage: Passage, sign: int) -> None:
        """Add a passage's counts and edges, or take them away."""
        nodes = passage.phrases.astype(np.int64)
        held = self._nodes["held_by"].writable()
        turned = nodes[(held[nodes] > 0) != (held[nodes] + sign > 0)]
        self.synonyms.ready(turned)
        held[nodes] += sign
        for node in turned.tolist():
            self.synonyms.wake(node, sign > 0)
        here = np.full(len(nodes), passage.node, np.int64)
        if self.contains:
            self.walk.add(nodes, here, np.full(len(nodes), float(sign)))
        else:
            self.holding.add(nodes, here, sign * passage.counts.astype(np.float64))
        if len(passage.facts):
            a, b = (column.view[passage.facts].astype(np.int64) for column in self._ends)
            self.walk.add(a, b, np.full(len(a), sign * self.doubled))
            self._fact_count.writable()[passage.facts] += sign
        self.live += sign
        self.by_model += sign * (passage.by != "" and not passage.by.startswith("rules"))
        self.unsaved += 1

    def _known_phrases(self, facts: Facts) -> list[int]:
        nodes = [self.node(key) for key in facts.phrases]
        new = [i for i, node in enumerate(nodes) if node < 0]
        if new:
            written = [(key, label) for key, (label, _) in facts.phrases.items()]
            first = self._new_nodes([written[i] for i in new], passage=False)
            self._readers.append([None] * len(new))
            for node, i in enumerate(new, first):
                nodes[i] = node
                self._node_of.put(hashed(written[i][0]), node)
                self.synonyms.arrived(node, hashed(written[i][0]))
        return nodes

    def _fact(self, fact: Triple) -> int:
        key = hashed(*fact)
        number = self._fact_of.get(key)
        if number < 0:
            number = self.facts
            self.facts += 1
            self._fact_of.put(key, number)
            self._predicates.append([fact[1]])
            for column, phrase in zip(self._ends, (fact[0], fact[2]), strict=True):
                column.append(np.array([self.node(phrase)]))
            self._fact_count.append(np.zeros(1))
        return number

    def _new_nodes(self, named: Sequence[tuple[str, str]], *, passage: bool) -> int:
        """Add nodes, (key, label) each; returns the first."""
        first, self.n = self.n, self.n + len(named)
        self.keys.append([key for key, _ in named])
        self.labels.append([label for _, label in named])
        for name, (_, fill) in _NUMBERS.items():
            self._nodes[name].extend_to(self.n, passage if name == "is_passage" else fill)
        return first

    # --- snapshots -----------------------------------------------------------------------------------
    def to_arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Everything as arrays and a JSON object."""
        arrays: dict[str, NDArray[Any]] = {f"node.{name}": one.view for name, one in self._nodes.items()}
        arrays |= {"readers": self._readers.codes, "fact_count": self._fact_count.view}
        arrays |= {"subjects": self._ends[0].view, "objects": self._ends[1].view}
        for name, runs in (("phrases", self._phrases), ("counts", self._counts), ("facts", self._facts)):
            arrays[name] = runs.values
        for name, texts in (("keys", self.keys), ("labels", self.labels), ("predicates", self._predicates)):
            arrays |= {f"{name}.{part}": array for part, array in texts.to_arrays().items()}
        found = (("node_of", self._node_of), ("passage_of", self._passage_of), ("fact_of", self._fact_of))
        for name, keys in found:
            arrays[f"{name}.hashes"], arrays[f"{name}.numbers"] = keys.items()
        for name, ledger in (("walk", self.walk), ("holding", self.holding)):
            part, arrays[f"{name}.degrees"] = ledger.whole(self.n)
            arrays |= {f"{name}.starts": part.starts, f"{name}.ends": part.ends}
            arrays[f"{name}.weights"] = part.weights
            if part.nodes is not None:
                arrays[f"{name}.nodes"] = part.nodes
        for name, table in (("phrase_vectors", self.phrase_vectors), ("fact_vectors", self.fact_vectors)):
            if table.most is None and len(table):
                arrays |= table.to_arrays(name)
        arrays |= {f"synonyms.{name}": array for name, array in self.synonyms.to_arrays().items()}
        counts = {name: getattr(self, name) for name in ("n", "facts", "live", "by_model")}
        failed = [[node, why] for node, why in self._failed.items()]
        return arrays, {"counts": counts, "readers": self._readers.values, "failed": failed}

    def restore(self, arrays: Mapping[str, NDArray[Any]], names: Mapping[str, Any]) -> None:
        """The inverse of :meth:`to_arrays`, into a graph that holds nothing; arrays may be read-only."""
        for name, count in names["counts"].items():
            setattr(self, name, count)
        self._nodes = {name: Growing(arrays[f"node.{name}"]) for name in _NUMBERS}
        self._readers = CodedColumn(names["readers"], arrays["readers"])
        self._failed = {node: why for node, why in names["failed"]}
        self._fact_count = Growing(arrays["fact_count"])
        self._ends = (Growing(arrays["subjects"]), Growing(arrays["objects"]))
        self._phrases, self._counts, self._facts = (
            Runs(arrays[name]) for name in ("phrases", "counts", "facts")
        )
        self.keys, self.labels, self._predicates = (
            Ids(arrays[f"{name}.text"], arrays[f"{name}.ends"]) for name in ("keys", "labels", "predicates")
        )
        self._node_of, self._passage_of, self._fact_of = (
            Keys(arrays[f"{name}.hashes"], arrays[f"{name}.numbers"])
            for name in ("node_of", "passage_of", "fact_of")
        )
        self.walk, self.holding = (Ledger.of_arrays(arrays, name) for name in ("walk", "holding"))
        for name, table in (("phrase_vectors", self.phrase_vectors), ("fact_vectors", self.fact_vectors)):
            if f"{name}.ids" in arrays:
                table.restore(arrays, name)
        self.synonyms = Synonyms(self.phrase_live, self._node_of.get, self._joined)
        self.synonyms.restore({n[9:]: array for n, array in arrays.items() if n.startswith("synonyms.")})
        self.unsaved = 0

    def renumber(self, nodes: Ints, docs: Ints) -> None:
        """After :meth:`restore`: what the documents of passages are called now; -1 for what has none."""
        self._nodes["doc"].writable()[nodes] = docs
        self._node_of_doc = Growing.empty(np.int32)
        self._node_of_doc.extend_to(int(docs.max(initial=-1)) + 1, -1)
        self._node_of_doc.writable()[docs[docs >= 0]] = nodes[docs >= 0]

    @property
    def rows(self) -> Ints:
        """Node -> the number of a passage's row in the database, which is another for each version."""
        return self._nodes["row"].view


def edges_of(graph: PhraseGraph) -> Mapping[tuple[int, int], float]:
    """The walk's weights by pair of nodes, for tests and export."""
    sums: dict[tuple[int, int], float] = {}
    columns = (column.tolist() for column in graph.walk.compiled(graph.n).edges())
    for a, b, weight in zip(*columns, strict=True):
        sums[a, b] = sums.get((a, b), 0.0) + weight
    return {pair: weight for pair, weight in sums.items() if abs(weight) > 1e-9}


def pairs_of(graph: PhraseGraph) -> Iterable[tuple[int, int, float]]:
    """Synonyms of live phrases: (node, node, cosine), each pair once."""
    return (
        (a, b, weight)
        for a, b, weight in graph.synonyms.pairs()
        if graph.phrase_live(a) and graph.phrase_live(b)
    )
