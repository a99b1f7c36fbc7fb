from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.clock import (
    EPOCH,
    ManualClock,
    from_micros,
    offset_minutes,
    system_clock,
    to_datetime,
    to_micros,
)
from agentmem.errors import InvalidInput

ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001


@given(TIMES)
def test_micros_and_offset_are_lossless(moment: datetime) -> None:
    back = from_micros(to_micros(moment), offset_minutes(moment))
    assert back == moment and back.utcoffset() == moment.utcoffset()
    assert back.isoformat() == moment.isoformat()


@given(TIMES)
def test_iso_strings_are_lossless(moment: datetime) -> None:
    assert to_datetime(moment.isoformat()).isoformat() == moment.isoformat()
    assert to_datetime(moment) is moment


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("2023-05-08", "2023-05-08T00:00:00+00:00"),
        (" 2023-05-08T13:56:00z ", "2023-05-08T13:56:00+00:00"),
        ("2023-05-08T13:56:00+02:00", "2023-05-08T13:56:00+02:00"),
        (date(2023, 5, 8), "2023-05-08T00:00:00+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        (-0.5, "1969-12-31T23:59:59.500000+00:00"),
    ],
)
def test_what_is_read_as_a_time(given: Any, wanted: str) -> None:
    assert to_datetime(given).isoformat() == wanted


@pytest.mark.parametrize(
    "given",
    [
        "", "soon", "2023-13-01", "2023-02-30", "24:00", None, True, b"2023-05-08", [], math.nan, math.inf,
        10**30, -(10**30), "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00",
    ],
)  # fmt: skip
def test_what_is_no_time(given: Any) -> None:
    with pytest.raises(InvalidInput, match=r"valid_from=.*ISO 8601"):
        to_datetime(given, name="valid_from")


def test_micros_count_from_1970() -> None:
    assert to_micros(EPOCH) == 0
    assert to_micros(EPOCH - timedelta(microseconds=1)) == -1
    assert to_micros(datetime(2000, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 946_681_200_000_000


def test_offsets_are_whole_minutes() -> None:
    assert offset_minutes(EPOCH) == 0
    assert offset_minutes(EPOCH.astimezone(timezone(timedelta(hours=-5, minutes=-30)))) == -330


def test_a_time_at_the_edge_is_shown_in_utc() -> None:
    last = to_micros(datetime.max.replace(tzinfo=timezone.utc))
    assert from_micros(last, 60) == datetime.max.replace(tzinfo=timezone.utc)


def test_the_systems_clock_has_a_zone() -> None:
    before = datetime.now(timezone.utc)
    assert before <= system_clock() <= datetime.now(timezone.utc)


def test_a_manual_clock_moves_when_told() -> None:
    clock = ManualClock("2024-05-01T12:00:00+02:00")
    assert clock() == clock() == datetime(2024, 5, 1, 10, tzinfo=timezone.utc)
    clock.advance(timedelta(days=1, seconds=-1))
    assert clock().isoformat() == "2024-05-02T11:59:59+02:00"
    clock.set(0)
    assert clock() == ManualClock()() == EPOCH
