"""Decisions about pairs of wordings, agreement of facts, how many values a relation has."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from agentmem.errors import InvalidInput
from agentmem.facts.decisions import Agreement, Decision, Decisions, agreement, confirm_by_agreement, values
from agentmem.facts.model import Fact, Flag, Frame

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def fact(
    subject: str,
    object: str,
    frame: str = "{s} lives in {o}",
    day: int = 0,
    *,
    until: int | None = None,
    event: bool = False,
    flags: frozenset[Flag] = frozenset(),
    serial: int | None = None,
) -> Fact:
    at = START + timedelta(days=day)
    return Fact(
        f"m{subject}{object}{frame}{day}#0",
        subject,
        Frame(frame, frame, 3),
        object,
        "forward",
        "m",
        frame.format(s=subject, o=object),
        at,
        subject.lower(),
        object.lower(),
        serial=serial,
        valid_from=at if event else None,
        valid_until=None if until is None else START + timedelta(days=until),
        flags=flags,
        order=(-1 if serial is None else serial, day, 0),
    )


OLD, NEW = "{s} lives in {o}", "{s} has settled in {o}"


def test_a_person_stands_above_a_model_above_agreement() -> None:
    decisions = Decisions()
    assert decisions.add(Decision("a", "b", True, "agreement"))
    assert decisions.add(Decision("a", "b", False, "model"))
    assert not decisions.add(Decision("a", "b", True, "agreement"))
    assert decisions.add(Decision("a", "b", True, "person"))
    assert decisions.merged() == {"b": "a"} and len(decisions) == 1
    again = Decisions.from_list(decisions.to_list())  # type: ignore[arg-type]
    assert [*again] == [*decisions]
    forgotten = decisions.undo("a", "b")
    assert forgotten is not None and decisions.get("a", "b") is None and decisions.undo("a", "b") is None


@pytest.mark.parametrize(
    "entry",
    [{}, {"older": "a", "newer": "b", "same": 1}, {"older": "a", "newer": "b", "same": True, "by": "x"}],
)
def test_bad_entries(entry: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="decision"):
        Decisions.from_list([entry])  # type: ignore[list-item]


def test_agreement() -> None:
    facts = [fact(f"S{i}", "Rome", OLD) for i in range(6)] + [fact(f"S{i}", "Rome", NEW, 9) for i in range(5)]
    facts.append(fact("S5", "Oslo", NEW, 9))
    facts.append(fact("S9", "Rome", NEW))
    found = agreement(facts, OLD, NEW)
    assert found == Agreement(6, 5, 0) and found.confirms()
    assert not Agreement(4, 4, 0).confirms() and not Agreement(10, 7, 0).confirms()
    at_once = [*facts[:-2], fact("S5", "Oslo", NEW, 0)]
    assert agreement(at_once, OLD, NEW) == Agreement(6, 5, 1) and not agreement(at_once, OLD, NEW).confirms()
    denied = [fact("S0", "Rome", OLD), fact("S0", "Rome", NEW, flags=frozenset({"negated"}))]
    assert agreement(denied, OLD, NEW).shared == 0


def test_numbered_statements_of_one_file_do_not_clash() -> None:
    facts = [fact("S", "Rome", OLD, serial=1), fact("S", "Oslo", NEW, serial=7)]
    assert agreement(facts, OLD, NEW) == Agreement(1, 0, 0)


def test_confirmation_leaves_established_wordings_and_decisions_alone() -> None:
    facts = [fact(f"S{i}", "Rome", key) for i in range(5) for key in (OLD, NEW)]
    small, big = Frame(NEW, NEW, 3), Frame(NEW, NEW, 40)
    old = Frame(OLD, OLD, 40)
    assert confirm_by_agreement(facts, [(old, big)], Decisions()) == []
    decisions = Decisions([Decision(OLD, NEW, False)])
    assert confirm_by_agreement(facts, [(old, small)], decisions) == []
    decisions = Decisions()
    made = confirm_by_agreement(facts, [(old, small), (old, small)], decisions)
    assert [one.note for one in made] == ["5 of 5 subjects have the same value in both"]
    assert decisions.merged() == {NEW: OLD}


def test_values_are_unknown_until_shown() -> None:
    assert values([]) == "unknown"
    assert (
        values([fact("A", "Rome"), fact("A", "Oslo", day=9), fact("B", "Rome"), fact("B", "Lima", day=9)])
        == "unknown"
    )


def test_several_values() -> None:
    back = [fact(s, o, day=d) for s in "AB" for d, o in enumerate(("French", "German", "French"))]
    assert values(back) == "several" and values(back[:3]) == "unknown"
    at_once = [fact(s, o, event=True) for s in "AB" for o in ("French", "German")]
    assert values(at_once) == "several"
    said_at_once = [fact(s, o) for s in "AB" for o in ("French", "German")]
    assert values(said_at_once) == "unknown"
    also = [fact(s, "German", flags=frozenset({"additive"})) for s in "AB"]
    assert values(also) == "several"


def test_one_value() -> None:
    moved = [fact(s, o, day=d, until=d + 5, event=True) for s in "AB" for d, o in ((0, "Rome"), (9, "Oslo"))]
    assert values(moved) == "one"
    assert values([*moved, *(fact(s, "x", day=20, flags=frozenset({"negated"})) for s in "AB")]) == "one"
