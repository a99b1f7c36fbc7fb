"""Fit a curve to a log of reviews: which uses succeeded, at what gaps.

Every graded use after the writing is an observation: did the memory help (hard, good, easy), or not
(again)? Mere retrievals shape the history and are not observed. On flash cards a failure is followed by
the answer: fit ``by_name(kind, lapse_resets=True)`` (ACT-R: ``failed=1``). The fit is maximum likelihood:

- FSRS-6: a Gaussian pull of each weight to its published value (width half the value, at least 0.05);
- the logistic: a ridge on standardised features, and each weight's sign kept (see its module);
- the others: bounds on each number, which is fitted in logarithms.

numpy and scipy only; a thousand cards take a second or some, FSRS-6 ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agentmem.decay import fsrs
from agentmem.decay.actr import ActR
from agentmem.decay.base import Curve, by_name, elapsed_days
from agentmem.decay.history import AGAIN, RECALLED, Histories, History, Values
from agentmem.decay.logistic import SIGNS, Logistic
from agentmem.decay.recursive import Recursive
from agentmem.decay.simple import Constant
from agentmem.errors import InvalidInput, UnknownOption

EPSILON = 1e-3
"""What is foretold counts as this at least, and one less this at most: no single use is infinitely bad."""

RIDGE = 3.0
"""Of the logistic: half of this times the sum of squared standardised weights is added to the loss."""

PULL = 0.1
"""Of FSRS-6: half of this times the sum of squared distances to the published weights, in widths."""

_STEP = 1e-5


@dataclass(frozen=True)
class _Plan:
    """Bounds of the weights, and where to start besides the curve's own weights."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    starts: tuple[tuple[float, ...], ...]


_PLANS = {
    "memorybank": _Plan((1e-3, 1e-4), (1e4, 1e3), ((0.01, 10.0), (20.0, 2.0))),
    "exponential": _Plan(
        (1e-4, 1.0, 0.01, 0.1, 1e-3, 0.01), (1e3, 200.0, 1.0, 1.0, 1.0, 3.0),
        ((10.0, 4.0, 0.6, 0.9, 0.3, 0.5), (0.3, 4.0, 0.3, 0.9, 0.5, 0.5)),
    ),
    "power": _Plan(
        (1e-4, 1.0, 0.01, 0.1, 1e-3, 0.01, 0.01), (1e3, 200.0, 1.0, 1.0, 1.0, 3.0, 3.0),
        ((10.0, 4.0, 0.6, 0.9, 0.3, 0.5, 0.3), (0.3, 4.0, 0.3, 0.9, 0.5, 0.5, 0.3)),
    ),
}  # fmt: skip
FITTABLE = ("actr", "constant", "exponential", "fsrs6", "logistic", "memorybank", "power")
"""The names of the curves that :func:`fit` knows how to fit."""


@dataclass(frozen=True, slots=True)
class Observations:
    """The graded uses of histories.

    Attributes:
        places: where they stand in ``Histories.times``.
        helped: 1 where the memory helped, 0 where not.
        days: since the presentation before.
        owners: which history each belongs to.
    """

    places: NDArray[np.intp]
    helped: Values
    days: Values
    owners: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.places)


def observations(histories: Histories, *, min_days: float = 0.0) -> Observations:
    """The graded uses at least some days after the presentation before them."""
    observed = histories.grades != RECALLED
    observed[histories.starts[:-1]] = False
    before = np.concatenate([histories.times[:1], histories.times[:-1]])
    gaps = elapsed_days(before, histories.times)
    places = np.flatnonzero(observed & (gaps >= min_days))
    helped = (histories.grades[places] > AGAIN).astype(np.float64)
    return Observations(places, helped, gaps[places], histories.owners[places])


def log_loss(foretold: Values, helped: Values) -> Values:
    """Minus the log-likelihood of each observation, in nats; :data:`EPSILON` bounds it."""
    p = np.clip(foretold, EPSILON, 1.0 - EPSILON)
    return -np.where(helped > 0, np.log(p), np.log1p(-p))


def fit(curve: str | Curve, reviews: Histories | Iterable[History], *, min_days: float = 0.0) -> Curve:
    """Fit a curve's numbers to how uses went.

    Args:
        curve: a name of :data:`FITTABLE`, or a curve whose options are kept and whose numbers are the start.
        reviews: histories with graded uses.
        min_days: only uses at least this long after the presentation before are fitted; the others still
            shape the state.

    Returns:
        A curve of the same class.

    Raises:
        UnknownOption: that curve cannot be fitted.
        InvalidInput: the histories hold no graded use, or only successes or only failures.
    """
    start = by_name(curve) if isinstance(curve, str) else curve
    if start.name not in FITTABLE:
        raise UnknownOption("forgetting curve to fit", start.name, FITTABLE)
    packed = reviews if isinstance(reviews, Histories) else Histories.pack(reviews)
    seen = observations(packed, min_days=min_days)
    if not len(seen) or seen.helped.min() == seen.helped.max():
        raise InvalidInput(
            f"{len(seen)} graded uses with a gap of {min_days:g} days or more; "
            "to fit a curve there must be some that helped and some that did not"
        )
    if isinstance(start, Constant):
        return replace(start, rate=float(seen.helped.mean()))
    if isinstance(start, Logistic):
        return _fit_logistic(start, packed, seen)
    if isinstance(start, ActR):
        return _fit_actr(start, packed, seen)
    assert isinstance(start, Recursive)
    if isinstance(start, fsrs.FSRS6):
        return _fit_fsrs(start, packed, seen)
    plan = _PLANS[start.name]
    low, high = np.log(plan.low), np.log(plan.high)
    starts = [
        np.clip(np.log(np.maximum(w, 1e-9)), low, high)
        for w in (start.weights(), *map(np.array, plan.starts))
    ]
    found = [_descend(start, packed, seen, np.exp, begin, low, high) for begin in starts]
    return start.with_weights(np.exp(min(found, key=lambda pair: pair[1])[0]))


