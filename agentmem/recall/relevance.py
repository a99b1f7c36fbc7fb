"""How sure a hit is, in [0, 1], comparable between questions.

A score is a sum whose size depends on how much the question says. The relevance is a logistic of parts
in absolute units::

    relevance = σ(b0 + b1 · words / total + b2 · cosine + b3 · [by who was named] + b4 · [date fits]
                  + b5 · ln(1 + score without the session's share))

``words / total`` is what the memory (with its neighbours) says of the question, weighted by rarity.
The coefficients are maximum likelihood (``python -m agentmem.evals.fit --relevance``) for "this hit is
one of the memories that answer the question", over the ten best hits of the questions of the
development data, answerable or not; conversations, assistant chats and passages count the same. There
a relevance of .07, .3, .5, .65, .85 meant that 6, 30, 49, 62, 70 % of such hits answered the question.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log1p
from typing import TypeAlias

Features: TypeAlias = tuple[float, ...]

WITH_VECTORS = (-9.8, 1.3, 2.6, -0.9, 0.05, 2.65)
WORDS_ALONE = (-8.57, 2.11, 0.0, -1.55, -0.08, 2.82)


def relevance(parts: Features) -> float:
    """The relevance of a hit, from its :func:`features`."""
    weights = WITH_VECTORS if parts[2] == parts[2] else WORDS_ALONE  # nan differs from itself
    value = sum(w * v for w, v in zip(weights, parts, strict=True) if v == v)
    return 1.0 / (1.0 + exp(-min(max(value, -30.0), 30.0)))


def features(signals: Mapping[str, float], total: float, cosine: float | None) -> Features:
    """What the relevance looks at: (1, words / total, cosine, speaker, date, ln(1 + score)).

    Args:
        signals: the parts of the hit's score.
        total: the sum of the weights of all words of the question.
        cosine: the raw cosine, or None (or nan) without a vector.
    """
    said = signals.get("words", 0.0) / total if total > 0 else 0.0
    score = sum(value for name, value in signals.items() if name != "session")
    return (
        1.0,
        said,
        float("nan") if cosine is None else cosine,
        float(signals.get("speaker", 0.0) > 0),
        float(signals.get("date", 0.0) > 0),
        log1p(max(score, 0.0)),
    )
