"""Slots: what is said of one subject in one relation, in order of time, and what of it stands.

Newer goes by the serial number where the facts of a slot come from numbered lists that do not overlap,
else by the time since when they hold or at which they were said, else by arrival; so facts that arrive
out of order give the same slot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from agentmem.clock import to_micros
from agentmem.facts.model import UNASSERTED, Corrections, Direction, State
from agentmem.facts.names import alike
from agentmem.facts.reading import Statement, statements
from agentmem.facts.spoken import SELF
from agentmem.memory import Memory


@dataclass(slots=True, eq=False)
class Entry:
    """A sentence of a memory and the fact read from it.

    Attributes:
        id, memory, at, valid_from, valid_until: see :class:`~agentmem.facts.model.Fact`.
        statement: the sentence.
        arrival: the memory's place in the order of arrival.
        moment: since when it holds (``valid_from``, else ``at``), in microseconds.
        span: least and largest serial number in its memory, or None.
        subject, object, subject_key, object_key, frame, direction: the fact; ``frame`` is None while the
            sentence is read as none.
    """

    id: str
    memory: str
    statement: Statement
    arrival: int
    at: datetime
    moment: int
    valid_from: datetime | None
    valid_until: datetime | None
    span: tuple[int, int] | None
    subject: str = ""
    object: str = ""
    subject_key: str = ""
    object_key: str = ""
    frame: str | None = None
    direction: Direction = "forward"

    @property
    def order(self) -> tuple[int, int, int]:
        """Serial number or -1, microseconds, arrival."""
        serial = self.statement.serial
        return (-1 if serial is None else serial, self.moment, self.arrival)

    @property
    def asserted(self) -> bool:
        """Whether it says what holds now."""
        return not self.statement.flags or self.statement.flags.isdisjoint(UNASSERTED)

    @property
    def former(self) -> bool:
        """Whether a speaker says that it held and holds no more: "I used to", "I no longer"."""
        told = self.statement
        if told.about is None or "negated" in told.flags:
            return False
        return "ended" in told.flags or ("past" in told.flags and "used to" in told.clause)


ASSISTANT = "assistant"
"""Role whose turns are not read: what a model said is no source of facts."""


def entries(memory: Memory, arrival: int) -> list[Entry]:
    """The sentences of a memory that may state a fact; ``arrival`` is its place in the order of arrival."""
    if memory.role == ASSISTANT:
        return []
    person = memory.role not in ("system", "tool")
    found = statements(memory.text, (memory.speaker or SELF) if person else None)
    serials = [one.serial for one in found if one.serial is not None]
    span = (min(serials), max(serials)) if serials else None
    moment = to_micros(memory.valid_from or memory.at)
    return [
        Entry(
            f"{memory.id}#{place}",
            memory.id,
            statement,
            arrival,
            memory.at,
            moment,
            memory.valid_from,
            memory.valid_until,
            None if statement.serial is None else span,
        )
        for place, statement in enumerate(found)
    ]


@dataclass(frozen=True, slots=True)
class Standing:
    """An entry and how it stands in its slot at a time."""

    entry: Entry
    state: State
    until: datetime | None


class Line:
    """The entries of one slot."""

    __slots__ = ("_ranked", "entries", "frame", "subject_key")

    def __init__(self, subject_key: str, frame: str) -> None:
        self.subject_key = subject_key
        self.frame = frame
        self.entries: list[Entry] = []
        self._ranked: list[Entry] | None = None

    def add(self, entry: Entry) -> None:
        """Put an entry in."""
        self.entries.append(entry)
        self._ranked = None

    def remove(self, entry: Entry) -> None:
        """Take an entry out."""
        self.entries = [one for one in self.entries if one is not entry]
        self._ranked = None

    def ranked(self) -> list[Entry]:
        """Newest first."""
        if self._ranked is None:
            key = _by_serial if _one_list(self.entries) else _by_time
            self._ranked = sorted(self.entries, key=key, reverse=True)
        return self._ranked

    def newest(self, at: datetime | None, corrections: Corrections) -> list[Entry]:
        """What answers at a time (None: now and ever after), newest first; mostly one entry or none."""
        if at is None and len(self.entries) == 1 and not corrections:
            only = self.entries[0]
            return [only] if only.asserted and only.valid_until is None else []
        return [one.entry for one in self.standing(at, corrections) if one.state == "active"]

    def over(self, at: datetime | None, corrections: Corrections) -> list[Entry]:
        """What is known to hold no more where nothing stands, newest; one entry or none."""
        standing = self.standing(at, corrections)
        if any(one.state == "active" for one in standing):
            return []
        return [
            one.entry
            for one in standing
            if one.entry.former or (one.entry.asserted and one.until is not None)
        ][:1]

    def standing(self, at: datetime | None, corrections: Corrections) -> list[Standing]:
        """All entries newest first with their states at a time."""
        ranked = self.ranked()
        if at is not None:
            known = [one for one in ranked if (one.valid_from or one.at) <= at]
            ranked = known or [one for one in ranked if one.valid_from is None]
        found: list[Standing] = []
        ended: dict[str, datetime] = {}
        active = False
        several = self.frame in corrections.several
        for entry in ranked:
            until = _earliest(entry.valid_until, corrections.closed.get(entry.id), _end(entry, ended))
            over = until is not None and (at is None or until <= at)
            state: State
            if not entry.asserted:
                state = "closed"
                flags = entry.statement.flags
                if "ended" in flags or "negated" in flags or entry.former:
                    ended[entry.object_key] = entry.valid_from or entry.at
            elif over:
                state = "closed"
            elif not active or several:
                state = "active"
                active = "additive" not in entry.statement.flags
            else:
                state = "closed" if self.frame in corrections.single else "older"
            found.append(Standing(entry, state, until))
        return found


def _end(entry: Entry, ended: Mapping[str, datetime]) -> datetime | None:
    """When an entry ended by what was said later of its object; a speaker may name that more briefly."""
    if entry.object_key in ended or entry.statement.about is None:
        return ended.get(entry.object_key)
    return next((when for key, when in ended.items() if alike(key, entry.object_key)), None)


def _one_list(entries: list[Entry]) -> bool:
    """Whether all entries are numbered, in lists that do not overlap."""
    spans: dict[str, tuple[int, int]] = {}
    for entry in entries:
        if entry.span is None:
            return False
        spans[entry.memory] = entry.span
    ordered = sorted(spans.values())
    return all(a[1] < b[0] for a, b in pairwise(ordered))


_by_serial: Callable[[Entry], tuple[int, ...]] = lambda entry: entry.order  # noqa: E731


def _by_time(entry: Entry) -> tuple[int, ...]:
    serial, moment, arrival = entry.order
    return (moment, arrival, serial)


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)
