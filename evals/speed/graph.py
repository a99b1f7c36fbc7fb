"""HippoRAG's graph at size: adding, asking and reopening in files of ever more passages.

Run ``python -m agentmem.evals.speed.graph --data DIR --sizes 1000,30000,100000``.

Passages are those of 2Wiki, MuSiQue and HotpotQA, titles on their first lines, and their questions. Where
more are wanted than there are, they come again with 15 % of their words redrawn, which makes new phrases
and new facts. Times are CPU times of the thread that calls, so that neither what else runs on the machine
counts nor idle threads of a matrix library, which wait busily.

- ``add_ms``: one ``add`` in a file of so many, question afterwards not included; ``seen_ms``: the first
  question after it less a question that follows nothing, which is what the graph takes to learn of it;
- ``question_ms``: a question not asked before;
- ``load_s``: the first question in a file that has no snapshot; ``reopen_s``: opening the file that has
  one, and the first question.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import agentmem
from agentmem.evals.speed import corpus, timing
from agentmem.evals.tasks import TASKS
from agentmem.memory import Draft
from agentmem.stores.hipporag import HippoRAGStore

_TASKS = ("2wiki", "musique", "hotpotqa")


def passages(data: Path | None) -> tuple[list[str], list[str]]:
    """(texts with their titles, questions): real below ``data``, else made."""
    texts: list[str] = []
    questions: list[str] = []
    for name in () if data is None else _TASKS:
        assert data is not None
        for pool in TASKS[name].load(data):
            texts += [str(item.text) for item in pool.items]
            questions += [question.text for question in pool.questions]
    if not texts:
        base = corpus.texts(None)
        texts = [f"{base[i]}\n{base[i + 1]} {base[i + 2].title()}." for i in range(0, 3_000, 3)]
        questions = [" ".join(text.split()[-6:]) + "?" for text in texts[:200]]
    return list(dict.fromkeys(texts)), list(dict.fromkeys(questions))


def varied(texts: Sequence[str], first: int, count: int, seed: int) -> Iterator[Draft]:
    """Passages from number ``first`` on; from the second round on 15 % of the words are others."""
    chance = random.Random(f"{seed} {first}")
    words = [word for text in texts[:3_000] for word in text.split()]
    for i in range(first, first + count):
        text = texts[i % len(texts)]
        if i >= len(texts):
            lines = (line.split() for line in text.split("\n"))
            text = "\n".join(
                " ".join(w if chance.random() > 0.15 else chance.choice(words) for w in line)
                for line in lines
            )
        yield Draft(text, id=f"p{i}")


def measure(path: Path, size: int, data: Path | None, embedder: str, asked: int, seed: int) -> dict[str, Any]:
    """One file of ``size`` passages."""
    texts, questions = passages(data)
    random.Random(seed).shuffle(questions)
    questions = [questions[i % len(questions)] for i in range(4 * asked + 2)]

    def opened() -> HippoRAGStore:
        store = agentmem.open(path, store=HippoRAGStore, embedder=embedder)
        assert isinstance(store, HippoRAGStore)
        return store

    with opened() as store:
        start = time.process_time()
        for begin in range(0, size, 10_000):
            store.add_many(list(varied(texts, begin, min(10_000, size - begin), seed)))
            timing.note(f"{min(size, begin + 10_000)} of {size} written")
        written = time.process_time() - start
    with opened() as store:
        load = _cpu(lambda: store.search(questions[-1]))
        plain = [_cpu(lambda q=q: store.search(q)) for q in questions[:asked]]
        again = [_cpu(lambda q=q: store.search(q)) for q in questions[:asked]]
        adds, after = [], []
        for i, item in enumerate(varied(texts, size + 10**7, asked, seed)):
            adds.append(_cpu(lambda item=item: store.add(item.text, id=item.id)))
            after.append(_cpu(lambda i=i: store.search(questions[i])))
        adds_more = [
            _cpu(lambda item=item: store.add(item.text, id=item.id))
            for item in varied(texts, size + 2 * 10**7, asked, seed)
        ]
    start = time.perf_counter()
    before = time.thread_time()
    with opened() as store:
        store.search(questions[-2])
        reopened, wall = time.thread_time() - before, time.perf_counter() - start
        graph = store.graph_size()
    return {
        "passages": size,
        **graph,
        "add_many_ms": round(1000 * written / size, 3),
        "add_ms": round(1000 * statistics.median([*adds, *adds_more]), 3),
        "seen_ms": round(1000 * (statistics.median(after) - statistics.median(again)), 2),
        "question_ms": round(1000 * statistics.median(plain), 2),
        "again_ms": round(1000 * statistics.median(again), 2),
        "load_s": round(load, 2),
        "reopen_s": round(reopened, 3),
        "reopen_wall_s": round(wall, 3),
        "cache_mb": round(sum(f.stat().st_size for f in path.parent.rglob("*.npy")) / 1e6, 1),
    }


def _cpu(call: Any) -> float:
    start = time.thread_time()
    call()
    return time.thread_time() - start


def main() -> None:
    """The command."""
    parser = timing.arguments((__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", default="1000,30000,100000", help="by commas")
    parser.add_argument("--questions", type=int, default=40, help="and single adds, of each file")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rows = []
    for size in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(
                measure(
                    Path(folder) / "graph.db", size, given.data, given.embedder, given.questions, given.seed
                )
            )
        timing.note(str(rows[-1]))
    result: dict[str, Any] = {
        "command": "python -m agentmem.evals.speed.graph " + " ".join(sys.argv[1:]),
        "machine": timing.machine(),
        "embedder": given.embedder,
        "sizes": rows,
        "add_last_over_first": round(rows[-1]["add_ms"] / rows[0]["add_ms"], 2),
    }
    timing.show(result, given.json)


if __name__ == "__main__":
    main()
