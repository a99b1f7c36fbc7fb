"""Who leaves when there is room for fewer: an order that can be explained, and nothing is deleted here.

The worth of a memory is what is lost in expectation without it::

    worth = retention · importance          probability that it is needed, times its value

The least worthy leaves first; of equals the one not used for longest, then by id. Pinned memories stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from agentmem.errors import InvalidInput

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a memory when room is short.

    Attributes:
        id: the memory's id.
        retention: in [0, 1], from a curve.
        importance: in [0, 1].
        last_used: when it was last used or written; None: unknown, counts as longest ago.
        pinned: it never leaves.
    """

    id: str
    retention: float
    importance: float = 1.0
    last_used: datetime | None = None
    pinned: bool = False

    @property
    def worth(self) -> float:
        """Retention times importance."""
        return self.retention * self.importance


@dataclass(frozen=True, slots=True)
class Eviction:
    """A memory that leaves.

    Attributes:
        id: whose.
        worth: what it was worth.
        reason: why it and not another, in words.
    """

    id: str
    worth: float
    reason: str


def evict(scores: Mapping[str, float] | Iterable[Standing], capacity: int) -> list[Eviction]:
    """Choose who leaves so that at most ``capacity`` remain.

    Args:
        scores: id -> retention, or standings with importance, last use and pins.
        capacity: how many may stay. Pinned ones stay even when they are more.

    Returns:
        Those that leave, first to go first, each with its reason. Empty when there is room for all.

    Raises:
        InvalidInput: the capacity is negative, an id stands twice, or a value lies outside [0, 1].
    """
    given = (
        [Standing(i, value) for i, value in scores.items()] if isinstance(scores, Mapping) else list(scores)
    )
    if capacity < 0:
        raise InvalidInput(f"capacity={capacity} is below zero")
    if len({one.id for one in given}) < len(given):
        raise InvalidInput("an id stands twice among the memories to weigh")
    for one in given:
        if not (0 <= one.retention <= 1 and 0 <= one.importance <= 1):
            raise InvalidInput(f"retention and importance of {one.id!r} must lie in [0, 1]")
    loose = sorted((one for one in given if not one.pinned), key=_order)
    leaving = loose[: max(0, min(len(given) - capacity, len(loose)))]
    weakest = loose[len(leaving)] if len(leaving) < len(loose) else None
    return [
        Eviction(one.id, one.worth, _reason(one, place, len(loose), capacity, weakest))
        for place, one in enumerate(leaving, start=1)
    ]


def _order(one: Standing) -> tuple[float, datetime, str]:
    return (one.worth, one.last_used or _LONG_AGO, one.id)


def _reason(one: Standing, place: int, loose: int, capacity: int, weakest: Standing | None) -> str:
    worth = f"retention {one.retention:.3g}"
    if one.importance != 1.0:
        worth += f" × importance {one.importance:.3g} = {one.worth:.3g}"
    text = f"{place} of {loose} from the bottom: {worth}"
    if one.last_used is not None:
        text += f", last used {one.last_used:%Y-%m-%d}"
    if weakest is None:
        return f"{text}; only pinned memories stay (room for {capacity})"
    if weakest.worth > one.worth:
        return f"{text}; the weakest that stays ({weakest.id}) has {weakest.worth:.3g}"
    if (weakest.last_used or _LONG_AGO) > (one.last_used or _LONG_AGO):
        return f"{text}; as much as the weakest that stays ({weakest.id}), which was used later"
    return f"{text}; level with the weakest that stays ({weakest.id}), decided by id"
