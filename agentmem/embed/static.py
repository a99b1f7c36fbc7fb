"""The default embedder: a table of token vectors, summed. No model runs, so it takes microseconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agentmem.embed import weights
from agentmem.embed.base import Embedder, Speed, Vectors
from agentmem.embed.scripts import is_foreign
from agentmem.errors import EmbedderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEXTS_AT_ONCE = 2048
FEW_TEXTS, FEW_TOKENS = 16, 4096  # up to here plain numpy is as fast, and scipy need not be loaded
CACHED_WORDS, LONGEST_CACHED = 100_000, 32

_PLAIN = re.compile(r"[\t\n\r -~]*")
_SPACE = re.compile(r"[\t\n\r ]+")
_WORD = re.compile(r"[a-z0-9]+|[^\sa-z0-9]")


class StaticEmbedder(Embedder):
    """Sums the rows of a table of token vectors distilled from all-MiniLM-L6-v2.

    For conversation, beside lexical search, it finds what MiniLM finds, at hundreds of times its
    speed; on long passages and paraphrase :class:`~agentmem.embed.minilm.MiniLMEmbedder` is better.
    A text whose letters are largely Chinese, Japanese, Korean or Thai gets a zero row.
    """

    name = "static"
    dim = 256
    speed: Speed = "fast"

    def __init__(self) -> None:
        self.fingerprint = weights.fingerprint(
            "static", "static.rows.npy", "static.scales.npy", "tokenizer.json", rule="sum;unit;256"
        )
        self._lock = Lock()
        self._loaded: _Table | None = None

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts; questions are treated like any other text."""
        table = self._load()
        if len(texts) == 1:
            return table.one(texts[0])
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            table.sums(texts[start : start + TEXTS_AT_ONCE], out[start : start + TEXTS_AT_ONCE])
        lengths = np.sqrt(np.einsum("ij,ij->i", out, out))[:, None]
        np.divide(out, lengths, out=out, where=lengths > 0)
        return out

    def _load(self) -> _Table:
        if self._loaded is None:
            with self._lock:
                if self._loaded is None:
                    self._loaded = _Table(self.dim)
        return self._loaded


class _Table:
    """The rows, their scales, and how texts become row numbers."""

    def __init__(self, dim: int) -> None:
        rows = np.load(weights.path("static.rows.npy"), mmap_mode="r", allow_pickle=False)
        self.rows: NDArray[np.int8] = rows.view(np.ndarray)
        self.scales: NDArray[np.float32] = np.load(weights.path("static.scales.npy"), allow_pickle=False)
        self.tokenizer: Tokenizer = weights.tokenizer()
        if rows.shape != (self.tokenizer.get_vocab_size(), dim) or len(self.scales) != len(rows):
            raise EmbedderError("the packaged token table is damaged; reinstall agentmem-kit")
        self.words = _Words(self.tokenizer)

    def sums(self, texts: Sequence[str], out: Vectors) -> None:
        """Write into each row of ``out`` the sum of the rows of a text's tokens."""
        ids = [self.ids(text) for text in texts]
        total = sum(map(len, ids))
        if len(ids) <= FEW_TEXTS and total <= FEW_TOKENS:
            for row, tokens in zip(out, ids, strict=True):
                if tokens:
                    row[:] = self.scales[tokens] @ self.rows[tokens].astype(np.float32)
            return
        from scipy.sparse import csr_array

        flat = np.fromiter(chain.from_iterable(ids), dtype=np.int64, count=total)
        used, places = np.unique(flat, return_inverse=True)
        ends = np.cumsum([0, *map(len, ids)])
        counts = csr_array((np.ones(total, np.float32), places, ends), shape=(len(ids), len(used)))
        out[:] = counts @ (self.rows[used] * self.scales[used, None])

    def one(self, text: str) -> Vectors:
        """The unit row of a single text, by the shortest way."""
        tokens = self.ids(text)
        out = np.zeros((1, self.rows.shape[1]), dtype=np.float32)
        if tokens:
            row = self.scales[tokens] @ self.rows[tokens].astype(np.float32)
            length = float(row @ row) ** 0.5
            if length > 0:
                np.divide(row, length, out=out[0])
        return out

    def ids(self, text: str) -> list[int]:
        """Token ids as the tokenizer gives them, most of them out of the word cache."""
        if _PLAIN.fullmatch(text):
            return self._plain_ids(text)
        if is_foreign(text):
            return []
        parts = _SPACE.split(text)
        return list(
            chain.from_iterable(
                self._plain_ids(part) if _PLAIN.fullmatch(part) else self.words[part] for part in parts
            )
        )

    def _plain_ids(self, text: str) -> list[int]:
        return list(chain.from_iterable(map(self.words.__getitem__, _WORD.findall(text.lower()))))


class _Words(dict[str, Sequence[int]]):
    """The token ids of words met before: several times faster than tokenising them anew."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.tokenizer = tokenizer

    def __missing__(self, word: str) -> Sequence[int]:
        ids = tuple(self.tokenizer.encode(word, add_special_tokens=False).ids)
        if len(word) <= LONGEST_CACHED:
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = ids
        return ids
