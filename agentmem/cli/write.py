"""Commands that write: add, update, delete, restore, erase."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from agentmem.cli import output
from agentmem.cli.options import JsonObject, Moment, Setup, common, file_argument, filter_option

if TYPE_CHECKING:
    from agentmem.store import MemoryStore


@click.command("add")
@file_argument
@click.argument("text", nargs=-1, required=True)
@click.option("--speaker", help="Who said it.")
@click.option("--role", type=click.Choice(["user", "assistant", "system", "tool"]), help="The role.")
@click.option("--session", help="The conversation it belongs to.")
@click.option("--at", type=Moment(), help="When it happened; now by default.")
@click.option("--metadata", type=JsonObject(), help="An object that --filter can ask for.")
@click.option("--id", help="An id of your own.")
@click.option("--kind", default="episode", show_default=True, help="What kind of memory it is.")
@click.option("--lines", is_flag=True, help="With -, a memory for each line of the standard input.")
@click.option(
    "--on-conflict",
    type=click.Choice(["error", "replace", "skip"]),
    default="error",
    show_default=True,
    help="When the id exists: refuse, write a new version, or leave the old one.",
)
@common
def add_command(
    setup: Setup,
    file: str,
    text: tuple[str, ...],
    speaker: str | None,
    role: str | None,
    session: str | None,
    at: Any,
    metadata: Any,
    id: str | None,
    kind: str,
    lines: bool,
    on_conflict: str,
) -> int:
    """Add a memory.

    FILE is made if it is not there. Several words are one TEXT; - reads it from the standard input.
    Prints the id, with --json the memory (with --lines one a line).
    """
    texts = _texts(text, lines)
    if id is not None and len(texts) > 1:
        raise click.UsageError("--id names one memory, and there are several lines")
    values = {
        "speaker": speaker, "role": role, "session": session, "at": at, "metadata": metadata,
        "id": id, "kind": kind,
    }  # fmt: skip
    with setup.open(file, create=True) as memory:
        added = memory.add_many(({"text": one, **values} for one in texts), on_conflict=on_conflict)
    for one in added:
        if setup.json:
            output.put_json(one.to_dict(), compact=lines)
        else:
            click.echo(one.id)
    return 0


def _texts(text: tuple[str, ...], lines: bool) -> list[str]:
    if text != ("-",):
        if lines:
            raise click.UsageError("--lines goes with -, which reads the standard input")
        whole = " ".join(text)
        if not whole.strip():
            raise click.UsageError("TEXT is empty")
        return [whole]
    given = _standard_input()
    found = [line.strip() for line in given.splitlines()] if lines else [given.strip()]
    found = [one for one in found if one]
    if not found:
        raise click.UsageError("there is no text on the standard input")
    return found


def _standard_input() -> str:
    """What stands on it; nothing is guessed of bytes that are no UTF-8."""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(
            f"the standard input is not UTF-8 (byte {error.object[error.start]:#04x} at {error.start}); "
            "convert it first, such as with: iconv -f WINDOWS-1252 -t UTF-8"
        ) from None


@click.command("update")
@file_argument
@click.argument("id")
@click.argument("text", nargs=-1)
@click.option("--speaker", help="Who said it.")
@click.option("--session", help="The conversation it belongs to.")
@click.option("--at", type=Moment(), help="When it happened.")
@click.option("--metadata", type=JsonObject(), help="The new metadata.")
@click.option("--merge", is_flag=True, help="Lay --metadata over the old keys.")
@click.option("--valid-from", type=Moment(), help="Since when it holds.")
@click.option("--valid-until", type=Moment(), help="Until when it holds; closes a fact.")
@click.option("--expires-at", type=Moment(), help="From then on it is not recalled.")
@common
def update_command(
    setup: Setup, file: str, id: str, text: tuple[str, ...], merge: bool, **values: Any
) -> int:
    """Change a memory: a new TEXT or other fields.

    What is not given stays; the old version is kept (`agentmem show --history`).
    """
    given = {name: value for name, value in values.items() if value is not None}
    if text:
        given["text"] = _standard_input().strip() if text == ("-",) else " ".join(text)
        if not given["text"].strip():
            raise click.UsageError("TEXT is empty")
    if not given:
        raise click.UsageError("nothing to change: give a TEXT or an option such as --metadata")
    if merge and "metadata" not in given:
        raise click.UsageError("--merge goes with --metadata")
    with setup.open(file) as memory:
        updated = memory.update(id, merge=merge, **given)
    if setup.json:
        output.put_json(updated.to_dict())
    else:
        setup.note(f"{updated.id} is now at version {updated.version}.")
    return 0


@click.command("delete")
@file_argument
@click.argument("ids", nargs=-1, required=True)
@common
def delete_command(setup: Setup, file: str, ids: tuple[str, ...]) -> int:
    """Delete memories: out of recall, kept in history.

    `agentmem restore` brings them back; `agentmem erase` removes them for good. Exit code 1 when one of
    them was not there.
    """
    with setup.open(file, reindexing=True) as memory:
        count = memory.delete(ids)
    return _counted(setup, "deleted", count, ids)


@click.command("restore")
@file_argument
@click.argument("ids", nargs=-1, required=True)
@common
def restore_command(setup: Setup, file: str, ids: tuple[str, ...]) -> int:
    """Bring deleted memories back.

    Exit code 1 when one of them was not deleted.
    """
    with setup.open(file) as memory:
        count = memory.restore(ids)
    return _counted(setup, "restored", count, ids)


def _counted(setup: Setup, done: str, count: int, ids: tuple[str, ...]) -> int:
    asked = len(set(ids))
    if setup.json:
        output.put_json({done: count, "asked": asked})
    else:
        setup.note(f"{done.capitalize()} {count} of {asked}.")
    return 0 if count == asked else 1


@click.command("erase")
@file_argument
@click.argument("ids", nargs=-1)
@filter_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask first.")
@common
def erase_command(setup: Setup, file: str, ids: tuple[str, ...], filter_: Any, yes: bool) -> int:
    """Erase memories for good, by IDS or --filter.

    All versions go, all that was derived from them, and every copy in the file and its caches. Prints
    what went. Exit code 1 when nothing was found or something is still to be done.
    """
    if bool(ids) == (filter_ is not None):
        raise click.UsageError("give either IDS or --filter; --filter '{}' stands for everything")
    with setup.open(file, reindexing=True) as memory:
        if filter_ is not None:
            ids = tuple(one.id for one in memory.list(filter=filter_))
        if not ids:
            setup.note("Nothing matches.")
            if setup.json:
                output.put_json({"ids": [], "complete": True})
            return 1
        if not yes:
            _confirm(memory, ids)
        report = memory.erase(ids=ids)
    if setup.json:
        output.put_json(report.to_dict())
    elif not setup.quiet:
        output.pairs(
            {
                "erased": len(report.ids),
                "derived from them": len(report.derived),
                "versions": report.versions,
                "words nobody else used": report.words,
                "links": report.links,
                "complete": "yes" if report.complete else f"no: {report.detail}",
            }
        )
    return 0 if report.ids and report.complete else 1


def _at_keyboard() -> bool:
    return sys.stdin.isatty()


def _confirm(memory: MemoryStore, ids: tuple[str, ...]) -> None:
    if not _at_keyboard():
        raise click.UsageError("erasing cannot be undone: pass --yes to do it without being asked")
    for one in memory.get_many(ids[:5]):
        click.echo(output.wrapped(f"{one.id}  {one.text}", "  ", 1), err=True)
    what = "this memory" if len(ids) == 1 else f"these {len(ids)} memories"
    click.confirm(f"Erase {what} for good?", abort=True, err=True)
