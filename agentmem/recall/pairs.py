"""Pairs: a strong memory lifts the memories linked to it by as much of the question as they add.

A question over several hops ("who is the mother of the director of …") is answered by memories of which
only the first shares its words. So not single memories are scored but pairs: a *root*, found by itself, and
a *partner* that the root's text leads to. Two kinds of links, both read from the texts
(:mod:`agentmem.recall.pairs_links`):

- *named*: the root's text names the title of the partner;
- *shared*: both texts have a rare name.

With w the root's weight, g the gain (what of the question the partner says and the root does not) and L the
link's strength::

    w(a)    = ((s(a) - median) / (best - median))^power                       the ``roots`` best memories
    g(b|a)  = Σ_t idf_t · max(0, c_t(b) - c_t(a)) / Σ_t idf_t                  c: 1 said, less said alike
    p(a, b) = w(a) · (g / max g + floor) · L · gate

and the partner gets ``bonus`` · p / max(best p, ``least``), but never as much as would put it above its root,
which itself gets ``root_bonus`` of the same. A root's lesser partners give way to another root's best
(p² / its best p).

The gate is a property of the texts, not of the question. Named links are always open. Shared ones are scaled
by what the best of them adds, ``clip((v - gate_from) / (gate_to - gate_from), 0, 1)`` with v = max w · (g +
open · (what the root leaves open)) · rarity · (``between_notes`` between two texts without a title | 1): a
name says less there, but where the gate is open, a note counts as much as a text with a title. A turn of a
dialogue leads nowhere, for a name in it says only "same topic";
and where turns answer best, in a namespace of turns and texts, all lifts shrink with the share of the roots'
weight that is theirs: by (1 - share)^``apart``.

Before all this, a memory whose title the question names gets ``seed`` · rarity / √bearers. With an embedder
that has vectors of tokens, the gain of the best partners is measured by these (see :class:`Tokens`).
A namespace of nothing but turns is left as it is, and so are versions known at another time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary, finalize

import numpy as np
from numpy.typing import NDArray

from agentmem.index.names import names_of
from agentmem.index.names_text import question_spots
from agentmem.index.space import Space
from agentmem.recall.pairs_links import SHARED, Asked, Ints, Links, PairWeights, Side, Values
from agentmem.recall.query import Question
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms

if TYPE_CHECKING:
    from agentmem.backends.base import Backend

__all__ = ["PairWeights", "Pairs", "Tokens"]

SIGNAL = "pairs"
"""The name of the signal."""
_EXPLAINED = 50  # partners with a path and a reason; more are never shown
_SAMPLE = 2_000  # documents from which the median of a large namespace is taken
_TINY = 1e-9

Root = tuple[Side, int, float]
"""Where, which document, and its weight."""


class Tokens(Protocol):
    """Compares a question with texts token by token."""

    def closeness(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How near each content token of a question comes to a token of each text; (tokens, texts)."""
        ...

    def clear(self) -> None:
        """Forget all texts."""
        ...


