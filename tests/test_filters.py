from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import InvalidFilter, InvalidInput
from agentmem.filters import MISSING, Filter, compile_filter, distinct, getter, lookup
from agentmem.index.arrays import CodedColumn
from agentmem.memory import Memory

WHEN = datetime(2023, 5, 8, 12, tzinfo=timezone.utc)


def memory(**fields: Any) -> Memory:
    return Memory(**{"id": "m1", "namespace": (), "text": "t", "at": WHEN, "recorded_at": WHEN, **fields})


def accepts(filter: dict[str, Any], **metadata: Any) -> bool:
    compiled = compile_filter(filter)
    return compiled is None or compiled.accepts(memory(metadata=metadata))


def test_nothing_asked_is_no_filter() -> None:
    assert compile_filter(None) is None
    assert compile_filter({}) is None


def test_equality_keeps_types_apart() -> None:
    assert accepts({"a": "x"}, a="x")
    assert not accepts({"a": "x"}, a="y")
    assert accepts({"a": 1}, a=1.0)
    assert not accepts({"a": 1}, a=True)
    assert not accepts({"a": True}, a=1)
    assert not accepts({"a": 1}, a="1")
    assert accepts({"a": None}, a=None)
    assert not accepts({"a": None})
    assert accepts({"a": [1, {"b": 2}]}, a=[1, {"b": 2}])
    assert accepts({"a": {"b": 2}}, a={"b": 2})


def test_all_keys_and_all_operators_must_hold() -> None:
    assert accepts({"a": {"$gte": 2, "$lt": 4}, "b": "x"}, a=3, b="x")
    assert not accepts({"a": {"$gte": 2, "$lt": 4}, "b": "x"}, a=4, b="x")
    assert not accepts({"a": 3, "b": "x"}, a=3)


