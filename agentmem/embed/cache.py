"""Remember vectors of recent texts, so that the same text is not embedded twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock

import numpy as np

from agentmem.embed.base import Embedder, Vectors
from agentmem.errors import InvalidInput

Key = bytes


class CachedEmbedder(Embedder):
    """Wraps an embedder with a least-recently-used cache; safe for threads.

    Keys are hashes, so the cache holds no text. Questions and texts are kept apart, because some
    models treat them apart. The lock is not held while the wrapped embedder works.

    Args:
        embedder: the one that embeds what is not remembered.
        size: how many vectors to remember.
    """

    def __init__(self, embedder: Embedder, size: int = 4096) -> None:
        if size < 1:
            raise InvalidInput(f"the size of a cache must be 1 or more, not {size}")
        self.embedder = embedder
        self.size = size
        self.name = embedder.name
        self.dim = embedder.dim
        self.speed = embedder.speed
        self.fingerprint = embedder.fingerprint
        self.hits = 0
        self.misses = 0
        self._rows: OrderedDict[Key, Vectors] = OrderedDict()
        self._lock = Lock()

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts, each distinct new one once."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        wanted: dict[Key, list[int]] = {}
        with self._lock:
            for i, text in enumerate(texts):
                key = _key(text, query)
                row = self._rows.get(key)
                if row is None:
                    wanted.setdefault(key, []).append(i)
                else:
                    self._rows.move_to_end(key)
                    out[i] = row
            self.hits += len(texts) - len(wanted)
            self.misses += len(wanted)
        if wanted:
            fresh = self.embedder.embed([texts[places[0]] for places in wanted.values()], query=query)
            for (_, places), row in zip(wanted.items(), fresh, strict=True):
                out[places] = row
            with self._lock:
                for key, row in zip(wanted, fresh, strict=True):
                    self._rows[key] = row.copy()
                    self._rows.move_to_end(key)
                while len(self._rows) > self.size:
                    self._rows.popitem(last=False)
        return out

    def clear(self) -> None:
        """Forget everything, as after an erasure."""
        with self._lock:
            self._rows.clear()


def _key(text: str, query: bool) -> Key:
    return blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=16, person=b"q" if query else b"t"
    ).digest()
