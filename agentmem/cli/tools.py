"""Commands beside the memory file: eval, completion."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import click

from agentmem.cli import output
from agentmem.cli.group import Failure
from agentmem.cli.options import Setup, common

_SHELLS = ("bash", "zsh", "fish")
_PART = re.compile(r"[a-z_]+(\.[a-z_]+)?")


@click.command(
    "eval",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def eval_command(arguments: tuple[str, ...]) -> int:
    """Measure recall and speed.

    What follows goes to the evaluation, --help and --json included. Its first word may name another
    part of the evaluations than quality, such as speed.search.
    """
    rest = list(arguments)
    if rest and _PART.fullmatch(rest[0]) and _exists("quality") and not _exists(rest[0]):
        raise click.UsageError(f"there is no part {rest[0]!r} of the evaluations; there are {_parts()}")
    name = rest.pop(0) if rest and _PART.fullmatch(rest[0]) else "quality"
    run = getattr(import_module(f"agentmem.evals.{name}"), "main", None) if _exists(name) else None
    if run is None:
        if "--help" in rest or "-h" in rest:
            click.echo("Usage: agentmem eval [PART] [ARGUMENTS]...")
            return 0
        raise Failure(f"agentmem.evals.{name} is not there, or cannot be run", "MissingDependency")
    sys.argv = [f"agentmem eval {name}", *rest]
    code = run(rest) if signature(run).parameters else run()
    return code if isinstance(code, int) else 0


def _parts() -> str:
    """The parts that can be run, by name."""
    folder = import_module("agentmem.evals").__path__[0]
    files = [*Path(folder).glob("*.py"), *Path(folder, "speed").glob("*.py")]
    runs = [one for one in files if "def main(" in one.read_text(encoding="utf-8")]
    return ", ".join(sorted(".".join(one.relative_to(folder).with_suffix("").parts) for one in runs))


def _exists(name: str) -> bool:
    try:
        return find_spec(f"agentmem.evals.{name}") is not None
    except ModuleNotFoundError:
        return False


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
@common
def completion_command(setup: Setup, shell: str) -> int:
    """Print the completion script of a SHELL.

    \b
    bash   agentmem completion bash > ~/.local/share/bash-completion/completions/agentmem
    zsh    agentmem completion zsh > "${fpath[1]}/_agentmem"
    fish   agentmem completion fish > ~/.config/fish/completions/agentmem.fish
    """  # noqa: D301
    from click.shell_completion import get_completion_class

    from agentmem.cli import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise Failure(f"click has no completion for {shell}", "MissingDependency")
    script = kind(cli, {}, "agentmem", "_AGENTMEM_COMPLETE").source()
    if setup.json:
        output.put_json({"shell": shell, "script": script})
    else:
        click.echo(script)
    return 0
