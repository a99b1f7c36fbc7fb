"""Questions with a short answer, over conversations and passages, and when a text holds the answer.

A question counts when its reference answer has at most :data:`LONGEST` words and is neither yes nor no,
or when the right reply is that the memory does not hold it. Texts are compared as SQuAD does it (lower
case, no punctuation, no articles), number words as digits; a reference answer that is a date, as LoCoMo
has them, is compared as a stretch of time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from agentmem.errors import UnknownOption
from agentmem.evals.tasks import TASKS, babi
from agentmem.evals.tasks.base import Pool, Question
from agentmem.memory import Draft, Namespace
from agentmem.recall.dates import find
from agentmem.recall.stretches import NUMBERS

NAMES = ("locomo", "longmemeval", "squad2", "popqa", "babi")
LONGEST = 8
"""Words of a reference answer that is still short."""

_ARTICLES = frozenset(("a", "an", "the"))
_CLOSED = frozenset(("yes", "no", "maybe", "nothing", "none"))
_DIGITS = {name: str(number) for name, number in NUMBERS.items() if name not in ("a", "an")}
_WORD = re.compile(r"[^\W_]+(?:[.,:][^\W_]+)*")
_UNITS = {"day": 1, "week": 7, "weekend": 7, "month": 31, "year": 366}
_UNITS |= dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), 7)
_FROM = re.compile(
    rf"(?:(?P<n>\w+)\s+)?(?P<u>{'|'.join(_UNITS)})s?\s+(?P<side>before|after|of)\s+$", re.IGNORECASE
)
_LITTLE = frozenset("in on at by around since about the early late mid of".split())


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and what was written before it.

    Attributes:
        namespace: of the items; cases that share it share them.
        items: what is written, in order.
        question: what is asked.
    """

    namespace: Namespace
    items: list[Draft]
    question: Question


def cases(name: str, folder: Path, *, part: int = 0, limit: int = 0) -> list[Case]:
    """The cases of a task.

    Args:
        name: one of :data:`NAMES`.
        folder: the data.
        part: 1 or 2 for every other pool (question, where there is one pool) from the first or second on;
            0 for all.
        limit: at most so many, evenly taken; 0 for all.

    Raises:
        UnknownOption: there is no such task.
    """
    if name not in NAMES:
        raise UnknownOption("task", name, NAMES)
    pools = list(_pools(name, folder))
    whole = [
        [Case(pool.namespace, pool.items, question) for question in pool.questions if _counts(question)]
        for pool in pools
    ]
    if part and len(whole) > 1:
        whole = whole[part - 1 :: 2]
    found = [case for some in whole for case in some]
    if part and len(pools) == 1:
        found = found[part - 1 :: 2]
    if 0 < limit < len(found):
        found = [found[i * len(found) // limit] for i in range(limit)]
    return found


def _pools(name: str, folder: Path) -> Iterator[Pool]:
    if name != "babi":
        yield from TASKS[name].load(folder)
        return
    for task in babi.TASKS:
        for told in babi.stories(folder, task):
            for asked in told.questions:
                place = asked.question.id.rpartition("/")[2]
                yield Pool((*told.namespace, place), told.lines[: asked.seen], [asked.question])


def _counts(question: Question) -> bool:
    if not question.answerable:
        return True
    said = words(question.answer or "")
    return 0 < len(said) <= LONGEST and said[0] not in _CLOSED


# --- comparing ---------------------------------------------------------------------------------------


def words(text: str) -> list[str]:
    """The words of a text as compared: lower case, no articles, no punctuation, numbers as digits."""
    found = [match.replace(",", "") for match in _WORD.findall(text.lower().replace("’", "'"))]
    return [_DIGITS.get(word, word) for word in found if word not in _ARTICLES]


def f1(text: str, golds: tuple[str, ...]) -> float:
    """The best F1 over words of a text with one of the reference answers, as SQuAD has it."""
    return max(_f1(words(text), words(gold)) for gold in golds)


def _f1(said: list[str], gold: list[str]) -> float:
    common = sum((Counter(said) & Counter(gold)).values())
    return 2 * common / (len(said) + len(gold)) if common else 0.0


def holds(texts: tuple[str, ...], golds: tuple[str, ...], at: datetime) -> float:
    """How much of the best reference answer one of the texts holds.

    1 where its words stand in a row in the text, or where a text names the time it names and is no vaguer;
    of an answer that lists several things by commas, the share of them that stand there.

    Args:
        texts: what was quoted and answered.
        golds: reference answers, any of them right.
        at: when it was asked.
    """
    return max(_holds(text, gold, at) for text in texts for gold in golds)


def _holds(text: str, gold: str, at: datetime) -> float:
    said = " ".join(words(text))
    if _within(" ".join(words(gold)), said):
        return 1.0
    meant = stretch(gold, at)
    if meant is not None:
        named = [(when.start, when.end) for when in find(text, at) if not when.relative]
        whole = stretch(text, at)
        return float(any(same(one, meant) for one in ([whole] if whole else named)))
    parts = [" ".join(words(part)) for part in gold.split(",")]
    return sum(_within(part, said) for part in parts) / len(parts)


def _within(part: str, whole: str) -> bool:
    return bool(part) and f" {part} " in f" {whole} "


def same(said: tuple[datetime, datetime], gold: tuple[datetime, datetime]) -> bool:
    """Whether two stretches of time, (start, end), meet, the first no longer than the second and a day."""
    meet = said[0] < gold[1] and gold[0] < said[1]
    return meet and said[1] - said[0] <= gold[1] - gold[0] + timedelta(days=1)


def stretch(text: str, at: datetime) -> tuple[datetime, datetime] | None:
    """The stretch of time that a text consists of: "7 May 2023", "the week before 9 June 2023"; or None."""
    found = [when for when in find(f"in {text}" if text[:1].isdigit() else text, at) if not when.relative]
    if len(found) != 1:
        return None
    when = found[0]
    plain = f"in {text}" if text[:1].isdigit() else text
    lead, rest = plain[: when.where[0]], plain[when.where[1] :]
    beside = _FROM.search(lead)
    if beside is not None:
        n = _DIGITS.get((beside["n"] or "").lower(), beside["n"] or "")
        days = timedelta(days=_UNITS[beside["u"].lower()] * (int(n) if n.isdigit() else 1))
        if beside["side"].lower() == "of":
            return when.start, when.start + days
        if beside["side"].lower() == "before":
            return when.start - days, when.start
        return when.end, when.end + days
    if any(word not in _LITTLE for word in [*words(lead), *words(rest)]):
        return None
    return when.start, when.end
