"""EpisodicStore: events that follow the conversation, recall of whole ones, order, log-probabilities."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem import Draft, ManualClock
from agentmem.errors import InvalidInput, MemoryNotFound, UnknownOption
from agentmem.stores.episodic import EpisodicStore, Event
from agentmem.stores.episodic.reading import place_of

TOPICS = {
    "garden": "The tomatoes and beans in the garden need water, compost and a fence against the snails",
    "boat": "The harbour master says the sailing boat needs a new mast, ropes and paint before the regatta",
    "violin": "My violin teacher wants me to practise scales, the concerto and bowing for the recital",
}


def chat(seed: int = 0, blocks: int = 9, session: str = "s", day: int = 1) -> list[Draft]:
    """A conversation that moves from topic to topic, each for four to seven turns."""
    rng = random.Random(seed)
    items: list[Draft] = []
    topic = ""
    for _ in range(blocks):
        topic = rng.choice([one for one in TOPICS if one != topic])
        for _ in range(rng.randint(4, 7)):
            words = TOPICS[topic].split()
            rng.shuffle(words)
            n = len(items)
            at = f"2024-03-{day:02d}T{10 + n // 60:02d}:{n % 60:02d}:00Z"
            items.append(
                Draft(" ".join(words) + f" {n}.", at, "Ada" if n % 2 else "Ben", session, id=f"{session}{n}")
            )
    return items


def open_store(path: str | Path = ":memory:", **options: Any) -> EpisodicStore:
    store = agentmem.open(path, store="episodic", clock=ManualClock("2024-05-01"), **options)
    assert isinstance(store, EpisodicStore)
    return store


def cuts(events: list[Event]) -> list[list[str]]:
    return [[turn.id for turn in event.turns] for event in events]


def joins(items: list[Draft]) -> set[str]:
    """Ids of the first turns of topics."""
    topics = [next(name for name in TOPICS if name in item.text or name == "boat") for item in items]
    return {items[i].id or "" for i in range(1, len(items)) if topics[i] != topics[i - 1]}


# --- segmentation ------------------------------------------------------------------------------------
@pytest.mark.parametrize("embedder", ["static", "none"])
def test_events_begin_where_the_topic_changes(embedder: str) -> None:
    items = chat()
    with open_store(embedder=embedder) as store:
        store.add_many(items)
        events = store.timeline()
        assert [id for one in cuts(events) for id in one] == [item.id for item in items]
        starts = {event.turns[0].id for event in events[1:]}
        assert len(starts & joins(items)) >= 0.75 * len(joins(items))
        assert all(event.closed for event in events[:-1]) or not events[-2].closed
        assert {event.session for event in events} == {"s"} and events[0].surprise is None
        assert any((event.surprise or 0) > 1 for event in events)
        assert all(set(event.representatives) <= {t.id for t in event.turns} for event in events)


def test_an_event_never_crosses_a_session() -> None:
    with open_store() as store:
        store.add_many([*chat(1, 2, "a"), *chat(1, 2, "b", 2)])
        store.add("A thought on its own.", id="alone")
        events = store.timeline()
        assert all(len({turn.session for turn in event.turns}) == 1 for event in events)
        assert cuts([event for event in events if event.session is None]) == [["alone"]]
        assert cuts(store.timeline("a")) == cuts([event for event in events if event.session == "a"])
        assert store.timeline("nowhere") == []


@pytest.mark.parametrize("embedder", ["static", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_incremental_is_rebuilt(seed: int, embedder: str, tmp_path: Path) -> None:
    """However turns come, late, changed and deleted ones among them, events are those of the whole."""
    rng = random.Random(seed)
    items = [*chat(seed, 30, "a"), *chat(seed + 9, 5, "b", 2)]
    late = [items.pop(rng.randrange(len(items))) for _ in range(3)]
    path = tmp_path / "memory.db"
    closed: dict[str, list[str]] = {}
    with open_store(path, embedder=embedder) as store:
        while items:
            n = rng.randint(1, 12)
            store.add_many(items[:n])
            del items[:n]
            for event in store.timeline():
                known = [turn.id for turn in event.turns]
                assert closed.get(event.id, known) == known  # closed events stay
                if event.closed:
                    closed[event.id] = known
        for draft in late:
            store.add_many([draft])
            store.timeline()
        store.delete(["a5", "a40"])
        store.timeline()
        store.update("a17", text="Something else entirely about tax returns.")
        seen = cuts(store.timeline())
    with open_store(path, embedder=embedder) as store:
        assert cuts(store.timeline()) == seen


def test_an_add_cuts_only_the_open_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The turns read after an add are a bounded stretch of its session, whatever is stored."""
    from agentmem.stores.episodic import timeline

    read: list[int] = []

    class Counting(timeline.Texts):
        def __init__(self, space: Any, backend: Any, docs: Any) -> None:
            read.append(len(docs))
            super().__init__(space, backend, docs)

    monkeypatch.setattr(timeline, "Texts", Counting)
    with open_store() as store:
        store.add_many(chat(0, 90, "a"))
        store.add_many(chat(1, 90, "b", 2))
        store.timeline()
        whole = read.pop()
        store.add("One more word about the garden.", session="a", at="2024-03-01T23:00:00Z")
        store.timeline()
        assert whole > 900 and read.pop() < 200 and not read
        store.timeline()
        assert not read


