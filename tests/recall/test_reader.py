from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

import agentmem
from agentmem import finding
from agentmem.memory import Answer
from agentmem.recall.reader import read
from agentmem.recall.sentences import named, names, numbers, places, sentences
from agentmem.store import MemoryStore

AT = datetime(2023, 6, 10, tzinfo=timezone.utc)


def quoted(store: MemoryStore, question: str, at: datetime = AT) -> Answer:
    """What the reader alone answers, without facts."""
    hits = store.search(question, at=at)
    return read(question, hits, at, finding.turns_before(store._runtime, hits))


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
    answer = quoted(store, question)
    assert answer.text == expected
    assert answer.quote is not None and answer.quote in answer.hits[0].memory.text
    assert answer.confidence >= 0.5


@pytest.mark.parametrize(
    "question",
    ["What is Caroline's favourite opera?", "When did Caroline adopt a dog?", "Who repaired the telescope?"],
)
def test_what_the_memory_does_not_hold(store: MemoryStore, question: str) -> None:
    answer = quoted(store, question)
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
    assert sentences(
        "Ada B. Cole (c. 1546–1591) was a poet [b. Rome. Italy]. He is at Foo Inc. now. I got it :( Fine"
    ) == [
        "Ada B. Cole (c. 1546–1591) was a poet [b. Rome. Italy].",
        "He is at Foo Inc. now.",
        "I got it :( Fine",
    ]
    assert names("Yesterday I met Anna Lee in Rome.") == ["Anna Lee", "Rome"]
    assert named("Yesterday Julie met J.K. Rowling and Adil E. Shamoo.") == [
        (10, "Julie"),
        (20, "J.K. Rowling and Adil E. Shamoo"),
    ]
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
        assert quoted(store, asked).text == "Fermento."
        hits = store.search(asked, at=AT)
        assert str(read(asked, hits, AT).text).startswith("He has had")
        store.add("Really, called that?", speaker="Jonah", at="2025-05-15T10:01:30", session="a")
        assert str(quoted(store, asked).text).startswith("He has had"), "nobody answers himself"


@pytest.fixture
def family() -> Iterator[MemoryStore]:
    with agentmem.open(":memory:", embedder="none") as opened:
        for at, speaker, text in [
            ("2023-01-05", "Ada", "I live in Lyon with my sister."),
            ("2023-01-05", "Ben", "Nice! I go swimming twice a week."),
            ("2023-02-03", "Ben", "My brother Tom is a dentist in Hamburg. He has two kids."),
            ("2023-05-03", "Ben", "I go swimming every day now."),
            ("2023-05-04", "Ada", "We adopted a cat, she's called Minka. I paid 80 euros at the shelter."),
            ("2023-05-05", "Ben", "I get up at 5:30 am and run 5 km."),
            ("2023-05-06", "Ada", "My spare key is under the blue pot next to the door."),
            ("2023-05-07", "Ben", "Ada's sister Clara now lives in Rome."),
            ("2023-05-08", "Ben", "I sold the old Volvo on the 2nd after the fair."),
        ]:
            opened.add(text, at=at, speaker=speaker, session=at)
        yield opened


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("Where does Ada's sister live?", "Rome (“Ada's"),
        ("Who is Ada's sister?", "Clara (“Ada's"),
        ("Where does Ada live?", "Lyon (“"),
        ("Who is Tom?", "My brother Tom is a dentist"),
        ("How many kids does Ben's brother have?", "two (“"),
        ("What is the name of Ada's cat?", "Minka (“"),
        ("How much did Ada pay for the cat?", "80 euros (“"),
        ("What time does Ben get up?", "5:30 am (“"),
        ("How far does Ben run?", "5 km (“"),
        ("Where is Ada's spare key?", "under the blue pot (“"),
        ("How often does Ben go swimming?", "every day (“"),
        ("How often did Ben go swimming at first?", "twice a week (“"),
        ("What did Ben sell?", "I sold the old Volvo"),
        ("When did Ben sell the Volvo?", "2 May 2023 (“on the 2nd”"),
    ],
)
def test_plain_questions(family: MemoryStore, question: str, start: str) -> None:
    assert str(quoted(family, question).text).startswith(start)


@pytest.mark.parametrize(
    "question", ["How old is Ada?", "Who is Ben's wife?", "Where did Ben study?", "What is Ben's shoe size?"]
)
def test_what_was_never_said(family: MemoryStore, question: str) -> None:
    assert quoted(family, question).text is None


def test_a_passage_is_not_dated_by_when_it_was_written() -> None:
    with agentmem.open(":memory:", embedder="none") as store:
        store.add("The plague reached England in the spring of 1349.", at="2020-01-01")
        store.add("The siege of the castle ended the long war.", at="2020-01-01")
        assert quoted(store, "When did the plague reach England?").text == "spring of 1349"
        assert quoted(store, "When did the siege end?").text == "The siege of the castle ended the long war."
        assert quoted(store, "When was the plague in England in 1349?").text is not None
