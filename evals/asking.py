"""Plain questions about conversations and passages, answered by ``ask`` without a language model.

::

    python -m agentmem.evals.asking --data DIR --tasks locomo,longmemeval,squad2,popqa,babi --limit 400

Everything goes through the public interface: what a question may know is written into a namespace, and the
question is asked at its time. A reference answer is *held* when the quoted sentence or the answer says it
(:func:`agentmem.evals.tasks.asking.holds`); *F1* compares the short answer, which is what stands before the
quotation in parentheses, or else the whole sentence, with it word by word. Both are averaged over every
question that has an answer, an abstention counting 0; *short* says how often something shorter than the
sentence was given, and how often that held the reference answer. A question without an answer is right when
nothing is answered. Intervals are bootstrapped over questions.

Beside it stands a baseline that never abstains: of the best hit the sentence with the highest BM25 score.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from math import log

import numpy as np

import agentmem
from agentmem.errors import InvalidInput
from agentmem.evals import metrics
from agentmem.evals.baselines import K1, B
from agentmem.evals.metrics import Mean
from agentmem.evals.quality import arguments, machine, packaged, versions
from agentmem.evals.tasks import data_folder
from agentmem.evals.tasks.asking import NAMES, Case, cases, f1, holds
from agentmem.evals.tasks.base import Question
from agentmem.language.text import analyse, query_words
from agentmem.memory import Answer
from agentmem.recall.sentences import sentences
from agentmem.store import MemoryStore

System = Callable[[MemoryStore, Question], Answer]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question.

    Attributes:
        id, category, question, gold: what was asked; gold is empty where nothing answers it.
        answer, quote: what was answered, and the sentence it rests on.
        held, f1: how much of a reference answer was held, and the short answer's likeness to it.
        short: something shorter than the sentence was given.
        ms: milliseconds of processor time.
    """

    id: str
    category: str
    question: str
    gold: tuple[str, ...]
    answer: str | None
    quote: str | None
    held: float
    f1: float
    short: float | None
    ms: float


@dataclass(slots=True)
class Row:
    """The figures of one way to answer on one task.

    Attributes:
        task, system: which.
        figures: category, or "all" -> name of a figure -> its mean; see :func:`figures`.
        p50: the median of milliseconds a question.
        asked: every question, where they are kept.
    """

    task: str
    system: str
    figures: dict[str, dict[str, Mean]]
    p50: float
    asked: list[Asked] = field(default_factory=list)


def ask(store: MemoryStore, question: Question) -> Answer:
    """The package's own way."""
    return store.ask(question.text, at=question.at)


def best_sentence(store: MemoryStore, question: Question) -> Answer:
    """The baseline: of the best hit the sentence with the highest BM25, over the sentences of ten hits."""
    hits = store.search(question.text, 10, at=question.at)
    cut = [sentences(hit.memory.text) for hit in hits]
    held = [set(analyse(sentence).words) for some in cut for sentence in some]
    if not hits or not cut[0]:
        return Answer(None, tuple(hits), 0.0)
    asked = query_words(question.text)
    weights = {}
    for word in asked:
        df = sum(word in one for one in held)
        weights[word] = log(1 + (len(held) - df + 0.5) / (df + 0.5))
    mean = max(float(np.mean([len(one) for one in held])), 1.0)

    def score(sentence: str) -> float:
        said = analyse(sentence).words
        norm = K1 * (1 - B + B * len(said) / mean)
        return sum(w * said.count(word) * (K1 + 1) / (said.count(word) + norm) for word, w in weights.items())

    best = max(cut[0], key=score)
    return Answer(best, tuple(hits), 1.0, quote=best)


SYSTEMS: dict[str, System] = {"ask": ask, "best sentence": best_sentence}


def short(answer: Answer) -> str | None:
    """What stands before the quotation, where an answer is shorter than its sentence; else None."""
    if answer.text is None or answer.text == answer.quote:
        return None
    return answer.text.split(" (", 1)[0]


def scored(question: Question, answer: Answer, ms: float) -> Asked:
    """A question with its answer judged."""
    golds = (question.answer, *question.also) if question.answerable and question.answer else ()
    held = likeness = 0.0
    brief = None
    if answer.text is not None and golds:
        part = short(answer)
        held = holds((part or answer.text, answer.quote or ""), golds, question.at)
        likeness = f1(answer.text if part is None else part, golds)
        # An answer in another date format is as good, so that what the short answer names counts too.
        brief = None if part is None else holds((part,), golds, question.at)
    return Asked(
        question.id,
        question.category,
        question.text,
        golds,
        answer.text,
        answer.quote,
        held,
        likeness,
        brief,
        ms,
    )


def figures(asked: Sequence[Asked], seed: int) -> dict[str, Mean]:
    """The means over questions: ``held``, ``f1``, ``short``, ``short held``, ``abstained``, ``refused``.

    Those for which there is no question are left out.
    """
    some = [one for one in asked if one.gold]
    brief = [one.short for one in some if one.short is not None]
    values: dict[str, list[float]] = {
        "held": [one.held for one in some],
        "f1": [one.f1 for one in some],
        "short": [float(one.short is not None) for one in some],
        "short held": brief,
        "abstained": [float(one.answer is None) for one in some],
        "refused": [float(one.answer is None) for one in asked if not one.gold],
    }
    return {name: metrics.mean(numbers, seed=seed) for name, numbers in values.items() if numbers}


