"""The question, read once: its words, persons, times, and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from agentmem.language.text import query_words
from agentmem.recall.dates import Around, When, around, find

_WHEN = re.compile(
    r"\bwhen\b|\b(?:what|which)\s+(?:\w+\s+)?(?:date|day|month|year|time|week)\b|\bhow\s+long\s+(?:ago|since)\b|"
    r"\bhow\s+(?:many|much)\s+(?:days|weeks|months|years|time)\b|什么时候|何时|哪天|几号|哪一天",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\b(?:i|me|my|mine|myself|we|us|our|ours|i'm|i've|i'd|i'll|we're|we've|we'd)\b|[我咱俺]", re.IGNORECASE
)
_TOLD = re.compile(
    r"\byou(?:'ve|\s+have|\s+had)?\s+(?:\w+ly\s+)?(?:said|say|told|tell|recommend|recommended|suggest|suggested|"
    r"mention|mentioned|gave|give|provide|provided|list|listed|explain|explained|describe|described|advise|advised|"
    r"wrote|write|show|showed|call|called|propose|proposed|share|shared)\b|\bremind\s+me\b|"
    r"\byour\s+(?:advice|recommendations?|suggestions?|answers?|list|explanation|response|plan)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the engine sees it.

    Attributes:
        text: verbatim.
        at: the time it is asked.
        words: its content words as stems, each once, in order; not those of relative times ("two weeks
            ago"), which a memory of that time does not say.
        times: stretches of time it names.
        around: the event before or after which it asks, or None.
        asks_when: it asks for a time.
        first_person: it speaks of whoever asks.
        told: it asks for what the assistant had said.
    """

    text: str
    at: datetime
    words: tuple[str, ...]
    times: tuple[When, ...]
    around: Around | None
    asks_when: bool
    first_person: bool
    told: bool


def parse(text: str, at: datetime) -> Question:
    """Read a question asked at a time."""
    times = tuple(find(text, at))
    spoken = name_words([when.phrase for when in times if when.relative])
    return Question(
        text=text,
        at=at,
        words=tuple(word for word in query_words(text) if word not in spoken),
        times=times,
        around=around(text),
        asks_when=_WHEN.search(text) is not None,
        first_person=_FIRST.search(text) is not None,
        told=_TOLD.search(text) is not None,
    )


def named(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Which of these names a text holds; the longest first, and no name inside another's match.

    "Mary Ann" is named by "Mary Ann", and by "Mary" alone when nobody else's name begins so. A name
    spelled like a word ("Will", "May") counts only as it is spelled.
    """
    lowered = text.lower()
    firsts: dict[str, list[str]] = {}
    for name in names:
        first = name.split()[0] if name.split() else ""
        firsts.setdefault(first.lower(), []).append(name)
    forms: list[tuple[str, str]] = []
    for name in names:
        if not name.strip():
            continue
        forms.append((name, name))
        first = name.split()[0]
        if first.lower() != name.lower() and len(first) > 2 and len(firsts[first.lower()]) == 1:
            forms.append((first, name))
    forms.sort(key=lambda form: -len(form[0]))
    taken: list[tuple[int, int]] = []
    found: list[str] = []
    for form, name in forms:
        if form.lower() not in lowered:
            continue
        flags = 0 if form.lower() in _ALSO_WORDS else re.IGNORECASE
        edge = r"(?<!\w){}(?!\w)" if form[0].isascii() else "{}"
        for match in re.finditer(edge.format(re.escape(form)), text, flags):
            if not any(match.start() < last and first < match.end() for first, last in taken):
                taken.append(match.span())
                if name not in found:
                    found.append(name)
    return tuple(found)


_ALSO_WORDS = frozenset(
    """
        will may mark bill art rose grace hope joy faith dawn summer autumn june april august pat sue rob
        nick jack drew chase grant frank ernest guy dean miles lance skip chip dale heath cliff rusty
        sandy penny ginger olive ivy iris daisy lily violet amber ruby pearl jade crystal star sky gene
        jean josh max ray don bob wade ward user assistant system tool human ai bot you me
    """.split()
)


def surfaces(text: str) -> Mapping[str, str]:
    """Each content word of a text, as a stem, with the form in which it stands there first."""
    forms: dict[str, str] = {}
    for match in _TOKEN.finditer(text):
        stems = _stems(match.group())
        for stem in stems:
            forms.setdefault(stem, match.group() if len(stems) == 1 else stem)
    return forms


@lru_cache(maxsize=4096)
def _stems(word: str) -> tuple[str, ...]:
    return tuple(query_words(word))


def name_words(names: Sequence[str]) -> frozenset[str]:
    """The stems that names consist of."""
    return frozenset(word for name in names for word in query_words(name))
