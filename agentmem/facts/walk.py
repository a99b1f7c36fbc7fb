"""From a question to an answer along facts, over as many hops as its words name.

The walk starts at a name the question holds and goes along facts that stand. A chain is good when its
relations explain the question's words, each hop some word of its own, and its last hop what is asked; so
it stops by itself at the right hop. The answer is trusted as far as the best chain is ahead of the best
one with another answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_micros
from agentmem.facts import names
from agentmem.facts.match import phrase, stem
from agentmem.facts.model import Chain, Hop
from agentmem.facts.slots import Entry
from agentmem.facts.spoken import SELF
from agentmem.language.text import english_weights

if TYPE_CHECKING:
    from agentmem.embed.base import Embedder
    from agentmem.facts.view import FactView

LONGEST = 5
"""Hops of a chain."""
SURE = 0.5
"""Confidence from which on a chain is answered with."""

_LEAST, _APART, _CLEAR = 0.6, 0.02, 0.1
_BEAM = 256
_BACKWARDS = 24  # more facts than this lead to a hub, not to an answer
_OWN = 0.25  # what of a word must name a hop for the word to be its own
_CLEARLY = 0.1
_UNNAMED = 0.1
_ASKED = 0.2
_ORDER = 0.1
_BACK = 0.1
_WHERE = 0.05  # "where" wants a wording that ends in "in {o}", "who" one that does not
_NAMING = 0.5  # what a word must name some relation by to be what is asked
_STRANGE, _NAMED = 0.15, 0.9  # a word written as a name that no wording holds
_KIND = 0.5
_ALMOST = 0.8
_OFF = 0.85  # where nothing is said of the first word, which mostly is what is asked
_ELSE = 0.5  # where other facts would say it
_FRAMES = 160
_ESTABLISHED = 64

_OPEN = re.compile(
    r"\b(?:who|whom|whose|what|which|where|when|how\s+(?:many|much|old|long|tall|far|big))\b|"
    r"^\W*(?:name|tell|give|find|list|state)\b",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"^\W*(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|may|might)\b",
    re.IGNORECASE,
)
_EARLIER = re.compile(r"\b(?:previous(?:ly)?|former(?:ly)?|earlier)\b|\bbefore\W*$", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:in|at|from|to|near)(?: the \w+ of)? \{o\}$")
_COUNTED = re.compile(r"\bhow\s+(?:many|much|old|long|tall|far|big)\b|^\W*when\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Path:
    """A chain in the making.

    Attributes:
        entries: the facts walked.
        backwards: whether the first was walked from its object to its subject.
        end: key of the name it has come to.
        rows: (hops, words) how well each hop is named by each word.
        named: how many hops are named by words of their own.
        score: how good it is.
    """

    entries: tuple[Entry, ...]
    backwards: bool
    end: str
    rows: NDArray[np.float64]
    named: int
    score: float


class _Known:
    """The names of a view."""

    def __init__(self, view: FactView) -> None:
        self.view = view

    def __contains__(self, key: object) -> bool:
        return key in self.view.by_subject or key in self.view.by_object


def walk(view: FactView, question: str, at: datetime, embedder: Embedder | None) -> Chain | None:
    """The best chain, or None where there is none or it is not sure enough."""
    chains = explore(view, question, at, embedder)
    return chains[0] if chains and sure(chains[0]) else None


def sure(chain: Chain) -> bool:
    """Whether a chain is answered with: it says enough of the question, and no other answer is as good."""
    return chain.confidence > SURE and chain.score >= _LEAST and chain.margin >= _APART


def explore(view: FactView, question: str, at: datetime, embedder: Embedder | None) -> list[Chain]:
    """Chains from every name of the question, best first, one an answer; at most five."""
    if _CLOSED.search(question) or not _OPEN.search(question):
        return []
    words, stress = names.tokens(question), names.stressed(question)
    found = _named(view, words, stress)
    then = None if to_micros(at) >= view.latest else at
    best: dict[str, tuple[Path, _Asking]] = {}
    for first, last, key in found:
        asking = _Asking(view, words, stress, (first, last), key, embedder)
        for path in asking.paths(then):
            if path.end not in best or path.score > best[path.end][0].score:
                best[path.end] = (path, asking)
    ranked = sorted(best.values(), key=lambda one: -one[0].score)
    if _COUNTED.search(question):
        ranked = [one for one in ranked if any(c.isdigit() for c in one[0].end)]
    if _EARLIER.search(question):
        ranked = [(_earlier(view, path), one) for path, one in ranked if _earlier(view, path) is not path]
    scores = [path.score for path, _ in ranked]
    chains = []
    for place, (path, asking) in enumerate(ranked[:5]):
        other = 0 if place else 1
        margin = path.score - max(scores[other] if other < len(scores) else 0.0, 0.0)
        runner_up = _end(ranked[other][0]) if other < len(ranked) else None
        clear = min(max(margin, 0.0) / _CLEAR, 1.0)
        confidence = min(asking.said(path) * (0.6 + 0.4 * clear), 1.0)
        hops = tuple(
            Hop(view.as_fact(view.standing(entry, then)), path.backwards and not i, asking.explained(row))
            for i, (entry, row) in enumerate(zip(path.entries, path.rows, strict=True))
        )
        chains.append(Chain(hops, hops[-1].end, path.score, margin, runner_up, confidence))
    return chains


def _named(view: FactView, words: Sequence[str], stress: Sequence[bool]) -> list[tuple[int, int, str]]:
    """The names of facts among words; "my" is whoever speaks."""
    found = names.find(words, _Known(view), stress)
    if _SELF in view.by_subject:
        for i, word in enumerate(words):
            if word in _OWNS and not any(first <= i < last for first, last, _ in found):
                found.append((i, i + 1, _SELF))
    return found


class _Asking:
    """A question as asked of one of its names: its other words, and what they name."""

    def __init__(
        self,
        view: FactView,
        words: Sequence[str],
        stress: Sequence[bool],
        span: tuple[int, int],
        key: str,
        embedder: Embedder | None,
    ) -> None:
        self.view = view
        self.key = key
        content: dict[str, tuple[int, str]] = {}
        for i, word in enumerate(words):
            root = stem(word) if not span[0] <= i < span[1] and not _only_asks(words, i) else ""
            if root:
                content.setdefault(root, (i, word))
        self.places = np.array([max(span[0] - i, 0) for i, _ in content.values()])
        frames = list(dict.fromkeys([*_reachable(view, key), *view.established(_ESTABLISHED)]))
        asking = [(word, root, phrase(words, i), stress[i]) for root, (i, word) in content.items()]
        self.roots = tuple(content)
        matrix = view.matcher.matrix(asking, frames, embedder)
        self.column = {frame: matrix[:, i] for i, frame in enumerate(frames)} if content else {}
        peaks = matrix.max(axis=1) if matrix.size else np.zeros(len(content))
        self.peaks = peaks
        rarity = english_weights(list(content)) if content else np.zeros(0)
        kind = np.array([i > 0 and words[i - 1] in ("which", "what") for i, _ in content.values()], bool)
        rarity[kind & (peaks < _OWN)] *= _KIND  # "which company": facts seldom say what their names are
        self.head = int(np.argmin(kind)) if len(kind) else -1
        self.rarity = rarity / max(float(rarity.sum()), 1e-9)
        spread = (matrix**2).sum(axis=1) / np.maximum(peaks**2, 1e-9) if matrix.size else peaks
        weights = peaks**2 / np.sqrt(np.maximum(spread, 1.0))  # a word that names one relation counts most
        self.weights = weights / max(float(weights.sum()), 1e-9)
        naming = np.flatnonzero(peaks >= _NAMING)
        self.asked = int(naming[0]) if len(naming) else -1
        strange = sum(
            stress[i] and peak < _NAMED for (i, _), peak in zip(content.values(), peaks.tolist(), strict=True)
        )
        asks = next((word for word in words if word in _ASKING), "")
        self.where = None if asks in ("", "what", "which", "when", "how") else asks == "where"
        self.base = -_STRANGE * min(strange, 3)

    def paths(self, then: datetime | None) -> list[Path]:
        """Every chain from the name that is worth keeping, of each length."""
        if not self.column:
            return []
        done: list[Path] = []
        beam = [Path((), False, self.key, np.zeros((0, len(self.weights))), 0, 0.0)]
        for _ in range(LONGEST):
            grown = [
                self._grow(path, entry, backwards)
                for path in beam
                for entry, backwards in _steps(self.view, path, then)
                if self._of(entry) in self.column and not self._circles(path, entry, backwards)
            ]
            grown.sort(key=lambda one: -one.score)
            beam = grown[:_BEAM]
            done += beam
        return done

    def explained(self, row: NDArray[np.float64]) -> tuple[str, ...]:
        """The words, as stems, that name a hop, of how well each word names it."""
        return tuple(root for root, value in zip(self.roots, row.tolist(), strict=True) if value >= _NAMING)

    def said(self, path: Path) -> float:
        """Share of the question's words, by rarity, that a chain explains; 0 if one word names it all."""
        if path.named < min(len(path.entries), 2):
            return 0.0
        share = float(path.rows.max(axis=0) @ self.rarity)
        if share < _ALMOST and len(path.entries) == 1:  # "my favourite food" is not "my favourite colour"
            held = self.view.matcher.words(self._of(path.entries[0]))
            met = [word for word in held if word in self.roots]
            if met:
                share *= 0.5 + 0.5 * len(met) / len(held)
        if path.rows[:, self.head].max() >= _OWN:
            return share
        return share * (_ELSE if self.peaks[self.head] >= _NAMING else _OFF)

    def _of(self, entry: Entry) -> str:
        frame = entry.frame or ""
        return self.view.corrections.merged.get(frame, frame)

    def _named(self, entry: Entry) -> NDArray[np.float64]:
        """How well each word names a fact: by its wording, or by that of a fact that it replaces."""
        frames = [self._of(entry), *self.view.replaced.get(entry.id, ())]
        columns = [self.column[frame] for frame in frames if frame in self.column]
        return columns[0] if len(columns) == 1 else np.max(columns, axis=0)

    def _circles(self, path: Path, entry: Entry, backwards: bool) -> bool:
        end = entry.subject_key if backwards else entry.object_key
        return end == self.key or any(one is entry for one in path.entries)

    def _grow(self, path: Path, entry: Entry, backwards: bool) -> Path:
        rows = np.vstack([path.rows, self._named(entry)])
        named = rows.max(axis=0)
        owner = np.zeros(len(named), np.int64)
        for hop in range(1, len(rows)):  # a later hop takes a word over only if it is named clearly better
            owner[rows[hop] > rows[:hop].max(axis=0) + _CLEARLY] = hop
        own = inverted = 0
        last = 0.0
        for hop in range(len(rows)):
            mine = (owner == hop) & (named >= _OWN)
            if mine.any():
                own += 1
                before = self.places[mine & (self.places > 0)]
                if len(before):  # words farther from the name belong to later hops
                    inverted += float(before.mean()) < last
                    last = float(before.mean())
        score = self.base + float(named @ self.weights) - _UNNAMED * (len(rows) - own) - _ORDER * inverted
        score -= _BACK * (path.backwards or backwards)
        end = entry.subject_key if backwards else entry.object_key
        if own < len(rows) and any(end in (one.subject_key, one.object_key) for one in path.entries):
            score -= 1.0  # back where it has been, and not because the question says so
        if self.where is not None and self.where == bool(_PLACE.search(self._of(entry))):
            score += _WHERE
        if self.asked >= 0:
            score += _ASKED * float(rows[-1, self.asked])
        return Path((*path.entries, entry), path.backwards or backwards, end, rows, own, score)


