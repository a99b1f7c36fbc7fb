"""Time in words: "last week", "in May 2023", "two months ago", "on 7 May", "before the trip".

Read relative to a given moment: the time of asking for a question, the memory's own time for what
somebody said then. English only; a small own grammar, so that its every reading can be explained.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from agentmem.clock import EPOCH

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_SHORT = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
SEASONS = {"winter": 12, "spring": 3, "summer": 6, "autumn": 9, "fall": 9}
NUMBERS = {
    name: number
    for number, name in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
} | {"a": 1, "an": 1, "couple": 2, "few": 3, "several": 4}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class When:
    """A stretch of time that a text names.

    Attributes:
        start, end: from (inclusive) and until (exclusive), in the zone of the moment it was read at.
        grain: ``"day"``, ``"week"``, ``"month"``, ``"season"``, ``"year"`` or ``"span"``.
        phrase: the words it was read from.
        where: (first, last + 1) character of the phrase.
        any_year: the year was not named and is not implied, so that a month or day recurs.
        relative: it was named relative to the moment, as "last week".
        about: the words are vague, as "a few weeks ago".
    """

    start: datetime
    end: datetime
    grain: str
    phrase: str
    where: tuple[int, int]
    any_year: bool = False
    relative: bool = False
    about: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """A time named by an event: "before the trip".

    Attributes:
        side: ``"before"`` or ``"after"``.
        event: the words that name the event.
        phrase: all words.
    """

    side: str
    event: str
    phrase: str


_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_MON = _MONTH + "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
_YEAR = r"(?:19|20)\d\d"
_NTH = r"\d{1,2}(?:st|nd|rd|th)?"
_WEEKDAY = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_SEASON = "spring|summer|autumn|fall|winter"
_COUNT = r"\d{1,4}|a couple of|a couple|couple of|a few|few|several|an|a|" + "|".join(list(NUMBERS)[1:13])
_UNIT = "day|week|weekend|month|year|night|hour|minute"

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(rf"\b(?:{pattern})(?!\w)", re.IGNORECASE))
    for name, pattern in (
        ("iso", rf"(?P<y>{_YEAR})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})"),
        ("dmy", rf"(?P<d>{_NTH})(?:\s+day)?(?:\s+of)?\s+(?P<mon>{_MON})\.?(?:,?\s+(?P<y>{_YEAR}))?"),
        (
            "dmy",
            rf"(?P<mon>{_MON})\.?\s+(?:the\s+)?(?P<d>{_NTH})(?!\s*(?:%|percent|:))(?:,?\s+(?P<y>{_YEAR}))?",
        ),
        ("my", rf"(?P<mon>{_MON})\.?(?:\s+of)?,?\s+(?P<y>{_YEAR})"),
        ("season", rf"(?P<s>{_SEASON})(?:\s+of|\s+in)?\s+(?P<y>{_YEAR})"),
        (
            "range",
            rf"(?:in|over|during|within|for)?\s*(?:the\s+)?(?:last|past|previous)\s+(?P<n>{_COUNT})\s+(?P<u>{_UNIT})s?",
        ),
        (
            "ago",
            rf"(?:about|around|almost|over|roughly)?\s*(?P<n>{_COUNT})\s+(?P<u>{_UNIT})s?\s+(?:ago|back|earlier)",
        ),
        (
            "ahead",
            rf"in\s+(?P<n>{_COUNT})\s+(?P<u>{_UNIT})s?(?:'s?\s+time)?|(?P<n2>{_COUNT})\s+(?P<u2>{_UNIT})s?\s+from\s+now",
        ),
        (
            "unit",
            rf"(?P<w>last|past|previous|this|next|current)\s+(?P<u>week|weekend|month|year|night|{_SEASON}|{_MONTH})",
        ),
        ("weekday", rf"(?:(?P<w>last|past|previous|this|next|coming|on)\s+)(?P<day>{_WEEKDAY})"),
        (
            "word",
            r"the\s+day\s+before\s+yesterday|yesterday|today|tonight|tomorrow|this\s+(?:morning|afternoon|evening)",
        ),
        (
            "month",
            rf"(?:in|since|during|by|until|around|early|mid|late|of|this\s+past)[\s-]+(?P<mon>{_MONTH})",
        ),
        (
            "year",
            rf"(?:in|since|during|by|until|around|early|mid|late|year|before|after|of)[\s-]+(?P<y>{_YEAR})",
        ),
        ("year", rf"(?P<y>{_YEAR})(?=\s*[?.!,;)]|\s*$)"),
    )
)
_MAYBE = re.compile(
    rf"\d|\b(?:{_MONTH}|{_SEASON}|today|tonight|tomorrow|yesterday|ago|back|earlier|now|last|past|previous|this|"
    rf"next|current|coming|in|{_WEEKDAY})\b",
    re.IGNORECASE,
)
_AROUND = re.compile(
    r"\b(?P<side>before|after|following|prior\s+to|since|until)\s+(?P<event>(?!that\b|this\b|all\b|long\b)[^?.!,;]+)",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"\b(?:what|which|who|where|when|how|did|does|do|was|were|is|are|has|have|had)\b", re.IGNORECASE
)


def find(text: str, at: datetime) -> list[When]:
    """The stretches of time a text names, in the order of the text.

    Args:
        text: a question, or something said.
        at: the moment relative to which it is read.
    """
    found: list[When] = []
    if not _MAYBE.search(text):
        return found
    taken: list[tuple[int, int]] = []
    for name, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if any(match.start() < last and first < match.end() for first, last in taken):
                continue
            when = _read(name, match, at)
            if when is not None:
                found.append(when)
                taken.append(match.span())
    return sorted(found, key=lambda when: when.where)


def around(text: str) -> Around | None:
    """The event before or after which something is asked, when the question names one in words."""
    for match in _AROUND.finditer(text):
        event = match["event"].strip()
        turn = _TURNS.search(event)
        if turn is not None and turn.start() > 0:
            event = event[: turn.start()].strip()
        if len(event) < 4 or find(f"in {event}", EPOCH) or not re.search(r"[a-zA-Z]{3}", event):
            continue
        side = "before" if match["side"].lower()[0] in "bpu" else "after"
        return Around(side, event, f"{match['side']} {event}")
    return None


def _read(name: str, match: re.Match[str], at: datetime) -> When | None:
    groups = {key: value.lower() for key, value in match.groupdict().items() if value is not None}
    try:
        read = _READERS[name](groups, match.group(), at)
    except (ValueError, OverflowError):  # 31 June, the year 10000
        return None
    if read is None:
        return None
    start, end, grain, any_year, relative, about = read
    phrase = match.group().strip()
    first = match.start() + match.group().index(phrase)
    return When(start, end, grain, phrase, (first, first + len(phrase)), any_year, relative, about)


_Read = tuple[datetime, datetime, str, bool, bool, bool]


def _iso(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    start = _midnight(at).replace(int(groups["y"]), int(groups["m"]), int(groups["d"]))
    return start, start + _DAY, "day", False, False, False


def _dmy(groups: dict[str, str], phrase: str, at: datetime) -> _Read | None:
    month = _month(groups["mon"])
    day = int(re.sub(r"\D", "", groups["d"]))
    if "y" in groups:
        start = _midnight(at).replace(int(groups["y"]), month, day)
    else:
        start = _nearest_year(at, month, day)
    return start, start + _DAY, "day", "y" not in groups, False, False


def _my(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    start = _midnight(at).replace(int(groups["y"]), _month(groups["mon"]), 1)
    return start, add_months(start, 1), "month", False, False, False


def _season(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    start = _season_start(at, groups["s"], int(groups["y"]))
    return start, add_months(start, 3), "season", False, False, False


def _range(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    count, about = _count(groups["n"])
    start = _back(at, count, groups["u"])
    return _midnight(start), _midnight(at) + _DAY, "span", False, True, about


def _ago(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    count, about = _count(groups["n"])
    about = about or bool(re.match(r"\s*(about|around|almost|over|roughly)", phrase, re.IGNORECASE))
    return _grained(_back(at, count, groups["u"]), groups["u"], about)


def _ahead(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    count, about = _count(groups.get("n") or groups["n2"])
    unit = groups.get("u") or groups["u2"]
    return _grained(_back(at, -count, unit), unit, about)


def _unit(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    step = {"last": -1, "past": -1, "previous": -1, "next": 1}.get(groups["w"], 0)
    unit = groups["u"]
    today = _midnight(at)
    monday = today - today.weekday() * _DAY
    if unit == "week":
        start = monday + 7 * step * _DAY
        return start, start + 7 * _DAY, "week", False, True, False
    if unit == "weekend":
        saturday = monday + 5 * _DAY + 7 * step * _DAY
        if step == -1 and today.weekday() == 6:  # on a Sunday, "last weekend" may be this one's eve
            saturday = monday - 2 * _DAY
        return saturday, saturday + 2 * _DAY, "weekend", False, True, False
    if unit == "night":
        start = today + min(step, 0) * _DAY
        return start, start + _DAY, "day", False, True, False
    if unit == "month":
        start = add_months(today.replace(day=1), step)
        return start, add_months(start, 1), "month", False, True, False
    if unit == "year":
        start = today.replace(today.year + step, 1, 1)
        return start, start.replace(start.year + 1), "year", False, True, False
    if unit in SEASONS:
        return _relative_season(at, unit, step)
    month = _month(unit)
    year = today.year
    if step == -1 and month >= today.month:
        year -= 1
    elif step == 1 and month <= today.month:
        year += 1
    start = today.replace(year, month, 1)
    return start, add_months(start, 1), "month", False, True, False


def _weekday(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    today = _midnight(at)
    target = WEEKDAYS[groups["day"]]
    back = (today.weekday() - target) % 7
    if groups["w"] in ("next", "coming"):
        start = today + ((target - today.weekday()) % 7 or 7) * _DAY
    elif groups["w"] == "this":
        start = today - today.weekday() * _DAY + target * _DAY
    else:
        start = today - (back or 7) * _DAY
    return start, start + _DAY, "day", False, True, False


def _word(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    word = " ".join(phrase.lower().split())
    shift = {"yesterday": -1, "the day before yesterday": -2, "tomorrow": 1}.get(word, 0)
    start = _midnight(at) + shift * _DAY
    return start, start + _DAY, "day", False, True, False


def _bare_month(groups: dict[str, str], phrase: str, at: datetime) -> _Read | None:
    name = groups["mon"]
    if name in ("may", "march") and not re.search(r"\b(May|March|MAY|MARCH)\b", phrase):
        return None
    start = _nearest_year(at, _month(name), 1)
    return start, add_months(start, 1), "month", True, False, False


def _year(groups: dict[str, str], phrase: str, at: datetime) -> _Read:
    start = _midnight(at).replace(int(groups["y"]), 1, 1)
    return start, start.replace(start.year + 1), "year", False, False, False


_READERS = {
    "iso": _iso,
    "dmy": _dmy,
    "my": _my,
    "season": _season,
    "range": _range,
    "ago": _ago,
    "ahead": _ahead,
    "unit": _unit,
    "weekday": _weekday,
    "word": _word,
    "month": _bare_month,
    "year": _year,
}


def add_months(moment: datetime, months: int) -> datetime:
    """The same day some months later (or earlier); the last of the month where there is no such day."""
    place = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(place, 12)
    return moment.replace(year, month + 1, min(moment.day, calendar.monthrange(year, month + 1)[1]))


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _month(name: str) -> int:
    return MONTHS.get(name) or _SHORT[name]


def _nearest_year(at: datetime, month: int, day: int) -> datetime:
    """The latest such day that is not after the moment; a text without a year mostly looks back."""
    for year in range(at.year, at.year - 8, -1):
        if day <= calendar.monthrange(year, month)[1]:
            start = _midnight(at).replace(year, month, day)
            if start <= at:
                return start
    raise ValueError("no such day")


def _season_start(at: datetime, season: str, year: int) -> datetime:
    month = SEASONS[season]
    return _midnight(at).replace(year - (month == 12), month, 1)


def _relative_season(at: datetime, season: str, step: int) -> _Read:
    year = at.year + 1
    starts = [_season_start(at, season, year - back) for back in range(4)]
    if step == 1:
        start = min(s for s in starts if s > at)
    elif step == -1:
        start = max(s for s in starts if add_months(s, 3) <= at)
    else:
        start = min(starts, key=lambda s: abs((add_months(s, 1) - at).total_seconds()))
    return start, add_months(start, 3), "season", False, True, False


def _count(word: str) -> tuple[int, bool]:
    """A number word as a number, and whether it is vague."""
    plain = re.sub(r"\s+", " ", word.strip())
    if plain.isdigit():
        return int(plain), False
    core = plain.removeprefix("a ").removesuffix(" of") if plain not in ("a", "an") else plain
    return NUMBERS[core], core in ("couple", "few", "several")


def _back(at: datetime, count: int, unit: str) -> datetime:
    if unit == "month":
        return add_months(at, -count)
    if unit == "year":
        return add_months(at, -12 * count)
    days = {"day": 1.0, "night": 1.0, "week": 7.0, "weekend": 7.0, "hour": 1 / 24, "minute": 1 / 1440}[unit]
    return at - timedelta(days=days * count)


def _grained(moment: datetime, unit: str, about: bool) -> _Read:
    """The stretch meant by "N units ago": a day either side of weeks, the month, the year."""
    day = _midnight(moment)
    if unit in ("day", "night", "hour", "minute"):
        slack = _DAY if about else timedelta(0)
        return day - slack, day + _DAY + slack, "day", False, True, about
    if unit in ("week", "weekend"):
        slack = 4 * _DAY if about else 0 * _DAY
        monday = day - day.weekday() * _DAY
        return monday - slack, monday + 7 * _DAY + slack, "week", False, True, about
    if unit == "month":
        start = day.replace(day=1)
        return start, add_months(start, 1), "month", False, True, about
    start = day.replace(month=1, day=1)
    return start, start.replace(start.year + 1), "year", False, True, about
