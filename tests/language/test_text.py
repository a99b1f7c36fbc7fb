"""The analyser: words, flags, questions."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.language.text import (
    ANALYSER,
    LENGTH_MAX,
    analyse,
    analyse_many,
    asks,
    ends_asking,
    first_person,
    idf,
    length,
    query_words,
    refers,
    time_word,
)


def words(text: str) -> list[str]:
    return analyse(text).words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The dogs were running", ["dog", "run"]),
        ("Ada's sister and the parents' house", ["ada", "sister", "parent", "hous"]),
        ("Ada’s café — “naïve” résumé", ["ada", "cafe", "naiv", "resum"]),
        ("I don't, won't and can’t; she'll, they've, it's", []),
        ("O'Brien rock'n'roll l'amour", ["obrien", "rocknrol", "amour"]),
        ("at 7:30pm, 7pm, 7 p.m. for $20 or 1,000 or 3.5", ["7:30", "7", "7", "20", "1000", "3.5"]),
        ("U.S. history, e.g. in 1999", ["u.s", "histori", "1999"]),
        ("well-known snake_case a@b.org", ["well", "known", "snake", "case", "b", "org"]),
        ("ＦＵＬＬ ｗｉｄｔｈ ﬁne", ["full", "width", "fine"]),
        ("Straße İstanbul Łódź", ["strass", "istanbul", "lodz"]),
        ("Привет, ЁЛКА и чай", ["привет", "елка", "и", "чай"]),
        ("Αθήνα ΌΝΟΜΑ", ["αθηνα", "ονομα"]),
        ("مُحَمَّد في البيت", ["محمد", "في", "البيت"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("我住在北京", ["我住", "住在", "在北", "北京"]),
        ("我穿Gel-Kayano26鞋", ["我穿", "gel", "kayano26", "鞋"]),
        ("カタカナ語", ["カタ", "タカ", "カナ", "ナ語"]),
        ("がっこう", ["がっ", "っこ", "こう"]),
        ("한국어 책", ["한국", "국어", "책"]),
        ("กขค", ["กข", "ขค"]),
        ("", []),
        ("?! …", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_keep_order_and_repeats() -> None:
    assert words("cake, pie, cakes") == ["cake", "pie", "cake"]


def test_composed_and_decomposed_are_one() -> None:
    assert words("re\u0301sume\u0301 が 한국") == words("r\u00e9sum\u00e9 \u304b\u3099 \u1112\u1161\u11ab국")


@pytest.mark.parametrize(
    ("text", "asking", "ending"),
    [
        ("Why? Because.", 1, 0),
        ("Why?", 1, 1),
        ('"Why?" ', 1, 1),
        ("为什么？", 1, 1),
        ("لماذا؟", 1, 1),
        ("No.", 0, 0),
        ("", 0, 0),
    ],
)
def test_asking(text: str, asking: int, ending: int) -> None:
    flags = analyse(text).flags
    assert (asks(flags), ends_asking(flags)) == (asking, ending)


@pytest.mark.parametrize(
    "text",
    [
        "Yesterday it rained",
        "We met three days ago",
        "last week",
        "next summer",
        "in May we moved",
        "on 3 March",
        "on Tuesday",
        "back in 2019",
        "the other day",
        "a few years earlier",
        "我昨天去了",
        "2023年",
        "上周三",
    ],
)
def test_time_words(text: str) -> None:
    assert time_word(analyse(text).flags) == 1


@pytest.mark.parametrize(
    "text", ["You may go", "They march on", "A day at the sea", "room 5000", "我住在北京"]
)
def test_no_time_words(text: str) -> None:
    assert time_word(analyse(text).flags) == 0


@pytest.mark.parametrize("text", ["I like it", "that is mine", "I’m here", "We've moved", "我喜欢"])
def test_first_person(text: str) -> None:
    assert first_person(analyse(text).flags) == 1


def test_not_first_person() -> None:
    assert first_person(analyse("You like it, Ivan").flags) == 0


@pytest.mark.parametrize("text", ["Then she left", "THEIR boat", "I saw him.", "He’s here", "他走了"])
def test_refers_to_somebody(text: str) -> None:
    assert refers(analyse(text).flags) == 1


def test_refers_to_nobody() -> None:
    assert refers(analyse("Theo sees the theme; it rains").flags) == 0


def test_length_counts_all_words_and_is_clipped() -> None:
    assert length(analyse("The cat sat on the mat").flags) == 6
    assert length(analyse("我住在北京").flags) == 3
    assert length(analyse("").flags) == 0
    assert length(analyse("a " * 70_000).flags) == LENGTH_MAX


def test_flags_of_arrays() -> None:
    texts = ["Why me?", "Yesterday.", "Why? No."]
    flags = np.asarray([result.flags for result in analyse_many(texts)], dtype=np.int64)
    assert asks(flags).tolist() == [1, 0, 1]
    assert ends_asking(flags).tolist() == [1, 0, 0]
    assert time_word(flags).tolist() == [0, 1, 0]
    assert first_person(flags).tolist() == [1, 0, 0]
    assert length(flags).tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Did Ada ever mention how many dogs she has?", ["ada", "dog"]),
        ("Tell me about the dogs and the dog", ["dog"]),
        ("Do you remember?", ["rememb"]),
        ("What is it?", []),
        ("我住在哪里？", ["我住", "住在", "在哪", "哪里"]),
    ],
)
def test_query_words(text: str, expected: list[str]) -> None:
    assert query_words(text) == expected


@given(st.text(max_size=200))
def test_any_text_has_words_that_a_question_finds(text: str) -> None:
    result = analyse(text)
    assert 0 <= length(result.flags) <= LENGTH_MAX
    assert all(result.words)
    assert not any(set(word) & set(" \n\t\u3000") for word in result.words)
    assert set(query_words(text)) <= set(result.words)
    assert analyse_many([text]) == [result]


@given(st.lists(st.sampled_from(["cat", "Ada's", "café", "7:30", "猫が好き", "don’t", "책을"]), max_size=8))
def test_a_text_of_parts_has_the_words_of_its_parts(parts: list[str]) -> None:
    assert words(" ".join(parts)) == [word for part in parts for word in words(part)]


def test_a_long_token_is_cut() -> None:
    assert [len(word) for word in words("x" * 1000)] == [64]


def test_threads_agree() -> None:
    texts = [f"running dogs number {i} and friendly houses{i}" for i in range(2000)]
    expected = [analyse(text).words for text in texts]
    results: list[list[list[str]]] = []

    def work() -> None:
        results.append([result.words for result in analyse_many(texts)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 4


def test_idf_falls_with_frequency() -> None:
    values = idf(1000, np.asarray([1, 10, 1000]))
    assert values[0] > values[1] > values[2] > 0
    assert values[0] == pytest.approx(np.log1p(999.5 / 1.5) ** 0.7)


def test_idf_knows_common_english() -> None:
    common, rare, unknown = idf(100, np.asarray([5, 5, 5]), ["peopl", "prius", "qxzv"])
    assert common < rare <= unknown


def test_fingerprint_names_its_parts() -> None:
    assert "snowball" in ANALYSER and "stop" in ANALYSER
