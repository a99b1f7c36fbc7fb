"""Chat messages in and out: OpenAI's mappings and LangChain's message objects.

A message becomes one memory: its text verbatim, its role, its name as the speaker. What is not
text (tool calls, images, ids) goes into ``data``, so that :func:`to_message` gives the message
back. Text that recall had put into a message is taken out first: it is no news.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from agentmem.clock import TimeLike
from agentmem.errors import InvalidInput
from agentmem.memory import Draft, Json, Memory
from agentmem.recall.fence import strip_fences

KEY = "message"
"""The key of ``Memory.data`` under which the rest of a message is kept."""

_LANGCHAIN_ROLES = {
    "human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "function",
    "developer": "developer", "chat": "", "generic": "",
}  # fmt: skip
_ROLES = {
    "user": "user", "assistant": "assistant", "system": "system", "tool": "tool",
    "developer": "system", "function": "tool", "human": "user", "ai": "assistant", "model": "assistant",
}  # fmt: skip
_TEXT_PARTS = frozenset({"text", "input_text", "output_text"})
_OWN = frozenset({"role", "content", "name", "at"})


def drafts(
    messages: Iterable[Any],
    *,
    session: str | None = None,
    at: TimeLike | None = None,
    include_system: bool = False,
) -> list[Draft]:
    """Read chat messages as drafts of memories.

    Args:
        messages: OpenAI-shaped mappings (``role``, ``content``, …; an ``at`` of their own is
            used), LangChain-shaped objects or their dictionaries, objects with ``model_dump``
            such as the ``openai`` client returns, or pairs of role and text.
        session: the conversation they belong to.
        at: when they were said; None: when they are stored.
        include_system: keep system messages too. They say how the application wants its model
            to behave and are nothing that happened, so they are left out by default.

    Returns:
        A draft a message, in order. A message with neither text nor anything else is left out.

    Raises:
        InvalidInput: something is no message; its place is named.
    """
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
        raise InvalidInput("messages is a list of messages; pass [message] for a single one")
    found = []
    for place, message in enumerate(messages):
        draft = _draft(_as_openai(message, place), place, session, at, include_system)
        if draft is not None:
            found.append(draft)
    return found


def to_message(memory: Memory) -> dict[str, Json]:
    """The OpenAI-shaped message a memory was made from; a plain one for any other memory."""
    kept = memory.data.get(KEY) if isinstance(memory.data, Mapping) else None
    rest: dict[str, Json] = dict(kept) if isinstance(kept, Mapping) else {}
    role = rest.pop("role", None) or memory.role
    if role is None:
        role = "assistant" if memory.speaker == "assistant" else "user"
    message: dict[str, Json] = {"role": role}
    if "content" in rest:
        content = rest.pop("content")
        message["content"] = _with_text(content, memory.text) if isinstance(content, list) else content
        if not isinstance(content, list) and memory.text:
            message["content"] = memory.text
    else:
        message["content"] = memory.text
    name = rest.pop("name", None)
    if name is None and memory.speaker and memory.speaker != (memory.role or role):
        name = memory.speaker
    if name:
        message["name"] = name
    return {**message, **rest}


def _draft(
    message: Mapping[str, Any], place: int, session: str | None, at: TimeLike | None, include_system: bool
) -> Draft | None:
    said_by = message.get("role")
    role = _ROLES.get(said_by.strip().lower()) if isinstance(said_by, str) else None
    if role is None:
        raise InvalidInput(
            f"message {place} has the role {said_by!r}; known: {', '.join(sorted(_ROLES))}; "
            "a name goes into 'name'"
        )
    if role == "system" and not include_system:
        return None
    content = message.get("content")
    text, clean = _read_content(content, place)
    rest: dict[str, Json] = {key: clean_value(value) for key, value in message.items() if key not in _OWN}
    rest = {key: value for key, value in rest.items() if value is not None}
    # A call of a tool has content None; so has an empty answer. Both are not the empty string.
    if not isinstance(content, str) and ("content" in message or not text):
        rest["content"] = clean
    if said_by != role:
        rest["role"] = said_by
    name = message.get("name")
    if name is not None and not isinstance(name, str):
        raise InvalidInput(f"message {place} has the name {name!r}, which is not a string")
    if name == role:
        rest["name"] = name
    if not text.strip() and not any(value for key, value in rest.items() if key not in ("name", "role")):
        return None
    return Draft(
        text=text,
        at=message.get("at", at),
        speaker=name or role,
        session=session,
        data={KEY: rest} if rest else None,
        role=role,
        trust=0.5 if role == "tool" else None,
    )


def _read_content(content: object, place: int) -> tuple[str, Json]:
    """The text of a message, and its parts without what recall had put in."""
    if content is None:
        return "", None
    if isinstance(content, str):
        return strip_fences(content), None
    if not isinstance(content, (list, tuple)):
        raise InvalidInput(f"message {place} has content of type {type(content).__name__}, not text or parts")
    texts: list[str] = []
    parts: list[Json] = []
    for part in content:
        if isinstance(part, str):
            part = {"type": "text", "text": part}
        elif not isinstance(part, Mapping):
            part = _dumped(part)
            if part is None:
                raise InvalidInput(f"message {place} has a part that is neither text nor a mapping")
        if _is_text(part):
            text = strip_fences(part["text"])
            if text or not part["text"]:
                texts.append(text)
                parts.append({**part, "text": text})
        else:
            parts.append(clean_value(part))
    return "\n".join(text for text in texts if text), parts


def _is_text(part: Any) -> bool:
    return (
        isinstance(part, Mapping)
        and part.get("type", "text") in _TEXT_PARTS
        and isinstance(part.get("text"), str)
    )


def _with_text(parts: list[Json], text: str) -> list[Json]:
    """The parts with the memory's text: as they were, or the new text where it was changed since."""
    texts = [part["text"] for part in parts if _is_text(part)]
    if "\n".join(piece for piece in texts if piece) == text:
        return parts
    changed: list[Json] = []
    for part in parts:
        if not _is_text(part):
            changed.append(part)
        elif text:
            changed.append({**part, "text": text})
            text = ""
    return [{"type": "text", "text": text}, *changed] if text else changed


