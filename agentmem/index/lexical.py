"""The word index of one namespace: BM25F in which a turn shares the words of its neighbours.

A turn i of a conversation is searched by its own words and, for less, by those of the turns around it:

    h(t, i) = Σ_j share(i, j) · tf(t, j) / norm_j,      norm_j = 1 - b + b · max(1, len_j / pivot)

over the turn itself and up to two turns before and after it in its session; score(q, i) = Σ_t weight(t) ·
h · (k1 + 1) / (h + k1). Summing weighted term frequencies of several fields *before* they saturate is
BM25F (S. Robertson, H. Zaragoza and M. Taylor, "Simple BM25 extension to multiple weighted fields", CIKM
2004); the neighbours are the fields. The pivot is an absolute number of words, one for turns and one for
texts outside any session, not an average of the collection, so that an impact h / (h + k1) is final and
nothing goes stale when memories come or go.

With all shares 0 and ``average=True`` this is plain BM25 (S. Robertson and H. Zaragoza, "The Probabilistic
Relevance Framework: BM25 and Beyond", 2009).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.index.frequencies import Frequencies
from agentmem.index.postings import SCALE, Segment, make_segment, merge_segments
from agentmem.index.ranking import top
from agentmem.index.terms import PLAIN_BM25, LexicalOptions, QueryTerm
from agentmem.index.turns import Ints, Turns
from agentmem.language.text import ASKS

__all__ = ["PLAIN_BM25", "LexicalIndex", "LexicalOptions", "QueryTerm", "top"]

Scores = NDArray[np.float32]

_SMALL = 64
"""Segments up to this many documents are merged at once."""
_RATIO = 3
"""A segment is merged into the one before it unless that one is more than so many times as large."""
_BULK = 32_768
"""Documents waiting at most for the next query; also written at once at most."""


class LexicalIndex:
    """Words of a namespace's documents.

    Adding and removing only notes what is to be written; the next query writes it. ``score`` and the
    other reading methods may run in several threads at once; ``add`` and ``remove`` need a lock of the
    caller against everything else.

    Memory per short turn (12 content words): about 300 bytes of postings and 100 of terms and links.

    Args:
        options: how words count.
    """

    def __init__(self, options: LexicalOptions | None = None) -> None:
        self.options = options or LexicalOptions()
        self.n = 0
        """Live documents."""
        self.turns = Turns()
        """What is kept of each document: its terms and its place in its session; others only read it."""
        self._home = np.empty(0, dtype=np.int32)
        self._segments: tuple[Segment, ...] = ()
        self._serial = 0
        self._ghosts = np.empty(0, dtype=np.int64)
        self._pending: list[Ints] = []
        self._waiting = 0
        self._frequencies = Frequencies()
        self._lock = threading.RLock()

    # --- changing ----------------------------------------------------------------------------------

    def add(
        self,
        docs: Ints,
        sessions: Sequence[str | None],
        at: Ints,
        positions: Ints,
        flags: Ints,
        tokens: NDArray[np.uint32],
        offsets: Ints,
    ) -> None:
        """Add documents.

        Args:
            docs: (n,) numbers, ascending, higher than any before.
            sessions: n session names; None has no neighbours.
            at: (n,) times, in any unit.
            positions: (n,) order of arrival, which decides between equal times.
            flags: (n,) of :mod:`agentmem.language.text`; only whether the text asks is read.
            tokens: term ids of the content words.
            offsets: (n + 1,): tokens offsets[i]:offsets[i + 1] belong to docs[i].
        """
        if not len(docs):
            return
        docs = np.asarray(docs, dtype=np.int64)
        if int(docs[0]) < len(self.turns) or np.any(np.diff(docs) <= 0):
            raise ValueError("document numbers must ascend and be new")
        asks = (np.asarray(flags) & ASKS).astype(np.bool_)
        with self._lock:
            offsets = np.asarray(offsets, dtype=np.int64)
            changed = self.turns.add(docs, sessions, at, positions, asks, tokens, offsets)
            self.n += len(docs)
            self._frequencies.add(self.turns.postings(docs)[0], 1)
            self._touch(docs)
            if self.options.sharing:
                self._touch(changed)
            if self._waiting >= _BULK:
                self.flush()

    def remove(self, docs: Ints) -> None:
        """Remove documents; numbers that are not live are passed over."""
        with self._lock:
            alive = self.turns.alive.view
            asked = dict.fromkeys(np.asarray(docs).tolist())
            gone = [doc for doc in asked if 0 <= doc < len(alive) and alive[doc]]
            if not gone:
                return
            terms, _, _ = self.turns.postings(np.asarray(gone, dtype=np.int64))
            self._frequencies.add(terms, -1)
            changed: list[int] = []
            for doc in gone:
                changed.extend(self.turns.remove(doc))
            written = np.asarray([doc for doc in gone if doc < len(self._home)], dtype=np.int64)
            self._ghosts = np.append(self._ghosts, written[self._home[written] >= 0])
            self._home[written] = -1
            self.n -= len(gone)
            self._touch(np.asarray(changed if self.options.sharing else [], dtype=np.int64))

    def flush(self) -> None:
        """Write what is waiting into segments; queries do it by themselves."""
        if not self._waiting and not self._too_many_ghosts():
            return
        with self._lock:
            if self._waiting:
                self._write()
            if self._too_many_ghosts():
                self._merge(0)

    def _touch(self, docs: Ints) -> None:
        if len(docs):
            self._pending.append(docs)
            self._waiting += len(docs)
        elif self.options.average:
            self._waiting += 1

    def _too_many_ghosts(self) -> bool:
        return 4 * len(self._ghosts) > self.n + _SMALL

    def _write(self) -> None:
        alive = self.turns.alive.view
        if len(self._home) < len(alive):
            room = np.full(max(len(alive), len(self._home) * 3 // 2), -1, dtype=np.int32)
            room[: len(self._home)] = self._home
            self._home = room
        if self.options.average:
            docs = np.flatnonzero(alive)
        elif self._pending:
            docs = np.unique(np.concatenate(self._pending))
            docs = docs[alive[docs]]
        else:
            docs = np.empty(0, dtype=np.int64)
        for start in range(0, len(docs), _BULK):
            self._append(docs[start : start + _BULK])
        self._pending = []
        self._waiting = 0

    def _append(self, docs: Ints) -> None:
        """Write documents into a new segment and merge it with the last ones if they are small."""
        keys, values = self._contributions(docs)
        moved = docs[self._home[docs] >= 0].astype(np.int32)
        segment = make_segment(self._serial, docs, keys, values, self.options.k1, moved)
        self._serial += 1
        self._home[docs] = segment.serial
        segments = (*self._segments, segment)
        first, size = len(segments) - 1, len(docs)
        while first and len(segments[first - 1].members) <= max(_SMALL, _RATIO * size):
            first -= 1
            size += len(segments[first].members)
        self._segments = segments
        if first < len(segments) - 1:
            self._merge(first)

    def _merge(self, first: int) -> None:
        """Merge the segments from ``first`` on into one."""
        parts = self._segments[first:]
        if not parts:
            return
        segment = merge_segments(self._serial, parts, self._home, oldest=first == 0)
        self._serial += 1
        self._home[segment.members] = segment.serial
        if first == 0:
            self._ghosts = np.empty(0, dtype=np.int64)
        self._segments = (*self._segments[:first], segment)

    def _contributions(self, docs: Ints) -> tuple[Ints, NDArray[np.float64]]:
        """(key, share · tf / norm) of each word that documents have themselves or from neighbours.

        The key is term · len(docs) + place in ``docs``; equal keys come in the order own, previous, next,
        previous but one, next but one, whatever else is written at the same time.
        """
        options, turns = self.options, self.turns
        sources: list[tuple[Ints, float, float, float]] = [(docs, 1.0, 0.0, options.b_own)]
        if options.sharing:
            b = options.b_neighbour
            previous, following = turns.step(docs, -1), turns.step(docs, 1)
            sources += [
                (previous, options.previous, options.previous_asking, b),
                (following, options.next, 0.0, b),
                (turns.step(previous, -1), options.previous2, 0.0, b),
                (turns.step(following, 1), options.next2, 0.0, b),
            ]
            nodes = np.unique(np.concatenate([source for source, *_ in sources]))
            nodes = nodes[nodes >= 0]
        else:
            nodes = docs
        terms, places, tf = turns.postings(nodes)
        lengths = self._lengths(nodes)
        asks = turns.asks.view[nodes]
        keys: list[Ints] = []
        values: list[NDArray[np.float64]] = []
        for source, share, asking, b in sources:
            there = np.flatnonzero(source >= 0)
            if not (share or asking) or not len(there):
                continue
            target = np.full(len(nodes), -1, dtype=np.int64)
            target[np.searchsorted(nodes, source[there])] = there
            target_of = target[places]
            used = np.flatnonzero(target_of >= 0)
            weight = (share + asking * asks) / self._norm(lengths, b)
            keys.append(terms[used] * len(docs) + target_of[used])
            values.append(tf[used] * weight[places[used]])
        if not keys:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
        return np.concatenate(keys), np.concatenate(values)

    def _lengths(self, docs: Ints) -> NDArray[np.float64]:
        """Content words of documents in units of the pivot that is theirs, or of the mean length."""
        turns, options = self.turns, self.options
        lengths = turns.length.view[docs].astype(np.float64)
        if options.average:
            mean = float(turns.length.view[turns.alive.view].sum()) / max(self.n, 1)
            return lengths / max(mean, 1e-9)
        alone = turns.sessions.codes[docs] < 0
        return np.maximum(1.0, lengths / np.where(alone, options.pivot_alone, options.pivot))

    def _norm(self, lengths: NDArray[np.float64], b: float) -> NDArray[np.float64]:
        return np.maximum(1.0 - b + b * lengths, 1e-9)

    def df(self, term_ids: Sequence[int] | NDArray[Any]) -> Ints:
        """How many live documents hold each term in their own text."""
        return self._frequencies.of(term_ids)

    # --- asking --------------------------------------------------------------------------------------

    def score(self, terms: Sequence[QueryTerm], size: int) -> Scores:
        """Scores of the documents 0 to ``size`` - 1; 0 for those that are dead or share no word.

        score = Σ_q weight_q · max_v factor_v · sat(h_v) with sat(h) = h · (k1 + 1) / (h + k1).
        """
        self.flush()
        scores: Scores = np.zeros(max(size, len(self.turns)), dtype=np.float32)
        ids = np.asarray([v for term in terms for v, _ in term.variants], dtype=np.uint32)
        if len(ids):
            for segment in self._segments:
                if len(segment.moved):
                    scores[segment.moved] = 0.0
                self._score_segment(segment, terms, ids, scores)
            if len(self._ghosts):
                scores[self._ghosts] = 0.0
        return scores[:size]

    def _score_segment(
        self, segment: Segment, terms: Sequence[QueryTerm], ids: NDArray[np.uint32], scores: Scores
    ) -> None:
        firsts, lasts = segment.find(ids)
        best: Scores | None = None
        place = 0
        for term in terms:
            scale = term.weight * (self.options.k1 + 1.0)
            found: list[tuple[slice, float]] = []
            for _, factor in term.variants:
                if lasts[place] > firsts[place]:
                    found.append((slice(firsts[place], lasts[place]), factor))
                place += 1
            if not found:
                continue
            if len(found) == 1:
                here, factor = found[0]
                docs = segment.docs[here]
                if factor == 1.0 and len(term.variants) == 1:
                    scores[docs] += segment.impacts[here] * np.float32(scale / SCALE)
                else:
                    # The arithmetic of many variants, to the last bit: which of them a segment holds
                    # depends on how documents came into it, and must not show.
                    scores[docs] += _weaker(segment.impacts[here], np.float32(factor)) * np.float32(scale)
                continue
            if best is None:
                best = np.zeros(len(scores), dtype=np.float32)
            docs = np.concatenate([segment.docs[here] for here, _ in found]).astype(np.intp)
            factors = np.repeat(
                np.asarray([factor for _, factor in found], dtype=np.float32),
                [here.stop - here.start for here, _ in found],
            )
            values = _weaker(np.concatenate([segment.impacts[here] for here, _ in found]), factors)
            np.maximum.at(best, docs, values)
            # A document may stand here several times: each writes the same sum, so that it counts once.
            scores[docs] += best[docs] * np.float32(scale)
            best[docs] = 0.0

    def said(self, doc: int, term_ids: AbstractSet[int]) -> set[int]:
        """Which of these terms a document holds in its own text; a dead one none."""
        turns = self.turns
        return set(turns.own_terms(doc).tolist()).intersection(term_ids) if turns.alive.view[doc] else set()

    def explain(self, doc: int, terms: Sequence[QueryTerm]) -> list[float]:
        """What each term contributes to the score of a document."""
        self.flush()
        if not 0 <= doc < len(self._home) or self._home[doc] < 0:
            return [0.0] * len(terms)
        segment = next(s for s in self._segments if s.serial == self._home[doc])
        contributions: list[float] = []
        for term in terms:
            firsts, lasts = segment.find(np.asarray([v for v, _ in term.variants], dtype=np.uint32))
            best = 0.0
            for (_, factor), first, last in zip(term.variants, firsts, lasts, strict=True):
                hit = np.flatnonzero(segment.docs[first:last] == doc)
                if len(hit):
                    weak = _weaker(segment.impacts[first + hit[:1]], np.float32(factor))
                    best = max(best, float(weak[0]))
            contributions.append(term.weight * (self.options.k1 + 1.0) * best)
        return contributions

    # --- snapshots -----------------------------------------------------------------------------------

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as named arrays, written into one segment; valid until the next change."""
        with self._lock:
            if self._waiting:
                self._write()
            if len(self._segments) > 1 or len(self._ghosts):
                self._merge(0)
            arrays: dict[str, NDArray[Any]] = {f"turns_{k}": v for k, v in self.turns.to_arrays().items()}
            arrays["df_terms"], arrays["df_counts"] = self._frequencies.to_arrays()
            arrays["home"] = self._home[: len(self.turns)]
            arrays["options"] = np.asarray(astuple(self.options), dtype=np.float64)
            arrays["segments"] = np.asarray([s.serial for s in self._segments], dtype=np.int64)
            for segment in self._segments:
                for name in _SEGMENT:
                    arrays[f"segment_{name}"] = getattr(segment, name)
            return arrays

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], options: LexicalOptions | None = None
    ) -> LexicalIndex:
        """The reverse of :meth:`to_arrays`. Arrays may be read-only memory maps; later adds work.

        Postings written with other options are written again at the first query.
        """
        index = cls(options)
        turns = {k.removeprefix("turns_"): v for k, v in arrays.items() if k.startswith("turns_")}
        index.turns = Turns.from_arrays(turns)
        index.n = int(np.count_nonzero(index.turns.alive.view))
        index._frequencies = Frequencies(arrays["df_terms"], arrays["df_counts"])
        if not np.array_equal(arrays["options"], np.asarray(astuple(index.options), dtype=np.float64)):
            index._touch(np.flatnonzero(index.turns.alive.view))
            return index
        index._home = np.array(arrays["home"], dtype=np.int32)
        if len(arrays["segments"]):
            serial = int(arrays["segments"][0])
            index._segments = (Segment(serial, **{name: arrays[f"segment_{name}"] for name in _SEGMENT}),)
            index._serial = serial + 1
        return index

    @property
    def nbytes(self) -> int:
        """Memory held."""
        held = self._home.nbytes + self._frequencies.nbytes + self.turns.nbytes
        return held + sum(segment.nbytes for segment in self._segments)


_SEGMENT = ("members", "terms", "starts", "docs", "impacts", "moved")


def _weaker(impacts: NDArray[np.uint16], factor: Scores | np.float32) -> Scores:
    """Saturated impacts times a factor: a similar word said often is still not the word itself."""
    return (impacts * (factor * np.float32(1.0 / SCALE))).astype(np.float32, copy=False)
