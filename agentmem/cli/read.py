"""Commands that find and show: search, ask, list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agentmem.cli import output
from agentmem.cli.options import (
    Moment,
    Setup,
    common,
    during_option,
    file_argument,
    filter_option,
    known_at_option,
    subtree_option,
)

if TYPE_CHECKING:
    from agentmem.memory import Hit, Memory
    from agentmem.store import MemoryStore


@click.command("search")
@file_argument
@click.argument("query", nargs=-1, required=True)
@click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="At most so many.")
@click.option("--explain", is_flag=True, help="Show what each signal contributed, and why.")
@click.option("--at", type=Moment(), help='The time it is asked: what "last week" is relative to.')
@known_at_option
@during_option
@filter_option
@subtree_option
@common
def search_command(
    setup: Setup,
    file: str,
    query: tuple[str, ...],
    k: int,
    explain: bool,
    at: Any,
    known_at: Any,
    during: Any,
    filter_: Any,
    subtree: bool,
) -> int:
    """Find the memories that answer QUERY, best first.

    In a pipe: relevance, time, who, id, text, separated by tabs. With --json a list of hits, each with
    its memory, its signals and its path. Exit code 1 when nothing is found.
    """
    with setup.open(file) as memory:
        hits = memory.search(
            " ".join(query), k, at=at, known_at=known_at, during=during, filter=filter_, subtree=subtree
        )
        if not hits and not subtree:
            _look_below(setup, memory)
        if explain:
            hits = memory.explain(hits, at=at, known_at=known_at, filter=filter_)
    if setup.json:
        output.put_json([hit.to_dict() for hit in hits])
    elif not hits:
        setup.note("Nothing found.")
    elif output.in_terminal() or explain:
        for place, hit in enumerate(hits, 1):
            _put_hit(place, hit, explain)
    else:
        output.table((), (_hit_row(hit) for hit in hits))
    return 0 if hits else 1


def _look_below(setup: Setup, memory: MemoryStore) -> None:
    """Nothing was found: say so if all there is lies in namespaces below."""
    names = memory.list_namespaces()
    if names and next(memory.list(limit=1), None) is None:
        many = "1 namespace" if len(names) == 1 else f"{len(names)} namespaces"
        setup.note(f"This namespace is empty; --subtree searches {many} below, such as {'/'.join(names[0])}.")


def _hit_row(hit: Hit) -> list[str]:
    memory = hit.memory
    return [f"{hit.relevance:.2f}", memory.at.isoformat(), output.who(memory), memory.id, memory.text]


def _put_hit(place: int, hit: Hit, explain: bool) -> None:
    memory = hit.memory
    where = "/".join(memory.namespace)
    parts = [output.short_time(memory.at), output.visible(output.who(memory)), where and f"in {where}"]
    head = f"{place:>2}  {output.styled(f'{hit.relevance:.2f}', fg='green', bold=True)}"
    about = output.styled("  ".join(part for part in parts if part), fg="cyan")
    click.echo(f"{head}  {about}  {output.styled(output.visible(memory.id), dim=True)}")
    click.echo(output.wrapped(memory.text, "    "))
    if not explain:
        return
    signals = sorted(hit.signals.items(), key=lambda item: -abs(item[1]))
    shown = "  ".join(f"{name} {value:+.3f}" for name, value in signals)
    sum_line = output.wrapped(f"score {hit.score:.3f} = {shown or 'no signals'}", "    ")
    click.echo(output.styled(sum_line, fg="yellow"))
    for reason in hit.why:
        click.echo(output.styled(f"    · {output.visible(reason)}", fg="yellow"))
    if hit.via:
        path = " → ".join(f"{step.id} ({step.kind} {step.weight:.2f})" for step in hit.via)
        click.echo(output.styled(f"    reached by {path}", fg="yellow"))


@click.command("ask")
@file_argument
@click.argument("question", nargs=-1, required=True)
@click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="Memories considered.")
@click.option("--at", type=Moment(), help='The time it is asked: what "last week" is relative to.')
@known_at_option
@filter_option
@subtree_option
@common
def ask_command(
    setup: Setup,
    file: str,
    question: tuple[str, ...],
    k: int,
    at: Any,
    known_at: Any,
    filter_: Any,
    subtree: bool,
) -> int:
    """Answer QUESTION by quoting memory, with no model.

    Prints the answer, and the memory it was taken from. Exit code 1 when the memory does not hold it.
    """
    with setup.open(file) as memory:
        answer = memory.ask(
            " ".join(question), k=k, at=at, known_at=known_at, filter=filter_, subtree=subtree
        )
        if answer.text is None and not subtree:
            _look_below(setup, memory)
    if setup.json:
        output.put_json(answer.to_dict())
    elif answer.text is None:
        setup.note("The memory does not hold an answer.")
    else:
        click.echo(output.visible(answer.text))
        if not setup.quiet:
            for line in answer.chain:
                click.echo(output.styled(f"  · {output.visible(line)}", fg="yellow"), err=True)
            for hit in answer.hits[:1]:
                _put_source(hit.memory, answer.quote, answer.confidence)
    return 0 if answer.text is not None else 1


def _put_source(memory: Memory, quote: str | None, confidence: float) -> None:
    said = output.visible(quote or memory.text)
    parts = [output.short_time(memory.at), output.visible(output.who(memory)), memory.id]
    about = "  ".join(part for part in parts if part)
    click.echo(output.fit(f'  from "{said}"', output.terminal_width()).rstrip(), err=True)
    click.echo(f"  {about}  confidence {confidence:.2f}", err=True)


@click.command("list")
@file_argument
@click.option("--limit", "-l", type=click.IntRange(min=1), help="At most so many.")
@click.option(
    "--order",
    type=click.Choice(["at", "-at", "position", "-position"]),
    default="at",
    show_default=True,
    help="By time or by arrival; a minus for the newest first.",
)
@click.option("--after", metavar="ID", help="Only what comes after this memory, to go on by pages.")
@known_at_option
@during_option
@filter_option
@subtree_option
@common
def list_command(
    setup: Setup,
    file: str,
    limit: int | None,
    order: str,
    after: str | None,
    known_at: Any,
    during: Any,
    filter_: Any,
    subtree: bool,
) -> int:
    """List memories by time.

    In a pipe: id, time, who, text, separated by tabs. With --json one memory a line. Exit code 1 when
    there are none.
    """
    found = False
    with setup.open(file, reindexing=True) as memory:
        memories = memory.list(
            filter=filter_, during=during, order=order, after=after, limit=limit, subtree=subtree,
            known_at=known_at,
        )  # fmt: skip
        if setup.json:
            for one in memories:
                found = True
                output.put_json(one.to_dict(), compact=True)
        elif not output.in_terminal():
            for one in memories:
                found = True
                output.table((), [[one.id, one.at.isoformat(), output.who(one), one.text]])
        else:
            found = _put_pages(memories, subtree)
        if not found and not subtree:
            _look_below(setup, memory)
    if not found:
        setup.note("No memories.")
    return 0 if found else 1


def _put_pages(memories: Any, subtree: bool) -> bool:
    """Tables of up to 500 rows, so that a long list begins at once."""
    from itertools import islice

    head = ["id", "when", "who", "text"]
    found = False
    while page := list(islice(memories, 500)):
        rows = [[one.id, output.short_time(one.at), output.who(one), one.text] for one in page]
        if subtree:
            rows = [["/".join(one.namespace), *row] for one, row in zip(page, rows, strict=True)]
        output.table(["namespace", *head] if subtree else head, rows)
        found = True
    return found


@click.command("show")
@file_argument
@click.argument("id")
@click.option("--history", is_flag=True, help="All versions, oldest first.")
@known_at_option
@common
def show_command(setup: Setup, file: str, id: str, history: bool, known_at: Any) -> int:
    """Show everything about one memory.

    With --json the memory as an object; with --history too, one version a line. Exit code 1 when there
    is no such memory.
    """
    with setup.open(file, reindexing=True) as memory:
        versions = memory.history(id) if history else [memory.get(id, known_at=known_at)]
        links = [] if history else memory.links(id, known_at=known_at)
    for place, one in enumerate(versions):
        if setup.json:
            output.put_json(one.to_dict(), compact=history)
            continue
        if place:
            click.echo()
        output.pairs(_described(one))
    if not setup.json:
        for link in links:
            other = f"→ {link.target}" if link.source == id else f"← {link.source}"
            click.echo(f"{output.styled('link', bold=True)}  {link.kind} {other} ({link.weight:.2f})")
    return 0


def _described(memory: Memory) -> dict[str, str]:
    """The fields that say something."""
    import json

    shown: dict[str, str] = {}
    for name, value in memory.to_dict().items():
        if value in (None, [], {}) or (name == "trust" and value == 1.0):
            continue
        if name == "namespace":
            shown[name] = "/".join(value)
        elif isinstance(value, (dict, list)):
            shown[name] = json.dumps(value, ensure_ascii=False)
        else:
            shown[name] = output.visible(str(value)) if name != "text" else _safe_lines(str(value))
    return shown


def _safe_lines(text: str) -> str:
    return text if not output.in_terminal() else "\n".join(output.visible(line) for line in text.split("\n"))
