"""Erase memories from a file that has seen much traffic, and look for their bytes in all its files.

Run ``python -m agentmem.evals.stress.erase --count 5000 --victims 500``.

Each victim has a word, a metadata value and an id that stand nowhere else. Before the erasure all of
them must be found in the file (else the search proves nothing), after it none.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import timing


def bytes_of(path: Path) -> bytes:
    """FILE, FILE-wal, FILE-shm and all of FILE.cache/."""
    parts = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    cache = path.with_name(path.name + ".cache")
    parts += sorted(part for part in cache.rglob("*")) if cache.is_dir() else []
    return b"\x00".join(part.read_bytes() for part in parts if part.is_file())


def run(path: Path, *, count: int, victims: int, seed: int, embedder: str) -> dict[str, Any]:
    """Fill, churn, erase, scan.

    Returns:
        Counts, times, and what was found wrong; ``problems`` is empty when all is well.
    """
    chance = random.Random(seed)
    ids = [f"{chance.getrandbits(64):016x}" for _ in range(count)]
    chosen = sorted(chance.sample(ids, victims))
    marks = {id: (f"word{id}", f"meta{id}", f"id{id}") for id in ids}
    problems: list[str] = []
    with agentmem.open(path, embedder=embedder, durability="relaxed") as store:
        start = 0
        while start < count:
            part = ids[start : start + chance.randrange(1, 40)]
            start += len(part)
            filler = ["and so on " * chance.randrange(60) for _ in part]
            store.add_many(
                [
                    agentmem.Draft(f"note {marks[id][0]} {more}", id=f"id{id}", metadata={"m": marks[id][1]})
                    for id, more in zip(part, filler, strict=True)
                ]
            )
        for id in chance.sample(ids, count // 3):
            store.update(f"id{id}", text=f"changed {marks[id][0]} {'more ' * chance.randrange(60)}")
        store.delete([f"id{id}" for id in chance.sample(ids, count // 10)])
        timing.note(f"{count} memories written, a third changed, a tenth deleted")
        with agentmem.open(path, embedder=embedder, readonly=True) as reader:  # somebody else looks on
            reader.search(f"word{ids[0]}")
            before = bytes_of(path)
            missing = [mark for id in chosen for mark in marks[id] if mark.encode() not in before]
            began = time.monotonic()
            report = store.erase(ids=[f"id{id}" for id in chosen])
            elapsed = time.monotonic() - began
            after = bytes_of(path)
            left = [mark for id in chosen for mark in marks[id] if mark.encode() in after]
            gone = [
                mark
                for id in ids
                if id not in set(chosen)
                for mark in marks[id][1:]
                if mark.encode() not in after
            ]
            found = [id for id in chosen[:20] if reader.get_many([f"id{id}"])]
        problems += [f"check: {problem.where}: {problem.what}" for problem in store.check()]
    if missing:
        problems.append(f"{len(missing)} marks were not in the file before: the search proves nothing")
    if left:
        problems.append(f"{len(left)} marks are left: {left[:5]}")
    if gone:
        problems.append(f"{len(gone)} marks of others are gone: {gone[:5]}")
    if found:
        problems.append(f"another handle still sees {found[:5]}")
    if not report.complete:
        problems.append(f"the report says: {report.detail}")
    return {
        "command": "python -m agentmem.evals.stress.erase",
        "machine": timing.machine(),
        "memories": count,
        "victims": victims,
        "versions_erased": report.versions,
        "words_erased": report.words,
        "marks_before": 3 * victims - len(missing),
        "marks_left": len(left),
        "file_bytes": len(before),
        "seconds": round(elapsed, 2),
        "problems": problems,
    }


def main() -> int:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--count", type=int, default=5000, help="memories (default: 5000)")
    parser.add_argument("--victims", type=int, default=500, help="of them to erase (default: 500)")
    parser.add_argument("--seed", type=int, default=0, help="of the layout (default: 0)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(
            Path(folder) / "erase.db",
            count=given.count,
            victims=given.victims,
            seed=given.seed,
            embedder=given.embedder,
        )
    timing.show(result, given.json)
    return 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
