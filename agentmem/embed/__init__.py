"""Embedders: texts in, unit rows out.

Names are loaded when first used, so that importing this package loads no model library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentmem.embed.base import Embedder, Speed, Vectors
    from agentmem.embed.cache import CachedEmbedder
    from agentmem.embed.langchain import LangChainEmbedder
    from agentmem.embed.minilm import MiniLMEmbedder
    from agentmem.embed.openai import OpenAIEmbedder
    from agentmem.embed.registry import resolve
    from agentmem.embed.sentence_transformers import SentenceTransformerEmbedder
    from agentmem.embed.static import StaticEmbedder

__all__ = [
    "CachedEmbedder",
    "Embedder",
    "LangChainEmbedder",
    "MiniLMEmbedder",
    "OpenAIEmbedder",
    "SentenceTransformerEmbedder",
    "Speed",
    "StaticEmbedder",
    "Vectors",
    "resolve",
]

_HOME = {
    "CachedEmbedder": "cache",
    "Embedder": "base",
    "LangChainEmbedder": "langchain",
    "MiniLMEmbedder": "minilm",
    "OpenAIEmbedder": "openai",
    "SentenceTransformerEmbedder": "sentence_transformers",
    "Speed": "base",
    "StaticEmbedder": "static",
    "Vectors": "base",
    "resolve": "registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"agentmem.embed.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
