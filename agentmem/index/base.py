"""What an index is: a cache of one namespace that the change log keeps up to date.

Documents are numbered 0, 1, 2, … by the namespace's :class:`~agentmem.index.space.Space` in the
order in which they come; a number is never used twice while the space lives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Docs = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a vector index says to one query.

    Attributes:
        docs: int64, at most k distinct documents, best first.
        scores: float32, their cosines: the best piece of each.
        mean, std: of the cosines of *all* documents of the namespace (no mask), the best piece of each,
            for z-scores; 0 and 1 when there are none, and a deviation of 1 when all are equal.
    """

    docs: Docs
    scores: NDArray[np.float32]
    mean: float
    std: float


class VectorIndex(ABC):
    """Vectors of a namespace's documents; a document may have several pieces, the best one counts.

    Attributes:
        dim: width.
        exact: whether ``probe`` finds the true best k.
        device: "cpu" or "cuda:0".
        kind: name shown in ``stats()``.
    """

    dim: int
    exact: bool
    device: str
    kind: str

    @abstractmethod
    def add(self, docs: Docs, vectors: NDArray[np.float32], offsets: NDArray[np.int64]) -> None:
        """Add documents, or the vectors of documents that had none.

        Args:
            docs: (n,) document numbers, none of which has a vector here.
            vectors: (pieces, dim) unit rows (float16 or float32).
            offsets: (n + 1,): pieces offsets[i]:offsets[i+1] belong to docs[i]; may be empty.
        """

    @abstractmethod
    def remove(self, docs: Docs) -> None:
        """Forget documents; numbers without a vector are passed over."""

    @abstractmethod
    def search_batch(
        self, queries: NDArray[np.float32], k: int, mask: Mask | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The k distinct documents nearest to each query, best first.

        Args:
            queries: (q, dim) unit rows.
            k: how many.
            mask: (documents,) which ones may be returned; None for all.

        Returns:
            (q, k) document numbers, -1 where there are fewer, and (q, k) cosines.
        """

    @abstractmethod
    def probe(self, query: NDArray[np.float32], k: int, mask: Mask | None = None) -> Probe:
        """:meth:`search_batch` of one query, with the moments of all cosines."""

    def probe_batch(self, queries: NDArray[np.float32], k: int, mask: Mask | None = None) -> list[Probe]:
        """:meth:`probe` of many queries, faster where an index can."""
        return [self.probe(query, k, mask) for query in queries]

    @abstractmethod
    def scores(self, query: NDArray[np.float32], docs: Docs) -> NDArray[np.float32]:
        """Exact cosines (up to the stored precision) of a query with documents; nan without vector."""

    @abstractmethod
    def has(self, docs: Docs) -> Mask:
        """Which documents have a vector."""

    @abstractmethod
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as arrays, for a snapshot.

        ``rows`` (pieces, dim), ``docs`` and ``starts`` (the document and the first row of each entry),
        and whatever else the index wants to keep.
        """

    @classmethod
    @abstractmethod
    def from_arrays(cls, dim: int, arrays: Mapping[str, NDArray[Any]]) -> VectorIndex:
        """The inverse of :meth:`to_arrays`; the arrays may be read-only memory maps."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Memory held."""

    @abstractmethod
    def __len__(self) -> int:
        """How many documents have a vector."""
