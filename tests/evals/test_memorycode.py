"""MemoryCode: dialogues read, rules in texts, and small runs of the command."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals import memorycode
from agentmem.evals.tasks.memorycode import Rule, dialogues, shared

NOW = datetime(2024, 5, 1, tzinfo=timezone.utc)


def session(kind: str, topic: str, text: str) -> dict[str, Any]:
    return {"type": [kind], "topic": [topic], "text": text}


ADD, UPDATE = "instruction-add", "instruction-update"
DIALOGUE = {
    "context": {"mentor": "Ada", "mentee": "Ben"},
    "instructions": [[[6, 0]], [-1], [[6, 1]], [[8, 0]], [[7, 0]]],
    "sessions": [
        session(
            ADD, "always start function names with 'a_'", "Ada: Start function names with 'a_'.\n\nBen: Ok."
        ),
        session("filler-add", "lunch", "Ada: Lunch is at noon, function or not."),
        session(UPDATE, "always start function names with 'k_'", "Ada: Function names start with 'k_' now."),
        session(ADD, "always use docstrings", "Ada: Use docstrings.\n\nBen: Function docstrings?"),
        session(ADD, "always end class names with 'Z'", "Ada: Class names should end with 'Z'."),
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "memorycode").mkdir()
    data = json.dumps(DIALOGUE).encode()
    with tarfile.open(tmp_path / "memorycode" / "x.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo("dialogue_7.json")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return tmp_path


def test_dialogues(folder: Path) -> None:
    (only,) = dialogues(folder)
    assert only.namespace == ("memorycode", "7")
    assert [(t.session, t.speaker) for t in only.turns[:3]] == [("0", "Ada"), ("0", "Ben"), ("1", "Ada")]
    (rule,) = only.rules
    assert rule.question == "start function names with" and rule.sessions == ("0", "2")
    with pytest.raises(InvalidInput):
        list(dialogues(folder / "memorycode"))


def test_a_rule_without_its_value() -> None:
    versions = ["always use all UPPERCASE for class names", "always use CamelCase for class names"]
    assert shared(versions) == "use for class names"


def test_literals_and_their_clauses() -> None:
    text = "We met. End class names with '_x' and start variables with `v_`. Don't use camelCase, it's 'odd'!"
    found = [(literal, set(words)) for literal, words in memorycode.rules(text)]
    assert found == [
        ("'_x'", {"end", "class", "name"}),
        ("`v_`", {"start", "variabl"}),
        ("camelCase", {"use"}),
        ("'odd'", set()),
    ]


def test_scores() -> None:
    rule = Rule("x", ("1", "4", "6"), NOW)
    assert memorycode.scores(rule, [("6", 2.0), ("1", 1.5)]) == {"first": 1, "stale": 0, "five": 1, "near": 1}
    assert memorycode.scores(rule, [("1", 2.0), ("6", 1.0)]) == {"first": 0, "stale": 1, "five": 1, "near": 0}
    assert memorycode.scores(rule, [("9", 2.0), ("6", 1.9)]) == {"first": 0, "stale": 0, "five": 1, "near": 0}
    assert set(memorycode.scores(rule, []).values()) == {0}


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    memorycode.main(["--data", str(folder), "--embedder", "none"])
    captured = capsys.readouterr()
    (keyed,) = [line for line in captured.out.splitlines() if "newest by key" in line]
    assert keyed.split(" | ")[1].startswith("100.0") and keyed.split(" | ")[2].startswith("0.0")
    assert "| plain BM25, sessions |" in captured.out and "1 of 1 dialogues" in captured.err
    memorycode.main(["--data", str(folder), "--embedder", "none", "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert rows[-1]["system"] == "unified, none, newest by key" and rows[-1]["near"] is None
    with pytest.raises(InvalidInput):
        memorycode.main(["--data", str(folder), "--limit", "0"])
