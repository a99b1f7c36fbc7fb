"""LongMemEval: questions, each over a history of chat sessions of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from agentmem.interchange.entry import Entry, Report, Value, role_of, string
from agentmem.interchange.source import Source
from agentmem.memory import Draft, Namespace

_FORMS = ("%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def read_longmemeval(source: Source, report: Report, *, apart: bool = True) -> Iterator[Entry]:
    """Read LongMemEval: each turn of a history a memory, dated by its session.

    Args:
        source: the official JSON file (oracle, S or M).
        report: counts the questions, which are left out.
        apart: whether each question's history goes to a namespace named by ``question_id``; else all
            go to the one imported into, and a session that questions share is stored once.
    """
    for number, (line, item) in enumerate(source.values(report), 1):
        if not isinstance(item, dict) or not isinstance(item.get("haystack_sessions"), list):
            report.reject(line, "not a LongMemEval item: it has no haystack_sessions", str(item)[:200])
            continue
        asked = item.get("question_id")
        name = asked[0] if isinstance(asked, list) and asked else asked
        name = str(name) if name else f"{source.stem}-{number}"
        report.left_out["questions"] += len(asked) if isinstance(asked, list) else 1
        yield from _history(item, (name,) if apart else (), line, report)


def _history(item: Value, namespace: Namespace, line: int, report: Report) -> Iterator[Entry]:
    names, dates = _list(item.get("haystack_session_ids")), _list(item.get("haystack_dates"))
    for place, turns in enumerate(item["haystack_sessions"]):
        session = str(names[place]) if place < len(names) else f"session_{place}"
        at = _when(dates[place] if place < len(dates) else None, session, line, report)
        if not isinstance(turns, list):
            report.reject(line, f"the session {session} is no list of turns", str(turns)[:200])
            continue
        for turn_number, turn in enumerate(turns):
            text = turn.get("content") if isinstance(turn, dict) else None
            if string(text) is None:
                if isinstance(turn, dict) and text == "":
                    report.left_out["turns without text"] += 1
                else:
                    report.reject(line, f"turn {turn_number} of {session} has no content", str(turn)[:200])
                continue
            assert isinstance(text, str)
            metadata = {k: v for k, v in turn.items() if k not in ("role", "content")}
            role = role_of(turn.get("role"))
            draft = Draft(
                text, at, None, session, metadata=metadata or None, id=f"{session}:{turn_number}", role=role
            )
            yield Entry(draft, namespace, line)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _when(value: Any, session: str, line: int, report: Report) -> datetime | None:
    if not isinstance(value, str):
        report.note(f"the session {session} has no date; its turns are dated now")
        return None
    plain = " ".join(part for part in value.split() if not part.startswith("("))
    for form in _FORMS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    report.reject(line, f"{session}: {value!r} is not a time such as '2023/05/20 (Sat) 02:21'")
    return None
