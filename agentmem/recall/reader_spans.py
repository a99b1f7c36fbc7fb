"""The things of the kind a question asks for that a sentence names: places, persons, numbers, times.

Of several the nearest to the question's words is taken; names and numbers far from all of them count for
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from agentmem.clock import EPOCH
from agentmem.language.text import analyse, english_weights
from agentmem.recall import sentences as reading
from agentmem.recall.dates import When, find
from agentmem.recall.reader_asking import Asking

_SUBJECT = re.compile(r"\b(?:i|we|i['’](?:m|ve|d|ll)|we['’](?:re|ve|d|ll))\b", re.IGNORECASE)
_SELF = re.compile(
    r"\b(?:i|me|my|mine|myself|we|us|our|ours|i['’](?:m|ve|d|ll)|we['’](?:re|ve|d|ll))\b", re.I
)
_QUOTED = re.compile(r"[\"“][^\"”]+[\"”]")
_UNIT = "second|minute|hour|day|night|week|weekend|month|year|decade"
_AMOUNT = (
    r"(?:\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:-|–|to|or)\s?\d+)?|an?|half\s+an?|a\s+couple\s+of|a\s+few|several|one|two|three|four|five|six|seven|"
    r"eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty)"
)
_DURATION = re.compile(
    rf"\b(?:(?:about|around|almost|nearly|over|under|roughly|just)\s+)*{_AMOUNT}(?:\s+and\s+a\s+half)?\s+"
    rf"(?:{_UNIT})s?(?:\s+(?:and\s+)?{_AMOUNT}\s+(?:{_UNIT})s?|\s+and\s+a\s+half)?\b|"
    r"\bsince\s+(?:\w+\s+)?\d{4}\b",
    re.IGNORECASE,
)
_OFTEN = re.compile(
    r"\b(?:once|twice|(?:\d+|two|three|four|five|six|several|a\s+few)\s+times)(?:\s+or\s+(?:twice|\w+\s+times))?"
    rf"\s+(?:a|an|per|each|every)\s+(?:other\s+)?(?:{_UNIT})\b|\bevery\s+(?:single\s+|other\s+|two\s+|three\s+|few\s+)?"
    rf"(?:{_UNIT}|morning|evening|afternoon|monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b|"
    r"\b(?:daily|weekly|biweekly|monthly|yearly|annually|hourly)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"\b\d{1,2}(?::\d\d)?\s?(?:am|pm|a\.m\.|p\.m\.|o['’]clock)(?!\w)|\b\d{1,2}:\d\d\b|\b(?:noon|midnight)\b",
    re.I,
)
_MONEY = re.compile(
    r"[$€£¥]\s?\d+(?:,\d{3})*(?:\.\d+)?(?:\s?(?:k|m|million|billion|thousand)\b)?|"
    r"\b\d+(?:,\d{3})*(?:\.\d+)?\s?(?:dollars|euros|pounds|cents|bucks|usd|eur|gbp|yen)\b",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b(\d{1,3})(?=[\s-]+years?[\s-]+old|\s+years?\s+of\s+age|-year-old)|"
    r"\b(\d{1,3})(?=(?:st|nd|rd|th)\s+birthday)|"
    r"\b(?:turn(?:ed|ing|s)?|aged?|am|is|was|i['’]m|he['’]s|she['’]s|at)\s+(\d{1,3})\b(?!\s*(?:%|percent|[a-z]))",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"\b\d+(?:\.\d+)?\s?(?:%|percent\b|per\s+cent\b)", re.IGNORECASE)
_IS_CALLED = re.compile(
    r"\b(?:(?:called|named|nicknamed)|names?\s+(?:(?:him|her|it|them)|is|was|are|were)|name['’]s|names)\s+"
    r"(?P<n>[\"“]?(?-i:[A-Z])[\w'’-]*(?:\s+(?:(?:of|the|and|&)\s+)?(?-i:[A-Z])[\w'’-]*)*)",
    re.IGNORECASE,
)
_KIN = re.compile(r"\b(?:my|our|your|his|her|their|\w+['’]s)\s+(?:\w+\s+)?(?P<of>\w+)\s+$", re.IGNORECASE)
_OF_TIME = re.compile(rf"^[\s-]*(?:{_UNIT}|am|pm)s?\b", re.IGNORECASE)
_SMALL = (
    "and|with|by|in|at|on|of|for|from|to|because|when|where|while|since|so|but|that|which|who|is|was|again|now|"
    "today|yesterday|last|this|next|once|twice|before|after|as|i|we|you|he|she|they|it"
)
_UNITS = re.compile(
    r"[\s-]*(?:km|cm|mm|kg|lbs?|oz|ft|mph|miles?|kilomet(?:er|re)s?|met(?:er|re)s?|feet|foot|inch(?:es)?|yards?|acres?|"
    r"pounds|kilos?|kilograms?|grams?|lit(?:er|re)s?|gallons?|degrees?|percent)\b",
    re.IGNORECASE,
)
_AT_HOME = re.compile(
    r"\b(?:in|at|to|into|onto|on|under|behind|beside|inside|near|above|below|next\s+to|in\s+front\s+of|outside)\s+"
    r"(?P<p>(?:the|a|an|my|our|his|her|their|your)\s+"
    rf"(?:(?!(?:{_SMALL})\b)[a-z][\w'’-]*\s+){{0,2}}?(?!(?:{_SMALL})\b)[a-z][\w'’-]*)"
    rf"(?=\s*(?:[.,;!?)]|$|(?:{_SMALL})\b))",
)
_WHILE = frozenset(
    """
    morning afternoon evening night day week weekend month year moment time end beginning start middle future
    past meantime summer winter spring autumn fall hurry way phone while point case
    """.split()
)


def speaks_of_self(sentence: str) -> bool:
    """Whether a sentence is in the first person."""
    return bool(_SELF.search(sentence))


def spans(asking: Asking, sentence: str, at: datetime, lent: bool = False) -> list[str]:
    """The things a sentence names of the kind a question asks for, nearest to the question's words first.

    Of names, places and numbers only those count that stand near a word of the question which is no name:
    of who was born where, the place beside "born". What the question says itself is none.

    Args:
        asking: what the question wants.
        sentence: the sentence.
        at: when it was said.
        lent: what the question says was said right before, so that nothing of it need stand there.
    """
    found = [
        (first, text)
        for first, text in _of_kind(asking, sentence, at)
        if not asking.words.issuperset(analyse(text).words or [""])
    ]
    places = _places(asking, sentence)
    if not lent and asking.heads and asking.kind not in _PLAIN:
        heads = [place for place, _, head in places if head]
        found = [one for one in found if any(_near(sentence, one, place) for place in heads)]
    return [text for _, text in sorted(found, key=lambda one: _distance(one, places))]


def self_named(asking: Asking, sentence: str, speaker: str | None) -> str | None:
    """The speaker, where "who" asks for who does what the speaker says: "Who adopted it?" – "I adopted…"."""
    if not asking.subject or not speaker or speaker.lower() in asking.text.lower():
        return None
    heads = [place for place, _, head in _places(asking, sentence) if head]
    for match in _SUBJECT.finditer(sentence):
        if any(0 < place - match.end() < _REACH for place in heads):
            return speaker
    return None


def habits(asking: Asking, sentence: str) -> list[str]:
    """The times of day, and how often, that a sentence names, nearest to the question's words first."""
    found = [
        (match.start(), match.group()) for pattern in (_CLOCK, _OFTEN) for match in pattern.finditer(sentence)
    ]
    places = _places(asking, sentence)
    return [text for _, text in sorted(found, key=lambda one: _distance(one, places))]


