"""The measurement of the graph at size runs, at a size that measures nothing."""

from __future__ import annotations

from pathlib import Path

from agentmem.evals.speed import graph


def test_adding_asking_and_reopening_are_measured(tmp_path: Path) -> None:
    row = graph.measure(tmp_path / "g.db", 40, None, "static", 3, seed=0)
    assert row["passages"] == 43 + 3 and row["facts"] > 0 and row["edges"] > row["passages"]
    assert row["question_ms"] > 0 and row["add_ms"] > 0 and row["reopen_s"] > 0


def test_passages_come_again_varied() -> None:
    texts = ["Ada Lovelace\nAda met Babbage in London.", "Byron\nByron wrote Cain in Venice and in Rome."]
    first, second = list(graph.varied(texts, 0, 2, 0)), list(graph.varied(texts, 2, 40, 0))
    assert [draft.text for draft in first] == texts
    assert len({draft.id for draft in [*first, *second]}) == 42
    assert any(draft.text not in texts for draft in second)
    assert all(draft.text.count("\n") == 1 for draft in second)
