"""``agentmem facts``: what the memory takes for facts, why, and what a person decides about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from agentmem.cli import output
from agentmem.cli.group import Failure
from agentmem.cli.options import Moment, Setup, common, file_argument, known_at_option

if TYPE_CHECKING:
    from agentmem.facts.corrections import Correction
    from agentmem.facts.handle import Explanation, Facts
    from agentmem.facts.model import Fact, Proposal

ACTIONS = {
    "list": (0, 1), "explain": (1, 1), "correct": (1, 1), "undo": (1, 1), "proposals": (0, 1),
    "corrections": (0, 0), "relations": (0, 0), "outdated": (0, 0),
}  # fmt: skip
"""Action -> how many arguments it takes, at least and at most."""

HELP = """List facts, explain and correct them.

\b
agentmem facts ada.db                          all facts, newest first
agentmem facts ada.db list Ada --state active  what holds of Ada
agentmem facts ada.db explain m1#0             its sentence, what it replaced and since when
agentmem facts ada.db proposals                updates in other words, to decide on
agentmem facts ada.db correct m1#0 --by m7#0   m7#0 replaces m1#0
agentmem facts ada.db corrections              what was decided
agentmem facts ada.db undo ID                  take a decision back
agentmem facts ada.db relations                the relation wordings there are
agentmem facts ada.db outdated                 notes and summaries that rest on a fact replaced since

