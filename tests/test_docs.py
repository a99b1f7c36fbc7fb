"""The documents are true: their code runs with the output they show, and nothing is left out."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agentmem.cli import COMMANDS, cli
from agentmem.opening import STORES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
STORES_PAGE = (ROOT / "stores" / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "stores/README.md"])
def test_the_session_at_the_prompt_is_real(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page != "README.md":
        pytest.importorskip("langchain_core", reason="the page shows the LangChain adapter")
        pytest.importorskip("langgraph", reason="the page shows the LangGraph adapter")
    monkeypatch.chdir(tmp_path)
    session = "\n".join(blocks((ROOT / page).read_text(), "pycon"))
    test = doctest.DocTestParser().get_doctest(session, {}, page, page, 0)
    assert len(test.examples) > 20
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not said, "".join(said)


def test_the_commands_shown_run(tmp_path: Path) -> None:
    (tmp_path / "chat.txt").write_text("[2024-07-01 09:00] Ada: Grace has booked a flight.\n")
    lines = [line for block in blocks(README, "console") for line in block.splitlines()]
    ran = [line.removeprefix("$ ") for line in lines if line.startswith("$ agentmem")]
    assert len(ran) >= 5
    for line in ran:
        code = "from agentmem.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *shlex.split(line)[1:]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def test_the_make_targets_shown_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    shown = re.findall(r"^\$ make (\w+)", README + CONTRIBUTING, re.MULTILINE)
    assert {"demo", "test"} <= set(shown)
    for target in shown:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_command_is_documented_and_has_help() -> None:
    import click

    context = click.Context(cli)
    for name in COMMANDS:
        assert f"`{name}`" in README, f"README.md does not name the command {name}"
        command = cli.get_command(context, name)
        assert command is not None and command.help, f"the command {name} has no help"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts[0]} has no help"


def test_every_store_is_documented() -> None:
    for name in STORES:
        assert f"| `{name}` |" in README
        assert f"\n## {name}\n" in STORES_PAGE, f"stores/README.md has no section {name}"


def test_every_extra_is_documented() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    extras = pyproject.split("[project.optional-dependencies]")[1].split("\n[")[0]
    for name in re.findall(r"^(\w+) = ", extras, re.MULTILINE):
        assert f"`{name}`" in README, f"README.md does not name the extra {name}"


def test_the_store_test_of_contributing_is_a_test() -> None:
    (code,) = blocks(CONTRIBUTING, "python")
    names: dict[str, object] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)  # the page's own code
    case = names["TestMyStore"]
    assert isinstance(case, type) and len([name for name in dir(case) if name.startswith("test_")]) > 100


def test_the_store_of_the_page_on_stores_is_a_store() -> None:
    import agentmem

    names: dict[str, Any] = {}
    for code in blocks(STORES_PAGE, "python"):
        exec(compile(code, "stores/README.md", "exec"), names)  # the page's own code
    assert len([name for name in dir(names["TestDiary"]) if name.startswith("test_")]) > 100
    clock = agentmem.ManualClock("2024-03-11")
    with agentmem.open(":memory:", store=names["Diary"], clock=clock) as memory:
        first = memory.add("The tomatoes went onto the balcony.", at="2024-03-04T18:00")
        memory.add("Snails ate the beans.", at="2024-03-11T08:00")
        run = memory.consolidate()
        assert [memory.get(id).text for id in run.added] == ["The tomatoes went onto the balcony."]
        assert memory.consolidate().added == ()
        memory.update(first.id, text="The tomatoes went into the garden.")
        (anew,) = memory.consolidate().added
        assert "garden" in memory.get(anew).text and memory.stale() == []
        assert memory.search("tomatoes in the garden", k=2)[1].memory.kind in ("page", "episode")


def test_links_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "stores/README.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text()):
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"
