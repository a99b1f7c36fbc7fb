"""The demo: two friends write to each other for half a year, and the memory is asked about it.

The conversation was written for this and comes with the package, as do the questions and the
turns that answer them. Nothing is downloaded and no model is called.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from agentmem.errors import InvalidInput
from agentmem.memory import Answer, Hit

if TYPE_CHECKING:
    from agentmem.store import MemoryStore

DEPTH = 5
"""How many hits a question may take to find its turn."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question about the conversation.

    Attributes:
        question: as it is asked.
        kind: what makes it hard.
        answer: the right answer; None when the conversation does not hold it.
        gold: ids of the turns that answer it.
        older: ids of turns that answered it before the fact changed.
        needs: ids of turns that lead to the answer without giving it.
        says: what a right answer says.
    """

    question: str
    kind: str
    answer: str | None
    gold: tuple[str, ...]
    older: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what the memory made of it.

    Attributes:
        question: what was asked.
        hits: the best memories, best first.
        answer: the local reader's answer.
        search_ms: how long the search took.
        answer_ms: how long search and reading took together.
    """

    question: Question
    hits: tuple[Hit, ...]
    answer: Answer
    search_ms: float
    answer_ms: float

    @property
    def rank(self) -> int | None:
        """The place of the first hit that answers the question; None when none does."""
        for place, hit in enumerate(self.hits, 1):
            if hit.memory.id in self.question.gold:
                return place
        return None

    @property
    def right(self) -> bool:
        """Whether the answer says what is asked for, or says that the memory does not hold it."""
        text = self.answer.text
        if text is None or self.question.answer is None:
            return text is None and self.question.answer is None
        return all(said in text for said in self.question.says)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            **asdict(self.question),
            "rank": self.rank,
            "right": self.right,
            "chain": list(self.answer.chain),
            "found": self.answer.text,
            "confidence": round(self.answer.confidence, 4),
            "search_ms": round(self.search_ms, 3),
            "answer_ms": round(self.answer_ms, 3),
            "hits": [
                {
                    "id": hit.memory.id,
                    "at": hit.memory.at.isoformat(),
                    "speaker": hit.memory.speaker,
                    "text": hit.memory.text,
                    "score": round(hit.score, 4),
                    "relevance": round(hit.relevance, 4),
                    "signals": {name: round(value, 4) for name, value in hit.signals.items()},
                    "why": list(hit.why),
                }
                for hit in self.hits
            ],
        }


@dataclass(slots=True)
class Result:
    """What a run of the demo did.

    Attributes:
        file: the memory file; None for one that was removed afterwards.
        turns: turns of the conversation; ``sessions`` of them.
        load_ms: how long it took to store and index them; 0 when they were there.
        asked: the questions, in order.
    """

    file: str | None
    turns: int
    sessions: int
    load_ms: float
    asked: list[Asked] = field(default_factory=list)

    @property
    def answerable(self) -> list[Asked]:
        """The questions whose answer the conversation holds."""
        return [one for one in self.asked if one.question.gold]

    @property
    def first(self) -> int:
        """How many of these have a turn that answers them in the first place."""
        return sum(one.rank == 1 for one in self.answerable)

    @property
    def within(self) -> int:
        """How many have one among the first :data:`DEPTH`."""
        return sum(one.rank is not None for one in self.answerable)

    @property
    def right(self) -> int:
        """How many questions are answered rightly."""
        return sum(one.right for one in self.asked)

    @property
    def first_ms(self) -> float:
        """How long the first search took, which loads what it needs."""
        return self.asked[0].search_ms if self.asked else 0.0

    @property
    def median_ms(self) -> float:
        """The median of the searches after it."""
        return median([one.search_ms for one in self.asked[1:]] or [0.0])

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "file": self.file,
            "turns": self.turns,
            "sessions": self.sessions,
            "load_ms": round(self.load_ms, 3),
            "questions": [one.to_dict() for one in self.asked],
            "answerable": len(self.answerable),
            "right": self.right,
            "first": self.first,
            f"within_{DEPTH}": self.within,
            "first_search_ms": round(self.first_ms, 3),
            "median_search_ms": round(self.median_ms, 3),
        }


def conversation() -> list[dict[str, Any]]:
    """The turns, as mappings with the keys of ``add``."""
    text = (files(__name__) / "conversation.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def questions() -> tuple[str, list[Question]]:
    """The time of asking, and the questions."""
    held = json.loads((files(__name__) / "questions.json").read_text("utf-8"))
    return held["at"], [
        Question(
            one["question"],
            one["kind"],
            one["answer"],
            tuple(one["gold"]),
            tuple(one.get("older", ())),
            tuple(one.get("needs", ())),
            tuple(one.get("says", ())),
        )
        for one in held["questions"]
    ]


def load(store: MemoryStore) -> float:
    """Write the conversation into a store, once; returns the milliseconds it took.

    Raises:
        InvalidInput: the store holds other memories.
    """
    turns = conversation()
    held = len(store.get_many([turn["id"] for turn in turns]))
    if held == len(turns):
        return 0.0
    if not held and next(store.list(limit=1), None) is not None:
        raise InvalidInput("the file holds other memories; name a new one for the demo")
    started = perf_counter()
    store.add_many(turns, batch_size=None, on_conflict="skip")
    return (perf_counter() - started) * 1000


def ask(store: MemoryStore, question: Question, at: str) -> Asked:
    """Ask one question."""
    started = perf_counter()
    hits = store.search(question.question, DEPTH, at=at)
    searched = perf_counter()
    answer = store.ask(question.question, at=at)
    ended = perf_counter()
    told = tuple(store.explain(hits, at=at))
    return Asked(question, told, answer, (searched - started) * 1000, (ended - searched) * 1000)


def measure(store: MemoryStore, file: str | None = None) -> Result:
    """Write the conversation and ask all questions."""
    load_ms = load(store)
    turns = conversation()
    result = Result(file, len(turns), len({turn["session"] for turn in turns}), load_ms)
    at, asked = questions()
    result.asked = [ask(store, question, at) for question in asked]
    return result


def run(
    path: str | None = None,
    *,
    as_json: bool = False,
    interactive: bool = True,
    store: str = "unified",
    embedder: str | None = None,
) -> Result:
    """Run the demo and show it.

    Args:
        path: the file to keep it in; by default a temporary one, removed at the end.
        as_json: write one JSON document in place of the text.
        interactive: ask for more questions at the end.
        store: name of the store.
        embedder: name of the embedder.

    Raises:
        InvalidInput: the file holds other memories.
    """
    import agentmem
    from agentmem.demo import show

    with tempfile.TemporaryDirectory(prefix="agentmem-demo-") as folder:
        file = path or str(Path(folder) / "demo.db")
        with agentmem.open(file, store=store, embedder=embedder) as memory:
            result = measure(memory, path)
            if as_json:
                show.as_json(result)
            else:
                show.result(result)
                if interactive:
                    show.prompt(memory, questions()[0])
    return result
