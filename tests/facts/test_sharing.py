"""Facts under many hands: threads, a read-only file, a backup."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import agentmem
from agentmem import ManualClock
from agentmem.errors import ReadOnlyFile

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Fay", "Gil", "Hal")


def test_threads_write_correct_and_ask(tmp_path: Path) -> None:
    """Every thread finds its own facts and corrections; at the end all are there."""
    path = tmp_path / "m.db"
    with agentmem.open(path, clock=ManualClock("2024-05-01"), embedder="none") as store:
        store.add_many([{"text": f"{name} lives in Paris.", "at": "2020-01-01"} for name in NAMES])

        def work(name: str) -> None:
            memory = store.add(f"{name} lives in {name}ville.", at="2021-01-01")
            assert store.ask(f"Where does {name} live?").text == f"{name}ville"
            made = store.facts.wrong(f"{memory.id}#0")
            assert store.ask(f"Where does {name} live?").text == "Paris"
            store.facts.undo(made.id)
            assert store.ask(f"Where does {name} live?").text == f"{name}ville"

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, NAMES))
        assert store.facts.corrections() == [] and len(store.facts(state="active")) == len(NAMES)
        assert store.check() == []


def test_a_read_only_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with agentmem.open(path) as store:
        store.add_many(["Ada lives in Paris.", "Ben lives in Oslo."])
    with agentmem.open(path, readonly=True) as store:
        assert store.ask("Where does Ada live?").text == "Paris"
        (fact,) = store.facts("Ada")
        with pytest.raises(ReadOnlyFile):
            store.facts.wrong(fact.id)
        assert store.stale() == []


def test_a_backup_has_the_corrections(tmp_path: Path) -> None:
    with agentmem.open(tmp_path / "m.db") as store:
        store.add_many(["Ada lives in Paris.", "Ben lives in Oslo."])
        (fact,) = store.facts("Ada")
        made = store.facts.wrong(fact.id)
        store.backup(str(tmp_path / "copy.db"))
    with agentmem.open(tmp_path / "copy.db") as copy:
        assert copy.facts.corrections() == [made] and copy.facts("Ada") == []
