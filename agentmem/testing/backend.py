"""The contract of a backend: one truth, all or nothing, and a log that tells what happened."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from agentmem.backends.base import Backend, Event
from agentmem.errors import DuplicateId
from agentmem.memory import Artifact, Link
from agentmem.testing.backend_case import DIM, START, encoding, record, when, write
from agentmem.testing.backend_sharing import BackendSharing


class BackendContract(BackendSharing):
    """What every backend must do.

    Subclass it and give :meth:`make_backend`; two backends made with one path share a database.
    """

    # --- row versions -----------------------------------------------------------------------------
    def test_rows_come_back(self, backend: Backend) -> None:
        """All fields of a row version are read back, by row, by id and by scan."""
        full = record(
            "full",
            text="Zoë 漢字 😀\n",
            kind="note",
            speaker="Ada",
            role="user",
            session="s",
            metadata={"a": [1, None, {"b": True}]},
            data=[0],
            sources=("x", "y"),
            trust=0.25,
            valid_from=when(-9),
            valid_until=datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=-3))),
            expires_at=when(9),
            made_by="store:1",
            run="r",
        )
        plain = record("plain", 1)
        rows = write(backend, full, plain)
        ns = self.number(backend)
        assert backend.memories(rows) == [full, plain]
        assert backend.memories([*rows[::-1], 10**9]) == [plain, full]
        assert backend.memories_by_row(rows) == {rows[0]: full, rows[1]: plain}
        assert backend.get(ns, ["full", "nobody"])["full"].memory == full
        assert [stored.memory for stored in backend.scan([ns])] == [full, plain]
        assert backend.all_rows(ns) == rows == sorted(rows)
        assert backend.history(ns, "plain") == [plain] and backend.history(ns, "nobody") == []
        kept = backend.memories(rows)[0].valid_until
        assert kept is not None and kept.isoformat() == "2030-01-01T00:00:00-03:00"

    def test_versions(self, backend: Backend) -> None:
        """A live id is unique; a retired one may be used again; positions stay."""
        (first,) = write(backend, record("a"))
        ns = self.number(backend)
        with pytest.raises(DuplicateId):
            write(backend, record("a", 1))
        with backend.transaction() as transaction:
            assert set(transaction.live(ns, ["a", "b"])) == {"a"}
            transaction.retire(ns, [first], when(5))
            assert transaction.live(ns, ["a"]) == {}
            assert transaction.versions(ns, ["a", "b"]) == {"a": 1}
            assert transaction.positions(ns, ["a", "b"]) == {"a": first}
            new = record("a", 5, text="new", version=2)
            (second,) = transaction.insert(ns, [new], [encoding(new)], [first])
        stored = backend.get(ns, ["a"])["a"]
        assert (stored.row, stored.position, stored.memory.text) == (second, first, "new")
        assert [(m.version, m.retired_at) for m in backend.history(ns, "a")] == [(1, when(5)), (2, None)]
        assert backend.get(ns, ["a"], known_at=when(4))["a"].memory.text == "text of a"
        assert backend.get(ns, ["a"], known_at=when(5))["a"].memory.text == "new"
        assert backend.get(ns, ["a"], known_at=when(-1)) == {}
        assert backend.all_rows(ns) == [first, second]

    def test_all_or_nothing(self, backend: Backend) -> None:
        """A transaction that fails leaves nothing, in no table and not in the log."""
        write(backend, record("a"))
        ns = self.number(backend)
        cursor, counts = backend.cursor(ns), backend.counts([ns])
        with pytest.raises(ZeroDivisionError), backend.transaction() as transaction:
            other = transaction.namespace(("new",))
            new = record("b")
            transaction.insert(ns, [new], [encoding(new)])
            transaction.insert(other, [new], [encoding(new)])
            transaction.add_links(ns, [Link("a", "b", "names")], START)
            transaction.add_events(ns, [Event("a", START)])
            raise ZeroDivisionError
        assert backend.get(ns, ["b"]) == {} and backend.links(ns) == [] and backend.events(ns) == []
        assert not backend.changes(ns, cursor) and backend.counts([ns]) == counts
        assert backend.namespace_number(("new",)) is None
        assert backend.term_ids(["b"]) == {}
        with pytest.raises(DuplicateId):
            write(backend, record("c"), record("a"))
        assert backend.get(ns, ["c"]) == {}

    # --- namespaces -------------------------------------------------------------------------------
    def test_namespaces(self, backend: Backend) -> None:
        """Prefixes are of labels; a namespace without a live memory is only past."""
        for name in (("foo",), ("foo", "x"), ("foobar",), ("fo",), ()):
            write(backend, record("a"), name=name)
        assert [name for _, name in backend.namespaces(("foo",))] == [("foo",), ("foo", "x")]
        assert sorted(name for _, name in backend.namespaces()) == [
            (), ("fo",), ("foo",), ("foo", "x"), ("foobar",),
        ]  # fmt: skip
        assert backend.namespace_number(("bar",)) is None
        ns = self.number(backend, ("foo", "x"))
        with backend.transaction() as transaction:
            assert transaction.namespace(("foo", "x")) == ns
            transaction.retire(ns, [backend.get(ns, ["a"])["a"].row], when(1))
        assert [name for _, name in backend.namespaces(("foo",))] == [("foo",)]
        assert [name for _, name in backend.namespaces(("foo",), past=True)] == [("foo",), ("foo", "x")]

    # --- the log ----------------------------------------------------------------------------------
    def test_the_log_tells_what_happened(self, backend: Backend) -> None:
        """Changes since a cursor are folded, namespace by namespace."""
        rows = write(backend, record("a"), record("b"))
        write(backend, record("x"), name=("other",))
        ns = self.number(backend)
        start = backend.cursor(ns)
        assert not backend.changes(ns, start) and backend.changes(ns, start).cursor == start
        everything = backend.changes(ns, None)
        assert everything.rebuild or sorted(everything.added) == rows
        (c,) = write(backend, record("c"), pending=True)
        (d,) = write(backend, record("d"))
        with backend.transaction() as transaction:
            transaction.retire(ns, [rows[0], d], when(1))
            transaction.set_vectors(ns, [rows[1], c], [np.eye(DIM, dtype=np.float32)[:1]] * 2)
            transaction.add_links(ns, [Link("b", "c", "names")], START)
        write(backend, record("y"), name=("other",))
        changes = backend.changes(ns, start)
        assert not changes.rebuild
        assert (changes.added, changes.retired, changes.vectors) == ([c], [rows[0]], [rows[1]])
        assert changes.links and changes.cursor == backend.cursor(ns)
        assert not backend.changes(ns, changes.cursor)

    def test_an_erasure_says_rebuild(self, backend: Backend) -> None:
        """After an erasure a cache is dropped or told which rows went."""
        (a, _) = write(backend, record("a"), record("b"))
        ns = self.number(backend)
        before, epoch = backend.cursor(ns), backend.header().erase_epoch
        erased = backend.erase(ns, ["a"])
        assert erased.ids == ("a",) and erased.versions == 1
        changes = backend.changes(ns, before)
        assert changes.rebuild or a in changes.retired
        assert backend.header().erase_epoch > epoch
        assert backend.memories([a]) == []

    def test_the_version_moves_with_every_commit(self, backend: Backend, path: str) -> None:
        """``version`` changes when anybody commits, and not otherwise."""
        write(backend, record("a"))
        seen = backend.version()
        assert backend.version() == seen
        other = self.make_backend(path)
        write(other, record("b"))
        other.close()
        assert backend.version() != seen

    # --- columns ----------------------------------------------------------------------------------
    def test_columns(self, backend: Backend) -> None:
        """Rows as columns, with tokens and vectors, from one consistent view."""
        rows = write(
            backend,
            record("a", text="red green red", speaker="Ada", session="s", expires_at=when(5)),
            record("b", 1, text="green blue", valid_from=when(-1)),
        )
        rows += write(backend, record("c", 2, text="red"), pending=True)
        ns = self.number(backend)
        cursor, columns = backend.columns(ns)
        assert cursor == backend.cursor(ns) and len(columns) == 3
        assert columns.rows.tolist() == columns.positions.tolist() == rows
        assert columns.ids == ["a", "b", "c"] and columns.speakers == ["Ada", None, None]
        assert columns.sessions == ["s", None, None]
        terms = backend.term_ids(["red", "green", "blue", "never"])
        assert set(terms) == {"red", "green", "blue"}
        words = {number: word for word, number in terms.items()}
        spelt = [
            [words[int(t)] for t in columns.tokens[columns.token_offsets[i] : columns.token_offsets[i + 1]]]
            for i in range(3)
        ]
        assert spelt == [["red", "green", "red"], ["green", "blue"], ["red"]]
        assert columns.vector_offsets.tolist() == [0, 1, 2, 2]
        assert columns.vectors is not None
        wanted = encoding(record("a", text="red green red")).vectors
        assert wanted is not None and np.allclose(columns.vectors[0], wanted, atol=2e-3)
        assert (columns.expires_at > columns.at).tolist() == [True, True, True]
        with backend.transaction() as transaction:
            transaction.retire(ns, [rows[0]], when(9))
        assert backend.columns(ns)[1].ids == ["b", "c"]
        assert backend.columns(ns, [rows[0]])[1].ids == ["a"]
        assert backend.columns(ns, known_at=when(8))[1].ids == ["a", "b", "c"]
        assert backend.columns(ns, known_at=when(0.5))[1].ids == ["a"]

    def test_pending_vectors(self, backend: Backend) -> None:
        """A vector that is not there is pending, and is written later."""
        (row,) = write(backend, record("a"), pending=True, digest=b"d" * 16)
        ns = self.number(backend)
        assert backend.pending() == backend.pending(ns) == [(ns, row, "text of a")]
        assert backend.count_pending() == backend.count_pending([ns]) == 1
        assert backend.vectors_by_digest([b"d" * 16]) == {}
        vector = np.eye(DIM, dtype=np.float32)[:1]
        with backend.transaction() as transaction:
            assert transaction.set_vectors(ns, [row, 10**9], [vector, vector]) == 1
        assert backend.pending() == [] and backend.count_pending() == 0
        found = backend.vectors_by_digest([b"d" * 16, b"e" * 16])
        assert list(found) == [b"d" * 16] and np.allclose(found[b"d" * 16], vector, atol=1e-3)
        with backend.transaction() as transaction:
            transaction.clear_vectors()
        assert backend.count_pending([ns]) == 1

    # --- links, use, runs -------------------------------------------------------------------------
    def test_links(self, backend: Backend) -> None:
        """Links live from one time to another, found from either end."""
        write(backend, record("a"), record("b"), record("c"))
        ns = self.number(backend)
        with backend.transaction() as transaction:
            links = [Link("a", "b", "names", 0.5, "store"), Link("b", "c", "belongs", run="r")]
            assert transaction.add_links(ns, links, when(1)) == 2
        assert {(k.source, k.target, k.kind, k.weight) for k in backend.links(ns)} == {
            ("a", "b", "names", 0.5),
            ("b", "c", "belongs", 1.0),
        }
        assert [k.kind for k in backend.links(ns, ["a"])] == ["names"]
        assert len(backend.links(ns, ["b"])) == 2
        with backend.transaction() as transaction:
            assert transaction.retire_links(ns, run="r", at=when(2)) == 1
        assert [k.kind for k in backend.links(ns)] == ["names"]
        assert len(backend.links(ns, known_at=when(1.5))) == 2 and backend.links(ns, known_at=when(0)) == []

    def test_uses(self, backend: Backend) -> None:
        """Use events are kept in order, by memory."""
        write(backend, record("a"), record("b"))
        ns = self.number(backend)
        events = [Event("a", when(1)), Event("b", when(2), "good"), Event("a", when(3), "easy")]
        with backend.transaction() as transaction:
            transaction.add_events(ns, events)
        assert backend.events(ns) == events
        assert backend.events(ns, ["a"]) == [events[0], events[2]]

    def test_runs(self, backend: Backend) -> None:
        """What a run made and retired is known, so that it can be undone."""
        (a,) = write(backend, record("a"))
        write(backend, record("note", 1, kind="note", run="r"))
        ns = self.number(backend)
        with backend.transaction() as transaction:
            transaction.retire(ns, [a], when(1))
            transaction.note_run(ns, "r", ["a"])
        made, retired = backend.derived(ns, run="r")
        assert [stored.memory.id for stored in made] == ["note"] and retired == ["a"]
        assert backend.derived(ns, run="none") == ([], [])

    def test_artifacts_of_a_run_are_taken_back(self, backend: Backend) -> None:
        """Undoing a run brings back what its artifacts replaced, in any order of runs."""
        write(backend, record("a"), record("b"))
        ns = self.number(backend)

        def put(value: int, run: str | None, source: str = "a") -> None:
            with backend.transaction() as transaction:
                transaction.put_artifacts(ns, [Artifact(source, "k", value, made_by="s")], run=run)

        def held() -> dict[str, int]:
            return {one.source: one.data for one in backend.artifacts(ns)}

        def undo(run: str) -> int:
            with backend.transaction() as transaction:
                return transaction.undo_artifacts(ns, run)

        put(1, None)
        put(2, "r")
        put(3, "r")
        put(3, "r", "b")
        assert held() == {"a": 3, "b": 3}
        before = backend.cursor(ns)
        assert undo("r") == 2 and held() == {"a": 1}
        assert backend.changes(ns, before).rebuild
        assert undo("r") == 0
        put(2, "r")
        put(3, "t")
        assert undo("r") == 0 and held() == {"a": 3}, "a later run wrote over it"
        assert undo("t") == 1 and held() == {"a": 1}
        put(2, "r")
        put(4, None)
        assert undo("r") == 0 and held() == {"a": 4}, "it is no run's any more"
        put(5, "u")
        backend.erase(ns, ["a"])
        assert undo("u") == 0 and held() == {}

    def test_links_that_a_run_closed_are_opened_again(self, backend: Backend) -> None:
        """Links closed by a run, or given another weight, come back when it is undone."""
        write(backend, record("a"), record("b"), record("c"))
        ns = self.number(backend)
        with backend.transaction() as transaction:
            transaction.add_links(
                ns, [Link("a", "b", "k"), Link("b", "c", "k"), Link("a", "c", "k")], when(1)
            )
            transaction.retire_links(ns, links=[Link("a", "b", "k", run="r")], at=when(2))
            transaction.add_links(ns, [Link("b", "c", "k", 0.5, run="r")], when(2))
            transaction.retire_links(ns, links=[Link("a", "c", "k", run="r")], at=when(2))
        assert [(k.source, k.target, k.weight) for k in backend.links(ns)] == [("b", "c", 0.5)]
        with backend.transaction() as transaction:
            transaction.retire_links(ns, run="r", at=when(3))
            assert transaction.reopen_links(ns, "r", when(3)) == 3
            assert transaction.reopen_links(ns, "r", when(3)) == 0
        found = sorted((k.source, k.target, k.weight) for k in backend.links(ns))
        assert found == [("a", "b", 1.0), ("a", "c", 1.0), ("b", "c", 1.0)]
        assert len(backend.links(ns, known_at=when(2.5))) == 1
        assert backend.artifacts(ns) == []

    def test_what_rests_on_what(self, backend: Backend) -> None:
        """Who names a source, and whose sources came or went after them."""
        write(backend, record("a"), record("b"))
        (row,) = write(backend, record("n", 1, kind="note", sources=("a", "b")))
        write(backend, record("p", 1, kind="note", sources=("b",)), record("q", 1))
        ns = self.number(backend)
        assert [one.memory.id for one in backend.dependents(ns, ["a"])] == ["n"]
        assert [one.memory.id for one in backend.dependents(ns, ["a", "b", "q"])] == ["n", "p"]
        assert backend.dependents(ns, []) == [] == backend.outlived(ns)
        old = backend.get(ns, ["a"])["a"]
        with backend.transaction() as transaction:
            transaction.retire(ns, [old.row], when(2))
        assert [one.memory.id for one in backend.outlived(ns)] == ["n"]
        assert {one.memory.id for one in Backend.outlived(backend, ns)} == {"n"}
        new = record("a", 3, text="new", version=2)
        with backend.transaction() as transaction:
            transaction.insert(ns, [new], [encoding(new)], [old.position])
        assert [(one.row, one.memory.id) for one in backend.outlived(ns)] == [(row, "n")]
        assert Backend.outlived(backend, ns) == backend.outlived(ns)
        assert Backend.dependents(backend, ns, ["b"]) == backend.dependents(ns, ["b"])
