"""What each signal says about the candidates: one array a signal, in absolute units.

Every function takes a :class:`Pool`, the candidates of one namespace, and returns float64 values in
the order of its ``docs``. Formulae stand in :mod:`agentmem.recall.recipe`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_micros
from agentmem.index.counted import counted
from agentmem.index.lexical import QueryTerm
from agentmem.index.space import Space
from agentmem.language import text as language
from agentmem.recall.dates import When
from agentmem.recall.query import Question
from agentmem.recall.recipe import Recipe

Values = NDArray[np.float64]
TermIds = Callable[[Sequence[str]], Mapping[str, int]]

_DAY = 86_400_000_000  # microseconds
_YEAR = 365.25


@dataclass(slots=True)
class Pool:
    """The candidates of one namespace.

    Attributes:
        space: the namespace's index.
        number: its place among the spaces searched.
        docs: int64, ascending document numbers.
        signals: name -> contribution of each candidate.
        cosine: raw cosines (nan without a vector), or None without an embedder.
        score: their sum so far.
        via: document -> path, filled by spread steps.
        why: (signal, document) -> the reason in words, of a step that has one better than its signal's name.
        allowed: which documents of the space may be found, for steps that add candidates; None for all.
        vector: the question's unit vector, for steps that compare it with vectors of their own; or None.
        words: scores by words of all documents of the space, or None.
        complete: gives another pool of this space the signals that this one got, or None.
    """

    space: Space
    number: int
    docs: NDArray[np.int64]
    signals: dict[str, Values] = field(default_factory=dict)
    cosine: NDArray[np.float32] | None = None
    score: Values = field(default_factory=lambda: np.empty(0))
    via: dict[int, tuple[tuple[str, str, float], ...]] = field(default_factory=dict)
    why: dict[tuple[str, int], str] = field(default_factory=dict)
    allowed: NDArray[np.bool_] | None = None
    vector: NDArray[np.float32] | None = None
    words: NDArray[np.float32] | None = None
    complete: Callable[[Pool], None] | None = None

    def add(self, name: str, values: Values) -> None:
        """Add a signal to the sum; one that is zero everywhere is left out."""
        if not len(self.score):
            self.score = np.zeros(len(self.docs))
        if values.any():
            self.signals[name] = self.signals[name] + values if name in self.signals else values
            self.score = self.score + values


@dataclass(frozen=True, slots=True)
class Terms:
    """The question's words as the index takes them.

    Attributes:
        terms: one a word that the database knows, itself or by a similar word.
        words: the word of each term.
        total: the sum of the weights of *all* words of the question: what a memory that says
            everything would get, before saturation.
    """

    terms: tuple[QueryTerm, ...]
    words: tuple[str, ...]
    total: float


def query_terms(
    words: Sequence[str],
    spaces: Sequence[Space],
    recipe: Recipe,
    term_ids: TermIds,
    maker: str | None = None,
) -> Terms:
    """Weigh the words of a question by their rarity, over all spaces together.

    A term's weight is :func:`agentmem.language.text.idf` of its document frequency summed over the
    spaces; a similar word counts as ``soft`` · cos² of it. What other makers than ``maker`` derived is
    not counted; None counts everything.
    """
    if not words:
        return Terms((), (), 0.0)
    near = {word: similar_words(word, recipe.soft, recipe.soft_from) for word in words}
    asked = dict.fromkeys(words)
    for others in near.values():
        asked.update(dict.fromkeys(other for other, _ in others))
    ids = term_ids(list(asked))
    counts = [(space, counted(space, maker)) for space in spaces]
    total_docs = sum(space.lexical.n if count is None else count.n for space, count in counts)
    df = np.zeros(len(words), np.int64)
    known = [i for i, word in enumerate(words) if word in ids]
    if known:
        numbers = np.array([ids[words[i]] for i in known])
        for space, count in counts:
            df[known] += space.lexical.df(numbers) if count is None else count.df(space, numbers)
    weights = recipe.lexical * rarity(total_docs, df, words, recipe)
    terms: list[QueryTerm] = []
    kept: list[str] = []
    for word, weight in zip(words, weights, strict=True):
        variants = [(ids[word], 1.0)] if word in ids else []
        variants += [(ids[other], factor) for other, factor in near[word] if other in ids]
        if variants:
            terms.append(QueryTerm(float(weight), tuple(variants)))
            kept.append(word)
    return Terms(tuple(terms), tuple(kept), float(weights.sum()))


def rarity(n: int, df: NDArray[np.int64], words: Sequence[str], recipe: Recipe) -> Values:
    """ln(1 + (n - df + ½) / (df + ½))^idf · e^english, with e = ln(rank + 2) / 8 by rank in English.

    The first factor is the idf of Robertson and Spärck Jones as Lucene smooths it; the second keeps a
    word that is rare here only because the namespace is small from counting as a name does.
    """
    here = np.log1p((n - df + 0.5) / (df + 0.5)) ** recipe.idf
    return np.asarray(here * language.english_weights(words) ** recipe.english)


@lru_cache(maxsize=4096)
def similar_words(word: str, soft: float, least: float) -> tuple[tuple[str, float], ...]:
    """Stems like a stem in meaning, with what each counts: ``soft`` · cos², from a least cosine on."""
    if soft <= 0:
        return ()
    from agentmem.embed.words import similar

    return tuple(
        (other, soft * cosine * cosine)
        for other, cosine in similar(word)
        if cosine >= least and other != word
    )


def dense(pool: Pool, mean: float, deviation: float, recipe: Recipe, weight: float) -> Values:
    """Weight · (cosine - mean) / deviation, bounded; 0 for a memory without a vector.

    Among few or like memories the deviation says little, and a single cosine may lie fifteen of them
    out. Up to ``recipe.dense_knee`` deviations count as they are; what is beyond counts ever less,
    and never more than one and a half times the knee: z = knee + r · tanh((z - knee) / r) with
    r = knee / 2, and the same below.
    """
    assert pool.cosine is not None
    z = (pool.cosine.astype(np.float64) - mean) / max(deviation, recipe.dense_floor)
    z[np.isnan(z)] = 0.0
    knee, room = recipe.dense_knee, recipe.dense_knee / 2
    beyond = np.abs(z) - knee
    far = beyond > 0
    if far.any():
        z[far] = np.sign(z[far]) * (knee + room * np.tanh(beyond[far] / room))
    alone = pool.space.session[pool.docs] < 0
    return weight * np.where(alone, recipe.dense_alone, 1.0) * z


def speaker(pool: Pool, question: Question, names: Sequence[str], recipe: Recipe) -> Values:
    """The bonus of who said it.

    Args:
        pool: the candidates.
        question: for "I" and "you told me", in a chat of roles.
        names: the persons that the question names, of all spaces; a bonus only for exactly one.
        recipe: the weights.
    """
    space = pool.space
    if len(names) == 1:
        return recipe.speaker * _equals(pool, "speaker", names[0])
    if names or "user" not in space.roles or "assistant" not in space.roles:
        return np.zeros(len(pool.docs))
    if question.told:
        return recipe.told * _equals(pool, "role", "assistant")
    if question.first_person:
        return recipe.speaker * _equals(pool, "role", "user")
    return np.zeros(len(pool.docs))


def _equals(pool: Pool, column: str, value: str) -> Values:
    """1 for the candidates whose "speaker" or "role" is a value, else 0."""
    code = pool.space.code(column, value)
    codes: NDArray[np.int32] = getattr(pool.space, column)
    return np.asarray((codes[pool.docs] == code) & (code >= 0), dtype=np.float64)


def date(pool: Pool, times: Sequence[When], recipe: Recipe) -> Values:
    """How well a memory's time fits the best of the stretches that the question names."""
    if not times:
        return np.zeros(len(pool.docs))
    at = pool.space.at[pool.docs]
    return np.asarray(recipe.date * np.maximum.reduce([_fit(at, when, recipe) for when in times]))


