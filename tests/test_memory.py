from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from datetime import datetime, timedelta, timezone

import pytest

from agentmem.memory import (
    Answer,
    ConsolidationReport,
    Context,
    Derived,
    Draft,
    ErasureReport,
    Hit,
    Link,
    Memory,
    Stats,
    Step,
    memory_from_dict,
)

AT = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
FULL = Memory(
    "id", ("users", "ada"), "text", "note", at=AT, speaker="Ada", role="user", session="s",
    metadata={"a": [1, {"b": None}]}, data=[1], sources=("x", "y"), trust=0.5, valid_from=AT, valid_until=AT,
    expires_at=AT, recorded_at=AT, retired_at=AT, version=3, made_by="store:1", run="r",
)  # fmt: skip


def test_a_memory_survives_json() -> None:
    for memory in (FULL, Memory("id", (), "text", at=AT, recorded_at=AT)):
        again = memory_from_dict(json.loads(json.dumps(memory.to_dict())))
        assert again == memory
        assert again.at.isoformat() == AT.isoformat()
        assert list(memory.to_dict()) == [field.name for field in fields(Memory)]


def test_records_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        FULL.text = "other"  # type: ignore[misc]


def test_everything_that_is_reported_is_json() -> None:
    hit = Hit(FULL, 1.5, 0.5, {"words": 1.5}, (Step("a", "names", 0.5),), ("says 'x'",))
    stats = Stats(
        ":memory:", "unified", (), 1, {"episode": 1}, 1, 1, 0, 0, AT, None, 1, 0, 0, "static", 256, {}
    )
    reports = [
        hit,
        Answer("text", (hit,), 0.5, ("a -> b",), "quote"),
        Context("text", (hit,), 7, 1),
        ErasureReport(("a",), ("b",), 2),
        ConsolidationReport("run", 1, ("a",)),
        stats,
    ]
    for report in reports:
        assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    assert hit.to_dict()["via"] == [{"id": "a", "kind": "names", "weight": 0.5}]
    assert hit.to_dict()["memory"]["at"] == "2024-05-01T12:00:00+02:00"
    assert stats.to_dict()["first"] == "2024-05-01T12:00:00+02:00"


def test_a_context_is_its_text() -> None:
    assert str(Context("text", (), 1)) == "text"


def test_derived_is_true_when_there_is_something_to_write() -> None:
    assert not Derived()
    assert (
        Derived(memories=(Draft("x"),))
        and Derived(links=(Link("a", "b", "names"),))
        and Derived(retire=("a",))
    )


def test_a_draft_takes_what_a_memory_holds() -> None:
    kept = {field.name for field in fields(Memory)}
    minted = {"namespace", "recorded_at", "retired_at", "version", "made_by", "run"}
    assert {field.name for field in fields(Draft)} == kept - minted
