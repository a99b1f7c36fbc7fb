"""How near the words of a question come to words of a text, each in its context (late interaction).

O. Khattab and M. Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late
Interaction over BERT", SIGIR 2020, with the rows of all-MiniLM-L6-v2, which was not trained for it. Rows are
made when a text is first compared and kept, 8 bits a number: about 390 bytes a piece of a word, 40 kB a
passage of 100. What has not been compared for longest goes when ``max_bytes`` are held.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from threading import Lock
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from agentmem.embed.base import Embedder, Vectors
from agentmem.language.stopwords import SCAFFOLDING, STOP

MAX_BYTES = 256 << 20
_guard = Lock()
_EACH = 300  # bytes of a text's place in the cache, beside its rows


class Tokenwise(Protocol):
    """An embedder that can also say what it makes of each piece of a word."""

    def tokens(self, texts: Sequence[str]) -> list[tuple[list[str], Vectors]]:
        """The pieces of each text and their unit rows."""
        ...


class _Rows(NamedTuple):
    whole: NDArray[np.int8]
    scales: NDArray[np.float32]


class TokenVectors:
    """Rows of tokens of texts, kept within a bound; safe for threads.

    Keys are hashes, so no text is held. The lock is not held while the embedder works.

    Args:
        embedder: makes the rows.
        max_bytes: how much to keep.
    """

    def __init__(self, embedder: Tokenwise, max_bytes: int = MAX_BYTES) -> None:
        self._embedder = embedder
        self.max_bytes = max_bytes
        self.nbytes = 0
        self._rows: OrderedDict[bytes, _Rows] = OrderedDict()
        self._lock = Lock()

    def closeness(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """The largest cosine of each content token of a question with the tokens of each text.

        Args:
            question: what is asked; stop words and signs do not count.
            texts: each is cut where the embedder cuts.

        Returns:
            float32 (tokens, texts); no rows for a question without content tokens, zeros for a text
            without tokens.
        """
        kept = self._kept(texts)
        pieces, rows = self._embedder.tokens([question])[0]
        asked = rows[_content(pieces)] if pieces else rows
        near = np.zeros((len(asked), len(texts)), np.float32)
        some = [i for i, one in enumerate(kept) if len(one.whole)]
        if not len(asked) or not some:
            return near
        whole = np.concatenate([kept[i].whole for i in some]).astype(np.float32)
        whole *= np.concatenate([kept[i].scales for i in some])[:, None]
        starts = np.cumsum([0, *(len(kept[i].whole) for i in some[:-1])])
        near[:, some] = np.maximum.reduceat(asked @ whole.T, starts, axis=1)
        return near

    def clear(self) -> None:
        """Forget everything, as after an erasure."""
        with self._lock:
            self._rows.clear()
            self.nbytes = 0

    def _kept(self, texts: Sequence[str]) -> list[_Rows]:
        keys = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        found: dict[bytes, _Rows] = {}
        with self._lock:
            for key in keys:
                if key in self._rows:
                    self._rows.move_to_end(key)
                    found[key] = self._rows[key]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            made = self._embedder.tokens(list(missing.values()))
            fresh = {key: _packed(rows) for key, (_, rows) in zip(missing, made, strict=True)}
            found.update(fresh)
            with self._lock:
                for key, one in fresh.items():
                    self.nbytes += 0 if key in self._rows else _size(one)
                    self._rows[key] = one
                while self.nbytes > self.max_bytes and self._rows:
                    self.nbytes -= _size(self._rows.popitem(last=False)[1])
        return [found[key] for key in keys]


def token_vectors(embedder: Embedder | None) -> TokenVectors | None:
    """The token vectors that go with an embedder: those of ``minilm``, also where something stands before it.

    All stores with one model share them, and the bound.
    """
    if embedder is None or embedder.name != "minilm":
        return None
    from agentmem.embed.minilm import MiniLMEmbedder
    from agentmem.embed.registry import resolve

    own = embedder if isinstance(embedder, MiniLMEmbedder) else resolve("minilm")
    assert isinstance(own, MiniLMEmbedder)
    with _guard:
        if own.compared is None:
            own.compared = TokenVectors(own)
        return own.compared


def _content(pieces: Sequence[str]) -> list[int]:
    """Which pieces are parts of words that say something; all, if none does."""
    words: list[list[int]] = []
    for i, piece in enumerate(pieces):
        if piece.startswith("##") and words:
            words[-1].append(i)
        else:
            words.append([i])
    kept: list[int] = []
    for word in words:
        spelled = "".join(pieces[i].removeprefix("##") for i in word)
        if any(c.isalnum() for c in spelled) and spelled not in STOP and spelled not in SCAFFOLDING:
            kept += word
    return kept or list(range(len(pieces)))


def _packed(rows: Vectors) -> _Rows:
    """Rows as whole numbers from -127 to 127, each with its own scale."""
    scales = np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-12) / np.float32(127)
    return _Rows(np.rint(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32))


def _size(one: _Rows) -> int:
    return one.whole.nbytes + one.scales.nbytes + _EACH
