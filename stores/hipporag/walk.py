"""From seeds to scores of passages: Personalized PageRank, by either version's recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agentmem.stores.hipporag.graph import PhraseGraph
from agentmem.stores.hipporag.linking import Floats, Linked, Settings, Trace
from agentmem.stores.hipporag.pagerank import power, push

_SPARSE = 1_000  # more seeds than this, and the exact form is as quick


@dataclass(frozen=True, slots=True)
class Walked:
    """The outcome of a walk.

    Attributes:
        docs: int64, documents that have a score, in the order of ``scores``.
        scores: not normalised; higher is better.
        mass: float64 (n,), PageRank by node; empty when there was no walk.
        trace: how it came about.
    """

    docs: NDArray[np.int64]
    scores: Floats
    mass: Floats
    trace: Trace


def pagerank(graph: PhraseGraph, seeds: Floats, settings: Settings) -> Floats:
    """The exact vector when asked for or when the seeds are many, else by push."""
    compiled = graph.walk.compiled(graph.n)
    if settings.exact or np.count_nonzero(seeds) > _SPARSE:
        return power(compiled, seeds, damping=settings.damping)
    return push(compiled, seeds, damping=settings.damping)


def minmax(values: Floats) -> Floats:
    """To [0, 1]; ones where all are equal."""
    if not len(values):
        return values
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.ones(len(values))


def version1(graph: PhraseGraph, linked: Linked, settings: Settings) -> Walked:
    """Passage score = Pᵀ n', with P how often phrase i stands in the triples of passage j.

    Without a linked entity the reset vector is uniform over all phrases, as in the original's code.
    """
    seeds, trace = np.zeros(graph.n), linked.trace
    seeds[linked.nodes] = linked.weights
    if not linked.any:
        seeds = (graph.held_by > 0).astype(np.float64)
        trace = replace(trace, stage="uniform")
        if not seeds.any():
            return Walked(np.empty(0, np.int64), np.empty(0), np.empty(0), replace(trace, stage="none"))
    mass = pagerank(graph, seeds, settings)
    reached = np.flatnonzero((mass > 0) & ~graph.is_passage)
    scores = np.zeros(graph.n)
    for part in graph.holding.compiled(graph.n).parts:
        ends, weights, counts = part.along(reached)
        if len(ends):
            np.add.at(scores, ends, weights * np.repeat(mass[reached], counts))
    docs = np.flatnonzero(graph.node_of_doc >= 0)
    return Walked(docs, scores[graph.node_of_doc[docs]], mass, trace)


def version2(
    graph: PhraseGraph, linked: Linked, docs: NDArray[np.int64], dense: Floats, settings: Settings
) -> Walked:
    """Phrases and passages are seeds; a passage's score is its own mass.

    Args:
        graph: with passages among its nodes.
        linked: the phrases' weights; none: no walk, and the passages' dense scores are the ranking.
        docs: the documents whose dense scores are given: all that live, or the strongest.
        dense: their scores in [0, 1].
        settings: ``passage_weight`` times them is their seed; with ``dense_share`` both parts are first
            brought to shares of one, which then does not depend on the size of the store.
    """
    every = np.flatnonzero(graph.node_of_doc >= 0)
    if not linked.any or not len(every):
        trace = replace(linked.trace, stage="dense" if len(docs) else "none")
        return Walked(docs, dense, np.empty(0), trace)
    inside = docs < len(graph.node_of_doc)
    mine = graph.node_of_doc[docs[inside]]
    given = dense[inside][mine >= 0]
    mine = mine[mine >= 0]
    ours, theirs = linked.weights, settings.passage_weight * given
    if settings.dense_share is not None:
        share = settings.dense_share if given.any() else 0.0
        theirs = share * given / max(float(given.sum()), 1e-12)
        ours = (1.0 - share) * ours / float(ours.sum())
    seeds = np.zeros(graph.n)
    seeds[mine] = theirs
    seeds[linked.nodes] += ours
    mass = pagerank(graph, seeds, settings)
    return Walked(every, mass[graph.node_of_doc[every]], mass, linked.trace)
