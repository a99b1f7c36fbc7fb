"""What a forgetting curve reads: when a memory was written, and when and how it was used.

A :class:`History` is one memory; :class:`Histories` are many, packed into arrays, so that a curve
weighs a hundred thousand memories in a few vectorised steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Event
from agentmem.clock import TimeLike, to_datetime, to_micros
from agentmem.errors import InvalidInput, UnknownOption

GRADES = ("recalled", "again", "hard", "good", "easy")
"""Grades of a use by code: 0 merely retrieved, 1 wrong or useless, 2 to 4 helped, ever more easily."""

RECALLED, AGAIN, HARD, GOOD, EASY = range(5)
DAY = 86_400_000_000
"""A day in microseconds."""

Times = NDArray[np.int64]
Codes = NDArray[np.int8]
Values = NDArray[np.float64]
_CODE = {name: code for code, name in enumerate(GRADES)}


def code_of(grade: str) -> int:
    """The code of a grade's name.

    Raises:
        UnknownOption: there is no such grade.
    """
    if grade not in _CODE:
        raise UnknownOption("grade", grade, GRADES)
    return _CODE[grade]


@dataclass(frozen=True, slots=True)
class Use:
    """One use: when, and how it went (a name of :data:`GRADES`)."""

    at: datetime
    grade: str = "good"


@dataclass(frozen=True, slots=True)
class History:
    """The life of one memory.

    Attributes:
        created: when it was written; this counts as its first presentation.
        uses: what followed, in any order.
        importance: its worth in [0, 1] apart from use, as an LLM or the caller judges it.
        first: the grade of the first presentation; flash cards may begin with ``"again"``.
    """

    created: datetime
    uses: tuple[Use, ...] = ()
    importance: float = 1.0
    first: str = "good"

    @classmethod
    def from_events(
        cls, created: TimeLike, events: Iterable[Event], *, importance: float = 1.0, first: str = "good"
    ) -> History:
        """The history of one memory from its logged use events; their ids are not looked at."""
        uses = tuple(Use(event.at, event.grade) for event in events)
        return cls(to_datetime(created, name="created"), uses, importance, first)

    def used(self, at: TimeLike, grade: str = "good") -> History:
        """This history with one more use."""
        more = (*self.uses, Use(to_datetime(at), grade))
        return History(self.created, more, self.importance, self.first)


@dataclass(frozen=True, slots=True)
class Histories:
    """Histories as columns: the presentations of memory i are ``times[starts[i]:starts[i + 1]]``.

    The first of each is its writing; the others follow in order of time.

    Attributes:
        starts: int64 (n + 1,) where each memory's presentations begin.
        times: int64 (m,) microseconds since 1970 UTC, rising within a memory.
        grades: int8 (m,) codes of :data:`GRADES`.
        importance: float64 (n,) in [0, 1].
    """

    starts: Times
    times: Times
    grades: Codes
    importance: Values

    def __len__(self) -> int:
        return len(self.importance)

    @classmethod
    def pack(cls, histories: Iterable[History]) -> Histories:
        """Pack histories in the order given.

        Raises:
            InvalidInput: an importance lies outside [0, 1], or a first grade is ``"recalled"``.
            UnknownOption: a grade does not exist.
        """
        given = list(histories)
        created = [to_micros(to_datetime(one.created, name="created")) for one in given]
        owner = [number for number, one in enumerate(given) for _ in one.uses]
        times = [to_micros(to_datetime(use.at)) for one in given for use in one.uses]
        grades = [code_of(use.grade) for one in given for use in one.uses]
        return cls.from_columns(
            created,
            owner,
            times,
            grades,
            importance=[one.importance for one in given],
            first=[code_of(one.first) for one in given],
        )

    @classmethod
    def from_columns(
        cls,
        created: Sequence[int] | Times,
        owner: Sequence[int] | NDArray[np.intp],
        times: Sequence[int] | Times,
        grades: Sequence[int] | Codes,
        *,
        importance: Sequence[float] | Values | None = None,
        first: Sequence[int] | Codes | None = None,
    ) -> Histories:
        """Pack columns: for each memory when it was written, for each use whose it is, when, and its grade.

        Args:
            created: (n,) microseconds since 1970 UTC.
            owner: (u,) index into ``created``.
            times: (u,) microseconds since 1970 UTC, in any order; a use before the writing counts at it.
            grades: (u,) codes of :data:`GRADES`.
            importance: (n,) in [0, 1]; None: all 1.
            first: (n,) codes of the first presentations; None: all good.

        Raises:
            InvalidInput: a value is out of its range.
        """
        born = np.asarray(created, dtype=np.int64)
        whose = np.asarray(owner, dtype=np.intp)
        codes = np.asarray(grades, dtype=np.int8)
        n = len(born)
        worth = np.ones(n) if importance is None else np.asarray(importance, dtype=np.float64)
        begun = np.full(n, GOOD, np.int8) if first is None else np.asarray(first, dtype=np.int8)
        if not np.all((worth >= 0) & (worth <= 1)):
            raise InvalidInput("importance must lie in [0, 1]")
        if np.any((begun < AGAIN) | (begun > EASY)) or np.any((codes < RECALLED) | (codes > EASY)):
            raise InvalidInput(f"a first grade is one of {GRADES[1:]}, a later one of {GRADES}")
        if np.any((whose < 0) | (whose >= n)):
            raise InvalidInput(f"a use belongs to none of the {n} memories")
        late = np.maximum(np.asarray(times, dtype=np.int64), born[whose]) if len(whose) else born[:0]
        all_times = np.concatenate([born, late])
        all_owners = np.concatenate([np.arange(n), whose])
        order = np.lexsort((np.arange(len(all_times)), all_times, all_owners))
        counts = np.bincount(all_owners, minlength=n)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return cls(starts, all_times[order], np.concatenate([begun, codes])[order], worth)

    @property
    def counts(self) -> Times:
        """Presentations of each memory, the writing included."""
        return np.diff(self.starts)

    @property
    def owners(self) -> Times:
        """The memory each presentation belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.counts)

    def upto(self, at: Times) -> Histories:
        """What was known at a time for each memory: later uses left out, the writing always kept."""
        keep = self.times <= at[self.owners]
        keep[self.starts[:-1]] = True
        return self.only(keep)

    def only(self, keep: NDArray[np.bool_]) -> Histories:
        """The presentations marked; each memory must keep one."""
        if keep.all():
            return self
        counts = np.bincount(self.owners[keep], minlength=len(self))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Histories(starts, self.times[keep], self.grades[keep], self.importance)

    def prefixes(self) -> tuple[Histories, NDArray[np.intp]]:
        """For each use the history before it, and the uses' places in ``times``, in their order."""
        is_use = np.ones(len(self.times), dtype=bool)
        is_use[self.starts[:-1]] = False
        uses = np.flatnonzero(is_use)
        begin = self.starts[:-1][self.owners[uses]]
        counts = uses - begin
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        place = np.arange(starts[-1]) - np.repeat(starts[:-1] - begin, counts)
        whose = self.owners[uses]
        return Histories(starts, self.times[place], self.grades[place], self.importance[whose]), uses
