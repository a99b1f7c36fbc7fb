"""Pools as indexes in memory, without a file: for fitting weights, where thousands of searches are run.

The figures that are published come from the public interface (:mod:`agentmem.evals.quality`); a test
holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agentmem.backends.base import NO_TIME_HIGH, NO_TIME_LOW, Columns
from agentmem.clock import to_datetime, to_micros
from agentmem.embed.base import Embedder, Vectors
from agentmem.embed.pieces import pieces
from agentmem.evals.tasks.base import Pool
from agentmem.index.layout import Settings
from agentmem.index.space import Space
from agentmem.language.text import analyse_many
from agentmem.recall.engine import wording


@dataclass(slots=True)
class Indexed:
    """A pool, its index, and the questions' vectors.

    Attributes:
        pool: the memories and questions.
        space: their index; document i is ``pool.items[i]``.
        vectors: one row a question, or None without an embedder.
        embedder: the embedder's name, or None.
        vocabulary: word -> term id.
    """

    pool: Pool
    space: Space
    vectors: Vectors | None
    embedder: str | None
    vocabulary: dict[str, int]

    def term_ids(self, words: Sequence[str]) -> Mapping[str, int]:
        """Words -> term ids, unknown ones left out."""
        return {word: self.vocabulary[word] for word in words if word in self.vocabulary}


def index_pool(pool: Pool, embedder: Embedder | None, lexical: object = None) -> Indexed:
    """Analyse, embed and index a pool.

    Args:
        pool: the memories and questions.
        embedder: for vectors; None for words alone.
        lexical: options of the word index; None for its defaults.
    """
    items = pool.items
    n = len(items)
    texts = [item.text for item in items]
    vocabulary: dict[str, int] = {}
    tokens: list[int] = []
    ends = [0]
    flags = []
    for analysis in analyse_many(texts):
        tokens.extend(vocabulary.setdefault(word, len(vocabulary) + 1) for word in analysis.words)
        ends.append(len(tokens))
        flags.append(analysis.flags)
    vectors, starts = (None, np.zeros(n + 1, np.int64)) if embedder is None else _embed(embedder, texts)
    numbers = np.arange(n, dtype=np.int64)
    columns = Columns(
        rows=numbers,
        positions=numbers,
        ids=[str(item.id) for item in items],
        kinds=[item.kind for item in items],
        speakers=[item.speaker for item in items],
        sessions=[item.session for item in items],
        roles=[item.role for item in items],
        made_by=[None] * n,
        at=np.array([to_micros(to_datetime(item.at)) for item in items], np.int64),
        valid_from=np.full(n, NO_TIME_LOW, np.int64),
        valid_until=np.full(n, NO_TIME_HIGH, np.int64),
        expires_at=np.full(n, NO_TIME_HIGH, np.int64),
        trust=np.ones(n, np.float32),
        flags=np.array(flags, np.int64),
        tokens=np.array(tokens, np.uint32),
        token_offsets=np.array(ends, np.int64),
        vectors=vectors,
        vector_offsets=starts,
    )
    settings = Settings(dim=0 if embedder is None else embedder.dim, lexical=lexical)
    space = Space.of(columns, settings)
    questions = [wording(question.text, [space]) for question in pool.questions]
    asked = None if embedder is None else embedder.embed(questions, query=True)
    return Indexed(pool, space, asked, None if embedder is None else embedder.name, vocabulary)


def _embed(
    embedder: Embedder, texts: Sequence[str]
) -> tuple[Vectors, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Unit rows of all pieces of all texts, and where each text's begin; zero rows are left out."""
    cut = [pieces(text) for text in texts]
    rows = embedder.embed([piece for one in cut for piece in one])
    kept = rows.any(axis=1)
    counts = np.array([len(one) for one in cut])
    place = np.repeat(np.arange(len(texts)), counts)[kept]
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.bincount(place, minlength=len(texts)), out=starts[1:])
    return rows[kept], starts
