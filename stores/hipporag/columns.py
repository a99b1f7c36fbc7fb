"""Columns of a graph, in a snapshot as in memory: keys looked up by hash, vectors and runs by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import Growing
from agentmem.index.vectors import dots

Ints = NDArray[np.int64]

_AT_ONCE = 4_096  # rows made floats at once


def hashed(*parts: str) -> int:
    """63 bits that stand for a text, where it must not stand itself or would be slow to look up."""
    text = "\x1f".join(parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


class Keys:
    """Hash -> number: what came from a snapshot in a sorted array, what came since in a dictionary.

    Args:
        hashes: int64, ascending.
        numbers: int64, of each of them.
    """

    def __init__(self, hashes: Ints | None = None, numbers: Ints | None = None) -> None:
        self._hashes = np.empty(0, np.int64) if hashes is None else hashes
        self._numbers = np.empty(0, np.int64) if numbers is None else numbers
        self._recent: dict[int, int] = {}

    def get(self, key: int) -> int:
        """The number of a hash; -1 where there is none."""
        found = self._recent.get(key)
        if found is not None:
            return found
        place = int(np.searchsorted(self._hashes, key)) if len(self._hashes) else 0
        if place < len(self._hashes) and self._hashes[place] == key:
            return int(self._numbers[place])
        return -1

    def put(self, key: int, number: int) -> None:
        """Give a hash its number; -1 takes it away."""
        self._recent[key] = number

    def items(self) -> tuple[Ints, Ints]:
        """Hashes, ascending, and their numbers."""
        recent = np.fromiter(self._recent.keys(), np.int64, len(self._recent))
        given = np.fromiter(self._recent.values(), np.int64, len(self._recent))
        old = ~np.isin(self._hashes, recent)
        hashes = np.concatenate([self._hashes[old], recent])
        numbers = np.concatenate([self._numbers[old], given])
        kept = numbers >= 0
        hashes, numbers = hashes[kept], numbers[kept]
        order = np.argsort(hashes, kind="stable")
        return hashes[order], numbers[order]


class Table:
    """Unit vectors by number, as whole numbers of one byte and a factor that makes them unit again.

    Args:
        most: forget all rather than hold more than so many; None: no limit.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        self._forget(0)

    def _forget(self, dim: int) -> None:
        self._rows = Growing.empty(np.int8, dim)
        self._factors = Growing.empty(np.float32)
        self._ids = Growing.empty(np.int64)
        self._places = Growing.empty(np.int32)

    def restore(self, arrays: Mapping[str, NDArray[Any]], name: str) -> None:
        """Take what :meth:`to_arrays` gave, which may be read-only."""
        ids = arrays[f"{name}.ids"]
        self._rows, self._factors = Growing(arrays[f"{name}.rows"]), Growing(arrays[f"{name}.factors"])
        self._ids = Growing(ids)
        places = np.full(int(ids.max(initial=-1)) + 1, -1, np.int32)
        places[ids] = np.arange(len(ids))
        self._places = Growing(places)

    def to_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """All vectors, for a snapshot."""
        rows, factors, ids = self._rows.view, self._factors.view, self._ids.view
        return {f"{name}.ids": ids, f"{name}.rows": rows, f"{name}.factors": factors}

    def add(self, ids: Sequence[int] | Ints, rows: NDArray[np.float32]) -> None:
        """Add vectors of distinct numbers; of those that have one already the new ones are passed over."""
        numbers = np.asarray(ids, np.int64)
        new = np.flatnonzero(~self.has(numbers))
        if not len(new):
            return
        if not len(self) or (self.most is not None and len(self) + len(new) > self.most):
            self._forget(rows.shape[1])
            new = np.arange(len(numbers))
        self._places.extend_to(int(numbers.max()) + 1, -1)
        self._places.writable()[numbers[new]] = len(self) + np.arange(len(new))
        whole = in_bytes(rows[new])
        lengths = np.sqrt(np.einsum("ij,ij->i", whole, whole, dtype=np.float32))
        self._rows.append(whole)
        self._factors.append(np.divide(1.0, lengths, out=np.zeros(len(new), np.float32), where=lengths > 0))
        self._ids.append(numbers[new])

    def has(self, ids: Ints) -> NDArray[np.bool_]:
        """Which numbers have a vector."""
        places = self._places.view
        if len(ids) and int(ids.max()) < len(places):
            return np.asarray(places[ids] >= 0)
        inside = ids < len(places)
        found = np.zeros(len(ids), np.bool_)
        found[inside] = places[ids[inside]] >= 0
        return found

    def scores(self, ids: Ints, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosines of a vector with those of numbers, all of which have one."""
        result = np.empty(len(ids), np.float32)
        for start in range(0, len(ids), _AT_ONCE):
            places = self._places.view[ids[start : start + _AT_ONCE]]
            part = dots(self._rows.view[places].astype(np.float32), vector)
            result[start : start + len(places)] = part * self._factors.view[places]
        return result

    def of(self, ids: Ints) -> NDArray[np.float32]:
        """float32 rows of numbers, all of which have one."""
        places = self._places.view[ids]
        return np.asarray(self._rows.view[places] * self._factors.view[places, None], np.float32)

    def __len__(self) -> int:
        return self._ids.n

    @property
    def ids(self) -> Ints:
        """The numbers that have a vector."""
        return self._ids.view


def in_bytes(rows: NDArray[np.float32]) -> NDArray[np.int8]:
    """Rows as whole numbers, each scaled so that its largest is 127."""
    largest = np.abs(rows).max(axis=1, keepdims=True) if rows.size else np.ones((len(rows), 1))
    return np.asarray(np.round(rows / np.where(largest > 0, largest, 1.0) * 127), np.int8)


class Runs:
    """Runs of numbers, one a key, appended and never changed.

    Args:
        values: all runs one after another.
    """

    def __init__(self, values: NDArray[np.int32] | None = None) -> None:
        self._values = Growing(np.empty(0, np.int32) if values is None else values)

    def append(self, values: Sequence[int] | Ints) -> tuple[int, int]:
        """Add a run; returns where it begins and ends."""
        start = self._values.n
        self._values.append(np.asarray(values, np.int32))
        return start, self._values.n

    def of(self, start: int, end: int) -> NDArray[np.int32]:
        """A run."""
        return self._values.view[start:end]

    def gather(self, starts: Ints, ends: Ints) -> NDArray[np.int32]:
        """Many runs, one after another."""
        counts = ends - starts
        firsts = np.cumsum(counts) - counts
        return self._values.view[np.repeat(starts - firsts, counts) + np.arange(int(counts.sum()))]

    @property
    def values(self) -> NDArray[np.int32]:
        """All of them."""
        return self._values.view
