"""Single passages: SQuAD 2 (its own paragraph) and PopQA (the pages of subject and object).

Rajpurkar et al. 2018, arXiv 1806.03822 (CC BY-SA 4.0); Mallen et al. 2023, arXiv 2212.10511 (MIT).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from agentmem.evals.tasks.base import Pool, Question, Task, read_json, read_parts
from agentmem.memory import Draft

_WRITTEN = datetime(2024, 1, 1, tzinfo=timezone.utc)
_ASKED = datetime(2024, 1, 2, tzinfo=timezone.utc)


def load_squad2(folder: Path) -> Iterator[Pool]:
    """The paragraphs of ``folder/squad2`` in one pool; gold is the paragraph the question was made for."""
    queries = read_json(folder / "squad2" / "queries.json")["queries"]
    truth = read_json(folder / "squad2" / "ground_truth.json")
    ids: dict[str, str] = {}
    questions = []
    for entry in queries:
        id = ids.setdefault(entry["context"], f"p{len(ids)}")
        impossible = bool(truth[entry["id"]]["is_impossible"])
        questions.append(
            Question(
                id=entry["id"],
                text=entry["question"],
                at=_ASKED,
                gold=frozenset([id]),
                category="impossible" if impossible else "answerable",
                answer=None if impossible else truth[entry["id"]]["answers"][0],
                answerable=not impossible,
                also=() if impossible else tuple(truth[entry["id"]]["answers"][1:]),
            )
        )
    items = [Draft(text, at=_WRITTEN, id=id) for text, id in ids.items()]
    yield Pool(("squad2",), items, questions)


def load_popqa(folder: Path) -> Iterator[Pool]:
    """All pages of ``folder/popqa`` in one pool; gold are the pages of the question's subject and object."""
    ids: dict[tuple[str, str], str] = {}
    questions = []
    for entry in read_parts(folder / "popqa", "popqa_*.json"):
        gold = [
            ids.setdefault((page["title"], page["text"]), f"p{len(ids)}")
            for page in entry["paragraphs"]
            if page["is_supporting"]
        ]
        questions.append(
            Question(
                id=str(entry["id"]),
                text=entry["question"],
                at=_ASKED,
                gold=frozenset(gold),
                category=entry["prop"],
                answer=str(json.loads(entry["possible_answers"])[0]),
                also=tuple(map(str, json.loads(entry["possible_answers"])[1:])),
            )
        )
    items = [
        Draft(f"{title}\n{text}", at=_WRITTEN, id=id, metadata={"title": title})
        for (title, text), id in ids.items()
    ]
    yield Pool(("popqa",), items, questions)


def load_popqa_subject(folder: Path) -> Iterator[Pool]:
    """As :func:`load_popqa`, but gold is the subject's page alone: each question is about one page."""
    for pool in load_popqa(folder):
        entries = {str(entry["id"]): entry for entry in read_parts(folder / "popqa", "popqa_*.json")}
        titled: dict[tuple[str, str], str] = {}
        for item in pool.items:
            title = item.metadata["title"] if item.metadata else ""
            titled[title, item.text] = str(item.id)
        questions = []
        for question in pool.questions:
            page = next(p for p in entries[question.id]["paragraphs"] if p["is_supporting"])
            gold = titled[page["title"], f"{page['title']}\n{page['text']}"]
            questions.append(replace(question, gold=frozenset([gold])))
        yield Pool(pool.namespace, pool.items, questions)


SQUAD2 = Task("squad2", load_squad2, (2, 5), "SQuAD 2.0, arXiv 1806.03822 (CC BY-SA 4.0)")
POPQA = Task("popqa", load_popqa, (1, 2, 5), "PopQA, arXiv 2212.10511 (MIT)")
POPQA_SUBJECT = Task("popqa-subject", load_popqa_subject, (1,), "PopQA, arXiv 2212.10511 (MIT)")
