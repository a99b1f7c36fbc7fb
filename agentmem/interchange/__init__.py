"""Import from and export to other forms: JSON Lines, chat transcripts, other programs' exports.

>>> from agentmem.interchange import import_file
>>> report = import_file(memory, "conversations.json")  # doctest: +SKIP
>>> print(report.added, report.rejected)                # doctest: +SKIP

Readers stream: each takes a :class:`Source` and a :class:`Report` and yields entries with stable
ids, so that a second import of the same source adds nothing. What a reader leaves out it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentmem.errors import UnknownOption
from agentmem.interchange.entry import Entry, Rejected, Report
from agentmem.interchange.source import Source
from agentmem.memory import Draft

if TYPE_CHECKING:
    from agentmem.store import MemoryStore

FORMATS = ("jsonl", "transcript", "locomo", "longmemeval", "chatgpt", "claude", "mcp")
"""The forms that are read; ``"auto"`` finds out which."""

__all__ = ["FORMATS", "Entry", "Rejected", "Report", "Source", "import_file", "read"]


def read(source: Source, report: Report, *, format: str = "auto", **options: Any) -> Iterator[Entry]:
    """The entries of a source.

    Args:
        source: the file.
        report: takes what could not be read or was left out; its ``format`` is set.
        format: one of :data:`FORMATS`, or "auto".
        options: of the reader: ``session`` for transcripts and JSON Lines, ``apart`` for LongMemEval.

    Raises:
        UnknownOption: there is no such format.
        InvalidInput: the source is of no form that is known.
    """
    if format == "auto":
        from agentmem.interchange.detect import detect

        format = detect(source)
    if format not in FORMATS:
        raise UnknownOption("format", format, ("auto", *FORMATS))
    report.format = format
    reader = getattr(import_module(f"agentmem.interchange.{format}"), f"read_{format}")
    entries: Iterator[Entry] = reader(source, report, **options)
    return entries


def import_file(
    store: MemoryStore,
    path: str | Path,
    *,
    format: str = "auto",
    session: str | None = None,
    apart: bool = True,
    replace_changed: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Import a file into a store; doing it twice adds nothing.

    Args:
        store: where to; namespaces of the source lie below its own.
        path: a file, an export's zip, or its unpacked folder.
        format: one of :data:`FORMATS`, or "auto".
        session: the conversation of memories that name none.
        apart: for LongMemEval, a namespace a question.
        replace_changed: overwrite memories that differ from the source's by new versions.
        progress: called with the number of bytes read since the last call.

    Returns:
        What was read, written, and left out.

    Raises:
        InvalidInput: the source is of no form that is known.
    """
    from agentmem.interchange.load import load

    report = Report()
    source = Source(path, progress)
    if format == "auto":
        from agentmem.interchange.detect import detect

        format = detect(Source(path))
    options: dict[str, Any] = {"apart": apart} if format == "longmemeval" else {}
    if format in ("jsonl", "transcript"):
        options["session"] = session
    entries = read(source, report, format=format, **options)
    if session is not None and format != "transcript":
        entries = _in_session(entries, session)
    return load(store, entries, report, replace_changed=replace_changed)


def _in_session(entries: Iterator[Entry], session: str) -> Iterator[Entry]:
    for entry in entries:
        if isinstance(entry.what, Draft) and entry.what.session is None:
            entry = replace(entry, what=replace(entry.what, session=session))
        yield entry
