"""check() finds what is wrong, one kind at a time, and says what to do."""

from __future__ import annotations

import sqlite3

import pytest

from agentmem.backends.base import Event
from agentmem.memory import Link

DAMAGE = {
    "no encoding": ("encoding", "DELETE FROM encoding WHERE row = 1"),
    "belong to no row version": ("encoding", "DELETE FROM memory WHERE row = 3"),
    "belong to no namespace": ("memory", "DELETE FROM namespace"),
    "more than one live version": (
        "memory",
        "DROP INDEX memory_live_id; UPDATE memory SET id = 'b' WHERE row = 1",
    ),
    "do not follow one another": (
        "memory",
        "UPDATE memory SET id = 'a', retired_at = 9, version = 3 WHERE row = 2",
    ),
    "source entries belong to no row": ("source", "UPDATE source SET row = 77"),
    "rows disagree": ("source", "DELETE FROM source"),
    "start or end at ids": ("link", "UPDATE link SET target = 'z'"),
    "use events belong to no memory": ("event", "UPDATE event SET id = 'z'"),
    "missing from the change log": ("change", "DELETE FROM change WHERE row = 2"),
    "retirements are missing": ("change", "UPDATE memory SET retired_at = 9 WHERE row = 2"),
    "logged as retired": ("change", "INSERT INTO change VALUES (1, 99, 2, 2)"),
    "change log belong to no row": ("change", "INSERT INTO change VALUES (1, 99, 77, 1)"),
    "log beside their own": ("change", "INSERT INTO change VALUES (7, 1, 0, 4)"),
    "out of turn": ("change", "UPDATE change SET seq = 99 WHERE row = 1"),
    "dictionary does not have": ("encoding", "DELETE FROM term WHERE id = 1"),
    "another width": ("encoding", "UPDATE encoding SET pieces = 2 WHERE row = 1"),
    "not finite unit rows": ("encoding", "UPDATE encoding SET vectors = zeroblob(16) WHERE row = 1"),
    "may still stand": ("file", "INSERT INTO meta VALUES ('scrub_pending', 1)"),
}


@pytest.fixture
def healthy(opened, path, make):
    backend = opened(path)
    note = make.memory("n", "a note", kind="note", sources=("a",))
    number = make.write(backend, make.memory("a"), make.memory("b"), note)
    with backend.transaction() as transaction:
        transaction.add_links(number, [Link("a", "b", "k")], make.time())
        transaction.add_events(number, [Event("a", make.time())])
    assert backend.check() == []
    return backend


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_named(healthy, path, what):
    where, statement = DAMAGE[what]
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(statement)
    connection.close()
    problems = healthy.check()
    found = [problem for problem in problems if what in problem.what and problem.where == where]
    assert len(found) == 1
    assert "; " in found[0].what  # what to do
    kin = {"no row version", "belong to no namespace", "one live version", "do not follow one another"}
    kin = {damage for damage in DAMAGE if any(part in damage for part in kin)}
    assert len(problems) == 1 or what in kin or where == "source", problems


def test_tokens_of_half_a_number(healthy, path):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("UPDATE encoding SET tokens = x'010203' WHERE row = 2")
    connection.close()
    assert [problem.where for problem in healthy.check()] == ["encoding"]


def test_a_broken_index_is_found(healthy, opened, path):
    healthy.close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute(
        "UPDATE sqlite_master SET sql = replace(sql, 'IS NOT NULL', 'IS NULL') WHERE name = 'memory_old_id'"
    )
    connection.close()
    problems = opened(path).check()
    assert problems and {problem.where for problem in problems} == {"file"}
    assert all("backup" in problem.what for problem in problems)
