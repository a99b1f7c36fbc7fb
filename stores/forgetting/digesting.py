"""Digests of days and of all days: what is missing or stale, made one day a transaction.

Part of what :class:`~agentmem.stores.forgetting.ForgettingStore` is composed of. Each digest remembers
what it was made of and by whom; one that was made of something else is made anew, the new one written
and the old one retired together. An answer that could not be had is noted and asked for again at the next
consolidation; "there is nothing to keep" is an answer, and is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import TYPE_CHECKING, Any

from agentmem.errors import BudgetSpent, DryRun, LanguageModelError, UnexpectedAnswer
from agentmem.memory import Artifact, Derived, Draft, Memory
from agentmem.stores.forgetting.days import Day, by_day, fingerprint
from agentmem.stores.forgetting.digests import Digest, Piece, Roles

if TYPE_CHECKING:
    from agentmem.stores.forgetting.store import ForgettingStore

DAY, DAY_PORTRAIT, OVERVIEW, PORTRAIT = "day-summary", "day-portrait", "overview", "portrait"
KINDS = (DAY, DAY_PORTRAIT, OVERVIEW, PORTRAIT)
NEVER_FOUND = (DAY_PORTRAIT, OVERVIEW, PORTRAIT)
_PATIENCE = 3  # calls that fail one after another before the rest is left for another time


@dataclass(frozen=True, slots=True)
class Job:
    """A digest to make.

    Attributes:
        kind: of the digest.
        role: who makes it.
        made_of: fingerprint of what it is made of.
        sources: the ids it is made of.
        at: the time it is dated.
        day: the day, or None for one over all days.
        old: the digest it replaces.
    """

    kind: str
    role: Digest
    made_of: str
    sources: tuple[str, ...]
    at: datetime
    day: date | None
    old: Memory | None


@dataclass(slots=True)
class _Batch:
    """What the jobs of one transaction gave."""

    memories: list[Draft] = field(default_factory=list)
    retire: list[str] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)


class Digesting:
    """One round of making digests.

    Args:
        store: whose.
        roles: who makes them.
        zone: where days end.
    """

    def __init__(self, store: ForgettingStore, roles: Roles, zone: tzinfo | None) -> None:
        self.store = store
        self.roles = roles
        self.zone = zone
        self._failures = 0
        self._stopped = False
        self._left = 0
        self._have: dict[tuple[str, date], Memory] = {}
        self._doubles: list[str] = []
        self._notes: dict[tuple[str, str], dict[str, Any]] = {}

    def run(self, days: Mapping[date, Day], at: datetime, hidden: set[str]) -> Iterator[Derived]:
        """Make what is missing, batch by batch: each day, then what rests on the days.

        Args:
            days: the log.
            at: days that are not over by then are left for later.
            hidden: ids of memories that are forgotten; a day of which nothing else is left is passed over.
        """
        self._look()
        over = self._remembered(days, at, hidden)
        todo = [(day, jobs) for day in over if (jobs := self._jobs_of(day))]
        self._left = sum(len(jobs) for _, jobs in todo)
        for day, jobs in todo:
            if self._stopped:
                return
            memories = {memory.id: memory for memory in self.store.get_many(day.ids)}
            pieces = [
                Piece(m.text, m.speaker or m.role or "")
                for id in day.ids
                if (m := memories.get(id)) and m.text
            ]
            yield self._make(jobs, pieces)
        yield from self._tidy(days)
        self._look()
        for kind, daily in ((OVERVIEW, DAY), (PORTRAIT, DAY_PORTRAIT)):
            yield from self._whole(kind, daily, over)

    def plan(self, log: Sequence[Memory], at: datetime) -> int:
        """Ask nothing and let the roles count; returns the calls over all days."""
        self._look()
        days = by_day(log, self.zone)
        texts = {memory.id: memory for memory in log}
        stale = False
        for day in self._remembered(days, at, set()):
            for job in self._jobs_of(day):
                stale = True
                pieces = [Piece(texts[id].text, texts[id].speaker or "") for id in day.ids if texts[id].text]
                try:
                    job.role.make(pieces)
                except DryRun:
                    continue
        return 2 if stale else 0

    # --- what is to do -------------------------------------------------------------------------------
    def _remembered(self, days: Mapping[date, Day], at: datetime, hidden: set[str]) -> list[Day]:
        return [
            day
            for _, day in sorted(days.items())
            if day.end <= at and not all(id in hidden for id in day.ids)
        ]

    def _jobs_of(self, day: Day) -> list[Job]:
        made_of = day.fingerprint
        wanted = ((DAY, self.roles.day), (DAY_PORTRAIT, self.roles.day_portrait))
        jobs = [
            Job(kind, role, made_of, tuple(day.ids), day.last, day.date, self._have.get((kind, day.date)))
            for kind, role in wanted
        ]
        return [job for job in jobs if self._missing(job)]

    def _missing(self, job: Job) -> bool:
        if job.old is not None and _matches(job.old.data, job.made_of, self.roles.by):
            return False
        note = self._notes.get((job.sources[0], job.kind))
        return note is None or note.get("state") != "empty" or not _matches(note, job.made_of, self.roles.by)

    def _look(self) -> None:
        """Read which digests there are, and what is noted of those there are not."""
        self._have, self._doubles = {}, []
        for memory in self.store.digests(DAY, DAY_PORTRAIT):
            key = (memory.kind, date.fromisoformat(memory.metadata["day"]))
            if key in self._have:  # two processes consolidated at once
                self._doubles.append(self._have[key].id)
            self._have[key] = memory
        self._notes = self.store.notes()

    # --- doing it ------------------------------------------------------------------------------------
    def _make(self, jobs: Sequence[Job], pieces: Sequence[Piece]) -> Derived:
        asker = self.roles.asker
        calls, cost = (0, 0.0) if asker is None else (asker.calls, asker.usage.cost or 0.0)
        batch = _Batch()
        for job in jobs:
            if not self._stopped:
                self._left -= self._one(job, pieces, batch)
        if asker is not None:
            calls, cost = asker.calls - calls, (asker.usage.cost or 0.0) - cost
        return Derived(
            memories=tuple(batch.memories),
            retire=tuple(batch.retire),
            artifacts=tuple(batch.artifacts),
            calls=calls,
            cost=cost,
            left=self._left,
        )

    def _one(self, job: Job, pieces: Sequence[Piece], batch: _Batch) -> bool:
        """Do a job; false when it is to be done again."""
        note: dict[str, Any] = {"made_of": job.made_of, "by": self.roles.by}
        try:
            text = job.role.make(pieces)
        except BudgetSpent:
            self._stopped = True
            return False
        except LanguageModelError as error:
            if not isinstance(error, UnexpectedAnswer):
                self._failures += 1
                self._stopped = self._failures >= _PATIENCE
            note |= {"state": "failed", "error": str(error)[:500]}
            batch.artifacts.append(Artifact(job.sources[0], job.kind, note))
            return False
        self._failures = 0
        if not text or (job.sources[0], job.kind) in self._notes:
            state = "done" if text else "empty"
            batch.artifacts.append(Artifact(job.sources[0], job.kind, {**note, "state": state}))
        if text:
            batch.memories.append(
                Draft(
                    text,
                    at=job.at,
                    kind=job.kind,
                    metadata={} if job.day is None else {"day": job.day.isoformat()},
                    data=note,
                    sources=job.sources,
                )
            )
        if job.old is not None:
            batch.retire.append(job.old.id)
        return True

    def _tidy(self, days: Mapping[date, Day]) -> Iterator[Derived]:
        """Retire digests of days of which nothing is left."""
        stale = [memory.id for (_, day), memory in self._have.items() if day not in days]
        if stale or self._doubles:
            yield Derived(retire=(*stale, *self._doubles), left=self._left)

    def _whole(self, kind: str, daily: str, over: Sequence[Day]) -> Iterator[Derived]:
        """The digest over all days that are remembered, if the days' have changed."""
        remembered = {day.date for day in over}
        parts = [one for (k, day), one in sorted(self._have.items()) if k == daily and day in remembered]
        held = self.store.digests(kind)
        old = held[-1] if held else None
        if not parts:
            if held:
                yield Derived(retire=tuple(memory.id for memory in held), left=self._left)
            return
        role = self.roles.overview if kind == OVERVIEW else self.roles.portrait
        made_of = fingerprint(part.id for part in parts)
        job = Job(kind, role, made_of, tuple(p.id for p in parts), max(p.at for p in parts), None, old)
        if not self._missing(job):
            return
        self._left += 1
        yield self._make([job], [Piece(part.text, part.metadata["day"]) for part in parts])


def _matches(note: Any, made_of: str, by: str) -> bool:
    """Whether a digest was made of this, by this role or a better one."""
    if not isinstance(note, dict) or note.get("made_of") != made_of:
        return False
    return note.get("by") == by or by == "local"
