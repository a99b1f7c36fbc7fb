"""Writes: ``add_many`` in batches, and single ``add`` beside a bare INSERT and COMMIT.

Run ``python -m agentmem.evals.speed.ingest --data DIR``.
"""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import corpus, timing


def measure(
    data: Path | None, embedder: str, count: int, singles: int, batch: int, folder: Path
) -> dict[str, Any]:
    """Rates of batched and single writes into fresh files in ``folder``."""
    base = corpus.texts(data)
    items = list(corpus.drafts(base, count))
    store = agentmem.open(folder / "batch.db", embedder=embedder)
    store.add("a first memory, so that imports and weights are loaded")
    store.search("first")
    elapsed = timing.milliseconds(store.add_many, items, batch_size=batch) / 1000
    last = store.add("the xylophone of the last memory")
    found = timing.milliseconds(store.search, "xylophone")
    seen = store.search("xylophone", 1)[0].memory.id == last.id
    store.close()
    size = (folder / "batch.db").stat().st_size

    store = agentmem.open(folder / "single.db", embedder=embedder)
    store.add("warm")
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, payload BLOB)")
    payload = b"x" * max(1, size // (count + 2))
    ours, theirs = [], []
    for item in corpus.drafts(base, singles, first=count):
        ours.append(timing.milliseconds(store.add, item.text, speaker=item.speaker, at=item.at))
        theirs.append(timing.milliseconds(_bare, bare, payload))
    store.close()
    bare.close()
    single, raw = timing.spread(ours), timing.spread(theirs)
    return {
        "command": "python -m agentmem.evals.speed.ingest",
        "machine": timing.machine(),
        "embedder": embedder,
        "memories": count,
        "batch": batch,
        "add_many_per_s": round(count / elapsed),
        "next_search_ms": round(found, 2),
        "found": seen,
        "file_bytes_a_memory": round(size / (count + 2)),
        "single_add_ms": single,
        "bare_insert_ms": raw,
        "single_rate_over_bare_p50": round(raw["p50"] / single["p50"], 3),
        "single_rate_over_bare_mean": round(raw["mean"] / single["mean"], 3),
    }


def _bare(connection: sqlite3.Connection, payload: bytes) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO t (payload) VALUES (?)", (payload,))
    connection.execute("COMMIT")


def main() -> None:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--count", type=int, default=20_000, help="memories added in batches")
    parser.add_argument("--singles", type=int, default=300, help="memories added one by one")
    parser.add_argument("--batch", type=int, default=1000, help="memories a transaction")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given.data, given.embedder, given.count, given.singles, given.batch, Path(folder))
    timing.show(result, given.json)


if __name__ == "__main__":
    main()