class Pairs:
    """The step for ``Recipe.spread``.

    Args:
        backend: where texts and words are.
        weights: the numbers.
        named: whether texts are lifted that a root names by their titles.
        shared: whether texts are lifted that share a rare name with a root.
        seeds: whether texts are lifted whose title the question names.
        tokens: what measures the gain of the best partners, or None for words.
        maker: gives the maker whose statistics count, see :mod:`agentmem.index.counted`; None counts
            everything. Asked when there is a question, for a store's maker has the step in its fingerprint.
    """

    def __init__(
        self,
        backend: Backend,
        weights: PairWeights | None = None,
        *,
        named: bool = True,
        shared: bool = True,
        seeds: bool = True,
        tokens: Tokens | None = None,
        maker: Callable[[], str] | None = None,
    ) -> None:
        self.weights = weights or PairWeights()
        self._backend = backend
        self._kinds = (named, shared)
        self._seeds = seeds
        self._tokens = tokens
        self._maker = maker
        self._followed: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def fingerprint(self) -> str:
        """See :class:`agentmem.recall.spread.Spread`."""
        parts = (*self._kinds, self._seeds, self._tokens is not None, *astuple(self.weights))
        return "pairs " + " ".join(map(str, parts))

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """See :class:`agentmem.recall.spread.Spread`."""
        maker = None if self._maker is None else self._maker()
        sides = [
            Side(pool, names_of(pool.space, self._backend), self._backend, self.weights, maker)
            for pool in pools
            if len(pool.docs)
            and pool.space.ns >= 0
            and pool.space.known_at is None
            and pool.space.names.worth(pool.space)
        ]
        if not sides:
            return
        if self._tokens is not None:
            for side in sides:
                self._follow(side)
        if self._seeds:
            spots = question_spots(question.text)
            for side in sides:
                side.seed(spots)
        if not any(self._kinds) or not terms.terms:
            return
        roots = self._roots(pools, sides)
        asked = Asked(terms, recipe)
        links: list[Links] = []
        for side in sides:
            own = [(number, doc) for number, (where, doc, _) in enumerate(roots) if where is side]
            links.append(side.links(own, asked, *self._kinds))
        if any(len(one.root) for one in links):
            self._lift(roots, list(zip(sides, links, strict=True)), question, terms)

    def _follow(self, side: Side) -> None:
        """Let what is known of texts go with the index they came from, as after an erasure."""
        assert self._tokens is not None
        if side.names not in self._followed:
            self._followed[side.names] = finalize(side.names, self._tokens.clear)

    def _roots(self, pools: Sequence[Pool], sides: Sequence[Side]) -> list[Root]:
        """The strongest candidates above the median, the best first."""
        w = self.weights
        found = [pool for pool in pools if len(pool.docs)]
        best = max(float(pool.score.max()) for pool in found)
        middle = float(np.median(np.concatenate([_sampled(pool) for pool in found])))
        chosen: list[tuple[float, int, int]] = []
        for number, side in enumerate(sides):
            score = side.pool.score
            few = np.argsort(-score, kind="stable")[: w.roots]
            chosen += [(-float(score[i]), number, int(side.pool.docs[i])) for i in few.tolist()]
        return [
            (sides[number], doc, ((-low - middle) / (best - middle)) ** w.power)
            for low, number, doc in sorted(chosen)[: w.roots]
            if -low > middle
        ]

    def _lift(
        self, roots: Sequence[Root], parts: Sequence[tuple[Side, Links]], question: Question, terms: Terms
    ) -> None:
        w = self.weights
        every = Links.joined([links for _, links in parts])
        gains, opens = zip(*(_gains(side, links, roots, terms) for side, links in parts), strict=True)
        gain, weight = np.concatenate(gains), np.array([one[2] for one in roots])
        shared = every.kind == SHARED
        value = weight[every.root] * (gain + w.open * np.sum(opens, axis=0)[every.root]) * every.worth
        gate = (float(value[shared].max(initial=0.0)) - w.gate_from) / (w.gate_to - w.gate_from)
        strength = weight[every.root] * every.strength
        strength[shared] *= min(max(gate, 0.0), 1.0)
        p = strength * (gain / max(float(gain.max()), _TINY) + w.floor)
        if self._tokens is not None:
            p = self._by_tokens(p, strength, roots, parts, every, question)
        top = float(p.max())
        if top <= 0:
            return
        top = max(top, w.least)
        apart = np.array([not where.names.turns[doc] for where, doc, _ in roots])
        top /= float(weight[apart].sum() / weight.sum()) ** w.apart
        best = np.zeros(len(roots))
        np.maximum.at(best, every.root, p)
        p = p * p / np.maximum(best[every.root], _TINY) / top
        start = 0
        for side, links in parts:
            here = p[start : start + len(links.root)]
            start += len(links.root)
            self._add(side, links, here, roots, best / top)

    def _add(self, side: Side, links: Links, p: Values, roots: Sequence[Root], best: Values) -> None:
        """Give partners and roots of one namespace their lifts, and say why."""
        w, pool = self.weights, side.pool
        own = np.zeros(len(pool.docs))
        places = np.array(
            [np.searchsorted(pool.docs, doc) if where is side else 0 for where, doc, _ in roots], np.int64
        )
        for number, (where, doc, _) in enumerate(roots):
            if where is side:
                own[places[number]] = w.root_bonus * best[number]
                pool.why[SIGNAL, doc] = "leads to what else is asked"
        final = pool.score + own
        partner = np.searchsorted(pool.docs, links.doc)
        room = final[places[links.root]] - pool.score[partner] - w.below * (2.0 - p)
        lift = np.minimum(w.bonus * p, room)
        total = own.copy()
        np.maximum.at(total, partner, lift)
        pool.add(SIGNAL, np.maximum(total, 0.0))
        reached = np.flatnonzero((lift > 0) & (lift >= total[partner]))
        if len(reached) > _EXPLAINED:
            reached = reached[np.argsort(-(pool.score[partner[reached]]), kind="stable")[:_EXPLAINED]]
        for i in reached.tolist():
            side.explain(links, i, roots[int(links.root[i])][1], SIGNAL, float(p[i]))

    def _by_tokens(
        self,
        p: Values,
        strength: Values,
        roots: Sequence[Root],
        parts: Sequence[tuple[Side, Links]],
        every: Links,
        question: Question,
    ) -> Values:
        """P of the best partners, their gains measured by tokens; the others are left out."""
        assert self._tokens is not None
        few = _best_partners(p, parts, self.weights.measured)
        if not len(few):
            return p
        texts: list[str] = []
        place: dict[tuple[int, int], int] = {}
        sides = [number for number, (_, links) in enumerate(parts) for _ in range(len(links.root))]
        where = {id(side): number for number, (side, _) in enumerate(parts)}
        wanted = [(sides[i], int(every.doc[i])) for i in few.tolist()]
        lifting = [(where[id(roots[r][0])], roots[r][1]) for r in every.root[few].tolist()]
        for number, (side, _) in enumerate(parts):
            docs = list(dict.fromkeys(doc for other, doc in (*lifting, *wanted) if other == number))
            for doc, text in side.texts(docs).items():
                place[number, doc] = len(texts)
                texts.append(text)
        known = [i for i, (a, b) in enumerate(zip(lifting, wanted, strict=True)) if a in place and b in place]
        near = self._tokens.closeness(question.text, texts)
        if not len(near) or not known:
            return p
        a = np.array([place[lifting[i]] for i in known])
        b = np.array([place[wanted[i]] for i in known])
        gain = np.maximum(near[:, b] - near[:, a], 0.0).mean(axis=0)
        measured = np.zeros(len(p))
        kept = few[known]
        measured[kept] = strength[kept] * (gain / max(float(gain.max()), _TINY) + self.weights.floor)
        return measured


