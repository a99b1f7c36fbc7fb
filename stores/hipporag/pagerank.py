"""Personalized PageRank on a compiled sparse graph: exact by power iteration, fast by forward push.

The vector sought is the fixed point of

    p = (1 - d) · s + d · Wᵀ D⁻¹ p                                        (Haveliwala 2002, with s for 1/N)

with W the symmetric weights, D the degrees, s the seeds summing to one, and d the *damping*, the
probability of following an edge (HippoRAG, arXiv 2405.14831, section 2.3: d = 0.5). The mass of a node
without edges goes back to the seeds, so that p sums to one.

*Push* (Andersen, Chung and Lang, "Local graph partitioning using PageRank vectors", FOCS 2006) keeps an
estimate p and a residual r, with p + (1 - d) Σ dⁱ (WᵀD⁻¹)ⁱ r = the exact vector at all times, and moves
residuals along the edges only where r(u) > ε · (degree of u). Here it moves all such nodes at once, in
numpy: the cost depends on the mass around the seeds, not on the size of the graph. What is left of the
residual is added to p as far as it stays where it is: (1 - d) · r.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NOTHING = 1e-9  # a degree below this is rounding left over from edges that went


@dataclass(slots=True)
class Adjacency:
    """Rows of weighted edges, as in a CSR matrix; each undirected edge stands in two rows.

    Attributes:
        starts: int64 (n + 1,).
        ends: int32, the other node of each edge.
        weights: float32.
    """

    starts: Ints
    ends: NDArray[np.int32]
    weights: NDArray[np.float32]

    @classmethod
    def build(cls, n: int, a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any]) -> Adjacency:
        """From undirected edges, each given once; edges of the same two nodes add up, loops are left out."""
        from scipy.sparse import coo_array

        kept = a != b
        a, b, weights = a[kept], b[kept], np.asarray(weights, np.float64)[kept]
        ends = (np.concatenate([a, b]), np.concatenate([b, a]))
        matrix = coo_array((np.concatenate([weights, weights]), ends), shape=(n, n)).tocsr()
        matrix.sum_duplicates()
        return cls(
            np.asarray(matrix.indptr, np.int64),
            np.asarray(matrix.indices, np.int32),
            np.asarray(matrix.data, np.float32),
        )

    @classmethod
    def empty(cls) -> Adjacency:
        """No nodes."""
        return cls(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))

    @property
    def n(self) -> int:
        """Nodes that have a row."""
        return len(self.starts) - 1

    def degrees(self, n: int) -> Floats:
        """Sum of the weights of each of n nodes."""
        sums = np.zeros(n)
        if len(self.ends):
            rows = np.repeat(np.arange(self.n), np.diff(self.starts))
            sums[: self.n] = np.bincount(rows, self.weights, minlength=self.n)
        return sums

    def along(self, nodes: Ints) -> tuple[NDArray[np.int32], NDArray[np.float32], Ints]:
        """(ends, weights, how many) of the edges of nodes."""
        begin = self.starts[nodes]
        counts = self.starts[nodes + 1] - begin
        total = int(counts.sum())
        firsts = np.cumsum(counts) - counts
        places = np.repeat(begin - firsts, counts) + np.arange(total)
        return self.ends[places], self.weights[places], counts


@dataclass(slots=True)
class Compiled:
    """A graph as PageRank wants it: what was compiled, and what came since.

    Weights add up over both parts, so a few new edges (or, with a negative weight, edges that went) wait
    in ``recent`` until there are enough of them to compile again.

    Attributes:
        n: nodes.
        base: the bulk.
        base_degrees: float64, the degrees in it.
        recent: edges since; few.
        degrees: float64 (n,), over both.
    """

    n: int
    base: Adjacency
    base_degrees: Floats
    recent: Adjacency
    degrees: Floats

    @classmethod
    def build(cls, n: int, a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any]) -> Compiled:
        """Compile undirected edges."""
        base = Adjacency.build(n, a, b, weights)
        degrees = base.degrees(n)
        return cls(n, base, degrees, Adjacency.empty(), degrees)

    def beside(self, n: int, a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any]) -> Compiled:
        """The same bulk with these edges beside it, instead of those that were beside it."""
        recent = Adjacency.build(n, a, b, weights)
        degrees = recent.degrees(n)
        degrees[: len(self.base_degrees)] += self.base_degrees
        degrees[degrees < _NOTHING] = 0.0
        return Compiled(n, self.base, self.base_degrees, recent, degrees)

    def spread(self, nodes: Ints, mass: Floats) -> tuple[Floats, int]:
        """What nodes pass on of some mass along their edges, float64 (n,), and how many edges that took."""
        share = mass / self.degrees[nodes]
        out: Floats = np.zeros(0)
        walked = 0
        for part in (self.base, self.recent):
            inside = slice(None) if part.n == self.n else nodes < part.n
            ends, weights, counts = part.along(nodes[inside])
            if len(ends):
                walked += len(ends)
                carried = weights * np.repeat(share[inside], counts)
                flow: Floats = np.bincount(ends, carried, minlength=self.n).astype(np.float64, copy=False)
                out = out + flow if len(out) else flow
        return (out if len(out) else np.zeros(self.n)), walked


def power(
    graph: Compiled, seeds: Floats, *, damping: float = 0.5, tolerance: float = 1e-10, rounds: int = 500
) -> Floats:
    """The exact vector, by iteration until the change is below ``tolerance`` in the 1-norm.

    Args:
        graph: n nodes.
        seeds: float64 (n,), not negative, some above zero.
        damping: probability of following an edge.
        tolerance: the error is below damping / (1 - damping) times this.
        rounds: stop after so many.

    Returns:
        float64 (n,) that sums to one.
    """
    seeds = seeds / seeds.sum()
    connected = graph.degrees > 0
    matrices = [_matrix(part, graph.n) for part in (graph.base, graph.recent) if len(part.ends)]
    scale = np.divide(1.0, graph.degrees, out=np.zeros(graph.n), where=connected)
    p = seeds.copy()
    for _ in range(rounds):
        flow = p * scale
        moved = np.zeros(graph.n)
        for matrix in matrices:
            moved += matrix @ flow
        back = 1.0 - float(p[connected].sum())  # of nodes without edges, back to the seeds
        new = (1.0 - damping + damping * back) * seeds + damping * moved
        change = float(np.abs(new - p).sum())
        p = new
        if change < tolerance:
            break
    return p


def push(
    graph: Compiled,
    seeds: Floats,
    *,
    damping: float = 0.5,
    epsilon: float = 3e-6,
    edges: int = 200_000,
) -> Floats:
    """The vector by forward push, for sparse seeds.

    Args:
        graph: n nodes.
        seeds: float64 (n,), not negative, some above zero.
        damping: probability of following an edge.
        epsilon: residuals up to this times the degree stay where they are.
        edges: begin no further round when so many edges have been walked; bounds the time among hubs.

    Returns:
        float64 (n,) that sums to at most one.
    """
    seeds = seeds / seeds.sum()
    frontier = np.flatnonzero(seeds)
    alone = frontier[graph.degrees[frontier] <= 0]
    frontier = frontier[graph.degrees[frontier] > 0]
    # A node without edges sends all it gets back to the seeds: with c the share of the restarts,
    # c = (1 - d) + d · c · (mass of such seeds), and the rest of the vector is as without them.
    restart = (1.0 - damping) / (1.0 - damping * float(seeds[alone].sum()))
    p = np.zeros(graph.n)
    p[alone] = restart * seeds[alone]
    residual = np.zeros(graph.n)
    residual[frontier] = seeds[frontier]
    limit = epsilon * graph.degrees
    walked = 0
    while len(frontier) and walked < edges:
        mass = residual[frontier]
        p[frontier] += restart * mass
        residual[frontier] = 0.0
        flow, count = graph.spread(frontier, mass)
        walked += count
        flow *= damping
        residual += flow
        frontier = np.flatnonzero(residual > limit)
    p += restart * residual
    return p


def _matrix(part: Adjacency, n: int) -> Any:
    from scipy.sparse import csr_array

    starts = np.concatenate([part.starts, np.full(n - part.n, part.starts[-1])])
    return csr_array((part.weights.astype(np.float64), part.ends, starts), shape=(n, n))
