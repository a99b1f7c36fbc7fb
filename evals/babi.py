"""bAbI: do the lines that support an answer stand among the first five hits of their story?

::

    python -m agentmem.evals.babi --data DIR --every 7 --baselines

A story is told to the store line by line, as a user would, and each question is asked when its turn comes.
Recall is the share of supporting lines among the first k hits, averaged over questions; no language model
answers. Stories are short (2 to 16 lines mostly), so that five of them are often nearly everything: the last
five lines stand beside the other figures.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import agentmem
from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput
from agentmem.evals import baselines, metrics
from agentmem.evals.quality import Report, Row, as_json, machine, packaged, versions
from agentmem.evals.tasks.babi import SOURCE, TASKS, Told, stories
from agentmem.evals.tasks.base import Pool, data_folder

System = Callable[[Sequence[Told], int], Iterator[list[str]]]
"""Stories of a task and k -> the ids found for each question, in order."""


def product(embedder: Embedder | None, store: str) -> System:
    """A store of the package, in memory; each line is written before what is asked after it."""

    def system(told: Sequence[Told], k: int) -> Iterator[list[str]]:
        with agentmem.open(":memory:", store=store, embedder=embedder if embedder else "none") as root:
            for story in told:
                room = root.namespace(*story.namespace)
                written = 0
                for asked in story.questions:
                    if asked.seen > written:
                        room.add_many(story.lines[written : asked.seen])
                        written = asked.seen
                    hits = room.search(asked.question.text, k, at=asked.question.at)
                    yield [hit.memory.id for hit in hits]

    return system


def plain(make: Callable[[Pool], baselines.Searcher]) -> System:
    """A baseline, over the lines told so far; where it finds two alike, the newer one first."""

    def system(told: Sequence[Told], k: int) -> Iterator[list[str]]:
        for story in told:
            for asked in story.questions:
                pool = Pool(story.namespace, story.lines[: asked.seen][::-1], [asked.question])
                yield make(pool)(asked.question.text, k)

    return system


def newest(told: Sequence[Told], k: int) -> Iterator[list[str]]:
    """The last k lines, newest first."""
    for story in told:
        for asked in story.questions:
            yield [str(line.id) for line in reversed(story.lines[max(0, asked.seen - k) : asked.seen])]


def run(told: Sequence[Told], task: int, name: str, system: System, k: int, *, seed: int = 0) -> Row:
    """Ask every question of a task's stories."""
    start = time.perf_counter()
    questions = [asked.question for story in told for asked in story.questions]
    shares, anys, alls = [], [], []
    for question, hits in zip(questions, system(told, k), strict=True):
        shares.append(metrics.share_at(hits, question.gold, k))
        anys.append(metrics.any_at(hits, question.gold, k))
        alls.append(metrics.all_at(hits, question.gold, k))
    label = str(k)
    share, any_, all_ = ({label: metrics.mean(values, seed=seed)} for values in (shares, anys, alls))
    return Row(f"babi {task}", name, share, any_, all_, {}, 0.0, time.perf_counter() - start)


def table(report: Report, k: int) -> str:
    """The report as Markdown: tasks down, systems across, their mean last."""
    systems = list(dict.fromkeys(row.system for row in report.rows))
    cells: dict[str, dict[str, Row]] = {}
    for row in report.rows:
        cells.setdefault(row.task.removeprefix("babi "), {})[row.system] = row
    label = str(k)
    count = sum(rows[systems[0]].share[label].n for rows in cells.values())
    lines = [
        f"## bAbI: share of supporting lines among the first {k}, %, {count} questions",
        "",
        "| " + " | ".join(["task", *systems]) + " |",
        "|---" * (len(systems) + 1) + "|",
    ]
    for task, rows in cells.items():
        values = [f"{100 * rows[system].share[label].value:.1f}" for system in systems]
        lines.append("| " + " | ".join([task, *values]) + " |")
    means = [sum(rows[s].share[label].value for rows in cells.values()) / len(cells) for s in systems]
    lines.append("| " + " | ".join(["mean of tasks", *(f"{100 * mean:.1f}" for mean in means)]) + " |")
    times = [1000 * sum(rows[s].asked for rows in cells.values()) / count for s in systems]
    lines.append("| " + " | ".join(["ms a question with writing", *(f"{ms:.1f}" for ms in times)]) + " |")
    lines += ["", f"`{report.command}`", "", f"{SOURCE}; seed {report.seed}; {report.wall:.0f} s in all."]
    return "\n".join(lines)


def systems(
    embedders: Sequence[str], store: str, with_baselines: bool, cache: Path | None
) -> Mapping[str, System]:
    """Name -> system, the baselines last."""
    made: dict[str, System] = {
        f"{store}, {name}": product(packaged(name, cache), store) for name in embedders
    }
    if with_baselines:
        made["last lines"] = newest
        made["plain BM25"] = plain(baselines.bm25)
        for name in ("static", "minilm"):
            embedder = packaged(name, cache)
            assert embedder is not None
            made[f"plain {name}"] = plain(partial(baselines.dense, embedder=embedder))
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m agentmem.evals.babi", description=__doc__.split("\n")[0])
    parser.add_argument("--data", help="folder with babi/en/*.txt; else the environment's AGENTMEM_DATA")
    parser.add_argument("--tasks", default=",".join(map(str, TASKS)), help="numbers by commas")
    parser.add_argument("--split", default="train", choices=("train", "test"), help="which files")
    parser.add_argument("--every", type=int, default=1, help="ask every so many-th question of a task")
    parser.add_argument("--k", type=int, default=5, help="hits that count")
    parser.add_argument("--embedder", default="static", help="none, static, minilm; several by commas")
    parser.add_argument("--store", default="unified", help="the store to score")
    parser.add_argument("--baselines", action="store_true", help="last lines, plain BM25, static, MiniLM")
    parser.add_argument("--cache", type=Path, help="folder where vectors are kept between runs")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args(argv)
    folder = data_folder(options.data)
    if options.every < 1 or options.k < 1:
        raise InvalidInput("--every and --k must be 1 or more")
    given = " ".join(sys.argv[1:] if argv is None else argv)
    start = time.perf_counter()
    report = Report(f"python -m agentmem.evals.babi {given}", options.seed, machine(), dict(versions()))
    chosen = systems(options.embedder.split(","), options.store, options.baselines, options.cache)
    for name in options.tasks.split(","):
        if not name.isdigit() or int(name) not in TASKS:
            raise InvalidInput(f"{name!r} is no task of bAbI; they are numbered 1 to 20")
        told = list(stories(folder, int(name), split=options.split, every=options.every))
        for label, system in chosen.items():
            row = run(told, int(name), label, system, options.k, seed=options.seed)
            report.rows.append(row)
            sys.stderr.write(f"task {name}, {label}: {row.share[str(options.k)]}\n")
            sys.stderr.flush()
    report.wall = time.perf_counter() - start
    sys.stdout.write((as_json(report) if options.json else table(report, options.k)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
