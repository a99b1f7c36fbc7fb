"""Async twins: generated from the verbs, and equal to them."""

import asyncio
import inspect
import subprocess
import sys
from pathlib import Path

import agentmem
from agentmem import async_source
from agentmem.async_twins import AsyncTwins
from agentmem.store import MemoryStore


def test_the_twins_are_up_to_date(tmp_path):
    fresh = tmp_path / "async_twins.py"
    fresh.write_text(async_source.source())
    root = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "-q", "--config", str(root / "pyproject.toml"), str(fresh)],
        check=True,
    )
    there = Path(async_source.HERE / "async_twins.py").read_text()
    assert there == fresh.read_text(), "run: python -m agentmem.async_source"


def test_every_verb_has_a_twin_with_its_arguments():
    for name, verb in inspect.getmembers(MemoryStore, inspect.isfunction):
        if name.startswith("_") or name in {"namespace"} or name in vars(AsyncTwins):
            continue
        twin = getattr(MemoryStore, f"a{name}")
        assert list(inspect.signature(twin).parameters) == list(inspect.signature(verb).parameters)


def test_twins_do_what_the_verbs_do(tmp_path):
    async def run():
        async with agentmem.open(tmp_path / "a.db") as store:
            await asyncio.gather(*(store.aadd(f"the number {word}") for word in ("one", "two", "three")))
            hits = await store.asearch("number two", 1)
            assert hits == store.search("number two", 1)
            assert [m.text async for m in store.alist(order="position", limit=2)] == [
                m.text for m in store.list(order="position", limit=2)
            ]
            assert await store.adelete(hits[0].memory.id) == 1
            return await store.astats()

    assert asyncio.run(run()).memories == 2
