"""Kill consolidation again and again; what was finished stays, and in the end everything is derived once.

Run ``python -m agentmem.evals.stress.consolidate --data DIR``.

For each store two files get the same memories. One is consolidated in peace. In the other a child process
consolidates and is killed (SIGKILL) after some of its batches and a moment, several times over; then it is
left to finish. Both must hold the same: memories by kind, text and sources, links by their ends, artifacts
by what they say. The file must be sound, and one more consolidation must find nothing to do.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import corpus, timing
from agentmem.memory import Draft
from agentmem.store import MemoryStore

_MADE_ID = re.compile(r'"[0-9a-z]{12}"')
_MOMENT = 0.3  # seconds from a batch to the kill, at most: within the making or writing of the next
STORES = "episodic,zettelkasten,hipporag,forgetting"


def work(path: str, store: str, embedder: str, pipe: Connection) -> None:
    """The child: consolidate, telling each batch that is written."""
    with agentmem.open(path, store=store, embedder=embedder) as memory:
        pipe.send((0, 0))
        report = memory.consolidate(progress=lambda done, total: pipe.send((done, total)))
        pipe.send((-1, len(report.added)))


def derived(memory: MemoryStore) -> dict[str, int]:
    """How many memories of each kind there are, and how many artifacts."""
    number = memory._runtime.number(())
    artifacts = [] if number is None else memory._runtime.backend.artifacts(number)
    artifacts = [one for one in artifacts if not str(one.made_by).startswith("undo:")]
    return {**memory.stats().kinds, "artifacts": len(artifacts)}


def content(memory: MemoryStore) -> Counter[str]:
    """What consolidation made, whatever its ids: each thing as a line, with how often it is there."""
    number = memory._runtime.number(())
    if number is None:
        return Counter()
    backend = memory._runtime.backend
    names: dict[str, str] = {}
    for one in memory.list():
        made = sorted(names.get(source, source) for source in one.sources)
        names[one.id] = one.id if one.made_by is None else f"{one.kind}|{one.text}|{','.join(made)}"
    lines = [name for id, name in names.items() if name != id]
    lines += [
        f"{one.kind} {names.get(one.source, one.source)} -> {names.get(one.target, one.target)}"
        for one in backend.links(number, sorted(names))
    ]
    for artifact in backend.artifacts(number):
        if not str(artifact.made_by).startswith("undo:"):
            said = _MADE_ID.sub('"?"', json.dumps(artifact.data, sort_keys=True, default=str))
            lines.append(f"{artifact.kind} of {names.get(artifact.source, artifact.source)}: {said}")
    return Counter(lines)


def run(
    folder: Path, store: str, items: list[Draft], *, kills: int, seed: int, embedder: str
) -> dict[str, Any]:
    """Consolidate one file in peace and one under fire; ``problems`` is empty when all is well."""
    context: Any = multiprocessing.get_context("spawn")
    items = [replace(item, id=f"m{i}") for i, item in enumerate(items)]  # the same in both files
    chance = random.Random(seed)
    paths = {name: folder / f"{store}-{name}.db" for name in ("calm", "killed")}
    for path in paths.values():
        with agentmem.open(path, store=store, embedder=embedder) as memory:
            memory.add_many(items)
    batches = [0]
    started = time.process_time()
    with agentmem.open(paths["calm"], store=store, embedder=embedder) as memory:
        memory.consolidate(progress=lambda done, total: batches.append(done))
        spent = time.process_time() - started
        calm, said = derived(memory), content(memory)
    most = max(batches)
    kept: list[int] = []
    for number in range(kills):
        ours, theirs = context.Pipe(duplex=False)
        arguments = (str(paths["killed"]), store, embedder, theirs)
        child = context.Process(target=work, args=arguments, daemon=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child.start()
        theirs.close()
        until = chance.randint(0, max(most // kills, 1))
        done = 0
        try:
            while 0 <= done < until:
                done, _ = ours.recv()
        except EOFError:
            pass
        time.sleep(chance.random() * _MOMENT)
        child.kill()
        child.join()
        ours.close()
        with agentmem.open(paths["killed"], store=store, embedder=embedder) as memory:
            kept.append(sum(derived(memory).values()) - len(items))
        timing.note(f"{store}: kill {number + 1} of {kills} after {done} batches, {kept[-1]} derived so far")
    problems: list[str] = []
    with agentmem.open(paths["killed"], store=store, embedder=embedder) as memory:
        memory.consolidate()
        found = derived(memory)
        differing = (content(memory) - said) + (said - content(memory))
        if differing:
            some = [line[:200] for line in list(differing)[:4]]
            problems.append(f"{store}: {sum(differing.values())} things differ, such as {some}")
        if found != calm:
            problems.append(f"{store}: in peace there are {calm}, after the kills {found}")
        again = memory.consolidate()
        if again.added or again.retired or again.linked:
            problems.append(f"{store}: one more consolidation found {len(again.added)} memories to add")
        problems += [f"{store}: check: {one.where}: {one.what}" for one in memory.check()]
    if kept != sorted(kept):
        problems.append(f"{store}: what was finished was lost: {kept}")
    return {
        "store": store,
        "memories": len(items),
        "ms_a_memory": round(1000 * spent / len(items), 3),
        "batches": most,
        "derived": sum(calm.values()) - len(items),
        "kept_at_kills": kept,
        "problems": problems,
    }


def main() -> int:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--stores", default=STORES, help="by commas")
    parser.add_argument("--count", type=int, default=10_000, help="memories (default: 10,000)")
    parser.add_argument("--kills", type=int, default=5, help="kills a store (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    given = parser.parse_args()
    items = list(corpus.drafts(corpus.texts(given.data), given.count))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for store in given.stores.split(","):
            made = run(
                Path(folder), store, items, kills=given.kills, seed=given.seed, embedder=given.embedder
            )
            rows.append(made)
    result = {
        "command": "python -m agentmem.evals.stress.consolidate",
        "machine": timing.machine(),
        "stores": rows,
        "problems": [problem for row in rows for problem in row["problems"]],
    }
    timing.show(result, given.json)
    return 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
