"""Which events fill a budget, and how a few are read closely: the two buffers, and HCAM's two steps.

EM-LLM, section 3.3: events in falling order of similarity fill the *similarity buffer*; the events before and
after each of them fill the *contiguity buffer*, a share of the same budget. Where the original lets the
event that crosses a limit in when that comes closer to it, a prompt's budget is never passed here.

HCAM (Lampinen et al. 2021, arXiv 2105.14039): the summaries of all chunks are attended to, then the contents
of the best few, each weighted by its chunk's share: P(u | q) = P(E | q) · P(u | E, q).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

SIMILAR = "similar"
BESIDE = "beside"


def two_buffers(
    ranked: Sequence[tuple[int, float]],
    size: Callable[[int], int],
    beside: Callable[[int], Iterable[tuple[int, int]]],
    *,
    budget: int,
    contiguity: float = 0.3,
    decay: float = 0.5,
    backward: float = 0.7,
) -> dict[int, str]:
    """Choose events within a budget.

    Args:
        ranked: (event, score), best first.
        size: tokens of an event.
        beside: neighbours of an event with their distance: 1 the next, -1 the one before, …
        budget: tokens in all.
        contiguity: share of the budget kept for neighbours; what one buffer leaves the other takes.
        decay: what a neighbour's score loses by each step.
        backward: what an earlier neighbour's counts beside a later one's: people recall forward.

    Returns:
        Event -> why (:data:`SIMILAR` or :data:`BESIDE`), in the order in which they were chosen.
    """
    taken: dict[int, str] = {}
    room = budget

    def fill(candidates: Iterable[tuple[int, float]], why: str, limit: float) -> float:
        nonlocal room
        for event, _ in candidates:
            cost = size(event)
            if event not in taken and cost <= limit and cost <= room:
                taken[event] = why
                limit -= cost
                room -= cost
        return limit

    unused = fill(ranked, SIMILAR, (1 - contiguity) * budget)
    near = _neighbours(ranked, taken, beside, decay, backward) if contiguity else []
    unused = fill(near, BESIDE, contiguity * budget + unused)
    fill(ranked, SIMILAR, unused)
    return taken


def _neighbours(
    ranked: Sequence[tuple[int, float]],
    taken: Mapping[int, str],
    beside: Callable[[int], Iterable[tuple[int, int]]],
    decay: float,
    backward: float,
) -> list[tuple[int, float]]:
    """Neighbours of the events taken that are not taken themselves, best first."""
    scores: dict[int, float] = {}
    for event, score in ranked:
        if event in taken:
            for other, distance in beside(event):
                given = max(score, 0.0) * decay ** abs(distance) * (1.0 if distance > 0 else backward)
                if other not in taken and given > scores.get(other, -1.0):
                    scores[other] = given
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


def softmax(values: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Shares that grow with exp(value / temperature) and sum to 1."""
    if not len(values):
        return values
    shares = np.exp((values - values.max()) / temperature)
    return np.asarray(shares / shares.sum())


def coarse_to_fine(
    events: Sequence[tuple[float, NDArray[np.float64]]],
    *,
    most: int = 30,
    coarse: float = 0.05,
    fine: float = 0.05,
) -> list[NDArray[np.float64]]:
    """P(E | q) · P(u | E, q) of every unit; zeros for the units of events that are not read.

    Args:
        events: for each event its own similarity to the question, and those of its units.
        most: so many of the best events are read.
        coarse: temperature among events.
        fine: temperature among the units of one.
    """
    scores = np.array([score for score, _ in events])
    read = np.argsort(-scores, kind="stable")[:most]
    shares = dict(zip(read.tolist(), softmax(scores[read], coarse).tolist(), strict=True))
    return [
        shares[i] * softmax(units, fine) if i in shares else np.zeros(len(units))
        for i, (_, units) in enumerate(events)
    ]
