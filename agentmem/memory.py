"""The record: plain data, no behaviour beyond what it says about itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A value that ``json.dumps`` takes without ``default``."""

Namespace: TypeAlias = tuple[str, ...]
"""Labels from the outside in, as in LangGraph: ``("users", "ada")``. The root is ``()``."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One version of one memory.

    Attributes:
        id: unique among the live memories of its namespace.
        namespace: the wall it lives behind.
        text: what was said or done, verbatim; empty only when ``data`` is given.
        kind: ``"episode"`` for what came in; a store names its own kinds for what it derives.
        at: when it happened, with the offset it came with.
        speaker: who said it; a name.
        role: ``"user"``, ``"assistant"``, ``"system"``, ``"tool"`` or None.
        session: the conversation it belongs to; turns of a session are neighbours.
        metadata: the caller's JSON object, which filters can ask for.
        data: the caller's opaque JSON, or None.
        sources: ids of the episodes it was derived from; empty for an episode.
        trust: from 0 (hearsay) to 1 (said by the user); 0.5 for what a tool or a document said.
        valid_from: since when what it says holds; None: always.
        valid_until: until when it holds; None: still.
        expires_at: from then on it is not recalled; None: never.
        recorded_at: when the memory learned this version.
        retired_at: when this version was replaced or deleted; None while it is live.
        version: 1 for the first, counted up by ``update``.
        made_by: the store (and fingerprint of its parameters) that derived it; None for an episode.
        run: the consolidation that made it, which ``undo`` takes; None otherwise.
    """

    id: str
    namespace: Namespace
    text: str
    kind: str = "episode"
    at: datetime = field(kw_only=True)
    speaker: str | None = None
    role: str | None = None
    session: str | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)
    data: Json = None
    sources: tuple[str, ...] = ()
    trust: float = 1.0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    expires_at: datetime | None = None
    recorded_at: datetime = field(kw_only=True)
    retired_at: datetime | None = None
    version: int = 1
    made_by: str | None = None
    run: str | None = None

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values, times in ISO 8601; :func:`memory_from_dict` reads it."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class Draft:
    """What ``add`` takes, as a value, for ``add_many``. Fields as in :class:`Memory`.

    ``at=None`` means now, ``id=None`` means that one is minted.
    """

    text: str
    at: Any = None
    speaker: str | None = None
    session: str | None = None
    metadata: Mapping[str, Json] | None = None
    data: Json = None
    kind: str = "episode"
    id: str | None = None
    role: str | None = None
    sources: Sequence[str] = ()
    trust: float | None = None
    valid_from: Any = None
    valid_until: Any = None
    expires_at: Any = None


