"""What AgentmemStore does beyond InMemoryStore: it lasts, expires, keeps times, and is a memory."""

from __future__ import annotations

import asyncio
import datetime
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langgraph", reason="the extra langgraph is not installed")

from langgraph.store.base import GetOp, InvalidNamespaceError, PutOp, SearchItem, SearchOp

import agentmem
from agentmem.errors import DuplicateId, InvalidFilter, InvalidInput
from agentmem.integrations import items
from agentmem.integrations.langgraph import AgentmemStore

START = "2024-05-01T12:00:00Z"


def minutes(n: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=n)


@pytest.fixture
def clock() -> agentmem.ManualClock:
    return agentmem.ManualClock(START)


@pytest.fixture
def memory(clock: agentmem.ManualClock) -> Iterator[agentmem.MemoryStore]:
    with agentmem.open(":memory:", clock=clock) as opened:
        yield opened


@pytest.fixture
def store(memory: agentmem.MemoryStore) -> AgentmemStore:
    return AgentmemStore(memory)


# --- it is a memory --------------------------------------------------------------------------------
def test_an_item_is_a_memory(memory: agentmem.MemoryStore, store: AgentmemStore) -> None:
    store.put(("users", "ada"), "diet", {"food": "no meat", "since": 2019})
    one = memory.namespace("users", "ada").get("diet")
    assert (one.kind, one.data) == ("item", {"food": "no meat", "since": 2019})
    assert one.text == "food: no meat\nsince: 2019"
    assert [hit.memory.id for hit in memory.search("who eats meat?", subtree=True)] == ["diet"]
    assert "no meat" in memory.context("food", subtree=True).text


def test_other_memories_are_no_items(memory: agentmem.MemoryStore, store: AgentmemStore) -> None:
    users = memory.namespace("users")
    users.add("Ada eats no meat", id="said")
    store.put(("users",), "diet", {"text": "Ada eats no meat"})
    memory.namespace("talk").add("hello")
    assert store.get(("users",), "said") is None
    assert [item.key for item in store.search(("users",), query="Ada eats no meat")] == ["diet"]
    assert [item.key for item in store.search(())] == ["diet"]
    assert store.list_namespaces() == [("users",)]
    store.delete(("users",), "said")
    assert users.get("said").text == "Ada eats no meat"
    with pytest.raises(DuplicateId):
        store.put(("users",), "said", {"text": "something else"})
    assert users.get("said").text == "Ada eats no meat"


def test_a_store_on_a_namespace(memory: agentmem.MemoryStore) -> None:
    app = AgentmemStore(memory.namespace("app"))
    app.put(("users",), "ada", {"v": 1})
    AgentmemStore(memory).put(("other",), "x", {"v": 2})
    item = app.get(("users",), "ada")
    assert item is not None and item.namespace == ("users",)
    assert [found.namespace for found in app.search((), query="v")] == [("users",)]
    assert app.list_namespaces() == [("users",)]
    assert AgentmemStore(memory).list_namespaces() == [("app", "users"), ("other",)]


def test_history_and_erasure_work_on_items(memory: agentmem.MemoryStore, store: AgentmemStore) -> None:
    store.put(("a",), "k", {"text": "one"})
    store.put(("a",), "k", {"text": "two"})
    handle = memory.namespace("a")
    assert [version.data for version in handle.history("k")] == [{"text": "one"}, {"text": "two"}]
    assert handle.erase(ids="k").complete
    assert store.get(("a",), "k") is None


def test_times(clock: agentmem.ManualClock, store: AgentmemStore) -> None:
    begun = clock()
    store.put(("a",), "k", {"v": 1})
    for step in (1, 2):
        clock.advance(minutes(5))
        store.put(("a",), "k", {"v": step})
    item = store.get(("a",), "k")
    assert item is not None
    assert (item.created_at, item.updated_at) == (begun, begun + minutes(10))
    store.delete(("a",), "k")
    clock.advance(minutes(5))
    store.put(("a",), "k", {"v": 9})
    again = store.get(("a",), "k")
    assert again is not None and again.created_at == again.updated_at == begun + minutes(15)


