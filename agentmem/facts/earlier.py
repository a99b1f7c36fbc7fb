"""Which older statements of a speaker a new one may bear on.

In free conversation an update hides in half a sentence ("... we tried our fourth Korean place"), and whether
a turn updates another cannot be told at a useful rate; which older turn it would update can be ranked well.
So older turns are only *shown* beside the new one, with their dates, and nothing is superseded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput
from agentmem.language.text import analyse, english_weights

_BREAK = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+|(?<=[。！？])")
_SHORTEST = 3
_LONGEST = 40
"""Sentences of a text that are looked at; the first ones."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An older text that a new one may bear on.

    Attributes:
        place: its place among the older texts.
        score: how alike they are, at most 1.
        older, newer: the pair of sentences, one of each, that are most alike, verbatim.
    """

    place: int
    score: float
    older: str
    newer: str


def sentences(text: str) -> list[str]:
    """The sentences of a text, without those of one or two words where it has longer ones."""
    found = [part.strip() for part in _BREAK.split(text) if part and part.strip()]
    longer = [part for part in found if len(part.split()) >= _SHORTEST or not part.isascii()]
    return (longer or found)[:_LONGEST]


def earlier(new: str, olds: Sequence[str], embedder: Embedder | None = None, k: int = 5) -> list[Earlier]:
    """Rank older texts by how much a new one may bear on them.

    The mean of three likenesses: of the best pair of sentences, of the whole texts, and of their words.

    Args:
        new: the new statement, of any number of sentences.
        olds: older statements of the same speaker, such as the best 50 that a search finds.
        embedder: its cosines compare sentences and texts; None: the words they share do.
        k: how many to return.

    Returns:
        At most ``k``, best first; texts without a sentence are left out, ties go to the later text.

    Raises:
        InvalidInput: ``k`` is not positive.
    """
    if k < 1:
        raise InvalidInput(f"k must be at least 1, not {k}")
    mine = sentences(new)
    parts = [(place, part) for place, text in enumerate(olds) for part in sentences(text)]
    if not mine or not parts:
        return []
    theirs = [part for _, part in parts]
    pairs = _shared(mine, theirs) if embedder is None else _cosines(mine, theirs, embedder)
    best: dict[int, tuple[float, int, int]] = {}
    for column, (place, _) in enumerate(parts):
        row = int(pairs[:, column].argmax())
        score = float(pairs[row, column])
        if place not in best or score > best[place][0]:
            best[place] = (score, row, column)
    words = _shared([new], olds)[0]
    whole = words if embedder is None else _cosines([new], olds, embedder)[0]
    found = [
        Earlier(place, (score + float(whole[place] + words[place])) / 3, theirs[column], mine[row])
        for place, (score, row, column) in best.items()
    ]
    return sorted(found, key=lambda one: (-one.score, -one.place))[:k]


def _cosines(mine: Sequence[str], theirs: Sequence[str], embedder: Embedder) -> NDArray[np.float64]:
    known = {text: place for place, text in enumerate(dict.fromkeys([*mine, *theirs]))}
    vectors = embedder.embed(list(known))
    found: NDArray[np.float64] = (
        vectors[[known[text] for text in mine]] @ vectors[[known[text] for text in theirs]].T
    ).astype(np.float64)
    return found


def _shared(mine: Sequence[str], theirs: Sequence[str]) -> NDArray[np.float64]:
    """Weight of the words of both sentences over the weight of the words of either."""
    words = [set(analyse(text).words) for text in (*mine, *theirs)]
    every = sorted(set().union(*words))
    weights = dict(zip(every, english_weights(every).tolist(), strict=True))
    found = np.zeros((len(mine), len(theirs)))
    for i, one in enumerate(words[: len(mine)]):
        for j, other in enumerate(words[len(mine) :]):
            both = one & other
            if both:
                found[i, j] = sum(weights[word] for word in both) / sum(weights[word] for word in one | other)
    return found
