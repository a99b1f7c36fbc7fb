"""Fit the weights of the judge of updates on the fitting half of our pairs, and set its levels.

::

    python -m agentmem.evals.fit_updates             print what cross-validation finds
    python -m agentmem.evals.fit_updates --ablate    and what each feature is worth
    python -m agentmem.evals.fit_updates --write     write agentmem/facts/update_weights.py

A logistic regression for words alone and for each packaged embedder, with a ridge, both classes weighing
the same, on the pairs that no rule decides beforehand. Levels come from scores out of fold, folds by
relation: 2 and 10 % of all hard negatives, vetoed ones included, lie above them. The other half of the
pairs is not read.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agentmem.evals.calibrate import logistic
from agentmem.evals.quality import EMBEDDERS, packaged
from agentmem.evals.updates import DATA, SHARES, Example, examples, recall_at
from agentmem.facts.regression import Weights
from agentmem.facts.updates import ruled
from agentmem.facts.wordings import VECTOR_FEATURES, WORD_FEATURES, Pair, features

RIDGE = 5.0
FOLDS = 10
TARGET = Path(__file__).resolve().parents[1] / "agentmem" / "facts" / "update_weights.py"
Matrix = NDArray[np.float64]
Fitted = tuple[Matrix, Matrix, Matrix]


def fit(rows: Matrix, updates: NDArray[np.bool_]) -> Fitted:
    """(coefficients with the bias first, means, deviations) of a weighted logistic regression."""
    means, deviations = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    y = updates.astype(np.float64)
    weight = np.where(updates, 0.5 / y.sum(), 0.5 / (1 - y).sum()) * len(y)
    x = np.concatenate([np.ones((len(rows), 1)), (rows - means) / deviations], axis=1)
    return logistic(x, y, weight, RIDGE), means, deviations


def score(rows: Matrix, fitted: Fitted) -> Matrix:
    """Log-odds of rows."""
    w, means, deviations = fitted
    return np.asarray(w[0] + ((rows - means) / deviations) @ w[1:], dtype=np.float64)


def folds(given: Sequence[Example]) -> NDArray[np.int_]:
    """The fold of each pair; a relation lies in one."""
    names = sorted({one.relation for one in given}, key=lambda name: hashlib.sha256(name.encode()).digest())
    return np.array([names.index(one.relation) % FOLDS for one in given])


def out_of_fold(rows: Matrix, weighed: NDArray[np.bool_], given: Sequence[Example]) -> Matrix:
    """The score of each pair by a fit without its relations; -99 where a rule decides."""
    updates = np.array([one.kind == "update" for one in given])
    fold = folds(given)
    scores = np.full(len(given), -99.0)
    for number in range(FOLDS):
        train, held = weighed & (fold != number), weighed & (fold == number)
        scores[held] = score(rows[held], fit(rows[train], updates[train]))
    return scores


def weights(name: str, given: Sequence[Example], ablate: bool = False) -> tuple[Weights, list[str]]:
    """Fitted weights for an embedder, and lines that say how well they do out of fold."""
    given = [one for one in given if one.kind != "closing"]
    pairs = [Pair.of(one.older, one.newer) for one in given]
    weighed = np.array([ruled(pair) is None for pair in pairs])
    updates = np.array([one.kind == "update" for one in given])
    rows = features(pairs, packaged(name, None))
    names = WORD_FEATURES if name == "none" else WORD_FEATURES + VECTOR_FEATURES
    kinds = [one.kind for one in given]

    def found(columns: Sequence[int]) -> tuple[str, list[float]]:
        scores = out_of_fold(rows[:, list(columns)], weighed, given)
        at = [recall_at(scores, kinds, share) for share in SHARES]
        return " / ".join(f"{100 * share:.0f}" for share, _ in at), [level for _, level in at]

    every = range(rows.shape[1])
    text, levels = found(every)
    lines = [f"{name}: found at 2 / 5 / 10 % false, out of fold: {text}"]
    if ablate:
        for j, one in enumerate(names):
            lines.append(f"  without {one!r}: {found([i for i in every if i != j])[0]}")
    w, means, deviations = fit(rows[weighed], updates[weighed])

    def short(part: Matrix) -> tuple[float, ...]:
        return tuple(round(float(value), 4) for value in part)

    made = Weights(
        names,
        bias=short(w[:1])[0],
        coefficients=short(w[1:]),
        means=short(means),
        deviations=short(deviations),
        strong=round(levels[0], 3),
        weak=round(levels[-1], 3),
    )
    return made, lines


def source(fitted: dict[str, Weights]) -> str:
    """The module that holds the weights."""
    lines = [
        '"""Weights of the judge of updates, by embedder; written by ``agentmem.evals.fit_updates``."""',
        "",
        "from __future__ import annotations",
        "",
        "from collections.abc import Mapping",
        "",
        "from agentmem.facts.regression import Weights",
        "",
        "WEIGHTS: Mapping[str, Weights] = {",
    ]
    for name, one in fitted.items():
        lines += [f'    "{name}": Weights(', "        names=("]
        lines += [f'            "{feature}",' for feature in one.names]
        lines += ["        ),", f"        bias={one.bias},"]
        for part in ("coefficients", "means", "deviations"):
            values = [f"            {value}," for value in getattr(one, part)]
            lines += [f"        {part}=(", *values, "        ),"]
        lines += [f"        strong={one.strong},", f"        weak={one.weak},", "    ),"]
    return "\n".join([*lines, "}", ""])


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.fit_updates", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--embedder", default=",".join(EMBEDDERS), help="none, static, minilm, by commas")
    parser.add_argument("--pairs", type=Path, default=DATA, help="another file of labelled pairs")
    parser.add_argument("--ablate", action="store_true", help="leave each feature out in turn")
    parser.add_argument("--write", type=Path, nargs="?", const=TARGET, help="write the module of weights")
    given = parser.parse_args(argv)
    fitted: dict[str, Weights] = {}
    for name in given.embedder.split(","):
        fitted[name], lines = weights(name, examples(given.pairs, "fit"), given.ablate)
        sys.stdout.write("\n".join(lines) + "\n")
    if given.write is not None:
        given.write.write_text(source(fitted), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