def test_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "ada.db"
    with AgentmemStore.from_path(path) as store:
        store.put(("users", "ada"), "diet", {"text": "Ada eats no meat"})
        store.put(("users", "ada"), "long\nkey", {"text": "odd"})
        before = store.search(("users",))
    with AgentmemStore.from_path(path) as store:
        assert store.search(("users",)) == before
        assert store.search(("users",), query="meat")[0].key == "diet"
        assert store.list_namespaces() == [("users", "ada")]


@pytest.mark.parametrize("kind", ["unified", "episodic"])
def test_over_any_store(kind: str) -> None:
    with AgentmemStore.from_path(":memory:", store=kind, embedder="none") as store:
        store.put(("a",), "1", {"text": "a pear tree"})
        store.put(("a",), "2", {"text": "a sailing ship"})
        assert store.search(("a",), query="ship")[0].key == "2"


def test_two_stores_on_one_file(tmp_path: Path) -> None:
    path = tmp_path / "two.db"
    with AgentmemStore.from_path(path) as one, AgentmemStore.from_path(path) as two:
        one.put(("a",), "k", {"text": "from one"})
        item = two.get(("a",), "k")
        assert item is not None and item.value == {"text": "from one"}
        two.put(("a",), "k", {"text": "from two"})
        assert one.search(("a",), query="two")[0].value == {"text": "from two"}


def test_many_threads() -> None:
    with AgentmemStore.from_path(":memory:") as store:

        def work(name: str) -> None:
            for n in range(20):
                store.put((name,), str(n % 5), {"text": f"{name} {n}"})
                assert store.get((name,), str(n % 5)) is not None

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.search((), limit=100)) == 20


# --- what is refused -------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [{"a": object()}, {"a": float("nan")}, {"a": {1, 2}}])
def test_a_value_that_is_not_json(store: AgentmemStore, value: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="the value of 'bad'"):
        store.batch([PutOp(("a",), "good", {"v": 1}), PutOp(("b",), "bad", value)])
    assert store.search(()) == []


@pytest.mark.parametrize(
    "op",
    [GetOp(("a.b",), "k"), PutOp(("a", ""), "k", {"v": 1}), SearchOp(("a", 1))],  # type: ignore[arg-type]
)
def test_raw_operations_are_validated(store: AgentmemStore, op: Any) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.batch([op])


def test_an_unknown_operator_is_an_error_even_of_nothing(store: AgentmemStore) -> None:
    with pytest.raises(InvalidFilter):
        store.search(("nowhere",), filter={"a": {"$in": [1]}})


@pytest.mark.parametrize(
    ("filter", "wanted"),
    [
        ({"v": {"$gt": 1}}, "number"),
        ({"v": {"$gte": "2024-01-01"}}, "date"),
        ({"v": {"$lt": None}}, ""),
        ({"missing": {"$gt": 0}}, ""),
        ({"missing": {"inner": {"$gt": 0}}}, ""),
        ({"v": {"$gt": "2023", "$lt": "2025"}}, "date"),
    ],
)
def test_what_cannot_be_compared_does_not_match(
    store: AgentmemStore, filter: dict[str, Any], wanted: str
) -> None:
    for key, value in {"number": 2, "date": "2024-03-01", "none": None, "list": [1]}.items():
        store.put(("a",), key, {"v": value})
    assert [item.key for item in store.search(("a",), filter=filter)] == wanted.split()


# --- the index -------------------------------------------------------------------------------------
def test_the_index_is_the_memorys(memory: agentmem.MemoryStore) -> None:
    with pytest.raises(InvalidInput, match="from_path"):
        AgentmemStore(memory, index={"dims": 3, "embed": lambda texts: [[1.0, 0, 0] for _ in texts]})
    with pytest.raises(InvalidInput, match="dims"):
        AgentmemStore(memory, index={"dims": 3})
    store = AgentmemStore(memory, index={"dims": memory.stats().dim, "fields": ["a"]})
    store.put(("n",), "k", {"a": "pears", "b": "plums"})
    assert memory.namespace("n").get("k").text == "pears"


