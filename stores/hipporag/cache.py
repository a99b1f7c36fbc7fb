"""The graphs of an opened file, one a namespace, kept in step with the change log.

What was read from a memory is an artifact of it (maker ``hipporag``), written once and shared by every
setting of the store:

- ``triples``: ``{"by", "entities", "triples"}``, with ``"failed"`` where a model was asked in vain;
- ``vectors``: phrases and facts with their vectors, int8, for embedders that are not fast;
- ``synonyms``: which of its phrases were compared with all others, and the pairs found. The other phrase
  stands there as a hash, so that erasing a memory leaves no word of it with another.

The graph is a cache: lost without loss, brought up to the log by what was written since. A large one is kept
in the folder of snapshots beside the file (:mod:`agentmem.index.snapshot`), which an erasure empties.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.index.snapshot import Snapshots
from agentmem.index.space import Space
from agentmem.language.text import length
from agentmem.memory import Artifact, Json
from agentmem.runtime import Runtime
from agentmem.stores.hipporag import extract
from agentmem.stores.hipporag.columns import Table, hashed, in_bytes
from agentmem.stores.hipporag.graph import PhraseGraph
from agentmem.stores.hipporag.phrases import checked, process, wording

MAKER = "hipporag"
TRIPLES, VECTORS, SYNONYMS = "triples", "vectors", "synonyms"
UNWRITTEN = ""
"""Who read a passage that has no artifact yet: rules, when the graph was made."""
_AT_ONCE = 1_000  # more memories than this wait for consolidation
_EMBEDDED = 10_000  # texts embedded at once
_CHANGED = 0.02  # the share of passages that must have changed before a snapshot is written again
FORMAT = 1
"""Of a graph in a snapshot; counted up when its arrays mean something else."""
_ORDER = {TRIPLES: 0, VECTORS: 1, SYNONYMS: 2}


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a store's options decides how its graph looks.

    Attributes:
        contains: passages are nodes of the walk (version 2).
        entities: entities that are in no triple become nodes too.
        synonymy: least cosine of a synonym edge.
        doubled: facts and synonyms count twice in the walk.
        keep: all vectors are held, because all are compared or they are not soon made again.
        fingerprint: the embedder's; vectors and synonyms of another one are not read.
    """

    contains: bool
    entities: bool
    synonymy: float
    doubled: bool
    keep: bool
    fingerprint: str

    def empty(self) -> PhraseGraph:
        """A graph of this shape that holds nothing."""
        return PhraseGraph(contains=self.contains, doubled=2.0 if self.doubled else 1.0, keep=self.keep)


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

    def sync(self, space: Space, backend: Backend, snapshots: Snapshots | None = None) -> PhraseGraph:
        """The graph, up to what the space has read.

        Args:
            space: whose lock the caller holds.
            backend: where artifacts are.
            snapshots: where a graph may lie that a process before this one made.
        """
        stamp = (space.generation, space.changed, space.links_changed)
        if self.space is space and stamp == self.stamp and not self.waiting:
            return self.graph
        gone: list[str] = []
        if self.space is not space or self.generation != space.generation:
            self.graph = self.shape.empty()
            self.space, self.generation, self.mark = space, space.generation, None
            self.waiting = {}
            space.companions["hipporag", self.shape] = self
            if snapshots is not None:
                gone = self._load(space, backend, snapshots)
        held = np.flatnonzero(self.graph.node_of_doc >= 0)
        dead = self.graph.node_of_doc[held[~space.live[held]]]
        gone += [self.graph.labels[node] for node in dead.tolist()]
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
                self._read(one, doc, int(space.rows[doc]))
        self._read_by_rules(space, backend)
        self.stamp = stamp
        return self.graph

    # --- snapshots -----------------------------------------------------------------------------------
    def save(self, snapshots: Snapshots, space: Space, *, force: bool) -> bool:
        """See :class:`agentmem.index.layout.Companion`."""
        graph = self.graph
        small = graph.live < snapshots.min_documents or snapshots.readonly
        if self.space is not space or self.generation != space.generation or small:
            return False
        if graph.unsaved <= (0 if force else _CHANGED * graph.live):
            return False
        header = {"mark": self.mark, "cursor": space.cursor}
        if json.loads(json.dumps(header)) != header:
            return False
        arrays, names = graph.to_arrays()
        if not snapshots.put(self._name(space), arrays, {**header, "graph": names}):
            return False
        graph.unsaved = 0
        return True

    def _name(self, space: Space) -> str:
        kind = hashed(repr(self.shape), str(_ORDER), extract.MAKER) & 0xFFFFFFFF
        return f"graph{FORMAT}.{kind:08x}-{space.ns}"

    def _load(self, space: Space, backend: Backend, snapshots: Snapshots) -> list[str]:
        """Take the graph from a snapshot; returns what has gone or changed since it was made."""
        if space.ns < 0 or space.n_live < snapshots.min_documents:
            return []
        found = snapshots.take(self._name(space))
        if found is None:
            return []
        arrays, header = found
        if backend.changes(space.ns, header["cursor"]).rebuild:  # something was erased or undone since
            return []
        try:
            self.graph.restore(arrays, header["graph"])
        except (KeyError, TypeError, ValueError, IndexError):  # of another version: made anew
            self.graph = self.shape.empty()
            return []
        graph = self.graph
        nodes = np.flatnonzero(graph.docs >= 0)
        ids = [graph.labels[node] for node in nodes.tolist()]
        docs = space.docs_of(ids)
        same = (docs >= 0) & (space.rows[docs] == graph.rows[nodes])
        graph.renumber(nodes, np.where(same, docs, -1))
        self.mark = header["mark"]
        return [ids[i] for i in np.flatnonzero(~same).tolist()]

    # --- reading -------------------------------------------------------------------------------------
    def _read_by_rules(self, space: Space, backend: Backend) -> None:
        """Read what has no artifact yet (a new version, a restored memory) where that is soon done."""
        missing = space.live & (length(space.flags) > 0) & (space.made_by < 0)
        held = self.graph.node_of_doc[: space.n]
        missing[: len(held)] &= held < 0
        docs = np.flatnonzero(missing)
        if not len(docs) or len(docs) > _AT_ONCE:
            return
        memories = backend.memories_by_row(space.rows[docs].tolist())
        for doc in docs.tolist():
            row = int(space.rows[doc])
            memory = memories.get(row)
            if memory is not None:
                facts = process(extract.extract(memory), self.shape.entities)
                self.graph.add(memory.id, doc, row, facts, by=UNWRITTEN)

    def _read(self, one: Artifact, doc: int, row: int) -> None:
        data = one.data if isinstance(one.data, Mapping) else {}
        if one.kind == TRIPLES:
            extraction = checked(data.get("entities", ()), data.get("triples", ()))
            facts = process(extraction, self.shape.entities)
            by, failed = str(data.get("by")), str(data.get("failed", ""))
            self.graph.add(one.source, doc, row, facts, by=by, failed=failed)
            return
        passage = self.graph.passage(one.source)
        if passage is None or data.get("embedder") != self.shape.fingerprint:
            return
        if one.kind == VECTORS:
            self.graph.mark_embedded(passage.node)
            self._read_vectors(data)
        elif one.kind == SYNONYMS and data.get("least", 1.0) <= self.shape.synonymy:
            pairs = [(str(a), int(b), float(c)) for a, b, c in data["pairs"] if c >= self.shape.synonymy]
            held = set(passage.phrases.tolist())
            mine = [key for key in data["searched"] if self.graph.node(key) in held]
            inside = set(mine)
            self.graph.set_synonyms(one.source, mine, [pair for pair in pairs if pair[0] in inside])

    def _read_vectors(self, data: Mapping[str, Any]) -> None:
        rows, graph = unpack(data["rows"]), self.graph
        phrases = np.array([graph.node(key) for key in data["phrases"]], np.int64)
        facts = np.array([graph.number((f[0], f[1], f[2])) for f in data["facts"]], np.int64)
        known, said = np.flatnonzero(phrases >= 0), np.flatnonzero(facts >= 0)
        graph.phrase_vectors.add(phrases[known], rows[known])
        graph.fact_vectors.add(facts[said], rows[len(phrases) + said])


