"""LoCoMo: conversations of two friends over months, questions with the turns that answer them.

Maharana et al. 2024, arXiv 2402.17753; one JSON file a conversation (``locomo/Chat_*.json``).
Categories: 1 several pieces of evidence, 2 time, 3 inference, 4 single fact, 5 not answerable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from agentmem.errors import InvalidInput
from agentmem.evals.tasks.base import Pool, Question, Task, read_json
from agentmem.memory import Draft

CATEGORIES = {1: "1 several", 2: "2 time", 3: "3 inference", 4: "4 single", 5: "5 none"}
_TURN = re.compile(r"D:?(\d+):(\d+)")
_GAP = timedelta(minutes=1)


def load(folder: Path) -> Iterator[Pool]:
    """The conversations below ``folder/locomo``."""
    files = sorted((folder / "locomo").glob("*.json"))
    if not files:
        raise InvalidInput(f"{folder / 'locomo'} holds no conversation (*.json)")
    for file in files:
        yield _pool(read_json(file), file.stem)


def _pool(chat: dict[str, Any], name: str) -> Pool:
    items = list(_turns(chat["conversation"]))
    known = {item.id for item in items}
    end = max(item.at for item in items) + timedelta(days=1)
    questions = []
    for number, entry in enumerate(chat["qa"]):
        category = int(entry["category"])
        gold = frozenset(
            f"D{session}:{turn}"
            for evidence in entry["evidence"]
            for session, turn in _TURN.findall(evidence)
            if category != 5 and f"D{session}:{turn}" in known
        )
        questions.append(
            Question(
                id=f"{name}/{number}",
                text=entry["question"],
                at=end,
                gold=gold,
                category=CATEGORIES[category],
                answer=str(entry["answer"]) if category != 5 and "answer" in entry else None,
                answerable=category != 5,
            )
        )
    return Pool(("locomo", name), items, questions)


def _turns(conversation: dict[str, Any]) -> Iterator[Draft]:
    number = 1
    while f"session_{number}_date_time" in conversation:
        start = session_time(conversation[f"session_{number}_date_time"])
        for place, turn in enumerate(conversation.get(f"session_{number}", ())):
            text = turn["text"]
            if turn.get("blip_caption"):
                text = f"{text} [{turn['blip_caption']}]".strip()
            yield Draft(
                text,
                at=start + place * _GAP,
                speaker=turn["speaker"],
                session=f"session {number}",
                id=turn["dia_id"],
            )
        number += 1


def session_time(text: str) -> datetime:
    """Read ``"1:56 pm on 8 May, 2023"``."""
    return datetime.strptime(text.strip(), "%I:%M %p on %d %B, %Y").replace(tzinfo=timezone.utc)


TASK = Task("locomo", load, (5, 10, 20), "LoCoMo, arXiv 2402.17753 (CC BY-NC 4.0)")
