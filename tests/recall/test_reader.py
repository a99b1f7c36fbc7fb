from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

import agentmem
from agentmem.recall.reader import read
from agentmem.recall.sentences import names, numbers, places, sentences
from agentmem.store import MemoryStore

AT = datetime(2023, 6, 10, tzinfo=timezone.utc)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    with agentmem.open(":memory:", embedder="none") as opened:
        opened.add(
            "Big news. I adopted a dog yesterday!", at="2023-05-08T10:00", speaker="Melanie", session="a"
        )
        opened.add("How old is it?", at="2023-05-08T10:01", speaker="Caroline", session="a")
        opened.add("I moved to Boston last month for work.", at="2023-06-01", speaker="Caroline", session="b")
        opened.add("We bought 12 tomato plants.", at="2023-06-03", speaker="Melanie", session="c")
        yield opened


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When did Melanie adopt a dog?", "7 May 2023 (“yesterday”, said on 8 May 2023)"),
        ("When did Caroline move to Boston?", "May 2023 (“last month”, said on 1 June 2023)"),
        ("When did Melanie buy tomato plants?", "3 June 2023 (the day it was said)"),
        ("Where did Caroline move?", "Boston (“I moved to Boston last month for work.”)"),
        ("How many tomato plants did Melanie buy?", "12 (“We bought 12 tomato plants.”)"),
        ("Who adopted a dog?", "Melanie (“I adopted a dog yesterday!”)"),
        ("What did Melanie adopt?", "I adopted a dog yesterday!"),
    ],
)
def test_answers(store: MemoryStore, question: str, expected: str) -> None:
    answer = store.ask(question, at=AT)
    assert answer.text == expected
    assert answer.quote is not None and answer.quote in answer.hits[0].memory.text
    assert answer.confidence >= 0.5


@pytest.mark.parametrize(
    "question",
    ["What is Caroline's favourite opera?", "When did Caroline adopt a dog?", "Who repaired the telescope?"],
)
def test_what_the_memory_does_not_hold(store: MemoryStore, question: str) -> None:
    answer = store.ask(question, at=AT)
    assert answer.text is None and answer.quote is None and answer.confidence < 0.5


def test_no_hits() -> None:
    assert read("Who?", [], AT).text is None


def test_sentences_and_their_parts() -> None:
    assert sentences("I met Dr. Who. It was 3.5 km away! Fine") == [
        "I met Dr. Who.",
        "It was 3.5 km away!",
        "Fine",
    ]
    assert sentences("今天下雨。我在家。") == ["今天下雨。", "我在家。"]
    assert numbers("It cost $1,200 or two weeks of 8.5 hours") == ["$1,200", "two", "8.5"]
    assert names("Yesterday I met Anna Lee in Rome.") == ["Anna Lee", "Rome"]
    assert places("We flew to New York from the Azores") == ["New York", "the Azores"]


@pytest.fixture
def talk() -> Iterator[MemoryStore]:
    with agentmem.open(":memory:", embedder="none") as opened:
        lines = [
            ("Ines", "Is there cake? Which one?", "2025-01-25T10:00"),
            ("Jonah", "With walnuts, I baked it for the fair.", "2025-01-25T10:01"),
            ("Ines", "No nuts. Are you still that allergic to nuts?", "2025-01-25T10:02"),
            ("Jonah", "Only to cashews, and those properly.", "2025-01-25T10:03"),
        ]
        for speaker, text, at in lines:
            opened.add(text, speaker=speaker, at=at, session="a")
        opened.add(
            "From Bristol straight to Porto, Monday at six. I'll stay in the Hotel Aurora, near the market.",
            speaker="Ines",
            at="2025-06-04",
            session="b",
        )
        opened.add(
            "The clinic moved my appointment. It's on 3 July now, at nine.",
            speaker="Ines",
            at="2025-06-20",
            session="c",
        )
        opened.add(
            'Granny wrote: "Lentil soup, the right way. Forget paprika, take cumin."',
            speaker="Ines",
            at="2025-06-21",
            session="d",
        )
        yield opened


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("When is Ines's appointment at the clinic?", "3 July 2025"),
        ("Where did Ines stay in Porto?", "the Hotel Aurora"),
        ("Which nuts is Jonah allergic to?", "Only to cashews"),
        (
            "Which spice goes into the lentil soup?",
            'Granny wrote: "Lentil soup, the right way. Forget paprika',
        ),
    ],
)
def test_what_is_no_answer_is_not_given(talk: MemoryStore, question: str, start: str) -> None:
    answer = talk.ask(question, at=datetime(2025, 7, 6, tzinfo=timezone.utc))
    assert answer.text is not None and answer.text.startswith(start)


def test_unrelated_memories_answer_nothing() -> None:
    with agentmem.open(":memory:") as store:
        store.add_many(["My sister lives in Lisbon.", "I bought a red bicycle.", "The oven broke again."])
        assert store.ask("What is the capital of Mongolia?").text is None
        assert store.search("What is the capital of Mongolia?")[0].relevance < 0.1


def test_a_question_is_no_answer() -> None:
    with agentmem.open(":memory:", embedder="none") as store:
        store.add("What colour is the boat?")
        answer = store.ask("What colour is the boat?")
        assert answer.text is None and answer.hits


def test_days_and_origins_are_no_places() -> None:
    assert places("From Bristol to Porto, Monday, in June") == ["Bristol", "Porto"]
    assert places("From Bristol to Porto, Portugal", origins=False) == ["Porto, Portugal"]


def test_an_answer_stands_after_its_question() -> None:
    """What another person asked right before says what a short answer is about."""
    with agentmem.open(":memory:", embedder="none") as store:
        lines = [
            ("Jonah", "He has had a bakery down there since 2019, together with his wife Marta."),
            ("Ines", "What's it called, actually, the bakery?"),
            ("Jonah", "Fermento. There's always a queue."),
        ]
        for minute, (speaker, text) in enumerate(lines):
            store.add(text, speaker=speaker, at=f"2025-05-15T10:{minute:02}", session="a")
        asked = "What is the bakery called?"
        assert store.ask(asked, at=AT).text == "Fermento."
        hits = store.search(asked, at=AT)
        assert str(read(asked, hits, AT).text).startswith("He has had")
        store.add("Really, called that?", speaker="Jonah", at="2025-05-15T10:01:30", session="a")
        assert str(store.ask(asked, at=AT).text).startswith("He has had"), "nobody answers himself"
