"""Search: signals, spread, prior, rank, over one namespace's index or several with statistics summed.

The engine reads indexes and changes nothing. Candidates are the best few hundred by words and the
best few hundred by vectors (all memories of a small namespace); each of them is scored exactly, with
the formula of :mod:`agentmem.recall.recipe`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agentmem.index.base import Mask, Probe, VectorIndex
from agentmem.index.counted import counted
from agentmem.index.lexical import top
from agentmem.index.space import Space
from agentmem.recall import prior as priors_of
from agentmem.recall import signals, spread
from agentmem.recall.explain import Explainer
from agentmem.recall.query import Question, name_words, named, parse
from agentmem.recall.rank import best
from agentmem.recall.recipe import Recipe
from agentmem.recall.relevance import Features, behind, features, relevance
from agentmem.recall.signals import Pool, TermIds, Terms

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """A document that was found.

    Attributes:
        space: its place among the spaces searched.
        doc: its number there.
        score: the sum of ``signals``.
        relevance: in [0, 1], comparable between questions; see :mod:`agentmem.recall.relevance`.
        signals: name -> contribution.
        via: the path of links by which a spread step reached it: (id, kind, weight) each.
        why: the reasons in words, the strongest first; empty unless explained.
        evidence: what the relevance was computed from.
    """

    space: int
    doc: int
    score: float
    relevance: float
    signals: dict[str, float]
    via: tuple[tuple[str, str, float], ...] = ()
    why: tuple[str, ...] = ()
    evidence: Features = field(default=(), compare=False)


def search(
    spaces: Sequence[Space],
    question: str,
    k: int,
    *,
    recipe: Recipe,
    vector: Vector | None = None,
    embedder: str = "other",
    at: datetime,
    masks: Sequence[Mask | None] | None = None,
    priors: Sequence[priors_of.Prior | None] | None = None,
    term_ids: TermIds,
    explain: bool = True,
    maker: str | None = None,
) -> list[Found]:
    """The k best documents for a question, best first.

    Args:
        spaces: the indexes to search; their document frequencies and cosines are summed.
        question: what is asked.
        k: how many.
        recipe: the weights.
        vector: the question's unit vector; None, or zeros, for words alone.
        embedder: the name of the embedder it came from, which decides its weight.
        at: when it is asked.
        masks: for each space which documents may be found; None for all that live.
        priors: for each space a prior in [0, 1] of every document, such as a retention.
        term_ids: words -> term numbers, without the unknown ones.
        explain: whether to say why.
        maker: whose statistics: what others derived is not counted; None counts everything.
    """
    asked = parse(question, at)
    names = named(question, list(dict.fromkeys(name for space in spaces for name in space.speakers)))
    spoken = name_words(names)
    words = [word for word in asked.words if word not in spoken]
    terms = signals.query_terms(words, spaces, recipe, term_ids, maker)
    weight = recipe.dense_weight(embedder)
    compared = vector if vector is not None and vector.any() else None
    if vector is None or weight == 0 or not vector.any():
        vector = None
    pools: list[Pool] = []
    moments: list[tuple[float, float, int]] = []
    for number, space in enumerate(spaces):
        allowed = priors_of.recallable(space, at, None if masks is None else masks[number])
        pool, moment = _candidates(space, number, terms, vector, asked, names, allowed, k, recipe, maker)
        pool.allowed, pool.vector = allowed, compared
        pools.append(pool)
        moments.append(moment)
    mean, deviation = _together(moments)
    for pool in pools:
        if pool.cosine is not None:
            pool.add("vectors", signals.dense(pool, mean, deviation, recipe, weight))
        _score(pool, asked, names, recipe)
    if recipe.spread:
        for pool in pools:
            pool.complete = partial(
                _complete, pool.words, vector, (mean, deviation), weight, asked, names, recipe
            )
    if recipe.event and asked.around is not None:
        _event(pools, asked, spaces, recipe, term_ids, maker)
    for step in recipe.spread:
        step(pools, asked, terms, recipe)
    for pool in pools:
        if recipe.session:
            pool.add("session", spread.session_share(pool, recipe.session))
        held = priors_of.validity(pool.space, pool.docs, at, recipe)
        if priors is not None:
            given = priors[pool.number]
            held = held if given is None else held * given[pool.docs]
        pool.add("prior", priors_of.weigh(pool.score, held))
    return _found(pools, best(pools, k), asked, names, terms, explain)


def _complete(
    words: Vector | None,
    vector: Vector | None,
    moments: tuple[float, float],
    weight: float,
    question: Question,
    names: Sequence[str],
    recipe: Recipe,
    pool: Pool,
) -> None:
    """Score candidates that a step adds as all others were scored, but for "before" and "after"."""
    if words is not None:
        pool.add("words", words[pool.docs].astype(np.float64))
    vectors = pool.space.vectors
    if vector is not None and vectors is not None and len(vectors):
        pool.cosine = vectors.scores(vector, pool.docs)
        pool.add("vectors", signals.dense(pool, *moments, recipe, weight))
    _score(pool, question, names, recipe)


def wording(question: str, spaces: Sequence[Space]) -> str:
    """The question as it should be embedded: without the names of those who speak in the spaces.

    A turn rarely names its own speaker and often the other one ("Thanks, Ada!"), so that a name in
    the question pulls its vector towards the wrong person's turns; who spoke is a signal of its own.
    """
    names = named(question, list(dict.fromkeys(name for space in spaces for name in space.speakers)))
    plain = question
    for name in names:
        for form in (name, name.split()[0]):
            plain = re.sub(rf"(?<!\w){re.escape(form)}(?:['\u2019]s)?(?!\w)", " ", plain, flags=re.IGNORECASE)
    plain = " ".join(plain.split())
    return plain if re.search(r"\w", plain) else question


def _candidates(
    space: Space,
    number: int,
    terms: Terms,
    vector: Vector | None,
    question: Question,
    names: Sequence[str],
    allowed: Mask,
    k: int,
    recipe: Recipe,
    maker: str | None,
) -> tuple[Pool, tuple[float, float, int]]:
    """The documents to score, with their words' scores and raw cosines, and (mean, std, n) of cosines.

    The moments are those of all documents that count, each by its best piece, whatever may be found.
    """
    lexical = space.lexical.score(terms.terms, space.n)
    vectors = (
        space.vectors if vector is not None and space.vectors is not None and len(space.vectors) else None
    )
    wanted = max(recipe.pool, k)
    count = counted(space, maker)
    moment = (0.0, 1.0, 0)
    if space.n <= max(recipe.exhaustive, wanted):
        docs = np.flatnonzero(allowed)
        pool = Pool(space, number, docs)
        if vectors is not None and vector is not None:
            everything = vectors.scores(vector, np.arange(space.n))
            known = everything if count is None else everything[count.documents(space)]
            known = known[~np.isnan(known)]
            moment = (float(known.mean()), float(known.std()), len(known)) if len(known) else moment
            pool.cosine = everything[docs]
    else:
        mask = None if allowed.all() else allowed
        parts = [top(lexical, wanted, mask)]
        near = None
        if vectors is not None and vector is not None:
            near = vectors.probe(vector, wanted, mask)
            moment = (near.mean, near.std, len(vectors))
            moment = moment if count is None else count.moments(space, vector, moment)
            parts.append(near.docs)
        if question.times or sum(map(len, parts)) < k:
            parts.extend(_by_date_or_person(space, question, names, lexical, allowed, wanted, recipe))
        for step in recipe.spread:
            if isinstance(step, spread.Proposing):
                parts.append(step.propose(space, question, allowed, wanted))
        docs = np.unique(np.concatenate(parts))
        pool = Pool(space, number, docs)
        if near is not None and vectors is not None and vector is not None:
            pool.cosine = _cosines(vectors, vector, docs, near)
    pool.add("words", lexical[docs].astype(np.float64))
    pool.words = lexical
    return pool, moment


def _cosines(vectors: VectorIndex, vector: Vector, docs: NDArray[np.int64], near: Probe) -> Vector:
    """Cosines of documents, computed only where the probe has not done so."""
    cosines: Vector = np.full(len(docs), np.nan, np.float32)
    cosines[np.searchsorted(docs, near.docs)] = near.scores
    rest = np.flatnonzero(np.isnan(cosines))
    cosines[rest] = vectors.scores(vector, docs[rest])
    return cosines


def _by_date_or_person(
    space: Space,
    question: Question,
    names: Sequence[str],
    lexical: NDArray[np.float32],
    allowed: Mask,
    wanted: int,
    recipe: Recipe,
) -> list[NDArray[np.int64]]:
    """What the question names without its words: memories of a time, of a person, else the newest."""
    kept = allowed
    if question.times:
        inside = np.zeros(space.n, bool)
        for when in question.times:
            inside |= signals.within(space.at, when, recipe)
        kept = kept & inside
    elif len(names) == 1 and names[0] in space.speakers:
        kept = kept & (space.speaker == space.code("speaker", names[0]))
    docs = np.flatnonzero(kept)
    if len(docs) <= wanted:
        return [docs]
    return [top(lexical, wanted, kept), docs[_newest(space.at[docs], wanted)]]


def _newest(at: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The places of the highest times, found by way of the highest of each block."""
    width = len(at) // (4 * count)
    if width < 4:
        return np.argpartition(at, -count)[-count:]
    heads = at[: len(at) // width * width].reshape(-1, width).max(axis=1)
    bound = np.partition(heads, -count)[-count]  # so many are as new: a bound of the last one wanted
    some = np.flatnonzero(at >= bound)
    return some[np.argsort(at[some], kind="stable")[-count:]]


def _together(moments: Sequence[tuple[float, float, int]]) -> tuple[float, float]:
    """Mean and standard deviation of all cosines, from those of the spaces."""
    n = sum(count for _, _, count in moments)
    if not n:
        return 0.0, 1.0
    mean = sum(mean * count for mean, _, count in moments) / n
    square = sum((deviation**2 + mean_**2) * count for mean_, deviation, count in moments) / n
    return mean, float(max(square - mean**2, 0.0)) ** 0.5


def _score(pool: Pool, question: Question, names: Sequence[str], recipe: Recipe) -> None:
    pool.add("speaker", signals.speaker(pool, question, names, recipe))
    pool.add("date", signals.date(pool, question.times, recipe))
    for name, values in signals.traits(pool, question, recipe).items():
        pool.add(name, values)


def _event(
    pools: Sequence[Pool],
    question: Question,
    spaces: Sequence[Space],
    recipe: Recipe,
    term_ids: TermIds,
    maker: str | None,
) -> None:
    """For "before the trip": find the memory that tells of the trip, then prefer what came before it."""
    assert question.around is not None
    words = parse(question.around.event, question.at).words
    terms = signals.query_terms(words, spaces, recipe, term_ids, maker)
    for pool in pools:
        told = pool.space.lexical.score(terms.terms, pool.space.n)[pool.docs]
        pool.add("event", spread.beside_event(pool, question.around.side, told, recipe))


def _found(
    pools: Sequence[Pool],
    places: Sequence[tuple[int, int]],
    question: Question,
    names: Sequence[str],
    terms: Terms,
    explain: bool,
) -> list[Found]:
    explainer = Explainer(question, names, terms) if explain and places else None
    result: list[Found] = []
    head: Features = ()
    for (number, i), parts, score in zip(places, _parts(pools, places), _scores(pools, places), strict=True):
        pool = pools[number]
        doc = int(pool.docs[i])
        if not head:
            cosine = None if pool.cosine is None else float(pool.cosine[i])
            head = features(parts, terms.total, cosine, score)
        evidence = behind(head, score)
        result.append(
            Found(
                space=number,
                doc=doc,
                score=score,
                relevance=relevance(evidence),
                signals=parts,
                evidence=evidence,
                via=pool.via.get(doc, ()),
                why=explainer.reasons(pool, doc, parts) if explainer is not None else (),
            )
        )
    return result


def _scores(pools: Sequence[Pool], places: Sequence[tuple[int, int]]) -> list[float]:
    return [float(pools[number].score[i]) for number, i in places]


def _parts(pools: Sequence[Pool], places: Sequence[tuple[int, int]]) -> list[dict[str, float]]:
    """The parts of the score of each place, those that are not zero."""
    found: list[dict[str, float]] = [{} for _ in places]
    for number in {number for number, _ in places}:
        here = [place for place, (other, _) in enumerate(places) if other == number]
        rows = np.array([places[place][1] for place in here])
        for name, values in pools[number].signals.items():
            for place, value in zip(here, values[rows].tolist(), strict=True):
                if value:
                    found[place][name] = value
    return found
