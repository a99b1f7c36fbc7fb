"""HippoRAGStore with a language model: good answers, bad ones, none, a budget; never lost, never in add."""

from __future__ import annotations

import json
from typing import Any

import pytest

import agentmem
from agentmem.language.base import Budget
from agentmem.language.openai import OpenAIChat
from agentmem.stores.hipporag import PAPER, HippoRAGStore
from agentmem.testing_openai import RateLimited, ScriptedOpenAI, ServerError

ENTITIES = json.dumps({"entities": ["Ada", "engine"]})
TRIPLES = json.dumps({"triples": [["Ada", "wrote notes on", "analytical engine"]]})
MORE = json.dumps({"triples": [["Byron", "wrote", "Don Juan"], ["too", "short"]]})


def opened(server: ScriptedOpenAI, budget: Budget | None = None, **options: Any) -> HippoRAGStore:
    llm = OpenAIChat(
        "small", base_url=server.base_url, api_key="x", retries=0, budget=budget, price=(1.0, 2.0)
    )
    store = agentmem.open(":memory:", store=HippoRAGStore, llm=llm, **options)
    assert isinstance(store, HippoRAGStore)
    return store


def read_by(store: HippoRAGStore) -> dict[str, tuple[str, bool]]:
    number = store._runtime.number(())
    assert number is not None
    found = store._runtime.backend.artifacts(number, made_by="hipporag", kind="triples")
    return {one.source: (one.data["by"], "failed" in one.data) for one in found}


def test_the_model_reads_at_consolidation_and_never_in_add() -> None:
    with ScriptedOpenAI([ENTITIES, TRIPLES, ENTITIES, MORE]) as server, opened(server) as store:
        store.add("Ada wrote about the engine.", id="a")
        store.add("Byron wrote Don Juan.", id="b")
        assert server.requests == [] and read_by(store)["a"] == ("rules-1", False)
        report = store.consolidate()
        assert (report.calls, report.left, len(server.requests)) == (4, 0, 4)
        assert report.cost > 0
        assert read_by(store) == {"a": ("model:small", False), "b": ("model:small", False)}
        assert {"phrase:analytical engine", "phrase:don juan"} <= set(store.graph())
        assert store.consolidate().calls == 0  # nothing is asked twice


def test_a_bad_answer_is_asked_again_then_marked_and_retried() -> None:
    bad = ["no json", '{"names": []}', '{"entities": "Ada"}']
    with ScriptedOpenAI([*bad, ENTITIES, '{"triples": [["a"]]}', TRIPLES]) as server, opened(server) as store:
        store.add("Ada wrote about the engine.", id="a")
        report = store.consolidate()
        assert (report.calls, report.left) == (3, 1)
        assert read_by(store) == {"a": ("rules-1", True)}
        assert "phrase:ada" in store.graph()
        report = store.consolidate()
        assert (report.calls, report.left) == (3, 0)
        assert read_by(store) == {"a": ("model:small", False)}


@pytest.mark.parametrize("failure", [RateLimited(), ServerError()])
def test_a_model_that_is_away_stops_the_reading_not_the_memory(failure: Any) -> None:
    with ScriptedOpenAI(lambda _: failure) as server, opened(server) as store:
        store.add_many([f"Ada{i} met Byron{i}." for i in range(20)])
        report = store.consolidate()
        assert report.left == 20 and len(server.requests) == 3  # given up after three in a row
        assert len(read_by(store)) == 20
        assert sum(failed for _, failed in read_by(store).values()) == 3


def test_a_spent_budget_keeps_what_was_done() -> None:
    def answer(body: dict[str, Any]) -> str:
        return TRIPLES if "triples" in body["messages"][0]["content"] else ENTITIES

    with ScriptedOpenAI(answer) as server, opened(server, Budget(calls=7)) as store:
        store.add_many([f"Ada{i} met Byron{i}." for i in range(20)])
        report = store.consolidate()
        assert len(server.requests) == 7 and report.left == 17
        assert sorted(by for by, _ in read_by(store).values()).count("model:small") == 3


def test_recognition_by_the_model() -> None:
    script = ['{"facts": [1]}', '{"facts": [9]}', '{"facts": []}', '{"facts": [1]}']
    options = {**PAPER[2], "recognition": "llm"}
    with ScriptedOpenAI(script) as server, opened(server, **options) as store:
        store.add("Ada met Babbage.", id="a")
        store.add("Byron wrote Don Juan.", id="b")
        kept = store.trace("Who wrote Don Juan?").kept
        assert kept == (("byron", "wrote", "don juan"),)
        trace = store.trace("Who wrote Don Juan?")  # a number that is none is asked again
        assert (trace.kept, trace.stage, trace.failed) == ((), "dense", "")
        assert store.search("Who wrote Don Juan?", 2)[0].memory.id == "b"
        assert len(server.requests) == 4
        assert "1. " in server.requests[0]["messages"][-1]["content"]


def test_a_filter_that_fails_keeps_all_facts_and_says_so() -> None:
    """The original falls back to vectors in silence."""
    with ScriptedOpenAI(lambda _: ServerError()) as server:
        with opened(server, **{**PAPER[2], "recognition": "llm"}) as store:
            store.add("Ada met Babbage.", id="a")
            store.add("Byron wrote Don Juan.", id="b")
            trace = store.trace("Who wrote Don Juan?")
            assert len(trace.kept) == 2 and trace.stage == "facts" and trace.failed
            assert store.search("Who wrote Don Juan?", 1)[0].memory.id == "b"


def test_the_model_reads_questions_for_version_1() -> None:
    with ScriptedOpenAI(['{"entities": ["don juan"]}']) as server:
        with opened(server, **{**PAPER[1], "recognition": "llm"}) as store:
            store.add("Byron wrote Don Juan.", id="b")
            assert [name for name, _, _ in store.trace("who wrote it?").entities] == ["don juan"]


def test_what_the_model_read_survives_a_restore() -> None:
    with ScriptedOpenAI([ENTITIES, TRIPLES]) as server, opened(server) as store:
        store.add("Ada wrote about the engine.", id="a")
        store.consolidate()
        store.delete("a")
        store.restore("a")
        assert "phrase:analytical engine" not in store.graph()
        assert store.consolidate().calls == 0
        assert "phrase:analytical engine" in store.graph()
