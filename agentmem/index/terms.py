"""How words count, and what a question asks of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LexicalOptions:
    """How words count.

    Attributes:
        previous: share of the words of the turn before.
        previous_asking: what is added to it when that turn holds a question mark.
        next: share of the turn after.
        previous2, next2: shares of the turns two before and two after.
        k1: saturation.
        b_own: how much a long text's own words are discounted, 0 to 1.
        b_neighbour: the same for words it lends to neighbours.
        pivot: content words up to which a turn of a conversation counts as short.
        pivot_alone: the same of a text outside any session. A passage or a note is written to be read by
            itself and takes the room its subject needs; a long turn wanders.
        average: take the mean length of the live documents as pivot and discount short texts below 1 as
            well, as classic BM25 does. Every change then rewrites the index: for comparisons only.
    """

    previous: float = 0.4
    previous_asking: float = 0.4
    next: float = 0.4
    previous2: float = 0.3
    next2: float = 0.2
    k1: float = 0.8
    b_own: float = 0.5
    b_neighbour: float = 1.0
    pivot: float = 10.0
    pivot_alone: float = 80.0
    average: bool = False

    @property
    def sharing(self) -> bool:
        """Whether neighbours matter at all."""
        return any((self.previous, self.previous_asking, self.next, self.previous2, self.next2))


PLAIN_BM25 = LexicalOptions(
    previous=0, previous_asking=0, next=0, previous2=0, next2=0, k1=1.2, b_own=0.75, average=True
)
"""Classic BM25 over own words."""


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A word of the question.

    Attributes:
        weight: what it is worth, its idf.
        variants: (term id, factor) of the word itself, factor 1, and of similar ones, less; a document
            counts by the one that fits best.
    """

    weight: float
    variants: tuple[tuple[int, float], ...] = field(default=())
