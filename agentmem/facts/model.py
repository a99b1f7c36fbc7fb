"""Facts as plain data: frozen, comparable, and without behaviour beyond what they say about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from agentmem.memory import Json

State: TypeAlias = Literal["active", "older", "closed"]
"""``active``: the newest of its slot; ``older``: beneath a newer one, alive; ``closed``: it holds no more."""

Direction: TypeAlias = Literal["forward", "backward"]
"""``forward``: the subject is the first hole of the wording as it was written, ``backward``: the second."""

Flag: TypeAlias = Literal["negated", "past", "hypothetical", "question", "additive", "ended"]
"""What keeps a statement from being a plain assertion of what holds now.

``negated``: "is not", "never"; ``past``: "used to", "former"; ``hypothetical``: "might", "will", "if";
``question``: it asks; ``additive``: "also", "another" (it replaces nothing); ``ended``: "no longer".
"""

UNASSERTED: frozenset[Flag] = frozenset({"negated", "past", "hypothetical", "question", "ended"})
"""Flags of statements that say nothing about what holds now; such a fact supersedes nothing."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A relation wording with a hole for the subject and one for the object.

    Attributes:
        key: what tells frames apart: the wording in lower case without articles at its ends, "The
            mayor of {s} is {o}" and "{o} is the mayor of {s}" being one; stable between builds.
        text: the wording as first written, such as "The capital of {s} is {o}"; each hole once.
        support: distinct subjects or distinct objects of the facts read by it, whichever are fewer;
            changes as facts come, and counts for nothing when frames are compared.
    """

    key: str
    text: str = field(compare=False)
    support: int = field(default=0, compare=False)

    def fill(self, subject: str, object: str) -> str:
        """The wording with both holes filled."""
        return self.text.replace("{s}", subject).replace("{o}", object)


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence read as a fact.

    Attributes:
        id: ``memory`` and the number of the sentence in it, such as ``"m1#0"``; unique in the
            namespace, stable between builds.
        subject: the subject's name as written; ``subject_key`` as compared (see :func:`name_key`).
        frame: the relation's wording.
        object: the object's name as written; ``object_key`` as compared.
        direction: which hole of the sentence as written held the subject.
        memory: id of the memory it was read from.
        sentence: that sentence, verbatim.
        serial: the number the sentence is given in its memory ("12. The capital of ..."), or None.
        at: when it was said.
        valid_from: since when it holds: the memory's own validity, or None (unknown).
        valid_until: until when it held: the memory's own validity, the end that a "no longer" gave it, or
            None (still).
        state: see :data:`State`.
        flags: see :data:`Flag`; empty for a plain assertion.
        order: what "newer" goes by: (serial or -1, microseconds of ``valid_from``, else of ``at``, arrival).
        clause: the part of the sentence that a speaker told it in, verbatim; "" for any other sentence.
    """

    id: str
    subject: str
    frame: Frame
    object: str
    direction: Direction
    memory: str
    sentence: str
    at: datetime
    subject_key: str
    object_key: str
    serial: int | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    state: State = "active"
    flags: frozenset[Flag] = frozenset()
    order: tuple[int, int, int] = (-1, 0, 0)
    clause: str = ""

    @property
    def asserted(self) -> bool:
        """Whether it says what holds now: neither negated, past, hypothetical nor a question."""
        return self.flags.isdisjoint(UNASSERTED)

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values, times in ISO 8601, the frame as its wording."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)} | {"asserted": self.asserted}


@dataclass(frozen=True, slots=True)
class Slot:
    """What is said of one subject in one relation.

    Attributes:
        subject: its name as the newest fact writes it; ``subject_key`` as compared.
        frame: the relation's wording.
        direction: of the newest fact.
        facts: newest first; never empty.
    """

    subject: str
    subject_key: str
    frame: Frame
    direction: Direction
    facts: tuple[Fact, ...]

    @property
    def newest(self) -> Fact:
        """The fact that answers first."""
        return self.facts[0]

    @property
    def older(self) -> tuple[Fact, ...]:
        """What stands beneath it."""
        return self.facts[1:]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A statement that may update another one in other words; nothing acts on it by itself.

    Attributes:
        older, newer: the two facts.
        score: how sure, in log-odds or any scale of the judge's; larger is surer.
        level: ``"strong"`` or ``"weak"``.
        reason: one line a person understands.
        closes: the newer one ends the older without a new value ("no longer").
    """

    older: Fact
    newer: Fact
    score: float
    level: Literal["strong", "weak"]
    reason: str
    closes: bool = False

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


class Judge(Protocol):
    """Decides whether a newer fact may update an older one of the same subject in another wording."""

    def __call__(self, older: Fact, newer: Fact) -> Proposal | None:
        """A proposal, or None where the two have nothing to do with each other."""
        ...


@dataclass(frozen=True, slots=True)
class Corrections:
    """What people (or a model that was asked) decided about facts; the view is built under it.

    Every entry can be taken back by building the view without it.

    Attributes:
        merged: frame key -> key of the frame it is another wording of; "updates in other words"
            that were confirmed.
        removed: ids of facts that were misread.
        closed: id of a fact -> since when it holds no more.
        superseded: id of a fact -> id of the newer fact that replaces it.
        single: keys of frames known to have one value at a time; their older facts are closed.
        several: keys of frames known to have several values; their facts all stay active.
    """

    merged: Mapping[str, str] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    closed: Mapping[str, datetime] = field(default_factory=dict)
    superseded: Mapping[str, str] = field(default_factory=dict)
    single: frozenset[str] = frozenset()
    several: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return any(getattr(self, f.name) for f in fields(self))


NO_CORRECTIONS = Corrections()
"""Nothing was decided."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a walk.

    Attributes:
        fact: the fact that was used; ``fact.memory`` is the memory it stands in.
        backwards: it was walked from its object to its subject.
        words: the words of the question that it explains, as stems.
    """

    fact: Fact
    backwards: bool = False
    words: tuple[str, ...] = ()

    @property
    def start(self) -> str:
        """The name it starts from."""
        return self.fact.object if self.backwards else self.fact.subject

    @property
    def end(self) -> str:
        """The name it leads to."""
        return self.fact.subject if self.backwards else self.fact.object


@dataclass(frozen=True, slots=True)
class Chain:
    """How a question was answered from facts.

    Attributes:
        hops: in the order walked.
        answer: the name at the end.
        score: how well the hops explain the question's words, about 1 for all of them.
        margin: ``score`` less that of the best chain with another answer; ``score`` where there is none.
        runner_up: that other answer, or None.
        confidence: in [0, 1].
    """

    hops: tuple[Hop, ...]
    answer: str
    score: float
    margin: float
    runner_up: str | None = None
    confidence: float = 1.0

    @property
    def memories(self) -> tuple[str, ...]:
        """Ids of the memories walked, in order, each once."""
        return tuple(dict.fromkeys(hop.fact.memory for hop in self.hops))

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


def _json(value: object) -> Json:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Frame):
        return value.text
    if isinstance(value, (tuple, list)):
        return [_json(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, (Fact, Proposal)):
        return value.to_dict()
    if isinstance(value, Hop):
        return {"fact": value.fact.to_dict(), "backwards": value.backwards, "words": list(value.words)}
    return value
