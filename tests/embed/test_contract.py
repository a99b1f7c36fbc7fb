"""The packaged embedders pass the contract of embedders."""

from __future__ import annotations

from agentmem.embed.base import Embedder
from agentmem.embed.minilm import MiniLMEmbedder
from agentmem.embed.static import StaticEmbedder
from agentmem.testing import EmbedderContract


class TestStatic(EmbedderContract):
    def make_embedder(self) -> Embedder:
        return StaticEmbedder()


class TestMiniLM(EmbedderContract):
    def make_embedder(self) -> Embedder:
        return MiniLMEmbedder()
