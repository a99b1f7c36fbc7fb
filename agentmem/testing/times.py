"""The contract of time: when a thing happened, and when the memory learned it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agentmem.clock import ManualClock
from agentmem.errors import InvalidInput, MemoryNotFound
from agentmem.memory import Draft, Memory
from agentmem.store import MemoryStore
from agentmem.testing.base import DIARY, NOW, StoreCase, episodes, fingerprint, texts

DAY = timedelta(days=1)
BEFORE = NOW - DAY
"""Before anything of a test was recorded."""


class TimeContract(StoreCase):
    """``at``, ``during``, ``known_at``; validity, expiry and history."""

    # --- when it happened -------------------------------------------------------------------------
    def test_during(self, diary: MemoryStore) -> None:
        """``during`` is half-open, may be open on a side, and holds in search and list alike."""
        first, last = DIARY[3].at, DIARY[5].at
        cases: list[tuple[tuple[Any, Any], list[int]]] = [
            ((first, last), [3, 4]),
            ((last, None), [5, 6, 7, 8, 9]),
            ((None, first), [0, 1, 2]),
            ((None, None), list(range(10))),
            (("2030-01-01", "2031-01-01"), []),
            ((first, first), []),
        ]
        for during, wanted in cases:
            assert texts(episodes(diary, during=during)) == [DIARY[i].text for i in wanted]
            found = diary.search("Grace Lisbon diving driving Biscuit cabin", k=10, during=during)
            assert {hit.memory.text for hit in found} <= {DIARY[i].text for i in wanted}
        hits = diary.search("Is she enjoying the university?", k=5, during=(first, last))
        assert hits[0].memory.text == DIARY[4].text

    @pytest.mark.parametrize(
        "during", ["2024", ("2024-01-02", "2024-01-01"), ("2024-01-01",), ("soon", None), (None, None, None)]
    )
    def test_spans_that_are_none(self, diary: MemoryStore, during: Any) -> None:
        """A span is a pair that does not end before it starts."""
        with pytest.raises(InvalidInput, match="during"):
            diary.search("x", during=during)
        with pytest.raises(InvalidInput, match="during"):
            list(diary.list(during=during))

    def test_an_appointment_is_found_before_its_day(self, memory: MemoryStore) -> None:
        """``at=`` of a search never hides what is dated later."""
        id = memory.add("The dentist appointment is on Friday.", at=NOW + 9 * DAY).id
        for at in (BEFORE, NOW, NOW + 20 * DAY):
            assert [hit.memory.id for hit in memory.search("dentist appointment", at=at)] == [id]

    def test_what_expired_is_not_recalled(self, memory: MemoryStore, clock: ManualClock) -> None:
        """From ``expires_at`` on a memory is not recalled; it stays listed until it is forgotten."""
        kept = memory.add("The parking ticket is green.", id="kept").id
        gone = memory.add("The parking ticket is valid today.", id="gone", expires_at=NOW + DAY).id

        def found(**times: Any) -> set[str]:
            return {hit.memory.id for hit in memory.search("parking ticket", **times)}

        assert found() == {kept, gone}
        assert found(at=NOW + DAY) == {kept}
        assert found(at=NOW + DAY - timedelta(microseconds=1)) == {kept, gone}
        clock.advance(2 * DAY)
        assert found() == {kept}
        assert found(at=NOW) == {kept, gone}
        assert gone not in {hit.memory.id for hit in memory.context("parking ticket").hits}
        assert {m.id for m in memory.list()} >= {kept, gone}

    def test_validity_is_judged_at_the_asked_time(self, memory: MemoryStore) -> None:
        """Of two facts about one thing, the one that holds at the asked time comes first."""
        memory.add("Ada lives in Berlin.", valid_from="2020-01-01", valid_until="2023-01-01", at="2020-01-01")
        memory.add("Ada lives in Lisbon.", valid_from="2023-01-01", at="2023-01-01")
        assert memory.search("Where does Ada live?", at="2022-06-01")[0].memory.text.endswith("Berlin.")
        assert memory.search("Where does Ada live?", at="2024-06-01")[0].memory.text.endswith("Lisbon.")

    def test_questions_with_a_time(self, memory: MemoryStore) -> None:
        """Words such as "last week", and months, are read against ``at=`` and the memories' own times."""
        for month in range(1, 13):
            memory.add("We had dinner at the harbour.", at=f"2023-{month:02}-10T19:00:00Z", speaker="Ada")
        may = memory.search("When did we have dinner at the harbour in May 2023?", k=1)[0].memory
        assert (may.at.year, may.at.month) == (2023, 5)
        last_week = memory.search("dinner at the harbour last week", k=1, at="2023-08-16T12:00:00Z")[0].memory
        assert (last_week.at.year, last_week.at.month) == (2023, 8)

    @pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31T23:59:59Z"])
    def test_absurd_times_are_times(self, memory: MemoryStore, at: str) -> None:
        """The first and the last year there are can be written and asked about."""
        memory.add("at the edge of time", at=at)
        memory.add("in between")
        for question in ("edge of time", "last week", "two years ago", "in May 2023", "yesterday"):
            for asked in (at, NOW):
                memory.search(question, at=asked)
                memory.context(question, at=asked)
                memory.ask(question, at=asked)
        assert texts(memory.search("edge of time", k=1, at=at)) == ["at the edge of time"]
        assert memory.forget(at="0001-01-01", dry_run=True) == []

    # --- when it was learned ----------------------------------------------------------------------
    def _changing(self, memory: MemoryStore, clock: ManualClock) -> None:
        """Day 0: a, b. Day 1: a updated. Day 2: b deleted, c added. Day 3: b restored."""
        memory.add("The code of the gate is 1111.", id="a", session="s", metadata={"n": 1})
        memory.add("The gate is painted green.", id="b", session="s")
        clock.set(NOW + DAY)
        memory.update("a", text="The code of the gate is 2222.", metadata={"n": 2})
        clock.set(NOW + 2 * DAY)
        memory.delete("b")
        memory.add("The gate squeaks.", id="c", session="s")
        clock.set(NOW + 3 * DAY)
        memory.restore("b")

    def test_as_known_then(self, memory: MemoryStore, clock: ManualClock) -> None:
        """With ``known_at`` every read shows the versions known then."""
        self._changing(memory, clock)
        half = timedelta(hours=12)
        known: list[tuple[Any, dict[str, str]]] = [
            (BEFORE, {}),
            (NOW, {"a": "1111", "b": "green"}),
            (NOW + half, {"a": "1111", "b": "green"}),
            (NOW + DAY, {"a": "2222", "b": "green"}),
            (NOW + 2 * DAY + half, {"a": "2222", "c": "squeaks"}),
            (NOW + 3 * DAY, {"a": "2222", "b": "green", "c": "squeaks"}),
            (None, {"a": "2222", "b": "green", "c": "squeaks"}),
        ]
        for when, wanted in known:
            assert {m.id for m in memory.list(known_at=when)} == set(wanted)
            hits = memory.search("code of the green gate that squeaks", k=10, known_at=when)
            assert {hit.memory.id for hit in hits} == set(wanted)
            for found in ([h.memory for h in hits], list(memory.list(known_at=when))):
                assert all(wanted[m.id] in m.text for m in found)
            for id, part in wanted.items():
                assert part in memory.get(id, known_at=when).text
            for id in {"a", "b", "c"} - set(wanted):
                with pytest.raises(MemoryNotFound):
                    memory.get(id, known_at=when)
            assert {m.id for m in memory.get_many(["a", "b", "c"], known_at=when)} == set(wanted)

    def test_as_known_then_with_the_rest(self, memory: MemoryStore, clock: ManualClock) -> None:
        """``known_at`` goes with filters, ``during``, ``at`` and ``k``."""
        self._changing(memory, clock)
        assert [h.memory.id for h in memory.search("gate", known_at=NOW, filter={"n": 1})] == ["a"]
        assert memory.search("gate", known_at=NOW, filter={"n": 2}) == []
        assert [m.id for m in memory.list(known_at=NOW, filter={"n": 1})] == ["a"]
        assert memory.search("gate", known_at=NOW, during=(None, BEFORE)) == []
        assert len(memory.search("gate", k=1, known_at=NOW)) == 1
        assert len(memory.recall("gate", known_at=NOW + 3 * DAY)) == 3

    def test_as_known_now_is_now(self, diary: MemoryStore, clock: ManualClock) -> None:
        """The slow path agrees with the fast one."""
        clock.advance(DAY)
        for query in ("Where did Grace move?", "Biscuit", "Is she enjoying it?"):
            fast, slow = diary.search(query), diary.search(query, known_at=clock())
            assert [h.memory.text for h in slow] == [h.memory.text for h in fast]
            assert [h.score for h in slow] == pytest.approx([h.score for h in fast], abs=0.02)

    def test_both_times_in_asking(self, memory: MemoryStore, clock: ManualClock) -> None:
        """``context`` and ``ask`` take ``known_at`` as every read does."""
        self._changing(memory, clock)
        assert "1111" in memory.context("code of the gate", known_at=NOW).text
        assert "2222" in memory.context("code of the gate").text
        assert "1111" in (memory.ask("What is the code of the gate?", known_at=NOW).text or "")
        assert "2222" in (memory.ask("What is the code of the gate?").text or "")

    # --- history ----------------------------------------------------------------------------------
    def test_an_update_keeps_what_was(self, memory: MemoryStore, clock: ManualClock) -> None:
        """``update`` writes a new version; what is not given stays; the old one is in the history."""
        first = memory.add(
            "The meeting is at nine.",
            at="2024-04-01T09:00:00+02:00",
            speaker="Ada",
            session="work",
            metadata={"a": 1, "b": 2},
            data={"x": 1},
            role="user",
            trust=0.5,
        )
        clock.advance(DAY)
        second = memory.update(first.id, text="The meeting is at ten.", metadata={"b": 3}, merge=True)
        assert second.version == 2 and second.recorded_at == NOW + DAY
        assert second.metadata == {"a": 1, "b": 3}
        same = ("at", "speaker", "session", "data", "role", "trust", "kind", "id", "namespace", "sources")
        assert all(getattr(second, name) == getattr(first, name) for name in same)
        clock.advance(DAY)
        third = memory.update(first.id, at="2024-04-02", speaker="Ben", session="home", metadata={"c": 4})
        assert (third.speaker, third.session, third.metadata) == ("Ben", "home", {"c": 4})
        assert third.text == "The meeting is at ten." and third.at.isoformat() == "2024-04-02T00:00:00+00:00"
        history = memory.history(first.id)
        assert [m.version for m in history] == [1, 2, 3]
        assert [m.retired_at for m in history] == [NOW + DAY, NOW + 2 * DAY, None]
        assert history[2] == third == memory.get(first.id)
        assert (history[0].text, history[0].metadata) == ("The meeting is at nine.", {"a": 1, "b": 2})

    def test_an_old_version_is_not_recalled(self, memory: MemoryStore) -> None:
        """After an update, a memory is found by its new words, once, and not by the old ones."""
        id = memory.add("The spare key is under the flowerpot.").id
        memory.search("flowerpot")
        memory.update(id, text="The spare key is with the neighbour.")
        assert texts(memory.search("spare key")) == ["The spare key is with the neighbour."]
        assert not any("flowerpot" in text for text in texts(memory.search("flowerpot")))
        assert len(episodes(memory)) == 1

    def test_an_update_keeps_the_place(self, memory: MemoryStore) -> None:
        """A memory keeps its place in the order of arrival."""
        ids = [m.id for m in memory.add_many(["one", "two", "three"])]
        memory.update(ids[0], text="one again")
        assert [m.id for m in episodes(memory, order="position")] == ids
        assert [m.id for m in episodes(memory)] == ids

    def test_many_versions_in_one_moment(self, memory: MemoryStore) -> None:
        """With a clock that stands still, the newest version counts and the history is in order."""
        id = memory.add("version 1").id
        for i in range(2, 6):
            memory.update(id, text=f"version {i}")
        assert memory.get(id).text == "version 5"
        assert texts(memory.history(id)) == [f"version {i}" for i in range(1, 6)]
        assert memory.get(id, known_at=NOW).text == "version 5"

    def test_updates_of_nothing(self, memory: MemoryStore) -> None:
        """Updating what is not there, or with what cannot be stored, fails by name and changes nothing."""
        id = memory.add("here").id
        with pytest.raises(MemoryNotFound, match="nobody"):
            memory.update("nobody", text="x")
        for bad in ({"text": ""}, {"text": "\0"}, {"metadata": {"a": {1}}}, {"at": "soon"}):
            arguments: dict[str, Any] = dict(bad)
            with pytest.raises(InvalidInput):
                memory.update(id, **arguments)
        memory.delete(id)
        with pytest.raises(MemoryNotFound):
            memory.update(id, text="x")
        assert texts(memory.history(id)) == ["here"]
        with pytest.raises(MemoryNotFound):
            memory.history("nobody")

    def test_deleted_and_restored(self, diary: MemoryStore, clock: ManualClock) -> None:
        """What is deleted is gone from every read, stays in history, and comes back as it was."""
        before = fingerprint(diary.search("Where did Grace move?"))
        victim = diary.search("Where did Grace move?", k=1)[0].memory
        listed = [m.id for m in diary.list()]
        clock.advance(DAY)
        assert diary.delete(victim.id) == 1
        assert diary.delete([victim.id, "nobody"]) == 0
        assert victim.id not in [m.id for m in diary.list()]
        assert victim.id not in [hit.memory.id for hit in diary.search("Where did Grace move?")]
        with pytest.raises(MemoryNotFound):
            diary.get(victim.id)
        assert [m.retired_at for m in diary.history(victim.id)] == [NOW + DAY]
        clock.advance(DAY)
        assert diary.restore([victim.id, "nobody"]) == 1
        assert diary.restore(victim.id) == 0
        back = diary.get(victim.id)
        assert _same(back, victim) and back.version == 2
        assert [m.id for m in diary.list()] == listed
        assert fingerprint(diary.search("Where did Grace move?", at=NOW)) == before

    def test_a_deleted_turn_gives_its_neighbours_nothing(self, memory: MemoryStore) -> None:
        """The words of a deleted turn do not bring up the turns beside it."""
        memory.add_many(Draft(f"filler {i}", session="s", at=NOW + i * DAY) for i in range(6))
        id = memory.add("zanzibar", session="s", at=NOW + timedelta(hours=1)).id
        memory.search("zanzibar")
        memory.delete(id)
        hits = memory.search("zanzibar", k=10)
        assert all("words" not in hit.signals or not hit.signals["words"] for hit in hits)


def _same(one: Memory, other: Memory) -> bool:
    """Whether two versions say the same."""
    names = ("id", "text", "at", "speaker", "session", "metadata", "data", "kind", "role", "sources", "trust")
    return all(getattr(one, name) == getattr(other, name) for name in names)
