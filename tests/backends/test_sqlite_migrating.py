"""An old file moves forward, by steps that are never edited."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agentmem.backends import sqlite_migrations, sqlite_open, sqlite_schema
from agentmem.errors import ReadOnlyFile

SCHEMA_1 = Path(__file__).with_name("schema_1.sql")


def raw(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def old_file(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(SCHEMA_1.read_text())
    connection.close()


def shape(path: Path) -> list[tuple[str, str, str]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%sqlite_%'"
    ).fetchall()
    connection.close()
    return sorted((kind, name, " ".join((sql or "").split())) for kind, name, sql in rows)


def test_a_file_of_the_first_schema_opens(opened, path, make):
    old_file(path)
    backend = opened(path)
    assert backend.header().schema == sqlite_schema.SCHEMA
    assert backend.header().uuid == "00000000000000000000000000000001"
    number = backend.namespace_number(("users", "ada"))
    found = backend.get(number, ["m1", "m2"])
    assert found["m1"].memory.text == "I moved to Bergen."
    assert found["m2"].memory.sources == ("m1",)
    assert backend.columns(number)[1].vectors.shape == (1, 2)
    assert backend.check() == []
    make.write(backend, make.memory("m3"), name=("users", "ada"))
    assert backend.erase(number, ["m1"]).derived == ("m2",)


def test_steps_and_the_short_way_make_the_same_tables(opened, path):
    opened(path).close()
    stepped = path.with_name("stepped.db")
    connection = sqlite3.connect(stepped, isolation_level=None)
    sqlite_migrations.apply(connection)
    connection.close()
    assert shape(path) == shape(stepped)
    old = path.with_name("old.db")
    old_file(old)
    opened(old).close()
    assert shape(old) == shape(path)
    assert [m.name for m in sqlite_migrations.MIGRATIONS._migrations] == list(sqlite_schema.STEPS)


@pytest.fixture
def next_schema(monkeypatch):
    """As if this were the version after, with one more step."""
    from sqlite_utils import Migrations

    steps = Migrations(sqlite_schema.MIGRATION_SET)
    steps()(sqlite_migrations.m001_create)

    @steps()
    def m002_moods(db):
        db.execute("ALTER TABLE memory ADD COLUMN mood TEXT")
        if db.execute("SELECT count(*) FROM memory WHERE text = 'trap'").fetchone()[0]:
            raise ZeroDivisionError

    monkeypatch.setattr(sqlite_migrations, "MIGRATIONS", steps)
    for module in (sqlite_schema, sqlite_open):
        monkeypatch.setattr(module, "SCHEMA", 2)


def mood(path: Path) -> bool:
    return any("mood" in sql for _, name, sql in shape(path) if name == "memory")


def test_an_old_file_moves_forward(opened, path, make, next_schema):
    old_file(path)
    backend = opened(path)
    assert backend.header().schema == 2
    assert mood(path)
    assert [s.memory.id for s in backend.scan([1])] == ["m1", "m2"]
    backend.close()
    assert opened(path).header().schema == 2  # and only once


def test_a_step_that_fails_changes_nothing(opened, path, next_schema):
    old_file(path)
    raw(path, "UPDATE memory SET text = 'trap' WHERE id = 'm1'")
    with pytest.raises(ZeroDivisionError):
        opened(path)
    assert not mood(path)
    raw(path, "UPDATE memory SET text = 'no trap' WHERE id = 'm1'")
    assert opened(path).header().schema == 2


def test_an_old_file_that_cannot_be_moved_forward(opened, path, next_schema):
    old_file(path)
    with pytest.raises(ReadOnlyFile, match="older schema 1"):
        opened(path, readonly=True)
