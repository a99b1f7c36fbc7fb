"""What a caller does with facts: list, explain, correct, and take a correction back.

:attr:`agentmem.store.MemoryStore.facts` gives a handle::

    memory.facts(subject="Ada")                  # what is said of Ada, newest first
    memory.facts.explain("m1#0")                 # the sentence, its slot, what it replaced and since when
    memory.facts.wrong("m1#0")                   # it was misread
    memory.facts.close("m1#0", at="2024-05-01")  # it holds no more
    memory.facts.proposals()                     # updates in other words, for a person to decide
    memory.facts.undo(correction.id)

Reading changes nothing. A correction is one transaction, see :mod:`agentmem.facts.corrections`; the episodes
stay verbatim.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from agentmem import validate, writing
from agentmem.clock import TimeLike, to_datetime
from agentmem.errors import InvalidInput, MemoryNotFound, UnknownOption
from agentmem.facts.access import Access, opened
from agentmem.facts.corrections import ABOUT_WORDINGS, Correction, Verb, write
from agentmem.facts.model import Fact, Frame, Proposal, State
from agentmem.memory import Answer, Json, Memory, Namespace
from agentmem.staleness import derived

if TYPE_CHECKING:
    from agentmem.facts.answering import Hide
    from agentmem.runtime import Runtime

STATES = ("active", "older", "closed")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a fact comes from and how it stands.

    Attributes:
        fact: the fact.
        memory: the memory it was read from.
        slot: all facts of its subject in its relation, newest first, itself among them.
        replaces: the fact of another value that it took the place of, or None.
        replaced_by: the fact of another value that took its place, or None.
        since: since when it holds, as far as known: its validity, else when it was said.
        corrections: what was decided about it or its relation, oldest first.
        proposals: updates in other words that it takes part in and nobody decided on.
    """

    fact: Fact
    memory: Memory
    slot: tuple[Fact, ...]
    replaces: Fact | None
    replaced_by: Fact | None
    since: datetime
    corrections: tuple[Correction, ...] = ()
    proposals: tuple[Proposal, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {
            "fact": self.fact.to_dict(),
            "memory": self.memory.to_dict(),
            "slot": [fact.to_dict() for fact in self.slot],
            "replaces": None if self.replaces is None else self.replaces.to_dict(),
            "replaced_by": None if self.replaced_by is None else self.replaced_by.to_dict(),
            "since": self.since.isoformat(),
            "corrections": [one.to_dict() for one in self.corrections],
            "proposals": [one.to_dict() for one in self.proposals],
        }


@dataclass(frozen=True, slots=True)
class Outdated:
    """A derived memory that rests on a fact that was replaced.

    Attributes:
        memory: what was derived.
        older: the fact it rests on; ``newer`` the one that took its place.
    """

    memory: Memory
    older: Fact
    newer: Fact

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {"memory": self.memory.to_dict(), "older": self.older.to_dict(), "newer": self.newer.to_dict()}


class Facts:
    """The facts of one namespace, as its store sees them. See the module."""

    def __init__(self, runtime: Runtime, name: Namespace, updates: str, hide: Hide | None = None) -> None:
        self._runtime = runtime
        self._namespace = name
        self._updates = updates
        self._hide = hide

    # --- reading ---------------------------------------------------------------------------------
    def __call__(
        self,
        subject: str | None = None,
        *,
        relation: str | None = None,
        state: State | None = None,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> builtins.list[Fact]:
        """Facts, newest first.

        Args:
            subject: only of this subject (a name).
            relation: only in this relation: its wording, such as "{s} lives in {o}", or words of it.
            state: only "active" ones (the newest of their slot), "older" ones (beneath a newer one), or
                "closed" ones (they hold no more).
            at: as things stood at a time; by default as they stand.
            known_at: as the memory knew things at a time.

        Raises:
            UnknownOption: there is no such state.
        """
        if state is not None and state not in STATES:
            raise UnknownOption("state", state, STATES)
        when = validate.moment(at, "at")
        with self._opened(validate.moment(known_at, "known_at")) as access:
            found = [] if access is None else access.view.facts(subject, state, at=when)
        if when is not None:
            found = [fact for fact in found if (fact.valid_from or fact.at) <= when]
        return [fact for fact in found if relation is None or _is(fact.frame, relation)]

    list = __call__

    def relations(self) -> builtins.list[Frame]:
        """The relation wordings there are, the best supported first."""
        with self._opened() as access:
            return [] if access is None else access.view.frames()

    def get(self, id: str) -> Fact:
        """A fact by its id.

        Raises:
            MemoryNotFound: there is none; :meth:`__call__` lists them.
        """
        with self._opened() as access:
            return _fact(access, id)

    def explain(self, id: str) -> Explanation:
        """Where a fact comes from, what it replaced and what replaced it, and what was decided about it.

        Raises:
            MemoryNotFound: there is no such fact.
        """
        with self._opened() as access:
            fact = _fact(access, id)
            assert access is not None
            slot = access.view.slot(fact.subject, fact.frame)
            waiting = access.proposals(fact.subject)
            decided = [one for one in access.decided if id in one.facts or fact.frame.key in one.frames]
        line = (fact,) if slot is None else slot.facts
        place = next((i for i, one in enumerate(line) if one.id == id), 0)
        older = [one for one in line[place + 1 :] if one.object_key != fact.object_key and one.asserted]
        newer = [one for one in line[:place] if one.object_key != fact.object_key and one.asserted]
        number = self._runtime.number(self._namespace)
        assert number is not None
        found = self._runtime.backend.get(number, [fact.memory])
        if not found:  # it went meanwhile
            raise MemoryNotFound(id)
        return Explanation(
            fact,
            found[fact.memory].memory,
            line,
            older[0] if older and fact.asserted else None,
            newer[-1] if newer else None,
            fact.valid_from or fact.at,
            tuple(decided),
            tuple(one for one in waiting if id in (one.older.id, one.newer.id)),
        )

    def proposals(self, subject: str | None = None) -> builtins.list[Proposal]:
        """Updates in other words that nobody decided on, surest first, whatever ``updates`` says.

        With "auto" those that are acted on are among them: :meth:`reject` takes the action back.

        Args:
            subject: only about this subject (a name).
        """
        with opened(self._runtime, self._namespace, "propose") as access:
            return [] if access is None else access.proposals(subject)

    def ask(self, question: str, *, at: TimeLike | None = None) -> Answer | None:
        """Answer by facts alone; None where no walk over them is sure enough.

        Args:
            question: what is asked.
            at: when it is asked: facts are taken as they stood then; now by default.
        """
        from agentmem.facts.answering import answer

        when = self._runtime.clock() if at is None else to_datetime(at)
        asked = validate.query_text(question)
        return answer(self._runtime, self._namespace, asked, at=when, updates=self._updates, hide=self._hide)

    def outdated(self) -> builtins.list[Outdated]:
        """Derived memories that rest on a sentence whose fact was replaced since; by order of arrival.

        Their sources still say what they said, so that they are not :meth:`stale
        <agentmem.store.MemoryStore.stale>`; but what they were made of holds no more.
        """
        replaced: dict[str, builtins.list[tuple[Fact, Fact]]] = {}
        with self._opened() as access:
            if access is None:
                return []
            for slot in access.view.slots():
                for one in slot.older:
                    if one.asserted and one.state != "active" and one.object_key != slot.newest.object_key:
                        replaced.setdefault(one.memory, []).append((one, slot.newest))
            backend, number = self._runtime.backend, access.space.ns
        resting = [one.memory for one in backend.dependents(number, [*replaced]) if derived(one.memory)]
        learned = backend.get(number, [new.memory for pairs in replaced.values() for _, new in pairs])
        return [
            Outdated(memory, old, new)
            for memory in resting
            for source in memory.sources
            for old, new in replaced.get(source, ())
            if new.memory in learned
            and new.memory not in memory.sources
            and learned[new.memory].memory.recorded_at > memory.recorded_at
        ]

    def corrections(self) -> builtins.list[Correction]:
        """What was decided and not taken back, oldest first."""
        with self._opened() as access:
            return [] if access is None else [*access.decided]

    # --- deciding --------------------------------------------------------------------------------
    def wrong(self, id: str) -> Correction:
        """Say that a sentence was misread: it is no fact any more.

        Raises:
            MemoryNotFound: there is no such fact.
        """
        return self._write("wrong", [id])

    def close(self, id: str, *, at: TimeLike | None = None) -> Correction:
        """Say that a fact holds no more since a time (now by default), without a new value.

        Raises:
            MemoryNotFound: there is no such fact.
            InvalidInput: it would end before it began.
        """
        when = self._runtime.clock() if at is None else to_datetime(at)
        fact = self.get(id)
        if fact.valid_from is not None and when < fact.valid_from:
            raise InvalidInput(f"{id!r} holds since {fact.valid_from.isoformat()}: it cannot end before that")
        return self._write("closed", [id], when)

    def replace(self, older: str, newer: str) -> Correction:
        """Say that a fact replaces another one in other words; the newer answers in its place.

        Raises:
            MemoryNotFound: there is no such fact.
            InvalidInput: they are one and the same.
        """
        return self._pair("replaced", older, newer)

    def keep(self, older: str, newer: str) -> Correction:
        """Say that one fact does not replace another: both stay, and it is not proposed again."""
        return self._pair("kept", older, newer)

    def same(self, id: str, other: str) -> Correction:
        """Say that the wordings of two facts mean the same relation, here and in all facts that have them."""
        return self._pair("same", id, other, wordings=True)

    def different(self, id: str, other: str) -> Correction:
        """Say that the wordings of two facts mean different relations; it is not proposed again."""
        return self._pair("different", id, other, wordings=True)

    def single(self, relation: str) -> Correction:
        """Say that a relation has one value at a time: a newer fact ends the older.

        Args:
            relation: its wording, such as "{s} lives in {o}", or the id of a fact that has it.

        Raises:
            UnknownOption: there is no such relation.
        """
        return self._write("single", [self._having(relation)])

    def several(self, relation: str) -> Correction:
        """Say that a relation has several values: all its facts stay active.

        Args:
            relation: as in :meth:`single`.
        """
        return self._write("several", [self._having(relation)])

    def confirm(self, proposal: Proposal) -> Correction:
        """Accept a proposal: the newer fact replaces the older, or ends it."""
        older, newer = proposal.older, proposal.newer
        if proposal.closes:
            return self.close(older.id, at=newer.valid_from or newer.at)
        return self.replace(older.id, newer.id)

    def reject(self, proposal: Proposal) -> Correction:
        """Refuse a proposal: both facts stay, and it is not made again."""
        return self.keep(proposal.older.id, proposal.newer.id)

    def undo(self, id: str) -> Correction:
        """Take a correction back.

        Args:
            id: the correction's.

        Raises:
            MemoryNotFound: there is no such correction.
        """
        found = next((one for one in self.corrections() if one.id == id), None)
        if found is None:
            raise MemoryNotFound(id)
        writing.retire(self._runtime, self._namespace, [id])
        return found

    # --- inside ----------------------------------------------------------------------------------
    @contextmanager
    def _opened(self, known_at: datetime | None = None) -> Iterator[Access | None]:
        with opened(self._runtime, self._namespace, self._updates, known_at) as access:
            yield access

    def _write(self, verb: Verb, ids: Sequence[str], until: datetime | None = None) -> Correction:
        with self._opened() as access:
            facts = [_fact(access, id) for id in ids]
            assert access is not None
            if verb in ABOUT_WORDINGS:
                facts = [access.oldest(fact.frame) for fact in facts]
        return write(self._runtime, self._namespace, verb, facts, until)

    def _pair(self, verb: Verb, one: str, other: str, *, wordings: bool = False) -> Correction:
        facts = [self.get(one), self.get(other)]
        alike = facts[0].frame.key == facts[1].frame.key if wordings else one == other
        if alike:
            what = "wording" if wordings else "fact"
            raise InvalidInput(f"{one!r} and {other!r} are one {what}; name two")
        return self._write(verb, [one, other])

    def _having(self, relation: str) -> str:
        """The id of a fact in a relation."""
        with self._opened() as access:
            known = [] if access is None else access.view.facts()
        for fact in known:
            if relation in (fact.id, fact.frame.key, fact.frame.text):
                return fact.id
        wordings = dict.fromkeys(fact.frame.text for fact in known)
        raise UnknownOption("relation", relation, wordings)


def _fact(access: Access | None, id: str) -> Fact:
    fact = None if access is None else access.view.fact(id)
    if fact is None:
        raise MemoryNotFound(id)
    return fact


def _is(frame: Frame, relation: str) -> bool:
    """Whether a relation was meant: by its wording, or by words that stand in it."""
    if relation in (frame.key, frame.text):
        return True
    return " ".join(relation.lower().split()) in frame.text.lower()
