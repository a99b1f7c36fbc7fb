"""The write path: complete row versions in, one transaction a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from agentmem import validate
from agentmem.backends.base import Encoding, Event, Transaction
from agentmem.clock import to_datetime
from agentmem.errors import DuplicateId, InvalidInput, MemoryNotFound, UnknownOption
from agentmem.memory import Derived, Draft, Link, Memory, Namespace
from agentmem.runtime import Runtime

CONFLICTS = ("error", "replace", "skip")


def add(
    runtime: Runtime,
    name: Namespace,
    memories: Sequence[Memory],
    chosen: Sequence[bool],
    on_conflict: str,
    encode: Callable[[Sequence[Memory]], Derived],
    maker: str,
) -> list[Memory]:
    """Write new memories and what the store derives from them.

    Args:
        runtime: the opened file.
        name: the namespace.
        memories: first versions.
        chosen: which ids were given by the caller, and so may exist already.
        on_conflict: "error", "replace" or "skip".
        encode: the store's hook.
        maker: who derived rows are made by.

    Returns:
        The memories as stored, in order.
    """
    if on_conflict not in CONFLICTS:
        raise UnknownOption("on_conflict", on_conflict, CONFLICTS)
    if not memories:
        return []
    encodings = runtime.encode([memory.text for memory in memories])
    derived = encode(memories)
    derived_drafts = [validate.to_memory(d, name, memories[0].recorded_at) for d in derived.memories]
    derived_rows = [replace(memory, made_by=maker) for memory in derived_drafts]
    derived_encodings = runtime.encode([memory.text for memory in derived_rows]) if derived_rows else []
    with runtime.backend.transaction() as transaction:
        runtime.sign(transaction)
        number = transaction.namespace(name)
        if any(chosen):
            stored = _with_conflicts(runtime, transaction, number, memories, chosen, encodings, on_conflict)
        else:
            transaction.insert(number, memories, encodings)
            stored = list(memories)
        if derived:
            write_derived(
                transaction, number, derived, derived_rows, derived_encodings,
                maker=maker, at=memories[0].recorded_at,
            )  # fmt: skip
    return stored


def _with_conflicts(
    runtime: Runtime,
    transaction: Transaction,
    number: int,
    memories: Sequence[Memory],
    chosen: Sequence[bool],
    encodings: Sequence[Encoding],
    on_conflict: str,
) -> list[Memory]:
    """Insert with ids of the caller's: each id at most once an insert, so that versions follow."""
    result: list[Memory] = list(memories)
    rest = list(range(len(memories)))
    while rest:
        seen: set[str] = set()
        now = [i for i in rest if memories[i].id not in seen and not seen.add(memories[i].id)]  # type: ignore[func-returns-value]
        rest = sorted(set(rest) - set(now))
        given = [memories[i].id for i in now if chosen[i]]
        live = transaction.live(number, given)
        if live and on_conflict == "error":
            raise DuplicateId(next(id for id in given if id in live))
        gone = [id for id in given if id not in live]
        versions = transaction.versions(number, gone) if gone else {}
        insert: list[int] = []
        positions: list[int | None] = []
        retire: list[int] = []
        for i in now:
            old = live.get(memories[i].id)
            if old is None:
                if memories[i].id in versions:
                    result[i] = replace(memories[i], version=versions[memories[i].id] + 1)
                positions.append(None)
            elif on_conflict == "skip":
                result[i] = old.memory
                continue
            else:
                result[i] = replace(memories[i], version=old.memory.version + 1)
                retire.append(old.row)
                positions.append(old.position)
            insert.append(i)
        if retire:
            transaction.retire(number, retire, memories[0].recorded_at)
        if insert:
            transaction.insert(number, [result[i] for i in insert], [encodings[i] for i in insert], positions)
    return result


def write_derived(
    transaction: Transaction,
    number: int,
    derived: Derived,
    rows: Sequence[Memory],
    encodings: Sequence[Encoding],
    *,
    maker: str,
    at: datetime,
    run: str | None = None,
) -> list[str]:
    """Write what a store derived: create first, retire after. Returns the ids retired."""
    if rows:
        transaction.insert(number, rows, encodings)
    if derived.links:
        links = [replace(link, made_by=link.made_by or maker, run=link.run or run) for link in derived.links]
        transaction.add_links(number, links, at)
    if derived.unlink:
        closing = [replace(link, run=run) for link in derived.unlink]
        transaction.retire_links(number, links=closing, at=at)
    if derived.artifacts:
        made = [replace(a, made_by=a.made_by or maker) for a in derived.artifacts]
        transaction.put_artifacts(number, made, run=run)
    if not derived.retire:
        return []
    live = transaction.live(number, list(derived.retire))
    transaction.retire(number, [stored.row for stored in live.values()], at)
    return list(live)


