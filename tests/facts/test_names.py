"""Names as compared, and found in questions."""

from __future__ import annotations

import pytest

from agentmem.facts.names import find, name_key, stressed, tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "the beatles"),
        ("The Netherlands", "Netherlands"),
        ("Apple Inc.", "Apple Inc"),
        ("Kūkai", "Kukai"),
        ("“Hey Jude”", '"Hey Jude"'),
        ("Chang'an", "chang’an"),
        ("Washington, D.C.", "washington d.c"),
    ],
)
def test_spellings_of_a_name_are_one(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_the_who_is_not_who() -> None:
    assert name_key("The Who") == "the who"


def names(question: str, *known: str) -> list[str]:
    return [key for _, _, key in find(tokens(question), set(known), stressed(question))]


def test_the_longest_name_wins_with_its_endings() -> None:
    assert names("Who founded New York City?", "new york", "new york city") == ["new york city"]
    assert names("What is Ada Lind's job?", "ada lind") == ["ada lind"]
    assert names('Who is the singer of "Hey Jude"\'s boss?', "hey jude") == ["hey jude"]
    assert names("Who coached Burnley F.C.'s team?", "burnley f.c") == ["burnley f.c"]
    assert names("Which sport do quarterbacks play?", "quarterback") == ["quarterback"]
    assert names("Who managed the Beatles?", "beatles") == ["beatles"]


def test_a_function_word_is_a_name_only_where_it_is_written_as_one() -> None:
    assert names("Who sang something?", "something") == []
    assert names('Who sang "Something"?', "something") == ["something"]
    assert names("Who sang Something?", "something") == ["something"]
    assert names("Who are you?", "who") == []


def test_marks_and_words_are_as_many() -> None:
    for text in ("", "Who - is 'that' \"Big One\"?", "A B's C", "“x y” z", "... ?"):
        assert len(stressed(text)) == len(tokens(text))