def _best_partners(p: Values, parts: Sequence[tuple[Side, Links]], count: int) -> Ints:
    """The links to the ``count`` partners with the highest p."""
    names = np.concatenate(
        [links.doc + (number << 40) for number, (_, links) in enumerate(parts)] or [np.empty(0, np.int64)]
    )
    order = np.argsort(-p, kind="stable")
    order = order[p[order] > 0]
    _, first = np.unique(names[order], return_index=True)
    kept = names[order[np.sort(first)[:count]]]
    return np.flatnonzero(np.isin(names, kept) & (p > 0))


def _gains(side: Side, links: Links, roots: Sequence[Root], terms: Terms) -> tuple[Values, Values]:
    """The gain of each link, and of each root what of the question it leaves open (0 for other sides')."""
    opens = np.zeros(len(roots))
    if not len(links.root):
        return np.empty(0), opens
    mine = [(number, doc) for number, (where, doc, _) in enumerate(roots) if where is side]
    docs = np.unique(np.concatenate([links.doc, [doc for _, doc in mine]]))
    said = presence(side.pool.space, docs, terms)
    idf = np.array([term.weight for term in terms.terms]) / terms.total
    places = np.zeros(len(roots), np.int64)
    for number, doc in mine:
        places[number] = np.searchsorted(docs, doc)
        opens[number] = 1.0 - float(idf @ said[:, places[number]])
    more = said[:, np.searchsorted(docs, links.doc)] - said[:, places[links.root]]
    return np.asarray(idf @ np.maximum(more, 0.0)), opens


def presence(space: Space, docs: Ints, terms: Terms) -> Values:
    """1 where a document says a word of the question itself, less where a similar one; (terms, docs)."""
    variants = sorted(
        (term_id, number, factor)
        for number, term in enumerate(terms.terms)
        for term_id, factor in term.variants
    )
    ids = np.array([term_id for term_id, _, _ in variants], np.int64)
    number = np.array([number for _, number, _ in variants], np.int64)
    factor = np.array([factor for _, _, factor in variants])
    places, found = space.lexical.turns.held(docs, ids)
    said = np.zeros((len(terms.terms), len(docs)))
    np.maximum.at(said, (number[found], places), factor[found])
    return said


def _sampled(pool: Pool) -> Values:
    """Scores that stand for those of all that may be found: all, or words alone of an even sample."""
    allowed = pool.allowed
    everything = pool.space.n if allowed is None else int(np.count_nonzero(allowed))
    if pool.words is None or len(pool.docs) >= everything:
        return pool.score
    docs = np.arange(pool.space.n) if allowed is None else np.flatnonzero(allowed)
    docs = docs[:: max(1, len(docs) // _SAMPLE)]
    usual = pool.signals.get("length")
    return pool.words[docs].astype(np.float64) + (0.0 if usual is None else float(np.median(usual)))