def _fit_fsrs(start: fsrs.FSRS6, packed: Histories, seen: Observations) -> Curve:
    centre = np.array(fsrs.DEFAULTS)
    width = np.maximum(0.5 * np.abs(centre), 0.05)
    low, high = (np.array(fsrs.LOWER) - centre) / width, (np.array(fsrs.UPPER) - centre) / width

    def weights(u: Values) -> Values:
        middle, scale = (a if u.ndim == 1 else a[:, None, None] for a in (centre, width))
        return np.asarray(middle + scale * u)

    begin = np.clip((start.weights() - centre) / width, low, high)
    found = weights(_descend(start, packed, seen, weights, begin, low, high, pull=PULL)[0])
    return start.with_weights(np.clip(found, fsrs.LOWER, fsrs.UPPER))


def _descend(
    curve: Recursive,
    packed: Histories,
    seen: Observations,
    weights: Callable[[Values], Values],
    begin: Values,
    low: Values,
    high: Values,
    pull: float = 0.0,
) -> tuple[Values, float]:
    """L-BFGS-B with the gradient by differences, all of them in one pass over the histories."""
    from scipy.optimize import minimize

    size = len(begin)
    shifts = np.concatenate([np.zeros((size, 1)), _STEP * np.eye(size)], axis=1)[:, :, None]

    def loss(u: Values) -> tuple[float, Values]:
        step = np.where(u + _STEP > high, -1.0, 1.0)[:, None, None]  # never leave the bounds
        many = u[:, None, None] + shifts * step
        with np.errstate(all="ignore"):
            foretold = curve.foretell(weights(many), packed)[:, seen.places]
        losses = log_loss(np.nan_to_num(foretold, nan=0.5), seen.helped).sum(axis=1)
        losses = losses + 0.5 * pull * (many[:, :, 0] ** 2).sum(axis=0)
        return float(losses[0]), (losses[1:] - losses[0]) / (_STEP * step[:, 0, 0])

    bounds = list(zip(low.tolist(), high.tolist(), strict=True))
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200})
    return np.asarray(found.x), float(found.fun)


def _fit_actr(start: ActR, packed: Histories, seen: Observations) -> Curve:
    """Decay, threshold and scale; for a given decay the other two are a logistic regression on B."""
    from scipy.optimize import minimize_scalar

    prefixes, uses = packed.prefixes()
    chosen = np.searchsorted(uses, seen.places)

    def regression(decay: float) -> tuple[float, float, float]:
        curve = replace(start, decay=decay)
        base = curve.activations(prefixes, packed.times[uses])[chosen]
        weights, bias, loss = _regress(base[:, None], seen.helped, (1,), ridge=1e-6)
        return float(weights[0]), bias, loss

    found = minimize_scalar(lambda d: regression(float(d))[2], bounds=(0.02, 0.98), method="bounded")
    decay = float(found.x)
    slope, bias, _ = regression(decay)
    slope = max(slope, 1e-6)
    return replace(start, decay=decay, threshold=-bias / slope, scale=1.0 / slope)


def _fit_logistic(start: Logistic, packed: Histories, seen: Observations) -> Curve:
    prefixes, uses = packed.prefixes()
    state, last = start.states(prefixes)
    features = start.features(state, elapsed_days(last, packed.times[uses]))
    chosen = np.searchsorted(uses, seen.places)
    weights, bias, _ = _regress(features[:, chosen].T, seen.helped, SIGNS, ridge=RIDGE)
    return start.with_weights(np.append(weights, bias))


def _regress(
    features: Values, helped: Values, signs: tuple[int, ...], ridge: float
) -> tuple[Values, float, float]:
    """Logistic regression with a ridge on standardised features and the sign of each weight kept."""
    from scipy.optimize import minimize

    middle, width = features.mean(axis=0), features.std(axis=0)
    width = np.where(width > 1e-12, width, 1.0)
    columns = (features - middle) / width

    def loss(v: Values) -> tuple[float, Values]:
        z = columns @ v[:-1] + v[-1]
        wrong = 1.0 / (1.0 + np.exp(-z)) - helped
        total = np.logaddexp(0.0, z).sum() - helped @ z + 0.5 * ridge * (v[:-1] @ v[:-1])
        return float(total), np.append(columns.T @ wrong + ridge * v[:-1], wrong.sum())

    bounds = [(0.0, None) if sign > 0 else (None, 0.0) for sign in signs] + [(None, None)]
    found = minimize(loss, np.zeros(len(signs) + 1), jac=True, method="L-BFGS-B", bounds=bounds)
    weights = np.asarray(found.x[:-1]) / width
    return weights, float(found.x[-1] - weights @ middle), float(found.fun)
