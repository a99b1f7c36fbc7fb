from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

import agentmem
from agentmem.recall.query import named, parse, surfaces

AT = datetime(2023, 10, 25, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("What does Mary Ann like?", ["Mary Ann", "Ann"], ("Mary Ann",)),
        ("What does Ann like?", ["Mary Ann", "Ann"], ("Ann",)),
        ("what does mary like?", ["Mary Ann Smith"], ("Mary Ann Smith",)),
        ("What does Mary like?", ["Mary Smith", "Mary Jones"], ()),
        ("Will Will come?", ["Will"], ("Will",)),
        ("who will come?", ["Will"], ()),
        ("Did Samantha call?", ["Sam"], ()),
        ("Sam's dog", ["Sam"], ("Sam",)),
        ("Was Ben with Ada?", ["Ada", "Ben"], ("Ada", "Ben")),
    ],
)
def test_names(text: str, names: list[str], expected: tuple[str, ...]) -> None:
    assert named(text, names) == expected


def test_what_a_question_asks_for() -> None:
    assert parse("When did it rain?", AT).asks_when
    assert parse("Which year was it?", AT).asks_when
    assert not parse("Where did it rain?", AT).asks_when
    assert parse("Where did I leave my keys?", AT).first_person
    assert not parse("Where is the key?", AT).first_person
    assert parse("Can you remind me of the recipe?", AT).told
    assert parse("What did you recommend?", AT).told
    assert not parse("What do you know about me?", AT).told


def test_words_of_relative_times_are_not_searched() -> None:
    assert parse("Which museum did I visit two weeks ago?", AT).words == ("museum", "visit")
    assert "2021" in parse("Which museum opened in 2021?", AT).words


def test_surfaces_give_words_back() -> None:
    assert surfaces("the pottery classes")["potteri"] == "pottery"


def test_the_package_knows_no_data_set() -> None:
    root = Path(agentmem.__file__).parent
    names = ("loc" + "omo", "long" + "memeval", "mem" + "daily", "sq" + "uad", "pop" + "qa", "mus" + "ique")
    for file in (root / "recall").glob("*.py"):
        text = file.read_text("utf-8").lower()
        assert not [name for name in names if name in text], file
