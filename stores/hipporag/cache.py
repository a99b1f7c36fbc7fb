"""The graphs of an opened file, one a namespace, kept in step with the change log.

What was read from a memory is an artifact of it (maker ``hipporag``), written once and shared by every
setting of the store:

- ``triples``: ``{"by", "entities", "triples"}``, with ``"failed"`` where a model was asked in vain;
- ``vectors``: phrases and facts with their vectors, int8, for embedders that are not fast;
- ``synonyms``: which of its phrases were compared with all others, and the pairs found. The other phrase
  stands there as a hash, so that erasing a memory leaves no word of it with another.

The graph is a cache: lost without loss, brought up to the log by what was written since.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.index.space import Space
from agentmem.language.text import length
from agentmem.memory import Artifact, Json
from agentmem.runtime import Runtime
from agentmem.stores.hipporag import extract
from agentmem.stores.hipporag.graph import PhraseGraph
from agentmem.stores.hipporag.phrases import checked, process, wording

MAKER = "hipporag"
TRIPLES, VECTORS, SYNONYMS = "triples", "vectors", "synonyms"
UNWRITTEN = ""
"""Who read a passage that has no artifact yet: rules, when the graph was made."""
_AT_ONCE = 1_000  # more memories than this wait for consolidation
_EMBEDDED = 10_000  # texts embedded at once
_ORDER = {TRIPLES: 0, VECTORS: 1, SYNONYMS: 2}


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a store's options decides how its graph looks.

    Attributes:
        contains: passages are nodes of the walk (version 2).
        entities: entities that are in no triple become nodes too.
        synonymy: least cosine of a synonym edge.
        fingerprint: the embedder's; vectors and synonyms of another one are not read.
    """

    contains: bool
    entities: bool
    synonymy: float
    fingerprint: str


@dataclass(slots=True)
class State:
    """A graph and how far it has read. Use it while holding the space's lock."""

    shape: Shape
    graph: PhraseGraph
    space: Space | None = None
    stamp: tuple[int, ...] = ()
    generation: int = -1
    mark: Any = None
    waiting: dict[tuple[str, str], Artifact] = field(default_factory=dict)

    def sync(self, space: Space, backend: Backend) -> PhraseGraph:
        """The graph, up to what the space has read."""
        stamp = (space.generation, space.changed, space.links_changed)
        if self.space is space and stamp == self.stamp and not self.waiting:
            return self.graph
        if self.space is not space or self.generation != space.generation:
            self.graph = PhraseGraph(contains=self.shape.contains)
            self.space, self.generation, self.mark = space, space.generation, None
            self.waiting = {}
        places = np.flatnonzero(self.graph.docs >= 0)
        dead = places[~space.live[self.graph.docs[places]]]
        gone = [self.graph.labels[node] for node in dead.tolist()]
        for id in gone:
            self.graph.remove(id)
        self.mark, found = backend.artifacts_since(space.ns, self.mark, made_by=MAKER)
        again = [id for id in gone if space.doc_of(id) >= 0]
        if again:  # a new version, whose artifacts may have been read while the old one stood here
            live = backend.get(space.ns, again)
            old = backend.artifacts(space.ns, made_by=MAKER, sources=again)
            found += [a for a in old if a.source in live and live[a.source].memory.version == a.version]
        fresh = {(one.source, one.kind): one for one in (*self.waiting.values(), *found)}
        self.waiting = {}
        for one in sorted(fresh.values(), key=lambda one: _ORDER.get(one.kind, 9)):
            doc = space.doc_of(one.source)
            if doc < 0:  # written after the space was read: with the next
                self.waiting[one.source, one.kind] = one
            else:
                self._read(one, doc)
        self._read_by_rules(space, backend)
        self.stamp = stamp
        return self.graph

    def _read_by_rules(self, space: Space, backend: Backend) -> None:
        """Read what has no artifact yet (a new version, a restored memory) where that is soon done."""
        missing = space.live & (length(space.flags) > 0) & (space.made_by < 0)
        held = self.graph.docs
        missing[held[held >= 0]] = False
        docs = np.flatnonzero(missing)
        if not len(docs) or len(docs) > _AT_ONCE:
            return
        memories = backend.memories_by_row(space.rows[docs].tolist())
        for doc in docs.tolist():
            memory = memories.get(int(space.rows[doc]))
            if memory is not None:
                facts = process(extract.extract(memory), self.shape.entities)
                self.graph.add(memory.id, doc, facts, by=UNWRITTEN)

    def _read(self, one: Artifact, doc: int) -> None:
        data = one.data if isinstance(one.data, Mapping) else {}
        if one.kind == TRIPLES:
            extraction = checked(data.get("entities", ()), data.get("triples", ()))
            facts = process(extraction, self.shape.entities)
            self.graph.add(one.source, doc, facts, by=str(data.get("by")), failed=str(data.get("failed", "")))
        elif data.get("embedder") != self.shape.fingerprint or one.source not in self.graph.passages:
            return
        elif one.kind == VECTORS:
            self.graph.passages[one.source].embedded = True
            self._read_vectors(data)
        elif one.kind == SYNONYMS:
            pairs = [(str(a), int(b), float(c)) for a, b, c in data["pairs"] if c >= self.shape.synonymy]
            held = set(self.graph.passages[one.source].phrases.tolist())
            mine = [key for key in data["searched"] if self.graph.node_of.get(key) in held]
            if data.get("least", 1.0) <= self.shape.synonymy:
                self.graph.set_synonyms(one.source, mine, [pair for pair in pairs if pair[0] in set(mine)])

    def _read_vectors(self, data: Mapping[str, Any]) -> None:
        rows = unpack(data["rows"])
        keys, facts = list(data["phrases"]), [(f[0], f[1], f[2]) for f in data["facts"]]
        known = [i for i, key in enumerate(keys) if key in self.graph.node_of]
        self.graph.phrase_vectors.add([self.graph.node_of[keys[i]] for i in known], rows[known])
        numbers = self.graph.fact_numbers
        said = [i for i, fact in enumerate(facts) if fact in numbers]
        self.graph.fact_vectors.add([numbers[facts[i]] for i in said], rows[[len(keys) + i for i in said]])


