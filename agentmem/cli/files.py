"""Commands about the whole file: stats, namespaces, check, reindex, backup."""

from __future__ import annotations

from pathlib import Path

import click

from agentmem.cli import output
from agentmem.cli.group import Failure
from agentmem.cli.options import Setup, common, file_argument


@click.command("stats")
@file_argument
@common
def stats_command(setup: Setup, file: str) -> int:
    """Say what the file holds, and what it takes."""
    with setup.open(file, reindexing=True) as memory:
        stats = memory.stats()
    if setup.json:
        output.put_json(stats.to_dict())
        return 0
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(stats.kinds.items()))
    span = f"{output.short_time(stats.first)} to {output.short_time(stats.last)}" if stats.first else "none"
    shown = {
        "file": stats.path,
        "namespace": "/".join(stats.namespace) or "(all)",
        "memories": f"{stats.memories}" + (f" ({kinds})" if kinds else ""),
        "versions": stats.versions,
        "namespaces": stats.namespaces,
        "links": stats.links,
        "times": span,
        "pending": stats.pending,
        "stale": stats.stale,
        "store": stats.store,
        "embedder": f"{stats.embedder} ({stats.dim} wide)" if stats.dim else stats.embedder,
        "size": f"{output.size(stats.bytes)}, caches {output.size(stats.cache_bytes)}",
        "index": ", ".join(f"{name} {value}" for name, value in stats.index.items()) or "not built",
    }
    output.pairs(shown)
    return 0


@click.command("namespaces")
@file_argument
@common
def namespaces_command(setup: Setup, file: str) -> int:
    """List the namespaces that hold a memory.

    With --json a list of lists of labels.
    """
    with setup.open(file, reindexing=True) as memory:
        names = memory.list_namespaces()
    if setup.json:
        output.put_json([list(name) for name in names])
    for name in () if setup.json else names:
        click.echo("/".join(output.visible(label) for label in name) or "/")
    if not names:
        setup.note("No memories.")
    return 0 if names else 1


@click.command("check")
@file_argument
@common
def check_command(setup: Setup, file: str) -> int:
    """Verify the file; exit code 0 only if clean.

    Looks at its structure, links, vectors and caches.
    """
    with setup.open(file, whole=True, reindexing=True) as memory:
        problems = memory.check()
    if setup.json:
        found = [{"where": problem.where, "what": problem.what} for problem in problems]
        output.put_json({"clean": not problems, "problems": found})
        return 1 if problems else 0
    for problem in problems:
        click.echo(f"{problem.where}: {problem.what}")
    if not problems:
        setup.note(f"{file} is clean.")
    return 1 if problems else 0


@click.command("reindex")
@file_argument
@common
def reindex_command(setup: Setup, file: str) -> int:
    """Make words and vectors anew.

    With --embedder NAME the file moves to another embedder.
    """
    shown = not setup.quiet and not setup.json
    with (
        setup.open(file, whole=True, reindexing=True) as memory,
        output.Bar("Reindexing", shown=shown) as bar,
    ):
        count = memory.reindex(embedder=setup.embedder, progress=bar.reach)
        name = memory.stats().embedder
    if setup.json:
        output.put_json({"versions": count, "embedder": name})
    else:
        setup.note(f"Indexed {count} versions with the embedder {name}.")
    return 0


@click.command("backup")
@file_argument
@click.argument("out", type=click.Path())
@common
def backup_command(setup: Setup, file: str, out: str) -> int:
    """Write a complete copy to the new file OUT.

    Others may read and write meanwhile.
    """
    if Path(out).exists():
        raise Failure(f"{out} is there already; a backup goes to a new file", "FileExists", 2)
    with setup.open(file, whole=True, reindexing=True) as memory:
        memory.backup(out)
    size = Path(out).stat().st_size
    if setup.json:
        output.put_json({"out": out, "bytes": size})
    else:
        setup.note(f"Wrote {output.size(size)} to {out}.")
    return 0