def test_records_keep_events(tmp_path: Path) -> None:
    """Consolidation writes closed events down once; an erased turn leaves no name in them."""
    path = tmp_path / "memory.db"
    with open_store(path) as store:
        store.add_many(chat())
        store.consolidate()
        number = store._runtime.number(())
        assert number is not None
        records = store._runtime.backend.artifacts(number, kind="event")
        events = store.timeline()
        assert [record.source for record in records] == [event.id for event in events if event.closed]
        assert all(isinstance(v, (int, float, str, list, type(None))) for v in records[0].data.values())
        before = cuts(events)
    with open_store(path) as store:
        assert cuts(store.timeline()) == before
        assert store.consolidate().left == 0
        again = store._runtime.backend.artifacts(number, kind="event")
        assert [(one.source, one.data) for one in again] == [(one.source, one.data) for one in records]
        gone = before[2][1]
        store.erase(ids=gone)
        assert [id for one in cuts(store.timeline()) for id in one] == [
            id for one in before for id in one if id != gone
        ]
        assert cuts(store.timeline())[:2] == before[:2]
        assert store.check() == []


def drifting(seed: int) -> list[Draft]:
    """A conversation whose topics run into each other, so that refinement moves most boundaries."""
    rng = random.Random(seed)
    items: list[Draft] = []
    for n in range(60):
        topics = rng.choices(list(TOPICS), weights=[(n // 7) % 3 == i or 0.3 for i in range(3)], k=2)
        words = [rng.choice(TOPICS[topic].split()) for topic in topics for _ in range(rng.randint(3, 9))]
        items.append(Draft(" ".join(words), f"2024-03-01T10:{n:02d}:00Z", "AB"[n % 2], "s", id=f"s{n}"))
    return items


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_nothing_is_cut_again_after_a_restart(seed: int, tmp_path: Path) -> None:
    """Not in memory, turn by turn, and not from records: the open end is cut as it was."""
    items = drifting(seed)
    with open_store(min_tokens=10) as store:
        store.add_many(items)
        whole = cuts(store.timeline())
    with open_store(tmp_path / "a.db", min_tokens=10) as store:
        for item in items:
            store.add_many([item])
            store.timeline()
        assert cuts(store.timeline()) == whole
        store.consolidate()
    for _ in range(2):
        with open_store(tmp_path / "a.db", min_tokens=10) as store:
            assert cuts(store.timeline()) == whole
            store.consolidate()
            number = store._runtime.number(()) or 0
            assert len(store._runtime.backend.artifacts(number)) == sum(e.closed for e in store.timeline())


def test_a_file_of_another_store(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with agentmem.open(path, store="unified") as store:
        store.add_many(chat())
    with open_store(path) as store:
        assert len(store.timeline()) > 3


@pytest.mark.parametrize("segmentation", ["fixed", "random", "session"])
def test_controls(segmentation: str) -> None:
    items = chat()
    with open_store() as surprised, open_store(segmentation=segmentation, size=4) as store:
        for one in (surprised, store):
            one.add_many(items)
        found = cuts(store.timeline())
        assert [id for one in found for id in one] == [item.id for item in items]
        lengths = [len(one) for one in found]
        if segmentation == "fixed":
            assert set(lengths[:-1]) == {4}
        elif segmentation == "session":
            assert len(lengths) == 1
        else:
            assert sorted(lengths) == sorted(map(len, cuts(surprised.timeline())))
            assert found == cuts(store.timeline())


def test_an_answer_stays_with_its_question() -> None:
    items = chat(4)
    items = [Draft(d.text[:-1] + "?", d.at, d.speaker, d.session, id=d.id) for d in items]
    with open_store(max_turns=500, max_tokens=10**6) as store:
        store.add_many(items)
        assert len(store.timeline()) == 1
    with open_store(max_turns=500, max_tokens=10**6, pairs=False) as store:
        store.add_many(items)
        assert len(store.timeline()) > 1


# --- recall ------------------------------------------------------------------------------------------
def test_whole_events_in_order_within_a_budget() -> None:
    with open_store() as store:
        store.add_many(chat())
        for budget in (5, 40, 200, 500, 1500):
            events = store.events("What does the boat need before the regatta?", tokens=budget)
            assert sum(event.tokens for event in events) <= budget
            ids = [turn.id for event in events for turn in event.turns]
            assert len(ids) == len(set(ids)) and store.order(ids) == ids
        assert {event.why for event in events} == {"similar", "beside"}
        best = max(events, key=lambda event: event.score)
        assert "regatta" in best.turns[0].text and best.whole and 0 < best.relevance <= 1
        everything = store.events("violin", tokens=10**6)
        assert cuts(everything) == cuts(store.timeline())


def test_neighbours_come_with_the_contiguity_buffer() -> None:
    """What stands beside a hit is found with contiguity and not without."""
    items = chat(2, 8)
    with open_store(contiguity=0.45) as store, open_store(contiguity=0.0) as without:
        found = []
        for one in (store, without):
            one.add_many(items)
            one.add("The password is swordfish.", session="t", id="key", at="2024-04-01")
            found.append(one.events("harbour regatta mast", tokens=700))
        assert any(event.why == "beside" for event in found[0])
        assert not any(event.why == "beside" for event in found[1])


def test_a_long_event_gives_its_best_stretch() -> None:
    with open_store(segmentation="session") as store:
        store.add_many(chat())
        store.add("Swordfish is the password of the vault.", session="s", at="2024-03-01T10:20:30Z", id="key")
        (event,) = store.events("What is the password of the vault?", tokens=120)
        assert "key" in {turn.id for turn in event.turns} and not event.whole and event.tokens <= 120


def test_filters_hold_in_events() -> None:
    with open_store() as store:
        store.add_many(chat())
        events = store.events("regatta", tokens=10**6, filter={"@speaker": "Ada"})
        assert events and {turn.speaker for event in events for turn in event.turns} == {"Ada"}
        early = store.events("regatta", tokens=10**6, during=(None, "2024-03-01T10:10:00Z"))
        assert len([turn for event in early for turn in event.turns]) == 10


def test_keys_rank_events_too() -> None:
    with open_store(similarity="representatives") as store:
        store.add_many(chat())
        events = store.events("violin concerto scales for the recital", tokens=300)
        assert "violin" in max(events, key=lambda event: event.score).turns[0].text


@pytest.mark.parametrize("embedder", ["static", "none"])
def test_reading_coarse_to_fine(embedder: str) -> None:
    with open_store(embedder=embedder) as store:
        assert store.read("violin") == []
        store.add_many(chat())
        found = store.read("violin concerto scales for the recital", 5)
        assert len(found) == 5 and "violin" in found[0][0].text
        shares = [share for _, share in found]
        assert shares == sorted(shares, reverse=True) and 0 < sum(shares)


def test_a_story_is_a_fenced_context() -> None:
    with open_store() as store:
        assert store.story("anything").text == "" and store.events("anything") == []
        store.add_many(chat())
        story = store.story("What does the boat need?", tokens=400)
        assert 0 < story.tokens <= 400 and story.text.startswith("<agentmem:records>")
        ids = [hit.memory.id for hit in story.hits]
        assert ids == store.order(ids)


def test_turns_of_an_event_lift_each_other() -> None:
    with open_store(event_lift=0.5) as store:
        store.add_many(chat())
        hit = store.search("regatta", 3)[1]
        assert hit.signals["event"] > 0
        assert sum(hit.signals.values()) == pytest.approx(hit.score, abs=1e-3)
    with open_store(event_lift=0.0, beside_lift=0.2) as store:
        store.add_many(chat())
        assert any("beside" in hit.signals for hit in store.search("regatta", 30))


# --- order -------------------------------------------------------------------------------------------
def test_order_is_kept() -> None:
    with open_store() as store:
        with pytest.raises(MemoryNotFound):
            store.order(["x"])
        store.add("The last.", at="2024-02-01", id="c")
        store.add("The first.", at="2024-01-01", id="a")
        store.add("At the same time, but later.", at="2024-01-01", id="b")
        assert store.order(["c", "b", "a", "b"]) == ["a", "b", "c"]
        assert store.before("a", "b") and not store.before("b", "a") and not store.before("a", "a")
        assert store.came_first("the last", "at the same time") == 1
        with pytest.raises(MemoryNotFound, match="nobody"):
            store.before("a", "nobody")


def test_which_passage_came_first_within_a_turn() -> None:
    with open_store() as store:
        assert store.came_first("a", "b") is None
        store.add("First we sailed to the island, then we climbed the lighthouse.")
        assert store.came_first("climbed the lighthouse", "sailed to the island") == 1
        assert store.came_first("sailed to the island", "sailed to the island") is None
    assert (place_of("b c x", "a b c"), place_of("z", "a b")) == (2, -1)


# --- options -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"segmentation": "topic"}, UnknownOption),
        ({"refine": "magic"}, UnknownOption),
        ({"contiguity": 1.0}, InvalidInput),
        ({"max_turns": 0}, InvalidInput),
        ({"surprise": "logprobs"}, InvalidInput),
    ],
)
def test_options_that_are_none(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        open_store(**options)
