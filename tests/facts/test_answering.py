"""``ask`` by facts, from the outside: what changes far away changes the answer, wherever it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem import ManualClock
from agentmem.agent import MemoryAgent
from agentmem.memory import Answer
from agentmem.store import MemoryStore

SAID = (
    ("The capital of Norland is Aldby.", "2019-01-01"),
    ("The capital of Sudria is Bexhill.", "2019-01-02"),
    ("The capital of Ostan is Corvale.", "2019-01-03"),
    ("The mayor of Aldby is Dora Finch.", "2019-02-01"),
    ("The mayor of Bexhill is Emil Grant.", "2019-02-02"),
    ("The mayor of Corvale is Ida Holm.", "2019-02-03"),
    ("Dora Finch is married to Jon Kerr.", "2019-03-01"),
    ("Emil Grant is married to Lea Moss.", "2019-03-02"),
    ("Ida Holm is married to Max Noor.", "2019-03-03"),
    ("Pia Quist lives in Norland.", "2019-04-01"),
    ("Rolf Stern lives in Sudria.", "2019-04-02"),
    ("Tess Ude lives in Ostan.", "2019-04-03"),
)
MAYOR = "Who is the mayor of the capital of Norland?"
SPOUSE = "Who is married to the mayor of the capital of Norland?"
STORES = ("unified", "episodic", "zettelkasten", "forgetting", "hipporag")


def opened(path: str | Path = ":memory:", **options: Any) -> MemoryStore:
    return agentmem.open(path, clock=ManualClock("2024-05-01T12:00:00Z"), **options)


def fill(store: MemoryStore) -> MemoryStore:
    store.add_many([{"text": text, "at": at, "id": f"m{n}"} for n, (text, at) in enumerate(SAID)])
    return store


def ids(answer: Answer) -> list[str]:
    return [hit.memory.id for hit in answer.hits]


@pytest.mark.parametrize("name", STORES)
def test_a_change_far_away_changes_the_answer(name: str) -> None:
    """The capital, its mayor, her husband: any of the three may change, and the question gets the new one."""
    with opened(store=name) as store:
        fill(store)
        assert store.ask(MAYOR).text == "Dora Finch" and store.ask(SPOUSE).text == "Jon Kerr"
        store.add("The mayor of Aldby is Vera Wolf.", at="2021-01-01", id="v")
        store.add("Vera Wolf is married to Xaver York.", at="2021-01-02", id="x")
        assert store.ask(MAYOR).text == "Vera Wolf" and store.ask(SPOUSE).text == "Xaver York"
        store.add("The capital of Norland is Corvale.", at="2022-01-01", id="c")
        answer = store.ask(SPOUSE)
        assert (answer.text, ids(answer)[:3]) == ("Max Noor", ["m8", "m5", "c"])
        assert "before, said on 1 January 2019: Aldby" in answer.chain[0] and len(answer.chain) == 3
        assert answer.hits[-1].memory.id == "m0", "what it was before is shown, last"
        assert store.ask(SPOUSE, at="2021-06-01").text == "Xaver York"
        assert store.ask(SPOUSE, at="2020-06-01").text == "Jon Kerr"
        store.delete("c")
        assert store.ask(SPOUSE).text == "Xaver York"


def test_the_order_of_arrival_does_not_matter() -> None:
    with opened() as store:
        store.add("The capital of Norland is Corvale.", at="2022-01-01")
        fill(store)
        assert store.ask(MAYOR).text == "Ida Holm" and store.ask(SPOUSE).text == "Max Noor"


def test_after_reopening_and_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(path) as one, opened(path) as other:
        fill(one)
        assert other.ask(SPOUSE).text == "Jon Kerr"
        code = (
            "import agentmem, sys\n"
            "with agentmem.open(sys.argv[1]) as memory:\n"
            "    memory.add('The capital of Norland is Bexhill.', at='2023-01-01', id='b')\n"
            "    print(memory.ask(sys.argv[2]).text)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path), SPOUSE], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "Lea Moss"
        assert one.ask(SPOUSE).text == other.ask(SPOUSE).text == "Lea Moss"
        other.update("b", text="The capital of Norland is Corvale.")
        assert one.ask(SPOUSE).text == "Max Noor"
        other.erase(ids="b")
        assert one.ask(SPOUSE).text == "Jon Kerr"
    with opened(path) as again:
        assert again.ask(SPOUSE).text == "Jon Kerr"


def test_as_of_a_time_in_the_question() -> None:
    with opened() as store:
        fill(store)
        store.add("The mayor of Aldby is Vera Wolf.", at="2021-03-01")
        assert store.ask("Who was the mayor of Aldby in 2020?").text == "Dora Finch"
        assert store.ask("Who was the mayor of Aldby in 2021?").text == "Vera Wolf"
        assert store.ask("Who is the mayor of Aldby?").text == "Vera Wolf"


def test_validity_goes_before_the_time_of_saying() -> None:
    with opened() as store:
        fill(store)
        store.add("The mayor of Aldby is Old Ned.", valid_from="1990-01-01", valid_until="2005-01-01")
        assert store.ask("Who is the mayor of Aldby?").text == "Dora Finch"
        assert store.ask("Who is the mayor of Aldby?", at="2000-01-01").text == "Old Ned"
        store.update("m3", valid_until="2023-01-01")
        assert store.ask("Who is the mayor of Aldby?", at="2022-01-01").text == "Dora Finch"
        assert store.ask("Who is the mayor of Aldby?").text != "Dora Finch"


def test_what_is_no_longer_so_is_not_walked_over() -> None:
    with opened() as store:
        fill(store)
        store.add("Dora Finch is no longer married to Jon Kerr.", at="2020-01-01")
        assert store.ask(SPOUSE).text != "Jon Kerr"
        assert store.ask(SPOUSE, at="2019-06-01").text == "Jon Kerr"


def test_what_is_not_recalled_is_not_walked_over() -> None:
    with opened() as store:
        fill(store)
        store.update("m3", expires_at="2024-01-01")
        assert store.facts.ask(MAYOR) is None and store.facts.ask(MAYOR, at="2023-01-01") is not None
        assert store.ask(MAYOR).text != "Dora Finch"
    with opened(store="forgetting", forget="threshold", threshold=0.5) as store:
        fill(store)
        store.reinforce([f"m{n}" for n in range(12) if n != 3], at="2024-05-01")
        store.consolidate()
        assert [fate.id for fate in store.forgotten()] == ["m3"]
        assert store.facts.ask(MAYOR) is None
        assert store.facts.ask("Who is the mayor of Bexhill?") is not None


def test_an_agent_without_a_model_walks_facts() -> None:
    with opened() as store:
        fill(store)
        reply = MemoryAgent(store).chat(MAYOR)
        assert reply.startswith("Dora Finch") and "The mayor of Aldby is Dora Finch." in reply


def test_corrections_change_answers() -> None:
    with opened() as store:
        fill(store)
        store.add("The mayor of Aldby is Vera Wolf.", at="2021-03-01", id="v")
        made = store.facts.wrong("v#0")
        assert store.ask(MAYOR).text == "Dora Finch"
        store.facts.undo(made.id)
        assert store.ask(MAYOR).text == "Vera Wolf"
        store.facts.close("v#0", at="2022-01-01")
        assert store.ask(MAYOR, at="2021-06-01").text == "Vera Wolf"


def test_proposals_show_both(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    said = [
        ("Ada Lund died in the city of Bern.", "2019-01-01"),
        ("Ben Moe died in the city of Rome.", "2019-01-02"),
        ("Ada Lund passed away in Oslo.", "2020-01-01"),
        ("Cleo Nye passed away in Lima.", "2020-01-02"),
    ]
    asked = "In which city did Ada Lund die?"
    with opened(path) as store:
        for text, at in said:
            store.add(text, at=at)
        assert "Bern" in str(store.ask(asked).text), "strict: another wording replaces nothing"
    with opened(path, updates="propose") as store:
        answer = store.ask(asked)
        assert str(answer.text).startswith("Oslo") and "or still Bern, said on 1 January 2019" in str(
            answer.text
        )
        (proposal,) = store.facts.proposals("Ada Lund")
        store.facts.reject(proposal)
        assert str(store.ask(asked).text) == "Bern"
    with opened(path, updates="auto") as store:
        assert str(store.ask(asked).text) == "Bern", "it was rejected"
        store.facts.undo(store.facts.corrections()[0].id)
        answer = store.ask(asked)
        assert answer.text == "Oslo" and "Bern" in " ".join(answer.chain)
    with opened(path) as store:
        (proposal,) = store.facts.proposals("Ada Lund")
        store.facts.confirm(proposal)
        assert store.ask(asked).text == "Oslo"


def test_walls_and_filters() -> None:
    with opened() as store:
        fill(store.namespace("a"))
        assert store.ask(MAYOR).text is None
        found = store.ask(MAYOR, subtree=True)
        assert found.text == "Dora Finch" and found.hits[0].memory.namespace == ("a",)
        below = store.namespace("a")
        below.update("m3", metadata={"secret": True})
        assert below.ask(MAYOR, filter={"secret": {"$exists": False}}).text != "Dora Finch"
        assert below.ask(MAYOR, filter={"secret": {"$exists": False}}).chain == ()


def test_asking_changes_nothing_and_repeats_itself() -> None:
    with opened() as store:
        fill(store)
        before = store.stats()
        assert [store.ask(SPOUSE) for _ in range(3)] == [store.ask(SPOUSE)] * 3
        assert store.stats().versions == before.versions
        assert store.ask("Who painted the ceiling of Bexhill?").text in (None, "")
