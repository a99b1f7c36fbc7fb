from __future__ import annotations

import pytest

from agentmem.errors import InvalidInput
from agentmem.evals import metrics


def test_by_hand() -> None:
    hits, gold = ["a", "b", "c", "d"], {"b", "d", "x"}
    assert metrics.share_at(hits, gold, 2) == pytest.approx(1 / 3)
    assert metrics.share_at(hits, gold, 4) == pytest.approx(2 / 3)
    assert metrics.any_at(hits, gold, 1) == 0.0 and metrics.any_at(hits, gold, 2) == 1.0
    assert metrics.all_at(hits, gold, 4) == 0.0 and metrics.all_at(hits, {"a", "d"}, 4) == 1.0


def test_repeated_hits_count_once() -> None:
    assert metrics.share_at(["a", "a"], {"a", "b"}, 2) == 0.5


def test_a_mean_is_over_every_question() -> None:
    found = metrics.mean([1.0, 0.0, 1.0, 0.0])
    assert found.value == 0.5 and found.n == 4
    assert 0.0 <= found.low < 0.5 < found.high <= 1.0
    assert metrics.mean([1.0] * 9) == metrics.Mean(1.0, 1.0, 1.0, 9)
    assert metrics.mean([0.2, 0.8], seed=3) == metrics.mean([0.2, 0.8], seed=3)
    assert str(metrics.mean([0.5, 0.5])) == "50.0 [50.0, 50.0]"


def test_nothing_to_average_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="no questions"):
        metrics.mean([])
    with pytest.raises(InvalidInput, match="abstention"):
        metrics.share_at(["a"], set(), 5)
    with pytest.raises(InvalidInput):
        metrics.auc([], [0.1])


def test_auc_by_hand() -> None:
    assert metrics.auc([3.0, 2.0], [1.0, 2.0]) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
