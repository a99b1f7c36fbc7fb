"""What is put off to consolidation: model reading, vectors of phrases, synonym edges; batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentmem.errors import BudgetSpent, DryRun, LanguageModelError
from agentmem.memory import Artifact, Derived, Memory
from agentmem.runtime import Runtime
from agentmem.stores.hipporag import extract
from agentmem.stores.hipporag.cache import (
    MAKER,
    SYNONYMS,
    TRIPLES,
    UNWRITTEN,
    VECTORS,
    Shape,
    pack,
    state_of,
    triples_artifact,
)
from agentmem.stores.hipporag.columns import hashed
from agentmem.stores.hipporag.graph import PhraseGraph
from agentmem.stores.hipporag.phrases import Triple, wording
from agentmem.stores.hipporag.roles import PassageReader

_BATCH = 200
_LLM_BATCH = 8
_GIVE_UP = 3  # failures in a row: the model is not there, so leave the rest to the next consolidation
_LONG_ENOUGH = 3  # letters and digits a phrase needs to have synonyms, as in the original
_BLOCK_BYTES = 64 << 20  # cosines held at once


@dataclass(slots=True)
class Maintenance:
    """One consolidation of one namespace.

    Attributes:
        runtime: the opened file.
        number: the namespace.
        shape: of the graph.
        facts: whether facts need vectors (version 2).
        degree: at most so many synonyms a phrase.
        reader: a language model's reading, or None.
        unread: memories that the model was to read and did not.
        failures: of the model, in a row.
    """

    runtime: Runtime
    number: int
    shape: Shape
    facts: bool
    degree: int
    reader: PassageReader | None
    unread: int = 0
    failures: int = 0

    def run(self, page: Iterator[Memory]) -> Iterator[Derived]:
        """All that is missing, in batches; each is written before the next is made."""
        yield from self._read(page)
        if self.runtime.embedder is not None:
            if self.runtime.embedder.speed != "fast":
                yield from self._embed()
            yield from self._compare()

    # --- reading passages ----------------------------------------------------------------------------
    def _read(self, page: Iterator[Memory]) -> Iterator[Derived]:
        with self._locked() as graph:
            done = {id: (one.by, one.failed) for id, one in graph.passages() if one.by != UNWRITTEN}
        todo: list[Memory] = []
        for memory in page:
            by, _ = done.get(memory.id, ("", ""))
            if (
                memory.text
                and memory.made_by is None
                and (not by or (self.reader is not None and by == extract.MAKER))
            ):
                todo.append(memory)
        same = self._unchanged([memory for memory in todo if memory.id not in done])
        size = _BATCH if self.reader is None else _LLM_BATCH
        for start in range(0, len(todo), size):
            batch = todo[start : start + size]
            before = self._spent()
            made: list[Artifact] = []
            for memory in batch:
                if memory.id in same:
                    made.append(Artifact(memory.id, TRIPLES, same[memory.id], memory.version, MAKER))
                else:
                    made.extend(self._one(memory, done.get(memory.id)))
            calls, cost = (now - then for now, then in zip(self._spent(), before, strict=True))
            left = len(todo) - start - len(batch) + self.unread
            if made or calls or start + size >= len(todo):
                yield Derived(artifacts=tuple(made), calls=int(calls), cost=cost, left=left)

    def _one(self, memory: Memory, known: tuple[str, str] | None) -> Iterator[Artifact]:
        """What a memory says: by the model, or, where that fails, by rules and marked as failed."""
        failed = ""
        if self.reader is not None and self.failures < _GIVE_UP:
            try:
                read = self.reader.read(memory)
            except LanguageModelError as error:
                failed = str(error) or type(error).__name__
                spent = isinstance(error, (BudgetSpent, DryRun))
                self.failures = _GIVE_UP if isinstance(error, BudgetSpent) else self.failures + (not spent)
            else:
                self.failures = 0
                by = f"model:{getattr(self.reader.asker.model, 'model', '') or 'unnamed'}"
                yield triples_artifact(memory.id, memory.version, read.entities, read.triples, by)
                return
        if self.reader is not None:
            self.unread += 1
        if known is None or (failed and known[1] != failed):
            local = extract.extract(memory)
            yield triples_artifact(
                memory.id, memory.version, local.entities, local.triples, extract.MAKER, failed
            )

    def _spent(self) -> tuple[int, float]:
        if self.reader is None:
            return 0, 0.0
        return self.reader.asker.calls, self.reader.asker.usage.cost or 0.0

    def _unchanged(self, memories: Sequence[Memory]) -> dict[str, object]:
        """What was read from an earlier version with the same text: restored, or changed elsewhere."""
        backend = self.runtime.backend
        found: dict[str, object] = {}
        for start in range(0, len(memories), _BATCH):
            batch = {memory.id: memory for memory in memories[start : start + _BATCH]}
            for old in backend.artifacts(self.number, made_by=MAKER, kind=TRIPLES, sources=list(batch)):
                memory = batch[old.source]
                texts = {one.version: one.text for one in backend.history(self.number, old.source)}
                if texts.get(old.version) == memory.text and old.data.get("by") != extract.MAKER:
                    found[old.source] = old.data
        return found

    # --- vectors -------------------------------------------------------------------------------------
    def _embed(self) -> Iterator[Derived]:
        assert self.runtime.embedder is not None
        with self._locked() as graph:
            work = _without_vectors(graph, self.facts)
        for start in range(0, len(work), _BATCH // 4):
            batch = work[start : start + _BATCH // 4]
            texts = [text for _, phrases, facts in batch for text in (*phrases, *map(wording, facts))]
            rows = self.runtime.embedder.embed(texts)
            made = []
            place = 0
            for id, phrases, facts in batch:
                end = place + len(phrases) + len(facts)
                data = {
                    "embedder": self.shape.fingerprint,
                    "phrases": phrases,
                    "facts": [list(fact) for fact in facts],
                    "rows": pack(rows[place:end]),
                }
                made.append((id, data))
                place = end
            left = len(work) - start - len(batch) + self.unread
            yield Derived(artifacts=self._of(made, VECTORS), left=left)

    # --- synonyms ------------------------------------------------------------------------------------
    def _compare(self) -> Iterator[Derived]:
        assert self.runtime.embedder is not None
        fast = self.runtime.embedder.speed == "fast"
        with self._locked() as graph:
            alive = np.flatnonzero(graph.held_by > 0)
            if not fast:
                alive = alive[graph.phrase_vectors.has(alive)]
            keys = {node: graph.keys[node] for node in alive.tolist()}
            long = [node for node, key in keys.items() if sum(c.isalnum() for c in key) >= _LONG_ENOUGH]
            ids = np.array(long, np.int64)
            rows = np.empty((0, 0), np.float32) if fast or not len(ids) else graph.phrase_vectors.of(ids)
            todo: dict[int, tuple[str, int]] = {}
            for id, passage in graph.passages():
                for node in passage.phrases.tolist():
                    if node not in todo and not graph.synonyms.searched(node):
                        todo[node] = id, passage.node
            before = {}
            for id, passage_node in dict.fromkeys(todo.values()):
                nodes_searched, found = graph.synonyms.brought(passage_node)
                told = [(graph.keys[a], other, cosine) for a, other, cosine in found]
                before[id] = [graph.keys[node] for node in nodes_searched], told
            keys |= {node: graph.keys[node] for node in todo if node not in keys}
        if fast and todo:  # outside the lock: nobody waits for it
            rows = self.runtime.embedder.embed([keys[node] for node in ids.tolist()])
        place = {node: i for i, node in enumerate(ids.tolist())}
        by_passage: dict[str, list[int]] = {}
        for node, (id, _) in todo.items():
            by_passage.setdefault(id, []).append(node)
        names = list(by_passage)
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            nodes = [node for id in batch for node in by_passage[id] if node in place]
            likes = nearest(rows, [place[node] for node in nodes], self.shape.synonymy, self.degree)
            pairs = {
                node: [(hashed(keys[int(ids[other])]), cosine) for other, cosine in found]
                for node, found in zip(nodes, likes, strict=True)
            }
            made = []
            for id in batch:
                searched, known = before[id]
                new = [(keys[n], h, round(c, 4)) for n in by_passage[id] for h, c in pairs.get(n, ())]
                data = {
                    "embedder": self.shape.fingerprint,
                    "least": self.shape.synonymy,
                    "searched": [*searched, *(keys[node] for node in by_passage[id])],
                    "pairs": [list(pair) for pair in (*known, *new)],
                }
                made.append((id, data))
            yield Derived(
                artifacts=self._of(made, SYNONYMS), left=len(names) - start - len(batch) + self.unread
            )

    # --- inside --------------------------------------------------------------------------------------
    def _of(self, made: Sequence[tuple[str, dict[str, object]]], kind: str) -> tuple[Artifact, ...]:
        """Artifacts of memories as they are now; what went meanwhile is left out."""
        live = self.runtime.backend.get(self.number, [id for id, _ in made])
        return tuple(
            Artifact(id, kind, data, live[id].memory.version, MAKER) for id, data in made if id in live
        )

    def _locked(self) -> AbstractContextManager[PhraseGraph]:
        return _Held(self.runtime, self.number, self.shape)


class _Held:
    """The graph up to the log, its space's lock held."""

    def __init__(self, runtime: Runtime, number: int, shape: Shape) -> None:
        self._space = runtime.space(number)
        self._runtime, self._number, self._shape = runtime, number, shape

    def __enter__(self) -> PhraseGraph:
        self._space.lock.acquire()
        try:
            state = state_of(self._runtime, self._number, self._shape)
            return state.sync(self._space, self._runtime.backend, self._runtime.spaces.snapshots)
        except BaseException:
            self._space.lock.release()
            raise

    def __exit__(self, *error: object) -> None:
        self._space.lock.release()


