"""Export: JSON Lines that an empty file can be made from again.

The form: a first line ``{"type": "export", "format": "agentmem", "version": 1, "root": [...]}``;
then, namespace by namespace, each live memory with all of its fields in the order of arrival, its
earlier versions before it, and then the namespace's live links. Imported into an empty file it gives
equal memories, ids, times of recording and versions included, and equal links. Not in it: vectors
and indexes (made anew), memories that were deleted, and the log of uses; ``backup`` copies these too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from agentmem.interchange.jsonl import VERSION
from agentmem.memory import Json, Link, Namespace

if TYPE_CHECKING:
    from agentmem.store import MemoryStore


def export_lines(
    store: MemoryStore,
    *,
    history: bool = True,
    filter: Mapping[str, Json] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[str]:
    """The lines of an export of a namespace and all below it.

    Args:
        store: a handle on the namespace.
        history: write the earlier versions of live memories too.
        filter: only memories that match, and links between them.
        progress: called with 1 for each memory written.
    """
    root = namespace_of(store)
    yield _line({"type": "export", "format": "agentmem", "version": VERSION, "root": list(root)})
    for name in store.list_namespaces():
        handle = below(store, name[len(root) :])
        kept: set[str] | None = None if filter is None else set()
        for memory in handle.list(order="position", filter=filter):
            if history and memory.version > 1:
                for version in handle.history(memory.id):
                    if version.retired_at is not None:
                        yield _line(version.to_dict())
            yield _line(memory.to_dict())
            if kept is not None:
                kept.add(memory.id)
            if progress is not None:
                progress(1)
        for link in handle.links():
            if kept is None or (link.source in kept and link.target in kept):
                yield _line(_link(link, name))


def namespace_of(store: MemoryStore) -> Namespace:
    """The labels of a handle."""
    return store._namespace


def below(store: MemoryStore, labels: Namespace) -> MemoryStore:
    """The handle on the namespace ``labels`` below a handle; the handle itself for ()."""
    return store.namespace(*labels) if labels else store


def _link(link: Link, name: Namespace) -> dict[str, Json]:
    return {
        "type": "link",
        "namespace": list(name),
        "source": link.source,
        "target": link.target,
        "kind": link.kind,
        "weight": link.weight,
        "made_by": link.made_by,
        "recorded_at": link.recorded_at.isoformat() if isinstance(link.recorded_at, datetime) else None,
        "run": link.run,
    }


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), allow_nan=False)
