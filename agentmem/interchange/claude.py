"""Claude's data export: ``conversations.json``, alone, in its zip or in the unpacked folder."""

from __future__ import annotations

from collections.abc import Iterator

from agentmem.interchange.entry import Entry, Report, Value, objects, role_of, string
from agentmem.interchange.source import Source
from agentmem.memory import Draft


def read_claude(source: Source, report: Report) -> Iterator[Entry]:
    """Read Claude conversations: messages with their own ids and times.

    Tool calls, their results, attachments and files go into ``data``; thinking and, where a message
    was edited, the branches that were left, are counted as left out.
    """
    for line, value in source.values(report):
        talks = objects(value.get("conversations")) if isinstance(value, dict) else None
        for talk in talks or [value]:
            if not isinstance(talk, dict) or not isinstance(talk.get("chat_messages"), list):
                report.reject(line, "not a conversation: it has no chat_messages", str(talk)[:200])
                continue
            name = string(talk.get("uuid")) or string(talk.get("name"))
            messages = objects(talk["chat_messages"])
            if lost := len(talk["chat_messages"]) - len(messages):
                report.reject(line, f"{lost} messages of {name} are no objects")
            branch = _branch(talk, messages)
            if len(branch) < len(messages):
                report.left_out["messages of other branches"] += len(messages) - len(branch)
            for place, message in enumerate(branch):
                draft = _draft(message, talk, name, place, report)
                if draft is not None:
                    yield Entry(draft, (), line)


def _branch(talk: Value, messages: list[Value]) -> list[Value]:
    """The messages from the first to the current one; all where none was answered twice."""
    parents = [string(message.get("parent_message_uuid")) for message in messages]
    if len(set(parents)) == len(parents) or not any(parents):
        return messages
    by_id = {id: message for message in messages if (id := string(message.get("uuid")))}
    key = string(talk.get("current_leaf_message_uuid"))
    if key not in by_id:
        key = string(messages[-1].get("uuid"))
    branch: list[Value] = []
    while key in by_id:
        message = by_id.pop(key)
        branch.append(message)
        key = string(message.get("parent_message_uuid"))
    return branch[::-1]


def _draft(message: Value, talk: Value, name: str | None, place: int, report: Report) -> Draft | None:
    blocks = objects(message.get("content"))
    texts = [block["text"] for block in blocks if block.get("type") == "text" and string(block.get("text"))]
    text = "\n".join(texts).strip() or (string(message.get("text")) or "").strip()
    data: Value = {}
    if tools := [block for block in blocks if block.get("type") not in ("text", "thinking")]:
        data["content"] = tools
    if thoughts := sum(1 for block in blocks if block.get("type") == "thinking"):
        report.left_out["thinking"] += thoughts
    for key in ("attachments", "files"):
        if found := objects(message.get(key)):
            data[key] = found
    if not text and not data:
        report.left_out["empty messages"] += 1
        return None
    title = string(talk.get("name"))
    return Draft(
        text,
        string(message.get("created_at")) or string(talk.get("created_at")),
        None,
        name,
        metadata={"conversation": title} if title else None,
        data=data or None,
        id=string(message.get("uuid")) or f"{name}:{place}",
        role=role_of(message.get("sender")),
    )
