"""SORT: of two passages of a book, which came first?

::

    python -m agentmem.evals.sort --data DIR

Pink et al. 2024, arXiv 2410.08133. A book is written into a store sentence by sentence. Excerpts of 250 to
20,000 words are drawn, and from each pairs of passages of 20 or 50 words that begin at sentence starts and do
not overlap, in four bins of distance, half of them with the earlier one shown first. A system may look into
the excerpt only, and answers by the times of the sentences it finds: no language model. Because order is
stored, the score says whether order was kept and passages are found again, and should be 100 %. Plain BM25
stands beside the stores; that it knows the place of each sentence is its one advantage over a vector store
that returns passages without times, which can only guess (50 %).

``--unit 200`` writes pieces of about so many words instead of sentences, as vector stores do.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

import agentmem
from agentmem.errors import InvalidInput
from agentmem.evals import baselines, metrics
from agentmem.evals.tasks.base import Pool, data_folder
from agentmem.memory import Draft
from agentmem.stores.episodic import EpisodicStore
from agentmem.stores.episodic.reading import place_of

EXCERPTS = (250, 1000, 2500, 10000, 20000)
SEGMENTS = (20, 50)
_DAY_ONE = datetime(2024, 1, 1, tzinfo=timezone.utc)
_START = re.compile(r"\*\*\* ?START OF .*?\*\*\*", re.DOTALL)
_END = re.compile(r"\*\*\* ?END OF ")
_SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?][\"'”’)\]]))\s+(?=[\"'“‘(\[]*[A-Z0-9])|\n\s*\n")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two passages of an excerpt.

    Attributes:
        shown: the passages, in the order in which they are shown.
        answer: 0 or 1: which of them came first.
        start, end: the sentences of the excerpt.
        excerpt: its length in words.
        bin: of the distance, 0 to 3.
    """

    shown: tuple[str, str]
    answer: int
    start: int
    end: int
    excerpt: int
    bin: int


def sentences(text: str) -> list[str]:
    """The sentences of a book, without Project Gutenberg's frame."""
    begin, end = _START.search(text), _END.search(text)
    body = text[begin.end() if begin else 0 : end.start() if end else len(text)]
    return [" ".join(part.split()) for part in _SENTENCE.split(body) if part and part.strip()]


def pairs(book: Sequence[str], name: str, excerpt: int, segment: int, count: int) -> Iterator[Pair]:
    """``count`` pairs a bin of distance, the same each time; nothing when the book is too short."""
    words = [word for sentence in book for word in sentence.split()]
    starts = [0]
    for sentence in book:
        starts.append(starts[-1] + len(sentence.split()))
    rng = random.Random(f"{name}/{excerpt}/{segment}")
    edges = [segment, *(excerpt / part for part in (4, 3, 2, 1.25))]
    if excerpt >= 5000:
        edges = [segment, 1000, *(excerpt / part for part in (4, 2, 1.25))]
    possible = [i for i, start in enumerate(starts[:-1]) if start + excerpt <= len(words)]
    for bin in range(4) if possible else ():
        made = tries = 0
        while made < count and tries < 500 * count:
            tries += 1
            first = rng.choice(possible)
            end = first
            while end < len(book) and starts[end + 1] <= starts[first] + excerpt:
                end += 1
            inside = [i for i in range(first, end) if starts[i] + segment <= starts[end]]
            if not inside:
                continue
            a = rng.choice(inside)
            low, high = starts[a] + edges[bin], starts[a] + edges[bin + 1]
            later = [i for i in inside if low <= starts[i] < high]
            if not later:
                continue
            passages = [" ".join(words[starts[i] : starts[i] + segment]) for i in (a, rng.choice(later))]
            if passages[0] == passages[1]:
                continue
            answer = made % 2
            shown = (passages[answer], passages[1 - answer])
            yield Pair(shown, answer, first, end, excerpt, bin)
            made += 1


def pieces(book: Sequence[str], unit: int) -> list[tuple[int, str]]:
    """(first sentence, text) of pieces of at least ``unit`` words; 0: of each sentence."""
    made: list[tuple[int, str]] = []
    held: list[str] = []
    for i, sentence in enumerate(book):
        held.append(sentence)
        if sum(len(part.split()) for part in held) >= unit:
            made.append((i + 1 - len(held), " ".join(held)))
            held = []
    return [*made, (len(book) - len(held), " ".join(held))] if held else made


Order = Callable[[tuple[str, str], int, int], int | None]
"""Two passages, and the first sentence of the excerpt and the one after its last -> which came first."""


