"""What a store does between calls: pending vectors, consolidation, erasure, reindexing, checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from agentmem import staleness, validate, writing
from agentmem.backends.base import Columns, Problem
from agentmem.embed.base import Embedder
from agentmem.errors import InvalidInput
from agentmem.index.columns import take
from agentmem.memory import ConsolidationReport, Derived, ErasureReport, Memory, Namespace, Stats
from agentmem.overlap import groups
from agentmem.runtime import Runtime, embed_texts

Progress = Callable[[int, int], None]
_BATCH = 256


def embed_pending(runtime: Runtime, name: Namespace, progress: Progress | None = None) -> int:
    """Make the vectors that were put off, at and below a namespace; returns how many.

    Raises:
        EmbedderError: the embedder failed; what was made before is kept.
    """
    if runtime.embedder is None:
        return 0
    runtime.check_header()
    done = 0
    for number in runtime.numbers(name, True):
        waiting = runtime.backend.pending(number)
        for start in range(0, len(waiting), _BATCH):
            batch = waiting[start : start + _BATCH]
            vectors = embed_texts(runtime.embedder, [text for _, _, text in batch])
            with runtime.backend.transaction() as transaction:
                done += transaction.set_vectors(number, [row for _, row, _ in batch], vectors)
            if progress is not None:
                progress(done, done + len(waiting) - start - len(batch))
    return done


def consolidate(
    runtime: Runtime,
    name: Namespace,
    *,
    maker: str,
    batches: Iterable[Derived],
    progress: Progress | None = None,
) -> ConsolidationReport:
    """Pending vectors, then what the store derives, batch by batch.

    Each batch is one transaction, created first and retired after, so that a run that is killed keeps
    what it finished, and the next one goes on from there. All batches carry the id of the run.
    """
    embedded = embed_pending(runtime, name, progress)
    run = validate.new_id()
    added: list[str] = []
    retired: list[str] = []
    linked = calls = done = left = 0
    cost = 0.0
    for derived in batches:
        calls, cost, left = calls + derived.calls, cost + derived.cost, derived.left
        if derived:
            rows, gone = _write_batch(runtime, name, derived, maker, run, set(added))
            passing = set(added) & set(gone)  # made and replaced within this run: neither to report nor undo
            added = [id for id in added if id not in passing] + [memory.id for memory in rows]
            retired += [id for id in gone if id not in passing]
            linked += len(derived.links)
        done += 1
        if progress is not None:
            progress(done, done + left)
    return ConsolidationReport(
        run,
        embedded=embedded,
        added=tuple(added),
        linked=linked,
        retired=tuple(retired),
        calls=calls,
        cost=cost,
        left=left,
    )


def _write_batch(
    runtime: Runtime, name: Namespace, derived: Derived, maker: str, run: str, made: set[str]
) -> tuple[list[Memory], list[str]]:
    now = runtime.clock()
    drafts = [validate.to_memory(item, name, now) for item in derived.memories]
    makers = {staleness.CORRECTION: staleness.CORRECTOR}  # decisions about facts are every store's
    rows = [replace(memory, made_by=makers.get(memory.kind, maker), run=run) for memory in drafts]
    encodings = runtime.encode([memory.text for memory in rows]) if rows else []
    with runtime.backend.transaction() as transaction:
        runtime.sign(transaction)
        number = transaction.namespace(name)
        retired = writing.write_derived(
            transaction, number, derived, rows, encodings, maker=maker, at=now, run=run
        )
        transaction.note_run(number, run, [id for id in retired if id not in made])
    return rows, retired


def undo(runtime: Runtime, name: Namespace, run: str) -> int:
    """Take back a consolidation; returns how many memories, links and artifacts changed."""
    number = runtime.number(name)
    if number is None:
        return 0
    made, retired = runtime.backend.derived(number, run=run)
    changed = writing.restore(runtime, name, retired)
    now = runtime.clock()
    with runtime.backend.transaction() as transaction:
        transaction.retire(number, [stored.row for stored in made], now)
        changed += len(made) + transaction.retire_links(number, run=run, at=now)
        changed += transaction.reopen_links(number, run, now) + transaction.undo_artifacts(number, run)
    return changed


def erase(runtime: Runtime, name: Namespace, ids: Sequence[str]) -> ErasureReport:
    """Remove memories and all that was derived from them, in the file, its log and its caches."""
    number = runtime.number(name)
    if number is None or not ids:
        return ErasureReport(())
    erased = runtime.backend.erase(number, ids)
    caches = runtime.spaces.erased()
    return ErasureReport(
        ids=erased.ids,
        derived=erased.derived,
        versions=erased.versions,
        words=erased.words,
        links=erased.links,
        log=erased.log,
        caches=caches,
        complete=erased.complete and caches,
        detail=erased.detail,
    )


def reindex(runtime: Runtime, spec: str | Embedder | None, progress: Progress | None = None) -> int:
    """Compute words and vectors of all row versions anew, then swap them in, in one transaction.

    The computing happens before the transaction; rows written meanwhile by others get their
    vectors as pending ones.
    """
    from agentmem.embed.registry import resolve

    if spec is not None:
        runtime.embedder = resolve(spec)
    numbers = [number for number, _ in runtime.backend.namespaces((), past=True)]
    every = [(number, runtime.backend.all_rows(number)) for number in numbers]
    total = sum(len(rows) for _, rows in every)
    made = []
    done = 0
    for number, rows in every:
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            memories = runtime.backend.memories_by_row(part)
            kept = [row for row in part if row in memories]
            encodings = runtime.encode([memories[row].text for row in kept], wait=True)
            made.append((number, kept, encodings))
            done += len(part)
            if progress is not None:
                progress(done, total)
    from agentmem.language.text import ANALYSER

    with runtime.backend.transaction() as transaction:
        transaction.set_embedder(runtime.embedder_name, runtime.fingerprint, runtime.dim)
        transaction.set_analyser(ANALYSER)
        transaction.clear_vectors()
        for number, kept, encodings in made:
            transaction.set_encodings(number, kept, encodings)
    runtime.spaces.erased()
    runtime.renew_spaces()
    return done


def check(runtime: Runtime) -> list[Problem]:
    """Verify the file and its snapshots."""
    snapshots = runtime.spaces.snapshots
    return [*runtime.backend.check(), *([] if snapshots is None else snapshots.check())]


def pending(runtime: Runtime, name: Namespace, maker: str) -> int:
    """Vectors to be made and stale memories of a maker's, at and below a namespace."""
    return _put_off(runtime, runtime.numbers(name, True), maker)[0]


