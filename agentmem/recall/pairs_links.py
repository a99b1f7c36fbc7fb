"""Which memories a root leads to: texts whose title it names, and texts that share a rare name with it.

With n memories in the namespace, of which df have a name::

    rarity   = ln(1 + (n - df + ½) / (df + ½)) / ln(1 + (n - ½) / 1½)
    L_named  = (title_floor + title_rarity · rarity) / √bearers · (1 + relation · fit)
    L_shared = shared · rarity^rare · within · e^(near · v) / (1 + place)^late

``fit`` is the share of the question among the words around the name in the root's text; ``within`` is below 1
where the name is only a part of longer ones in the root or in the partner; ``place`` is how many
names come before the shared one in the partner's text, for a text names early what it is about; v is what the
vectors give the partner. A word alone is a name only if it stands capitalised inside a sentence in more texts
than say it in lower case, and if it is no speaker; between two longer names ("John Smith", "Adam Smith") a
common part is no link, and neither is a date ("July 1944"). What other stores derived is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from agentmem.index.counted import counted
from agentmem.index.names import NamesIndex, Reading
from agentmem.index.names_text import INSIDE, SINGLE, UNCASED, WHOLE, Mention
from agentmem.language.text import analyse
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms, similar_words
from agentmem.recall.spread import widen

if TYPE_CHECKING:
    from agentmem.backends.base import Backend

Values = NDArray[np.float64]
Ints = NDArray[np.int64]
Keys = NDArray[np.uint64]

NAMED: Final = 0
SHARED: Final = 1
_KINDS = ("named in", "shares a name")
_DATE = re.compile(
    r"(?:(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|\d+)[ ,]*)+"
)
_BRIEF = 40  # characters of a root's first words, where it has no title


@dataclass(frozen=True, slots=True)
class PairWeights:
    """All numbers of the step.

    Attributes:
        roots: how many memories may lift others.
        power: how steeply a root's weight falls with its score.
        floor: what a partner counts that adds nothing of the question, in units of the largest gain.
        title_floor, title_rarity: strength of a named link, and what of it is the name's rarity.
        relation: how much more a named link counts whose surroundings say all that is asked.
        before, after: characters around a name that are its surroundings.
        shared: strength of a shared name.
        rare: exponent of its rarity.
        within_root, within_partner: what a shared name counts that stands there only within a longer one.
        late: exponent by which it counts less the later it comes in the partner.
        near: how much more it counts for a partner near the question, by the vectors' part of the score.
        between_notes: what the gate counts of a shared name between two texts without a title.
        open: what the gate counts of that which the root leaves open.
        gate_from, gate_to: where shared links begin to count, and where they count whole.
        bonus: the lift of the best pair's partner, in units of the words' score.
        root_bonus: the lift of its root.
        least: the p up to which lifts are in units of it: where even the best pair is weak, all lifts are.
        apart: exponent of the share of the roots' weight that turns of a dialogue do not hold.
        below: how far at least a partner stays below its root; twice for the weakest.
        seed: the lift of a memory whose title the question names.
        most: names in more texts than this link nothing.
        most_uncased: the same for what stands for names in scripts without capitals.
        measured: partners whose gain is measured by tokens, where there are any.
    """

    roots: int = 10
    power: float = 3.0
    floor: float = 0.3
    title_floor: float = 0.3
    title_rarity: float = 0.7
    relation: float = 1.5
    before: int = 60
    after: int = 30
    shared: float = 0.63
    rare: float = 1.5
    within_root: float = 0.6
    within_partner: float = 0.8
    late: float = 0.07
    near: float = 0.1
    between_notes: float = 0.3
    open: float = 0.2
    gate_from: float = 0.05
    gate_to: float = 0.15
    bonus: float = 20.0
    root_bonus: float = 8.0
    least: float = 0.25
    apart: float = 2.0
    below: float = 0.25
    seed: float = 12.0
    most: int = 100
    most_uncased: int = 8
    measured: int = 50


@dataclass(frozen=True, slots=True)
class Links:
    """Links as columns.

    Attributes:
        root: the number of the root.
        doc: the partner's document.
        kind: :data:`NAMED` or :data:`SHARED`.
        key: the name.
        strength: L.
        worth: what it counts for the gate: rarity, less between texts of some kinds.
    """

    root: Ints
    doc: Ints
    kind: Ints
    key: Keys
    strength: Values
    worth: Values

    @classmethod
    def joined(cls, parts: Sequence[Links]) -> Links:
        """Several one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([one.root for one in parts]),
            np.concatenate([one.doc for one in parts]),
            np.concatenate([one.kind for one in parts]),
            np.concatenate([one.key for one in parts]),
            np.concatenate([one.strength for one in parts]),
            np.concatenate([one.worth for one in parts]),
        )


