"""The view of a namespace: in step with its memories, in any order, as of any time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentmem
from agentmem.facts.model import Corrections, Fact
from agentmem.facts.view import FactView, view_of
from agentmem.memory import Memory
from agentmem.store import MemoryStore

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
BASE = [
    "The capital of Norland is Aldby.",
    "The capital of Sudria is Bexhill.",
    "The capital of Ostan is Corvale.",
    "Ada Lind lives in Aldby.",
    "Ben Moor lives in Bexhill.",
    "Cleo Vance lives in Corvale.",
]


def memory(text: str, day: int = 0, id: str = "", **given: datetime) -> Memory:
    return Memory(id or text, (), text, at=START + timedelta(days=day), recorded_at=START, **given)


def view(texts: Sequence[str | Memory]) -> FactView:
    made = FactView()
    made.take((i, memory(one) if isinstance(one, str) else one) for i, one in enumerate(texts))
    made.settle()
    return made


def active(of: FactView, at: datetime | None = None) -> set[tuple[str, str, str]]:
    return {(fact.subject, fact.frame.key, fact.object) for fact in of.facts(state="active", at=at)}


def said(fact: Fact) -> tuple[str, str]:
    return fact.object, fact.state


def test_the_newest_answers_first_and_the_older_stay_beneath() -> None:
    made = view(
        [*BASE, memory("The capital of Norland is Zell.", 5), memory("Ada Lind also lives in Zell.", 6)]
    )
    slot = made.slot("Norland", "the capital of {s} is {o}")
    assert slot is not None
    assert [said(fact) for fact in slot.facts] == [("Zell", "active"), ("Aldby", "older")]
    assert slot.newest.at == START + timedelta(days=5)
    homes = made.slot("ada lind", "{s} lives in {o}")
    assert homes is not None
    assert [said(fact) for fact in homes.facts] == [("Zell", "active"), ("Aldby", "active")]


def test_serial_numbers_count_before_time_unless_lists_overlap() -> None:
    late_first = [
        memory("7. The capital of Norland is Zell.", 1),
        memory("3. The capital of Norland is Yx.", 2),
    ]
    made = view([*BASE[1:], *late_first])
    assert ("Norland", "the capital of {s} is {o}", "Zell") in active(made)
    lists = [
        memory("1. The capital of Norland is Zell. 2. Ada Lind lives in Zell.", 2, "b"),
        memory("1. Ada Lind lives in Aldby. 2. The capital of Norland is Yx.", 1, "a"),
    ]
    made = view([*BASE[1:], *lists])
    assert ("Norland", "the capital of {s} is {o}", "Zell") in active(made)


LINES = [
    f"{number}. The capital of {country} is {town}."
    for number, (country, town) in enumerate(
        (country, town)
        for town in ("Aldby", "Bexhill", "Corvale")
        for country in ("Norland", "Sudria", "Ostan")
    )
]


@settings(max_examples=25)
@given(st.permutations(LINES))
def test_numbered_facts_that_arrive_out_of_order_give_the_same_active_view(lines: list[str]) -> None:
    assert active(view(lines)) == {
        (country, "the capital of {s} is {o}", "Corvale") for country in ("Norland", "Sudria", "Ostan")
    }


@settings(max_examples=25)
@given(st.permutations(list(range(9))))
def test_dated_facts_that_arrive_out_of_order_give_the_same_active_view(days: list[int]) -> None:
    texts = [memory(LINES[day].partition(". ")[2], day, str(day)) for day in days]
    assert active(view(texts)) == active(view(LINES))


def test_as_of_a_time() -> None:
    made = view(
        [
            *BASE,
            memory("The capital of Norland is Zell.", 10),
            memory("Ada Lind lives in Zell.", 1, valid_from=START - timedelta(days=900)),
            memory("Ben Moor lives in Zell.", 2, valid_until=START + timedelta(days=4)),
        ]
    )

    def at(day: int) -> set[str]:
        return {f"{subject}: {object}" for subject, _, object in active(made, START + timedelta(days=day))}

    assert {"Norland: Aldby", "Ben Moor: Zell", "Ada Lind: Aldby"} <= at(3)
    assert {"Norland: Aldby", "Ben Moor: Bexhill"} <= at(5)
    assert "Norland: Zell" in at(11)


def test_no_longer_closes() -> None:
    made = view([*BASE, memory("Ada Lind no longer lives in Aldby.", 3)])
    slot = made.slot("Ada Lind", "{s} lives in {o}")
    assert slot is not None
    assert [said(fact) for fact in slot.facts] == [("Aldby", "closed"), ("Aldby", "closed")]
    assert slot.facts[1].valid_until == START + timedelta(days=3)
    assert slot.facts[0].flags == {"ended"}
    early = made.slot("Ada Lind", "{s} lives in {o}", at=START + timedelta(days=1))
    assert early is not None
    assert early.newest.state == "active"


@pytest.mark.parametrize(
    "text",
    ["Ada Lind might live in Zell.", "Ada Lind did not live in Zell.", "Ada Lind used to live in Zell."],
)
def test_what_is_not_asserted_replaces_nothing(text: str) -> None:
    made = view([*BASE, memory(text, 3)])
    assert ("Ada Lind", "{s} lives in {o}", "Aldby") in active(made)


def test_corrections_and_back() -> None:
    made = view(
        [
            *BASE,
            memory("The capital of Norland is Zell.", 5, "z"),
            memory("Norland is ruled from Yx.", 6, "y"),
        ]
    )
    before = active(made)
    capital = "the capital of {s} is {o}"

    def capitals(corrections: Corrections) -> list[tuple[str, str]]:
        made.correct(corrections)
        slot = made.slot("Norland", capital)
        assert slot is not None
        return [said(fact) for fact in slot.facts]

    assert capitals(Corrections(removed=frozenset({"z#0"}))) == [("Aldby", "active")]
    assert capitals(Corrections(single=frozenset({capital}))) == [("Zell", "active"), ("Aldby", "closed")]
    assert capitals(Corrections(several=frozenset({capital}))) == [("Zell", "active"), ("Aldby", "active")]
    assert capitals(Corrections(closed={"z#0": START + timedelta(days=7)})) == [
        ("Zell", "closed"),
        ("Aldby", "active"),
    ]
    merged = Corrections(merged={"{s} is ruled from {o}": capital})
    assert capitals(merged) == [("Yx", "active"), ("Zell", "older"), ("Aldby", "older")]
    replaced = Corrections(superseded={"z#0": "y#0"})
    assert capitals(replaced)[0] == ("Yx", "active")
    made.correct(Corrections())
    assert active(made) == before


def facts_of(store: MemoryStore) -> FactView:
    runtime = store._runtime
    number = runtime.number(())
    assert number is not None
    space = runtime.space(number)
    return view_of(runtime, number).sync(space, runtime.backend)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(("add", "delete", "update", "look")), st.integers(0, 8)), max_size=14)
)
def test_in_step_with_the_store(steps: list[tuple[str, int]]) -> None:
    with agentmem.open(":memory:", store="episodic", embedder="none") as store:
        store.add_many([{"text": text, "id": f"b{i}", "at": START} for i, text in enumerate(BASE)])
        for day, (verb, i) in enumerate(steps):
            held = [one.id for one in store.list()]
            if verb == "add":
                store.add(LINES[i].partition(". ")[2], at=START + timedelta(days=day))
            elif verb == "delete" and held:
                store.delete(held[i % len(held)])
            elif verb == "update" and held:
                store.update(held[i % len(held)], text=BASE[i % len(BASE)])
            elif verb == "look":
                facts_of(store)
        kept = facts_of(store)
        fresh = FactView()
        number = store._runtime.number(())
        assert number is not None
        fresh.sync(store._runtime.space(number), store._runtime.backend)
        assert {(f.id, f.state, f.frame.key) for f in kept.facts()} == {
            (f.id, f.state, f.frame.key) for f in fresh.facts()
        }
        assert kept.objects == fresh.objects
        assert {key: sorted(into) for key, into in kept.by_object.items()} == {
            key: sorted(into) for key, into in fresh.by_object.items()
        }
        assert set(kept.by_subject) == set(fresh.by_subject)


def test_what_an_assistant_said_is_no_fact() -> None:
    with agentmem.open(":memory:", store="episodic", embedder="none") as store:
        said = [
            {"role": "assistant", "content": "The capital of Norland is Aldby."},
            {"role": "user", "content": "The capital of Sudria is Bexhill."},
        ]
        store.add_messages(said)
        assert active(facts_of(store)) == {("Sudria", "the capital of {s} is {o}", "Bexhill")}


def test_looking_facts_up() -> None:
    made = view([*BASE, memory("Ada Lind works at Acme. Ada Lind speaks Dutch.", 1, "m")])
    assert [fact.id for fact in made.of_memory("m")] == ["m#0", "m#1"]
    one = made.fact("m#0")
    assert one is not None
    assert one.to_dict()["frame"] == "{s} works at {o}"
    assert made.fact("gone#0") is None
    assert made.slot("Nobody", one.frame) is None
    assert len(made) == 8
    assert {slot.frame.key for slot in made.slots("Ada Lind")} == {
        "{s} lives in {o}",
        "{s} works at {o}",
        "{s} speaks {o}",
    }
    assert made.frames()[0].support >= made.frames()[-1].support