def test_coroutines_may_make_the_vectors() -> None:
    async def embed(texts: Sequence[str]) -> list[list[float]]:
        await asyncio.sleep(0)
        return [[1.0, float("pear" in text), float("ship" in text)] for text in texts]

    async def work(store: AgentmemStore) -> list[SearchItem]:
        store.put(("a",), "1", {"text": "a pear"})  # the blocking verb on a running loop
        await store.aput(("a",), "2", {"text": "a ship"})
        return await store.asearch(("a",), query="ships?")

    with AgentmemStore.from_path(":memory:", index={"dims": 3, "embed": embed}) as store:
        assert [item.key for item in asyncio.run(work(store))] == ["2", "1"]


def test_one_embedder_is_enough() -> None:
    with pytest.raises(InvalidInput, match="either"):
        AgentmemStore.from_path(":memory:", embedder="static", index={"dims": 1, "embed": lambda texts: []})


def test_pages_of_a_query_do_not_overlap(store: AgentmemStore) -> None:
    for n in range(7):
        store.put(("a",), str(n), {"text": f"pear number {n}"}, index=None if n % 2 else False)
    seen = []
    for offset in range(0, 8, 2):
        seen += [item.key for item in store.search(("a",), query="pear", limit=2, offset=offset)]
    assert sorted(seen) == [str(n) for n in range(7)]


def test_a_rare_match_is_found_among_many(store: AgentmemStore) -> None:
    store.batch([PutOp(("a",), str(n), {"text": f"pear {n}", "n": n}) for n in range(600)])
    found = store.search(("a",), query="pear", filter={"n": {"$gt": 597}})
    assert sorted(item.key for item in found) == ["598", "599"]
    assert all(item.score is not None for item in found)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"text": "just this"}, "just this"),
        ({"anything": "just this"}, "just this"),
        ({"text": "a", "n": 1}, "a\nn: 1"),
        ({"a": {"b": "x", "c": [1, 2]}, "d": None, "e": False}, "a b: x\na c: 1\na c: 2\ne: false"),
        ({"a": "nul\0byte"}, "nul byte"),
        ({}, ""),
        ({"a": "", "b": None}, ""),
    ],
)
def test_the_text_of_a_whole_value(value: dict[str, Any], text: str) -> None:
    assert items.text_of(value, ["$"]) == text


# --- time to live ----------------------------------------------------------------------------------
def test_an_item_expires(clock: agentmem.ManualClock, store: AgentmemStore) -> None:
    store.put(("a",), "brief", {"text": "a pear"}, ttl=10)
    store.put(("b",), "lasting", {"text": "a pear"})
    clock.advance(minutes(10) - datetime.timedelta(seconds=1))
    found = store.search((), refresh_ttl=False)
    assert [item.key for item in found] == ["brief", "lasting"]
    clock.advance(datetime.timedelta(seconds=1))
    assert store.get(("a",), "brief") is None
    assert [item.key for item in store.search(())] == ["lasting"]
    assert [item.key for item in store.search((), query="pear")] == ["lasting"]
    assert store.list_namespaces() == [("b",)]


@pytest.mark.parametrize("how", ["get", "search", "query", "aget", "asearch"])
def test_reading_prolongs_a_life(clock: agentmem.ManualClock, store: AgentmemStore, how: str) -> None:
    store.put(("a",), "k", {"text": "a pear"}, ttl=10)
    begun = clock()

    def read(refresh: bool | None) -> Any:
        if how == "get":
            return store.get(("a",), "k", refresh_ttl=refresh)
        if how == "aget":
            return asyncio.run(store.aget(("a",), "k", refresh_ttl=refresh))
        if how == "asearch":
            return asyncio.run(store.asearch(("a",), refresh_ttl=refresh))
        return store.search(("a",), query="pear" if how == "query" else None, refresh_ttl=refresh)

    for _ in range(5):
        clock.advance(minutes(9))
        assert read(None)
    item = store.get(("a",), "k", refresh_ttl=False)
    assert item is not None and item.created_at == item.updated_at == begun
    clock.advance(minutes(9))
    assert read(False)
    clock.advance(minutes(2))
    assert not read(False)
    assert not read(None)


def test_reading_all_the_time_writes_rarely(
    clock: agentmem.ManualClock, memory: agentmem.MemoryStore, store: AgentmemStore
) -> None:
    store.put(("a",), "k", {"text": "a pear"}, ttl=60)
    for _ in range(600):
        clock.advance(datetime.timedelta(seconds=6))
        assert store.get(("a",), "k")
    assert len(memory.namespace("a").history("k")) <= 1 + 17


