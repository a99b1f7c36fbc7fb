"""ZettelkastenStore: a consolidation that stops between batches and goes on leaves what one run does."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentmem
from agentmem.clock import ManualClock
from agentmem.language.openai import OpenAIChat
from agentmem.memory import Draft
from agentmem.stores.zettelkasten import ZettelkastenStore, weaving
from agentmem.testing_openai import ScriptedOpenAI

_WORDS = """garden tomato snail copper tape beans harbour ferry ticket island storm bakery bread oven flour
violin concert string tune lesson bicycle wheel brake mountain hut""".split()


class Killed(BaseException):
    """What stops a run between two batches."""


def turns(count: int) -> list[Draft]:
    """Sessions of ten turns whose words come back now and then."""
    chance = random.Random(0)
    return [
        Draft(" ".join(chance.choices(_WORDS, k=6)), id=f"m{i}", session=f"s{i // 10}", speaker="Ada")
        for i in range(count)
    ]


def opened(path: Path, **options: Any) -> ZettelkastenStore:
    store = agentmem.open(
        path, store=ZettelkastenStore, threshold=0.3, clock=ManualClock("2024-05-01"), **options
    )
    assert isinstance(store, ZettelkastenStore)
    return store


def woven(path: Path, stops: list[int], count: int, **options: Any) -> dict[str, Any]:
    """What is there after runs that stop after so many batches each, and a last one that does not."""
    with opened(path, **options) as store:
        store.add_many(turns(count))
    for stop in [*stops, -1]:

        def kill(done: int, total: int, stop: int = stop) -> None:
            if done == stop:
                raise Killed

        with opened(path, **options) as store:
            try:
                store.consolidate(progress=kill)
            except Killed:
                continue
    with opened(path, **options) as store:
        again = store.consolidate()
        assert (again.added, again.retired, again.linked) == ((), (), 0) and store.check() == []
        ids = [f"m{i}" for i in range(count)]
        return {
            "versions": {
                id: [(v.number, v.cause, v.annotation, v.authors, v.sources) for v in store.evolution(id)]
                for id in ids
            },
            "texts": sorted(memory.text for memory in store.list()),
            "links": sorted((link.source, link.target, link.weight) for link in store.links()),
            "hits": [(hit.memory.id, hit.score) for hit in store.search("the ferry to the island", k=10)],
        }


@pytest.mark.parametrize("embedder", ["static", "none"])
def test_stopped_after_each_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: str) -> None:
    """Rarity of words, neighbours and evolution are the same whichever run a batch belongs to."""
    monkeypatch.setattr(weaving, "_LOCAL_BATCH", 16)
    calm = woven(tmp_path / "calm.db", [], 60, embedder=embedder)
    assert woven(tmp_path / "stopped.db", [1] * 7, 60, embedder=embedder) == calm
    assert len(calm["links"]) > 20
    assert sum(len(versions) > 1 for versions in calm["versions"].values()) > 10


@settings(max_examples=8, deadline=None)
@given(stops=st.lists(st.integers(1, 4), max_size=4))
def test_stopped_anywhere(tmp_path_factory: pytest.TempPathFactory, stops: list[int]) -> None:
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weaving, "_LOCAL_BATCH", 10)
        calm = woven(folder / "calm.db", [], 30, embedder="none")
        assert woven(folder / "stopped.db", stops, 30, embedder="none") == calm


def test_stopped_after_each_batch_of_a_model(tmp_path: Path) -> None:
    """A note that was written and not linked is linked before the next one is written."""

    def answer(body: dict[str, Any]) -> str:
        system, user = (str(message["content"]) for message in body["messages"][:2])
        words = sorted({word.strip(",.") for word in user.split() if word.strip(",.") in _WORDS})
        if "Describe the note" in system:
            return json.dumps({"keywords": words[:3], "context": f"On {words[-1]}.", "tags": words[:1]})
        if "decide" in system.lower():
            near = user.split("Nearest notes:")[1]
            links = [{"label": "N1", "reason": words[0]}] if "N1\n" in near else []
            return json.dumps({"links": links, "tags": words[:2], "rewrite": ["N1"] if links else []})
        return json.dumps({"notes": [{"label": "N1", "context": " ".join(words[:4]), "tags": words[-2:]}]})

    made, asked = [], []
    for stops in ([], [1] * 15):
        with ScriptedOpenAI(answer) as server:
            llm = OpenAIChat("scripted", base_url=server.base_url, retries=0, timeout=10)
            made.append(woven(tmp_path / f"{len(stops)}.db", stops, 8, llm=llm, embedder="static"))
            asked.append(len(server.requests))
    assert made[1] == made[0] and asked[1] == asked[0], "and nothing is asked twice"
    assert len(made[0]["links"]) > 3
