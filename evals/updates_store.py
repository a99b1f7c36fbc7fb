"""The same pairs through a whole store: are they read, is the right slot proposed, what is replaced?

::

    python -m agentmem.evals.updates_store                  the test half, static
    python -m agentmem.evals.updates_store --half fit --embedder minilm --register chat

The pairs of :mod:`agentmem.evals.updates`, encyclopaedic ones or those from chats, go into one store, first
the older statements, later the newer ones, each pair with a subject of its own, whose name is made up; in a
chat that is who speaks. A pair of kind ``slot`` gives its update's subject a second fact, so that a wrong
slot can be chosen.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import agentmem
from agentmem.errors import InvalidInput
from agentmem.evals import metrics
from agentmem.evals.quality import EMBEDDERS
from agentmem.evals.updates import BESIDE, DATA, HALVES, Example, examples
from agentmem.facts.model import Fact
from agentmem.memory import Draft
from agentmem.store import MemoryStore

BEFORE, AFTER = "2024-01-01", "2024-06-01"
_FIRST = ("Ar", "Bel", "Cor", "Dal", "Em", "Fen", "Gor", "Hal", "Il", "Jor", "Kel", "Lor", "Mar", "Nel", "Or")
_LAST = (
    "bek",
    "dan",
    "fir",
    "gos",
    "ham",
    "kin",
    "lev",
    "mor",
    "nis",
    "pol",
    "rud",
    "sten",
    "tov",
    "vik",
    "zan",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the pairs.

    Attributes:
        mode: ``strict``, ``propose`` or ``auto``.
        updates, negatives: how many.
        unread: updates of which the older or the newer sentence was not read as a fact.
        right, right_weak: share of updates proposed for their own slot, at strong, and at either level.
        wrong: updates proposed for another slot of the subject, at strong.
        false, false_weak: share of negatives proposed, at strong, and at either level.
        replaced: negatives whose older fact was replaced by one in other words.
        beneath: negatives whose older fact lies, alive, beneath a newer one of the same wording.
        acted: updates whose older fact was replaced.
    """

    mode: str
    updates: int
    negatives: int
    unread: int
    right: metrics.Mean
    right_weak: metrics.Mean
    wrong: int
    false: metrics.Mean
    false_weak: metrics.Mean
    replaced: int
    beneath: int
    acted: int


def names(seed: int = 0) -> Iterator[str]:
    """Made-up names of two words, each once."""
    rng = random.Random(seed)
    seen: set[str] = set()
    most = (len(_FIRST) * len(_LAST)) ** 2
    while len(seen) < most:
        name = " ".join(rng.choice(_FIRST) + rng.choice(_LAST) for _ in range(2))
        if name not in seen:
            seen.add(name)
            yield name


Said: TypeAlias = tuple[str, str | None]
"""A sentence and who says it."""
Row: TypeAlias = tuple[Example, Said, Said]
"""A pair and its older and newer sentence."""


def renamed(given: Sequence[Example]) -> list[Row]:
    """The pairs with a subject of their own each; a ``slot`` has its update's."""
    fresh = names()
    subjects: dict[str, str] = {}
    made: list[Row] = []
    for one in given:
        key = one.id.removesuffix("-slot")
        subject = subjects.setdefault(key, "") or next(fresh)
        subjects[key] = subject
        if one.register == "chat":
            made.append((one, (one.older.sentence, subject), (one.newer.sentence, subject)))
            continue
        known = re.compile(re.escape(one.older.subject), re.IGNORECASE)
        older, newer = (known.sub(subject, claim.sentence) for claim in (one.older, one.newer))
        made.append((one, (older, None), (newer, None)))
    return made


