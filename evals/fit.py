"""How the weights of the engine were found: coordinate ascent on development data, one setting for all.

::

    python -m agentmem.evals.fit --data DIR --cache FOLDER                 ascend and print each step
    python -m agentmem.evals.fit --data DIR --cache FOLDER --leave-out     with one conversation left out
    python -m agentmem.evals.fit --data DIR --cache FOLDER --relevance     the logistic of Hit.relevance
    python -m agentmem.evals.fit --data DIR --cache FOLDER --reader        the one of Answer.confidence
    python -m agentmem.evals.fit --data DIR --cache FOLDER --choice        the logit of the sentence quoted

The objective is the mean over tasks, embedders and cut-offs of the share of evidence found, so that no
task pays for another unseen. A step is taken only when it gains more than ``LEAST`` with its neighbours
on the grid averaged in: a plateau is worth more than a peak.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agentmem.embed.base import Embedder
from agentmem.embed.minilm import MiniLMEmbedder
from agentmem.embed.static import StaticEmbedder
from agentmem.evals import metrics
from agentmem.evals.cache import CachedEmbedder
from agentmem.evals.direct import Indexed, index_pool
from agentmem.evals.tasks import TASKS, data_folder
from agentmem.recall import engine
from agentmem.recall.recipe import Recipe

GRID: dict[str, tuple[float, ...]] = {
    "idf": (0.5, 0.6, 0.7, 0.85, 1.0),
    "english": (0.0, 0.5, 0.75, 1.0, 1.25),
    "soft": (0.0, 0.2, 0.3, 0.4, 0.55),
    "dense": (0.4, 0.6, 0.8, 1.0, 1.25, 1.6),
    "speaker": (3.0, 4.0, 5.0, 6.0, 7.5),
    "told": (0.0, 1.0, 2.0, 4.0),
    "date": (1.0, 1.5, 2.0, 2.5, 3.0),
    "time_word": (0.0, 1.0, 1.5, 2.0, 2.5, 3.0),
    "brief": (8.0, 12.0, 15.0, 20.0, 30.0),
    "length": (0.0, 0.4, 0.6, 0.8, 1.0, 1.3),
    "question": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0),
    "session": (0.1, 0.2, 0.3, 0.4, 0.5),
    "event": (0.0, 0.5, 1.0, 2.0),
}
WEIGHTS = {"locomo": 1.0, "beam": 1.0, "longmemeval": 1.0, "squad2": 0.5, "popqa": 0.25, "memdaily": 0.25}
LEAST = 0.0002

Indexes = Mapping[str, Mapping[str, Sequence[Indexed]]]


def embedder_named(name: str, cache: Path | None) -> Embedder | None:
    """The packaged embedder of a name, remembering its vectors in a folder; None for "none"."""
    if name == "none":
        return None
    inner: Embedder = StaticEmbedder() if name == "static" else MiniLMEmbedder()
    return inner if cache is None else CachedEmbedder(inner, cache)


def build(folder: Path, tasks: Sequence[str], embedders: Sequence[str], cache: Path | None) -> Indexes:
    """Embedder -> task -> indexed pools."""
    made: dict[str, dict[str, list[Indexed]]] = {}
    for name in embedders:
        embedder = embedder_named(name, cache)
        made[name] = {
            task: [index_pool(pool, embedder) for pool in TASKS[task].load(folder)] for task in tasks
        }
        if isinstance(embedder, CachedEmbedder):
            embedder.close()
    return made


def recalls(
    task: str, pools: Sequence[Indexed], recipe: Recipe, skip: int = -1
) -> dict[int | None, list[float]]:
    """Cut-off -> share of evidence of each question with gold."""
    cuts: tuple[int | None, ...] = TASKS[task].cuts or (None,)
    found: dict[int | None, list[float]] = {cut: [] for cut in cuts}
    for number, indexed in enumerate(pools):
        if number == skip:
            continue
        for i, question in enumerate(indexed.pool.questions):
            if not question.gold:
                continue
            hits = engine.search(
                [indexed.space],
                question.text,
                question.k or max(TASKS[task].cuts),
                recipe=recipe,
                vector=None if indexed.vectors is None else indexed.vectors[i],
                embedder=indexed.embedder or "none",
                at=question.at,
                term_ids=indexed.term_ids,
                explain=False,
            )
            ids = [str(indexed.pool.items[hit.doc].id) for hit in hits]
            for cut in cuts:
                found[cut].append(metrics.share_at(ids, question.gold, cut or question.k or 1))
    return found


def objective(indexes: Indexes, recipe: Recipe, skip: int = -1) -> tuple[float, dict[str, str]]:
    """The weighted mean of all shares, and a readable line for each embedder and task."""
    total = weight = 0.0
    lines: dict[str, str] = {}
    for name, tasks in indexes.items():
        for task, pools in tasks.items():
            if task == "memdaily" and name != "none":
                continue  # no vectors there
            means = [
                100 * float(np.mean(v))
                for v in recalls(task, pools, recipe, skip if task == "locomo" else -1).values()
            ]
            total += WEIGHTS.get(task, 0.25) * float(np.mean(means)) / 100
            weight += WEIGHTS.get(task, 0.25)
            lines[f"{name} {task}"] = "/".join(f"{value:.1f}" for value in means)
    return total / weight, lines


def changed(recipe: Recipe, name: str, value: float, embedder: str | None = None) -> Recipe:
    """The recipe with one weight changed; ``dense`` changes the weight of one embedder."""
    if name == "dense":
        return replace(recipe, dense={**recipe.dense, (embedder or "other"): value})
    one: dict[str, Any] = {name: value}
    return replace(recipe, **one)


def ascend(
    indexes: Indexes, recipe: Recipe, grid: Mapping[str, Sequence[float]], passes: int, skip: int = -1
) -> Recipe:
    """Coordinate ascent from a recipe; prints each step to stderr."""
    best, lines = objective(indexes, recipe, skip)
    _say(f"start {best:.5f} {lines}")
    for number in range(passes):
        before = recipe
        for name, values in grid.items():
            for embedder in [e for e in indexes if e != "none"] if name == "dense" else [None]:
                some = {embedder: indexes[embedder]} if embedder else indexes
                scores = [
                    objective(some, changed(recipe, name, value, embedder), skip)[0] for value in values
                ]
                padded = np.pad(np.array(scores), 1, mode="edge")
                smooth = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
                now = recipe.dense_weight(embedder) if embedder else getattr(recipe, name)
                here = smooth[list(values).index(now)] if now in values else -1.0
                choice = int(smooth.argmax())
                _say(
                    f"  {name} {embedder or ''} "
                    + " ".join(f"{v:g}:{s:.5f}" for v, s in zip(values, scores, strict=True))
                )
                if smooth[choice] > here + LEAST:
                    recipe = changed(recipe, name, values[choice], embedder)
                    _say(f"  -> {name} {embedder or ''} = {values[choice]:g}")
        best, lines = objective(indexes, recipe, skip)
        _say(f"pass {number + 1}: {best:.5f} {lines}")
        if recipe == before:
            break
    return recipe


def leave_out(
    indexes: Indexes, recipe: Recipe, grid: Mapping[str, Sequence[float]]
) -> dict[str, list[float]]:
    """Shares on each conversation of the first task with several pools, fitted without it."""
    task = "locomo"
    result: dict[str, list[float]] = {}
    for name, tasks in indexes.items():
        parts: list[dict[int | None, list[float]]] = []
        for number in range(len(tasks[task])):
            fitted = ascend({name: {task: tasks[task]}}, recipe, grid, 1, skip=number)
            parts.append(recalls(task, [tasks[task][number]], fitted))
        cuts = list(parts[0])
        result[name] = [float(np.mean([v for part in parts for v in part[cut]])) for cut in cuts]
    return result


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.fit", description="Fit the engine's weights."
    )
    parser.add_argument("--data", help="folder of the data; else AGENTMEM_DATA")
    parser.add_argument("--cache", type=Path, help="folder where vectors are kept between runs")
    parser.add_argument("--tasks", default="locomo,beam,longmemeval,squad2,popqa,memdaily")
    parser.add_argument("--embedders", default="none,static,minilm")
    parser.add_argument("--only", help="weights to fit, by commas; all by default")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--relevance", action="store_true")
    parser.add_argument("--reader", action="store_true")
    parser.add_argument("--choice", action="store_true")
    options = parser.parse_args(argv)
    folder = data_folder(options.data)
    tasks, embedders = options.tasks.split(","), options.embedders.split(",")
    indexes = build(folder, tasks, embedders, options.cache)
    grid = {name: GRID[name] for name in (options.only.split(",") if options.only else GRID)}
    if options.relevance or options.reader or options.choice:
        from agentmem.evals import calibrate

        fitted = calibrate.choice_fit if options.choice else calibrate.reader_fit
        found: Any = calibrate.relevance(indexes) if options.relevance else fitted(indexes)
        sys.stdout.write(found + "\n")
    elif options.leave_out:
        for name, shares in leave_out(indexes, Recipe(), grid).items():
            sys.stdout.write(f"{name} " + "/".join(f"{100 * share:.1f}" for share in shares) + "\n")
    else:
        sys.stdout.write(f"{ascend(indexes, Recipe(), grid, options.passes)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
