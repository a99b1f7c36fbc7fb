from __future__ import annotations

from datetime import datetime, timezone

import pytest

from agentmem.recall.dates import add_months, around, find

AT = datetime(2023, 10, 25, 15, 30, tzinfo=timezone.utc)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "start", "end", "grain"),
    [
        ("what did I do last week?", "2023-10-16", "2023-10-23", "week"),
        ("this week", "2023-10-23", "2023-10-30", "week"),
        ("yesterday", "2023-10-24", "2023-10-25", "day"),
        ("the day before yesterday", "2023-10-23", "2023-10-24", "day"),
        ("in May 2023", "2023-05-01", "2023-06-01", "month"),
        ("on 7 May 2023", "2023-05-07", "2023-05-08", "day"),
        ("on May 7th, 2022", "2022-05-07", "2022-05-08", "day"),
        ("the 7th of May", "2023-05-07", "2023-05-08", "day"),
        ("on 2023-05-07", "2023-05-07", "2023-05-08", "day"),
        ("December 24", "2023-12-24", "2023-12-25", "day"),
        ("What did we do on December 24?", "2022-12-24", "2022-12-25", "day"),
        ("It's on 3 November now", "2023-11-03", "2023-11-04", "day"),
        ("I was there on 3 November", "2022-11-03", "2022-11-04", "day"),
        ("on 3 January", "2024-01-03", "2024-01-04", "day"),
        ("We meet in November", "2023-11-01", "2023-12-01", "month"),
        ("We met in November", "2022-11-01", "2022-12-01", "month"),
        ("the third of July", "2023-07-03", "2023-07-04", "day"),
        ("the twenty-first of July 2021", "2021-07-21", "2021-07-22", "day"),
        ("on July the third", "2023-07-03", "2023-07-04", "day"),
        ("May first, 2020", "2020-05-01", "2020-05-02", "day"),
        ("two months ago", "2023-08-01", "2023-09-01", "month"),
        ("10 days ago", "2023-10-15", "2023-10-16", "day"),
        ("3 years ago", "2020-01-01", "2021-01-01", "year"),
        ("last Friday", "2023-10-20", "2023-10-21", "day"),
        ("next Monday", "2023-10-30", "2023-10-31", "day"),
        ("last summer", "2023-06-01", "2023-09-01", "season"),
        ("the summer of 2022", "2022-06-01", "2022-09-01", "season"),
        ("last month", "2023-09-01", "2023-10-01", "month"),
        ("last year", "2022-01-01", "2023-01-01", "year"),
        ("in the past two weeks", "2023-10-11", "2023-10-26", "span"),
        ("last weekend", "2023-10-21", "2023-10-23", "weekend"),
        ("Who won in 2021?", "2021-01-01", "2022-01-01", "year"),
        ("last Tues", "2023-10-24", "2023-10-25", "day"),
        ("I met them on the 15th after my trip", "2023-10-15", "2023-10-16", "day"),
        ("It was on the 30th.", "2023-09-30", "2023-10-01", "day"),
        ("see you on the 30th", "2023-10-30", "2023-10-31", "day"),
        ("in November 1347", "1347-11-01", "1347-12-01", "month"),
        ("on 14 October 1066", "1066-10-14", "1066-10-15", "day"),
        ("in 1349, he left", "1349-01-01", "1350-01-01", "year"),
    ],
)
def test_expressions(text: str, start: str, end: str, grain: str) -> None:
    (when,) = find(text, AT)
    assert (when.start.date().isoformat(), when.end.date().isoformat(), when.grain) == (start, end, grain)
    assert text[slice(*when.where)] == when.phrase


@pytest.mark.parametrize(
    "text",
    [
        "May I go?",
        "march on",
        "the 2nd try",
        "31 June",
        "you may first ask",
        "a few people",
        "page 2023 of it",
        "on the 3rd floor",
        "in 1500 words",
        "by 1200 people",
        "on Sun",
        "fall down",
        "",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert find(text, AT) == []


def test_kinds_of_naming() -> None:
    assert find("in June", AT)[0].any_year and not find("in June 2020", AT)[0].any_year
    assert find("last week", AT)[0].relative and not find("in 2022", AT)[0].relative
    assert find("a few weeks ago", AT)[0].about
    assert [w.phrase for w in find("from 3 May 2023 to last Friday", AT)] == ["3 May 2023", "last Friday"]


def test_events() -> None:
    event = around("What did Ada do before the trip to Rome?")
    assert event is not None and (event.side, event.event) == ("before", "the trip to Rome")
    event = around("After moving to Boston, what did I buy?")
    assert event is not None and (event.side, event.event) == ("after", "moving to Boston")
    assert around("What happened before May 2023?") is None
    assert around("What happened after all?") is None
    assert around("Had Ada seen it before and liked it?") is None


def test_months_keep_to_the_last_day() -> None:
    assert add_months(AT.replace(month=3, day=31), -1) == AT.replace(month=2, day=28)
    assert add_months(AT.replace(month=12, day=31), 2) == AT.replace(year=2024, month=2, day=29)
