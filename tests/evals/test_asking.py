"""Plain questions: when a text holds an answer, and a small run of the command."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

import agentmem
from agentmem.errors import InvalidInput, UnknownOption
from agentmem.evals import asking
from agentmem.evals.tasks.asking import cases, f1, holds, stretch, words
from agentmem.evals.tasks.base import Question
from agentmem.memory import Answer

AT = datetime(2023, 9, 1, tzinfo=timezone.utc)


def test_words_are_compared_as_squad_does_it() -> None:
    assert words("The Three-legged dog, aged 1,200!") == ["3", "legged", "dog", "aged", "1200"]
    assert f1("the red car", ("a red car", "blue")) == 1.0 and f1("red", ("blue",)) == 0.0
    assert f1("red car", ("car",)) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("I live in Lyon now.", "Lyon", 1.0),
        ("Lyonnaise", "Lyon", 0.0),
        ("I like hiking and tea", "hiking, surfing", 0.5),
        ("the week of 29 May 2023", "The week before 9 June 2023", 1.0),
        ("7 May 2023", "May 2023", 1.0),
        ("May 2023", "7 May 2023", 0.0),
        ("7 May 2023", "8 May 2023", 0.0),
        ("two dogs", "2", 1.0),
    ],
)
def test_what_holds_an_answer(text: str, gold: str, expected: float) -> None:
    assert holds((text,), (gold,), AT) == expected


def test_stretches_of_reference_answers() -> None:
    found = stretch("the Friday before 15 July 2023", AT)
    assert found is not None and [moment.day for moment in found] == [8, 15]
    assert stretch("a party in 2022 with cake", AT) is None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "squad2").mkdir()
    context = "Marta Rui founded the Fermento bakery in Porto in 2019."
    queries = [
        {"id": "a", "question": "Where was the Fermento bakery founded?", "context": context},
        {"id": "b", "question": "Who founded the Fermento bakery?", "context": context},
        {"id": "c", "question": "Which telescope did the observatory repair?", "context": context},
    ]
    truth = {
        "a": {"is_impossible": False, "answers": ["Porto", "in Porto"]},
        "b": {"is_impossible": False, "answers": ["Marta Rui"]},
        "c": {"is_impossible": True, "answers": []},
    }
    (tmp_path / "squad2" / "queries.json").write_text(json.dumps({"queries": queries}), "utf-8")
    (tmp_path / "squad2" / "ground_truth.json").write_text(json.dumps(truth), "utf-8")
    return tmp_path


def test_cases(folder: Path) -> None:
    assert [case.question.id for case in cases("squad2", folder)] == ["a", "b", "c"]
    assert cases("squad2", folder)[0].question.also == ("in Porto",)
    assert [case.question.id for case in cases("squad2", folder, part=2)] == ["b"]
    assert [case.question.id for case in cases("squad2", folder, limit=1)] == ["a"]
    with pytest.raises(UnknownOption):
        cases("nothing", folder)


def test_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--data", str(folder), "--tasks", "squad2", "--embedder", "none"]
    assert asking.main([*given, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["system"] for row in rows] == ["ask", "best sentence"]
    figures = rows[0]["figures"]["all"]
    assert figures["held"]["value"] == 1.0 and figures["refused"]["value"] == 1.0
    assert figures["short held"]["n"] == 2 and figures["short held"]["value"] == 1.0
    assert rows[1]["figures"]["all"]["refused"]["value"] == 0.0
    assert asking.main([*given, "--no-baseline", "--wrong", "1"]) == 0
    assert "| ask | 3 | 100.0" in capsys.readouterr().out
    with pytest.raises(InvalidInput, match="limit"):
        asking.main([*given, "--limit", "-1"])


def test_an_abstention_counts_nothing() -> None:
    question = Question("1", "Where?", AT, frozenset(), "x", "Lyon")
    assert asking.scored(question, Answer(None, (), 0.1), 0.0).held == 0.0
    nothing = Question("2", "Where?", AT, frozenset(), "x", answerable=False)
    assert asking.figures([asking.scored(nothing, Answer(None, (), 0.1), 0.0)], 0)["refused"].value == 1.0
    with pytest.raises(InvalidInput, match="no question"):
        asking.run([], "squad2", "ask", "unified", "none")


def test_what_is_short() -> None:
    with agentmem.open(":memory:", embedder="none") as store:
        assert asking.best_sentence(store, Question("1", "Where?", AT, frozenset(), "x", "Lyon")).text is None
    assert asking.short(Answer("Lyon (“I live in Lyon.”)", (), 1.0, quote="I live in Lyon.")) == "Lyon"
    assert asking.short(Answer("I live (in Lyon).", (), 1.0, quote="I live (in Lyon).")) is None
