"""Is the older statement found that a newer one updates, among all that the user said before?

::

    python -m agentmem.evals.earlier --data DIR --embedder static

The newest user turn of a question's evidence against the older ones, among all earlier user turns:
LongMemEval (knowledge-update) and BEAM (knowledge_update, contradiction_resolution), by
:func:`agentmem.facts.earlier.earlier` and, beside it, by plain cosines of whole turns. This ranks; *that* a
turn is an update is not decided.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agentmem.clock import to_datetime
from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput
from agentmem.evals import metrics
from agentmem.evals.cache import CachedEmbedder
from agentmem.evals.quality import EMBEDDERS, packaged
from agentmem.evals.tasks import TASKS, data_folder
from agentmem.evals.tasks.base import Pool
from agentmem.facts.earlier import earlier
from agentmem.memory import Draft

SETS = {
    "longmemeval": ("knowledge-update",),
    "beam": ("knowledge_update", "contradiction_resolution"),
}
CUTS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Row:
    """How often the older statement is among the first, for one set and method.

    Attributes:
        name: of set and kind.
        method: how turns were compared.
        earlier: mean number of earlier turns.
        found: cut-off -> share of newer turns with an older one of theirs among the first so many.
        rank: mean of 1 / rank of the first older one.
    """

    name: str
    method: str
    earlier: float
    found: dict[int, metrics.Mean]
    rank: float


@dataclass(frozen=True, slots=True)
class Case:
    """A newer turn, the earlier ones, and which of them it updates."""

    new: str
    olds: list[str]
    gold: frozenset[int]


def cases(pool: Pool, category: str) -> Iterator[Case]:
    """The cases of a pool: questions of a category whose evidence has a newer and an older user turn."""
    said = {str(item.id): item for item in pool.items if item.role == "user"}
    for question in pool.questions:
        if question.category != category or not question.answerable:
            continue
        turns = sorted((said[id] for id in question.gold if id in said), key=_moment)
        if len(turns) < 2 or _moment(turns[0]) == _moment(turns[-1]):
            continue
        new = turns[-1]
        before = [item for item in said.values() if _moment(item) < _moment(new)]
        olds = {str(item.id) for item in turns[:-1]}
        gold = frozenset(place for place, item in enumerate(before) if str(item.id) in olds)
        yield Case(new.text, [item.text for item in before], gold)


def _moment(item: Draft) -> Any:
    return to_datetime(item.at) if item.at is not None else None


def rank(case: Case, embedder: Embedder | None, whole: bool) -> int:
    """The rank of the first older turn, from 1."""
    if whole and embedder is not None:
        vectors = embedder.embed([case.new, *case.olds])
        order = np.argsort(-(vectors[1:] @ vectors[0]), kind="stable").tolist()
    else:
        found = earlier(case.new, case.olds, embedder, k=len(case.olds))
        order = [one.place for one in found]
    return next((place for place, old in enumerate(order, 1) if old in case.gold), len(case.olds) + 1)


def measure(
    folder: Path, sets: Sequence[str], embedder: Embedder | None, name: str, seed: int = 0
) -> list[Row]:
    """Rates of each set and kind, by plain cosines and by what the product does."""
    rows: list[Row] = []
    for task in sets:
        pools = list(TASKS[task].load(folder))
        for category in SETS[task]:
            given = [case for pool in pools for case in cases(pool, category)]
            if not given:
                raise InvalidInput(f"{task} in {folder} holds no pairs of the kind {category!r}")
            for whole in (True, False) if embedder is not None else (False,):
                ranks = [rank(case, embedder, whole) for case in given]
                sys.stderr.write(f"{task} {category}: {len(given)} pairs\n")
                found = {cut: metrics.mean([float(one <= cut) for one in ranks], seed=seed) for cut in CUTS}
                how = f"{name}, " + ("plain cosine" if whole else "earlier()")
                size = sum(len(case.olds) for case in given) / len(given)
                rows.append(
                    Row(f"{task} {category}", how, size, found, sum(1 / one for one in ranks) / len(ranks))
                )
    return rows


def table(rows: Sequence[Row], command: str) -> str:
    """The rows as Markdown."""
    lines = [
        "| set | pairs | earlier turns | method | R@1 | R@5 | R@10 | MRR |",
        "|---" * 8 + "|",
    ]
    for row in rows:
        cells = " | ".join(str(row.found[cut]) for cut in CUTS)
        count = row.found[CUTS[0]].n
        lines.append(
            f"| {row.name} | {count} | {row.earlier:.0f} | {row.method} | {cells} | {row.rank:.2f} |"
        )
    return "\n".join([*lines, "", f"`{command}`"])


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.earlier", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", help="folder of the data; else the environment's AGENTMEM_DATA")
    parser.add_argument("--sets", default=",".join(SETS), help="by commas")
    parser.add_argument("--embedder", default="static", choices=EMBEDDERS)
    parser.add_argument("--cache", type=Path, help="folder where vectors are kept between runs")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    given = parser.parse_args(argv)
    embedder = packaged(given.embedder, given.cache)
    rows = measure(data_folder(given.data), given.sets.split(","), embedder, given.embedder, given.seed)
    if isinstance(embedder, CachedEmbedder):
        embedder.close()
    command = " ".join(["python -m agentmem.evals.earlier", *(sys.argv[1:] if argv is None else argv)])
    if given.json:
        shown = {"rows": [asdict(row) for row in rows], "command": command}
        sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(table(rows, command) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
