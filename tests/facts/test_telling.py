"""What told nothing to an earlier process is not read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem.facts import telling
from agentmem.facts.view import view_of
from agentmem.store import MemoryStore

SAID = ("Ada lives in Paris.", "hm, well", "Ben lives in Oslo.", "so it goes", "what a day it was!")


def opened(path: Path, **options: Any) -> MemoryStore:
    store = agentmem.open(path, embedder="none", **options)
    assert store._runtime.spaces.snapshots is not None
    store._runtime.spaces.snapshots.min_documents = 2
    return store


def read(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that a first look at the facts reads."""
    seen: list[str] = []
    backend = store._runtime.backend
    plain = backend.memories_by_row

    def noted(rows: Any) -> Any:
        found = plain(rows)
        seen.extend(memory.text for memory in found.values())
        return found

    monkeypatch.setattr(backend, "memories_by_row", noted)
    store.facts()
    monkeypatch.undo()
    return seen


def test_only_what_tells_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.db"
    with opened(path) as store:
        store.add_many(SAID)
        before = store.facts()
        assert {fact.object for fact in before} == {"Paris", "Oslo"}
    with opened(path) as store:
        later = store.add("Cleo lives in Rome.")
        again = read(store, monkeypatch)
        assert "hm, well" not in again and set(again) >= {SAID[0], SAID[2], later.text}
        assert store.facts("Ada") == [fact for fact in before if fact.subject == "Ada"]
        assert store.ask("Where does Cleo live?").text == "Rome"
        store.update(store.list().__next__().id, text="Ada lives in Bern.")
    with opened(path) as store:
        assert store.ask("Where does Ada live?").text == "Bern"


def test_rows_of_another_reader_or_before_an_erasure_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.db"
    with opened(path) as store:
        added = store.add_many(SAID)
        store.facts()
    with monkeypatch.context() as patched, opened(path, readonly=True) as store:
        patched.setattr(telling, "READER", telling.READER + 1)
        assert set(read(store, patched)) == set(SAID)
    with opened(path) as store:
        store.erase(ids=added[1].id)
        assert set(read(store, monkeypatch)) == set(SAID) - {SAID[1]}


def test_what_was_never_read_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(path) as store:
        store.add_many(SAID)
        store.facts()
    with opened(path) as store:
        store.add_many([*SAID, "Dan lives in Lima."])  # closed without a look at the facts
    with opened(path) as store:
        assert store.ask("Where does Dan live?").text == "Lima"
        view = view_of(store._runtime, store._runtime.number(()) or 0)
        assert len(view) == 5
