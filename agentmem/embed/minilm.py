"""all-MiniLM-L6-v2 itself, as an ONNX graph with int8 weights and float32 arithmetic."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from agentmem.embed import weights
from agentmem.embed.base import Embedder, Speed, Vectors
from agentmem.embed.scripts import is_foreign
from agentmem.errors import EmbedderError, InvalidInput

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Encoding, Tokenizer

    from agentmem.embed.tokens import TokenVectors

MAX_TOKENS = 256
PADDED_TOKENS = 1024  # a batch: bigger ones are slower and heavier
TEXTS_AT_ONCE = 2048
CHARACTERS = 32_768  # more than 256 tokens hold; spares tokenising the rest of a book

# Appended to the model, this adds the last layer's rows to its outputs: messages of protocol buffers that
# follow one another are merged. Graph (field 7), output (12): name (1), type (2), tensor (1), float (1: 1).
_ROWS = "layer5.norm2.out"
_ROWS_TOO = b"\x3a\x1a\x62\x18\x0a\x10" + _ROWS.encode() + b"\x12\x04\x0a\x02\x08\x01"


class MiniLMEmbedder(Embedder):
    """all-MiniLM-L6-v2 without torch: cosine 0.9995 to the original, ready in a quarter of a second.

    Texts are cut after 256 tokens; give long ones piece by piece. A text whose letters are largely
    Chinese, Japanese, Korean or Thai gets a zero row.

    Args:
        threads: how many threads one call may use.
    """

    name = "minilm"
    dim = 384
    speed: Speed = "local"

    def __init__(self, *, threads: int = 1) -> None:
        if threads < 1:
            raise InvalidInput(f"threads must be 1 or more, not {threads}")
        self.threads = threads
        self.fingerprint = weights.fingerprint(
            "minilm", "minilm.onnx", "tokenizer.json", rule=f"mean;unit;384;{MAX_TOKENS}"
        )
        self._lock = Lock()
        self._loaded: tuple[int, Tokenizer, InferenceSession] | None = None
        self._orphan: object = None
        self.compared: TokenVectors | None = None
        """What has been compared token by token; see :func:`agentmem.embed.tokens.token_vectors`."""

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Embed texts, sorted by length inside; questions are treated like any other text."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            self._embed_into(out[start : start + TEXTS_AT_ONCE], texts[start : start + TEXTS_AT_ONCE])
        return out

    def tokens(self, texts: Sequence[str]) -> list[tuple[list[str], Vectors]]:
        """The pieces of words of each text and their unit rows, (pieces, 384), in its context.

        Nothing for a text that :meth:`embed` gives a zero row. ``##`` begins a piece that goes on a word.
        """
        found: list[tuple[list[str], Vectors]] = [([], np.empty((0, self.dim), np.float32)) for _ in texts]
        for batch, encoded, states in self._batches(texts, _ROWS):
            for i, encoding, rows in zip(batch, encoded, states, strict=True):
                inner = rows[1 : len(encoding.ids) - 1]
                norms = np.maximum(np.linalg.norm(inner, axis=1, keepdims=True), 1e-12)
                found[i] = (encoding.tokens[1:-1], np.asarray(inner / norms, np.float32))
        return found

    def _embed_into(self, out: Vectors, texts: Sequence[str]) -> None:
        for batch, _, rows in self._batches(texts, "embedding"):
            out[batch] = rows

    def _batches(self, texts: Sequence[str], output: str) -> Iterator[tuple[list[int], list[Encoding], Any]]:
        """(which texts, their tokens, what the model says of them), texts of like length together."""
        kept = [i for i, text in enumerate(texts) if text.strip() and not is_foreign(text)]
        if not kept:
            return
        tokenizer, session = self._load()
        encoded = {i: tokenizer.encode(texts[i][:CHARACTERS]) for i in kept}  # one by one: no threads
        lengths = {i: len(encoding.ids) for i, encoding in encoded.items()}
        order = sorted((i for i in kept if lengths[i] > 2), key=lengths.__getitem__)
        first = 0
        while first < len(order):
            last = first + 1
            while last < len(order) and (last + 1 - first) * lengths[order[last]] <= PADDED_TOKENS:
                last += 1
            batch = order[first:last]
            some = [encoded[i] for i in batch]
            yield batch, some, _run(session, some, lengths[batch[-1]], output)
            first = last

    def _load(self) -> tuple[Tokenizer, InferenceSession]:
        loaded = self._loaded
        if loaded is None or loaded[0] != os.getpid():  # a fork leaves a session without its threads
            with self._lock:
                loaded = self._loaded
                if loaded is None or loaded[0] != os.getpid():
                    self._orphan = loaded  # to close it would wait for those threads for ever
                    loaded = (os.getpid(), weights.tokenizer(MAX_TOKENS), _open(self.threads))
                    self._loaded = loaded
        return loaded[1:]


def _open(threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Turn the weights into floats once, at load: left alone, newer versions round activations to
    # int8 as well, which is a little faster, less exact, and differs between processors.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        return onnxruntime.InferenceSession(
            weights.path("minilm.onnx").read_bytes() + _ROWS_TOO, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise EmbedderError(f"onnxruntime cannot load the packaged model: {error}") from error


def _run(session: InferenceSession, encodings: Sequence[Encoding], width: int, output: str) -> Any:
    ids = np.zeros((len(encodings), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
    try:
        return session.run([output], {"input_ids": ids, "attention_mask": mask})[0]
    except Exception as error:
        raise EmbedderError(f"onnxruntime failed on {len(encodings)} texts: {error}") from error
