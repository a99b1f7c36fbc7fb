"""Plain chat transcripts: dated or not, WhatsApp exports included.

A message begins on a line such as::

    [2023-05-08 13:56] Ada: text          2023-05-08 13:56 Ada: text
    08/05/2023, 13:56 - Ada: text         [08/05/2023, 1:56:02 PM] Ada: text
    Ada: text                             13:56 Ada: text

and runs on over the lines that follow. In a file with dated messages only dated lines begin one; a
dated line without a name is a message nobody is named for. A line that is only a date sets the day
for lines with a time of day. A pause of eight hours or more begins a new session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone

from agentmem.errors import InvalidInput
from agentmem.interchange.entry import Entry, Numbering, Report, role_of
from agentmem.interchange.source import Source
from agentmem.memory import Draft

PAUSE = timedelta(hours=8)
"""A silence as long as this begins a new session."""

_CLOCK = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:\.\d+)?)?"
_HALF = r"(?:\s?(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
_ZONE = r"\s?(?P<zone>Z|[+-]\d{2}:?\d{2})?"
_ISO = r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
_LOCAL = r"(?P<first>\d{1,2})(?P<mark>[/.-])(?P<other>\d{1,2})(?P=mark)(?P<years>\d{4}|\d{2})"
_DATE = rf"(?:{_ISO}|{_LOCAL})"
_BEGIN = re.compile(
    rf"^[\u200e\u200f\s]*(?P<open>\[)?{_DATE}(?:,?\s+|T){_CLOCK}{_HALF}{_ZONE}"
    r"(?(open)\]\s*(?:-\s+)?|\s*(?:[-\u2013:]\s+|\s))(?P<rest>.*)$"
)
_OF_DAY = re.compile(rf"^\s*(?P<open>\[)?{_CLOCK}{_HALF}(?(open)\])\s+(?:[-\u2013]\s+)?(?P<rest>\S.*)$")
_DAY = re.compile(rf"^[\s#*\[=-]*{_DATE}[\s#*\]=-]*$")
_NAMED = re.compile(r"^[\u200e\u200f]*(?P<name>[^\W\d_][^:\n]{0,39}?)\s?:(?:\s+(?P<text>.*)|\s*$)")
_NO_NAMES = frozenset(
    "note notes nb ps p.s todo re fwd subject http https ftp edit update warning example e.g i.e tip info "
    "error question answer source link date time".split()
)


@dataclass(slots=True)
class _Message:
    line: int
    at: datetime | None
    speaker: str | None
    text: list[str] = field(default_factory=list)


def read_transcript(source: Source, report: Report, *, session: str | None = None) -> Iterator[Entry]:
    """Read a transcript.

    Args:
        source: the file.
        report: notes what was assumed, and lines before the first message.
        session: the name of the conversation; the file's name by default.

    Raises:
        InvalidInput: no line of the file begins a message.
    """
    dated, day_first = _survey(Source(source.path), report)
    numbering = Numbering()
    name = session or source.stem
    begun: datetime | None = None
    last: datetime | None = None
    found = False
    origin = session
    for message in _messages(source, report, dated, day_first):
        text = "\n".join(message.text).strip()
        if not text:
            report.left_out["messages without text"] += 1
            continue
        found = True
        at = message.at
        if at is not None and (begun is None or last is None or at - last >= PAUSE):
            begun = at
        last = at or last
        label = name if begun is None else f"{name}/{begun:%Y-%m-%dT%H:%M}"
        if at is not None:
            id = numbering.id("transcript", at.isoformat(), message.speaker, text)
        else:  # "Ada: ok" of another chat is another message: what came before it tells
            id = origin = numbering.id("transcript", origin, message.speaker, text)
        role = role_of(message.speaker)
        yield Entry(Draft(text, at, message.speaker, label, id=id, role=role), (), message.line)
    if not found:
        raise InvalidInput(
            f"no line of {source.path.name} begins a message; expected lines such as "
            "'[2023-05-08 13:56] Ada: text' or 'Ada: text'; to keep each line as a memory of its own: "
            f"agentmem add FILE - --lines < {source.path.name}"
        )


def _survey(source: Source, report: Report) -> tuple[bool, bool]:
    """(whether messages are dated, whether the day stands before the month)."""
    dated = day_first = month_first = half = slashes = False
    for _, line in source.lines(report):
        match = _BEGIN.match(line) or _DAY.match(line)
        if match is None:
            continue
        dated = dated or match.re is _BEGIN
        if match["first"] is None:
            continue
        day_first = day_first or int(match["first"]) > 12 or match["mark"] == "."
        month_first = month_first or int(match["other"]) > 12
        half = half or (match.re is _BEGIN and match["half"] is not None)
        slashes = True
    report.replaced = 0  # the lines are read once more
    if not slashes or day_first != month_first:
        return dated, not month_first
    order = "the month first, as times have am and pm" if half else "the day first"
    report.note(f"dates such as 8/5/2023 were read with {order}")
    return dated, not half


def _messages(source: Source, report: Report, dated: bool, day_first: bool) -> Iterator[_Message]:
    message: _Message | None = None
    day: date | None = None
    for number, line in source.lines(report):
        begun = _begin(number, line, dated, day_first, day, report)
        if begun is not None:
            if message is not None:
                yield message
            message = begun
        elif (match := _DAY.match(line)) and (found := _date_of(match, day_first)):
            day = found
        elif message is not None:
            message.text.append(line)
        elif line.strip():
            report.reject(number, "stands before the first message", line)
    if message is not None:
        yield message


def _begin(
    number: int, line: str, dated: bool, day_first: bool, day: date | None, report: Report
) -> _Message | None:
    """The message that a line begins, or None when it begins none."""
    match = _BEGIN.match(line)
    if match is not None:
        at = _moment(match, day_first)
        if at is None:
            report.reject(number, "its date does not exist; read as part of the message before", line)
            return None
        return _Message(number, at, *_split(match["rest"], every=True))
    if dated:
        return None
    if day is not None and (match := _OF_DAY.match(line)) is not None:
        clock = _clock(match)
        if clock is not None:
            at = datetime.combine(day, clock, timezone.utc)
            return _Message(number, at, *_split(match["rest"], every=True))
    speaker, text = _split(line, every=False)
    at = None if day is None else datetime.combine(day, time(), timezone.utc)
    return None if speaker is None else _Message(number, at, speaker, text)


def _split(line: str, *, every: bool) -> tuple[str | None, list[str]]:
    """(speaker, first lines of text). Without ``every``, words that head remarks are no names."""
    match = _NAMED.match(line)
    if match is None:
        return None, [line]
    name = match["name"].strip()
    words = name.split()
    plain = len(words) > 4 or words[0].lower().rstrip(".") in _NO_NAMES or name[-1] in "?!,;"
    if len(words) > 6 or (plain and not every):
        return None, [line]
    return name, [match["text"] or ""]


def _moment(match: re.Match[str], day_first: bool) -> datetime | None:
    day, clock = _date_of(match, day_first), _clock(match)
    if day is None or clock is None:
        return None
    zone = timezone.utc
    if (mark := match["zone"]) and mark != "Z":
        sign = -1 if mark[0] == "-" else 1
        zone = timezone(sign * timedelta(hours=int(mark[1:3]), minutes=int(mark[-2:])))
    return datetime.combine(day, clock, zone)


def _date_of(match: re.Match[str], day_first: bool) -> date | None:
    try:
        if match["year"]:
            return date(int(match["year"]), int(match["month"]), int(match["day"]))
        first, other, year = int(match["first"]), int(match["other"]), int(match["years"])
        day, month = (first, other) if day_first else (other, first)
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def _clock(match: re.Match[str]) -> time | None:
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"] in "Pp" else 0)
    try:
        return time(hour, int(match["minute"]), int(match["second"] or 0))
    except ValueError:
        return None
