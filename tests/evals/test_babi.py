"""bAbI: its files as stories, and small runs of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals import babi
from agentmem.evals.tasks.babi import stories

STORY = """\
1 Nora walked to the harbour.
2 Emil walked to the market.
3 Where is Nora?\tharbour\t1
4 Emil picked up the lantern.
5 Emil rowed to the island.
6 Where is the lantern?\tisland\t4 5
1 Pia sat on the pier.
2 Leo sat in the inn.
3 Where is Pia?\tpier\t1
4 Pia stood up.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "babi" / "en").mkdir(parents=True)
    (tmp_path / "babi" / "en" / "qa2_two-supporting-facts_train.txt").write_text(STORY, "utf-8")
    return tmp_path


def test_stories_end_at_their_last_question(folder: Path) -> None:
    first, second = stories(folder, 2)
    assert first.namespace == ("babi", "2", "1") and second.namespace == ("babi", "2", "2")
    assert [line.id for line in first.lines] == ["1", "2", "4", "5"]
    assert [line.id for line in second.lines] == ["1", "2"]
    asked = first.questions[1]
    assert (asked.seen, asked.question.gold, asked.question.answer) == (4, {"4", "5"}, "island")
    assert first.lines[0].session == "2/1" and asked.question.at > first.lines[-1].at  # type: ignore[operator]


def test_every_so_many(folder: Path) -> None:
    assert [[a.question.id for a in s.questions] for s in stories(folder, 2, every=2)] == [
        ["2/1/3"],
        ["2/2/3"],
    ]


def test_bad_files_are_named(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="qa3_"):
        list(stories(folder, 3))
    with pytest.raises(InvalidInput, match="qa2_"):
        list(stories(folder, 2, split="test"))
    (folder / "babi" / "en" / "qa4_x_train.txt").write_text("no number", "utf-8")
    with pytest.raises(InvalidInput, match="no line of bAbI"):
        list(stories(folder, 4))


def test_only_what_was_told_before_a_question_is_found(folder: Path) -> None:
    told = list(stories(folder, 2))
    systems = babi.systems(["none"], "unified", False, None) | {
        "last lines": babi.newest,
        "plain BM25": babi.plain(babi.baselines.bm25),
    }
    for name, system in systems.items():
        found = list(system(told, 5))
        assert [set(hits) for hits in found] == [{"1", "2"}, {"1", "2", "4", "5"}, {"1", "2"}], name
    assert list(babi.newest(told, 2)) == [["2", "1"], ["5", "4"], ["2", "1"]]


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    babi.main(["--data", str(folder), "--tasks", "2", "--k", "2", "--embedder", "none"])
    captured = capsys.readouterr()
    assert "| task | unified, none |" in captured.out and "| mean of tasks | 100.0 |" in captured.out
    assert "task 2, unified, none: 100.0" in captured.err
    babi.main(["--data", str(folder), "--tasks", "2", "--embedder", "none", "--json"])
    row = json.loads(capsys.readouterr().out)["rows"][0]
    assert row["task"] == "babi 2" and row["share"]["5"]["n"] == 3
    for bad in (["--tasks", "21"], ["--tasks", "x"], ["--every", "0"]):
        with pytest.raises(InvalidInput):
            babi.main(["--data", str(folder), *bad])
