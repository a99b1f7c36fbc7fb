"""The local reader behind ``ask``: it quotes, and never makes up.

The best sentence of the best hits is chosen by how much of the question it says; from it come the
date (relative words resolved against the memory's own time), the number, the name or the place that
the question asks for. Where the evidence is too thin the answer is None: the memory does not hold it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp

from agentmem.language.text import analyse, english_weights
from agentmem.memory import Answer, Hit, Namespace
from agentmem.recall import sentences as reading
from agentmem.recall.dates import When, find
from agentmem.recall.query import Question, name_words, named, parse

LOOKED_AT = 8
"""Hits that are read."""
THRESHOLD = 0.5
"""Confidence below which the memory is said not to hold the answer."""

_WHO = re.compile(r"^\W*(?:who|whom|whose|with\s+whom|to\s+whom)\b|谁", re.IGNORECASE)
_WHERE = re.compile(
    r"^\W*(?:where|in\s+which\s+(?:city|country|place)|which\s+(?:city|country|place))\b", re.IGNORECASE
)
_MANY = re.compile(
    r"\bhow\s+(?:many|much|old|often|long|far|tall|big)\b|\bwhat\s+(?:number|percentage)\b", re.IGNORECASE
)
_ASKS_FOR = re.compile(r"\b(?:what|which|where|how|why)\b|什么|哪|几|多少|怎", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\b", re.IGNORECASE)
_WHEN = re.compile(
    r"^\W*(?:when|(?:on|in|at)?\s*(?:what|which)\s+(?:\w+\s+)?(?:date|day|month|year|time))\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may hold the answer.

    Attributes:
        sentence: verbatim.
        hit: the memory it stands in.
        place: the hit's rank, from 0.
        said: share of the question's words, by rarity in English, that the sentence says.
        score: by which the best is chosen.
    """

    sentence: str
    hit: Hit
    place: int
    said: float
    score: float


def read(
    question: str,
    hits: Sequence[Hit],
    at: datetime,
    before: Mapping[tuple[Namespace, str], str] | None = None,
    names: Sequence[str] = (),
) -> Answer:
    """Answer a question by what was found.

    Args:
        question: the question.
        hits: what search found, best first.
        at: when it is asked.
        before: (namespace, id) of a memory -> what the other one had said right before it.
        names: names in the question of which facts are known; that a memory says the name alone does not
            speak for its holding the answer.
    """
    asked = parse(question, at)
    best = choose(asked, hits, before or {})
    if best is None:
        return Answer(None, tuple(hits[:1]), 0.0)
    sure = confidence(asked, hits, names)
    if sure < THRESHOLD:
        return Answer(None, (best.hit, *(hit for hit in hits if hit is not best.hit)), sure)
    rest = tuple(hit for hit in hits if hit is not best.hit)
    return Answer(phrase(asked, best), (best.hit, *rest), sure, quote=best.sentence)


def choose(
    asked: Question, hits: Sequence[Hit], before: Mapping[tuple[Namespace, str], str] | None = None
) -> Candidate | None:
    """The sentence that says most of the question, of a kind that can answer it.

    The first sentence after a question says what that question says: "What's it called, the bakery?" –
    "Fermento."
    """
    words = _content(asked, [hit.memory.speaker for hit in hits if hit.memory.speaker])
    weights = dict(zip(words, english_weights(words).tolist(), strict=True)) if words else {}
    total = sum(weights.values()) or 1.0
    asking = set(analyse(asked.text).words)
    best: Candidate | None = None
    top = hits[0].score if hits else 0.0
    for place, hit in enumerate(hits[:LOOKED_AT]):
        told = (before or {}).get((hit.memory.namespace, hit.memory.id), "")
        inherited = set(analyse(told).words) if asks(told) else set()
        for sentence in reading.sentences(hit.memory.text):
            here = set(analyse(sentence).words)
            if asks(sentence) or not (here - asking or _by_itself(asked)):
                continue  # a question answers nothing, nor does what only says the question again
            lent, inherited = inherited - here, set()
            said = sum(w * ((word in here) + _LENT * (word in lent)) for word, w in weights.items()) / total
            score = said + _RANK * (hit.score / top if top > 0 else 0.0) + _kind_bonus(asked, sentence, hit)
            if best is None or score > best.score:
                best = Candidate(sentence, hit, place, said, score)
    return best


_RANK = 1.5
_LENT = 0.8  # what a word of the question before is worth: 3 points more of the right turns quoted in chats
_HOLDS = 0.5
_BESIDE = 0.4


def asks(text: str) -> bool:
    """Whether a text ends in a question mark."""
    return text.rstrip(" \t\n\"”’')").endswith(("?", "？"))


def _by_itself(asked: Question) -> bool:
    """Whether saying the question again may answer it: who said it, when, or whether it is so."""
    text = asked.text
    return bool(_WHO.search(text) or _WHEN.search(text) or not _ASKS_FOR.search(text))


def _content(asked: Question, speakers: Sequence[str], names: Sequence[str] = ()) -> list[str]:
    """The question's words without the persons who speak, the times it names, and further names."""
    spoken = name_words([*named(asked.text, list(dict.fromkeys(speakers))), *(t.phrase for t in asked.times)])
    words = [word for word in asked.words if word not in spoken]
    called = name_words(names)
    return [word for word in words if word not in called] or words


