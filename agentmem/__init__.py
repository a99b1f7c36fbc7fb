"""agentmem: a memory for LLM applications, on one file.

>>> import agentmem
>>> memory = agentmem.open("ada.db")          # doctest: +SKIP
>>> memory.add("Ada moved to Lisbon in May")  # doctest: +SKIP
>>> memory.search("where does Ada live?")     # doctest: +SKIP
"""

from __future__ import annotations

from agentmem.clock import ManualClock
from agentmem.errors import AgentmemError
from agentmem.memory import (
    Answer,
    Artifact,
    ConsolidationReport,
    Context,
    Cue,
    Derived,
    Draft,
    ErasureReport,
    Hit,
    Link,
    Memory,
    Namespace,
    Stats,
)
from agentmem.opening import open
from agentmem.store import MemoryStore

__version__ = "0.1.0"

__all__ = [
    "AgentmemError",
    "Answer",
    "Artifact",
    "ConsolidationReport",
    "Context",
    "Cue",
    "Derived",
    "Draft",
    "ErasureReport",
    "Hit",
    "Link",
    "ManualClock",
    "Memory",
    "MemoryStore",
    "Namespace",
    "Stats",
    "__version__",
    "open",
]
