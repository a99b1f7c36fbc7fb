"""What callers pass, checked and made into row versions; every refusal says what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from math import isfinite
from operator import index
from pathlib import Path
from typing import Any

from agentmem.clock import TimeLike, to_datetime
from agentmem.errors import InvalidInput, InvalidNamespace, UnknownOption
from agentmem.memory import Draft, Json, Memory, Namespace

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that is misread
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_DRAFT_KEYS = frozenset(f.name for f in fields(Draft))
ROLES = ("user", "assistant", "system", "tool")
UPDATES = ("strict", "propose", "auto")
"""What is done with updates in other words: nothing; proposed; the strong ones acted on."""


def new_id() -> str:
    """A fresh id: 12 characters, 60 random bits; short, because ids are cited in prompts."""
    bits = int.from_bytes(os.urandom(8), "big")
    return "".join([_PAIRS[(bits >> shift) & 1023] for shift in (0, 10, 20, 30, 40, 50)])


def namespace(parts: Iterable[str]) -> Namespace:
    """Check namespace labels.

    Raises:
        InvalidNamespace: a label is not a string, is empty, or holds a control character.
    """
    if isinstance(parts, str):
        raise InvalidNamespace(f"a namespace is a tuple of labels: pass ({parts!r},) instead of {parts!r}")
    labels = tuple(parts)
    for label in labels:
        if not isinstance(label, str) or not label:
            raise InvalidNamespace(f"{label!r} is no namespace label; labels are strings that are not empty")
        if any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in label):
            raise InvalidNamespace(f"the label {label!r} holds a control character or a lone surrogate")
    return labels


def text_value(value: object, name: str = "text", *, empty: bool = False) -> str:
    """Check a string: no NUL, no lone surrogate, not empty unless allowed."""
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {type(value).__name__}")
    if not value and not empty:
        rule = "; only a memory with data may have an empty text" if name == "text" else ""
        raise InvalidInput(f"{name} is empty{rule}")
    if "\0" in value:
        raise InvalidInput(f"{name} holds a NUL character at {value.index(chr(0))}; remove it first")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{name} holds a lone surrogate at {error.start}; "
            "it is no text: decode it anew with errors='replace'"
        ) from None
    return value


def _optional(value: object, name: str) -> str | None:
    return None if value is None else text_value(value, name)


def json_value(value: Json, name: str) -> Json:
    """Check that a value is JSON and return it as JSON gives it back (tuples as lists)."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
        return json.loads(text)
    except UnicodeEncodeError:
        raise InvalidInput(f"{name} holds a lone surrogate; decode it anew with errors='replace'") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} is not JSON: {error}; pass only what json.dumps takes") from None


