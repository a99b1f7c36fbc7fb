"""From what a caller names to an embedder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from agentmem.embed.base import Embedder
from agentmem.errors import EmbedderError, UnknownOption

GROUP = "agentmem.embedders"
DEFAULT = "static"


@cache  # one table and one cache of words a process, however many files are open
def _static() -> Embedder:
    from agentmem.embed.static import StaticEmbedder

    return StaticEmbedder()


@cache
def _minilm() -> Embedder:
    from agentmem.embed.minilm import MiniLMEmbedder

    return MiniLMEmbedder()


_PACKAGED: dict[str, Callable[[], Embedder]] = {"static": _static, "minilm": _minilm}


def names() -> list[str]:
    """List every embedder that can be named: packaged, registered by others, and ``"none"``."""
    return sorted({*_PACKAGED, "none", *(point.name for point in _registered())})


def resolve(spec: object = None) -> Embedder | None:
    """Turn what the caller gave into an embedder.

    Args:
        spec: None for the default; ``"none"`` for words alone; the name of a packaged embedder or of
            one registered under the entry-point group ``agentmem.embedders``; an
            :class:`~agentmem.embed.base.Embedder`; or an object with LangChain's ``embed_documents``
            and ``embed_query``.

    Returns:
        The embedder, or None where words alone shall serve.

    Raises:
        UnknownOption: no embedder has this name, or the object is none.
        EmbedderError: a registered embedder could not be made.
    """
    if spec is None:
        spec = DEFAULT
    if isinstance(spec, Embedder):
        return spec
    if isinstance(spec, str):
        return None if spec == "none" else _named(spec)
    from agentmem.embed.langchain import LangChainEmbedder, LangChainLike

    if isinstance(spec, LangChainLike) and not isinstance(spec, type):
        return LangChainEmbedder(spec)
    raise UnknownOption("embedder", spec, names())


def _named(name: str) -> Embedder:
    if name in _PACKAGED:
        return _PACKAGED[name]()
    for point in _registered():
        if point.name == name:
            return _make(point)
    raise UnknownOption("embedder", name, names())


def _make(point: EntryPoint) -> Embedder:
    try:
        loaded = point.load()
        made = loaded if isinstance(loaded, Embedder) else loaded()
    except Exception as error:
        raise EmbedderError(
            f"the embedder {point.name!r} ({point.value}) could not be made: {error}"
        ) from error
    if not isinstance(made, Embedder):
        raise EmbedderError(
            f"{point.value}, registered as the embedder {point.name!r}, made {type(made).__name__}, "
            "not an Embedder"
        )
    return made


def _registered() -> list[EntryPoint]:
    return [point for point in entry_points(group=GROUP) if point.name not in _PACKAGED]
