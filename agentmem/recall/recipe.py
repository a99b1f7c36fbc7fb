"""All numbers of the recall engine in one frozen place.

The score of a memory i for a question q is a sum in absolute units::

    score(i) = Σ_t rarity(t) · h · (k1 + 1) / (h + k1)              words, shared by neighbouring turns
             + dense · z(cosine)                                     vectors
             + speaker · [i was said by whom q names]
             + date · d(i, q) + time_word · [q asks when and i says when] · min(1, brief / words)
             + length · ln(1 + min(words, 15)) - question · [i ends in "?"] · min(1, brief / words)
    score(i) += session · max over the turns j of i's session of score(j)
    score(i) -= (1 - prior(i)) · |score(i)|                          validity at the asked time, retention

The lexical part is neither normalised by query nor ranked: its absolute size says how much it can be
trusted. Only cosines, whose scale belongs to the embedder, are standardised over the namespace.
``agentmem.evals.fit`` finds the weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmem.recall.spread import Spread


def _weights(**values: float) -> Mapping[str, float]:
    return MappingProxyType(values)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a store weighs signals, spread and prior.

    The defaults are one setting for conversations, assistant chats, passages and notes. Term shares of
    neighbours, saturation ``k1`` and length normalisation are fixed when a text is indexed, and stand
    with the index (:mod:`agentmem.index.lexical`).

    Attributes:
        lexical: weight of the words.
        idf: exponent of a word's rarity in the namespace; below 1 because namespaces are small.
        english: exponent of its rarity in English; 0 leaves that out.
        soft: a similar word counts as this · cos² of the word itself, however often it is said; 0 turns
            similar words off.
        soft_from: cosine from which words are similar.
        dense: weight of the standardised cosine by the embedder's name; ``"other"`` for the rest.
        dense_alone: share of it for a text outside any session, whose own words say what it is about; a
            turn leaves much to the turns around it.
        dense_floor: least standard deviation of the cosines; keeps a few memories from being
            standardised into opposites.
        dense_knee: standard deviations from which a cosine counts ever less; none counts as more
            than one and a half times as many.
        speaker: bonus of a memory said by the one person the question names, or, in a chat of a user
            with an assistant, by the user where the question says "I".
        told: bonus of the assistant's memories where the question says "you told me".
        date: bonus of a memory dated in the stretch that the question names.
        date_after: share of it in the month after: people tell later.
        date_year: share added when a named year agrees, and taken off when it differs.
        date_near: days within which a memory near a named day still counts, falling linearly.
        event: bonus of a memory after (or before) the event the question names, see
            :class:`agentmem.recall.dates.Around`.
        time_word: bonus of a memory that says when, if the question asks when.
        brief: words up to which a time word or a question mark at the end says what a memory is; in a
            longer one they count less, in proportion.
        length: weight of ln(1 + min(words, ``length_cap``)): short replies answer little.
        length_cap: words beyond which longer is not better.
        question: malus of a memory that ends in a question mark.
        session: share of the best score of its session that a memory gets.
        invalid: prior of a memory that does not hold at the asked time.
        pool: candidates taken from each of words and vectors.
        exhaustive: namespaces of at most this many memories are scored whole.
        spread: further steps over links, run in order after the sum and before the session's share.
    """

    lexical: float = 1.0
    idf: float = 0.85
    english: float = 1.0
    soft: float = 0.7
    soft_from: float = 0.5
    dense: Mapping[str, float] = field(default_factory=lambda: _weights(static=0.6, minilm=0.8, other=1.0))
    dense_alone: float = 0.8
    dense_floor: float = 0.02
    dense_knee: float = 4.0
    speaker: float = 6.0
    told: float = 0.0
    date: float = 2.5
    date_after: float = 0.4
    date_year: float = 0.3
    date_near: float = 7.0
    event: float = 1.5
    time_word: float = 2.0
    brief: float = 10.0
    length: float = 0.4
    length_cap: int = 15
    question: float = 0.5
    session: float = 0.3
    invalid: float = 0.5
    pool: int = 200
    exhaustive: int = 4096
    spread: tuple[Spread, ...] = ()

    def dense_weight(self, embedder: str | None) -> float:
        """The weight of the vectors of an embedder, by its name; 0 for none."""
        if embedder is None:
            return 0.0
        return self.dense.get(embedder, self.dense.get("other", 1.0))

    def fingerprint(self) -> str:
        """16 hex digits that change whenever a weight does."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        values["dense"] = sorted(self.dense.items())
        values["spread"] = [step.fingerprint() for step in self.spread]
        return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:16]
