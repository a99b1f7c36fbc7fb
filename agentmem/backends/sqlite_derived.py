"""Links and artifacts: written, replaced, and taken back when a consolidation is undone.

What a run replaced lies in the table of artifacts itself, under the maker ``undo:RUN``, so that it goes
with its memory when that is erased:

- of an artifact that a run wrote: what stood there before, with its version; version 0 for nothing.
  The entries of one artifact by several runs form a chain in the order of their rows;
- of a link that a run closed: the number of its row.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from agentmem.backends.sqlite_read import select_in
from agentmem.backends.sqlite_schema import UNDO as MAKER
from agentmem.memory import Link

Laid: TypeAlias = tuple[int, str, str, str, int, Any]
"""An artifact as it is laid down: namespace, source, kind, maker, version, data."""

_LINK = "link"
_WRITE = (
    "INSERT OR REPLACE INTO artifact (ns, source, kind, made_by, version, data) VALUES (?, ?, ?, ?, ?, ?)"
)
_KEY = "ns = ? AND source = ? AND kind = ? AND made_by = ?"


def put_artifacts(connection: sqlite3.Connection, laid: Sequence[Laid], run: str | None) -> None:
    """Write artifacts; what those of a run replace is kept, what others replace is no run's to bring back."""
    if run is not None:
        for ns, source, kind, maker, _, _ in laid:
            place = _place(kind, maker)
            begun = connection.execute(
                f"SELECT 1 FROM artifact WHERE {_KEY}", (ns, source, place, MAKER + run)
            )
            if begun.fetchone() is None:
                there = connection.execute(
                    f"SELECT version, data FROM artifact WHERE {_KEY}", (ns, source, kind, maker)
                ).fetchone()
                version, data = there or (0, "")
                connection.execute(_WRITE, (ns, source, place, MAKER + run, version, data))
    else:
        connection.executemany(
            "DELETE FROM artifact WHERE ns = ? AND source = ? AND kind = ?",
            [(ns, source, _place(kind, maker)) for ns, source, kind, maker, _, _ in laid],
        )
    connection.executemany(_WRITE, laid)


def add_links(connection: sqlite3.Connection, ns: int, links: Sequence[Link], when: int) -> int:
    """Write links that do not stand yet; one of another weight is closed first. Returns how many."""
    found = select_in(
        connection,
        "SELECT source, target, kind, made_by, weight, row FROM link "
        "WHERE ns = ? AND retired_at IS NULL AND source IN ({})",
        (ns,),
        [link.source for link in links],
    )
    there = {row[:4]: (row[4], row[5]) for row in found}
    new: dict[tuple[Any, ...], Link] = {(k.source, k.target, k.kind, k.made_by): k for k in links}
    write = {key: k for key, k in new.items() if key not in there or there[key][0] != k.weight}
    _close(
        connection, ns, when, [(k.source, there[key][1], k.run) for key, k in write.items() if key in there]
    )
    connection.executemany(
        "INSERT INTO link (ns, source, target, kind, weight, recorded_at, made_by, run) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(ns, k.source, k.target, k.kind, k.weight, when, k.made_by, k.run) for k in write.values()],
    )
    return len(write)


def retire_links(
    connection: sqlite3.Connection, ns: int, run: str | None, links: Sequence[Link], when: int
) -> int:
    """Close the live links of a run, and these, by the run that they name. Returns how many."""
    live = "SELECT source, row FROM link WHERE ns = ? AND retired_at IS NULL AND "
    closing: list[tuple[str, int, str | None]] = []
    if run is not None:
        found = connection.execute(f"{live} run = ?", (ns, run))
        closing += [(source, row, None) for source, row in found]
    for k in links:
        found = connection.execute(
            f"{live} source = ? AND target = ? AND kind = ? AND made_by IS ?",
            (ns, k.source, k.target, k.kind, k.made_by),
        )
        closing += [(source, row, k.run) for source, row in found]
    _close(connection, ns, when, closing)
    return len(closing)


def _close(
    connection: sqlite3.Connection, ns: int, when: int, links: Iterable[tuple[str, int, str | None]]
) -> None:
    """Close links, (source, row, the run that does it or None) each; those of a run are remembered."""
    links = list(links)
    connection.executemany(
        "UPDATE link SET retired_at = ? WHERE row = ?", [(when, row) for _, row, _ in links]
    )
    connection.executemany(
        _WRITE,
        [(ns, source, json.dumps([_LINK, row]), MAKER + run, 1, "") for source, row, run in links if run],
    )


def undo_artifacts(connection: sqlite3.Connection, ns: int, run: str) -> int:
    """Bring back what the artifacts of a run replaced; returns how many artifacts changed."""
    changed = 0
    for row, source, place, version, data in _entries(connection, ns, run):
        kind, maker = json.loads(place)
        if kind == _LINK and isinstance(maker, int):
            continue
        connection.execute("DELETE FROM artifact WHERE row = ?", (row,))
        later = connection.execute(
            "SELECT row FROM artifact WHERE ns = ? AND source = ? AND kind = ? AND row > ? "
            "ORDER BY row LIMIT 1",
            (ns, source, place, row),
        ).fetchone()
        if later is not None:
            connection.execute(
                "UPDATE artifact SET version = ?, data = ? WHERE row = ?", (version, data, later[0])
            )
            continue
        changed += 1
        if version:
            connection.execute(_WRITE, (ns, source, kind, maker, version, data))
        else:
            connection.execute(f"DELETE FROM artifact WHERE {_KEY}", (ns, source, kind, maker))
    return changed


def undo_links(connection: sqlite3.Connection, ns: int, run: str, when: int) -> int:
    """Open the links again that a run closed, as new rows; returns how many."""
    opened = 0
    for row, _, place, _, _ in _entries(connection, ns, run):
        kind, number = json.loads(place)
        if kind != _LINK or not isinstance(number, int):
            continue
        connection.execute("DELETE FROM artifact WHERE row = ?", (row,))
        opened += connection.execute(
            "INSERT INTO link (ns, source, target, kind, weight, recorded_at, made_by, run) "
            "SELECT ns, source, target, kind, weight, ?, made_by, run FROM link AS old "
            "WHERE row = ? AND retired_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM link WHERE ns = old.ns "
            "AND source = old.source AND target = old.target AND kind = old.kind AND made_by IS old.made_by "
            "AND retired_at IS NULL) AND 2 = (SELECT count(DISTINCT id) + (old.source = old.target) "
            "FROM memory WHERE ns = old.ns AND retired_at IS NULL AND id IN (old.source, old.target))",
            (when, number),
        ).rowcount
    return opened


def _place(kind: str, maker: str) -> str:
    return json.dumps([kind, maker])


def _entries(connection: sqlite3.Connection, ns: int, run: str) -> list[tuple[int, str, str, int, Any]]:
    return connection.execute(
        "SELECT row, source, kind, version, data FROM artifact WHERE ns = ? AND made_by = ? ORDER BY row",
        (ns, MAKER + run),
    ).fetchall()
