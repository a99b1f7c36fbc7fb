"""Logistic regressions behind ``Hit.relevance`` and ``Answer.confidence``, and how well they tell apart.

Both are maximum likelihood with a light ridge, classes and tasks weighted equally, fitted on
development data by Newton's method; the coefficients printed here stand in
:mod:`agentmem.recall.relevance` and :mod:`agentmem.recall.reader`.
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
from agentmem.memory import Hit, Memory
from agentmem.recall import engine, reader
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


def reader_rows(tasks: Mapping[str, Sequence[Indexed]]) -> dict[str, tuple[Matrix, Matrix]]:
    """Task -> (evidence of each question, whether it can be answered)."""
    found: dict[str, tuple[Matrix, Matrix]] = {}
    for task, pools in tasks.items():
        rows: list[tuple[float, ...]] = []
        labels: list[float] = []
        for indexed in pools:
            for number, question in questions(indexed):
                got, _ = hits(indexed, number, _LOOKED_AT)
                asked = parse(question.text, question.at)
                if not got:
                    continue
                rows.append(reader.evidence(asked, got))
                labels.append(float(question.answerable))
        found[task] = (np.array(rows), np.array(labels))
    return found


def reader_fit(indexes: Indexes) -> str:
    """Fit the reader's confidence; for each task how often it abstains rightly and wrongly."""
    everything = {
        f"{name} {task}": rows for name, tasks in indexes.items() for task, rows in reader_rows(tasks).items()
    }
    x = np.concatenate([rows for rows, _ in everything.values()])
    y = np.concatenate([labels for _, labels in everything.values()])
    weight = np.concatenate(
        [
            np.where(labels == 1, 0.5 / max(labels.sum(), 1), 0.5 / max((1 - labels).sum(), 1))
            * len(x)
            / len(everything)
            for _, labels in everything.values()
        ]
    )
    w = logistic(x, y, weight)
    lines = [f"weights {np.round(w, 2).tolist()}"]
    for name, (rows, labels) in everything.items():
        value = 1.0 / (1.0 + np.exp(-rows @ w))
        if labels.min() == labels.max():
            lines.append(f"{name}: one kind of question only")
            continue
        area = metrics.auc(value[labels == 1].tolist(), value[labels == 0].tolist())
        none, some = value[labels == 0], value[labels == 1]
        cuts = ", ".join(
            f"{cut:.2f}: {100 * (none < cut).mean():.0f} rightly / {100 * (some < cut).mean():.0f} wrongly"
            for cut in (0.3, 0.35, 0.4, 0.45, 0.5)
        )
        lines.append(f"{name}: AUC {area:.3f}; abstains at {cuts}")
    return "\n".join(lines)
