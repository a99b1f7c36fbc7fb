"""What adding costs in a large store against a small one, and what consolidation costs, for every store.

Run ``python -m agentmem.evals.speed.stores --data DIR``.

For each store a small and a large file are written and consolidated, so that notes, links, events and
digests are there. Then both are written and read in turn, call by call, so that whatever else the machine
does falls on both: single adds, batches (per memory), a search, and what the search after an add takes
longer than the same one before it ("catch up"). Times are CPU time of this process; a ratio is that of two
medians of one run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import corpus, timing
from agentmem.memory import Draft
from agentmem.store import MemoryStore

STORES = "unified,episodic,zettelkasten,forgetting"
_WARM = 5  # calls of each kind before any is counted


def cpu(call: Callable[..., Any], *arguments: Any, **options: Any) -> float:
    """CPU time of one call in ms, of all threads of this process."""
    start = time.process_time()
    call(*arguments, **options)
    return (time.process_time() - start) * 1000


def build(path: Path, name: str, embedder: str, items: list[Draft]) -> dict[str, Any]:
    """Write and consolidate a file, unless it is there; returns what consolidation took."""
    if path.exists():
        return {}
    opened = agentmem.open(path, store=name, embedder=embedder)
    with opened as store:
        store.add_many(items)
        told = [0]

        def progress(done: int, total: int) -> None:
            told[0] += 1
            if told[0] % 50 == 0:
                timing.note(f"{name}: {done} of {total} batches")

        spent = cpu(store.consolidate, progress=progress)
        again = cpu(store.consolidate)
        counts = store.stats()
        return {
            "memories": len(items),
            "derived": counts.memories - len(items),
            "links": counts.links,
            "batches": told[0],
            "consolidate_ms_a_memory": round(spent / len(items), 3),
            "again_ms": round(again, 1),
        }


def rounds(
    small: MemoryStore, large: MemoryStore, items: Iterator[Draft], asks: list[str], count: int, batch: int
) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each kind of call, on both files in turn; batches last, as they fill the small one."""
    both = {"small": small, "large": large}
    found: dict[str, dict[str, list[float]]] = {
        kind: {size: [] for size in both} for kind in ("add", "search", "catch up", "batch")
    }

    def note(size: str, number: int, **spent: float) -> None:
        if number >= _WARM:
            for kind, value in spent.items():
                found[kind.replace("_", " ")][size].append(value)

    for i in range(count + _WARM):
        for size, store in both.items() if i % 2 else reversed(both.items()):
            one, ask = next(items), asks[i % len(asks)]
            store.search(ask)
            warm = cpu(store.search, ask)
            added = cpu(store.add, one.text, speaker=one.speaker, session=f"new{i // 20}")
            note(size, i, add=added, search=warm, catch_up=cpu(store.search, ask) - warm)
    for i in range(count // 10 + _WARM):
        for size, store in both.items() if i % 2 else reversed(both.items()):
            some = [next(items) for _ in range(batch)]
            note(size, i, batch=cpu(store.add_many, some) / batch)
            store.search(asks[i % len(asks)])
    return found


def measure(
    data: Path | None,
    embedder: str,
    names: list[str],
    sizes: tuple[int, int],
    count: int,
    batch: int,
    folder: Path,
) -> dict[str, Any]:
    """Medians and their ratios, a row a store and kind of call.

    Args:
        data: folder of texts, or None for made ones.
        embedder: by name.
        names: of the stores.
        sizes: memories of the small and the large file.
        count: single adds to each; a tenth as many batches.
        batch: memories in a batch.
        folder: where the files are written, or were by an earlier run.
    """
    base = corpus.texts(data)
    asks = corpus.questions(data, 200)
    rows: list[dict[str, Any]] = []
    built: list[dict[str, Any]] = []
    for name in names:
        paths = [folder / f"{name}-{size}.db" for size in sizes]
        for path, size in zip(paths, sizes, strict=True):
            made = build(path, name, embedder, list(corpus.drafts(base, size)))
            if made:
                built.append({"store": name, **made})
                timing.note(f"{name}: {made}")
        with (
            agentmem.open(paths[0], store=name, embedder=embedder) as small,
            agentmem.open(paths[1], store=name, embedder=embedder) as large,
        ):
            items = corpus.drafts(base, 1 << 40, seed=1, first=max(sizes))
            for kind, found in rounds(small, large, items, asks, count, batch).items():
                middle = {size: statistics.median(values) for size, values in found.items()}
                rows.append(
                    {
                        "store": name,
                        "call": kind,
                        "n": len(found["small"]),
                        "small_ms": round(middle["small"], 3),
                        "large_ms": round(middle["large"], 3),
                        "ratio": round(middle["large"] / max(middle["small"], 1e-6), 2),
                    }
                )
                timing.note(str(rows[-1]))
    return {
        "command": "python -m agentmem.evals.speed.stores",
        "machine": timing.machine(),
        "embedder": embedder,
        "sizes": list(sizes),
        "built": built,
        "calls": rows,
    }


def main() -> None:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--stores", default=STORES, help="by commas")
    parser.add_argument("--small", type=int, default=1000, help="memories in the small file")
    parser.add_argument("--large", type=int, default=100_000, help="memories in the large file")
    parser.add_argument("--count", type=int, default=300, help="single adds to each file")
    parser.add_argument("--batch", type=int, default=100, help="memories in a batch")
    parser.add_argument("--folder", type=Path, help="where the files are kept for another run; else nowhere")
    given = parser.parse_args()
    sizes = (given.small, given.large)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = measure(
            given.data, given.embedder, given.stores.split(","), sizes, given.count, given.batch, folder
        )
    timing.show(result, given.json)


if __name__ == "__main__":
    main()
