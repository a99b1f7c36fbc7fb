"""Filters of LangGraph's over the columns of values: as true as reading each item, and read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

pytest.importorskip("langgraph", reason="the extra langgraph is not installed")

from langgraph.store.base import PutOp

import agentmem
from agentmem.integrations import inside, items, values
from agentmem.integrations.langgraph import AgentmemStore

RARE = {"kind": "rare"}


@pytest.fixture
def store() -> Iterator[AgentmemStore]:
    with AgentmemStore(agentmem.open(":memory:", embedder="none")) as opened:
        kinds = ("rare", "common", "common")
        opened.batch(
            [
                PutOp(("a", "xy"[i % 2]), f"k{i}", {"text": f"otter {i}", "kind": kinds[i % 3], "n": i})
                for i in range(600)
            ]
        )
        yield opened


def keys(found: Sequence[Any]) -> list[str]:
    return [item.key for item in found]


def test_columns_follow_what_is_put_changed_and_deleted(store: AgentmemStore) -> None:
    assert len(store.search(("a",), query="otter", filter=RARE, limit=500)) == 200
    assert len(store.search(("a",), query="otter", filter=RARE, limit=5)) == 5
    store.put(("a", "x"), "k0", {"text": "otter 0", "kind": "common"})
    store.put(("a", "x"), "new", {"text": "a new otter", "kind": "rare"})
    store.delete(("a", "y"), "k3")
    found = set(keys(store.search(("a",), query="otter", filter=RARE, limit=500)))
    assert found == {f"k{i}" for i in range(6, 600, 3)} | {"new"}
    assert found == set(keys(store.search(("a",), filter=RARE, limit=500)))
    store.memory.namespace("a", "x").erase(ids="new")
    assert "new" not in keys(store.search(("a",), filter=RARE, limit=500))


def test_values_are_read_once(store: AgentmemStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.search(("a",), query="otter", filter=RARE)
    backend = inside.runtime(store.memory).backend
    read: list[int] = []
    rows = type(backend).memories_by_row
    monkeypatch.setattr(
        type(backend), "memories_by_row", lambda self, some: read.extend(some) or rows(self, some)
    )
    store.put(("a", "x"), "new", {"text": "a new otter", "kind": "rare"})
    assert len(store.search(("a",), query="otter", filter=RARE, limit=5)) == 5
    assert len(read) == 6  # the new one's value, and the five that are returned
    assert store.search(("a",), query="otter", filter={"kind": "none"}, limit=5) == []
    assert len(read) == 6


def test_a_memory_of_the_kind_without_a_value_is_no_error(store: AgentmemStore) -> None:
    store.memory.namespace("a").add("an otter by hand", kind=items.KIND, data=["no", "mapping"], id="odd")
    assert keys(store.search(("a",), query="otter by hand", filter={"kind": None})) == ["odd"]
    assert "odd" not in keys(store.search(("a",), filter=RARE, limit=600))


def test_a_column_is_the_same_as_each_item(store: AgentmemStore) -> None:
    memory = store.memory.namespace("a", "x")
    shared = inside.runtime(memory)
    for filter in (
        {"n": {"$gte": 590}},
        {"n": {"$ne": 4}, "kind": "rare"},
        {"gone": None},
        {"text": "otter 6"},
    ):
        chosen = values.Chosen(shared.backend, items.conditions(filter))
        space = shared.space(shared.number(inside.root(memory)) or 0)
        with space.lock:
            mask = chosen(space)
        assert set(space.ids_of(mask.nonzero()[0])) == {m.id for m in memory.list() if chosen.accepts(m)}
