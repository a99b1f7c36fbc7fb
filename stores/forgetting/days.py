"""The log by days: which days are over, what each is made of, and whether it has changed.

Part of what :class:`~agentmem.stores.forgetting.ForgettingStore` is composed of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from hashlib import blake2b
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agentmem.errors import InvalidInput
from agentmem.memory import Memory


@dataclass(slots=True)
class Day:
    """A day of the log.

    Attributes:
        date: which.
        end: when it is over, where it was lived.
        last: when the last thing happened.
        versions: (id, version) of its memories, in the order they happened.
    """

    date: date
    end: datetime
    last: datetime
    versions: list[tuple[str, int]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids of its memories, in the order they happened."""
        return [id for id, _ in self.versions]

    @property
    def fingerprint(self) -> str:
        """Changes whenever a memory of the day is added, changed or removed."""
        return fingerprint(f"{id}\0{version}" for id, version in self.versions)


def by_day(memories: Iterable[Memory], zone: tzinfo | None) -> dict[date, Day]:
    """Memories, in the order they happened, by day.

    Args:
        memories: the log.
        zone: where days begin at midnight; None: where each memory says it happened.
    """
    days: dict[date, Day] = {}
    for memory in memories:
        here = memory.at if zone is None else memory.at.astimezone(zone)
        day = days.get(here.date())
        if day is None:
            day = days[here.date()] = Day(here.date(), here, here)
        day.last = max(day.last, here)
        day.end = max(day.end, _midnight_after(here))
        day.versions.append((memory.id, memory.version))
    return days


def zone_named(name: str | None) -> tzinfo | None:
    """A time zone by its IANA name.

    Raises:
        InvalidInput: there is none.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise InvalidInput(
            f"zone={name!r} is no time zone known here, such as 'Europe/Lisbon'; None takes the offset "
            "that each memory came with"
        ) from None


def fingerprint(parts: Iterable[str]) -> str:
    """16 hex digits of strings in their order."""
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def _midnight_after(moment: datetime) -> datetime:
    if moment.date() == date.max:
        return moment
    return datetime.combine(moment.date() + timedelta(days=1), time.min, tzinfo=moment.tzinfo)
