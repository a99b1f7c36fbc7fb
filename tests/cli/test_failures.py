"""Wrong commands, on purpose: one clear line, the right exit code, and nothing made or changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentmem.cli import COMMANDS

Run = Callable[..., Any]
READING = {
    "search": ["x"], "ask": ["x"], "list": [], "show": ["x"], "update": ["x", "y"], "delete": ["x"],
    "restore": ["x"], "erase": ["x", "-y"], "export": [], "stats": [], "namespaces": [], "check": [],
    "reindex": [], "backup": ["out.db"], "duplicates": [], "consolidate": [], "undo": ["x"], "forget": [],
    "stale": [], "facts": [],
}  # fmt: skip


@pytest.mark.parametrize("command", READING)
def test_a_missing_file_is_said_and_not_made(run: Run, file: str, command: str) -> None:
    result = run(command, file, *READING[command], code=3)
    assert result.stdout == "" and result.stderr.startswith(f"Error: there is no file {file}")
    assert result.stderr.count("\n") == 1
    assert list(Path(file).parent.iterdir()) == []
    result = run(command, file, *READING[command], "--json", code=3)
    assert json.loads(result.stderr)["type"] == "FileNotFound"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command"),
        (["serch", "f", "x"], "search"),
        (["search", "f"], "Missing argument 'QUERY"),
        (["search"], "Missing argument 'FILE'"),
        (["search", "f", "x", "-k", "0"], "-k"),
        (["search", "f", "x", "-k", "many"], "-k"),
        (["search", "f", "x", "--at", "yesterdayish"], "not a time"),
        (["search", "f", "x", "--during", "2023..May"], "not a span"),
        (["search", "f", "x", "--during", ".."], "not a span"),
        (["search", "f", "x", "--during", "2023-13"], "not a span"),
        (["search", "f", "x", "--filter", "{"], "not JSON"),
        (["search", "f", "x", "--filter", "[1]"], "no JSON object"),
        (["search", "f", "x", "-n", "a//b"], "empty label"),
        (["list", "f", "--order", "sideways"], "sideways"),
        (["add", "f", "  "], "TEXT is empty"),
        (["add", "f", "x", "--metadata", "3"], "no JSON object"),
        (["add", "f", "x", "--role", "king"], "king"),
        (["add", "f", "x", "--lines"], "--lines"),
        (["add", "f", "x", "--colour", "red"], "--colour"),
    ],
)
def test_wrong_usage(
    run: Run, arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, code=2)
    assert message in result.stderr and result.stdout == ""
    assert "Traceback" not in result.stderr
    if "--json" not in arguments:
        error = json.loads(run(*arguments, "--json", code=2).stderr)
        assert message in error["error"] and error["type"]
    assert list(tmp_path.iterdir()) == []


def test_errors_of_the_library_end_with_3(run: Run, filled: str) -> None:
    for arguments in (
        ["search", filled, "x", "--filter", '{"$what": 1}'],
        ["search", filled, "x", "--store", "nonsense"],
        ["search", filled, "x", "--embedder", "nonsense"],
        ["list", filled, "--filter", '{"a": {"$near": 1}}'],
        ["add", filled, "x", "--id", "bad\nid"],
        ["search", filled, "x", "--embedder", "none"],
    ):
        result = run(*arguments, code=3)
        assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
        error = json.loads(run(*arguments, "--json", code=3).stderr)
        assert set(error) == {"error", "type"}


def test_a_file_that_is_not_ours(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("these are notes, " * 100)
    for command in ("search", "add"):
        error = json.loads(run(command, str(other), "x", "--json", code=3).stderr)
        assert error["type"] == "NotAMemoryFile"
    assert other.read_text().startswith("these are notes") and list(tmp_path.iterdir()) == [other]
    run("list", str(tmp_path), code=2)


def test_a_missing_memory_is_1(run: Run, filled: str) -> None:
    result = run("show", filled, "nobody", code=1)
    assert result.stderr.startswith("Error: no memory has the id 'nobody'")
    assert json.loads(run("show", filled, "nobody", "--json", code=1).stderr)["type"] == "MemoryNotFound"


def test_what_to_do_is_said_in_the_words_of_the_command_line(run: Run, filled: str, tmp_path: Path) -> None:
    for arguments, code, message in (
        (["show", filled, "nobody"], 1, "`agentmem list FILE`"),
        (["add", filled, "x", "--id", "a"], 3, "--on-conflict replace"),
        (["facts", filled, "explain", "z#0"], 1, "no fact has the id 'z#0'"),
        (["facts", filled, "undo", "z"], 1, "no correction has the id 'z'"),
        (["undo", filled, "nothing"], 1, "no consolidation nothing made anything here"),
        (["show", filled, ""], 3, "Error: id is empty\n"),
        (["export", filled, str(tmp_path / "no" / "out.jsonl")], 3, "make it first"),
        (["import", filled, filled, "--rejects", str(tmp_path / "no" / "rejects")], 3, "make it first"),
    ):
        assert message in run(*arguments, code=code).stderr


@pytest.mark.parametrize("command", [["add", "-"], ["update", "a", "-"]])
def test_a_standard_input_that_is_no_text(run: Run, filled: str, command: list[str]) -> None:
    verb, *rest = command
    error = run(verb, filled, *rest, code=2, input=b"K\xf6ln").stderr
    assert "not UTF-8 (byte 0xf6 at 1)" in error and "iconv" in error
    run(verb, filled, *rest, code=2, input=b"  \n")
    run(verb, filled, *rest, input="\ufeffKöln".encode())
    assert "\tKöln\n" in run("list", filled).stdout


def test_quiet(run: Run, filled: str) -> None:
    assert run("delete", filled, "a", "--quiet").stderr == ""
    assert run("search", filled, "Lisbon", "-q", "-n", "nobody", code=1).stderr == ""


def test_a_fault_of_ours_is_one_line(run: Run, filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from agentmem.store import MemoryStore

    def broken(self: MemoryStore) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(MemoryStore, "stats", broken)
    result = run("stats", filled, code=3)
    assert result.stderr.startswith("Error: RuntimeError: two lines (") and result.stderr.count("\n") == 1


def test_every_command_is_known_to_the_tests() -> None:
    assert set(READING) | {"add", "import", "chat", "demo", "eval", "completion", "graph"} == set(COMMANDS)


def test_an_interrupted_import_says_what_stays(
    run: Run, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import agentmem.interchange

    def stop(*arguments: Any, **options: Any) -> None:
        raise KeyboardInterrupt

    source = tmp_path / "a.txt"
    source.write_text("Ada: hello")
    monkeypatch.setattr(agentmem.interchange, "import_file", stop)
    assert "the same import again goes on from there" in run("import", file, str(source), code=130).stderr
