"""What a question wants: what kind of thing, said in which words, about what was or what is.

The kind is read from the question's own closed-class words ("who", "how long", "in which city").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agentmem.embed.words import similar
from agentmem.language.irregular import other_forms
from agentmem.language.text import analyse, english_weights
from agentmem.memory import Hit
from agentmem.recall import sentences as reading
from agentmem.recall.query import Question, name_words, named

Kind = Literal[
    "when", "clock", "where", "who", "name", "count", "percent", "money", "duration", "often", "age", "other"
]

# What it opens with: "According to Tom, who ...", but not "What does he swim across, and when".
_OPEN = (
    r"^(?:(?:(?!\b(?:what|which|who|whom|whose|where|when|why|how)\b).)*[,;:]\s*)?\W*(?:and\s+|so\s+|but\s+)?"
)
_PLACE_NOUN = r"(?:city|cities|country|countries|place|town|village|state|continent|region|location)"
_NAME = r"(?-i:[A-Z])[\w.'’-]*(?<!['’]s)"
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("clock", r"\b(?:at\s+)?what\s+time\b"),
    (
        "when",
        _OPEN + r"(?:since\s+)?(?:when\b|(?:(?:on|in|at|by|since)\s+)?(?:what|which)\s+"
        r"(?:\w+\s+)?(?:date|day|month|year|century|decade)\b)|\bhow\s+long\s+ago\b",
    ),
    (
        "where",
        _OPEN + rf"(?:where\b|(?:(?:in|to|from|at)\s+)?(?:what|which)\s+(?:\w+\s+)?{_PLACE_NOUN}\b)|"
        r"在?哪(?:里|儿)",
    ),
    ("other", _OPEN + rf"who\s*(?:is|was|are|were|['’]s)\s+{_NAME}(?:\s+{_NAME})*\W*$"),
    ("who", _OPEN + r"(?:(?:with|to|by|for|from|of|about)\s+)?(?:who|whom|whose)\b|谁"),
    (
        "name",
        r"\bwhat\b.*\b(?:names?\s+of|called|named?)\b|"
        r"\bwhat(?:['’]s|\s+is|\s+are|\s+was|\s+were)\s.*['’]s?\s+names?\b",
    ),
    ("often", r"\bhow\s+(?:often|frequently)\b|\bhow\s+many\s+times\s+(?:a|per)\b"),
    ("age", r"\bhow\s+old\b|\b(?:at\s+)?what\s+age\b"),
    (
        "duration",
        r"\bhow\s+long\b|\bhow\s+(?:much\s+time|many\s+(?:minutes|hours|days|weeks|months|years))\b",
    ),
    (
        "money",
        r"\bhow\s+much\b.*\b(?:cost|costs|pay|paid|spend|spent|earn|earned|save|saved|raise|raised|price|"
        r"worth|money)\b|\bhow\s+much\s+(?:is|are|was|were)\b|\bhow\s+much\s+money\b|\bwhat\b.*\bprice\b",
    ),
    ("percent", r"\bpercent(?:age)?\b"),
    (
        "count",
        r"\bhow\s+(?:many|much|far|tall|big|high|deep|large|heavy)\b|\bwhat\s+number\b|多少|几",
    ),
)
_KINDS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
_SAY_WHAT = frozenset(("when", "clock", "where", "count", "percent", "age", "duration"))
_WHO_DOES = re.compile(
    _OPEN
    + r"who\s+(?:else\s+|also\s+)?(?!(?:is|was|are|were|am|did|do|does|has|have|had|will|would|can|could|"
    r"should|might|may)\b)\w",
    re.IGNORECASE,
)
_WHO_IS = re.compile(_OPEN + r"who\s*(?:is|was|are|were|'s|’s)\s+\S*['’]s?\s", re.IGNORECASE)
_CALLED = re.compile(
    r"\b(?:what|which)\s+(?!(?:did|do|does|is|are|am|was|were|has|have|had|will|would|can|could|should|might|may|kind|"
    r"type|sort)\b)[a-z]+|\b(?:called|named?|names|titled?)\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\bfrom\b", re.IGNORECASE)
_AUXILIARY = re.compile(
    r"\b(?:is|are|am|do|does|has|have|was|were|did|had|will|would|can|could|should|might|may)\b",
    re.IGNORECASE,
)
_PAST = frozenset(("was", "were", "did", "had"))
_CAPITALS = re.compile(r"\b[^\W_]*[A-Z][^\W_]*")
_LIKE = 0.5  # likeness from which on words are taken for alike


@dataclass(frozen=True, slots=True)
class Asking:
    """What a question wants.

    Attributes:
        kind: of the thing asked for.
        text: the question.
        words: its words as stems, all of them.
        content: its content words as stems -> how much each counts, 1 in all.
        alike: each of these -> stems of like words -> how much alike.
        says: stem -> how much it counts: of its content words, and less of words like them.
        heads: those of the stems that stand for no name.
        persons: who may be meant by "I" and the like, in lower case: the speakers of what is read.
        subject: "who" stands for whoever does it, so that somebody's "I" answers.
        origins: it asks where from.
        called: it asks which book, or what something is called.
        until: it asks about what was, up to here: when it is asked; None where what is to come counts too.
    """

    kind: Kind
    text: str
    words: frozenset[str]
    content: Mapping[str, float]
    alike: Mapping[str, Mapping[str, float]]
    says: Mapping[str, float]
    heads: frozenset[str]
    persons: tuple[str, ...]
    subject: bool
    origins: bool
    called: bool
    until: datetime | None


def read(asked: Question, hits: Sequence[Hit]) -> Asking:
    """Read what a question wants.

    Args:
        asked: the question.
        hits: what is read for its answer.
    """
    text = asked.text
    content = weighed(asked, hits)
    alike = like_words(asked, content)
    kind: Kind = next((kind for kind, pattern in _KINDS if pattern.search(text)), "other")
    subject = kind == "who" and not _WHO_IS.search(text) and bool(_WHO_DOES.search(text))
    names = {stem for _, name in reading.named(text) for stem in analyse(name).words}
    says: dict[str, float] = dict(content)
    heads = {stem for stem in content if stem not in names}
    for stem, others in alike.items():
        for other, likeness in others.items():
            says[other] = max(says.get(other, 0.0), likeness * content[stem])
            if stem in heads:
                heads.add(other)
    auxiliary = _AUXILIARY.search(text)
    return Asking(
        kind,
        text,
        frozenset(analyse(text).words),
        content,
        alike,
        says,
        frozenset(heads),
        tuple({hit.memory.speaker.lower(): None for hit in hits if hit.memory.speaker}),
        subject,
        bool(_FROM.search(text)),
        bool(_CALLED.search(text)),
        asked.at if auxiliary is not None and auxiliary.group().lower() in _PAST else None,
    )


def asking_words(text: str) -> frozenset[str]:
    """The words, as stems, that say what kind of thing a question asks for: "city" of "in which city"."""
    for kind, pattern in _KINDS:
        match = pattern.search(text)
        if match is not None:
            return frozenset(analyse(match.group()).words) if kind in _SAY_WHAT else frozenset()
    return frozenset()


def weighed(asked: Question, hits: Sequence[Hit], names: Sequence[str] = ()) -> dict[str, float]:
    """The question's words without the persons who speak, the times it names, and further names.

    Args:
        asked: the question.
        hits: what is read.
        names: those names.

    Returns:
        Stem -> its weight, by rarity in English; the weights add up to 1.
    """
    speakers = list(dict.fromkeys(hit.memory.speaker for hit in hits if hit.memory.speaker))
    spoken = name_words(named(asked.text, speakers))
    timed = name_words([when.phrase for when in asked.times])
    if not timed.isdisjoint(asked.words):  # a memory of May mostly does not say "May"
        timed -= {word for hit in hits for word in analyse(hit.memory.text).words}
    spoken |= timed | asking_words(asked.text)
    words = [word for word in asked.words if word not in spoken]
    called = name_words(names)
    if called and not asked.text.islower():  # a thing is no name, though facts are known of it
        called &= name_words([name for _, name in reading.named(asked.text)])
    words = [word for word in words if word not in called] or words
    if not words:
        return {}
    weights = english_weights(words)
    return dict(zip(words, (weights / weights.sum()).tolist(), strict=True))


def like_words(asked: Question, content: Iterable[str]) -> dict[str, dict[str, float]]:
    """Content words as stems -> stems of like words -> how much alike; none of what is written as a name."""
    names = name_words([match.group() for match in _CAPITALS.finditer(asked.text) if match.start()])
    return {
        word: {}
        if word in names
        else {other: near for other, near in similar(word) if near >= _LIKE}
        | dict.fromkeys(other_forms(word), 1.0)
        for word in content
    }
