from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from agentmem.embed.static import StaticEmbedder
from agentmem.errors import InvalidInput, UnknownOption
from agentmem.evals import baselines, quality
from agentmem.evals.cache import CachedEmbedder
from agentmem.evals.direct import index_pool
from agentmem.evals.fit import recalls
from agentmem.evals.tasks import TASKS, Pool, Question, Task
from agentmem.memory import Draft
from agentmem.recall.recipe import Recipe

AT = datetime(2023, 6, 1, tzinfo=timezone.utc)


def pools(folder: Path) -> Iterator[Pool]:
    items = [
        Draft("I planted tomatoes and basil", at="2023-05-01", speaker="Ada", session="1", id="a"),
        Draft("My brother lives in Lisbon", at="2023-05-02", speaker="Ben", session="2", id="b"),
        Draft("The piano needs tuning again", at="2023-05-03", speaker="Ada", session="3", id="c"),
    ]
    questions = [
        Question("1", "What did Ada plant?", AT, frozenset("a"), "one"),
        Question("2", "Where does Ben's brother live?", AT, frozenset("b"), "two"),
        Question("3", "What is unknown?", AT, frozenset(), "none", answerable=False),
    ]
    yield Pool(("sample",), items, questions)


SAMPLE = Task("sample", pools, (1, 2), "made for this test")


def test_a_run_asks_every_question_with_evidence(tmp_path: Path) -> None:
    row = quality.run(SAMPLE, tmp_path, "words", quality.product(None, "unified"))
    assert {label: mean.value for label, mean in row.share.items()} == {"1": 1.0, "2": 1.0}
    assert row.share["1"].n == 2 and set(row.categories) == {"one", "two"}
    nothing = quality.run(SAMPLE, tmp_path, "nothing", lambda pool: lambda question, k: [])
    assert nothing.share["2"].value == 0.0 and nothing.share["2"].n == 2


def test_no_questions_is_an_error(tmp_path: Path) -> None:
    empty = Task("empty", lambda folder: iter([Pool(("x",), [Draft("one", id="a")], [])]), (1,), "")
    with pytest.raises(InvalidInput, match="no question"):
        quality.run(empty, tmp_path, "words", quality.product(None, "unified"))


def test_the_product_and_the_bare_engine_agree(tmp_path: Path) -> None:
    (pool,) = pools(tmp_path)
    embedder = StaticEmbedder()
    indexed = index_pool(pool, embedder)
    TASKS["sample"] = SAMPLE
    try:
        shares = recalls("sample", [indexed], Recipe())
    finally:
        del TASKS["sample"]
    row = quality.run(SAMPLE, tmp_path, "static", quality.product(embedder, "unified"))
    assert {str(cut): float(np.mean(v)) for cut, v in shares.items()} == {
        k: m.value for k, m in row.share.items()
    }


def test_baselines_by_hand(tmp_path: Path) -> None:
    (pool,) = pools(tmp_path)
    assert baselines.bm25(pool)("the brother in Lisbon", 1) == ["b"]
    assert baselines.dense(pool, StaticEmbedder())("Where does Ben's brother live?", 1) == ["b"]
    assert baselines.usual_text(pool.items[0]).startswith("Ada: ")


def test_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TASKS, "sample", SAMPLE)
    arguments = ["--data", str(tmp_path), "--tasks", "sample", "--embedder", "none"]
    assert quality.main(arguments) == 0
    printed = capsys.readouterr()
    assert "| unified, none | 100.0 [100.0, 100.0] |" in printed.out
    assert "--tasks sample" in printed.out and "seed 0" in printed.out and "numpy" in printed.out
    assert "2 questions so far" in printed.err
    assert quality.main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"][0]["share"]["1"]["value"] == 1.0
    with pytest.raises(UnknownOption):
        quality.main(["--data", str(tmp_path), "--tasks", "nonsense"])
    with pytest.raises(UnknownOption):
        quality.main(["--data", str(tmp_path), "--embedder", "nonsense"])


def test_the_cache_gives_the_same_vectors(tmp_path: Path) -> None:
    texts = ["a red boat", "a green car", "a red boat"]
    plain = StaticEmbedder().embed(texts)
    with CachedEmbedder(StaticEmbedder(), tmp_path) as first:
        assert np.array_equal(first.embed(texts), plain)

    class Broken(StaticEmbedder):
        def embed(self, texts: object, *, query: bool = False) -> np.ndarray:  # type: ignore[override,type-arg]
            raise AssertionError("asked again")

    again = CachedEmbedder(Broken(), tmp_path)
    assert np.array_equal(again.embed(texts), plain)
    assert again.fingerprint == StaticEmbedder().fingerprint
