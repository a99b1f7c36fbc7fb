"""Loaders on samples made here, in the shape of the data."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals.tasks import TASKS, data_folder
from agentmem.evals.tasks.base import Pool, read_json
from agentmem.evals.tasks.memdaily import message_time


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")


def only(name: str, folder: Path) -> Pool:
    (pool,) = TASKS[name].load(folder)
    return pool


def test_locomo(tmp_path: Path) -> None:
    chat = {
        "conversation": {
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ada", "dia_id": "D1:1", "text": "Look at this!", "blip_caption": "a red boat"},
                {"speaker": "Ben", "dia_id": "D1:2", "text": "Nice"},
            ],
            "session_2_date_time": "9:00 am on 9 May, 2023",
        },
        "qa": [
            {"question": "What boat?", "answer": "red", "evidence": ["D1:1; D:1:2", "D9:9"], "category": 1},
            {
                "question": "What did Ben sail?",
                "adversarial_answer": "x",
                "evidence": ["D1:1"],
                "category": 5,
            },
        ],
    }
    write(tmp_path / "locomo" / "Chat_1.json", chat)
    pool = only("locomo", tmp_path)
    assert [(i.id, i.speaker, i.text) for i in pool.items] == [
        ("D1:1", "Ada", "Look at this! [a red boat]"),
        ("D1:2", "Ben", "Nice"),
    ]
    assert pool.items[0].at == datetime(2023, 5, 8, 13, 56, tzinfo=timezone.utc)
    assert pool.items[0].at < pool.items[1].at < pool.questions[0].at
    assert pool.questions[0].gold == {"D1:1", "D1:2"} and pool.questions[0].answerable
    assert pool.questions[1].gold == frozenset() and not pool.questions[1].answerable


def chat() -> list[dict[str, Any]]:
    return [
        {
            "batch_number": 1,
            "turns": [
                [
                    {
                        "role": "user",
                        "id": 0,
                        "time_anchor": "March-15-2024",
                        "content": "My sprint ends Friday ->-> 1,1",
                    },
                    {"role": "assistant", "id": 1, "content": "Noted."},
                ]
            ],
        }
    ]


def test_beam(tmp_path: Path) -> None:
    folder = tmp_path / "beam" / "100K" / "1"
    asked = {
        "knowledge_update": [
            {"question": "When?", "answer": "Friday", "source_chat_ids": {"first": [0], "second": [1, 99]}}
        ],
        "abstention": [{"question": "Why?", "ideal_response": "not said"}],
    }
    write(folder / "chat.json", chat())
    write(folder / "probing_questions.json", asked)
    pool = only("beam", tmp_path)
    assert [(i.id, i.role, i.text) for i in pool.items] == [
        ("0", "user", "My sprint ends Friday"),
        ("1", "assistant", "Noted."),
    ]
    assert pool.items[0].at == datetime(2024, 3, 15, 9, tzinfo=timezone.utc)
    assert [(q.gold, q.answerable) for q in pool.questions] == [({"0", "1"}, True), (frozenset(), False)]


def test_longmemeval(tmp_path: Path) -> None:
    turn = json.dumps([{"role": "user", "content": "I bought a kayak"}])
    prompt = (
        "...\n\n### Session 1:\nSession Date: 2023/04/10 (Mon) 14:47\nSession Content:\n\n"
        f"{turn}\n\nCurrent Date: 2023/05/01 (Mon) 10:00\nQuestion: What did I buy?\nAnswer (step by step):"
    )
    entries = [
        {"question_id": "q1", "prompt": prompt},
        {"question_id": "q2_abs", "prompt": prompt},
        {"question_id": "q3", "prompt": "What did I sell?Answer step by step."},
    ]
    types = [{"question_id": e["question_id"], "question_type": "user", "answer": "a kayak"} for e in entries]
    single = {
        "haystack_session_ids": ["s"],
        "haystack_dates": ["2023/04/11 (Tue) 08:00"],
        "haystack_sessions": [[{"role": "assistant", "content": "Hello"}]],
    }
    root = tmp_path / "longmemeval"
    write(root / "longmemeval_oracle_evidence_turns.testlog.jsonl", "\n".join(json.dumps(e) for e in entries))
    write(root / "longmemeval_answers_types.eval.json", types)
    write(root / "longmemeval_single.json", single)
    write(tmp_path / "beam" / "100K" / "1" / "chat.json", chat())
    pool = only("longmemeval", tmp_path)
    assert [i.text for i in pool.items] == ["I bought a kayak", "Hello", "My sprint ends Friday", "Noted."]
    assert len({i.id for i in pool.items}) == 4
    first, second = pool.questions
    assert (first.text, first.category, len(first.gold)) == ("What did I buy?", "user", 1)
    assert first.at == datetime(2023, 5, 1, 10, tzinfo=timezone.utc)
    assert (second.category, second.gold, second.answerable) == ("abstention", frozenset(), False)


def test_passages(tmp_path: Path) -> None:
    queries = [
        {"id": "a", "context": "One text.", "question": "One?"},
        {"id": "b", "context": "One text.", "question": "No?"},
    ]
    truth = {"a": {"answers": ["one"], "is_impossible": False}, "b": {"answers": [""], "is_impossible": True}}
    write(tmp_path / "squad2" / "queries.json", {"queries": queries})
    write(tmp_path / "squad2" / "ground_truth.json", truth)
    pool = only("squad2", tmp_path)
    assert len(pool.items) == 1 and [q.answerable for q in pool.questions] == [True, False]
    page = {"title": "Ada", "text": "A countess.", "is_supporting": True}
    entry = {
        "id": 1,
        "question": "Who?",
        "prop": "occupation",
        "possible_answers": '["countess"]',
        "paragraphs": [page],
    }
    write(tmp_path / "popqa" / "popqa_even500.json", [entry])
    pool = only("popqa", tmp_path)
    assert pool.items[0].text == "Ada\nA countess." and pool.items[0].metadata == {"title": "Ada"}


def test_memdaily(tmp_path: Path) -> None:
    trajectory = {
        "tid": 7,
        "message_list": [
            {"mid": 0, "message": "我住在上海。", "time": "2024年04月01日 周一 08:30", "place": ""}
        ],
        "question_list": [
            {
                "qid": 0,
                "question": "我住在哪？",
                "answer": "上海",
                "target_step_id": [0],
                "time": "2024年04月02日 周二 07:42",
            }
        ],
    }
    write(tmp_path / "memdaily" / "01_simple.json", [trajectory])
    pool = only("memdaily", tmp_path)
    assert pool.questions[0].k == 1 and pool.questions[0].gold == {"0"}
    assert pool.items[0].session is not None
    with pytest.raises(InvalidInput):
        message_time("gestern")


def test_missing_data_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENTMEM_DATA", raising=False)
    with pytest.raises(InvalidInput, match="AGENTMEM_DATA"):
        data_folder(None)
    monkeypatch.setenv("AGENTMEM_DATA", str(tmp_path))
    assert data_folder(None) == tmp_path
    for name in ("locomo", "beam", "memdaily"):
        with pytest.raises(InvalidInput):
            list(TASKS[name].load(tmp_path))
    with pytest.raises(InvalidInput, match="missing"):
        read_json(tmp_path / "none.json")
