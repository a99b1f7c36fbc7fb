"""MemoryBank: its published numbers, what was mended of it, its digests and its policies."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import agentmem
from agentmem import ManualClock, MemoryStore, decay
from agentmem.clock import Clock
from agentmem.errors import InvalidInput, MemoryNotFound, UnknownOption
from agentmem.stores.forgetting import ForgettingStore
from agentmem.stores.forgetting.fate import drawn
from agentmem.testing import StoreContract


class TestForgettingStore(StoreContract):
    def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
        return agentmem.open(path, store="forgetting", clock=clock, **options)


class TestForgettingStoreThatForgets(StoreContract):
    """The contract holds where forgetting is on, with a curve that has not dropped the diary yet."""

    def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
        curve = {"curve": "memorybank", "days": 100_000.0}
        return agentmem.open(
            path, store="forgetting", clock=clock, forget="threshold", curve=curve, capacity=5000, **options
        )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2024-05-01T12:00:00Z")


def opened(clock: Clock, path: str | Path = ":memory:", **options: Any) -> ForgettingStore:
    store = agentmem.open(path, store="forgetting", clock=clock, **options)
    assert isinstance(store, ForgettingStore)
    return store


def ids(found: Any) -> list[str]:
    return [getattr(one, "memory", one).id for one in found]


# --- the published numbers ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "strong", "expected"),
    [
        (1, 0, 0.368),
        (3, 0, 0.050),
        (7, 0, 0.001),
        (1, 2, 0.717),
        (3, 2, 0.368),
        (7, 2, 0.097),
        (14, 2, 0.009),
    ],
)
def test_retention_is_the_papers(clock: ManualClock, days: int, strong: int, expected: float) -> None:
    """R = e^(-t/S): S begins at 1 and grows by 1 with each recall, which sets t to 0."""
    with opened(clock) as store:
        store.add("Grace moved to Lisbon", id="a", at="2024-05-01")
        for _ in range(strong):
            assert ids(store.recall("Where did Grace move?", at="2024-05-01")) == ["a"]
        assert store.retention("a", f"2024-05-{1 + days:02d}") == pytest.approx(expected, abs=5e-4)


def test_a_life_by_hand(clock: ManualClock) -> None:
    with opened(clock) as store:
        store.add("x y z", id="a", at="2024-05-01")
        store.reinforce("a", at="2024-05-03")
        assert store.retention("a", "2024-05-03") == 1.0
        assert store.retention("a", "2024-05-02T23:59:59Z") == pytest.approx(math.exp(-2), abs=1e-4)
        assert store.retention("a", "2024-05-07") == pytest.approx(math.exp(-4 / 2))
        store.reinforce("a", at="2024-05-07")
        assert store.retention("a", "2024-05-10") == pytest.approx(math.exp(-3 / 3))
        with pytest.raises(MemoryNotFound):
            store.retention("b")


def test_the_codes_slip_can_be_had(clock: ManualClock) -> None:
    """exp(-t / 5 * S): the stronger fades faster; only when asked for by name."""
    with opened(clock, curve={"curve": "memorybank", "as_coded": True}) as store:
        store.add("x", id="a", at="2024-05-01")
        assert store.retention("a", "2024-05-08") == pytest.approx(0.247, abs=5e-4)
        for _ in range(2):
            store.reinforce("a", at="2024-05-01")
        assert store.retention("a", "2024-05-08") == pytest.approx(0.015, abs=5e-4)


@pytest.mark.parametrize("name", decay.names())
def test_any_curve(clock: ManualClock, name: str) -> None:
    with opened(clock, curve=name, fading=1.0) as store:
        store.add("the dog barks", id="old", at="2023-05-01")
        store.add("the dog barks", id="new", at="2024-04-30")
        assert 0 <= store.retention("old") <= store.retention("new") <= 1
        assert set(ids(store.search("dog"))) == {"old", "new"}


# --- recall ------------------------------------------------------------------------------------------
def test_retention_weighs_in_recall(clock: ManualClock) -> None:
    with opened(clock, fading=0.5, curve="power") as store:
        store.add("the dog barks at the postman", id="new", at="2024-04-01")
        store.add("the dog barks at the postman", id="old", at="2024-03-01")
        assert ids(store.search("dog postman")) == ["new", "old"]
        for day in (2, 9, 16, 23):
            store.reinforce("old", at=f"2024-04-{day:02d}")
        best = store.search("dog postman")
        assert ids(best) == ["old", "new"]
        full, retained = best[1].score - best[1].signals["prior"], store.retention("new")
        assert best[1].score == pytest.approx(full * (1 - 0.5 * (1 - retained)))
        assert ids(store.search("dog postman", at="2024-04-01")) == ["new", "old"]


def test_what_one_process_uses_another_sees(clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(clock, path, fading=1.0) as one, opened(clock, path, fading=1.0) as two:
        one.add("the dog barks", id="a", at="2024-04-20")
        one.add("the dog barks", id="b", at="2024-04-21")
        assert ids(two.search("dog")) == ["b", "a"]
        one.reinforce("a")
        assert ids(two.search("dog")) == ["a", "b"]
        one.erase(ids="a")
        one.add("the dog barks", id="a", at="2024-04-20")
        assert ids(two.search("dog")) == ["b", "a"]  # the uses went with it


def test_the_unified_store_takes_a_curve(clock: ManualClock) -> None:
    with agentmem.open(":memory:", clock=clock, curve="power", fading=0.9) as store:
        store.add("the dog barks at the postman", id="new", at="2024-04-01")
        store.add("the dog barks at the postman", id="old", at="2020-04-01")
        store.reinforce("old", at="2024-04-30")
        assert ids(store.search("dog")) == ["old", "new"]
    with agentmem.open(":memory:", clock=clock) as store:
        assert store.retention(store.add("x").id) == 1.0  # type: ignore[attr-defined]


def test_known_at_knows_no_later_use(clock: ManualClock) -> None:
    with opened(clock, fading=1.0) as store:
        store.add_many(
            [{"text": "dog", "id": "a", "at": "2024-04-20"}, {"text": "dog", "id": "b", "at": "2024-04-21"}]
        )
        clock.set("2024-05-03")
        store.reinforce("a")
        assert ids(store.search("dog")) == ["a", "b"]
        assert ids(store.search("dog", known_at="2024-05-02")) == ["b", "a"]


def test_vectors_alone_as_in_the_paper(clock: ManualClock) -> None:
    with opened(clock, retrieval="dense", fading=0.0) as store:
        store.add("the dog barks")
        store.add("a boat on the river")
        for hit in store.search("dog"):
            assert set(hit.signals) <= {"vectors"}


# --- forgetting --------------------------------------------------------------------------------------
def test_sampling_keeps_the_share_that_retention_says(clock: ManualClock) -> None:
    """A day after, e^-1 of the memories are kept; with another seed others are."""
    kept = {}
    for seed in (1, 2):
        with opened(clock, forget="sampled", seed=seed) as store:
            store.add_many(
                {"text": f"thing {i}", "id": str(i), "at": "2024-04-30T12:00Z"} for i in range(2000)
            )
            store.consolidate()
            kept[seed] = {str(i) for i in range(2000)} - {fate.id for fate in store.forgotten()}
            assert len(kept[seed]) / 2000 == pytest.approx(math.exp(-1), abs=0.03)
            expected = {str(i) for i in range(2000) if math.exp(-1) >= drawn(seed, str(i))}
            assert kept[seed] == expected
    assert 0.25 < len(kept[1] & kept[2]) / len(kept[1]) < 0.5


def test_forgetting_often_is_forgetting_once(clock: ManualClock) -> None:
    """The released code draws anew at each load: ten loads in a day at R = .819 leave 14 %."""
    with opened(clock, forget="sampled") as store:
        store.add_many({"text": f"thing {i}", "id": str(i), "at": "2024-05-01"} for i in range(500))
        store.consolidate()
        once = store.forgotten()
        for _ in range(10):
            assert store.consolidate().linked == 0
        assert store.forgotten() == once
        assert 0 < len(once) < 500


def test_nothing_is_lost_and_use_brings_it_back(clock: ManualClock) -> None:
    """The released code deletes the only copy of the raw log."""
    with opened(clock, forget="threshold", threshold=0.3, find_days=False) as store:
        store.add("the dog barks at the postman", id="a", at="2024-04-20")
        store.add("the postman has a red bicycle", id="b", at="2024-05-01T11:00Z")
        assert [fate.id for fate in store.fates()] == ["a"] and store.forgotten() == []
        assert ids(store.search("postman")) == ["b", "a"]
        store.consolidate()
        assert ids(store.search("postman")) == ["b"]
        (fate,) = store.forgotten()
        assert (fate.id, fate.bound) == ("a", 0.3) and "below the bound 0.3" in fate.reason
        assert {m.text for m in store.list(filter={"@kind": "episode"})} == {
            "the dog barks at the postman", "the postman has a red bicycle",
        }  # fmt: skip
        assert store.get("a").version == 1 and store.history("a")[-1].retired_at is None
        assert set(ids(store.search("postman", at="2024-04-20T01:00Z"))) == {"a", "b"}  # remembered then
        store.reinforce("a")
        assert set(ids(store.search("postman"))) == {"a", "b"} and store.forgotten() == []
        store.consolidate()
        assert store.links("a") == []


def test_forgetting_can_be_undone(clock: ManualClock) -> None:
    with opened(clock, forget="threshold") as store:
        store.add("the dog barks", id="a", at="2024-01-01")
        report = store.consolidate()
        assert report.linked >= 1 and store.search("dog") == []
        store.undo(report.run)
        assert ids(store.search("dog")) == ["a"]


def test_another_policy_finds_everything(clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(clock, path, forget="threshold") as store:
        store.add("the dog barks", id="a", at="2024-01-01")
        store.consolidate()
        assert store.search("dog") == []
    with opened(clock, path) as store:
        assert "a" in ids(store.search("dog"))
    with agentmem.open(path, store="episodic", clock=clock) as other:
        assert ids(other.search("dog")) == ["a"]


def test_the_log_is_touched_when_told_to(clock: ManualClock) -> None:
    with opened(clock, forget="threshold", touch_log=True) as store:
        store.add("the dog barks", id="a", at="2024-01-01")
        store.add("the cat sleeps", id="b", metadata={"pinned": True}, at="2024-01-01")
        assert ids(store.forget(dry_run=True)) == ["a"]
        report = store.consolidate()
        assert "a" in report.retired
        assert ids(store.list(filter={"@kind": "episode"})) == ["b"]
        assert store.restore("a") == 1
        assert ids(store.forget()) == ["a"]
    with opened(clock, forget="threshold") as store:
        store.add("the dog barks", id="a", at="2024-01-01")
        assert store.forget() == [] and ids(store.list()) == ["a"]


def test_those_who_are_not_here_are_left_alone(clock: ManualClock) -> None:
    """The released code decimates every user at each load."""
    with opened(clock, forget="threshold") as store:
        ada, ben = store.namespace("ada"), store.namespace("ben")
        for one in (ada, ben):
            one.add("the dog barks", id="a", at="2024-01-01")
        ada.consolidate()
        assert ada.search("dog") == [] and ids(ben.search("dog")) == ["a"]
        assert ids(store.search("dog", subtree=True)) == ["a"]


def test_capacity(clock: ManualClock) -> None:
    with opened(clock, capacity=2, find_days=False, curve="power") as store:
        for day, (id, worth) in enumerate([("pin", 1), ("a", 1), ("b", 0.2), ("c", 1), ("d", 0.9)], start=1):
            metadata = {"importance": worth, "pinned": id == "pin"}
            store.add(f"dog number {day}", id=id, at=f"2024-04-{day:02d}", metadata=metadata)
        store.reinforce("a", at="2024-04-28")
        fates = store.fates()
        assert [fate.id for fate in fates] == ["b", "d", "c"]
        assert "1 of 4 from the bottom" in fates[0].reason and "× importance 0.2" in fates[0].reason
        store.consolidate()
        assert set(ids(store.search("dog"))) == {"pin", "a"}
        assert {fate.id: fate.reason for fate in store.forgotten()}["b"] == fates[0].reason
        store.reinforce("c")
        assert set(ids(store.search("dog"))) == {"pin", "a", "c"}
        store.consolidate()
        assert set(ids(store.search("dog"))) == {"pin", "c"}


def test_recall_strengthens_summaries_too(clock: ManualClock) -> None:
    """In the released code a summary's id never matches, so that summaries are never strengthened."""
    with opened(clock) as store:
        store.add("Grace moved to Lisbon to study marine biology.", at="2024-04-29")
        store.consolidate()
        (summary,) = store.digests("day-summary")
        before = store.retention(summary.id)
        assert summary.id in ids(store.recall("Where did Grace move?"))
        assert store.retention(summary.id) > before