def measure(
    half: str, embedder: str, mode: str, *, path: Path = DATA, seed: int = 0, register: str = "encyclopaedic"
) -> Outcome:
    """Fill a store with the pairs of a half and look at what it proposes and does."""
    given = renamed([one for one in examples(path, half) if one.register == register])
    if not given:
        raise InvalidInput(f"{path} holds no pairs of the half {half!r} and the register {register!r}")
    with agentmem.open(":memory:", embedder=embedder, updates=mode) as store:
        earlier = dict.fromkeys(older for _, older, _ in given)
        later = dict.fromkeys(newer for one, _, newer in given if one.kind != "slot")
        for some, at in ((earlier, BEFORE), (later, AFTER)):
            store.add_many(Draft(text, speaker=speaker, at=at) for text, speaker in some)
        return _outcome(store, given, mode, seed)


def _outcome(store: MemoryStore, given: Sequence[Row], mode: str, seed: int) -> Outcome:
    said = {memory.id: (memory.text, memory.speaker) for memory in store.list(limit=None)}
    facts: dict[Said, list[Fact]] = {}
    for fact in store.facts():
        facts.setdefault(said[fact.memory], []).append(fact)
    levels = {"weak": 1, "strong": 2}
    proposed: dict[tuple[Said, Said], int] = {}
    for proposal in store.facts.proposals():
        if not proposal.closes:
            pair = said[proposal.older.memory], said[proposal.newer.memory]
            proposed[pair] = max(proposed.get(pair, 0), levels[proposal.level])
    acted: dict[Said, bool] = {}  # what was replaced -> whether by another wording
    for one, some in facts.items():
        for fact in some:
            by = store.facts.explain(fact.id).replaced_by
            if by is not None:
                acted[one] = acted.get(one, False) or by.frame.key != fact.frame.key
    updates = [row for row in given if row[0].kind == "update"]
    hard = [row for row in given if row[0].kind not in BESIDE]

    def share(rows: Sequence[Row], least: int) -> metrics.Mean:
        found = [float(proposed.get((older, newer), 0) >= least) for _, older, newer in rows]
        return metrics.mean(found, seed=seed)

    return Outcome(
        mode,
        len(updates),
        len(hard),
        sum(not {older, newer} <= facts.keys() for _, older, newer in updates),
        share(updates, 2),
        share(updates, 1),
        sum(proposed.get((older, newer), 0) == 2 for one, older, newer in given if one.kind == "slot"),
        share(hard, 2),
        share(hard, 1),
        sum(acted.get(older, False) for _, older, _ in hard),
        sum(older in acted and not acted[older] for _, older, _ in hard),
        sum(older in acted for _, older, _ in updates),
    )


def table(found: Sequence[Outcome], command: str) -> str:
    """The outcomes as Markdown."""
    first = found[0]
    lines = [
        f"## In a store: {first.updates} updates, {first.negatives} negatives; "
        f"{first.unread} updates not read as facts",
        "",
        "| mode | right slot: strong | or weak | wrong slot | false: strong | or weak "
        "| negatives: replaced | beneath the same wording | updates: replaced |",
        "|---" * 9 + "|",
    ]
    for one in found:
        cells = (one.right, one.right_weak, one.wrong, one.false, one.false_weak)
        lines.append(
            f"| {one.mode} | {' | '.join(map(str, cells))} | {one.replaced} | {one.beneath} | {one.acted} |"
        )
    return "\n".join([*lines, "", f"`{command}`"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.updates_store", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--embedder", default="static", choices=EMBEDDERS)
    parser.add_argument("--half", default="test", choices=HALVES)
    parser.add_argument("--register", default="encyclopaedic", choices=("encyclopaedic", "chat"))
    parser.add_argument("--modes", default="strict,propose,auto", help="by commas")
    parser.add_argument("--pairs", type=Path, default=DATA, help="another file of labelled pairs")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    given = parser.parse_args(argv)
    modes: list[str] = given.modes.split(",")
    found = [
        measure(given.half, given.embedder, mode, path=given.pairs, seed=given.seed, register=given.register)
        for mode in modes
    ]
    command = " ".join(["python -m agentmem.evals.updates_store", *(sys.argv[1:] if argv is None else argv)])
    if given.json:
        fields: dict[str, Any] = {"outcomes": [asdict(one) for one in found], "command": command}
        sys.stdout.write(json.dumps(fields, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(table(found, command) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
