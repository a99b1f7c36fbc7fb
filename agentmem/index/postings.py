"""Segments of postings: immutable, term by term, as Lucene has them.

A posting says that a document holds a term, and how strongly: its *impact* h / (h + k1), a number
between 0 and 1, kept in 16 bits. All postings of a document lie in one segment. When they change, the
document is written again into a newer segment, which names it as *moved*: its older postings are stale
and are cleared from the scores before the newer segment adds its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALE = 65535.0
"""Impacts are kept in units of 1 / SCALE."""

_NONE = np.empty(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class Segment:
    """Postings of some documents.

    Attributes:
        serial: its number; documents remember the segment that holds them.
        members: int32 numbers of the documents written into it, some of them perhaps into newer ones since.
        terms: uint32, sorted.
        starts: int64 (terms + 1,): postings starts[i]:starts[i + 1] belong to terms[i].
        docs: int32 document numbers.
        impacts: uint16 impacts in units of 1 / :data:`SCALE`, at least 1.
        moved: documents of this segment that may have stale postings in older ones.
    """

    serial: int
    members: NDArray[np.int32]
    terms: NDArray[np.uint32]
    starts: NDArray[np.int64]
    docs: NDArray[np.int32]
    impacts: NDArray[np.uint16]
    moved: NDArray[np.int32]

    def find(self, terms: NDArray[np.uint32]) -> tuple[list[int], list[int]]:
        """First and last + 1 posting of each term; equal where it has none."""
        if not len(self.terms):
            return [0] * len(terms), [0] * len(terms)
        at = np.searchsorted(self.terms, terms)
        at[at == len(self.terms)] = 0
        first = self.starts[at]
        last = np.where(self.terms[at] == terms, self.starts[at + 1], first)
        return first.tolist(), last.tolist()

    @property
    def nbytes(self) -> int:
        """Memory held."""
        held = (self.members, self.terms, self.starts, self.docs, self.impacts, self.moved)
        return sum(array.nbytes for array in held)


def make_segment(
    serial: int,
    docs: NDArray[np.int64],
    keys: NDArray[np.int64],
    values: NDArray[np.float64],
    k1: float,
    moved: NDArray[np.int32],
) -> Segment:
    """Sum contributions into postings.

    Args:
        serial: the segment's number.
        docs: (n,) the documents to write.
        keys: term · n + (place in ``docs``) of each contribution; equal keys are summed in the order
            given, so that the sum depends on nothing but the document and its neighbours.
        values: weighted term frequency of each contribution.
        k1: saturation.
        moved: see :class:`Segment`.
    """
    members = docs.astype(np.int32)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    heads = _heads(keys)
    h = np.add.reduceat(values[order], heads) if len(heads) else values
    impacts = np.maximum(np.rint(h / (h + k1) * SCALE), 1.0).astype(np.uint16)
    keys = keys[heads]
    terms, places = np.divmod(keys, max(len(docs), 1))
    firsts = _heads(terms)
    return Segment(
        serial,
        members,
        terms[firsts].astype(np.uint32),
        np.append(firsts, len(keys)),
        members[places],
        impacts,
        moved,
    )


def merge_segments(serial: int, parts: Sequence[Segment], home: NDArray[np.int32], oldest: bool) -> Segment:
    """One segment of several, without the postings that are stale.

    Args:
        serial: the new segment's number.
        parts: segments adjacent in age, oldest first.
        home: (documents,) serial of the segment that holds each document, -1 for none.
        oldest: whether no older segment is left, so that nothing can be stale below.
    """
    terms = np.unique(np.concatenate([part.terms for part in parts]))
    counts = np.zeros(len(terms) + 1, dtype=np.int64)
    kept: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint16]]] = []
    for part in parts:
        if not len(part.docs):
            continue
        docs, impacts = part.docs, part.impacts
        sizes = np.diff(part.starts)
        live = home[docs] == part.serial
        if not live.all():
            docs, impacts = docs[live], impacts[live]
            sizes = np.diff(np.concatenate(([0], np.cumsum(live)))[part.starts])
        places = np.searchsorted(terms, part.terms)
        counts[places + 1] += sizes
        kept.append((places, sizes, docs, impacts))
    starts = np.cumsum(counts)
    all_docs = np.empty(starts[-1], dtype=np.int32)
    all_impacts = np.empty(starts[-1], dtype=np.uint16)
    free = starts[:-1].copy()
    for places, sizes, docs, impacts in kept:
        # The posting at place p of term t goes to free[t] + p - (first posting of t in this part).
        shift = np.repeat(free[places] - (np.cumsum(sizes) - sizes), sizes)
        target = shift + np.arange(len(docs))
        all_docs[target] = docs
        all_impacts[target] = impacts
        free[places] += sizes
    used = np.diff(starts) > 0
    if not used.all():
        terms, starts = terms[used], np.append(starts[:-1][used], starts[-1])
    members = np.concatenate([part.members[home[part.members] == part.serial] for part in parts])
    moved = _NONE if oldest else np.unique(np.concatenate([part.moved for part in parts]))
    return Segment(serial, members, terms, starts, all_docs, all_impacts, moved)


def _heads(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places where a sorted array changes, the first included."""
    change = np.empty(len(keys), dtype=np.bool_)
    change[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=change[1:])
    return np.flatnonzero(change)
