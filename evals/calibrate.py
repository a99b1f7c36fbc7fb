"""Logistic regressions behind ``Hit.relevance``, ``Answer.confidence`` and the reader's choice of a sentence.

The first two are maximum likelihood with a light ridge, tasks weighted equally, fitted on development data by
Newton's method; the coefficients printed here stand in :mod:`agentmem.recall.relevance`,
:mod:`agentmem.recall.reader` and :mod:`agentmem.recall.reader_scene`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import from_micros, to_datetime
from agentmem.evals import metrics
from agentmem.evals.direct import Indexed
from agentmem.evals.tasks import Question
from agentmem.evals.tasks.asking import holds, same, stretch
from agentmem.language.text import analyse
from agentmem.memory import Draft, Hit, Memory, Namespace
from agentmem.recall import engine, reader, reader_choice, reader_scene
from agentmem.recall.dates import find
from agentmem.recall.query import parse
from agentmem.recall.recipe import Recipe

Matrix = NDArray[np.float64]
Indexes = Mapping[str, Mapping[str, Sequence[Indexed]]]
_RIDGE = 1e-3
_LOOKED_AT = 10


def logistic(x: Matrix, y: Matrix, weight: Matrix, ridge: float = _RIDGE) -> Matrix:
    """Coefficients w that maximise Σ weight · log σ(±x·w) - ridge/2 · |w|², by Newton's method."""
    w = np.zeros(x.shape[1])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (weight * (y - p)) - ridge * w
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge * np.eye(len(w))
        step = np.linalg.solve(hessian, gradient)
        w += step
        if np.abs(step).max() < 1e-8:
            break
    return w


def hits(indexed: Indexed, number: int, k: int) -> tuple[list[Hit], list[tuple[float, ...]]]:
    """Hits of a question with the features of their relevance."""
    question = indexed.pool.questions[number]
    vector = None if indexed.vectors is None else indexed.vectors[number]
    found = engine.search(
        [indexed.space],
        question.text,
        k,
        recipe=Recipe(),
        vector=vector,
        embedder=indexed.embedder or "none",
        at=question.at,
        term_ids=indexed.term_ids,
        explain=False,
    )
    return [_hit(indexed, one) for one in found], [one.evidence for one in found]


def _hit(indexed: Indexed, one: engine.Found) -> Hit:
    item = indexed.pool.items[one.doc]
    at: datetime = to_datetime(item.at)
    memory = Memory(
        id=str(item.id),
        namespace=indexed.pool.namespace,
        text=item.text,
        at=at,
        speaker=item.speaker,
        role=item.role,
        session=item.session,
        recorded_at=from_micros(0).astimezone(timezone.utc),
    )
    return Hit(memory, one.score, one.relevance, one.signals)


def relevance(indexes: Indexes) -> str:
    """Fit the relevance for words alone and for each embedder; a readable report."""
    lines = []
    for name, tasks in indexes.items():
        rows: list[tuple[float, ...]] = []
        labels: list[float] = []
        weights: list[float] = []
        for pools in tasks.values():
            some: list[tuple[tuple[float, ...], float]] = []
            for indexed in pools:
                for number, question in enumerate(indexed.pool.questions):
                    found, features = hits(indexed, number, _LOOKED_AT)
                    for hit, feature in zip(found, features, strict=True):
                        some.append((feature, float(hit.memory.id in question.gold)))
            rows += [feature for feature, _ in some]
            labels += [label for _, label in some]
            weights += [1.0 / len(some)] * len(some)
        x = np.nan_to_num(np.array(rows))
        y = np.array(labels)
        w = logistic(x, y, np.array(weights) * len(rows) / len(tasks))
        value = 1.0 / (1.0 + np.exp(-x @ w))
        area = metrics.auc(value[y == 1].tolist(), value[y == 0].tolist())
        bins = "; ".join(_bin(value, y, low) for low in np.arange(0.0, 1.0, 0.2))
        lines.append(f"{name}: {np.round(w, 2).tolist()} AUC {area:.3f}; said -> held: {bins}")
    return "\n".join(lines)


def _bin(value: Matrix, y: Matrix, low: float) -> str:
    inside = (value >= low) & (value < low + 0.2)
    if not inside.any():
        return f"{low:.1f}: none"
    return f"{value[inside].mean():.2f} -> {y[inside].mean():.2f} ({int(inside.sum())})"


