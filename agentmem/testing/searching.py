"""The contract of searching: pure, exact about what may be found, best first."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from agentmem.clock import ManualClock
from agentmem.errors import InvalidFilter, InvalidInput, MemoryNotFound, UnknownOption
from agentmem.memory import Draft
from agentmem.store import MemoryStore
from agentmem.testing.base import DIARY, NOW, StoreCase, episodes, fingerprint, rests_on, texts

RECORDS: dict[str, dict[str, Any]] = {
    "a": {"n": 1, "s": "x", "flag": True, "list": [1, 2], "both": 1, "deep": {"er": 5}},
    "b": {"n": 2.0, "s": "y", "flag": False, "null": None, "both": "1"},
    "c": {"n": 3, "s": "X", "list": [2, 1]},
    "d": {},
}

FILTERS: list[tuple[dict[str, Any], str]] = [
    ({}, "abcd"),
    ({"n": 1}, "a"),
    ({"n": 1.0}, "a"),
    ({"n": 2}, "b"),
    ({"n": "1"}, ""),
    ({"flag": True}, "a"),
    ({"flag": 1}, ""),
    ({"n": True}, ""),
    ({"s": "x"}, "a"),
    ({"null": None}, "b"),
    ({"list": [1, 2]}, "a"),
    ({"missing": None}, ""),
    ({"n": {"$eq": 3}}, "c"),
    ({"n": {"$ne": 1}}, "bc"),
    ({"both": {"$ne": 2}}, "a"),
    ({"n": {"$gt": 1}}, "bc"),
    ({"n": {"$gte": 2, "$lt": 3}}, "b"),
    ({"n": {"$lte": 1}}, "a"),
    ({"both": {"$gt": 0}}, "a"),
    ({"both": {"$gt": ""}}, "b"),
    ({"flag": {"$gt": False}}, "ERROR"),
    ({"s": {"$gte": "x"}}, "ab"),
    ({"n": {"$in": [1, 3, "2"]}}, "ac"),
    ({"n": {"$in": []}}, ""),
    ({"n": {"$exists": True}}, "abc"),
    ({"n": {"$exists": False}}, "d"),
    ({"null": {"$exists": True}}, "b"),
    ({"deep.er": 5}, "a"),
    ({"n": 1, "s": "y"}, ""),
    ({"$and": [{"n": {"$gt": 1}}, {"s": "y"}]}, "b"),
    ({"$or": [{"n": 1}, {"s": "X"}]}, "ac"),
    ({"$not": {"n": 1}}, "bcd"),
    ({"$or": [{"$not": {"n": {"$exists": True}}}, {"$and": [{"n": 1}, {"flag": True}]}]}, "ad"),
    ({"@id": "a"}, "a"),
    ({"@id": {"$in": ["a", "d", "z"]}}, "ad"),
    ({"@speaker": "Ada"}, "ac"),
    ({"@speaker": {"$exists": False}}, "d"),
    ({"@session": {"$ne": "one"}}, "c"),
    ({"@kind": "episode", "@speaker": "Ben"}, "b"),
    ({"@at": "2024-01-02"}, "b"),
    ({"@at": {"$gte": "2024-01-02", "$lt": "2024-01-04T00:00:00Z"}}, "bc"),
    ({"@at": {"$lt": NOW}, "n": {"$gt": 2}}, "c"),
    ({"n": {"$near": 1}}, "ERROR"),
    ({"$nor": [{"n": 1}]}, "ERROR"),
    ({"@colour": "red"}, "ERROR"),
    ({"$or": {"n": 1}}, "ERROR"),
    ({"n": {"$in": 1}}, "ERROR"),
    ({"n": {"$exists": 1}}, "ERROR"),
    ({"n": {"$gt": None}}, "ERROR"),
    ({"@at": {"$gt": "soon"}}, "ERROR"),
]


class SearchContract(StoreCase):
    """``search``, ``search_many``, ``recall``, ``reinforce``."""

    def test_finds_what_is_asked_for(self, diary: MemoryStore) -> None:
        """Questions in other words than the answer's are answered by the right turn."""
        for question, wanted in (
            ("What is the name of Ada's greyhound?", 0),
            ("Where did Grace move?", 3),
            ("Why did Ben fail his driving test?", 6),
            ("What did the plumber replace?", 8),
        ):
            found = [text for hit in diary.search(question, k=3) for text in texts([hit])]
            assert DIARY[wanted].text in found, question

    def test_an_exact_match_is_on_top(self, diary: MemoryStore) -> None:
        """A memory's own words bring it up first."""
        for memory in episodes(diary):
            assert rests_on(diary.search(memory.text, k=3)[0], memory.id)

    def test_found_at_once(self, memory: MemoryStore) -> None:
        """What was added is found by the next search, each time."""
        memory.search("warm up")
        for i in range(5):
            id = memory.add(f"The password of vault {i} is {'abcde'[i] * 6}.").id
            assert rests_on(memory.search("abcde"[i] * 6, k=1)[0], id)

    def test_at_most_k_best_first(self, diary: MemoryStore) -> None:
        """At most k distinct memories, scores falling, relevance within [0, 1] and in the same order."""
        for query in ("Ada Biscuit driving plumber cabin Lisbon", "the", "?", "zzzz", ""):
            for k in (1, 3, 10, 100):
                hits = diary.search(query, k=k)
                assert len(hits) == len({hit.memory.id for hit in hits}) <= k
                scores = [hit.score for hit in hits]
                assert scores == sorted(scores, reverse=True)
                assert all(0 <= hit.relevance <= 1 for hit in hits)

    def test_a_smaller_k_is_a_prefix(self, diary: MemoryStore) -> None:
        """How many are asked for does not change their order."""
        ten = fingerprint(diary.search("Ada and her sister", k=10))
        assert fingerprint(diary.search("Ada and her sister", k=3)) == ten[:3]

    @pytest.mark.parametrize("k", [0, -3, 1.5, True, None])
    def test_k_is_a_whole_number(self, memory: MemoryStore, k: Any) -> None:
        """A k that is none is refused."""
        with pytest.raises(InvalidInput, match="k="):
            memory.search("x", k=k)

    @pytest.mark.parametrize("query", [7, None, b"x", "a\0b", "\ud800"])
    def test_questions_that_are_none(self, diary: MemoryStore, query: Any) -> None:
        """A question is a string that could have been stored."""
        with pytest.raises(InvalidInput, match="query"):
            diary.search(query)

    def test_an_empty_store(self, memory: MemoryStore) -> None:
        """Nothing is found where nothing is."""
        assert memory.search("anything") == memory.recall("anything") == []
        assert memory.search_many(["a", "b"]) == [[], []]
        assert list(memory.list()) == []
        assert memory.context("anything").text == ""
        assert memory.ask("Who am I?").text is None

    def test_a_hit_says_why(self, diary: MemoryStore) -> None:
        """Signals add up to the score, and reasons are given in words."""
        hits = diary.search("Where did Grace move?", k=5)
        for hit in hits:
            assert sum(hit.signals.values()) == pytest.approx(hit.score, abs=1e-3 * max(1, abs(hit.score)))
        assert hits[0].why and all(isinstance(reason, str) for reason in hits[0].why)
        assert hits[0].to_dict()["memory"]["id"] == hits[0].memory.id

    def test_a_hit_holds_the_whole_memory(self, diary: MemoryStore) -> None:
        """A hit's memory is the memory, all fields of it."""
        hit = diary.search(DIARY[0].text, k=1)[0]
        assert diary.get(hit.memory.id) == hit.memory

    def test_asking_changes_no_answer(self, diary: MemoryStore) -> None:
        """Searching, asking and building a context leave no trace: the same question, the same answer."""
        before = diary.stats()
        questions = ["Where did Grace move?", "Who is Biscuit?", "cabin"]
        first = [fingerprint(diary.search(q)) for q in questions]
        for _ in range(10):
            for question in questions:
                diary.search(question)
                diary.ask(question)
                diary.context(question)
        assert [fingerprint(diary.search(q)) for q in questions] == first
        after = diary.stats()
        assert (after.versions, after.links, after.pending) == (before.versions, before.links, before.pending)

    def test_many_questions_are_as_one_each(self, diary: MemoryStore) -> None:
        """``search_many`` answers as ``search`` does."""
        questions = ["Where did Grace move?", "", "Who is Biscuit?", "cabin"]
        assert [fingerprint(hits) for hits in diary.search_many(questions, 4)] == [
            fingerprint(diary.search(question, 4)) for question in questions
        ]
        assert diary.search_many([]) == []

    def test_ties_have_an_order(self, memory: MemoryStore) -> None:
        """Equal memories come in the same order each time."""
        memory.add_many(["the very same words"] * 8)
        order = [hit.memory.id for hit in memory.search("same words", k=8)]
        assert len(order) == 8
        assert all([h.memory.id for h in memory.search("same words", k=8)] == order for _ in range(3))
        assert [h.memory.id for h in memory.search("same words", k=3)] == order[:3]

    @pytest.mark.parametrize(
        ("text", "query"),
        [
            ("我昨天在北京的胡同里吃了炸酱面。", "炸酱面"),
            ("来月は京都で紅葉を見る予定です。", "京都の紅葉"),
            ("ฉันชอบกินข้าวผัดกุ้ง", "ข้าวผัด"),
            ("나는 부산에서 고등어를 먹었다.", "부산"),
            ("Моя сестра переехала в Лиссабон.", "Лиссабон"),
            ("Die Straßenbahn fährt über die Brücke.", "Straßenbahn"),
        ],
    )
    def test_other_scripts(self, memory: MemoryStore, text: str, query: str) -> None:
        """Texts in other languages, with spaces or without, are found by their words."""
        memory.add_many(
            ["我今天去公园散步了。", "A walk in the park.", "今日は雨です。", "Совсем другое дело."]
        )
        id = memory.add(text).id
        assert rests_on(memory.search(query, k=1)[0], id)

    # --- neighbours -------------------------------------------------------------------------------
    def test_the_order_of_arrival_does_not_matter(self, memory: MemoryStore) -> None:
        """Turns that come late are neighbours all the same: incremental equals in order."""
        shuffled = list(DIARY)
        random.Random(3).shuffle(shuffled)
        late, ordered = memory.namespace("late"), memory.namespace("ordered")
        ordered.add_many(DIARY)
        for i, draft in enumerate(shuffled):
            late.add_many([draft])
            if i % 3 == 0:
                late.search("Where is Grace?")
        assert texts(late.list()) == texts(ordered.list()) == [draft.text for draft in DIARY]
        for query in ("Where is Grace?", "Biscuit's basket", "Is she enjoying it?", "test"):
            assert fingerprint(late.search(query)) == fingerprint(ordered.search(query))

    def test_neighbours_come_and_go(self, memory: MemoryStore) -> None:
        """After updates and deletions answers are those of a memory that never held what went."""
        plain, churned = memory.namespace("plain"), memory.namespace("churned")
        plain.add_many(DIARY)
        churned.add_many(DIARY)
        extra = churned.add("Biscuit and Grace booked a plumber.", at=DIARY[1].at, session="one")
        victim = episodes(churned, filter={"@session": "two"})[0]
        churned.search("Grace")
        churned.update(victim.id, text="Something else entirely, about tulips.", at="2020-01-01")
        churned.search("Grace")
        churned.update(victim.id, text=victim.text, at=victim.at)
        churned.delete(extra.id)
        for query in ("Where is Grace?", "Biscuit's basket", "plumber"):
            assert fingerprint(churned.search(query)) == fingerprint(plain.search(query))

    # --- filters ----------------------------------------------------------------------------------
    @pytest.mark.parametrize("case", range(len(FILTERS)))
    def test_filters(self, memory: MemoryStore, case: int) -> None:
        """One form of filter, with one meaning, wherever a filter is taken."""
        filter, wanted = FILTERS[case]
        speakers = {"a": "Ada", "b": "Ben", "c": "Ada", "d": None}
        sessions = {"a": "one", "b": "one", "c": "two", "d": None}
        for day, (id, metadata) in enumerate(RECORDS.items(), start=1):
            memory.add(
                f"common words and {id}{id}{id}",
                id=id,
                at=f"2024-01-0{day}",
                metadata=metadata,
                speaker=speakers[id],
                session=sessions[id],
            )
        if wanted == "ERROR":
            for verb in (memory.search, memory.recall, memory.ask, memory.context):
                with pytest.raises(InvalidFilter):
                    verb("common words", filter=filter)
            with pytest.raises(InvalidFilter):
                list(memory.list(filter=filter))
            with pytest.raises(InvalidFilter):
                memory.erase(filter=filter)
            assert len(episodes(memory)) == 4
            return
        searched = {hit.memory.id for hit in memory.search("common words", k=10, filter=filter)}
        assert "".join(sorted(searched & set(RECORDS))) == wanted
        assert "".join(m.id for m in memory.list(filter=filter) if m.id in RECORDS) == wanted
        context = {hit.memory.id for hit in memory.context("common words", filter=filter).hits}
        assert "".join(sorted(context & set(RECORDS))) == wanted

    def test_a_filter_is_exact(self, memory: MemoryStore) -> None:
        """A filter that few match still gives k, however many better ones it shuts out."""
        memory.add_many(Draft(f"the harbour at noon, picture {i}", metadata={"n": i}) for i in range(300))
        rare = {"n": {"$in": [3, 150, 299]}}
        hits = memory.search("harbour at noon picture", k=5, filter=rare)
        assert {hit.memory.metadata["n"] for hit in hits} == {3, 150, 299}

    def test_a_filter_follows_updates(self, memory: MemoryStore) -> None:
        """Filters see metadata as it is now."""
        id = memory.add("words", metadata={"state": "open", "n": 1}).id
        assert memory.search("words", filter={"state": "open"})
        memory.update(id, metadata={"state": "done"}, merge=True)
        assert not memory.search("words", filter={"state": "open"})
        assert memory.search("words", filter={"state": "done", "n": 1})
        memory.update(id, metadata={"other": 1})
        assert memory.get(id).metadata == {"other": 1}
        assert not memory.search("words", filter={"n": 1})

    # --- listing ----------------------------------------------------------------------------------
    def test_listing_in_order(self, memory: MemoryStore) -> None:
        """By time, with arrival deciding between equals; by arrival; and both backwards."""
        times = ["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-01"]
        ids = [memory.add(f"t{i}", at=at, id=str(i)).id for i, at in enumerate(times)]
        assert [m.id for m in episodes(memory)] == ["1", "3", "2", "0"]
        assert [m.id for m in episodes(memory, order="-at")] == ["0", "2", "3", "1"]
        assert [m.id for m in episodes(memory, order="position")] == ids
        assert [m.id for m in episodes(memory, order="-position")] == ids[::-1]
        with pytest.raises(UnknownOption, match="random"):
            memory.list(order="random")

    @pytest.mark.parametrize("order", ["at", "-at", "position", "-position"])
    def test_listing_by_pages(self, memory: MemoryStore, order: str) -> None:
        """``after`` and ``limit`` walk through everything once."""
        memory.add_many(Draft(f"item {i}", at=1_700_000_000 + i * 7 % 40) for i in range(53))
        everything = [m.id for m in memory.list(order=order)]
        walked: list[str] = []
        while page := [
            m.id for m in memory.list(order=order, after=walked[-1] if walked else None, limit=10)
        ]:
            walked += page
        assert walked == everything

    def test_listing_while_writing(self, memory: MemoryStore) -> None:
        """A listing may be written beside, and sees each memory of its start that stays once."""
        before = {m.id for m in memory.add_many([f"item {i}" for i in range(1200)])}
        seen: list[str] = []
        for i, item in enumerate(memory.list(order="position")):
            seen.append(item.id)
            if i % 400 == 0:
                memory.add(f"new {i}")
        assert len(seen) == len(set(seen)) and before <= set(seen)

    def test_listing_after_what_is_not_there(self, diary: MemoryStore) -> None:
        """An ``after`` that is no live memory is an error, not an empty page."""
        with pytest.raises(MemoryNotFound):
            list(diary.list(after="nobody"))

    def test_getting(self, diary: MemoryStore) -> None:
        """``get`` fails by name; ``get_many`` keeps the order asked for and leaves out what is missing."""
        ids = [m.id for m in diary.list()]
        with pytest.raises(MemoryNotFound, match="nobody"):
            diary.get("nobody")
        asked = [ids[3], "nobody", ids[0]]
        assert [m.id for m in diary.get_many(asked)] == [ids[3], ids[0]]
        assert diary.get_many([]) == []
        for id in ("\ud83d", "\0", ""):  # no id of any memory
            with pytest.raises((MemoryNotFound, InvalidInput)):
                diary.get(id)

    # --- use --------------------------------------------------------------------------------------
    def test_recall_finds_what_search_finds(self, diary: MemoryStore) -> None:
        """``recall`` is ``search`` with the use recorded; no memory changes by it."""
        before = [m.to_dict() for m in diary.list()]
        searched = [hit.memory.id for hit in diary.search("Where did Grace move?", k=4)]
        assert [hit.memory.id for hit in diary.recall("Where did Grace move?", k=4)] == searched
        assert [m.to_dict() for m in diary.list()] == before

    def test_saying_what_helped(self, diary: MemoryStore, clock: ManualClock) -> None:
        """``reinforce`` takes ids and a grade there is, and changes no memory."""
        ids = [m.id for m in diary.list()][:2]
        before = diary.get_many(ids)
        diary.reinforce(ids)
        clock.advance(timedelta(days=1))
        diary.reinforce(ids[0], grade="easy", at=NOW)
        assert diary.get_many(ids) == before
        with pytest.raises(UnknownOption, match="superb"):
            diary.reinforce(ids, grade="superb")
        with pytest.raises(MemoryNotFound, match="nobody"):
            diary.reinforce(["nobody"])
