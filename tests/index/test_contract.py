"""Every vector index passes the contract of indexes; NumPy's is the oracle of the others."""

from __future__ import annotations

import pytest

from agentmem.index.base import VectorIndex
from agentmem.index.vectors import NumpyVectors
from agentmem.testing import VectorIndexContract


class TestNumpy(VectorIndexContract):
    def make_index(self, dim: int) -> VectorIndex:
        return NumpyVectors(dim)


class TestFaiss(VectorIndexContract):
    def make_index(self, dim: int) -> VectorIndex:
        pytest.importorskip("faiss")
        from agentmem.index.faiss import FaissVectors

        return FaissVectors(dim)
