"""What a memory weighs before anything is asked: whether it holds at the time, and what a store adds."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_micros
from agentmem.index.space import Space
from agentmem.recall.recipe import Recipe

Values = NDArray[np.float64]


class Prior(Protocol):
    """A prior in [0, 1] of every document: an array, or what computes it for the documents asked."""

    def __getitem__(self, docs: NDArray[np.int64], /) -> Values:
        """The priors of documents."""
        ...


def current(space: Space, at: datetime) -> NDArray[np.bool_]:
    """Which documents are live and not expired at a time; not to be written to."""
    moment = to_micros(at)
    kept: tuple[NDArray[np.bool_], int] | None = space.memo.get("current")
    if kept is None:
        live = space.live.copy()
        first = int(space.expires_at[live].min()) if live.any() else moment
        kept = space.memo["current"] = (live, first)
    live, first = kept
    return live if moment < first else live & (space.expires_at > moment)


def recallable(space: Space, at: datetime, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which documents may be found: live, not expired at the asked time, and let through by the mask."""
    allowed = current(space, at)
    return allowed if mask is None else allowed & mask


def validity(space: Space, docs: NDArray[np.int64], at: datetime, recipe: Recipe) -> Values:
    """1 for what holds at the asked time, ``recipe.invalid`` for what does not (yet, or any more)."""
    moment = to_micros(at)
    holds = (space.valid_from[docs] <= moment) & (space.valid_until[docs] > moment)
    return np.where(holds, 1.0, recipe.invalid)


def weigh(score: Values, prior: Values) -> Values:
    """What the prior adds to a score: (prior - 1) · |score|, so that the parts still sum to the whole.

    A score above zero is multiplied by the prior; one below zero falls too, by as much.
    """
    return (prior - 1.0) * np.abs(score)
