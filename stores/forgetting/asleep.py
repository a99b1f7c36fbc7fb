"""Who is asleep: the memories of a namespace that were forgotten and not used since, as documents.

Part of what :class:`~agentmem.stores.forgetting.ForgettingStore` is composed of. The links that say who
was forgotten are read when links changed, their documents found when documents went, their lives walked
once; a search then costs one formula over them, and those that were used since are computed anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend
from agentmem.clock import TimeLike
from agentmem.decay.base import Curve
from agentmem.index.base import Docs
from agentmem.index.space import Space
from agentmem.memory import Link
from agentmem.recall.retention import Retention

Values = NDArray[np.float64]
_MANY = 500  # so many used since, and all lives are walked again


@dataclass(slots=True)
class _Held:
    """What is kept of a namespace."""

    links_changed: int
    bounds_of: dict[str, float]
    generation: int = -1
    changed: int = -1
    docs: Docs | None = None
    bounds: Values | None = None
    curve: Curve | None = None
    resets: int = -1
    read: int = 0
    at_time: Callable[[TimeLike], Values] | None = None


_HELD: WeakKeyDictionary[Space, _Held] = WeakKeyDictionary()


def sleepers(
    space: Space,
    backend: Backend,
    curve: Curve,
    chosen: Callable[[Link], bool],
    at: datetime,
    known_at: datetime | None,
) -> tuple[Docs, Values, Values]:
    """(documents that are asleep at a time, their bounds, their retention).

    Args:
        space: the index; the caller holds its lock.
        backend: where links and use events lie.
        curve: the policy.
        chosen: which links say that a memory was forgotten; their weight is the bound.
        at: the time.
        known_at: what was known then; with a space of that time.
    """
    held = _HELD.get(space)
    if held is None or held.links_changed != space.links_changed:
        links = backend.links(space.ns, known_at=known_at)
        held = _Held(space.links_changed, {link.source: link.weight for link in links if chosen(link)})
        _HELD[space] = held
    _find(held, space)
    docs, bounds = held.docs, held.bounds
    assert docs is not None and bounds is not None
    if not len(docs):
        return docs, bounds, bounds
    retention = Retention(curve, space, backend, at, known_at)
    values = _values(held, space, curve, retention, at)
    asleep = values <= bounds + 1e-9
    return docs[asleep], bounds[asleep], values[asleep]


def _find(held: _Held, space: Space) -> None:
    """Find the documents of the ids again, if some went or may have come."""
    if held.docs is not None and held.generation == space.generation:
        if held.changed == space.changed:
            return
        held.changed = space.changed
        if len(held.docs) == len(held.bounds_of) and bool(space.live[held.docs].all()):
            return
    docs = space.docs_of(held.bounds_of)
    there = docs >= 0
    held.docs = docs[there]
    held.bounds = np.array(list(held.bounds_of.values()), np.float64)[there]
    held.generation, held.changed, held.at_time = space.generation, space.changed, None


def _values(held: _Held, space: Space, curve: Curve, retention: Retention, at: datetime) -> Values:
    docs, uses = held.docs, retention.uses
    assert docs is not None
    new = set(uses.log[held.read :]) if held.resets == uses.resets else set()
    if held.at_time is None or held.curve != curve or held.resets != uses.resets or len(new) > _MANY:
        held.at_time = curve.prepare(retention.histories(docs))
        held.curve, held.resets, held.read = curve, uses.resets, len(uses.log)
        new = set()
    values = held.at_time(at)
    used = space.docs_of(id for id in new if id in held.bounds_of)
    if len(used := used[used >= 0]):
        order = np.argsort(docs, kind="stable")
        values = values.copy()
        values[order[np.searchsorted(docs[order], used)]] = retention.of(used)
    return values
