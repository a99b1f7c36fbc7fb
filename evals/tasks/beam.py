"""BEAM: long chats of a user with an assistant, ten abilities, the messages that hold the answer.

Tavakoli et al. 2025, arXiv 2510.27246; ``beam/100K/<chat>/chat.json`` and ``probing_questions.json``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from agentmem.errors import InvalidInput
from agentmem.evals.tasks.base import Pool, Question, Task, read_json
from agentmem.memory import Draft

_PLAN = re.compile(r"\s*->->\s*[\d,\s]*$")  # the generator's mark of the plan's bullet
_GAP = timedelta(minutes=1)


def load(folder: Path, *, size: str = "100K") -> Iterator[Pool]:
    """The chats below ``folder/beam/<size>``."""
    root = folder / "beam" / size
    chats = sorted(root.glob("*/probing_questions.json"), key=lambda path: path.parent.name.zfill(4))
    if not chats:
        raise InvalidInput(f"{root} holds no chats")
    for file in chats:
        yield _pool(read_json(file.with_name("chat.json")), read_json(file), f"{size}-{file.parent.name}")


def messages(chat: list[dict[str, Any]], prefix: str = "") -> Iterator[Draft]:
    """The messages of a chat; each batch is a session and starts at its time anchor."""
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    for batch in chat:
        turns = [message for group in batch["turns"] for message in group]
        anchors = [message["time_anchor"] for message in turns if message.get("time_anchor")]
        if anchors:
            start = datetime.strptime(anchors[0], "%B-%d-%Y").replace(hour=9, tzinfo=timezone.utc)
        for place, message in enumerate(turns):
            text = _PLAN.sub("", message["content"])
            if text.strip():
                yield Draft(
                    text,
                    at=start + place * _GAP,
                    role=message["role"],
                    session=f"{prefix}batch {batch['batch_number']}",
                    id=f"{prefix}{message['id']}",
                )


def _pool(chat: list[dict[str, Any]], asked: dict[str, list[dict[str, Any]]], name: str) -> Pool:
    items = list(messages(chat))
    known = {item.id for item in items}
    end = max(item.at for item in items) + timedelta(days=1)
    questions = [
        Question(
            id=f"{name}/{ability}/{number}",
            text=entry["question"],
            at=end,
            gold=frozenset(str(i) for i in _numbers(entry.get("source_chat_ids"))) & known,
            category=ability,
            answer=str(entry.get("ideal_answer") or entry.get("answer") or entry.get("ideal_response") or ""),
            answerable=ability != "abstention",
        )
        for ability, entries in asked.items()
        for number, entry in enumerate(entries)
    ]
    return Pool(("beam", name), items, questions)


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part)


TASK = Task("beam", load, (5, 10, 20), "BEAM 100K, arXiv 2510.27246")
LARGE = Task("beam500", partial(load, size="500K"), (5, 10, 20), "BEAM 500K, arXiv 2510.27246")
