"""What a person or a program reads: tables, JSON, colours, progress bars."""

from __future__ import annotations

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from datetime import datetime

    from agentmem.memory import Memory

Self = TypeVar("Self", bound="Bar")
_ELLIPSIS = "…"


def in_terminal() -> bool:
    """Whether results go to a terminal: then they are aligned and cut to its width."""
    return sys.stdout.isatty()


def styled(text: str, **style: Any) -> str:
    """Text in a colour, in a terminal and without NO_COLOR."""
    if not in_terminal() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, **style)


def put_json(value: Any, *, compact: bool = False) -> None:
    """Write one JSON document, or with ``compact`` one JSON line."""
    plain = "utf" not in (getattr(sys.stdout, "encoding", None) or "").lower()
    click.echo(json.dumps(value, ensure_ascii=plain, indent=None if compact else 2, default=str))


def short_time(moment: datetime | None) -> str:
    """A time to the minute, as it stood; a day where it is midnight."""
    if moment is None:
        return ""
    if not (moment.hour or moment.minute or moment.second):
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M}"


def who(memory: Memory) -> str:
    """Who said it: the speaker, or else the role."""
    return memory.speaker or memory.role or ""


def visible(text: str) -> str:
    """A text on one line, without characters that would steer a terminal."""
    flat = " ".join(text.split())
    if flat.isprintable():
        return flat
    return "".join(
        c if c.isprintable() else "\ufffd" if unicodedata.category(c) == "Cc" else "" for c in flat
    )


def width_of(text: str) -> int:
    """Columns a text takes in a terminal; wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def fit(text: str, width: int) -> str:
    """A text padded or cut to exactly so many columns."""
    taken = width_of(text)
    if taken <= width:
        return text + " " * (width - taken)
    kept, used = [], 0
    for c in text:
        used += width_of(c)
        if used > width - 1:
            break
        kept.append(c)
    cut = "".join(kept) + _ELLIPSIS
    return cut + " " * (width - width_of(cut))


def terminal_width() -> int:
    """Columns of the terminal."""
    return max(40, shutil.get_terminal_size((100, 24)).columns)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table whose last column takes what is left of the width; tab-separated in a pipe."""
    if not in_terminal():
        for row in rows:
            click.echo("\t".join(visible(cell) for cell in row))
        return
    cells = [[visible(cell) for cell in row] for row in rows]
    if not cells:
        return
    whole = terminal_width()
    widths = [max(width_of(row[i]) for row in [list(head), *cells]) for i in range(len(head))]
    for i in range(len(head) - 1):
        widths[i] = min(widths[i], max(12, whole // 3))
    taken = sum(widths[:-1]) + 2 * (len(head) - 1)
    widths[-1] = max(16, min(widths[-1], whole - taken))
    click.echo(styled("  ".join(fit(h, w) for h, w in zip(head, widths, strict=True)).rstrip(), bold=True))
    for row in cells:
        click.echo("  ".join(fit(cell, w) for cell, w in zip(row, widths, strict=True)).rstrip())


def pairs(values: Mapping[str, Any]) -> None:
    """Write names and values, one a line, aligned."""
    width = max((width_of(name) for name in values), default=0)
    for name, value in values.items():
        if in_terminal():
            click.echo(f"{styled(fit(name, width), bold=True)}  {value}")
        else:
            click.echo(f"{name}\t{value}")


def wrapped(text: str, indent: str, lines: int = 3) -> str:
    """A text in the width of the terminal, at most so many lines; whole and on one line in a pipe."""
    flat = visible(text)
    if not in_terminal():
        return indent + flat
    room = terminal_width() - len(indent)
    result: list[str] = []
    while flat and len(result) < lines:
        if width_of(flat) <= room or len(result) == lines - 1:
            result.append(fit(flat, room).rstrip())
            break
        end, used = 0, 0
        while end < len(flat) and used + width_of(flat[end]) <= room:
            used += width_of(flat[end])
            end += 1
        space = flat.rfind(" ", 0, end + 1)
        end = space if space > 0 else max(1, end)
        result.append(flat[:end])
        flat = flat[end:].lstrip()
    return "\n".join(indent + line for line in result)


def size(count: int) -> str:
    """A number of bytes a person reads."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


class Bar:
    """A progress bar on standard error, in a terminal only.

    Args:
        label: what is being done.
        shown: whether to show it at all.

    Attributes:
        done: how much is done.
    """

    def __init__(self, label: str, *, shown: bool = True) -> None:
        self.shown = shown and sys.stderr.isatty()
        self._label = label
        self._bar: Any = None
        self.done = 0

    def reach(self, done: int, total: int) -> None:
        """So much of so much is done."""
        if self.shown and self._bar is None and total:
            self._bar = click.progressbar(length=total, label=self._label, file=sys.stderr)
            self._bar.__enter__()
        if self._bar is not None:
            self._bar.length = max(total, 1)
            self._bar.update(done - self.done)
        self.done = done

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.render_finish()
