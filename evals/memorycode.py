"""MemoryCode: of a rule that was changed, is the newest version found, and found first?

::

    python -m agentmem.evals.memorycode --data DIR

A dialogue's turns are written into a store; asked is for a rule without its value ("end attribute names
with"). Similarity cannot tell the newest version from those it replaced, so plain search mostly serves a
stale one. ``newest by key`` reads the hits once more: a *rule* is a literal (a word in quotation marks, or
one written as no ordinary word is) with the words of its clause around it; the rules that say the question
about as well as the best does are versions of one key, and the newest of them wins. Nothing in it knows of
code, of mentors or of these rules.

Columns, in % of the changing rules: the session of the newest version first; a session of a replaced version
first; the newest among the first five sessions; the newest of all sessions within 70 % of the best score.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

import agentmem
from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput
from agentmem.evals import baselines, metrics
from agentmem.evals.metrics import Mean
from agentmem.evals.quality import packaged
from agentmem.evals.tasks.base import Pool, data_folder
from agentmem.evals.tasks.memorycode import SOURCE, Dialogue, Rule, dialogues
from agentmem.language.text import analyse, query_words
from agentmem.memory import Draft, Hit
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import rarity, similar_words

HITS = 200
"""Turns searched for."""
NEAR = 0.7
"""Share of the best score within which a session counts as about the same, for the last column."""
SAME_KEY = 0.9
"""Share of the best fit from which a rule is a version of the same key."""
BEFORE, AFTER = 10, 6
"""Words of the clause before and after a literal that say what it is a value of."""

Ranked = list[tuple[str, float]]
"""Sessions and their scores, best first."""
Ask = Callable[[Rule], Ranked]
System = Callable[[Dialogue], dict[str, Ask]]


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one way to ask.

    Attributes:
        system: which.
        first, stale, five, near: the columns; ``near`` is None where sessions have no scores of that kind.
    """

    system: str
    first: Mean
    stale: Mean
    five: Mean
    near: Mean | None


# --- rules in texts ----------------------------------------------------------------------------------

_LITERAL = re.compile(
    r"(?<!\w)['\"`\u2018\u201c]([^\s'\"`\u2018\u2019\u201c\u201d]{1,20})['\"`\u2019\u201d](?!\w)"
    r"|\b\w*_\w*\b|\b[a-z]+[A-Z]\w*\b|\b(?:[A-Z][a-z]+){2,}\b|\b[A-Z]{4,}\b"
)
_END = re.compile(r"[.!?;](?:\s|$)|\n")
_AND = re.compile(r",|\band\b")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def rules(text: str) -> Iterator[tuple[str, frozenset[str]]]:
    """(literal, words of the clause it stands in) of each literal of a text."""
    for match in _LITERAL.finditer(text):
        before = _LITERAL.split(_END.split(text[: match.start()])[-1])[-1] or ""
        after = _END.split(text[match.end() :])[0]
        other = _LITERAL.search(after)
        if other is not None:
            after = _AND.split(after[: other.start()])[0]
        around = [*_TOKEN.findall(before)[-BEFORE:], *_TOKEN.findall(after)[:AFTER]]
        yield match.group(), frozenset(analyse(" ".join(around)).words)


def newest(question: str, hits: Sequence[Hit]) -> Ranked:
    """Sessions of the versions of the key that a question names, newest first; then the others by fit.

    Fit is the share of the question's words, by rarity among the rules, that a rule says; a word of the
    same meaning counts as in recall.
    """
    recipe = Recipe()
    found = [(words, hit.memory) for hit in hits for _, words in rules(hit.memory.text)]
    asked = query_words(question)
    if not found or not asked:
        return []
    df = np.array([sum(word in words for words, _ in found) for word in asked])
    weights = rarity(len(found), df, asked, recipe)
    near = [((word, 1.0), *similar_words(word, recipe.soft, recipe.soft_from)) for word in asked]
    fits: dict[str, float] = {}
    ends: dict[str, float] = {}
    for words, memory in found:
        said = np.array([max((f for one, f in some if one in words), default=0.0) for some in near])
        session = str(memory.session)
        fits[session] = max(fits.get(session, 0.0), float(weights @ said / weights.sum()))
        ends[session] = max(ends.get(session, 0.0), memory.at.timestamp())
    bound = SAME_KEY * max(fits.values())
    order = sorted(fits, key=lambda s: (fits[s] < bound, -ends[s] if fits[s] >= bound else -fits[s]))
    return [(session, fits[session]) for session in order]


# --- systems -----------------------------------------------------------------------------------------


def by_session(dialogue: Dialogue) -> Ask:
    """Plain BM25 over whole sessions."""
    texts: dict[str, list[str]] = {}
    for turn in dialogue.turns:
        texts.setdefault(str(turn.session), []).append(baselines.usual_text(turn))
    items = [Draft("\n".join(parts), id=session) for session, parts in texts.items()]
    ids, scores = baselines.bm25_scores(Pool(dialogue.namespace, items))
    return lambda rule: best(zip(ids, scores(rule.question).tolist(), strict=True))


