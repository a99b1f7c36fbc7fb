"""Sentences of a memory, and the things a short answer is made of: dates, numbers, names, places."""

from __future__ import annotations

import re

from agentmem.language.stopwords import STOP

_SENTENCE = re.compile(r"[^.!?。！？\n]+(?:[.!?](?!\s|$)[^.!?。！？\n]*)*[.!?。！？]*[\"'”’)\]]*")
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|st|prof|jr|sr|vs|etc|e\.g|i\.e|no|ca?|cf|approx|inc|ltd|corp|mt|gen|col|lt|sgt|rev|hon)\.$",
    re.IGNORECASE,
)
_INITIAL = re.compile(r"(?:^|[\s(\[.])[A-HJ-Z]\.$")
_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    "eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|once|twice|"
    "a couple|a dozen|dozens|several|half"
)
NUMBER = re.compile(
    r"(?<![\w.])(?:[$€£¥]\s?)?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:%|percent|k\b|million|thousand|am\b|pm\b))?(?!\w)"
    rf"|\b(?:{_NUMBER_WORDS})\b",
    re.IGNORECASE,
)
_PARTICLE = "of|the|de|del|da|di|du|la|le|van|von|der|den|bin|ibn|al|el|and|&"
_NAME = re.compile(
    r"\b(?:(?:Dr|Mr|Mrs|Ms|Prof|St)\.\s+|(?:[A-Z]\.\s?){1,3}(?=[A-Z]))?[A-Z][\w'’-]*[a-z][\w'’-]*"
    rf"(?:\s+(?:(?:{_PARTICLE})\s+){{0,2}}(?:[A-Z]\.(?=\s+[A-Z])|[A-Z][\w'’-]*))*"
)
_BEGINS = re.compile(r"(?:^|[.!?:]\s+)[\"'“‘(\[]?$")
_PLACE = re.compile(
    r"\b((?i:in|at|to|from|near|around|through|visit(?:ed|ing)?))\s+"
    r"((?:the\s+)?[A-Z][\w'’-]*(?:,?\s+(?:(?:of|the|de)\s+)?[A-Z][\w'’-]*)*)"
)
_NOT_NAMES = frozenset(
    """
        i i'm i've i'll i'd monday tuesday wednesday thursday friday saturday sunday january february
        march april may june july august september october november december hey hi hello thanks wow oh
        yeah yes no ok okay yesterday today tomorrow tonight last this then now later afterwards after before
    """.split()
)


def sentences(text: str) -> list[str]:
    """The sentences of a text, trimmed.

    A title such as "Dr." ends none, nor does an initial, or a stop within quotation marks or brackets.
    """
    found: list[str] = []
    joined = ""
    for match in _SENTENCE.finditer(text):
        joined = f"{joined} {match.group().strip()}".strip()
        if not _ABBREVIATION.search(joined) and not _INITIAL.search(joined) and not _open(joined):
            if joined:
                found.append(joined)
            joined = ""
    if joined:
        found.append(joined)
    return found


def _open(text: str) -> bool:
    """Whether a quotation or bracket has begun and not ended; one of more than 300 characters is none."""
    begun = text.count('"') % 2 or text.count("“") > text.count("”")
    begun = begun or text.count("(") > text.count(")") + text.count(":(") or text.count("[") > text.count("]")
    return bool(begun) and len(text) < 300


def numbers(text: str) -> list[str]:
    """Numbers in digits or words, with their currency or percent sign."""
    return [match.group().strip() for match in NUMBER.finditer(text)]


def names(text: str) -> list[str]:
    """Capitalised names that do not merely begin a sentence."""
    return [name for first, name in named(text) if not _BEGINS.search(text[:first])]


def named(text: str) -> list[tuple[int, str]]:
    """(place, name) of capitalised names and of capitalised words that begin a sentence."""
    found = []
    for match in _NAME.finditer(text):
        first, name = match.start(), match.group()
        while name and _no_name(name.split()[0], first, text):
            rest = name[len(name.split()[0]) :]
            first += len(name) - len(rest.lstrip())
            name = rest.lstrip()
        if name:
            found.append((first, name))
    return found


def _no_name(word: str, first: int, text: str) -> bool:
    """Whether a capitalised word is a day, a month or a greeting, or a small word that begins a sentence."""
    lower = word.lower().replace("’", "'")
    return lower in _NOT_NAMES or (lower in STOP and bool(_BEGINS.search(text[:first])))


def places(text: str, *, origins: bool = True) -> list[str]:
    """Capitalised names after "in", "at", "to" and the like; days and months are none.

    Args:
        text: a sentence.
        origins: whether what stands after "from" counts.
    """
    return [name for _, name in placed(text, origins=origins)]


def placed(text: str, *, origins: bool = True) -> list[tuple[int, str]]:
    """(place in the text, name) of :func:`places`."""
    found = []
    for match in _PLACE.finditer(text):
        if not origins and match.group(1).lower() == "from":
            continue
        parts = [part.strip() for part in match.group(2).split(",")]
        if _BEGINS.search(text[: match.start()]):  # "In Rome, Ada ..." names one place
            parts = parts[:1]
        kept = [part for part in parts if part and part.split()[0].lower() not in _NOT_NAMES]
        if kept and kept[0] == parts[0]:
            found.append((match.start(2), ", ".join(kept)))
    return found
