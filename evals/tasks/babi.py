"""bAbI: stories of one-sentence lines, and questions that come between them, with their supporting lines.

Weston et al. 2015, arXiv 1502.05698; 20 tasks of 1,000 questions. Only the lines before a question count. A
story is a session of its own namespace, a line is a memory, and lines are a minute apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from agentmem.errors import InvalidInput
from agentmem.evals.tasks.base import Question
from agentmem.memory import Draft, Namespace

TASKS = range(1, 21)
SOURCE = "bAbI tasks 1-20 v1.2, en; arXiv 1502.05698; CC BY 3.0"
_START = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and how many of the story's lines were told before it."""

    question: Question
    seen: int


@dataclass(frozen=True, slots=True)
class Told:
    """A story.

    Attributes:
        namespace: ("babi", task, number of the story).
        lines: what is told, in order.
        questions: what is asked, in order.
    """

    namespace: Namespace
    lines: list[Draft]
    questions: list[Asked]


def stories(folder: Path, task: int, *, split: str = "train", every: int = 1) -> Iterator[Told]:
    """The stories of a task that hold a question, every so many-th of the task, told up to the last.

    Args:
        folder: the data; files are ``babi/en/qa<task>_*_<split>.txt``.
        task: 1 to 20.
        split: "train" or "test".
        every: 1 for all questions, 7 for every seventh.

    Raises:
        InvalidInput: there is no such file, or a line of it is none of bAbI.
    """
    found = sorted((folder / "babi" / "en").glob(f"qa{task}_*_{split}.txt"))
    if not found:
        raise InvalidInput(f"{folder / 'babi' / 'en'} holds no qa{task}_*_{split}.txt")
    number = asked = 0
    lines: list[Draft] = []
    questions: list[Asked] = []
    for row in found[0].read_text("utf-8").splitlines():
        place, _, rest = row.partition(" ")
        if not place.isdigit() or not rest.strip():
            raise InvalidInput(f"{found[0].name}: {row!r} is no line of bAbI")
        if place == "1":
            if questions:
                yield _told(task, number, lines, questions)
            number, lines, questions = number + 1, [], []
        at = _START + timedelta(minutes=int(place))
        if "\t" not in rest:
            lines.append(Draft(rest.strip(), at=at, session=f"{task}/{number}", id=place))
            continue
        if asked % every == 0:
            text, answer, support = rest.split("\t")
            question = Question(
                id=f"{task}/{number}/{place}",
                text=text.strip(),
                at=at,
                gold=frozenset(support.split()),
                category=str(task),
                answer=answer,
            )
            questions.append(Asked(question, len(lines)))
        asked += 1
    if questions:
        yield _told(task, number, lines, questions)


def _told(task: int, number: int, lines: list[Draft], questions: list[Asked]) -> Told:
    return Told(("babi", str(task), str(number)), lines[: questions[-1].seen], questions)