def _metadata(value: object) -> Mapping[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"metadata must be a mapping, not {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise InvalidInput(f"metadata keys must be strings, not {key!r}")
    if not value:
        return {}
    checked: Mapping[str, Json] = json_value(dict(value), "metadata")
    return checked


def draft(item: object) -> Draft:
    """Read an item of ``add_many``: a string, a mapping with the keys of ``add``, or a Draft."""
    if isinstance(item, Draft):
        return item
    if isinstance(item, str):
        return Draft(item)
    if isinstance(item, Mapping):
        unknown = set(item) - _DRAFT_KEYS
        if unknown:
            raise InvalidInput(
                f"unknown keys {sorted(map(str, unknown))} in an item; known: {sorted(_DRAFT_KEYS)}; "
                "what is yours goes into metadata"
            )
        return Draft(**{"text": "", **item})
    raise InvalidInput(f"an item is a string, a mapping or a Draft, not {type(item).__name__}")


def to_memory(item: Draft, name: Namespace, now: datetime, mint: Callable[[], str] = new_id) -> Memory:
    """Make a draft into a complete first row version.

    Args:
        item: the draft; its fields are checked here.
        name: the namespace it goes to.
        now: the time of recording, which is also ``at`` where none is given.
        mint: makes ids.

    Raises:
        InvalidInput: a field cannot be stored; the message names it.
    """
    trust = item.trust
    if trust is None:
        trust = 0.5 if item.role == "tool" else 1.0
    elif isinstance(trust, bool) or not isinstance(trust, (int, float)) or not 0 <= trust <= 1:
        raise InvalidInput(f"trust={trust!r} is not a number from 0 to 1")
    if item.role is not None and item.role not in ROLES:
        raise InvalidInput(f"role={item.role!r} is none of {', '.join(ROLES)}; a name goes into speaker")
    has_data = item.data is not None
    return Memory(
        id=mint() if item.id is None else _id(item.id),
        namespace=name,
        text=text_value(item.text, empty=has_data),
        kind=text_value(item.kind, "kind"),
        at=now if item.at is None else to_datetime(item.at),
        speaker=_optional(item.speaker, "speaker"),
        role=item.role,
        session=_optional(item.session, "session"),
        metadata=_metadata(item.metadata),
        data=json_value(item.data, "data") if has_data else None,
        sources=_sources(item.sources),
        trust=float(trust),
        valid_from=moment(item.valid_from, "valid_from"),
        valid_until=moment(item.valid_until, "valid_until"),
        expires_at=moment(item.expires_at, "expires_at"),
        recorded_at=now,
    )


def _sources(value: Iterable[str]) -> tuple[str, ...]:
    if not value:
        return ()
    if isinstance(value, str):
        raise InvalidInput(f"sources is a sequence of ids: pass [{value!r}]")
    return tuple(_id(source) for source in value)


def _id(value: object) -> str:
    checked = text_value(value, "id")
    if len(checked) > 512 or any(ord(c) < 32 for c in checked):
        raise InvalidInput(f"the id {checked[:40]!r} is too long or holds a control character")
    return checked


def moment(value: TimeLike | None, name: str) -> datetime | None:
    """An optional time."""
    return None if value is None else to_datetime(value, name=name)


def interval(
    during: Sequence[TimeLike | None] | None,
) -> tuple[datetime | None, datetime | None] | None:
    """Read ``during``: a pair (start, end), half-open, either None for open."""
    if during is None:
        return None
    if isinstance(during, str) or not isinstance(during, Sequence) or len(during) != 2:
        raise InvalidInput(f"during={during!r} is not a pair (start, end); use None for an open side")
    start, end = moment(during[0], "during[0]"), moment(during[1], "during[1]")
    if start is not None and end is not None and end < start:
        raise InvalidInput(f"during ends ({end.isoformat()}) before it starts ({start.isoformat()})")
    return start, end


def ids(value: str | Iterable[str]) -> list[str]:
    """One id or several, as a list without repeats."""
    if isinstance(value, str):
        return [text_value(value, "id")]
    if not isinstance(value, Iterable):
        raise InvalidInput(f"ids are a string or several, not {value!r}")
    return [text_value(one, "id") for one in dict.fromkeys(value)]


def count(value: Any, name: str = "k") -> int:
    """A positive whole number, as an int; numpy's are whole numbers, too."""
    try:
        whole = 0 if isinstance(value, bool) else index(value)
    except TypeError:
        whole = 0
    if whole < 1:
        raise InvalidInput(f"{name}={value!r} is not a whole number of 1 or more")
    return whole


def number(value: object, name: str, least: float = 0.0, most: float | None = None) -> float:
    """A finite number of at least ``least``, and of at most ``most`` if that is given."""
    known = not isinstance(value, bool) and isinstance(value, (int, float)) and isfinite(value)
    if not known or value < least or (most is not None and value > most):  # type: ignore[operator]
        wanted = f"of {least:g} or more" if most is None else f"from {least:g} to {most:g}"
        raise InvalidInput(f"{name}={value!r} is not a number {wanted}")
    return float(value)  # type: ignore[arg-type]


def flag(value: object, name: str) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name}={value!r} is neither True nor False")
    return value


def folder(value: object, name: str) -> Path | None:
    """A folder that exists, or None."""
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)) or not Path(value).is_dir():
        raise InvalidInput(f"{name}={value!r} is no folder")
    return Path(value)


def updates(value: object) -> str:
    """One of :data:`UPDATES`.

    Raises:
        UnknownOption: it is none.
    """
    if not isinstance(value, str) or value not in UPDATES:
        raise UnknownOption("way with updates", str(value), UPDATES)
    return value


def query_text(value: object) -> str:
    """A question: a string, which may be empty of words but not of type."""
    return text_value(value, "query", empty=True)


def record(memory: Memory) -> None:
    """Check a complete record that comes from outside.

    Raises:
        InvalidInput: it is no Memory, or a field cannot be stored.
    """
    if not isinstance(memory, Memory):
        raise InvalidInput(f"load takes Memory records, not {type(memory).__name__}; add_many takes the rest")
    draft_fields = {name: getattr(memory, name) for name in _DRAFT_KEYS}
    to_memory(Draft(**draft_fields), memory.namespace, memory.recorded_at)
    if memory.version < 1:
        raise InvalidInput(f"version={memory.version!r} is not 1 or more")
