"""The group of commands: loads a command when it is named, and ends every failure in one line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

FAILED = 3
"""Exit code of an error of agentmem's."""
_INTERRUPTED = 130
_DEBUG = "AGENTMEM_TRACEBACK"


class CommandGroup(click.Group):
    """Commands by name, each in a module that is imported when the command is used.

    Args:
        modules: command -> module.
        settings: click's own.
    """

    def __init__(self, modules: Mapping[str, str], **settings: Any) -> None:
        settings.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        super().__init__(**settings)
        self._modules = modules
        shown = "Show the version and exit."
        self.params.append(
            click.Option(
                ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version, help=shown
            )
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in the order of the table."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command; None where there is none or its module is not part of this installation."""
        module_name = self._modules.get(cmd_name)
        if module_name is None:
            return None
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name == module_name:
                return None
            raise
        found = getattr(module, f"{cmd_name}_command", None) or getattr(module, cmd_name, None)
        return found if isinstance(found, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command named; a wrong name is answered with the nearest right ones."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self._modules, n=2)
            if near and "Did you mean" not in error.message:
                message = f"{error.message} Did you mean {' or '.join(near)}?"
                raise click.UsageError(message, ctx) from None
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that has seen enough (``| head``) is no failure."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            _silence()
            return 0

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and end with an exit code; a command's return value is the code."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        given = sys.argv[1:] if args is None else list(args)
        as_json = "--json" in given
        try:
            code = super().main(given, prog_name, complete_var, standalone_mode=False, **extra)
        except BaseException as error:
            _end(error, as_json)
        sys.exit(code if isinstance(code, int) else 0)


class Failure(click.ClickException):
    """A failure that the command line itself finds.

    Args:
        message: what is wrong and what to do.
        kind: the ``type`` in the JSON object.
        code: the exit code.
    """

    def __init__(self, message: str, kind: str = "Failure", code: int = FAILED) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code


def _version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        from agentmem import __version__

        click.echo(f"agentmem {__version__}")
        ctx.exit()


def _end(error: BaseException, as_json: bool) -> NoReturn:
    """Say what went wrong in one line and leave with its code."""
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        click.echo("", err=True)
        sys.exit(_INTERRUPTED)
    if os.environ.get(_DEBUG) and not isinstance(error, click.ClickException):
        raise error
    message, kind, code = _described(error)
    if as_json:
        click.echo(json.dumps({"error": message, "type": kind}, ensure_ascii=False), err=True)
    else:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(error.ctx.get_usage(), err=True)
            click.echo(f"Try '{error.ctx.command_path} --help' for help.\n", err=True)
        click.echo(f"Error: {message}", err=True)
    sys.exit(code)


def _described(error: BaseException) -> tuple[str, str, int]:
    """(message, type, exit code)."""
    from agentmem.errors import AgentmemError, DuplicateId, MemoryNotFound

    if isinstance(error, Failure):
        return error.message, error.kind, error.code
    if isinstance(error, click.ClickException):
        return error.format_message(), type(error).__name__, error.exit_code
    if isinstance(error, MemoryNotFound):
        hint = "`agentmem list FILE` shows the ids there are"
        return f"no memory has the id {error.id!r} in this namespace; {hint}", "MemoryNotFound", 1
    if isinstance(error, DuplicateId):
        hint = "--on-conflict replace writes a new version, --on-conflict skip keeps the old one"
        return f"a memory with the id {error.id!r} exists in this namespace; {hint}", "DuplicateId", FAILED
    if isinstance(error, AgentmemError):
        return _one_line(str(error)), type(error).__name__, FAILED
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}", type(error).__name__, FAILED
    detail = _one_line(str(error))
    hint = f"this is a fault of agentmem's; with {_DEBUG}=1 the whole traceback is shown"
    return f"{type(error).__name__}: {detail} ({hint})", type(error).__name__, FAILED


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _silence() -> None:
    """Point standard output nowhere, so that the interpreter's last flush raises nothing."""
    try:
        sys.stdout.flush()
    except OSError:
        pass
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        pass
