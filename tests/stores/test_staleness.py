"""What was derived from something that changed: said to be stale, derived anew, in every store."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agentmem
from agentmem import staleness
from agentmem.clock import ManualClock
from agentmem.interchange import import_file
from agentmem.interchange.export import export_lines
from agentmem.language.openai import OpenAIChat
from agentmem.memory import Artifact
from agentmem.store import MemoryStore
from agentmem.testing.base import DIARY
from agentmem.testing_openai import ScriptedOpenAI

NOW = "2024-05-01T12:00:00Z"
MINUTE = timedelta(minutes=1)


def opened(
    store: str, path: str | Path = ":memory:", clock: ManualClock | None = None, **options: Any
) -> Any:
    return agentmem.open(path, store=store, clock=clock or ManualClock(NOW), **options)


def artifacts(store: MemoryStore, kind: str | None = None) -> dict[tuple[str, str], Artifact]:
    found = store._runtime.backend.artifacts(store._runtime.number(()) or 0, kind=kind)
    return {(one.source, one.kind): one for one in found}


# --- every store derives anew -------------------------------------------------------------------------


def test_digests_over_two_levels() -> None:
    """An episode, the summary of its day, the overview over all days."""
    clock = ManualClock(NOW)
    with opened("forgetting", clock=clock) as store:
        store.add("I adopted a greyhound named Biscuit.", id="1", at="2024-04-01T10:00Z", speaker="Ada")
        store.add("My sister Grace moved to Lisbon.", id="2", at="2024-04-02T10:00Z", speaker="Ada")
        store.consolidate()
        clock.advance(MINUTE)
        store.update("1", text="I adopted a lurcher named Biscuit.")
        old = {one.memory.kind: one.changed for one in store.stale()}
        assert {"day-summary", "overview"} <= set(old) and old["day-summary"] == ("1",)
        assert store.pending() == store.stats().stale == store.stats().pending == len(old)
        hits = store.search("greyhound Biscuit", 20)
        assert [hit.stale for hit in hits if hit.stale] == [("1",)]
        assert all(hit.memory.kind == "day-summary" for hit in hits if hit.stale)
        store.consolidate()
        assert store.stale() == [] and store.pending() == 0
        overview = store.overview()
        assert overview is not None and "lurcher" in overview.text and "greyhound" not in overview.text
        assert not any(hit.stale for hit in store.search("lurcher Biscuit", 20))


def test_a_note_that_borrowed_from_a_neighbour() -> None:
    """The turn before gave the context; it changes, and the note of the turn after it is made anew."""
    with opened("zettelkasten") as store:
        store.add("The kettle in the kitchen broke again.", id="a", session="s", at="2024-04-01T10:00Z")
        store.add("It whistled for an hour.", id="b", session="s", at="2024-04-01T10:01Z")
        store.consolidate()
        assert "a" in store.note("b").sources
        store.update("a", text="The boiler in the cellar broke again.")
        assert {one.memory.id.partition("#")[0] for one in store.stale()} == {"a", "b"}
        store.consolidate()
        assert store.stale() == []
        assert "kettle" not in " ".join(m.text for m in store.list())


def test_a_note_that_a_model_evolved() -> None:
    """The episode by whose arrival a neighbour's note was rewritten changes: that note is made anew."""
    first = json.dumps({"keywords": ["greyhound"], "context": "Ada has a dog.", "tags": ["pets"]})
    linked = json.dumps(
        {"links": [{"label": "N1", "reason": "same dog"}], "tags": ["dogs"], "rewrite": ["N1"]}
    )
    evolved = json.dumps({"notes": [{"label": "N1", "context": "The dog is ill.", "tags": ["health"]}]})
    none = json.dumps({"links": [], "tags": [], "rewrite": []})
    with ScriptedOpenAI([first, first, linked, evolved]) as server:
        llm = OpenAIChat("scripted", base_url=server.base_url, retries=0, timeout=10)
        with opened("zettelkasten", llm=llm) as store:
            store.add("I adopted a greyhound named Biscuit.", id="a", at="2023-05-08")
            store.add("Biscuit has a fever.", id="b", at="2023-06-01")
            store.consolidate()
            assert store.note("a").annotation.context == "The dog is ill." and store.stale() == []
            store.update("b", text="Biscuit is well again.")
            assert {one.memory.id.partition("#")[0] for one in store.stale()} == {"a", "b"}
            server.extend([first, none] * 2)
            store.consolidate()
            assert store.note("a").annotation.context == "Ada has a dog." and store.stale() == []
        llm.close()


