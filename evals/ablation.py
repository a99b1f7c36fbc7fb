"""What each part of the unified store is worth: every part is left out in turn, over chosen tasks.

What is not on by default is added instead.

::

    python -m agentmem.evals.ablation --data DIR --tasks locomo,2wiki --embedder minilm --cache VECTORS

A pool is written once and asked once for each row. The first row is the store as it is opened by default; in
the others stands how much the share of evidence changes without the part, in points. An effect below the
interval of the first row may be chance.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import agentmem
from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput
from agentmem.evals import metrics, quality
from agentmem.evals.metrics import Mean
from agentmem.evals.tasks import Pool, Task, data_folder
from agentmem.index.spaces import Spaces
from agentmem.index.terms import LexicalOptions
from agentmem.recall.recipe import Recipe
from agentmem.store import MemoryStore
from agentmem.stores.unified import UnifiedStore

ALL = "everything"
_ALONE = LexicalOptions(previous=0, previous_asking=0, next=0, previous2=0, next2=0)
_TASKS = "locomo,beam,longmemeval,squad2,popqa,memdaily,musique,2wiki,hotpotqa"
_CUT = "5"


@dataclass(frozen=True, slots=True)
class Part:
    """A part that can be left out.

    Attributes:
        name: what it is called in the table.
        without: options of the store that leave it out.
        recipe: the recipe without it, from the one with it.
        lexical: how words count without it, where they count in another way.
        added: it is not on by default, and the row is the store with it.
    """

    name: str
    without: Mapping[str, bool]
    recipe: Callable[[Recipe], Recipe] = lambda recipe: recipe
    lexical: LexicalOptions | None = None
    added: bool = False


PARTS = (
    Part("neighbours' words", {}, lexical=_ALONE),
    Part("session", {}, lambda recipe: replace(recipe, session=0.0)),
    Part("similar words", {}, lambda recipe: replace(recipe, soft=0.0)),
    Part("vectors", {}, lambda recipe: replace(recipe, dense={"other": 0.0})),
    Part("speaker", {}, lambda recipe: replace(recipe, speaker=0.0)),
    Part("dates", {}, lambda recipe: replace(recipe, date=0.0, event=0.0, time_word=0.0)),
    Part("length and question", {}, lambda recipe: replace(recipe, length=0.0, question=0.0)),
    Part("prior (validity)", {}, lambda recipe: replace(recipe, invalid=1.0)),
    Part("pairs", {"pairs": False}),
    Part("named: titles in texts", {"named": False}),
    Part("shared names", {"shared": False}),
    Part("seeds: titles in questions", {"seeds": False}),
    Part("tokens in the gain", {"tokens": True}, added=True),
    Part("notes", {"notes": False}),
    Part("onward", {"onward": False}),
    Part("threads", {"threads": False}),
)
"""Everything that can be left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """The store without a part, on one task.

    Attributes:
        task, part: which; ``part`` is :data:`ALL` where nothing is left out.
        share: cut-off -> mean with interval.
        asked: seconds to ask everything.
    """

    task: str
    part: str
    share: dict[str, Mean]
    asked: float


def run(
    task: Task, folder: Path, embedder: Embedder | None, parts: Sequence[Part], *, seed: int = 0
) -> list[Row]:
    """Ask every question with everything, and without each part.

    Raises:
        InvalidInput: no question has evidence.
    """
    names = [ALL, *(part.name for part in parts)]
    shares: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    asked = dict.fromkeys(names, 0.0)
    for pool in task.load(folder):
        opened = _opened(pool, embedder)
        usual = opened._runtime.spaces
        for name, part in zip(names, [None, *parts], strict=True):
            store = opened if part is None else _without(opened, part)
            start = time.perf_counter()
            for question in pool.questions:
                if not question.gold:
                    continue
                found = store.search(question.text, question.k or max(task.cuts), at=question.at)
                hits = [hit.memory.id for hit in found]
                for label, cut in quality.cuts(task, question):
                    shares[name].setdefault(label, []).append(metrics.share_at(hits, question.gold, cut))
            asked[name] += time.perf_counter() - start
            opened._runtime.spaces = usual
        opened.close()
        sys.stderr.write(f"{task.name} {'/'.join(pool.namespace)}: {len(names)} ways asked\n")
    if not shares[ALL]:
        raise InvalidInput(f"no question of {task.name} has evidence in {folder}")
    return [Row(task.name, name, metrics.summary(shares[name], seed=seed), asked[name]) for name in names]


