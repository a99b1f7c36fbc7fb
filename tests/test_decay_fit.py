"""Fitting a curve to reviews."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from agentmem import decay
from agentmem.decay import FSRS6, ActR, Constant, Curve, Histories, History, Logistic, PowerLaw, Use
from agentmem.decay.logistic import SIGNS
from agentmem.errors import InvalidInput, UnknownOption

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def made(curve: Curve, cards: int = 300, seed: int = 1) -> list[History]:
    """Cards whose reviews go as a curve foretells."""
    random = np.random.default_rng(seed)
    lives = []
    for _ in range(cards):
        life, when = History(START), START
        for _ in range(int(random.integers(2, 9))):
            when += timedelta(days=float(np.exp(random.normal(1.5, 1.2))))
            helped = random.random() < curve.retention(life, when)
            life = life.used(when, "good" if helped else "again")
        lives.append(life)
    return lives


def loss(curve: Curve, lives: list[History]) -> float:
    packed = Histories.pack(lives)
    seen = decay.observations(packed)
    return float(decay.log_loss(curve.before_uses(packed)[seen.places], seen.helped).mean())


def test_a_power_law_is_found_again() -> None:
    truth = PowerLaw(
        strength=6.0, growth=4.0, loss=0.4, ceiling=0.95, spacing=0.5, power=0.6, lapse_resets=True
    )
    fitted = decay.fit(PowerLaw(lapse_resets=True), made(truth))
    fresh = made(truth, seed=2)
    assert loss(fitted, fresh) < loss(truth, fresh) + 0.01
    assert isinstance(fitted, PowerLaw)
    assert fitted.lapse_resets


@pytest.mark.parametrize("name", [name for name in decay.FITTABLE if name != "constant"])
def test_fitting_beats_the_start_and_is_repeatable(name: str) -> None:
    lives = made(PowerLaw(strength=5.0, power=1.0), cards=120)
    start = decay.by_name(name)
    fitted = decay.fit(name, lives)
    assert loss(fitted, lives) < loss(start, lives)
    assert decay.fit(name, lives) == fitted
    assert type(fitted) is type(start)
    assert decay.from_dict(fitted.to_dict()) == fitted


def test_a_constant_is_the_base_rate() -> None:
    life = History(START)
    for day, grade in enumerate(["good", "again", "good", "hard", "recalled"], start=1):
        life = life.used(START + timedelta(days=day), grade)
    assert decay.fit("constant", [life]) == Constant(rate=0.75)


def test_the_logistic_keeps_its_signs_even_when_the_data_say_otherwise() -> None:
    lives = []
    for number in range(200):  # remembered only after long gaps
        gap = 1 + number % 30
        use = Use(START + timedelta(days=gap), "good" if gap > 15 else "again")
        lives.append(History(START, (use,)))
    fitted = decay.fit("logistic", lives)
    assert isinstance(fitted, Logistic)
    assert all(weight * sign >= 0 for weight, sign in zip(fitted.w, SIGNS, strict=True))
    times = [START + timedelta(days=days) for days in (0.1, 1, 20, 400)]
    retentions = [fitted.retention(lives[0], at) for at in times]
    assert retentions == sorted(retentions, reverse=True)


def test_short_gaps_can_be_left_out() -> None:
    lives = [
        History(START, (Use(START + timedelta(hours=1), "again"), Use(START + timedelta(days=9), grade)))
        for grade in ("good", "good", "good", "again")
    ]
    assert decay.fit("constant", lives, min_days=1) == Constant(rate=0.75)
    assert decay.fit("constant", lives) == Constant(rate=0.375)


def test_retrievals_are_not_observed() -> None:
    packed = Histories.pack([History(START).used(START + timedelta(days=1), "recalled")])
    assert len(decay.observations(packed)) == 0


@pytest.mark.parametrize("uses", [(), (Use(START + timedelta(days=3), "good"),)])
def test_nothing_to_learn_from_is_refused(uses: tuple[Use, ...]) -> None:
    with pytest.raises(InvalidInput, match="graded uses"):
        decay.fit("power", [History(START, uses)])


@pytest.mark.parametrize("curve", ["generative-agents", "sinus"])
def test_what_cannot_be_fitted_is_refused(curve: str) -> None:
    with pytest.raises(UnknownOption):
        decay.fit(curve, made(PowerLaw(), cards=3))


@pytest.mark.parametrize("start", [ActR(retrieved=0.5), FSRS6(whole_days=False)])
def test_options_of_the_start_are_kept(start: Any) -> None:
    fitted: Any = decay.fit(start, made(PowerLaw(strength=3.0), cards=60))
    kept = "retrieved" if isinstance(start, ActR) else "whole_days"
    assert getattr(fitted, kept) == getattr(start, kept)
    assert replace(fitted) == fitted


def test_log_loss_is_bounded() -> None:
    assert decay.log_loss(np.array([0.0, 1.0, 0.5]), np.array([1.0, 1.0, 0.0])) == pytest.approx(
        [-np.log(1e-3), -np.log(1 - 1e-3), np.log(2)]
    )
