"""What speaks for a sentence as the answer to a question: its features, and how much each counts.

The weights are those of a conditional logit (McFadden 1974) over the sentences of the first hits for
questions of development conversations and passages, drawn towards a plain sum of what a sentence says and of
how its hit scored:
``python -m agentmem.evals.fit --choice``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from math import log1p

from agentmem.language.text import analyse
from agentmem.memory import Hit
from agentmem.recall import reader_spans as spans
from agentmem.recall import sentences as reading
from agentmem.recall.query import Question, named
from agentmem.recall.reader_asking import Asking

FEATURES = (
    "said",  # share of the question's words, by rarity, that the sentence says
    "alike",  # that it says in like words only
    "lent",  # that the question right before it says
    "beside",  # that only the rest of its memory says
    "follows",  # that only the sentence before it says
    "score",  # the hit's score against the best one's
    "fresh",  # logarithm of the number of words that the question does not say, up to 12
    "dense",  # words of the question it says, against the root of all its words
    "order",  # share of the question's neighbouring words that it says in their order
    "heading",  # it is a title, or announces a list
    "greets",  # it begins with thanks, a greeting or an exclamation
    "owner",  # it is said by, or speaks of, the person asked about; -1: of another
    "whose",  # it speaks of what the question asks about of somebody's; -1: of somebody else's
    "subject",  # it says that first, and what is asked of it then; -1: the other way round
    "told",  # what the assistant had said is asked for, and it said this
    "newer",  # of now is asked: how new the memory is among those read
    "older",  # of before is asked: how old
    "held",  # it names a thing of the kind asked for
    "timed",  # a time is asked for, and it names one
    "near",  # a time is asked for, and its memory names one elsewhere
    "called",  # "which book" or what something is called is asked for, and it names something new
)
WEIGHTS = (
    3.4,
    1.3,
    3.3,
    -0.4,
    1.1,
    6.2,
    0.5,
    0.6,
    0.6,
    -1.9,
    -0.5,
    0.4,
    0.5,
    0.5,
    0.1,
    0.4,
    0.25,
    2.7,
    2.6,
    1.0,
    0.7,
)
CHEAP = 17
"""Features that a scene gives; the rest need the things a sentence names."""
_FRESH = 12

_WHEN_SAID = re.compile(
    r"\b(?:first|used\s+to|before|previous(?:ly)?|former(?:ly)?|originally|initially|earlier|at\s+first)\b",
    re.I,
)
_NOW = re.compile(
    r"\b(?:now|current(?:ly)?|latest|newest|still|today|these\s+days|at\s+the\s+moment|recent(?:ly)?|last)\b",
    re.IGNORECASE,
)
_YOU = re.compile(r"\b(?:you|your|yours|you['’](?:re|ve|d|ll))\b", re.IGNORECASE)
_OWNED = re.compile(r"\b(?P<owner>[^\W\d_][\w-]*)['’]s?\s+(?P<thing>[a-z]\w+)")
_OWNERS = re.compile(
    r"\b(?:(?P<owner>my|our|your|his|her|their)|(?P<name>[^\W\d_][\w-]*)['’]s?)\s+(?P<thing>(?:\w+\s+)?\w+)",
    re.IGNORECASE,
)
_GREETS = re.compile(
    r"\W*(?:thanks|thank\s+you|hey|hi|hello|wow|oh|yeah|yep|yes|no|ok|okay|well|sorry|that['’]s)\b",
    re.IGNORECASE,
)
_CLOSES = re.compile(r"[.!?。！？…\"”’')\]]\s*$")
_ITEM = re.compile(r"\s*(?:\d+[.)]|[-*•])\s")
_ASKS_FOR = re.compile(r"\b(?:what|which|where|how|why)\b|什么|哪|几|多少|怎", re.IGNORECASE)


def asks(text: str) -> bool:
    """Whether a text ends in a question mark."""
    return text.rstrip(" \t\n\"”’')").endswith(("?", "？"))


class Scene:
    """A question before its hits: what is worked out once.

    Attributes:
        person: whom the question asks about, if it is one of those who speak.
        past, now: it asks for what was before, for what is now.
        relevance: that of the most relevant hit.
        heard: the words, as stems, of the hits that were read.
    """

    def __init__(self, asked: Question, hits: Sequence[Hit], asking: Asking) -> None:
        self.content = asking.content
        self.alike = {word: list(others.items()) for word, others in asking.alike.items()}
        self.words = asking.words
        self.heard: set[str] = set()
        self.pairs = list(pairwise(asked.words))
        self.top = hits[0].score if hits and hits[0].score > 0 else 0.0
        self.relevance = max((hit.relevance for hit in hits), default=0.0)
        self.speaking = max((hit.signals.get("speaker", 0.0) for hit in hits), default=0.0)
        speakers = list(dict.fromkeys(hit.memory.speaker for hit in hits if hit.memory.speaker))
        persons = named(asked.text, speakers)
        self.person = persons[0] if len(persons) == 1 else None
        self.told = asked.told
        self.owned = _OWNED.search(asked.text)
        thing = analyse(self.owned["thing"]).words if self.owned else []
        self.thing = thing[0] if thing else ""
        self.rest = asking.heads - {self.thing}
        moments = [hit.memory.at.timestamp() for hit in hits]
        self.oldest = min(moments, default=0.0)
        self.span = max(max(moments, default=0.0) - self.oldest, 1.0)
        self.past = bool(_WHEN_SAID.search(asked.text))
        self.now = (
            not self.past and not asked.times and (asking.until is None or bool(_NOW.search(asked.text)))
        )
        self.by_itself = asking.kind in ("who", "when") or not _ASKS_FOR.search(asked.text)

    def of(self, hit: Hit, told: str) -> list[tuple[str, tuple[float, ...]]]:
        """The sentences of a hit with their first :data:`CHEAP` features.

        Args:
            hit: the hit.
            told: what somebody else had said right before it, or nothing.
        """
        memory = hit.memory
        cut = reading.sentences(memory.text)
        held = [analyse(sentence).words for sentence in cut]
        everything = {word for words in held for word in words}
        self.heard |= everything
        inherited = set(analyse(told).words) if asks(told) else set()
        age = (memory.at.timestamp() - self.oldest) / self.span
        found: list[tuple[str, tuple[float, ...]]] = []
        previous: set[str] = set()
        for number, (sentence, words) in enumerate(zip(cut, held, strict=True)):
            here = set(words)
            fresh = len(here - self.words)
            lent, inherited = inherited - here, set()
            follows, previous = previous, here
            if asks(sentence) or not (fresh or self.by_itself):
                continue  # a question answers nothing, nor does what only says the question again
            shares = self._shares(here, lent, follows, everything)
            whose = self._whose(sentence, memory.speaker) if self.thing in here else 0.0
            score = hit.score
            if (
                whose > 0 and memory.speaker != self.person
            ):  # to speak of her is worth as much as her speaking
                score += self.speaking - hit.signals.get("speaker", 0.0)
            found.append(
                (
                    sentence,
                    (
                        *shares,
                        score / self.top if self.top else 0.0,
                        log1p(min(fresh, _FRESH)),
                        sum(word in here for word in self.content) / (len(here) + 3) ** 0.5,
                        self._order(words),
                        self._heading(sentence, number, memory.text),
                        float(bool(_GREETS.match(sentence))),
                        self._owner(sentence, memory.speaker),
                        whose,
                        self._subject(words),
                        float(self.told and memory.role == "assistant"),
                        age * self.now,
                        (1.0 - age) * self.past,
                    ),
                )
            )
        return found

    def _shares(
        self, here: set[str], lent: set[str], follows: set[str], everything: set[str]
    ) -> tuple[float, float, float, float, float]:
        said = alike = told = beside = after = 0.0
        for word, weight in self.content.items():
            near = (
                1.0
                if word in here
                else max((v for other, v in self.alike[word] if other in here), default=0.0)
            )
            if near == 1.0:
                said += weight
                continue
            alike += weight * near
            if word in lent:
                told += weight
            elif word in follows:
                after += weight
            elif word in everything:
                beside += weight
        return said, alike, told, beside, after

    def _order(self, words: list[str]) -> float:
        if not self.pairs:
            return 0.0
        met = 0
        for a, b in self.pairs:
            if a in words and b in words:
                met += 0 < words.index(b) - words.index(a) <= 4
        return met / len(self.pairs)

    def _heading(self, sentence: str, number: int, text: str) -> float:
        if sentence.endswith((":", "：")):
            return 1.0
        if number or "\n" not in text[: len(sentence) + 8] or _CLOSES.search(sentence):
            return 0.0
        return float(not _ITEM.match(sentence))

    def _owner(self, sentence: str, speaker: str | None) -> float:
        if self.person is None or not speaker:
            return 0.0
        if speaker == self.person:
            return 1.0 if spans.speaks_of_self(sentence) else 0.5
        if self.person.split()[0].lower() in sentence.lower():
            return 1.0
        return 0.0 if _YOU.search(sentence) else -1.0

    def _whose(self, sentence: str, speaker: str | None) -> float:
        """Of "Ada's sister": "my sister" in Ada's words, "Ada's sister" in anybody's."""
        assert self.owned is not None
        value = 0.0
        for match in _OWNERS.finditer(sentence):
            if self.thing not in analyse(match["thing"]).words:
                continue
            owner = (match["owner"] or match["name"]).lower()
            if owner in ("my", "our"):
                mine = not speaker or speaker.lower().startswith(self.owned["owner"].lower())
            elif owner in ("your", "his", "her", "their"):
                continue
            else:
                mine = owner == self.owned["owner"].lower()
            if mine:
                return 1.0
            value = -1.0
        return value

    def _subject(self, words: list[str]) -> float:
        if not self.thing or self.thing not in words:
            return 0.0
        first = words.index(self.thing)
        others = [place for place, word in enumerate(words) if word in self.rest]
        return 0.0 if not others else 1.0 if first < others[0] else -1.0
