"""A quoted sentence that is known to tell something else is no answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import agentmem
from agentmem.facts.checking import checked
from agentmem.memory import Answer, Hit
from agentmem.store import MemoryStore

SAID = (
    "The mayor of Vellhaven is Oskar Brenn.",
    "The mayor of Isenport is Dagny Holm.",
    "The mayor of Radenau is Pia Lund.",
    "Rune Dahl was born in Vellhaven.",
    "Oskar Brenn was born in Isenport.",
    "Pia Lund was born in Radenau.",
)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    with agentmem.open(":memory:", embedder="none") as made:
        made.add_many([{"text": text, "id": f"m{n}", "at": "2024-01-01"} for n, text in enumerate(SAID)])
        made.add("My brother Marek is married to Ewa.", id="s", speaker="Lena", at="2024-01-01")
        made.add("I'm not married to Liang.", id="n", speaker="Mei", at="2024-01-01")
        made.add("I live in Rome, and the food is a dream.", id="f", speaker="Mei", at="2024-01-01")
        yield made


def quoted(store: MemoryStore, id: str, question: str) -> str | None:
    memory = store.get(id)
    answer = Answer("said so", (Hit(memory, 1.0, 1.0, {}),), 0.9, (), memory.text)
    return checked(store._runtime, question, answer, None).text


@pytest.mark.parametrize(
    ("id", "question"),
    [
        ("m0", "What is the capital of Vellhaven?"),
        ("m3", "Who is Rune Dahl married to?"),
        ("m3", "When did Rune Dahl die?"),
        ("s", "Who is Lena married to?"),
        ("n", "Who is Mei married to?"),
    ],
)
def test_a_sentence_that_tells_something_else_is_no_answer(
    store: MemoryStore, id: str, question: str
) -> None:
    assert quoted(store, id, question) is None


@pytest.mark.parametrize(
    ("id", "question"),
    [
        ("m0", "Who is the mayor of Vellhaven?"),
        ("m0", "Is there a mayor in Vellhaven?"),
        ("m3", "Where was Rune Dahl born?"),
        ("m3", "What do people tell?"),
        ("f", "What does Mei think of the food?"),
    ],
)
def test_one_that_may_tell_it_stays(store: MemoryStore, id: str, question: str) -> None:
    assert quoted(store, id, question) == "said so"


def test_without_a_quotation_or_in_an_empty_namespace_nothing_changes(store: MemoryStore) -> None:
    for answer in (Answer(None, (), 0.0), Answer("x", (), 0.5, (), "x")):
        assert checked(store._runtime, "Who is it?", answer, None) is answer
