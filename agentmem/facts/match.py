"""How well a word of a question names a relation: the word × frame matrix of a walk.

A word names a frame when the frame's wording holds it (by its stem, mistyped, or as initials), when the
frame's objects are of the kind the word names ("which *city*": the objects of "... in the city of {o}"),
or as far as "The *word* of X is Y" is similar to the wording with its holes kept (which tells "born" from
"birthplace" much better than bare words do).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agentmem.facts.senses import APART, apart, senses
from agentmem.language.text import analyse

if TYPE_CHECKING:
    from agentmem.embed.base import Embedder
    from agentmem.facts.view import FactView

_LOW, _RANGE = 0.5, 0.35
_TYPO = 0.95
_KIND = 0.9
_SENSE = 0.8
_EMBEDDED = 64
_SAMPLE = 64


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of a word; "" for a function word."""
    found = analyse(word).words
    return found[0] if found else ""


def phrase(words: Sequence[str], place: int, *, where: bool = False) -> str:
    """A word with a neighbour where the two say something else together: "passed away", "head office".

    Args:
        words: of the question.
        place: of the word.
        where: the question asks where this is done, so that "study" is "study at".
    """
    alone = words[place]
    for first in (place, place - 1):
        pair = words[max(first, 0) : first + 2]
        if len(pair) == 2:
            together = senses(" ".join(pair))
            if together and together != senses(pair[0]) | senses(pair[1]):
                return " ".join(pair)
    if where and senses(f"{alone} at") - senses(alone):
        return f"{alone} at"
    return alone


class Matcher:
    """What a view's frames are made of, kept with the view."""

    def __init__(self, view: FactView) -> None:
        self.view = view
        self._words: dict[str, tuple[str, ...]] = {}
        self._spelled: dict[str, tuple[str, ...]] = {}
        self._initials: dict[str, frozenset[str]] = {}
        self._meant: dict[str, frozenset[str]] = {}
        self._kinds: dict[str, str] = {}
        self._vectors: dict[str, dict[str, NDArray[np.float32]]] = {}

    def words(self, frame: str) -> tuple[str, ...]:
        """The content words of a frame, as stems."""
        if frame not in self._words:
            bare = frame.replace("{s}", " ").replace("{o}", " ")
            self._words[frame] = tuple(analyse(bare).words)
            self._spelled[frame] = tuple(one for one in bare.split() if len(one) > 4)
            self._initials[frame] = frozenset(_initials(bare.split()))
        return self._words[frame]

    def _kind(self, frame: str) -> str:
        """The noun that says what a frame's objects are: "city" of "{s} was born in the city of {o}"."""
        if frame not in self._kinds:
            mid = frame.split("{s}")[-1].split("{o}")[0].split()
            kind = stem(mid[-2]) if len(mid) > 2 and mid[-1] == "of" else ""
            self._kinds[frame] = kind
        return self._kinds[frame]

    def names(self, root: str, word: str, held: str) -> bool:
        """Whether a word of a question names a word of a wording: itself, mistyped, or of its senses."""
        if root == held or mistyped(word, held):
            return True
        return not apart(root, held) and not senses(word).isdisjoint(senses(held))

    def match(self, word: str, root: str, phrase: str, short: bool, frame: str) -> float:
        """How well a word names a frame by itself, in [0, 1], without similarity of meaning.

        Args:
            word: as written.
            root: its stem.
            phrase: what :func:`phrase` gives.
            short: it is written as a name, so it may be an abbreviation.
            frame: the frame's key.
        """
        best = 0.0
        for held in self.words(frame):
            if held == root:
                return 1.0
        if short and word in self._initials[frame]:
            return 1.0
        if any(mistyped(one, word) for one in self._spelled[frame]):
            best = _TYPO
        if self._apart(root, frame):
            return best
        if best < _SENSE and not senses(phrase).isdisjoint(self._senses(frame)):
            return _SENSE
        return best

    def _apart(self, root: str, frame: str) -> bool:
        """Whether a frame holds a word of which another one of its kind is asked: a son, not a daughter."""
        return root in APART and any(apart(root, held) for held in self.words(frame))

    def _senses(self, frame: str) -> frozenset[str]:
        if frame not in self._meant:
            self._meant[frame] = senses(frame)
        return self._meant[frame]

    def kin(self, root: str, frame: str, established: Sequence[str]) -> float:
        """Share of a frame's facts whose objects are said elsewhere to be of the kind a word names."""
        named = [self.view.objects[one] for one in established if self._kind(one) == root]
        if not named:
            return 0.0
        objects = list(islice(self.view.objects.get(frame, {}).items(), _SAMPLE))
        alike = sum(times for one, times in objects if any(one in members for members in named))
        return alike / max(sum(times for _, times in objects), 1)

    def matrix(
        self, words: Sequence[tuple[str, str, str, bool]], frames: Sequence[str], embedder: Embedder | None
    ) -> NDArray[np.float64]:
        """How well words name frames.

        Args:
            words: each with its stem and the other arguments of :meth:`match`.
            frames: keys.
            embedder: for similarity of meaning; None: without.

        Returns:
            (words, frames) values in [0, 1].
        """
        established = self.view.established(_EMBEDDED)
        kinds = {self._kind(frame) for frame in established}
        plain = np.array([[self.match(*word, frame) for frame in frames] for word in words])
        for row, (_, root, *_) in enumerate(words):
            if root in kinds:
                shares = [_KIND * self.kin(root, frame, established) for frame in frames]
                plain[row] = np.maximum(plain[row], shares)
        if embedder is None or not words or not frames:
            return plain.reshape(len(words), len(frames))
        asked = self._embed(embedder, [f"The {word} of X is Y" for word, *_ in words])
        said = self._embed(embedder, [frame.format(s="X", o="Y").capitalize() for frame in frames])
        alike = np.clip((asked @ said.T - _LOW) / _RANGE, 0.0, 1.0)
        for row, (_, root, *_) in enumerate(words):
            if root in APART:
                alike[row] *= [not self._apart(root, frame) for frame in frames]
        return np.asarray(np.maximum(plain, alike), np.float64)

    def _embed(self, embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
        kept = self._vectors.setdefault(embedder.fingerprint, {})
        missing = [text for text in dict.fromkeys(texts) if text not in kept]
        if missing:
            if len(kept) > 20_000:
                kept.clear()
                missing = list(dict.fromkeys(texts))
            kept.update(zip(missing, embedder.embed(missing), strict=True))
        return np.stack([kept[text] for text in texts])


def _initials(words: Iterable[str]) -> Iterable[str]:
    """Initials of two to five neighbouring words: "ceo" of "chief executive officer"."""
    held = [word for word in words if stem(word)]
    for first in range(len(held)):
        for last in range(first + 2, min(first + 5, len(held)) + 1):
            yield "".join(word[0] for word in held[first:last])


@lru_cache(maxsize=65_536)
def mistyped(one: str, other: str) -> bool:
    """Whether two words differ by one letter changed, left out, added, or swapped with its neighbour."""
    if min(len(one), len(other)) < 5 or abs(len(one) - len(other)) > 1 or one[0] != other[0]:
        return False
    first = 0
    while first < min(len(one), len(other)) and one[first] == other[first]:
        first += 1
    rest, others = one[first:], other[first:]
    return (
        rest[1:] == others[1:]
        or rest[1:] == others
        or rest == others[1:]
        or (rest[:2] == others[:2][::-1] and rest[2:] == others[2:])
    )
