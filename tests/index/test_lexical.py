"""The word index against the formula, written out in plain Python."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.index.lexical import PLAIN_BM25, LexicalIndex, LexicalOptions, QueryTerm, top

OPTIONS = LexicalOptions()


@dataclass(frozen=True)
class Turn:
    session: str | None
    at: int
    position: int
    asks: bool
    words: tuple[int, ...]


def add(index: LexicalIndex, docs: Sequence[int], turns: Sequence[Turn]) -> None:
    index.add(
        np.asarray(docs, dtype=np.int64),
        [turn.session for turn in turns],
        np.asarray([turn.at for turn in turns], dtype=np.int64),
        np.asarray([turn.position for turn in turns], dtype=np.int64),
        np.asarray([int(turn.asks) for turn in turns], dtype=np.int64),
        np.asarray([word for turn in turns for word in turn.words], dtype=np.uint32),
        np.cumsum([0, *(len(turn.words) for turn in turns)], dtype=np.int64),
    )


def one(*words: int, session: str | None = None, at: int = 0, asks: bool = False) -> Turn:
    return Turn(session, at, 0, asks, words)


def exact(word: int, weight: float = 1.0) -> QueryTerm:
    return QueryTerm(weight, ((word, 1.0),))


def oracle(turns: dict[int, Turn], terms: Sequence[QueryTerm], o: LexicalOptions) -> dict[int, float]:
    """The formula of the module, document by document."""
    mean = sum(len(turn.words) for turn in turns.values()) / max(len(turns), 1)

    def norm(turn: Turn, b: float) -> float:
        pivot = o.pivot_alone if turn.session is None else o.pivot
        relative = len(turn.words) / mean if o.average and mean else max(1.0, len(turn.words) / pivot)
        return 1 - b + b * relative

    scores: dict[int, float] = {}
    for doc, turn in turns.items():
        fields = [(turn, 1.0, o.b_own)]
        if turn.session is not None:
            chain = sorted(
                (d for d in turns if turns[d].session == turn.session),
                key=lambda d: (turns[d].at, turns[d].position, d),
            )
            here = chain.index(doc)
            for step, share in ((-1, o.previous), (1, o.next), (-2, o.previous2), (2, o.next2)):
                if 0 <= here + step < len(chain):
                    other = turns[chain[here + step]]
                    more = o.previous_asking if step == -1 and other.asks else 0.0
                    if share + more:
                        fields.append((other, share + more, o.b_neighbour))
        total = 0.0
        for term in terms:
            said = [
                (sum(share * Counter(t.words)[word] / norm(t, b) for t, share, b in fields), factor)
                for word, factor in term.variants
            ]
            best = max((factor * h / (h + o.k1) for h, factor in said), default=0.0)
            total += term.weight * best * (o.k1 + 1)
        scores[doc] = total
    return scores


def fresh(turns: dict[int, Turn], o: LexicalOptions) -> LexicalIndex:
    index = LexicalIndex(o)
    docs = sorted(turns)
    if docs:
        add(index, docs, [turns[doc] for doc in docs])
    return index


QUERY = [
    exact(1, 2.0),
    QueryTerm(1.5, ((2, 1.0), (3, 0.3), (4, 0.2))),
    exact(5, 0.7),
    QueryTerm(1.0, ((6, 0.25),)),
    exact(99),
]

TURNS = st.builds(
    Turn,
    session=st.sampled_from([None, "a", "a", "b", "c"]),
    at=st.integers(0, 6),
    position=st.integers(0, 4),
    asks=st.booleans(),
    words=st.lists(st.integers(0, 8), max_size=25).map(tuple),
)
BATCH = st.lists(TURNS, min_size=1, max_size=6)
# What to do in turn: add some turns, remove some numbers, or (no turns, no numbers) ask.
STEPS: st.SearchStrategy[list[tuple[list[Turn], list[int]]]] = st.lists(
    st.one_of(
        st.tuples(BATCH, st.just([])),
        st.tuples(st.just([]), st.lists(st.integers(0, 40), max_size=4)),
    ),
    max_size=14,
)
CHOICES = st.sampled_from(
    [
        OPTIONS,
        PLAIN_BM25,
        LexicalOptions(next=0.0, next2=0.0, k1=1.7, b_own=0.2, pivot_alone=4.0),
        LexicalOptions(previous=0.0, previous_asking=0.5, previous2=0.0),
    ]
)


@settings(max_examples=250, deadline=None)
@given(STEPS, CHOICES, st.sampled_from([1, 4, 256]))
def test_incremental_equals_rebuilt_and_the_formula(
    steps: list[tuple[list[Turn], list[int]]], o: LexicalOptions, small: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agentmem.index.lexical._SMALL", small)  # so that a few documents make many segments
        patch.setattr("agentmem.index.lexical._BULK", max(small, 3))
        patch.setattr("agentmem.index.frequencies._FOLD", 12 * small)
        index, turns, number = LexicalIndex(o), dict[int, Turn](), 0
        for new, gone in steps:
            docs = list(range(number, number + len(new)))
            number += len(docs)
            turns.update(zip(docs, new, strict=True))
            add(index, docs, new)
            index.remove(np.asarray(gone, dtype=np.int64))
            for doc in gone:
                turns.pop(doc, None)
            if not new and not gone:
                index.score(QUERY, number)
        scores = index.score(QUERY, number)
        explained = {doc: sum(index.explain(doc, QUERY)) for doc in turns}
        again = LexicalIndex.from_arrays(index.to_arrays(), o)  # which merges all segments
    rebuilt = fresh(turns, o)
    words = np.arange(12)
    assert index.n == rebuilt.n == again.n == len(turns)
    for other in (index, rebuilt, again):
        np.testing.assert_array_equal(index.df(words), other.df(words))
        np.testing.assert_array_equal(scores, other.score(QUERY, number))
    expected = np.zeros(number)
    for doc, score in oracle(turns, QUERY, o).items():
        expected[doc] = score
    np.testing.assert_allclose(scores, expected, rtol=2e-4, atol=4e-4)
    counts = Counter(word for turn in turns.values() for word in set(turn.words))
    assert index.df(words).tolist() == [counts[word] for word in range(12)]
    for doc in turns:
        assert explained[doc] == pytest.approx(float(scores[doc]), abs=1e-5)


def test_a_reply_is_found_by_the_question_before_it() -> None:
    index = LexicalIndex()
    turns = [one(1, 2, session="s", at=0, asks=True), one(3, session="s", at=1), one(4, session="s", at=2)]
    add(index, [0, 1, 2], [*turns])
    scores = index.score([exact(1)], 3)
    assert scores[0] > scores[1] > scores[2] > 0
    k1, h = OPTIONS.k1, OPTIONS.previous + OPTIONS.previous_asking
    assert scores[1] == pytest.approx(h * (k1 + 1) / (h + k1), rel=1e-4)


def test_no_session_has_no_neighbours_and_sessions_are_walls() -> None:
    index = LexicalIndex()
    add(index, [0, 1, 2, 3], [one(1), one(2), one(3, session="a"), one(4, session="b")])
    for doc in range(4):
        assert np.flatnonzero(index.score([exact(doc + 1)], 4)).tolist() == [doc]


def test_late_turn_comes_between_its_neighbours() -> None:
    index = LexicalIndex()
    add(index, [0, 1], [one(1, session="s", at=10), one(2, session="s", at=30)])
    before = index.score([exact(1)], 2)[1]
    add(index, [2], [one(3, session="s", at=20)])
    after = index.score([exact(1)], 3)
    assert 0 < after[1] < before, "the first turn is now two turns back"
    assert after[2] == pytest.approx(before)
    index.remove(np.asarray([2]))
    assert index.score([exact(1)], 3).tolist() == pytest.approx([after[0], before, 0])


def test_a_session_told_backwards_stays_linear() -> None:
    index, count = LexicalIndex(), 2000
    for doc in range(count):
        add(index, [doc], [one(doc, session="s", at=-doc)])
    scores = index.score([exact(1000)], count)
    assert np.flatnonzero(scores).tolist() == [998, 999, 1000, 1001, 1002]


def test_gaps_in_the_numbers() -> None:
    index = LexicalIndex()
    add(index, [3, 7], [one(1, session="s", at=0), one(1, 2, session="s", at=1)])
    add(index, [20], [one(2, session="s", at=2)])
    assert index.n == 3
    assert np.flatnonzero(index.score([exact(1)], 30)).tolist() == [3, 7, 20]
    index.remove(np.asarray([0, 5, 7, 7, 99, -1]))
    assert index.n == 2 and index.df([1, 2]).tolist() == [1, 1]


def test_numbers_must_be_new_and_ascend() -> None:
    index = LexicalIndex()
    add(index, [0, 1], [one(1), one(2)])
    for docs in ([1], [5, 4]):
        with pytest.raises(ValueError, match="ascend"):
            add(index, docs, [one(3)] * len(docs))


def test_nothing_to_find() -> None:
    index = LexicalIndex()
    assert index.score([exact(1)], 0).shape == (0,)
    assert index.score([exact(1)], 5).tolist() == [0.0] * 5
    add(index, [], [])
    add(index, [0], [one()])
    assert index.score([exact(1)], 1).tolist() == [0.0]
    assert index.score([QueryTerm(1.0, ())], 1).tolist() == [0.0]
    assert index.df([]).tolist() == []
    index.remove(np.asarray([0]))
    assert index.n == 0 and index.score([exact(1)], 1).tolist() == [0.0]


def test_the_best_variant_counts_once() -> None:
    index = LexicalIndex()
    add(index, [0, 1, 2], [one(1), one(2), one(1, 2)])
    soft = QueryTerm(2.0, ((1, 1.0), (2, 0.25)))
    scores = index.score([soft], 3)
    assert scores[2] == scores[0] > scores[1]
    assert scores[1] == pytest.approx(2 * 0.25, rel=1e-4)


def test_a_long_text_counts_less_than_a_short_one_but_short_ones_are_equal() -> None:
    texts = [(1,), (1, *range(10, 19)), (1, *range(20, 70)), (1, *range(100, 400))]
    for session, levels in (("s", [0, 0, 1, 2]), (None, [0, 0, 0, 1])):  # a text by itself may be long
        index = LexicalIndex(LexicalOptions(previous=0, previous_asking=0, next=0, previous2=0, next2=0))
        add(index, [0, 1, 2, 3], [one(*words, session=session, at=i) for i, words in enumerate(texts)])
        scores = index.score([exact(1)], 4)
        assert [int(np.sum(scores > score)) for score in scores] == [
            sum(n < m for n in levels) for m in levels
        ]


def test_plain_bm25_is_the_textbook_formula() -> None:
    index = LexicalIndex(PLAIN_BM25)
    texts = [(1, 1, 2), (1, 3, 4, 5, 6), (2,)]
    add(index, [0, 1, 2], [one(*words, session="s", at=i) for i, words in enumerate(texts)])
    for doc, words in enumerate(texts):
        tf = words.count(1)
        expected = tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(words) / 3))
        assert index.score([exact(1)], 3)[doc] == pytest.approx(expected, rel=1e-4)


def test_said_is_of_own_words() -> None:
    index = LexicalIndex()
    add(index, [0, 1, 2], [one(1, session="s"), one(2, session="s", at=1), one(1)])
    assert [index.said(doc, {1, 99}) for doc in (0, 1, 2)] == [{1}, set(), {1}]
    index.remove(np.asarray([0]))
    assert [index.said(doc, {1}) for doc in (2, 0)] == [{1}, set()]
    assert index.explain(0, [exact(1)]) == [0.0]
    assert index.explain(50, [exact(1)]) == [0.0]


def test_a_snapshot_may_be_read_only() -> None:
    rng = np.random.default_rng(3)
    turns = {
        doc: Turn(f"s{doc // 9}é", doc, doc, bool(doc % 3), tuple(rng.integers(0, 50, 8).tolist()))
        for doc in range(300)
    }
    index = fresh(turns, OPTIONS)
    index.remove(np.asarray([4, 5, 100]))
    arrays = {name: array.copy() for name, array in index.to_arrays().items()}
    for array in arrays.values():
        array.setflags(write=False)
    again = LexicalIndex.from_arrays(arrays)
    more = [one(1, 2, session="s33é", at=1000), one(3, session="s0é", at=2), one(5, session="new")]
    for i in (index, again):
        add(i, [300, 301, 302], more)
        i.remove(np.asarray([0, 299]))
    terms = [exact(word) for word in range(8)]
    np.testing.assert_array_equal(index.score(terms, 303), again.score(terms, 303))
    np.testing.assert_array_equal(index.df(np.arange(50)), again.df(np.arange(50)))
    assert again.nbytes > 0
    other = LexicalOptions(previous=0.1, k1=2.0)
    turns = {doc: turn for doc, turn in turns.items() if doc not in (4, 5, 100)}
    np.testing.assert_array_equal(
        LexicalIndex.from_arrays(arrays, other).score(terms, 300), fresh(turns, other).score(terms, 300)
    )


def test_many_removals_compact_the_index() -> None:
    index = fresh({doc: one(doc % 7, session="s", at=doc) for doc in range(2000)}, OPTIONS)
    index.score([exact(1)], 2000)
    large = index.nbytes
    index.remove(np.arange(0, 2000, 2))
    scores = index.score([exact(1)], 2000)
    left = {doc: one(doc % 7, session="s", at=doc) for doc in range(1, 2000, 2)}
    np.testing.assert_array_equal(scores, fresh(left, OPTIONS).score([exact(1)], 2000))
    assert index.nbytes < large


def test_scores_from_many_threads_are_equal() -> None:
    turns = {doc: one(doc % 11, doc % 5, session=f"s{doc // 20}", at=doc) for doc in range(3000)}
    expected = fresh(turns, OPTIONS).score([exact(1), exact(3)], 3000)
    index = fresh(turns, OPTIONS)  # what was added is still to be written: all threads ask at once
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(index.score([exact(1), exact(3)], 3000)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    for result in results:
        np.testing.assert_array_equal(result, expected)


@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 2.5, -1.0]) | st.floats(-5, 5), max_size=3000),
    st.integers(0, 30),
    st.booleans(),
)
def test_top_is_a_stable_sort(values: list[float], k: int, masked: bool) -> None:
    scores = np.asarray(values * 3, dtype=np.float32)
    mask = (np.arange(len(scores)) % 3 != 1) if masked else None
    for floor in (0.0, -math.inf):
        allowed = [i for i in range(len(scores)) if scores[i] > floor and (mask is None or mask[i])]
        expected = sorted(allowed, key=lambda i: (-scores[i], i))[:k]
        assert top(scores, k, mask, floor).tolist() == expected
