"""Commands that bring memories in and out: import, export."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from agentmem.cli import output
from agentmem.cli.group import Failure
from agentmem.cli.options import Setup, common, file_argument, filter_option

if TYPE_CHECKING:
    from agentmem.interchange import Report

_FORMATS = ("auto", "jsonl", "transcript", "locomo", "longmemeval", "chatgpt", "claude", "mcp")
_SHOWN = 20


@click.command("import")
@file_argument
@click.argument("source", type=click.Path(exists=True, allow_dash=True))
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default="auto",
    show_default=True,
    help="What SOURCE is; auto looks inside.",
)
@click.option("--session", help="The conversation of memories that name none.")
@click.option("--replace", is_flag=True, help="Overwrite memories that were changed here since.")
@click.option("--rejects", type=click.Path(dir_okay=False), help="Write what could not be read to this file.")
@common
def import_command(
    setup: Setup,
    file: str,
    source: str,
    format_: str,
    session: str | None,
    replace: bool,
    rejects: str | None,
) -> int:
    """Import chats, exports and benchmark files.

    FILE is made if it is not there. Importing a SOURCE twice adds nothing.

    \b
    jsonl        our own export, or lines with at least {"text": "..."}
    transcript   "[2023-05-08 13:56] Ada: text", "Ada: text", WhatsApp exports
    locomo, longmemeval   the benchmarks' files
    chatgpt, claude       conversations.json, the export's zip, or its folder
    mcp          the memory file of MCP's memory server

    Each question of LongMemEval goes to a namespace of its own, unless --namespace names one for all.
    Lines that cannot be read are reported with their number, and the rest is imported: exit code 1.
    """  # noqa: D301
    from agentmem.interchange import import_file

    if rejects is not None:
        _folder_of(rejects)
    with _stdin_as_file(source) as path, _interrupted(setup):
        size = path.stat().st_size if path.is_file() else 0
        with setup.open(file, create=True) as memory, output.Bar("Importing", shown=_chatty(setup)) as bar:
            report = import_file(
                memory,
                path,
                format=format_,
                session=session,
                apart=not setup.namespace,
                replace_changed=replace,
                progress=lambda count: bar.reach(min(bar.done + count, size), size),
            )
    if rejects and report.rejected:
        text = "".join(f"{one.raw}\n" for one in report.rejected if one.raw)
        Path(rejects).write_text(text, encoding="utf-8", errors="replace")
    if setup.json:
        output.put_json(report.to_dict())
    else:
        _put_report(setup, report, rejects)
    return 1 if report.rejected else 0


@contextlib.contextmanager
def _interrupted(setup: Setup) -> Iterator[None]:
    """Say at Ctrl-C what became of what was read."""
    try:
        yield
    except KeyboardInterrupt:
        setup.note("\nInterrupted: what was written stays; the same import again goes on from there.")
        raise


def _folder_of(path: str) -> None:
    """Refuse a file whose folder is not there, before anything is done."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise Failure(f"the folder {folder} does not exist; make it first", "FileNotFound")


def _chatty(setup: Setup) -> bool:
    return not setup.quiet and not setup.json


@contextlib.contextmanager
def _stdin_as_file(source: str) -> Iterator[Path]:
    """The source as a path; the standard input is copied to a file that is removed at the end."""
    if source != "-":
        yield Path(source)
        return
    import shutil
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        yield path


def _put_report(setup: Setup, report: Report, rejects: str | None) -> None:
    setup.note(
        f"Read {report.read} memories as {report.format}: {report.added} added, "
        f"{report.present} were there already." + (f" {report.links} links added." if report.links else "")
    )
    for what, count in report.left_out.items():
        setup.note(f"  left out: {count} {what}")
    for text in report.notes:
        setup.note(f"  note: {text}")
    if report.replaced:
        setup.note(f"  in {report.replaced} texts impossible characters were replaced by U+FFFD")
    for one in report.rejected[:_SHOWN]:
        click.echo(f"Error: {output.visible(str(one))}", err=True)
    if len(report.rejected) > _SHOWN:
        click.echo(f"Error: … and {len(report.rejected) - _SHOWN} more", err=True)
    if report.rejected and not rejects:
        setup.note("--rejects OUT keeps what could not be read, to be mended and imported.")


@click.command("export")
@file_argument
@click.argument("out", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@click.option(
    "--history/--no-history", default=True, help="With the earlier versions of each memory, or without."
)
@filter_option
@click.option("--force", is_flag=True, help="Overwrite OUT if it is there.")
@common
def export_command(setup: Setup, file: str, out: str, history: bool, filter_: Any, force: bool) -> int:
    """Export as JSON Lines, to OUT or standard output.

    Writes the whole file, or --namespace and all below it; `agentmem import` makes
    an equal memory of it: ids, times, versions, links. Vectors are made anew; deleted memories and the
    log of uses are only in `agentmem backup`. With --json and an OUT, prints what was written.
    """
    from agentmem.interchange.export import export_lines

    if out != "-" and Path(out).exists() and not force:
        raise Failure(f"{out} is there already; --force overwrites it", "FileExists", 2)
    if out != "-":
        _folder_of(out)
    with (
        setup.open(file, reindexing=True) as memory,
        output.Bar("Exporting", shown=_chatty(setup) and out != "-") as bar,
    ):
        total = memory.stats().memories if bar.shown else 0
        lines = export_lines(
            memory, history=history, filter=filter_, progress=lambda count: bar.reach(bar.done + count, total)
        )
        if out == "-":
            for line in lines:
                click.echo(line)
            return 0
        written = _write_whole(Path(out), lines)
    if setup.json:
        output.put_json({"out": out, "lines": written})
    else:
        setup.note(f"Wrote {written} lines to {out}.")
    return 0


def _write_whole(out: Path, lines: Iterator[str]) -> int:
    """Write to a file beside ``out`` that takes its place when it is whole."""
    part = out.with_name(out.name + ".part")
    count = 0
    stream: IO[str]
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            for line in lines:
                stream.write(line + "\n")
                count += 1
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return count
