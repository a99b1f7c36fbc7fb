"""Notes: what was found of one person's notes leads to those on the same that say more of the question.

"Where is the course that lasts nine weeks?" is answered by two notes, "The bakers' course lasts nine weeks"
and "The bakers' course is in Turin": the second says little of the question, and so do the notes on where
other courses are. For the best candidate a, and each other note b that was found::

    score(b) += (1 - e^(-strength · gain · link)) · (score(a) - score(b))

    gain = what b says of the question that a leaves open, as a share of all that a leaves open
    link = what b repeats of the rest of a, as a share of what of it comes back at all

both by the words' weights. So a note that adds nothing, or speaks of another matter, gets nothing, and none
passes the one it was reached from. Pairs over names (:mod:`agentmem.recall.pairs`) do as much for texts
with titles and names, and need capitals; this needs none and works in any script.

It holds for notes only: short, without a title, and all of one voice, in their session or without one. In a
talk a repeated word says "same topic" and no more; there it was tried and harms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agentmem.index.names import names_of
from agentmem.index.space import Space
from agentmem.language.text import length
from agentmem.recall.pairs import presence
from agentmem.recall.query import Question
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms

if TYPE_CHECKING:
    from agentmem.backends.base import Backend

SIGNAL = "note"
"""The name of the signal, and of the step by which a note was reached."""

Docs = NDArray[np.int64]
Values = NDArray[np.float64]

_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class NotesWeights:
    """All numbers of the step.

    Attributes:
        strength: how soon gain and link together bring a note up to the one found.
        reach: notes before and after it in its session that are looked at; without a session, among so
            many of the best candidates.
        words: most words of a note.
    """

    strength: float = 2.0
    reach: int = 64
    words: int = 60


class Notes:
    """The step for ``Recipe.spread``; after those that find something.

    Args:
        backend: where the texts are, to tell titles; without one, only notes of a session are looked at.
        weights: the numbers.
    """

    def __init__(self, backend: Backend | None = None, weights: NotesWeights | None = None) -> None:
        self._backend = backend
        self.weights = weights or NotesWeights()

    def fingerprint(self) -> str:
        """See :class:`agentmem.recall.spread.Spread`."""
        return f"notes {self.weights}"

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """See :class:`agentmem.recall.spread.Spread`."""
        some = [pool for pool in pools if len(pool.score)]
        if not terms.terms or not some:
            return
        pool = some[0] if len(some) == 1 else max(some, key=lambda pool: float(pool.score.max()))
        root = int(pool.score.argmax())
        docs = self._beside(pool, int(pool.docs[root]))
        if len(docs) > 1:
            self._lift(pool, docs, root, terms)

    def _beside(self, pool: Pool, doc: int) -> Docs:
        """The candidates that are notes beside one, itself among them, ascending; empty if it is none."""
        w, space = self.weights, pool.space
        if length(space.flags.item(doc)) > w.words or space.made_by[doc] >= 0:
            return _NONE
        if space.session[doc] >= 0:
            turns = space.lexical.turns
            after = int(turns.after.view[doc])
            if after >= 0 and not _said_as(space, doc, after):
                return _NONE  # most talks end here
            docs = turns.stretch(doc, w.reach)
            if not np.all(_said_as(space, doc, docs)):
                return _NONE
            docs = np.intersect1d(docs, pool.docs, assume_unique=True)
        else:
            if self._backend is None or space.ns < 0 or space.known_at is not None:
                return _NONE
            titled = names_of(space, self._backend).titled
            rank = len(pool.docs) - w.reach
            docs = pool.docs if rank <= 0 else pool.docs[pool.score > np.partition(pool.score, rank)[rank]]
            docs = docs[(space.session[docs] < 0) & _said_as(space, doc, docs) & ~titled[docs]]
            if doc not in docs:
                return _NONE
        return docs[(space.made_by[docs] < 0) & (length(space.flags[docs]) <= w.words)]

    def _lift(self, pool: Pool, docs: Docs, root: int, terms: Terms) -> None:
        own = int(docs.searchsorted(pool.docs[root]))
        ids, gain = gains(pool.space, docs, own, terms)
        if not gain.any():
            return
        share = 1.0 - np.exp(-self.weights.strength * gain * links(pool.space, docs, own, ids))
        places = pool.docs.searchsorted(docs)
        lifted = np.zeros(len(pool.docs))
        lifted[places] = share * np.maximum(pool.score[root] - pool.score[places], 0.0)
        path = pool.space.id_of(int(docs[own]))
        for place in np.flatnonzero(lifted).tolist():
            doc = int(pool.docs[place])
            pool.via.setdefault(doc, ((path, SIGNAL, round(float(lifted[place]), 4)),))
            pool.why[SIGNAL, doc] = "is about the same as what was found, and says more of the question"
        pool.add(SIGNAL, lifted)


def _said_as(space: Space, doc: int, other: Docs | int) -> Any:
    """Whether others were said by whom a document was said, if by anybody."""
    return (space.speaker[other] == space.speaker[doc]) & (space.role[other] == space.role[doc])


def gains(space: Space, docs: Docs, root: int, terms: Terms) -> tuple[Docs, Values]:
    """What documents say of a question that one of them leaves open, as a share of that.

    Args:
        space: the namespace's index.
        docs: the documents.
        root: the place of the one.
        terms: the question's words.

    Returns:
        The numbers of the question's words and of those like them, ascending; and (docs,) the shares.
    """
    said = presence(space, docs, terms)
    here = said[:, [root]]
    weights = np.array([term.weight for term in terms.terms])
    gain = weights @ np.maximum(said - here, 0.0)
    open_to = float(weights @ (1.0 - here[:, 0]))
    ids = np.unique(np.array([id for term in terms.terms for id, _ in term.variants], np.int64))
    return ids, gain / open_to if open_to > 0 else gain


def links(space: Space, docs: Docs, root: int, asked: Docs) -> Values:
    """What documents repeat of the rest of one of them, as a share of what of it comes back at all.

    Args:
        space: the namespace's index.
        docs: the documents.
        root: the place of the one.
        asked: words that do not count, ascending.
    """
    turns = space.lexical.turns
    rest = np.setdiff1d(turns.own_terms(int(docs[root])).astype(np.int64), asked)
    held = np.zeros((len(docs), len(rest)), np.bool_)
    held[turns.held(docs, rest)] = True
    df = held.sum(axis=0)
    n = len(docs)
    weight = np.where(df > 1, np.log1p((n - df + 0.5) / (df + 0.5)), 0.0)
    total = float(weight.sum())
    found = held @ weight / total if total > 0 else np.zeros(n)
    found[root] = 0.0
    return np.asarray(found)