@pytest.mark.parametrize("operator", ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"])
def test_missing_or_another_type_never_matches(operator: str) -> None:
    assert not accepts({"a": {operator: 1}})
    assert not accepts({"a": {operator: 1}}, a="1")
    assert not accepts({"a": {operator: 1}}, a=True)
    assert not accepts({"a": {operator: 1}}, a=None)
    assert accepts({"$not": {"a": {operator: 1}}})


def test_ne_in_and_exists() -> None:
    assert accepts({"a": {"$ne": 1}}, a=2)
    assert not accepts({"a": {"$ne": 1}}, a=1)
    assert accepts({"a": {"$in": ["x", 1]}}, a=1)
    assert not accepts({"a": {"$in": ["x", 1]}}, a=True)
    assert not accepts({"a": {"$in": []}}, a=1)
    assert accepts({"a": {"$exists": True}}, a=None)
    assert accepts({"a": {"$exists": False}}, b=1)


def test_order_of_numbers_and_strings() -> None:
    assert accepts({"a": {"$gt": "2023-01"}}, a="2023-02")
    assert accepts({"a": {"$lte": 2}}, a=1.5)
    assert not accepts({"a": {"$lte": 2}}, a=float("nan"))


def test_connectives() -> None:
    assert accepts({"$or": [{"a": 1}, {"b": 1}]}, b=1)
    assert not accepts({"$and": [{"a": 1}, {"b": 1}]}, b=1)
    assert accepts({"$or": [{"a": 1}, {}]})


def test_dots_reach_into_objects_unless_the_key_is_there() -> None:
    assert accepts({"a.b": 1}, a={"b": 1})
    assert accepts({"a.b": 2}, **{"a.b": 2, "a": {"b": 1}})
    assert lookup({"a": {"b": 1}}, "a.c") is MISSING
    assert lookup({"a": 1}, "a.b") is MISSING


def test_fields_of_the_memory() -> None:
    ada = memory(speaker="Ada", session="s1", role="user")
    for filter in (
        {"@speaker": "Ada"},
        {"@session": {"$in": ["s1", "s2"]}},
        {"@role": "user", "@kind": "episode"},
        {"@made_by": {"$exists": False}},
        {"@id": "m1"},
        {"@at": WHEN.isoformat()},
        {"@at": {"$gte": "2023-05-08", "$lt": "2023-05-09T00:00Z"}},
        {"@at": {"$in": [WHEN.astimezone(timezone(timedelta(hours=2)))]}},
        {"@at": {"$gt": WHEN.timestamp() - 1}},
    ):
        compiled = compile_filter(filter)
        assert compiled is not None and compiled.accepts(ada), filter
    speaker = compile_filter({"@speaker": {"$ne": "Ada"}})
    assert speaker is not None
    assert (
        not speaker.accepts(ada) and not speaker.accepts(memory()) and speaker.accepts(memory(speaker="Bo"))
    )


@pytest.mark.parametrize(
    ("filter", "said"),
    [
        ({"a": {"$regex": "x"}}, r"\$eq, \$exists"),
        ({"a": {"$gt": 1, "b": 2}}, "unknown operator 'b'"),
        ({"$nor": [{"a": 1}]}, r"\$and, \$not, \$or"),
        ({"@text": "x"}, "@speaker"),
        ({"$or": []}, "list"),
        ({"$and": {"a": 1}}, "list"),
        ({"$not": [1]}, "mapping"),
        ({"a": {"$in": "abc"}}, "list"),
        ({"a": {"$exists": 1}}, "true or false"),
        ({"a": {"$gt": True}}, "number or a string"),
        ({"a": {"$lt": None}}, "number or a string"),
        ({"a": WHEN}, "JSON"),
        ({"@at": "yesterday"}, "not a time"),
        ({"@speaker": None}, "exists"),
        ({"@speaker": 3}, "string"),
        ({1: 2}, "strings"),
        ("a", "mapping"),
    ],
)
def test_what_cannot_be_read_says_what_can(filter: Any, said: str) -> None:
    with pytest.raises(InvalidFilter, match=said) as caught:
        compile_filter(filter)
    assert isinstance(caught.value, InvalidInput)


def test_keys() -> None:
    compiled = compile_filter({"a": 1, "$or": [{"@at": {"$gt": 0}}, {"$not": {"b.c": 2}}]})
    assert compiled is not None
    assert compiled.keys == {"a", "@at", "b.c"}


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.5, 1.0, -1.0, float("nan"), float("inf")]),
    st.sampled_from(["", "a", "b"]),
    st.lists(st.integers(0, 1), max_size=2),
    st.dictionaries(st.sampled_from("yz"), st.integers(0, 1), max_size=1),
)
KEYS = st.sampled_from(["x", "y", "x.y"])
METADATA = st.dictionaries(KEYS, VALUES, max_size=3)
ORDERED = st.one_of(st.integers(-2, 2), st.sampled_from([0.5, "a", "b"]))
CONDITIONS = st.one_of(
    VALUES.map(lambda value: {"$eq": value}),
    VALUES.map(lambda value: {"$ne": value}),
    st.lists(VALUES, max_size=3).map(lambda values: {"$in": values}),
    st.booleans().map(lambda value: {"$exists": value}),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), ORDERED).map(lambda pair: {pair[0]: pair[1]}),
)
TIMES = st.one_of(
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte", "$eq", "$ne"]), st.integers(0, 3)).map(
        lambda pair: {"@at": {pair[0]: pair[1]}}
    ),
    st.lists(st.integers(0, 3)).map(lambda times: {"@at": {"$in": times}}),
    st.booleans().map(lambda value: {"@at": {"$exists": value}}),
)
SPEAKERS = st.sampled_from([{"@speaker": "a"}, {"@speaker": {"$ne": "a"}}, {"@speaker": {"$exists": False}}])
FILTERS = st.recursive(
    st.one_of(st.dictionaries(KEYS, CONDITIONS, max_size=2), TIMES, SPEAKERS),
    lambda inner: st.one_of(
        inner.map(lambda one: {"$not": one}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"$and": some}),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"$or": some}),
    ),
    max_leaves=6,
)


@given(
    FILTERS, st.lists(st.tuples(METADATA, st.integers(0, 3), st.sampled_from([None, "a", "b"])), max_size=8)
)
def test_the_mask_of_columns_is_the_match_of_each(
    filter: dict[str, Any], rows: list[tuple[Any, int, Any]]
) -> None:
    compiled = compile_filter(filter)
    if compiled is None:
        return
    memories = [
        memory(metadata=metadata, at=datetime.fromtimestamp(at, timezone.utc), speaker=speaker)
        for metadata, at, speaker in rows
    ]
    expected = [compiled.matches(getter(one)) for one in memories]
    assert columns_mask(compiled, memories) == expected


def columns_mask(compiled: Filter, memories: list[Memory]) -> list[bool]:
    def column(key: str) -> Any:
        values = [getter(one)(key) for one in memories]
        if key == "@at":
            return np.array(values, np.int64)
        coded: CodedColumn[Any] = CodedColumn()
        coded.append(values, [distinct(value) for value in values])
        return coded.column

    mask = compiled.mask(column, len(memories))
    assert mask.dtype == bool and mask.shape == (len(memories),)
    return [bool(one) for one in mask]
