"""What all handles on one opened file share: backend, indexes, embedder, clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend, Encoding, Header, Transaction
from agentmem.clock import Clock
from agentmem.embed.base import Embedder, Vectors
from agentmem.embed.pieces import pieces
from agentmem.errors import EmbedderError, EmbedderMismatch
from agentmem.index.space import Space
from agentmem.index.spaces import Spaces
from agentmem.language.text import ANALYSER, analyse_many
from agentmem.memory import Namespace

NO_EMBEDDER = "none"
_NOTHING: Vectors = np.empty((0, 0), dtype=np.float32)


class Runtime:
    """The shared half of a store and its child handles.

    Args:
        backend: the truth.
        embedder: makes vectors; None for words alone.
        clock: tells the time.
        llm: a chat model for stores that can use one, or None.
        vectors: kind of vector index.
        cache_bytes: bound on the indexes kept in memory.
    """

    def __init__(
        self,
        backend: Backend,
        embedder: Embedder | None,
        clock: Clock,
        llm: Any = None,
        *,
        vectors: str = "auto",
        cache_bytes: int = 2 << 30,
    ) -> None:
        self.backend = backend
        self.embedder = embedder
        self.clock = clock
        self.llm = llm
        self._vectors = vectors
        self._cache_bytes = cache_bytes
        self.renew_spaces()
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._seen_version: Any = None

    # --- identity --------------------------------------------------------------------------------
    @property
    def embedder_name(self) -> str:
        """The embedder's name, or "none"."""
        return NO_EMBEDDER if self.embedder is None else self.embedder.name

    @property
    def fingerprint(self) -> str:
        """The embedder's fingerprint, or "none"."""
        return NO_EMBEDDER if self.embedder is None else self.embedder.fingerprint

    @property
    def dim(self) -> int:
        """Width of the vectors; 0 for words alone."""
        return 0 if self.embedder is None else self.embedder.dim

    def check_header(self) -> None:
        """See whether another process has moved the file to another embedder since we looked.

        Raises:
            EmbedderMismatch: it has.
        """
        version = self.backend.version()
        if version != self._seen_version:
            match_header(self.backend.header(), self.embedder)
            self._seen_version = version

    def sign(self, transaction: Transaction) -> None:
        """Write who embeds and analyses into the header at the first write, and hold to it afterwards.

        Raises:
            EmbedderMismatch: another process has moved the file to another embedder.
        """
        fingerprint, analyser = transaction.signature()
        if fingerprint == self.fingerprint and analyser == ANALYSER:
            return
        if fingerprint is None:
            transaction.set_embedder(self.embedder_name, self.fingerprint, self.dim)
        if analyser is None:
            transaction.set_analyser(ANALYSER)
        if fingerprint is not None and analyser is not None:
            match_header(self.backend.header(), self.embedder)

    # --- texts -----------------------------------------------------------------------------------
    def encode(self, texts: Sequence[str], *, wait: bool = False) -> list[Encoding]:
        """Words and vectors of texts; runs outside every transaction.

        Args:
            texts: any texts.
            wait: embed even with a remote embedder, and raise when that fails.

        Returns:
            One encoding a text; ``vectors`` is None (pending) where the embedder is remote or failed.
        """
        analyses = analyse_many(texts)
        if self.embedder is None:
            return [Encoding(a.words, a.flags, _NOTHING) for a in analyses]
        if self.embedder.speed == "fast":
            vectors: Sequence[Vectors | None] = embed_texts(self.embedder, texts)
            return [Encoding(a.words, a.flags, v) for a, v in zip(analyses, vectors, strict=True)]
        key = blake2b(self.fingerprint.encode(), digest_size=32).digest()
        digests = [blake2b(text.encode(), digest_size=16, key=key).digest() for text in texts]
        vectors = self._embed_slowly(texts, digests, wait)
        return [Encoding(a.words, a.flags, v, d) for a, v, d in zip(analyses, vectors, digests, strict=True)]

    def _embed_slowly(
        self, texts: Sequence[str], digests: Sequence[bytes], wait: bool
    ) -> list[Vectors | None]:
        assert self.embedder is not None
        known = dict(self.backend.vectors_by_digest(digests))
        if wait or self.embedder.speed == "local":
            missing = {d: text for d, text in zip(digests, texts, strict=True) if d not in known}
            try:
                made = embed_texts(self.embedder, list(missing.values()))
                known.update(zip(missing, made, strict=True))
            except EmbedderError:
                if wait:
                    raise
        return [known.get(digest) for digest in digests]

    def embed_questions(self, questions: Sequence[str]) -> Vectors | None:
        """One unit row a question, or None for words alone."""
        return None if self.embedder is None else self.embedder.embed(questions, query=True)

    def renew_spaces(self) -> None:
        """Begin with empty indexes of the embedder's width."""
        self.spaces = Spaces(
            self.backend, vector_kind=self._vectors, dim=self.dim, max_bytes=self._cache_bytes
        )

    # --- namespaces ------------------------------------------------------------------------------
    def number(self, name: Namespace) -> int | None:
        """The backend's number of a namespace, or None when it holds nothing."""
        return self.backend.namespace_number(name)

    def numbers(self, name: Namespace, subtree: bool) -> list[int]:
        """Numbers of a namespace, or of all at and below it."""
        if subtree:
            return sorted(number for number, _ in self.backend.namespaces(name))
        number = self.number(name)
        return [] if number is None else [number]

    def past_numbers(self, name: Namespace, subtree: bool) -> list[int]:
        """As :meth:`numbers`, namespaces that hold only retired versions included."""
        if subtree:
            return sorted(number for number, _ in self.backend.namespaces(name, past=True))
        return self.numbers(name, False)

    def space(self, number: int) -> Space:
        """The index of a namespace, up to the log."""
        return self.spaces.get(number)

    # --- life ------------------------------------------------------------------------------------
    def pool(self) -> ThreadPoolExecutor:
        """The threads on which async twins run; made at the first use."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="agentmem")
            return self._pool

    def close(self) -> None:
        """Write snapshots and close everything; a second call does nothing."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown()
                self._pool = None
        self.spaces.close()
        self.backend.close()


