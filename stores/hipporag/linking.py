"""From a question to the seeds of the walk: entities (version 1), facts (version 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

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
    """Seeds by node, and the trace.

    Attributes:
        weights: float64 (n,), over phrases; all zero when nothing was linked.
        trace: what happened.
    """

    weights: Floats
    trace: Trace = field(default_factory=lambda: Trace("none"))

    @property
    def any(self) -> bool:
        """Whether something was linked."""
        return bool(self.weights.any())


def specificity(graph: PhraseGraph, nodes: NDArray[np.int64]) -> Floats:
    """The weight 1 / |P_i|, with |P_i| the number of passages that hold phrase i (HippoRAG, section 2.3)."""
    return np.asarray(1.0 / np.maximum(graph.held_by[nodes], 1))


def by_entities(
    graph: PhraseGraph, names: Sequence[str], vectors: NDArray[np.float32] | None, settings: Settings
) -> Linked:
    """Each name to the phrase nearest to it; the reset vector is the phrases' specificity.

    r_i = argmax_e cos(name_i, e) over all phrases e; the phrase itself, where it is one, is nearest. Two
    names linked to one phrase count once.

    Args:
        graph: the graph.
        names: names read from the question.
        vectors: one unit row a name, or None for exact matches alone.
        settings: see there.
    """
    weights = np.zeros(graph.n)
    linked: list[tuple[str, str, float]] = []
    table = graph.phrase_vectors
    live = graph.held_by[table.ids.view] > 0
    for i, name in enumerate(names):
        node = graph.node_of.get(phrase(name), -1)
        cosine = 1.0
        if node < 0 or not graph.phrase_live(node):
            if vectors is None or not live.any() or not vectors[i].any():
                continue
            scores = np.where(live, table.rows @ vectors[i], -2.0)
            best = int(scores.argmax())
            node, cosine = int(table.ids.view[best]), float(scores[best])
            if cosine < settings.link_from:
                continue
        linked.append((name, graph.labels[node], cosine))
        weights[node] = specificity(graph, np.array([node]))[0] if settings.specificity else 1.0
    trace = Trace("entities" if linked else "none", entities=tuple(linked), seeds=_named(graph, weights))
    return Linked(weights, trace)


def nearest_facts(
    graph: PhraseGraph, vector: Vector | None, count: int, past: Sequence[int] = ()
) -> list[tuple[int, float, float]]:
    """(fact, min-max normalised score, cosine) of the best facts for a question, best first.

    The normalisation is over all live facts, as the original has it; where all are equal it is 1.
    Facts in ``past`` are left out (an addition of ours; the papers know no time).
    """
    table = graph.fact_vectors
    if vector is None or not len(table) or not vector.any():
        return []
    wanted = graph.fact_count > 0
    wanted[list(past)] = False
    live = np.flatnonzero(wanted[table.ids.view])
    if not len(live):
        return []
    cosines = (table.rows @ vector)[live]
    low, high = float(cosines.min()), float(cosines.max())
    order = np.argsort(-cosines, kind="stable")[:count]
    span = high - low
    return [
        (
            int(table.ids.view[live[i]]),
            (float(cosines[i]) - low) / span if span > 0 else 1.0,
            float(cosines[i]),
        )
        for i in order.tolist()
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
        if cosine >= bar and not asked.isdisjoint(analyse(wording(graph.facts[number])).words)
    ]


def by_facts(
    graph: PhraseGraph, found: Sequence[tuple[int, float, float]], kept: Sequence[int], settings: Settings
) -> Linked:
    """The phrases of the kept facts, each weighed by the mean score of its facts.

    w(x) = mean over kept facts k that hold x of f_k / |P_x| (with ``specificity``; the paper's text has f_k
    alone), and only the ``seeds`` largest stay.
    """
    sums = np.zeros(graph.n)
    counts = np.zeros(graph.n)
    for place in kept:
        number, score, _ = found[place]
        subject, _, object_ = graph.facts[number]
        for node in (graph.node_of[subject], graph.node_of[object_]):
            sums[node] += score / max(int(graph.held_by[node]), 1) if settings.specificity else score
            counts[node] += 1
    weights = np.divide(sums, counts, out=np.zeros(graph.n), where=counts > 0)
    positive = np.flatnonzero(weights)
    if len(positive) > settings.seeds:
        order = np.argsort(-weights[positive], kind="stable")
        weights[positive[order[settings.seeds :]]] = 0.0
    trace = Trace(
        "facts",
        facts=tuple((graph.facts[number], cosine) for number, _, cosine in found),
        kept=tuple(graph.facts[found[place][0]] for place in kept),
        seeds=_named(graph, weights),
    )
    return Linked(weights, trace if weights.any() else replace(trace, stage="none"))


def _named(graph: PhraseGraph, weights: Floats) -> tuple[tuple[str, float], ...]:
    nodes = np.flatnonzero(weights)
    order = nodes[np.argsort(-weights[nodes], kind="stable")]
    return tuple((graph.labels[node], float(weights[node])) for node in order.tolist())
