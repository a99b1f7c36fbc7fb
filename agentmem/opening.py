"""``agentmem.open``: a path, a store, an embedder, a clock."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem import validate
from agentmem.clock import Clock, system_clock
from agentmem.errors import BackendError, EmbedderMismatch, InvalidInput, UnknownOption
from agentmem.store import MemoryStore

if TYPE_CHECKING:
    from agentmem.backends.base import Header
    from agentmem.embed.base import Embedder

STORES = {
    "unified": "agentmem.stores.unified:UnifiedStore",
    "episodic": "agentmem.stores.episodic:EpisodicStore",
    "forgetting": "agentmem.stores.forgetting:ForgettingStore",
    "hipporag": "agentmem.stores.hipporag:HippoRAGStore",
    "zettelkasten": "agentmem.stores.zettelkasten:ZettelkastenStore",
}
_FILE_OPTIONS = {"durability": "full", "vectors": "auto", "cache_bytes": 2 << 30}


def open(  # the name users read: agentmem.open
    path: str | os.PathLike[str],
    *,
    store: str | type[MemoryStore] = "unified",
    namespace: Iterable[str] = (),
    embedder: Any = None,
    llm: Any = None,
    clock: Clock | None = None,
    create: bool = True,
    readonly: bool = False,
    reindexing: bool = False,
    **options: Any,
) -> MemoryStore:
    """Open a memory, made if there is none.

    Args:
        path: a file, or ":memory:".
        store: name of a store ("unified", "episodic", "forgetting", "hipporag", "zettelkasten", or one
            registered under the entry point
            ``agentmem.stores``), or a class.
        namespace: labels of the namespace to open; the root by default.
        embedder: "static", "minilm", "none" (words alone), a registered name, an
            :class:`~agentmem.embed.base.Embedder`, or a LangChain ``Embeddings``. By default the one
            the file was written with, and "static" for a new file.
        llm: a chat model for stores that can use one; none is ever needed.
        clock: tells the time; the machine's by default.
        create: make the file when it is missing.
        readonly: open for reading only.
        reindexing: open with another embedder than the file's, in order to call ``reindex()``; until
            then searches and writes raise.
        options: ``durability`` ("full", or "relaxed": the last commits may be lost when the
            operating system crashes, never when a process does), ``vectors`` (kind of vector index:
            "auto", "numpy", "faiss", "faiss-gpu"), ``cache_bytes`` (bound on indexes kept in
            memory), ``updates`` (what is done with updates of facts in other words: "strict", "propose"
            or "auto"; see :class:`~agentmem.store.MemoryStore`), and the store's own.

    Returns:
        The store; use it as a context manager or call ``close()``.

    Raises:
        UnknownOption: a store, embedder or option that does not exist.
        BackendError: the file cannot be opened; the subclass and message say why.
        EmbedderMismatch: the file was written with another embedder.
    """
    from agentmem.backends.sqlite import open_sqlite
    from agentmem.runtime import Runtime, match_header

    kind = find_store(store)
    for name in options:
        if name not in _FILE_OPTIONS and name not in kind.options:
            raise UnknownOption("option", name, {*_FILE_OPTIONS, *kind.options})
    file_options = {name: options.pop(name, default) for name, default in _FILE_OPTIONS.items()}
    labels = validate.namespace(namespace)
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidInput(f"path={path!r} is no path of a file; ':memory:' keeps nothing")
    if clock is not None and not callable(clock):
        raise InvalidInput(f"clock={clock!r} is not callable; pass a function that returns the time, or None")
    text = os.fspath(path)
    if text.startswith(("postgresql://", "postgres://")):
        raise UnknownOption("backend", "postgresql", ["a file", ":memory:"])
    if (readonly or not create) and text != ":memory:" and not Path(text).exists():
        raise BackendError(f"there is no file {text!r}; check the path, or add a memory first to make it")
    backend = open_sqlite(text, durability=file_options["durability"], readonly=readonly)
    try:
        header = backend.header()
        chosen = choose_embedder(embedder, header, strict=not reindexing)
        if not reindexing:
            match_header(header, chosen)
        runtime = Runtime(
            backend,
            chosen,
            clock or system_clock,
            llm,
            vectors=file_options["vectors"],
            cache_bytes=file_options["cache_bytes"],
        )
        return kind(runtime, labels, **options)
    except BaseException:
        backend.close()
        raise


def choose_embedder(spec: Any, header: Header, *, strict: bool = True) -> Embedder | None:
    """The embedder asked for, or the one the file names, or the default."""
    from agentmem.embed.registry import resolve

    if spec is not None or header.embedder is None:
        return resolve(spec)
    try:
        return resolve(header.embedder)
    except UnknownOption:
        if not strict:
            return resolve(None)
        raise EmbedderMismatch(
            f"the file was written with the embedder {header.embedder!r}, which is not registered here; "
            "pass it as embedder=, or move the file with `agentmem reindex FILE --embedder NAME`"
        ) from None


def find_store(store: str | type[MemoryStore]) -> type[MemoryStore]:
    """A store class by name.

    Raises:
        UnknownOption: no store has the name.
    """
    if isinstance(store, type):
        if not issubclass(store, MemoryStore):
            raise UnknownOption("store", store.__name__, STORES)
        return store
    if store in STORES:
        module, _, name = STORES[store].partition(":")
        found: type[MemoryStore] = getattr(import_module(module), name)
        return found
    from importlib.metadata import entry_points

    others = {point.name: point for point in entry_points(group="agentmem.stores")}
    if store in others:
        loaded: type[MemoryStore] = others[store].load()
        return loaded
    raise UnknownOption("store", store, {*STORES, *others})
