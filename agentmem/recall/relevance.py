"""How sure a hit is, in [0, 1], comparable between questions and falling with the order of the hits.

A score is a sum whose size depends on how much the question says. The relevance is a logistic of how
well the best hit fits the question, and of how far behind it a hit stands::

    relevance = σ(b0 + b1 · ln(.05 + words / total) + b2 · cosine + b3 · [by who was named] + b4 · [date fits]
                  + b5 · ln((1 + score) / (1 + best score)))

All but the last are those of the first hit, and b5 > 0, so that no hit is more relevant than one above
it. ``total`` is the weight of all words of the question and ``words / total`` the share of it that the
first hit (with its neighbours) says: words weigh little in a small namespace, which these make up for.
The coefficients are maximum likelihood (``python -m agentmem.evals.fit --relevance``) for "this hit is
one of the memories that answer the question", over the ten best hits of the questions of the
development data, answerable or not; conversations, assistant chats and passages count the same. There
a relevance of .04, .28, .49, .7 meant that 3, 20, 41, 86 % of such hits answered the question (AUC .90).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log, log1p
from typing import TypeAlias

Features: TypeAlias = tuple[float, ...]

WITH_VECTORS = (0.22, 1.29, 1.05, -0.62, 0.0, 9.35)
WORDS_ALONE = (0.84, 1.34, 0.0, -0.75, 0.04, 10.62)
_LEAST = 0.05
"""Share of the question that a hit without any of its words is taken to say."""


def relevance(parts: Features) -> float:
    """The relevance of a hit, from its features."""
    one, said, cosine, speaker, date, ratio = parts
    weights = WITH_VECTORS if cosine == cosine else WORDS_ALONE  # nan differs from itself
    b0, b1, b2, b3, b4, b5 = weights
    value = b0 * one + b1 * said + b3 * speaker + b4 * date + b5 * ratio
    if cosine == cosine:
        value += b2 * cosine
    return 1.0 / (1.0 + exp(-min(max(value, -30.0), 30.0)))


def features(best: Mapping[str, float], total: float, cosine: float | None, score: float) -> Features:
    """What the relevance looks at, of the first hit of a question; :func:`behind` gives that of others.

    Args:
        best: the parts of its score.
        total: the sum of the weights of all words of the question.
        cosine: its raw cosine, or None (or nan) without a vector.
        score: its score.

    Returns:
        (1, ln(.05 + words / total), cosine, speaker, date, ln(1 + score)).
    """
    said = best.get("words", 0.0) / total if total > 0 else 0.0
    return (
        1.0,
        log(_LEAST + said),
        float("nan") if cosine is None else cosine,
        float(best.get("speaker", 0.0) > 0),
        float(best.get("date", 0.0) > 0),
        log1p(max(score, 0.0)),
    )


def behind(best: Features, score: float) -> Features:
    """The features of a hit of some score, from those of the first hit."""
    return (*best[:-1], log1p(max(score, 0.0)) - best[-1])
