"""EpisodicStore: what was said, turn by turn, found by its own words and those around it."""

from __future__ import annotations

from agentmem.store import MemoryStore


class EpisodicStore(MemoryStore):
    """Keeps episodes verbatim and derives nothing.

    Recall is the engine's conversation recipe: BM25F whose fields are the neighbouring turns,
    word vectors, speakers and dates (:class:`agentmem.recall.recipe.Recipe`).
    """

    name = "episodic"