_states: WeakKeyDictionary[Runtime, dict[tuple[int, Shape], State]] = WeakKeyDictionary()
_guard = threading.Lock()


def state_of(runtime: Runtime, number: int, shape: Shape) -> State:
    """The state of a namespace's graph, made if there is none yet."""
    with _guard:
        states = _states.setdefault(runtime, {})
        found = states.get((number, shape))
        if found is None:
            found = states[number, shape] = State(shape, PhraseGraph(contains=shape.contains))
        return found


def embed_missing(graph: PhraseGraph, runtime: Runtime, *, facts: bool) -> None:
    """Vectors of all phrases (and facts) that have none yet; for fast embedders only."""
    embedder = runtime.embedder
    if embedder is None or embedder.speed != "fast":
        return
    while graph.new_phrases:
        batch = graph.new_phrases[-_EMBEDDED:]
        graph.phrase_vectors.add(batch, embedder.embed([graph.keys[node] for node in batch]))
        del graph.new_phrases[-len(batch) :]
    while facts and graph.new_facts:
        batch = graph.new_facts[-_EMBEDDED:]
        graph.fact_vectors.add(batch, embedder.embed([wording(graph.facts[f]) for f in batch]))
        del graph.new_facts[-len(batch) :]


def pack(rows: NDArray[np.float32]) -> Json:
    """Unit rows as base64 of int8, each scaled to its largest value."""
    largest = np.abs(rows).max(axis=1, keepdims=True) if rows.size else np.ones((len(rows), 1))
    whole = np.round(rows / np.where(largest > 0, largest, 1.0) * 127).astype(np.int8)
    return {"dim": int(rows.shape[1]), "int8": base64.b64encode(whole.tobytes()).decode()}


def unpack(data: Json) -> NDArray[np.float32]:
    """The inverse of :func:`pack`, rows of length one (or zero)."""
    whole = np.frombuffer(base64.b64decode(data["int8"]), np.int8).reshape(-1, int(data["dim"]))
    rows = whole.astype(np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0), np.float32)


def triples_artifact(
    source: str,
    version: int,
    entities: Sequence[str],
    triples: Sequence[Sequence[str]],
    by: str,
    failed: str = "",
) -> Artifact:
    """What was read from a memory."""
    data: dict[str, Json] = {"by": by, "entities": list(entities), "triples": [list(t) for t in triples]}
    if failed:
        data["failed"] = failed
    return Artifact(source, TRIPLES, data, version, MAKER)