def _kind_bonus(asked: Question, sentence: str, hit: Hit) -> float:
    """A little for a sentence that holds what is asked for."""
    if _WHEN.search(asked.text):
        if find(sentence, hit.memory.at):
            return _HOLDS
        return _BESIDE * bool(find(hit.memory.text, hit.memory.at))
    return _HOLDS * bool(_free(asked, sentence, hit))


def _free(asked: Question, sentence: str, hit: Hit) -> list[str]:
    """The numbers, places or names of a sentence, as the question asks for, that it does not hold itself."""
    if _MANY.search(asked.text):
        dates = [when.phrase for when in find(sentence, hit.memory.at)]
        return [n for n in reading.numbers(sentence) if not any(n in date for date in dates)]
    if _WHERE.search(asked.text):
        found = reading.places(sentence, origins=bool(_FROM.search(asked.text)))
    elif _WHO.search(asked.text):
        found = reading.names(sentence)
    else:
        return []
    taken = set(analyse(asked.text).words)
    return [name for name in found if not taken.issuperset(analyse(name).words)]


# --- is it there at all? ---------------------------------------------------------------------------


def evidence(asked: Question, hits: Sequence[Hit], names: Sequence[str] = ()) -> tuple[float, ...]:
    """What speaks for the answer being there: (1, said, behind).

    ``said`` is the share of the question's words, by rarity, that the hits read say among them; for a
    question of nothing but persons and times, whether the best hit fits these. A question about Ada that
    only Ben's words fit was probably never answered by Ada: ``behind`` is how far the score by words of
    the best memory of the person named falls behind the best of somebody else's.
    """
    speakers = [hit.memory.speaker for hit in hits if hit.memory.speaker]
    words = _content(asked, speakers, names)
    weights = dict(zip(words, english_weights(words).tolist(), strict=True)) if words else {}
    total = sum(weights.values()) or 1.0
    texts = [set(analyse(hit.memory.text).words) for hit in hits[:LOOKED_AT]]
    if not weights:
        return (1.0, float(bool({"speaker", "date"} & hits[0].signals.keys())), 0.0)
    together = sum(weight for word, weight in weights.items() if any(word in text for text in texts)) / total
    persons = named(asked.text, list(dict.fromkeys(speakers)))
    behind = 0.0
    if len(persons) == 1:
        own = [hit for hit in hits[:LOOKED_AT] if hit.memory.speaker == persons[0]]
        others = [
            hit for hit in hits[:LOOKED_AT] if hit.memory.speaker != persons[0] and not asks(hit.memory.text)
        ]
        mine, theirs = (
            max((h.signals.get("words", 0.0) for h in some), default=0.0) for some in (own, others)
        )
        behind = max(theirs - mine, 0.0) / max(theirs, mine, 1e-9)
    return (1.0, together, behind)


_CONFIDENCE = (-2.6, 4.4, -20.0)


def confidence(asked: Question, hits: Sequence[Hit], names: Sequence[str] = ()) -> float:
    """σ(w · evidence): the probability that the memory holds the answer.

    The weights are maximum likelihood over answerable and unanswerable questions of development
    conversations (``python -m agentmem.evals.fit --reader``), both kinds counting the same, with the
    intercept moved by ln(.7 / .3): seven questions of ten are taken to have an answer. Where a question
    is turned from one speaker to another, half of such questions are refused, and one in seven of those
    with an answer; a question about a detail of a topic that was talked of is rarely told apart.
    """
    value = sum(w * v for w, v in zip(_CONFIDENCE, evidence(asked, hits, names), strict=True))
    return 1.0 / (1.0 + exp(-min(max(value, -30.0), 30.0)))


# --- the wording -----------------------------------------------------------------------------------


def phrase(asked: Question, best: Candidate) -> str:
    """The short answer where the question asks for a date, number, person or place, else the sentence."""
    text, sentence = asked.text, best.sentence
    if _WHEN.search(text):
        return _date(best)
    free = _free(asked, sentence, best.hit)
    if free:
        return f"{free[0]} (“{sentence}”)"
    if _WHO.search(text) and best.hit.memory.speaker and not asked.first_person:
        return f"{best.hit.memory.speaker} (“{sentence}”)"
    return sentence


def _date(best: Candidate) -> str:
    """The date a sentence names, or else the day it was said; relative words are quoted with it."""
    memory = best.hit.memory
    said = f"said on {_day(memory.at)}"
    found = find(best.sentence, memory.at) or find(memory.text, memory.at)
    if not found:
        return f"{_day(memory.at)} (the day it was said)"
    when = found[0]
    if not when.relative:
        return span(when)
    return f"{span(when)} (“{when.phrase}”, {said})"


def span(when: When) -> str:
    """A stretch of time in words: a day, "the week of 1 May 2023", "May 2023", "2022"."""
    if when.grain == "year":
        return str(when.start.year)
    if when.grain == "month":
        return f"{when.start:%B} {when.start.year}"
    if when.grain == "season":
        return when.phrase if not when.relative else f"{when.start:%B} to {_last(when):%B} {_last(when).year}"
    if when.grain == "day" and (when.end - when.start).days <= 1:
        return _day(when.start)
    if when.grain == "week":
        return f"the week of {_day(when.start)}"
    return f"{_day(when.start)} to {_day(_last(when))}"


def _last(when: When) -> datetime:
    return when.end - timedelta(days=1)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B} {moment.year}"
