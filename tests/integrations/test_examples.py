"""The examples run, and say what they promise."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str) -> Any:
    return runpy.run_path(str(EXAMPLES / name))["main"]


def test_langchain_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("langchain_core", reason="the extra langchain is not installed")
    main = run("langchain_pipeline.py")
    main()
    out = capsys.readouterr().out
    assert "Found:  Ada moved from Porto to Lisbon in May." in out
    assert "2023:   Ada planted three pear trees" in out
    assert "Where does Ada live? -> Ada lives in Lisbon." in out
    for _ in range(2):
        main(str(tmp_path / "twice.db"))


def test_langgraph_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("langgraph", reason="the extra langgraph is not installed")
    main = run("langgraph_store.py")
    main()
    out = capsys.readouterr().out
    assert "ada: What meat do I eat? -> I eat no meat." in out
    assert "bob: Which instrument does my sister play? -> I love a good steak." in out
    assert "Across users: ada - My sister plays the cello." in out
    for _ in range(2):
        main(str(tmp_path / "twice.db"))