def within(at: NDArray[np.int64], when: When, recipe: Recipe) -> NDArray[np.bool_]:
    """Whether times lie in a stretch, in any year if it names none."""
    start, end = to_micros(when.start), to_micros(when.end)
    if when.any_year:
        return np.asarray(_recurring(at, start, end, recipe) >= 1.0)
    return np.asarray((at >= start) & (at < end))


def _fit(at: NDArray[np.int64], when: When, recipe: Recipe) -> Values:
    """1 inside the stretch, less near it; a year alone says little."""
    start, end = to_micros(when.start), to_micros(when.end)
    if when.any_year:
        return _recurring(at, start, end, recipe)
    inside = (at >= start) & (at < end)
    if when.grain == "year":
        return np.where(inside, recipe.date_year, -recipe.date_year)
    if when.grain in ("month", "season"):
        days = (at - end) / _DAY
        after = (days >= 0) & (days < 31)
        year = np.zeros(len(at)) if when.relative else _same_year(at, start, recipe)
        return np.where(inside, 1.0, np.where(after, recipe.date_after, 0.0)) + year
    distance = np.maximum(start - at, at - (end - 1)) / _DAY
    return np.clip(1.0 - np.maximum(distance, 0.0) / recipe.date_near, 0.0, 1.0)


def _same_year(at: NDArray[np.int64], start: int, recipe: Recipe) -> Values:
    years = at.astype("datetime64[us]").astype("datetime64[Y]")
    same = years == np.datetime64(start, "us").astype("datetime64[Y]")
    return np.where(same, recipe.date_year, -recipe.date_year)


def _recurring(at: NDArray[np.int64], start: int, end: int, recipe: Recipe) -> Values:
    """A day or month of any year: distances around the circle of the year."""
    length = (end - start) / _DAY
    since = np.mod((at - start) / _DAY, _YEAR)  # days since the stretch last began
    if length <= 1.5:
        distance = np.minimum(np.maximum(since - length, 0.0), _YEAR - since)
        return np.clip(1.0 - distance / recipe.date_near, 0.0, 1.0)
    return np.where(since < length, 1.0, np.where(since < length + 31, recipe.date_after, 0.0))


def traits(pool: Pool, question: Question, recipe: Recipe) -> dict[str, Values]:
    """What a memory is by itself: its length, a time word, a question."""
    flags = pool.space.flags[pool.docs]
    words = language.length(flags)
    brief = np.minimum(1.0, recipe.brief / np.maximum(words, 1))
    found = {
        "length": recipe.length * np.log1p(np.minimum(words, recipe.length_cap)),
        "question": -recipe.question * brief * language.ends_asking(flags),
    }
    if question.asks_when:
        found["time word"] = recipe.time_word * brief * language.time_word(flags)
    return found
