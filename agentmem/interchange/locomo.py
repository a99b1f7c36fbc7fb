"""LoCoMo: conversations of two people over months, one file or a list of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from agentmem.interchange.entry import Entry, Report, Value, objects, string
from agentmem.interchange.source import Source
from agentmem.memory import Draft, Namespace

_WHEN = "%I:%M %p on %d %B, %Y"
_SESSION = re.compile(r"session_(\d+)$")


def read_locomo(source: Source, report: Report) -> Iterator[Entry]:
    """Read LoCoMo: each turn a memory, dated by its session.

    Ids are ``<sample>:<dia_id>``; an image's caption stands after the text, as in the paper's own
    prompts. A file with one conversation goes to the namespace it is imported into; each of a list
    goes to a namespace of its own, named by its ``sample_id``. Questions and summaries are left out.
    """
    alone = source.head(64).lstrip()[:1] != "["
    for number, (line, sample) in enumerate(source.values(report), 1):
        if not isinstance(sample, dict):
            report.reject(line, "not a LoCoMo conversation", str(sample)[:200])
            continue
        name = string(sample.get("sample_id")) or (source.stem if alone else f"{source.stem}-{number}")
        yield from _conversation(sample, name, () if alone else (name,), line, report)
        for key, what in (
            ("qa", "questions"),
            ("event_summary", "event summaries"),
            ("session_summary", "session summaries"),
            ("observation", "observations"),
        ):
            if isinstance(held := sample.get(key), (list, dict)) and held:
                report.left_out[what] += len(held)


def _conversation(
    sample: Value, name: str, namespace: Namespace, line: int, report: Report
) -> Iterator[Entry]:
    talk = sample["conversation"] if isinstance(sample.get("conversation"), dict) else sample
    sessions = sorted((int(match[1]), key) for key in talk if (match := _SESSION.match(key)))
    for number, key in sessions:
        at = _when(talk.get(f"{key}_date_time"), key, line, report)
        if not isinstance(talk[key], list):
            report.reject(line, f"{key} is no list of turns", str(talk[key])[:200])
            continue
        for place, turn in enumerate(talk[key], 1):
            text = _text(turn)
            if text is None:
                report.reject(line, f"turn {place} of {key} has no text", str(turn)[:200])
                continue
            dia = str(turn.get("dia_id") or f"D{number}:{place}")
            extra = {k: v for k, v in turn.items() if k not in ("speaker", "text", "dia_id")}
            draft = Draft(
                text,
                at,
                string(turn.get("speaker")),
                f"{name}:{key}",
                metadata={"dia_id": dia, "sample": name},
                data=extra or None,
                id=f"{name}:{dia}",
            )
            yield Entry(draft, namespace, line)
    if not sessions:
        report.reject(line, f"the conversation {name} has no session_1, session_2, …")


def _text(turn: Any) -> str | None:
    if not isinstance(turn, dict):
        return None
    text, caption = string(turn.get("text")), string(turn.get("blip_caption"))
    if caption is None:
        return text
    return f"{text} [shared image: {caption}]" if text else f"[shared image: {caption}]"


def _when(value: Any, key: str, line: int, report: Report) -> datetime | None:
    if not isinstance(value, str):
        report.note(f"{key} has no time; its turns are dated now")
        return None
    try:
        return datetime.strptime(" ".join(value.split()), _WHEN).replace(tzinfo=timezone.utc)
    except ValueError:
        report.reject(line, f"{key}: {value!r} is not a time such as '1:56 pm on 8 May, 2023'")
        return None


def is_locomo(value: Value) -> bool:
    """Whether a JSON object is a LoCoMo conversation."""
    talk = value.get("conversation", value)
    return isinstance(talk, dict) and bool(objects(talk.get("session_1")))
