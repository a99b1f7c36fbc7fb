"""Writes ``async_twins.py`` from the verbs of ``store.py``, so that both have one source.

Run ``python -m agentmem.async_source`` after a verb changed; a test compares the two.
"""

from __future__ import annotations

import ast
from pathlib import Path

TWINLESS = {"namespace", "list", "facts"}  # a handle costs nothing; list is written by hand below
HERE = Path(__file__).parent

HEADER = '''"""Async twins of the store's verbs. Made by ``python -m agentmem.async_source``: do not edit.

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
'''


def source() -> str:
    """The text that ``async_twins.py`` must have."""
    tree = ast.parse((HERE / "store.py").read_text())
    store = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "MemoryStore")
    verbs = [
        node
        for node in store.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if node.name not in TWINLESS | {"close"}
    ]
    return HEADER + "".join("\n" + _twin(verb) for verb in verbs)


def _twin(verb: ast.FunctionDef) -> str:
    arguments = ast.unparse(verb.args).replace("builtins.", "")
    returns = ast.unparse(verb.returns).replace("builtins.", "") if verb.returns else "None"
    positional = [a.arg for a in verb.args.args[1:]]
    passed = ", ".join(
        [f"self._store.{verb.name}", *positional, *(f"{a.arg}={a.arg}" for a in verb.args.kwonlyargs)]
    )
    kept = "" if returns == "None" else f"result: {returns} = "
    end = "" if returns == "None" else "        return result\n"
    return (
        f"    async def a{verb.name}({arguments}) -> {returns}:\n"
        f'        """Async twin of :meth:`~agentmem.store.MemoryStore.{verb.name}`."""\n'
        f"        {kept}await self._twin({passed})\n{end}"
    )


def main() -> None:
    """Write the file and format it."""
    import subprocess
    import sys

    target = HERE / "async_twins.py"
    target.write_text(source())
    subprocess.run([sys.executable, "-m", "ruff", "format", "-q", str(target)], check=True)


if __name__ == "__main__":
    main()
