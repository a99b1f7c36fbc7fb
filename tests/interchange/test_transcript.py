from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from agentmem.errors import InvalidInput


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("line", "at", "speaker", "text"),
    [
        ("[2023-05-08 13:56] Ada: hello", utc(2023, 5, 8, 13, 56), "Ada", "hello"),
        ("[2023-05-08T13:56:07Z] Ada: hello", utc(2023, 5, 8, 13, 56, 7), "Ada", "hello"),
        ("2023-05-08 13:56 Ada: hello", utc(2023, 5, 8, 13, 56), "Ada", "hello"),
        ("2023-05-08 13:56 - Ada Lovelace: hello", utc(2023, 5, 8, 13, 56), "Ada Lovelace", "hello"),
        ("25/05/2023, 13:56 - Ada: hello", utc(2023, 5, 25, 13, 56), "Ada", "hello"),
        ("5/25/23, 1:56 PM - Ada: hello", utc(2023, 5, 25, 13, 56), "Ada", "hello"),
        ("[25.05.23, 13:56:02] Ada: hello", utc(2023, 5, 25, 13, 56, 2), "Ada", "hello"),
        ("\u200e[25/05/2023, 12:01:02\u202fAM] Ada: hello", utc(2023, 5, 25, 0, 1, 2), "Ada", "hello"),
        ("[2023-05-08 13:56] went for a walk", utc(2023, 5, 8, 13, 56), None, "went for a walk"),
        ("Ada: hello", None, "Ada", "hello"),
        ("Zoë Müller: hello: world", None, "Zoë Müller", "hello: world"),
        ("李雷: 你好", None, "李雷", "你好"),
    ],
)
def test_one_line(
    reading: Callable[..., Any], line: str, at: datetime | None, speaker: str | None, text: str
) -> None:
    entries, report = reading(line, format="transcript")
    assert not report.rejected
    (draft,) = [entry.what for entry in entries]
    assert (draft.at, draft.speaker, draft.text) == (at, speaker, text)


def test_offset_is_kept(reading: Callable[..., Any]) -> None:
    entries, _ = reading("[2023-05-08 13:56+02:00] Ada: hello")
    assert entries[0].what.at.utcoffset() == timedelta(hours=2)


def test_messages_run_over_lines(reading: Callable[..., Any]) -> None:
    entries, report = reading(
        "[2023-05-08 13:56] Ada: one\nNote: two\n\nBen: three\n[2023-05-08 13:57] Ben: four\n"
    )
    assert [entry.what.text for entry in entries] == ["one\nNote: two\n\nBen: three", "four"]
    assert [entry.line for entry in entries] == [1, 5]
    assert not report.rejected and report.format == "transcript"


def test_undated_names_and_remarks(reading: Callable[..., Any]) -> None:
    entries, _ = reading("Ada: I read this:\nhttps://example.org\nNote: it is long\nBen: thanks\n")
    assert [(e.what.speaker, e.what.text) for e in entries] == [
        ("Ada", "I read this:\nhttps://example.org\nNote: it is long"),
        ("Ben", "thanks"),
    ]
    assert all(entry.what.at is None for entry in entries)


def test_roles(reading: Callable[..., Any]) -> None:
    entries, _ = reading("User: hello\nAssistant: hi\n")
    assert [entry.what.role for entry in entries] == ["user", "assistant"]


def test_a_pause_begins_a_session(reading: Callable[..., Any]) -> None:
    text = "[2023-05-08 13:56] A: x\n[2023-05-08 21:55] A: y\n[2023-05-09 08:00] A: z\n"
    entries, _ = reading(text, name="ada.txt")
    assert [e.what.session for e in entries] == ["ada/2023-05-08T13:56"] * 2 + ["ada/2023-05-09T08:00"]


def test_day_lines(reading: Callable[..., Any]) -> None:
    entries, _ = reading("# 2023-05-08\n13:56 Ada: one\n14:00 Ben: two\n")
    assert [entry.what.at for entry in entries] == [utc(2023, 5, 8, 13, 56), utc(2023, 5, 8, 14)]


def test_order_of_day_and_month_is_said(reading: Callable[..., Any]) -> None:
    entries, report = reading("08/05/2023, 13:56 - Ada: hello")
    assert entries[0].what.at == utc(2023, 5, 8, 13, 56)
    assert report.notes == ["dates such as 8/5/2023 were read with the day first"]
    _, report = reading("08/25/2023, 13:56 - Ada: hello\n08/05/2023, 13:57 - Ada: hello")
    assert report.notes == []


def test_ids_are_stable_under_growth(reading: Callable[..., Any]) -> None:
    text = "Ada: ok\nBen: ok\nAda: ok\n"
    first, _ = reading(text)
    longer, _ = reading(text + "Ben: new\n", name="other.txt")
    assert [e.what.id for e in longer][:3] == [e.what.id for e in first]
    assert len({e.what.id for e in longer}) == 4


def test_what_is_wrong_is_reported(reading: Callable[..., Any]) -> None:
    entries, report = reading("a heading\n[2023-05-08 13:56] Ada: one\n[2023-13-08 13:56] Ben: two\n")
    assert [(one.line, one.raw) for one in report.rejected] == [
        (1, "a heading"),
        (3, "[2023-13-08 13:56] Ben: two"),
    ]
    assert "Ben: two" in entries[0].what.text  # kept, too


def test_prose_is_no_transcript(reading: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInput, match=r"no line of .* agentmem add FILE - --lines < source.txt"):
        reading("Once upon a time\nthere was a file.\n")


def test_bytes_that_are_no_utf8(reading: Callable[..., Any]) -> None:
    entries, report = reading(b"Ada: caf\xe9 \x96 10 \x80\nBen: plain\nAda: na\xefve\n")
    assert [entry.what.text for entry in entries] == ["café – 10 €", "plain", "naïve"]
    assert report.replaced == 0 and report.notes == ["bytes that are no UTF-8 were read as Windows-1252"]


def test_damage_in_utf8_is_replaced(reading: Callable[..., Any]) -> None:
    entries, report = reading("Ada: café\n".encode() + b"Ben: caf\xe9\nAda: \xc3\xa9 \xff\n")
    assert [entry.what.text for entry in entries] == ["café", "caf\ufffd", "é \ufffd"]
    assert report.replaced == 2 and report.notes == []


def test_undated_chats_share_no_messages(reading: Callable[..., Any]) -> None:
    one, _ = reading("Ada: tea?\nBen: ok\nAda: ok\n", name="one.txt")
    other, _ = reading("Ada: coffee?\nBen: ok\nAda: ok\n", name="other.txt")
    assert not {e.what.id for e in one} & {e.what.id for e in other}
    dated, _ = reading("[2023-05-08 13:56] Ada: ok\n", name="one.txt")
    again, _ = reading("[2023-05-08 13:50] Ben: hm\n[2023-05-08 13:56] Ada: ok\n", name="other.txt")
    assert dated[0].what.id == again[1].what.id, "a time tells a message from others"


def test_utf16(reading: Callable[..., Any]) -> None:
    entries, _ = reading("Ada: héllo\nBen: yes\n".encode("utf-16"))
    assert [entry.what.text for entry in entries] == ["héllo", "yes"]
