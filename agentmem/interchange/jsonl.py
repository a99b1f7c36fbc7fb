"""Our own JSON Lines: complete memories and links as exported, or minimal lines written by hand.

An export begins with a line ``{"type": "export", ...}``; every other line is a memory as
:meth:`agentmem.memory.Memory.to_dict` gives it, or a link (``"type": "link"``). A line written by
hand needs no more than a text; see :func:`read_jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from agentmem.clock import to_datetime
from agentmem.errors import InvalidInput
from agentmem.interchange.entry import Entry, Numbering, Report, Value, role_of, string
from agentmem.interchange.source import Source
from agentmem.memory import Draft, Link, Memory, Namespace, memory_from_dict
from agentmem.validate import text_value

VERSION = 1
"""Version of the export's form, counted up when an older agentmem could not read a newer file."""

_MEMORY_KEYS = frozenset(f.name for f in fields(Memory))
_TIMES = ("at", "valid_from", "valid_until", "expires_at", "recorded_at", "retired_at")
_DRAFT_KEYS = frozenset(f.name for f in fields(Draft))
_ALIASES = {
    "text": ("text", "content", "message"),
    "speaker": ("speaker", "name", "author"),
    "at": ("at", "timestamp", "created_at", "time", "date"),
    "session": ("session", "session_id", "conversation_id", "thread_id"),
}


def read_jsonl(source: Source, report: Report, *, session: str | None = None) -> Iterator[Entry]:
    """Read JSON Lines, or a JSON array of the same objects.

    A line by hand is ``{"text": ...}`` with any key of ``add``; ``content``, ``name``, ``timestamp``,
    ``session_id`` and their like are understood too; unknown keys become metadata. ``namespace`` is
    a list of labels or ``"a/b"``. Without an id, one is made of the line's content.

    Args:
        source: the file.
        report: notes what was left out.
        session: the conversation of lines that name none; its lines are others than those of another.
    """
    reader = _Lines(report, session)
    if source.head(64).lstrip()[:1] == "[":
        for number, value in source.values(report):
            yield from reader.entry(number, value, "")
        return
    for number, line in source.lines(report):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            report.reject(number, f"not JSON: {error}", line)
            continue
        yield from reader.entry(number, value, line)


class _Lines:
    """The state of a reading: the exported root and the numbering of contents."""

    def __init__(self, report: Report, session: str | None) -> None:
        self._report = report
        self._session = session
        self._root: Namespace = ()
        self._numbering = Numbering()

    def entry(self, number: int, value: Any, raw: str) -> Iterator[Entry]:
        raw = raw or json.dumps(value, ensure_ascii=False)
        if isinstance(value, str):
            value = {"text": value}
        if not isinstance(value, dict):
            self._report.reject(number, f"a {type(value).__name__} instead of an object with a text", raw)
            return
        try:
            if value.get("type") == "export" and "text" not in value:
                self._header(value)
            elif value.get("type") == "link" and "text" not in value:
                yield Entry(_link(value), self._place(value.get("namespace")), number)
            elif {"id", "text", "at", "recorded_at", "namespace"} <= value.keys() <= _MEMORY_KEYS:
                yield Entry(_complete(value), self._place(value["namespace"]), number)
            else:
                yield self._minimal(number, value)
        except (InvalidInput, TypeError, ValueError, KeyError) as error:
            self._report.reject(number, str(error) or type(error).__name__, raw)

    def _header(self, value: Value) -> None:
        if value.get("format") == "agentmem" and value.get("version") != VERSION:
            raise InvalidInput(f"an export of version {value.get('version')}; this agentmem reads {VERSION}")
        self._root = _labels(value.get("root"))

    def _place(self, labels: Any) -> Namespace:
        """A line's namespace below the namespace that was exported."""
        found, depth = _labels(labels), len(self._root)
        return found[depth:] if found[:depth] == self._root else found

    def _minimal(self, number: int, value: Value) -> Entry:
        rest = {key: item for key, item in value.items() if item is not None}
        taken: Value = {}
        for name, aliases in _ALIASES.items():
            for alias in aliases:
                if alias in rest and (alias == name or _fits(name, rest[alias])):
                    taken[name] = rest.pop(alias)
                    break
        if "text" not in taken and "data" not in rest:
            raise InvalidInput('no "text": a line needs at least {"text": "..."}')
        labels = _labels(rest.pop("namespace", None))
        metadata = rest.pop("metadata", {})
        if not isinstance(metadata, dict):
            raise InvalidInput(f"metadata must be an object, not {type(metadata).__name__}")
        for key in sorted(rest.keys() & _DRAFT_KEYS):
            taken[key] = rest.pop(key)
        for ours in _MEMORY_KEYS & rest.keys():
            rest.pop(ours)
            self._report.left_out[f"{ours} (a memory of our own form has all of its fields)"] += 1
        if rest:
            metadata = {**rest, **metadata}
        if metadata:
            taken["metadata"] = metadata
        if isinstance(taken.get("role"), str):
            taken["role"] = role_of(taken["role"]) or taken["role"]
        taken["sources"] = tuple(taken.get("sources", ()))
        if self._session is not None:
            taken.setdefault("session", self._session)
        if taken.get("id") is None:
            taken["id"] = self._numbering.id("jsonl", labels, taken)
        elif isinstance(taken["id"], int):
            taken["id"] = str(taken["id"])
        return Entry(Draft(**{"text": "", **taken}), labels, number)


def _complete(value: Value) -> Memory:
    """A complete row version; what a draft has is checked when it is stored, the rest here."""
    version = value.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version < 2**31:
        raise InvalidInput(f"version={version!r} is not a whole number of 1 or more")
    text_value(value["id"], "id")
    labels = {name: _label(value, name) for name in ("made_by", "run")}
    for name in ("at", "recorded_at"):
        if not isinstance(value[name], str):
            raise InvalidInput(f"{name}={value[name]!r} is not a time in ISO 8601")
    given = [name for name in _TIMES if value.get(name) is not None]
    times: Value = {name: to_datetime(value[name], name=name) for name in given}
    plain = {name: item for name, item in value.items() if name not in times}
    namespace = _labels(value["namespace"])
    row = memory_from_dict({**plain, **labels, "at": None, "recorded_at": None, "namespace": namespace})
    return replace(row, **times)


def _label(value: Value, name: str) -> str | None:
    return None if value.get(name) is None else text_value(value[name], name)


def _fits(name: str, value: Any) -> bool:
    """Whether an alias means the field: a name or a text is a string, a time a string or a number."""
    if name == "at":
        return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return string(value) is not None


def _labels(value: Any) -> Namespace:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return tuple(label for label in value.split("/") if label)
    if isinstance(value, list) and all(isinstance(label, str) for label in value):
        return tuple(value)
    raise InvalidInput(f"namespace must be a list of labels or 'a/b', not {value!r}")


def _link(value: Value) -> Link:
    source, target, kind = (text_value(value.get(name), name) for name in ("source", "target", "kind"))
    weight = value.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise InvalidInput(f"a link's weight is a number from 0 to 1, not {weight!r}")
    recorded = value.get("recorded_at")
    return Link(
        source,
        target,
        kind,
        float(weight),
        made_by=_label(value, "made_by"),
        recorded_at=to_datetime(recorded) if recorded else None,
        run=_label(value, "run"),
    )
