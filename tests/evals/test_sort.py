"""SORT and the comparison of events: pairs as the paper draws them, and small runs."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals import events, sort


def book(count: int = 400) -> str:
    """A book in a frame: sentences that nothing but their words tells apart."""
    rng = random.Random(0)
    words = [f"{a}{b}" for a in ("ka", "mo", "ri", "su", "te") for b in ("lan", "vor", "bis", "dek", "fun")]
    lines = [" ".join(rng.choices(words, k=9)).capitalize() + f" {i}." for i in range(count)]
    frame = "*** START OF THE PROJECT GUTENBERG EBOOK X ***"
    return "\n".join([frame, *lines, "*** END OF THE PROJECT GUTENBERG EBOOK X ***", "Licence text."])


def test_sentences_without_the_frame() -> None:
    text = "Title\n*** START OF IT ***\nA cat. “It slept.” Dr. X\nwoke!\n\nChapter\n*** END OF IT"
    assert sort.sentences(text) == ["A cat.", "“It slept.”", "Dr.", "X woke!", "Chapter"]


@pytest.mark.parametrize(("excerpt", "segment"), [(250, 20), (1000, 50)])
def test_pairs(excerpt: int, segment: int) -> None:
    """Half have the earlier one first; bins hold their distances; passages do not overlap."""
    sentences = sort.sentences(book())
    words = " ".join(sentences).split()
    made = list(sort.pairs(sentences, "x", excerpt, segment, 4))
    assert made == list(sort.pairs(sentences, "x", excerpt, segment, 4))
    assert [pair.answer for pair in made] == [0, 1, 0, 1] * (len(made) // 4) and len(made) >= 12
    text = " ".join(words)
    for pair in made:
        places = [len(text[: text.index(passage)].split()) for passage in pair.shown]
        first, second = places[pair.answer], places[1 - pair.answer]
        assert segment <= second - first < excerpt / 1.25
    assert list(sort.pairs(sentences[:3], "x", excerpt, segment, 4)) == []


def test_pieces_hold_every_sentence() -> None:
    assert sort.pieces(["a b", "c d", "e f", "g"], 4) == [(0, "a b c d"), (2, "e f g")]
    assert sort.pieces(["a b", "c"], 0) == [(0, "a b"), (1, "c")]


def test_within_one_piece_the_place_decides() -> None:
    text = "one two three four five six"
    assert sort.earlier(("three four", "one two"), (5, 5), (text, text)) == 1
    assert sort.earlier(("one two", "one two"), (5, 5), (text, text)) is None
    assert sort.earlier(("x", "y"), (3, 9), (text, text)) == 0


@pytest.mark.parametrize("unit", ["0", "60"])
def test_order_is_complete(unit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "booksort"
    folder.mkdir()
    (folder / "x-0.txt").write_text(book(), "utf-8")
    sort.main(["--data", str(tmp_path), "--count", "2", "--unit", unit])
    out = capsys.readouterr().out
    assert "| unified, % right | episodic, % right | plain BM25, % right |" in out
    assert "| all |" in out and out.splitlines()[-3].count("| 100.0 [100.0, 100.0] ") == 3
    sort.main(["--data", str(tmp_path), "--count", "1", "--unit", unit, "--store", "unified", "--json"])
    right = json.loads(capsys.readouterr().out)["right"]
    assert list(right) == ["unified", "plain BM25"] and right["unified"]["all"]["value"] == 1.0
    (folder / "x-0.txt").unlink()
    with pytest.raises(InvalidInput):
        sort.main(["--data", str(tmp_path)])


def test_events_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [
        {"speaker": "AB"[i % 2], "dia_id": f"D1:{i}", "text": f"Something about the harbour number {i}."}
        for i in range(1, 25)
    ]
    chat = {
        "conversation": {"session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": turns},
        "qa": [{"question": "harbour number 7", "answer": "x", "category": 4, "evidence": ["D1:7"]}],
    }
    (tmp_path / "locomo").mkdir()
    (tmp_path / "locomo" / "Chat_1.json").write_text(json.dumps(chat))
    chosen = ("windows of 4 turns", "surprise")
    monkeypatch.setattr(events, "ARMS", {name: events.ARMS[name] for name in chosen})
    events.main(["--data", str(tmp_path), "--tokens", "50,100"])
    out = capsys.readouterr().out
    assert "| turns of search |" in out and "| windows of 4 turns | 0.0 | 4.0 | 100.0" in out
    assert out.count("\n| surprise") == 2