def test_mere_retrieval_can_count_for_nothing(clock: ManualClock) -> None:
    with opened(clock, curve={"curve": "memorybank", "retrieved": 0.0}) as store:
        store.add("the dog barks", id="a", at="2024-04-29")
        before = store.retention("a")
        store.recall("dog")
        assert store.retention("a") == before
        store.reinforce("a")
        assert store.retention("a") == 1.0


def test_a_zone_does_not_change_retention(clock: ManualClock) -> None:
    with opened(clock, zone="Asia/Tokyo") as store:
        store.add("x", id="a", at="2024-04-30T23:00:00+02:00")
        store.add("x", id="b", at="2024-04-30T21:00:00Z")
        assert store.retention("a") == store.retention("b")
        store.consolidate()
        assert store.digests() == []  # in Tokyo both lie in the first of May, which is not over


def test_a_curve_is_drawn(clock: ManualClock, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with opened(clock) as store:
        store.add("x", id="a", at="2024-04-20")
        store.reinforce("a", at="2024-04-22")
        target = store.plot_retention("a", tmp_path / "a.svg")
        assert target.read_text().lstrip().startswith("<?xml")


@pytest.mark.parametrize(
    "options",
    [
        {"curve": "none such"}, {"curve": 3}, {"curve": None}, {"curve": {"curve": "power", "x": 1}},
        {"fading": 2}, {"forget": "always"}, {"threshold": -1}, {"capacity": -1}, {"capacity": True},
        {"zone": "Mars/Olympus"}, {"retrieval": "x"},
    ],
)  # fmt: skip
def test_options_are_checked(clock: ManualClock, options: dict[str, Any]) -> None:
    with pytest.raises((UnknownOption, InvalidInput)):
        opened(clock, **options)


def test_as_many_uses_as_you_like(clock: ManualClock) -> None:
    """The prior of candidates is that of the curve on each life, however the uses lie."""
    from agentmem.recall.retention import Retention

    random = np.random.default_rng(0)
    with opened(clock, curve="fsrs6") as store:
        store.add_many(
            {"text": f"thing {i}", "id": str(i), "at": f"2024-03-{1 + i % 28:02d}"} for i in range(60)
        )
        for i in random.integers(0, 40, 150).tolist():
            store.reinforce(str(i), at=f"2024-04-{1 + i % 28:02d}", grade=["again", "hard", "good"][i % 3])
        store.delete("3")
        number = store._runtime.number(())
        assert number is not None and store.curve is not None
        space = store._runtime.space(number)
        for docs in (np.arange(5, 10), np.flatnonzero(space.live)):
            with space.lock:
                values = Retention(store.curve, space, store._runtime.backend, clock()).of(docs)
                names = space.ids_of(docs)
            assert values.tolist() == pytest.approx([store.retention(id) for id in names])