def questions(indexed: Indexed) -> Iterator[tuple[int, Question]]:
    """Questions that can be judged: answerable ones with evidence, and those without an answer."""
    for number, question in enumerate(indexed.pool.questions):
        if question.gold or not question.answerable:
            yield number, question


def readings(
    tasks: Mapping[str, Sequence[Indexed]], *, without: bool = False
) -> Iterator[tuple[str, Question, list[Hit], reader_choice.Choice]]:
    """(task, question, hits, what was read) of every question that can be judged.

    Args:
        tasks: task -> its indexed pools.
        without: with the evidence taken out of the hits; only of questions that have evidence.
    """
    for task, pools in tasks.items():
        for indexed in pools:
            before = _before(indexed)
            for number, question in questions(indexed):
                if without and not question.answerable:
                    continue
                got, _ = hits(indexed, number, 2 * _LOOKED_AT if without else _LOOKED_AT)
                if without:
                    got = [hit for hit in got if hit.memory.id not in question.gold][:_LOOKED_AT]
                if got:
                    asked = parse(question.text, question.at)
                    yield task, question, got, reader_choice.candidates(asked, got, before)


def _before(indexed: Indexed) -> dict[tuple[Namespace, str], str]:
    """What somebody else had said right before each memory in its session."""
    found: dict[tuple[Namespace, str], str] = {}
    last: dict[str, Draft] = {}
    for item in sorted(indexed.pool.items, key=lambda item: to_datetime(item.at)):
        if item.session is None:
            continue
        previous = last.get(item.session)
        if previous is not None and previous.speaker != item.speaker:
            found[indexed.pool.namespace, str(item.id)] = previous.text
        last[item.session] = item
    return found


# --- confidence ------------------------------------------------------------------------------------

TURNED, TAKEN = 0.4, 0.15
"""Shares of questions turned from one speaker to another, and of those whose evidence is not there."""
_ENOUGH = 100
"""Unanswerable questions of a task that count as fully as more."""


def reader_rows(tasks: Mapping[str, Sequence[Indexed]]) -> dict[str, tuple[Matrix, Matrix, float]]:
    """Task and kind of unanswerable question -> (evidence, whether it can be answered, how many cannot)."""
    answerable: dict[str, list[tuple[float, ...]]] = {}
    turned: dict[str, list[tuple[float, ...]]] = {}
    taken: dict[str, list[tuple[float, ...]]] = {}
    for without in (False, True):
        for task, question, got, choice in readings(tasks, without=without):
            asked = parse(question.text, question.at)
            kept = taken if without else answerable if question.answerable else turned
            kept.setdefault(task, []).append(reader.evidence(asked, got, choice))
    found: dict[str, tuple[Matrix, Matrix, float]] = {}
    for kind, none, share in (("turned", turned, TURNED), ("taken", taken, TAKEN)):
        for task, rows in none.items():
            some = answerable.get(task, [])
            labels = np.array([1.0] * len(some) + [0.0] * len(rows))
            found[f"{task}, {kind}"] = (np.array([*some, *rows]), labels, share)
    return found


def reader_fit(indexes: Indexes) -> str:
    """Fit the reader's confidence; for each task how often it abstains rightly and wrongly.

    Passages with adversarial questions (SQuAD 2) count only with their evidence taken away: what is not
    answered by the right passage is not told apart by words.
    """
    everything = {
        f"{name} {task}": rows for name, tasks in indexes.items() for task, rows in reader_rows(tasks).items()
    }
    fitted = {name: rows for name, rows in everything.items() if "squad2, turned" not in name}
    x = np.concatenate([rows for rows, _, _ in fitted.values()])
    y = np.concatenate([labels for _, labels, _ in fitted.values()])
    weight = np.concatenate(
        [
            np.where(labels == 1, (1 - share) / max(labels.sum(), 1), share / max((1 - labels).sum(), 1))
            * min((1 - labels).sum() / _ENOUGH, 1.0)
            for _, labels, share in fitted.values()
        ]
    )
    kinds = np.concatenate([np.full(len(labels), share) for _, labels, share in fitted.values()])
    for share in (TURNED, TAKEN):  # each kind counts as much as the other
        weight[kinds == share] *= len(x) / max(weight[kinds == share].sum(), 1e-9)
    w = logistic(x, y, weight)
    lines = [f"weights {np.round(w, 2).tolist()}"]
    for name, (rows, labels, _) in everything.items():
        value = 1.0 / (1.0 + np.exp(-rows @ w))
        if labels.min() == labels.max():
            lines.append(f"{name}: one kind of question only")
            continue
        area = metrics.auc(value[labels == 1].tolist(), value[labels == 0].tolist())
        none, some = value[labels == 0], value[labels == 1]
        cuts = ", ".join(
            f"{cut:.2f}: {100 * (none < cut).mean():.0f} rightly / {100 * (some < cut).mean():.0f} wrongly"
            for cut in (0.3, 0.4, 0.5, 0.6)
        )
        lines.append(f"{name}: AUC {area:.3f}; abstains at {cuts}")
    return "\n".join(lines)


