"""The common interface: what callers do with a memory, and what a store adds to it.

The callers' half is written once, here. A store overrides hooks (``_encode``, ``_recipe``, …)
and no public verb.
"""

from __future__ import annotations

import builtins  # the class has a verb called list
import os
from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from agentmem import finding, listing, staleness, upkeep, validate, writing
from agentmem.async_twins import AsyncTwins
from agentmem.backends.base import Event, Problem
from agentmem.clock import TimeLike, to_datetime
from agentmem.errors import (
    AgentmemError,
    BatchFailed,
    InvalidInput,
    InvalidNamespace,
    MemoryNotFound,
    UnknownOption,
)
from agentmem.memory import (
    Answer,
    ConsolidationReport,
    Context,
    Cue,
    Derived,
    Draft,
    ErasureReport,
    Hit,
    Json,
    Link,
    Memory,
    Namespace,
    Stats,
)
from agentmem.recall.recipe import Recipe
from agentmem.staleness import Stale

if TYPE_CHECKING:
    from agentmem.embed.base import Embedder
    from agentmem.facts.handle import Facts
    from agentmem.index.base import Mask
    from agentmem.index.space import Space
    from agentmem.recall.prior import Prior
    from agentmem.runtime import Runtime

Filter = Mapping[str, Json]
During = Sequence[TimeLike | None]
GRADES = ("again", "hard", "good", "easy")
ORDERS = ("at", "-at", "position", "-position")
Self = TypeVar("Self", bound="MemoryStore")
_DEFAULT_RECIPE = Recipe()


