"""How EpisodicStore cuts: the published formulae by hand, and what was mended of the original."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.stores.episodic.boundaries import Limits, Turns, affinity, cut, split_quality
from agentmem.stores.episodic.buffers import coarse_to_fine, two_buffers
from agentmem.stores.episodic.spans import representatives
from agentmem.stores.episodic.surprise import hashed_bags, moments, novelty, standardise

LOOSE = Limits(min_turns=1, min_tokens=0, max_turns=1000, max_tokens=10**9)


def turns(z: Any, vectors: Any = None, tokens: Any = None, joined: Any = None) -> Turns:
    n = len(z)
    return Turns(
        np.array(z, float),
        np.full(n, 30) if tokens is None else np.array(tokens),
        np.zeros(n, bool) if joined is None else np.array(joined, bool),
        np.eye(n, dtype=np.float32) if vectors is None else np.array(vectors, np.float32),
    )


def two_topics(join: int, n: int, noise: float = 0.02) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Unit rows near one direction, then near another."""
    rows = np.random.default_rng(0).normal(0, noise, (n, 8))
    rows[:join, 0] += 1
    rows[join:, 1] += 1
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


# --- surprise ----------------------------------------------------------------------------------------
def test_threshold_of_the_paper() -> None:
    """T = mu + gamma sigma over the trailing window, sigma with n - 1: of 1, 2, 3 that is 2 + gamma."""
    mean, deviation, count = moments(np.array([1.0, 2, 3, 5, 4]), window=3)
    assert (mean[3], deviation[3], count[3]) == (2.0, 1.0, 3)
    assert mean[4] == pytest.approx(10 / 3) and deviation[4] == pytest.approx(np.sqrt(7 / 3))
    z = standardise(np.array([1.0, 2, 3, 5, 4]), np.ones(5, int), window=3, warm_up=0, shrink=0)
    assert z[3] == 3.0  # 5 is three deviations over 2: a boundary for gamma < 3
    assert z[4] == pytest.approx((4 - 10 / 3) / np.sqrt(7 / 3))


def test_the_first_turns_share_their_moments() -> None:
    mean, deviation, _ = moments(np.array([np.nan, 1.0, 3.0, 9.0]), window=2, warm_up=3)
    assert mean[:3].tolist() == [2.0] * 3 and deviation[0] == pytest.approx(np.sqrt(2))
    assert mean[3] == 2.0  # from then on the window before


def test_novelty_by_hand() -> None:
    """Against 0.7 e_0 + e_1, the third vector's cosine is 0.7 / sqrt(1.49)."""
    values = novelty(np.array([[1, 0], [0, 1], [1, 0]], np.float32), decay=0.7)
    assert np.isnan(values[0])
    assert values[1:].tolist() == pytest.approx([1.0, 1 - 0.7 / np.sqrt(1.49)])


def test_a_short_turn_says_little() -> None:
    """(n S + kappa mean) / (n + kappa): one word beside ten keeps an eleventh of its distance."""
    values = np.array([0.4, 0.6] * 10 + [1.6])
    lengths = np.array([1000] * 20 + [1])
    plain = standardise(values, lengths, window=20, warm_up=0, shrink=0)[-1]
    assert standardise(values, lengths, window=20, warm_up=0, shrink=10)[-1] == pytest.approx(
        plain / 11, rel=0.1
    )


@pytest.mark.parametrize("constant", [0.0, 0.3])
def test_no_boundary_where_nothing_varies(constant: float) -> None:
    """Mended: the original cuts on any noise when the deviation is zero."""
    values = np.full(60, constant)
    values[30] += 1e-9
    assert np.isneginf(standardise(values, np.full(60, 10))).all()
    assert np.isneginf(standardise(np.full(60, np.nan), np.full(60, 10))).all()


def test_a_threshold_looks_at_nothing_later() -> None:
    values = np.random.default_rng(1).random(120)
    lengths = np.full(120, 12)
    whole = standardise(values, lengths)
    assert np.array_equal(standardise(values[:50], lengths[:50]), whole[:50])


def test_bags_of_words_serve_without_vectors() -> None:
    words = [np.array(w, np.uint32) for w in ([1, 2, 3], [1, 2, 3], [7, 8, 9], [])]
    values = novelty(hashed_bags(words))
    assert values[1] == pytest.approx(0, abs=1e-6) and values[2] == pytest.approx(1) and np.isnan(values[3])


