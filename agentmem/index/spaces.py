"""The indexes of a file's namespaces: made when asked for, kept up to date, dropped when too many."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import Any

from agentmem.backends.base import Backend
from agentmem.index.layout import Settings
from agentmem.index.snapshot import Snapshots
from agentmem.index.space import Space

MAX_BYTES = 2 << 30


class Spaces:
    """Spaces by namespace number, brought up to the log by every :meth:`get`.

    Safe to use from several threads. A call costs microseconds when nothing was committed since the
    last. The least recently used spaces go when all together hold more than ``max_bytes``; what is
    asked for always stays.

    Args:
        backend: where the truth lives.
        vector_kind: "auto", "numpy", "faiss" or "faiss-gpu".
        dim: width of the vectors; 0 without an embedder.
        lexical_options: options of the lexical index.
        max_bytes: bytes held before the oldest are dropped.
        snapshots: whether to keep large spaces beside the file, for the next process.
    """

    def __init__(
        self,
        backend: Backend,
        vector_kind: str = "auto",
        dim: int = 0,
        lexical_options: Any = None,
        *,
        max_bytes: int = MAX_BYTES,
        snapshots: bool = True,
    ) -> None:
        self.backend = backend
        self.settings = Settings(vector_kind, dim, lexical_options)
        self.max_bytes = max_bytes
        self.snapshots = Snapshots.beside(backend, self.settings) if snapshots else None
        self._lock = threading.Lock()
        self._spaces: OrderedDict[int, Space] = OrderedDict()
        self._bytes: dict[int, int] = {}
        self._total = 0

    def get(self, ns: int) -> Space:
        """The space of a namespace, with everything committed before this call.

        Do not call it while holding the lock of another space.
        """
        with self._lock:
            space = self._spaces.get(ns)
            if space is None:
                space = self._spaces[ns] = Space(ns, self.settings)
            else:
                self._spaces.move_to_end(ns)
        version = self.backend.version()
        if space.version == version:
            return space
        with space.lock:
            changed = space.version != version and self._refresh(space)
            space.version = version
        if changed:
            self._account(space)
        return space

    def known(self, ns: int, known_at: datetime) -> Space:
        """A temporary space of the versions known at a time; nothing else refers to it."""
        _, columns = self.backend.columns(ns, known_at=known_at)
        space = Space.of(columns, self.settings, ns)
        space.known_at = known_at
        return space

    def _refresh(self, space: Space) -> bool:
        if not space.loaded and self.snapshots is not None:
            self.snapshots.load(space)
        return space.refresh(self.backend)

    def _account(self, space: Space) -> None:
        held = space.nbytes
        with self._lock:
            if self._spaces.get(space.ns) is not space:
                return
            self._total += held - self._bytes.get(space.ns, 0)
            self._bytes[space.ns] = held
            while self._total > self.max_bytes and len(self._spaces) > 1:
                oldest = next(iter(self._spaces))
                if oldest == space.ns:
                    break
                self._forget(oldest)

    def _forget(self, ns: int) -> None:
        if self._spaces.pop(ns, None) is not None:
            self._total -= self._bytes.pop(ns, 0)

    def drop(self, ns: int | None = None) -> None:
        """Forget a namespace's space, or all; the next :meth:`get` builds it anew."""
        with self._lock:
            for number in list(self._spaces) if ns is None else [ns]:
                self._forget(number)

    def erased(self) -> bool:
        """After an erasure: forget all spaces and remove all snapshots; returns whether none is left."""
        self.drop()
        return self.snapshots is None or self.snapshots.clear()

    def save(self, *, force: bool = False) -> int:
        """Write snapshots of large spaces that changed enough; returns how many were written.

        Args:
            force: of every large space that changed at all.
        """
        if self.snapshots is None:
            return 0
        with self._lock:
            spaces = list(self._spaces.values())
        written = 0
        for space in spaces:
            with space.lock:
                if self.snapshots.wants(space, force=force):
                    written += self.snapshots.save(space)
                for one in space.companions.values():
                    written += one.save(self.snapshots, space, force=force)
        return written

    def close(self) -> None:
        """Save what is worth it and forget everything."""
        self.save()
        self.drop()

    @property
    def folder(self) -> Path | None:
        """Where snapshots lie, or None."""
        return None if self.snapshots is None else self.snapshots.folder

    @property
    def nbytes(self) -> int:
        """Bytes held by all spaces."""
        return self._total

    def stats(self) -> dict[str, Any]:
        """The kind of vector index, its device, whether it is exact, spaces held and their bytes."""
        with self._lock:
            spaces = list(self._spaces.values())
        largest = max((s.vectors for s in spaces if s.vectors is not None), key=len, default=None)
        return {
            "vectors": "none" if largest is None else largest.kind,
            "device": "cpu" if largest is None else largest.device,
            "exact": largest is None or largest.exact,
            "spaces": len(spaces),
            "bytes": self._total,
        }
