"""A store is a view of the episodes: what other stores derived in the same file changes nothing it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentmem
from agentmem import Derived, Draft, ManualClock, Memory, MemoryStore
from agentmem.index.counted import counted
from agentmem.recall.recipe import Recipe

TURNS = [
    ("Ada", "I adopted a greyhound called Biscuit last weekend."),
    ("Ben", "A greyhound! Mine was called Cracker and hated rain."),
    ("Ada", "Biscuit is afraid of the vacuum cleaner, and of rain."),
    ("Ben", "My sister Ines moved to Lisbon for her new job."),
    ("Ada", "Lisbon in May is lovely, I was there for a conference."),
    ("Ben", "Ines sells bread at a bakery near the river now."),
]
QUESTIONS = ("Who is afraid of rain?", "Where does Ines live?", "When did Ada adopt Biscuit?", "bakery")


class Echo(MemoryStore):
    """Says everything twice, in a row of its own."""

    name = "echo"
    options: ClassVar[Mapping[str, Any]] = {"pool": None}

    def _encode(self, episodes: Sequence[Memory]) -> Derived:
        return Derived(tuple(Draft(f"{e.text} {e.text}", kind="echo", sources=(e.id,)) for e in episodes))

    def _recipe(self) -> Recipe:
        return Recipe() if self._options["pool"] is None else Recipe(exhaustive=0, pool=self._options["pool"])

    def _maintain(self, at: datetime) -> Iterator[Derived]:
        yield Derived((Draft("rain rain Lisbon bakery greyhound", kind="echo", sources=("0",)),))


def write(path: Path, store: Any) -> None:
    with agentmem.open(path, store=store, clock=ManualClock("2023-06-01")) as memory:
        for i, (speaker, text) in enumerate(TURNS):
            memory.add(text, id=str(i), speaker=speaker, session="s", at=f"2023-05-{8 + i // 3:02}T10:0{i}")


def answers(path: Path, store: Any, **options: Any) -> list[list[tuple[str, float]]]:
    with agentmem.open(path, store=store, clock=ManualClock("2023-07-01"), **options) as memory:
        return [[(h.memory.id, h.score) for h in memory.search(q, 6)] for q in QUESTIONS]


@pytest.mark.parametrize("store", ["unified", "episodic", "forgetting", "zettelkasten"])
def test_other_stores_leave_the_scores_alone(store: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    write(path, "unified")
    before = answers(path, store)
    for other in ("zettelkasten", "forgetting", "hipporag", Echo):
        if other != store:
            with agentmem.open(path, store=other, clock=ManualClock("2023-06-15")) as memory:
                memory.consolidate()
    after = answers(path, store)
    assert [[id for id, _ in one] for one in after] == [[id for id, _ in one] for one in before]
    for one, other in zip(before, after, strict=True):
        assert [score for _, score in one] == pytest.approx([score for _, score in other], rel=1e-5)


def test_also_where_the_namespace_is_too_large_to_score_whole(tmp_path: Path) -> None:
    apart, mixed = tmp_path / "apart.db", tmp_path / "mixed.db"
    write(apart, "unified")
    write(mixed, Echo)

    class Narrow(MemoryStore):
        name = "narrow"

        def _recipe(self) -> Recipe:
            return Recipe(exhaustive=0, pool=6)

    alone, beside = answers(apart, Narrow), answers(mixed, Narrow)
    for one, other in zip(alone, beside, strict=True):
        assert [id for id, _ in one] == [id for id, _ in other]
        assert [score for _, score in one] == pytest.approx([score for _, score in other], rel=1e-4)


def test_a_store_counts_what_it_derived_itself(tmp_path: Path) -> None:
    write(tmp_path / "a.db", Echo)
    with agentmem.open(tmp_path / "a.db", store=Echo, clock=ManualClock("2023-07-01")) as memory:
        space = memory._runtime.space(memory._runtime.number(()) or 0)
        with space.lock:
            own, other = counted(space, memory._maker), counted(space, "unified:1")
            assert own is not None and other is not None and counted(space, None) is None
            assert (own.n, other.n) == (12, 6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["raw", "mine", "theirs", "gone"]), st.sampled_from(["red", "blue", "red boat"])
        )
    )
)
def test_counts_follow_every_change(steps: list[tuple[str, str]]) -> None:
    class Mine(Echo):
        name = "mine"

        def _encode(self, episodes: Sequence[Memory]) -> Derived:
            return Derived()

    with agentmem.open(":memory:", store=Mine, clock=ManualClock("2023-07-01")) as memory:
        runtime = memory._runtime
        theirs = "theirs:1"
        memory.add("seed", id="seed")
        for i, (what, text) in enumerate(steps):
            if what == "gone":
                first = next((m.id for m in memory.list() if m.id != "seed"), None)
                if first is not None:
                    memory.delete(first)
            else:
                maker = {"raw": None, "mine": memory._maker, "theirs": theirs}[what]
                one = memory.add("scratch", id=f"x{i}")
                memory.delete(one.id)
                memory.load(
                    [
                        Memory(
                            id=f"m{i}", namespace=(), text=text, at=one.at, recorded_at=one.recorded_at,
                            made_by=maker, sources=("seed",) if maker else (),
                        )
                    ]
                )  # fmt: skip
            live = [m for m in memory.list() if m.made_by != theirs]
            ids = runtime.backend.term_ids(["red", "blue", "boat"])
            space = runtime.space(runtime.number(()) or 0)
            with space.lock:
                counts = counted(space, memory._maker)
                assert counts is not None and counts.n == len(live)
                for word, number in ids.items():
                    assert counts.df(space, [number]).tolist() == [sum(word in m.text for m in live)]
                assert np.count_nonzero(counts.documents(space)) == len(live)
