"""A memory as LangGraph's ``BaseStore``. Needs the extra ``langgraph``.

    store = AgentmemStore(agentmem.open("ada.db"))
    store.put(("users", "ada"), "diet", {"food": "Ada eats no meat"})
    store.search(("users",), query="What can we cook for Ada?")
    graph = builder.compile(store=store)

Items lie in the file as memories, so that everything else that reads a memory (``search``, ``context``,
the command line, MCP) finds them, and history, erasure and as-of reads work on them.

It behaves as ``InMemoryStore`` does, and further: what is put lasts, is found by words as well as by
vectors, has a time to live if one is given, and keeps ``created_at`` when it is put again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal

from agentmem.errors import DuplicateId, InvalidInput, MemoryNotFound, MissingDependency, ReadOnlyFile

try:
    import langgraph.store.base as langgraph_base
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        IndexConfig,
        ListNamespacesOp,
        Op,
        PutOp,
        Result,
        SearchOp,
        TTLConfig,
        ensure_embeddings,
    )
except ModuleNotFoundError as error:
    raise MissingDependency("langgraph", "langgraph") from error

from agentmem.integrations import inside, items, values
from agentmem.memory import Draft, Memory, Namespace
from agentmem.opening import open as open_memory
from agentmem.store import MemoryStore

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["AgentmemStore"]

REFRESH_SLACK: Final = 1 / 16
"""A read prolongs a life by so much more than the time to live, and the next reads need not write."""
_validate_op = getattr(langgraph_base, "validate_op_namespace", None)  # not in older versions


class AgentmemStore(BaseStore):
    """Any memory as a LangGraph store.

    Args:
        memory: what :func:`agentmem.open` gave, or a namespace of it; LangGraph's namespaces lie below.
        index: ``{"fields": [...]}``: which parts of a value are indexed, the whole by default; False:
            none, and a query is ignored, as ``InMemoryStore`` does without an index. The memory's
            embedder makes the vectors; see :meth:`from_path` for ``"embed"``.
        ttl: ``default_ttl`` in minutes, ``refresh_on_read`` (True unless said otherwise) and
            ``sweep_interval_minutes``: expired items are deleted by the first batch that writes after
            so long; no thread runs. An expired item is never returned, whether swept or not.
    """

    supports_ttl = True

    def __init__(
        self,
        memory: MemoryStore,
        *,
        index: IndexConfig | Literal[False] | None = None,
        ttl: TTLConfig | None = None,
    ) -> None:
        self.memory = memory
        self.ttl_config = ttl
        self.fields: list[str] | None = None
        if index is not False:
            self.fields = _fields(index or {}, memory)
        self._root = inside.root(memory)
        self._swept: datetime | None = None

    @classmethod
    def from_path(
        cls,
        path: str | os.PathLike[str],
        *,
        index: IndexConfig | Literal[False] | None = None,
        ttl: TTLConfig | None = None,
        **options: Any,
    ) -> Self:
        """Open a file as a LangGraph store.

        Args:
            path: a file, or ":memory:".
            index: as above; ``"embed"`` may name what makes the vectors: ``Embeddings``, a function, a
                coroutine function or "provider:model". Without it the packaged embedder does.
            ttl: as above.
            options: further arguments of :func:`agentmem.open`.
        """
        if index and index.get("embed") is not None:
            if options.get("embedder") is not None:
                raise InvalidInput('give either embedder= or index={"embed": …}')
            options["embedder"] = _embeddings(index["embed"])
            index = index.copy()
            del index["embed"]
        memory = open_memory(path, **options)
        try:
            return cls(memory, index=index, ttl=ttl)
        except BaseException:
            memory.close()
            raise

    # --- LangGraph's two methods -----------------------------------------------------------------
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations: all reads see the state before the writes, of equal keys the last wins.

        The writes to one namespace are one transaction.

        Raises:
            InvalidNamespaceError: a label is empty, no string, or holds a period.
            InvalidInput: a value is not JSON; nothing was written. It is a ValueError.
        """
        asked = list(ops)
        for op in asked:
            if not isinstance(op, (GetOp, SearchOp, PutOp, ListNamespacesOp)):
                raise ValueError(f"Unknown operation type: {type(op)}")
            name = getattr(op, "namespace_prefix", getattr(op, "namespace", ()))
            if isinstance(name, str):  # which would be a label a letter
                raise InvalidInput(f"a namespace is a tuple of labels: pass ({name!r},) instead of {name!r}")
            if _validate_op is not None:
                _validate_op(op)
        now = inside.runtime(self.memory).clock()
        got = self._get([op for op in asked if isinstance(op, GetOp)], now)
        used: dict[tuple[Namespace, str], Memory] = {}
        results: list[Result] = []
        for op in asked:
            if isinstance(op, GetOp):
                memory = got.get((tuple(op.namespace), op.key))
                results.append(None if memory is None else items.to_item(memory, self._root))
                found = [] if memory is None else [memory]
            elif isinstance(op, SearchOp):
                hits = self._search(op, now)
                results.append([items.to_search_item(one, self._root, score) for one, score in hits])
                found = [one for one, _ in hits]
            else:
                results.append(self._list(op, now) if isinstance(op, ListNamespacesOp) else None)
                continue
            if op.refresh_ttl:
                used.update({(one.namespace, one.id): one for one in found})
        self._refresh(used.values(), now)
        puts = {(tuple(op.namespace), op.key): op for op in asked if isinstance(op, PutOp)}
        if puts:
            self._put(puts, now)
            self._sweep_when_due(now)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """:meth:`batch` on the memory's own threads."""
        return await inside.on_pool(self.memory, self.batch, list(ops))

    # --- reading ---------------------------------------------------------------------------------
    def _at(self, name: Sequence[str]) -> MemoryStore:
        return self.memory.namespace(*name) if name else self.memory

    def _get(self, ops: Sequence[GetOp], now: datetime) -> dict[tuple[Namespace, str], Memory]:
        wanted: dict[Namespace, dict[str, str]] = {}
        for op in ops:
            wanted.setdefault(tuple(op.namespace), {})[items.id_of(op.key)] = op.key
        return {
            (name, keys[memory.id]): memory
            for name, keys in wanted.items()
            for memory in self._at(name).get_many(keys)
            if items.alive(memory, now)
        }

    def _search(self, op: SearchOp, now: datetime) -> list[tuple[Memory, float | None]]:
        start, stop = max(op.offset, 0), max(op.offset, 0) + max(op.limit, 0)
        handle = self._at(op.namespace_prefix)
        chosen = values.Chosen(inside.runtime(handle).backend, items.conditions(op.filter))
        found: list[tuple[Memory, float | None]] = []
        if stop > start and op.query and self.fields is not None:
            hits = inside.ranked(handle, op.query, stop, chosen)
            found += [(hit.memory, hit.relevance) for hit in hits if chosen.accepts(hit.memory)]
        if len(found) < stop and stop > start:
            seen = {(memory.namespace, memory.id) for memory, _ in found}
            rest = (
                (memory, None)
                for memory in values.in_order(handle, chosen, now)
                if (memory.namespace, memory.id) not in seen
            )
            found += islice(rest, stop - len(found))
        return found[start:stop]

    def _list(self, op: ListNamespacesOp, now: datetime) -> list[Namespace]:
        if op.limit <= 0:
            return []
        start = max(op.offset, 0)
        found: dict[Namespace, None] = {}
        names = sorted(name[len(self._root) :] for name in inside.namespaces(self.memory))
        for name in names:  # cut names of sorted ones are sorted
            if not all(items.fits(name, one.match_type, one.path) for one in op.match_conditions or ()):
                continue
            cut = name if op.max_depth is None else name[: op.max_depth]
            if cut not in found and self._holds_an_item(name, now):
                found[cut] = None
                if len(found) >= start + op.limit:
                    break
        return list(found)[start : start + op.limit]

    def _holds_an_item(self, name: Namespace, now: datetime) -> bool:
        return any(items.alive(m, now) for m in self._at(name).list(filter=items.ONLY_ITEMS))

    # --- writing ---------------------------------------------------------------------------------
    def _put(self, puts: Mapping[tuple[Namespace, str], PutOp], now: datetime) -> None:
        by_name: dict[Namespace, list[PutOp]] = {}
        for (name, _), op in puts.items():
            by_name.setdefault(name, []).append(op)
        # All drafts first: what is refused is refused before anything is written.
        drafts = [(self._at(name), *self._drafts(name, ops, now)) for name, ops in by_name.items()]
        for handle, new, gone in drafts:
            if new:
                handle.add_many(new, batch_size=None, on_conflict="replace")
            if gone:
                handle.delete(gone)

    def _drafts(self, name: Namespace, ops: Sequence[PutOp], now: datetime) -> tuple[list[Draft], list[str]]:
        ids = {items.id_of(op.key): op for op in ops}
        old = {memory.id: memory for memory in self._at(name).get_many(ids)}
        new: list[Draft] = []
        gone: list[str] = []
        for id, op in ids.items():
            before = old.get(id)
            mine = before is not None and before.kind == items.KIND
            if op.value is None:
                gone += [id] if mine else []
                continue
            if before is not None and not mine:
                raise DuplicateId(id)  # a memory that is no item: never overwritten from here
            if before is not None and not items.alive(before, now):
                before = None  # what has expired is gone, and its time of creation with it
            text = "" if op.index is False or self.fields is None else self._text(op)
            new.append(items.draft(op.key, op.value, text=text, now=now, old=before, ttl=op.ttl))
        return new, gone

    def _text(self, op: PutOp) -> str:
        paths = self.fields if op.index is None else op.index
        return items.text_of(op.value or {}, paths or ())

    # --- time to live ----------------------------------------------------------------------------
    def _refresh(self, memories: Iterable[Memory], now: datetime) -> None:
        """Prolong the lives of items that were read.

        A new expiry is a new version in the file. It is set a little later than asked, and then not
        set again until that little is used up: an item that is read all the time is written at most
        sixteen times per time to live.
        """
        for memory in memories:
            minutes = items.beside(memory).get("ttl")
            if minutes is None or memory.expires_at is None:
                continue
            life = timedelta(minutes=minutes)
            if memory.expires_at - now < life:
                handle = self._at(memory.namespace[len(self._root) :])
                with suppress(MemoryNotFound, ReadOnlyFile):  # deleted meanwhile; nothing to write to
                    handle.update(memory.id, expires_at=now + life * (1 + REFRESH_SLACK))

    def sweep_ttl(self, *, erase: bool = False) -> int:
        """Delete what has expired; returns how many items went.

        Args:
            erase: also from the history and the file, for good.
        """
        now = inside.runtime(self.memory).clock()
        swept = 0
        for name in inside.namespaces(self.memory):
            handle = self._at(name[len(self._root) :])
            expired = [m.id for m in handle.list(filter=items.ONLY_ITEMS) if not items.alive(m, now)]
            if expired and erase:
                swept += len(handle.erase(ids=expired).ids)
            elif expired:
                swept += handle.delete(expired)
        self._swept = now
        return swept

    def _sweep_when_due(self, now: datetime) -> None:
        minutes = (self.ttl_config or {}).get("sweep_interval_minutes")
        if minutes is None:
            return
        if self._swept is None or now - self._swept >= timedelta(minutes=minutes):
            self.sweep_ttl()

    # --- life ------------------------------------------------------------------------------------
    def close(self) -> None:
        """Close the memory, if it is not the namespace of another."""
        self.memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _fields(index: IndexConfig | Mapping[str, Any], memory: MemoryStore) -> list[str]:
    """The fields to index, after a look whether the rest of the configuration fits the memory."""
    embedder = inside.embedder(memory)
    if index.get("embed") is not None:
        raise InvalidInput(
            'the memory\'s own embedder makes the vectors: leave "embed" out of index and pass it to '
            "agentmem.open(embedder=…), or use AgentmemStore.from_path"
        )
    dims = index.get("dims")
    if dims is not None and embedder is not None and dims != embedder.dim:
        raise InvalidInput(f'index says "dims": {dims}, and the memory\'s embedder makes {embedder.dim}')
    return list(index.get("fields") or [items.WHOLE])


def _embeddings(spec: Any) -> Any:
    """What makes the vectors, as LangGraph allows it to be given."""
    found = ensure_embeddings(spec)
    if getattr(found, "afunc", None) is not None and not hasattr(found, "func"):
        from agentmem.integrations.coroutines import AsyncEmbeddings

        return AsyncEmbeddings(found)
    return found
