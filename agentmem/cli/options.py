"""Options that commands share, and the values they take."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from agentmem.cli.group import Failure

if TYPE_CHECKING:
    from agentmem.store import MemoryStore

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # generic since click 8.4 only

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Setup:
    """The common options of one call.

    Attributes:
        store: name of the store, or None for the default.
        embedder: name of the embedder, or None for the file's own.
        namespace: labels.
        json: whether results are JSON.
        quiet: whether to leave out what is not a result: notes and progress bars.
    """

    store: str | None = None
    embedder: str | None = None
    namespace: tuple[str, ...] = ()
    json: bool = False
    quiet: bool = False

    def open(
        self, path: str, *, create: bool = False, whole: bool = False, reindexing: bool = False
    ) -> MemoryStore:
        """Open a memory file.

        Args:
            path: the file.
            create: make it when it is missing.
            whole: open its root, whatever the namespace.
            reindexing: open it whatever its embedder: for reindexing, and for what neither searches
                nor adds.

        Raises:
            Failure: it is not there and must be.
        """
        if not create and path != ":memory:" and "://" not in path and not Path(path).exists():
            raise Failure(
                f"there is no file {path}; `agentmem add {path} TEXT` or `agentmem import {path} SOURCE` "
                "makes one",
                "FileNotFound",
            )
        import agentmem

        return agentmem.open(
            path,
            store=self.store or "unified",
            namespace=() if whole else self.namespace,
            embedder=self.embedder,
            create=create,
            reindexing=reindexing,
        )

    def note(self, text: str) -> None:
        """Say something that is no result, on standard error."""
        if not self.quiet and not self.json:
            click.echo(text, err=True)


class JsonObject(_ParamType):
    """A JSON object given on the command line."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The object."""
        if not isinstance(value, str):
            return value
        try:
            found = json.loads(value)
        except ValueError as error:
            self.fail(f'{value!r} is not JSON: {error}; an example: \'{{"topic": "work"}}\'', param, ctx)
        if not isinstance(found, dict):
            self.fail(f'{value!r} is no JSON object; an example: \'{{"topic": "work"}}\'', param, ctx)
        return found


class Moment(_ParamType):
    """A time: ISO 8601, or "now"."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The time; a month or a year stands for its beginning."""
        if not isinstance(value, str):
            return value
        moment = _moment(value, end=False)
        if moment is None:
            self.fail(f"{value!r} is not a time; examples: 2023-05-08, '2023-05-08 13:56', now", param, ctx)
        return moment


class Interval(_ParamType):
    """A span of time: ``A..B``, either side open, or one day, month or year."""

    name = "A..B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """(start, end), the end not included; a day, month or year as B is included whole."""
        if not isinstance(value, str):
            return value
        first, dots, last = (part.strip() for part in value.partition(".."))
        if not dots:
            last = first
        start = _moment(first, end=False) if first else None
        end = _moment(last, end=True) if last else None
        if (first and start is None) or (last and end is None) or not (first or last):
            self.fail(
                f"{value!r} is not a span of time; examples: 2023-05-01..2023-05-14, 2023-05, ..2022",
                param,
                ctx,
            )
        return start, end


class Labels(_ParamType):
    """A namespace: labels with slashes between them."""

    name = "A/B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The labels."""
        if not isinstance(value, str):
            return value
        if value in ("", "/"):
            return ()
        labels = tuple(value.strip("/").split("/"))
        if not all(labels):
            self.fail(f"{value!r} has an empty label; an example: users/ada", param, ctx)
        return labels


def common(command: F) -> F:
    """The options of every command, given to it as one :class:`Setup`."""
    from functools import wraps

    @wraps(command)
    def run(**values: Any) -> Any:
        chosen = {name: values.pop(name) for name in ("store", "embedder", "namespace", "json", "quiet")}
        return command(setup=Setup(**chosen), **values)

    for option in (
        click.option("--quiet", "-q", is_flag=True, help="No notes and no progress bars."),
        click.option("--json", is_flag=True, help="Results as JSON."),
        click.option("--namespace", "-n", type=Labels(), default="", help="Labels, such as users/ada."),
        click.option("--store", help="The store: unified (the default), episodic, …"),
        click.option("--embedder", help="static, minilm, none, …; the file's own by default."),
    ):
        run = option(run)
    return run  # type: ignore[return-value]


file_argument = click.argument("file", type=click.Path(dir_okay=False))
"""The memory file: the first argument of every command."""

filter_option = click.option(
    "--filter", "filter_", type=JsonObject(), help='Only what matches, such as \'{"@speaker": "Ada"}\'.'
)
during_option = click.option(
    "--during", type=Interval(), help="Only what happened then: 2023-05-01..2023-05-14, 2023-05, 2023.., …"
)
known_at_option = click.option("--known-at", type=Moment(), help="What was known at that time.")
subtree_option = click.option("--subtree", is_flag=True, help="Also in all namespaces below.")


def _moment(text: str, *, end: bool) -> datetime | None:
    """A time, or the beginning (or the end) of a day, a month, a year; None when it is none."""
    from datetime import timedelta, timezone

    from agentmem.clock import system_clock, to_datetime
    from agentmem.errors import InvalidInput

    if text.lower() == "now":
        return system_clock()
    parts = text.split("-")
    try:
        if all(part.isdigit() for part in parts) and len(parts) <= 3 and len(parts[0]) == 4:
            year, month, day = (int(part) for part in (*parts, "1", "1")[:3])
            moment = datetime(year, month, day, tzinfo=timezone.utc)
            if not end:
                return moment
            if len(parts) == 3:
                return moment + timedelta(days=1)
            later = year * 12 + month - 1 + (12 if len(parts) == 1 else 1)
            return datetime(later // 12, later % 12 + 1, 1, tzinfo=timezone.utc)
        return to_datetime(text)
    except (InvalidInput, ValueError, OverflowError):
        return None
