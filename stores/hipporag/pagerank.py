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

_DENSE = 16  # an edge at random costs as much as so many nodes in order
_NOTHING = 1e-9  # a degree below this is rounding left over from edges that went


@dataclass(slots=True)
class Adjacency:
    """Rows of weighted edges, as in a CSR matrix; each undirected edge stands in two rows.

    Attributes:
        starts: int64 (rows + 1,).
        ends: int32, the other node of each edge.
        weights: float32.
        nodes: int64 (rows,), ascending, the nodes that have a row; None: row i is node i.
    """

    starts: Ints
    ends: NDArray[np.int32]
    weights: NDArray[np.float32]
    nodes: Ints | None = None

    @classmethod
    def build(cls, n: int, a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any]) -> Adjacency:
        """From undirected edges, each given once; edges of the same two nodes add up, loops are left out."""
        kept = a != b
        a, b, weights = a[kept], b[kept], np.asarray(weights, np.float64)[kept]
        rows, ends = np.concatenate([a, b]), np.concatenate([b, a])
        weights = np.concatenate([weights, weights])
        if len(rows) > n // 4:
            return cls._dense(n, rows, ends, weights)
        order = np.lexsort((ends, rows))  # few edges in a large graph: rows for the nodes they touch
        rows, ends, weights = rows[order], ends[order], weights[order]
        firsts = np.flatnonzero(np.r_[True, (np.diff(rows) != 0) | (np.diff(ends) != 0)][: len(rows)])
        sums = np.add.reduceat(weights, firsts) if len(rows) else weights
        left = np.abs(sums) > _NOTHING
        rows, ends, sums = rows[firsts][left], ends[firsts][left], sums[left]
        nodes, starts = np.unique(rows, return_index=True)
        return cls(
            np.append(starts, len(rows)).astype(np.int64),
            ends.astype(np.int32),
            sums.astype(np.float32),
            nodes.astype(np.int64),
        )

    @classmethod
    def _dense(cls, n: int, rows: Ints, ends: Ints, weights: Floats) -> Adjacency:
        from scipy.sparse import coo_array

        matrix = coo_array((weights, (rows, ends)), shape=(n, n)).tocsr()
        matrix.sum_duplicates()
        matrix.data[np.abs(matrix.data) <= _NOTHING] = 0.0
        matrix.eliminate_zeros()
        return cls(
            np.asarray(matrix.indptr, np.int64),
            np.asarray(matrix.indices, np.int32),
            np.asarray(matrix.data, np.float32),
        )

    @classmethod
    def empty(cls) -> Adjacency:
        """No nodes."""
        return cls(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))

    def edges(self) -> tuple[Ints, Ints, Floats]:
        """(node, node, weight) of each edge, given once."""
        names = np.arange(len(self.starts) - 1) if self.nodes is None else self.nodes
        rows = np.repeat(names, np.diff(self.starts))
        upper = rows < self.ends
        return rows[upper], self.ends[upper].astype(np.int64), self.weights[upper].astype(np.float64)

    def along(self, nodes: Ints) -> tuple[NDArray[np.int32], NDArray[np.float32], Ints]:
        """(ends, weights, how many) of the edges of nodes."""
        count = len(self.starts) - 1
        if self.nodes is None:
            rows, here = nodes, nodes < count
        else:
            rows = np.searchsorted(self.nodes, nodes)
            here = rows < count
            here[here] = self.nodes[rows[here]] == nodes[here]
        if not here.all():
            rows = np.where(here, rows, 0)
        if not count:
            return self.ends[:0], self.weights[:0], np.zeros(len(nodes), np.int64)
        begin = self.starts[rows]
        counts = np.where(here, self.starts[rows + 1] - begin, 0)
        total = int(counts.sum())
        firsts = np.cumsum(counts) - counts
        places = np.repeat(begin - firsts, counts) + np.arange(total)
        return self.ends[places], self.weights[places], counts


