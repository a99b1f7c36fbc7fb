"""The eval of changed facts: its contexts, its scoring, and the project's own set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals import facts
from agentmem.evals.tasks import factconsolidation as task

TOWNS = ["Oslo", "Rome", "Lima", "Cairo", "Quito", "Paris", "Bern", "Accra"]
PEOPLE = ["Ada Lind", "Ben Moor", "Cleo Vance", "Dan Ortiz", "Eva Strand", "Finn Hale", "Gil Ude", "Hal Ros"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A few cases and facts in the shape of MQuAKE's files."""
    folder = tmp_path / "mquake"
    folder.mkdir()
    cases = []
    for i, (who, town) in enumerate(zip(PEOPLE, TOWNS, strict=True)):
        new = TOWNS[(i + 1) % len(TOWNS)]
        cases.append(
            {
                "requested_rewrite": [
                    _edit("{} was born in the city of", who, town, new, f"Which city was {who} born in?"),
                    _edit(
                        "The mayor of {} is", new, "Old " + new, "New " + new, f"Who is the mayor of {new}?"
                    ),
                ],
                "questions": [f"Who is the mayor of the city where {who} was born?"] * 3,
                "new_answer": "New " + new,
                "new_answer_alias": [],
            }
        )
    singles = [
        [
            {
                "question": f"Which city was {who} Junior born in?",
                "gold_retrieve_fact": f"{who} Junior was born in the city of Rome",
                "gold_generate": f"{who} Junior was born in the city of Oslo",
                "answer_correct": "Rome",
            }
        ]
        for who in PEOPLE
    ]
    (folder / "MQuAKE-hard_even.json").write_text(json.dumps(cases))
    (folder / "contradict.json").write_text(json.dumps(singles))
    return tmp_path


def _edit(prompt: str, subject: str, old: str, new: str, question: str) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "subject": subject,
        "target_true": {"str": old},
        "target_new": {"str": new},
        "question": question,
    }


@pytest.mark.parametrize("dense", [False, True])
def test_a_rebuilt_context_has_the_older_of_two_before_the_newer(
    data: Path, dense: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(task.SIZES, "6k", 90)
    world = task.rebuilt(data, "6k", dense=dense)
    assert len(world.lines) >= 89
    assert [int(line.split(".")[0]) for line in world.lines] == list(range(len(world.lines)))
    place = {line.partition(". ")[2]: i for i, line in enumerate(world.lines)}
    for who, town, new in zip(PEOPLE, TOWNS, TOWNS[1:] + TOWNS[:1], strict=True):
        assert (
            place[f"{who} was born in the city of {town}."] < place[f"{who} was born in the city of {new}."]
        )
    assert task.rebuilt(data, "6k", dense=dense) == world
    assert {one.kind for one in world.questions} == {"single", "multi", "reworded"}
    joined = " ".join(world.chunks(200))
    assert joined == " ".join((task.LEAD_IN, *world.lines))
    row = facts.score(world, "facts", world.chunks(200), "none")
    assert row.right["single"].value == 1.0
    assert row.right["multi"].value == 1.0


def test_scoring_is_the_benchmarks() -> None:
    assert task.right("It is the Tang Empire!", ["Tang Empire"])
    assert not task.right("It is the Tang Empire!", ["Tang Empire"], exact=True)
    assert task.right("a Tang empire.", ["The Tang Empire"], exact=True)
    assert not task.right(None, ["x"])
    assert not task.right("x", [""])


def test_the_own_set() -> None:
    world = task_own()
    row = facts.score(world, "facts", world.lines, "static")
    plain = facts.score(world, "baseline", world.lines, "none")
    assert row.right["single"].value >= 0.9
    assert row.right["multi"].value >= 0.8
    assert row.right["unanswerable"].value >= 0.5
    assert row.right["multi"].value > plain.right["multi"].value + 0.5
    assert len(world.questions) >= 35


def task_own() -> task.Consolidation:
    return facts.load("own", None, seed=0, dense=False)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert facts.main(["--sets", "own", "--embedder", "none", "--no-baseline", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"][0]["name"] == "own"
    assert facts.main(["--sets", "own", "--embedder", "none", "--no-baseline"]) == 0
    assert "| own |" in capsys.readouterr().out


def test_bad_names_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="own, published"):
        facts.load("7k", None, seed=0, dense=False)
    with pytest.raises(InvalidInput, match="mquake"):
        task.rebuilt(tmp_path, "6k")
    with pytest.raises(InvalidInput, match="memoryagentbench"):
        task.published(tmp_path)
