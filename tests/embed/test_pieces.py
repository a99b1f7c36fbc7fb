"""Pieces lose nothing, are bounded, and short texts stay whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.embed.pieces import LONGEST_WORD, pieces
from agentmem.errors import InvalidInput

texts = st.text(
    st.one_of(st.sampled_from("ab  \n\t我喜ก가か.,é"), st.characters(exclude_categories=["Cs"])), max_size=400
)


def test_a_short_text_is_one_piece() -> None:
    assert pieces("  a few words ") == ["  a few words "]
    assert pieces("") == [""]
    assert pieces(" ".join(["word"] * 150)) == [" ".join(["word"] * 150)]


def test_windows_overlap() -> None:
    text = " ".join(f"w{n}" for n in range(400))
    found = pieces(text)
    assert [piece.split()[0] for piece in found] == ["w0", "w130", "w260"]
    assert [len(piece.split()) for piece in found] == [150, 150, 140]


def test_no_piece_lies_wholly_inside_the_one_before() -> None:
    assert len(pieces(" ".join(["word"] * 280))) == 2
    assert len(pieces(" ".join(["word"] * 281))) == 3


def test_chinese_is_cut_by_characters() -> None:
    found = pieces("我们昨天去了公园。" * 50)
    assert {len(piece) for piece in found[:-1]} == {150}
    assert len(found) > 2


def test_what_never_ends_is_cut() -> None:
    assert max(map(len, pieces("x" * 10_000))) == 150 * LONGEST_WORD


def test_a_megabyte() -> None:
    assert len(pieces("four words in all. " * 55_000)) == 1 + 1692
    assert len(pieces(" " * 1_000_000)) == 1
    assert len(pieces("x" * 1_000_000)) > 300


@given(texts, st.integers(1, 12), st.data())
def test_nothing_is_lost_and_sizes_are_bounded(text: str, words: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(1, words))
    found = pieces(text, words, step)
    assert found
    if len(found) == 1:
        assert found[0].strip() == text.strip()
        return
    covered = 0
    for piece in found:
        assert piece
        assert piece == piece.strip()
        assert len("".join(piece.split())) <= words * LONGEST_WORD
        assert len(piece.split()) <= words
        # each piece starts no later than where the text is covered, space aside
        place = text.find(piece, max(0, covered - len(piece)))
        while place != -1 and place + len(piece) <= covered:
            place = text.find(piece, place + 1)
        assert place != -1
        assert not text[covered:place].strip()
        covered = max(covered, place + len(piece))
    assert not text[covered:].strip()


@given(texts)
def test_the_same_text_gives_the_same_pieces(text: str) -> None:
    assert pieces(text, 5, 4) == pieces(text, 5, 4)


@pytest.mark.parametrize("step", [0, -1, 151])
def test_a_step_that_would_skip_is_refused(step: int) -> None:
    with pytest.raises(InvalidInput):
        pieces("text", 150, step)
