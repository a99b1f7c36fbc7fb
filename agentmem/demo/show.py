"""The demo on a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from agentmem.cli import output
from agentmem.demo import DEPTH, Asked, Question, Result, ask
from agentmem.memory import Answer, Hit

if TYPE_CHECKING:
    from agentmem.store import MemoryStore

SHOWN = 3
"""How many hits are shown for a question."""
GOLD = "●"


def as_json(result: Result) -> None:
    """The result as one JSON document."""
    output.put_json(result.to_dict())


def result(found: Result) -> None:
    """Questions, hits with their reasons, timings, and a summary."""
    click.echo(
        f"Ines and Jonah write to each other from January to July 2025: {found.turns} turns in "
        f"{found.sessions} sessions."
    )
    stored = f"Stored and indexed in {found.load_ms:.0f} ms" if found.load_ms else "Found as stored before"
    click.echo(f"{stored}, with no key, no model server and no network. Now it is asked about them.")
    for number, asked in enumerate(found.asked, 1):
        click.echo()
        question(number, asked)
    click.echo()
    click.echo(f"{found.right} of {len(found.asked)} questions are answered rightly, with no language model.")
    total = len(found.answerable)
    click.echo(
        f"{output.styled(GOLD, fg='green')} marks a turn that answers the question: in the first place for "
        f"{found.first} of {total} questions, among the first {DEPTH} for {found.within}."
    )
    click.echo(
        f"The first search took {found.first_ms:.1f} ms (it loads the embedder and the indexes), the others "
        f"{found.median_ms:.1f} ms (median)."
    )
    if found.file:
        click.echo(f'The file stays: agentmem search {found.file} "who plays the accordion?" --explain')


def question(number: int, asked: Asked) -> None:
    """One question of the list."""
    head = f"{number:>2}. {asked.question.question}"
    click.echo(
        f"{output.styled(head, bold=True)}  "
        f"{output.styled(f'{asked.question.kind}, {asked.search_ms:.1f} ms', dim=True)}"
    )
    answer(asked.answer)
    marked = asked.question.gold
    shown = list(asked.hits[:SHOWN])
    if marked and asked.rank and asked.rank > SHOWN:
        shown.append(asked.hits[asked.rank - 1])
    if marked or asked.answer.text is not None:
        hits(shown, asked.hits, marked)


def answer(found: Answer) -> None:
    """The local reader's answer."""
    if found.text is None:
        click.echo(output.styled("    → The memory does not hold this.", fg="green"))
    else:
        click.echo(output.styled(output.wrapped(f"→ {found.text}", "    "), fg="green"))
    for line in found.chain:
        click.echo(output.styled(output.wrapped(f"· {line}", "      "), fg="yellow"))


def hits(shown: Sequence[Hit], ranking: Sequence[Hit], marked: Collection[str] = ()) -> None:
    """Hits with their reasons; a mark stands before those that answer."""
    for hit in shown:
        place = next((i for i, other in enumerate(ranking, 1) if other is hit), 0)
        mark = output.styled(GOLD, fg="green") if hit.memory.id in marked else " "
        about = output.styled(f"{hit.memory.at:%d %b} {output.who(hit.memory)}", fg="cyan")
        click.echo(f"  {mark} {place}. {about}: {output.visible(hit.memory.text)}")
        if hit.why:
            click.echo(output.styled(f"       {output.visible('; '.join(hit.why))}", dim=True))


def prompt(memory: MemoryStore, at: str) -> None:
    """Take questions until an empty line, ``/quit``, or the end of the input."""
    day = datetime.fromisoformat(at)
    click.echo(f"\nAsk something about Ines and Jonah, as on {day.day} {day:%B %Y}. An empty line ends it.")
    while True:
        try:
            text = click.prompt("?", prompt_suffix=" ", default="", show_default=False).strip()
        except (click.Abort, EOFError):
            click.echo()
            return
        if text in ("", "/quit", "/exit", "/q"):
            return
        asked = ask(memory, Question(text, "", None, ()), at)
        answer(asked.answer)
        hits(asked.hits[:SHOWN], asked.hits)
        click.echo(output.styled(f"    {asked.search_ms:.1f} ms", dim=True))
