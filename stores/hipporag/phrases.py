"""Phrases: how the words of a subject or an object become one node of the graph."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_KEPT = ("L", "M", "N")  # letters, marks and numbers of every script
_LONGEST = 200
_SPACES = re.compile(r"\s+")
_ASCII = re.compile(r"[^a-z0-9]+")

Triple = tuple[str, str, str]


def phrase(text: str, longest: int | None = _LONGEST) -> str:
    """The key of a phrase: NFKC, case-folded, without punctuation, single spaces; "" when nothing is left.

    The original keeps ``[A-Za-z0-9 ]`` only, so that all phrases of another script fall into one empty
    node (HippoRAG issue #20); here letters, marks and digits of every script stay.
    """
    if text.isascii():
        return _ASCII.sub(" ", text.lower()).strip()[:longest]
    text = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(c if unicodedata.category(c)[0] in _KEPT else " " for c in text)
    return _SPACES.sub(" ", kept).strip()[:longest]


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was read from one passage.

    Attributes:
        triples: (subject, predicate, object) as written.
        entities: named entities as written; those in no triple become nodes only where a passage has no
            triple at all, or when the store's ``entities`` option says so.
    """

    triples: tuple[Triple, ...] = ()
    entities: tuple[str, ...] = ()


@dataclass(slots=True)
class Facts:
    """An extraction with its phrases processed: what the graph takes in.

    Attributes:
        phrases: key -> (label as first written, times it stands in triples).
        facts: (subject key, predicate, object key), each once, in order.
    """

    phrases: dict[str, tuple[str, int]] = field(default_factory=dict)
    facts: list[Triple] = field(default_factory=list)


def process(extraction: Extraction, entities: bool) -> Facts:
    """Normalise phrases, drop empty ones, and count.

    A triple whose subject and object are the same phrase makes a node and no edge; one with an empty side
    makes a node of the other side.

    Args:
        extraction: what was read.
        entities: whether entities that are in no triple become nodes (an addition of ours: the papers
            make nodes of subjects and objects only).
    """
    found = Facts()
    for subject, predicate, object_ in dict.fromkeys(extraction.triples):
        keys = []
        for written in (subject, object_):
            key = phrase(written)
            keys.append(key)
            if key:
                label, count = found.phrases.get(key, (_label(written), 0))
                found.phrases[key] = (label, count + 1)
        if all(keys):
            fact = (keys[0], _label(predicate), keys[1])
            if fact not in found.facts:
                found.facts.append(fact)
    if entities or not found.phrases:
        for written in extraction.entities:
            key = phrase(written)
            if key and key not in found.phrases:
                found.phrases[key] = (_label(written), 1)
    return found


def wording(fact: Triple) -> str:
    """A fact as a sentence, to embed."""
    return " ".join(fact)


def checked(entities: Iterable[object], triples: Iterable[object]) -> Extraction:
    """Entities and triples from JSON; what is no triple of three strings is left out, as in the original."""
    good: list[Triple] = []
    for one in triples:
        if isinstance(one, Sequence) and not isinstance(one, str) and len(one) == 3:
            parts = [part if isinstance(part, str) else str(part) for part in one if part is not None]
            if len(parts) == 3 and parts[0].strip() and parts[2].strip():
                good.append((parts[0].strip(), parts[1].strip(), parts[2].strip()))
    names = [one.strip() for one in entities if isinstance(one, str) and one.strip()]
    return Extraction(tuple(good), tuple(dict.fromkeys(names)))


def _label(text: str) -> str:
    return _SPACES.sub(" ", text).strip()[:_LONGEST]
