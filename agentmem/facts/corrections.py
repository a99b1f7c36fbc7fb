"""What was decided about facts, kept in the memory itself: written once, dated, and taken back at will.

A decision is a derived memory of the kind ``"correction"`` without a text, so that no search finds it. It
names the memories whose sentences it is about as its sources and is erased with any of them; it goes
through export and import, and the history of the file shows it. One about a sentence holds as long as that
sentence stands in its memory. One about a wording names the oldest memory that has the wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import blake2b
from typing import Literal, TypeAlias

from agentmem import validate
from agentmem.facts.model import Corrections, Fact
from agentmem.facts.reading import statements
from agentmem.memory import Draft, Json, Memory, Namespace
from agentmem.runtime import Runtime
from agentmem.staleness import CORRECTION, CORRECTOR

KIND = CORRECTION
"""The kind of memory that holds a decision."""
MAKER = CORRECTOR
"""Who such a memory is made by."""

Verb: TypeAlias = Literal["wrong", "closed", "replaced", "kept", "same", "different", "single", "several"]
"""``wrong``: a sentence was misread. ``closed``: it holds no more since a time. ``replaced``: the second
fact replaces the first. ``kept``: it does not. ``same``: the second wording says what the first says.
``different``: it does not. ``single``, ``several``: a relation has one value at a time, or many."""

ABOUT_WORDINGS: frozenset[Verb] = frozenset({"same", "different", "single", "several"})


@dataclass(frozen=True, slots=True)
class Correction:
    """One decision.

    Attributes:
        id: of the memory that holds it; what ``undo`` takes.
        verb: see :data:`Verb`.
        facts: ids of the facts it is about; of a decision about wordings, facts that have them.
        frames: keys of the relations it is about, for decisions about wordings.
        until: of ``closed``: since when it holds no more.
        made: when it was decided.
        applies: whether the sentences still stand; one that does not apply changes nothing.
        by: who decided: "person", "model" or "agreement" (of the facts themselves).
        note: why, in a line.
    """

    id: str
    verb: Verb
    facts: tuple[str, ...]
    frames: tuple[str, ...] = ()
    until: datetime | None = None
    made: datetime | None = None
    applies: bool = True
    by: str = "person"
    note: str = ""

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}
        return plain | {"facts": list(self.facts), "frames": list(self.frames)}


def draft(
    verb: Verb, facts: Sequence[Fact], until: datetime | None = None, *, by: str = "person", note: str = ""
) -> Draft:
    """A decision about facts, or about their wordings, as it is stored.

    Args:
        verb: what was decided.
        facts: what it is about.
        until: of ``closed``.
        by: who decided.
        note: why, in a line.
    """
    about_wordings = verb in ABOUT_WORDINGS
    data = {
        "verb": verb,
        "facts": [fact.id for fact in facts],
        "sentences": [] if about_wordings else [digest(fact.sentence) for fact in facts],
        "frames": [fact.frame.key for fact in facts] if about_wordings else [],
        "until": None if until is None else until.isoformat(),
        "by": by,
        "note": note,
    }
    return Draft("", kind=KIND, data=data, sources=tuple(dict.fromkeys(fact.memory for fact in facts)))


def write(
    runtime: Runtime, name: Namespace, verb: Verb, facts: Sequence[Fact], until: datetime | None = None
) -> Correction:
    """Write a person's decision in one transaction; arguments as of :func:`draft`."""
    memory = validate.to_memory(draft(verb, facts, until), name, runtime.clock())
    memory = replace(memory, made_by=MAKER)
    encodings = runtime.encode([""])
    with runtime.backend.transaction() as transaction:
        runtime.sign(transaction)
        transaction.insert(transaction.namespace(name), [memory], encodings)
    return replace(read(memory, {}), applies=True)


def read(memory: Memory, texts: Mapping[str, str]) -> Correction:
    """The decision that a memory holds.

    Args:
        memory: it.
        texts: the live texts of the memories that it is about, by id.
    """
    data = memory.data
    until = data["until"]
    return Correction(
        memory.id,
        data["verb"],
        tuple(data["facts"]),
        tuple(data["frames"]),
        None if until is None else datetime.fromisoformat(until),
        memory.recorded_at,
        all(
            digest(sentence_of(id, texts)) == held
            for id, held in zip(data["facts"], data["sentences"], strict=False)
        ),
        data.get("by", "person"),
        data.get("note", ""),
    )


def sentence_of(fact: str, texts: Mapping[str, str]) -> str:
    """The sentence that a fact was read from, by its id; "" where it does not stand any more."""
    memory, _, place = fact.rpartition("#")
    found = statements(texts.get(memory, "")) if place.isdigit() else []
    return found[int(place)].sentence if int(place or 0) < len(found) else ""


def digest(sentence: str) -> str:
    """A short hash of a sentence."""
    return blake2b(sentence.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def together(decided: Iterable[Correction]) -> Corrections:
    """Decisions as the view takes them; of two that contradict each other the later holds.

    Args:
        decided: the decisions that apply, oldest first.
    """
    same: dict[frozenset[str], tuple[str, str]] = {}
    removed: set[str] = set()
    closed: dict[str, datetime] = {}
    superseded: dict[str, str] = {}
    values: dict[str, Verb] = {}
    for one in decided:
        if one.verb == "wrong":
            removed.update(one.facts)
        elif one.verb == "closed" and one.until is not None:
            closed[one.facts[0]] = one.until
        elif one.verb == "replaced":
            superseded[one.facts[0]] = one.facts[1]
        elif one.verb == "kept" and superseded.get(one.facts[0]) == one.facts[1]:
            del superseded[one.facts[0]]
        elif one.verb == "same":
            same[frozenset(one.frames)] = (one.frames[0], one.frames[1])
        elif one.verb == "different":
            same.pop(frozenset(one.frames), None)
        elif one.verb in ("single", "several"):
            values[one.frames[0]] = one.verb
    merged = _merged(same.values())
    told = {merged.get(key, key): verb for key, verb in values.items()}
    return Corrections(
        merged=merged,
        removed=frozenset(removed),
        closed=closed,
        superseded=superseded,
        single=frozenset(key for key, verb in told.items() if verb == "single"),
        several=frozenset(key for key, verb in told.items() if verb == "several"),
    )


def _merged(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Wordings that say the same: each but the first of a group points at the first."""
    first: dict[str, str] = {}

    def root(key: str) -> str:
        while key in first:
            key = first[key]
        return key

    for one, other in pairs:
        if root(one) != root(other):
            first[root(other)] = root(one)
    return {key: root(key) for key in first}
