"""Ranks and thesaurus."""

import re

import pytest

from agentmem.embed import words


def test_common_words_rank_before_rare_ones() -> None:
    ranks = [words.english_rank(word) for word in ("the", "dog", "violin", "genealogical")]
    assert None not in ranks
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)
    assert words.english_rank("the") in range(5)
    assert words.ranked_words() > 20_000


@pytest.mark.parametrize("word", ["", "zzyzx", "The", "b", "don't", "##ing", "2023"])
def test_what_is_not_listed_has_no_rank(word: str) -> None:
    assert words.english_rank(word) is None


def test_a_stem_has_the_rank_of_its_most_common_word() -> None:
    assert words.stem_rank("happi") == words.english_rank("happy")
    assert words.stem_rank("dog") == words.english_rank("dog")
    assert words.stem_rank("zzyzx") is None


@pytest.mark.parametrize(
    ("stem", "near"), [("car", "automobil"), ("doctor", "physician"), ("danc", "ballet")]
)
def test_similar_words(stem: str, near: str) -> None:
    assert near in dict(words.similar(stem))


def test_the_thesaurus_keeps_its_bounds() -> None:
    book = words._thesaurus()
    assert len(book.starts) == len(book.stems) + 1
    assert len(book.neighbours) == len(book.likeness) == book.starts[-1]
    assert book.neighbours.max() < len(book.stems)
    for stem in book.stems[:3000]:
        found = words.similar(stem)
        assert len(found) <= 16
        assert stem not in dict(found)
        cosines = [cosine for _, cosine in found]
        assert cosines == sorted(cosines, reverse=True)
        assert all(0.5 <= cosine <= 1.0 for cosine in cosines)
        assert all(re.fullmatch("[a-z]{3,}", other) for other, _ in found)


@pytest.mark.parametrize("stem", ["the", "and", "zzyzx", ""])
def test_function_words_and_strangers_have_no_kin(stem: str) -> None:
    assert list(words.similar(stem)) == []