_states: WeakKeyDictionary[Runtime, dict[tuple[int, Shape], State]] = WeakKeyDictionary()
_guard = threading.Lock()


def state_of(runtime: Runtime, number: int, shape: Shape) -> State:
    """The state of a namespace's graph, made if there is none yet."""
    with _guard:
        states = _states.setdefault(runtime, {})
        found = states.get((number, shape))
        if found is None:
            found = states[number, shape] = State(shape, shape.empty())
        return found


def embed_phrases(graph: PhraseGraph, runtime: Runtime, nodes: NDArray[np.int64]) -> None:
    """Vectors of these phrases, where they have none yet and the embedder is fast."""
    _embed(graph.phrase_vectors, runtime, nodes, lambda node: graph.keys[node])


def embed_facts(graph: PhraseGraph, runtime: Runtime, numbers: NDArray[np.int64]) -> None:
    """Vectors of these facts, where they have none yet and the embedder is fast."""
    _embed(graph.fact_vectors, runtime, numbers, lambda number: wording(graph.fact(number)))


def _embed(table: Table, runtime: Runtime, numbers: NDArray[np.int64], text: Callable[[int], str]) -> None:
    embedder = runtime.embedder
    if embedder is None or embedder.speed != "fast":
        return
    missing = numbers[~table.has(numbers)]
    if table.most is not None and len(table) + len(missing) > table.most:
        missing = numbers  # the table forgets the rest
    for start in range(0, len(missing), _EMBEDDED):
        batch = missing[start : start + _EMBEDDED]
        table.add(batch, embedder.embed([text(number) for number in batch.tolist()]))


def pack(rows: NDArray[np.float32]) -> Json:
    """Unit rows as base64 of int8, each scaled to its largest value."""
    whole = in_bytes(rows)
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
