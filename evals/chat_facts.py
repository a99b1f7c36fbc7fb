"""Facts as people say them in a chat: what is answered, and what must not be taken for a change.

::

    python -m agentmem.evals.chat_facts                        both halves, strict, propose and auto
    python -m agentmem.evals.chat_facts --half dev --wrong     what went wrong on the development half

The scenarios, ``evals/data/chat_facts.jsonl``, are our own: a few dated turns, a question, and what the
answer must name. Of each kind every other one is of the half ``dev``, on which the reading was developed;
what went wrong on the half ``test`` was not looked at. One author wrote scenarios and reading: real chats are
less kind.

A line of the file is a JSON object: ``kind``, ``said`` (turns: ``speaker``, ``at``, ``text``), ``question``,
``gold`` (a list of alternatives for each thing the answer must name; empty where it must be silent) and, if
wanted, ``rival``: the other value that the turns name. Each scenario is a store of its own. *false* counts
the scenarios in which nothing changed and yet the rival stands where the answer should.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import agentmem
from agentmem.clock import to_datetime
from agentmem.errors import InvalidInput, UnknownOption
from agentmem.evals.quality import EMBEDDERS
from agentmem.memory import Draft
from agentmem.store import MemoryStore

DATA = Path(__file__).parent / "data" / "chat_facts.jsonl"
HALVES = ("dev", "test")
MODES = ("strict", "propose", "auto")
CHANGES = frozenset(("update", "closing"))
"""Kinds in which something changed; in all others naming the rival is wrong."""
LATER = timedelta(days=30)
"""How long after the last turn the question is asked."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Turns, a question, and what its answer must name; see the module."""

    id: str
    kind: str
    half: str
    said: tuple[Draft, ...]
    question: str
    gold: tuple[tuple[str, ...], ...]
    rival: str = ""

    @property
    def asked(self) -> datetime:
        """When the question is asked."""
        return max(to_datetime(one.at) for one in self.said if one.at is not None) + LATER


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a scenario.

    Attributes:
        scenario, mode: which, and what is done with updates in other words.
        text: the answer.
        by_facts: facts gave it, not a sentence that was found.
        right: it names all it must, or is silent where it must be.
        false: it gives the rival though nothing changed.
        doubted: the answer stands, and the rival is named beside it though nothing changed.
    """

    scenario: Scenario
    mode: str
    text: str | None
    by_facts: bool
    right: bool
    false: bool
    doubted: bool


def scenarios(path: Path = DATA, half: str | None = None) -> list[Scenario]:
    """The scenarios of a half, or all.

    Raises:
        InvalidInput: a line lacks something, or there is none.
        UnknownOption: there is no such half.
    """
    if half is not None and half not in HALVES:
        raise UnknownOption("half", half, HALVES)
    found = list(_read(path))
    found = [one for one in found if half in (None, one.half)]
    if not found:
        raise InvalidInput(f"{path} holds no scenario")
    return found


def _read(path: Path) -> Iterator[Scenario]:
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        try:
            row = json.loads(line)
            said = tuple(Draft(turn["text"], speaker=turn["speaker"], at=turn["at"]) for turn in row["said"])
            gold = tuple(tuple(some) for some in row["gold"])
            half = HALVES[number % 2]
            yield Scenario(
                row.get("id", str(number)),
                row["kind"],
                half,
                said,
                row["question"],
                gold,
                row.get("rival", ""),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInput(f"{path}, line {number + 1}: not a scenario: {error!r}") from error


def played(one: Scenario, mode: str, embedder: str) -> Outcome:
    """Write a scenario's turns, ask its question, and judge the answer."""
    with agentmem.open(":memory:", embedder=embedder, updates=mode) as store:
        store.add_many(one.said)
        return _judged(store, one, mode)


def _judged(store: MemoryStore, one: Scenario, mode: str) -> Outcome:
    text = store.ask(one.question, at=one.asked).text
    by_facts = store.facts.ask(one.question, at=one.asked) is not None
    told = (text or "").casefold()
    named = all(any(gold.casefold() in told for gold in some) for some in one.gold)
    right = text is None if not one.gold else text is not None and named
    rival = bool(one.rival) and one.kind not in CHANGES and one.rival.casefold() in told
    first = told.split(" (")[0]
    held = any(gold.casefold() in first for some in one.gold for gold in some)
    return Outcome(one, mode, text, by_facts, right, rival and not held, rival and held)


def table(found: Sequence[Outcome]) -> str:
    """Counts by half, mode and kind, as Markdown."""
    lines = [
        "| half | mode | kind | n | right | wrong | silent | by facts | false | doubted |",
        "|" + "---|" * 10,
    ]
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for one in found:
        for kind in (one.scenario.kind, "all"):
            groups.setdefault((one.scenario.half, one.mode, kind), []).append(one)
    ordered = sorted(groups, key=lambda key: (key[0], MODES.index(key[1]), key[2] == "all"))
    for half, mode, kind in ordered:
        some = groups[half, mode, kind]
        silent = sum(one.text is None and not one.right for one in some)
        right = sum(one.right for one in some)
        lines.append(
            f"| {half} | {mode} | {kind} | {len(some)} | {right} | {len(some) - right - silent} | {silent} | "
            f"{sum(one.by_facts for one in some)} | {sum(one.false for one in some)} | "
            f"{sum(one.doubted for one in some)} |"
        )
    return "\n".join(lines)


def wrong(found: Sequence[Outcome]) -> Iterator[str]:
    """What went wrong, for people."""
    for one in found:
        if not one.right or one.false or one.doubted:
            said = " | ".join(f"{draft.speaker}: {draft.text}" for draft in one.scenario.said)
            asked = f"{one.scenario.question} {one.scenario.gold}"
            yield f"{one.mode} {one.scenario.id}: {said}\n  {asked}\n  {one.text}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.chat_facts", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--half", choices=HALVES, help="one half alone")
    parser.add_argument("--modes", default="strict,propose,auto", help="by commas")
    parser.add_argument("--embedder", default="static", choices=EMBEDDERS)
    parser.add_argument("--scenarios", type=Path, default=DATA, help="another file of scenarios")
    parser.add_argument("--wrong", action="store_true", help="show what went wrong")
    parser.add_argument("--json", action="store_true", help="every outcome as JSON")
    given = parser.parse_args(argv)
    modes: list[str] = given.modes.split(",")
    if not set(modes) <= set(MODES):
        raise UnknownOption("mode", given.modes, MODES)
    asked = scenarios(given.scenarios, given.half)
    found = [played(one, mode, given.embedder) for mode in modes for one in asked]
    if given.json:
        rows: list[Mapping[str, object]] = [
            {**{k: v for k, v in asdict(one).items() if k != "scenario"}, "id": one.scenario.id}
            for one in found
        ]
        sys.stdout.write(
            json.dumps({"embedder": given.embedder, "outcomes": rows}, ensure_ascii=False) + "\n"
        )
        return 0
    if given.wrong:
        sys.stderr.write("\n".join(wrong(found)) + "\n")
    command = " ".join(["python -m agentmem.evals.chat_facts", *(sys.argv[1:] if argv is None else argv)])
    sys.stdout.write(f"{table(found)}\n\n`{command}`\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
