"""How each form of time in words is read: which day "the third of July" is, when "two weeks ago" was."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
SHORT = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name} | {"sept": 9}
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
_TENS = {"twenty": 20, "thirty": 30}
ORDINALS = {
    name: number
    for number, name in enumerate(
        """
            first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
            fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
        """.split(),
        start=1,
    )
} | {"thirtieth": 30}
_DAY = timedelta(days=1)

Read = tuple[datetime, datetime, str, bool, bool, bool]


def _iso(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    start = _midnight(at).replace(int(groups["y"]), int(groups["m"]), int(groups["d"]))
    return start, start + _DAY, "day", False, False, False


def _dmy(groups: dict[str, str], phrase: str, at: datetime) -> Read | None:
    month = _month(groups["mon"])
    day = _nth(groups["d"])
    if "y" in groups:
        start = _midnight(at).replace(int(groups["y"]), month, day)
    else:
        start = _nearest_year(at, month, day, groups["tense"])
    return start, start + _DAY, "day", "y" not in groups, False, False


def _my(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    start = _midnight(at).replace(int(groups["y"]), _month(groups["mon"]), 1)
    return start, add_months(start, 1), "month", False, False, False


def _season(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    start = _season_start(at, groups["s"], int(groups["y"]))
    return start, add_months(start, 3), "season", False, False, False


def _range(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    count, about = _count(groups["n"])
    start = _back(at, count, groups["u"])
    return _midnight(start), _midnight(at) + _DAY, "span", False, True, about


def _ago(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    count, about = _count(groups["n"])
    about = about or bool(re.match(r"\s*(about|around|almost|over|roughly)", phrase, re.IGNORECASE))
    return _grained(_back(at, count, groups["u"]), groups["u"], about)


def _ahead(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    count, about = _count(groups.get("n") or groups["n2"])
    unit = groups.get("u") or groups["u2"]
    return _grained(_back(at, -count, unit), unit, about)


def _unit(groups: dict[str, str], phrase: str, at: datetime) -> Read:
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


def _weekday(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    today = _midnight(at)
    target = next(number for name, number in WEEKDAYS.items() if name.startswith(groups["day"]))
    back = (today.weekday() - target) % 7
    if groups["w"] in ("next", "coming"):
        start = today + ((target - today.weekday()) % 7 or 7) * _DAY
    elif groups["w"] == "this":
        start = today - today.weekday() * _DAY + target * _DAY
    else:
        start = today - (back or 7) * _DAY
    return start, start + _DAY, "day", False, True, False


def _bare_day(groups: dict[str, str], phrase: str, at: datetime) -> Read | None:
    """The nth of the month that is meant: the last one of what was, the nearest of anything else."""
    day, month = int(groups["d"]), _midnight(at).replace(day=1)
    starts = []
    for shift in (-2, -1, 0, 1, 2):
        first = add_months(month, shift)
        if 1 <= day <= calendar.monthrange(first.year, first.month)[1]:
            starts.append(first.replace(day=day))
    if groups["tense"] == "past":
        starts = [start for start in starts if start <= at]
    if not starts:
        return None
    start = min(starts, key=lambda start: abs((start - at).total_seconds()))
    return start, start + _DAY, "day", False, True, False


def _word(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    word = " ".join(phrase.lower().split())
    shift = {"yesterday": -1, "the day before yesterday": -2, "tomorrow": 1}.get(word, 0)
    start = _midnight(at) + shift * _DAY
    return start, start + _DAY, "day", False, True, False


def _bare_month(groups: dict[str, str], phrase: str, at: datetime) -> Read | None:
    name = groups["mon"]
    if name in ("may", "march") and not re.search(r"\b(May|March|MAY|MARCH)\b", phrase):
        return None
    start = _nearest_year(at, _month(name), 1, groups["tense"])
    return start, add_months(start, 1), "month", True, False, False


def _year(groups: dict[str, str], phrase: str, at: datetime) -> Read:
    start = _midnight(at).replace(int(groups["y"]), 1, 1)
    return start, start.replace(start.year + 1), "year", False, False, False


READERS = {
    "iso": _iso,
    "dmy": _dmy,
    "my": _my,
    "season": _season,
    "range": _range,
    "ago": _ago,
    "ahead": _ahead,
    "unit": _unit,
    "weekday": _weekday,
    "nth": _bare_day,
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
    return MONTHS.get(name) or SHORT[name]


def _nth(word: str) -> int:
    """A day of the month in digits or words: "3rd", "third", "twenty-first"."""
    if word[0].isdigit():
        return int(re.sub(r"\D", "", word))
    tens, _, ones = word.replace("-", " ").partition(" ")
    return _TENS[tens] + ORDINALS[ones] if ones else ORDINALS[tens]


def _nearest_year(at: datetime, month: int, day: int, tense: str) -> datetime:
    """Such a day in the year that is meant: the last one of what was, the nearest of anything else."""
    years = range(max(at.year - 8, 1), at.year + 9)
    starts = [
        _midnight(at).replace(year, month, day)
        for year in years
        if day <= calendar.monthrange(year, month)[1]
    ]
    if not starts:
        raise ValueError("no such day")
    if tense == "past":
        return max(start for start in starts if start <= at)
    return min(starts, key=lambda start: abs((start - at).total_seconds()))


def _season_start(at: datetime, season: str, year: int) -> datetime:
    month = SEASONS[season]
    return _midnight(at).replace(year - (month == 12), month, 1)


def _relative_season(at: datetime, season: str, step: int) -> Read:
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


def _grained(moment: datetime, unit: str, about: bool) -> Read:
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
