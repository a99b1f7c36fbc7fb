"""Whole events against fixed windows and loose turns, at one budget of tokens.

::

    python -m agentmem.evals.events --data DIR --tasks locomo --tokens 500,1000,2000

EM-LLM's own control (arXiv 2407.09450, appendix): on text, chunks cut by surprise alone lost to fixed
windows. So each way of cutting the conversation is scored beside windows of fixed size, whole sessions,
events of the same lengths in random order, and the single turns of ``search``, all filling the same budget:
the share of evidence turns that stand in what is returned, with an interval bootstrapped over questions.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import agentmem
from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput
from agentmem.evals import metrics, quality
from agentmem.evals.tasks import Pool, data_folder
from agentmem.language.tokens import count_tokens
from agentmem.stores.episodic import EpisodicStore

ARMS: dict[str, Mapping[str, Any]] = {
    "windows of 1 turn": {"segmentation": "fixed", "size": 1},
    "windows of 4 turns": {"segmentation": "fixed", "size": 4},
    "windows of 8 turns": {"segmentation": "fixed", "size": 8},
    "sessions": {"segmentation": "session"},
    "random, lengths as by surprise": {"segmentation": "random"},
    "surprise": {"refine": None},
    "surprise, modularity": {},
    "surprise, conductance": {"refine": "conductance"},
    "surprise, modularity, keys": {"similarity": "representatives"},
}
"""Name -> options of the store; each is run without and with neighbours."""

Returned = Callable[[str, Any, int], list[str]]


def turns(store: EpisodicStore) -> Returned:
    """The best turns of ``search`` that fit the budget."""

    def returned(question: str, at: Any, budget: int) -> list[str]:
        ids: list[str] = []
        for hit in store.search(question, 200, at=at):
            cost = count_tokens(hit.memory.text)
            if cost > budget:
                break
            budget -= cost
            ids.append(hit.memory.id)
        return ids

    return returned


def whole(store: EpisodicStore) -> Returned:
    """The turns of ``events``."""

    def returned(question: str, at: Any, budget: int) -> list[str]:
        found = store.events(question, tokens=budget, at=at)
        return [turn.id for event in found for turn in event.turns]

    return returned


def score(
    pools: Sequence[Pool],
    embedder: Embedder | None,
    options: Mapping[str, Any],
    loose: bool,
    budgets: Sequence[int],
) -> tuple[dict[int, list[float]], float, float]:
    """(budget -> share of evidence of each question, turns an event, milliseconds a question)."""
    shares: dict[int, list[float]] = {budget: [] for budget in budgets}
    events = told = 0
    spent = 0.0
    for pool in pools:
        with agentmem.open(":memory:", store=EpisodicStore, embedder=embedder or "none", **options) as store:
            assert isinstance(store, EpisodicStore)
            store.add_many(pool.items)
            events += len(store.timeline())
            told += len(pool.items)
            ask = turns(store) if loose else whole(store)
            start = time.perf_counter()
            for question in pool.questions:
                for budget in budgets if question.gold else ():
                    found = ask(question.text, question.at, budget)
                    shares[budget].append(metrics.share_at(found, question.gold, max(len(found), 1)))
            spent += time.perf_counter() - start
    asked = sum(map(len, shares.values()))
    if not asked:
        raise InvalidInput("no question has evidence")
    return shares, told / max(events, 1), 1000 * spent / asked


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = quality.arguments("events", __doc__, "locomo", "static")
    parser.add_argument("--tokens", default="500,1000,2000", help="budgets, by commas")
    given = parser.parse_args(argv)
    folder = data_folder(given.data)
    pools = [pool for task in quality.named(given.tasks) for pool in task.load(folder)]
    embedder = quality.packaged(given.embedder, given.cache)
    budgets = [int(one) for one in given.tokens.split(",")]
    lines = ["| | neighbours | turns an event | " + " | ".join(f"{b} tokens" for b in budgets) + " | ms |"]
    lines.append("|---" * (len(budgets) + 4) + "|")
    rows: list[tuple[str, str, Mapping[str, Any], bool]] = [("turns of search", "", {}, True)]
    for name, options in ARMS.items():
        for share in (0.0, 0.3):
            rows.append((name, str(share), {**options, "contiguity": share}, False))
    for name, share_, options, loose in rows:
        shares, size, took = score(pools, embedder, options, loose, budgets)
        cells = [str(metrics.mean(shares[budget], seed=given.seed)) for budget in budgets]
        held = "1.0" if loose else f"{size:.1f}"
        lines.append(f"| {name} | {share_} | {held} | " + " | ".join(cells) + f" | {took:.1f} |")
        sys.stderr.write(lines[-1] + "\n")
    command = " ".join(sys.argv[1:] if argv is None else argv)
    sys.stdout.write("\n".join([*lines, "", f"`python -m agentmem.evals.events {command}`"]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
