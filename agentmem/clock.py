"""Time as an argument: clocks that can be injected, and times read from what people pass.

All times inside agentmem are aware datetimes. They are stored as microseconds since
1970-01-01 UTC together with the offset they came with, so that they come back as they went in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

from agentmem.errors import InvalidInput

Clock = Callable[[], datetime]
TimeLike = datetime | date | str | int | float

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)


def system_clock() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(timezone.utc)


class ManualClock:
    """A clock that moves only when told to, for tests and replays.

    Args:
        start: the first time it shows.
    """

    def __init__(self, start: TimeLike = EPOCH) -> None:
        self._now = to_datetime(start)

    def __call__(self) -> datetime:
        """The time shown."""
        return self._now

    def set(self, to: TimeLike) -> None:
        """Set the time shown."""
        self._now = to_datetime(to)

    def advance(self, by: timedelta) -> None:
        """Move the time shown by a span, forward or back."""
        self._now += by


def to_datetime(value: TimeLike, *, name: str = "at") -> datetime:
    """Read a time.

    Args:
        value: a datetime, a date (its midnight), an ISO 8601 string, or seconds since 1970.
            What has no zone is read as UTC.
        name: the argument's name, for the error.

    Returns:
        An aware datetime with the offset it came with.

    Raises:
        InvalidInput: it is not a time, or lies outside the years 1 to 9999.
    """
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, date):
            moment = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
        elif isinstance(value, str):
            text = value.strip()
            moment = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "Zz" else text)
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError
        else:
            moment = EPOCH + timedelta(seconds=value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        to_micros(moment)
        moment.astimezone(timezone.utc)
        return moment
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(
            f"{name}={value!r} is not a time; pass a datetime, an ISO 8601 string such as "
            "'2023-05-08T13:56:00+02:00' (no zone means UTC), or seconds since 1970"
        ) from None


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware datetime."""
    return (moment - EPOCH) // _MICROSECOND


def offset_minutes(moment: datetime) -> int:
    """The offset from UTC an aware datetime came with, in minutes (seconds are cut)."""
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)


def from_micros(micros: int, offset: int = 0) -> datetime:
    """The aware datetime of microseconds since 1970 UTC, shown at an offset in minutes."""
    zone = timezone.utc if not offset else timezone(timedelta(minutes=offset))
    try:
        return (EPOCH + timedelta(microseconds=micros)).astimezone(zone)
    except OverflowError:
        return EPOCH + timedelta(microseconds=micros)


def day_in_words(moment: datetime) -> str:
    """The day of a moment as people write it: "3 May 2023"."""
    return f"{moment.day} {moment:%B} {moment.year}"
