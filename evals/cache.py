"""Vectors kept between runs: a benchmark is embedded once, however often it is scored."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from agentmem.embed.base import Embedder, Vectors

_FLUSH_AT = 512


class CachedEmbedder(Embedder):
    """An embedder that remembers, in a folder, what it was asked.

    Files are never changed once written and each process writes its own, so several may share the
    folder. It has the name and fingerprint of the embedder inside, whose vectors it returns.

    Args:
        inner: the embedder asked for what is not known yet.
        folder: where the vectors are kept; made if absent.
    """

    def __init__(self, inner: Embedder, folder: Path) -> None:
        self.inner = inner
        self.name, self.dim, self.speed = inner.name, inner.dim, inner.speed
        self.fingerprint = inner.fingerprint
        self.folder = folder / hashlib.sha256(inner.fingerprint.encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._known: dict[bytes, NDArray[np.float32]] = {}
        self._fresh: dict[bytes, NDArray[np.float32]] = {}
        for file in sorted(self.folder.glob("*.npz")):
            with np.load(file, allow_pickle=False) as part:
                keys, rows = part["keys"], part["rows"]
            self._known.update(zip((key.tobytes() for key in keys), rows, strict=True))

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts, asking the embedder inside only for those never seen."""
        keys = [hashlib.sha256(b"?"[: int(query)] + b"|" + text.encode()).digest() for text in texts]
        with self._lock:
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
            todo = list(missing.items())
            for start in range(0, len(todo), _FLUSH_AT):
                part = todo[start : start + _FLUSH_AT]
                rows = self.inner.embed([text for _, text in part], query=query)
                for (key, _), row in zip(part, rows, strict=True):
                    self._known[key] = self._fresh[key] = row.copy()
                if len(self._fresh) >= _FLUSH_AT:
                    self._write()
            out = np.zeros((len(texts), self.dim), dtype=np.float32)
            for place, key in enumerate(keys):
                out[place] = self._known[key]
        return out

    def close(self) -> None:
        """Write what is new."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        if not self._fresh:
            return
        keys = np.frombuffer(b"".join(self._fresh), dtype=np.uint8).reshape(len(self._fresh), 32)
        partial = self.folder / f"{uuid.uuid4().hex}.part"
        with partial.open("wb") as stream:
            np.savez(stream, keys=keys, rows=np.stack(list(self._fresh.values())))
        partial.rename(partial.with_suffix(".npz"))
        self._fresh = {}

    def __enter__(self) -> CachedEmbedder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
