"""Time in words: "last week", "in May 2023", "two months ago", "on 7 May", "before the trip".

Read relative to a given moment: the time of asking for a question, the memory's own time for what
somebody said then. English only; a small own grammar, so that its every reading can be explained.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from agentmem.clock import EPOCH
from agentmem.recall.stretches import NUMBERS, ORDINALS, READERS, add_months

__all__ = ["Around", "When", "add_months", "around", "find"]


@dataclass(frozen=True, slots=True)
class When:
    """A stretch of time that a text names.

    Attributes:
        start, end: from (inclusive) and until (exclusive), in the zone of the moment it was read at.
        grain: ``"day"``, ``"week"``, ``"month"``, ``"season"``, ``"year"`` or ``"span"``.
        phrase: the words it was read from.
        where: (first, last + 1) character of the phrase.
        any_year: the year was not named and is not implied, so that a month or day recurs.
        relative: it was named relative to the moment, as "last week".
        about: the words are vague, as "a few weeks ago".
    """

    start: datetime
    end: datetime
    grain: str
    phrase: str
    where: tuple[int, int]
    any_year: bool = False
    relative: bool = False
    about: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """A time named by an event: "before the trip".

    Attributes:
        side: ``"before"`` or ``"after"``.
        event: the words that name the event.
        phrase: all words.
    """

    side: str
    event: str
    phrase: str


_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_MON = _MONTH + "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
_YEAR = r"(?:19|20)\d\d"
_ANY_YEAR = r"(?:1\d|20)\d\d"  # beside a month or season, where nothing else is meant
_OLD_YEAR = r"1[0-8]\d\d(?!\s+(?:of\b|[a-z]+s\b)|[.,:]\d)"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"
_ORDINAL = rf"(?:(?:twenty|thirty)[\s-])?(?:{'|'.join(ORDINALS)})"
_WEEKDAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WEEKDAYS = _WEEKDAY + "|mon|tues?|wed|thurs?|thu|fri|sat|sun"
_SEASON = "spring|summer|autumn|fall|winter"
_COUNT = r"\d{1,4}|a couple of|a couple|couple of|a few|few|several|an|a|" + "|".join(list(NUMBERS)[1:13])
_UNIT = "day|week|weekend|month|year|night|hour|minute"

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"\b(?:{pattern})(?!\w)", re.IGNORECASE))
    for name, pattern in (
        ("iso", rf"(?P<y>{_YEAR})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})"),
        ("dmy", rf"(?P<d>{_NTH})(?:\s+day)?(?:\s+of)?\s+(?P<mon>{_MON})\.?(?:,?\s+(?P<y>{_ANY_YEAR}))?"),
        ("dmy", rf"(?P<d>{_ORDINAL})(?:\s+day)?\s+of\s+(?P<mon>{_MON})\.?(?:,?\s+(?P<y>{_ANY_YEAR}))?"),
        ("dmy", rf"(?P<mon>{_MONTH})\s+(?:the\s+)?(?P<d>{_ORDINAL})(?:,?\s+(?P<y>{_ANY_YEAR}))?"),
        (
            "dmy",
            rf"(?P<mon>{_MON})\.?\s+(?:the\s+)?(?P<d>{_NTH})(?!\s*(?:%|percent|:))(?:,?\s+(?P<y>{_ANY_YEAR}))?",
        ),
        ("my", rf"(?P<mon>{_MON})\.?(?:\s+of)?,?\s+(?P<y>{_ANY_YEAR})"),
        ("season", rf"(?P<s>{_SEASON})(?:\s+of|\s+in)?\s+(?P<y>{_ANY_YEAR})"),
        (
            "range",
            rf"(?:in|over|during|within|for)?\s*(?:the\s+)?(?:last|past|previous)\s+(?P<n>{_COUNT})\s+(?P<u>{_UNIT})s?",
        ),
        (
            "ago",
            rf"(?:about|around|almost|over|roughly)?\s*(?P<n>{_COUNT})\s+(?P<u>{_UNIT})s?\s+(?:ago|back|earlier)",
        ),
        (
            "ahead",
            rf"in\s+(?P<n>{_COUNT})\s+(?P<u>{_UNIT})s?(?:'s?\s+time)?|(?P<n2>{_COUNT})\s+(?P<u2>{_UNIT})s?\s+from\s+now",
        ),
        (
            "unit",
            rf"(?P<w>last|past|previous|this|next|current)\s+(?P<u>week|weekend|month|year|night|{_SEASON}|{_MONTH})",
        ),
        ("weekday", rf"(?:(?P<w>last|past|previous|this|next|coming|on)\s+)(?P<day>{_WEEKDAY})"),
        ("weekday", rf"(?P<w>last|this|next)\s+(?P<day>{_WEEKDAYS})"),
        (
            "nth",
            r"on\s+the\s+(?P<d>\d{1,2})(?:st|nd|rd|th)(?=\s*(?:[.,;!?)]|$|(?:and|but|so|at|in|after|before|with|for|to|"
            r"from|when|we|i)\b))",
        ),
        (
            "word",
            r"the\s+day\s+before\s+yesterday|yesterday|today|tonight|tomorrow|this\s+(?:morning|afternoon|evening)",
        ),
        (
            "month",
            rf"(?:in|since|during|by|until|around|early|mid|late|of|this\s+past)[\s-]+(?P<mon>{_MONTH})",
        ),
        (
            "year",
            rf"(?:in|since|during|by|until|around|early|mid|late|year|before|after|of|from)[\s-]+(?P<y>{_YEAR})",
        ),
        ("year", rf"(?:in|since|until|before|after)[\s-]+(?P<y>{_OLD_YEAR})"),
        ("year", rf"(?P<y>{_YEAR})(?=\s*[?.!,;)]|\s*$)"),
    )
)
_MAYBE = re.compile(
    rf"\d|\b(?:{_MONTH}|{_SEASON}|today|tonight|tomorrow|yesterday|ago|back|earlier|now|last|past|previous|this|"
    rf"next|current|coming|in|{_WEEKDAY})\b",
    re.IGNORECASE,
)
_AROUND = re.compile(
    r"\b(?P<side>before|after|following|prior\s+to|since|until)\s+"
    r"(?P<event>(?!(?:that|this|all|long|and|or|but|nor)\b)[^?.!,;]+)",
    re.IGNORECASE,
)
_UPPER = re.compile(r"\b(?:May|March|MAY|MARCH)\b")
_PAST = re.compile(
    r"\b(?:was|were|had|did|went|came|got|saw|met|ate|bought|took|made|left|found|gave|told|said|ran|won|began|"
    r"spent|flew|drove|wrote|[a-z]{2,}[^e\W\d_]ed|ago|last|since|back)\b",
    re.IGNORECASE,
)
_FUTURE = re.compile(
    r"\b(?:will|shall|going\s+to|gonna|next|coming|upcoming|plan(?:s|ning)?)\b|'ll\b", re.IGNORECASE
)
_TURNS = re.compile(
    r"\b(?:what|which|who|where|when|how|did|does|do|was|were|is|are|has|have|had)\b", re.IGNORECASE
)


def find(text: str, at: datetime) -> list[When]:
    """The stretches of time a text names, in the order of the text.

    Args:
        text: a question, or something said.
        at: the moment relative to which it is read.
    """
    found: list[When] = []
    if not _MAYBE.search(text):
        return found
    taken: list[tuple[int, int]] = []
    for name, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if any(match.start() < last and first < match.end() for first, last in taken):
                continue
            when = _read(name, match, at)
            if when is not None:
                found.append(when)
                taken.append(match.span())
    return sorted(found, key=lambda when: when.where)


def around(text: str) -> Around | None:
    """The event before or after which something is asked, when the question names one in words."""
    for match in _AROUND.finditer(text):
        event = match["event"].strip()
        turn = _TURNS.search(event)
        if turn is not None and turn.start() > 0:
            event = event[: turn.start()].strip()
        if len(event) < 4 or find(f"in {event}", EPOCH) or not re.search(r"[a-zA-Z]{3}", event):
            continue
        side = "before" if match["side"].lower()[0] in "bpu" else "after"
        return Around(side, event, f"{match['side']} {event}")
    return None


def _tense(match: re.Match[str]) -> str:
    """Whether the sentence round a match tells of the past: ``"past"`` or nothing."""
    text = match.string
    first = max(text.rfind(mark, 0, match.start()) for mark in ".!?;\n") + 1
    last = min(
        (place for mark in ".!?;\n" if (place := text.find(mark, match.end())) >= 0), default=len(text)
    )
    sentence = text[first:last]
    return "past" if _PAST.search(sentence) and not _FUTURE.search(sentence) else ""


def _read(name: str, match: re.Match[str], at: datetime) -> When | None:
    groups = {key: value.lower() for key, value in match.groupdict().items() if value is not None}
    groups["tense"] = _tense(match)
    if groups.get("mon") in ("may", "march") and name == "dmy" and not _UPPER.search(match.group()):
        return None  # "you may first ask", "march second"
    try:
        read = READERS[name](groups, match.group(), at)
    except (ValueError, OverflowError):  # 31 June, the year 10000
        return None
    if read is None:
        return None
    start, end, grain, any_year, relative, about = read
    phrase = match.group().strip()
    first = match.start() + match.group().index(phrase)
    return When(start, end, grain, phrase, (first, first + len(phrase)), any_year, relative, about)
