"""The contracts that stores, backends, vector indexes and embedders must pass, for pytest.

They are public: whoever writes a store of their own subclasses :class:`StoreContract`, says how to
open one, and has a hundred tests. Needs pytest.
"""

from __future__ import annotations

import pytest

_PARTS = (
    "asking", "backend", "backend_case", "backend_sharing", "durability", "embedder", "guard", "index",
    "lifecycle", "searching", "times", "twins", "walls", "writing",
)  # fmt: skip
pytest.register_assert_rewrite(*(f"agentmem.testing.{part}" for part in _PARTS))  # before they are imported

from agentmem.testing.backend import BackendContract  # noqa: E402
from agentmem.testing.embedder import EmbedderContract  # noqa: E402
from agentmem.testing.guard import Contract, overridden  # noqa: E402
from agentmem.testing.index import VectorIndexContract  # noqa: E402
from agentmem.testing.store import StoreBehaviour, StoreContract  # noqa: E402

__all__ = [
    "BackendContract",
    "Contract",
    "EmbedderContract",
    "StoreBehaviour",
    "StoreContract",
    "VectorIndexContract",
    "overridden",
]
