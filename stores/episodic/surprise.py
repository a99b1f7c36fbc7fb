"""How unexpected each turn of a conversation is, and how unexpected is too much.

EM-LLM (Fountas et al., ICLR 2025, arXiv 2407.09450), section 3.1, eq. 1 takes the surprise of a token,
``-ln P(x_t | x_<t)``, and begins an event where it passes a threshold over a trailing window::

    T_t = mu[t-w : t] + gamma * sigma[t-w : t]        (sigma with n - 1)

Here the unit is a turn. Its surprise is the mean of its tokens' where a language model gives
log-probabilities (:mod:`agentmem.stores.episodic.logprobs`); else the novelty of its vector::

    S_i = 1 - e_i . normalise(sum over j < i of decay^(i-1-j) e_j),     the last ``context`` turns

or, without an embedder, the same with hashed bags of words. A turn's value is shrunk towards the
window's mean the shorter the turn is, because "ok!" is unlike everything: (n S + kappa mean) / (n + kappa).

The mean and deviation of the first ``warm_up`` turns of a session are taken over those turns together,
as the original's first chunk is; from then on nothing looks ahead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Values = NDArray[np.float64]
Vectors = NDArray[np.float32]

BUCKETS = 1021
"""Width of a hashed bag of words."""
LEAST_KNOWN = 8
"""With fewer known values in its window a turn begins no event by surprise."""
_FLAT = 1e-6  # a smaller deviation is noise, on which the original cuts


def novelty(vectors: Vectors, *, context: int = 8, decay: float = 0.7) -> Values:
    """1 - cosine of each row with the decayed sum of the rows before it; nan where either is zero.

    Args:
        vectors: (n, dim) unit rows; zeros for a turn that has none.
        context: how many rows before count.
        decay: weight of a row by its distance.
    """
    n = len(vectors)
    expected = np.zeros(vectors.shape, np.float64)
    for back in range(1, min(context, n - 1) + 1):
        expected[back:] += decay ** (back - 1) * vectors[:-back]
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(vectors, axis=1)
    dots = np.einsum("ij,ij->i", expected, vectors.astype(np.float64))
    known = norms > 1e-12
    return np.where(known, 1.0 - dots / np.where(known, norms, 1.0), np.nan)


def hashed_bags(tokens: Sequence[NDArray[np.uint32]]) -> Vectors:
    """Unit rows of square-rooted counts of each text's words, hashed into :data:`BUCKETS` columns."""
    rows = np.zeros((len(tokens), BUCKETS), np.float32)
    for row, words in zip(rows, tokens, strict=True):
        if len(words):
            row[:] = np.sqrt(np.bincount(words.astype(np.int64) % BUCKETS, minlength=BUCKETS))
            row /= np.linalg.norm(row)
    return rows


def moments(values: Values, *, window: int, warm_up: int = 0) -> tuple[Values, Values, NDArray[np.int64]]:
    """Mean, deviation (n - 1) and count of the known values in the window before each place.

    Args:
        values: surprises; nan for unknown.
        window: how many places before count.
        warm_up: the first so many places all take the moments of those places together.
    """
    padded = np.concatenate([np.full(window, np.nan), values])
    before = sliding_window_view(padded, window)[: len(values)]
    known = ~np.isnan(before)
    count = known.sum(axis=1)
    filled = np.where(known, before, 0.0)
    mean = filled.sum(axis=1) / np.maximum(count, 1)
    square = (np.where(known, filled - mean[:, None], 0.0) ** 2).sum(axis=1)
    deviation = np.sqrt(square / np.maximum(count - 1, 1))
    head = values[:warm_up][~np.isnan(values[:warm_up])]
    if len(head):
        count[:warm_up] = len(head)
        mean[:warm_up] = head.mean()
        deviation[:warm_up] = head.std(ddof=1) if len(head) > 1 else 0.0
    return mean, deviation, count


def standardise(
    surprise: Values,
    lengths: NDArray[np.int64],
    *,
    window: int = 64,
    warm_up: int = 16,
    shrink: float = 10.0,
) -> Values:
    """(S - mu) / sigma of each turn; -inf where it cannot be told. A boundary is where it passes gamma.

    Args:
        surprise: of each turn; nan for unknown.
        lengths: words of each turn.
        window: turns before that mu and sigma are taken over.
        warm_up: see :func:`moments`.
        shrink: words at which a turn's own value and the window's mean weigh the same; 0 shrinks nothing.
    """
    if shrink:
        mean, _, count = moments(surprise, window=window, warm_up=warm_up)
        shrunk = (lengths * surprise + shrink * mean) / (lengths + shrink)
        surprise = np.where(count > 0, shrunk, surprise)
    mean, deviation, count = moments(surprise, window=window, warm_up=warm_up)
    usable = (count >= min(LEAST_KNOWN, window)) & (deviation > _FLAT) & ~np.isnan(surprise)
    gap = np.where(usable, surprise - mean, 0.0)
    return np.where(usable, gap / np.where(usable, deviation, 1.0), -np.inf)


def reach(window: int, context: int) -> int:
    """How many turns before a place its standardised surprise depends on."""
    return 2 * window + context
