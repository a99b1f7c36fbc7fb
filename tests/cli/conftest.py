from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agentmem.cli import cli

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "ada.db")


@pytest.fixture
def run() -> Run:
    """Run a command; its exit code is checked."""

    def call(*arguments: str, code: int = 0, input: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(cli, arguments, input=input)
        assert result.exit_code == code, (arguments, result.exit_code, result.stdout, result.stderr)
        return result

    return call


@pytest.fixture
def run_json(run: Run) -> Callable[..., Any]:
    """Run a command with --json and read its one document."""

    def call(*arguments: str, **options: Any) -> Any:
        return json.loads(run(*arguments, "--json", **options).stdout)

    return call


@pytest.fixture
def filled(file: str, run: Run) -> str:
    """A file with three memories: a, b, c."""
    for id, text, at in (
        ("a", "I adopted a greyhound named Biscuit", "2023-05-08 13:56"),
        ("b", "My sister Grace moved to Lisbon", "2023-07-20"),
        ("c", "We booked a cabin in the Dolomites", "2024-01-15"),
    ):
        run("add", file, text, "--id", id, "--at", at, "--speaker", "Ada", "--session", "s")
    return file
