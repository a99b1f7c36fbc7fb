"""The memory file of MCP's reference memory server: entities, observations, relations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agentmem.interchange.entry import Entry, Numbering, Report, Value, cleaned, objects, string
from agentmem.interchange.source import Source
from agentmem.memory import Draft, Link

ABOUT = "about"
"""Kind of the link from an entity's further observations to its first memory."""


def read_mcp(source: Source, report: Report) -> Iterator[Entry]:
    """Read a memory file (JSON lines), or the JSON object that ``read_graph`` gives.

    Each observation is a memory, ``"John Smith: Speaks fluent Spanish"``; an entity without any is
    one that says what it is. Each relation is a memory, ``"John Smith works at Anthropic"``, so that
    words find it, and a link between the first memories of its two entities. Names as they stood in
    the file are kept in metadata.
    """
    graph = _Graph(report)
    for line, value, raw in _records(source, report):
        if value.get("type") == "entity":
            yield from graph.entity(value, line, raw)
        elif value.get("type") == "relation":
            yield from graph.relation(value, line, raw)
        else:
            report.reject(line, "neither an entity nor a relation", raw)
    yield from graph.links()


class _Graph:
    """What is known of the entities so far."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._numbering = Numbering()
        self._first: dict[str, str] = {}
        self._waiting: list[tuple[int | None, str, str, str]] = []
        self._about: list[Link] = []

    def entity(self, value: Value, line: int | None, raw: str) -> Iterator[Entry]:
        name, kind = string(value.get("name")), string(value.get("entityType"))
        said = value.get("observations")
        if name is None or not isinstance(said, list):
            self._report.reject(line, 'an entity needs "name" and a list of "observations"', raw)
            return
        metadata = {"entity": name, **({"entity_type": kind} if kind else {})}
        texts = [(text, f"{_plain(name)}: {text}") for text in said if string(text)]
        if len(texts) < len(said):
            self._report.reject(line, f"{len(said) - len(texts)} observations of {name} are no text", raw)
        if not texts:
            texts = [("", f"{_plain(name)} is a {_plain(kind)}." if kind else _plain(name))]
        for observation, text in texts:
            id = self._numbering.id("mcp", name, observation)
            first = self._first.setdefault(name, id)
            if first != id:
                self._about.append(Link(id, first, ABOUT))
            data = {"observation": observation} if observation else None
            yield Entry(Draft(text, metadata=metadata, data=data, id=id), (), line)

    def relation(self, value: Value, line: int | None, raw: str) -> Iterator[Entry]:
        start, end = string(value.get("from")), string(value.get("to"))
        kind = string(value.get("relationType"))
        if start is None or end is None or kind is None:
            self._report.reject(line, 'a relation needs "from", "to" and "relationType"', raw)
            return
        self._waiting.append((line, start, end, kind))
        metadata = {"entity": start, "relation": kind, "target": end}
        text = f"{_plain(start)} {_plain(kind)} {_plain(end)}."
        yield Entry(Draft(text, metadata=metadata, id=self._numbering.id("mcp", start, kind, end)), (), line)

    def links(self) -> Iterator[Entry]:
        for link in self._about:
            yield Entry(link)
        for line, start, end, kind in self._waiting:
            ends = self._first.get(start), self._first.get(end)
            if ends[0] is None or ends[1] is None:
                missing = start if ends[0] is None else end
                self._report.note(f"no entity is called {missing!r}: its relations have no link")
            else:
                yield Entry(Link(ends[0], ends[1], cleaned(kind)), (), line)


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").split())


def _records(source: Source, report: Report) -> Iterator[tuple[int | None, Value, str]]:
    for number, line in source.lines(report):
        if not line.strip():
            continue
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == 1 and line.lstrip()[0] == "{":  # one object over many lines
                yield from _whole(source, report)
                return
            report.reject(number, f"not JSON: {error}", line)
            continue
        if isinstance(value, dict) and "entities" in value:
            yield from _graph_records(value)
        elif isinstance(value, dict):
            yield number, value, line
        else:
            report.reject(number, "neither an entity nor a relation", line)


def _whole(source: Source, report: Report) -> Iterator[tuple[int | None, Value, str]]:
    for line, value in source.values(report):
        if isinstance(value, dict) and "entities" in value:
            yield from _graph_records(value)
        else:
            report.reject(line, "neither an entity nor a relation", str(value)[:200])


def _graph_records(graph: Value) -> Iterator[tuple[int | None, Value, str]]:
    for kind, key in (("entity", "entities"), ("relation", "relations")):
        for value in objects(graph.get(key)):
            yield None, {**value, "type": kind}, json.dumps(value, ensure_ascii=False)
