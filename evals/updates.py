"""Are updates in other words noticed, and unrelated statements left alone? Both rates, never one alone.

::

    python -m agentmem.evals.updates                       the test half, words alone, static and minilm
    python -m agentmem.evals.updates --embedder static --half fit

The pairs, ``evals/data/updates.jsonl``, are our own: an older and a newer statement about one subject,
encyclopaedic and from chats, split into halves by relation. The weights were fitted on the half ``fit``;
levels too. Kinds of negatives: another relation with a value of the same type (``other``, also with words
of change), ``past``, ``negated``, ``hypothetical``, ``question``, another ``subject``, a further value
(``several``, also in identical wording). Beside them, and not among the rates, stand statements against
another slot of the same subject (``slot``) and closings. One author wrote pairs, cue words and thesaurus, and
features and words were chosen by the half ``fit`` while the totals of the other half were known: real text
will be less kind.

``--pairs`` takes another file, a JSON object a line: ``kind`` (``update``, ``closing``, ``slot`` or any name
of a kind of negatives), ``old`` and ``new`` (sentences), ``subject`` ("I" for the speaker), ``old_object``
and, where the newer sentence names a value, ``new_object``, each as it stands in its sentence; if wanted
``id``, ``relation``, ``register`` and ``half``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput, UnknownOption
from agentmem.evals import metrics
from agentmem.evals.quality import EMBEDDERS, packaged
from agentmem.facts.claims import Claim
from agentmem.facts.updates import Judgement, UpdateJudge, action
from agentmem.facts.wordings import Pair, vector_texts

DATA = Path(__file__).parent / "data" / "updates.jsonl"
HALVES = ("fit", "test")
BESIDE = ("update", "closing", "slot")
"""Kinds that are no hard negatives; all others are."""
SHARES = (0.02, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Example:
    """A labelled pair.

    Attributes:
        id, relation, half, register, kind: see the module; ``kind`` is ``update``, ``closing``, ``slot`` or
            the kind of a negative.
        older, newer: the statements.
    """

    id: str
    relation: str
    half: str
    register: str
    kind: str
    older: Claim
    newer: Claim


@dataclass(frozen=True, slots=True)
class Rates:
    """What one way of judging finds and what it takes falsely.

    Attributes:
        name: of the way.
        strong, strong_false: share of updates found, of negatives taken, at the strong level.
        weak, weak_false: the same at the weak level.
        at: false rate -> share of updates found at the level that allows just that rate on these pairs.
        kinds: kind -> (pairs, taken at strong, taken at weak).
    """

    name: str
    strong: metrics.Mean
    strong_false: metrics.Mean
    weak: metrics.Mean
    weak_false: metrics.Mean
    at: Mapping[str, float]
    kinds: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)


def examples(path: Path = DATA, half: str | None = None) -> list[Example]:
    """The labelled pairs of a half, or all.

    Raises:
        InvalidInput: a line lacks something, or there is none.
        UnknownOption: there is no such half.
    """
    if half is not None and half not in HALVES:
        raise UnknownOption("half", half, HALVES)
    found: list[Example] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row: dict[str, str] = json.loads(line)
            older = Claim(row["old"], row["subject"], row["old_object"])
            newer = Claim(row["new"], row["subject"], row.get("new_object"))
            one = Example(
                row.get("id", str(number)),
                row.get("relation", ""),
                row.get("half", "test"),
                row.get("register", "encyclopaedic"),
                row["kind"],
                older,
                newer,
            )
        except (ValueError, KeyError) as error:
            raise InvalidInput(f"{path}, line {number}: not a labelled pair: {error!r}") from error
        found.append(one)
    found = [one for one in found if half in (None, one.half)]
    if not found:
        raise InvalidInput(f"{path} holds no pairs of the half {half!r}")
    return found


def recall_at(scores: NDArray[np.float64], kinds: Sequence[str], share: float) -> tuple[float, float]:
    """(share of updates above the level that takes a share of the hard negatives, that level)."""
    of = np.array(kinds)
    below = np.sort(scores[~np.isin(of, BESIDE)])[::-1]
    level = float(below[int(share * len(below))])
    return float((scores[of == "update"] > level).mean()), level


def judge_rates(name: str, found: Sequence[Judgement], given: Sequence[Example], seed: int = 0) -> Rates:
    """Rates of judgements by a judge."""
    levels = [{None: 0, "weak": 1, "strong": 2}[said.level] for said in found]
    # A closing is no update: it gives no new value.
    taken = np.array([0 if said.closes else level for said, level in zip(found, levels, strict=True)])
    scores = np.array([-99.0 if said.score is None or said.closes else said.score for said in found])
    return _rates(name, taken, scores, given, seed)


def baseline_rates(
    embedder: Embedder, given: Sequence[Example], fitted: Sequence[Example], seed: int = 0
) -> list[Rates]:
    """Plain cosines with levels from the fitting half: whole sentences, and wordings with holes."""
    made: list[Rates] = []
    for which, about in ((None, "cosine of the sentences"), (0, "cosine of the wordings with holes")):
        scores, known = (_cosines(embedder, some, which) for some in (given, fitted))
        kinds = [one.kind for one in fitted]
        levels = [recall_at(known, kinds, share)[1] for share in (SHARES[0], SHARES[-1])]
        taken = (scores > levels[0]).astype(int) + (scores > levels[1])
        made.append(_rates(f"{about}, {embedder.name}", taken, scores, given, seed))
    return made


def _cosines(embedder: Embedder, given: Sequence[Example], which: int | None) -> NDArray[np.float64]:
    texts: list[str] = []
    for one in given:
        if which is None:
            texts += [one.older.sentence, one.newer.sentence]
        else:
            every = vector_texts(Pair.of(one.older, one.newer))
            texts += [every[which], every[len(every) // 2 + which]]
    vectors = embedder.embed(texts)
    cosines: NDArray[np.float64] = np.einsum("ij,ij->i", vectors[::2], vectors[1::2]).astype(np.float64)
    return cosines


def _rates(
    name: str, taken: NDArray[np.int_], scores: NDArray[np.float64], given: Sequence[Example], seed: int
) -> Rates:
    kinds = np.array([one.kind for one in given])
    update, hard = kinds == "update", ~np.isin(kinds, BESIDE)

    def share(of: NDArray[np.bool_], level: int) -> metrics.Mean:
        return metrics.mean((taken[of] >= level).astype(float).tolist(), seed=seed)

    by_kind = {
        str(kind): (
            int((kinds == kind).sum()),
            int((taken[kinds == kind] == 2).sum()),
            int((taken[kinds == kind] >= 1).sum()),
        )
        for kind in dict.fromkeys(kinds.tolist())
    }
    at = {f"{100 * part:.0f} %": recall_at(scores, kinds.tolist(), part)[0] for part in SHARES}
    return Rates(name, share(update, 2), share(hard, 2), share(update, 1), share(hard, 1), at, by_kind)


@dataclass(frozen=True, slots=True)
class Report:
    """All rates, and what ``strict`` and closings gave.

    Attributes:
        half: of the pairs.
        pairs, relations: how many.
        rows: one a way of judging.
        strict: negatives superseded in mode ``strict``.
        closings: (closings, proposed as closing, negatives and updates proposed as closing).
        command: what made it.
        seconds: how long it took.
    """

    half: str
    pairs: int
    relations: int
    rows: list[Rates]
    strict: int
    closings: tuple[int, int, int]
    command: str
    seconds: float


def measure(
    embedders: Sequence[str], half: str, *, path: Path = DATA, cache: Path | None = None, seed: int = 0
) -> Report:
    """Judge the pairs of a half with each embedder, and with the baselines."""
    start = time.perf_counter()
    given, fitted = examples(path, half), examples(half="fit")
    claims = [(one.older, one.newer) for one in given]
    rows: list[Rates] = []
    strict = 0
    closings = (0, 0, 0)
    for name in embedders:
        embedder = packaged(name, cache)
        found = UpdateJudge(embedder).compare(claims)
        rows.append(judge_rates(f"judge, {name}", found, given, seed))
        strict += sum(
            action(said, "strict") in ("supersede", "close")
            for said, one in zip(found, given, strict=True)
            if one.kind != "update"
        )
        closing = [one.kind == "closing" for one in given]
        closings = (
            sum(closing),
            sum(said.closes for said, yes in zip(found, closing, strict=True) if yes),
            sum(said.closes for said, yes in zip(found, closing, strict=True) if not yes),
        )
        if embedder is not None:
            rows += baseline_rates(embedder, given, fitted, seed)
    relations = len({one.relation for one in given})
    return Report(half, len(given), relations, rows, strict, closings, "", time.perf_counter() - start)


def table(report: Report) -> str:
    """The report as Markdown."""
    lines = [
        f"## Updates in other words, {report.half} half: {report.pairs} pairs, {report.relations} relations",
        "",
        "| | strong: found | false | weak: found | false | found at 2 / 5 / 10 % false |",
        "|---|---|---|---|---|---|",
    ]
    for row in report.rows:
        at = " / ".join(f"{100 * value:.0f}" for value in row.at.values())
        cells = (row.strong, row.strong_false, row.weak, row.weak_false)
        lines.append(f"| {row.name} | " + " | ".join(map(str, cells)) + f" | {at} |")
    judges = [row for row in report.rows if row.name.startswith("judge")]
    lines += [
        "",
        "Taken at strong / weak, by kind:",
        "",
        "| kind | pairs | " + " | ".join(row.name for row in judges) + " |",
        "|---" * (len(judges) + 2) + "|",
    ]
    for kind, (count, _, _) in judges[0].kinds.items():
        cells_ = " | ".join("{1} / {2}".format(*row.kinds[kind]) for row in judges)
        lines.append(f"| {kind} | {count} | {cells_} |")
    lines += [
        "",
        f"Mode strict: {report.strict} superseded falsely. Closings: {report.closings[1]} of "
        f"{report.closings[0]} proposed as such, and {report.closings[2]} other pairs.",
        "",
        f"`{report.command}`, {report.seconds:.0f} s. Levels are those of the fitting half; the last column "
        "sets them on these pairs.",
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.updates", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--embedder", default="none,static,minilm", help="none, static, minilm, by commas")
    parser.add_argument("--half", default="test", choices=HALVES)
    parser.add_argument("--pairs", type=Path, default=DATA, help="another file of labelled pairs")
    parser.add_argument("--cache", type=Path, help="folder where vectors are kept between runs")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    given = parser.parse_args(argv)
    names: list[str] = given.embedder.split(",")
    for name in names:
        if name not in EMBEDDERS:
            raise UnknownOption("embedder", name, EMBEDDERS)
    report = measure(names, given.half, path=given.pairs, cache=given.cache, seed=given.seed)
    command = " ".join(["python -m agentmem.evals.updates", *(sys.argv[1:] if argv is None else argv)])
    fields: dict[str, Any] = {**asdict(report), "command": command}
    if given.json:
        sys.stdout.write(json.dumps(fields, ensure_ascii=False, indent=1) + "\n")
    else:
        shown = Report(**{**{name: getattr(report, name) for name in fields}, "command": command})
        sys.stdout.write(table(shown) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
