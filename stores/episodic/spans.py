"""What an event is, how turns are cut into events, and how an event is written down."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from agentmem.index.space import Space
from agentmem.memory import Artifact
from agentmem.stores.episodic.boundaries import Limits, affinity

Docs = NDArray[np.int64]

EVENT = "event"
"""Kind of the artifact that records an event."""
SURPRISE = "surprise"
"""Kind of the artifact that holds what a language model said of a turn."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How turns are cut into events; see :class:`agentmem.stores.episodic.EpisodicStore`."""

    segmentation: str = "surprise"
    surprise: str = "novelty"
    gamma: float = 1.0
    window: int = 64
    warm_up: int = 16
    context: int = 8
    decay: float = 0.7
    shrink: float = 10.0
    gap: float = 0.5
    gap_from: float = 600.0
    pairs: bool = True
    refine: str | None = "modularity"
    limits: Limits = field(default_factory=Limits)
    size: int = 8
    representatives: int = 4

    def fingerprint(self) -> str:
        """All rules in one line."""
        return ",".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))


@dataclass(frozen=True, slots=True)
class Span:
    """An event: consecutive turns of a session.

    Attributes:
        number: its number while the cache lives.
        session: code of the session; -1 for a turn without one.
        index: its place among the session's events.
        docs: its turns in order.
        surprise: standardised, of its first turn; None where it was not surprise that began it.
        by: what told: "novelty", "words", "logprobs", "size", "start".
        closed: whether nothing that is said later changes it.
        representatives: places of the turns most like the rest of it, the best first.
        norm: length of the sum of its turns' vectors, each times ln(1 + words); 0 without vectors.
        tokens: estimated size.
        stored: whether its record is written.
        beyond: how many turns behind its end the surprise lies that ended it.
    """

    number: int
    session: int
    index: int
    docs: Docs
    surprise: float | None
    by: str
    closed: bool
    representatives: tuple[int, ...]
    norm: float
    tokens: int
    stored: bool = False
    beyond: int = 0


def representatives(rows: NDArray[np.float32], most: int) -> tuple[int, ...]:
    """Places of the rows most like the others, best first; of two alike (cosine over 0.95) one.

    They stand for the tokens that EM-LLM takes by the attention they receive.
    """
    central = affinity(rows, centred=False).sum(axis=1)
    chosen: list[int] = []
    for place in np.argsort(-central, kind="stable").tolist():
        if len(chosen) < most and all(float(rows[place] @ rows[other]) <= 0.95 for other in chosen):
            chosen.append(place)
    return tuple(chosen)


def record(space: Space, span: Span, version: int) -> Artifact:
    """What is written of an event with its first turn: numbers, so that erasing a turn leaves no name."""
    data = {
        "turns": len(span.docs),
        "rows": checksum(space, span.docs),
        "surprise": span.surprise,
        "by": span.by,
        "representatives": list(span.representatives),
        "beyond": span.beyond,
    }
    return Artifact(space.id_of(int(span.docs[0])), EVENT, data, version)


def checksum(space: Space, docs: Docs) -> int:
    """Tells whether an event's turns are those, in those versions, that it was made of."""
    return zlib.crc32(np.ascontiguousarray(space.rows[docs], "<i8").tobytes())
