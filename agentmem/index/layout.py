"""Which columns a space holds, and how spaces are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

NUMBERS: Final = {
    "rows": np.int64,
    "positions": np.int64,
    "at": np.int64,
    "valid_from": np.int64,
    "valid_until": np.int64,
    "expires_at": np.int64,
    "trust": np.float32,
    "flags": np.int64,
}
CODED: Final = {  # attribute here -> attribute of Columns
    "session": "sessions",
    "speaker": "speakers",
    "kind": "kinds",
    "role": "roles",
    "made_by": "made_by",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How spaces are made.

    Attributes:
        vectors: kind of vector index, see :func:`agentmem.index.vectors.choose`.
        dim: width of the vectors; 0: no vectors.
        lexical: options of :class:`~agentmem.index.lexical.LexicalIndex`.
    """

    vectors: str = "auto"
    dim: int = 0
    lexical: Any = None


class Companion(Protocol):
    """A store's own cache of a namespace, kept beside its space."""

    def save(self, snapshots: Any, space: Any, *, force: bool) -> bool:
        """Write a snapshot if it is worth it, holding the space's lock; returns whether one was written."""
        ...
