"""Personalized PageRank on a graph of a million edges: forward push beside the exact vector.

Run ``python -m agentmem.evals.speed.pagerank --edges 1000000 --peers``. The graph is made: phrases of a
skewed popularity and passages that hold them, as extraction makes them (facts and synonyms between
phrases; phrase to passage, as HippoRAG 2 has it). Seeds are phrases, each weighed by one over its number
of passages; with ``--passages`` the strongest passages besides.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.evals.speed import timing
from agentmem.stores.hipporag.pagerank import Compiled, power, push

_TOP = 20


def edges(
    count: int, seed: int
) -> tuple[int, int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """(phrases, nodes, ends, ends, weights) of a made graph.

    Per passage: twelve phrases drawn from a Zipf-like popularity, nine facts between them; and twice as
    many synonym edges as facts, between random phrases, weighed .8 to 1.
    """
    rng = np.random.default_rng(seed)
    passages = count // 35  # 12 contains, 9 facts, 18 synonyms, of which some fall together
    phrases = passages * 7
    popularity = (np.arange(phrases) + 10.0) ** -0.75
    held = rng.choice(phrases, size=(passages, 12), p=popularity / popularity.sum())
    held = rng.permutation(phrases)[held]
    first, second = held[:, rng.integers(0, 12, 9)], held[:, rng.integers(0, 12, 9)]
    place = np.repeat(np.arange(passages) + phrases, 12)
    synonym = rng.integers(0, phrases, (2, 18 * passages))
    a = np.concatenate([held.ravel(), first.ravel(), synonym[0]])
    b = np.concatenate([place, second.ravel(), synonym[1]])
    weights = np.ones(len(a))
    weights[-synonym.shape[1] :] = rng.uniform(0.8, 1.0, synonym.shape[1])
    return phrases, phrases + passages, a, b, weights


def agreement(found: NDArray[np.float64], exact: NDArray[np.float64], top: int = _TOP) -> float:
    """Share of the exact best ``top`` that are found; those that tie with the last count."""
    bound = np.partition(exact, -top)[-top]
    best = np.argpartition(found, -top)[-top:]
    return float((exact[best] >= bound * (1 - 1e-9)).mean())


def measure(count: int, asked: int, seed: int, passages: int, epsilon: float, peers: bool) -> dict[str, Any]:
    """Times and agreement over random questions of three to six phrases."""
    phrases, n, a, b, weights = edges(count, seed)
    built = timing.milliseconds(Compiled.build, n, a, b, weights)
    graph = Compiled.build(n, a, b, weights)
    rng = np.random.default_rng(seed + 1)
    fast: list[float] = []
    exact: list[float] = []
    same: list[float] = []
    same_passages: list[float] = []
    for _ in range(asked):
        seeds = np.zeros(n)
        chosen = (
            graph.parts[0]
            .ends[rng.integers(0, len(graph.parts[0].ends), rng.integers(3, 7))]
            .astype(np.int64)
        )
        chosen = chosen[chosen < phrases]
        if not len(chosen):
            chosen = rng.integers(0, phrases, 3)
        seeds[chosen] = 1.0 / graph.degrees[chosen]
        if passages:
            strongest = rng.integers(phrases, n, passages)
            seeds[strongest] += seeds.sum() * 0.43 * rng.dirichlet(np.full(passages, 1.0))
        fast.append(timing.milliseconds(push, graph, seeds, epsilon=epsilon))
        exact.append(timing.milliseconds(power, graph, seeds, tolerance=1e-7))
        one, other = push(graph, seeds, epsilon=epsilon), power(graph, seeds)
        same.append(agreement(one, other))
        same_passages.append(agreement(one[phrases:], other[phrases:]))
    result: dict[str, Any] = {
        "command": "python -m agentmem.evals.speed.pagerank " + " ".join(sys.argv[1:]),
        "machine": timing.machine(),
        "nodes": n,
        "edges": len(graph.parts[0].ends) // 2,
        "compile_ms": round(built, 1),
        "epsilon": epsilon,
        "push_ms": timing.spread(fast),
        "power_ms": timing.spread(exact),
        "top20_nodes_%": round(100 * float(np.mean(same)), 2),
        "top20_passages_%": round(100 * float(np.mean(same_passages)), 2),
    }
    if peers:
        result["networkx_ms"] = _networkx(n, a, b, weights)
    return result


def _networkx(n: int, a: NDArray[np.int64], b: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from(zip(a.tolist(), b.tolist(), weights.tolist(), strict=True))
    seeds = {int(a[0]): 1.0}
    return round(timing.milliseconds(networkx.pagerank, graph, alpha=0.5, personalization=seeds, tol=1e-9), 1)


def main() -> None:
    """Run from the command line."""
    parser = timing.arguments(__doc__.splitlines()[0])
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--passages", type=int, default=0, help="strongest passages among the seeds")
    parser.add_argument("--epsilon", type=float, default=3e-6)
    parser.add_argument("--peers", action="store_true", help="networkx beside it")
    asked = parser.parse_args()
    result = measure(asked.edges, asked.questions, asked.seed, asked.passages, asked.epsilon, asked.peers)
    timing.show(result, asked.json)


if __name__ == "__main__":
    main()
