"""LongMemEval: a user's questions to an assistant about earlier chats, as one hard pool.

Wu et al. 2024, arXiv 2410.10813 (MIT). Every evidence turn of every question goes into one pool,
with the 550 turns of one complete haystack and the messages of other assistant chats (BEAM) as
distractors; a question's gold are its own evidence turns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from agentmem.evals.tasks import beam
from agentmem.evals.tasks.base import Pool, Question, Task, read_json
from agentmem.memory import Draft

_SESSION = re.compile(r"^### Session \d+:\nSession Date: (.+)\nSession Content:\n\n(\[.*\])$", re.MULTILINE)
_ASKED = re.compile(r"^Current Date: (.+)\nQuestion: (.+?)\nAnswer", re.MULTILINE | re.DOTALL)
_GAP = timedelta(minutes=1)


def load(folder: Path) -> Iterator[Pool]:
    """The pool of ``folder/longmemeval``, with ``folder/beam/100K`` where it is there."""
    root = folder / "longmemeval"
    types = {e["question_id"]: e for e in read_json(root / "longmemeval_answers_types.eval.json")}
    items: dict[str, Draft] = {}
    seen: dict[tuple[str, str], str] = {}
    questions: list[Question] = []
    log = (root / "longmemeval_oracle_evidence_turns.testlog.jsonl").read_text("utf-8")
    for line in log.splitlines():
        entry = json.loads(line)
        question = _question(entry, types[entry["question_id"]], items, seen)
        if question is not None:
            questions.append(question)
    single = read_json(root / "longmemeval_single.json")
    _haystack(single[0] if isinstance(single, list) else single, items)
    if (folder / "beam" / "100K").is_dir():
        for chat in sorted((folder / "beam" / "100K").glob("*/chat.json")):
            for item in beam.messages(read_json(chat), prefix=f"beam-{chat.parent.name}-"):
                items[str(item.id)] = item
    yield Pool(("longmemeval", "pool"), list(items.values()), questions)


def _question(
    entry: dict[str, Any], typed: dict[str, Any], items: dict[str, Draft], seen: dict[tuple[str, str], str]
) -> Question | None:
    """A question and, into ``items``, its turns; None for those that come without a date or a turn."""
    prompt, name = entry["prompt"], entry["question_id"]
    asked = _ASKED.search(prompt)
    if asked is None:
        return None
    gold = set()
    for number, (date, content) in enumerate(_SESSION.findall(prompt)):
        start = session_time(date)
        for place, turn in enumerate(json.loads(content)):
            key = (turn["content"], date)
            if key not in seen:
                seen[key] = f"{name}/{number}/{place}"
                items[seen[key]] = Draft(
                    turn["content"],
                    at=start + place * _GAP,
                    role=turn["role"],
                    session=f"{name}/{number}",
                    id=seen[key],
                )
            gold.add(seen[key])
    abstains = name.endswith("_abs")
    return Question(
        id=name,
        text=asked[2].strip(),
        at=session_time(asked[1]),
        gold=frozenset() if abstains else frozenset(gold),
        category="abstention" if abstains else typed["question_type"],
        answer=str(typed["answer"]),
        answerable=not abstains,
    )


def _haystack(single: dict[str, Any], items: dict[str, Draft]) -> None:
    for name, date, turns in zip(
        single["haystack_session_ids"], single["haystack_dates"], single["haystack_sessions"], strict=True
    ):
        for place, turn in enumerate(turns):
            id = f"haystack/{name}/{place}"
            items[id] = Draft(
                turn["content"],
                at=session_time(date) + place * _GAP,
                role=turn["role"],
                session=f"haystack/{name}",
                id=id,
            )


def session_time(text: str) -> datetime:
    """Read ``"2023/04/10 (Mon) 14:47"``."""
    plain = re.sub(r"\([^)]*\)\s*", "", text.strip())
    return datetime.strptime(plain, "%Y/%m/%d %H:%M").replace(tzinfo=timezone.utc)


TASK = Task("longmemeval", load, (5, 10, 20), "LongMemEval, arXiv 2410.10813 (MIT)")