def _earlier(view: FactView, path: Path) -> Path:
    """The chain to what stood in the last fact's place before it; the chain itself where nothing did."""
    older = None if path.backwards and len(path.entries) == 1 else view.before(path.entries[-1])
    if older is None:
        return path
    return replace(path, entries=(*path.entries[:-1], older), end=older.object_key)


def known_names(view: FactView, question: str) -> list[str]:
    """The names of facts that a question holds, as it writes them."""
    words = names.tokens(question)
    found = _named(view, words, names.stressed(question))
    return [" ".join(words[first:last]) for first, last, _ in found]


def _only_asks(words: Sequence[str], i: int) -> bool:
    """Whether a word belongs to the asking: the name in "what is the name of", the type in "what type of"."""
    if words[i] in _TIMES:
        return True
    return words[i] in _SCAFFOLD and 0 < i and words[i + 1 : i + 2] == ["of"] and words[i - 1] in _BEFORE


_ASKING = frozenset(("where", "who", "whom", "whose", "what", "which", "when", "how"))
_OWNS = frozenset(("i", "my", "me", "mine"))
_SELF = names.name_key(SELF)
_SCAFFOLD = frozenset(("name", "type", "kind", "sort"))
_TIMES = frozenset(("previous", "previously", "former", "formerly", "earlier", "current", "currently", "now"))
_BEFORE = frozenset(("the", "what", "which"))


