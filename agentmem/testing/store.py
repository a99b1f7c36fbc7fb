"""The contract of a store, all parts of it."""

from __future__ import annotations

from agentmem.testing.asking import AskingContract
from agentmem.testing.durability import FileContract
from agentmem.testing.lifecycle import LifecycleContract
from agentmem.testing.searching import SearchContract
from agentmem.testing.times import TimeContract
from agentmem.testing.twins import AsyncContract
from agentmem.testing.walls import NamespaceContract
from agentmem.testing.writing import WritingContract


class StoreBehaviour(
    WritingContract,
    SearchContract,
    TimeContract,
    LifecycleContract,
    NamespaceContract,
    AskingContract,
    AsyncContract,
):
    """What every store must do, wherever its memories lie: one open store is enough for it."""


class StoreContract(StoreBehaviour, FileContract):
    """What every store must do, and what holds of its file.

    Subclass it, give :meth:`make_store`, and pytest runs the rest::

        class TestMine(StoreContract):
            def make_store(self, path, clock, **options):
                return agentmem.open(path, store=MyStore, clock=clock, **options)

    A test that cannot hold is overridden with ``@pytest.mark.xfail(reason=...)``; an override without
    a reason fails.
    """
