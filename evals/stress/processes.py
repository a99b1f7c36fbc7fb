"""Many processes on one file: no error, no lost write, no reader behind a write that was acknowledged.

Run ``python -m agentmem.evals.stress.processes --writers 4 --readers 4 --seconds 10``.

Each writer adds memories and at once reads and searches what it added. Each reader picks a memory whose
writer has acknowledged it, and must get it and find it by its own word.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import timing


def text_of(writer: int, number: int) -> str:
    """A text with a word of its own."""
    return f"writer {writer} noted the token qz{writer}x{number}z about topic {number % 17}"


def write(
    path: str, options: dict[str, Any], who: int, count: int, end: float, board: Any, errors: Any
) -> None:
    """A writer: ``count`` memories, or until ``end``; ``board[who]`` is how many it has acknowledged."""
    try:
        with agentmem.open(path, **options) as store:
            for number in range(count):
                if time.time() > end:
                    break
                store.add(text_of(who, number), id=f"{who}-{number}")
                board[who] = number + 1
                if store.get(f"{who}-{number}").text != text_of(who, number):
                    errors.put(f"writer {who} does not see its memory {number}")
                if number % 10 == 0 and not finds(store, who, number):
                    errors.put(f"writer {who} does not find its memory {number}")
    except BaseException:
        errors.put(f"writer {who}: {traceback.format_exc()}")


def read(
    path: str, options: dict[str, Any], who: int, end: float, board: Any, stop: Any, counts: Any, errors: Any
) -> None:
    """A reader: until told to stop, look for memories that have been acknowledged."""
    chance = random.Random(who)
    try:
        with agentmem.open(path, **options) as store:
            while not stop.is_set() and time.time() < end:
                writer = chance.randrange(len(board))
                newest = board[writer]
                if not newest:
                    time.sleep(0.002)
                    continue
                number = newest - 1 if chance.random() < 0.5 else chance.randrange(newest)
                if f"{writer}-{number}" not in [m.id for m in store.get_many([f"{writer}-{number}"])]:
                    errors.put(f"reader {who} does not see {writer}-{number}")
                if not finds(store, writer, number):
                    errors.put(f"reader {who} does not find {writer}-{number}")
                counts[who] += 1
    except BaseException:
        errors.put(f"reader {who}: {traceback.format_exc()}")


def finds(store: agentmem.MemoryStore, writer: int, number: int) -> bool:
    """Whether a search for its own word brings a memory."""
    return any(hit.memory.id == f"{writer}-{number}" for hit in store.search(f"qz{writer}x{number}z", 3))


def run(
    path: Path,
    *,
    writers: int,
    readers: int,
    seconds: float,
    count: int,
    embedder: str,
    durability: str = "full",
) -> dict[str, Any]:
    """Let writers and readers loose on one new file, which they open at the same moment.

    Args:
        path: the file.
        writers: processes that write.
        readers: processes that read.
        seconds: how long at most.
        count: memories a writer adds at most.
        embedder: name of the embedder.
        durability: "full" or "relaxed".

    Returns:
        Rates, and what was found wrong; ``problems`` is empty when all is well.
    """
    context: Any = multiprocessing.get_context("spawn")
    board, counts = context.Array("l", writers), context.Array("l", max(readers, 1))
    errors, stop = context.Queue(), context.Event()
    options = {"embedder": embedder, "durability": durability}
    end = time.time() + seconds
    writing = [
        context.Process(target=write, args=(str(path), options, who, count, end, board, errors))
        for who in range(writers)
    ]
    reading = [
        context.Process(target=read, args=(str(path), options, who, end + 600, board, stop, counts, errors))
        for who in range(readers)
    ]
    problems: list[str] = []
    for process in (*writing, *reading):
        process.start()
    first = None
    while any(process.is_alive() for process in writing):
        if first is None and sum(board):
            first = (time.monotonic(), sum(board))
        time.sleep(0.02)
        _collect(errors, problems)
    elapsed = time.monotonic() - first[0] if first else 0.0
    stop.set()
    while any(process.is_alive() for process in reading):
        time.sleep(0.02)
        _collect(errors, problems)
    for process in (*writing, *reading):
        process.join()
        if process.exitcode:
            problems.append(f"a process ended with status {process.exitcode}")
    _collect(errors, problems)
    written = sum(board)
    with agentmem.open(path, embedder=embedder) as store:
        texts = {memory.id: memory.text for memory in store.list()}
        expected = {f"{who}-{n}": text_of(who, n) for who in range(writers) for n in range(board[who])}
        if texts != expected:
            problems.append(f"{len(expected)} memories were acknowledged, {len(texts)} are there")
        problems += [f"check: {problem.where}: {problem.what}" for problem in store.check()]
    return {
        "command": "python -m agentmem.evals.stress.processes",
        "machine": timing.machine(),
        "writers": writers,
        "readers": readers,
        "durability": durability,
        "memories": written,
        "writes_per_s": round((written - first[1]) / elapsed) if first and elapsed else 0,
        "reads_per_s": round(sum(counts) / elapsed) if elapsed else 0,
        "least_and_most_of_a_writer": [min(board, default=0), max(board, default=0)],
        "problems": problems,
    }


def _collect(errors: Any, problems: list[str]) -> None:
    while not errors.empty():
        problems.append(errors.get())


def main() -> int:
    """The command."""
    parser = timing.arguments(__doc__ or "")
    parser.add_argument("--writers", type=int, default=4, help="processes that write (default: 4)")
    parser.add_argument("--readers", type=int, default=4, help="processes that read (default: 4)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (default: 10)")
    parser.add_argument("--count", type=int, default=sys.maxsize, help="memories a writer adds at most")
    parser.add_argument("--durability", default="full", choices=["full", "relaxed"], help="default: full")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(
            Path(folder) / "processes.db",
            writers=given.writers,
            readers=given.readers,
            seconds=given.seconds,
            count=given.count,
            embedder=given.embedder,
            durability=given.durability,
        )
    timing.show(result, given.json)
    return 1 if result["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