def nearest(
    rows: NDArray[np.float32], places: Sequence[int], least: float, degree: int
) -> list[list[tuple[int, float]]]:
    """For some rows the others with a cosine of at least ``least``, best first, at most ``degree``."""
    result: list[list[tuple[int, float]]] = []
    step = max(16, _BLOCK_BYTES // (4 * max(len(rows), 1)))
    for start in range(0, len(places), step):
        block = np.asarray(places[start : start + step])
        scores = rows[block] @ rows.T
        scores[np.arange(len(block)), block] = -1.0
        for line in scores:
            found = np.flatnonzero(line >= least)
            if len(found) > degree:
                found = found[np.argpartition(line[found], -degree)[-degree:]]
            order = found[np.argsort(-line[found], kind="stable")]
            result.append([(int(i), min(float(line[i]), 1.0)) for i in order])
    return result


def _without_vectors(graph: PhraseGraph, facts: bool) -> list[tuple[str, list[str], list[Triple]]]:
    """(memory, phrases, facts) to embed: each with the first passage that says it.

    Where that passage has vectors already, all of its are made anew, because they are one artifact.
    """
    seen: set[int] = set()
    said: set[int] = set()
    work = []
    for id, passage in graph.passages():
        nodes, numbers = passage.phrases.astype(np.int64), passage.facts.astype(np.int64)
        if not facts:
            numbers = numbers[:0]
        new = [n for n in nodes[~graph.phrase_vectors.has(nodes)].tolist() if n not in seen]
        told = [f for f in numbers[~graph.fact_vectors.has(numbers)].tolist() if f not in said]
        if new or told:
            if passage.embedded:
                new, told = nodes.tolist(), numbers.tolist()
            seen.update(new)
            said.update(told)
            work.append((id, [graph.keys[n] for n in new], [graph.fact(f) for f in told]))
    return work
