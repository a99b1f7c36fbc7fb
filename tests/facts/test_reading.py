"""Sentences of memories that may state a fact."""

from __future__ import annotations

import pytest

from agentmem.facts.reading import statements


def sentences(text: str) -> list[str]:
    return [one.sentence for one in statements(text)]


def test_a_numbered_list_without_line_ends_is_cut_at_the_expected_next_number() -> None:
    text = (
        "Here is a list of facts: 4. Ada Lind works in the city of Washington, D.C.. 5. The film 1984 was "
        "directed by M. Radford. 6. Oslo has 9. districts."
    )
    found = statements(text)
    assert [(one.serial, one.sentence) for one in found] == [
        (4, "Ada Lind works in the city of Washington, D.C.."),
        (5, "The film 1984 was directed by M. Radford."),
        (6, "Oslo has 9. districts."),
    ]


def test_one_numbered_line_has_its_number_and_a_sentence_with_a_year_has_none() -> None:
    assert [one.serial for one in statements("12. The capital of France is Paris.")] == [12]
    assert [one.serial for one in statements("The war ended in 1918. The capital of France is Paris.")] == [
        None,
        None,
    ]


def test_initials_and_titles_end_no_sentence() -> None:
    assert sentences(
        "The author of Earthsea is Ursula K. Le Guin. Dr. Mabuse was created by Norbert Jacques."
    ) == [
        "The author of Earthsea is Ursula K. Le Guin.",
        "Dr. Mabuse was created by Norbert Jacques.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "It was founded by Ada Lind.",
        "She works at Acme.",
        "Yesterday I went to Rome with Ben.",
        "What is the capital of France?",
        "Thanks so much!",
        "def f(x): return x.",
        "- **Budget**: the cost of it is $10.",
        "",
        "Yes.",
    ],
)
def test_what_leans_on_others_asks_or_is_no_prose_is_left_out(text: str) -> None:
    assert statements(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Paul I of Russia is a citizen of Russia.",
        "The author of I Have a Dream is Martin Luther King Jr..",
        "This Side of Paradise was written by F. Scott Fitzgerald.",
    ],
)
def test_names_with_pronouns_are_names(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "flag", "core"),
    [
        ("Ada no longer works at Acme.", "ended", "Ada works at Acme."),
        ("Ada does not work at Acme any more.", "ended", "Ada works at Acme."),
        ("Ada is not a citizen of Peru.", "negated", "Ada is a citizen of Peru."),
        ("Ada used to live in Rome.", "past", "Ada used to live in Rome."),
        ("Ada might move to Rome.", "hypothetical", "Ada might move to Rome."),
        ("Ada also speaks Dutch.", "additive", "Ada speaks Dutch."),
    ],
)
def test_what_qualifies_a_statement_is_flagged(text: str, flag: str, core: str) -> None:
    (one,) = statements(text)
    assert one.flags == {flag}
    assert one.core == core
    assert one.sentence == text


def test_a_title_negates_nothing() -> None:
    (one,) = statements("Don't Be Cruel was performed by Elvis Presley.")
    assert not one.flags


def test_adverbs_of_now_change_nothing() -> None:
    (one,) = statements("Ada now works at Acme.")
    assert (one.core, one.flags) == ("Ada works at Acme.", frozenset())
