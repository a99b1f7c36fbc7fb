"""Changed facts and questions over several hops, answered by ``ask`` without a language model.

::

    python -m agentmem.evals.facts --data DIR --sets own,published,6k,32k,64k,262k --embedder minilm

FactConsolidation of MemoryAgentBench (:mod:`agentmem.evals.tasks.factconsolidation`): the published 6K
context and contexts rebuilt from MQuAKE, written in chunks as the benchmark feeds them (``--chunk``; 0: a
memory a line), each question asked through the public interface. ``own`` is a small world of the
project's own with re-worded questions, updates, and questions it cannot answer
(:mod:`agentmem.evals.tasks.reworded`); it needs no data.

An answer is right when it holds a gold string, as the benchmark scores (*exact*: when it is one). Beside
it stands a plain baseline: BM25 over the same facts, one a memory, and the reader that quotes a sentence.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

import agentmem
from agentmem.errors import InvalidInput
from agentmem.evals import metrics
from agentmem.evals.metrics import Mean
from agentmem.evals.tasks import data_folder
from agentmem.evals.tasks.factconsolidation import SIZES, Consolidation, published, rebuilt, right
from agentmem.evals.tasks.reworded import reworded
from agentmem.memory import Draft
from agentmem.recall.reader import read
from agentmem.stores.episodic import EpisodicStore

SETS = ("own", "published", *SIZES)
_START = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass(slots=True)
class Row:
    """The figures of one way to answer on one set.

    Attributes:
        name, system, facts: which set, how answered, facts in it.
        right, exact: kind of question -> share that is right by substring, by equality.
        unanswered: kind -> share of questions with no answer.
        p50, p95: milliseconds a question of processor time, the first left out.
        first: milliseconds of the first question, which makes the view.
        written: seconds to write.
        wrong: what went wrong: question, gold, answer.
    """

    name: str
    system: str
    facts: int
    right: dict[str, Mean] = field(default_factory=dict)
    exact: dict[str, Mean] = field(default_factory=dict)
    unanswered: dict[str, float] = field(default_factory=dict)
    p50: float = 0.0
    p95: float = 0.0
    first: float = 0.0
    written: float = 0.0
    wrong: list[tuple[str, str, str | None]] = field(default_factory=list)


def score(world: Consolidation, system: str, texts: Sequence[str], embedder: str, seed: int = 0) -> Row:
    """Write texts, ask every question of a set, and average.

    Args:
        world: facts and questions.
        system: ``"facts"`` or ``"baseline"``.
        texts: what is written, a memory each, in order.
        embedder: a name.
        seed: of the bootstrap.
    """
    row = Row(world.name, system, len(world.lines))
    with agentmem.open(":memory:", store=EpisodicStore, embedder=embedder) as store:
        begin = time.process_time()
        store.add_many(Draft(text, at=_START + timedelta(seconds=i)) for i, text in enumerate(texts))
        row.written = time.process_time() - begin
        when = _START + timedelta(days=30)

        def plainly(question: str) -> str | None:
            return read(question, store.search(question, 10, at=when), when).text

        ask: Callable[[str], str | None] = plainly
        if system == "facts":
            ask = lambda question: store.ask(question, at=when).text  # noqa: E731
        substring: dict[str, list[float]] = {}
        exact: dict[str, list[float]] = {}
        silent: dict[str, list[float]] = {}
        spent: list[float] = []
        for question in world.questions:
            begin = time.process_time()
            answer = ask(question.text)
            spent.append(1000 * (time.process_time() - begin))
            good = right(answer, question.gold) if question.gold else answer is None
            same = right(answer, question.gold, exact=True) if question.gold else answer is None
            substring.setdefault(question.kind, []).append(float(good))
            exact.setdefault(question.kind, []).append(float(same))
            silent.setdefault(question.kind, []).append(float(answer is None))
            if not good:
                row.wrong.append((question.text, "; ".join(question.gold[:1]), answer))
    row.right = {kind: metrics.mean(values, seed=seed) for kind, values in substring.items()}
    row.exact = {kind: metrics.mean(values, seed=seed) for kind, values in exact.items()}
    row.unanswered = {kind: float(np.mean(values)) for kind, values in silent.items()}
    row.first = spent[0]
    row.p50, row.p95 = (float(value) for value in np.percentile(spent[1:] or spent, (50, 95)))
    return row


def load(name: str, data: str | None, *, seed: int, dense: bool) -> Consolidation:
    """A set by its name.

    Raises:
        InvalidInput: no such set, or its data is not there.
    """
    if name == "own":
        return reworded()
    if name not in SETS:
        raise InvalidInput(f"{name!r} is no set; take some of {', '.join(SETS)}")
    folder: Path = data_folder(data)
    return published(folder) if name == "published" else rebuilt(folder, name, seed=seed, dense=dense)


def table(rows: Sequence[Row]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| set | facts | system | kind | n | right, % | exact, % | silent, % | p50 ms | p95 ms | first ms |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        for kind, mean in row.right.items():
            lines.append(
                f"| {row.name} | {row.facts} | {row.system} | {kind} | {mean.n} | {mean} | "
                f"{100 * row.exact[kind].value:.1f} | {100 * row.unanswered[kind]:.1f} | {row.p50:.1f} | "
                f"{row.p95:.1f} | {row.first:.0f} |"
            )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.facts", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--data", help="folder of the data; else the environment's AGENTMEM_DATA")
    parser.add_argument("--sets", default="own,published,6k", help=f"some of {','.join(SETS)}")
    parser.add_argument("--embedder", default="static", help="none, static or minilm")
    parser.add_argument("--chunk", type=int, default=512, help="tokens a memory; 0: a memory a line")
    parser.add_argument("--dense", action="store_true", help="rebuilt sets: many relations a name")
    parser.add_argument("--no-baseline", action="store_true", help="leave the baseline out")
    parser.add_argument("--wrong", type=int, default=0, help="how many wrong answers of each set to show")
    parser.add_argument("--seed", type=int, default=0, help="of the rebuilt sets and the bootstrap")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    given = parser.parse_args(argv)
    rows: list[Row] = []
    for name in given.sets.split(","):
        world = load(name.strip(), given.data, seed=given.seed, dense=given.dense)
        texts = world.chunks(given.chunk) if given.chunk and name != "own" else list(world.lines)
        arms = [("facts", texts, given.embedder)]
        if not given.no_baseline:
            arms.append(("baseline", list(world.lines), "none"))
        for system, written, embedder in arms:
            row = score(world, system, written, embedder, given.seed)
            rows.append(row)
            figures = ", ".join(f"{kind} {100 * mean.value:.1f}" for kind, mean in row.right.items())
            sys.stderr.write(f"{world.name} {system}: {figures}\n")
            for question, gold, answer in row.wrong[: given.wrong]:
                sys.stderr.write(f"  {question}\n    gold {gold!r}, answer {answer!r}\n")
    if given.json:
        report = {"seed": given.seed, "embedder": given.embedder, "rows": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        return 0
    command = " ".join(sys.argv[1:] if argv is None else argv)
    sys.stdout.write(f"{table(rows)}\n\n`python -m agentmem.evals.facts {command}`\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