def clean_value(value: Any) -> Json:
    """A value with all fences taken out of its strings, and models as mappings."""
    if isinstance(value, str):
        return _clean_string(value)
    if isinstance(value, Mapping):
        return {key: clean_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_value(item) for item in value]
    dumped = _dumped(value)
    return value if dumped is None else clean_value(dumped)


def _clean_string(text: str) -> str:
    clean = strip_fences(text)
    if clean is not text and text.lstrip()[:1] in ("{", "["):
        # The arguments of a call are JSON in a string: they stay JSON.
        try:
            return json.dumps(clean_value(json.loads(text)), ensure_ascii=False)
        except ValueError:
            return clean
    return clean


def _dumped(value: Any) -> dict[str, Any] | None:
    dump = getattr(value, "model_dump", None)
    if not callable(dump):
        return None
    dumped = dump(exclude_none=True)
    return dumped if isinstance(dumped, dict) else None


def _as_openai(message: Any, place: int) -> Mapping[str, Any]:
    """Any of the shapes as OpenAI's mapping."""
    if isinstance(message, Mapping):
        if "role" in message:
            return message
        if "type" in message:
            inner = message.get("data")
            return _from_langchain({**message, **inner} if isinstance(inner, Mapping) else message, place)
    elif isinstance(message, tuple) and len(message) == 2:
        return {"role": message[0], "content": message[1]}
    elif hasattr(message, "type") and hasattr(message, "content"):
        names = (
            "type", "role", "content", "name", "tool_calls", "invalid_tool_calls", "tool_call_id",
            "additional_kwargs",
        )  # fmt: skip
        return _from_langchain({name: getattr(message, name, None) for name in names}, place)
    elif (dumped := _dumped(message)) and "role" in dumped:
        return {"content": None, **dumped}
    raise InvalidInput(
        f"message {place} is neither a mapping with 'role' and 'content' nor a LangChain message: "
        f"{type(message).__name__}"
    )


def _from_langchain(fields: Mapping[str, Any], place: int) -> Mapping[str, Any]:
    kind = str(fields["type"]).removesuffix("MessageChunk").removesuffix("Message").lower()
    role = _LANGCHAIN_ROLES.get(kind)
    if role is None:
        raise InvalidInput(f"message {place} has the type {fields['type']!r}, which is no chat message")
    extra = fields.get("additional_kwargs")
    message: dict[str, Any] = dict(extra) if isinstance(extra, Mapping) else {}
    message["role"] = role or fields.get("role") or "user"
    calls = [_call(call) for call in fields.get("tool_calls") or ()]
    calls += [_call(call) for call in fields.get("invalid_tool_calls") or ()]
    if calls:
        message["tool_calls"] = calls
    for name in ("name", "tool_call_id"):
        if fields.get(name) is not None:
            message[name] = fields[name]
    content = fields.get("content")
    message["content"] = content
    if calls and isinstance(content, (list, tuple)):
        # The same calls, in the form of one provider's content parts, would be said twice.
        content = [p for p in content if not (isinstance(p, Mapping) and p.get("type") in _CALL_PARTS)]
        message["content"] = content
    if calls and not content:
        message["content"] = None
    return message


_CALL_PARTS = frozenset({"tool_use", "tool_call", "invalid_tool_call"})


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    if "function" in call:
        return dict(call)
    arguments = call.get("args")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments if arguments is not None else {}, ensure_ascii=False)
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": call.get("name"), "arguments": arguments},
    }
