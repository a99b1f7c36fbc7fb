"""The steps that move an old memory file forward, one function a schema; never edited after a release.

Imports sqlite-utils, so it is imported only when a file's schema is not the current one.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database, Migrations

from agentmem.backends.sqlite_schema import MIGRATION_SET, VERSION_1

MIGRATIONS = Migrations(MIGRATION_SET)


@MIGRATIONS()
def m001_create(db: Database) -> None:
    """Make the tables of the first schema."""
    for statement in VERSION_1:
        db.execute(statement)


def apply(connection: sqlite3.Connection, migrations: Migrations | None = None) -> None:
    """Run the steps a file has not had, inside the caller's transaction."""
    database = Database(connection, recursive_triggers=False, execute_plugins=False)
    (migrations or MIGRATIONS).apply(database)
