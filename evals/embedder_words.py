"""The word lists that lexical search uses: English ranks and a thesaurus, from the same two inputs.

A vocabulary that was built by frequency is a frequency list: the whole words of the teacher's, in
their order, are the ranks. Words whose rows in the static table point the same way are alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FUNCTION_WORDS = tuple(
    "a about above after again against all am an and any are as at be because been before being below "
    "between both but by can could did do does doing down during each few for from further had has have "
    "having he her here hers him his how i if in into is it its just me more most my no nor not now of "
    "off on once only or other our out over own same she should so some such than that the their them "
    "then there these they this those through to too under until up very was we were what when where "
    "which while who whom why will with would you your".split()
)
NEIGHBOURS = 16
LEAST_COSINE = 0.5
SHORTEST = 3


def whole_words(vocabulary: Sequence[str]) -> list[tuple[str, int]]:
    """The words of the vocabulary with their ids, the most frequent first.

    Single letters stand before all else for a reason of their own; of them only "a" and "i" are words.
    """
    return [
        (word, number)
        for number, word in enumerate(vocabulary)
        if re.fullmatch("[a-z]+", word) and (len(word) > 1 or word in "ai")
    ]


def write_words(vocabulary: Sequence[str], table: NDArray[np.float32], out: Path) -> None:
    """Write ranks, stems and thesaurus.

    Args:
        vocabulary: the tokens, in the order of the table's rows.
        table: the static embedder's rows.
        out: the folder to write to.
    """
    import Stemmer

    entries = whole_words(vocabulary)
    words = [word for word, _ in entries]
    stem_of = Stemmer.Stemmer("english").stemWords(words)
    ranks: dict[str, int] = {}
    for rank, stem in enumerate(stem_of):
        ranks.setdefault(stem, rank)
    stems = list(ranks)
    number = {stem: i for i, stem in enumerate(stems)}
    rows = table[[i for _, i in entries]]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    vectors = np.zeros((len(stems), rows.shape[1]), dtype=np.float32)
    np.add.at(vectors, [number[stem] for stem in stem_of], rows)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    common = set(Stemmer.Stemmer("english").stemWords(list(FUNCTION_WORDS)))
    usable = np.array([len(stem) >= SHORTEST and stem not in common for stem in stems])
    starts, near, cosines = _neighbours(vectors, usable)
    _write_lines(out / "words.txt", words)
    _write_lines(out / "stems.txt", stems)
    np.save(out / "stems.ranks.npy", np.array(list(ranks.values()), dtype=np.uint16))
    np.save(out / "thesaurus.starts.npy", starts)
    np.save(out / "thesaurus.stems.npy", near)
    np.save(out / "thesaurus.cosines.npy", cosines)


def _neighbours(
    vectors: NDArray[np.float32], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.uint16], NDArray[np.uint8]]:
    starts, near, cosines = [0], [], []
    for first in range(0, len(vectors), 1024):
        block = vectors[first : first + 1024] @ vectors.T
        block[:, ~usable] = -1.0
        for row, likeness in enumerate(block, start=first):
            likeness[row] = -1.0
            found = np.flatnonzero(likeness > LEAST_COSINE) if usable[row] else np.zeros(0, dtype=np.int64)
            best = found[np.argsort(-likeness[found], kind="stable")][:NEIGHBOURS]
            near.append(best)
            cosines.append(np.rint((likeness[best] - 0.5) * 510.0))
            starts.append(starts[-1] + len(best))
    return (
        np.array(starts, dtype=np.int32),
        np.concatenate(near).astype(np.uint16),
        np.clip(np.concatenate(cosines), 0, 255).astype(np.uint8),
    )


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_bytes("\n".join(lines).encode("ascii"))
