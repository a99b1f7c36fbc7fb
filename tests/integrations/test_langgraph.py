"""AgentmemStore beside InMemoryStore: items, namespaces, batches. The same tests for both."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

pytest.importorskip("langgraph", reason="the extra langgraph is not installed")

from langgraph.store.base import (
    BaseStore,
    GetOp,
    InvalidNamespaceError,
    Item,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchItem,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore


def keys(found: Sequence[Item]) -> list[str]:
    return [item.key for item in found]


# --- one item --------------------------------------------------------------------------------------
def test_put_and_get(store: BaseStore) -> None:
    value = {"text": "Ada eats no meat", "n": 1, "deep": {"list": [1, 2.5, None, True, "ü"]}}
    store.put(("users", "ada"), "diet", value)
    item = store.get(("users", "ada"), "diet")
    assert item is not None
    assert (item.namespace, item.key, item.value) == (("users", "ada"), "diet", value)
    assert item.created_at.tzinfo is not None and item.created_at <= item.updated_at
    assert set(item.dict()) == {"namespace", "key", "value", "created_at", "updated_at"}
    assert type(item.value) is dict


def test_what_is_missing_is_none(store: BaseStore) -> None:
    assert store.get(("users",), "nobody") is None
    store.put(("users",), "ada", {"a": 1})
    assert store.get(("users",), "bob") is None
    assert store.get(("user",), "ada") is None
    assert store.get(("users", "ada"), "ada") is None


def test_put_again_replaces(store: BaseStore) -> None:
    store.put(("a",), "k", {"old": 1})
    first = store.get(("a",), "k")
    store.put(("a",), "k", {"new": 2})
    second = store.get(("a",), "k")
    assert first is not None and second is not None
    assert second.value == {"new": 2}
    assert second.updated_at >= first.updated_at
    assert len(store.search(("a",))) == 1


def test_delete(store: BaseStore) -> None:
    store.put(("a",), "k", {"v": 1})
    store.put(("a",), "other", {"v": 2})
    store.delete(("a",), "k")
    assert store.get(("a",), "k") is None
    assert keys(store.search(("a",))) == ["other"]
    store.delete(("a",), "k")
    store.delete(("nowhere",), "k")
    store.put(("a",), "k", {"v": 3})
    again = store.get(("a",), "k")
    assert again is not None and again.value == {"v": 3}
    assert keys(store.search(("a",))) == ["other", "k"]


def test_equal_keys_of_two_namespaces(store: BaseStore) -> None:
    store.put(("a",), "k", {"v": 1})
    store.put(("a", "b"), "k", {"v": 2})
    store.delete(("a",), "k")
    kept = store.get(("a", "b"), "k")
    assert kept is not None and kept.value == {"v": 2}


def test_the_callers_value_stays_the_callers(store: BaseStore) -> None:
    value = {"v": 1}
    store.put(("a",), "k", value)
    value["v"] = 2
    item = store.get(("a",), "k")
    assert item is not None and item.value == {"v": 1}


@pytest.mark.parametrize(
    "key", ["", " ", "a.b", "ключ", "line\nbreak", "x" * 3000, "tab\t", "🍐", "key-1", 'quote"', "%_"]
)
def test_any_key(store: BaseStore, key: str) -> None:
    store.put(("a",), "plain", {"v": 0})
    store.put(("a",), key, {"v": 1})
    item = store.get(("a",), key)
    assert item is not None and (item.key, item.value) == (key, {"v": 1})
    assert keys(store.search(("a",), filter={"v": 1})) == [key]
    store.delete(("a",), key)
    assert store.get(("a",), key) is None
    assert keys(store.search(("a",))) == ["plain"]


def test_numbers_become_keys(store: BaseStore) -> None:
    store.put(("a",), 7, {"v": 1})  # type: ignore[arg-type]
    item = store.get(("a",), "7")
    assert item is not None and item.key == "7"


@pytest.mark.parametrize("value", [{}, {"": ""}, {"a": None}, {"a": []}, {"a": {}}, {"a": 0}])
def test_empty_values(store: BaseStore, value: dict[str, Any]) -> None:
    store.put(("a",), "k", value)
    item = store.get(("a",), "k")
    assert item is not None and item.value == value
    assert keys(store.search(("a",))) == ["k"]


# --- namespaces ------------------------------------------------------------------------------------
@pytest.mark.parametrize("bad", [(), ("",), ("a", ""), ("a.b",), ("langgraph", "x"), ("a", 1), ("a\0b",)])
def test_bad_namespaces(store: BaseStore, bad: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.put(bad, "k", {"v": 1})
    if bad and bad[0] != "langgraph":
        for verb in (store.get, store.delete):
            with pytest.raises(InvalidNamespaceError):
                verb(bad, "k")
        with pytest.raises(InvalidNamespaceError):
            store.search(bad)
        with pytest.raises(InvalidNamespaceError):
            store.list_namespaces(prefix=bad)
    assert store.search(()) == []


def test_a_prefix_is_one_of_labels(store: BaseStore) -> None:
    store.put(("foo",), "a", {"v": 1})
    store.put(("foobar",), "b", {"v": 2})
    store.put(("foo", "bar"), "c", {"v": 3})
    assert keys(store.search(("foo",))) == ["a", "c"]
    assert keys(store.search(("foo", "bar"))) == ["c"]
    assert keys(store.search(("bar",))) == []
    assert keys(store.search(())) == ["a", "b", "c"]


def test_search_gives_items_by_namespace_in_the_order_they_came(store: BaseStore) -> None:
    for name, key in [("z", "1"), ("a", "2"), ("z", "3"), ("a", "4"), ("m", "5")]:
        store.put((name,), key, {"v": key})
    store.put(("z",), "1", {"v": "new"})
    assert keys(store.search(())) == ["1", "3", "2", "4", "5"]
    assert keys(store.search((), limit=2)) == ["1", "3"]
    assert keys(store.search((), limit=2, offset=2)) == ["2", "4"]
    assert keys(store.search((), limit=10, offset=4)) == ["5"]
    assert keys(store.search((), limit=10, offset=5)) == []
    assert keys(store.search((), limit=0)) == []


def test_search_gives_ten_by_default(store: BaseStore) -> None:
    for n in range(15):
        store.put(("a",), str(n), {"n": n})
    found = store.search(("a",))
    assert keys(found) == [str(n) for n in range(10)]
    assert all(isinstance(item, SearchItem) and item.score is None for item in found)


NAMES = [
    ("a", "b", "c"),
    ("a", "b", "d", "e"),
    ("a", "b", "d", "i"),
    ("a", "b", "f"),
    ("a", "c", "f"),
    ("b", "a", "f"),
    ("users", "123"),
]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"prefix": ("a",)},
        {"prefix": ("a", "b")},
        {"prefix": ("a", "*", "f")},
        {"prefix": ("*", "a")},
        {"prefix": ("nothing",)},
        {"suffix": ("f",)},
        {"suffix": ("b", "f")},
        {"suffix": ("*", "f")},
        {"suffix": ("a", "b", "c", "d", "e", "f")},
        {"prefix": ("a",), "suffix": ("f",)},
        {"max_depth": 1},
        {"max_depth": 2},
        {"max_depth": 3, "prefix": ("a", "b")},
        {"max_depth": 99},
        {"limit": 2},
        {"limit": 2, "offset": 1},
        {"limit": 2, "offset": 6},
        {"limit": 2, "offset": 7},
        {"limit": 2, "offset": 1, "max_depth": 2},
        {"limit": 0},
    ],
    ids=str,
)
def test_list_namespaces(store: BaseStore, asked: dict[str, Any]) -> None:
    for name in reversed(NAMES):
        store.put(name, "k", {"v": 1})
    oracle = InMemoryStore()
    for name in NAMES:
        oracle.put(name, "k", {"v": 1})
    assert store.list_namespaces(**asked) == oracle.list_namespaces(**asked)
    assert asyncio.run(store.alist_namespaces(**asked)) == oracle.list_namespaces(**asked)


def test_no_namespaces_at_first(store: BaseStore) -> None:
    assert store.list_namespaces() == []


# --- batches ---------------------------------------------------------------------------------------
def batches(store: BaseStore, ops: Sequence[Any], how: str) -> list[Any]:
    return store.batch(ops) if how == "batch" else asyncio.run(store.abatch(ops))


@pytest.mark.parametrize("how", ["batch", "abatch"])
def test_reads_see_the_state_before_the_writes(store: BaseStore, how: str) -> None:
    store.put(("a",), "k", {"v": 1})
    results = batches(
        store,
        [
            PutOp(("a",), "k", {"v": 2}),
            GetOp(("a",), "k"),
            PutOp(("b",), "new", {"v": 3}),
            SearchOp(("b",)),
            ListNamespacesOp(),
            PutOp(("a",), "k", None),
            GetOp(("b",), "new"),
            SearchOp(()),
        ],
        how,
    )
    assert [results[i] for i in (0, 2, 5, 6)] == [None] * 4
    assert results[1].value == {"v": 1}
    assert results[3] == []
    assert results[4] == [("a",)]
    assert keys(results[7]) == ["k"]
    assert keys(store.search(())) == ["new"]


@pytest.mark.parametrize("how", ["batch", "abatch"])
def test_the_last_put_of_a_key_wins(store: BaseStore, how: str) -> None:
    ops = [
        PutOp(("a",), "k", {"v": 1}),
        PutOp(("a",), "gone", {"v": 1}),
        PutOp(("a",), "back", None),
        PutOp(("a",), "k", {"v": 2}),
        PutOp(("a",), "gone", None),
        PutOp(("a",), "back", {"v": 3}),
        PutOp(("b",), "k", {"v": 4}),
    ]
    assert batches(store, ops, how) == [None] * len(ops)
    assert [(item.key, item.value["v"]) for item in store.search(())] == [("k", 2), ("back", 3), ("k", 4)]


def test_an_empty_batch(store: BaseStore) -> None:
    assert store.batch([]) == []
    assert asyncio.run(store.abatch([])) == []


def test_a_batch_may_be_a_generator(store: BaseStore) -> None:
    assert store.batch(PutOp(("a",), str(n), {"n": n}) for n in range(3)) == [None] * 3
    assert len(store.search(("a",))) == 3


def test_what_is_no_operation_is_an_error(store: BaseStore) -> None:
    with pytest.raises(ValueError, match="Unknown operation"):
        store.batch([("a",)])  # type: ignore[list-item]


def test_conditions_of_raw_operations(store: BaseStore) -> None:
    store.put(("a", "x"), "k", {"v": 1})
    store.put(("b", "x"), "k", {"v": 1})
    conditions = (MatchCondition("prefix", ("a",)), MatchCondition("suffix", ("x",)))
    assert store.batch([ListNamespacesOp(match_conditions=conditions)]) == [[("a", "x")]]
    with pytest.raises(ValueError, match="Unsupported match type"):
        store.batch([ListNamespacesOp(match_conditions=(MatchCondition("middle", ("a",)),))])  # type: ignore[arg-type]


def test_async_verbs(store: BaseStore) -> None:
    async def work() -> None:
        await asyncio.gather(*(store.aput(("a",), str(n), {"n": n}) for n in range(20)))
        item = await store.aget(("a",), "7")
        assert item is not None and item.value == {"n": 7}
        await store.adelete(("a",), "7")
        assert await store.aget(("a",), "7") is None
        assert len(await store.asearch(("a",), limit=100)) == 19
        assert await store.alist_namespaces() == [("a",)]

    asyncio.run(work())
