"""The graph for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agentmem.stores.hipporag.graph import PhraseGraph, pairs_of

if TYPE_CHECKING:
    import networkx


def to_networkx(graph: PhraseGraph) -> networkx.MultiGraph:
    """A networkx copy of what is live; see :meth:`agentmem.stores.hipporag.HippoRAGStore.graph`."""
    import networkx

    made = networkx.MultiGraph()
    for node in np.flatnonzero(graph.held_by > 0).tolist():
        held = int(graph.held_by[node])
        made.add_node(f"phrase:{graph.keys[node]}", kind="phrase", label=graph.labels[node], passages=held)
    facts: dict[int, int] = {}
    for id, passage in graph.passages():
        made.add_node(f"passage:{id}", kind="passage", label=id, text="")
        for node, count in zip(passage.phrases.tolist(), passage.counts.tolist(), strict=True):
            made.add_edge(f"phrase:{graph.keys[node]}", f"passage:{id}", kind="holds", weight=float(count))
        for number in passage.facts.tolist():
            facts[number] = facts.get(number, 0) + 1
    for number, count in facts.items():
        subject, predicate, object_ = graph.fact(number)
        made.add_edge(
            f"phrase:{subject}", f"phrase:{object_}",
            kind="fact", label=predicate, subject=subject, weight=float(count),
        )  # fmt: skip
    for a, b, weight in pairs_of(graph):
        made.add_edge(f"phrase:{graph.keys[a]}", f"phrase:{graph.keys[b]}", kind="synonym", weight=weight)
    return made
