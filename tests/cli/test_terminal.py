"""What a person sees: aligned columns, cut texts, colours, prompts; and the command as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentmem.cli import output

Run = Callable[..., Any]
COMMAND = [sys.executable, "-c", "from agentmem.cli import main; main()"]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "in_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("terminal")
def test_tables_are_aligned_and_cut(run: Run, filled: str) -> None:
    run("add", filled, "日本語のとても長い文章です。" * 5, "--id", "long", "--at", "2025-01-01")
    rows = run("list", filled).stdout.splitlines()
    assert rows[0].split() == ["id", "when", "who", "text"]
    start = rows[0].index("text")
    assert rows[1][start:].startswith("I adopted")
    assert all(output.width_of(row) <= 60 for row in rows) and rows[-1].endswith("…")
    assert "2023-05-08 13:56" in rows[1] and "2023-07-20 " in rows[2]


@pytest.mark.usefixtures("terminal")
def test_hits_and_stats(run: Run, filled: str) -> None:
    text = run("search", filled, "Lisbon", "--explain", "-k", "1").stdout
    assert text.startswith(" 1  ") and "\n    My sister Grace moved to Lisbon\n" in text
    assert "\x1b" not in text
    assert all(output.width_of(line) <= 60 for line in text.splitlines())
    assert "memories" in run("stats", filled).stdout
    assert "namespace" in run("list", filled, "--subtree").stdout


def test_colours_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert output.styled("x", bold=True) == "x"
    monkeypatch.setattr(output, "in_terminal", lambda: True)
    assert output.styled("x", bold=True) == "\x1b[1mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.styled("x", bold=True) == "x"


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 4, "abc…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日… "),
        ("e\u0301", 2, "e\u0301 "),
    ],
)
def test_fit(text: str, width: int, expected: str) -> None:
    assert output.fit(text, width) == expected


def test_texts_cannot_steer_the_terminal() -> None:
    assert output.visible("a\x1b[31mb\nc\x07\u202e") == "a\ufffd[31mb c\ufffd"


def test_wrapped(terminal: None) -> None:
    text = output.wrapped("word " * 40, "  ", 2).splitlines()
    assert len(text) == 2 and text[1].endswith("…") and all(len(line) <= 60 for line in text)
    assert output.wrapped("x" * 80, "", 3).splitlines() == ["x" * 60, "x" * 20]


def test_sizes() -> None:
    assert [output.size(n) for n in (5, 1500, 2_500_000, 10**13)] == ["5 B", "1.5 kB", "2.5 MB", "10000.0 GB"]


def test_erase_asks(run: Run, filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import agentmem.cli.write

    monkeypatch.setattr(agentmem.cli.write, "_at_keyboard", lambda: True)
    assert "greyhound" in run("erase", filled, "a", input="n\n", code=130).stderr
    run("erase", filled, "a", input="y\n")
    run("show", filled, "a", code=1)


def test_progress_bars_only_in_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with output.Bar("Working") as bar:
        bar.reach(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for shown in (True, False):
        with output.Bar("Working", shown=shown) as bar:
            bar.reach(1, 2)
            bar.reach(2, 2)
        assert ("Working" in capsys.readouterr().err) is shown


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, **options
    )


def test_as_a_process(file: str) -> None:
    assert process("add", file, "I moved to Lisbon").returncode == 0
    found = process("search", file, "Lisbon")
    assert found.returncode == 0 and found.stdout.endswith("\tI moved to Lisbon\n") and found.stderr == ""
    assert process("search", "nothing.db", "x").returncode == 3
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    added = process("add", file, "日本 \U0001f600", "--json", env=ascii_only)
    assert json.loads(added.stdout)["text"] == "日本 \U0001f600"
    assert process("list", file, env=ascii_only).returncode == 0


def test_a_reader_that_has_seen_enough(file: str, tmp_path: Path) -> None:
    source = tmp_path / "many.jsonl"
    source.write_text("".join(f'{{"text": "memory number {n} {"x" * 200}"}}\n' for n in range(2000)))
    assert process("import", file, str(source), "--embedder", "none").returncode == 0
    for command in (["list", file], ["export", file], ["list", file, "--json"]):
        with subprocess.Popen(
            [*COMMAND, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as reader:
            assert reader.stdout is not None and reader.stderr is not None
            reader.stdout.readline()
            reader.stdout.close()
            assert reader.stderr.read() == ""
        assert reader.returncode == 0


def test_completion_completes() -> None:
    env = {
        **os.environ,
        "_AGENTMEM_COMPLETE": "bash_complete",
        "COMP_WORDS": "agentmem sea",
        "COMP_CWORD": "1",
    }
    assert process(env=env).stdout == "plain,search\n"


def test_start_up_is_light() -> None:
    heavy = {
        "openai",
        "networkx",
        "scipy",
        "sqlite_utils",
        "torch",
        "langchain_core",
        "onnxruntime",
        "tokenizers",
    }
    code = "import sys; import agentmem.cli; print(*sorted(m for m in sys.modules if '.' not in m))"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    assert "click" in loaded and not loaded & heavy


def test_a_cold_search_loads_no_more_than_it_needs(filled: str) -> None:
    heavy = {"openai", "networkx", "scipy", "sqlite_utils", "torch", "langchain_core", "onnxruntime"}
    code = (
        "import sys; from agentmem.cli import cli\n"
        f"try: cli.main(['search', {filled!r}, 'Lisbon'], prog_name='agentmem')\n"
        "finally: print(*sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and not set(done.stderr.split()) & heavy