# --- the choice of a sentence ----------------------------------------------------------------------

PRIOR = {
    "said": 4.0, "alike": 1.2, "lent": 3.2, "beside": 0.8, "follows": 0.8, "score": 6.0, "heading": -2.0,
    "whose": 0.5, "subject": 0.5, "held": 2.0, "timed": 2.0, "near": 1.6,
}  # fmt: skip
"""The plain sum from which the weights are drawn; of the other features 0."""
_DRAWN = 0.02
_SHARES = {"locomo": 1.0, "longmemeval": 1.0, "squad2": 1.0, "popqa": 0.3}


def choice_fit(indexes: Indexes) -> str:
    """Fit the weights by which a sentence is chosen; for each task how often the first one is right.

    A conditional logit: the likelihood that the sentence chosen is one of those that hold the reference
    answer, or of the evidence at least half of its words; questions without such a sentence are left out.
    """
    found: dict[str, list[tuple[Matrix, NDArray[np.bool_]]]] = {}
    for tasks in indexes.values():
        for task, question, _, choice in readings(tasks):
            if question.answer is None or not question.answerable:
                continue
            rows = np.array([one.features for one in choice.ranked])
            right = np.array([_right(question, one) for one in choice.ranked], dtype=bool)
            if right.any() and not right.all():
                found.setdefault(task, []).append((rows, right))
    names = reader_scene.FEATURES
    prior = np.array([PRIOR.get(name, 0.0) for name in names])
    w = _logit(found, prior)
    lines = ["weights " + ", ".join(f"{name} {value:.2f}" for name, value in zip(names, w, strict=True))]
    now = np.array(reader_scene.WEIGHTS)
    for task, rows_ in found.items():
        fit, held, drawn = (
            100 * np.mean([right[np.argmax(x @ weights)] for x, right in rows_])
            for weights in (w, now, prior)
        )
        lines.append(
            f"{task}: first right in {fit:.1f} % of {len(rows_)}; as it stands {held:.1f}, "
            f"plain sum {drawn:.1f}"
        )
    return "\n".join(lines)


def _right(question: Question, one: reader_choice.Candidate) -> bool:
    golds = (question.answer or "", *question.also)
    at = one.hit.memory.at
    meant = stretch(golds[0], question.at)
    if holds((one.sentence,), golds, at) >= 1 or (
        meant is not None and any(same((t.start, t.end), meant) for t in find(one.sentence, at))
    ):
        return not question.gold or one.hit.memory.id in question.gold
    asked = set(analyse(question.text).words)
    wanted = set(analyse(golds[0]).words) - asked
    met = wanted & set(analyse(one.sentence).words)
    return one.hit.memory.id in question.gold and bool(wanted) and 2 * len(met) >= len(wanted)


def _logit(found: Mapping[str, Sequence[tuple[Matrix, NDArray[np.bool_]]]], prior: Matrix) -> Matrix:
    """Weights that maximise Σ log p(a right one) less a quadratic pull towards a prior."""
    from scipy.optimize import minimize

    def loss(w: Matrix) -> tuple[float, Matrix]:
        value, gradient = _DRAWN * float((w - prior) @ (w - prior)), 2 * _DRAWN * (w - prior)
        for task, rows in found.items():
            share = _SHARES.get(task, 0.0) / len(rows)
            for x, right in rows if share else ():
                p = np.exp(x @ w - (x @ w).max())
                p /= p.sum()
                held = max(float(p[right].sum()), 1e-12)
                value -= share * float(np.log(held))
                gradient = gradient - share * (x.T @ (np.where(right, p, 0.0) / held - p))
        return value, gradient

    return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B").x, dtype=np.float64)
