"""The evaluation of facts as people say them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentmem.errors import InvalidInput, UnknownOption
from agentmem.evals.chat_facts import HALVES, main, played, scenarios


def line(kind: str, question: str, gold: list[list[str]], *texts: str, rival: str = "") -> str:
    said = [{"speaker": "Ada", "at": f"2023-0{n}-01", "text": text} for n, text in enumerate(texts, 1)]
    row = {"kind": kind, "said": said, "question": question, "gold": gold, "rival": rival}
    return json.dumps(row)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = "Where does Ada live?"
    lines = (
        line("plain", where, [["Rome"]], "I live in Rome."),
        line("update", where, [["Oslo"]], "I live in Rome.", "I moved to Oslo.", rival="Rome"),
        line("hypothetical", where, [["Rome"]], "I live in Rome.", "I might move to Oslo.", rival="Oslo"),
        line("unknown", "What does Ada play?", [], "I live in Rome."),
    )
    made = tmp_path / "some.jsonl"
    made.write_text("\n".join(lines), "utf-8")
    return made


def test_answers_are_judged_by_what_they_name(path: Path) -> None:
    found = [played(one, "strict", "none") for one in scenarios(path)]
    assert [one.right for one in found] == [True] * 4
    assert [one.by_facts for one in found] == [True, True, True, False]
    assert not any(one.false or one.doubted for one in found)


def test_halves_take_turns_and_the_table_counts(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [one.kind for one in scenarios(path, "test")] == ["update", "unknown"]
    assert main(["--scenarios", str(path), "--modes", "strict", "--wrong"]) == 0
    assert "| dev | strict | all | 2 | 2 | 0 | 0 | 2 | 0 | 0 |" in capsys.readouterr().out
    assert main(["--scenarios", str(path), "--modes", "auto", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["outcomes"]) == 4


def test_the_scenarios_of_the_repository_are_sound() -> None:
    found = scenarios()
    assert len(found) >= 120 and {one.half for one in found} == set(HALVES)
    assert len({one.id for one in found}) == len(found)


def test_bad_files_and_options_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"kind": "plain"}\n', "utf-8")
    with pytest.raises(InvalidInput, match="line 1"):
        scenarios(bad)
    bad.write_text("", "utf-8")
    with pytest.raises(InvalidInput, match="no scenario"):
        scenarios(bad)
    with pytest.raises(UnknownOption):
        scenarios(half="middle")
    with pytest.raises(UnknownOption):
        main(["--modes", "loud"])
