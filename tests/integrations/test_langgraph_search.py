"""AgentmemStore beside InMemoryStore: filters, queries, use in a graph, any operations. The same for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("langgraph", reason="the extra langgraph is not installed")

from langgraph.store.base import BaseStore, GetOp, Item, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore

from agentmem.integrations.langgraph import AgentmemStore

Make = Callable[..., BaseStore]


def keys(found: Sequence[Item]) -> list[str]:
    return [item.key for item in found]


# --- filters ---------------------------------------------------------------------------------------
ROWS: dict[str, dict[str, Any]] = {
    "one": {"n": 1, "kind": "fruit", "tags": ["x", "y"], "deep": {"a": 1, "b": {"c": "q"}}, "flag": True},
    "two": {"n": 2.5, "kind": "fruit", "tags": ["x"], "deep": {"a": 2}, "flag": False},
    "three": {"n": 3, "kind": "root", "tags": [], "none": None},
    "four": {"n": -4, "kind": "", "deep": {"b": {"c": "q"}}},
}


@pytest.mark.parametrize(
    ("filter", "wanted"),
    [
        ({}, "one two three four"),
        ({"kind": "fruit"}, "one two"),
        ({"kind": ""}, "four"),
        ({"kind": "fruit", "n": 1}, "one"),
        ({"kind": "stone"}, ""),
        ({"n": 1.0}, "one"),
        ({"flag": True}, "one"),
        ({"flag": False}, "two"),
        ({"none": None}, "one two three four"),
        ({"missing": None}, "one two three four"),
        ({"missing": 1}, ""),
        ({"tags": ["x", "y"]}, "one"),
        ({"tags": ["x"]}, "two"),
        ({"tags": []}, "three"),
        ({"tags": "x"}, ""),
        ({"deep": {"a": 1}}, "one"),
        ({"deep": {"b": {"c": "q"}}}, "one four"),
        ({"deep": {"a": {"$ne": 1}}}, "two four"),
        ({"n": {"$eq": 3}}, "three"),
        ({"n": {"$ne": 3}}, "one two four"),
        ({"missing": {"$ne": 3}}, "one two three four"),
        ({"missing": {"$eq": None}}, "one two three four"),
        ({"n": {"$gt": 1}}, "two three"),
        ({"n": {"$gte": 1}}, "one two three"),
        ({"n": {"$lt": 1}}, "four"),
        ({"n": {"$lte": 1}}, "one four"),
        ({"n": {"$gte": 1, "$lt": 3}}, "one two"),
        ({"n": {"$gt": "1"}}, "two three"),
        ({"n": {"$gt": 0}, "kind": {"$ne": "root"}}, "one two"),
    ],
    ids=str,
)
def test_filters(store: BaseStore, filter: dict[str, Any], wanted: str) -> None:
    for key, value in ROWS.items():
        store.put(("rows",), key, value)
    assert keys(store.search(("rows",), filter=filter)) == wanted.split()
    assert keys(store.search(("rows",), filter=filter, limit=1, offset=1)) == wanted.split()[1:2]
    assert keys(asyncio.run(store.asearch(("rows",), filter=filter))) == wanted.split()


@pytest.mark.parametrize(
    "filter", [{"n": {"$in": [1]}}, {"n": {"$regex": "x"}}, {"deep": {"a": {"$in": []}}}]
)
def test_an_unknown_operator_is_an_error(store: BaseStore, filter: dict[str, Any]) -> None:
    store.put(("rows",), "one", ROWS["one"])
    with pytest.raises(ValueError, match="Unsupported operator"):
        store.search(("rows",), filter=filter)


def test_a_filter_looks_beyond_the_first_page(store: BaseStore) -> None:
    store.batch([PutOp(("a",), str(n), {"n": n}) for n in range(1200)])
    assert keys(store.search(("a",), filter={"n": {"$gte": 1198}})) == ["1198", "1199"]


# --- queries ---------------------------------------------------------------------------------------
PETS = {
    "cat": {"text": "the cat sleeps all day on the warm sofa", "sort": "mammal"},
    "dog": {"text": "a dog chases its ball through our garden", "sort": "mammal"},
    "bird": {"text": "parrots repeat what visitors shout", "sort": "bird"},
}


@pytest.fixture
def pets(make: Make) -> BaseStore:
    store = make("text")
    for key, value in PETS.items():
        store.put(("pets", value["sort"]), key, value)
    return store


@pytest.mark.parametrize(
    ("query", "wanted"),
    [("cat on the sofa", "cat"), ("dog chases ball", "dog"), ("what do parrots repeat", "bird")],
)
def test_the_nearest_comes_first(pets: BaseStore, query: str, wanted: str) -> None:
    found = pets.search(("pets",), query=query)
    assert len(found) == 3 and found[0].key == wanted
    assert found == asyncio.run(pets.asearch(("pets",), query=query))
    scores = [item.score for item in found]
    assert all(isinstance(score, float) for score in scores)
    assert scores[0] == max(s for s in scores if s is not None)
    assert keys(pets.search(("pets",), query=query, limit=1)) == [wanted]
    assert keys(pets.search(("pets",), query=query, limit=2, offset=1)) == keys(found)[1:]


def test_a_query_stays_in_its_prefix(pets: BaseStore) -> None:
    assert keys(pets.search(("pets", "bird"), query="cat on the sofa")) == ["bird"]
    assert pets.search(("pet",), query="cat") == []


def test_a_query_and_a_filter(pets: BaseStore) -> None:
    assert keys(pets.search(("pets",), query="parrots", filter={"sort": "mammal"}, limit=5)) != []
    assert "bird" not in keys(pets.search(("pets",), query="parrots", filter={"sort": "mammal"}))
    assert keys(pets.search(("pets",), query="the cat", filter={"sort": {"$ne": "mammal"}})) == ["bird"]


def test_several_queries_in_a_batch(pets: BaseStore) -> None:
    results: list[Any] = pets.batch(
        [SearchOp(("pets",), query="the cat"), SearchOp(("pets",), query="a dog", limit=1)]
    )
    assert results[0][0].key == "cat" and keys(results[1]) == ["dog"]


def test_put_again_is_indexed_again(pets: BaseStore) -> None:
    pets.put(("pets", "mammal"), "cat", {"text": "a submarine dives below the ice"})
    assert pets.search(("pets",), query="submarine below ice")[0].key == "cat"
    assert pets.search(("pets",), query="dog chases ball")[0].key == "dog"
    pets.delete(("pets", "mammal"), "cat")
    assert "cat" not in keys(pets.search(("pets",), query="submarine below ice"))


def test_what_is_not_indexed_comes_last_and_without_score(pets: BaseStore) -> None:
    pets.put(("pets", "fish"), "shark", {"text": "cat on the sofa"}, index=False)
    found = pets.search(("pets",), query="cat on the sofa")
    assert (found[0].key, found[-1].key) == ("cat", "shark")
    assert found[-1].score is None and all(item.score is not None for item in found[:-1])
    assert "shark" not in keys(pets.search(("pets",), query="cat on the sofa", limit=3))
    assert keys(pets.search(("pets", "fish"))) == ["shark"]
    item = pets.get(("pets", "fish"), "shark")
    assert item is not None and item.value == {"text": "cat on the sofa"}


def test_what_lacks_the_field_comes_last(pets: BaseStore) -> None:
    pets.put(("pets", "fish"), "shark", {"title": "cat on the sofa"})
    found = pets.search(("pets",), query="cat on the sofa")
    assert (found[0].key, found[-1].key, found[-1].score) == ("cat", "shark", None)


def test_fields_of_one_put(pets: BaseStore) -> None:
    pets.put(
        ("pets", "fish"), "shark", {"text": "nothing", "title": "shark in the deep sea"}, index=["title"]
    )
    assert pets.search(("pets",), query="shark in the deep sea")[0].key == "shark"
    pets.put(("pets", "fish"), "squid", {"text": "ink", "title": "shark in the deep sea"}, index=["text"])
    assert pets.search(("pets",), query="shark in the deep sea")[0].key == "shark"
    assert pets.search(("pets",), query="ink")[0].key == "squid"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", {"a": {"b": "needle in the haystack"}}),
        ("a[*].b", {"a": [{"b": "something else"}, {"b": "needle in the haystack"}]}),
        ("a[0]", {"a": ["needle in the haystack", "more"]}),
        ("a[-1]", {"a": ["more", "needle in the haystack"]}),
        ("a[*]", {"a": ["one", "needle in the haystack"]}),
        ("*.b", {"a": {"b": "needle in the haystack"}}),
        ("{a,b}", {"a": "some", "b": "needle in the haystack"}),
    ],
)
def test_paths(make: Make, path: str, value: dict[str, Any]) -> None:
    store = make(path)
    store.put(("n",), "other", value={"a": "x", "b": "y", "c": "needle in the haystack"}, index=["b"])
    store.put(("n",), "wanted", value)
    store.put(("n",), "third", {"c": "nothing of the kind"}, index=["c"])
    assert store.search(("n",), query="needle in the haystack")[0].key == "wanted"
    assert len(store.search(("n",), query="needle in the haystack")) == 3


def test_several_fields_are_one_item(make: Make) -> None:
    store = make("title", "body", "notes[*]")
    store.put(
        ("n",), "1", {"title": "pear trees", "body": "apples and plums", "notes": ["in May", "in June"]}
    )
    store.put(("n",), "2", {"title": "ships", "body": "sails", "notes": []})
    assert keys(store.search(("n",), query="pear trees")) == ["1", "2"]
    assert keys(store.search(("n",), query="apples and plums")) == ["1", "2"]
    assert keys(store.search(("n",), query="sails of ships")) == ["2", "1"]


def test_the_whole_value_by_default(make: Make) -> None:
    store = make("$")
    store.put(("n",), "1", {"name": "Ada", "likes": {"fruit": "pears"}})
    store.put(("n",), "2", {"name": "Bob", "likes": {"fruit": "plums"}})
    assert store.search(("n",), query="pears")[0].key == "1"
    assert store.search(("n",), query="Bob")[0].key == "2"


def test_without_an_index_a_query_is_ignored(store: BaseStore) -> None:
    for key, value in PETS.items():
        store.put(("pets",), key, value)
    found = store.search(("pets",), query="parrots repeat")
    assert keys(found) == ["cat", "dog", "bird"] and all(item.score is None for item in found)


# --- in a graph ------------------------------------------------------------------------------------
def test_in_a_graph(make: Make) -> None:
    from langgraph.graph import END, START, StateGraph
    from langgraph.runtime import Runtime
    from typing_extensions import TypedDict

    class State(TypedDict):
        said: str
        known: list[str]

    def node(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
        assert runtime.store is not None
        found = runtime.store.search(("notes",), query=state["said"], limit=1)
        runtime.store.put(("notes",), state["said"], {"text": state["said"]})
        return {"known": [item.value["text"] for item in found]}

    async def anode(state: State, runtime: Runtime[Any]) -> dict[str, Any]:
        assert runtime.store is not None
        found = await runtime.store.asearch(("notes",), query=state["said"], limit=1)
        return {"known": [item.value["text"] for item in found]}

    store = make("text")
    for work in (node, anode):
        builder = StateGraph(State)
        builder.add_node("n", work)
        builder.add_edge(START, "n")
        builder.add_edge("n", END)
        graph = builder.compile(store=store)
        if work is node:
            assert graph.invoke({"said": "Ada eats no meat", "known": []})["known"] == []
            assert graph.invoke({"said": "what meat", "known": []})["known"] == ["Ada eats no meat"]
        else:
            result = asyncio.run(graph.ainvoke({"said": "Ada eats no meat", "known": []}))
            assert result["known"] == ["Ada eats no meat"]


# --- side by side ----------------------------------------------------------------------------------
_names = st.sampled_from([("a",), ("a", "b"), ("a", "b", "c"), ("b",), ("ab",)])
_keys = st.sampled_from(["k", "l", "m", ""])
_values = st.dictionaries(
    st.sampled_from(["n", "s"]), st.one_of(st.integers(-2, 2), st.sampled_from(["x", "y"])), max_size=2
)
_filters = st.one_of(
    st.none(),
    st.fixed_dictionaries({"s": st.sampled_from(["x", "y", 1, None])}),
    st.fixed_dictionaries({"n": st.fixed_dictionaries({"$ne": st.integers(-2, 2)})}),
)
_ops = st.one_of(
    st.builds(PutOp, _names, _keys, st.one_of(st.none(), _values, _values), st.none(), st.none()),
    st.builds(GetOp, _names, _keys, st.booleans()),
    st.builds(
        SearchOp,
        st.one_of(st.just(()), _names),
        _filters,
        st.integers(0, 4),
        st.integers(0, 3),
        st.one_of(st.none(), st.just("x y")),
        st.booleans(),
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(_ops, max_size=6), max_size=6))
def test_any_operations_give_the_same(ops: list[list[Any]]) -> None:
    """Also the order of what a search gives; only times may differ."""
    # A namespace is made when InMemoryStore first looks into it, so both look into all, in one order.
    first = [
        PutOp(name, "first", {"n": 0}) for name in [("a",), ("a", "b"), ("a", "b", "c"), ("b",), ("ab",)]
    ]
    with AgentmemStore.from_path(":memory:", index=False) as ours:
        theirs = InMemoryStore()
        for batch in [first, *ops]:
            assert _plain(ours.batch(batch)) == _plain(theirs.batch(batch))
        assert ours.list_namespaces() == theirs.list_namespaces()


def _plain(result: Any) -> Any:
    if isinstance(result, list):
        return [_plain(one) for one in result]
    if isinstance(result, Item):
        return (result.namespace, result.key, result.value)
    return result
