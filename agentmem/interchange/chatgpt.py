"""ChatGPT's data export: ``conversations.json``, alone, in its zip or in the unpacked folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from agentmem.interchange.entry import Entry, Report, Value, number, role_of, string
from agentmem.interchange.source import Source
from agentmem.memory import Draft


def read_chatgpt(source: Source, report: Report) -> Iterator[Entry]:
    """Read ChatGPT conversations: the branch that was current, messages with their own ids and times.

    What a tool was asked and what it gave, and parts that are not text, go into ``data``. System
    messages, hidden messages and other branches are left out and counted.
    """
    for line, talk in source.values(report):
        if not isinstance(talk, dict) or not isinstance(talk.get("mapping"), dict):
            report.reject(line, "not a conversation: it has no mapping", str(talk)[:200])
            continue
        name = string(talk.get("conversation_id")) or string(talk.get("id")) or string(talk.get("title"))
        branch = _branch(talk)
        held = sum(1 for node in talk["mapping"].values() if _message(node))
        report.left_out["messages of other branches"] += held - sum(1 for node in branch if _message(node))
        for place, node in enumerate(branch):
            if (message := _message(node)) is not None:
                id = string(message.get("id")) or string(node.get("id")) or f"{name}:{place}"
                draft = _draft(message, talk, id, name, report)
                if draft is not None:
                    yield Entry(draft, (), line)
    report.left_out += Counter()  # drops counts of zero


def _message(node: Any) -> Value | None:
    message = node.get("message") if isinstance(node, dict) else None
    return message if isinstance(message, dict) else None


def _branch(talk: Value) -> list[Value]:
    """The nodes from the root to the current one."""
    nodes: Value = talk["mapping"]
    key: Any = talk.get("current_node")
    if not isinstance(key, str) or key not in nodes:
        key = _newest_leaf(nodes)
    branch: list[Value] = []
    seen: set[str] = set()
    while isinstance(key, str) and key in nodes and key not in seen:
        seen.add(key)
        node = nodes[key]
        if not isinstance(node, dict):
            break
        branch.append(node)
        key = node.get("parent")
    return branch[::-1]


def _newest_leaf(nodes: Value) -> str | None:
    leaves = [
        (number((_message(node) or {}).get("create_time")) or 0.0, place, key)
        for place, (key, node) in enumerate(nodes.items())
        if isinstance(node, dict) and not node.get("children")
    ]
    return max(leaves)[2] if leaves else None


def _draft(message: Value, talk: Value, id: str, session: str | None, report: Report) -> Draft | None:
    author = message.get("author") if isinstance(message.get("author"), dict) else {}
    role = role_of(author.get("role")) if isinstance(author, dict) else None
    about = message.get("metadata") if isinstance(message.get("metadata"), dict) else {}
    content = message.get("content") if isinstance(message.get("content"), dict) else {}
    assert isinstance(about, dict) and isinstance(content, dict) and isinstance(author, dict)
    if role == "system":
        report.left_out["system messages"] += 1
        return None
    if about.get("is_visually_hidden_from_conversation"):
        report.left_out["hidden messages"] += 1
        return None
    text, rest = _content(content)
    to_tool = message.get("recipient") not in (None, "all")
    shown = role != "tool" and not to_tool and content.get("content_type") in ("text", "multimodal_text")
    if not shown and (text or rest):
        text, rest = "", {"content": content, "author": author, "recipient": message.get("recipient")}
        report.note("what tools were asked and gave is kept in data, not searched")
    if not text and not rest:
        report.left_out["empty messages"] += 1
        return None
    metadata = {"conversation": talk.get("title"), "model": about.get("model_slug")}
    return Draft(
        text,
        _time(message, talk),
        string(author.get("name")) if role == "tool" else None,
        session,
        metadata={key: value for key, value in metadata.items() if value},
        data=rest or None,
        id=id,
        role=role,
    )


def _content(content: Value) -> tuple[str, Value]:
    """(the text, what is not text)."""
    parts = content.get("parts")
    if not isinstance(parts, list):
        parts = [content.get(key) for key in ("text", "result", "content") if content.get(key)]
    texts = [part for part in parts if isinstance(part, str)]
    heard = [part["text"] for part in parts if isinstance(part, dict) and string(part.get("text"))]
    others = [part for part in parts if part and not isinstance(part, str)]
    return "\n".join(texts + heard).strip(), {"parts": others} if others else {}


def _time(message: Value, talk: Value) -> float | None:
    for value in (message.get("create_time"), talk.get("create_time")):
        if (found := number(value)) is not None:
            return found
    return None
