"""Onward: in a conversation, what was found leads to the turns right after it.

"I went hiking again." - "Where to?" - "Mount Tom, with the dogs." Who is asked for the dogs finds the first
turn by its words; the third says what it says of the hike without naming it. This step lets the best hits
lift the turns that follow them while the talk goes on::

    score(i) += lift · damp^(d - 1) · (score(j) - score(i))      j one of the best, i the d-th turn after it

for the greatest such lift, if it is one. So a turn comes nearer to the one it follows and never before it,
and the best hit of all stays where it is. What is lifted must be the same talk: of one session, within so
many turns and words of the hit, without a long pause, and two must take part in it. A list of notes, a
story or a passage is none of this and is left as it is.

People recall what came right after a thing more readily than what came before it (the forward asymmetry of
the contiguity effect: Kahana, "Associative retrieval processes in free recall", Memory & Cognition 24,
1996); turns before a hit were tried as well and gain nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from agentmem.index.space import Space
from agentmem.language.text import length
from agentmem.recall.query import Question
from agentmem.recall.rank import best
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms

SIGNAL = "onward"
"""The name of the signal, and of the step by which a turn was reached."""

_MINUTE = 60_000_000  # in microseconds


@dataclass(frozen=True, slots=True)
class OnwardWeights:
    """All numbers of the step.

    Attributes:
        hits: how many of the best candidates lift.
        reach: turns after a hit that it lifts at most.
        words: most words of a hit and what follows it together: in long turns all is said in one.
        pause: minutes between two turns from which the talk is another.
        lift: share of the difference that the next turn gets.
        damp: what a turn further on gets of that.
    """

    hits: int = 3
    reach: int = 4
    words: int = 150
    pause: float = 60.0
    lift: float = 0.25
    damp: float = 0.8


class Onward:
    """The step for ``Recipe.spread``; after those that find something.

    Args:
        weights: the numbers.
    """

    def __init__(self, weights: OnwardWeights | None = None) -> None:
        self.weights = weights or OnwardWeights()

    def fingerprint(self) -> str:
        """See :class:`agentmem.recall.spread.Spread`."""
        return f"onward {self.weights}"

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """See :class:`agentmem.recall.spread.Spread`."""
        hits: dict[int, list[tuple[int, float]]] = {}
        for number, place in best(pools, self.weights.hits):
            pool = pools[number]
            hits.setdefault(number, []).append((int(pool.docs[place]), float(pool.score[place])))
        for number, found in hits.items():
            self._lift(pools[number], found)

    def _lift(self, pool: Pool, hits: Sequence[tuple[int, float]]) -> None:
        """Lift what follows (document, score)."""
        w = self.weights
        told = [
            (doc, hit, worth, distance)
            for hit, worth in hits
            for distance, doc in enumerate(following(pool.space, hit, w))
        ]
        if not told:
            return
        docs = np.array([doc for doc, _, _, _ in told])
        places = np.minimum(pool.docs.searchsorted(docs), len(pool.docs) - 1)
        known = pool.docs[places] == docs  # what is no candidate says too little to come up
        most: dict[int, tuple[float, int, int]] = {}  # place -> lift, by which hit, how far after it
        docs_of: dict[int, int] = {}
        for place, score, (doc, hit, worth, distance) in compress(
            zip(places.tolist(), pool.score[places].tolist(), told, strict=True), known.tolist()
        ):
            lift = w.lift * w.damp**distance * (worth - max(score, 0.0))
            docs_of[place] = doc
            if lift > 0 and (place not in most or lift > most[place][0]):
                most[place] = (lift, hit, distance)
        lifted = np.zeros(len(pool.docs))
        ids = {hit: pool.space.id_of(hit) for hit, _ in hits}
        for place, (lift, hit, distance) in most.items():
            doc = docs_of[place]
            lifted[place] = lift
            if doc not in pool.via:
                pool.via[doc] = ((ids[hit], SIGNAL, round(lift, 4)),)
            pool.why[SIGNAL, doc] = _WHY[min(distance, len(_WHY) - 1)]
        pool.add(SIGNAL, lifted)


def following(space: Space, doc: int, weights: OnwardWeights) -> list[int]:
    """The turns with which the talk goes on after one, in order; -1 for what only its speaker has said.

    Args:
        space: the namespace's index.
        doc: the turn.
        weights: how far a talk goes on.
    """
    if space.session[doc] < 0 or space.made_by[doc] >= 0:
        return []
    after, at, flags = space.lexical.turns.after.view, space.at, space.flags
    speaker, role, derived = space.speaker, space.role, space.made_by
    pause = weights.pause * _MINUTE
    voice = speaker.item(doc), role.item(doc)
    words = length(flags.item(doc))
    others = False
    found: list[int] = []
    now = doc
    while len(found) < weights.reach:
        then = after.item(now)
        if then < 0 or at.item(then) - at.item(now) >= pause:
            break
        now = then
        if derived.item(now) >= 0:
            continue
        words += length(flags.item(now))
        if words > weights.words:
            break
        others = others or (speaker.item(now), role.item(now)) != voice
        found.append(now if others else -1)
    return found


_WHY = tuple(
    f"goes on {far} after what was found"
    for far in ("right", "two turns", "three turns", "four turns", "some turns")
)