def test_the_configuration(memory: agentmem.MemoryStore, clock: agentmem.ManualClock) -> None:
    store = AgentmemStore(memory, ttl={"default_ttl": 5, "refresh_on_read": False})
    assert store.supports_ttl and store.ttl_config == {"default_ttl": 5, "refresh_on_read": False}
    store.put(("a",), "default", {"v": 1})
    store.put(("a",), "own", {"v": 1}, ttl=20)
    store.put(("a",), "none", {"v": 1}, ttl=None)
    clock.advance(minutes(4))
    assert store.get(("a",), "default") is not None  # does not prolong
    clock.advance(minutes(2))
    assert [item.key for item in store.search(("a",))] == ["own", "none"]
    clock.advance(minutes(20))
    assert [item.key for item in store.search(("a",))] == ["none"]


def test_put_again_sets_the_life_anew(clock: agentmem.ManualClock, store: AgentmemStore) -> None:
    store.put(("a",), "k", {"v": 1}, ttl=10)
    store.put(("a",), "k", {"v": 2})
    clock.advance(minutes(60))
    assert store.get(("a",), "k") is not None
    store.put(("a",), "k", {"v": 3}, ttl=10)
    clock.advance(minutes(11))
    assert store.get(("a",), "k") is None
    store.put(("a",), "k", {"v": 4})
    item = store.get(("a",), "k")
    assert item is not None and item.created_at == clock()


@pytest.mark.parametrize("ttl", [float("nan"), float("inf"), 1e12, "soon"])
def test_a_life_that_is_no_time(store: AgentmemStore, ttl: Any) -> None:
    with pytest.raises(InvalidInput, match="ttl"):
        store.put(("a",), "k", {"v": 1}, ttl=ttl)
    assert store.get(("a",), "k") is None


def test_sweeping(clock: agentmem.ManualClock, memory: agentmem.MemoryStore, store: AgentmemStore) -> None:
    store.batch([PutOp(("a",), str(n), {"text": f"pear {n}"}, ttl=n) for n in range(1, 6)])
    clock.advance(minutes(3))
    assert store.sweep_ttl() == 3
    assert store.sweep_ttl() == 0
    handle = memory.namespace("a")
    assert sorted(one.id for one in handle.list()) == ["4", "5"]
    assert handle.history("1")
    clock.advance(minutes(3))
    assert store.sweep_ttl(erase=True) == 2
    assert memory.stats().memories == 0
    with pytest.raises(agentmem.errors.MemoryNotFound):
        handle.history("4")


def test_sweeping_by_itself(clock: agentmem.ManualClock, memory: agentmem.MemoryStore) -> None:
    store = AgentmemStore(memory, ttl={"default_ttl": 1, "sweep_interval_minutes": 30})
    store.put(("a",), "k", {"v": 1})
    clock.advance(minutes(5))
    store.put(("a",), "l", {"v": 1}, ttl=None)
    assert memory.stats().memories == 2
    clock.advance(minutes(30))
    store.put(("a",), "m", {"v": 1}, ttl=None)
    assert sorted(one.id for one in memory.namespace("a").list()) == ["l", "m"]


def test_reading_a_file_that_cannot_be_written(tmp_path: Path, clock: agentmem.ManualClock) -> None:
    path = tmp_path / "read.db"
    with AgentmemStore.from_path(path, clock=clock) as store:
        store.put(("a",), "k", {"v": 1}, ttl=10)
    clock.advance(minutes(9))
    with AgentmemStore.from_path(path, clock=clock, readonly=True) as store:
        assert store.get(("a",), "k") is not None


def test_a_namespace_or_value_of_the_wrong_type_is_refused(store: AgentmemStore) -> None:
    text: Any = "users"  # which would be the labels u, s, e, r, s
    for call in (
        lambda: store.put(text, "k", {"a": 1}),
        lambda: store.get(text, "k"),
        lambda: store.search(text),
    ):
        with pytest.raises(InvalidInput, match=r"tuple of labels: pass \('users',\)"):
            call()
    value: Any = "a text"
    with pytest.raises(InvalidInput, match="the value of 'k' is a mapping such as"):
        store.put(("users",), "k", value)
    assert store.list_namespaces() == []
