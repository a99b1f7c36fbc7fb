"""Recall of evidence on public conversations, chats and passages, beside plain baselines.

::

    python -m agentmem.evals.quality --data DIR --tasks locomo,beam --embedder static --baselines

Everything goes through the public interface: a store is opened in memory, each pool is written into a
namespace of its own, each question is searched at the time it was asked. The share of evidence among the
first k hits is averaged over every question that has evidence; intervals are bootstrapped over questions.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import agentmem
from agentmem.embed.base import Embedder
from agentmem.embed.minilm import MiniLMEmbedder
from agentmem.embed.static import StaticEmbedder
from agentmem.errors import InvalidInput, UnknownOption
from agentmem.evals import baselines, metrics
from agentmem.evals.cache import CachedEmbedder
from agentmem.evals.metrics import Mean
from agentmem.evals.tasks import TASKS, Pool, Question, Task, data_folder

EMBEDDERS = ("none", "static", "minilm")
_PACKAGES = ("agentmem-kit", "numpy", "scipy", "onnxruntime", "tokenizers", "PyStemmer")


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one way to search on one task.

    Attributes:
        task, system: which.
        share, any, all: cut-off -> mean with interval; "gold" stands for as many hits as are gold.
        categories: category -> cut-off -> share.
        written, asked: seconds to write and to ask everything.
    """

    task: str
    system: str
    share: dict[str, Mean]
    any: dict[str, Mean]
    all: dict[str, Mean]
    categories: dict[str, dict[str, Mean]]
    written: float
    asked: float


@dataclass(slots=True)
class Report:
    """All rows and what is needed to make them again."""

    command: str
    seed: int
    machine: dict[str, str]
    versions: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    wall: float = 0.0


Ask = Callable[[Question, int], list[str]]
System = Callable[[Pool], Ask]


def run(task: Task, folder: Path, name: str, system: System, *, seed: int = 0) -> Row:
    """Write each pool of a task, ask each question that has evidence, and average.

    Args:
        task: what is asked.
        folder: the data.
        name: what the system is called.
        system: pool -> a function that gives ids, best first.
        seed: of the bootstrap.

    Raises:
        InvalidInput: no question has evidence.
    """
    shares: dict[str, list[float]] = {}
    anys: dict[str, list[float]] = {}
    alls: dict[str, list[float]] = {}
    kinds: list[str] = []
    written = asked = 0.0
    for pool in task.load(folder):
        start = time.perf_counter()
        ask = system(pool)
        written += time.perf_counter() - start
        start = time.perf_counter()
        for question in pool.questions:
            if not question.gold:
                continue
            hits = ask(question, question.k or max(task.cuts))
            kinds.append(question.category)
            for label, cut in cuts(task, question):
                shares.setdefault(label, []).append(metrics.share_at(hits, question.gold, cut))
                anys.setdefault(label, []).append(metrics.any_at(hits, question.gold, cut))
                alls.setdefault(label, []).append(metrics.all_at(hits, question.gold, cut))
        asked += time.perf_counter() - start
        _say(f"{name} {task.name} {'/'.join(pool.namespace)}: {len(kinds)} questions so far")
    if not kinds:
        raise InvalidInput(f"no question of {task.name} has evidence in {folder}")
    categories = {
        kind: {
            label: metrics.mean([v for v, k in zip(values, kinds, strict=True) if k == kind], seed=seed)
            for label, values in shares.items()
        }
        for kind in sorted(set(kinds))
    }
    return Row(
        task.name,
        name,
        metrics.summary(shares, seed=seed),
        metrics.summary(anys, seed=seed),
        metrics.summary(alls, seed=seed),
        categories,
        written,
        asked,
    )


def cuts(task: Task, question: Question) -> Iterator[tuple[str, int]]:
    """(label, k) at which a question is scored."""
    if question.k is not None:
        yield "gold", question.k
    else:
        for cut in task.cuts:
            yield str(cut), cut


def product(embedder: Embedder | None, store: str) -> System:
    """A store of the package, in memory, through its public interface."""

    def system(pool: Pool) -> Ask:
        opened = agentmem.open(
            ":memory:", store=store, namespace=pool.namespace, embedder=embedder if embedder else "none"
        )
        opened.add_many(pool.items)
        opened.consolidate()

        def ask(question: Question, k: int) -> list[str]:
            return [hit.memory.id for hit in opened.search(question.text, k, at=question.at)]

        return ask

    return system


def packaged(name: str, cache: Path | None) -> Embedder | None:
    """An embedder of the package by name, its vectors kept in a folder; None for "none"."""
    if name not in EMBEDDERS:
        raise UnknownOption("embedder", name, EMBEDDERS)
    if name == "none":
        return None
    if name == "static":
        return StaticEmbedder()
    return MiniLMEmbedder() if cache is None else CachedEmbedder(MiniLMEmbedder(), cache)