def test_triples_follow_their_memory() -> None:
    """HippoRAG reads a new version again; what it read of the old one is gone from the graph."""
    with opened("hipporag") as store:
        store.add("Ada Lovelace lives in Paris.", id="a")
        store.consolidate()
        store.update("a", text="Ada Lovelace lives in Rome.")
        store.consolidate()
        held = artifacts(store)["a", "triples"]
        assert held.version == 2 and "Rome" in json.dumps(held.data) and "Paris" not in json.dumps(held.data)
        assert "phrase:paris" not in store.graph() and "phrase:rome" in store.graph()


def test_events_follow_their_turns() -> None:
    """A record of an event is made anew when a turn of it changes, and never read while it is old."""
    turns = [
        {
            "text": f"{topic} {word} and more on the {topic}.",
            "session": "s",
            "at": f"2024-03-01T10:{n:02}:00Z",
        }
        for n, (topic, word) in enumerate(
            (topic, word)
            for topic in ("garden", "football", "soup", "opera")
            for word in ("first", "then", "also", "even", "so", "well", "but", "yet")
        )
    ]
    with opened("episodic", max_turns=6) as store:
        ids = [m.id for m in store.add_many(turns)]
        store.consolidate()
        before = artifacts(store, "event")
        head = next(iter(before))[0]
        store.update(head, text="A wholly different opening on submarines.")
        store.consolidate()
        live = {m.id: m.version for m in store.get_many(ids)}
        events = [event for event in store.timeline() if event.closed]
        after = artifacts(store, "event")
        assert {event.id for event in events} <= {source for source, _ in after}
        assert all(after[event.id, "event"].version == live[event.id] for event in events)


# --- undo takes back all of it -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["episodic", "hipporag", "forgetting", "zettelkasten"])
def test_undo_leaves_nothing_of_a_run(name: str, tmp_path: Path) -> None:
    """Memories, links and artifacts are as before the consolidation, and so is a second handle's view."""
    path = tmp_path / "m.db"
    with opened(name, path) as store, opened(name, path) as other:
        store.add_many(DIARY)
        store.add_many([{"text": f"The kettle number {n} whistles.", "session": "k"} for n in range(40)])
        other.search("Biscuit")
        before = (list(store.list()), store.links(), artifacts(store))
        report = store.consolidate()
        other.search("Biscuit")
        assert store.undo(report.run) >= 0
        assert (list(store.list()), store.links(), artifacts(store)) == before
        again = store.consolidate()
        assert (len(again.added), again.linked) == (len(report.added), report.linked)
        assert store.check() == []


# --- the law against its definition --------------------------------------------------------------------

IDS = ("a", "b", "c", "n", "p")
STEPS = st.lists(
    st.tuples(st.sampled_from(["update", "delete", "restore", "derive", "erase"]), st.sampled_from(IDS)),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_what_is_kept_in_step_is_what_a_fresh_look_finds(steps: list[tuple[str, str]]) -> None:
    clock = ManualClock(NOW)
    sources = {"n": ["a", "b"], "p": ["n", "c"]}
    with opened("unified", clock=clock, embedder="none") as store:
        for id in "abc":
            store.add(f"word {id}", id=id)
        for number, (verb, id) in enumerate(steps):
            clock.advance(MINUTE)
            if verb == "derive" and id in sources:
                store.add(f"word {number}", id=id, kind="note", sources=sources[id], on_conflict="replace")
            elif verb == "update" and store.get_many([id]):
                store.update(id, text=f"word {number}")
            elif verb in ("delete", "restore", "erase"):
                {"delete": store.delete, "restore": store.restore, "erase": lambda one: store.erase(ids=one)}[
                    verb
                ](id)
            found = {hit.memory.id: hit.stale for hit in store.search("word", 20) if hit.stale}
            assert found == {one.memory.id: one.changed for one in store.stale()}


def test_an_export_keeps_what_is_stale(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    with opened("unified", clock=clock) as store:
        store.add("Ada lives in Paris.", id="a")
        clock.advance(MINUTE)
        store.add("Home: Paris.", id="n", kind="note", sources=["a"])
        store.add("Home: Paris!", id="m", kind="note", sources=["a"])
        clock.advance(MINUTE)
        store.update("a", text="Ada lives in Rome.")
        clock.advance(MINUTE)
        store.update("m", text="Home: Rome.")
        file = tmp_path / "all.jsonl"
        file.write_text("\n".join(export_lines(store)))
    with opened("unified") as store:
        import_file(store, file)
        assert [one.memory.id for one in store.stale()] == ["n"]
        assert [hit.memory.id for hit in store.search("Home") if hit.stale] == ["n"]


def test_no_store_pays_for_what_it_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Episodes alone are never looked at."""
    monkeypatch.setattr(staleness, "_Judged", None)
    with opened("unified") as store:
        store.add_many(DIARY)
        assert all(hit.stale == () for hit in store.search("Biscuit"))
