"""Cold start: ``agentmem search`` in a new process on a large file, beside a bare interpreter.

Run ``python -m agentmem.evals.speed.cold --data DIR --count 100000``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import corpus, timing


def measure(data: Path | None, embedder: str, count: int, runs: int, folder: Path) -> dict[str, Any]:
    """Wall time of whole processes: our search, and ``import numpy, sqlite3`` for comparison."""
    path = folder / "cold.db"
    with agentmem.open(path, embedder=embedder) as store:
        store.add_many(corpus.drafts(corpus.texts(data), count))
        store.search("warm")
    asks = corpus.questions(data, runs)
    ours, bare, imports = [], [], []
    for question in asks:
        ours.append(_process("-m", "agentmem", "search", str(path), question, "--json"))
        bare.append(_process("-c", "import numpy, sqlite3"))
        imports.append(_process("-c", "import agentmem"))
    one, base = timing.spread(ours), timing.spread(bare)
    return {
        "command": "python -m agentmem.evals.speed.cold",
        "machine": timing.machine(),
        "embedder": embedder,
        "memories": count,
        "cli_search_ms": one,
        "numpy_sqlite_ms": base,
        "import_agentmem_ms": timing.spread(imports),
        "ratio_p50": round(one["p50"] / base["p50"], 2),
    }


def _process(*arguments: str) -> float:
    command = [sys.executable, *arguments]
    return timing.milliseconds(subprocess.run, command, check=True, capture_output=True)


def main() -> None:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--count", type=int, default=100_000, help="memories in the file")
    parser.add_argument("--runs", type=int, default=15, help="processes started")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given.data, given.embedder, given.count, given.runs, Path(folder))
    timing.show(result, given.json)


if __name__ == "__main__":
    main()
