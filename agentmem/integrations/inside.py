"""What the adapters need of a store beyond its public verbs; it all stands here, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from agentmem import validate
from agentmem.clock import TimeLike
from agentmem.embed.base import Embedder, Vectors
from agentmem.errors import InvalidInput
from agentmem.filters import compile_filter
from agentmem.finding import search, visible
from agentmem.index.space import Space
from agentmem.memory import Hit, Memory, Namespace
from agentmem.runtime import Runtime
from agentmem.store import MemoryStore

T = TypeVar("T")
Vector = NDArray[np.float32]


def runtime(store: MemoryStore) -> Runtime:
    """The shared half of a store: backend, indexes, embedder, clock."""
    return store._runtime


def root(store: MemoryStore) -> Namespace:
    """The namespace a handle stands at."""
    return store._namespace


def embedder(store: MemoryStore) -> Embedder | None:
    """What makes the vectors; None for words alone."""
    return runtime(store).embedder


def namespaces(store: MemoryStore) -> list[Namespace]:
    """The namespaces at and below a handle that hold a memory, in the order in which they were made."""
    found = runtime(store).backend.namespaces(root(store))
    return [name for _, name in sorted(found, key=lambda one: one[0])]


async def on_pool(store: MemoryStore, verb: Callable[..., T], *args: Any, **options: Any) -> T:
    """Run a blocking call on the store's own threads."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(runtime(store).pool(), partial(verb, *args, **options))


def of_session(
    store: MemoryStore, session: str, *, spoken: bool = False, last: int | None = None
) -> list[Memory]:
    """The memories of a session in order of arrival, by the index: a list with a filter reads them all.

    Args:
        store: the handle.
        session: the session.
        spoken: only those that somebody said, in a role.
        last: only the newest so many.
    """
    shared = runtime(store)
    shared.check_header()
    number = shared.number(root(store))
    if number is None:
        return []
    space = shared.space(number)
    with space.lock:
        code = space.code("session", session)
        mask = space.live & (space.session == code) & (code >= 0)
        if spoken:
            mask &= space.role >= 0
        docs = np.flatnonzero(mask)
        docs = docs[np.argsort(space.positions[docs], kind="stable")]
        rows = space.rows[docs if last is None else docs[-last:]].tolist()
    found = shared.backend.memories_by_row(rows)
    return [found[row] for row in rows if row in found]


def ranked(store: MemoryStore, query: str, k: int, chosen: Callable[[Space], NDArray[np.bool_]]) -> list[Hit]:
    """:meth:`MemoryStore.search` at and below a handle among chosen documents."""
    asked = validate.query_text(query)

    def hide(space: Space, at: datetime, known_at: datetime | None) -> NDArray[np.bool_]:
        hidden = store._hidden(space, at, known_at)
        return ~chosen(space) if hidden is None else ~chosen(space) | hidden

    found = search(
        runtime(store),
        root(store),
        [store._cue(asked, k)],
        k,
        recipe=store._recipe(),
        maker=store._maker,
        at=store._now(None),
        known_at=None,
        during=None,
        filter=None,
        subtree=True,
        weigh=store._priors,
        hide=hide,
    )[0]
    return store._assemble(asked, found)[:k]


# --- vectors -----------------------------------------------------------------------------------------
def question_vector(store: MemoryStore, question: str) -> Vector | None:
    """The unit vector of a question; None for words alone, or when the embedder has nothing to say."""
    rows = runtime(store).embed_questions([validate.query_text(question)])
    return None if rows is None or not rows[0].any() else rows[0]


def unit(store: MemoryStore, vector: Sequence[float]) -> Vector:
    """A vector of the caller's as a unit row of the store's width.

    Raises:
        InvalidInput: the store keeps no vectors, or vectors of another width, or it is no vector.
    """
    width = runtime(store).dim
    try:
        row = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput("the vector is no sequence of numbers") from None
    if not width:
        raise InvalidInput("this memory keeps no vectors (embedder='none'): search it by text")
    if row.shape != (width,) or not np.isfinite(row).all():
        raise InvalidInput(
            f"the vector has the shape {row.shape}; the memory's embedder makes {width} finite numbers"
        )
    norm = float(np.linalg.norm(row))
    result: Vector = (row / norm if norm else row).astype(np.float32)
    return result


def nearest(
    store: MemoryStore,
    vector: Vector,
    k: int,
    *,
    at: TimeLike | None = None,
    during: Sequence[TimeLike | None] | None = None,
    filter: Mapping[str, Any] | None = None,
    subtree: bool = False,
) -> list[tuple[Memory, float]]:
    """The k memories whose vectors are nearest to a unit vector, with their cosines, best first."""
    validate.count(k)
    shared = runtime(store)
    shared.check_header()
    compiled = compile_filter(filter)
    asked, between = store._now(at), validate.interval(during)
    spaces = [shared.space(number) for number in shared.numbers(root(store), subtree)]
    found: list[tuple[float, int]] = []
    with ExitStack() as locks:
        for space in spaces:
            locks.enter_context(space.lock)
        for space in spaces:
            if space.vectors is None:
                continue
            mask = visible(space, maker=store._maker, at=asked, during=between)
            if compiled is not None:
                mask &= space.mask(compiled, shared.backend)
            docs, cosines = space.vectors.search_batch(vector[None], k, mask)
            found += [
                (float(cosine), int(space.rows[doc]))
                for doc, cosine in zip(docs[0], cosines[0], strict=True)
                if doc >= 0
            ]
    found = sorted(found, key=lambda one: -one[0])[:k]
    memories = shared.backend.memories_by_row([row for _, row in found])
    return [(memories[row], cosine) for cosine, row in found if row in memories]


def vectors_of(store: MemoryStore, memories: Sequence[Memory], question: Vector) -> Vectors:
    """One row a memory: of its pieces the one nearest to a question; zeros where there is none."""
    shared = runtime(store)
    out = np.zeros((len(memories), shared.dim), dtype=np.float32)
    by_space: dict[Namespace, list[int]] = {}
    for place, memory in enumerate(memories):
        by_space.setdefault(memory.namespace, []).append(place)
    for name, places in by_space.items():
        number = shared.number(name)
        if number is None:
            continue
        stored = shared.backend.get(number, [memories[place].id for place in places])
        _, columns = shared.backend.columns(number, [one.row for one in stored.values()])
        if columns.vectors is None or not len(columns.vectors):
            continue
        pieces = np.asarray(columns.vectors, dtype=np.float32)
        bounds = columns.vector_offsets
        rows = {id: pieces[bounds[i] : bounds[i + 1]] for i, id in enumerate(columns.ids)}
        for place in places:
            own = rows.get(memories[place].id)
            if own is not None and len(own):
                out[place] = own[int(np.argmax(own @ question))]
    return out
