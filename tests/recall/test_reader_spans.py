from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.memory import Hit, Memory
from agentmem.recall.query import parse
from agentmem.recall.reader_asking import asking_words, read
from agentmem.recall.reader_choice import candidates
from agentmem.recall.reader_scene import CHEAP, FEATURES, WEIGHTS
from agentmem.recall.reader_spans import self_named, spans, times

AT = datetime(2023, 6, 10, tzinfo=timezone.utc)


def hit(text: str, speaker: str | None = None, at: datetime = AT, score: float = 1.0) -> Hit:
    return Hit(
        Memory(id=text[:8], namespace=(), text=text, at=at, recorded_at=at, speaker=speaker), score, 0.5, {}
    )


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Where does Ada live?", "where"),
        ("In what city was Ada born?", "where"),
        ("Who adopted a dog?", "who"),
        ("Who is Ada's sister?", "who"),
        ("Who is Ada Cole?", "other"),
        ("When did she leave?", "when"),
        ("How long ago was it?", "when"),
        ("What time is dinner?", "clock"),
        ("How long did it take?", "duration"),
        ("How many weeks did it take?", "duration"),
        ("How many dogs are there?", "count"),
        ("How much did it cost?", "money"),
        ("How often does he run?", "often"),
        ("How old is Ada?", "age"),
        ("What percentage of voters stayed at home?", "percent"),
        ("What is the dog called?", "name"),
        ("What is Ada's dog's name?", "name"),
        ("What did Ada eat?", "other"),
        ("What is Jonah swimming across, and when?", "other"),
        ("According to Tom, who is his favourite player?", "who"),
    ],
)
def test_kinds(question: str, kind: str) -> None:
    assert read(parse(question, AT), []).kind == kind


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        (
            "Where was Ada born?",
            "Ada (born 1943 in New York, New York) worked in Rome.",
            ["New York, New York", "Rome"],
        ),
        ("Where was Ada born?", "She plays for a club that has won everything there is to win in Rome.", []),
        ("Where is the key?", "The key is under the blue pot again.", ["under the blue pot"]),
        ("Where did Ada go?", "In the morning Ada went to the market.", ["to the market"]),
        ("Who met Ada?", "Yesterday Tom met Ada in Rome.", ["Tom"]),
        ("How many plants did she buy?", "In 3 days I bought 12 plants and 2 pots.", ["12", "2"]),
        ("How long did the trip take?", "The trip took 2 to 3 weeks.", ["2 to 3 weeks"]),
        ("How old was Ada at the fair?", "On my 18th birthday I went to the fair.", ["18"]),
        ("What did Ada name the boat?", "We named the boat, she's called Sea Star.", ["Sea Star"]),
        ("What percentage voted?", "Of all 500 people 32.9% voted.", ["32.9%"]),
    ],
)
def test_spans(question: str, sentence: str, expected: list[str]) -> None:
    assert spans(read(parse(question, AT), [hit(sentence)]), sentence, AT) == expected


def test_who_speaks_of_herself() -> None:
    asking = read(parse("Who adopted a dog?", AT), [])
    assert self_named(asking, "Last week I adopted a dog.", "Ada") == "Ada"
    assert self_named(asking, "I know who did. They adopted a dog.", None) is None
    assert self_named(read(parse("Who helped Ada?", AT), []), "I helped her.", "Ada") is None


def test_what_was_lies_behind() -> None:
    planned = "We will meet next month."
    early = datetime(2023, 1, 5, tzinfo=timezone.utc)
    asking = read(parse("When did they meet?", AT), [])
    assert [when.phrase for when in times(asking, planned, early)] == ["next month"]
    assert times(asking, planned, AT) == []
    assert times(read(parse("When do they meet?", AT), []), planned, AT)


def test_words_that_say_what_is_asked() -> None:
    assert asking_words("In which city does Ada live?") == {"citi"}
    assert asking_words("How much did Ada pay?") == frozenset()
    assert "time" not in read(parse("What time does the train leave?", AT), []).content


def test_every_feature_has_a_weight() -> None:
    assert (
        len(FEATURES) == len(WEIGHTS) == len(candidates(parse("Who?", AT), [hit("I do.")]).ranked[0].features)
    )
    assert FEATURES[CHEAP] == "held"


@given(
    st.text(max_size=120),
    st.sampled_from(["Where is it?", "Who met Ada?", "How many are there?", "When was it?"]),
)
def test_it_quotes_and_never_makes_up(text: str, question: str) -> None:
    """A sentence stands in its memory up to white space, and what it names stands in it or is the speaker."""
    found = candidates(parse(question, AT), [hit(text, "Zoe")])
    for one in found.ranked:
        assert "".join(one.sentence.split()) in "".join(text.split())
        assert all(span == "Zoe" or span in one.sentence for span in one.spans)


def test_the_newest_of_what_is_said_alike() -> None:
    old = hit("My favourite tea is mint.", "Ada", datetime(2023, 1, 1, tzinfo=timezone.utc))
    new = hit("My favourite tea is jasmine.", "Ada", datetime(2023, 5, 1, tzinfo=timezone.utc), 0.95)
    other = hit("My favourite tea is oolong.", "Ben", datetime(2023, 6, 1, tzinfo=timezone.utc), 0.9)
    asked = "What is Ada's favourite tea?"
    assert candidates(parse(asked, AT), [old, new, other]).ranked[0].hit is new
    asked = "What was Ada's favourite tea before?"
    assert candidates(parse(asked, AT), [new, old, other]).ranked[0].hit is old