# --- refinement --------------------------------------------------------------------------------------
def test_modularity_and_conductance_by_hand() -> None:
    """Two pairs joined by half a link: Q = 4/5 - 2 (2.5/5)^2 = 0.3, phi = 0.5 / 2.5."""
    weights = np.zeros((4, 4))
    for i, j, w in ((0, 1, 1.0), (2, 3, 1.0), (1, 2, 0.5)):
        weights[i, j] = weights[j, i] = w
    assert split_quality(weights, "modularity").tolist() == pytest.approx([-0.08, 0.3, -0.08])
    assert split_quality(weights, "conductance").tolist() == pytest.approx([-1.0, -0.2, -1.0])


@given(st.integers(2, 12), st.integers(0, 99))
def test_prefix_sums_are_the_double_sums(n: int, seed: int) -> None:
    weights = np.random.default_rng(seed).random((n, n))
    weights = weights + weights.T
    np.fill_diagonal(weights, 0)
    total, degree = weights.sum(), weights.sum(axis=1)
    for t in range(1, n):
        side = np.arange(n) < t
        naive = sum(
            (weights[i, j] - degree[i] * degree[j] / total) / total
            for i in range(n)
            for j in range(n)
            if side[i] == side[j]
        )
        assert split_quality(weights, "modularity")[t - 1] == pytest.approx(naive, abs=1e-9)
        crossing = weights[np.ix_(side, ~side)].sum()
        phi = crossing / min(degree[side].sum(), degree[~side].sum())
        assert split_quality(weights, "conductance")[t - 1] == pytest.approx(-phi, abs=1e-9)


@pytest.mark.parametrize("measure", ["modularity", "conductance"])
@pytest.mark.parametrize("shift", [-2, -1, 0, 1, 2])
def test_a_boundary_goes_to_the_join(measure: str, shift: int) -> None:
    """Mended: the surprising turn itself (shift 0) and later places are candidates, not only earlier ones."""
    z = np.full(20, -1.0)
    z[10 + shift] = 3
    starts = cut(turns(z, two_topics(10, 20)), start=0, gamma=1, limits=LOOSE, refine=measure).starts
    assert starts == [10]


def test_centring_is_needed() -> None:
    """Vectors that are all alike have a flat modularity until their mean is taken off."""
    rows = two_topics(10, 20)
    rows = rows + np.array([0, 0, 4, 0, 0, 0, 0, 0], np.float32)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    plain = split_quality(affinity(rows, centred=False), "modularity")
    centred = split_quality(affinity(rows), "modularity")
    assert np.ptp(plain) < 0.02 < 0.4 < np.ptp(centred) and centred.argmax() == 9


