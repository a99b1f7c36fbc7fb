"""The labelled pairs, their rates, the fit, and the run through a store."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from agentmem.errors import InvalidInput, UnknownOption
from agentmem.evals import fit_updates, updates, updates_store
from agentmem.facts.update_weights import WEIGHTS


def test_the_pairs_are_what_is_asked_of_them() -> None:
    every = updates.examples()
    kinds = Counter(one.kind for one in every)
    assert kinds["update"] >= 120 and sum(kinds[kind] for kind in kinds if kind not in updates.BESIDE) >= 170
    assert len({one.relation for one in every}) >= 40 and len({one.id for one in every}) == len(every)
    halves = {half: {one.relation for one in updates.examples(half=half)} for half in updates.HALVES}
    assert not halves["fit"] & halves["test"] and {one.register for one in every} == {"chat", "encyclopaedic"}
    for one in every:
        value = one.newer.object
        assert value is None or value.lower() in one.newer.sentence.lower(), one.id
        assert (one.older.object or "").lower() in one.older.sentence.lower(), one.id
        assert value is not None or one.kind == "closing", one.id


def test_bad_files(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"id": "a"}\n', "utf-8")
    with pytest.raises(InvalidInput, match="line 1"):
        updates.examples(path)
    path.write_text("", "utf-8")
    with pytest.raises(InvalidInput, match="no pairs"):
        updates.examples(path)
    with pytest.raises(UnknownOption):
        updates.examples(half="dev")


def test_recall_at_a_false_rate() -> None:
    kinds = ["update"] * 4 + ["other"] * 10
    scores = np.array([9.0, 5.0, 3.0, 0.0, 6.0, 4.0, *[-1.0] * 8])
    assert updates.recall_at(scores, kinds, 0.02) == (0.25, 6.0)
    assert updates.recall_at(scores, kinds, 0.1) == (0.5, 4.0)


def test_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """On the half that the fit never saw: at least 45 % found as strong, at most 5 % taken falsely."""
    updates.main(["--embedder", "none,static", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["strict"] == 0 and report["half"] == "test" and report["closings"][2] == 0
    judges = {row["name"]: row for row in report["rows"] if row["name"].startswith("judge")}
    assert set(judges) == {"judge, none", "judge, static"}
    for row in judges.values():
        assert row["strong"]["value"] >= 0.45 and row["strong_false"]["value"] <= 0.05
    cosine = next(row for row in report["rows"] if row["name"].startswith("cosine of the sentences"))
    assert cosine["strong"]["value"] < 0.1


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    updates.main(["--embedder", "none", "--half", "fit"])
    out = capsys.readouterr().out
    assert "| judge, none |" in out and "| hypothetical | " in out and "Mode strict: 0 superseded" in out
    with pytest.raises(UnknownOption):
        updates.main(["--embedder", "word2vec"])


def test_the_fit_gives_the_weights_that_are_shipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "weights.py"
    fit_updates.main(["--embedder", "none", "--write", str(target)])
    assert "none: found at 2 / 5 / 10 % false" in capsys.readouterr().out
    made: dict[str, object] = {}
    exec(target.read_text("utf-8"), made)
    fitted, shipped = made["WEIGHTS"]["none"], WEIGHTS["none"]  # type: ignore[index]
    assert fitted.names == shipped.names
    assert np.allclose(fitted.coefficients, shipped.coefficients, atol=1e-3)
    assert np.allclose([fitted.strong, fitted.weak], [shipped.strong, shipped.weak], atol=1e-2)


def test_a_file_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("update", "Ada has settled in Rome."), ("elsewhere", "Ada visited Rome.")]
    path = tmp_path / "pairs.jsonl"
    lines = [
        {
            "kind": kind,
            "old": "Ada lives in Oslo.",
            "new": new,
            "subject": "Ada",
            "old_object": "Oslo",
            "new_object": "Rome",
        }
        for kind, new in rows
    ]
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    updates.main(["--pairs", str(path), "--embedder", "static"])
    out = capsys.readouterr().out
    assert "| update | 1 | 1 / 1 |" in out and "| elsewhere | 1 | 0 / 0 |" in out


def test_through_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        json.loads(line)
        for line in updates.DATA.read_text("utf-8").splitlines()
        if json.loads(line)["relation"] in ("headquarters", "owner", "capital")
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps({**row, "half": "test"}) for row in rows), "utf-8")
    updates_store.main(["--pairs", str(path), "--modes", "strict,auto", "--embedder", "none", "--json"])
    strict, auto = json.loads(capsys.readouterr().out)["outcomes"]
    assert strict["replaced"] == 0 and strict["acted"] == 0 and strict["right"]["value"] >= 0.3
    assert auto["acted"] > 0
    updates_store.main(["--pairs", str(path), "--modes", "propose", "--embedder", "none"])
    assert "| propose | " in capsys.readouterr().out
    with pytest.raises(InvalidInput):
        updates_store.renamed([]) or updates_store.measure("fit", "none", "strict", path=path)