def _opened(pool: Pool, embedder: Embedder | None) -> UnifiedStore:
    opened = agentmem.open(
        ":memory:", store="unified", namespace=pool.namespace, embedder=embedder if embedder else "none"
    )
    assert isinstance(opened, UnifiedStore)
    opened.add_many(pool.items)
    opened.consolidate()
    return opened


def _without(opened: UnifiedStore, part: Part) -> MemoryStore:
    """Another handle on the same memories, without a part."""
    runtime = opened._runtime
    if part.lexical is not None:
        runtime.spaces = Spaces(runtime.backend, dim=runtime.dim, lexical_options=part.lexical)
    store = UnifiedStore(runtime, opened._namespace, **{**opened._options, **part.without})
    recipe = part.recipe(store._recipe())

    class Without(UnifiedStore):
        """The store with a recipe of its own, whose derived rows are the opened one's."""

        def _recipe(self) -> Recipe:
            return recipe

        @property
        def _maker(self) -> str:
            return opened._maker

    return Without(runtime, opened._namespace, **{**opened._options, **part.without})


def table(rows: Sequence[Row]) -> str:
    """Markdown: parts down, tasks across; the share of evidence, and its change without each part."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    found = {(row.task, row.part): row for row in rows}
    labels = {task: _label(found[task, ALL].share) for task in tasks}
    heads = [f"{task} R@{labels[task]}" for task in tasks]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(tasks) + 1) + "|"]
    added = {part.name for part in PARTS if part.added}
    for part in dict.fromkeys(row.part for row in rows):
        cells = []
        for task in tasks:
            whole = found[task, ALL].share[labels[task]]
            here = found[task, part].share[labels[task]]
            cells.append(str(whole) if part == ALL else f"{100 * (here.value - whole.value):+.1f}")
        label = part if part == ALL else f"{'with' if part in added else 'without'} {part}"
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _label(share: Mapping[str, Mean]) -> str:
    """The cut-off that stands in the table: 5, else the last."""
    return _CUT if _CUT in share else list(share)[-1]


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = quality.arguments("ablation", __doc__, _TASKS, "static")
    parser.add_argument("--parts", help="only these, by commas: " + ", ".join(part.name for part in PARTS))
    parser.add_argument("--json", action="store_true", help="JSON, with every cut-off, instead of a table")
    options = parser.parse_args(argv)
    given = " ".join(sys.argv[1:] if argv is None else argv)
    folder = data_folder(options.data)
    chosen = _chosen(options.parts)
    embedder = quality.packaged(options.embedder, options.cache)
    rows: list[Row] = []
    for task in quality.named(options.tasks):
        rows += run(task, folder, embedder, chosen, seed=options.seed)
    command = f"python -m agentmem.evals.ablation {given}".rstrip()
    if options.json:
        report = {"command": command, "machine": quality.machine(), "versions": quality.versions()}
        output = json.dumps({**report, "rows": [asdict(row) for row in rows]}, ensure_ascii=False, indent=1)
    else:
        output = f"{table(rows)}\n\n`{command}`, embedder {options.embedder}, seed {options.seed}"
    sys.stdout.write(output + "\n")
    return 0


def _chosen(given: str | None) -> list[Part]:
    if given is None:
        return list(PARTS)
    known = {part.name: part for part in PARTS}
    names = [name.strip() for name in given.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} is no part; there are: {', '.join(known)}")
    return [known[name] for name in names]


if __name__ == "__main__":
    sys.exit(main())
