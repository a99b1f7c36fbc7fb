"""Facts for a caller: listed, explained, corrected, taken back; kept, erased and exported with their file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem import ManualClock
from agentmem.errors import InvalidInput, MemoryNotFound, UnknownOption
from agentmem.facts.corrections import KIND, Correction, together
from agentmem.interchange import import_file
from agentmem.interchange.export import export_lines
from agentmem.store import MemoryStore

SAID = (
    ("Ada lives in Paris.", "2019-02-01"),
    ("Ben lives in Oslo.", "2019-02-02"),
    ("Cleo lives in Rome.", "2019-02-03"),
    ("Ada works for Acme.", "2019-03-01"),
    ("Ben works for Globex.", "2019-03-02"),
    ("Ada lives in Lima.", "2021-06-01"),
    ("Ada moved to Madrid.", "2023-01-01"),
    ("Felix moved to Quito.", "2023-01-02"),
    ("Ben no longer works for Globex.", "2023-07-01"),
)
STORES = ("unified", "episodic", "zettelkasten", "forgetting", "hipporag")


def opened(path: str | Path = ":memory:", **options: Any) -> MemoryStore:
    return agentmem.open(path, clock=ManualClock("2024-05-01T12:00:00Z"), **options)


def fill(store: MemoryStore) -> MemoryStore:
    store.add_many([{"text": text, "at": at, "id": f"m{n}"} for n, (text, at) in enumerate(SAID)])
    return store


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    with opened() as made:
        yield fill(made)


def values(store: MemoryStore, subject: str = "Ada", **options: Any) -> dict[str, str]:
    """What is said of a subject: object -> state."""
    return {fact.object: fact.state for fact in store.facts(subject, **options)}


# --- reading -------------------------------------------------------------------------------------------


def test_listing(store: MemoryStore) -> None:
    assert values(store) == {"Madrid": "active", "Lima": "active", "Paris": "older", "Acme": "active"}
    assert values(store, relation="lives in") == {"Lima": "active", "Paris": "older"}
    assert values(store, relation="{s} lives in {o}", state="active") == {"Lima": "active"}
    assert values(store, at="2020-01-01") == {"Paris": "active", "Acme": "active"}
    assert {fact.subject for fact in store.facts()} == {"Ada", "Ben", "Cleo", "Felix"}
    assert store.facts.list("nobody") == [] and store.namespace("empty").facts() == []
    assert {one.text for one in store.facts.relations()} >= {"{s} lives in {o}", "{s} works for {o}"}
    with pytest.raises(UnknownOption, match="active"):
        store.facts(state="gone")  # type: ignore[arg-type]


def test_no_longer_closes_a_slot(store: MemoryStore) -> None:
    ended = [fact for fact in store.facts("Ben", relation="works for") if fact.asserted]
    assert [(fact.object, fact.state) for fact in ended] == [("Globex", "closed")]
    assert ended[0].valid_until is not None and ended[0].valid_until.year == 2023
    assert values(store, "Ben", at="2020-01-01") == {"Oslo": "active", "Globex": "active"}


def test_as_the_memory_knew_it(store: MemoryStore) -> None:
    clock = store._runtime.clock
    assert isinstance(clock, ManualClock)
    before = clock()
    clock.advance(timedelta(hours=1))
    store.add("Ada lives in Cusco.", at="2024-01-01")
    assert values(store, relation="lives")["Cusco"] == "active"
    assert values(store, relation="lives", known_at=before) == {"Lima": "active", "Paris": "older"}
    store.delete("m5")
    assert "Lima" not in values(store)


def test_explaining(store: MemoryStore) -> None:
    said = store.facts.explain("m5#0")
    assert (said.fact.object, said.memory.id, said.since.year) == ("Lima", "m5", 2021)
    assert said.replaces is not None and said.replaces.object == "Paris" and said.replaced_by is None
    assert [fact.id for fact in said.slot] == ["m5#0", "m0#0"]
    assert [one.newer.id for one in said.proposals] == ["m6#0"]
    older = store.facts.explain("m0#0")
    assert older.replaced_by is not None and older.replaced_by.id == "m5#0" and older.replaces is None
    assert said.to_dict()["replaces"]["object"] == "Paris"
    with pytest.raises(MemoryNotFound):
        store.facts.explain("m99#0")


def test_what_rests_on_a_fact_that_was_replaced(store: MemoryStore) -> None:
    clock = store._runtime.clock
    assert isinstance(clock, ManualClock) and store.facts.outdated() == []
    store.add("Home: Lima.", id="note", kind="note", sources=["m5", "m3"])
    clock.advance(timedelta(days=1))
    store.add("Ada lives in Cusco.", at="2024-01-01", id="new")
    (found,) = store.facts.outdated()
    assert (found.memory.id, found.older.object, found.newer.object) == ("note", "Lima", "Cusco")
    assert store.stale() == [], "what it was made of still says the same"
    clock.advance(timedelta(days=1))
    store.update("note", text="Home: Cusco.")
    assert store.facts.outdated() == []


# --- correcting ------------------------------------------------------------------------------------------


def test_a_fact_that_was_misread(store: MemoryStore) -> None:
    made = store.facts.wrong("m5#0")
    assert "Lima" not in values(store) and values(store)["Paris"] == "active"
    assert store.get("m5").text == "Ada lives in Lima.", "what was said stays"
    assert store.facts.undo(made.id) == made
    assert values(store)["Lima"] == "active" and store.facts.corrections() == []
    with pytest.raises(MemoryNotFound):
        store.facts.undo(made.id)
    assert store.restore(made.id) == 1 and "Lima" not in values(store), "undoing can be undone"


def test_closing(store: MemoryStore) -> None:
    made = store.facts.close("m5#0", at="2022-01-01")
    assert values(store, relation="lives")["Lima"] == "closed"
    assert values(store, relation="lives", at="2021-12-31")["Lima"] == "active"
    assert made.until is not None and store.facts.explain("m5#0").corrections == (made,)
    store.facts.undo(made.id)
    assert values(store, relation="lives")["Lima"] == "active"
    store.add("Ada lives in Bern.", id="v", valid_from="2023-01-01")
    with pytest.raises(InvalidInput, match="end before"):
        store.facts.close("v#0", at="2022-01-01")


def test_proposals_are_confirmed_and_rejected(store: MemoryStore) -> None:
    (proposal,) = [one for one in store.facts.proposals("Ada") if one.level == "strong"]
    assert (proposal.older.object, proposal.newer.object) == ("Lima", "Madrid")
    made = store.facts.confirm(proposal)
    assert made.verb == "replaced" and values(store)["Lima"] != "active"
    assert all(one.older.id != "m5#0" for one in store.facts.proposals("Ada"))
    store.facts.undo(made.id)
    assert values(store)["Lima"] == "active" and proposal in store.facts.proposals("Ada")
    kept = store.facts.reject(proposal)
    assert kept.verb == "kept" and proposal not in store.facts.proposals("Ada")
    assert values(store)["Lima"] == "active"
    with pytest.raises(InvalidInput, match="one fact"):
        store.facts.replace("m5#0", "m5#0")


def test_wordings_that_say_the_same(store: MemoryStore) -> None:
    made = store.facts.same("m5#0", "m6#0")
    assert values(store) == {"Madrid": "active", "Lima": "older", "Paris": "older", "Acme": "active"}
    assert store.facts.proposals("Ada") == [] or all(
        {"m5#0", "m6#0"} != {one.older.id, one.newer.id} for one in store.facts.proposals("Ada")
    )
    assert made.frames == ("{s} lives in {o}", "{s} moved to {o}")
    assert {store.get(made.id).sources} == {("m0", "m6")}, "the oldest memories that have them"
    store.facts.different("m5#0", "m6#0")
    assert values(store)["Lima"] == "active" and values(store)["Madrid"] == "active"
    assert all(one.newer.id != "m6#0" or one.older.id == "m3#0" for one in store.facts.proposals("Ada"))
    with pytest.raises(InvalidInput, match="one wording"):
        store.facts.same("m5#0", "m0#0")


def test_one_value_or_several(store: MemoryStore) -> None:
    store.facts.several("{s} lives in {o}")
    assert values(store, relation="lives") == {"Lima": "active", "Paris": "active"}
    made = store.facts.single("m1#0")
    assert values(store, relation="lives") == {"Lima": "active", "Paris": "closed"}
    store.facts.undo(made.id)
    assert values(store, relation="lives") == {"Lima": "active", "Paris": "active"}
    with pytest.raises(UnknownOption, match="lives in"):
        store.facts.single("{s} eats {o}")


def test_updates_option(store: MemoryStore) -> None:
    with opened(updates="auto") as auto:
        fill(auto)
        assert values(auto)["Lima"] != "active" and values(auto)["Madrid"] == "active"
        (proposal,) = [one for one in store.facts.proposals("Ada") if one.level == "strong"]
        auto.facts.reject(proposal)
        assert values(auto)["Lima"] == "active", "a person's word stands above"
    with pytest.raises(UnknownOption, match="strict"):
        opened(updates="always")


# --- corrections are kept like memories --------------------------------------------------------------------


@pytest.mark.parametrize("name", STORES)
def test_corrections_are_of_the_file_and_seen_by_every_store(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(path, store=name) as one, opened(path, store="unified") as other:
        fill(one)
        assert "Lima" in values(other)
        made = one.facts.wrong("m5#0")
        assert "Lima" not in values(other)
        one.consolidate()
        assert made.id not in [hit.memory.id for hit in one.search("Ada wrong correction", 50)]
        assert made.id not in [hit.memory.id for hit in one.context().hits]
        assert one.stale() == [] and one.check() == []
    with opened(path, store=name) as again:
        assert again.facts.corrections() == [made] and "Lima" not in values(again)
        again.facts.undo(made.id)
    with opened(path) as again:
        assert "Lima" in values(again)


def test_corrections_go_with_what_they_are_about(store: MemoryStore) -> None:
    wrong, other = store.facts.wrong("m5#0"), store.facts.same("m3#0", "m6#0")
    assert wrong.id in store.erase(ids="m5").derived
    assert store.facts.corrections() == [other]
    store.erase(ids="m6")
    assert store.facts.corrections() == [] and "correction" not in store.stats().kinds


def test_a_correction_holds_as_long_as_its_sentence(store: MemoryStore) -> None:
    made = store.facts.wrong("m5#0")
    store.update("m5", metadata={"seen": True})
    assert "Lima" not in values(store)
    store.update("m5", text="Ada lives in Lagos.")
    assert store.stale() == [], "a decision is not derived"
    assert values(store)["Lagos"] == "active"
    assert [one.applies for one in store.facts.corrections()] == [False]
    store.update("m5", text="Ada lives in Lima.")
    assert "Lima" not in values(store) and store.facts.corrections() == [made]


def test_corrections_survive_export_and_import(store: MemoryStore, tmp_path: Path) -> None:
    store.facts.wrong("m5#0")
    store.facts.several("{s} lives in {o}")
    file = tmp_path / "all.jsonl"
    file.write_text("\n".join(export_lines(store)))
    with opened() as other:
        import_file(other, file)
        assert other.facts.corrections() == store.facts.corrections()
        assert values(other) == values(store)


def test_namespaces_are_walls(store: MemoryStore) -> None:
    below = fill(store.namespace("below"))
    store.facts.wrong("m5#0")
    assert "Lima" in values(below) and below.facts.corrections() == []


def test_a_correction_is_no_episode(store: MemoryStore) -> None:
    made = store.facts.wrong("m5#0")
    held = store.get(made.id)
    assert (held.kind, held.text, held.sources, held.made_by) == (KIND, "", ("m5",), "facts:1")
    assert "Lima" not in str(held.data), "no copy of the text"


def test_of_contradicting_decisions_the_later_holds() -> None:
    def said(verb: Any, *about: str) -> Correction:
        wordings = verb in ("same", "different", "single", "several")
        return Correction("x", verb, () if wordings else about, about if wordings else ())

    chain = together([said("same", "a", "b"), said("same", "b", "c"), said("same", "d", "a")])
    assert chain.merged == {"a": "d", "b": "d", "c": "d"}
    assert together([said("same", "a", "b"), said("same", "b", "a")]).merged == {"a": "b"}
    assert together([said("same", "a", "b"), said("different", "b", "a")]).merged == {}
    assert together([said("replaced", "f", "g"), said("kept", "f", "g")]).superseded == {}
    both = together([said("single", "a"), said("several", "a"), said("single", "b"), said("same", "c", "b")])
    assert (both.single, both.several) == ({"c"}, {"a"})
