"""The roles: what happened on a day, what it says of the user, and both over all days.

Part of what :class:`~agentmem.stores.forgetting.ForgettingStore` is composed of. Each role has a local
implementation, which picks sentences, and one that asks a language model (the prompts stand in
``agentmem/language/prompts/``, under ``memorybank-*.txt``).

The local ones score a sentence as SumBasic does (Nenkova & Vanderwende 2005, MSR-TR-2005-101), with the
rarity of words in English in place of a stop list, and lower a word's weight once it was taken::

    w(x) = rarity(x) · ln(1 + n(x))           n(x): in how many pieces the word stands
    score(s) = Σ_x w(x) / (|s| + 4)            over the distinct words of s;   w(x) <- w(x) / 4 once taken
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p
from typing import Any

from agentmem.language.roles import Asker
from agentmem.language.text import analyse, ends_asking, english_weights, first_person, query_words
from agentmem.language.tokens import count_tokens
from agentmem.memory import Json
from agentmem.recall.sentences import sentences

SCHEMA: dict[str, Json] = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
_TRAIT = re.compile(
    r"\b(?:i(?:'m| am| was| feel| felt| love| like| enjoy| hate| dislike| prefer| want| need| hope| wish|"
    r" believe| think| always| never| usually| often| work| study| live| grew| learned| decided|'ve been)"
    r"|my (?:job|work|family|wife|husband|partner|kids?|son|daughter|sister|brother|mother|father|mom|dad|"
    r"dream|goal|hobby|favou?rite|passion|fear|health)|makes me|for me)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A text to be summed up, with what stands before it: who said it, or of which day it is."""

    text: str
    label: str = ""

    def __str__(self) -> str:
        return f"{self.label}: {self.text}" if self.label else self.text


class Digest(ABC):
    """A role: many pieces in, one short text out; an empty one says that there is nothing to keep."""

    @abstractmethod
    def make(self, pieces: Sequence[Piece]) -> str:
        """Sum up pieces, oldest first."""


class LocalDaySummary(Digest):
    """The day's weightiest sentences in the order they were said, questions left out.

    Args:
        keep: how many sentences.
    """

    def __init__(self, keep: int = 5) -> None:
        self.keep = keep

    def make(self, pieces: Sequence[Piece]) -> str:
        """See the class."""
        said = [(str(Piece(s, p.label)), query_words(s)) for p in pieces for s in sentences(p.text)]
        told = [one for one in said if not ends_asking(analyse(one[0]).flags)]
        return "\n".join(pick(told, self.keep))


class LocalDayPortrait(Digest):
    """What people said of themselves: traits, feelings, wishes, family, work.

    Args:
        keep: how many sentences.
    """

    def __init__(self, keep: int = 4) -> None:
        self.keep = keep

    def make(self, pieces: Sequence[Piece]) -> str:
        """See the class."""
        told = [
            (str(Piece(s, p.label)), query_words(s))
            for p in pieces
            for s in sentences(p.text)
            if not s.rstrip().endswith("?") and (_TRAIT.search(s) or (not s.isascii() and _of_oneself(s)))
        ]
        return "\n".join(pick(told, self.keep))


class LocalOverview(Digest):
    """The weightiest lines of all days, dated, in order of time.

    Args:
        keep: how many lines.
    """

    def __init__(self, keep: int = 12) -> None:
        self.keep = keep

    def make(self, pieces: Sequence[Piece]) -> str:
        """See the class."""
        lines = [(Piece(line, p.label), line) for p in pieces for line in p.text.splitlines() if line.strip()]
        return "\n".join(pick([(str(piece), query_words(line)) for piece, line in lines], self.keep))


class LocalPortrait(LocalOverview):
    """The lines of all days' portraits that say most, without their dates: who somebody is outlasts them."""

    def make(self, pieces: Sequence[Piece]) -> str:
        """See the class."""
        return super().make([Piece(piece.text) for piece in pieces])


