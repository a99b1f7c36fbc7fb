"""Personalized PageRank: by hand, against networkx, push against the exact vector."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

from agentmem.evals.speed import pagerank as speed
from agentmem.stores.hipporag.graph import Ledger
from agentmem.stores.hipporag.pagerank import Compiled, power, push


def test_three_nodes_by_hand() -> None:
    """Edges 0-1 of weight 2 and 0-2 of weight 1, restart at 0, d = ½: (2/3, 2/9, 1/9)."""
    graph = Compiled.build(3, np.array([0, 0]), np.array([1, 2]), np.array([2.0, 1.0]))
    for found in (power(graph, np.eye(3)[0]), push(graph, np.eye(3)[0], epsilon=1e-12)):
        assert found == pytest.approx([2 / 3, 2 / 9, 1 / 9], abs=1e-8)


def made(seed: int, n: int = 60, alone: int = 6) -> tuple[networkx.Graph, Compiled, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, n - alone, (2, 3 * n))
    weights = rng.uniform(0.5, 3, 3 * n)
    graph = networkx.Graph()
    graph.add_nodes_from(range(n))
    for x, y, w in zip(a.tolist(), b.tolist(), weights.tolist(), strict=True):
        if x != y:
            old = graph.get_edge_data(x, y, {"weight": 0.0})["weight"]
            graph.add_edge(x, y, weight=old + w)
    seeds = np.zeros(n)
    seeds[rng.integers(0, n, 5)] = rng.uniform(0.1, 1, 5)
    seeds[n - 1] = 0.3 * (seed % 2)  # a seed without edges
    return graph, Compiled.build(n, a, b, weights), seeds


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("damping", [0.1, 0.5, 0.85])
def test_both_forms_agree_with_networkx(seed: int, damping: float) -> None:
    graph, compiled, seeds = made(seed)
    oracle = networkx.pagerank(
        graph, alpha=damping, personalization=dict(enumerate(seeds)), tol=1e-13, max_iter=1000
    )
    expected = [oracle[i] for i in range(compiled.n)]
    assert power(compiled, seeds, damping=damping, tolerance=1e-12) == pytest.approx(expected, abs=1e-7)
    assert push(compiled, seeds, damping=damping, epsilon=1e-12, edges=10**9) == pytest.approx(
        expected, abs=1e-7
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_graph_changed_is_a_graph_built(seed: int) -> None:
    """Edges that come and go beside the compiled bulk give the vector of a graph compiled anew."""
    rng = np.random.default_rng(seed)
    ledger = Ledger()
    weights: dict[tuple[int, int], float] = {}
    n = 50
    for round_ in range(30):
        count = 400 if round_ == 3 else 10
        n += 3
        a, b = rng.integers(0, n, (2, count))
        for x, y in zip(a.tolist(), b.tolist(), strict=True):
            if x != y:
                pair = (min(x, y), max(x, y))
                sign = -weights[pair] if pair in weights and rng.random() < 0.4 else 1.0
                weights[pair] = weights.get(pair, 0.0) + sign
                if not weights[pair]:
                    del weights[pair]
                ledger.add([x], [y], [sign])
        ends = np.array(list(weights)).T
        fresh = Compiled.build(n, ends[0], ends[1], np.array(list(weights.values())))
        seeds = np.zeros(n)
        seeds[ends[0, :3]] = 1.0
        current = ledger.compiled(n)
        assert current.degrees == pytest.approx(fresh.degrees)
        assert push(current, seeds, epsilon=1e-12) == pytest.approx(power(fresh, seeds), abs=1e-8)
        assert power(current, seeds) == pytest.approx(power(fresh, seeds), abs=1e-8)


def test_push_finds_the_top_of_the_exact_vector() -> None:
    result = speed.measure(20_000, 10, seed=0, passages=20, epsilon=3e-6, peers=True)
    assert result["top20_nodes_%"] >= 98 and result["top20_passages_%"] >= 98
    assert result["networkx_ms"] > result["push_ms"]["p50"]
