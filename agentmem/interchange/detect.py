"""Which format a file is in, by looking at its beginning."""

from __future__ import annotations

import json
from typing import Any

from agentmem.errors import InvalidInput
from agentmem.interchange.entry import Report
from agentmem.interchange.locomo import is_locomo
from agentmem.interchange.source import Source


def detect(source: Source) -> str:
    """The name of a source's format.

    Raises:
        InvalidInput: the file is empty, binary, or JSON of a form that is not known.
    """
    head = source.head()
    text = head.lstrip()
    if not text:
        raise InvalidInput(f"{source.path.name} is empty")
    if "\0" in text:
        raise InvalidInput(f"{source.path.name} is a binary file; an export of another program was expected")
    if text[0] == "{":
        value = _first_line(source)
        return _of(value if value is not None else source.first_value(), source)
    if text[0] == "[" and text[1:].lstrip()[:1] in ("{", "]", '"', ""):
        return _of(source.first_value(), source)
    return "transcript" if text[0] != '"' else "jsonl"


def _first_line(source: Source) -> Any:
    """The first of the first lines that is a JSON object by itself."""
    for number, line in source.lines(Report()):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
        if number >= 20:
            break
    return None


def _of(value: Any, source: Source) -> str:
    if value is None or isinstance(value, str):
        return "jsonl"
    if isinstance(value, dict):
        if "mapping" in value:
            return "chatgpt"
        if "chat_messages" in value or "chat_messages" in _inner(value):
            return "claude"
        if "haystack_sessions" in value:
            return "longmemeval"
        if is_locomo(value):
            return "locomo"
        if value.get("type") in ("entity", "relation") or {"entities", "relations"} <= value.keys():
            return "mcp"
        known = {"text", "content", "message", "data"} & value.keys()
        if known or value.get("type") in ("export", "link"):
            return "jsonl"
        keys = ", ".join(sorted(map(str, value))[:8])
        raise InvalidInput(
            f"{source.path.name} is JSON of no form that is known (its keys: {keys}); "
            'name the form with --format, or give each line a "text"'
        )
    raise InvalidInput(f"{source.path.name} is JSON, but no list of objects")


def _inner(value: dict[str, Any]) -> dict[str, Any]:
    talks = value.get("conversations")
    return talks[0] if isinstance(talks, list) and talks and isinstance(talks[0], dict) else {}
