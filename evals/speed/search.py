"""``search`` with all signals, beside a raw FAISS flat fp32 scan of as many vectors, query by query.

Run ``python -m agentmem.evals.speed.search --data DIR --sizes 1000,10000,100000 --plot curve.png``.
"""

from __future__ import annotations

import gc
import os
import resource
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import agentmem
from agentmem.errors import MissingDependency
from agentmem.evals.speed import corpus, timing


def measure(
    data: Path | None, embedder: str, sizes: list[int], asked: int, folder: Path, vectors: str
) -> dict[str, Any]:
    """One row a size: p50 of search, of the raw scan, and their ratio."""
    try:
        import faiss
    except ImportError:
        raise MissingDependency("faiss", "faiss") from None
    faiss.omp_set_num_threads(1)
    base = corpus.texts(data)
    asks = corpus.questions(data, asked)
    rows = []
    for size in sizes:
        path = folder / f"{size}.db"
        before = _resident()
        store = agentmem.open(path, embedder=embedder, vectors=vectors)
        build = timing.milliseconds(store.add_many, corpus.drafts(base, size))
        first = timing.milliseconds(store.search, asks[0])
        for question in asks[:10]:
            store.search(question)
        held = _resident() - before
        stats = store.stats()
        dim = stats.dim or 256
        rng = np.random.default_rng(0)
        raw = rng.standard_normal((size, dim), dtype=np.float32)
        raw /= np.linalg.norm(raw, axis=1, keepdims=True)
        flat = faiss.IndexFlatIP(dim)
        flat.add(raw)
        query = raw[:1].copy()
        ours, theirs = [], []
        for question in asks:
            ours.append(timing.milliseconds(store.search, question))
            theirs.append(timing.milliseconds(flat.search, query, 10))
        one, scan = timing.spread(ours), timing.spread(theirs)
        rows.append(
            {
                "memories": size,
                "search_p50_ms": one["p50"],
                "search_p95_ms": one["p95"],
                "faiss_p50_ms": scan["p50"],
                "ratio_p50": round(one["p50"] / scan["p50"], 2),
                "first_ms": round(first, 1),
                "build_s": round(build / 1000, 2),
                "disk_B": round(stats.bytes / size),
                "ram_B": round(stats.index_bytes / size),
                "process_B": round(held / size),
            }
        )
        timing.note(f"{size} memories: {rows[-1]}")
        store.close()
        del raw
        flat.reset()
        gc.collect()
    return {
        "command": "python -m agentmem.evals.speed.search",
        "machine": timing.machine(),
        "embedder": embedder,
        "vectors": vectors,
        "questions": asked,
        "sizes": rows,
    }


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def plot(rows: list[dict[str, Any]], target: Path) -> None:
    """Draw the cost curve: search and the raw scan over the number of memories."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        raise MissingDependency("matplotlib", "evals") from None
    sizes = [row["memories"] for row in rows]
    figure, axes = plt.subplots(figsize=(6.4, 4))
    axes.loglog(sizes, [row["search_p50_ms"] for row in rows], "o-", label="agentmem search, p50")
    axes.loglog(sizes, [row["search_p95_ms"] for row in rows], ":", color="C0", label="agentmem search, p95")
    axes.loglog(sizes, [row["faiss_p50_ms"] for row in rows], "s--", label="FAISS flat fp32 scan, p50")
    axes.set_xlabel("memories in the namespace")
    axes.set_ylabel("ms a question, one thread")
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(target, dpi=120)


def main() -> None:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--sizes", default="1000,10000,100000", help="memories, separated by commas")
    parser.add_argument("--questions", type=int, default=200, help="questions asked at each size")
    parser.add_argument("--vectors", default="auto", help="vector index: auto, numpy or faiss")
    parser.add_argument("--plot", type=Path, help="write the cost curve as a picture")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given.data, given.embedder, sizes, given.questions, Path(folder), given.vectors)
    if given.plot:
        plot(result["sizes"], given.plot)
    timing.show(result, given.json)


if __name__ == "__main__":
    main()
