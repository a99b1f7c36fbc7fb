"""Any model of the sentence-transformers library (``pip install 'agentmem-kit[local]'``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from agentmem.embed import rows
from agentmem.embed.base import Embedder, Speed, Vectors
from agentmem.errors import EmbedderError, MissingDependency


class SentenceTransformerEmbedder(Embedder):
    """Wraps a sentence-transformers model, loaded at once.

    Models with prompts of their own for questions and texts get them.

    Args:
        model: a name on the hub, a folder, or a loaded ``SentenceTransformer``.
        device: ``"cpu"``, ``"cuda"``, ...; None lets the library choose.
        batch_size: texts that go through the model together.
        options: further arguments of ``SentenceTransformer``.
    """

    speed: Speed = "local"

    def __init__(
        self,
        model: Any = "all-MiniLM-L6-v2",
        *,
        device: str | None = None,
        batch_size: int = 32,
        **options: Any,
    ) -> None:
        label = model if isinstance(model, str) else type(model).__name__
        label = Path(label).name if Path(label).is_dir() else label
        self.name = f"sentence-transformers:{label}"
        self.batch_size = batch_size
        self._lock = Lock()
        self._model = _load(model, device, options) if isinstance(model, str) else model
        probe = rows.checked(self._encode([rows.PROBE], query=False), 1, None, self.name)[0]
        self.dim = len(probe)
        longest = getattr(self._model, "max_seq_length", "")
        self.fingerprint = rows.fingerprint("sentence-transformers", f"{longest}", probe)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts; empty ones get a zero row."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        kept = [i for i, text in enumerate(texts) if text.strip()]
        if kept:
            answer = self._encode([texts[i] for i in kept], query=query)
            out[kept] = rows.checked(answer, len(kept), self.dim, self.name)
        return out

    def _encode(self, texts: list[str], *, query: bool) -> Any:
        named = "encode_query" if query else "encode_document"
        encode = getattr(self._model, named, self._model.encode)
        try:
            with self._lock:
                return encode(
                    texts, batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True
                )
        except Exception as error:
            raise EmbedderError(f"{self.name} failed on {len(texts)} texts: {error}") from error


def _load(name: str, device: str | None, options: dict[str, Any]) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingDependency("sentence-transformers", "local") from error
    try:
        return SentenceTransformer(name, device=device, **options)
    except Exception as error:
        raise EmbedderError(f"the sentence-transformers model {name!r} cannot be loaded: {error}") from error
