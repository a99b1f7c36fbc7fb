"""Key -> documents, in sorted arrays that grow at amortised constant cost and may be memory-mapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bits = NDArray[np.uint8]
_RATIO = 3
"""A run is merged into the one before it unless that is more than so many times as large."""
_Run = tuple[NDArray[np.uint64], NDArray[np.int32], Bits]


class Postings:
    """Sorted runs of (key, document, bits), merged as they come so that there are few.

    Documents must come in ascending order from call to call. Nothing is ever removed: whoever asks
    passes over the documents that are dead.
    """

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def add(self, keys: NDArray[np.uint64], docs: NDArray[np.int32], bits: Bits) -> None:
        """Add postings, equal keys in ascending order of documents."""
        if not len(keys):
            return
        order = np.argsort(keys, kind="stable")
        self._runs.append((keys[order], docs[order], bits[order]))
        first, size = len(self._runs) - 1, len(keys)
        while first and len(self._runs[first - 1][0]) <= _RATIO * size:
            first -= 1
            size += len(self._runs[first][0])
        if first < len(self._runs) - 1:
            self._runs[first:] = [_merged(self._runs[first:])]

    def find(self, keys: NDArray[np.uint64]) -> tuple[Ints, Ints, Bits]:
        """(place in ``keys``, document, bits) of all postings of some keys, by place and then document."""
        places: list[Ints] = []
        docs: list[NDArray[np.int32]] = []
        bits: list[Bits] = []
        for run, members, marks in self._runs:
            first = np.searchsorted(run, keys, "left")
            there = np.flatnonzero(run[np.minimum(first, len(run) - 1)] == keys)
            if not len(there):
                continue
            first = first[there]
            counts = np.searchsorted(run, keys[there], "right") - first
            total = int(counts.sum())
            place = np.repeat(there, counts)
            at = np.arange(total) - np.repeat(np.cumsum(counts) - counts - first, counts)
            places.append(place)
            docs.append(members[at])
            bits.append(marks[at])
        if not places:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8)
        if len(places) == 1:
            return places[0], docs[0].astype(np.int64), bits[0]
        place = np.concatenate(places)
        order = np.argsort(place, kind="stable")
        return place[order], np.concatenate(docs)[order].astype(np.int64), np.concatenate(bits)[order]

    def __len__(self) -> int:
        return sum(len(keys) for keys, _, _ in self._runs)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything in one run, as arrays."""
        if len(self._runs) > 1:
            self._runs = [_merged(self._runs)]
        if not self._runs:
            return {}
        keys, docs, bits = self._runs[0]
        return {"keys": keys, "docs": docs, "bits": bits}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Postings:
        """The inverse of :meth:`to_arrays`; arrays may be read-only."""
        postings = cls()
        if arrays:
            postings._runs = [(arrays["keys"], arrays["docs"], arrays["bits"])]
        return postings

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return sum(array.nbytes for run in self._runs for array in run)


def _merged(runs: list[_Run]) -> _Run:
    keys = np.concatenate([run[0] for run in runs])
    order = np.argsort(keys, kind="stable")
    docs = np.concatenate([run[1] for run in runs])[order]
    return keys[order], docs, np.concatenate([run[2] for run in runs])[order]
