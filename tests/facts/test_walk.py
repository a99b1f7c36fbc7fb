"""Walks from a question to an answer."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from agentmem.embed.static import StaticEmbedder
from agentmem.evals.tasks.reworded import reworded
from agentmem.facts.match import mistyped
from agentmem.facts.questions import known_names
from agentmem.facts.view import FactView
from agentmem.facts.walk import explore, sure
from agentmem.memory import Memory

NOW = datetime(2024, 6, 1, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def world() -> FactView:
    made = FactView()
    made.take(
        (i, Memory(f"m{i}", (), text, at=NOW - timedelta(days=100 - i), recorded_at=NOW))
        for i, text in enumerate(reworded().lines)
    )
    made.settle()
    return made


def answer(world: FactView, question: str, at: datetime = NOW) -> str | None:
    chain = world.ask(question, at)
    return None if chain is None else chain.answer


@pytest.mark.parametrize(
    ("question", "want"),
    [
        ("What is the capital of Norrland?", "Isenport"),
        ("Who is Meridian Optics's CEO?", "Saga Lindh"),
        ("Who is the mayr of Isenport?", None),
        ("Who is the mayour of Isenport?", "Kjell Strand"),
        ("Who wrote “Winter Engines”?", "Paul Renko"),
        ("Who is married to the founder of Meridian Optics?", "Elin Vaara"),
        ("In which city was the mayor of the capital of Norrland born?", "Isenport"),
        (
            "Who founded the company that employs the husband of the author of The Glass Orchard?",
            "Ida Kessler",
        ),
        ("Who was the previous mayor of Isenport?", "Dagny Holm"),
        ("Which city is Ostmark's capital?", "Radenau"),
    ],
)
def test_questions(world: FactView, question: str, want: str | None) -> None:
    assert answer(world, question) == want


@pytest.mark.parametrize(
    "question",
    [
        "Who is the mayor of Korsfjord?",  # only by a detour that the question does not name
        "What is the capital of Vellhaven?",
        "Who is Rune Dahl married to?",
        "How many people live in Isenport?",
        "Is Paul Renko a citizen of Norrland?",
        "When was Meridian Optics founded?",
        "What is the capital of Utopia?",
        "Who is it?",
        "",
        "Tell me about the weather.",
    ],
)
def test_what_facts_do_not_say_is_not_answered(world: FactView, question: str) -> None:
    assert answer(world, question) is None


def test_a_chain_tells_how_it_was_walked(world: FactView) -> None:
    chain = world.ask("Who runs the company Orla Brandt works at?", NOW)
    assert chain is not None
    assert [hop.fact.sentence for hop in chain.hops] == [
        "Orla Brandt works at Aurora Shipping.",
        "The chief executive officer of Aurora Shipping is Lotte Fromm.",
    ]
    assert [(hop.start, hop.end) for hop in chain.hops] == [
        ("Orla Brandt", "Aurora Shipping"),
        ("Aurora Shipping", "Lotte Fromm"),
    ]
    assert chain.memories == tuple(hop.fact.memory for hop in chain.hops)
    assert [hop.words for hop in chain.hops] == [("work",), ("run",)]
    assert chain.margin > 0
    assert chain.to_dict()["answer"] == "Lotte Fromm"


def test_questions_are_asked_at_a_time(world: FactView) -> None:
    early = NOW - timedelta(days=60)
    assert answer(world, "Who is the mayor of Isenport?", early) == "Dagny Holm"
    assert answer(world, "Who is the mayor of Isenport?") == "Kjell Strand"


def test_two_as_good_answers_are_none() -> None:
    made = FactView()
    texts = [
        "Ada Lind is a citizen of Norland.",
        "Ada Lind was born in Sudria.",
        "The capital of Norland is Aldby.",
        "The capital of Sudria is Bexhill.",
    ]
    made.take((i, Memory(str(i), (), text, at=NOW, recorded_at=NOW)) for i, text in enumerate(texts))
    made.settle()
    chains = explore(made, "What is the capital of the country of Ada Lind?", NOW, None)
    assert not chains or not sure(chains[0])


def test_an_embedder_finds_what_words_do_not(world: FactView) -> None:
    chains = explore(world, "Where was Meridian Optics's founder's spouse educated?", NOW, StaticEmbedder())
    assert chains[0].answer == "Lindqvist Academy"


def test_names_in_a_question(world: FactView) -> None:
    assert known_names(world, "Does Orla Brandt know Rune Dahl's boss?") == ["orla brandt", "rune dahl's"]


@pytest.mark.parametrize(
    ("one", "other", "want"),
    [
        ("original", "origianl", True),
        ("university", "univeristy", True),
        ("mayor", "mayour", True),
        ("capital", "capitol", True),
        ("sister", "mister", False),
        ("form", "from", False),
        ("author", "authority", False),
    ],
)
def test_one_slip_is_forgiven(one: str, other: str, want: bool) -> None:
    assert mistyped(one, other) is want
