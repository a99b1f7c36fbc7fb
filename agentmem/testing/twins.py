"""The contract of the async twins: they do what the verbs do, and hold up no event loop."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from agentmem.errors import MemoryNotFound
from agentmem.store import MemoryStore
from agentmem.testing.base import DIARY, StoreCase, episodes, fingerprint, texts

TWINLESS = {"namespace"}
"""A handle costs nothing, so there is nothing to wait for."""


class AsyncContract(StoreCase):
    """``aadd``, ``asearch``, …: an async twin for every verb."""

    def test_every_verb_has_a_twin(self, memory: MemoryStore) -> None:
        """Each verb of the common interface has a twin of the same arguments; a store's own may have one."""
        for name, _ in inspect.getmembers(MemoryStore, inspect.isfunction):
            verb = getattr(type(memory), name)
            if name.startswith("_") or name in TWINLESS or _is_async(verb):
                continue
            twin = getattr(type(memory), "a" + name, None)
            assert twin is not None, f"{name} has no twin"
            assert _is_async(twin), name
            assert list(inspect.signature(twin).parameters) == list(inspect.signature(verb).parameters), name

    def test_twins_do_the_same(self, memory: MemoryStore) -> None:
        """What is written with a twin is read by a verb, and the other way round."""

        async def work() -> None:
            added = await memory.aadd("The aquarium opens at ten.", id="a", metadata={"n": 1})
            assert added == memory.get("a") == await memory.aget("a")
            await memory.aadd_many(DIARY)
            assert len(await memory.aadd_messages([{"role": "user", "content": "Hello there."}])) == 1
            assert [m.id async for m in memory.alist()] == [m.id for m in memory.list()]
            assert [m.id async for m in memory.alist(limit=3, order="-at")] == [
                m.id for m in memory.list(limit=3, order="-at")
            ]
            for question in ("When does the aquarium open?", "Where did Grace move?"):
                assert fingerprint(await memory.asearch(question, 4)) == fingerprint(
                    memory.search(question, 4)
                )
                assert await memory.aask(question) == memory.ask(question)
                assert await memory.acontext(question) == memory.context(question)
            many = await memory.asearch_many(["Grace", "Biscuit"])
            assert [texts(hits) for hits in many] == [texts(memory.search(q)) for q in ("Grace", "Biscuit")]
            assert len(await memory.arecall("aquarium", 1)) == 1
            await memory.areinforce("a")
            assert (await memory.aupdate("a", text="It opens at eleven.")).version == 2
            assert [m.version for m in await memory.ahistory("a")] == [1, 2]
            assert await memory.adelete("a") == 1 and await memory.arestore("a") == 1
            assert (await memory.aerase(ids="a")).ids == ("a",)
            with pytest.raises(MemoryNotFound):
                await memory.aget("a")
            assert await memory.aforget(dry_run=True) == []
            assert await memory.apending() == 0 and await memory.aflush() == 0
            assert (await memory.astats()).memories == memory.stats().memories
            assert (await memory.aconsolidate()).left == 0
            assert await memory.alist_namespaces() == memory.list_namespaces()

        asyncio.run(work())

    def test_many_at_once(self, memory: MemoryStore) -> None:
        """Many twins at once lose nothing."""

        async def work() -> None:
            async def one(i: int) -> None:
                added = await memory.aadd(f"Parcel {i} is in locker {i * 37}.")
                found = await memory.asearch(f"Parcel {i} locker {i * 37}", 1)
                assert found and found[0].memory.id == added.id

            await asyncio.gather(*(one(i) for i in range(40)))

        asyncio.run(work())
        assert len(episodes(memory)) == 40

    def test_the_loop_goes_on(self, memory: MemoryStore) -> None:
        """While a long call runs, the event loop does other things."""

        async def work() -> int:
            ticks = 0
            writing = asyncio.ensure_future(memory.aadd_many([f"item {i}" for i in range(3000)]))
            while not writing.done():
                await asyncio.sleep(0)
                ticks += 1
            await writing
            return ticks

        assert asyncio.run(work()) > 10


def _is_async(verb: object) -> bool:
    return inspect.iscoroutinefunction(verb) or inspect.isasyncgenfunction(verb)