def by_turn(dialogue: Dialogue) -> Ask:
    """Plain BM25 over turns; a session is as good as its best."""
    ids, scores = baselines.bm25_scores(Pool(dialogue.namespace, dialogue.turns))
    sessions = [id.split(".")[0] for id in ids]
    return lambda rule: best(zip(sessions, scores(rule.question).tolist(), strict=True))


def plain(dialogue: Dialogue) -> dict[str, Ask]:
    """The baselines."""
    return {"plain BM25, sessions": by_session(dialogue), "plain BM25, best turn": by_turn(dialogue)}


def product(embedder: Embedder | None, store: str, name: str, dialogue: Dialogue) -> dict[str, Ask]:
    """A store of the package, asked plainly, and read by key."""
    opened = agentmem.open(
        ":memory:", store=store, namespace=dialogue.namespace, embedder=embedder if embedder else "none"
    )
    opened.add_many(dialogue.turns)

    def search(rule: Rule) -> list[Hit]:
        return opened.search(rule.question, HITS, at=rule.at)

    return {
        name: lambda rule: best((str(hit.memory.session), hit.score) for hit in search(rule)),
        f"{name}, newest by key": lambda rule: newest(rule.question, search(rule)),
    }


def best(scored: Iterator[tuple[str, float]] | zip[tuple[str, float]]) -> Ranked:
    """Sessions by their best score; those that score alike in the order of their first mention."""
    found: dict[str, float] = {}
    for session, score in scored:
        found[session] = max(found.get(session, score), score)
    return sorted(found.items(), key=lambda one: -one[1])


def run(given: Sequence[Dialogue], systems: Sequence[System], *, seed: int = 0) -> list[Row]:
    """Ask every rule that changes.

    Raises:
        InvalidInput: no rule changes.
    """
    values: dict[str, dict[str, list[float]]] = {}
    for count, dialogue in enumerate(given, 1):
        if not dialogue.rules:
            continue
        for system in systems:
            for name, ask in system(dialogue).items():
                columns = values.setdefault(name, {key: [] for key in ("first", "stale", "five", "near")})
                for rule in dialogue.rules:
                    for key, value in scores(rule, ask(rule)).items():
                        columns[key].append(value)
        if count % 20 == 0 or count == len(given):
            sys.stderr.write(f"{count} of {len(given)} dialogues\n")
            sys.stderr.flush()
    if not values:
        raise InvalidInput("no rule of these dialogues changes")
    rows = []
    for name, columns in values.items():
        means = {key: metrics.mean(numbers, seed=seed) for key, numbers in columns.items()}
        near = None if name.endswith("newest by key") else means["near"]
        rows.append(Row(name, means["first"], means["stale"], means["five"], near))
    return rows


def scores(rule: Rule, ranked: Ranked) -> dict[str, float]:
    """The columns for one rule."""
    newest_one, older = rule.sessions[-1], set(rule.sessions[:-1]) - {rule.sessions[-1]}
    first = ranked[0][0] if ranked else None
    near = [session for session, score in ranked if score >= NEAR * ranked[0][1]]
    return {
        "first": float(first == newest_one),
        "stale": float(first in older),
        "five": float(newest_one in [session for session, _ in ranked[:5]]),
        "near": float(bool(near) and max(near, key=int) == newest_one),
    }


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        f"## MemoryCode: rules that change, {rows[0].first.n} of them, % [95 % interval]",
        "",
        "| | newest first | stale first | newest in 5 | newest of all within 70 % |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [str(one) if one is not None else "" for one in (row.first, row.stale, row.five, row.near)]
        lines.append("| " + " | ".join([row.system, *cells]) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.memorycode", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", help="folder with memorycode/; else the environment's AGENTMEM_DATA")
    parser.add_argument("--limit", type=int, help="at most so many dialogues")
    parser.add_argument("--embedder", default="static", help="none, static, minilm; several by commas")
    parser.add_argument("--store", default="unified", help="the store to score")
    parser.add_argument("--cache", type=Path, help="folder where vectors are kept between runs")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args(argv)
    start = time.perf_counter()
    given = list(islice(dialogues(data_folder(options.data)), options.limit))
    systems: list[System] = [plain]
    for name in options.embedder.split(","):
        embedder = packaged(name, options.cache)
        systems.append(partial(product, embedder, options.store, f"{options.store}, {name}"))
    rows = run(given, systems, seed=options.seed)
    command = "python -m agentmem.evals.memorycode " + " ".join(sys.argv[1:] if argv is None else argv)
    if options.json:
        out = json.dumps({"command": command, "seed": options.seed, "rows": [asdict(row) for row in rows]})
    else:
        out = f"{table(rows)}\n\n`{command}`, {SOURCE}; {time.perf_counter() - start:.0f} s"
    sys.stdout.write(out + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
