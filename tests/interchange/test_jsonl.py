from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agentmem.interchange import Report, Source
from agentmem.memory import Link, Memory


def test_minimal_lines(reading: Callable[..., Any]) -> None:
    lines = [
        {"text": "one", "speaker": "Ada", "at": "2023-05-08"},
        {"content": "two", "name": "Ben", "timestamp": 1683554160, "session_id": "s", "role": "human"},
        "three",
        {"text": "four", "id": 7, "topic": "work", "metadata": {"mood": "glad"}, "namespace": "users/ada"},
    ]
    entries, report = reading("\n".join(json.dumps(line) for line in lines) + "\n")
    assert report.format == "jsonl" and not report.rejected
    one, two, three, four = [entry.what for entry in entries]
    assert (one.text, one.speaker, one.at) == ("one", "Ada", "2023-05-08")
    assert (two.text, two.speaker, two.at, two.session, two.role) == ("two", "Ben", 1683554160, "s", "user")
    assert three.text == "three" and three.id
    assert (four.id, four.metadata) == ("7", {"topic": "work", "mood": "glad"})
    assert entries[3].namespace == ("users", "ada")


def test_malformed_lines_are_reported_and_the_rest_is_read(reading: Callable[..., Any]) -> None:
    lines = ['{"text": "one"}', '{"text": ', "", "[1]", '{"mood": 3}', "42", '{"text": "two", "metadata": 3}']
    text = "\n".join([*lines, '{"text": "three"}', ""])
    entries, report = reading(text)
    assert [entry.what.text for entry in entries] == ["one", "three"]
    assert [one.line for one in report.rejected] == [2, 4, 5, 6, 7]
    assert report.rejected[0].raw == '{"text": '
    assert "line 4: a list instead of an object" in str(report.rejected[1])


def test_a_json_array(reading: Callable[..., Any]) -> None:
    entries, report = reading('[\n {"text": "one"},\n {"text": "two"}\n]')
    assert [(e.what.text, e.line) for e in entries] == [("one", 2), ("two", 3)]
    assert report.format == "jsonl"


def test_an_array_that_ends_early(reading: Callable[..., Any]) -> None:
    entries, report = reading('[{"text": "one"},\n{"text": "tw')
    assert [entry.what.text for entry in entries] == ["one"]
    assert report.rejected[0].line == 2 and "not read" in report.rejected[0].why


def test_equal_lines_are_two_memories(reading: Callable[..., Any]) -> None:
    entries, _ = reading('{"text": "ok"}\n{"text": "ok"}\n')
    assert len({entry.what.id for entry in entries}) == 2


def test_links_and_complete_memories(reading: Callable[..., Any]) -> None:
    memory = {
        "id": "a", "namespace": ["users", "ada", "work"], "text": "x", "at": "2023-05-08T00:00:00+02:00",
        "recorded_at": "2023-05-09T00:00:00+00:00", "version": 3, "made_by": "zettel:1",
    }  # fmt: skip
    link = {"type": "link", "namespace": ["users", "ada"], "source": "a", "target": "b", "kind": "k"}
    head = {"type": "export", "format": "agentmem", "version": 1, "root": ["users", "ada"]}
    bad = {**link, "weight": 2}
    entries, report = reading("\n".join(json.dumps(line) for line in (head, memory, link, bad)))
    assert isinstance(entries[0].what, Memory) and entries[0].what.version == 3
    assert entries[0].namespace == ("work",)
    assert entries[1].what == Link("a", "b", "k") and entries[1].namespace == ()
    assert [one.line for one in report.rejected] == [4]


def test_a_newer_export_is_refused(reading: Callable[..., Any]) -> None:
    _, report = reading('{"type": "export", "format": "agentmem", "version": 9}\n')
    assert "version 9" in report.rejected[0].why


def test_values_larger_than_a_chunk(tmp_path: Any) -> None:
    path = tmp_path / "big.json"
    values = [{"text": "x" * 700_000, "n": n} for n in range(5)]
    path.write_text(json.dumps(values))
    report = Report()
    assert [value["n"] for _, value in Source(path).values(report)] == list(range(5))
    assert not report.rejected
