"""From a question to the seeds of the walk: entities (version 1), facts (version 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from agentmem.index.vectors import top
from agentmem.language.text import analyse
from agentmem.stores.hipporag.graph import PhraseGraph
from agentmem.stores.hipporag.phrases import Triple, phrase, wording

Floats = NDArray[np.float64]
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of the walk; see :class:`agentmem.stores.hipporag.HippoRAGStore` for their meaning."""

    version: int
    damping: float
    specificity: bool
    ensemble: float | None
    facts: int
    seeds: int
    passage_weight: float
    passage_seeds: int | None
    link_from: float
    dense_share: float | None
    recognition: str
    recognition_from: float
    exact: bool
    near: int | None


@dataclass(frozen=True, slots=True)
class Trace:
    """How a question was led to its ranking.

    Attributes:
        stage: what ranked: ``"facts"``, ``"entities"``, ``"uniform"`` (version 1 without an entity, as the
            original has it), ``"dense"`` (nothing was linked) or ``"none"`` (no graph, no vectors).
        entities: names read from the question, each with the phrase it was linked to and the cosine.
        facts: the best facts with their cosines; ``kept`` those that the filter let through.
        seeds: phrase -> weight in the reset vector, before it is normalised.
        failed: why a model that was asked gave nothing, or "".
    """

    stage: str
    entities: tuple[tuple[str, str, float], ...] = ()
    facts: tuple[tuple[Triple, float], ...] = ()
    kept: tuple[Triple, ...] = ()
    seeds: tuple[tuple[str, float], ...] = ()
    failed: str = ""


@dataclass(frozen=True, slots=True)
class Linked:
    """Seeds, and the trace.

    Attributes:
        nodes: int64, phrases; none when nothing was linked.
        weights: float64, of each, above zero.
        trace: what happened.
    """

    nodes: NDArray[np.int64]
    weights: Floats
    trace: Trace = field(default_factory=lambda: Trace("none"))

    @property
    def any(self) -> bool:
        """Whether something was linked."""
        return bool(len(self.nodes))

    @classmethod
    def of(cls, graph: PhraseGraph, weights: Mapping[int, float], trace: Trace) -> Linked:
        """From weights by node; those that are zero are no seeds."""
        seeds = sorted(((n, w) for n, w in weights.items() if w > 0), key=lambda seed: (-seed[1], seed[0]))
        named = tuple((graph.labels[node], float(weight)) for node, weight in seeds)
        if not seeds:
            trace = replace(trace, stage="none")
        return cls(
            np.array([node for node, _ in seeds], np.int64),
            np.array([weight for _, weight in seeds], np.float64),
            replace(trace, seeds=named),
        )


def specificity(graph: PhraseGraph, nodes: NDArray[np.int64]) -> Floats:
    """The weight 1 / |P_i|, with |P_i| the number of passages that hold phrase i (HippoRAG, section 2.3)."""
    return np.asarray(1.0 / np.maximum(graph.held_by[nodes], 1))


def by_entities(
    graph: PhraseGraph,
    names: Sequence[str],
    vectors: NDArray[np.float32] | None,
    settings: Settings,
    among: NDArray[np.int64] | None = None,
) -> Linked:
    """Each name to the phrase nearest to it; the reset vector is the phrases' specificity.

    r_i = argmax_e cos(name_i, e) over phrases e; the phrase itself, where it is one, is nearest. Two names
    linked to one phrase count once.

    Args:
        graph: the graph.
        names: names read from the question.
        vectors: one unit row a name, or None for exact matches alone.
        settings: see there.
        among: the phrases that are compared, those that have a vector; None: all of these.
    """
    weights: dict[int, float] = {}
    linked: list[tuple[str, str, float]] = []
    table = graph.phrase_vectors
    live = table.ids if among is None else among[table.has(among)]
    live = live[graph.held_by[live] > 0]
    for i, name in enumerate(names):
        node = graph.node(phrase(name))
        cosine = 1.0
        if node < 0 or not graph.phrase_live(node):
            if vectors is None or not len(live) or not vectors[i].any():
                continue
            scores = table.scores(live, vectors[i])
            best = int(scores.argmax())
            node, cosine = int(live[best]), float(scores[best])
            if cosine < settings.link_from:
                continue
        linked.append((name, graph.labels[node], cosine))
        weights[node] = float(specificity(graph, np.array([node]))[0]) if settings.specificity else 1.0
    return Linked.of(graph, weights, Trace("entities", entities=tuple(linked)))


def nearest_facts(
    graph: PhraseGraph,
    vector: Vector | None,
    count: int,
    past: Sequence[int] = (),
    among: NDArray[np.int64] | None = None,
) -> list[tuple[int, float, float]]:
    """(fact, min-max normalised score, cosine) of the best facts for a question, best first.

    The normalisation is over all facts compared, as the original has it; where all are equal it is 1.
    Facts in ``past`` are left out (an addition of ours; the papers know no time).

    Args:
        graph: the graph.
        vector: the question's.
        count: how many.
        past: what is left out.
        among: the facts that are compared, those that have a vector; None: all of these.
    """
    table = graph.fact_vectors
    if vector is None or not len(table) or not vector.any():
        return []
    facts = table.ids if among is None else among[table.has(among)]
    facts = facts[graph.fact_count[facts] > 0]
    if len(past):
        facts = facts[~np.isin(facts, past)]
    if not len(facts):
        return []
    cosines = table.scores(facts, vector)
    low, high = float(cosines.min()), float(cosines.max())
    best = top(cosines, count, facts)
    span = high - low
    return [
        (int(facts[i]), (float(cosines[i]) - low) / span if span > 0 else 1.0, float(cosines[i]))
        for i in best.tolist()
    ]


def recognise(
    graph: PhraseGraph, question: str, found: Sequence[tuple[int, float, float]], least: float
) -> list[int]:
    """The local recognition filter: which of the best facts bear on the question, by place.

    Kept is a fact whose cosine is at least ``least`` and nine tenths of the best one's, and that says a
    content word of the question. (An addition of ours: the paper asks a language model.)
    """
    asked = set(analyse(question).words)
    bar = max(least, 0.9 * found[0][2]) if found else 0.0
    return [
        i
        for i, (number, _, cosine) in enumerate(found)
        if cosine >= bar and not asked.isdisjoint(analyse(wording(graph.fact(number))).words)
    ]


def by_facts(
    graph: PhraseGraph, found: Sequence[tuple[int, float, float]], kept: Sequence[int], settings: Settings
) -> Linked:
    """The phrases of the kept facts, each weighed by the mean score of its facts.

    w(x) = mean over kept facts k that hold x of f_k / |P_x| (with ``specificity``; the paper's text has f_k
    alone), and only the ``seeds`` largest stay.
    """
    told: dict[int, list[float]] = {}
    for place in kept:
        number, score, _ = found[place]
        for node in graph.ends(number):
            held = max(int(graph.held_by[node]), 1) if settings.specificity else 1
            told.setdefault(node, []).append(score / held)
    weights = {node: sum(scores) / len(scores) for node, scores in told.items()}
    best = sorted(weights, key=lambda node: (-weights[node], node))[: settings.seeds]
    trace = Trace(
        "facts",
        facts=tuple((graph.fact(number), cosine) for number, _, cosine in found),
        kept=tuple(graph.fact(found[place][0]) for place in kept),
    )
    return Linked.of(graph, {node: weights[node] for node in best}, trace)
