"""UnifiedStore: the default of :func:`agentmem.open`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from agentmem.errors import InvalidInput
from agentmem.fading import Fading
from agentmem.recall.notes import Notes
from agentmem.recall.onward import Onward
from agentmem.recall.pairs import Pairs
from agentmem.recall.recipe import Recipe
from agentmem.recall.spread import Spread
from agentmem.recall.threads import Threads


class UnifiedStore(Fading):
    """One engine, one setting, for every kind of text.

    Words, vectors, persons, dates and the turns around a turn, as in every store; and the links that the
    texts themselves hold, each of which can be turned off:

    Options:
        pairs: memories lift those that their texts lead to, :mod:`agentmem.recall.pairs`; False turns off
            the four below.
        named: by the titles that a memory's text names.
        shared: by rare names that two texts share.
        seeds: a memory whose title the question names comes first.
        tokens: with the embedder ``minilm``: what a linked memory adds to the question is compared word by
            word in context; its vectors are made at the first use (about 25 ms a passage) and kept in
            memory (40 kB a passage, at most 256 MB). Off by default: it is worth 0 to 2 points on
            questions over several passages, and until all is warm a question costs a second.
        notes: short notes of one voice lead to those on the same that say more of the question,
            :mod:`agentmem.recall.notes`.
        onward: in a conversation, a hit leads to the turns right after it, :mod:`agentmem.recall.onward`.
        threads: lines of a story lead to those that go on about the same, :mod:`agentmem.recall.threads`.
        curve, fading: a forgetting curve, see :mod:`agentmem.fading`; by default memories do not fade.
    """

    name = "unified"
    options: ClassVar[Mapping[str, Any]] = {
        **Fading.options,
        "pairs": True,
        "named": True,
        "shared": True,
        "seeds": True,
        "tokens": False,
        "notes": True,
        "onward": True,
        "threads": True,
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("pairs", "named", "shared", "seeds", "tokens", "notes", "onward", "threads"):
            if not isinstance(self._options[name], bool):
                raise InvalidInput(f"{name}={self._options[name]!r} is neither True nor False")

    def _recipe(self) -> Recipe:
        return self._made

    @cached_property
    def _made(self) -> Recipe:
        return Recipe(spread=tuple(self._steps()))

    def _steps(self) -> list[Spread]:
        """The steps over links that are turned on."""
        from agentmem.embed.tokens import token_vectors

        chosen, backend = self._options, self._runtime.backend
        steps: list[Spread] = []
        if chosen["pairs"]:
            steps.append(
                Pairs(
                    backend,
                    named=chosen["named"],
                    shared=chosen["shared"],
                    seeds=chosen["seeds"],
                    tokens=token_vectors(self._runtime.embedder) if chosen["tokens"] else None,
                    maker=lambda: self._maker,
                )
            )
        if chosen["notes"]:
            steps.append(Notes(backend))
        if chosen["onward"]:
            steps.append(Onward())
        if chosen["threads"]:
            steps.append(Threads(backend))
        return steps