class Asked(Digest):
    """A role that a language model plays.

    Pieces that are too long for one question are summed up in parts, and the parts together: nothing is
    cut away.

    Args:
        asker: asks and counts.
        prompt: name of the prompt file.
        window: tokens of pieces in one question.
        max_tokens: longest answer; the paper's released code has 400.
    """

    def __init__(self, asker: Asker, prompt: str, *, window: int = 6000, max_tokens: int = 400) -> None:
        self.asker = asker
        self.prompt = prompt
        self.window = window
        self.max_tokens = max_tokens

    def make(self, pieces: Sequence[Piece]) -> str:
        """Ask; an answer that is no ``{"text": ...}`` is asked for again, then an error."""
        parts = split(pieces, self.window)
        while len(parts) > 1:
            whole = [Piece(self._ask(part)) for part in parts]
            again = split(whole, self.window)
            parts = again if len(again) < len(parts) else [whole]
        return self._ask(parts[0]) if parts else ""

    def _ask(self, pieces: Sequence[Piece]) -> str:
        return self.asker.ask(
            self.prompt,
            {"pieces": "\n".join("- " + " ".join(str(piece).split()) for piece in pieces)},
            _read,
            schema=SCHEMA,
            max_tokens=2 * self.max_tokens,  # the JSON around the text, and scripts with dear tokens
        )


@dataclass(frozen=True, slots=True)
class Roles:
    """The four roles of a store.

    Attributes:
        day, day_portrait, overview, portrait: the roles.
        by: who plays them: "local", or "llm:" and the model's name.
        asker: counts the calls; None for the local ones.
    """

    day: Digest
    day_portrait: Digest
    overview: Digest
    portrait: Digest
    by: str
    asker: Asker | None = None


def local_roles() -> Roles:
    """The roles without a language model."""
    return Roles(LocalDaySummary(), LocalDayPortrait(), LocalOverview(), LocalPortrait(), "local")


def asked_roles(asker: Asker, by: str) -> Roles:
    """The roles played by a language model."""
    return Roles(
        Asked(asker, "memorybank-day"),
        Asked(asker, "memorybank-day-portrait"),
        Asked(asker, "memorybank-overview"),
        Asked(asker, "memorybank-portrait"),
        by,
        asker,
    )


def pick(candidates: Sequence[tuple[str, Sequence[str]]], keep: int) -> list[str]:
    """The texts that say most, each with its words, in the order given; see the module."""
    distinct = [(text, list(dict.fromkeys(words))) for text, words in dict(candidates).items()]
    distinct = [one for one in distinct if len(one[1]) >= 2]
    counts = Counter(word for _, words in distinct for word in words)
    names = list(counts)
    rarity = dict(zip(names, english_weights(names).tolist(), strict=True)) if names else {}
    weight = {word: rarity[word] * log1p(counts[word]) for word in names}
    left = dict(enumerate(distinct))
    taken: list[int] = []
    while left and len(taken) < keep:
        best = max(left, key=lambda i: (sum(weight[w] for w in left[i][1]) / (len(left[i][1]) + 4), -i))
        for word in left.pop(best)[1]:
            weight[word] /= 4
        taken.append(best)
    return [distinct[i][0] for i in sorted(taken)]


def split(pieces: Sequence[Piece], window: int) -> list[list[Piece]]:
    """Pieces in runs of at most so many tokens; a longer piece stands alone."""
    parts: list[list[Piece]] = []
    room = 0
    for piece in pieces:
        need = count_tokens(str(piece)) + 2
        if not parts or need > room:
            parts.append([])
            room = window
        parts[-1].append(piece)
        room -= need
    return parts


def _read(answer: Any) -> str:
    text = answer["text"]
    if not isinstance(text, str):
        raise TypeError(f"'text' must be a string, not {type(text).__name__}")
    if "\0" in text:
        raise ValueError("'text' holds a NUL")
    text.encode()  # a lone surrogate is a ValueError
    return text.strip()


def _of_oneself(sentence: str) -> bool:
    return bool(first_person(analyse(sentence).flags))
