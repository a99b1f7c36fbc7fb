"""Who leaves when there is no room, and the picture of a curve."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem import decay
from agentmem.decay import History, PowerLaw, Standing, evict
from agentmem.errors import InvalidInput, MissingDependency

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def test_the_least_retained_leave_first_and_it_is_said_why() -> None:
    leaving = evict({"a": 0.9, "b": 0.1, "c": 0.5, "d": 0.3}, capacity=2)
    assert [one.id for one in leaving] == ["b", "d"]
    assert leaving[0].reason == "1 of 4 from the bottom: retention 0.1; the weakest that stays (c) has 0.5"


def test_room_for_all_evicts_nobody() -> None:
    assert evict({"a": 0.0}, capacity=1) == []
    assert evict({}, capacity=0) == []


def test_importance_weighs() -> None:
    leaving = evict([Standing("a", 0.4, importance=0.5), Standing("b", 0.3)], capacity=1)
    assert [one.id for one in leaving] == ["a"]
    assert "retention 0.4 × importance 0.5 = 0.2" in leaving[0].reason


def test_of_equals_the_one_not_used_for_longest_leaves() -> None:
    day = timedelta(days=1)
    standings = [
        Standing("a", 0.5, last_used=START + day),
        Standing("b", 0.5, last_used=START),
        Standing("c", 0.5),
        Standing("d", 0.5, last_used=START + day),
    ]
    leaving = evict(standings, capacity=1)
    assert [one.id for one in leaving] == ["c", "b", "a"]
    assert "which was used later" in leaving[1].reason
    assert "last used 2024-01-01" in leaving[1].reason
    assert "decided by id" in leaving[2].reason


def test_pinned_memories_stay_even_without_room() -> None:
    standings = [Standing("a", 0.0, pinned=True), Standing("b", 1.0), Standing("c", 0.0, pinned=True)]
    leaving = evict(standings, capacity=1)
    assert [one.id for one in leaving] == ["b"]
    assert "only pinned memories stay" in leaving[0].reason


@given(scores=st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=12), capacity=st.integers(0, 12))
def test_the_order_is_whole_and_repeatable(scores: dict[str, float], capacity: int) -> None:
    leaving = evict(scores, capacity)
    assert len(leaving) == max(0, len(scores) - capacity)
    worths = [one.worth for one in leaving]
    assert worths == sorted(worths)
    staying = [value for id, value in scores.items() if id not in {one.id for one in leaving}]
    assert not leaving or not staying or max(worths) <= min(staying)
    assert leaving == evict(dict(reversed(list(scores.items()))), capacity)
    assert all(one.reason for one in leaving)


def test_nonsense_is_refused() -> None:
    with pytest.raises(InvalidInput, match="below zero"):
        evict({"a": 0.5}, capacity=-1)
    with pytest.raises(InvalidInput, match="twice"):
        evict([Standing("a", 0.5), Standing("a", 0.6)], capacity=1)
    with pytest.raises(InvalidInput, match=r"\[0, 1\]"):
        evict({"a": float("nan")}, capacity=1)


# --- pictures --------------------------------------------------------------------------------------
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_curve_is_drawn(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    life = History(START)
    for day, grade in enumerate(decay.GRADES, start=1):
        life = life.used(START + timedelta(days=3 * day), grade)
    path = decay.plot_curve(PowerLaw(), life, tmp_path / f"curve.{ending}")
    assert path.stat().st_size > 5_000
    until = START + timedelta(days=2)
    assert decay.plot_curve(PowerLaw(), life, str(tmp_path / f"short.{ending}"), until=until).exists()


def test_a_picture_must_have_a_width(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(InvalidInput, match="after the writing"):
        decay.plot_curve(PowerLaw(), History(START), tmp_path / "no.png", until=START)


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependency, match=r"agentmem-kit\[evals\]"):
        decay.plot_curve(PowerLaw(), History(START), tmp_path / "no.png")
