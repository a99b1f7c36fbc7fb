"""SORT: of two passages of a book, which came first?

::

    python -m agentmem.evals.sort --data DIR

Pink et al. 2024, arXiv 2410.08133. A book is written into a store sentence by sentence. Excerpts of 250 to
20,000 words are drawn, and from each pairs of passages of 20 or 50 words that begin at sentence starts and do
not overlap, in four bins of distance, half of them with the earlier one shown first. The store may look into
the excerpt only, and answers by the places of the sentences it finds: no language model. Because order is
stored, the score says whether order was kept and passages are found again, and should be 100 %.

``--unit 200`` writes pieces of about so many words instead of sentences, as vector stores do.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import agentmem
from agentmem.errors import InvalidInput
from agentmem.evals import metrics
from agentmem.evals.tasks import data_folder
from agentmem.memory import Draft
from agentmem.stores.episodic import EpisodicStore

EXCERPTS = (250, 1000, 2500, 10000, 20000)
SEGMENTS = (20, 50)
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m agentmem.evals.sort", description=__doc__.split("\n")[0])
    parser.add_argument("--data", help="folder with booksort/*.txt; else the environment's AGENTMEM_DATA")
    parser.add_argument("--embedder", default="none", help="none, static or minilm")
    parser.add_argument("--count", type=int, default=6, help="pairs a book, lengths and bin")
    parser.add_argument("--unit", type=int, default=0, help="words a piece; 0: sentences")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    given = parser.parse_args(argv)
    files = sorted((data_folder(given.data) / "booksort").glob("*.txt"))
    if not files:
        raise InvalidInput(f"{given.data} holds no booksort/*.txt")
    right: dict[int, list[float]] = {}
    start = time.perf_counter()
    for file in files:
        for length, value in _book(file, given.embedder, given.unit, given.count):
            right.setdefault(length, []).append(value)
    lines = ["| excerpt, words | pairs | right, % |", "|---|---|---|"]
    for length in sorted(right):
        lines.append(f"| {length} | {len(right[length])} | {metrics.mean(right[length], seed=given.seed)} |")
    every = [value for values in right.values() for value in values]
    lines.append(f"| all | {len(every)} | {metrics.mean(every, seed=given.seed)} |")
    command = " ".join(sys.argv[1:] if argv is None else argv)
    lines += ["", f"`python -m agentmem.evals.sort {command}`, {time.perf_counter() - start:.0f} s"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _book(file: Path, embedder: str, unit: int, count: int) -> Iterator[tuple[int, float]]:
    """(length of the excerpt, 1 if right) of each pair of a book."""
    book = sentences(file.read_text("utf-8"))
    with agentmem.open(":memory:", store=EpisodicStore, embedder=embedder) as store:
        assert isinstance(store, EpisodicStore)
        held = pieces(book, unit)
        store.add_many(
            Draft(text, session=file.stem, at="2024-01-01", metadata={"first": first}) for first, text in held
        )
        ends = dict(
            zip([first for first, _ in held], [*[first for first, _ in held[1:]], len(book)], strict=True)
        )
        for excerpt in EXCERPTS:
            for segment in SEGMENTS:
                for pair in pairs(book, file.stem, excerpt, segment, count):
                    begin = max(first for first in ends if first <= pair.start)
                    within = {"first": {"$gte": begin, "$lt": pair.end}}
                    found = store.came_first(*pair.shown, filter=within)
                    if found != pair.answer:
                        sys.stderr.write(f"{file.stem}: {pair}: {found}\n")
                    yield excerpt, float(found == pair.answer)
        sys.stderr.write(f"{file.stem}: {len(book)} sentences\n")


if __name__ == "__main__":
    sys.exit(main())
