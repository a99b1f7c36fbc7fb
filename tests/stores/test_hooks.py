"""What a store adds by its hooks: derived memories, links, order; traced, taken back, and its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

import agentmem
from agentmem import Cue, Derived, Draft, Hit, Link, ManualClock, Memory, MemoryStore
from agentmem.errors import MemoryNotFound, UnknownOption


class Notes(MemoryStore):
    """Writes a note on each episode; consolidation sums the notes up and retires them."""

    name = "notes"
    options: ClassVar[Mapping[str, Any]] = {"loud": False}

    def _encode(self, episodes: Sequence[Memory]) -> Derived:
        notes = [
            Draft(f"Note: {e.text.upper()}", kind="note", sources=(e.id,), id=f"note-{e.id}")
            for e in episodes
        ]
        links = [Link(f"note-{e.id}", e.id, "covers", 0.5) for e in episodes]
        return Derived(memories=tuple(notes), links=tuple(links))

    def _cue(self, query: str, k: int) -> Cue:
        return Cue(query.replace("puppy", "dog"))

    def _assemble(self, query: str, hits: list[Hit]) -> list[Hit]:
        return sorted(hits, key=lambda hit: hit.memory.kind != "episode")

    def _maintain(self, at: datetime) -> Iterator[Derived]:
        notes = list(self.list(filter={"@kind": "note"}))
        if not notes:
            return
        sources = tuple(id for note in notes for id in note.sources)
        summary = Draft("Summary of everything.", kind="summary", sources=sources)
        yield Derived(memories=(summary,), retire=tuple(note.id for note in notes))


def open_notes(path: str | Path = ":memory:", **options: Any) -> MemoryStore:
    return agentmem.open(path, store=Notes, clock=ManualClock("2024-05-01"), **options)


def test_derived_memories_name_their_sources_and_maker() -> None:
    with open_notes() as store:
        store.add("the dog barks", id="a")
        note = store.get("note-a")
        assert (note.kind, note.text, note.sources) == ("note", "Note: THE DOG BARKS", ("a",))
        assert note.made_by is not None and note.made_by.startswith("notes:") and note.run is None
        assert [(k.source, k.target, k.kind, k.weight, k.made_by) for k in store.links("a")] == [
            ("note-a", "a", "covers", 0.5, note.made_by)
        ]
        assert store.stats().kinds == {"episode": 1, "note": 1} and store.stats().links == 1
        assert store.check() == []


def test_the_cue_and_the_order_are_the_stores() -> None:
    with open_notes() as store:
        store.add("the dog barks", id="a")
        store.add("rain in the afternoon", id="b")
        hits = store.search("puppy", k=2)
        assert [hit.memory.id for hit in hits] == ["a", "note-a"]


def test_consolidation_is_one_run_and_is_undone() -> None:
    with open_notes() as store:
        store.add_many([{"text": "one", "id": "a"}, {"text": "two", "id": "b"}])
        report = store.consolidate()
        (added,) = report.added
        summary = store.get(added)
        assert (summary.run, summary.sources) == (report.run, ("a", "b"))
        assert set(report.retired) == {"note-a", "note-b"}
        assert {m.id for m in store.list()} == {"a", "b", summary.id}
        assert store.consolidate().added == ()
        assert store.undo(report.run) == 3
        assert {m.id for m in store.list()} == {"a", "b", "note-a", "note-b"}
        assert store.get("note-a").version == 2
        with pytest.raises(MemoryNotFound):
            store.get(summary.id)
        assert store.undo(report.run) == 0
        assert store.check() == []


def test_erasing_an_episode_erases_what_it_led_to() -> None:
    with open_notes() as store:
        store.add("one", id="a")
        store.add("two", id="b")
        report = store.consolidate()
        erased = store.erase(ids="a")
        assert set(erased.derived) == {"note-a", *report.added}
        assert [m.id for m in store.list()] == ["b"]
        assert store.links() == [] or all("a" not in (k.source, k.target) for k in store.links())


def test_a_store_is_a_view_of_the_episodes(tmp_path: Path) -> None:
    """Another store on the same file sees the episodes and neither shows nor loses what this one made."""
    path = tmp_path / "memory.db"
    with open_notes(path) as store:
        store.add("the dog barks", id="a")
    with agentmem.open(path, store="episodic") as other:
        assert [hit.memory.id for hit in other.search("dog barks", k=5)] == ["a"]
        other.add("the dog sleeps", id="b")
    with open_notes(path) as store:
        assert store.get("note-a").sources == ("a",)
        found = {hit.memory.id for hit in store.search("dog", k=5)}
        assert {"a", "note-a", "b"} <= found


def test_a_hook_that_fails_writes_nothing() -> None:
    class Broken(Notes):
        def _encode(self, episodes: Sequence[Memory]) -> Derived:
            return Derived(memories=(Draft("bad\0", kind="note"),))

    with agentmem.open(":memory:", store=Broken) as store:
        with pytest.raises(agentmem.AgentmemError):
            store.add("x")
        assert list(store.list()) == []


def test_options_are_the_stores() -> None:
    with open_notes(loud=True) as store:
        assert store._options == {"loud": True, "updates": "strict"}, "and those of every store"
        assert store.namespace("a")._options == store._options
    with pytest.raises(UnknownOption, match="quiet"):
        open_notes(quiet=True)
