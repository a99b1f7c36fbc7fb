"""MemDaily (MemSim): a Chinese user's messages of some days and questions with the messages needed.

Zhang et al. 2024, arXiv 2409.20163. Each trajectory is a namespace of its own; since it is short,
recall is counted among as many hits as there are gold messages. A trajectory is one stream of
messages, in which one often goes on about what the one before named: it is one session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from agentmem.errors import InvalidInput
from agentmem.evals.tasks.base import Pool, Question, Task, read_json
from agentmem.memory import Draft

_TIME = re.compile(r"(\d+)年(\d+)月(\d+)日\D*(\d+):(\d+)")


def load(folder: Path) -> Iterator[Pool]:
    """The trajectories of ``folder/memdaily``."""
    files = sorted((folder / "memdaily").glob("*.json"))
    if not files:
        raise InvalidInput(f"{folder / 'memdaily'} holds no trajectories (*.json)")
    for file in files:
        for trajectory in read_json(file):
            yield _pool(trajectory, file.stem)


def _pool(trajectory: dict[str, Any], kind: str) -> Pool:
    name = f"{kind}/{trajectory['tid']}"
    items = [
        Draft(m["message"], at=message_time(m["time"]), role="user", session=name, id=str(m["mid"]))
        for m in trajectory["message_list"]
    ]
    questions = []
    for entry in trajectory["question_list"]:
        gold = frozenset(str(step) for step in entry["target_step_id"])
        questions.append(
            Question(
                id=f"{name}/{entry['qid']}",
                text=entry["question"],
                at=message_time(entry["time"]),
                gold=gold,
                category=kind,
                answer=str(entry["answer"]),
                k=len(gold),
            )
        )
    return Pool(("memdaily", name), items, questions)


def message_time(text: str) -> datetime:
    """Read ``"2024年04月01日 周一 08:30"``."""
    found = _TIME.search(text)
    if found is None:
        raise InvalidInput(f"{text!r} is not a time of this data")
    year, month, day, hour, minute = map(int, found.groups())
    return datetime(year, month, day, hour, minute, tzinfo=timezone.utc)


TASK = Task("memdaily", load, (), "MemDaily, arXiv 2409.20163")