class Asked:
    """The question's words by stem, similar ones included, to compare with the words around a name."""

    def __init__(self, terms: Terms, recipe: Recipe) -> None:
        self._weights = np.array([term.weight for term in terms.terms]) / max(terms.total, 1e-9)
        self._stems: dict[str, list[tuple[int, float]]] = {}
        for number, word in enumerate(terms.words):
            for other, factor in ((word, 1.0), *similar_words(word, recipe.soft, recipe.soft_from)):
                self._stems.setdefault(other, []).append((number, factor))

    def fit(self, text: str) -> float:
        """The share of the question that a text says."""
        said: dict[int, float] = {}
        for word in analyse(text).words:
            for number, factor in self._stems.get(word, ()):
                said[number] = max(said.get(number, 0.0), factor)
        return sum(float(self._weights[number]) * factor for number, factor in said.items())


class Side:
    """The names of one namespace, for one question.

    Args:
        pool: its candidates.
        names: its names and titles, up to date.
        backend: where words have their numbers.
        weights: the numbers.
        maker: whose statistics, see :mod:`agentmem.index.counted`; None counts everything.
    """

    def __init__(
        self,
        pool: Pool,
        names: NamesIndex,
        backend: Backend,
        weights: PairWeights,
        maker: str | None = None,
    ) -> None:
        self.pool = pool
        self.names = names
        self._backend = backend
        self._w = weights
        self._readings: dict[int, Reading] = {}
        self._counted = counted(pool.space, maker)
        every = self._counted is None or self._counted.n == pool.space.n_live
        self._counts = None if self._counted is None or every else self._counted.documents(pool.space)

    # --- titles ----------------------------------------------------------------------------------
    def seed(self, spots: Sequence[Mention]) -> None:
        """Lift the texts whose title stands in the question; the longest title wins where two overlap."""
        values: dict[int, float] = {}
        for _, docs, df in self._titles(spots, np.array([one.key for one in spots], np.uint64)):
            lift = self._w.seed * float(self._rarity(np.array([df]))[0]) / sqrt(len(docs))
            for doc in self._allowed(np.array(docs)).tolist():
                values[doc] = max(values.get(doc, 0.0), lift)
                self.pool.why["title", doc] = "the question names its title"
        if values:
            widen(self.pool, np.array(sorted(values), np.int64))
            lifts = np.zeros(len(self.pool.docs))
            for doc, lift in values.items():
                lifts[np.searchsorted(self.pool.docs, doc)] = lift
            self.pool.add("title", lifts)

    def _titles(self, spots: Sequence[Mention], keys: Keys) -> list[tuple[Mention, list[int], int]]:
        """(where, whose title it is, texts that have the name) of the titles in a text, none overlapping."""
        if not len(keys):
            return []
        places, docs = self.names.bearers_of(keys)
        if self._counts is not None:
            places, docs = places[self._counts[docs]], docs[self._counts[docs]]
        bearers: dict[int, list[int]] = {}
        for place, doc in zip(places.tolist(), docs.tolist(), strict=True):
            bearers.setdefault(place, []).append(doc)
        taken: list[tuple[int, int]] = []
        found: list[tuple[Mention, list[int]]] = []
        for place in sorted(bearers, key=lambda place: spots[place].start - spots[place].end):
            mention = spots[place]
            if not any(mention.start < end and start < mention.end for start, end in taken):
                taken.append((mention.start, mention.end))
                found.append((mention, bearers[place]))
        held, docs, _ = self.names.holders_of(np.array([one.key for one, _ in found], np.uint64))
        counts = self._count(held, docs, len(found)).tolist()
        return [(one, docs, max(n, len(docs))) for (one, docs), n in zip(found, counts, strict=True)]

    # --- links -----------------------------------------------------------------------------------
    def links(self, roots: Sequence[tuple[int, int]], asked: Asked, named: bool, shared: bool) -> Links:
        """The links of roots, (number, document) each, to texts that may be found; candidates then.

        A turn of a dialogue leads nowhere.
        """
        roots = [(number, doc) for number, doc in roots if not self.names.turns[doc]]
        self._readings = self.names.read_closely([doc for _, doc in roots])
        columns: list[tuple[Ints, Ints, int, Keys, Values, Values]] = []
        for number, doc in roots:
            reading = self._readings.get(doc)
            if reading is not None and named:
                columns += self._named(number, doc, reading, asked)
        if shared:
            columns += self._shared([(n, doc) for n, doc in roots if doc in self._readings])
        if not columns:
            none = np.empty(0, np.int64)
            return Links(none, none, none, np.empty(0, np.uint64), np.empty(0), np.empty(0))
        links = Links(
            np.concatenate([one[0] for one in columns]),
            np.concatenate([one[1] for one in columns]),
            np.repeat([one[2] for one in columns], [len(one[0]) for one in columns]),
            np.concatenate([one[3] for one in columns]),
            np.concatenate([one[4] for one in columns]),
            np.concatenate([one[5] for one in columns]),
        )
        widen(self.pool, np.unique(links.doc))
        vectors = self.pool.signals.get("vectors")
        if vectors is not None:
            some = links.kind == SHARED
            near = vectors[np.searchsorted(self.pool.docs, links.doc[some])]
            links.strength[some] *= np.exp(self._w.near * near)
        return links

    def _named(
        self, number: int, root: int, reading: Reading, asked: Asked
    ) -> list[tuple[Ints, Ints, int, Keys, Values, Values]]:
        w = self._w
        found: list[tuple[Ints, Ints, int, Keys, Values, Values]] = []
        for mention, bearers, df in self._titles(reading.spots, reading.spot_keys):
            docs = self._allowed(np.array([doc for doc in bearers if doc != root], np.int64))
            if not len(docs):
                continue
            rarity = float(self._rarity(np.array([df]))[0])
            around = reading.text[max(0, mention.start - w.before) : mention.start]
            around += f" | {reading.text[mention.end : mention.end + w.after]}"
            strength = (w.title_floor + w.title_rarity * rarity) / sqrt(len(docs))
            strength *= 1.0 + w.relation * asked.fit(around)
            same = np.ones(len(docs))
            keys = np.full(len(docs), mention.key, np.uint64)
            found.append((np.full(len(docs), number), docs, NAMED, keys, same * strength, same * rarity))
        return found

    def _shared(self, roots: Sequence[tuple[int, int]]) -> list[tuple[Ints, Ints, int, Keys, Values, Values]]:
        w = self._w
        given = [self.names.keys(doc) for _, doc in roots]
        if not given:
            return []
        keys = np.concatenate([keys for keys, _ in given])
        bits = np.concatenate([bits for _, bits in given])
        number = np.repeat([number for number, _ in roots], [len(one) for one, _ in given])
        root = np.repeat([doc for _, doc in roots], [len(one) for one, _ in given])
        places, docs, marks = self.names.holders_of(keys)
        df = self._count(places, docs, len(keys))
        most = np.where(bits & UNCASED, w.most_uncased, w.most)
        linking = (df > 1) & (df <= most)
        some = np.flatnonzero(linking)
        linking[some] = [
            not _DATE.fullmatch(self._readings[doc].name(key))
            for key, doc in zip(keys[some].tolist(), root[some].tolist(), strict=True)
        ]
        alone = ((bits & SINGLE) > 0) & ((bits & UNCASED) == 0)
        doubtful = np.flatnonzero(linking & alone)
        within = (marks & INSIDE) > 0
        inside = self._count(places[within], docs[within], len(keys))
        linking[doubtful] = self._proper(keys[doubtful], df[doubtful], inside[doubtful], root[doubtful])
        kept = linking[places] & (docs != root[places])
        kept &= ~alone[places] | ((bits[places] & WHOLE) > 0) | ((marks & WHOLE) > 0)
        kept &= self._may(docs)
        places, docs, marks = places[kept], docs[kept], marks[kept]
        rarity, between = self._rarity(df)[places], self._between(root[places], docs)
        strength = w.shared * rarity**w.rare
        strength *= np.where(bits[places] & WHOLE, 1.0, w.within_root)
        strength *= np.where(marks & WHOLE, 1.0, w.within_partner)
        strength /= (1.0 + self.names.places(keys[places], docs)) ** w.late
        return [(number[places], docs, SHARED, keys[places], strength, rarity * between)]

    def _count(self, places: Ints, docs: Ints, n: int) -> Ints:
        """How many of the documents that count there are at each of n places."""
        return np.bincount(places if self._counts is None else places[self._counts[docs]], minlength=n)

    def _between(self, roots: Ints, docs: Ints) -> Values:
        """What the gate counts of a name shared by texts of these kinds."""
        titled = self.names.titled
        plain = ~(titled[roots] | titled[docs])
        return np.where(plain, self._w.between_notes, 1.0)

    def _proper(self, keys: Keys, df: Ints, inside: Ints, roots: Ints) -> NDArray[np.bool_]:
        """Which words alone are names.

        Args:
            keys: of the words.
            df: how many texts have each of them capitalised.
            inside: how many of these inside a sentence.
            roots: a text where each stands.
        """
        stems: dict[int, str] = {}
        for key, doc in zip(keys.tolist(), roots.tolist(), strict=True):
            if key not in stems:
                stems[key] = _stem(self._readings[doc].name(key))
        ids = self._backend.term_ids(list(dict.fromkeys(stems.values())))
        numbers = np.array([ids.get(stems.get(key, ""), -1) for key in keys.tolist()], np.int64)
        space, count = self.pool.space, self._counted
        asked = np.maximum(numbers, 0)
        lower = (space.lexical.df(asked) if count is None else count.df(space, asked)) - df
        speakers = self.names.speaker_keys(self.pool.space)
        spoken = np.array([key in speakers for key in keys.tolist()], np.bool_)
        return np.asarray((inside > np.maximum(lower, 0)) & (numbers >= 0) & ~spoken)

    def _rarity(self, df: Ints) -> Values:
        n = max(self.pool.space.n_live if self._counted is None else self._counted.n, 2)
        here = np.log1p((n - df + 0.5) / (np.maximum(df, 1) + 0.5))
        return np.asarray(np.clip(here / np.log1p((n - 0.5) / 1.5), 0.0, 1.0))

    def _may(self, docs: Ints) -> NDArray[np.bool_]:
        allowed = self.pool.allowed
        return np.ones(len(docs), np.bool_) if allowed is None else allowed[docs]

    def _allowed(self, docs: Ints) -> Ints:
        return docs[self._may(docs)]

    # --- what was found --------------------------------------------------------------------------
    def texts(self, docs: Sequence[int]) -> Mapping[int, str]:
        """The texts of documents, their titles before them."""
        return self.names.texts(docs)

    def explain(self, links: Links, i: int, root: int, signal: str, p: float) -> None:
        """Say by which link a document was reached."""
        doc, kind = int(links.doc[i]), int(links.kind[i])
        pool, reading = self.pool, self._readings[root]
        pool.via[doc] = ((pool.space.id_of(root), _KINDS[kind], round(p, 4)),)
        first = " ".join(reading.text[: _BRIEF + 1].split())
        title = reading.title or (first if len(first) <= _BRIEF else first[:_BRIEF].rstrip() + "…")
        if kind == NAMED:
            pool.why[signal, doc] = f"named in '{title}'"
            return
        key = int(links.key[i])
        pool.why[signal, doc] = f"shares the name '{reading.name(key)}' with '{title}'"


@lru_cache(maxsize=16_384)
def _stem(word: str) -> str:
    words = analyse(word).words
    return words[0] if words else ""