def names_more(asking: Asking, sentence: str) -> bool:
    """Whether a sentence names, within it, something that the question does not, or quotes."""
    return bool(_QUOTED.search(sentence)) or any(
        first
        and name.lower() not in asking.persons
        and not asking.words.issuperset(analyse(name).words or [""])
        for first, name in reading.named(sentence)
    )


def times(asking: Asking, sentence: str, at: datetime) -> list[When]:
    """Times that a sentence names, nearest to the question's words first.

    Those that the question names itself are none, nor, where it asks about what was, those yet to come.

    Args:
        asking: what the question wants.
        sentence: the sentence.
        at: when it was said.
    """
    found = find(sentence, at)
    if not found:
        return found
    known = {when.phrase.lower() for when in find(asking.text, EPOCH)}
    left = [
        when
        for when in found
        if when.phrase.lower() not in known and (asking.until is None or when.start <= asking.until)
    ]
    places = _places(asking, sentence)
    return sorted(left, key=lambda when: _distance((when.where[0], when.phrase), places))


def _of_kind(asking: Asking, sentence: str, at: datetime) -> Iterator[tuple[int, str]]:
    kind = asking.kind
    if kind == "where":
        yield from _where(asking, sentence)
    elif kind == "who":
        yield from _who(asking, sentence)
    elif kind == "count":
        dates = [when.where for when in find(sentence, at)]
        for match in reading.NUMBER.finditer(sentence):
            if any(first <= match.start() < last for first, last in dates):
                continue
            if _CLOCK.match(sentence, match.start()) or _of_time(sentence, match, asking):
                continue
            unit = _UNITS.match(sentence, match.end())
            yield match.start(), sentence[match.start() : unit.end() if unit else match.end()].strip()
    elif kind == "age":
        for match in _AGE.finditer(sentence):
            yield match.start(), match[1] or match[2] or match[3]
    elif kind == "name":
        called = [(match.start("n"), match["n"]) for match in _IS_CALLED.finditer(sentence)]
        yield from called or _names_of(asking, sentence)
    elif kind in _PLAIN:
        for match in _PLAIN[kind].finditer(sentence):
            yield match.start(), match.group().strip()


