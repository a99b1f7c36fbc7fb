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
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_micros
from agentmem.facts import names
from agentmem.facts.match import phrase, stem
from agentmem.facts.model import Chain, Hop
from agentmem.facts.questions import asked_names, only_asks
from agentmem.facts.senses import both_ways
from agentmem.facts.slots import Entry
from agentmem.language.text import english_weights

if TYPE_CHECKING:
    from agentmem.embed.base import Embedder
    from agentmem.facts.view import FactView

Also: TypeAlias = Literal["", "both ways", "over"]
"""Along what a walk may go beside what stands: back where it holds both ways, or what holds no more."""
_WAYS: tuple[Also, ...] = ("", "both ways", "over")

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
_FOR_A_LIVING = re.compile(
    r"^(\W*what (?:do|does|did) .+ do)(?: now| currently)?(?: for (?:a living|work))?\W*$", re.IGNORECASE
)
_EARLIER = re.compile(r"\b(?:previous(?:ly)?|former(?:ly)?|earlier)\b|\bbefore\W*$", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:in|at|from|to|near)(?: the \w+ of)? \{o\}$")
_COUNTED = re.compile(r"\bhow\s+(?:many|much|old|long|tall|far|big)\b|^\W*when\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Path:
    """A chain in the making.

    Attributes:
        entries: the facts walked.
        backwards: whether each was walked from its object to its subject.
        end: key of the name it has come to.
        rows: (hops, words) how well each hop is named by each word.
        named: how many hops are named by words of their own.
        score: how good it is.
    """

    entries: tuple[Entry, ...]
    backwards: tuple[bool, ...]
    end: str
    rows: NDArray[np.float64]
    named: int
    score: float


def walk(view: FactView, question: str, at: datetime, embedder: Embedder | None) -> Chain | None:
    """The best chain, or None where there is none or it is not sure enough."""
    for also in _WAYS:
        chains = explore(view, question, at, embedder, also)
        if chains and sure(chains[0]) and (also != "over" or chains[0].hops[-1].fact.state == "closed"):
            return chains[0]
    return None


def sure(chain: Chain) -> bool:
    """Whether a chain is answered with: it says enough of the question, and no other answer is as good."""
    return chain.confidence > SURE and chain.score >= _LEAST and chain.margin >= _APART


def explore(
    view: FactView, question: str, at: datetime, embedder: Embedder | None, also: Also = ""
) -> list[Chain]:
    """Chains from every name of the question, best first, one an answer; at most five.

    Args:
        view: the facts.
        question: the question.
        at: when it is asked.
        embedder: for similarity of meaning.
        also: further facts to go along.
    """
    if _CLOSED.search(question) or not _OPEN.search(question):
        return []
    question = _FOR_A_LIVING.sub(r"\1 as a job", question)
    words, stress = names.tokens(question), names.stressed(question)
    found = asked_names(view, words, stress)
    then = None if to_micros(at) >= view.latest else at
    best: dict[str, tuple[Path, _Asking]] = {}
    for first, last, key in found:
        asking = _Asking(view, words, stress, (first, last), key, embedder)
        for path in asking.paths(then, also):
            if path.end not in best or path.score > best[path.end][0].score:
                best[path.end] = (path, asking)
    ranked = sorted(best.values(), key=lambda one: (-one[0].score, -one[0].entries[-1].moment))
    if _COUNTED.search(question):
        ranked = [one for one in ranked if _counts(one[0].end)]
    if _EARLIER.search(question):
        ranked = [(_earlier(view, path), one) for path, one in ranked if _earlier(view, path) is not path]
    scores = [path.score for path, _ in ranked]
    chains = []
    for place, (path, asking) in enumerate(ranked[:5]):
        other = next(
            (i for i, (one, _) in enumerate(ranked) if i != place and not _beside(view, path, one)), -1
        )
        margin = path.score - (max(scores[other], 0.0) if other >= 0 else 0.0)
        runner_up = _end(ranked[other][0]) if other >= 0 else None
        clear = min(max(margin, 0.0) / _CLEAR, 1.0)
        confidence = min(asking.said(path) * (0.6 + 0.4 * clear), 1.0)
        hops = tuple(
            Hop(view.as_fact(view.standing(entry, then)), path.backwards[i], asking.explained(row))
            for i, (entry, row) in enumerate(zip(path.entries, path.rows, strict=True))
        )
        chains.append(Chain(hops, hops[-1].end, path.score, margin, runner_up, confidence))
    return chains


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
            root = stem(word) if not span[0] <= i < span[1] and not only_asks(words, i) else ""
            if root:
                content.setdefault(root, (i, word))
        self.places = np.array([max(span[0] - i, 0) for i, _ in content.values()])
        frames = list(dict.fromkeys([*_reachable(view, key), *view.established(_ESTABLISHED)]))
        where = len(words) - 1 if words[0] == "where" or words[0] in _STRANDED else -1
        asking = [
            (word, root, phrase(words, i, where=i == where), stress[i]) for root, (i, word) in content.items()
        ]
        self.roots = tuple(content)
        self.asking = [(root, word) for word, root, *_ in asking]
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
        after = span[1] if _POSSESSIVE.search(words[span[1] - 1]) else len(words)
        self.owned = next((i for i, (place, _) in enumerate(content.values()) if place == after), -1)
        asks = next((word for word in words if word in _ASKING), "")
        self.where = None if asks in ("", "what", "which", "when", "how") else asks == "where"
        self.direct = asks in ("what", "which") and words[0] == asks and words[-1] not in _STRANDED
        self.base = -_STRANGE * min(strange, 3)

    def paths(self, then: datetime | None, also: Also = "") -> list[Path]:
        """Every chain from the name that is worth keeping, of each length; see :func:`explore`."""
        if not self.column:
            return []
        done: list[Path] = []
        beam = [Path((), (), self.key, np.zeros((0, len(self.weights))), 0, 0.0)]
        for _ in range(LONGEST):
            grown = [
                self._grow(path, entry, backwards)
                for path in beam
                for entry, backwards in _steps(self.view, path, then, also)
                if self._of(entry) in self.column
                and self._belongs(entry)
                and not self._circles(path, entry, backwards)
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
        if self.owned >= 0 and len(path.entries) == 1 and path.rows[0, self.owned] < _OWN:
            return 0.0  # "Ada's sister": not a word of her
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

    def _belongs(self, entry: Entry) -> bool:
        """Whether the question names what a fact speaks of, where that is only the subject's ("'s uncle")."""
        frame = self._of(entry)
        if not frame.startswith("{s}'s "):
            return True
        column = self.column[frame]
        held = self.view.matcher.words(frame)[:1]
        return not held or any(
            value >= _NAMING and self.view.matcher.names(root, word, held[0])
            for (root, word), value in zip(self.asking, column.tolist(), strict=True)
        )

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
        score -= _BACK * (any(path.backwards) or backwards)
        end = entry.subject_key if backwards else entry.object_key
        if own < len(rows) and any(end in (one.subject_key, one.object_key) for one in path.entries):
            score -= 1.0  # back where it has been, and not because the question says so
        where = self.where
        if where is None and self.direct and entry.statement.about is not None:
            where = False  # "which instrument does she play" is not what she plays in
        if where is not None and where == bool(_PLACE.search(self._of(entry))):
            score += _WHERE
        if self.asked >= 0:
            score += _ASKED * float(rows[-1, self.asked])
        return Path((*path.entries, entry), (*path.backwards, backwards), end, rows, own, score)


def _counts(name: str) -> bool:
    """Whether a name holds a number."""
    return any(c.isdigit() for c in name) or not names.NUMBERS.isdisjoint(name.split())


def _beside(view: FactView, path: Path, other: Path) -> bool:
    """Whether two chains end at values of one slot, which both stand."""
    if path.backwards[-1] or other.backwards[-1] or path.entries[:-1] != other.entries[:-1]:
        return False
    return view.line_of(path.entries[-1]) is view.line_of(other.entries[-1])


def _earlier(view: FactView, path: Path) -> Path:
    """The chain to what stood in the last fact's place before it; the chain itself where nothing did."""
    older = None if path.backwards[-1] else view.before(path.entries[-1])
    if older is None:
        return path
    return replace(path, entries=(*path.entries[:-1], older), end=older.object_key)


_POSSESSIVE = re.compile(r"(?:'s|s')$|^(?:my|our)$")
_STRANDED = frozenset("in at from to for with near on".split())
_ASKING = frozenset(("where", "who", "whom", "whose", "what", "which", "when", "how"))


def _steps(view: FactView, path: Path, then: datetime | None, also: Also) -> Iterator[tuple[Entry, bool]]:
    """Facts that lead on, and whether backwards.

    Backwards only at the beginning, or, where wanted, along what holds both ways: who is married to whom.
    """
    lines = view.by_subject.get(path.end, {})
    for line in lines.values():
        standing = line.newest(then, view.corrections)
        for entry in standing or (line.over(then, view.corrections) if also == "over" else ()):
            yield entry, False
    into = view.by_object.get(path.end, {}) if not path.entries or also == "both ways" else {}
    if len(into) <= _BACKWARDS:
        for entry in into.values():
            frame = entry.frame or ""
            symmetric = also == "both ways" and frame not in lines and both_ways(frame)
            if (not path.entries or symmetric) and view.stands(entry, then):
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
    return last.subject if path.backwards[-1] else last.object