class MemoryStore(AsyncTwins, ABC):
    """A memory behind one wall: a namespace of a file, seen through one store.

    Made by :func:`agentmem.open`. Threads may share it; other processes may open the same file.
    Every verb has an async twin (``aadd``, ``asearch``, …) that runs it on a small pool of threads.

    Attributes:
        name: the store's name.
        options: names of the options that ``open`` may pass to this store, with their defaults; those of
            the base class are every store's. ``updates`` says what is done with updates in other
            words ("X passed away in Y" after "X died in Z"): "strict" (the default) nothing, "propose"
            shows both with their dates, "auto" acts on the strong ones, some of which are false
            (``python -m agentmem.evals.updates`` prints how many).
    """

    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {"updates": "strict"}

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        cls.options = {**MemoryStore.options, **cls.options}

    def __init__(self, runtime: Runtime, name: Namespace = (), **options: Any) -> None:
        for option in options:
            if option not in self.options:
                raise UnknownOption("option", option, self.options)
        self._runtime = runtime
        self._namespace = name
        self._options = {**self.options, **options}
        validate.updates(self._options["updates"])
        self._is_child = False
        self._fingerprinted: tuple[Recipe | None, str] = (None, "")

    # --- hooks for implementers ------------------------------------------------------------------
    def _encode(self, episodes: Sequence[Memory]) -> Derived:
        """What to write together with new episodes; quick and local, or empty."""
        return Derived()

    def _recipe(self) -> Recipe:
        """How this store weighs signals, spread and prior; the same object each time is cheapest."""
        return _DEFAULT_RECIPE

    def _cue(self, query: str, k: int) -> Cue:
        """The question as the engine shall read it, which memories it may find, and how many."""
        return Cue(query)

    def _priors(self, space: Space, at: datetime, known_at: datetime | None) -> Prior | None:
        """What each document weighs before anything is asked, in [0, 1], such as its retention."""
        return None

    def _hidden(self, space: Space, at: datetime, known_at: datetime | None) -> Mask | None:
        """Which documents recall does not find at a time, such as what was forgotten."""
        return None

    def _assemble(self, query: str, hits: builtins.list[Hit]) -> builtins.list[Hit]:
        """Reorder or complete the hits: whole events, linked notes."""
        return hits

    def _maintain(self, at: datetime) -> Iterable[Derived]:
        """What consolidation adds, links and retires, batch by batch.

        Each batch is written before the next is asked for, in a transaction of its own: derive only
        what is missing, so that a run that was killed goes on where it stopped.
        """
        return ()

    def _faded(self, at: datetime) -> Iterable[Memory]:
        """What has faded by a time, by this store's policy, beyond what has expired."""
        return ()

    @property
    def _maker(self) -> str:
        """Who derived rows are made by: the store and the fingerprint of its parameters."""
        recipe = self._recipe()
        if recipe is not self._fingerprinted[0]:
            self._fingerprinted = (recipe, f"{self.name}:{recipe.fingerprint()}")
        return self._fingerprinted[1]

    # --- writing ---------------------------------------------------------------------------------
    def add(
        self,
        text: str,
        *,
        at: TimeLike | None = None,
        speaker: str | None = None,
        session: str | None = None,
        metadata: Mapping[str, Json] | None = None,
        data: Json = None,
        kind: str = "episode",
        id: str | None = None,
        on_conflict: str = "error",
        role: str | None = None,
        sources: Sequence[str] = (),
        trust: float | None = None,
        valid_from: TimeLike | None = None,
        valid_until: TimeLike | None = None,
        expires_at: TimeLike | None = None,
    ) -> Memory:
        """Store one memory; on disk and findable when it returns.

        Args:
            text: what was said or done, kept verbatim; empty only with ``data``.
            at: when it happened; now by default. Without a zone it is read as UTC.
            speaker: who said it.
            session: the conversation it belongs to; turns of a session give each other context.
            metadata: a JSON object that filters can ask for.
            data: any JSON, kept and never looked at.
            kind: "episode" unless it is something derived.
            id: an id of your own, unique in the namespace; minted by default.
            on_conflict: when the id exists: "error", "replace" (a new version) or "skip".
            role: "user", "assistant", "system" or "tool".
            sources: ids it was derived from.
            trust: from 0 to 1; by default 1, and 0.5 for a tool.
            valid_from: since when what it says holds.
            valid_until: until when it holds.
            expires_at: from then on it is not recalled.

        Returns:
            The memory as stored (with "skip", the one that was there).

        Raises:
            InvalidInput: something cannot be stored; the message names it.
            DuplicateId: the id exists and ``on_conflict`` is "error".
        """
        item = Draft(
            text, at, speaker, session, metadata, data, kind, id, role, sources,
            trust, valid_from, valid_until, expires_at,
        )  # fmt: skip
        return self._write([item], on_conflict)[0]

    def add_many(
        self,
        items: Iterable[str | Mapping[str, Any] | Draft],
        *,
        batch_size: int | None = 1000,
        on_conflict: str = "error",
        progress: Callable[[int], None] | None = None,
    ) -> builtins.list[Memory]:
        """Store many memories, one transaction a batch.

        Args:
            items: strings, mappings with the keys of :meth:`add`, or :class:`~agentmem.memory.Draft`.
                May be a generator; it is read batch by batch.
            batch_size: memories a transaction; None for all in one.
            on_conflict: as in :meth:`add`.
            progress: called with the number stored so far after each batch.

        Returns:
            The memories in the order of the items.

        Raises:
            BatchFailed: a batch after the first failed; those before it are stored.
            AgentmemError: the first batch failed; nothing is stored.
        """
        if batch_size is not None:
            validate.count(batch_size, "batch_size")
        source = iter([items] if isinstance(items, (str, Draft, Mapping)) else items)
        stored: builtins.list[Memory] = []
        while batch := list(islice(source, batch_size)) if batch_size else list(source):
            try:
                stored += self._write([validate.draft(item) for item in batch], on_conflict)
            except AgentmemError as error:
                if not stored:
                    raise
                raise BatchFailed(len(stored), error) from error
            if progress is not None:
                progress(len(stored))
        return stored

    def add_messages(
        self, messages: Iterable[Any], *, session: str | None = None, at: TimeLike | None = None
    ) -> builtins.list[Memory]:
        """Store chat messages, roles kept, in one transaction.

        Args:
            messages: OpenAI-shaped mappings or LangChain-shaped message objects. System messages
                are left out; tool calls and parts that are not text go into ``data``; text that
                recall had put into a message is stripped.
            session: the conversation.
            at: when; now by default.
        """
        from agentmem import messages as reading

        return self.add_many(reading.drafts(messages, session=session, at=at), batch_size=None)

    def load(
        self,
        memories: Iterable[Memory],
        *,
        batch_size: int = 1000,
        progress: Callable[[int], None] | None = None,
    ) -> int:
        """Take in complete records, as :meth:`list` and :meth:`history` gave them, into this namespace.

        Times of recording, versions, makers and retired versions come back as they were. Give the
        versions of a memory oldest first. A memory whose id was ever used here is passed over, so
        that loading twice is loading once.

        Returns:
            How many row versions were written.
        """
        validate.count(batch_size, "batch_size")
        source = iter(memories)
        begun: set[str] = set()
        written = 0
        while batch := builtins.list(islice(source, batch_size)):
            written += writing.load(self._runtime, self._namespace, batch, begun)
            if progress is not None:
                progress(written)
        return written

    def add_links(self, links: Iterable[Link]) -> int:
        """Write links between memories of this namespace; returns how many.

        Raises:
            MemoryNotFound: a link starts or ends at no live memory.
            InvalidInput: a weight is not from 0 to 1.
        """
        return writing.add_links(self._runtime, self._namespace, builtins.list(links))

    def update(
        self,
        id: str,
        *,
        text: str | None = None,
        metadata: Mapping[str, Json] | None = None,
        merge: bool = False,
        at: TimeLike | None = None,
        speaker: str | None = None,
        session: str | None = None,
        valid_from: TimeLike | None = None,
        valid_until: TimeLike | None = None,
        expires_at: TimeLike | None = None,
    ) -> Memory:
        """Write a new version of a memory; what is not given stays. The old one is kept in history.

        Args:
            id: the memory.
            text: the new text.
            metadata: the new metadata; with ``merge`` laid over the old keys.
            merge: see ``metadata``.
            at: when it happened.
            speaker: who said it.
            session: the conversation.
            valid_from: since when it holds.
            valid_until: until when it holds; closes a fact.
            expires_at: from then on it is not recalled.

        Raises:
            MemoryNotFound: no live memory has the id.
        """
        change: dict[str, Any] = {
            "text": text, "metadata": metadata, "at": at, "speaker": speaker, "session": session,
            "valid_from": valid_from, "valid_until": valid_until, "expires_at": expires_at,
        }  # fmt: skip
        change = {key: value for key, value in change.items() if value is not None}
        return writing.update(self._runtime, self._namespace, id, change, merge)

    def delete(self, ids: str | Iterable[str]) -> int:
        """Retire memories: gone from recall, kept in history; returns how many were live.

        :meth:`restore` brings them back, :meth:`erase` removes them for good.
        """
        return writing.retire(self._runtime, self._namespace, validate.ids(ids))

    def restore(self, ids: str | Iterable[str]) -> int:
        """Bring deleted memories back as new versions; returns how many were brought back."""
        return writing.restore(self._runtime, self._namespace, validate.ids(ids))

    def erase(self, *, ids: str | Iterable[str] | None = None, filter: Filter | None = None) -> ErasureReport:
        """Remove memories for good: all versions, all that was derived from them, every copy.

        Args:
            ids: which ones, deleted ones included.
            filter: or all live ones that match.

        Raises:
            InvalidInput: neither or both were given.
        """
        if (ids is None) == (filter is None):
            raise InvalidInput("erase takes either ids= or filter=; to erase everything pass filter={}")
        wanted = validate.ids(ids) if ids is not None else [m.id for m in self.list(filter=filter)]
        return upkeep.erase(self._runtime, self._namespace, wanted)

    def reinforce(self, ids: str | Iterable[str], *, grade: str = "good", at: TimeLike | None = None) -> None:
        """Say which memories helped: use is a log of events, which the forgetting curve reads.

        Args:
            ids: the memories.
            grade: "again" (it was wrong or useless), "hard", "good" or "easy".
            at: when; now by default.
        """
        if grade not in GRADES:
            raise UnknownOption("grade", grade, GRADES)
        when = self._now(at)
        names = validate.ids(ids)
        found = self.get_many(names)
        if missing := set(names) - {memory.id for memory in found}:
            raise MemoryNotFound(sorted(missing)[0])
        writing.log_use(self._runtime, self._namespace, [Event(id, when, grade) for id in names])

    # --- reading ---------------------------------------------------------------------------------
    def get(self, id: str, *, known_at: TimeLike | None = None) -> Memory:
        """The live version of a memory, or the one known at a time.

        Raises:
            MemoryNotFound: there is none.
        """
        found = self.get_many([id], known_at=known_at)
        if not found:
            raise MemoryNotFound(id)
        return found[0]

    def get_many(self, ids: Iterable[str], *, known_at: TimeLike | None = None) -> builtins.list[Memory]:
        """The live versions of memories, in the order asked; missing ones are left out."""
        wanted = validate.ids(ids)
        number = self._runtime.number(self._namespace)
        if number is None:
            return []
        found = self._runtime.backend.get(number, wanted, known_at=validate.moment(known_at, "known_at"))
        return [found[id].memory for id in wanted if id in found]

    def list(
        self,
        *,
        filter: Filter | None = None,
        during: During | None = None,
        order: str = "at",
        after: str | None = None,
        limit: int | None = None,
        subtree: bool = False,
        known_at: TimeLike | None = None,
    ) -> Iterator[Memory]:
        """Memories in order, read by pages.

        Args:
            filter: only those that match.
            during: only start <= at < end; a pair, None for an open side.
            order: "at", "-at" (newest first), "position" (arrival) or "-position".
            after: only what comes after the memory with this id.
            limit: at most so many.
            subtree: also of all namespaces below.
            known_at: the versions known then.
        """
        if order not in ORDERS:
            raise UnknownOption("order", order, ORDERS)
        if limit is not None:
            limit = validate.count(limit, "limit")
        return listing.memories(
            self._runtime,
            self._namespace,
            filter=filter,
            during=validate.interval(during),
            order=order,
            after=after,
            limit=limit,
            subtree=subtree,
            known_at=validate.moment(known_at, "known_at"),
        )

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        during: During | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> builtins.list[Hit]:
        """The k best memories for a question, best first. Changes nothing.

        Args:
            query: the question.
            k: how many.
            at: the time it is asked: what "last week" is relative to, and when validity and
                expiry are judged; now by default. It hides nothing that is dated later.
            known_at: search the versions known then, by an exact scan.
            during: only memories with start <= at < end.
            filter: only memories that match.
            subtree: search all namespaces below too, statistics summed.
        """
        return self.search_many(
            [query], k, at=at, known_at=known_at, during=during, filter=filter, subtree=subtree
        )[0]

    def search_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        during: During | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> builtins.list[builtins.list[Hit]]:
        """:meth:`search` for several questions at once, embedded in one batch."""
        k = validate.count(k)
        if isinstance(queries, str):
            raise InvalidInput(f"queries is a list of questions: pass [{queries!r}]")
        asked = [validate.query_text(query) for query in queries]
        found = finding.search(
            self._runtime,
            self._namespace,
            [self._cue(query, k) for query in asked],
            k,
            recipe=self._recipe(),
            maker=self._maker,
            at=self._now(at),
            known_at=validate.moment(known_at, "known_at"),
            during=validate.interval(during),
            filter=filter,
            subtree=subtree,
            weigh=self._priors,
            hide=self._hidden,
        )
        return [self._assemble(query, hits)[:k] for query, hits in zip(asked, found, strict=True)]

    def recall(
        self,
        query: str,
        k: int = 10,
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        during: During | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> builtins.list[Hit]:
        """:meth:`search`, and the use is recorded: being retrieved counts less than having helped."""
        hits = self.search(query, k, at=at, known_at=known_at, during=during, filter=filter, subtree=subtree)
        when = self._now(at)
        by_space: dict[Namespace, builtins.list[Event]] = {}
        for hit in hits:
            by_space.setdefault(hit.memory.namespace, []).append(Event(hit.memory.id, when))
        for name, events in by_space.items():
            writing.log_use(self._runtime, name, events)
        return hits

    def explain(
        self,
        hits: Sequence[Hit],
        *,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        filter: Filter | None = None,
    ) -> builtins.list[Hit]:
        """Hits of a search with all that is known of why: what their facts replaced, or were replaced by.

        ``replaces “Acme is led by Dora.” since 3 May 2022``, or the reverse; see
        :mod:`agentmem.facts.changes`. It reads the memories around the hits' statements, so a search does it
        only when asked.

        Args:
            hits: what :meth:`search` gave, here or below.
            at: as in the search: as things stood then.
            known_at: as in the search.
            filter: as in the search: only of memories that match is anything told.

        Returns:
            The same hits, in the same order, with more in ``why``.
        """
        from agentmem.facts.changes import explained

        return explained(
            self._runtime,
            self._namespace,
            hits,
            at=self._now(at),
            known_at=validate.moment(known_at, "known_at"),
            filter=filter,
            updates=self._options["updates"],
            hide=self._hidden,
        )

    def context(
        self,
        query: str | None = None,
        *,
        tokens: int = 2000,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        k: int = 50,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> Context:
        """Recalled text for a prompt: dated, cited by id, fenced as data, within a token budget.

        Args:
            query: the question; without one, the newest memories, what stores derived left out.
            tokens: the budget, by an estimate that errs on the safe side.
            at: as in :meth:`search`.
            known_at: as in :meth:`search`.
            k: how many memories are considered.
            filter: as in :meth:`search`.
            subtree: as in :meth:`search`.
        """
        from agentmem.recall.context import build_context

        tokens = validate.count(tokens, "tokens")
        when = self._now(at)
        if query is None:
            given: Filter = {"@made_by": {"$exists": False}}
            wanted = {"$and": [filter, given]} if filter else given
            newest = self.list(order="-at", limit=k, known_at=known_at, filter=wanted, subtree=subtree)
            told = [memory for memory in newest if memory.text]
            old = staleness.among(self._runtime, told)
            hits = [Hit(m, 0.0, 0.0, {}, stale=old.get((m.namespace, m.id), ())) for m in told]
        else:
            hits = self.search(query, k, at=when, known_at=known_at, filter=filter, subtree=subtree)
        order = finding.arrival(self._runtime, hits)
        return build_context(hits, tokens=tokens, at=when, query=query, order=order)

    def ask(
        self,
        question: str,
        *,
        k: int = 10,
        at: TimeLike | None = None,
        known_at: TimeLike | None = None,
        filter: Filter | None = None,
        subtree: bool = False,
    ) -> Answer:
        """Answer by quoting memory, with no language model.

        Facts are walked first (see :attr:`facts`), over as many hops as the question names, as they stood
        when it is asked; where no walk is sure, the best sentences that are found are read.

        Returns:
            The name, date, number or sentence that answers, with the memories it rests on; ``chain`` has
            the facts walked and what they replaced. ``text`` is None when the memory does not hold it.
        """
        from agentmem.facts import answering, checking
        from agentmem.recall.reader import LOOKED_AT, read

        when = self._now(at)
        told = answering.first(
            self._runtime,
            self._namespace,
            validate.query_text(question),
            at=when,
            known_at=validate.moment(known_at, "known_at"),
            filter=filter,
            subtree=subtree,
            updates=self._options["updates"],
            hide=self._hidden,
        )
        if told is not None:
            return told
        hits = self.search(question, k, at=when, known_at=known_at, filter=filter, subtree=subtree)
        before = finding.turns_before(self._runtime, hits[:LOOKED_AT]) if known_at is None else None
        names = answering.known_names(self._runtime, self._namespace, question)
        quoted = read(question, hits, when, before, names)
        return checking.checked(self._runtime, question, quoted, validate.moment(known_at, "known_at"))

    @property
    def facts(self) -> Facts:
        """The facts of this namespace: list, explain and correct them; see :mod:`agentmem.facts.handle`."""
        from agentmem.facts.handle import Facts

        return Facts(self._runtime, self._namespace, self._options["updates"], self._hidden)

    def history(self, id: str) -> builtins.list[Memory]:
        """All versions of a memory, oldest first.

        Raises:
            MemoryNotFound: there never was one, or it was erased.
        """
        validate.ids(id)
        number = self._runtime.number(self._namespace)
        versions = [] if number is None else self._runtime.backend.history(number, id)
        if not versions:
            raise MemoryNotFound(id)
        return versions

    def links(
        self, ids: str | Iterable[str] | None = None, *, known_at: TimeLike | None = None
    ) -> builtins.list[Link]:
        """Links that start or end at memories; all of the namespace for None."""
        number = self._runtime.number(self._namespace)
        if number is None:
            return []
        wanted = None if ids is None else validate.ids(ids)
        return self._runtime.backend.links(number, wanted, known_at=validate.moment(known_at, "known_at"))

    # --- namespaces ------------------------------------------------------------------------------
    def namespace(self: Self, *parts: str) -> Self:
        """A handle on a namespace below this one; it cannot reach a sibling or a parent."""
        if not parts:
            raise InvalidNamespace("name at least one label, such as namespace('users', 'ada')")
        child = type(self)(self._runtime, self._namespace + validate.namespace(parts), **self._options)
        child._is_child = True
        return child

    def list_namespaces(self) -> builtins.list[Namespace]:
        """The namespaces at and below this one that hold a memory, in order."""
        return [name for _, name in self._runtime.backend.namespaces(self._namespace)]

    # --- upkeep ----------------------------------------------------------------------------------
    def consolidate(
        self, *, at: TimeLike | None = None, progress: Callable[[int, int], None] | None = None
    ) -> ConsolidationReport:
        """Do what was put off: pending vectors, and what the store derives. Can be undone.

        Unless ``updates`` is "strict", also decides which wordings of facts mean one relation; see
        :mod:`agentmem.facts.settling`.
        """
        from agentmem.facts.settling import with_facts

        when = self._now(at)
        updates = self._options["updates"]
        return upkeep.consolidate(
            self._runtime,
            self._namespace,
            maker=self._maker,
            batches=with_facts(self._maintain(when), self._runtime, self._namespace, updates),
            progress=progress,
        )

    def undo(self, run: str) -> int:
        """Take back a consolidation: what it made is retired, what it retired comes back.

        Returns:
            How many memories, links and artifacts changed.
        """
        return upkeep.undo(self._runtime, self._namespace, validate.text_value(run, "run"))

    def forget(self, *, at: TimeLike | None = None, dry_run: bool = False) -> builtins.list[Memory]:
        """Retire what has expired or faded by a time; with ``dry_run`` only say what would go."""
        when = self._now(at)
        expired = [m for m in self.list() if m.expires_at is not None and m.expires_at <= when]
        known = {memory.id for memory in expired}
        going = expired + [memory for memory in self._faded(when) if memory.id not in known]
        if not dry_run:
            writing.retire(self._runtime, self._namespace, [memory.id for memory in going])
        return going

    def duplicates(self, threshold: float = 0.9) -> builtins.list[builtins.list[Memory]]:
        """Groups of near-duplicates, oldest first in each: their word sets overlap by ``threshold``.

        Args:
            threshold: least Jaccard overlap of the two sets of content words, over 0 and up to 1.
        """
        return upkeep.duplicates(self._runtime, self._namespace, threshold)

    def stale(self) -> builtins.list[Stale]:
        """Derived memories of this namespace, whoever made them, whose sources changed since.

        Recall finds them with a malus and says so; the next :meth:`consolidate` of the store that made them
        derives them anew. One that a caller added stays until it is updated or deleted.
        """
        number = self._runtime.number(self._namespace)
        return [] if number is None else staleness.listing(self._runtime.backend, number)

    def pending(self) -> int:
        """What is put off, here and below: vectors to be made, and what of this store's is stale.

        :meth:`flush` makes the vectors, meanwhile the memories are found by words; :meth:`consolidate`
        does both.
        """
        return upkeep.pending(self._runtime, self._namespace, self._maker)

    def flush(self, *, progress: Callable[[int, int], None] | None = None) -> int:
        """Make the pending vectors, here and below; returns how many were made."""
        return upkeep.embed_pending(self._runtime, self._namespace, progress)

    def reindex(
        self,
        *,
        embedder: str | Embedder | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Compute words and vectors of the whole file anew, with another embedder if one is given.

        Returns:
            How many row versions were indexed.
        """
        self._whole_file("reindex")
        return upkeep.reindex(self._runtime, embedder, progress)

    def check(self) -> builtins.list[Problem]:
        """Verify the whole file, its links, its vectors and its snapshots; empty when clean."""
        self._whole_file("check")
        return upkeep.check(self._runtime)

    def backup(self, path: str) -> None:
        """Write a complete copy of the file to a new file, while others read and write."""
        self._whole_file("backup")
        self._runtime.backend.backup(os.fspath(path))

    def stats(self) -> Stats:
        """What is stored here and below, and what it takes."""
        return upkeep.stats(self._runtime, self._namespace, self.name, self._maker)

    def close(self) -> None:
        """Close the file and write the snapshots. A handle from :meth:`namespace` closes nothing."""
        if not self._is_child:
            self._runtime.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._runtime.backend.path!r} namespace={self._namespace!r}>"

    # --- inside ----------------------------------------------------------------------------------
    def _now(self, at: TimeLike | None) -> datetime:
        return self._runtime.clock() if at is None else to_datetime(at)

    def _whole_file(self, verb: str) -> None:
        if self._is_child:
            raise InvalidNamespace(f"{verb} concerns the whole file: call it on the store that open() gave")

    def _write(self, items: Sequence[Draft], on_conflict: str) -> builtins.list[Memory]:
        now = self._runtime.clock()
        memories = [validate.to_memory(item, self._namespace, now) for item in items]
        chosen = [item.id is not None for item in items]
        return writing.add(
            self._runtime, self._namespace, memories, chosen, on_conflict, self._encode, self._maker
        )


def derived_memory(item: Draft, name: Namespace, now: datetime, maker: str, run: str | None) -> Memory:
    """A derived row version: a draft with its maker and the run that made it."""
    return replace(validate.to_memory(item, name, now), made_by=maker, run=run)