def embed_texts(embedder: Embedder, texts: Sequence[str]) -> list[Vectors]:
    """Vectors of texts, cut into pieces: one (pieces, dim) array a text, without rows of zeros.

    Raises:
        EmbedderError: the embedder failed or gave rows of the wrong shape.
    """
    cut = [pieces(text) for text in texts]
    flat = [piece for one in cut for piece in one]
    if not flat:
        return [np.empty((0, embedder.dim), dtype=np.float32) for _ in texts]
    rows = np.asarray(embedder.embed(flat), dtype=np.float32)
    if rows.shape != (len(flat), embedder.dim):
        raise EmbedderError(
            f"the embedder {embedder.name!r} gave an array of shape {rows.shape} "
            f"for {len(flat)} texts of width {embedder.dim}"
        )
    if len(flat) == len(texts) == 1:  # a single add: by the shortest way
        length = float(rows[0] @ rows[0])
        if 0.0 < length < np.inf:
            return [rows]
    if not np.isfinite(rows).all():
        raise EmbedderError(f"the embedder {embedder.name!r} gave numbers that are not finite")
    spoken: NDArray[np.bool_] = np.asarray(rows.any(axis=1))
    everything = bool(spoken.all())
    result: list[Vectors] = []
    start = 0
    for one in cut:
        stop = start + len(one)
        part = rows[start:stop]
        result.append(part if everything else part[spoken[start:stop]])
        start = stop
    return result


def match_header(header: Header, embedder: Embedder | None) -> None:
    """Refuse to mix vectors of two embedders, or words of two analysers.

    Raises:
        EmbedderMismatch: the file was written with another one.
    """
    given = NO_EMBEDDER if embedder is None else embedder.fingerprint
    if header.fingerprint is not None and header.fingerprint != given:
        name, dim = (NO_EMBEDDER, 0) if embedder is None else (embedder.name, embedder.dim)
        other = "another build of it" if name == header.embedder else f"{name!r} (width {dim})"
        raise EmbedderMismatch(
            f"the file was written with the embedder {header.embedder!r} (width {header.dim}), "
            f"not with {other}; open it with that one, "
            "or move it with `agentmem reindex FILE --embedder NAME`"
        )
    if header.analyser is not None and header.analyser != ANALYSER:
        raise EmbedderMismatch(
            f"the words of the file were made by the analyser {header.analyser!r}, this version has "
            f"{ANALYSER!r}; run `agentmem reindex FILE`"
        )
