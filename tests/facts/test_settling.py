"""Consolidation decides which wordings mean one relation: by agreement or one call a pair; undone at will."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import agentmem
from agentmem import ManualClock
from agentmem.language.openai import OpenAIChat
from agentmem.store import MemoryStore
from agentmem.stores.zettelkasten import ZettelkastenStore
from agentmem.testing_openai import RateLimited, ScriptedOpenAI

SAME = json.dumps({"same": True, "several": False, "reason": "both say where someone lives"})
OTHER = json.dumps({"same": False, "several": None, "reason": "a visit"})
SAID = (
    ("Ada Lund died in the city of Bern.", "2019-01-01"),
    ("Ben Moe died in the city of Rome.", "2019-01-02"),
    ("Ada Lund passed away in Oslo.", "2020-01-01"),
    ("Cleo Nye passed away in Lima.", "2020-01-02"),
)


@contextmanager
def opened(server: ScriptedOpenAI | None = None, **options: Any) -> Iterator[MemoryStore]:
    llm = None
    if server is not None:
        llm = OpenAIChat("scripted", base_url=server.base_url, retries=0, price=(1.0, 1.0), timeout=10)
    try:
        with agentmem.open(":memory:", llm=llm, clock=ManualClock("2024-05-01"), **options) as store:
            for text, at in SAID:
                store.add(text, at=at)
            yield store
    finally:
        if llm is not None:
            llm.close()


def holds(store: MemoryStore) -> set[str]:
    return {fact.object for fact in store.facts("Ada Lund", state="active")}


def test_strict_asks_nobody() -> None:
    with ScriptedOpenAI([]) as server, opened(server) as store:
        assert store.consolidate().calls == 0 and server.requests == []
        assert store.facts.corrections() == []


def test_one_call_a_pair_of_wordings() -> None:
    with ScriptedOpenAI([SAME]) as server, opened(server, updates="auto") as store:
        report = store.consolidate()
        assert (report.calls, report.left, len(report.added)) == (1, 0, 1) and report.cost > 0
        (made,) = store.facts.corrections()
        assert (made.verb, made.by, made.note) == ("same", "model", "both say where someone lives")
        assert holds(store) == {"Oslo"}
        store.add("Ben Moe passed away in Quito.", at="2021-01-01")
        assert store.consolidate().calls == 0, "the answer serves all later facts"
        assert store.ask("In which city did Ben Moe die?").text == "Quito"
        store.undo(report.run)
        assert store.facts.corrections() == []


def test_a_model_moves_proposals_and_a_person_stands_above_it() -> None:
    with ScriptedOpenAI([OTHER]) as server, opened(server, updates="propose") as store:
        assert len(store.facts.proposals()) == 1
        store.consolidate()
        assert store.facts.proposals() == []
    with ScriptedOpenAI([SAME]) as server, opened(server, updates="propose") as store:
        store.consolidate()
        (proposal,) = store.facts.proposals()
        assert proposal.level == "strong" and holds(store) == {"Oslo", "Bern"}, "proposed, not acted on"
        store.facts.different(proposal.older.id, proposal.newer.id)
        assert store.facts.proposals() == []


def test_a_failed_call_is_made_again() -> None:
    with ScriptedOpenAI([RateLimited()]) as server, opened(server, updates="propose") as store:
        report = store.consolidate()
        assert report.left == 1 and store.facts.corrections() == []
        server.extend([SAME])
        assert store.consolidate().left == 0 and len(store.facts.corrections()) == 1


def test_facts_that_agree_confirm_by_themselves() -> None:
    with opened(updates="propose") as store:
        for n, name in enumerate(("Dan Ohm", "Eve Poe", "Fay Quo", "Gil Rae", "Hal Sun", "Ivy Tan")):
            store.add(f"{name} died in the city of Town{n}.", at=f"2022-01-0{n + 1}")
            store.add(f"{name} passed away in Town{n}.", at=f"2022-02-0{n + 1}")
        report = store.consolidate()
        (made,) = store.facts.corrections()
        assert (made.by, made.verb, report.calls) == ("agreement", "same", 0) and "6 of 7" in made.note
        assert store.consolidate().added == ()


def test_what_the_store_left_stays_left() -> None:
    """A store that could not finish says so, also when the facts are settled after it."""
    with ScriptedOpenAI([RateLimited()] * 6 + [SAME] * 9) as server:
        with opened(server, store="zettelkasten", updates="propose") as store:
            report = store.consolidate()
            assert isinstance(store, ZettelkastenStore)
            assert report.left >= 1 and store.failed()
