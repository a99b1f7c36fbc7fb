"""Each curve against numbers computed by hand, published, or made by another implementation."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from agentmem.decay import (
    FSRS6,
    GRADES,
    ActR,
    Exponential,
    GenerativeAgents,
    Histories,
    History,
    Logistic,
    MemoryBank,
    PowerLaw,
    Trace,
    Use,
)
from agentmem.decay.logistic import FEATURES, SIGNS

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
NEW = History(START)


def after(days: float) -> datetime:
    return START + timedelta(days=days)


# --- MemoryBank ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("days", "new", "twice_recalled"),
    [(1, 0.368, 0.717), (3, 0.050, 0.368), (7, 0.001, 0.097), (14, 0.0, 0.009)],
)
def test_memorybank_is_the_papers(days: float, new: float, twice_recalled: float) -> None:
    assert MemoryBank().retention(NEW, after(days)) == pytest.approx(new, abs=5e-4)
    recalled = NEW.used(START, "recalled").used(START)
    assert MemoryBank().retention(recalled, after(days)) == pytest.approx(twice_recalled, abs=5e-4)


@pytest.mark.parametrize(
    ("days", "new", "twice_recalled"),
    [(1, 0.819, 0.936), (3, 0.549, 0.819), (7, 0.247, 0.627), (14, 0.061, 0.393)],
)
def test_memorybank_as_its_code_meant_it(days: float, new: float, twice_recalled: float) -> None:
    curve = MemoryBank(days=5)
    assert curve.retention(NEW, after(days)) == pytest.approx(new, abs=5e-4)
    assert curve.retention(NEW.used(START).used(START), after(days)) == pytest.approx(
        twice_recalled, abs=5e-4
    )


@pytest.mark.parametrize(
    ("days", "new", "twice_recalled"),
    [(1, 0.819, 0.549), (3, 0.549, 0.165), (7, 0.247, 0.015), (14, 0.061, 0.0002)],
)
def test_memorybank_as_coded_forgets_the_strong_faster(
    days: float, new: float, twice_recalled: float
) -> None:
    curve = MemoryBank(as_coded=True)
    assert curve.retention(NEW, after(days)) == pytest.approx(new, abs=5e-4)
    assert curve.retention(NEW.used(START).used(START), after(days)) == pytest.approx(
        twice_recalled, abs=5e-4
    )
    assert curve.retention(NEW, after(0.9)) == 1.0  # whole days


def test_memorybank_recall_adds_one_and_starts_time_anew() -> None:
    life = NEW.used(after(2), "recalled").used(after(5), "good")
    assert MemoryBank().retention(life, after(9)) == pytest.approx(math.exp(-4 / 3))
    wrong = life.used(after(6), "again")
    assert MemoryBank().retention(wrong, after(9)) == pytest.approx(math.exp(-4 / 3))


def test_asking_often_does_not_forget_more() -> None:
    curve = MemoryBank()
    assert [curve.retention(NEW, after(1)) for _ in range(10)] == [pytest.approx(math.exp(-1))] * 10


# --- exponential and power law ---------------------------------------------------------------------
def test_the_textbook_curve() -> None:
    curve = Exponential(strength=2.0, growth=3.0, loss=0.5, ceiling=1.0, spacing=0.0)
    assert curve.retention(NEW, after(3)) == pytest.approx(math.exp(-1.5))
    assert curve.retention(NEW.used(after(1)), after(4)) == pytest.approx(math.exp(-3 / 6))
    assert curve.retention(NEW.used(after(1), "hard"), after(4)) == pytest.approx(math.exp(-3 / 4))
    assert curve.retention(NEW.used(after(1), "again"), after(4)) == pytest.approx(math.exp(-4 / 1))
    halfway = NEW.used(after(1), "recalled")  # a quarter of the way: S = 2 + (6 - 2)/4, last used at .25 d
    assert curve.retention(halfway, after(4)) == pytest.approx(math.exp(-3.75 / 3))


def test_growth_depends_on_what_was_forgotten() -> None:
    curve = Exponential(strength=2.0, growth=3.0, ceiling=1.0, spacing=1.0)
    life = NEW.used(after(2))  # forgotten: 1 - 1/e
    strength = 2 * (1 + 2 * (1 - math.exp(-1)))
    assert curve.retention(life, after(5)) == pytest.approx(math.exp(-3 / strength))


def test_the_power_law() -> None:
    curve = PowerLaw(strength=4.0, growth=2.0, ceiling=0.9, spacing=0.0, first=0.5, power=0.5)
    assert curve.retention(NEW, after(12)) == pytest.approx(0.9 / 2)
    assert curve.retention(NEW.used(START), after(24)) == pytest.approx(0.9 / 2)
    assert curve.retention(History(START, first="again"), after(6)) == pytest.approx(0.9 / 2)


def test_the_power_law_keeps_a_tail() -> None:
    assert PowerLaw().retention(NEW, after(3650)) > 100 * Exponential().retention(NEW, after(3650))


# --- ACT-R -----------------------------------------------------------------------------------------
def test_base_level_activation() -> None:
    curve = ActR()
    assert curve.activation(NEW, after(1)) == pytest.approx(-5.68, abs=5e-3)
    ten = History(START, tuple(Use(START) for _ in range(9)))
    assert curve.activation(ten, after(1)) == pytest.approx(-3.38, abs=5e-3)
    assert curve.activation(NEW, after(2)) - curve.activation(NEW, after(1)) == pytest.approx(
        -0.5 * math.log(2)
    )
    assert curve.activation(NEW, START) == 0.0  # an age is a second at least
    assert curve.retention(NEW, after(30)) == pytest.approx(0.5, abs=1e-3)


def test_activation_weighs_uses_by_grade() -> None:
    life = NEW.used(after(1), "recalled").used(after(1), "again")
    expected = math.log(172800**-0.5 + 0.25 * 86400**-0.5)
    assert ActR().activation(life, after(2)) == pytest.approx(expected)
    expected = math.log(172800**-0.5 + 2 * 86400**-0.5)
    assert ActR(retrieved=1.0, failed=1.0).activation(life, after(2)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("uses", "one", "three"), [(5, 0.107, 0.012), (50, 0.058, 0.015), (1000, 0.016, 0.005)]
)
def test_petrovs_form_is_close_for_daily_use(uses: int, one: float, three: float) -> None:
    life = History(START, tuple(Use(after(day)) for day in range(1, uses)))
    at = after(uses - 1 + 1 / 24)
    exact = ActR().activation(life, at)
    for recent, error in ((1, one), (3, three)):
        assert ActR(recent=recent).activation(life, at) - exact == pytest.approx(error, abs=6e-4)
    assert ActR(recent=uses).activation(life, at) == pytest.approx(exact, rel=1e-12)


def test_petrovs_form_by_hand() -> None:
    life = NEW.used(after(3)).used(after(8))
    first, newest = 10 * 86400.0, 2 * 86400.0
    tail = 2 * (first**0.5 - newest**0.5) / (0.5 * (first - newest))
    assert ActR(recent=1).activation(life, after(10)) == pytest.approx(math.log(newest**-0.5 + tail))
    together = NEW.used(START).used(START)
    assert ActR(recent=1).activation(together, after(1)) == pytest.approx(math.log(3 * 86400**-0.5))


def test_a_trace_is_petrovs_form_in_constant_memory() -> None:
    trace, life = Trace.begin(START, keep=2), NEW
    for day in (1, 4, 5, 11, 30):
        trace, life = trace.used(after(day)), life.used(after(day))
        assert trace.activation(after(40)) == pytest.approx(ActR(recent=2).activation(life, after(40)))
    assert len(trace.recent) == 2
    assert trace.count == 6


# --- FSRS-6 ----------------------------------------------------------------------------------------
FSRS = FSRS6(lapse_resets=True)
SEQUENCES = {
    "good": [(3, 0, 2.3065, 2.1181), (3, 2.5, 10.9643, 2.1112), (3, 11, 46.2802, 2.1043)],
    "mixed": [(3, 0, 2.3065, 2.1181), (2, 3, 9.2349, 4.7529), (1, 5, 1.2621, 8.2605), (3, 1, 2.7727, 8.2475)],
    "same day": [
        (3, 0, 2.3065, 2.1181), (3, 0.01, 2.3065, 2.1112), (2, 0.01, 2.3065, 4.7483),
        (4, 0.02, 3.9461, 2.9786),
    ],
    "easy": [(4, 0, 8.2956, 1.0), (4, 10, 75.3479, 1.0), (3, 40, 197.1212, 1.0)],
    "again first": [(1, 0, 0.2120, 6.4133), (3, 1, 1.8868, 6.4021), (3, 2, 6.2692, 6.3909)],
}  # fmt: skip


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES.keys())
def test_fsrs_states_are_the_published_ones(sequence: list[tuple[int, float, float, float]]) -> None:
    life, when = History(START, first=GRADES[sequence[0][0]]), START
    for place, (grade, gap, stability, difficulty) in enumerate(sequence):
        when += timedelta(days=gap)
        life = life.used(when, GRADES[grade]) if place else life
        state, _ = FSRS.states(Histories.pack([life]))
        assert state[:, 0] == pytest.approx([stability, difficulty], abs=6e-5)


def test_fsrs_retrievability() -> None:
    state = np.array([[10.0], [5.0]])
    for days, expected in ((0, 1), (1, 0.9857), (10, 0.9), (30, 0.8094), (100, 0.6928), (365, 0.5736)):
        assert FSRS.recall(FSRS.weights(), state, np.array([float(days)]))[0] == pytest.approx(
            expected, abs=6e-5
        )
    assert FSRS.recall(FSRS.weights(), state, np.array([10.9]))[0] == pytest.approx(0.9)
    assert FSRS6(whole_days=False).recall(FSRS.weights(), state, np.array([10.9]))[0] < 0.9
    assert FSRS.interval(10.0) == pytest.approx(10.0)
    assert FSRS.interval(10.0, 0.8) > 30


def test_fsrs_equals_the_package() -> None:
    fsrs = pytest.importorskip("fsrs")
    random = np.random.default_rng(7)
    scheduler = fsrs.Scheduler(enable_fuzzing=False)
    for _ in range(60):
        card, when, life = fsrs.Card(), START, None
        for _ in range(12):
            grade = int(random.integers(1, 5))
            if life is not None:
                when += timedelta(days=float(np.exp(random.normal(0, 2))))
                expected = scheduler.get_card_retrievability(card, when)
                assert FSRS.retention(life, when) == pytest.approx(expected, abs=1e-9)
            card, _ = scheduler.review_card(card, fsrs.Rating(grade), when)
            life = History(when, first=GRADES[grade]) if life is None else life.used(when, GRADES[grade])
            state, _ = FSRS.states(Histories.pack([life]))
            assert state[:, 0] == pytest.approx([card.stability, card.difficulty], rel=1e-9)


# --- Generative Agents -----------------------------------------------------------------------------
def test_recency_halves_in_138_hours() -> None:
    curve = GenerativeAgents()
    assert curve.retention(NEW, START + timedelta(hours=1)) == pytest.approx(0.995)
    assert curve.retention(NEW, START + timedelta(hours=138.3)) == pytest.approx(0.5, abs=1e-3)
    assert curve.retention(NEW.used(after(9), "recalled"), after(9)) == 1.0


def test_the_score_is_the_papers() -> None:
    lives = [
        History(START, importance=0.2),
        History(START, (Use(START + timedelta(hours=100), "recalled"),), importance=1.0),
        History(START + timedelta(hours=50), importance=0.6),
    ]
    recency = [0.995**100, 1.0, 0.995**50]
    scaled = [(r - recency[0]) / (1 - recency[0]) for r in recency]
    expected = [0 + 0 + 1.0, 1 + 1 + 0.0, scaled[2] + 0.5 + 0.5]
    at = START + timedelta(hours=100)
    assert GenerativeAgents().scores(lives, [0.9, 0.1, 0.5], at) == pytest.approx(expected)
    only = GenerativeAgents(recency=0.0, importance=0.0, relevance=2.0)
    assert only.scores(lives, [0.9, 0.1, 0.5], at) == pytest.approx([2.0, 0.0, 1.0])


def test_equal_parts_are_one_half() -> None:
    assert GenerativeAgents().scores([NEW, NEW], [0.3, 0.3], after(1)) == pytest.approx([1.5, 1.5])
    assert GenerativeAgents().scores([], [], after(1)).shape == (0,)
    with pytest.raises(ValueError, match="as many relevances"):
        GenerativeAgents().scores([NEW], [0.3, 0.3], after(1))


# --- logistic --------------------------------------------------------------------------------------
def test_the_features_by_hand() -> None:
    life = History(START, first="again").used(after(2)).used(after(7), "easy").used(after(8), "again")
    curve = Logistic(lapse_resets=True)
    state, _ = curve.states(Histories.pack([life]))
    lately = 0.5 + 0.3 * -0.5
    for success in (1, 1, 0):
        lately += 0.3 * (success - lately)
    log = math.log
    expected = [
        log(3), log(4), log(1 + 3 / 8.1), log(3), log(3), 0.0, 0.0, 0.0, log(6), log(9), 3 / 6, lately
    ]  # fmt: skip
    assert len(FEATURES) == len(SIGNS) == len(expected)
    assert curve.features(state, np.array([3.0]))[:, 0] == pytest.approx(expected)
    z = float(np.dot(curve.w, expected)) + curve.bias
    assert curve.retention(life, after(11)) == pytest.approx(1 / (1 + math.exp(-z)))
