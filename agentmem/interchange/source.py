"""Reading files piece by piece: lines, and the elements of a JSON array larger than memory."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

from agentmem.errors import InvalidInput
from agentmem.interchange.entry import REPLACEMENT, Report

_CHUNK = 1 << 20
_WESTERN = "cp1252"
_UNICODE_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
Progress: TypeAlias = Callable[[int], object] | None
"""Called with the number of bytes of the source read since the last call."""


class Source:
    """A file to import: plain, gzipped, or the ``conversations*.json`` of an export's zip or folder.

    Args:
        path: the file, archive or folder.
        progress: called with the number of bytes read since the last call.
    """

    def __init__(self, path: str | Path, progress: Progress = None) -> None:
        self.path = Path(path)
        self.stem = self.path.name.split(".")[0] or self.path.name
        self._progress = progress

    @property
    def size(self) -> int:
        """Bytes on disk of what will be read, for a progress bar."""
        return sum(path.stat().st_size for path in self._members()) if self._members() else 0

    @contextmanager
    def _opened(self) -> Iterator[ExitStack]:
        """What closes all that is opened; a broken archive is named."""
        try:
            with ExitStack() as stack:
                yield stack
        except (EOFError, gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
            raise InvalidInput(f"{self.path.name} is a damaged archive: {error}") from error

    def _members(self) -> list[Path]:
        if not self.path.is_dir():
            return [self.path]
        return sorted(self.path.glob("conversations*.json"))

    def _streams(self, stack: ExitStack) -> Iterator[IO[bytes]]:
        if not self._members():
            raise InvalidInput(f"the folder {self.path} holds no conversations.json; name the file to import")
        for path in self._members():
            raw: IO[bytes] = stack.enter_context(path.open("rb"))
            counted = cast("IO[bytes]", _Counted(raw, self._progress)) if self._progress else raw
            head = raw.read(4)
            raw.seek(0)
            if head[:2] == b"\x1f\x8b":
                yield cast("IO[bytes]", stack.enter_context(gzip.open(counted, "rb")))
            elif head == b"PK\x03\x04":
                archive = stack.enter_context(zipfile.ZipFile(raw))
                names = [n for n in sorted(archive.namelist()) if _is_conversations(n)]
                if not names:
                    raise InvalidInput(f"{path.name} holds no conversations.json; unpack it first")
                for name in names:
                    yield stack.enter_context(archive.open(name))
            else:
                yield counted

    def lines(self, report: Report) -> Iterator[tuple[int, str]]:
        """(line number from 1, text without its line end).

        Bytes that are no UTF-8 are read as Windows-1252, which holds Latin-1, and noted; beside letters in
        UTF-8 they are damage, and replaced.
        """
        with self._opened() as stack:
            for stream in self._streams(stack):
                known = False  # whether anything but ASCII was UTF-8 so far
                for number, raw in enumerate(_raw_lines(stream), 1):
                    try:
                        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                        known = known or not text.isascii()
                    except UnicodeDecodeError:
                        known = known or not raw.decode("utf-8", errors="ignore").isascii()
                        text = raw.decode("utf-8" if known else _WESTERN, errors="replace")
                        report.replaced += REPLACEMENT in text
                        if not known:
                            report.note("bytes that are no UTF-8 were read as Windows-1252")
                    yield number, text.rstrip("\r\n")

    def values(self, report: Report) -> Generator[tuple[int, Any], None, None]:
        """(line number, value): the elements of a top-level JSON array one by one, or the one value.

        What is broken ends the reading of its file and is reported; what came before it stands.
        """
        with self._opened() as stack:
            for stream in self._streams(stack):
                with io.TextIOWrapper(stream, "utf-8-sig", errors="replace") as text:
                    yield from _values(text, report)

    def head(self, size: int = 1 << 16) -> str:
        """The beginning of the file, decoded leniently."""
        with self._opened() as stack:
            stream = next(self._streams(stack))
            raw = stream.read(size)
        return raw.decode(_UNICODE_MARKS.get(raw[:2], "utf-8-sig"), errors="replace")

    def first_value(self) -> Any:
        """The first JSON value of the file (of its array, if it is one), or None where there is none."""
        with closing(self.values(Report())) as values:
            return next((value for _, value in values), None)


class _Counted(io.RawIOBase):
    """A stream that says how much was read of it."""

    def __init__(self, inner: IO[bytes], progress: Callable[[int], object]) -> None:
        self._inner = inner
        self._tell = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._inner.read(len(buffer))
        buffer[: len(got)] = got
        self._tell(len(got))
        return len(got)

    def read(self, size: int | None = -1, /) -> bytes:
        got = self._inner.read(-1 if size is None else size)
        self._tell(len(got))
        return got


def _is_conversations(name: str) -> bool:
    base = name.rsplit("/", 1)[-1]
    return base.startswith("conversations") and base.endswith(".json")


def _raw_lines(stream: IO[bytes]) -> Iterator[bytes]:
    start = stream.read(2)
    if encoding := _UNICODE_MARKS.get(start):
        text = (start + stream.read()).decode(encoding, errors="replace")
        yield from (line.encode("utf-8", errors="replace") for line in text.split("\n"))
        return
    rest = start
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _values(stream: io.TextIOWrapper, report: Report) -> Iterator[tuple[int, Any]]:
    decoder = json.JSONDecoder()
    buffer, place, line, ended = "", 0, 1, False
    in_array = started = False

    def more() -> None:
        nonlocal buffer, place, ended
        chunk = stream.read(max(_CHUNK, len(buffer)))
        buffer, place, ended = buffer[place:] + chunk, 0, not chunk

    more()
    while True:
        begin = place
        while place < len(buffer) and (buffer[place].isspace() or (in_array and buffer[place] == ",")):
            place += 1
        line += buffer.count("\n", begin, place)
        if place >= len(buffer):
            if ended:
                if in_array:
                    report.reject(line, "the file ends inside its JSON array; what came before is read")
                return
            more()
        elif not started and buffer[place] == "[":
            in_array = started = True
            place += 1
        elif in_array and buffer[place] == "]":
            return
        else:
            started = True
            try:
                value, end = decoder.raw_decode(buffer, place)
            except ValueError as error:
                if ended:
                    at = line + buffer.count("\n", place, getattr(error, "pos", place))
                    report.reject(at, f"not JSON: {error}; the rest of the file is not read", buffer[place:])
                    return
                more()
                continue
            except RecursionError:
                report.reject(line, "nested too deeply; the rest of the file is not read", buffer[place:])
                return
            if end == len(buffer) and not ended and not isinstance(value, (dict, list, str)):
                more()
                continue
            yield line, value
            line += buffer.count("\n", place, end)
            place = end
