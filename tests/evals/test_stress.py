"""The stress commands in small, and that they notice what they are there to notice."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import agentmem
from agentmem.evals.speed import corpus
from agentmem.evals.stress import consolidate, erase, kill, processes


def test_killed_writers_lose_nothing(tmp_path):
    result = kill.run(tmp_path / "kill.db", kills=5, most=0.1, seed=1, embedder="none")
    assert result["problems"] == []
    assert result["kills"] == 5
    assert result["acknowledged_calls"] > 0


@pytest.mark.parametrize("store", ["forgetting", "hipporag", "zettelkasten"])
def test_a_killed_consolidation_goes_on(tmp_path, store):
    items = list(corpus.drafts(corpus.texts(None), 300))
    embedder = "static" if store == "hipporag" else "none"
    result = consolidate.run(tmp_path, store, items, kills=1, seed=3, embedder=embedder)
    assert result["problems"] == [] and result["derived"] > 0
    assert 0 <= result["kept_at_kills"][0] <= result["derived"]


def test_processes_share_a_file(tmp_path):
    result = processes.run(
        tmp_path / "p.db", writers=2, readers=2, seconds=120, count=25, embedder="none", durability="relaxed"
    )
    assert result["problems"] == []
    assert result["memories"] == 50
    assert result["least_and_most_of_a_writer"] == [25, 25]


def test_nothing_is_left_of_the_erased(tmp_path):
    result = erase.run(tmp_path / "e.db", count=300, victims=40, seed=2, embedder="none")
    assert result["problems"] == []
    assert (result["marks_before"], result["marks_left"]) == (120, 0)


def test_a_lost_write_would_be_noticed(tmp_path):
    path = tmp_path / "m.db"
    with agentmem.open(path, embedder="none") as store:
        store.add("kept", id="a")
        store.add("never told", id="b")
    problems, happened = kill.verify(path, "none", {"a": "kept", "b": "lost", "c": "lost", "d": None}, {})
    assert len(problems) == 3 and not happened  # two texts, and what is not there is not found
    problems, happened = kill.verify(path, "none", {"a": "kept"}, {"b": "never told", "c": "other half"})
    assert "in part" in problems[0] and not happened
    problems, happened = kill.verify(path, "none", state := {"a": "kept"}, {"b": "never told"})
    assert problems == [] and happened and state["b"] == "never told"
    problems, happened = kill.verify(path, "none", {"a": "kept", "b": "never told"}, {"c": "did not happen"})
    assert problems == [] and not happened


def test_bytes_that_are_left_would_be_noticed(tmp_path, monkeypatch):
    from agentmem.backends import sqlite_erase

    monkeypatch.setattr(sqlite_erase, "scrub", lambda *_: True)
    result = erase.run(tmp_path / "e.db", count=100, victims=10, seed=2, embedder="none")
    assert result["marks_left"] > 0
    assert result["problems"]


@pytest.mark.parametrize("name", ["kill", "processes", "erase"])
def test_the_commands_have_help(name):
    done = subprocess.run(
        [sys.executable, "-m", f"agentmem.evals.stress.{name}", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert f"agentmem.evals.stress.{name}" in done.stdout


def test_the_commands_print_json():
    call = [sys.executable, "-m", "agentmem.evals.stress.erase", "--count", "60", "--victims", "5", "--json"]
    done = subprocess.run([*call, "--embedder", "none"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["problems"] == []
