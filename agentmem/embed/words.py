"""What lexical search knows of English: how common a word is, and which words are alike.

Both are read from packaged arrays at the first question and cost a few milliseconds. *Stem* means
the stem of Snowball's English stemmer, lower-case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.embed import weights


@dataclass(frozen=True)
class _Ranks:
    words: dict[str, int]
    stems: dict[str, int]


@dataclass(frozen=True)
class _Thesaurus:
    stems: list[str]
    number: dict[str, int]
    starts: NDArray[np.int32]
    neighbours: NDArray[np.uint16]
    likeness: NDArray[np.uint8]


def english_rank(word: str) -> int | None:
    """Tell how common a lower-case word is: 0 for the most common, None for one that is not listed.

    A word that is itself not listed gets no rank from other forms; ask :func:`stem_rank` for these.
    """
    return _ranks().words.get(word)


def stem_rank(stem: str) -> int | None:
    """Tell the rank of the most common word that has this stem, or None."""
    return _ranks().stems.get(stem)


def ranked_words() -> int:
    """How many words are listed: a rank for all others might be this."""
    return len(_ranks().words)


def similar(stem: str) -> Sequence[tuple[str, float]]:
    """List up to 16 other stems whose words mean nearly the same, with cosines over 0.5, best first."""
    book = _thesaurus()
    number = book.number.get(stem)
    if number is None:
        return ()
    part = slice(int(book.starts[number]), int(book.starts[number + 1]))
    near = zip(book.neighbours[part].tolist(), book.likeness[part].tolist(), strict=True)
    return [(book.stems[other], 0.5 + level / 510.0) for other, level in near]


@cache
def _ranks() -> _Ranks:
    words = _lines("words.txt")
    stems = _lines("stems.txt")
    return _Ranks(
        {word: rank for rank, word in enumerate(words)},
        dict(zip(stems, _array("stems.ranks.npy").tolist(), strict=True)),
    )


@cache
def _thesaurus() -> _Thesaurus:
    stems = _lines("stems.txt")
    return _Thesaurus(
        stems,
        {stem: number for number, stem in enumerate(stems)},
        _array("thesaurus.starts.npy"),
        _array("thesaurus.stems.npy"),
        _array("thesaurus.cosines.npy"),
    )


def _lines(name: str) -> list[str]:
    return weights.path(name).read_text(encoding="ascii").split("\n")


def _array(name: str) -> NDArray[Any]:
    loaded: NDArray[Any] = np.load(weights.path(name), allow_pickle=False)
    return loaded
