from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals import ablation
from agentmem.evals.tasks import TASKS, Pool, Question, Task
from agentmem.evals.tasks.multihop import mixed
from agentmem.memory import Draft

AT = datetime(2024, 1, 2, tzinfo=timezone.utc)


def pools(folder: Path) -> Iterator[Pool]:
    items = [
        Draft("Nosferatu\nNosferatu is a film directed by Friedrich Murnau in Wismar.", at=AT, id="film"),
        Draft("Friedrich Murnau\nMurnau came from Bielefeld as the son of Heinrich Plumpe.", at=AT, id="man"),
        *(
            Draft(f"Page {i}\nA city born of gardens and a director, {i}.", at=AT, id=str(i))
            for i in range(9)
        ),
    ]
    asked = "In which city was the director of Nosferatu born?"
    yield Pool(("sample",), items, [Question("1", asked, AT, frozenset(["film", "man"]), "two")])


SAMPLE = Task("sample", pools, (2,), "made for this test")


def test_every_part_is_left_out_in_turn(tmp_path: Path) -> None:
    rows = ablation.run(SAMPLE, tmp_path, None, ablation.PARTS)
    shares = {row.part: row.share["2"].value for row in rows}
    assert shares[ablation.ALL] == 1.0
    assert shares["named: titles in texts"] == shares["pairs"] == 0.5
    assert shares["threads"] == shares["prior (validity)"] == 1.0
    table = ablation.table(rows)
    assert "| with tokens in the gain | +0.0 |" in table
    assert "| without pairs | -50.0 |" in table and "sample R@2" in table


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(TASKS, "sample", SAMPLE)
    common = ["--data", str(tmp_path), "--tasks", "sample", "--embedder", "none"]
    assert ablation.main([*common, "--parts", "pairs,session", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["part"] for row in report["rows"]] == [ablation.ALL, "pairs", "session"]
    with pytest.raises(InvalidInput, match="'moon' is no part"):
        ablation.main([*common, "--parts", "moon"])


def test_a_corpus_is_filled_up_with_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agentmem.evals.tasks import multihop

    monkeypatch.setattr(multihop, "TWOWIKI", SAMPLE)
    one = Task("one", lambda _: iter([Pool(("one",), [Draft("Only", at=AT, id="p0")])]), (2,), "")
    for name in ("MUSIQUE", "HOTPOTQA", "MUSIQUE_TRAIN"):
        monkeypatch.setattr(multihop, name, one)
    (pool,) = mixed(one, 5).load(tmp_path)
    assert [item.id for item in pool.items] == ["p0", "sample-film", "sample-man", "sample-0", "sample-1"]
