"""Commands of upkeep: duplicates, stale, consolidate, undo, forget."""

from __future__ import annotations

from typing import Any

import click

from agentmem.cli import output
from agentmem.cli.options import Moment, Setup, common, file_argument


@click.command("duplicates")
@file_argument
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.9,
    show_default=True,
    help="Least share of words that two have in common (Jaccard).",
)
@click.option("--merge", is_flag=True, help="Keep the oldest of each group and delete the others.")
@common
def duplicates_command(setup: Setup, file: str, threshold: float, merge: bool) -> int:
    """Report near-duplicates; --merge keeps the oldest.

    Memories that say nearly the same stand in groups, the oldest first.

    --merge keeps the oldest of each group and deletes the others; `agentmem restore` brings them back.
    Without it nothing changes. With --json a list of groups, each a list of memories. Exit code 1 when
    there are none.
    """
    with setup.open(file, reindexing=True) as memory:
        groups = memory.duplicates(threshold)
        groups = [sorted(group, key=lambda one: (one.at, one.recorded_at)) for group in groups]
        gone = [one.id for group in groups for one in group[1:]]
        merged = memory.delete(gone) if merge and gone else 0
    if setup.json:
        output.put_json([[one.to_dict() for one in group] for group in groups])
        return 0 if groups else 1
    for place, group in enumerate(groups, 1):
        for number, one in enumerate(group):
            kept = "keep" if number == 0 else "gone" if merge else "same"
            row = [str(place), kept, one.id, output.short_time(one.at), output.who(one), one.text]
            if output.in_terminal():
                line = "  ".join(output.visible(cell) for cell in row if cell)
                click.echo(output.fit(line, output.terminal_width()).rstrip())
            else:
                output.table((), [row])
    if not groups:
        setup.note("No near-duplicates.")
    elif merge:
        setup.note(f"Deleted {merged}; to bring them back: agentmem restore {file} {' '.join(gone)}")
    else:
        many = "1 group" if len(groups) == 1 else f"{len(groups)} groups"
        setup.note(f"{many}, {len(gone)} could go; --merge keeps the oldest of each.")
    return 0 if groups else 1


@click.command("stale")
@file_argument
@common
def stale_command(setup: Setup, file: str) -> int:
    """List derived memories whose sources changed.

    What was made of a memory that says something else now, or was deleted. Recall counts it less and
    says so; `agentmem consolidate` with the store that made it (--store) derives it anew. In a pipe: id,
    kind, the sources that changed, text. Exit code 1 when there is none.
    """
    with setup.open(file, reindexing=True) as memory:
        found = memory.stale()
    if setup.json:
        output.put_json([{**one.memory.to_dict(), "changed": list(one.changed)} for one in found])
        return 0 if found else 1
    rows = [[one.memory.id, one.memory.kind, " ".join(one.changed), one.memory.text] for one in found]
    output.table(("id", "kind", "changed", "text"), rows)
    if not found:
        setup.note("Nothing is stale.")
    return 0 if found else 1


@click.command("consolidate")
@file_argument
@click.option("--at", type=Moment(), help="The time to judge by; now by default.")
@common
def consolidate_command(setup: Setup, file: str, at: Any) -> int:
    """Do what was put off.

    Makes pending vectors, and what the store derives. Prints the id of the run,
    which `agentmem undo` takes back.
    """
    with (
        setup.open(file) as memory,
        output.Bar("Consolidating", shown=not setup.quiet and not setup.json) as bar,
    ):
        report = memory.consolidate(at=at, progress=bar.reach)
    if setup.json:
        output.put_json(report.to_dict())
        return 0
    click.echo(report.run)
    setup.note(
        f"{report.embedded} vectors made, {len(report.added)} memories derived, {report.linked} links, "
        f"{len(report.retired)} retired; {report.calls} model calls, {report.left} jobs left."
    )
    return 0


@click.command("undo")
@file_argument
@click.argument("run")
@common
def undo_command(setup: Setup, file: str, run: str) -> int:
    """Take back the consolidation RUN.

    Exit code 1 when it changed nothing.
    """
    with setup.open(file) as memory:
        changed = memory.undo(run)
    if setup.json:
        output.put_json({"run": run, "changed": changed})
    elif changed:
        setup.note(f"{changed} memories, links and artifacts changed back.")
    else:
        setup.note(
            f"Nothing to take back: no consolidation {run} made anything here, or it was undone before."
        )
    return 0 if changed else 1


@click.command("forget")
@file_argument
@click.option("--at", type=Moment(), help="The time to judge by; now by default.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@common
def forget_command(setup: Setup, file: str, at: Any, dry_run: bool) -> int:
    """Retire what has expired or faded.

    By the store's policy; `agentmem restore` brings it back. With --json a list of the memories that went.
    """
    with setup.open(file) as memory:
        gone = memory.forget(at=at, dry_run=dry_run)
    if setup.json:
        output.put_json([one.to_dict() for one in gone])
        return 0
    rows = [[one.id, output.short_time(one.at), output.who(one), one.text] for one in gone]
    output.table(("id", "when", "who", "text"), rows)
    setup.note(f"{len(gone)} {'would go' if dry_run else 'retired'}.")
    return 0
