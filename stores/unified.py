"""UnifiedStore: the default of :func:`agentmem.open`."""

from __future__ import annotations

from agentmem.store import MemoryStore


class UnifiedStore(MemoryStore):
    """One engine, one setting, for every kind of text.

    In this version it recalls as :class:`~agentmem.stores.episodic.EpisodicStore` does; links, names
    and facts join it as they are built.
    """

    name = "unified"