def by_store(name: str, embedder: str, title: str, held: Sequence[tuple[int, str]]) -> Order:
    """A store of the package: the times of the memories found, or its own verb where it has one."""
    store = agentmem.open(":memory:", store=name, embedder=embedder)
    store.add_many(
        Draft(text, session=title, at=_DAY_ONE + timedelta(minutes=i), metadata={"first": first})
        for i, (first, text) in enumerate(held)
    )

    def order(passages: tuple[str, str], begin: int, end: int) -> int | None:
        within = {"first": {"$gte": begin, "$lt": end}}
        if isinstance(store, EpisodicStore):
            return store.came_first(*passages, filter=within)
        hits = [store.search(passage, 1, filter=within) for passage in passages]
        if not all(hits):
            return None
        a, b = (found[0].memory for found in hits)
        return earlier(passages, (a.at, b.at), (a.text, b.text))

    return order


def by_bm25(title: str, held: Sequence[tuple[int, str]]) -> Order:
    """Plain BM25: the places of the best pieces."""
    drafts = [Draft(text, id=str(first)) for first, text in held]
    ids, scores = baselines.bm25_scores(Pool((title,), drafts))
    firsts = np.array(list(map(int, ids)))

    def order(passages: tuple[str, str], begin: int, end: int) -> int | None:
        inside = (firsts >= begin) & (firsts < end)
        a, b = (int(np.where(inside, scores(passage), -1.0).argmax()) for passage in passages)
        return earlier(passages, (a, b), (held[a][1], held[b][1]))

    return order


def earlier(passages: tuple[str, str], keys: tuple[Any, Any], texts: tuple[str, str]) -> int | None:
    """Which of two passages came first, by the order of what was found, else by the place within it."""
    if keys[0] == keys[1]:
        keys = (place_of(passages[0], texts[0]), place_of(passages[1], texts[1]))
    return None if keys[0] == keys[1] else int(keys[1] < keys[0])


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m agentmem.evals.sort", description=__doc__.split("\n")[0])
    parser.add_argument("--data", help="folder with booksort/*.txt; else the environment's AGENTMEM_DATA")
    parser.add_argument("--store", default="unified,episodic", help="the stores to score, by commas")
    parser.add_argument("--embedder", default="none", help="none, static or minilm")
    parser.add_argument("--count", type=int, default=6, help="pairs a book, lengths and bin")
    parser.add_argument("--unit", type=int, default=0, help="words a piece; 0: sentences")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    given = parser.parse_args(argv)
    files = sorted((data_folder(given.data) / "booksort").glob("*.txt"))
    if not files:
        raise InvalidInput(f"{given.data} holds no booksort/*.txt")
    right: dict[str, dict[int, list[float]]] = {}
    start = time.perf_counter()
    for file in files:
        for system, length, value in _book(
            file, given.store.split(","), given.embedder, given.unit, given.count
        ):
            right.setdefault(system, {}).setdefault(length, []).append(value)
    command = "python -m agentmem.evals.sort " + " ".join(sys.argv[1:] if argv is None else argv)
    means = {
        system: {
            **{str(length): metrics.mean(values[length], seed=given.seed) for length in sorted(values)},
            "all": metrics.mean([one for some in values.values() for one in some], seed=given.seed),
        }
        for system, values in right.items()
    }
    if given.json:
        rows = {
            system: {key: asdict(mean) for key, mean in columns.items()} for system, columns in means.items()
        }
        out = json.dumps({"command": command, "seed": given.seed, "right": rows}, indent=1)
    else:
        lines = [
            "| excerpt, words | pairs | " + " | ".join(f"{system}, % right" for system in means) + " |",
            "|---" * (len(means) + 2) + "|",
        ]
        first = next(iter(means.values()))
        for key in first:
            cells = " | ".join(str(columns[key]) for columns in means.values())
            lines.append(f"| {key} | {first[key].n} | {cells} |")
        lines += ["", f"`{command}`, {time.perf_counter() - start:.0f} s"]
        out = "\n".join(lines)
    sys.stdout.write(out + "\n")
    return 0


def _book(
    file: Path, stores: Sequence[str], embedder: str, unit: int, count: int
) -> Iterator[tuple[str, int, float]]:
    """(system, length of the excerpt, 1 if right) of each pair of a book."""
    book = sentences(file.read_text("utf-8"))
    held = pieces(book, unit)
    firsts = [first for first, _ in held]
    systems = {name: by_store(name, embedder, file.stem, held) for name in stores}
    systems["plain BM25"] = by_bm25(file.stem, held)
    for excerpt in EXCERPTS:
        for segment in SEGMENTS:
            for pair in pairs(book, file.stem, excerpt, segment, count):
                begin = max(first for first in firsts if first <= pair.start)
                for system, order in systems.items():
                    found = order(pair.shown, begin, pair.end)
                    if found != pair.answer:
                        sys.stderr.write(f"{file.stem}, {system}: {pair}: {found}\n")
                    yield system, excerpt, float(found == pair.answer)
    sys.stderr.write(f"{file.stem}: {len(book)} sentences\n")


if __name__ == "__main__":
    sys.exit(main())
