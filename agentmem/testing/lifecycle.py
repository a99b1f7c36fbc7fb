"""The contract of an end: forgetting, erasing, consolidating and taking it back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agentmem.clock import ManualClock
from agentmem.errors import InvalidInput, MemoryNotFound
from agentmem.store import MemoryStore
from agentmem.testing.base import NOW, StoreCase, episodes, fingerprint, texts

DAY = timedelta(days=1)


class LifecycleContract(StoreCase):
    """``forget``, ``erase``, ``consolidate``, ``undo``, ``pending``, ``flush``, ``stats``, ``duplicates``."""

    # --- forgetting -------------------------------------------------------------------------------
    def test_what_expired_is_forgotten(self, memory: MemoryStore, clock: ManualClock) -> None:
        """``forget`` retires what has expired by a time; it can be restored."""
        memory.add("stays", id="stays")
        memory.add("goes soon", id="soon", expires_at=NOW + DAY)
        memory.add("goes later", id="later", expires_at=NOW + 9 * DAY)
        assert "soon" not in [m.id for m in memory.forget()]
        clock.advance(2 * DAY)
        assert [m.id for m in memory.forget(dry_run=True)] == ["soon"]
        assert memory.get("soon").retired_at is None
        assert [m.id for m in memory.forget()] == ["soon"]
        with pytest.raises(MemoryNotFound):
            memory.get("soon")
        assert texts(memory.history("soon")) == ["goes soon"]
        assert memory.forget(dry_run=True) == []
        assert [m.id for m in memory.forget(at=NOW + 30 * DAY, dry_run=True)] == ["later"]
        assert memory.restore("soon") == 1

    # --- erasing ----------------------------------------------------------------------------------
    def test_what_is_erased_is_gone(self, diary: MemoryStore, clock: ManualClock) -> None:
        """After ``erase`` no read finds a memory, at no time, in no version; the report says what went."""
        victim = diary.search("Where did Grace move?", k=1)[0].memory
        clock.advance(DAY)
        diary.update(victim.id, text="My sister Grace moved to Porto.")
        report = diary.erase(ids=victim.id)
        assert report.ids == (victim.id,)
        assert report.versions == 2 and report.complete and report.caches
        assert report.words >= 1, "only it said Porto"
        assert report.to_dict()["ids"] == [victim.id]
        for known_at in (None, NOW, NOW + DAY):
            found = diary.search("Grace Porto Lisbon marine biology", k=20, known_at=known_at)
            assert victim.id not in [hit.memory.id for hit in found]
            assert victim.id not in [m.id for m in diary.list(known_at=known_at)]
            with pytest.raises(MemoryNotFound):
                diary.get(victim.id, known_at=known_at)
        with pytest.raises(MemoryNotFound):
            diary.history(victim.id)
        assert diary.restore(victim.id) == 0
        assert diary.erase(ids=victim.id).ids == ()

    def test_the_others_stay(self, diary: MemoryStore) -> None:
        """Erasing one leaves all others, with the answers of a memory that never held it."""
        plain, erased = diary.namespace("plain"), diary.namespace("erased")
        everything = [(m.text, m.at, m.speaker, m.session) for m in episodes(diary)]
        for n, (text, at, speaker, session) in enumerate(everything):
            erased.add(text, at=at, speaker=speaker, session=session, id=str(n))
            if n != 4:
                plain.add(text, at=at, speaker=speaker, session=session, id=str(n))
        erased.search("university")
        erased.erase(ids="4")
        assert texts(episodes(erased)) == texts(episodes(plain))
        for query in ("Is she enjoying the university there?", "Grace", "Biscuit"):
            assert fingerprint(erased.search(query)) == fingerprint(plain.search(query))
        assert len(episodes(diary)) == len(everything)

    def test_what_was_derived_goes_too(self, memory: MemoryStore) -> None:
        """Erasing an episode erases what names it as a source, and what names that."""
        memory.add("the episode", id="episode")
        memory.add("a note on it", id="note", kind="note", sources=["episode"])
        memory.add("a note on the note", id="thought", kind="note", sources=["note"])
        memory.add("another", id="other")
        report = memory.erase(ids="episode")
        assert report.ids == ("episode",) and set(report.derived) >= {"note", "thought"}
        assert [m.id for m in memory.list()] == ["other"]

    def test_erasing_by_filter(self, memory: MemoryStore) -> None:
        """``filter=`` erases all live memories that match; ``{}`` all there are."""
        memory.add_many([{"text": f"item {i}", "metadata": {"odd": bool(i % 2)}} for i in range(10)])
        report = memory.erase(filter={"odd": True})
        assert len(report.ids) == 5
        assert [m.metadata["odd"] for m in episodes(memory)] == [False] * 5
        assert len(memory.erase(filter={}).ids) == 5
        assert list(memory.list()) == [] and memory.search("item") == []
        assert memory.stats().versions == 0

    def test_erasing_what_was_deleted(self, memory: MemoryStore) -> None:
        """A deleted memory is erased by its id."""
        id = memory.add("to be gone for good").id
        memory.delete(id)
        assert memory.erase(ids=[id]).versions == 1
        with pytest.raises(MemoryNotFound):
            memory.history(id)

    def test_erasing_needs_to_be_told_what(self, diary: MemoryStore) -> None:
        """Neither or both of ``ids`` and ``filter`` is an error; nothing is erased by a slip."""
        with pytest.raises(InvalidInput, match="filter"):
            diary.erase()
        with pytest.raises(InvalidInput):
            diary.erase(ids="x", filter={})
        assert diary.erase(ids=[]).ids == () and diary.erase(ids="nobody").ids == ()
        assert len(episodes(diary)) == 10

    def test_writing_after_erasing(self, memory: MemoryStore) -> None:
        """The id, the words and the search go on after an erasure."""
        memory.add("the first marmalade", id="a")
        memory.search("marmalade")
        memory.erase(ids="a")
        again = memory.add("the second marmalade", id="a")
        assert again.version == 1
        assert texts(memory.search("marmalade")) == ["the second marmalade"]

    # --- consolidation ----------------------------------------------------------------------------
    def test_consolidation_is_reversible(self, diary: MemoryStore) -> None:
        """``consolidate`` reports a run, and ``undo`` takes it back; a second run finds nothing new."""
        before, answers = [m.id for m in diary.list()], fingerprint(diary.search("Where did Grace move?"))
        report = diary.consolidate()
        assert report.run and report.left == 0
        assert {m.id for m in diary.list()} == set(before) - set(report.retired) | set(report.added)
        again = diary.consolidate()
        assert again.run != report.run and not again.added
        diary.undo(again.run)
        diary.undo(report.run)
        assert [m.id for m in diary.list()] == before
        assert fingerprint(diary.search("Where did Grace move?")) == answers
        assert diary.undo("no such run") == 0

    # --- staleness --------------------------------------------------------------------------------
    def test_what_rests_on_a_change_is_stale(self, memory: MemoryStore, clock: ManualClock) -> None:
        """What was derived from a memory that says something else now is listed, counted and told."""
        memory.add("Ada lives in Paris.", id="episode")
        memory.add("Home: Paris.", id="note", kind="note", sources=["episode"])
        memory.add("A Parisian!", id="thought", kind="note", sources=["note"])
        memory.add("Another note entirely, on kettles.", id="other", kind="note", sources=["episode", "note"])
        memory.add("You said Paris.", id="reply", role="assistant", sources=["episode"])  # came in, too
        assert memory.stale() == [] and memory.stats().stale == 0
        clock.advance(DAY)
        memory.update("episode", metadata={"seen": True})
        assert memory.stale() == [], "it says the same"
        memory.update("episode", text="Ada lives in Rome.")
        assert {one.memory.id: one.changed for one in memory.stale()} == {
            "note": ("episode",), "thought": ("note",), "other": ("episode", "note"),
        }  # fmt: skip
        assert memory.stats().stale == 3
        hit = next(hit for hit in memory.search("kettles") if hit.memory.id == "other")
        assert hit.stale == ("episode", "note") and hit.signals["prior"] < 0
        assert any("stale" in reason for reason in hit.why)
        assert "out of date" in memory.context("kettles").text
        fresh = [hit for hit in memory.search("Ada lives in Rome") if hit.memory.id == "episode"]
        assert fresh and fresh[0].stale == ()

    def test_what_is_derived_anew_is_stale_no_more(self, memory: MemoryStore, clock: ManualClock) -> None:
        """Staleness goes with a new version, with a source that says the old thing again, or comes back."""
        memory.add("Ada lives in Paris.", id="episode")
        memory.add("Home: Paris, kettles.", id="note", kind="note", sources=["episode"])
        memory.add("A Parisian, kettles.", id="thought", kind="note", sources=["note"])

        def stale() -> set[str]:
            found = {one.memory.id for one in memory.stale()}
            hits = [hit for hit in memory.search("kettles", k=50) if hit.memory.kind == "note"]
            assert found == {hit.memory.id for hit in hits if hit.stale}
            return found

        clock.advance(DAY)
        memory.update("episode", text="Ada lives in Rome.")
        assert stale() == {"note", "thought"}
        clock.advance(DAY)
        memory.update("note", text="Home: Rome, kettles.")
        assert stale() == {"thought"}
        clock.advance(DAY)
        memory.update("thought", text="A Roman, kettles.")
        assert stale() == set()
        clock.advance(DAY)
        memory.delete("episode")
        assert stale() == {"note", "thought"}
        memory.restore("episode")
        assert stale() == set()
        clock.advance(DAY)
        memory.delete("note")
        memory.update("episode", text="Ada lives in Oslo.")
        memory.restore("note")
        assert stale() == {"note", "thought"}, "what was restored is as old as its text"
        memory.erase(ids="episode")
        assert stale() == set() and memory.get_many(["note", "thought"]) == []

    def test_consolidation_derives_anew(self, diary: MemoryStore, clock: ManualClock) -> None:
        """Nothing that a store derives stays stale, or says what its sources say no more."""
        clock.advance(9 * DAY)
        diary.consolidate()
        victim = next(m for m in episodes(diary) if "Lisbon" in m.text)
        clock.advance(DAY)
        diary.update(victim.id, text="My sister Grace moved to Reykjavik to study marine biology.")
        own = [one for one in diary.stale() if one.memory.made_by]
        assert diary.pending() == len(own)
        diary.consolidate()
        assert diary.stale() == [] and diary.pending() == 0
        assert not any("Lisbon" in memory.text for memory in diary.list())
        diary.delete(victim.id)
        diary.consolidate()
        assert diary.stale() == [] and not any("Reykjavik" in memory.text for memory in diary.list())

    def test_the_newest_memories_are_what_came_in(self, diary: MemoryStore, clock: ManualClock) -> None:
        """A context without a question shows no derived rows."""
        clock.advance(9 * DAY)
        diary.consolidate()
        assert all(hit.memory.made_by is None for hit in diary.context(tokens=4000).hits)
        assert len(diary.context(tokens=4000).hits) == len(episodes(diary))

    def test_nothing_is_pending_with_a_local_embedder(self, diary: MemoryStore) -> None:
        """With an embedder on this machine nothing is put off."""
        assert diary.pending() == 0 and diary.flush() == 0

    # --- reports ----------------------------------------------------------------------------------
    def test_stats(self, diary: MemoryStore) -> None:
        """The counts are those of what is there."""
        id = episodes(diary)[0].id
        diary.update(id, text="changed")
        diary.delete(episodes(diary)[1].id)
        stats = diary.stats()
        assert stats.kinds["episode"] == 9 == len(episodes(diary))
        assert stats.memories == sum(stats.kinds.values())
        assert stats.versions >= 11
        assert stats.first == episodes(diary)[0].at and stats.last == episodes(diary)[-1].at
        assert stats.namespaces == 1 and stats.namespace == ()
        assert stats.store == diary.name
        assert stats.to_dict()["memories"] == stats.memories

    def test_duplicates_are_reported(self, memory: MemoryStore) -> None:
        """Near-duplicates are found in groups, oldest first, and nothing is changed."""
        same = [memory.add("The cat sat on the red mat in the kitchen.").id for _ in range(2)]
        memory.add("A wholly different sentence on submarines.")
        groups = [[m.id for m in group] for group in memory.duplicates()]
        assert groups == [same]
        assert len(episodes(memory)) == 3
        with pytest.raises(InvalidInput, match="threshold"):
            memory.duplicates(0)

    def test_the_file_is_clean(self, diary: MemoryStore) -> None:
        """``check`` finds nothing after all kinds of writes."""
        ids = [m.id for m in diary.list()]
        diary.update(ids[0], text="changed")
        diary.delete(ids[1:3])
        diary.restore(ids[1])
        diary.erase(ids=ids[5])
        diary.search("changed")
        assert diary.check() == []
