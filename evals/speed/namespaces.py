"""Many small namespaces in one file: warm and cold searches.

Run ``python -m agentmem.evals.speed.namespaces --data DIR``.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import corpus, timing


def measure(
    data: Path | None, embedder: str, spaces: int, small: int, large: int, folder: Path
) -> dict[str, Any]:
    """Searches in one namespace of ``large`` memories beside ``spaces`` others of ``small``."""
    base = corpus.texts(data)
    asks = corpus.questions(data, 200)
    path = folder / "many.db"
    with agentmem.open(path, embedder=embedder) as store:
        for number in range(spaces):
            items = corpus.drafts(base, small, first=number * small)
            store.namespace("users", f"u{number}").add_many(items)
            if number % 1000 == 999:
                timing.note(f"{number + 1} namespaces")
        store.namespace("users", "large").add_many(corpus.drafts(base, large, seed=7))
    with agentmem.open(path) as store:
        handle = store.namespace("users", "large")
        first = timing.milliseconds(handle.search, asks[0])
        warm = timing.spread([timing.milliseconds(handle.search, q) for q in asks])
        chosen = random.Random(0).sample(range(spaces), min(spaces, 200))
        handles = [store.namespace("users", f"u{number}") for number in chosen]
        cold = [timing.milliseconds(h.search, asks[1]) for h in handles]
        again = [timing.milliseconds(h.search, asks[2]) for h in handles]
        size = store.stats().bytes
    return {
        "command": "python -m agentmem.evals.speed.namespaces",
        "machine": timing.machine(),
        "embedder": embedder,
        "namespaces": spaces,
        "memories_each": small,
        "memories_large": large,
        "large_first_ms": round(first, 2),
        "large_warm_ms": warm,
        "small_cold_ms": timing.spread(cold),
        "small_warm_ms": timing.spread(again),
        "file_bytes": size,
    }


def main() -> None:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--namespaces", type=int, default=10_000, help="how many small namespaces")
    parser.add_argument("--small", type=int, default=100, help="memories in each")
    parser.add_argument("--large", type=int, default=1000, help="memories in the large one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given.data, given.embedder, given.namespaces, given.small, given.large, Path(folder))
    timing.show(result, given.json)


if __name__ == "__main__":
    main()
