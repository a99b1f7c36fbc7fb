"""The multi-hop loaders on small made samples."""

import json

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals.tasks import TASKS, multihop


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def test_musique(tmp_path):
    place = tmp_path / "musique" / "hipporag_train100"
    pages = [{"title": "Ada", "text": "born in Porto"}, {"title": "Porto", "text": "a city"}]
    write(place / "musique_train_corpus.json", [*pages, pages[0]])
    paragraphs = [
        {"title": p["title"], "paragraph_text": p["text"], "is_supporting": i == 0}
        for i, p in enumerate(pages)
    ]
    question = {"id": "q", "question": "Where?", "paragraphs": paragraphs, "answer": "Porto"}
    write(place / "musique_train_q1.json", [question])
    (pool,) = TASKS["musique"].load(tmp_path)
    assert [draft.text for draft in pool.items] == ["Ada\nborn in Porto", "Porto\na city"]
    assert pool.questions[0].gold == {"p0"}
    assert pool.questions[0].category == "1 hops"


def test_2wiki(tmp_path):
    place = tmp_path / "2wikimultihopqa"
    corpus = [{"title": t, "text": t} for t in "abc"]
    write(place / "hipporag_corpus6119" / "2wikimultihopqa_corpus.json", corpus)
    asked = [{"question": "?", "ground_truth": ["a", "c"]}]
    write(place / "fastgraphrag_q101_part" / "2wikimultihopqa_1of101.json", asked)
    (pool,) = TASKS["2wiki"].load(tmp_path)
    assert pool.questions[0].gold == {"p0", "p2"}


def test_hotpotqa(tmp_path):
    place = tmp_path / "hotpotqa" / "hipporag_train100"
    write(place / "hotpotqa_train_corpus.json", {"A": ["one. ", "two."], "B": ["three"]})
    facts = [["A", 0], ["B", 0], ["A", 1]]
    write(
        place / "hotpotqa_train.json",
        [{"_id": "1", "question": "?", "supporting_facts": facts, "type": "bridge", "answer": "x"}],
    )
    (pool,) = TASKS["hotpotqa"].load(tmp_path)
    assert pool.items[0].text == "A\none. two."
    assert pool.questions[0].gold == {"p0", "p1"}


def test_multihop_rag(tmp_path):
    place = tmp_path / "multihop_rag"
    fact = {
        "title": "Rates rise",
        "fact": "The bank raised its rate.",
        "published_at": "2023-10-01T08:00:00+00:00",
        "source": "The Daily",
    }
    queries = [
        {"id": "0", "question": "Who raised it?", "question_type": "inference_query"},
        {"id": "1", "question": "And who else?", "question_type": "null_query"},
    ]
    write(place / "queries.json", {"queries": queries})
    write(
        place / "ground_truth.json",
        {
            "0": {"answer": "the bank", "evidence_list": [fact]},
            "1": {"answer": "Insufficient information.", "evidence_list": []},
        },
    )
    (pool,) = TASKS["multihop-rag"].load(tmp_path)
    assert [(item.text, item.speaker) for item in pool.items] == [
        ("Rates rise\nThe bank raised its rate.", "The Daily")
    ]
    assert [(question.id, question.gold) for question in pool.questions] == [("0", {"p0"})]


def test_missing_data_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="incomplete"):
        list(multihop.load_2wiki(tmp_path))
