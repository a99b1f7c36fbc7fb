"""Versions, the change log, links, events, listings; against a model where there is one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from agentmem.backends.base import Changes, Encoding, Event
from agentmem.errors import BackendError, InvalidInput
from agentmem.memory import Link


def update(backend, make, number, id, text, minutes):
    with backend.transaction() as transaction:
        old = transaction.live(number, [id])[id]
        when = make.time(minutes)
        transaction.retire(number, [old.row], when)
        new = replace(old.memory, text=text, recorded_at=when, version=old.memory.version + 1)
        return transaction.insert(number, [new], [make.encoding(text)], [old.position])[0]


def delete(backend, make, number, ids, minutes):
    with backend.transaction() as transaction:
        live = transaction.live(number, ids)
        transaction.retire(number, [stored.row for stored in live.values()], make.time(minutes))


def test_an_update_is_a_new_version(backend, make):
    number = make.write(backend, make.memory("a", "old"), make.memory("b"))
    row = update(backend, make, number, "a", "new", 10)
    stored = backend.get(number, ["a"])["a"]
    assert (stored.row, stored.position, stored.memory.version) == (row, 1, 2)
    old, new = backend.history(number, "a")
    assert (old.text, new.text) == ("old", "new")
    assert old.retired_at == new.recorded_at == make.time(10)
    assert new.retired_at is None
    assert backend.history(number, "never") == []
    assert backend.columns(number)[1].ids == ["a", "b"]  # the position is kept
    assert backend.all_rows(number) == [1, 2, 3]
    assert backend.check() == []


def test_reads_as_known_at_a_time(backend, make):
    number = make.write(backend, make.memory("a", "old"), make.memory("b", minutes=5))
    update(backend, make, number, "a", "new", 10)
    delete(backend, make, number, ["b"], 20)

    def known(minutes):
        at = make.time(minutes)
        found = {id: s.memory.text for id, s in backend.get(number, ["a", "b"], known_at=at).items()}
        columns = backend.columns(number, known_at=at)[1]
        assert columns.ids == list(found)
        assert [s.memory.text for s in backend.scan([number], known_at=at)] == list(found.values())
        return found

    assert known(-1) == {}
    assert known(0) == {"a": "old"}
    assert known(9.999) == {"a": "old", "b": "text of b"}
    assert known(10) == {"a": "new", "b": "text of b"}  # the new one from its very microsecond on
    assert known(20) == {"a": "new"}
    assert list(backend.get(number, ["a", "b"])) == ["a"]


def test_a_deleted_memory_can_come_back(backend, make):
    number = make.write(backend, make.memory("a"), make.memory("b"))
    delete(backend, make, number, ["a"], 1)
    assert backend.columns(number)[1].ids == ["b"]
    with backend.transaction() as transaction:
        assert transaction.live(number, ["a"]) == {}
        assert transaction.versions(number, ["a", "b", "c"]) == {"a": 1, "b": 1}
        assert transaction.positions(number, ["a", "b", "c"]) == {"a": 1, "b": 2}
        back = make.memory("a", minutes=2, version=2)
        transaction.insert(number, [back], [make.encoding("x")], [1])
    assert backend.columns(number)[1].ids == ["a", "b"]
    assert backend.check() == []


def test_retiring_twice_keeps_the_first_time(backend, make):
    number = make.write(backend, make.memory("a"))
    delete(backend, make, number, ["a"], 1)
    cursor = backend.cursor(number)
    with backend.transaction() as transaction:
        transaction.retire(number, [1, 99], make.time(2))
    assert backend.history(number, "a")[0].retired_at == make.time(1)
    assert not backend.changes(number, cursor)


def test_nothing_is_kept_of_a_failed_write(backend, make):
    number = make.write(backend, make.memory("a", "first"))
    before, cursor = backend.version(), backend.cursor(number)
    with pytest.raises(ZeroDivisionError), backend.transaction() as transaction:
        transaction.namespace(("z",))
        transaction.insert(number, [make.memory("b", "second")], [make.encoding("second")])
        transaction.add_links(number, [Link("a", "b", "k")], make.time())
        transaction.add_events(number, [Event("a", make.time())])
        assert set(backend.term_ids(["second"])) == {"second"}  # seen inside, by this thread
        raise ZeroDivisionError
    assert backend.version() == before
    assert backend.cursor(number) == cursor
    assert backend.get(number, ["b"]) == {}
    assert backend.namespace_number(("z",)) is None
    assert backend.links(number) == [] and backend.events(number) == []
    assert backend.term_ids(["second"]) == {}
    # The number that was rolled back goes to another word; nobody may remember it for the old one.
    make.write(backend, make.memory("c", "third"), make.memory("d", "second"))
    ids = backend.term_ids(["first", "second", "third"])
    assert len(set(ids.values())) == 3
    assert backend.columns(number)[1].tokens.tolist() == [ids["first"], ids["third"], ids["second"]]
    assert backend.check() == []


def test_transactions_do_not_nest(backend):
    with backend.transaction():
        with pytest.raises(BackendError, match="open in this thread"), backend.transaction():
            pass
    with backend.transaction():
        pass


def test_an_unknown_namespace_number_takes_nothing(backend, make):
    with pytest.raises(BackendError, match="no namespace"), backend.transaction() as transaction:
        transaction.insert(7, [make.memory("a")], [make.encoding("a")])


def test_as_many_encodings_as_memories(backend, make):
    with pytest.raises(InvalidInput), backend.transaction() as transaction:
        transaction.insert(transaction.namespace(()), [make.memory("a")], [])


def test_namespaces(backend, make):
    names = [(), ("foo",), ("foo", "bar"), ("foobar",), ("f", "oo"), ('"', "\\")]
    numbers = {name: make.write(backend, make.memory("a"), name=name) for name in names}
    assert len(set(numbers.values())) == len(names)
    assert [name for _, name in backend.namespaces()] == sorted(names)
    assert [name for _, name in backend.namespaces(("foo",))] == [("foo",), ("foo", "bar")]
    assert all(backend.namespace_number(name) == number for name, number in numbers.items())
    assert backend.namespace_number(("bar",)) is None
    delete(backend, make, numbers["foo",], ["a"], 1)
    assert [name for _, name in backend.namespaces(("foo",))] == [("foo", "bar")]
    assert [name for _, name in backend.namespaces(("foo",), past=True)] == [("foo",), ("foo", "bar")]


def test_changes_are_folded(backend, make):
    number = make.write(backend, make.memory("a"), make.memory("b"))
    start = backend.cursor(number)
    assert backend.changes(number, None) == Changes(start, added=[1, 2])
    assert not backend.changes(number, start)
    make.write(backend, make.memory("c"))
    update(backend, make, number, "a", "new", 1)  # row 4
    update(backend, make, number, "c", "newer", 2)  # row 5; row 3 came and went
    with backend.transaction() as transaction:
        transaction.set_vectors(number, [2, 5, 1], [make.vector(x) for x in "pqr"])
    now = backend.cursor(number)
    assert backend.changes(number, start) == Changes(now, added=[4, 5], retired=[1], vectors=[2])
    with backend.transaction() as transaction:
        transaction.add_links(number, [Link("a", "b", "k")], make.time())
    assert backend.changes(number, now) == Changes(backend.cursor(number), links=True)
    assert backend.changes(number, now).cursor != now
    for foreign in ("9:1", "0:999999", "x", "1:y", 3):
        assert backend.changes(number, foreign).rebuild


def test_changes_of_other_namespaces_are_not_seen(backend, make):
    number = make.write(backend, make.memory("a"))
    cursor = backend.cursor(number)
    other = make.write(backend, make.memory("a"), name=("b",))
    assert not backend.changes(number, cursor)
    assert backend.changes(other, None).added == [2]
    nobody = backend.cursor(99)
    assert not backend.changes(99, nobody) and not backend.changes(99, None)


def test_set_vectors(backend, make):
    with backend.transaction() as transaction:
        transaction.set_embedder("e", "f", make.dim)
        number = transaction.namespace(("a",))
        transaction.insert(
            number, [make.memory(id) for id in "ab"], [make.encoding(id, pending=True) for id in "ab"]
        )
    cursor = backend.cursor(number)
    assert backend.pending(number, 1) == [(number, 1, "text of a")]
    with backend.transaction() as transaction:
        assert transaction.set_vectors(number, [2, 77], [make.vector("b"), make.vector("c")]) == 1
    assert backend.pending() == [(number, 1, "text of a")]
    assert backend.changes(number, cursor).vectors == [2]
    _, found = backend.columns(number)
    assert found.vector_offsets.tolist() == [0, 0, 1]
    delete(backend, make, number, ["a"], 1)
    assert backend.pending() == [] and backend.count_pending() == 0


def test_set_encodings_and_clear_vectors(backend, make):
    number = make.write(backend, make.memory("a", "one two"), make.memory("b", "three"))
    cursor, epoch = backend.cursor(number), backend.header().erase_epoch
    with backend.transaction() as transaction:
        transaction.set_embedder("new", "print", 4)
        transaction.set_analyser("words-2")
        transaction.clear_vectors()
    header = backend.header()
    assert (header.embedder, header.fingerprint, header.dim, header.analyser) == (
        "new",
        "print",
        4,
        "words-2",
    )
    assert header.erase_epoch > epoch
    assert backend.changes(number, cursor).rebuild
    assert backend.count_pending() == 2
    assert backend.columns(number)[1].vectors is None
    cursor = backend.cursor(number)
    unit = np.array([[1, 0, 0, 0]], dtype=np.float32)
    with backend.transaction() as transaction:
        transaction.set_encodings(number, [1, 99], [Encoding(["uno"], 7, unit)] * 2)
    assert backend.changes(number, cursor).vectors == [1]
    _, found = backend.columns(number)
    assert found.flags.tolist() == [7, 5]
    assert found.tokens.tolist() == [backend.term_ids(["uno"])["uno"], backend.term_ids(["three"])["three"]]
    assert found.vector_offsets.tolist() == [0, 1, 1]
    assert backend.check() == []


def test_links(backend, make):
    number = make.write(backend, *(make.memory(id) for id in "abc"))
    with backend.transaction() as transaction:
        links = [
            Link("a", "b", "k", 0.5, "store", run="r1"),
            Link("b", "c", "k", 1.0),
            Link("a", "b", "k", 0.5, "store"),
        ]
        assert transaction.add_links(number, links, make.time(1)) == 2
    assert [(k.source, k.target) for k in backend.links(number)] == [("a", "b"), ("b", "c")]
    assert backend.links(number)[0].recorded_at == make.time(1)
    assert [(k.source, k.target) for k in backend.links(number, ["c"])] == [("b", "c")]
    assert len(backend.links(number, ["b", "a"])) == 2
    assert backend.links(number, []) == [] and backend.links(number + 1) == []
    with backend.transaction() as transaction:
        assert transaction.add_links(number, [Link("b", "c", "k", 1.0)], make.time(2)) == 0
        assert transaction.add_links(number, [Link("b", "c", "k", 0.25)], make.time(3)) == 1
    assert [k.weight for k in backend.links(number, ["c"])] == [0.25]
    assert [k.weight for k in backend.links(number, ["c"], known_at=make.time(2))] == [1.0]
    assert backend.links(number, known_at=make.time(0)) == []
    with backend.transaction() as transaction:
        assert (
            transaction.retire_links(
                number, links=[Link("b", "c", "k"), Link("x", "y", "k")], at=make.time(4)
            )
            == 1
        )
        assert transaction.retire_links(number, run="nobody", at=make.time(4)) == 0
    assert [k.target for k in backend.links(number)] == ["b"]
    assert backend.check() == []


def test_links_of_a_run_are_taken_back_together(backend, make):
    number = make.write(backend, *(make.memory(id) for id in "abc"))
    with backend.transaction() as transaction:
        transaction.add_links(
            number, [Link("a", "b", "k", run="r"), Link("b", "c", "k", run="q")], make.time()
        )
    with backend.transaction() as transaction:
        assert transaction.retire_links(number, run="r", at=make.time(1)) == 1
    assert [k.run for k in backend.links(number)] == ["q"]


def test_events(backend, make):
    number = make.write(backend, make.memory("a"), make.memory("b"))
    made = [Event("a", make.time(2)), Event("b", make.time(1), "good"), Event("a", make.time(3), "again")]
    with backend.transaction() as transaction:
        transaction.add_events(number, made)
    assert backend.events(number) == made
    assert backend.events(number, ["a"]) == [made[0], made[2]]
    assert backend.events(number, []) == []


def test_what_a_run_made_and_retired(backend, make):
    number = make.write(backend, make.memory("a"), make.memory("b"), make.memory("c"))
    with backend.transaction() as transaction:
        note = make.memory("n", kind="note", sources=("a", "b"), run="r", made_by="store")
        transaction.insert(number, [note], [make.encoding("n")])
        transaction.retire(number, [1, 2], make.time(1))
        transaction.note_run(number, "r", ["a", "b"])
        transaction.note_run(number, "r", ["a"])
    made, retired = backend.derived(number, run="r")
    assert [s.memory for s in made] == [note]
    assert sorted(retired) == ["a", "b"]
    with backend.transaction() as transaction:
        transaction.insert(number, [make.memory("a", version=2, minutes=2)], [make.encoding("a")], [1])
    assert backend.derived(number, run="r")[1] == ["b"]
    assert backend.derived(number, run="other") == ([], [])


def test_counts(backend, make):
    number = make.write(backend, make.memory("a", minutes=3), make.memory("b", minutes=1, kind="note"))
    other = make.write(backend, make.memory("a", minutes=9), name=("b",))
    update(backend, make, number, "a", "new", 5)
    counts = backend.counts([number])
    assert (counts["memories"], counts["versions"], counts["links"]) == (2, 3, 0)
    assert counts["kinds"] == {"episode": 1, "note": 1}
    assert (counts["first"], counts["last"]) == (make.time(1), make.time(3))
    assert counts["bytes"] > 4096
    both = backend.counts([number, other])
    assert (both["memories"], both["last"]) == (3, make.time(9))
    nothing = backend.counts([])
    assert (nothing["memories"], nothing["kinds"], nothing["first"]) == (0, {}, None)


@pytest.mark.parametrize("seed", range(3))
def test_against_a_model(opened, make, seed):
    """Random writes; the model is a list of versions, and the sets that were live at each cursor."""
    backend = opened(":memory:")
    chance = random.Random(seed)
    versions: list[list] = []  # [row, id, recorded, retired, text]
    cursors: list[tuple[object, set[int]]] = []
    number = make.write(backend)
    for step in range(60):
        now = make.time(step)
        with backend.transaction() as transaction:
            for _ in range(chance.randrange(1, 4)):
                live = [v for v in versions if v[3] is None]
                old = chance.choice(live) if live and chance.random() < 0.6 else None
                if old is not None:
                    transaction.retire(number, [old[0]], now)
                    old[3] = now
                    if chance.random() < 0.4:
                        continue
                id = old[1] if old is not None else f"m{len(versions)}"
                count = 1 + sum(v[1] == id for v in versions)
                text = f"{id} at {step}"
                place = transaction.positions(number, [id]).get(id)
                memory = make.memory(id, text, step, version=count)
                (row,) = transaction.insert(number, [memory], [make.encoding(text)], [place])
                versions.append([row, id, now, None, text])
        cursors.append((backend.cursor(number), {v[0] for v in versions if v[3] is None}))
    live = cursors[-1][1]
    assert set(backend.columns(number)[1].rows.tolist()) == live
    for cursor, then in [(None, set()), *chance.sample(cursors, 20)]:
        changes = backend.changes(number, cursor)
        assert set(changes.added) == live - then
        assert set(changes.retired) == then - live
        assert not changes.rebuild
    for step in chance.sample(range(60), 20):
        at = make.time(step) + timedelta(seconds=chance.randrange(59))
        known = {v[0] for v in versions if v[2] <= at and (v[3] is None or v[3] > at)}
        _, columns = backend.columns(number, known_at=at)
        assert set(columns.rows.tolist()) == known
        assert columns.positions.tolist() == sorted(columns.positions.tolist())
    for id in {v[1] for v in versions}:
        assert [m.text for m in backend.history(number, id)] == [v[4] for v in versions if v[1] == id]
    assert backend.check() == []
