"""Files of other programs: ChatGPT, Claude, MCP's memory server, LoCoMo, LongMemEval."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import InvalidInput, UnknownOption
from agentmem.interchange import Report, Source, read
from agentmem.memory import Link


def node(id: str, parent: str | None, role: str, text: Any, **message: Any) -> dict[str, Any]:
    content = text if isinstance(text, dict) else {"content_type": "text", "parts": [text]}
    body = {"id": id, "author": {"role": role}, "content": content, "recipient": "all", **message}
    return {"id": id, "parent": parent, "children": [], "message": body}


CHATGPT = [
    {
        "title": "Trip",
        "conversation_id": "talk",
        "create_time": 1683554160.0,
        "current_node": "e",
        "mapping": {
            "r": {"id": "r", "parent": None, "children": ["s"], "message": None},
            "s": node("s", "r", "system", "You are helpful"),
            "a": node("a", "s", "user", "Plan a trip to Lisbon", create_time=1683554170.5),
            "b": node("b", "a", "assistant", "an answer that was thrown away"),
            "c": node("c", "a", "assistant", "Three days.", metadata={"model_slug": "gpt-4"}),
            "t": node("t", "c", "tool", {"content_type": "execution_output", "text": "42"}),
            "d": node(
                "d", "t", "user", {"content_type": "multimodal_text", "parts": [{"asset": 1}, "this photo"]}
            ),
            "h": node("h", "d", "user", "hidden", metadata={"is_visually_hidden_from_conversation": True}),
            "e": node("e", "h", "assistant", ""),
        },
    },
    {"title": "broken"},
]


def test_chatgpt(reading: Callable[..., Any]) -> None:
    entries, report = reading(json.dumps(CHATGPT), name="conversations.json")
    assert report.format == "chatgpt"
    drafts = [entry.what for entry in entries]
    assert [(d.id, d.role, d.text) for d in drafts] == [
        ("a", "user", "Plan a trip to Lisbon"),
        ("c", "assistant", "Three days."),
        ("t", "tool", ""),
        ("d", "user", "this photo"),
    ]
    assert {draft.session for draft in drafts} == {"talk"}
    assert drafts[0].at == 1683554170.5 and drafts[1].at == 1683554160.0
    assert drafts[1].metadata == {"conversation": "Trip", "model": "gpt-4"}
    assert drafts[2].data["content"]["text"] == "42"
    assert drafts[3].data == {"parts": [{"asset": 1}]}
    assert report.left_out == {
        "system messages": 1, "messages of other branches": 1, "hidden messages": 1, "empty messages": 1
    }  # fmt: skip
    assert "no mapping" in report.rejected[0].why


def test_chatgpt_without_current_node(reading: Callable[..., Any]) -> None:
    talk = json.loads(json.dumps(CHATGPT[0]))
    del talk["current_node"]
    talk["mapping"]["e"]["message"]["create_time"] = 1783554170.5
    for child, parent in (("c", "a"), ("t", "c"), ("d", "t"), ("h", "d"), ("e", "h"), ("a", "s")):
        talk["mapping"][parent]["children"].append(child)
    entries, _ = reading(json.dumps([talk]))
    assert [entry.what.id for entry in entries] == ["a", "c", "t", "d"]


CLAUDE = [
    {
        "uuid": "talk",
        "name": "Trip",
        "created_at": "2024-01-01T10:00:00Z",
        "chat_messages": [
            {
                "uuid": "1", "sender": "human", "text": "old form", "created_at": "2024-01-01T10:00:01Z",
                "attachments": [{"file_name": "a.txt", "extracted_content": "inside"}],
            },
            {
                "uuid": "2", "sender": "assistant", "text": "",
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "Three days."},
                    {"type": "tool_use", "name": "search", "input": {}},
                ],
            },
            {"uuid": "3", "sender": "human", "text": " "},
            "broken",
        ],
    },
    {"uuid": "none"},
]  # fmt: skip


def test_claude(reading: Callable[..., Any]) -> None:
    entries, report = reading(json.dumps(CLAUDE), name="conversations.json")
    assert report.format == "claude"
    one, two = [entry.what for entry in entries]
    assert (one.id, one.role, one.text, one.session) == ("1", "user", "old form", "talk")
    assert one.at == "2024-01-01T10:00:01Z" and two.at == "2024-01-01T10:00:00Z"
    assert one.data["attachments"][0]["extracted_content"] == "inside"
    assert (two.role, two.text, two.metadata) == ("assistant", "Three days.", {"conversation": "Trip"})
    assert two.data["content"][0]["name"] == "search"
    assert report.left_out == {"thinking": 1, "empty messages": 1}
    assert len(report.rejected) == 2


def test_claude_branches(reading: Callable[..., Any]) -> None:
    said = [("1", None), ("2", "1"), ("2b", "1"), ("3", "2b")]
    messages = [
        {"uuid": id, "sender": "human", "text": f"text {id}", "parent_message_uuid": parent}
        for id, parent in said
    ]
    entries, report = reading(json.dumps([{"uuid": "t", "chat_messages": messages}]))
    assert [entry.what.id for entry in entries] == ["1", "2b", "3"]
    assert report.left_out == {"messages of other branches": 1}


MCP = [
    {
        "type": "entity",
        "name": "John_Smith",
        "entityType": "person",
        "observations": ["Speaks Spanish", "Is 40"],
    },
    {"type": "entity", "name": "Anthropic", "entityType": "company", "observations": []},
    {"type": "relation", "from": "John_Smith", "to": "Anthropic", "relationType": "works_at"},
    {"type": "relation", "from": "John_Smith", "to": "Nobody", "relationType": "knows"},
    {"type": "entity", "observations": []},
    {"type": "other"},
]


def test_mcp(reading: Callable[..., Any]) -> None:
    text = "\n".join(json.dumps(line) for line in MCP) + "\n{bro\n"
    entries, report = reading(text, name="memory.json")
    assert report.format == "mcp"
    drafts = [entry.what for entry in entries if not isinstance(entry.what, Link)]
    links = [entry.what for entry in entries if isinstance(entry.what, Link)]
    assert [draft.text for draft in drafts] == [
        "John Smith: Speaks Spanish",
        "John Smith: Is 40",
        "Anthropic is a company.",
        "John Smith works at Anthropic.",
        "John Smith knows Nobody.",
    ]
    assert drafts[0].metadata == {"entity": "John_Smith", "entity_type": "person"}
    assert drafts[0].data == {"observation": "Speaks Spanish"}
    assert [(link.source, link.target, link.kind) for link in links] == [
        (drafts[1].id, drafts[0].id, "about"),
        (drafts[0].id, drafts[2].id, "works_at"),
    ]
    assert [one.line for one in report.rejected] == [5, 6, 7]
    assert any("Nobody" in note for note in report.notes)


def test_mcp_graph_object(reading: Callable[..., Any]) -> None:
    graph = {"entities": MCP[:2], "relations": MCP[2:3]}
    for text in (json.dumps(graph), json.dumps(graph, indent=2)):
        entries, report = reading(text)
        assert report.format == "mcp" and len(entries) == 6 and not report.rejected


LOCOMO = {
    "sample_id": "conv-1",
    "qa": [{"question": "?"}] * 3,
    "conversation": {
        "speaker_a": "Ada",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ada", "dia_id": "D1:1", "text": "Hello"},
            {"speaker": "Ben", "dia_id": "D1:2", "text": "Look", "blip_caption": "a dog", "img_url": ["u"]},
            {"speaker": "Ben", "dia_id": "D1:3"},
        ],
        "session_2_date_time": "sometime",
        "session_2": [{"speaker": "Ada", "dia_id": "D2:1", "text": "Bye"}],
        "session_3_date_time": "1:56 pm on 9 May, 2023",
    },
}


def test_locomo(reading: Callable[..., Any]) -> None:
    entries, report = reading(json.dumps(LOCOMO, indent=1), name="chat.json")
    assert report.format == "locomo"
    drafts = [entry.what for entry in entries]
    assert [(d.id, d.speaker, d.text) for d in drafts] == [
        ("conv-1:D1:1", "Ada", "Hello"),
        ("conv-1:D1:2", "Ben", "Look [shared image: a dog]"),
        ("conv-1:D2:1", "Ada", "Bye"),
    ]
    assert drafts[0].at == datetime(2023, 5, 8, 13, 56, tzinfo=timezone.utc) and drafts[2].at is None
    assert drafts[0].session == "conv-1:session_1" and drafts[0].metadata["dia_id"] == "D1:1"
    assert drafts[1].data == {"blip_caption": "a dog", "img_url": ["u"]}
    assert all(entry.namespace == () for entry in entries)
    assert len(report.rejected) == 2 and report.left_out == {"questions": 3}


def test_locomo_list_goes_to_namespaces(reading: Callable[..., Any]) -> None:
    entries, report = reading(json.dumps([LOCOMO, {**LOCOMO, "sample_id": "conv-2"}]))
    assert report.format == "locomo"
    assert [entry.namespace for entry in entries] == [("conv-1",)] * 3 + [("conv-2",)] * 3


LONGMEMEVAL = [
    {
        "question_id": "q1",
        "question": "?",
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "when?"],
        "haystack_session_ids": ["s1", "s2"],
        "haystack_sessions": [
            [
                {"role": "user", "content": "hi", "has_answer": True},
                {"role": "assistant", "content": "hello"},
            ],
            [{"role": "user", "content": "more"}, {"role": "user"}],
        ],
    },
    {"question_id": ["q2", "q3"], "haystack_sessions": [[{"role": "user", "content": "x"}]]},
    {"question_id": "q4"},
]


def test_longmemeval(reading: Callable[..., Any]) -> None:
    entries, report = reading(json.dumps(LONGMEMEVAL))
    assert report.format == "longmemeval"
    assert [(e.namespace, e.what.id, e.what.session, e.what.role) for e in entries] == [
        (("q1",), "s1:0", "s1", "user"),
        (("q1",), "s1:1", "s1", "assistant"),
        (("q1",), "s2:0", "s2", "user"),
        (("q2",), "session_0:0", "session_0", "user"),
    ]
    assert entries[0].what.at == datetime(2023, 5, 20, 2, 21, tzinfo=timezone.utc)
    assert entries[0].what.metadata == {"has_answer": True}
    assert len(report.rejected) == 3 and report.left_out == {"questions": 3}


def test_longmemeval_in_one_namespace(tmp_path: Path) -> None:
    path = tmp_path / "l.json"
    path.write_text(json.dumps(LONGMEMEVAL))
    entries = list(read(Source(path), Report(), format="longmemeval", apart=False))
    assert {entry.namespace for entry in entries} == {()}


def test_zip_folder_and_gzip(tmp_path: Path) -> None:
    text = json.dumps(CHATGPT)
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("x/conversations.json", text)
        out.writestr("x/user.json", "{}")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "conversations-000.json").write_text(text)
    packed = tmp_path / "c.json.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (archive, folder, packed):
        steps: list[int] = []
        report = Report()
        assert len(list(read(Source(path, steps.append), report))) == 4, path
        assert report.format == "chatgpt"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is empty"),
        ("  \n ", "is empty"),
        (b"SQLite format 3\0\1\2", "binary"),
        ('{"colour": "red"}', "no form that is known"),
        ("[1, 2]", "no line of|no list"),
    ],
)
def test_what_is_of_no_form(reading: Callable[..., Any], text: str, match: str) -> None:
    with pytest.raises(InvalidInput, match=match):
        reading(text)


def test_unknown_format_and_empty_archive(reading: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(UnknownOption, match="transcript"):
        reading("Ada: hello", format="word")
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as out:
        out.writestr("user.json", "{}")
    with pytest.raises(InvalidInput, match=r"no conversations\.json"):
        list(read(Source(tmp_path / "e.zip"), Report()))
    with pytest.raises(InvalidInput, match=r"no conversations\.json"):
        (tmp_path / "folder").mkdir()
        list(read(Source(tmp_path / "folder"), Report()))


def test_damaged_archives(tmp_path: Path) -> None:
    packed = gzip.compress(b'{"text": "one"}\n' * 5000)
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "odd.jsonl.gz").write_bytes(packed[:20] + b"odd" + packed[23:])
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and no more")
    for path in tmp_path.iterdir():
        with pytest.raises(InvalidInput, match="damaged archive"):
            list(read(Source(path), Report()))
