"""UnifiedStore: the default of :func:`agentmem.open`."""

from __future__ import annotations

from agentmem.fading import Fading


class UnifiedStore(Fading):
    """One engine, one setting, for every kind of text.

    In this version it recalls as :class:`~agentmem.stores.episodic.EpisodicStore` does; links, names
    and facts join it as they are built. With the option ``curve`` it takes a forgetting curve, see
    :mod:`agentmem.fading`; by default its memories do not fade.
    """

    name = "unified"
