"""What readers give: entries, stable ids, and a report of all that was left out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agentmem.memory import Draft, Json, Link, Memory, Namespace

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, as minted ids use
_ROLES = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "claude": "assistant",
    "model": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "tool",
    "function": "tool",
}
REPLACEMENT = "\ufffd"
"""Stands for a character that no text may hold: NUL or half of a surrogate pair."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing read from a source.

    Attributes:
        what: a draft of a memory, a link, or (from our own export) a complete row version.
        namespace: labels below the namespace that is imported into.
        line: the line of the source it begins on, from 1; None where lines mean nothing.
    """

    what: Draft | Link | Memory
    namespace: Namespace = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A piece of the source that could not be read or stored.

    Attributes:
        line: the line it begins on, from 1; None where unknown.
        why: what is wrong with it.
        raw: the piece itself, so that it can be mended and imported; empty where it stands elsewhere.
    """

    line: int | None
    why: str
    raw: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}" if self.line else self.why


@dataclass(slots=True)
class Report:
    """What an import read, wrote, and left out. Nothing is left out without standing here.

    Attributes:
        format: the format it was read as.
        read: memories read.
        added: memories written.
        present: memories that were there already, by their ids.
        links: links written.
        replaced: texts in which an impossible character was replaced by U+FFFD.
        rejected: pieces that could not be read or stored.
        left_out: what the format holds and a memory does not take, with how often.
        notes: what was assumed, such as the order of day and month.
    """

    format: str = ""
    read: int = 0
    added: int = 0
    present: int = 0
    links: int = 0
    replaced: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def reject(self, line: int | None, why: str, raw: str = "") -> None:
        """Note a piece that could not be read or stored."""
        self.rejected.append(Rejected(line, why, raw))

    def note(self, text: str) -> None:
        """Note an assumption, once."""
        if text not in self.notes:
            self.notes.append(text)

    def to_dict(self) -> dict[str, Json]:
        """All fields as JSON values."""
        return {
            "format": self.format,
            "read": self.read,
            "added": self.added,
            "present": self.present,
            "links": self.links,
            "replaced": self.replaced,
            "rejected": [{"line": one.line, "why": one.why, "raw": one.raw} for one in self.rejected],
            "left_out": dict(self.left_out),
            "notes": list(self.notes),
        }


class Numbering:
    """Ids made of content: the same source gives the same ids; the same content twice gives two."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def id(self, *parts: Json) -> str:
        """The id of the next piece with this content."""
        text = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
        digest = hashlib.sha256(text.encode()).digest()
        self._seen[digest] += 1
        again = self._seen[digest]
        if again > 1:
            digest = hashlib.sha256(digest + str(again).encode()).digest()
        bits = int.from_bytes(digest[:10], "big")
        return "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(0, 80, 5))


def role_of(name: object) -> str | None:
    """The role that a speaker's name or a message's author stands for, or None for a person."""
    return _ROLES.get(name.strip().lower()) if isinstance(name, str) else None


def cleaned(text: str) -> str:
    """A text with NUL characters and lone surrogates replaced by U+FFFD."""
    return str(whole(text.replace("\0", REPLACEMENT)))


def whole(value: Json) -> Json:
    """A JSON value in whose texts lone surrogates are replaced by U+FFFD."""
    if isinstance(value, str):
        try:
            value.encode()
            return value
        except UnicodeEncodeError:
            return "".join(REPLACEMENT if 0xD800 <= ord(c) <= 0xDFFF else c for c in value)
    if isinstance(value, dict):
        return {whole(key): whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return value


Value: TypeAlias = dict[str, Any]
"""A JSON object as ``json.loads`` gives it."""


def objects(values: object) -> list[Value]:
    """The JSON objects of what should be a list of them; anything else is passed over."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def string(value: object) -> str | None:
    """The value if it is a string with something in it, else None."""
    return value if isinstance(value, str) and value.strip() else None


def number(value: object) -> float | None:
    """The value if it is a number, else None."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
