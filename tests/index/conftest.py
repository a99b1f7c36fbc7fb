"""A backend in a few lists, for tests of the indexes: what a space asks of a backend, and no more."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agentmem.backends.base import NO_TIME_HIGH, NO_TIME_LOW, Changes, Columns

WHEN = datetime(2024, 1, 1, tzinfo=timezone.utc)


class FakeBackend:
    """One namespace, number 1."""

    path = ":memory:"
    readonly = False

    def __init__(self, dim: int = 8) -> None:
        self.dim = dim
        self.rows: dict[int, dict[str, Any]] = {}
        self.log: list[tuple[str, int]] = []
        self.who = SimpleNamespace(uuid="u", schema=1, erase_epoch=0, analyser="a", fingerprint="f", dim=dim)
        self.scans = 0

    def header(self) -> Any:
        return SimpleNamespace(**vars(self.who))

    # --- writing
    def add(
        self, id: str, tokens: list[int], vectors: Any = None, position: int | None = None, **more: Any
    ) -> int:
        row = len(self.rows) + 1
        self.rows[row] = {
            "id": id, "tokens": tokens, "vectors": vectors, "position": position or row, "live": True,
            "session": None, "speaker": None, "role": None, "kind": "episode", "made_by": None, "at": row,
            "metadata": {}, "flags": 0, "trust": 1.0, **more,
        }  # fmt: skip
        self.log.append(("add", row))
        return row

    def retire(self, row: int) -> None:
        self.rows[row]["live"] = False
        self.log.append(("retire", row))

    def update(self, row: int, tokens: list[int], vectors: Any = None, **more: Any) -> int:
        old = self.rows[row]
        self.retire(row)
        kept = {key: old[key] for key in ("session", "speaker", "at", "metadata")}
        return self.add(old["id"], tokens, vectors, old["position"], **{**kept, **more})

    def embed(self, row: int, vectors: Any, tokens: list[int] | None = None) -> None:
        self.rows[row]["vectors"] = vectors
        if tokens is not None:
            self.rows[row]["tokens"] = tokens
        self.log.append(("vectors", row))

    # --- reading
    def version(self) -> Any:
        return len(self.log)

    def cursor(self, ns: int) -> Any:
        return len(self.log)

    def changes(self, ns: int, since: Any) -> Changes:
        end = len(self.log)
        if since is None or since > end:
            return Changes(end, rebuild=True)
        added, retired, vectors = [], [], []
        for what, row in dict.fromkeys(self.log[since:end]):
            live = self.rows[row]["live"]
            was = ("add", row) in self.log[:since] and ("retire", row) not in self.log[:since]
            if what == "add" and live:
                added.append(row)
            elif what == "retire" and was:
                retired.append(row)
            elif what == "vectors" and live and was:
                vectors.append(row)
        return Changes(end, added, retired, vectors)

    def columns(self, ns: int, rows: Any = None, *, known_at: Any = None) -> tuple[Any, Columns]:
        self.scans += rows is None
        end = len(self.log)
        wanted = [row for row, r in list(self.rows.items()) if r["live"]] if rows is None else list(rows)
        wanted.sort(key=lambda row: (self.rows[row]["position"], row))
        got = [self.rows[row] for row in wanted]
        n = len(got)
        pieces = [np.zeros((0, self.dim), np.float32) if r["vectors"] is None else r["vectors"] for r in got]
        columns = Columns(
            rows=np.array(wanted, np.int64),
            positions=np.array([r["position"] for r in got], np.int64),
            ids=[r["id"] for r in got],
            kinds=[r["kind"] for r in got],
            speakers=[r["speaker"] for r in got],
            sessions=[r["session"] for r in got],
            roles=[r["role"] for r in got],
            made_by=[r["made_by"] for r in got],
            at=np.array([r["at"] for r in got], np.int64),
            valid_from=np.full(n, NO_TIME_LOW),
            valid_until=np.full(n, NO_TIME_HIGH),
            expires_at=np.full(n, NO_TIME_HIGH),
            trust=np.array([r["trust"] for r in got], np.float32),
            flags=np.array([r["flags"] for r in got], np.int64),
            tokens=np.array([t for r in got for t in r["tokens"]], np.uint32),
            token_offsets=np.cumsum([0, *(len(r["tokens"]) for r in got)]),
            vectors=np.concatenate(pieces) if any(len(p) for p in pieces) else None,
            vector_offsets=np.cumsum([0, *(len(p) for p in pieces)]),
        )
        return end, columns

    def metadata(self, ns: int, rows: Any) -> Any:
        return ((row, self.rows[row]["metadata"]) for row in rows)

    def memories(self, rows: Any) -> Any:
        return [SimpleNamespace(id=self.rows[row]["id"]) for row in rows if row in self.rows]


@pytest.fixture(scope="session")
def make_backend() -> type[FakeBackend]:
    return FakeBackend
