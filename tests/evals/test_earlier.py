"""The eval of older statements: cases from a pool, ranks, a small run."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from agentmem.embed.static import StaticEmbedder
from agentmem.errors import InvalidInput
from agentmem.evals import earlier
from agentmem.evals.tasks.base import Pool, Question, Task
from agentmem.memory import Draft

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
TEXTS = [
    ("user", "I have tried three Korean restaurants so far."),
    ("assistant", "Three Korean restaurants, how nice."),
    ("user", "My cat sleeps all day long."),
    ("user", "I just tried my fourth Korean restaurant."),
    ("user", "Something said later about Korean restaurants."),
]


def pool(*categories: str) -> Pool:
    items = [
        Draft(text, role=role, at=START + timedelta(days=n), id=str(n))
        for n, (role, text) in enumerate(TEXTS)
    ]
    end = START + timedelta(days=9)
    questions = [
        Question(id=name, text="How many?", at=end, gold=frozenset({"0", "1", "3"}), category=name)
        for name in categories
    ]
    return Pool(("x",), items, questions)


def test_cases_are_the_newest_turn_and_what_came_before() -> None:
    (case,) = earlier.cases(pool("knowledge-update", "other"), "knowledge-update")
    assert case.new == TEXTS[3][1] and case.olds == [TEXTS[0][1], TEXTS[2][1]] and case.gold == {0}
    for embedder, whole in ((None, False), (StaticEmbedder(), True), (StaticEmbedder(), False)):
        assert earlier.rank(case, embedder, whole) == 1


def test_a_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    task = Task("longmemeval", lambda folder: iter([pool("knowledge-update")]), (5,), "made up")
    monkeypatch.setitem(earlier.TASKS, "longmemeval", task)
    earlier.main(["--data", str(tmp_path), "--sets", "longmemeval"])
    out = capsys.readouterr().out
    assert "| longmemeval knowledge-update | 1 | 2 | static, earlier() | 100.0 " in out
    earlier.main(["--data", str(tmp_path), "--sets", "longmemeval", "--embedder", "none", "--json"])
    assert '"rank": 1.0' in capsys.readouterr().out
    empty = Task("longmemeval", lambda folder: iter([pool()]), (5,), "made up")
    monkeypatch.setitem(earlier.TASKS, "longmemeval", empty)
    with pytest.raises(InvalidInput):
        earlier.main(["--data", str(tmp_path), "--sets", "longmemeval"])
