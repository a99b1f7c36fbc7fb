"""Who is forgotten: the decision of one consolidation, composed of policy, pins and capacity.

A memory is hidden from recall while its retention is not above a bound that was fixed once:

- ``"sampled"`` (MemoryBank: a memory is kept with probability R). The bound u is a number in (0, 1)
  drawn from the seed and the memory's id, never again, so that forgetting often is forgetting once:
  P(R >= u) = R however often it is asked. Drawing anew at each load, as the released code does, keeps
  only R^m after m loads.
- ``"threshold"``: one bound for all.
- capacity: of what is left the least worthy (:func:`agentmem.decay.evict`); the bound is the retention
  it had when it left.

As retention falls unless a memory is used, what was hidden stays hidden until it is used again, and it
is found when asked as of an earlier time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from agentmem.decay import Eviction, Standing, evict
from agentmem.memory import Json

POLICIES = ("none", "sampled", "threshold")


@dataclass(frozen=True, slots=True)
class Turn:
    """What is known of a memory of the log when it is judged.

    Attributes:
        id, at: whose, and when it happened.
        importance: from 0 to 1, for the eviction.
        pinned: never forgotten.
        last_used: when it was last used or written.
    """

    id: str
    at: datetime
    importance: float = 1.0
    pinned: bool = False
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """A memory that is forgotten, and why.

    Attributes:
        id: whose.
        retention: what it had when it was judged.
        bound: it is hidden while its retention is not above this.
        reason: in words.
    """

    id: str
    retention: float
    bound: float
    reason: str

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {"id": self.id, "retention": self.retention, "bound": self.bound, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Policy:
    """How memories are forgotten.

    Attributes:
        kind: one of :data:`POLICIES`.
        threshold: the bound of ``"threshold"``.
        seed: of ``"sampled"``.
        capacity: at most so many stay; None for any number.
    """

    kind: str
    threshold: float
    seed: int
    capacity: int | None

    def __bool__(self) -> bool:
        return self.kind != "none" or self.capacity is not None

    def bound(self, id: str) -> float:
        """Below which retention a memory is forgotten."""
        if self.kind == "none":
            return 0.0
        return self.threshold if self.kind == "threshold" else drawn(self.seed, id)

    def judge(self, turns: Sequence[Turn], retentions: NDArray[np.float64]) -> dict[str, Fate]:
        """The fates of those that are forgotten, in the order of the turns, the evicted last."""
        fates: dict[str, Fate] = {}
        rest: list[Standing] = []
        for turn, value in zip(turns, retentions.tolist(), strict=True):
            bound = 0.0 if turn.pinned else self.bound(turn.id)
            if value < bound:
                drawn_or_set = "drawn for it" if self.kind == "sampled" else "set"
                reason = f"retention {value:.3g} is below the bound {bound:.3g} {drawn_or_set}"
                fates[turn.id] = Fate(turn.id, value, bound, reason)
            else:
                rest.append(Standing(turn.id, value, turn.importance, turn.last_used, turn.pinned))
        retained = {one.id: one.retention for one in rest}
        for one in self.evictions(rest):
            value = retained[one.id]
            fates[one.id] = Fate(one.id, value, value, f"no room: {one.reason}")
        return fates

    def evictions(self, standings: Sequence[Standing]) -> list[Eviction]:
        """Who leaves for want of room, first to go first."""
        return [] if self.capacity is None else evict(standings, self.capacity)


def drawn(seed: int, id: str) -> float:
    """A number in (0, 1), uniform over ids, the same for the same seed and id in every process."""
    digest = blake2b(f"{seed}\0{id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2.0**64