Nothing that was said is changed: a correction is a decision beside it, dated, and gone with `undo`.
In a pipe: id, state, time, subject, relation, object. Exit code 1 when there is nothing.
"""


@click.command("facts", help=HELP)
@file_argument
@click.argument("action", default="list", type=click.Choice(list(ACTIONS)), metavar="[ACTION]")
@click.argument("what", nargs=-1, metavar="[SUBJECT | ID]")
@click.option("--relation", help="list: only this relation: its wording, or words of it.")
@click.option(
    "--state", type=click.Choice(["active", "older", "closed"]), help="list: only facts that stand so."
)
@click.option("--at", type=Moment(), help="list: as things stood then.")
@known_at_option
@click.option("--wrong", is_flag=True, help="correct: the sentence was misread; it is no fact.")
@click.option("--until", type=Moment(), help="correct: it holds no more since then.")
@click.option("--by", metavar="ID", help="correct: this newer fact replaces it.")
@click.option("--not-by", metavar="ID", help="correct: this newer fact does not replace it.")
@click.option("--same-as", metavar="ID", help="correct: its wording and this fact's say the same.")
@click.option("--not-same-as", metavar="ID", help="correct: its wording and this fact's do not.")
@click.option("--single", is_flag=True, help="correct: its relation has one value at a time.")
@click.option("--several", is_flag=True, help="correct: its relation has several values.")
@common
def facts_command(setup: Setup, file: str, action: str, what: tuple[str, ...], **given: Any) -> int:
    """List facts, explain and correct them; see :data:`HELP`."""
    least, most = ACTIONS[action]
    if not least <= len(what) <= most:
        needed = "an ID" if action != "list" else "at most one SUBJECT"
        raise click.UsageError(f"`facts FILE {action}` takes {needed if most else 'no further argument'}")
    with setup.open(file) as memory, _named(file, action):
        facts = memory.facts
        if action == "list":
            return _list(setup, facts, what, given)
        if action == "explain":
            return _explain(setup, facts.explain(what[0]))
        if action == "proposals":
            return _proposals(setup, file, facts.proposals(*what))
        if action == "outdated":
            return _outdated(setup, facts)
        if action == "relations":
            return _relations(setup, facts)
        if action == "corrections":
            return _corrections(setup, facts.corrections())
        made = facts.undo(what[0]) if action == "undo" else _correct(facts, what[0], given)
    if setup.json:
        output.put_json(made.to_dict())
    elif action == "undo":
        setup.note(f"Taken back: {made.verb} {' '.join(made.facts)}")
    else:
        click.echo(made.id)
        setup.note(f"Noted. To take it back: agentmem facts {file} undo {made.id}")
    return 0


@contextmanager
def _named(file: str, action: str) -> Iterator[None]:
    """An id that there is not is none of a memory here."""
    from agentmem.errors import MemoryNotFound

    try:
        yield
    except MemoryNotFound as error:
        what = "correction" if action == "undo" else "fact"
        shows = "corrections" if action == "undo" else "list"
        message = (
            f"no {what} has the id {error.id!r}; `agentmem facts {file} {shows}` shows the ids there are"
        )
        raise Failure(message, "MemoryNotFound", 1) from None


def _correct(facts: Facts, id: str, given: dict[str, Any]) -> Correction:
    """The one decision that the options ask for."""
    ways: dict[str, Callable[[Any], Correction]] = {
        "wrong": lambda _: facts.wrong(id),
        "until": lambda when: facts.close(id, at=when),
        "by": lambda other: facts.replace(id, other),
        "not_by": lambda other: facts.keep(id, other),
        "same_as": lambda other: facts.same(id, other),
        "not_same_as": lambda other: facts.different(id, other),
        "single": lambda _: facts.single(id),
        "several": lambda _: facts.several(id),
    }
    chosen = [name for name in ways if given[name]]
    if len(chosen) != 1:
        options = ", ".join("--" + name.replace("_", "-") for name in ways)
        raise click.UsageError(f"say what is right, by one of {options}")
    return ways[chosen[0]](given[chosen[0]])


def _list(setup: Setup, facts: Facts, what: Sequence[str], given: dict[str, Any]) -> int:
    found = facts(
        *what, relation=given["relation"], state=given["state"], at=given["at"], known_at=given["known_at"]
    )
    if setup.json:
        output.put_json([fact.to_dict() for fact in found])
    else:
        output.table(("id", "state", "said", "subject", "relation", "object"), map(_row, found))
        if not found:
            setup.note("No facts: they are read from sentences whose wording recurs, such as 'X lives in Y.'")
    return 0 if found else 1


def _row(fact: Fact) -> list[str]:
    ended = f" {fact.valid_until:%Y-%m-%d}" if fact.valid_until is not None else ""
    return [
        fact.id, fact.state + ended, output.short_time(fact.at), fact.subject,
        _wording(fact.frame.text), fact.object,
    ]  # fmt: skip


def _wording(text: str) -> str:
    return text.replace("{s}", "…").replace("{o}", "_")


def _explain(setup: Setup, found: Explanation) -> int:
    if setup.json:
        output.put_json(found.to_dict())
        return 0
    fact = found.fact
    shown = {
        "fact": f"{fact.subject} | {_wording(fact.frame.text)} | {fact.object}",
        "state": fact.state,
        "said": f"{output.short_time(fact.at)}  {output.visible(output.who(found.memory))}".rstrip(),
        "since": output.short_time(found.since),
        "sentence": output.visible(fact.sentence),
        "memory": found.memory.id,
    }
    if fact.valid_until is not None:
        shown["until"] = output.short_time(fact.valid_until)
    if fact.flags:
        shown["read as"] = ", ".join(sorted(fact.flags))
    for name, other in (("replaces", found.replaces), ("replaced by", found.replaced_by)):
        if other is not None:
            shown[name] = f"{output.visible(other.object)} ({output.short_time(other.at)}, {other.id})"
    for one in found.corrections:
        shown[f"corrected {one.id}"] = _decision(one)
    for proposal in found.proposals:
        shown[f"{proposal.level} proposal"] = f"{proposal.older.id} → {proposal.newer.id}: {proposal.reason}"
    output.pairs(shown)
    return 0


def _proposals(setup: Setup, file: str, found: Sequence[Proposal]) -> int:
    if setup.json:
        output.put_json([one.to_dict() for one in found])
        return 0 if found else 1
    rows = [
        [one.level, f"{one.score:.1f}", one.older.id, one.newer.id, one.older.sentence, one.newer.sentence]
        for one in found
    ]
    output.table(("level", "score", "older", "newer", "older says", "newer says"), rows)
    if found:
        setup.note(f"To decide: agentmem facts {file} correct OLDER --by NEWER (or --not-by NEWER)")
    else:
        setup.note("No updates in other words to decide on.")
    return 0 if found else 1


def _outdated(setup: Setup, facts: Facts) -> int:
    found = facts.outdated()
    if setup.json:
        output.put_json([one.to_dict() for one in found])
    else:
        rows = [[one.memory.id, one.older.sentence, one.newer.sentence, one.memory.text] for one in found]
        output.table(("id", "rests on", "replaced by", "text"), rows)
        if not found:
            setup.note("Nothing derived rests on a fact that was replaced.")
    return 0 if found else 1


def _relations(setup: Setup, facts: Facts) -> int:
    found = facts.relations()
    if setup.json:
        output.put_json([{"key": one.key, "text": one.text, "support": one.support} for one in found])
    else:
        output.table(("support", "relation"), [[str(one.support), one.text] for one in found])
    return 0 if found else 1


def _corrections(setup: Setup, found: Sequence[Correction]) -> int:
    if setup.json:
        output.put_json([one.to_dict() for one in found])
    else:
        rows = [[one.id, output.short_time(one.made), _decision(one)] for one in found]
        output.table(("id", "when", "decision"), rows)
        if not found:
            setup.note("Nothing was corrected.")
    return 0 if found else 1


def _decision(one: Correction) -> str:
    about = [*one.frames] or [*one.facts]
    said = {
        "wrong": "is misread",
        "closed": f"holds no more since {output.short_time(one.until)}",
        "replaced": "is replaced by",
        "kept": "is not replaced by",
        "same": "says the same as",
        "different": "says something else than",
        "single": "has one value at a time",
        "several": "has several values",
    }[one.verb]
    told = " ".join([about[0], said, *about[1:]])
    return told if one.applies else f"{told} (the sentence has changed: it does not apply)"
