"""What everybody has: plain BM25 and a plain sentence embedder, to stand beside every figure.

Both index each memory by itself, as ``speaker: text`` where there is a speaker, which is the usual way
and the better one for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from agentmem.embed.base import Embedder
from agentmem.embed.pieces import pieces
from agentmem.evals.tasks.base import Pool
from agentmem.language.text import analyse, query_words
from agentmem.memory import Draft

Searcher = Callable[[str, int], list[str]]
"""Question and k -> ids, best first."""

K1 = 1.2
B = 0.75


def usual_text(item: Draft) -> str:
    """The text with its speaker before it."""
    return f"{item.speaker}: {item.text}" if item.speaker else item.text


def bm25(pool: Pool) -> Searcher:
    """Classic BM25 (k1 1.2, b .75) over Snowball stems without stop words.

    score(q, d) = Σ_t ln(1 + (n - df + ½) / (df + ½)) · tf (k1 + 1) / (tf + k1 (1 - b + b · len / mean len)),
    S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    ids, scores = bm25_scores(pool)
    return lambda question, k: [ids[i] for i in np.argsort(-scores(question), kind="stable")[:k]]


def bm25_scores(pool: Pool) -> tuple[list[str], Callable[[str], NDArray[np.float64]]]:
    """The ids of :func:`bm25`, and the function that gives their scores for a question."""
    texts = [Counter(analyse(usual_text(item)).words) for item in pool.items]
    lengths = np.array([sum(counts.values()) for counts in texts], dtype=np.float64)
    mean = max(float(lengths.mean()), 1.0)
    postings: dict[str, list[tuple[int, int]]] = {}
    for number, counts in enumerate(texts):
        for word, count in counts.items():
            postings.setdefault(word, []).append((number, count))
    ids = [str(item.id) for item in pool.items]
    norms = K1 * (1 - B + B * lengths / mean)

    def scored(question: str) -> NDArray[np.float64]:
        scores = np.zeros(len(ids))
        for word in query_words(question):
            found = postings.get(word, [])
            idf = log(1 + (len(ids) - len(found) + 0.5) / (len(found) + 0.5))
            for number, count in found:
                scores[number] += idf * count * (K1 + 1) / (count + norms[number])
        return scores

    return ids, scored


def dense(pool: Pool, embedder: Embedder) -> Searcher:
    """Cosine of the question with the best piece of each memory."""
    cut = [pieces(usual_text(item)) or [""] for item in pool.items]
    rows = embedder.embed([piece for one in cut for piece in one])
    starts = np.cumsum([0] + [len(one) for one in cut[:-1]])
    ids = [str(item.id) for item in pool.items]
    questions: Sequence[str] = list(dict.fromkeys(question.text for question in pool.questions))
    asked = dict(zip(questions, embedder.embed(questions, query=True), strict=True))

    def search(question: str, k: int) -> list[str]:
        best = np.maximum.reduceat(rows @ asked[question], starts)
        return [ids[i] for i in np.argsort(-best, kind="stable")[:k]]

    return search
