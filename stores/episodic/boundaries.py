"""Where events begin: candidates by surprise, moved to where the split of the turns is cleanest.

EM-LLM, section 3.2: similarities of the turns are the weights of a graph, the two events beside a boundary
are its communities, and the boundary goes where modularity (Newman) is greatest or conductance least::

    Q(t)   = sum over X in {L, R} of  W(X) / 2m - (vol(X) / 2m)^2        (the paper's eq. 2 up to a factor)
    phi(t) = cut(L, R) / min(vol L, vol R)                               (eq. 3)

W(X) is the weight within X, vol(X) that of all that touches X, 2m the total; all splits of a window are had
from prefix sums. Sentence vectors are all somewhat alike, so the mean similarity of the window is taken off
first: without that modularity is flat.

Mended, against the original code: the surprising turn itself is a candidate and so are places after it (the
original always moves a boundary to the left); conductance has volumes, not inner weights, below the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Vectors = NDArray[np.float32]

LEAST_GAIN = 1e-3
"""A boundary moves only for more than this."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of events. What is over ``max_tokens`` by itself is an event by itself."""

    min_turns: int = 2
    min_tokens: int = 60
    max_turns: int = 16
    max_tokens: int = 512


@dataclass(frozen=True, slots=True)
class Turns:
    """What is known of consecutive turns of one session.

    Attributes:
        z: standardised surprise, cues added; -inf for unknown.
        tokens: size of each.
        joined: true where a turn answers the one before, so that no event begins there.
        vectors: (n, dim) unit rows, zeros for none.
    """

    z: Values
    tokens: NDArray[np.int64]
    joined: NDArray[np.bool_]
    vectors: Vectors


class Cuts(NamedTuple):
    """Where events begin after the first.

    Attributes:
        starts: their first turns.
        closed: how many of them no later turn can change.
        beyond: how many turns behind each start the surprise lies that it was refined from; the event
            cannot end before it.
    """

    starts: list[int]
    closed: int
    beyond: list[int]


def affinity(vectors: Vectors, *, centred: bool = True) -> Values:
    """Similarities of rows, 0 on the diagonal; ``centred``: less their mean, and none below 0."""
    rows = vectors.astype(np.float64)
    weights = rows @ rows.T
    n = len(weights)
    if centred and n > 1:
        mean = (weights.sum() - np.trace(weights)) / (n * (n - 1))
        weights = np.maximum(weights - mean, 0.0)
    np.fill_diagonal(weights, 0.0)
    return weights


def split_quality(weights: Values, measure: str) -> Values:
    """How good it is to split before row t, for t = 1 … n - 1; greater is better.

    Args:
        weights: symmetric.
        measure: "modularity", or "conductance" (negated).
    """
    n = len(weights)
    total = weights.sum()
    if n < 2 or total <= 0:
        return np.zeros(max(n - 1, 0))
    inside = np.diagonal(weights.cumsum(axis=0).cumsum(axis=1))[:-1]  # W(L), both directions
    left = weights.sum(axis=1).cumsum()[:-1]  # vol(L)
    right = total - left
    cut = left - inside
    if measure == "conductance":
        least = np.minimum(left, right)
        return np.asarray(-np.where(least > 0, cut / np.where(least > 0, least, 1.0), 1.0))
    return np.asarray((total - 2 * cut) / total - (left**2 + right**2) / total**2)


def cut(
    turns: Turns,
    *,
    start: int,
    gamma: float,
    limits: Limits,
    refine: str | None,
    warm_up: int = 0,
    beyond: int = 0,
) -> Cuts:
    """Starts of the events after the one that begins at ``start``.

    Reads from left to right. An event ends before the first turn of surprise beyond ``gamma`` that
    makes it large enough, or, where it would grow too large, before its most surprising turn.

    Args:
        turns: the session, or its end with enough before ``start``.
        start: where the first event begins.
        gamma: the threshold in deviations.
        limits: sizes.
        refine: "modularity", "conductance" or None.
        warm_up: turns (counted from the first of ``turns``) whose surprise is known only together.
        beyond: what :class:`Cuts` said of ``start``, so that cutting on is cutting all at once.
    """
    n = len(turns.z)
    sizes = np.concatenate([[0], turns.tokens.cumsum()])
    starts: list[int] = []
    behind: list[int] = []
    closed = 0
    settled = True
    after = start + beyond
    while True:
        limit = min(start + limits.max_turns, n)
        fits = int(np.searchsorted(sizes, sizes[start] + limits.max_tokens, side="right")) - 1
        limit = min(limit, max(fits, start + 1))  # the event must end at or before this place
        enough = int(np.searchsorted(sizes, sizes[start] + limits.min_tokens, side="left"))
        first = max(start + limits.min_turns, enough)
        allowed = np.arange(max(first, after + 1), min(limit, n - 1) + 1)
        found = allowed[(turns.z[allowed] > gamma) & ~turns.joined[allowed]]
        if len(found):
            place = int(found[0])
            after = place
            best, seen = _refined(turns, start, place, first, limit, refine)
        elif limit < n:
            best = _forced(turns, start, first, limit)
            after, seen = best, best + 1
        else:
            return Cuts(starts, closed, behind)
        settled = settled and n >= max(seen, warm_up)
        closed += settled
        starts.append(best)
        start = best
        after = max(after, best)
        behind.append(after - best)


def _forced(turns: Turns, start: int, first: int, limit: int) -> int:
    """The most surprising place at which an event that grows too large may end."""
    places = np.arange(min(max(first, start + 1), limit), limit + 1)
    free = places[~turns.joined[places]]
    places = free if len(free) else places
    z = turns.z[places]
    return int(places[-1]) if np.isneginf(z).all() else int(places[int(z.argmax())])


def _refined(
    turns: Turns, start: int, place: int, first: int, limit: int, measure: str | None
) -> tuple[int, int]:
    """The best place near a surprising one, and how many turns must be known to say so."""
    half = (place - start) // 2
    if measure is None or half < 1:
        return place, place + 1
    low = max(0, start - half)
    high = place + half
    known = min(high, len(turns.z))
    quality = split_quality(affinity(turns.vectors[low:known]), measure)
    places = np.arange(max(first, start + 1), min(limit, known - 1) + 1)
    places = places[~turns.joined[places]]
    scores = quality[places - low - 1]
    best = int(places[int(scores.argmax())]) if len(places) else place
    gain = quality[best - low - 1] - quality[place - low - 1]
    return (best if gain > LEAST_GAIN else place), high


def fixed(n: int, size: int, start: int = 0) -> Cuts:
    """Windows of ``size`` turns after ``start``: the control."""
    starts = list(range(start + size, n, size))
    return Cuts(starts, len(starts), [0] * len(starts))


def shuffled(lengths: list[int], seed: int) -> list[int]:
    """The same lengths in another order, the same each time: the length-matched control."""
    order = np.random.default_rng(seed).permutation(len(lengths))
    return [lengths[int(i)] for i in order]
