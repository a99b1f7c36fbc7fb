"""Questions over several passages: MuSiQue, 2WikiMultihopQA and HotpotQA, on HippoRAG's corpora.

Trivedi et al. 2022 (CC BY 4.0), Ho et al. 2020 (Apache-2.0), Yang et al. 2018 (CC BY-SA 4.0); the
corpora and question samples are those of Gutiérrez et al. 2024, arXiv 2405.14831 (MIT).

These corpora are small. :func:`mixed` fills one up with passages of the others, so that it can be seen what a
setting loses in a larger store; foreign subjects are easier distractors than more of the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from agentmem.evals.tasks.base import Pool, Question, Task, read_json, read_parts
from agentmem.memory import Draft

_WRITTEN = datetime(2024, 1, 1, tzinfo=timezone.utc)
_ASKED = datetime(2024, 1, 2, tzinfo=timezone.utc)
Passage = tuple[str, str]


def passages(pairs: Iterable[Passage]) -> tuple[list[Draft], dict[Passage, str]]:
    """Passages as drafts, the title on the first line, and the id of each (title, text)."""
    ids: dict[Passage, str] = {}
    drafts = []
    for title, text in pairs:
        if (title, text) in ids:
            continue
        ids[title, text] = f"p{len(ids)}"
        drafts.append(Draft(f"{title}\n{text}", at=_WRITTEN, id=ids[title, text], metadata={"title": title}))
    return drafts, ids


def load_musique(folder: Path) -> Iterator[Pool]:
    """60 questions over 1,890 passages below ``folder/musique/hipporag_train100``."""
    place = folder / "musique" / "hipporag_train100"
    corpus = read_json(place / "musique_train_corpus.json")
    items, ids = passages((one["title"], one["text"]) for one in corpus)
    questions = []
    for entry in read_parts(place, "musique_train_q*.json"):
        support = [p for p in entry["paragraphs"] if p["is_supporting"]]
        gold = frozenset(ids[p["title"], p["paragraph_text"]] for p in support)
        questions.append(
            _question(entry["id"], entry["question"], gold, f"{len(support)} hops", entry["answer"])
        )
    yield Pool(("musique",), items, questions)


def load_musique_train(folder: Path) -> Iterator[Pool]:
    """199 questions of two hops over the 2,993 paragraphs given with them, ``folder/musique``.

    Not used in any published comparison: for trying settings that were chosen elsewhere.
    """
    lines = (folder / "musique" / "musique_ans_v1.0_train-200.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines if line.strip()]
    items, ids = passages((p["title"], p["paragraph_text"]) for entry in entries for p in entry["paragraphs"])
    questions = []
    for entry in entries:
        gold = frozenset(
            ids[p["title"], p["paragraph_text"]] for p in entry["paragraphs"] if p["is_supporting"]
        )
        questions.append(_question(entry["id"], entry["question"], gold, "2 hops", entry["answer"]))
    yield Pool(("musique-train",), items, questions)


def load_2wiki_train(folder: Path) -> Iterator[Pool]:
    """500 questions over the 3,112 passages given with them, ``folder/2wikimultihopqa``; gold are titles."""
    place = folder / "2wikimultihopqa" / "migres_train500" / "wikihop_train_preprocess.json"
    entries = read_json(place)
    items, ids = passages((title, " ".join(said)) for entry in entries for title, said in entry["context"])
    titled: dict[str, list[str]] = {}
    for (title, _), id in ids.items():
        titled.setdefault(title, []).append(id)
    questions = []
    for entry in entries:
        gold = frozenset(titled[title][0] for title, _ in entry["supporting_facts"])
        questions.append(_question(entry["_id"], entry["question"], gold, entry["type"], entry["answer"]))
    yield Pool(("2wiki-train",), items, questions)


def load_2wiki(folder: Path) -> Iterator[Pool]:
    """50 questions over 6,119 passages below ``folder/2wikimultihopqa``; gold are titles."""
    place = folder / "2wikimultihopqa"
    corpus = read_json(place / "hipporag_corpus6119" / "2wikimultihopqa_corpus.json")
    items, ids = passages((one["title"], one["text"]) for one in corpus)
    titled: dict[str, list[str]] = {}
    for (title, _), id in ids.items():
        titled.setdefault(title, []).append(id)
    questions = []
    asked = read_parts(place / "fastgraphrag_q101_part", "2wikimultihopqa_*of101.json")
    for number, entry in enumerate(asked):
        gold = frozenset(id for title in entry["ground_truth"] for id in titled[title])
        kind = "four passages" if len(entry["ground_truth"]) > 2 else "two passages"
        questions.append(_question(str(number), entry["question"], gold, kind, None))
    yield Pool(("2wiki",), items, questions)


def load_hotpotqa(folder: Path) -> Iterator[Pool]:
    """100 questions over 994 passages below ``folder/hotpotqa/hipporag_train100``; gold are titles."""
    place = folder / "hotpotqa" / "hipporag_train100"
    corpus = read_json(place / "hotpotqa_train_corpus.json")
    items, ids = passages((title, "".join(sentences)) for title, sentences in corpus.items())
    titled = {title: id for (title, _), id in ids.items()}
    questions = []
    for entry in read_json(place / "hotpotqa_train.json"):
        gold = frozenset(titled[title] for title, _ in entry["supporting_facts"])
        questions.append(
            _question(entry["_id"], entry["question"], gold, str(entry["type"]), entry["answer"])
        )
    yield Pool(("hotpotqa",), items, questions)


def load_multihop_rag(folder: Path) -> Iterator[Pool]:
    """News facts with their headlines, sources and dates, and questions over two to four of them.

    The facts that the questions of ``folder/multihop_rag`` cite are the pool; nothing was tuned on it until
    the pairs' ``least`` was chosen. Questions without evidence are left out.
    """
    place = folder / "multihop_rag"
    asked = read_json(place / "queries.json")["queries"]
    truth = read_json(place / "ground_truth.json")
    ids: dict[str, str] = {}
    items = []
    for entry in truth.values():
        for one in entry["evidence_list"]:
            if one["fact"] not in ids:
                ids[one["fact"]] = f"p{len(ids)}"
                text = f"{one['title']}\n{one['fact']}"
                at, id = datetime.fromisoformat(one["published_at"]), ids[one["fact"]]
                items.append(Draft(text, at=at, speaker=one["source"], id=id))
    questions = []
    for entry in asked:
        given = truth[entry["id"]]
        gold = frozenset(ids[one["fact"]] for one in given["evidence_list"])
        if gold:
            made = _question(entry["id"], entry["question"], gold, entry["question_type"], given["answer"])
            questions.append(made)
    yield Pool(("multihop-rag",), items, questions)


def _question(id: str, text: str, gold: frozenset[str], kind: str, answer: Any) -> Question:
    return Question(
        id=id,
        text=text,
        at=_ASKED,
        gold=gold,
        category=kind,
        answer=None if answer is None else str(answer),
    )


MUSIQUE = Task("musique", load_musique, (2, 5, 10), "MuSiQue on HippoRAG's corpus, arXiv 2405.14831")
TWOWIKI = Task("2wiki", load_2wiki, (2, 5, 10), "2WikiMultihopQA on HippoRAG's corpus, arXiv 2405.14831")
HOTPOTQA = Task("hotpotqa", load_hotpotqa, (2, 5, 10), "HotpotQA on HippoRAG's corpus, arXiv 2405.14831")
MULTIHOP_RAG = Task("multihop-rag", load_multihop_rag, (2, 5, 10), "MultiHop-RAG, arXiv 2401.15391 (ODC-BY)")
MUSIQUE_TRAIN = Task(
    "musique-train", load_musique_train, (2, 5, 10), "MuSiQue, train part, arXiv 2108.00573 (CC BY 4.0)"
)
TWOWIKI_TRAIN = Task(
    "2wiki-train", load_2wiki_train, (2, 5, 10), "2WikiMultihopQA, train part, arXiv 2011.01060 (Apache-2.0)"
)

MIXED_SIZE = 10_000


def mixed(task: Task, size: int = MIXED_SIZE) -> Task:
    """A task whose corpus is filled up with passages of the other corpora.

    Args:
        task: one of the tasks of this module.
        size: passages in all; fewer when the other corpora do not hold as many.
    """

    def load(folder: Path) -> Iterator[Pool]:
        (pool,) = task.load(folder)
        known = {item.text for item in pool.items}
        items = list(pool.items)
        for other in (TWOWIKI, MUSIQUE, HOTPOTQA, MUSIQUE_TRAIN):
            if other.name == task.name:
                continue
            for item in next(iter(other.load(folder))).items:
                if len(items) < size and item.text not in known:
                    known.add(item.text)
                    items.append(replace(item, id=f"{other.name}-{item.id}"))
        yield Pool((*pool.namespace, "mixed"), items, pool.questions)

    source = f"{task.source}; filled up with the other corpora to {size:,} passages"
    return Task(f"{task.name}-mixed", load, task.cuts, source)


MUSIQUE_MIXED, TWOWIKI_MIXED, HOTPOTQA_MIXED = mixed(MUSIQUE), mixed(TWOWIKI), mixed(HOTPOTQA)
