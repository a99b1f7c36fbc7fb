"""ZettelkastenStore with a language model: asked in consolidation only, checked, counted, tried again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem.clock import ManualClock
from agentmem.language.base import Budget
from agentmem.language.openai import OpenAIChat
from agentmem.stores.zettelkasten import ZettelkastenStore
from agentmem.stores.zettelkasten.notes import KIND
from agentmem.testing_openai import RateLimited, ScriptedOpenAI, ServerError

ANNOTATION = json.dumps(
    {"keywords": ["greyhound", "adoption"], "context": "Ada has a dog.", "tags": ["pets"]}
)
NO_LINKS = json.dumps({"links": [], "tags": [], "rewrite": []})
LINKED = json.dumps({"links": [{"label": "N1", "reason": "same dog"}], "tags": ["dogs"], "rewrite": ["N1"]})
EVOLVED = json.dumps(
    {"notes": [{"label": "N1", "context": "Ada's dog Biscuit is ill.", "tags": ["pets", "health"]}]}
)


def opened(server: ScriptedOpenAI, *, budget: Budget | None = None, **options: Any) -> ZettelkastenStore:
    llm = OpenAIChat(
        "scripted", base_url=server.base_url, retries=0, budget=budget, price=(1.0, 1.0), timeout=10
    )
    store = agentmem.open(
        ":memory:", store=ZettelkastenStore, llm=llm, clock=ManualClock("2024-05-01"), **options
    )
    assert isinstance(store, ZettelkastenStore)
    return store


def two(store: ZettelkastenStore) -> None:
    store.add("I adopted a greyhound named Biscuit.", id="a", speaker="Ada", at="2023-05-08")
    store.add("Biscuit has a fever.", id="b", speaker="Ada", at="2023-06-01")


def asked(server: ScriptedOpenAI, place: int) -> str:
    return str(server.requests[place]["messages"][-1]["content"])


def test_annotate_link_evolve() -> None:
    """Two notes: annotate a; annotate b, decide its links, rewrite a."""
    with ScriptedOpenAI([ANNOTATION, ANNOTATION, LINKED, EVOLVED]) as server, opened(server) as store:
        two(store)
        assert server.requests == [], "writing asks nobody"
        report = store.consolidate()
        assert (report.calls, report.left, report.linked) == (4, 0, 1) and report.cost > 0
        assert "Biscuit has a fever." in asked(server, 1) and "01 June 2023" in asked(server, 1)
        assert "N1" in asked(server, 2) and "greyhound" in asked(server, 2)
        assert server.requests[0]["response_format"]["type"] == "json_schema"
        assert server.requests[0]["temperature"] == 0
        a, b = store.note("a"), store.note("b")
        assert a is not None and b is not None
        assert (a.annotation.context, a.annotation.tags) == ("Ada's dog Biscuit is ill.", ("pets", "health"))
        assert a.annotation.keywords == ("greyhound", "adoption"), "keywords stay those of the source"
        assert (a.cause, a.authors) == ("evolved", ("b",)) and b.annotation.tags == ("dogs",)
        assert [(m.id, reason) for m, _, reason in store.linked("a")] == [("b", "same dog")]
        assert [v.annotation.tags for v in store.evolution("a")] == [("pets",), ("pets", "health")]
        assert store.get(a.id).trust == 0.5 and store.get(a.id).sources == ("a", "b")
        assert store.consolidate().calls == 0 and len(server.requests) == 4
        store.undo(report.run)
        assert [m.id for m in store.list()] == ["a", "b"] and store.links() == []


def test_the_right_neighbour_is_rewritten() -> None:
    """Answers are matched by label: the second neighbour, not the second memory ever stored."""

    def answer(body: dict[str, Any]) -> str:
        system, user = (str(m["content"]) for m in body["messages"][:2])
        if "Describe the note" in system:
            return ANNOTATION
        if "decide" in system.lower():
            label = next((f"N{i}" for i in range(1, 9) if f"N{i}\n" in user and _block(user, i)), None)
            if label is None or "needle" not in user.split("Nearest notes:")[0]:
                return NO_LINKS
            return json.dumps({"links": [{"label": label, "reason": "r"}], "tags": [], "rewrite": [label]})
        label = user.split("Neighbours to rewrite:\n")[1].split("\n")[0]
        return json.dumps({"notes": [{"label": label, "context": "haystack found", "tags": []}]})

    def _block(user: str, place: int) -> bool:
        return "haystack" in user.split(f"N{place}\n")[1].split("\n\n")[0]

    with ScriptedOpenAI(answer) as server, opened(server) as store:
        for i, text in enumerate(["a red door", "a blue door", "a haystack by the door", "a green door"]):
            store.add(text, id=str(i))
        store.add("the needle is behind the door", id="n")
        store.consolidate()
        contexts = {id: store.note(id).annotation.context for id in "0123n"}  # type: ignore[union-attr]
        assert contexts == dict.fromkeys("013n", "Ada has a dog.") | {"2": "haystack found"}
        assert store.note("2").annotation.tags == ("pets",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "bad",
    [
        "no JSON at all",
        json.dumps({"keywords": [], "context": "x", "tags": []}),
        json.dumps({"keywords": ["a"], "context": "", "tags": []}),
        json.dumps({"keywords": "a, b", "context": "x", "tags": []}),
        json.dumps(["a"]),
    ],
)
def test_a_wrong_answer_is_asked_again_then_marked(bad: str) -> None:
    """Three tries; then the episode is marked failed, is found all the same, and is tried again later."""
    with ScriptedOpenAI([bad, bad, bad]) as server, opened(server) as store:
        store.add("I adopted a greyhound named Biscuit.", id="a")
        report = store.consolidate()
        assert (report.calls, report.added) == (3, ())
        assert store.note("a") is None and list(store.failed()) == ["a"]
        assert store.search("greyhound", k=1)[0].memory.id == "a"
        server.extend([bad, ANNOTATION])
        assert store.consolidate().calls == 2
        assert store.failed() == {} and store.note("a") is not None
        assert store.check() == []


@pytest.mark.parametrize("label", ["N2", "N0", "-1", "a", "n1"])
def test_labels_that_were_not_shown_are_refused(label: str) -> None:
    wrong = json.dumps({"links": [{"label": label, "reason": "?"}], "tags": [], "rewrite": []})
    with ScriptedOpenAI([ANNOTATION, ANNOTATION, wrong, LINKED, EVOLVED]) as server, opened(server) as store:
        two(store)
        report = store.consolidate()
        assert report.calls == 5 and report.linked == 1
        assert "was shown" in asked(server, 3)


def test_links_are_made_though_nothing_evolves_and_empty_tags_erase_nothing() -> None:
    """In the original, links were made only with an evolution, and an empty list took the tags away."""
    only = json.dumps({"links": [{"label": "N1", "reason": "same dog"}], "tags": [], "rewrite": []})
    with ScriptedOpenAI([ANNOTATION, ANNOTATION, only]) as server, opened(server) as store:
        two(store)
        assert store.consolidate().linked == 1
        assert store.note("b").annotation.tags == ("pets",)  # type: ignore[union-attr]
        assert len(store.evolution("a")) == 1


def test_a_failed_link_decision_keeps_the_note_and_is_tried_again() -> None:
    with ScriptedOpenAI([ANNOTATION, ANNOTATION, "x", "x", "x"]) as server, opened(server) as store:
        two(store)
        store.consolidate()
        assert store.note("b") is not None and list(store.failed()) == ["b"]
        server.extend([LINKED, EVOLVED])
        report = store.consolidate()
        assert (report.calls, report.linked) == (2, 1) and store.failed() == {}


@pytest.mark.parametrize("step", [RateLimited(), ServerError(500, "down")])
def test_a_server_that_is_down_is_not_asked_for_ever(step: Any) -> None:
    """Three failures in a row end the run; what is left is told, and done when the server is back."""
    with ScriptedOpenAI(lambda body: step) as server, opened(server) as store:
        store.add_many([f"memory number {i}" for i in range(9)])
        report = store.consolidate()
        assert len(server.requests) == 3 and report.left > 0
        assert len(store.failed()) == 3
        assert [m for m in store.list() if m.kind == KIND] == []
    script: list[Any] = [ANNOTATION, step, ANNOTATION, NO_LINKS]
    with ScriptedOpenAI(script) as server, opened(server) as store:
        for i in range(3):
            store.add(f"memory number {i}", id=str(i))
        store.consolidate()
        assert list(store.failed()) == ["1"] and store.note("0") and store.note("2")


def test_a_spent_budget_stops_cleanly_and_keeps_what_was_done() -> None:
    answers: Callable[[dict[str, Any]], str] = lambda body: (  # noqa: E731
        ANNOTATION if "Describe the note" in str(body["messages"][0]["content"]) else NO_LINKS
    )
    with ScriptedOpenAI(answers) as server:
        with opened(server, budget=Budget(calls=4)) as store:
            for i in range(6):
                store.add(f"memory number {i}", id=str(i))
            report = store.consolidate()
            assert report.calls == 4 and report.left > 0 and store.failed() == {}
            assert [i for i in "012345" if store.note(i)] == ["0", "1", "2"]
            store._runtime.llm.budget.calls = None
            again = store.consolidate()
            assert again.left == 0 and all(store.note(i) for i in "012345")
            assert report.calls + again.calls == 6 + 5, "one annotation each, one decision each but the first"


def test_a_plan_counts_and_asks_nothing() -> None:
    with ScriptedOpenAI() as server, opened(server) as store:
        two(store)
        plan = store.plan()
        assert (plan.notes, plan.links, plan.calls) == (2, 2, 4) and plan.tokens > 100
        assert server.requests == [] and store.failed() == {}


def test_local_notes_are_made_anew_when_a_model_comes(tmp_path: Path) -> None:
    path = str(tmp_path / "slips.db")
    clock = ManualClock("2024-05-01")
    with agentmem.open(path, store=ZettelkastenStore, clock=clock) as store:
        store.add("I adopted a greyhound named Biscuit.", id="a")
        store.consolidate()
    with ScriptedOpenAI([ANNOTATION]) as server:
        llm = OpenAIChat("scripted", base_url=server.base_url, retries=0)
        with agentmem.open(path, store=ZettelkastenStore, clock=clock, llm=llm) as store:
            assert isinstance(store, ZettelkastenStore)
            store.consolidate()
            assert [note.annotation.by for note in store.evolution("a")] == ["local", "scripted"]
    with agentmem.open(path, store=ZettelkastenStore, clock=clock) as store:
        assert isinstance(store, ZettelkastenStore)
        assert not store.consolidate().added, "without it they stay"
        assert store.note("a").annotation.by == "scripted"  # type: ignore[union-attr]


def test_prompts_can_be_overridden(tmp_path: Path) -> None:
    (tmp_path / "zettel_annotate.txt").write_text("Annotate like a pirate: $text")
    with ScriptedOpenAI([ANNOTATION]) as server, opened(server, prompts=str(tmp_path)) as store:
        store.add("I adopted a greyhound.", id="a")
        store.consolidate()
        assert asked(server, 0) == "Annotate like a pirate: I adopted a greyhound."