@dataclass(frozen=True, slots=True)
class Link:
    """A directed link between two memories of a namespace.

    Attributes:
        source: id of the memory it starts at.
        target: id of the memory it ends at.
        kind: what it says, such as ``"names"`` or ``"belongs"``.
        weight: from 0 to 1.
        made_by: the store that made it.
        recorded_at: when it was made; None for one not yet written.
        retired_at: when it was taken back, or None.
        run: the consolidation that made it, or None.
    """

    source: str
    target: str
    kind: str
    weight: float = 1.0
    made_by: str | None = None
    recorded_at: datetime | None = None
    retired_at: datetime | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the path by which a hit was reached: from memory ``id`` along ``kind``."""

    id: str
    kind: str
    weight: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that was found, and why.

    Attributes:
        memory: what was found.
        score: the sum of ``signals``; unbounded, comparable within one query only.
        relevance: calibrated to [0, 1]; comparable between queries.
        signals: name of the signal -> what it contributed to the score.
        via: the path of links when it was reached by spread; empty when found by itself.
        why: the reasons in words a person understands.
        stale: ids of the memory's sources that changed since it was derived from them; see
            :mod:`agentmem.staleness`.
    """

    memory: Memory
    score: float
    relevance: float
    signals: Mapping[str, float]
    via: tuple[Step, ...] = ()
    why: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``ask`` gives.

    Attributes:
        text: the answer, or None when the memory does not hold it.
        hits: the memories it rests on, best first.
        confidence: in [0, 1].
        chain: the facts walked, in order, as readable lines; empty for a direct quotation.
        quote: the sentence the answer was taken from, or None.
    """

    text: str | None
    hits: tuple[Hit, ...]
    confidence: float
    chain: tuple[str, ...] = ()
    quote: str | None = None

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class Context:
    """Recalled text for a prompt.

    Attributes:
        text: dated, cited lines inside a fence that marks them as data; empty when nothing came.
        hits: what stands in it, in the order of the text.
        tokens: the estimated number of tokens of ``text``.
        left_out: how many further hits did not fit the budget.
    """

    text: str
    hits: tuple[Hit, ...]
    tokens: int
    left_out: int = 0

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What an erasure removed, and whether nothing is left of it.

    Attributes:
        ids: the memories asked for that were found.
        derived: ids of derived memories that went with them.
        versions: row versions removed, retired ones included.
        words: dictionary words that nobody else used.
        links: links removed.
        log: change-log entries and use events removed.
        caches: whether snapshots beside the file were removed.
        complete: true when the file, its WAL and its caches hold no byte of it any more; false
            when another process is reading: the rest is done at the next open or ``erase``.
        detail: one line saying what is still to do, or empty.
    """

    ids: tuple[str, ...]
    derived: tuple[str, ...] = ()
    versions: int = 0
    words: int = 0
    links: int = 0
    log: int = 0
    caches: bool = True
    complete: bool = True
    detail: str = ""

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class ConsolidationReport:
    """What a consolidation did.

    Attributes:
        run: its id, which ``undo`` takes.
        embedded: vectors that were pending and are written now.
        added: ids of derived memories made.
        linked: links made.
        retired: ids of memories retired.
        calls: calls of a language model.
        cost: their cost in US dollars as far as known.
        left: jobs that are still to do.
    """

    run: str
    embedded: int = 0
    added: tuple[str, ...] = ()
    linked: int = 0
    retired: tuple[str, ...] = ()
    calls: int = 0
    cost: float = 0.0
    left: int = 0

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class Stats:
    """What a file or a namespace holds.

    Attributes:
        path: the file, or ":memory:".
        store: the store it is opened with.
        namespace: the namespace counted (with all below it).
        memories: live memories; ``kinds`` splits them.
        versions: row versions, retired ones included.
        namespaces: namespaces that hold something.
        links: live links.
        pending: vectors to be made, and stale memories that this store will derive anew.
        first: time of the oldest memory, ``last`` of the newest.
        bytes: size on disk; ``cache_bytes`` of the disposable snapshots; ``index_bytes`` in RAM.
        embedder: the embedder's name, or "none"; ``dim`` its width.
        index: kind of vector index, its device, and whether it is exact.
        stale: derived memories, whoever made them, whose sources changed since.
    """

    path: str
    store: str
    namespace: Namespace
    memories: int
    kinds: Mapping[str, int]
    versions: int
    namespaces: int
    links: int
    pending: int
    first: datetime | None
    last: datetime | None
    bytes: int
    cache_bytes: int
    index_bytes: int
    embedder: str
    dim: int
    index: Mapping[str, Json]
    stale: int = 0

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class Cue:
    """A question as a store wants it searched.

    Attributes:
        text: the words to search and embed.
        filter: only memories that match, beside the caller's own filter; in the filters' JSON form.
        k: how many hits to fetch for ``_assemble``, if more or fewer than the caller asked for.
    """

    text: str
    filter: Mapping[str, Json] | None = None
    k: int | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a store made of a memory that is no memory itself: its triples, its keywords, its event.

    One of each kind a memory and maker; a new one replaces the old. It goes when its memory is erased.

    Attributes:
        source: id of the memory it was made of.
        kind: what it is, such as ``"triples"``.
        data: any JSON.
        version: the memory's version it was made of; another one makes it stale.
        made_by: the store that made it; filled in when written.
    """

    source: str
    kind: str
    data: Json
    version: int = 1
    made_by: str | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """What a store makes of episodes: written in one transaction, taken back together.

    Attributes:
        memories: drafts of derived memories, each naming its ``sources``.
        links: links to write.
        retire: ids of memories to retire.
        artifacts: what else to keep beside memories.
        unlink: links to close (by source, target, kind and maker).
        calls, cost: calls of a language model it took, and US dollars as far as known.
        left: how much is still to do after it, for progress.
    """

    memories: tuple[Draft, ...] = ()
    links: tuple[Link, ...] = ()
    retire: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    unlink: tuple[Link, ...] = ()
    calls: int = 0
    cost: float = 0.0
    left: int = 0

    def __bool__(self) -> bool:
        return bool(self.memories or self.links or self.retire or self.artifacts or self.unlink)


_TIMES = ("at", "valid_from", "valid_until", "expires_at", "recorded_at", "retired_at")


def memory_from_dict(values: Mapping[str, Json]) -> Memory:
    """The inverse of :meth:`Memory.to_dict`."""
    row = dict(values)
    for name in _TIMES:
        if row.get(name) is not None:
            row[name] = datetime.fromisoformat(row[name])
    row["namespace"] = tuple(row["namespace"])
    row["sources"] = tuple(row.get("sources", ()))
    return Memory(**row)


def _json(value: Any) -> Json:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "__dataclass_fields__"):
        return {f.name: _json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_json(item) for item in value]
    return value