@dataclass(slots=True)
class Compiled:
    """A graph as PageRank wants it.

    Attributes:
        n: nodes.
        parts: edges; weights of the same pair add up over the parts, and a negative one takes away.
        degrees: float64 (n,), over all parts.
    """

    n: int
    parts: tuple[Adjacency, ...]
    degrees: Floats

    @classmethod
    def build(cls, n: int, a: NDArray[Any], b: NDArray[Any], weights: NDArray[Any]) -> Compiled:
        """Compile undirected edges."""
        part = Adjacency.build(n, a, b, weights)
        one, other, summed = part.edges()
        degrees: Floats = np.zeros(n)
        for nodes in (one, other):
            degrees += np.bincount(nodes, summed, minlength=n)
        return cls(n, (part,), degrees)

    def edges(self) -> tuple[Ints, Ints, Floats]:
        """(node, node, weight) of the edges of all parts."""
        found = [part.edges() for part in self.parts] or [Adjacency.empty().edges()]
        a, b, weights = (np.concatenate(columns) for columns in zip(*found, strict=True))
        return a, b, weights

    def spread(self, nodes: Ints, mass: Floats) -> tuple[Ints, Floats]:
        """What nodes pass on of some mass: the ends of all their edges, and what each edge carries."""
        share = mass / self.degrees[nodes]
        ends, carried = [], []
        for part in self.parts:
            reached, weights, counts = part.along(nodes)
            if len(reached):
                ends.append(reached)
                carried.append(weights * np.repeat(share, counts))
        if not ends:
            return np.empty(0, np.int64), np.empty(0)
        return np.concatenate(ends), np.concatenate(carried)


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
    connected = graph.degrees > _NOTHING
    matrices = [_matrix(part, graph.n) for part in graph.parts if len(part.ends)]
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
    degrees = graph.degrees
    frontier = np.flatnonzero(seeds)
    alone = frontier[degrees[frontier] <= _NOTHING]
    frontier = frontier[degrees[frontier] > _NOTHING]
    # A node without edges sends all it gets back to the seeds: with c the share of the restarts,
    # c = (1 - d) + d · c · (mass of such seeds), and the rest of the vector is as without them.
    restart = (1.0 - damping) / (1.0 - damping * float(seeds[alone].sum()))
    p = np.zeros(graph.n)
    p[alone] = restart * seeds[alone]
    residual = np.zeros(graph.n)
    residual[frontier] = seeds[frontier]
    place = np.empty(graph.n, np.int32)  # nothing here looks at all nodes: only at those that are reached
    touched = [frontier]
    walked = 0
    while len(frontier) and walked < edges:
        mass = residual[frontier]
        p[frontier] += restart * mass
        residual[frontier] = 0.0
        ends, carried = graph.spread(frontier, mass)
        walked += len(ends)
        if len(ends) * _DENSE > graph.n:  # so many that looking at all nodes is quicker
            residual += damping * np.bincount(ends, carried, minlength=graph.n)
            ends = np.flatnonzero(residual)
            touched = [ends]
        else:
            np.add.at(residual, ends, damping * carried)
            ends = _distinct(ends, place)
            touched.append(ends)
        degree = degrees[ends]  # one of zero has edges that went, in another part than the edges
        frontier = ends[(residual[ends] > epsilon * degree) & (degree > _NOTHING)]
    left = touched[0] if len(touched) == 1 else _distinct(np.concatenate(touched), place)
    p[left] += restart * residual[left]
    return p


def _distinct(nodes: Ints, place: NDArray[np.int32]) -> Ints:
    """Each node once, by a scratch array of all nodes instead of sorting."""
    order = np.arange(len(nodes), dtype=np.int32)
    place[nodes] = order
    kept: Ints = nodes[place[nodes] == order]
    return kept


def _matrix(part: Adjacency, n: int) -> Any:
    from scipy.sparse import csr_array

    counts = np.zeros(n, np.int64)
    rows = np.diff(part.starts)
    counts[slice(len(rows)) if part.nodes is None else part.nodes] = rows
    starts = np.concatenate([[0], np.cumsum(counts)])
    return csr_array((part.weights.astype(np.float64), part.ends, starts), shape=(n, n))