# --- cutting -----------------------------------------------------------------------------------------
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.integers(1, 300), st.booleans()), min_size=1, max_size=80),
    st.sampled_from([None, "modularity", "conductance"]),
)
def test_sizes_and_answers(held: list[tuple[float, int, bool]], refine: str | None) -> None:
    """Events keep to their sizes, and part no answer from its question unless one grows too large."""
    limits = Limits()
    z, tokens, joined = zip(*held, strict=True)
    n = len(held)
    vectors = np.random.default_rng(n).normal(size=(n, 4)).astype(np.float32)
    given_turns = turns(z, vectors, tokens, joined)
    starts, closed, _ = cut(given_turns, start=0, gamma=1, limits=limits, refine=refine, warm_up=8)
    edges = [0, *starts, n]
    assert edges == sorted(set(edges)) and 0 <= closed <= len(starts)
    for a, b in pairwise(edges):
        size = sum(tokens[a:b])
        assert b - a <= limits.max_turns and (size <= limits.max_tokens or b - a == 1)
        if b < n and (b - a < limits.min_turns or size < limits.min_tokens):
            assert sum(tokens[a : b + 1]) > limits.max_tokens or size + tokens[b] > limits.max_tokens
        if b < n and joined[b]:  # only where it grew too large
            assert b + 1 - a > limits.max_turns or sum(tokens[a:]) > limits.max_tokens


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.integers(1, 300)), min_size=2, max_size=60), st.integers(1, 59)
)
def test_a_closed_boundary_stays(held: list[tuple[float, int]], length: int) -> None:
    """What is said later never changes a boundary that is closed."""
    z, tokens = zip(*held, strict=True)
    vectors = np.random.default_rng(3).normal(size=(len(held), 4)).astype(np.float32)
    options: dict[str, Any] = {
        "start": 0,
        "gamma": 0.5,
        "limits": Limits(),
        "refine": "modularity",
        "warm_up": 4,
    }
    later = cut(turns(z, vectors, tokens), **options).starts
    length = min(length, len(held))
    early, closed, _ = cut(turns(z[:length], vectors[:length], tokens[:length]), **options)
    assert early[:closed] == later[:closed]


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.integers(1, 300)), min_size=2, max_size=60), st.integers(0, 59)
)
def test_cutting_on_is_cutting_at_once(held: list[tuple[float, int]], number: int) -> None:
    """From any start on, with what is known of it, the rest is cut as it was."""
    z, tokens = zip(*held, strict=True)
    vectors = np.random.default_rng(3).normal(size=(len(held), 4)).astype(np.float32)
    options: dict[str, Any] = {"gamma": 0.5, "limits": Limits(), "refine": "modularity"}
    whole = cut(turns(z, vectors, tokens), start=0, **options)
    if whole.starts:
        i = number % len(whole.starts)
        rest = cut(turns(z, vectors, tokens), start=whole.starts[i], beyond=whole.beyond[i], **options)
        assert rest.starts == whole.starts[i + 1 :] and rest.beyond == whole.beyond[i + 1 :]


def test_one_long_turn_is_an_event() -> None:
    given = turns([0] * 4, tokens=[30, 900, 30, 40])
    starts = cut(given, start=0, gamma=9, limits=Limits(), refine=None).starts
    assert starts == [1, 2]


# --- buffers -----------------------------------------------------------------------------------------
def test_two_buffers_by_hand() -> None:
    """Budget 100: 70 for the similar (5, 1), 30 for neighbours; 6 comes after the best, 4 before it."""
    sizes = dict.fromkeys(range(8), 30)
    sizes[4] = 20

    def beside(n: int) -> list[tuple[int, int]]:
        return [(n + d, d) for d in (1, -1) if 0 <= n + d < 8]

    ranked = [(5, 9.0), (1, 5.0), (7, 4.0)]
    chosen = two_buffers(ranked, sizes.__getitem__, beside, budget=100, contiguity=0.3)
    assert chosen == {5: "similar", 1: "similar", 6: "beside"}
    assert list(chosen) == [5, 1, 6]
    assert two_buffers(ranked, sizes.__getitem__, beside, budget=100, contiguity=0.0) == dict.fromkeys(
        [5, 1, 7], "similar"
    )


@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 500), st.floats(0, 0.9))
def test_a_budget_is_never_passed(sizes: list[int], budget: int, share: float) -> None:
    ranked = [(i, float(len(sizes) - i)) for i in range(len(sizes))]
    chosen = two_buffers(
        ranked,
        sizes.__getitem__,
        lambda n: [(n + d, d) for d in (1, -1) if 0 <= n + d < len(sizes)],
        budget=budget,
        contiguity=share,
    )
    assert sum(sizes[one] for one in chosen) <= budget
    if sum(sizes) <= budget and share == 0:
        assert len(chosen) == len(sizes)


def test_coarse_to_fine_by_hand() -> None:
    """Temperature 1: P(E) of ln 3 and 0 is 3/4, 1/4; P(u) of equal units is a half each."""
    first, second, third = coarse_to_fine(
        [(np.log(3), np.array([0.0, 0.0])), (0.0, np.array([np.log(4), 0.0])), (-9.0, np.array([5.0]))],
        most=2,
        coarse=1.0,
        fine=1.0,
    )
    assert first.tolist() == pytest.approx([3 / 8, 3 / 8])
    assert second.tolist() == pytest.approx([0.2, 0.05])
    assert third.tolist() == [0.0]


def test_representatives_are_central_and_different() -> None:
    rows = np.array([[1, 0], [1, 0], [0.8, 0.6], [0, 1]], np.float32)
    assert representatives(rows, 4) == (2, 0, 3)
    assert representatives(rows, 1) == (2,)
