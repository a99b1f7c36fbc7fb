from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

import agentmem
from agentmem import demo
from agentmem.cli import cli
from agentmem.errors import InvalidInput


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> demo.Result:
    path = str(tmp_path_factory.mktemp("demo") / "demo.db")
    with agentmem.open(path) as memory:
        return demo.measure(memory, path)


def test_the_conversation_is_whole() -> None:
    turns = demo.conversation()
    assert len(turns) >= 150
    assert len({turn["session"] for turn in turns}) >= 15
    assert {turn["speaker"] for turn in turns} == {"Ines", "Jonah"}
    assert len({turn["id"] for turn in turns}) == len(turns)
    times = [datetime.fromisoformat(turn["at"]) for turn in turns]
    assert times == sorted(times)
    assert (times[-1] - times[0]).days > 150
    assert all(turn["text"].strip() for turn in turns)


def test_the_questions_name_turns_that_exist() -> None:
    ids = {turn["id"] for turn in demo.conversation()}
    at, questions = demo.questions()
    assert datetime.fromisoformat(at) > datetime.fromisoformat(demo.conversation()[-1]["at"])
    assert 8 <= len(questions) <= 12
    for question in questions:
        assert {*question.gold, *question.older, *question.needs} <= ids
        assert bool(question.gold) == (question.answer is not None)
    assert {"time", "changed fact", "several sessions", "two hops", "not in memory"} <= {
        question.kind for question in questions
    }


def test_the_memory_finds_the_turns(result: demo.Result) -> None:
    missed = [asked.question.question for asked in result.answerable if asked.rank is None]
    assert len(missed) <= 1, missed
    assert result.first >= len(result.answerable) // 2
    assert all(hit.why for asked in result.answerable for hit in asked.hits[:1])


def test_what_is_not_in_memory_is_not_made_up(result: demo.Result) -> None:
    for asked in result.asked:
        if asked.question.answer is None:
            assert asked.answer.text is None


def test_every_question_is_answered_rightly(result: demo.Result) -> None:
    assert [one.question.question for one in result.asked if not one.right] == []
    assert result.right == len(result.asked) == 12


def test_two_hops_over_a_changed_fact(result: demo.Result) -> None:
    (asked,) = [one for one in result.asked if one.question.kind == "two hops, one changed"]
    assert asked.answer.text == "Rui" and len(asked.answer.chain) == 2
    assert "before, said on 4 June 2025: Celeste" in asked.answer.chain[0]
    why = {reason for hit in asked.hits for reason in hit.why}
    assert "replaces “The owner of the Pensão Aurora is Celeste.” since 6 July 2025" in why
    old, new = (f"“The owner of the Pensão Aurora is {name}.”" for name in ("Celeste", "Benedita now"))
    assert f"{old} was replaced by {new} on 6 July 2025" in why


def test_loading_twice_is_loading_once(tmp_path: Path) -> None:
    with agentmem.open(tmp_path / "demo.db") as memory:
        assert demo.load(memory) > 0
        assert demo.load(memory) == 0
        assert memory.stats().memories == len(demo.conversation())
        memory.add("Something said later.")
        assert demo.load(memory) == 0


def test_a_file_with_other_memories_is_left_alone(tmp_path: Path) -> None:
    with agentmem.open(tmp_path / "mine.db") as memory:
        memory.add("Mine.")
        with pytest.raises(InvalidInput, match="other memories"):
            demo.load(memory)
        assert memory.stats().memories == 1


def test_the_command_in_a_pipe() -> None:
    shown = CliRunner().invoke(cli, ["demo"], catch_exceptions=False)
    assert "225 turns in 18 sessions" in shown.output
    assert "●" in shown.output
    assert "When is Ines's appointment" in shown.output
    assert "The memory does not hold this." in shown.output
    assert "12 of 12 questions" in shown.output and "· Benedita is married to Rui." in shown.output
    assert "Ask something" not in shown.output


def test_the_command_as_json(tmp_path: Path) -> None:
    file = str(tmp_path / "kept.db")
    shown = CliRunner().invoke(cli, ["demo", file, "--json"], catch_exceptions=False)
    found = json.loads(shown.output)
    assert found["file"] == file
    assert len(found["questions"]) == len(demo.questions()[1])
    assert found["within_5"] >= found["first"] > 0
    assert {"id", "text", "score", "signals", "why"} <= set(found["questions"][0]["hits"][0])
    assert Path(file).exists()


def test_more_questions(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from agentmem.demo import show

    given = iter(["Who plays the accordion?", "/quit"])
    monkeypatch.setattr("click.prompt", lambda *args, **options: next(given))
    with agentmem.open(":memory:") as memory:
        demo.load(memory)
        show.prompt(memory, demo.questions()[0])
    assert "accordion badly" in capsys.readouterr().out
