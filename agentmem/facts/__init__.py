"""Facts: who stands in which relation to what, since when, read from the memories themselves.

A view of a namespace that can be thrown away and made again: sentences are cut into subject, relation
wording and object where the wording recurs (:mod:`agentmem.facts.frames`); facts of the same subject and
wording are one slot, in which the newest answers first and the older ones stay beneath it, dated
(:mod:`agentmem.facts.view`); a question is answered by a walk over the facts that stand
(:mod:`agentmem.facts.walk`).
"""

from agentmem.facts.model import (
    NO_CORRECTIONS,
    Chain,
    Corrections,
    Fact,
    Frame,
    Hop,
    Judge,
    Proposal,
    Slot,
)

__all__ = [
    "NO_CORRECTIONS",
    "Chain",
    "Corrections",
    "Fact",
    "Frame",
    "Hop",
    "Judge",
    "Proposal",
    "Slot",
]
