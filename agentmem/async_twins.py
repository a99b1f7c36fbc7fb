"""Async twins of the store's verbs. Made by ``python -m agentmem.async_source``: do not edit.

SQLite's driver blocks, so a twin runs its verb on the store's own small pool of threads (four), and
a slow call holds up no event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from agentmem.backends.base import Problem
    from agentmem.clock import TimeLike
    from agentmem.embed.base import Embedder
    from agentmem.memory import (
        Answer,
        ConsolidationReport,
        Context,
        Draft,
        ErasureReport,
        Hit,
        Json,
        Link,
        Memory,
        Namespace,
        Stats,
    )
    from agentmem.runtime import Runtime
    from agentmem.staleness import Stale
    from agentmem.store import During, Filter, MemoryStore

T = TypeVar("T")
Self = TypeVar("Self", bound="AsyncTwins")


class AsyncTwins:
    """Mixed into :class:`agentmem.store.MemoryStore`."""

    if TYPE_CHECKING:
        _runtime: Runtime

    @property
    def _store(self) -> MemoryStore:
        return cast("MemoryStore", self)

    async def _twin(self, verb: Callable[..., T], *args: Any, **options: Any) -> T:
        from asyncio import get_running_loop  # costs 15 ms that a script without it need not pay

        loop = get_running_loop()
        return await loop.run_in_executor(self._runtime.pool(), partial(verb, *args, **options))

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Async twin of :meth:`~agentmem.store.MemoryStore.close`."""
        from asyncio import to_thread

        await to_thread(self._store.close)

    async def alist(
        self,
        *,
        filter: Filter | None = None,
        during: During | None = None,
        order: str = "at",
        after: str | None = None,
        limit: int | None = None,
        subtree: bool = False,
        known_at: TimeLike | None = None,
    ) -> AsyncIterator[Memory]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.list`."""
        memories = self._store.list(
            filter=filter, during=during, order=order, after=after, limit=limit, subtree=subtree,
            known_at=known_at,
        )  # fmt: skip
        while page := await self._twin(lambda: [*islice(memories, 500)]):
            for memory in page:
                yield memory

    async def aadd(
        self,
        text: str,
        *,
        at: TimeLike | None = None,
        speaker: str | None = None,
        session: str | None = None,
        metadata: Mapping[str, Json] | None = None,
        data: Json = None,
        kind: str = "episode",
        id: str | None = None,
        on_conflict: str = "error",
        role: str | None = None,
        sources: Sequence[str] = (),
        trust: float | None = None,
        valid_from: TimeLike | None = None,
        valid_until: TimeLike | None = None,
        expires_at: TimeLike | None = None,
    ) -> Memory:
        """Async twin of :meth:`~agentmem.store.MemoryStore.add`."""
        result: Memory = await self._twin(
            self._store.add,
            text,
            at=at,
            speaker=speaker,
            session=session,
            metadata=metadata,
            data=data,
            kind=kind,
            id=id,
            on_conflict=on_conflict,
            role=role,
            sources=sources,
            trust=trust,
            valid_from=valid_from,
            valid_until=valid_until,
            expires_at=expires_at,
        )
        return result

    async def aadd_many(
        self,
        items: Iterable[str | Mapping[str, Any] | Draft],
        *,
        batch_size: int | None = 1000,
        on_conflict: str = "error",
        progress: Callable[[int], None] | None = None,
    ) -> list[Memory]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.add_many`."""
        result: list[Memory] = await self._twin(
            self._store.add_many, items, batch_size=batch_size, on_conflict=on_conflict, progress=progress
        )
        return result

    async def aadd_messages(
        self, messages: Iterable[Any], *, session: str | None = None, at: TimeLike | None = None
    ) -> list[Memory]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.add_messages`."""
        result: list[Memory] = await self._twin(self._store.add_messages, messages, session=session, at=at)
        return result

    async def aload(
        self,
        memories: Iterable[Memory],
        *,
        batch_size: int = 1000,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.load`."""
        result: int = await self._twin(self._store.load, memories, batch_size=batch_size, progress=progress)
        return result

    async def aadd_links(self, links: Iterable[Link]) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.add_links`."""
        result: int = await self._twin(self._store.add_links, links)
        return result

    async def aupdate(
        self,
        id: str,
        *,
        text: str | None = None,
        metadata: Mapping[str, Json] | None = None,
        merge: bool = False,
        at: TimeLike | None = None,
        speaker: str | None = None,
        session: str | None = None,
        valid_from: TimeLike | None = None,
        valid_until: TimeLike | None = None,
        expires_at: TimeLike | None = None,
    ) -> Memory:
        """Async twin of :meth:`~agentmem.store.MemoryStore.update`."""
        result: Memory = await self._twin(
            self._store.update,
            id,
            text=text,
            metadata=metadata,
            merge=merge,
            at=at,
            speaker=speaker,
            session=session,
            valid_from=valid_from,
            valid_until=valid_until,
            expires_at=expires_at,
        )
        return result

    async def adelete(self, ids: str | Iterable[str]) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.delete`."""
        result: int = await self._twin(self._store.delete, ids)
        return result

    async def arestore(self, ids: str | Iterable[str]) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.restore`."""
        result: int = await self._twin(self._store.restore, ids)
        return result

    async def aerase(
        self, *, ids: str | Iterable[str] | None = None, filter: Filter | None = None
    ) -> ErasureReport:
        """Async twin of :meth:`~agentmem.store.MemoryStore.erase`."""
        result: ErasureReport = await self._twin(self._store.erase, ids=ids, filter=filter)
        return result

    async def areinforce(
        self, ids: str | Iterable[str], *, grade: str = "good", at: TimeLike | None = None
    ) -> None:
        """Async twin of :meth:`~agentmem.store.MemoryStore.reinforce`."""
        await self._twin(self._store.reinforce, ids, grade=grade, at=at)

    async def aget(self, id: str, *, known_at: TimeLike | None = None) -> Memory:
        """Async twin of :meth:`~agentmem.store.MemoryStore.get`."""
        result: Memory = await self._twin(self._store.get, id, known_at=known_at)
        return result

    async def aget_many(self, ids: Iterable[str], *, known_at: TimeLike | None = None) -> list[Memory]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.get_many`."""
        result: list[Memory] = await self._twin(self._store.get_many, ids, known_at=known_at)
        return result

    async def asearch(
        self,
        query: str,
        k: int = 10,
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        during: During | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> list[Hit]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.search`."""
        result: list[Hit] = await self._twin(
            self._store.search,
            query,
            k,
            at=at,
            known_at=known_at,
            during=during,
            filter=filter,
            subtree=subtree,
        )
        return result

    async def asearch_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        during: During | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> list[list[Hit]]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.search_many`."""
        result: list[list[Hit]] = await self._twin(
            self._store.search_many,
            queries,
            k,
            at=at,
            known_at=known_at,
            during=during,
            filter=filter,
            subtree=subtree,
        )
        return result

    async def arecall(
        self,
        query: str,
        k: int = 10,
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        during: During | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> list[Hit]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.recall`."""
        result: list[Hit] = await self._twin(
            self._store.recall,
            query,
            k,
            at=at,
            known_at=known_at,
            during=during,
            filter=filter,
            subtree=subtree,
        )
        return result

    async def aexplain(
        self,
        hits: Sequence[Hit],
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        filter: Filter | None = None,
    ) -> list[Hit]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.explain`."""
        result: list[Hit] = await self._twin(
            self._store.explain, hits, at=at, known_at=known_at, filter=filter
        )
        return result

    async def acontext(
        self,
        query: str | None = None,
        *,
        tokens: int = 2000,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        k: int = 50,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> Context:
        """Async twin of :meth:`~agentmem.store.MemoryStore.context`."""
        result: Context = await self._twin(
            self._store.context,
            query,
            tokens=tokens,
            at=at,
            known_at=known_at,
            k=k,
            filter=filter,
            subtree=subtree,
        )
        return result

    async def aask(
        self,
        question: str,
        *,
        k: int = 10,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> Answer:
        """Async twin of :meth:`~agentmem.store.MemoryStore.ask`."""
        result: Answer = await self._twin(
            self._store.ask, question, k=k, at=at, known_at=known_at, filter=filter, subtree=subtree
        )
        return result

    async def ahistory(self, id: str) -> list[Memory]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.history`."""
        result: list[Memory] = await self._twin(self._store.history, id)
        return result

    async def alinks(
        self, ids: str | Iterable[str] | None = None, *, known_at: TimeLike | None = None
    ) -> list[Link]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.links`."""
        result: list[Link] = await self._twin(self._store.links, ids, known_at=known_at)
        return result

    async def alist_namespaces(self) -> list[Namespace]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.list_namespaces`."""
        result: list[Namespace] = await self._twin(self._store.list_namespaces)
        return result

    async def aconsolidate(
        self, *, at: TimeLike | None = None, progress: Callable[[int, int], None] | None = None
    ) -> ConsolidationReport:
        """Async twin of :meth:`~agentmem.store.MemoryStore.consolidate`."""
        result: ConsolidationReport = await self._twin(self._store.consolidate, at=at, progress=progress)
        return result

    async def aundo(self, run: str) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.undo`."""
        result: int = await self._twin(self._store.undo, run)
        return result

    async def aforget(self, *, at: TimeLike | None = None, dry_run: bool = False) -> list[Memory]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.forget`."""
        result: list[Memory] = await self._twin(self._store.forget, at=at, dry_run=dry_run)
        return result

    async def aduplicates(self, threshold: float = 0.9) -> list[list[Memory]]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.duplicates`."""
        result: list[list[Memory]] = await self._twin(self._store.duplicates, threshold)
        return result

    async def astale(self) -> list[Stale]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.stale`."""
        result: list[Stale] = await self._twin(self._store.stale)
        return result

    async def apending(self) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.pending`."""
        result: int = await self._twin(self._store.pending)
        return result

    async def aflush(self, *, progress: Callable[[int, int], None] | None = None) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.flush`."""
        result: int = await self._twin(self._store.flush, progress=progress)
        return result

    async def areindex(
        self, *, embedder: str | Embedder | None = None, progress: Callable[[int, int], None] | None = None
    ) -> int:
        """Async twin of :meth:`~agentmem.store.MemoryStore.reindex`."""
        result: int = await self._twin(self._store.reindex, embedder=embedder, progress=progress)
        return result

    async def acheck(self) -> list[Problem]:
        """Async twin of :meth:`~agentmem.store.MemoryStore.check`."""
        result: list[Problem] = await self._twin(self._store.check)
        return result

    async def abackup(self, path: str) -> None:
        """Async twin of :meth:`~agentmem.store.MemoryStore.backup`."""
        await self._twin(self._store.backup, path)

    async def astats(self) -> Stats:
        """Async twin of :meth:`~agentmem.store.MemoryStore.stats`."""
        result: Stats = await self._twin(self._store.stats)
        return result
