"""MemoryBank's digests: days, overview and portrait, made by sentences picked or by a language model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem import ManualClock
from agentmem.clock import Clock
from agentmem.stores.forgetting import ForgettingStore


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2024-05-01T12:00:00Z")


def opened(clock: Clock, path: str | Path = ":memory:", **options: Any) -> ForgettingStore:
    store = agentmem.open(path, store="forgetting", clock=clock, **options)
    assert isinstance(store, ForgettingStore)
    return store


# --- digests -----------------------------------------------------------------------------------------
DAYS = [
    {"text": "I adopted a greyhound named Biscuit. I love long walks with him.", "speaker": "Ada", "id": "1",
     "at": "2024-04-01T10:00Z"},
    {"text": "How old is Biscuit?", "speaker": "Ben", "id": "2", "at": "2024-04-01T10:01Z"},
    {"text": "My sister Grace moved to Lisbon to study marine biology.", "speaker": "Ada", "id": "3",
     "at": "2024-04-02T10:00Z"},
    {"text": "I failed my driving test and I feel terrible.", "speaker": "Ben", "id": "4",
     "at": "2024-05-01T09:00Z"},
]  # fmt: skip


def _consolidated(store: ForgettingStore) -> list[Any]:
    store.consolidate()
    return store.digests("day-summary", "day-portrait")


def test_days_that_are_over_are_digested(clock: ManualClock) -> None:
    with opened(clock) as store:
        store.add_many(DAYS)
        report = store.consolidate()
        found = {(m.kind, m.metadata.get("day")): m for m in store.digests()}
        days = ("2024-04-01", "2024-04-02")
        assert set(found) == {
            *(("day-summary", day) for day in days), *(("day-portrait", day) for day in days),
            ("overview", None), ("portrait", None),
        }  # fmt: skip
        summary = found["day-summary", days[0]]
        assert summary.sources == ("1", "2") and summary.run == report.run and "greyhound" in summary.text
        assert "How old" not in summary.text
        assert "Ada: I love long walks with him." in found["day-portrait", days[0]].text
        overview, portrait = store.overview(), store.portrait()
        assert overview is not None and overview.text.startswith("2024-04-01: Ada:")
        assert overview.sources == tuple(found["day-summary", day].id for day in days)
        assert portrait is not None and "Grace" in portrait.text and "2024" not in portrait.text
        again = store.consolidate()
        assert (again.added, again.retired, again.left) == ((), (), 0)
        assert store.check() == []


def test_recall_finds_day_summaries_and_nothing_meant_for_the_prompt(clock: ManualClock) -> None:
    with opened(clock) as store:
        store.add_many(DAYS)
        store.consolidate()
        assert {hit.memory.kind for hit in store.search("greyhound Biscuit Lisbon", 20)} == {
            "episode", "day-summary",
        }  # fmt: skip
    with opened(clock, find_days=False) as store:
        store.add_many(DAYS)
        store.consolidate()
        assert {hit.memory.kind for hit in store.search("greyhound Biscuit Lisbon", 20)} == {"episode"}


def test_a_later_turn_of_a_day_is_not_left_out(clock: ManualClock) -> None:
    """The released code digests a day once; what is said later that day never enters."""
    with opened(clock) as store:
        store.add_many(DAYS)
        store.consolidate()
        first = {m.id for m in store.digests()}
        store.add("Biscuit won the race at Ascot.", speaker="Ada", at="2024-04-01T20:00Z")
        report = store.consolidate()
        days = {m.metadata["day"]: m for m in store.digests("day-summary")}
        assert "Ascot" in days["2024-04-01"].text
        assert days["2024-04-02"].id in first and days["2024-04-01"].id not in first
        assert len(report.added) == len(report.retired) == 4  # the day's two, and what rests on them
        store.update("1", text="I adopted a lurcher named Biscuit.")
        store.consolidate()
        overview = store.overview()
        assert overview is not None and "lurcher" in overview.text and "greyhound" not in overview.text


def test_digests_go_with_what_they_rest_on(clock: ManualClock) -> None:
    """In the released code summaries and portraits are never refreshed: what was forgotten leaks."""
    with opened(clock) as store:
        store.add_many(DAYS)
        store.consolidate()
        store.delete(["1", "2"])
        store.consolidate()
        assert [m.metadata["day"] for m in store.digests("day-summary")] == ["2024-04-02"]
        assert not any("greyhound" in m.text for m in store.digests())
        erased = store.erase(ids="3")
        assert len(erased.derived) >= 2 and store.digests() == []
        assert store.consolidate().added == ()


def test_a_day_of_which_all_is_forgotten(clock: ManualClock) -> None:
    """Its summary is forgotten with it (the released code stops with a KeyError where there is none)."""
    with opened(clock, forget="none") as store:
        store.add_many(DAYS)
        store.consolidate()
        store._policy = type(store._policy)("threshold", 0.05, 0, None)
        store.reinforce("3")
        store.consolidate()
        found = store.search("greyhound Biscuit Lisbon marine", 20)
        assert {hit.memory.id for hit in found} - {m.id for m in store.digests()} == {"3", "4"}
        assert [hit.memory.metadata["day"] for hit in found if hit.memory.kind == "day-summary"] == [
            "2024-04-02"
        ]
        overview = store.overview()
        assert overview is not None and "greyhound" not in overview.text
        assert len(store.digests("day-summary")) == 2  # hidden, not gone
        store.reinforce("1")
        store.consolidate()
        overview = store.overview()
        assert overview is not None and "greyhound" in overview.text
    with opened(clock, forget="threshold") as store:
        store.add("the dog barks", at="2024-01-01")
        assert store.consolidate().added == ()


def test_days_end_where_they_were_lived(clock: ManualClock) -> None:
    with opened(clock) as store:
        store.add("I ate breakfast in Auckland.", at="2024-04-30T23:30:00+12:00", id="a")
        store.add("I ate dinner in Honolulu today.", at="2024-05-01T01:00:00-10:00", id="b")
        assert {m.metadata["day"] for m in _consolidated(store)} == {"2024-04-30"}
        clock.set("2024-05-02T09:59:59Z")
        assert {m.metadata["day"] for m in _consolidated(store)} == {"2024-04-30"}
        clock.set("2024-05-02T10:00:00Z")
        assert {m.metadata["day"] for m in _consolidated(store)} == {"2024-04-30", "2024-05-01"}


def test_a_killed_consolidation_goes_on(clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(clock, path) as store:
        store.add_many(DAYS)

        def stop(done: int, total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.consolidate(progress=stop)
    with opened(clock, path) as store:
        kept = {m.id for m in store.digests()}
        assert kept
        report = store.consolidate()
        assert not kept & set(report.retired) and len(store.digests()) == 6
        assert len(store.digests()) == len(kept) + len(report.added)


def test_other_stores_write_the_log_and_see_no_digest(clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with agentmem.open(path, store="episodic", clock=clock) as other:
        other.add_many(DAYS)
    with opened(clock, path) as store:
        store.consolidate()
        assert len(store.digests()) == 6
    with agentmem.open(path, store="episodic", clock=clock) as other:
        assert {hit.memory.kind for hit in other.search("greyhound", 20)} == {"episode"}


# --- with a language model -----------------------------------------------------------------------------
MODELS: list[Any] = []


def chat(server: Any, **options: Any) -> Any:
    pytest.importorskip("openai")
    from agentmem.language.openai import OpenAIChat

    model = OpenAIChat("test-model", base_url=server.base_url, api_key="test", retries=0, **options)
    MODELS.append(model)
    return model


@pytest.fixture
def answers() -> Iterator[Any]:
    from agentmem.testing_openai import ScriptedOpenAI

    made: list[Any] = []

    def serve(*script: Any) -> Any:
        server = ScriptedOpenAI(list(script))
        server.__enter__()
        made.append(server)
        return server

    yield serve
    while MODELS:
        MODELS.pop().close()
    for server in made:
        server.__exit__(None, None, None)


def said(text: str) -> str:
    return json.dumps({"text": text})


def test_a_model_digests(clock: ManualClock, answers: Any) -> None:
    server = answers(said("S1"), said("P1"), said("S2"), said(""), said("ALL"), said("WHO"))
    with opened(clock, llm=chat(server, price=(1.0, 2.0))) as store:
        store.add_many(DAYS)
        plan = store.plan()
        assert plan.calls == 6 and plan.tokens > 100 and server.requests == []
        report = store.consolidate()
        assert (report.calls, report.left) == (6, 0) and report.cost > 0
        overview, portrait = store.overview(), store.portrait()
        assert overview is not None and overview.text == "ALL" and portrait is not None
        assert [m.text for m in store.digests("day-summary", "day-portrait")] == ["S1", "P1", "S2"]
        asked = server.requests[0]["messages"]
        assert "- Ada: I adopted a greyhound" in asked[-1]["content"]
        assert "2024-04-01: S1" in server.requests[4]["messages"][-1]["content"]
        again = store.consolidate()  # "nothing to keep" is an answer too
        assert (again.calls, again.added) == (0, ()) and store.plan().calls == 0


def test_bad_answers_are_asked_again_then_noted_and_retried(clock: ManualClock, answers: Any) -> None:
    server = answers(
        "no JSON", '{"text": 3}', said("S1"),  # asked again until it is right
        "x", "[]", '{"wrong": "x"}',  # three tries, given up
        said("S2"), said("P2"), said("ALL"), said("WHO"),
        said("P1"), said("WHO 2"),
    )  # fmt: skip
    with opened(clock, llm=chat(server)) as store:
        store.add_many(DAYS)
        report = store.consolidate()
        assert (report.calls, report.left) == (10, 1)
        note = store.notes()["1", "day-portrait"]
        assert note["state"] == "failed" and "day-portrait" in note["error"]
        assert len(store.digests("day-portrait")) == 1
        report = store.consolidate()
        assert (report.calls, report.left) == (2, 0)
        assert [m.text for m in store.digests("day-portrait")] == ["P1", "P2"]
        assert store.notes()["1", "day-portrait"]["state"] == "done"
        portrait = store.portrait()
        assert portrait is not None and portrait.text == "WHO 2"


def test_a_model_that_refuses_stops_nothing_but_itself(clock: ManualClock, answers: Any) -> None:
    from agentmem.testing_openai import RateLimited

    server = answers(*[RateLimited()] * 3)
    with opened(clock, llm=chat(server), forget="threshold") as store:
        store.add_many([*DAYS, {"text": "an old thing", "id": "old", "at": "2020-01-01"}])
        for id in "123":
            store.reinforce(id)
        report = store.consolidate()
        assert report.added == () and report.left >= 3 and len(server.requests) == 3
        assert [fate.id for fate in store.forgotten()] == ["old"]
        assert store.notes()["1", "day-summary"]["state"] == "failed"


def test_a_budget_stops_cleanly_and_keeps_what_was_done(clock: ManualClock, answers: Any) -> None:
    from agentmem.language.base import Budget

    server = answers(*[said(f"T{i}") for i in range(9)])
    with opened(clock, llm=chat(server, budget=Budget(calls=3))) as store:
        store.add_many(DAYS)
        report = store.consolidate()
        assert (report.calls, report.left, len(report.added)) == (3, 3, 3)  # P2, and what is over all days
        store._runtime.llm = chat(server)
        report = store.consolidate()
        assert (report.calls, report.left) == (3, 0) and len(store.digests()) == 6


def test_a_model_takes_over_from_the_local_roles_and_not_back(clock: ManualClock, answers: Any) -> None:
    server = answers(*[said(f"T{i}") for i in range(6)])
    with opened(clock) as store:
        store.add_many(DAYS)
        store.consolidate()
        store._runtime.llm = chat(server)
        assert store.consolidate().calls == 6
        store._runtime.llm = None
        assert store.consolidate().added == ()


def test_a_long_day_is_summed_up_in_parts(clock: ManualClock, answers: Any) -> None:
    """The released code cuts the prompt to its last 1800 characters."""
    from agentmem.language.roles import Asker
    from agentmem.stores.forgetting.digests import Asked, Piece

    server = answers(said("one"), said("two"), said("three"), said("all"))
    role = Asked(Asker(chat(server)), "memorybank-day", window=60)
    text = role.make([Piece(f"turn {i} " + "word " * 20, "Ada") for i in range(6)])
    assert text == "all"
    contents = [request["messages"][-1]["content"] for request in server.requests]
    assert all(sum(f"turn {i} " in c for c in contents) == 1 for i in range(6))
    assert "- one" in contents[-1]


def test_prompts_can_be_replaced(clock: ManualClock, answers: Any, tmp_path: Path) -> None:
    (tmp_path / "memorybank-day.txt").write_text("Mine: $pieces")
    server = answers(*[said("x")] * 6)
    with opened(clock, llm=chat(server), prompts=tmp_path) as store:
        store.add_many(DAYS)
        store.consolidate()
    assert server.requests[0]["messages"][0]["content"].startswith("Mine: - Ada:")
