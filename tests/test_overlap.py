"""Near-duplicate groups against comparing all pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import agentmem
from agentmem.overlap import groups


def run(sets, threshold):
    tokens = np.array([t for one in sets for t in one], dtype=np.uint32)
    offsets = np.array([0, *np.cumsum([len(one) for one in sets])], dtype=np.int64)
    return groups(tokens, offsets, threshold)


def naive(sets, threshold):
    parent = list(range(len(sets)))

    def root(i):
        while parent[i] != i:
            i = parent[i]
        return i

    for i, j in combinations(range(len(sets)), 2):
        a, b = set(sets[i]), set(sets[j])
        if a and b and len(a & b) >= threshold * len(a | b) - 1e-9:
            parent[root(j)] = root(i)
    joined = {}
    for i, one in enumerate(sets):
        if one:
            joined.setdefault(root(i), []).append(i)
    return sorted(group for group in joined.values() if len(group) > 1)


@given(
    st.lists(st.lists(st.integers(1, 12), max_size=8), max_size=15),
    st.sampled_from([0.3, 0.5, 0.6, 0.75, 0.8, 0.9, 1.0]),
)
def test_equals_comparing_all_pairs(sets, threshold):
    assert run(sets, threshold) == naive(sets, threshold)


def test_by_hand():
    sets = [[1, 2, 3, 4], [9, 8], [4, 3, 2, 1, 1], [1, 2, 3, 5], []]
    assert run(sets, 0.9) == [[0, 2]]
    assert run(sets, 0.6) == [[0, 2, 3]]  # 3 shared of 5


@pytest.mark.parametrize("threshold", [0.5, 1.0])
def test_nothing_in_nothing_out(threshold):
    assert run([], threshold) == []


def test_what_a_store_derived_is_no_duplicate_of_its_source():
    with agentmem.open(":memory:", store="zettelkasten", embedder="none") as store:
        store.add("The cello concert in Oslo was sold out.", id="a")
        store.add("Ada likes tea with milk.", id="b")
        store.add("Ada likes tea with milk!", id="c")
        store.consolidate()
        assert store.stats().memories > 3
        assert [[memory.id for memory in group] for group in store.duplicates(0.5)] == [["b", "c"]]
