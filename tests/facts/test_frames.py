"""Wordings found by recurrence."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from agentmem.facts.cuts import cuts, parse, wording
from agentmem.facts.frames import Induction

PEOPLE = ["Ada Lind", "Ben Moor", "Cleo Vance", "Dan Ortiz", "Eva Strand", "Finn Hale"]
TOWNS = ["Oslo", "Rome", "Lima", "Cairo", "Quito", "Paris"]
SENTENCES = [
    *(f"{who} was born in the city of {town}." for who, town in zip(PEOPLE, TOWNS, strict=True)),
    *(
        f"{who} plays the position of {what}."
        for who, what in zip(PEOPLE, ["goalkeeper", "striker", "safety"] * 2, strict=True)
    ),
    *(f"The mayor of {town} is {who}." for who, town in zip(PEOPLE[::-1], TOWNS, strict=True)),
    *(
        f"The company that produced {thing} is {who}."
        for who, thing in zip(["Acme", "Initech", "Umbra"], ["Rocket 5", "Stapler", "Virus X"], strict=True)
    ),
    "Cleo Vance is the mayor of Oslo.",
    "Rome's mayor is Dan Ortiz.",
    "The weather in the north is nice.",
    "Everybody went to the beach with a towel.",
]


def read(sentences: list[str]) -> dict[str, tuple[str, str, str] | None]:
    induction = Induction()
    for number, sentence in enumerate(sentences):
        induction.add(number, sentence)
    induction.settle()
    return facts(induction)


def facts(induction: Induction) -> dict[str, tuple[str, str, str] | None]:
    found: dict[str, tuple[str, str, str] | None] = {}
    for number, text in induction.texts.items():
        chosen = induction.chosen[number]
        if chosen is None:
            found[text] = None
            continue
        sentence, cut = chosen
        first, second = sentence.span(cut.p, cut.i), sentence.span(cut.j, len(sentence.words))
        found[text] = (second, cut.key, first) if cut.swapped else (first, cut.key, second)
    return found


def test_wordings_come_from_recurrence() -> None:
    found = read(SENTENCES)
    assert found["Ada Lind was born in the city of Oslo."] == (
        "Ada Lind",
        "{s} was born in the city of {o}",
        "Oslo",
    )
    assert found["Dan Ortiz plays the position of goalkeeper."] == (
        "Dan Ortiz",
        "{s} plays the position of {o}",
        "goalkeeper",
    )
    assert found["The company that produced Rocket 5 is Acme."] == (
        "Rocket 5",
        "the company that produced {s} is {o}",
        "Acme",
    )
    assert found["The weather in the north is nice."] is None
    assert "Everybody went to the beach with a towel." not in found or found[SENTENCES[-1]] is None


def test_three_ways_to_say_it_are_one_wording() -> None:
    found = read(SENTENCES)
    assert found["The mayor of Oslo is Finn Hale."] == ("Oslo", "the mayor of {s} is {o}", "Finn Hale")
    assert found["Cleo Vance is the mayor of Oslo."] == ("Oslo", "the mayor of {s} is {o}", "Cleo Vance")
    assert found["Rome's mayor is Dan Ortiz."] == ("Rome", "the mayor of {s} is {o}", "Dan Ortiz")


def test_two_names_and_a_relation_are_read_without_recurrence_talk_is_not() -> None:
    assert read(["Grace Hale works at Lumen Labs."]) == {
        "Grace Hale works at Lumen Labs.": ("Grace Hale", "{s} works at {o}", "Lumen Labs")
    }
    for text in (
        "The food at the party was good.",
        "The film was released in Japan.",
        "However, Ben moved to Rome.",
        "Melanie is happy about the results.",
        "From 1969 to 1985 Sanford was President of Duke University.",
    ):
        assert set(read([text]).values()) <= {None}, text


def test_a_cut_never_breaks_a_name_with_capitals_in_it() -> None:
    text = "Leon Rute is employed by University of Bucharest."
    (one,) = read([text]).values()
    assert one == ("Leon Rute", "{s} is employed by {o}", "University of Bucharest")


@given(st.randoms(use_true_random=False), st.sets(st.integers(0, len(SENTENCES) - 1)))
def test_order_and_detours_do_not_matter(rng: random.Random, removed: set[int]) -> None:
    kept = [text for i, text in enumerate(SENTENCES) if i not in removed]
    want = read(kept)
    induction = Induction()
    order = list(range(len(SENTENCES)))
    rng.shuffle(order)
    for number in order:
        induction.add(number, SENTENCES[number])
        if rng.random() < 0.3:
            induction.settle()
    induction.remove([number for number in removed if number in induction.texts])
    induction.settle()
    assert facts(induction) == want


@given(st.text(alphabet="abcAB ',.;’", max_size=60))
def test_any_text_can_be_cut(text: str) -> None:
    sentence = parse(text)
    for cut in cuts(sentence):
        assert 0 <= cut.p < cut.i < cut.j < len(sentence.words)
        assert cut.key.count("{s}") == cut.key.count("{o}") == 1
        assert (cut.key, cut.swapped) == wording(sentence.low, cut.p, cut.i, cut.j)
