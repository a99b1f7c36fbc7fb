"""Rarity of words in what came into a namespace, and nearest notes where there are no vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.index.counted import counted
from agentmem.index.lexical import QueryTerm, top
from agentmem.index.space import Space
from agentmem.language.text import idf

_NOBODY = ""  # derived nothing: who counts as this maker counts what came in and no more


def by_words(
    space: Space, mask: NDArray[np.bool_], words: Sequence[str], k: int, backend: Backend
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k notes that share the rarest words, with the share of them: 1 for all."""
    distinct = list(dict.fromkeys(words))
    ids = backend.term_ids(distinct)
    rarity = weights(space, backend, distinct)
    terms = [QueryTerm(rarity[word], ((ids[word], 1.0),)) for word in distinct if word in ids]
    scores = space.lexical.score(terms, space.n)
    docs = top(scores, k, mask)
    total = sum(rarity.values()) * (space.lexical.options.k1 + 1.0)
    return docs, np.asarray(np.minimum(scores[docs] / max(total, 1e-9), 1.0), np.float32)


def weights(space: Space, backend: Backend, words: Sequence[str]) -> dict[str, float]:
    """How rare words are in English and in what came into a namespace.

    Notes do not count, the store's own included: a word would grow common as consolidation writes it,
    and a run that goes on from where another stopped would choose other key terms than one run does.
    """
    counts = counted(space, _NOBODY)
    if not words or counts is None:
        return {}
    ids = backend.term_ids(words)
    df = np.zeros(len(words), np.int64)
    known = [place for place, word in enumerate(words) if word in ids]
    if known:
        df[known] = counts.df(space, [ids[words[place]] for place in known])
    return dict(zip(words, idf(counts.n, df, words).tolist(), strict=True))
