"""How candidates lift each other: the session's share, and steps over links.

A step is any object with the two methods of :class:`Spread`; a store lists its steps in
``Recipe.spread``. This is where pairs over names and titles, links of a note, and PageRank attach: a
step may add signals to candidates, add candidates, and say in ``pool.via`` by which path one came.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from agentmem.index.space import Space
from agentmem.recall.query import Question
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms

Values = NDArray[np.float64]


class Spread(Protocol):
    """One step of activation over links."""

    def fingerprint(self) -> str:
        """The step and its parameters in one line."""
        ...

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """Lift candidates; the pools' ``score`` holds the sum of all signals before it."""
        ...


@runtime_checkable
class Proposing(Protocol):
    """A step that knows candidates of a large namespace which neither words nor vectors would find."""

    def propose(
        self, space: Space, question: Question, allowed: NDArray[np.bool_], wanted: int
    ) -> NDArray[np.int64]:
        """Documents to score, at most about ``wanted``, all of them allowed."""
        ...


def extend(pool: Pool, docs: NDArray[np.int64]) -> None:
    """Add candidates that no signal has brought; their signals so far are 0."""
    new = np.setdiff1d(docs, pool.docs)
    if not len(new):
        return
    every = np.union1d(pool.docs, new)
    old = np.searchsorted(every, pool.docs)

    def wider(values: NDArray[np.float64], fill: float) -> NDArray[np.float64]:
        wide = np.full(len(every), fill, dtype=values.dtype)
        wide[old] = values
        return wide

    pool.signals = {name: wider(values, 0.0) for name, values in pool.signals.items()}
    if pool.cosine is not None:
        cosine = np.full(len(every), np.nan, np.float32)
        cosine[old] = pool.cosine
        pool.cosine = cosine
    if len(pool.score):
        pool.score = wider(pool.score, 0.0)
    pool.docs = every


def widen(pool: Pool, docs: NDArray[np.int64]) -> None:
    """Add candidates and score them as the others were: words, vectors, speaker, date, traits."""
    new = np.setdiff1d(docs, pool.docs)
    if not len(new):
        return
    extra = Pool(pool.space, pool.number, new)
    if pool.complete is not None:
        pool.complete(extra)
    extend(pool, new)
    places = np.searchsorted(pool.docs, new)
    for name, values in extra.signals.items():
        column = pool.signals.setdefault(name, np.zeros(len(pool.docs)))
        column[places] = values
    if pool.cosine is not None and extra.cosine is not None:
        pool.cosine[places] = extra.cosine
    if len(extra.score):
        pool.score[places] = extra.score


def session_share(pool: Pool, share: float) -> Values:
    """Share · the best score of the memory's session; a memory without one is its own session.

    A session whose best is below zero lifts nothing.
    """
    codes = pool.space.session[pool.docs]
    best = np.zeros(len(pool.space.sessions) + 1)
    np.maximum.at(best, codes, pool.score)  # code -1, no session, writes into the last, spare place
    lifted = np.where(codes < 0, np.maximum(pool.score, 0.0), best[codes])
    return np.asarray(share * lifted)


def beside_event(pool: Pool, side: str, event: NDArray[np.float32] | Values, recipe: Recipe) -> Values:
    """Bonus of what is dated after (or before) the memory that tells of the event best.

    Args:
        pool: the candidates.
        side: ``"before"`` or ``"after"``.
        event: lexical score of each candidate for the words of the event.
        recipe: the weights.
    """
    if not len(event) or float(event.max()) <= 0:
        return np.zeros(len(pool.docs))
    times = pool.space.at[pool.docs]
    moment = times[int(event.argmax())]
    right = times >= moment if side == "after" else times <= moment
    return np.asarray(recipe.event * right, dtype=np.float64)
