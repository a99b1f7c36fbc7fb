"""Every store on every task, beside plain baselines, in one table: what each mechanism adds and costs.

Run ``python -m agentmem.evals.stores --data DIR``. Each store runs with its defaults, which are its
paper's parameters, after ``consolidate()``; a derived memory among the hits takes a place and counts
for nothing, because evidence is given in episodes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import agentmem
from agentmem.embed.base import Embedder
from agentmem.evals import quality
from agentmem.evals.tasks import Pool, Question, data_folder

DEFAULT_TASKS = "locomo,beam,musique,2wiki,hotpotqa"
DEFAULT_STORES = "unified,episodic,zettelkasten,hipporag,forgetting"


@dataclass(slots=True)
class Cost:
    """What writing took.

    Attributes:
        memories: how many were written.
        added: seconds of ``add_many``.
        consolidated: seconds of ``consolidate``.
    """

    memories: int = 0
    added: float = 0.0
    consolidated: float = 0.0


def system(store: str, embedder: Embedder | None, cost: Cost) -> quality.System:
    """A store with its defaults, consolidated, as the quality runner wants it."""

    def make(pool: Pool) -> quality.Ask:
        opened = agentmem.open(":memory:", store=store, namespace=pool.namespace, embedder=embedder or "none")
        start = time.perf_counter()
        opened.add_many(pool.items)
        added = time.perf_counter()
        opened.consolidate()
        cost.memories += len(pool.items)
        cost.added += added - start
        cost.consolidated += time.perf_counter() - added

        def ask(question: Question, k: int) -> list[str]:
            hits = opened.search(question.text, k, at=question.at)
            return [hit.memory.id for hit in hits if hit.memory.made_by is None]

        return ask

    return make


def table(rows: Sequence[quality.Row], costs: dict[tuple[str, str], Cost]) -> str:
    """Markdown: systems down, tasks across, each cell the share of evidence at the task's cut-offs."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    systems = list(dict.fromkeys(row.system for row in rows))
    found = {(row.system, row.task): row for row in rows}
    heads = [f"{task} R@{'/'.join(found[systems[0], task].share)}" for task in tasks]
    lines = [
        "| | " + " | ".join(heads) + " | ms a question | add, memories/s | consolidate, ms a memory |",
        "|---" * (len(tasks) + 4) + "|",
    ]
    for name in systems:
        cells = []
        asked = questions = 0.0
        total = Cost()
        for task in tasks:
            row = found[name, task]
            cells.append("/".join(f"{100 * mean.value:.1f}" for mean in row.share.values()))
            asked += row.asked
            questions += next(iter(row.share.values())).n
            cost = costs.get((name, task), Cost())
            total.memories += cost.memories
            total.added += cost.added
            total.consolidated += cost.consolidated
        rate = f"{total.memories / total.added:.0f}" if total.added else ""
        upkeep = f"{1000 * total.consolidated / total.memories:.2f}" if total.memories else ""
        lines.append(f"| {name} | {' | '.join(cells)} | {1000 * asked / questions:.2f} | {rate} | {upkeep} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = quality.arguments("stores", __doc__, DEFAULT_TASKS, "static")
    parser.add_argument("--stores", default=DEFAULT_STORES, help="by commas")
    parser.add_argument("--no-baselines", action="store_true", help="leave out plain BM25 and plain MiniLM")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args(argv)
    folder = data_folder(options.data)
    rows: list[quality.Row] = []
    costs: dict[tuple[str, str], Cost] = {}
    embedder = quality.packaged(options.embedder, options.cache)
    plain = {} if options.no_baselines else quality.plain(options.cache)
    for task in quality.named(options.tasks):
        for label, made in plain.items():
            rows.append(quality.run(task, folder, label, made, seed=options.seed))
        for store in options.stores.split(","):
            cost = costs[store, task.name] = Cost()
            made = system(store, embedder, cost)
            rows.append(quality.run(task, folder, store, made, seed=options.seed))
    given = " ".join(sys.argv[1:] if argv is None else argv)
    command = f"python -m agentmem.evals.stores {given}"
    if options.json:
        output = json.dumps(
            {
                "command": command,
                "machine": quality.machine(),
                "versions": quality.versions(),
                "rows": [asdict(row) for row in rows],
                "costs": [{"store": s, "task": t, **asdict(cost)} for (s, t), cost in costs.items()],
            }
        )
    else:
        output = f"{table(rows, costs)}\n\n`{command}`, embedder {options.embedder}"
    sys.stdout.write(output + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