def _put_off(runtime: Runtime, numbers: Sequence[int], maker: str) -> tuple[int, int]:
    """(what is put off, how many memories are stale, whoever made them)."""
    old = [one for number in numbers for one in staleness.listing(runtime.backend, number)]
    own = sum(one.memory.made_by == maker for one in old)
    return runtime.backend.count_pending(numbers) + own, len(old)


def stats(runtime: Runtime, name: Namespace, store: str, maker: str) -> Stats:
    """Count what is stored at and below a namespace; ``maker`` is who ``store`` derives as."""
    backend = runtime.backend
    numbers = runtime.numbers(name, True)
    counts = backend.counts(numbers)
    put_off, stale = _put_off(runtime, numbers, maker)
    folder = runtime.spaces.folder
    cached = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) if folder is not None else 0
    return Stats(
        path=backend.path,
        store=store,
        namespace=name,
        memories=counts["memories"],
        kinds=counts["kinds"],
        versions=counts["versions"],
        namespaces=len(numbers),
        links=counts["links"],
        pending=put_off,
        first=counts["first"],
        last=counts["last"],
        bytes=counts["bytes"],
        cache_bytes=cached,
        index_bytes=runtime.spaces.nbytes,
        embedder=runtime.embedder_name,
        dim=runtime.dim,
        index=runtime.spaces.stats(),
        stale=stale,
    )


def duplicates(runtime: Runtime, name: Namespace, threshold: float) -> list[list[Memory]]:
    """Groups of live memories whose word sets overlap by at least ``threshold`` (Jaccard).

    What a store derived says again what its sources say, and is in none.
    """
    if not 0 < validate.number(threshold, "threshold") <= 1:
        raise InvalidInput(f"threshold={threshold!r} is not over 0 and up to 1")
    number = runtime.number(name)
    if number is None:
        return []
    columns: Columns
    _, columns = runtime.backend.columns(number)
    columns = take(columns, np.flatnonzero([maker is None for maker in columns.made_by]))
    found = groups(columns.tokens, columns.token_offsets, threshold)
    rows = [[int(columns.rows[i]) for i in group] for group in found]
    memories = runtime.backend.memories_by_row([row for group in rows for row in group])
    return [[memories[row] for row in group if row in memories] for group in rows]
