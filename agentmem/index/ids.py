"""Ids of documents, and documents of ids: decoded and looked up only when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.index.base import Docs, Mask


class Ids:
    """The ids of documents 0, 1, 2 and so on.

    Args:
        text: UTF-8 of the first ids one after another, which may be a memory map.
        ends: where each of them ends.
    """

    def __init__(self, text: NDArray[np.uint8] | None = None, ends: NDArray[np.int64] | None = None) -> None:
        self._text = text
        self._ends = ends
        self._stored = 0 if ends is None else len(ends)
        self._tail: list[str] = []
        self._docs: dict[str, int] | None = None

    def append(self, ids: Sequence[str]) -> None:
        """Add the ids of the next documents."""
        if self._docs is not None:
            first = len(self)
            self._docs.update((id, first + i) for i, id in enumerate(ids))
        self._tail.extend(ids)

    def retire(self, docs: Docs) -> None:
        """Forget which documents these ids stand for; they keep their ids."""
        if self._docs is not None:
            for doc in docs.tolist():
                id = self[doc]
                if self._docs.get(id) == doc:
                    del self._docs[id]

    def find(self, id: str, live: Mask) -> int:
        """The live document of an id, or -1."""
        if self._docs is None:
            everything = self.all()
            self._docs = {everything[doc]: doc for doc in np.flatnonzero(live).tolist()}
        return self._docs.get(id, -1)

    def all(self) -> list[str]:
        """Every id."""
        if self._text is None or self._ends is None:
            return self._tail
        text, ends = bytes(self._text), self._ends.tolist()
        starts = [0, *ends[:-1]]
        return [text[a:b].decode() for a, b in zip(starts, ends, strict=True)] + self._tail

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What the constructor takes."""
        encoded = [id.encode() for id in self.all()]
        ends = np.cumsum([len(id) for id in encoded], dtype=np.int64)
        return {"text": np.frombuffer(b"".join(encoded), np.uint8), "ends": ends}

    def __getitem__(self, doc: int) -> str:
        if doc >= self._stored:
            return self._tail[doc - self._stored]
        assert self._text is not None and self._ends is not None
        start = int(self._ends[doc - 1]) if doc else 0
        return str(self._text.data[start : int(self._ends[doc])], "utf-8")

    def __len__(self) -> int:
        return self._stored + len(self._tail)

    @property
    def nbytes(self) -> int:
        """Bytes held, an estimate."""
        stored = 0 if self._text is None or self._ends is None else self._text.nbytes + self._ends.nbytes
        table = 0 if self._docs is None else 100 * len(self._docs)
        return int(stored) + 70 * len(self._tail) + table
