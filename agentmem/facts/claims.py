"""A claim: a sentence about a subject, to be compared with another, and where its names stand in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from agentmem.errors import InvalidInput
from agentmem.facts.cues import OBJECT, OLD, Reading, is_first_person, mask, read_cues
from agentmem.facts.model import Fact

SPEAKER = "I"
"""The subject of a claim by somebody about him- or herself."""


@dataclass(frozen=True)
class Claim:
    """One sentence about a subject.

    Attributes:
        sentence: verbatim.
        subject: the subject's name as it stands in the sentence; "I" or "my" for the speaker.
        object: the object's name as it stands there; None where it names none ("I quit my job").
        frame: key of the wording, see :class:`agentmem.facts.model.Frame`; empty where none is known.
    """

    sentence: str
    subject: str
    object: str | None = None
    frame: str = ""

    def __post_init__(self) -> None:
        if not self.sentence.strip() or not self.subject.strip():
            raise InvalidInput("a statement needs a sentence and a subject")

    @classmethod
    def from_fact(cls, fact: Fact) -> Claim:
        """The statement that a fact was read from."""
        if not fact.clause:
            return cls(fact.sentence, fact.subject, fact.object, fact.frame.key)
        subject = fact.subject if re.search(rf"\b{re.escape(fact.subject)}\b", fact.clause) else SPEAKER
        clause = fact.clause
        if subject == SPEAKER and not is_first_person(re.split(r"[\s'’]", clause, maxsplit=1)[0]):
            clause = f"{SPEAKER} {clause}"  # "and started as a nurse"
        return cls(clause, subject, fact.object, fact.frame.key)

    @property
    def first_person(self) -> bool:
        """Whether the subject is the speaker."""
        return is_first_person(self.subject)

    @cached_property
    def masked(self) -> str:
        """The sentence in lower case with holes; see :func:`agentmem.facts.cues.mask`."""
        return mask(self.sentence, self.subject, self.object)

    def masked_after(self, older: Claim) -> str:
        """As :attr:`masked`, with ``{a}`` where the older statement's object is named."""
        value = older.object
        if value is None or value == self.object or value.lower() not in self.sentence.lower():
            return self.masked
        return mask(self.sentence, self.subject, self.object, value)

    def reading(self, masked: str | None = None) -> Reading:
        """The cues of its sentence, of a masked form that was made before."""
        named = self.object is None or self.object.lstrip("\"'“‘(")[:1].isupper()
        return read_cues(self.masked if masked is None else masked, self.first_person, named)


def wording(masked: str) -> str:
    """A masked sentence as the key of a wording: without the end mark, the older object's hole filled up."""
    return " ".join(masked.replace(OLD, "it").split()).rstrip(" .!;,")


def has_object(masked: str) -> bool:
    """Whether a masked sentence names an object of its own."""
    return OBJECT in masked
