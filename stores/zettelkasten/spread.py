"""Recall over notes: the note's vector stands for its episode, and hits bring the notes linked with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.index.counted import counted
from agentmem.memory import Link
from agentmem.recall.query import Question
from agentmem.recall.rank import best
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms, query_terms
from agentmem.recall.spread import extend
from agentmem.stores.zettelkasten.notes import LINK
from agentmem.stores.zettelkasten.overlay import Overlay

Values = NDArray[np.float64]
_WORDS = Recipe()
_STEP = 1e-6
"""What each further linked note of a hit ranks below it, as a share of the hit's score."""


@dataclass(frozen=True, slots=True)
class NoteSpread:
    """A step of recall, see :class:`agentmem.recall.spread.Spread`.

    With q the question's vector and e_i the vector of the note of episode i (of the episode itself
    while it has none)::

        note(i)   = weight · cos(q, e_i)                         or, standardised, weight · z(cos(q, e_i))
        s(i)      = note(i) + whatever the recipe's other signals give
        linked(i) = max over hits h linked with i of  s(h) - s(i), where positive       "each", the paper's
        linked(i) = max over hits h linked with i of  mix · w_hi · s(h)                 "scored"

    With "each", what is linked with a hit comes right after it (section 3.4: the hits and what stands in
    their boxes are fetched together); with "scored", it competes with the other hits. The hits h are
    the best ``roots``, each of which brings its ``most`` strongest links, one hop far.

    A memory without a vector (pending, or in a script the embedder does not know) has instead of the
    cosine the share in [0, 1] that it says of the question's words, and so have all where the question
    itself has no vector.

    Attributes:
        backend: where links are.
        overlay: which note stands for which episode.
        maker: whose links.
        weight: of the cosine.
        standard: whether cosines are standardised over the namespace, to be added to words.
        note_words: weight of what a note's words add to the episode's.
        expand: "each", "scored" or "none".
        mix: see above.
        roots: how many hits bring linked notes.
        most: how many links a hit brings.
    """

    backend: Backend
    overlay: Overlay
    maker: str
    weight: float = 1.0
    standard: bool = False
    note_words: float = 0.0
    expand: str = "each"
    mix: float = 0.2
    roots: int = 32
    most: int = 10
    floor: float = field(default=0.02)

    def fingerprint(self) -> str:
        """See the contract."""
        numbers = (self.weight, self.standard, self.note_words, self.expand, self.mix)
        return f"notes:{numbers}:{self.roots}:{self.most}"

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """See the contract."""
        for pool in pools:
            self._candidates(pool, recipe)
        cosines = [self._cosines(pool) for pool in pools]
        mean, deviation = self._moments(pools) if self.standard else (0.0, 1.0)
        shares = self._shares(pools, cosines, question) if not self.standard else cosines
        for pool, cosine, share in zip(pools, cosines, shares, strict=True):
            if self.standard:
                cosine = (cosine - mean) / max(deviation, self.floor)
            elif pool.cosine is None:
                pool.cosine = cosine.astype(np.float32)
            pool.add("note", self.weight * np.nan_to_num(np.where(np.isnan(cosine), share, cosine), nan=0.0))
            if self.note_words and terms.terms and len(pool.docs):
                pool.add("note words", self.note_words * self._words(pool, terms))
        if self.expand != "none":
            for pool in pools:
                self._linked(pool)

    # --- notes -----------------------------------------------------------------------------------
    def _candidates(self, pool: Pool, recipe: Recipe) -> None:
        """Add the episodes whose notes are nearest, where the namespace is too large to score whole."""
        space = pool.space
        if pool.vector is None or space.vectors is None or space.n <= max(recipe.exhaustive, recipe.pool):
            return
        episodes = np.flatnonzero(space.live if pool.allowed is None else pool.allowed & space.live)
        mask = np.zeros(space.n, bool)
        mask[self.overlay.standing(space, episodes)] = True
        near = space.vectors.probe(pool.vector, recipe.pool, mask).docs
        extend(pool, self.overlay.annotated(space, near))

    def _cosines(self, pool: Pool) -> Values:
        """The cosine of each candidate's note, nan without a vector."""
        space = pool.space
        if pool.vector is None or space.vectors is None or not len(pool.docs):
            return np.full(len(pool.docs), np.nan)
        standing = self.overlay.standing(space, pool.docs)
        return space.vectors.scores(pool.vector, standing).astype(np.float64)

    def _moments(self, pools: Sequence[Pool]) -> tuple[float, float]:
        total = mean = square = 0.0
        for pool in pools:
            index = pool.space.vectors
            if pool.vector is not None and index is not None and len(index):
                probe = index.probe(pool.vector, 1)
                of = (probe.mean, probe.std, len(index))
                counts = counted(pool.space, self.maker)
                middle, deviation, n = of if counts is None else counts.moments(pool.space, pool.vector, of)
                total += n
                mean += n * middle
                square += n * (deviation**2 + middle**2)
        if not total:
            return 0.0, 1.0
        mean /= total
        return mean, max(square / total - mean * mean, 0.0) ** 0.5

    def _shares(self, pools: Sequence[Pool], cosines: Sequence[Values], question: Question) -> list[Values]:
        """What candidates say of the question's words, where some have no cosine."""
        if not any(np.isnan(cosine).any() for cosine in cosines):
            return [np.zeros(len(cosine)) for cosine in cosines]
        spaces = [pool.space for pool in pools]
        terms = query_terms(question.words, spaces, _WORDS, self.backend.term_ids, self.maker)
        result = []
        for pool in pools:
            most = max(terms.total * (pool.space.lexical.options.k1 + 1.0), 1e-9)
            said = pool.space.lexical.score(terms.terms, pool.space.n)[pool.docs]
            result.append(np.minimum(said.astype(np.float64) / most, 1.0))
        return result

    def _words(self, pool: Pool, terms: Terms) -> Values:
        """By how much a note's words say more of the question than the episode and its neighbours."""
        notes = self.overlay.of(pool.space, pool.docs)
        scores = pool.space.lexical.score(terms.terms, pool.space.n)
        own = scores[pool.docs].astype(np.float64)
        return np.where(notes >= 0, np.maximum(scores[notes] - own, 0.0), 0.0)

    # --- links -----------------------------------------------------------------------------------
    def _linked(self, pool: Pool) -> None:
        space = pool.space
        if not len(pool.docs):
            return
        if not len(pool.score):
            pool.score = np.zeros(len(pool.docs))
        roots = [place for _, place in best([pool], self.roots) if pool.score[place] > 0]
        ids = space.ids_of(pool.docs[roots])
        linked = by_end(self.backend.links(space.ns, ids, known_at=space.known_at), ids, self.maker)
        scores = dict(zip(ids, pool.score[roots].tolist(), strict=True))
        reached = sorted({other for ends in linked.values() for other, _ in ends[: self.most]})
        docs = space.docs_of(reached)
        docs = np.where(docs >= 0, docs, -1)
        if pool.allowed is not None:
            docs = np.where((docs >= 0) & pool.allowed[docs], docs, -1)
        extend(pool, docs[docs >= 0])
        places = np.searchsorted(pool.docs, docs)
        place_of = {id: int(p) for id, p, doc in zip(reached, places, docs, strict=True) if doc >= 0}
        own, lifted = pool.score, np.zeros(len(pool.docs))
        for root in ids:
            rank = 0
            for other, weight in linked.get(root, ())[: self.most]:
                place = place_of.get(other)
                if place is None:
                    continue
                rank += 1
                if self.expand == "each":
                    gain = scores[root] * (1.0 - _STEP * rank) - own[place]
                else:
                    gain = self.mix * weight * scores[root]
                if gain > lifted[place]:
                    lifted[place] = gain
                    pool.via[int(pool.docs[place])] = ((root, LINK, weight),)
        pool.add("linked note", lifted)


def by_end(links: Sequence[Link], ids: Sequence[str], maker: str) -> dict[str, list[tuple[str, float]]]:
    """For each id what is linked with it, in either direction, the strongest first."""
    wanted = set(ids)
    found: dict[str, dict[str, float]] = {}
    for link in links:
        if link.made_by != maker or link.kind != LINK or link.source == link.target:
            continue
        for one, other in ((link.source, link.target), (link.target, link.source)):
            if one in wanted:
                ends = found.setdefault(one, {})
                ends[other] = max(ends.get(other, 0.0), link.weight)
    return {one: sorted(ends.items(), key=lambda end: (-end[1], end[0])) for one, ends in found.items()}
