"""The contract of writing: what comes in, comes back as it was; what cannot be kept is refused by name."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from agentmem.clock import ManualClock
from agentmem.errors import BatchFailed, DuplicateId, InvalidInput, UnknownOption
from agentmem.memory import Draft, Memory, memory_from_dict
from agentmem.store import MemoryStore
from agentmem.testing.base import NOW, StoreCase, episodes, rests_on

REFUSED: dict[str, dict[str, Any]] = {
    "text that is no string": {"text": 7},
    "NUL in the text": {"text": "a\0b"},
    "a lone surrogate in the text": {"text": "a\ud800b"},
    "NUL in the speaker": {"text": "x", "speaker": "a\0"},
    "a lone surrogate in the session": {"text": "x", "session": "\udfff"},
    "an empty id": {"text": "x", "id": ""},
    "a control character in the id": {"text": "x", "id": "a\nb"},
    "metadata that is no mapping": {"text": "x", "metadata": ["a"]},
    "metadata with a key that is no string": {"text": "x", "metadata": {1: "a"}},
    "metadata with a set": {"text": "x", "metadata": {"a": {1}}},
    "metadata with a datetime": {"text": "x", "metadata": {"a": NOW}},
    "metadata with nan": {"text": "x", "metadata": {"a": math.nan}},
    "metadata with infinity": {"text": "x", "metadata": {"a": math.inf}},
    "metadata with a lone surrogate": {"text": "x", "metadata": {"a": ["\ud83d"]}},
    "metadata with a lone surrogate in a key": {"text": "x", "metadata": {"\ud83d": 1}},
    "data with a lone surrogate": {"text": "x", "data": "\ud83d"},
    "data that is not JSON": {"text": "x", "data": object()},
    "a time that is none": {"text": "x", "at": "yesterday or so"},
    "a time before the year 1": {"text": "x", "at": -1e12},
    "a time after the year 9999": {"text": "x", "at": "9999-12-31T23:59:59-10:00"},
    "a time that is nan": {"text": "x", "at": math.nan},
    "a time that is a bool": {"text": "x", "at": True},
    "trust over 1": {"text": "x", "trust": 1.5},
    "a role there is none of": {"text": "x", "role": "narrator"},
    "sources that are one string": {"text": "x", "sources": "abc"},
}


class WritingContract(StoreCase):
    """``add`` and ``add_many``."""

    # --- round trips ------------------------------------------------------------------------------
    def test_every_field_comes_back(self, memory: MemoryStore, clock: ManualClock) -> None:
        """All fields of a memory are read back as they were written."""
        source = memory.add("where it comes from")
        added = memory.add(
            "Zoë said: «ça va» 😀\n\ttabs, lines, 漢字, עברית",
            at="2023-05-08T13:56:00.123456+05:30",
            speaker="Zoë",
            session="kitchen/1",
            metadata={"stars": 4, "nested": {"list": [1, 2.5, None, True, "x"]}, "": "empty key"},
            data={"tool_calls": [{"id": 1}], "null": None},
            kind="note",
            id="my own id",
            role="assistant",
            sources=[source.id],
            trust=0.25,
            valid_from="2023-01-01",
            valid_until=datetime(2025, 1, 1, tzinfo=timezone.utc),
            expires_at="2030-06-01T00:00:00-03:00",
        )
        got = memory.get("my own id")
        assert got == added
        assert got.text == "Zoë said: «ça va» 😀\n\ttabs, lines, 漢字, עברית"
        assert got.at.isoformat() == "2023-05-08T13:56:00.123456+05:30"
        assert (got.speaker, got.session, got.role, got.kind) == ("Zoë", "kitchen/1", "assistant", "note")
        assert got.metadata == {"stars": 4, "nested": {"list": [1, 2.5, None, True, "x"]}, "": "empty key"}
        assert got.data == {"tool_calls": [{"id": 1}], "null": None}
        assert (got.sources, got.trust, got.version) == ((source.id,), 0.25, 1)
        assert got.valid_from == datetime(2023, 1, 1, tzinfo=timezone.utc)
        assert got.valid_until == datetime(2025, 1, 1, tzinfo=timezone.utc)
        assert got.expires_at is not None and got.expires_at.isoformat() == "2030-06-01T00:00:00-03:00"
        assert got.recorded_at == clock()
        assert got.retired_at is None and got.made_by is None and got.run is None
        assert got.namespace == ()
        assert memory_from_dict(got.to_dict()) == got

    def test_defaults(self, memory: MemoryStore, clock: ManualClock) -> None:
        """What is not given is None, empty, or now."""
        got = memory.get(memory.add("plain").id)
        assert got == Memory(id=got.id, namespace=(), text="plain", at=clock(), recorded_at=clock())

    @pytest.mark.parametrize("data", [0, False, "", [], {}, [None], "text", 1.5, {"a": {"b": []}}])
    def test_data_is_any_json(self, memory: MemoryStore, data: Any) -> None:
        """Data is any JSON, falsy values included; only None means that there is none."""
        got = memory.get(memory.add("x", data=data).id).data
        assert got == data and type(got) is type(data)

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("2023-05-08T13:56:00", "2023-05-08T13:56:00+00:00"),
            ("2023-05-08", "2023-05-08T00:00:00+00:00"),
            ("2023-05-08T13:56:00Z", "2023-05-08T13:56:00+00:00"),
            ("2023-05-08T13:56:00-08:00", "2023-05-08T13:56:00-08:00"),
            (date(2023, 5, 8), "2023-05-08T00:00:00+00:00"),
            (datetime(2023, 5, 8, 13, 56), "2023-05-08T13:56:00+00:00"),  # noqa: DTZ001 - what is tested
            (
                datetime(2023, 5, 8, 13, 56, tzinfo=timezone(timedelta(hours=9))),
                "2023-05-08T13:56:00+09:00",
            ),
            (1683554160, "2023-05-08T13:56:00+00:00"),
            (1683554160.5, "2023-05-08T13:56:00.500000+00:00"),
            (-1, "1969-12-31T23:59:59+00:00"),
            ("0001-01-01", "0001-01-01T00:00:00+00:00"),
            ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999+00:00"),
        ],
    )
    def test_times(self, memory: MemoryStore, given: Any, kept: str) -> None:
        """A time keeps its offset; one without a zone is UTC; the years 1 to 9999 are kept."""
        id = memory.add("it happened", at=given).id
        assert memory.get(id).at.isoformat() == kept
        assert [m.at.isoformat() for m in episodes(memory)] == [kept]
        assert memory.search("it happened", k=1)[0].memory.at.isoformat() == kept

    def test_a_megabyte_of_text(self, memory: MemoryStore) -> None:
        """A long text is kept whole, and found by a word at its end."""
        text = "Lorem ipsum dolor sit amet. " * 37_500 + "The lighthouse keeper was called Ottilie."
        id = memory.add(text).id
        memory.add("Something short about the weather.")
        assert memory.get(id).text == text
        assert rests_on(memory.search("Who is Ottilie?", k=1)[0], id)

    def test_the_callers_objects_are_not_shared(self, memory: MemoryStore) -> None:
        """Changing an object after it was passed changes nothing that is stored."""
        metadata, data = {"tags": ["a"]}, {"list": [1]}
        added = memory.add("x", metadata=metadata, data=data)
        metadata["tags"].append("b")
        data["list"].append(2)
        assert memory.get(added.id).metadata == {"tags": ["a"]}
        assert memory.get(added.id).data == {"list": [1]}

    def test_equal_content_is_two_memories(self, memory: MemoryStore) -> None:
        """The same twice is two memories: to remove doubles is a policy, no side effect of ``add``."""
        one, two = (memory.add("The same words.", at=NOW, speaker="Ada", session="s") for _ in range(2))
        assert one.id != two.id
        assert {m.id for m in episodes(memory)} == {one.id, two.id}
        assert {hit.memory.id for hit in memory.search("same words", k=10)} >= {one.id, two.id}
        batch = memory.add_many(["In a batch.", "In a batch."])
        assert len({m.id for m in batch}) == 2 and len(episodes(memory)) == 4

    # --- ids --------------------------------------------------------------------------------------
    def test_the_same_id_is_an_error(self, memory: MemoryStore) -> None:
        """An id is unique in its namespace; the first one stays as it was."""
        first = memory.add("first", id="a")
        with pytest.raises(DuplicateId, match="on_conflict"):
            memory.add("second", id="a")
        assert memory.get("a") == first and len(episodes(memory)) == 1

    def test_the_same_id_may_replace(self, memory: MemoryStore, clock: ManualClock) -> None:
        """With ``on_conflict="replace"`` the second is a new version of the first."""
        memory.add("first", id="a")
        clock.advance(timedelta(hours=1))
        second = memory.add("second", id="a", on_conflict="replace")
        assert second.version == 2 and memory.get("a") == second
        assert [m.text for m in memory.history("a")] == ["first", "second"]
        assert [hit.memory.text for hit in memory.search("first", k=5) if rests_on(hit, "a")] != ["first"]

    def test_the_same_id_may_be_skipped(self, memory: MemoryStore) -> None:
        """With ``on_conflict="skip"`` the first one stays and is what comes back."""
        first = memory.add("first", id="a")
        assert memory.add("second", id="a", on_conflict="skip") == first
        assert memory.history("a") == [first]

    def test_an_import_run_twice_is_an_import_run_once(self, memory: MemoryStore) -> None:
        """Items with ids, added again with "skip" or "replace", are there once."""
        items = [{"text": f"item {i}", "id": f"id-{i}"} for i in range(20)]
        memory.add_many(items, batch_size=7)
        memory.add_many(items, batch_size=7, on_conflict="skip")
        assert [m.version for m in episodes(memory)] == [1] * 20
        memory.add_many(items, batch_size=7, on_conflict="replace")
        assert [m.text for m in episodes(memory, order="position")] == [f"item {i}" for i in range(20)]
        assert [m.version for m in episodes(memory)] == [2] * 20

    def test_the_same_id_twice_in_a_batch(self, memory: MemoryStore) -> None:
        """Within one batch the rule is the same."""
        items = [Draft("one", id="a"), Draft("two", id="a")]
        with pytest.raises(DuplicateId):
            memory.add_many(items)
        assert episodes(memory) == []
        assert [m.text for m in memory.add_many(items, on_conflict="skip")] == ["one", "one"]
        memory.add_many(items, on_conflict="replace")
        assert memory.get("a").text == "two"

    def test_a_deleted_id_is_free_again(self, memory: MemoryStore) -> None:
        """After ``delete`` the id may be used again, and the history goes on."""
        memory.add("first", id="a")
        memory.delete("a")
        assert memory.add("second", id="a").version == 2
        assert [m.text for m in memory.history("a")] == ["first", "second"]

    def test_an_unknown_conflict_rule(self, memory: MemoryStore) -> None:
        """An ``on_conflict`` there is none of is refused by name."""
        with pytest.raises(UnknownOption, match="merge"):
            memory.add("x", id="a", on_conflict="merge")

    # --- what is refused --------------------------------------------------------------------------
    def test_an_empty_text_needs_data(self, memory: MemoryStore) -> None:
        """Without data, a memory without text says nothing."""
        with pytest.raises(InvalidInput, match="text"):
            memory.add("")
        with pytest.raises(InvalidInput, match="text"):
            memory.add_many([{"speaker": "Ada"}])
        assert episodes(memory) == []

    def test_an_empty_text_with_data_is_listed_and_not_searched(self, memory: MemoryStore) -> None:
        """It is kept and listed, and never among the hits."""
        empty = memory.add("", data={"image": "cat.png"}, speaker="Ada", session="s")
        memory.add("a picture of a cat", speaker="Ada", session="s")
        assert memory.get(empty.id).data == {"image": "cat.png"}
        assert empty.id in [m.id for m in episodes(memory)]
        for query in ("cat", "Ada", "", "image"):
            assert empty.id not in [hit.memory.id for hit in memory.search(query, k=10)]
        assert empty.id not in [hit.memory.id for hit in memory.context().hits]

    @pytest.mark.parametrize("case", list(REFUSED))
    def test_refused_by_name(self, memory: MemoryStore, case: str) -> None:
        """What cannot be stored is refused, nothing of it is kept, and the store goes on."""
        arguments = dict(REFUSED[case])
        with pytest.raises(InvalidInput):
            memory.add(arguments.pop("text"), **arguments)
        with pytest.raises(InvalidInput):
            memory.add_many([{"text": "good"}, REFUSED[case]])
        assert list(memory.list()) == []
        memory.add("good")
        assert [hit.memory.text for hit in memory.search("good")] == ["good"]

    @pytest.mark.parametrize("item", [7, None, b"bytes", ["list"], {"text": "x", "colour": "red"}])
    def test_items_that_are_none(self, memory: MemoryStore, item: Any) -> None:
        """Only strings, mappings with the keys of ``add``, and drafts are items."""
        with pytest.raises(InvalidInput):
            memory.add_many([item])

    # --- batches ----------------------------------------------------------------------------------
    def test_items_of_every_form(self, memory: MemoryStore) -> None:
        """Strings, mappings and drafts, mixed, from a generator; the answers are in their order."""
        items: list[Any] = [
            "a string",
            {"text": "a mapping", "speaker": "Ada"},
            Draft("a draft", session="s"),
        ]
        stored = memory.add_many(item for item in items)
        assert [m.text for m in stored] == ["a string", "a mapping", "a draft"]
        assert [memory.get(m.id) for m in stored] == stored
        assert memory.add_many([]) == []

    def test_finished_batches_stay(self, memory: MemoryStore) -> None:
        """When a batch fails, those before it stay, and the error says how many memories that is."""
        items: list[Any] = [f"item {i}" for i in range(10)]
        items[7] = {"text": "bad\0"}
        with pytest.raises(BatchFailed, match="first 6") as failed:
            memory.add_many(items, batch_size=3)
        assert failed.value.stored == 6
        assert isinstance(failed.value.cause, InvalidInput)
        assert [m.text for m in episodes(memory, order="position")] == [f"item {i}" for i in range(6)]
        assert len(memory.search("item", k=20)) == 6

    def test_one_transaction_for_all(self, memory: MemoryStore) -> None:
        """With ``batch_size=None`` it is all or nothing."""
        with pytest.raises(InvalidInput):
            memory.add_many(["good", "good too", {"text": "bad\0"}], batch_size=None)
        assert episodes(memory) == [] and memory.search("good") == []
        assert len(memory.add_many([f"item {i}" for i in range(2500)], batch_size=None)) == 2500

    def test_progress(self, memory: MemoryStore) -> None:
        """Progress is told after each batch."""
        seen: list[int] = []
        memory.add_many([str(i) for i in range(10)], batch_size=4, progress=seen.append)
        assert seen == [4, 8, 10]

    @pytest.mark.parametrize("size", [0, -1, 2.5, True])
    def test_batch_sizes_that_are_none(self, memory: MemoryStore, size: Any) -> None:
        """A batch has at least one memory."""
        with pytest.raises(InvalidInput, match="batch_size"):
            memory.add_many(["x"], batch_size=size)

    def test_a_thousand(self, memory: MemoryStore) -> None:
        """A thousand memories: each is kept, and each is found by what only it says."""
        stored = memory.add_many([f"Locker {i} holds the {i * 7919 % 100003}th parcel." for i in range(1000)])
        assert len({m.id for m in stored}) == len(episodes(memory)) == memory.stats().memories == 1000
        for i in (0, 1, 499, 999):
            hit = memory.search(f"the {i * 7919 % 100003}th parcel", k=3)[0]
            assert rests_on(hit, stored[i].id)
