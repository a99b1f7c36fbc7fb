"""The graph's columns and snapshots: what is restored is what would be built, whatever came between."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agentmem
from agentmem import ManualClock
from agentmem.errors import InvalidInput, UnknownOption
from agentmem.stores.hipporag import HippoRAGStore, step
from agentmem.stores.hipporag.columns import Keys, Runs, Table
from agentmem.stores.hipporag.graph import PhraseGraph, edges_of, pairs_of

NAMES = ["Ada Lovelace", "Ada Lovelaces", "Charles Babbage", "Lord Byron", "Lord Byrons", "Venice", "東京"]


def opened(path: Path, **options: Any) -> HippoRAGStore:
    """A store whose graph is kept from two passages on."""
    store = agentmem.open(path, store=HippoRAGStore, clock=ManualClock("2024-05-01"), **options)
    assert isinstance(store, HippoRAGStore)
    snapshots = store._runtime.spaces.snapshots
    assert snapshots is not None
    snapshots.min_documents = 2
    return store


def graph_of(store: HippoRAGStore) -> PhraseGraph:
    number = store._runtime.number(())
    assert number is not None
    with store._runtime.space(number).lock:
        return store._graph_of(number, store._runtime.space(number))


def edges(store: HippoRAGStore) -> Mapping[frozenset[str], float]:
    graph = graph_of(store)
    found = {frozenset((graph.labels[a], graph.labels[b])): w for (a, b), w in edges_of(graph).items()}
    for a, b, weight in pairs_of(graph):
        found[frozenset((graph.labels[a], graph.labels[b], "alike"))] = weight
    return found


def sentence(one: int, other: int) -> str:
    return f"{NAMES[one]} met {NAMES[other]}."


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["add", "update", "delete", "consolidate", "reopen"]),
                  st.integers(0, 5), st.integers(0, 6), st.integers(0, 6)),
        min_size=4, max_size=14,
    )
)  # fmt: skip
def test_a_restored_graph_is_one_built_anew(
    steps: list[tuple[str, int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("g") / "m.db"
    store = opened(path)
    store.add_many([{"text": sentence(i, i + 1), "id": str(i)} for i in range(4)])
    store.consolidate()
    store.search("Ada Lovelace")
    for what, id, one, other in steps:
        if what == "add":
            store.add(sentence(one, other), id=str(id), on_conflict="replace")
        elif what == "update" and store.get_many([str(id)]):
            store.update(str(id), text=sentence(one, other))
        elif what == "delete":
            store.delete(str(id))
        elif what == "consolidate":
            store.consolidate()
        elif what == "reopen":
            store.search("Ada Lovelace")
            store.close()
            store = opened(path)
    found = edges(store)
    store.close()
    shutil.rmtree(path.with_name("m.db.cache"), ignore_errors=True)
    with opened(path) as again:
        assert found == edges(again)


def kept(path: Path) -> None:
    """Write a file with a graph beside it."""
    with opened(path) as store:
        store.add_many([{"text": sentence(i, i + 1), "id": str(i)} for i in range(6)])
        store.consolidate()
        store.search("Ada Lovelace")
    assert list(path.with_name("m.db.cache").glob("graph*"))


def test_the_next_process_reads_no_triples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.db"
    kept(path)
    with opened(path) as store:
        monkeypatch.setattr(PhraseGraph, "add", lambda *_, **__: pytest.fail("a passage was read"))
        hits = store.search("Who met Lord Byron?", 3)
        assert hits and graph_of(store).live == 6 and store.trace("Who met Byron?").stage == "facts"
        assert store.graph().number_of_edges() > 6


def test_a_damaged_graph_is_built_anew(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    kept(path)
    with opened(path) as store:
        whole = edges(store)
    for file in path.with_name("m.db.cache").glob("graph*/walk.*.npy"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    with opened(path) as store:
        assert any("graph" in problem.where for problem in store.check())
        assert edges(store) == whole


def test_nothing_of_the_erased_stays_in_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    kept(path)
    with opened(path) as store:
        store.search("Babbage")
        assert store.erase(ids=["1", "2"]).complete
        assert "phrase:charles babbage" not in store.graph()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"babbage" not in file.read_bytes().lower()


def test_undoing_is_seen_by_a_restored_graph(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(path) as store:
        store.add_many([{"text": sentence(i, i + 1), "id": str(i)} for i in range(6)])
        before = edges(store)
        run = store.consolidate().run
        assert edges(store) != before
    with opened(path) as store:
        store.undo(run)
        assert edges(store) == before


def test_facts_of_the_nearest_passages_are_those_that_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "_COMPARED", 0)
    with opened(tmp_path / "m.db", near=2) as store:
        store.add_many([f"Rain fell on village number {i}." for i in range(50)])
        store.add("Quentin Zobel founded Xanadu.", id="a")
        trace = store.trace("Who founded Xanadu?")
        assert trace.kept and trace.facts[0][0] == ("quentin zobel", "founded", "xanadu")
        assert len(graph_of(store).fact_vectors) < 51
        assert store.search("Who founded Xanadu?", 1)[0].memory.id == "a"


def test_a_walk_weighs_more_where_the_triples_are_good() -> None:
    """Rules on turns: none. Rules on passages: little. Ready triples: the walk ranks."""
    texts = ["Ada met Babbage.", "Babbage met Byron.", "Byron met Clara."]
    with agentmem.open(":memory:", store=HippoRAGStore) as store:
        store.add_many([{"text": text, "session": "s", "speaker": "Eve"} for text in texts])
        assert all("pagerank" not in hit.signals for hit in store.search("Whom did Ada meet?"))
    with agentmem.open(":memory:", store=HippoRAGStore) as store:
        assert isinstance(store, HippoRAGStore)
        store.add_many(texts)
        best = max(hit.signals.get("pagerank", 0.0) for hit in store.search("Whom did Ada meet?"))
        assert best == pytest.approx(1.0)


def test_pairs_may_stand_in_for_the_walk() -> None:
    with agentmem.open(":memory:", store=HippoRAGStore, spread="pairs") as store:
        store.add("Xanadu Films\nXanadu Films was founded by Quentin Zobel in 1931.", id="a")
        store.add("Quentin Zobel\nQuentin Zobel was born in Vence.", id="b")
        store.add_many([f"Village {i}\nRain fell on village number {i}." for i in range(9)])
        hits = store.search("Where was the founder of Xanadu Films born?", 2)
        assert {hit.memory.id for hit in hits} == {"a", "b"}
        assert any("pairs" in hit.signals for hit in hits)
    with pytest.raises(UnknownOption):
        agentmem.open(":memory:", store=HippoRAGStore, spread="butter")
    with pytest.raises(InvalidInput, match="pairs"):
        agentmem.open(":memory:", store=HippoRAGStore, spread="pairs", lexical=0.0, dense=0.0)


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(-1, 99)), max_size=30), st.integers(0, 30))
def test_keys_are_a_dictionary(puts: list[tuple[int, int]], cut: int) -> None:
    known: dict[int, int] = {}
    keys = Keys()
    for i, (key, number) in enumerate(puts):
        if i == cut:
            keys = Keys(*keys.items())
        keys.put(key, number)
        known[key] = number
    assert all(keys.get(key) == number for key, number in known.items())
    assert dict(zip(*(column.tolist() for column in keys.items()), strict=True)) == {
        key: number for key, number in known.items() if number >= 0
    }


def test_a_table_forgets_rather_than_grow() -> None:
    rows = np.eye(4, dtype=np.float32)
    table = Table(most=3)
    table.add([5, 7], rows[:2])
    table.add([7, 9], rows[1:3])
    assert table.scores(np.array([9, 5]), rows[2]) == pytest.approx([1.0, 0.0])
    table.add([11], rows[3:])
    assert table.has(np.array([5, 11, 400])).tolist() == [False, True, False] and len(table) == 1


def test_runs_are_gathered() -> None:
    runs = Runs()
    spans = np.array([runs.append(values) for values in ([3, 1], [], [7])])
    assert runs.gather(spans[[2, 0, 1], 0], spans[[2, 0, 1], 1]).tolist() == [7, 3, 1]