def update(
    runtime: Runtime, name: Namespace, id: str, change: Mapping[str, Any], merge: bool = False
) -> Memory:
    """Write a new version of a memory with some fields changed; ``merge`` keeps other metadata keys."""
    validate.ids(id)
    now = runtime.clock()
    number = runtime.number(name)
    if number is None:
        raise MemoryNotFound(id)
    while True:
        found = runtime.backend.get(number, [id])
        if id not in found:
            raise MemoryNotFound(id)
        old = found[id]
        fields = dict(change)
        if merge and "metadata" in fields:
            fields["metadata"] = {**old.memory.metadata, **fields["metadata"]}
        new = _changed(old.memory, fields, now)
        encoding = runtime.encode([new.text])[0]
        with runtime.backend.transaction() as transaction:
            runtime.sign(transaction)
            live = transaction.live(number, [id]).get(id)
            if live is None:
                raise MemoryNotFound(id)
            if live.row == old.row:  # else somebody was quicker: take their version as the old one
                transaction.retire(number, [old.row], now)
                transaction.insert(number, [new], [encoding], [old.position])
                return new


def _changed(old: Memory, change: Mapping[str, Any], now: datetime) -> Memory:
    draft = Draft(
        text=change.get("text", old.text),
        at=to_datetime(change["at"]) if "at" in change else old.at,
        speaker=change.get("speaker", old.speaker),
        session=change.get("session", old.session),
        metadata=change.get("metadata", old.metadata),
        data=old.data,
        kind=old.kind,
        id=old.id,
        role=old.role,
        sources=old.sources,
        trust=old.trust,
        valid_from=change.get("valid_from", old.valid_from),
        valid_until=change.get("valid_until", old.valid_until),
        expires_at=change.get("expires_at", old.expires_at),
    )
    checked = validate.to_memory(draft, old.namespace, now)
    return replace(checked, version=old.version + 1, made_by=old.made_by, run=old.run)


def retire(runtime: Runtime, name: Namespace, ids: Sequence[str]) -> int:
    """Retire live memories; returns how many there were."""
    number = runtime.number(name)
    if number is None or not ids:
        return 0
    with runtime.backend.transaction() as transaction:
        live = transaction.live(number, ids)
        if live:
            transaction.retire(number, [stored.row for stored in live.values()], runtime.clock())
        return len(live)


def restore(runtime: Runtime, name: Namespace, ids: Sequence[str]) -> int:
    """Write the newest retired versions of memories that are not live as new versions."""
    number = runtime.number(name)
    if number is None or not ids:
        return 0
    now = runtime.clock()
    old = [versions[-1] for id in ids if (versions := runtime.backend.history(number, id))]
    old = [memory for memory in old if memory.retired_at is not None]
    if not old:
        return 0
    encodings = runtime.encode([memory.text for memory in old])
    new = [replace(m, version=m.version + 1, recorded_at=now, retired_at=None) for m in old]
    with runtime.backend.transaction() as transaction:
        runtime.sign(transaction)
        live = transaction.live(number, [memory.id for memory in new])
        keep = [i for i, memory in enumerate(new) if memory.id not in live]
        if keep:
            places = transaction.positions(number, [new[i].id for i in keep])
            transaction.insert(
                number,
                [new[i] for i in keep],
                [encodings[i] for i in keep],
                [places.get(new[i].id) for i in keep],
            )
        return len(keep)


def load(runtime: Runtime, name: Namespace, memories: Sequence[Memory], begun: set[str]) -> int:
    """Write complete row versions whose ids were never used, or are in ``begun``; returns how many."""
    for memory in memories:
        validate.record(memory)
    encodings = runtime.encode([memory.text for memory in memories])
    written = 0
    with runtime.backend.transaction() as transaction:
        runtime.sign(transaction)
        number = transaction.namespace(name)
        used = transaction.versions(number, list({memory.id for memory in memories} - begun))
        rest = [i for i, memory in enumerate(memories) if memory.id not in used]
        begun.update(memories[i].id for i in rest)
        while rest:  # one version of each memory a round, so that later ones find the position
            seen: set[str] = set()
            now = [i for i in rest if memories[i].id not in seen and not seen.add(memories[i].id)]  # type: ignore[func-returns-value]
            rest = sorted(set(rest) - set(now))
            places = transaction.positions(number, [memories[i].id for i in now])
            transaction.insert(
                number,
                [memories[i] for i in now],
                [encodings[i] for i in now],
                [places.get(memories[i].id) for i in now],
            )
            written += len(now)
    return written


def add_links(runtime: Runtime, name: Namespace, links: Sequence[Link]) -> int:
    """Write links whose ends are live."""
    for link in links:
        if not 0 <= link.weight <= 1:
            raise InvalidInput(f"the weight {link.weight!r} of a link is not from 0 to 1")
        validate.text_value(link.kind, "kind")
    if not links:
        return 0
    with runtime.backend.transaction() as transaction:
        number = transaction.namespace(name)
        ends = list(dict.fromkeys(id for link in links for id in (link.source, link.target)))
        live = transaction.live(number, ends)
        for id in ends:
            if id not in live:
                raise MemoryNotFound(id)
        return transaction.add_links(number, links, runtime.clock())


def log_use(runtime: Runtime, name: Namespace, events: Sequence[Event]) -> None:
    """Append use events."""
    if not events:
        return
    with runtime.backend.transaction() as transaction:
        transaction.add_events(transaction.namespace(name), events)
