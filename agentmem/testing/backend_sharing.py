"""The contract of a backend's upkeep, and of several that use one database at once."""

from __future__ import annotations

import multiprocessing
import threading
from typing import Any

import pytest

from agentmem.backends.base import Backend, Changes, Event
from agentmem.errors import AgentmemError, StoreClosed
from agentmem.memory import Link
from agentmem.testing.backend_case import DIM, START, BackendCase, record, write


class BackendSharing(BackendCase):
    """Erasing, backups, the header, closing; threads and processes."""

    # --- upkeep -----------------------------------------------------------------------------------
    def test_erasing(self, backend: Backend) -> None:
        """All versions, all that was derived, and the words nobody else uses go; the rest stays."""
        write(backend, record("a", text="rare common"), record("b", text="common"))
        write(backend, record("n", 1, text="noted", sources=("a",)), record("m", 1, sources=("n",)))
        ns = self.number(backend)
        with backend.transaction() as transaction:
            transaction.add_links(ns, [Link("a", "b", "names"), Link("b", "b", "self")], START)
            transaction.add_events(ns, [Event("a", START), Event("b", START)])
        erased = backend.erase(ns, ["a", "nobody"])
        assert erased.ids == ("a",) and set(erased.derived) == {"n", "m"}
        assert (erased.versions, erased.complete) == (3, True)
        assert erased.words >= 2 and erased.links == 1
        assert [stored.memory.id for stored in backend.scan([ns])] == ["b"]
        assert [k.kind for k in backend.links(ns)] == ["self"]
        assert [event.id for event in backend.events(ns)] == ["b"]
        assert set(backend.term_ids(["rare", "common", "noted"])) == {"common"}
        assert backend.check() == []

    def test_backup(self, backend: Backend, tmp_path: Any) -> None:
        """A backup is complete, is another database, and overwrites nothing."""
        write(backend, record("a"), record("b"))
        target = str(tmp_path / "copy.db")
        backend.backup(target)
        with pytest.raises(AgentmemError):
            backend.backup(target)
        copy = self.make_backend(target)
        assert [s.memory for s in copy.scan([self.number(copy)])] == backend.memories(
            backend.all_rows(self.number(backend))
        )
        assert copy.header().uuid != backend.header().uuid and copy.check() == []
        copy.close()

    def test_the_header(self, backend: Backend, path: str) -> None:
        """The header outlives the backend, and is read afresh."""
        assert backend.header().fingerprint is None
        write(backend, record("a"))
        with backend.transaction() as transaction:
            transaction.set_analyser("words-1")
        other = self.make_backend(path)
        assert other.header() == backend.header()
        header = other.header()
        assert (header.embedder, header.fingerprint, header.dim) == ("test", "test-8", DIM)
        assert header.analyser == "words-1"
        other.close()

    def test_closing(self, backend: Backend) -> None:
        """After ``close`` every call fails by name; a second ``close`` does nothing."""
        write(backend, record("a"))
        backend.close()
        backend.close()
        for call in (backend.header, backend.version, backend.check, lambda: write(backend, record("b"))):
            with pytest.raises(StoreClosed):
                call()

    # --- several at once --------------------------------------------------------------------------
    def test_threads(self, backend: Backend) -> None:
        """Threads may share a backend; each commit is whole, and the log misses none."""
        write(backend, record("first"))
        ns = self.number(backend)
        cursor, seen, stop = backend.cursor(ns), set[int](), threading.Event()
        errors: list[BaseException] = []

        def follow() -> None:
            place = cursor
            try:
                while not stop.is_set() or backend.changes(ns, place):
                    changes: Changes = backend.changes(ns, place)
                    assert len(changes.added) % 3 == 0, "a transaction was seen in part"
                    seen.update(changes.added)
                    place = changes.cursor
            except BaseException as error:
                errors.append(error)

        def produce(n: int) -> None:
            try:
                for i in range(8):
                    write(backend, *(record(f"{n}-{i}-{part}") for part in "abc"))
            except BaseException as error:
                errors.append(error)

        follower = threading.Thread(target=follow)
        producers = [threading.Thread(target=produce, args=(n,)) for n in range(3)]
        for thread in (follower, *producers):
            thread.start()
        for thread in producers:
            thread.join()
        stop.set()
        follower.join()
        assert not errors, errors
        assert len(seen) == 3 * 8 * 3 and backend.check() == []

    def test_processes(self, backend: Backend, path: str) -> None:
        """Other processes' commits are seen at the next call."""
        write(backend, record("parent"))
        context = multiprocessing.get_context("spawn")
        children = [context.Process(target=_child, args=(type(self), path, n)) for n in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join(60)
        assert [child.exitcode for child in children] == [0, 0]
        ns = self.number(backend)
        assert len(list(backend.scan([ns]))) == 1 + 2 * 5
        assert backend.check() == []


def _child(case: type[BackendSharing], path: str, n: int) -> None:
    backend = case().make_backend(path)
    for i in range(5):
        write(backend, record(f"child-{n}-{i}"))
    backend.close()
