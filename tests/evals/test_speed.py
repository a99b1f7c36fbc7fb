"""The speed commands run, at sizes that measure nothing."""

import json

import pytest

from agentmem.evals.speed import cold, corpus, ingest, namespaces, search, stores, timing


def test_ingest(tmp_path):
    result = ingest.measure(None, "static", 60, 3, 20, tmp_path)
    assert result["found"]
    assert result["add_many_per_s"] > 0
    assert set(result["single_add_ms"]) == {"p50", "p95", "mean"}


def test_search_and_its_picture(tmp_path):
    pytest.importorskip("faiss", reason="the raw scan it is compared with is FAISS's (extra faiss)")
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib (extra evals)")
    result = search.measure(None, "static", [30, 60], 5, tmp_path, "numpy")
    assert [row["memories"] for row in result["sizes"]] == [30, 60]
    search.plot(result["sizes"], tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_namespaces(tmp_path):
    result = namespaces.measure(None, "none", 3, 5, 20, tmp_path)
    assert result["namespaces"] == 3
    assert result["small_cold_ms"]["p50"] > 0


def test_cold(tmp_path):
    result = cold.measure(None, "static", 30, 1, tmp_path)
    assert result["ratio_p50"] > 0


def test_stores(tmp_path):
    result = stores.measure(None, "none", ["unified", "zettelkasten"], (20, 40), 10, 5, tmp_path)
    assert [(row["store"], row["call"], row["n"]) for row in result["calls"]] == [
        (store, call, n)
        for store in ("unified", "zettelkasten")
        for call, n in (("add", 10), ("search", 10), ("catch up", 10), ("batch", 1))
    ]
    assert [row["derived"] for row in result["built"]] == [0, 0, 20, 40]
    again = stores.measure(None, "none", ["unified"], (20, 40), 10, 1, tmp_path)
    assert again["built"] == []  # the files are there


def test_a_corpus_is_deterministic():
    base = corpus.texts(None)
    assert len(base) >= 1000
    one = list(corpus.drafts(base, 50))
    assert one == list(corpus.drafts(base, 50))
    assert {draft.session for draft in one} == {"s0", "s1", "s2"}


def test_results_are_shown(capsys):
    timing.show({"a": 1, "rows": [{"x": 1, "y": 2}]}, False)
    assert "a: 1" in capsys.readouterr().out
    timing.show({"a": 1}, True)
    assert json.loads(capsys.readouterr().out) == {"a": 1}
