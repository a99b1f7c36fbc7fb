"""PageRank as a step of recall: :class:`PageRank` stands in ``Recipe.spread``."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_micros
from agentmem.index.base import Probe
from agentmem.index.lexical import top
from agentmem.index.space import Space
from agentmem.recall.query import Question, parse
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms, query_terms
from agentmem.runtime import Runtime
from agentmem.stores.hipporag import linking, walk
from agentmem.stores.hipporag.cache import Shape, embed_facts, embed_phrases, state_of
from agentmem.stores.hipporag.extract import question_entities
from agentmem.stores.hipporag.graph import PhraseGraph
from agentmem.stores.hipporag.linking import Floats, Linked, Settings, Trace
from agentmem.stores.hipporag.phrases import Triple
from agentmem.stores.hipporag.walk import Walked

SIGNAL = "pagerank"
_EXPLAINED = 20
_REMEMBERED = 256
_COMPARED = 5_000  # facts that are all compared with a question
_PLAIN = Recipe()

Docs = NDArray[np.int64]
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Noted:
    """What a language model said about a question before it was searched.

    Attributes:
        names: the question's entities, or None when it was not asked for them.
        kept: the facts it chose, or None when it was not asked, or in vain.
        failed: why it gave nothing, or "".
    """

    names: tuple[str, ...] | None = None
    kept: frozenset[Triple] | None = None
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """What the best passage gets from the walk, beside words and vectors.

    Attributes:
        passages: where triples were read by rules.
        turns: the same, in a session.
        read: where they are a model's, or came ready; between the two by their share of all passages.
    """

    passages: float
    turns: float
    read: float


class PageRank:
    """Link the question, walk, and lift each passage by ``weight`` times its min-max normalised score.

    Args:
        runtime: the opened file.
        shape: of the graphs.
        settings: of the walk.
        weight: what the best passage gets.
        alone: whether nothing else ranks; then the papers' fall-backs rank where nothing was linked.
    """

    def __init__(
        self, runtime: Runtime, shape: Shape, settings: Settings, weight: Weight, *, alone: bool
    ) -> None:
        self._runtime = runtime
        self._shape = shape
        self._settings = settings
        self._weight = weight
        self._alone = alone
        self._noted: OrderedDict[str, Noted] = OrderedDict()
        self._lock = threading.Lock()
        self._last = threading.local()

    def fingerprint(self) -> str:
        """See :class:`agentmem.recall.spread.Spread`."""
        return f"pagerank {self._weight} {self._settings} {self._shape}"

    def propose(self, space: Space, question: Question, allowed: NDArray[np.bool_], wanted: int) -> Docs:
        """The documents of a large namespace that the walk ranks highest."""
        walked = self._walk(space, question, None) if self._heard(space) else None
        if walked is None or not self._speaks(walked):
            return np.empty(0, np.int64)
        kept = allowed[walked.docs] & (walked.scores > 0)
        docs, scores = walked.docs[kept], walked.scores[kept]
        if len(docs) <= wanted:
            return docs
        return docs[np.argpartition(scores, -wanted)[-wanted:]]

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """See :class:`agentmem.recall.spread.Spread`."""
        pools = [pool for pool in pools if self._heard(pool.space)]
        walks = [self._walk(pool.space, question, pool.vector) for pool in pools]
        self._last.walks = {}
        everything = np.concatenate([one.scores for one in walks if self._speaks(one)] or [np.empty(0)])
        if not len(everything):
            return
        low, high = float(everything.min()), float(everything.max())
        if high <= low:
            return
        for pool, walked in zip(pools, walks, strict=True):
            if not self._speaks(walked):
                continue
            values = np.zeros(pool.space.n)
            values[walked.docs] = (walked.scores - low) / (high - low)
            passages, turns = self._weighed(pool.space)
            weights = np.where(pool.space.session[pool.docs] < 0, passages, turns)
            pool.add(SIGNAL, weights * values[pool.docs])
            if len(walked.mass):
                self._explain(pool, walked, values)

    def trace(self, space: Space, question: Question) -> Trace:
        """How a question is linked."""
        return self._compute(space, question).trace

    def _weighed(self, space: Space) -> tuple[float, float]:
        """What the walk weighs for a passage and for a turn: much where a model read the triples.

        Rules read a turn as "speaker, said, word": a walk over that only spreads what is said often.
        """
        one = self._weight
        if self._alone:
            return one.passages, one.passages
        graph = self._graph(space)
        trust = graph.by_model / max(graph.live, 1)
        passages, turns = ((1.0 - trust) * rules for rules in (one.passages, one.turns))
        return passages + trust * one.read, turns + trust * one.read

    def _heard(self, space: Space) -> bool:
        """Whether a walk can change the ranking of a space."""
        passages, turns = self._weighed(space)
        return bool(turns or (passages and (space.session < 0).any()))

    # --- what a model said ---------------------------------------------------------------------------
    def note(self, question: str, noted: Noted) -> None:
        """Remember what a language model said about a question."""
        with self._lock:
            self._noted[question] = noted
            self._noted.move_to_end(question)
            while len(self._noted) > _REMEMBERED:
                self._noted.popitem(last=False)

    def candidates(self, space: Space, question: str) -> list[Triple]:
        """The facts that a recognition filter is asked about."""
        graph = self._graph(space)
        vectors = self._vectors([question])
        found = self._facts(graph, question, None if vectors is None else vectors[0], space)
        return [graph.fact(number) for number, _, _ in found]

    # --- inside --------------------------------------------------------------------------------------
    def _walk(self, space: Space, question: Question, vector: Vector | None) -> Walked:
        """The walk of a question; of one search it is done once for each space."""
        walks: dict[int, tuple[Space, Question, Walked]] = getattr(self._last, "walks", {})
        self._last.walks = walks
        found = walks.get(id(space))
        if found is None or found[0] is not space or found[1] is not question:
            found = walks[id(space)] = (space, question, self._compute(space, question, vector))
        return found[2]

    def _speaks(self, walked: Walked) -> bool:
        """Whether a walk says anything that words and vectors do not."""
        return self._alone or walked.trace.stage in ("facts", "entities")

    def _graph(self, space: Space) -> PhraseGraph:
        if space.ns < 0:  # versions known at another time: no graph was kept of them
            return self._shape.empty()
        state = state_of(self._runtime, space.ns, self._shape)
        return state.sync(space, self._runtime.backend, self._runtime.spaces.snapshots)

    def _probe(self, space: Space, vector: Vector) -> Probe:
        """The passages nearest by vectors, as many as anything here asks for; one scan for a question."""
        known: tuple[Space, Vector, int, Probe] | None = getattr(self._last, "probe", None)
        if known is None or known[0] is not space or known[1] is not vector or known[2] != space.changed:
            assert space.vectors is not None
            most = max(self._settings.near or 1, self._settings.passage_seeds or 1)
            known = self._last.probe = (space, vector, space.changed, space.vectors.probe(vector, most, None))
        return known[3]

    def _near(self, graph: PhraseGraph, space: Space, question: str, vector: Vector | None) -> Docs | None:
        """The documents nearest to a question by vectors, and by words; None: all are compared.

        Facts are compared with the question only where they may bear on it, so that a question costs the
        same at any size. On 9,003 passages the five best facts of all were among those of the 25 nearest
        by either way in 94 of 100 cases.
        """
        near = self._settings.near
        if near is None or graph.facts <= _COMPARED:
            return None
        words = parse(question, self._runtime.clock()).words
        terms = query_terms(words, [space], _PLAIN, self._runtime.backend.term_ids)
        found = top(space.lexical.score(terms.terms, space.n), near, space.live)
        if space.vectors is not None and vector is not None and len(space.vectors) and vector.any():
            found = np.union1d(found, self._probe(space, vector).docs[:near])
        return np.asarray(found, np.int64)

    def _facts(
        self, graph: PhraseGraph, question: str, vector: Vector | None, space: Space, past: Sequence[int] = ()
    ) -> list[tuple[int, float, float]]:
        """The best facts for a question."""
        docs = self._near(graph, space, question, vector)
        every = np.arange(graph.facts) if docs is None else graph.facts_of(docs)
        embed_facts(graph, self._runtime, every)
        return linking.nearest_facts(graph, vector, self._settings.facts, past, every)

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        return self._runtime.embed_questions(list(texts)) if texts else None

    def _compute(self, space: Space, question: Question, vector: Vector | None = None) -> Walked:
        graph = self._graph(space)
        with self._lock:
            noted = self._noted.get(question.text, Noted())
        if self._settings.version == 1:
            linked = self._entities(graph, space, question, noted)
            walked = walk.version1(graph, linked, self._settings)
            return self._ensemble(space, question, walked)
        if vector is None and (vectors := self._vectors([question.text])) is not None:
            vector = vectors[0]
        past = _past(graph, space, question.at)
        found = self._facts(graph, question.text, vector, space, past)
        if found:
            kept = self._kept(graph, question.text, found, noted)
            linked = linking.by_facts(graph, found, kept, self._settings)
        else:
            linked = self._entities(graph, space, question, noted, vector)
        linked = replace(linked, trace=replace(linked.trace, failed=noted.failed))
        docs, dense = self._dense(space, vector)
        return walk.version2(graph, linked, docs, dense, self._settings)

    def _kept(
        self, graph: PhraseGraph, question: str, found: Sequence[tuple[int, float, float]], noted: Noted
    ) -> list[int]:
        if noted.kept is not None:
            return [i for i, (number, _, _) in enumerate(found) if graph.fact(number) in noted.kept]
        if self._settings.recognition == "none" or noted.failed:
            return list(range(len(found)))
        return linking.recognise(graph, question, found, self._settings.recognition_from)

    def _entities(
        self,
        graph: PhraseGraph,
        space: Space,
        question: Question,
        noted: Noted,
        vector: Vector | None = None,
    ) -> Linked:
        names = list(question_entities(question.text) if noted.names is None else noted.names)
        if not names or not graph.n:
            return linking.by_entities(graph, [], None, self._settings)
        vectors = self._vectors([question.text, *names])
        among = None
        if vectors is not None:
            docs = self._near(graph, space, question.text, vectors[0] if vector is None else vector)
            among = np.flatnonzero(graph.held_by > 0) if docs is None else graph.phrases_of(docs)
            embed_phrases(graph, self._runtime, among)
            vectors = vectors[1:]
        linked = linking.by_entities(graph, names, vectors, self._settings, among)
        return replace(linked, trace=replace(linked.trace, failed=noted.failed))

    def _dense(self, space: Space, vector: Vector | None) -> tuple[Docs, Floats]:
        """Documents with their dense scores in [0, 1].

        All, min-max normalised, as the paper has it; or the strongest, (cosine - mean) / (best - mean),
        which does not depend on the worst passage of the store.
        """
        if space.vectors is None or vector is None or not len(space.vectors) or not vector.any():
            return np.empty(0, np.int64), np.empty(0)
        if self._settings.passage_seeds is None:
            docs = np.flatnonzero(space.live)
            cosines = space.vectors.scores(vector, docs).astype(np.float64)
            known = ~np.isnan(cosines)
            return docs[known], walk.minmax(cosines[known])
        probe = self._probe(space, vector)
        docs = probe.docs[: self._settings.passage_seeds]
        cosines = probe.scores[: len(docs)].astype(np.float64)
        span = float(cosines.max(initial=0.0)) - probe.mean
        if span <= 0:
            return docs, np.ones(len(cosines))
        return docs, np.maximum(cosines - probe.mean, 0.0) / span

    def _ensemble(self, space: Space, question: Question, walked: Walked) -> Walked:
        """Version 1's uncertainty: with a doubtful link, the mean with the dense scores (appendix)."""
        least = self._settings.ensemble
        if least is None or not any(cosine < least for _, _, cosine in walked.trace.entities):
            return walked
        vectors = self._vectors([question.text])
        docs, dense = self._dense(space, None if vectors is None else vectors[0])
        if not len(docs):
            return walked
        together = np.zeros(space.n)
        together[walked.docs] += walk.minmax(walked.scores) / 2
        together[docs] += dense / 2
        every = np.union1d(docs, walked.docs)
        return replace(walked, docs=every, scores=together[every])

    def _explain(self, pool: Pool, walked: Walked, values: Floats) -> None:
        """By which phrase each of the best passages was reached."""
        graph = self._graph(pool.space)
        places = np.flatnonzero(values[pool.docs] > 0)
        if len(places) > _EXPLAINED:
            order = np.argpartition(values[pool.docs[places]], -_EXPLAINED)[-_EXPLAINED:]
            places = places[order]
        for doc in pool.docs[places].tolist():
            node = int(graph.node_of_doc[doc]) if doc < len(graph.node_of_doc) else -1
            if node < 0 or doc in pool.via:
                continue
            passage = graph.passage_at(node)
            if len(passage.phrases):
                best = int(passage.phrases[walked.mass[passage.phrases].argmax()])
                if walked.mass[best] > 0:
                    pool.via[doc] = ((graph.labels[best], "phrase", round(float(walked.mass[best]), 6)),)


def _past(graph: PhraseGraph, space: Space, at: datetime) -> list[int]:
    """Facts that only passages say which do not hold at a time."""
    moment = to_micros(at)
    docs = np.flatnonzero(space.live & ((space.valid_from > moment) | (space.valid_until <= moment)))
    counts: dict[int, int] = {}
    for node in graph.node_of_doc[docs[docs < len(graph.node_of_doc)]].tolist():
        for fact in graph.passage_at(node).facts.tolist() if node >= 0 else ():
            counts[fact] = counts.get(fact, 0) + 1
    return [fact for fact, count in counts.items() if count >= graph.fact_count[fact]]
