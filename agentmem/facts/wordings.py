"""How like one another two relation wordings are, and what the cues around them say: numbers for a judge."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from agentmem.embed.base import Embedder
from agentmem.facts.claims import Claim
from agentmem.facts.cues import OBJECT, OLD, SUBJECT, Reading
from agentmem.facts.senses import SEVERAL, senses, stems
from agentmem.language.stopwords import STOP

Matrix = NDArray[np.float64]

WORD_FEATURES = (
    "shared words",
    "shared letters",
    "same sense",
    "other sense",
    "unknown sense",
    "names the old value",
    "change",
    "indefinite",
    "past state",
    "length",
    "subject absent",
    "other shape of value",
    "several at a time",
)
"""Names of the features that need no embedder, in the order of :func:`word_features`."""

VECTOR_FEATURES = ("holes", "bare", "filled", "same sense by vector")
"""Names of the further features that an embedder gives."""

_TIME_PHRASES = re.compile(
    r"(?<![\w{])(?:now|nowadays|these days|those days|currently|at the moment|right now|at present|"
    r"instead|by now|from now on|recently|lately|just|finally|(?:last|this) \w+|\w+ "
    r"(?:days?|weeks?|months?|years?) ago|(?:ever )?since \w+|in \d{4}|already|again|as of \w+|"
    r"on (?:mon|tues|wednes|thurs|fri|satur|sun)day)(?![\w}])"
)
_FIRST_HOLE = re.compile(r"\b(?:i|we)\b(?:'\w+)?")
_MY_HOLE = re.compile(r"\b(?:my|our)\b")
_ME_HOLE = re.compile(r"\b(?:me|us)\b")


@dataclass(frozen=True, slots=True)
class Pair:
    """An older and a newer statement of one subject, read.

    Attributes:
        older, newer: the statements.
        old, new: their masked sentences.
        old_cues, new_cues: their cues.
    """

    older: Claim
    newer: Claim
    old: str
    new: str
    old_cues: Reading
    new_cues: Reading

    @classmethod
    def of(cls, older: Claim, newer: Claim) -> Pair:
        """Read two statements."""
        old, new = older.masked, newer.masked_after(older)
        return cls(older, newer, old, new, older.reading(old), newer.reading(new))

    @property
    def key(self) -> tuple[str, str, str, str, bool]:
        """All that the features are made of: pairs with one key have the same features."""
        shapes = _shape(self.older.object), _shape(self.newer.object)
        return self.old, self.new, *shapes, self.older.first_person


def content(masked: str) -> list[str]:
    """Stems of the words that carry the relation: neither holes, function words nor words of time."""
    bare = _TIME_PHRASES.sub(" ", masked)
    return [word for word in stems(bare) if word[0] != "{" and word not in STOP and len(word) > 1]


def word_features(pair: Pair) -> list[float]:
    """The features that need no embedder; names in :data:`WORD_FEATURES`."""
    old, new = content(pair.old), content(pair.new)
    shared = set(old) & set(new)
    old_senses, new_senses = senses(_bare(pair.old)), senses(_bare(pair.new))
    same = _overlap(old_senses, new_senses)
    cues = pair.new_cues
    return [
        len(shared) / max(len(set(old) | set(new)), 1),
        _letters(old, new),
        same,
        float(bool(old_senses and new_senses) and not same),
        float(not new_senses or not old_senses),
        float(OLD in pair.new),
        float(cues.change and not pair.old_cues.change),
        float(cues.indefinite and not pair.old_cues.indefinite),
        float(cues.stative_past and pair.old_cues.present and not pair.old_cues.stative_past),
        log1p(len(new)),
        float(_absent(pair)),
        float(_shape(pair.older.object) != _shape(pair.newer.object)),
        float(same > 0 and old_senses & new_senses <= SEVERAL),
    ]


def vector_texts(pair: Pair) -> list[str]:
    """The six texts that :func:`vector_features` wants embedded, old and new in turn."""
    subject = "She" if pair.older.first_person else "Kim"
    thing = _THINGS[_shape(pair.older.object)]
    texts: list[str] = []
    for text in (pair.old, pair.new):
        texts += [
            _fill(text, "X", "Y"),
            _fill(_bare(text), "X", "Y"),
            _fill(_bare(text), subject, thing),
        ]
    return texts


def vector_features(pair: Pair, vectors: NDArray[np.float32]) -> list[float]:
    """The features an embedder gives; names in :data:`VECTOR_FEATURES`.

    Args:
        pair: the pair.
        vectors: (6, dim) unit rows of :func:`vector_texts`.
    """
    half = len(vectors) // 2
    cosines = [float(vectors[i] @ vectors[half + i]) for i in range(half)]
    same = _overlap(senses(_bare(pair.old)), senses(_bare(pair.new)))
    return [*cosines, cosines[1] * same]


def features(pairs: Sequence[Pair], embedder: Embedder | None) -> Matrix:
    """Features of pairs.

    Args:
        pairs: pairs as read.
        embedder: None for words alone.

    Returns:
        (pairs, features) with :data:`WORD_FEATURES` and, with an embedder, :data:`VECTOR_FEATURES`.
    """
    rows = [word_features(pair) for pair in pairs]
    if embedder is not None and pairs:
        texts = [text for pair in pairs for text in vector_texts(pair)]
        known = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        vectors = embedder.embed(list(known))
        each = len(texts) // len(pairs)
        for i, pair in enumerate(pairs):
            places = [known[text] for text in texts[i * each : (i + 1) * each]]
            rows[i] += vector_features(pair, vectors[places])
    width = len(WORD_FEATURES) + (len(VECTOR_FEATURES) if embedder is not None else 0)
    return np.array(rows, dtype=np.float64).reshape(len(pairs), width)


def _bare(masked: str) -> str:
    return " ".join(_TIME_PHRASES.sub(" ", masked).split())


def _fill(masked: str, subject: str, thing: str) -> str:
    text = masked.replace(SUBJECT, subject).replace(OBJECT, thing).replace(OLD, "it")
    text = _MY_HOLE.sub(f"{subject}'s", _ME_HOLE.sub(subject, _FIRST_HOLE.sub(subject, text)))
    return " ".join(text.split())


_THINGS = {"": "it", "number": "12", "name": "London", "word": "something"}


def _shape(value: str | None) -> str:
    """Whether a value is a number, a name or a common word."""
    if not value:
        return ""
    if any(letter.isdigit() for letter in value):
        return "number"
    return "name" if any(word[:1].isupper() for word in value.split()) else "word"


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """1 where one's senses are all among the other's, ½ where they only overlap, 0 where they do not."""
    if not one & other:
        return 0.0
    return 1.0 if one <= other or other <= one else 0.5


def _absent(pair: Pair) -> bool:
    """Whether the newer sentence does not name its subject."""
    if pair.newer.first_person:
        return re.search(r"\b(?:i|me|my|mine|myself|we|us|our|ours)\b", pair.new) is None
    return SUBJECT not in pair.new


def _letters(a: Sequence[str], b: Sequence[str]) -> float:
    """Cosine of counts of letter trigrams."""
    one, two = _trigrams(a), _trigrams(b)
    if not one or not two:
        return 0.0
    dot = sum(count * two[gram] for gram, count in one.items())
    return dot / sqrt(sum(c * c for c in one.values()) * sum(c * c for c in two.values()))


def _trigrams(words: Sequence[str]) -> Counter[str]:
    return Counter(f" {word} "[i : i + 3] for word in words for i in range(len(word)))
