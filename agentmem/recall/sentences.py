"""Sentences of a memory, and the things a short answer is made of: dates, numbers, names, places."""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:[.!?](?!\s|$)[^.!?。！？\n]*)*[.!?。！？]*[\"'”’)\]]*")
_ABBREVIATION = re.compile(r"\b(?:mr|mrs|ms|dr|st|prof|jr|sr|vs|etc|e\.g|i\.e|no)\.$", re.IGNORECASE)
_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|once|twice|"
    "a couple|a dozen|dozens|several|half"
)
_NUMBER = re.compile(
    r"(?<![\w.])(?:[$€£¥]\s?)?\d[\d,]*(?:\.\d+)?(?:\s?(?:%|percent|k\b|million|thousand|am\b|pm\b))?"
    rf"|\b(?:{_NUMBER_WORDS})\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![.!?]\s)(?<!^)\b[A-Z][\w'’-]*[a-z][\w'’-]*(?:\s+(?:(?:of|the|de|and|&)\s+)?[A-Z][\w'’-]*)*"
)
_PLACE = re.compile(
    r"\b((?i:in|at|to|from|near|around|through|visit(?:ed|ing)?))\s+"
    r"((?:the\s+)?[A-Z][\w'’-]*(?:,?\s+(?:(?:of|the|de)\s+)?[A-Z][\w'’-]*)*)"
)
_NOT_NAMES = frozenset(
    """
        i i'm i've i'll i'd monday tuesday wednesday thursday friday saturday sunday january february
        march april may june july august september october november december hey hi hello thanks wow oh
        yeah yes no ok okay
    """.split()
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, trimmed; a title such as "Dr." ends none, nor does a stop in a quotation."""
    found: list[str] = []
    joined = ""
    for match in _SENTENCE.finditer(text):
        joined = f"{joined} {match.group().strip()}".strip()
        if not _ABBREVIATION.search(joined) and not _open(joined):
            if joined:
                found.append(joined)
            joined = ""
    if joined:
        found.append(joined)
    return found


def _open(text: str) -> bool:
    """Whether a quotation has begun and not ended; one of more than 300 characters is none."""
    begun = text.count('"') % 2 or text.count("“") > text.count("”")
    return bool(begun) and len(text) < 300


def numbers(text: str) -> list[str]:
    """Numbers in digits or words, with their currency or percent sign."""
    return [match.group().strip() for match in _NUMBER.finditer(text)]


def names(text: str) -> list[str]:
    """Capitalised names that do not merely begin a sentence."""
    return [m.group() for m in _NAME.finditer(text) if m.group().lower() not in _NOT_NAMES]


def places(text: str, *, origins: bool = True) -> list[str]:
    """Capitalised names after "in", "at", "to" and the like; days and months are none.

    Args:
        text: a sentence.
        origins: whether what stands after "from" counts.
    """
    found = []
    for match in _PLACE.finditer(text):
        if not origins and match.group(1).lower() == "from":
            continue
        parts = [part.strip() for part in match.group(2).split(",")]
        kept = [part for part in parts if part and part.split()[0].lower() not in _NOT_NAMES]
        if kept and kept[0] == parts[0]:
            found.append(", ".join(kept))
    return found
