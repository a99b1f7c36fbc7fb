"""The contract finds what it is there to find: stores with a fault each, and the test that must fail."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem.clock import Clock, ManualClock
from agentmem.memory import Answer, Context, Derived, Draft, ErasureReport, Hit, Memory
from agentmem.store import MemoryStore
from agentmem.stores.episodic import EpisodicStore
from agentmem.testing import Contract, StoreContract, overridden
from agentmem.testing.base import DIARY, NOW


class DropsDoubles(EpisodicStore):
    def add(self, text: str, **options: Any) -> Memory:
        for memory in self.list():
            if memory.text == text:
                return memory
        return super().add(text, **options)


class WorstFirst(EpisodicStore):
    def search_many(self, *args: Any, **options: Any) -> builtins.list[builtins.list[Hit]]:
        return [hits[::-1] for hits in super().search_many(*args, **options)]


class OneTooMany(EpisodicStore):
    def search(self, query: str, k: int = 10, **options: Any) -> builtins.list[Hit]:
        return super().search(query, k + 1, **options)


class WritesWhenSearched(EpisodicStore):
    def search(self, query: str, k: int = 10, **options: Any) -> builtins.list[Hit]:
        hits = super().search(query, k, **options)
        for hit in hits[:1]:
            self.update(hit.memory.id, metadata={"seen": True}, merge=True)
        return hits


class StringPrefixes(EpisodicStore):
    def list(self, *, subtree: bool = False, **options: Any) -> Iterator[Memory]:
        if not subtree:
            return super().list(**options)
        start = "/".join(self._namespace)
        root = type(self)(self._runtime)
        names = [name for name in MemoryStore.list_namespaces(root) if "/".join(name).startswith(start)]
        handles = [root.namespace(*name) if name else root for name in names]
        return (memory for handle in handles for memory in handle.list(**options))


class LeaksToChildren(EpisodicStore):
    def get_many(self, ids: Any, **options: Any) -> builtins.list[Memory]:
        found = super().get_many(ids, **options)
        return found or MemoryStore.get_many(type(self)(self._runtime, ("users", "ada")), ids, **options)


class OverwritesHistory(EpisodicStore):
    def history(self, id: str) -> builtins.list[Memory]:
        return super().history(id)[-1:]


class HidesTheFuture(EpisodicStore):
    def search(self, query: str, k: int = 10, *, at: Any = None, **options: Any) -> builtins.list[Hit]:
        now = self._now(at)
        return [hit for hit in super().search(query, k, at=at, **options) if hit.memory.at <= now]


class ForgetsKnownAt(EpisodicStore):
    def search_many(
        self, *args: Any, known_at: Any = None, **options: Any
    ) -> builtins.list[builtins.list[Hit]]:
        return super().search_many(*args, **options)


class NaiveTimes(EpisodicStore):
    def get_many(self, ids: Any, **options: Any) -> builtins.list[Memory]:
        return [replace(m, at=m.at.astimezone(NOW.tzinfo)) for m in super().get_many(ids, **options)]


class OnlyHidesWhatItErases(EpisodicStore):
    def erase(self, *, ids: Any = None, filter: Any = None) -> ErasureReport:
        wanted = [ids] if isinstance(ids, str) else ids
        self.delete(wanted)
        return ErasureReport(tuple(wanted), versions=2, words=1)


class NoFence(EpisodicStore):
    def context(self, *args: Any, **options: Any) -> Context:
        found = super().context(*args, **options)
        return replace(found, text="\n".join(hit.memory.text for hit in found.hits))


class AlwaysAnswers(EpisodicStore):
    def ask(self, question: str, **options: Any) -> Answer:
        return replace(super().ask(question, **options), text="Yes.", confidence=0.9)


class FiltersLate(EpisodicStore):
    def search(self, query: str, k: int = 10, *, filter: Any = None, **options: Any) -> builtins.list[Hit]:
        allowed = {memory.id for memory in self.list(filter=filter)}
        return [hit for hit in super().search(query, k, **options) if hit.memory.id in allowed]


class ServesStaleAsFresh(EpisodicStore):
    def search(self, query: str, k: int = 10, **options: Any) -> builtins.list[Hit]:
        return [replace(hit, stale=()) for hit in super().search(query, k, **options)]


class NotesOnce(EpisodicStore):
    def _encode(self, episodes: Any) -> Derived:
        notes = [Draft(f"Note: {e.text}", kind="note", sources=(e.id,)) for e in episodes if e.text]
        return Derived(memories=tuple(notes))


class ShowsNotes(NotesOnce):
    def context(self, query: str | None = None, **options: Any) -> Context:
        return super().context("Biscuit" if query is None else query, **options)


class AsksTheOldest(EpisodicStore):
    def ask(self, question: str, **options: Any) -> Answer:
        return super().ask(question, **{**options, "at": NOW.replace(year=2000)})


class StaysOpen(EpisodicStore):
    def close(self) -> None:
        pass


MUTANTS: list[tuple[type[MemoryStore], Callable[..., None]]] = [
    (DropsDoubles, StoreContract.test_equal_content_is_two_memories),
    (WorstFirst, StoreContract.test_at_most_k_best_first),
    (WorstFirst, StoreContract.test_an_exact_match_is_on_top),
    (OneTooMany, StoreContract.test_at_most_k_best_first),
    (WritesWhenSearched, StoreContract.test_asking_changes_no_answer),
    (WritesWhenSearched, StoreContract.test_reading_changes_no_byte),
    (StringPrefixes, StoreContract.test_prefixes_are_of_labels),
    (LeaksToChildren, StoreContract.test_a_namespace_is_a_wall),
    (OverwritesHistory, StoreContract.test_an_update_keeps_what_was),
    (HidesTheFuture, StoreContract.test_an_appointment_is_found_before_its_day),
    (ForgetsKnownAt, StoreContract.test_as_known_then),
    (NaiveTimes, StoreContract.test_every_field_comes_back),
    (OnlyHidesWhatItErases, StoreContract.test_what_is_erased_is_gone),
    (OnlyHidesWhatItErases, StoreContract.test_no_byte_of_what_was_erased),
    (NoFence, StoreContract.test_a_context_is_fenced_dated_and_cited),
    (NoFence, StoreContract.test_a_memory_cannot_end_the_fence),
    (AlwaysAnswers, StoreContract.test_it_says_when_it_does_not_know),
    (FiltersLate, StoreContract.test_a_filter_is_exact),
    (ServesStaleAsFresh, StoreContract.test_what_rests_on_a_change_is_stale),
    (NotesOnce, StoreContract.test_consolidation_derives_anew),
    (ShowsNotes, StoreContract.test_the_newest_memories_are_what_came_in),
    (AsksTheOldest, StoreContract.test_a_changed_fact_changes_the_answer),
    (StaysOpen, StoreContract.test_a_closed_store),
]


@pytest.mark.parametrize(
    ("mutant", "test"), MUTANTS, ids=[f"{mutant.__name__}-{test.__name__}" for mutant, test in MUTANTS]
)
def test_a_fault_is_found(mutant: type[MemoryStore], test: Callable[..., None], tmp_path: Path) -> None:
    class Case(StoreContract):
        def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
            return agentmem.open(path, store=mutant, clock=clock, **options)

    path, clock = str(tmp_path / "memory.db"), ManualClock(NOW)
    names = test.__code__.co_varnames[1 : test.__code__.co_argcount]
    values: dict[str, Any] = {"path": path, "clock": clock, "question": "Who is the captain?"}
    with agentmem.open(path, store=mutant, clock=clock) as store:
        if "diary" in names:
            store.add_many(DIARY)
        values |= {"memory": store, "diary": store}
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test(Case(), **{name: values[name] for name in names})
        store._runtime.close()


def test_an_override_needs_a_reason() -> None:
    class Quiet(Contract):
        def test_no_contract_test_is_overridden(self) -> None:
            pass

    class Removed(StoreContract):
        test_a_thousand = None  # type: ignore[assignment]

        def make_store(self, path: str, clock: Clock, **options: Any) -> MemoryStore:
            raise NotImplementedError

    class Excused(Removed):
        @pytest.mark.xfail(reason="it is too slow for a thousand")
        def test_a_thousand(self, memory: MemoryStore) -> None:
            super().test_a_thousand(memory)

    class Unexcused(Excused):
        @pytest.mark.xfail
        def test_a_thousand(self, memory: MemoryStore) -> None: ...

    assert overridden(Quiet) == ["test_no_contract_test_is_overridden"]
    assert overridden(Removed) == ["test_a_thousand"]
    assert overridden(Excused) == []
    assert overridden(Unexcused) == ["test_a_thousand"]
    Excused().test_no_contract_test_is_overridden()
    with pytest.raises(AssertionError, match="test_a_thousand"):
        Removed().test_no_contract_test_is_overridden()