def systems(
    embedders: Sequence[str], store: str, with_baselines: bool, cache: Path | None
) -> dict[str, System]:
    """Name -> system, the baselines last."""
    made: dict[str, System] = {
        f"{store}, {name}": product(packaged(name, cache), store) for name in embedders
    }
    return made | plain(cache) if with_baselines else made


def plain(cache: Path | None) -> dict[str, System]:
    """The baselines: a bare BM25 and the bare cosines of MiniLM."""
    minilm = packaged("minilm", cache)
    assert minilm is not None

    def asking(search: baselines.Searcher) -> Ask:
        return lambda question, k: search(question.text, k)

    return {
        "plain BM25": lambda pool: asking(baselines.bm25(pool)),
        "plain MiniLM": lambda pool: asking(baselines.dense(pool, minilm)),
    }


# --- the report --------------------------------------------------------------------------------------


def table(report: Report, *, categories: bool = True) -> str:
    """The report as Markdown: a table a task, systems down, cut-offs across."""
    lines: list[str] = []
    for task in dict.fromkeys(row.task for row in report.rows):
        rows = [row for row in report.rows if row.task == task]
        labels = list(rows[0].share)
        questions = next(iter(rows[0].share.values())).n
        lines += [f"## {task}: share of evidence, % [95 % interval], {questions} questions", ""]
        lines.append("| | " + " | ".join(f"R@{label}" for label in labels) + " | any / all | ms a question |")
        lines.append("|---" * (len(labels) + 3) + "|")
        for row in rows:
            both = " / ".join(f"{100 * m[labels[-1]].value:.1f}" for m in (row.any, row.all))
            cells = [str(row.share[label]) for label in labels]
            lines.append(
                f"| {row.system} | "
                + " | ".join([*cells, both, f"{1000 * row.asked / questions:.2f}"])
                + " |"
            )
        if categories and len(rows[0].categories) > 1:
            lines += [
                "",
                "| " + " | ".join(["", *[row.system for row in rows]]) + " |",
                "|---" * (len(rows) + 1) + "|",
            ]
            for kind, first in rows[0].categories.items():
                cells = [
                    "/".join(f"{100 * row.categories[kind][label].value:.0f}" for label in labels)
                    for row in rows
                ]
                lines.append(f"| {kind} ({first[labels[0]].n}) | " + " | ".join(cells) + " |")
        lines.append("")
    machine = ", ".join(f"{key} {value}" for key, value in report.machine.items())
    versions = ", ".join(f"{key} {value}" for key, value in report.versions.items())
    lines += [
        f"`{report.command}`",
        "",
        f"seed {report.seed}; {machine}; {versions}; "
        f"{report.wall:.0f} s in all. any / all: at the last cut-off.",
    ]
    return "\n".join(lines)


def as_json(report: Report) -> str:
    """The report as JSON."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1)


def machine() -> dict[str, str]:
    """What it ran on."""
    return {"python": platform.python_version(), "system": platform.system(), "cpu": platform.machine()}


def versions(names: Sequence[str] = _PACKAGES) -> Mapping[str, str]:
    """Versions of the packages that matter, those that are installed."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def arguments(name: str, about: str | None, tasks: str, embedder: str) -> argparse.ArgumentParser:
    """A parser with the options that every command scoring tasks shares, and their defaults."""
    parser = argparse.ArgumentParser(
        prog=f"python -m agentmem.evals.{name}", description=(about or "").split("\n")[0]
    )
    parser.add_argument("--data", help="folder of the data; else the environment's AGENTMEM_DATA")
    parser.add_argument("--tasks", default=tasks, help="by commas")
    parser.add_argument("--embedder", default=embedder, help="none, static or minilm")
    parser.add_argument("--cache", type=Path, help="folder where vectors are kept between runs")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    return parser


def named(tasks: str) -> list[Task]:
    """The tasks of these names, given by commas.

    Raises:
        UnknownOption: there is no such task.
    """
    for name in tasks.split(","):
        if name not in TASKS:
            raise UnknownOption("task", name, TASKS)
    return [TASKS[name] for name in tasks.split(",")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = arguments("quality", __doc__, "locomo,beam,longmemeval,squad2,popqa,memdaily", "static")
    parser.add_argument("--store", default="unified", help="the store to score")
    parser.add_argument("--baselines", action="store_true", help="plain BM25 and plain MiniLM beside it")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args(argv)
    given: list[str] = list(sys.argv[1:] if argv is None else argv)
    start = time.perf_counter()
    report = Report(
        "python -m agentmem.evals.quality " + " ".join(given), options.seed, machine(), dict(versions())
    )
    folder = data_folder(options.data)
    chosen = systems(options.embedder.split(","), options.store, options.baselines, options.cache)
    for task in named(options.tasks):
        for label, system in chosen.items():
            report.rows.append(run(task, folder, label, system, seed=options.seed))
    report.wall = time.perf_counter() - start
    output: Any = as_json(report) if options.json else table(report)
    sys.stdout.write(output + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
