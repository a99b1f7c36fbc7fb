"""Files with any value in any place: something may be left out and said, nothing may break."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

import agentmem
from agentmem.errors import InvalidInput
from agentmem.interchange import FORMATS, Report, Source, import_file, read

ODD: list[Any] = [
    None, True, 0, -1.5, 1e300, "", " ", "x", "\0\ud83d", "9999", [], [[]], ["y"], [{}], {}, {"a": None}
]  # fmt: skip
SAMPLES: dict[str, Any] = {
    "chatgpt": [
        {
            "title": "t", "id": "c", "create_time": 1.0, "current_node": "b",
            "mapping": {
                "a": {"id": "a", "parent": None, "children": ["b"], "message": None},
                "b": {
                    "id": "b", "parent": "a", "children": [],
                    "message": {
                        "id": "b", "author": {"role": "user", "name": None}, "create_time": 2.0,
                        "recipient": "all",
                        "content": {"content_type": "text", "parts": ["hello"]},
                        "metadata": {"model_slug": "m"},
                    },
                },
            },
        }
    ],
    "claude": [
        {
            "uuid": "c", "name": "t", "created_at": "2024-01-01T00:00:00Z",
            "chat_messages": [
                {
                    "uuid": "a", "sender": "human", "text": "x", "created_at": "2024-01-01T00:00:00Z",
                    "content": [{"type": "text", "text": "hello"}], "attachments": [{"file_name": "f"}],
                    "parent_message_uuid": "0",
                },
                {"uuid": "b", "sender": "assistant", "text": "y", "parent_message_uuid": "0"},
            ],
        }
    ],
    "mcp": {
        "entities": [{"name": "a", "entityType": "t", "observations": ["o", "p"]}],
        "relations": [{"from": "a", "to": "a", "relationType": "r"}],
    },
    "locomo": {
        "sample_id": "s", "qa": [{}],
        "conversation": {
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [{"speaker": "a", "dia_id": "D1:1", "text": "x", "blip_caption": "c"}],
        },
    },
    "longmemeval": [
        {
            "question_id": "q", "haystack_dates": ["2023/05/20 (Sat) 02:21"], "haystack_session_ids": ["s"],
            "haystack_sessions": [[{"role": "user", "content": "x", "has_answer": True}]],
        }
    ],
    "jsonl": [
        {
            "id": "a", "text": "x", "at": "2023-05-08", "speaker": "s", "role": "user", "session": "s",
            "data": 1, "metadata": {"k": 1}, "namespace": ["n"], "sources": ["b"], "trust": 0.5,
            "kind": "episode",
            "valid_from": "2023-05-08", "expires_at": "2030-01-01",
        },
        {
            "id": "b", "namespace": [], "text": "x", "kind": "episode", "at": "2023-05-08T00:00:00+00:00",
            "speaker": None, "role": None, "session": None, "metadata": {}, "data": None, "sources": [],
            "trust": 1.0, "valid_from": None, "valid_until": None, "expires_at": None, "version": 1,
            "made_by": None, "run": None, "recorded_at": "2023-05-08T00:00:00+00:00", "retired_at": None,
        },
        {"type": "link", "source": "b", "target": "b", "kind": "k", "weight": 1, "recorded_at": None},
        {"type": "export", "format": "agentmem", "version": 1, "root": []},
    ],
}  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(value, key) for key, _ in items]
    for container, key in list(found):
        found += places(container[key])
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_any_value_in_any_place(name: str, tmp_path: Path) -> None:
    path = tmp_path / "source.json"
    with agentmem.open(tmp_path / "memory.db", embedder="none", durability="relaxed") as memory:
        for number in range(len(places(SAMPLES[name]))):
            for odd in ODD:
                value = copy.deepcopy(SAMPLES[name])
                container, key = places(value)[number]
                container[key] = odd
                path.write_text(json.dumps(value))
                try:
                    report = import_file(memory.namespace("n", name), path, format=name)
                except InvalidInput:
                    continue
                json.dumps(report.to_dict())
        assert [problem for problem in memory.check() if problem.where != "source"] == []


@pytest.mark.parametrize("name", FORMATS)
def test_noise(name: str, tmp_path: Path) -> None:
    chance = random.Random(5)
    path = tmp_path / "source"
    sample = json.dumps(SAMPLES.get(name, SAMPLES["jsonl"]), indent=1).encode()
    for _ in range(150):
        raw = bytearray(
            sample
            if chance.random() < 0.7
            else b"[2023-05-08 13:56] Ada: x\n08/05/23, 1:56 PM - B: y\nC: z\n"
        )
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(raw) + 1)
            raw[place : place + chance.randint(0, 4)] = bytes(
                chance.choices(b'{}[]",:\n\\0a\xff\x00 12:', k=2)
            )
        path.write_bytes(raw)
        for format in (name, "auto"):
            try:
                list(read(Source(path), Report(), format=format))
            except InvalidInput:
                continue
