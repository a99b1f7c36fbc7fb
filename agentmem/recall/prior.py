"""What a memory weighs before anything is asked: whether it holds at the time, and what a store adds."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_micros
from agentmem.index.space import Space
from agentmem.recall.recipe import Recipe

Values = NDArray[np.float64]


def recallable(space: Space, at: datetime, mask: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which documents may be found: live, not expired at the asked time, and let through by the mask."""
    allowed: NDArray[np.bool_] = space.live & (space.expires_at > to_micros(at))
    return allowed if mask is None else allowed & mask


def validity(space: Space, docs: NDArray[np.int64], at: datetime, recipe: Recipe) -> Values:
    """1 for what holds at the asked time, ``recipe.invalid`` for what does not (yet, or any more)."""
    moment = to_micros(at)
    holds = (space.valid_from[docs] <= moment) & (space.valid_until[docs] > moment)
    return np.where(holds, 1.0, recipe.invalid)


def weigh(score: Values, prior: Values) -> Values:
    """What the prior adds to a score: (prior - 1) · score, so that the parts still sum to the whole.

    A score below zero is not lifted by a low prior.
    """
    return (prior - 1.0) * np.maximum(score, 0.0)
