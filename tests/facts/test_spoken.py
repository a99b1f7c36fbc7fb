"""What speakers say of themselves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.facts.reading import statements
from agentmem.facts.spoken import spoken
from agentmem.facts.view import FactView
from agentmem.memory import Memory

NOW = datetime(2024, 6, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("I live in Berlin.", ["Ada lives in Berlin"]),
        ("I study in Rome.", ["Ada studies in Rome"]),
        ("I'm from Oslo.", ["Ada comes from Oslo"]),
        ("I've moved to Lima.", ["Ada moved to Lima"]),
        ("I live in Lyon with my sister.", ["Ada lives in Lyon"]),
        ("Nice! I work at a bakery downtown.", ["Ada works at a bakery downtown"]),
        ("Oh wow. By the way, I teach Latin at a school!", ["Ada teaches Latin", "Ada teaches at a school"]),
        ("I moved to Berlin last week!", ["Ada moved to Berlin"]),
        ("I'm currently working as a nurse, and I love it.", ["Ada works as a nurse"]),
        ("I'm a nurse at Charité.", ["Ada works as a nurse", "Ada works at Charité"]),
        ("I've been married to Max since 2015.", ["Ada is married to Max"]),
        ("We have a dog called Rex.", ["Ada's dog is called Rex"]),
        ("I have three cats now!", ["Ada's number of cats is three"]),
        ("My favourite colour is blue.", ["Ada's favourite colour is blue"]),
        ("My dog's name is Rex.", ["Ada's dog is called Rex"]),
        ("My class is on Mondays now.", ["Ada's class is on Mondays"]),
        ("My sister lives in Oslo.", ["Ada's sister lives in Oslo"]),
        ("My sister Cleo lives in Oslo.", ["Ada's sister is called Cleo", "Cleo lives in Oslo"]),
        ("Cleo is my new boss.", ["Ada's boss is Cleo"]),
        ("I left Acme and joined Globex.", ["Ada left Acme", "Ada joined Globex"]),
        ("I earn 61,000 dollars.", ["Ada earns 61,000 dollars"]),
    ],
)
def test_what_lasts_is_told_in_the_third_person(text: str, want: list[str]) -> None:
    assert [one.core for one in spoken(text, "Ada")] == want


@pytest.mark.parametrize(
    "text",
    [
        "I went to the park.",
        "I'm so happy about the trip!",
        "I'm reading a book.",
        "I love you.",
        "I love the name.",
        "My dog ran away.",
        "My dog is tired.",
        "My day was great.",
        "I have two questions.",
        "I like to go for a walk.",
        "I work hard.",
        "I'm working on a project.",
        "Ada lives in Berlin.",
        "I might move to Oslo.",
        "I'd love to live in Oslo.",
        "I'm going to live in Oslo.",
        "If I live in Oslo, I ski.",
        "Maybe I live in Oslo.",
        "Do you think I live in Oslo?",
        "He said I live in Oslo.",
        "This is my sister.",
        "I",
        "",
    ],
)
def test_what_happened_what_may_be_and_what_others_say_is_not(text: str) -> None:
    assert spoken(text, "Ada") == []


@pytest.mark.parametrize(
    ("text", "core", "flags"),
    [
        ("I no longer live in Rome.", "Ada lives in Rome", {"ended"}),
        ("I don't live in Rome any more.", "Ada lives in Rome", {"ended"}),
        ("I stopped working at Acme.", "Ada works at Acme", {"ended"}),
        ("I quit the bakery last Friday.", "Ada quit the bakery", {"ended"}),
        ("I used to live in Rome.", "Ada lives in Rome", {"past"}),
        ("I worked at Acme back then.", "Ada works at Acme", {"past"}),
        ("My first car was a Fiat.", "Ada's car is a Fiat", {"past"}),
        ("I don't live in Rome.", "Ada lives in Rome", {"negated"}),
        ("I've never worked for Acme.", "Ada works for Acme", {"negated"}),
        ("I can't speak Polish, sorry.", "Ada speaks Polish", {"negated"}),
        ("I also speak Dutch.", "Ada speaks Dutch", {"additive"}),
        ("I collect coins, too.", "Ada collects coins", {"additive"}),
    ],
)
def test_how_it_is_meant_is_flagged(text: str, core: str, flags: set[str]) -> None:
    assert [(one.core, one.flags) for one in spoken(text, "Ada")] == [(core, flags)]


WORDS = st.sampled_from(
    """
    I we my our We've I'm live lives moved to in Rome quit the and called is was a not no longer used , . ! ?
    sister Cleo name's have three cats also who if don't works as nurse got job been '
    """.split()
)


@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=16).map(" ".join)))
def test_any_text_can_be_read_and_whoever_speaks_tells_as_much(text: str) -> None:
    told = spoken(text, "Ada")
    for one in told:
        assert one.core.endswith(one.object) and one.object
        assert one.clause in one.sentence and one.sentence in text
    assert len(spoken(text, "I")) == len(told)
    assert len(statements(text, "Ada")) == len(statements(text))


def view(*turns: tuple[str, str | None, str | None]) -> FactView:
    made = FactView()
    made.take(
        (i, Memory(f"m{i}", (), text, at=NOW + timedelta(days=i), recorded_at=NOW, speaker=who, role=role))
        for i, (text, who, role) in enumerate(turns)
    )
    made.settle()
    return made


def ask(of: FactView, question: str) -> str | None:
    chain = of.ask(question, NOW + timedelta(days=99))
    return None if chain is None else chain.answer


def test_each_speaker_has_facts_of_their_own_and_the_newest_answers() -> None:
    made = view(
        ("I live in Paris.", "Ada", "user"),
        ("I live in Oslo.", "Ben", "user"),
        ("I live in Rome.", "Ada", "user"),
        ("I live in the cloud.", None, "assistant"),
        ("My favourite colour is green.", None, None),
        ("My favourite colour is blue now.", None, None),
    )
    assert ask(made, "Where does Ada live?") == "Rome"
    assert ask(made, "Where did Ada live before?") == "Paris"
    assert ask(made, "Where does Ben live?") == "Oslo"
    assert ask(made, "What is my favourite colour?") == "blue"
    assert ask(made, "What is my favourite food?") is None
    assert [fact.sentence for fact in made.facts("I")] == [
        "My favourite colour is blue now.",
        "My favourite colour is green.",
    ]


def test_a_title_with_my_in_it_is_no_speaker() -> None:
    made = view(
        ("I live in Paris.", None, None),
        ("Love of My Life was performed by Ora Lind.", None, None),
    )
    assert ask(made, "Who performed “Love of My Life”?") == "Ora Lind"


def test_a_relative_with_a_name_is_reached_by_it() -> None:
    made = view(("My sister Cleo lives in Oslo.", "Ada", None), ("I live in Rome.", "Ada", None))
    assert ask(made, "Where does Ada's sister live?") == "Oslo"
    assert ask(made, "Where does Cleo live?") == "Oslo"
    assert ask(made, "Where does Ada live?") == "Rome"
    assert ask(made, "Where does Ada's brother live?") is None


def test_a_name_told_of_somebody_else_is_read_as_one() -> None:
    made = view(("Ada's sister Cleo now lives in Oslo.", "Ben", None))
    assert ask(made, "Where does Ada's sister live?") == "Oslo"


def test_what_belongs_to_somebody_is_not_hers() -> None:
    made = view(("I drive a Fiat.", "Ada", None), ("My uncle drives a Jaguar.", "Ada", None))
    assert ask(made, "Which car does Ada drive?") == "Fiat"
    made = view(("My daughter is called Cleo.", "Ada", None))
    assert ask(made, "What is the name of Ada's son?") is None


def test_what_was_said_to_be_over_is_closed() -> None:
    made = view(
        ("I work at a bakery downtown.", "Ada", None), ("I no longer work at the bakery.", "Ada", None)
    )
    assert {fact.state for fact in made.facts("Ada")} == {"closed"}
    made = view(("I live in Rome.", "Ada", None), ("I used to live in Paris.", "Ada", None))
    assert ask(made, "Where does Ada live?") == "Rome"
    assert ask(made, "Where did Ada live before?") == "Paris"