def _steps(view: FactView, path: Path, then: datetime | None) -> Iterator[tuple[Entry, bool]]:
    """Facts that lead on, and whether backwards; backwards only at the beginning."""
    for line in view.by_subject.get(path.end, {}).values():
        for entry in line.newest(then, view.corrections):
            yield entry, False
    into = {} if path.entries else view.by_object.get(path.end, {})
    if len(into) <= _BACKWARDS:
        for entry in into.values():
            if view.stands(entry, then):
                yield entry, True


def _reachable(view: FactView, key: str) -> list[str]:
    """Frames of facts within reach of a name, nearest first."""
    frames: dict[str, None] = {}
    level = [key]
    seen = {key}
    into = view.by_object.get(key, {})
    if len(into) <= _BACKWARDS:
        for entry in into.values():
            frames[view.corrections.merged.get(entry.frame or "", entry.frame or "")] = None
            level.append(entry.subject_key)
    for _ in range(LONGEST):
        following: list[str] = []
        for name in level:
            for frame, line in view.by_subject.get(name, {}).items():
                frames[frame] = None
                fresh = {entry.object_key for entry in line.entries} - seen
                seen |= fresh
                following += sorted(fresh)
            if len(frames) >= _FRAMES:
                return list(frames)[:_FRAMES]
        level = following[:500]
    return list(frames)


def _end(path: Path) -> str:
    last = path.entries[-1]
    return last.subject if path.backwards and len(path.entries) == 1 else last.object
