"""What was decided about pairs of wordings: by people, by a model, or by agreement of the facts themselves.

A decision is about a pair of wordings, not about a fact: a store has some dozens of wordings and perhaps a
million facts, so that one answer serves all later facts, and what was rejected is not asked again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, TypeAlias

from agentmem.errors import InvalidInput
from agentmem.facts.model import UNASSERTED, Fact, Frame
from agentmem.memory import Json

By: TypeAlias = Literal["person", "model", "agreement"]
SUBJECTS = 5
"""Subjects that must carry both of two wordings before their agreement says anything."""
_RANK: dict[str, int] = {"agreement": 0, "model": 1, "person": 2}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether two wordings state one relation.

    Attributes:
        older, newer: keys of the wordings; the newer is read as the older where ``same``.
        same: they do.
        by: who decided.
        note: why, in a line.
    """

    older: str
    newer: str
    same: bool
    by: By = "person"
    note: str = ""


class Decisions:
    """Decisions about pairs of wordings; a person's stands above a model's, a model's above agreement."""

    def __init__(self, made: Iterable[Decision] = ()) -> None:
        self._made: dict[tuple[str, str], Decision] = {}
        for decision in made:
            self.add(decision)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self._made.values())

    def __len__(self) -> int:
        return len(self._made)

    def get(self, older: str, newer: str) -> Decision | None:
        """The decision about a pair, or None."""
        return self._made.get((older, newer))

    def add(self, decision: Decision) -> bool:
        """Keep a decision; False where one by somebody of more weight stands."""
        standing = self._made.get((decision.older, decision.newer))
        if standing is not None and _RANK[standing.by] > _RANK[decision.by]:
            return False
        self._made[decision.older, decision.newer] = decision
        return True

    def undo(self, older: str, newer: str) -> Decision | None:
        """Forget the decision about a pair; returns what was forgotten."""
        return self._made.pop((older, newer), None)

    def merged(self) -> dict[str, str]:
        """Newer wording -> older wording of all confirmed pairs: ``Corrections.merged``."""
        ranked = sorted((one for one in self if one.same), key=lambda one: _RANK[one.by])
        return {one.newer: one.older for one in ranked}

    def to_list(self) -> list[Json]:
        """All decisions as JSON values."""
        return [
            {"older": one.older, "newer": one.newer, "same": one.same, "by": one.by, "note": one.note}
            for one in self
        ]

    @classmethod
    def from_list(cls, made: Iterable[Mapping[str, Json]]) -> Decisions:
        """The opposite of :meth:`to_list`.

        Raises:
            InvalidInput: an entry lacks a field, or names nobody known as its author.
        """
        found = cls()
        for entry in made:
            try:
                by = str(entry.get("by", "person"))
                older, newer, same = str(entry["older"]), str(entry["newer"]), entry["same"]
            except (KeyError, AttributeError) as error:
                raise InvalidInput(f"a decision needs older, newer and same, not {entry!r}") from error
            if by not in _RANK or not isinstance(same, bool):
                raise InvalidInput(
                    f"a decision is by one of {', '.join(_RANK)}, same true or false, not {entry!r}"
                )
            known: By = "person" if by == "person" else "model" if by == "model" else "agreement"
            found.add(Decision(older, newer, same, known, str(entry.get("note", ""))))
        return found


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two wordings agree on the subjects that both speak of.

    Attributes:
        shared: subjects with asserted facts in both wordings.
        agreeing: those of which both say a common object.
        clashing: those of which both say different objects at nearly the same time.
    """

    shared: int
    agreeing: int
    clashing: int

    def confirms(self, subjects: int = SUBJECTS, share: float = 0.8) -> bool:
        """Whether that is enough to take the wordings for one relation.

        Different relations agree by chance on a few subjects: of pairs of relations with at least three
        subjects in common about one in a hundred agrees on three quarters of them.
        """
        return self.shared >= subjects and self.agreeing >= share * self.shared and not self.clashing


def agreement(
    facts: Iterable[Fact], older: str, newer: str, near: timedelta = timedelta(days=1)
) -> Agreement:
    """Compare two wordings on all facts.

    Args:
        facts: facts of all states.
        older: key of a frame.
        newer: key of another.
        near: two statements no further apart were true at one time.
    """
    said: dict[str, dict[str, list[Fact]]] = {older: defaultdict(list), newer: defaultdict(list)}
    for fact in facts:
        if fact.frame.key in said and fact.asserted:
            said[fact.frame.key][fact.subject_key].append(fact)
    shared = said[older].keys() & said[newer].keys()
    agreeing = clashing = 0
    for subject in shared:
        one, two = said[older][subject], said[newer][subject]
        if {fact.object_key for fact in one} & {fact.object_key for fact in two}:
            agreeing += 1
        elif any(a.serial == b.serial and abs(_since(a) - _since(b)) <= near for a in one for b in two):
            clashing += 1
    return Agreement(len(shared), agreeing, clashing)


def confirm_by_agreement(
    facts: Iterable[Fact],
    pairs: Iterable[tuple[Frame, Frame]],
    decisions: Decisions,
    *,
    established: int = 20,
    near: timedelta = timedelta(days=1),
) -> list[Decision]:
    """Confirm the pairs of wordings that agree on enough subjects, and keep that among the decisions.

    Args:
        facts: facts of all states.
        pairs: older and newer wording, such as those of the standing proposals.
        decisions: where they are kept; pairs decided before are left alone.
        established: two wordings that both have this much support are never taken for one: companies that
            develop what they produce agree on every product, and are still two relations.
        near: see :func:`agreement`.

    Returns:
        The new decisions.
    """
    every = list(facts)
    made: list[Decision] = []
    for older, newer in pairs:
        if decisions.get(older.key, newer.key) or min(older.support, newer.support) >= established:
            continue
        found = agreement(every, older.key, newer.key, near)
        if found.confirms():
            note = f"{found.agreeing} of {found.shared} subjects have the same value in both"
            decision = Decision(older.key, newer.key, True, "agreement", note)
            decisions.add(decision)
            made.append(decision)
    return made


def values(facts: Iterable[Fact], least: int = 2) -> Literal["one", "several", "unknown"]:
    """Whether a relation has one value at a time or several, learned from event times alone.

    A subject speaks for several values when two different ones began to hold at the same instant, or a value
    came back after another (A, B, A): people say again what they speak more often than they move back to
    where they lived. "also" speaks for several as well. One value is shown only by facts that were closed
    when the next began, since a new value alone may as well be a further one.

    Args:
        facts: facts of one frame.
        least: subjects that must say so.

    Returns:
        ``"unknown"`` where fewer than ``least`` subjects speak for either, or both do.
    """
    by_subject: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.flags.isdisjoint(UNASSERTED):
            by_subject[fact.subject_key].append(fact)
    one = several = 0
    for said in by_subject.values():
        said.sort(key=lambda fact: (_since(fact), fact.order))
        if _several(said):
            several += 1
        elif len({fact.object_key for fact in said}) > 1 and all(
            a.valid_until is not None and a.valid_until <= _since(b)
            for a, b in pairwise(said)
            if a.object_key != b.object_key
        ):
            one += 1
    if several >= least and several > one:
        return "several"
    return "one" if one >= least and not several else "unknown"


def _several(said: list[Fact]) -> bool:
    if any("additive" in fact.flags for fact in said):
        return True
    changes = [fact for fact, before in zip(said, [None, *said], strict=False) if _differs(fact, before)]
    keys = [fact.object_key for fact in changes]
    again = len(set(keys)) < len(keys)
    # When something was said tells nothing here: a whole file of statements may be said at one instant.
    at_once = any(
        a.object_key != b.object_key and a.valid_from is not None and a.valid_from == b.valid_from
        for a, b in pairwise(said)
    )
    return again or at_once


def _differs(fact: Fact, before: Fact | None) -> bool:
    return before is None or fact.object_key != before.object_key


def _since(fact: Fact) -> datetime:
    return fact.valid_from or fact.at