_PLAIN = {"duration": _DURATION, "often": _OFTEN, "clock": _CLOCK, "money": _MONEY, "percent": _PERCENT}


def _of_time(sentence: str, match: re.Match[str], asking: Asking) -> bool:
    """Whether a number counts days or hours, or is a hyphenated part of a name."""
    after = sentence[match.end() : match.end() + 12]
    return bool(_OF_TIME.match(after)) or (after[:1] == "-" and after[1:2].isalpha())


def _where(asking: Asking, sentence: str) -> Iterator[tuple[int, str]]:
    named = False
    for first, text in reading.placed(sentence, origins=asking.origins):
        if text.lower() not in asking.persons and text.split()[0].lower() not in asking.persons:
            named = True
            yield first, text
    if named:
        return
    for match in _AT_HOME.finditer(sentence):
        if match["p"].split()[-1].lower() not in _WHILE:
            yield match.start(), match.group()


def _who(asking: Asking, sentence: str) -> Iterator[tuple[int, str]]:
    places = {first for first, _ in reading.placed(sentence)}
    for first, text in reading.named(sentence):
        before = sentence[:first].rstrip().rpartition(" ")[2].lower()
        if first in places and before in (
            "in",
            "at",
            "near",
            "around",
            "through",
            "visit",
            "visited",
            "visiting",
        ):
            continue
        bare = re.sub(r"['’]s$", "", text)
        if not first and not _like_a_name(bare):
            continue
        yield first, bare


def _names_of(asking: Asking, sentence: str) -> Iterator[tuple[int, str]]:
    """Names, but not of another thing than is asked about: in "with his wife Marta" none of a bakery."""
    for first, text in _who(asking, sentence):
        owned = _KIN.search(sentence[:first])
        if owned is None or not asking.heads.isdisjoint(analyse(owned["of"]).words):
            yield first, text


def _like_a_name(word: str) -> bool:
    """Whether the first word of a sentence is a name and not merely capitalised."""
    parts = word.split()
    if len(parts) > 1:
        return True
    stems = analyse(word).words
    return bool(stems) and float(english_weights(stems)[0]) > _RARE


_RARE = 1.0


def _places(asking: Asking, sentence: str) -> list[tuple[int, float, bool]]:
    """Where words of the question stand in a sentence, how much each counts, and whether it is no name."""
    found = []
    for match in _TOKEN.finditer(sentence):
        for stem in analyse(match.group()).words:
            if stem in asking.says:
                found.append(((match.start() + match.end()) // 2, asking.says[stem], stem in asking.heads))
    return found


def _near(sentence: str, span: tuple[int, str], place: int) -> bool:
    """Whether a word stands within a span's reach, or both in a short sentence."""
    first, text = span
    return -_REACH < place - first < len(text) + _REACH or len(sentence) < 2 * _REACH


def _distance(span: tuple[int, str], places: Sequence[tuple[int, float, bool]]) -> float:
    """Weighted nearness to the question's words, negative: the smaller, the nearer."""
    first, text = span
    middle = first + len(text) / 2
    return -sum(weight / (8.0 + abs(place - middle)) for place, weight, _ in places)


_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_REACH = 40  # characters