def run(found: Sequence[Case], name: str, system: str, store: str, embedder: str, seed: int = 0) -> Row:
    """Write what each case may know, ask it, and average.

    Raises:
        InvalidInput: there are no cases.
    """
    asked: list[Asked] = []
    for room, question in _rooms(found, store, embedder):
        begin = time.process_time()
        answer = SYSTEMS[system](room, question)
        asked.append(scored(question, answer, 1000 * (time.process_time() - begin)))
    if not asked:
        raise InvalidInput(f"{name} has no question with a short answer")
    kinds = sorted({one.category for one in asked}, key=lambda kind: (len(kind), kind))
    rows = {"all": figures(asked, seed)}
    if len(kinds) > 1:
        rows |= {kind: figures([one for one in asked if one.category == kind], seed) for kind in kinds}
    return Row(name, system, rows, float(np.median([one.ms for one in asked])), asked)


def _rooms(found: Sequence[Case], store: str, embedder: str) -> Iterator[tuple[MemoryStore, Question]]:
    """Each question with the namespace it is asked in, written once."""
    with agentmem.open(":memory:", store=store, embedder=packaged(embedder, None) or "none") as root:
        written: set[tuple[str, ...]] = set()
        for case in found:
            room = root.namespace(*case.namespace)
            if case.namespace not in written:
                written.add(case.namespace)
                room.add_many(case.items)
                room.consolidate()
            yield room, case.question


# --- the report --------------------------------------------------------------------------------------

_HEADS = {
    "held": "held",
    "f1": "F1",
    "short": "short",
    "short held": "short held",
    "abstained": "abstained",
    "refused": "refused, no answer",
}


def table(rows: Sequence[Row]) -> str:
    """The figures as Markdown tables, one a task; the overall figures with their intervals."""
    lines: list[str] = []
    for task in dict.fromkeys(row.task for row in rows):
        lines += [
            f"## {task}, %",
            "",
            "| | n | " + " | ".join(_HEADS.values()) + " | ms |",
            "|---" * (len(_HEADS) + 3) + "|",
        ]
        for row in rows:
            if row.task != task:
                continue
            for kind, means in row.figures.items():
                whole = kind == "all"
                cells = [_cell(means.get(name), whole) for name in _HEADS]
                n = sum(means[name].n for name in ("held", "refused") if name in means)
                label = row.system if whole else f"&nbsp; {kind}"
                speed = f"{row.p50:.1f}" if whole else ""
                lines.append(f"| {label} | {n} | " + " | ".join(cells) + f" | {speed} |")
        lines.append("")
    return "\n".join(lines)


def _cell(mean: Mean | None, whole: bool) -> str:
    if mean is None:
        return ""
    return str(mean) if whole else f"{100 * mean.value:.0f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = arguments("asking", __doc__, ",".join(NAMES), "static")
    parser.add_argument("--store", default="unified", help="the store to score")
    parser.add_argument("--part", type=int, default=0, choices=(0, 1, 2), help="one half; 0: all")
    parser.add_argument("--limit", type=int, default=400, help="questions a task, evenly taken; 0: all")
    parser.add_argument("--no-baseline", action="store_true", help="leave the baseline out")
    parser.add_argument("--wrong", type=int, default=0, help="how many wrong answers of each task to show")
    parser.add_argument("--json", action="store_true", help="JSON, with every question, instead of a table")
    options = parser.parse_args(argv)
    if options.limit < 0:
        raise InvalidInput("--limit must be 0 or more")
    folder = data_folder(options.data)
    start = time.perf_counter()
    rows: list[Row] = []
    for name in options.tasks.split(","):
        found = cases(name, folder, part=options.part, limit=options.limit)
        for system in ("ask",) if options.no_baseline else SYSTEMS:
            row = run(found, name, system, options.store, options.embedder, options.seed)
            rows.append(row)
            said = ", ".join(f"{key} {100 * mean.value:.1f}" for key, mean in row.figures["all"].items())
            sys.stderr.write(f"{name}, {system}: {said}\n")
            wrong = [one for one in row.asked if one.held < 1 and (one.gold or one.answer)]
            for one in wrong[: options.wrong] if system == "ask" else ():
                gold = "; ".join(one.gold[:2]) or "nothing"
                sys.stderr.write(f"  {one.question}\n    gold {gold!r}, answer {one.answer!r}\n")
            sys.stderr.flush()
    command = "python -m agentmem.evals.asking " + " ".join(sys.argv[1:] if argv is None else argv)
    if options.json:
        report = {
            "command": command,
            "seed": options.seed,
            "machine": machine(),
            "versions": dict(versions()),
            "rows": [asdict(row) for row in rows],
        }
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
        return 0
    sys.stdout.write(f"{table(rows)}\n`{command}`\n\nseed {options.seed}; ")
    sys.stdout.write(f"{time.perf_counter() - start:.0f} s in all.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
