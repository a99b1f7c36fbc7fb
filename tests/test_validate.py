"""What callers pass: every refusal by its own class, with a message that says what to do."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

import agentmem
from agentmem import validate
from agentmem.errors import InvalidInput, InvalidNamespace
from agentmem.memory import Draft

NOW = datetime(2024, 5, 1, tzinfo=timezone.utc)


def memory(**fields):
    return validate.to_memory(Draft(**{"text": "hello", **fields}), ("a",), NOW)


def test_defaults():
    made = memory()
    assert made.at == made.recorded_at == NOW
    assert made.namespace == ("a",)
    assert (made.kind, made.version, made.trust, made.metadata) == ("episode", 1, 1.0, {})


def test_ids_are_short_and_differ():
    made = {validate.new_id() for _ in range(2000)}
    assert len(made) == 2000
    assert all(len(one) == 12 and one.isalnum() for one in made)


def test_a_tool_is_trusted_half():
    assert memory(role="tool").trust == 0.5
    assert memory(role="tool", trust=1).trust == 1.0


def test_times_keep_their_offset():
    at = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert memory(at=at).at.utcoffset() == timedelta(hours=2)
    assert memory(at="2024-01-01 12:00").at == datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"text": ""}, "empty"),
        ({"text": 3}, "must be a string"),
        ({"text": "a\0b"}, "NUL"),
        ({"text": "a\ud800b"}, "surrogate"),
        ({"metadata": {"a": object()}}, "not JSON"),
        ({"metadata": {"a": float("nan")}}, "not JSON"),
        ({"metadata": {1: "a"}}, "keys must be strings"),
        ({"metadata": [1]}, "mapping"),
        ({"data": {1, 2}}, "not JSON"),
        ({"at": "yesterday-ish"}, "not a time"),
        ({"at": 1e30}, "not a time"),
        ({"at": True}, "not a time"),
        ({"valid_until": "x"}, "valid_until"),
        ({"role": "Ada"}, "goes into speaker"),
        ({"speaker": ""}, "speaker is empty"),
        ({"trust": 2}, "from 0 to 1"),
        ({"trust": True}, "from 0 to 1"),
        ({"id": "x" * 600}, "too long"),
        ({"id": "a\nb"}, "control character"),
        ({"sources": "abc"}, "sequence of ids"),
    ],
)
def test_refusals(fields, says):
    with pytest.raises(InvalidInput, match=says):
        memory(**fields)


def test_empty_text_with_data_is_kept():
    assert memory(text="", data={"call": 1}).data == {"call": 1}


def test_metadata_comes_back_as_json_gives_it():
    assert memory(metadata={"a": (1, 2)}).metadata == {"a": [1, 2]}


@pytest.mark.parametrize("item", [3, None, ["a"]])
def test_items(item):
    with pytest.raises(InvalidInput, match="string, a mapping or a Draft"):
        validate.draft(item)


def test_items_with_unknown_keys():
    with pytest.raises(InvalidInput, match=r"unknown keys \['author'\]"):
        validate.draft({"text": "a", "author": "Ada"})


@pytest.mark.parametrize("parts", ["users", ("a", ""), ("a", 3), ("a\n",), ("\ud800",)])
def test_namespaces(parts):
    with pytest.raises(InvalidNamespace):
        validate.namespace(parts)


def test_intervals():
    assert validate.interval(None) is None
    assert validate.interval(("2024-01-01", None))[1] is None
    with pytest.raises(InvalidInput, match="before it starts"):
        validate.interval(("2024-01-02", "2024-01-01"))
    for odd in ("2024", 2024, ("2024",)):
        with pytest.raises(InvalidInput, match="pair"):
            validate.interval(odd)


@pytest.mark.parametrize("value", [0, -1, True, 2.0, "3", None, np.array([1, 2]), np.int64(0), np.float32(2)])
def test_counts(value):
    with pytest.raises(InvalidInput, match="whole number"):
        validate.count(value)


def test_whole_numbers_of_numpy_count():
    assert type(validate.count(np.int64(3))) is int and validate.count(np.uint8(3)) == 3


def test_several_ids():
    assert validate.ids(["a", "b", "a"]) == ["a", "b"]
    for odd in (None, 5):
        with pytest.raises(InvalidInput, match="ids are a string or several"):
            validate.ids(odd)
    with pytest.raises(InvalidInput, match=r"^id is empty$"):
        validate.ids("")


def test_verbs_refuse_what_would_be_taken_for_something_else(tmp_path):
    with agentmem.open(tmp_path / "a.db") as store:
        store.add_many(["one dog", "two dogs"])
        with pytest.raises(InvalidInput, match=r"pass \['dog'\]"):
            store.search_many("dog")
        with pytest.raises(TypeError):
            store.backup(None)
        assert len(store.search("dog", np.int64(1))) == len(list(store.list(limit=np.int64(1)))) == 1
        assert store.context("dog", tokens=np.int64(200)).hits
