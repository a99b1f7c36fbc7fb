"""Forgetting curves on real reviews: how well each foretells what is remembered, on cards it never saw.

::

    python -m agentmem.evals.forgetting --data DIR                      three folds by card, as a table
    python -m agentmem.evals.forgetting --data DIR --json --plot FILE   as JSON, with a calibration plot
    python -m agentmem.evals.forgetting --data DIR --held FILE          fitted on all, scored on other reviews
    python -m agentmem.evals.forgetting --data DIR --defaults           the numbers that the package ships

The data is ``fsrs_review_logs/review_logs_josh.csv`` of a folder: one person's Anki log (from the tests of
``py-fsrs``, MIT licence) with ``card_id, review_rating, review_time``; rating 1 is forgotten. Each review
but a card's first is foretold from the card's reviews before it. Reported are the log-loss in nats (lower
is better; a foretold chance counts as 0.001 at least and 0.999 at most) and the AUC, with 95 % intervals by
resampling cards, for gaps of a day and more and for all gaps. Each is fitted to the gaps it is scored on,
unless its name says "one fit". One person's log: it ranks curves for this person, not in general.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_datetime
from agentmem.decay import (
    FSRS6,
    GRADES,
    ActR,
    Constant,
    Curve,
    Exponential,
    Histories,
    History,
    Logistic,
    MemoryBank,
    PowerLaw,
    Use,
    by_name,
    fit,
    log_loss,
    observations,
)
from agentmem.errors import InvalidInput, MissingDependency
from agentmem.evals.quality import machine, versions
from agentmem.evals.tasks import data_folder

FILE = Path("fsrs_review_logs") / "review_logs_josh.csv"
GAPS = {"long": 1.0, "all": 0.0}
"""The columns: name -> least gap in days."""

FOLDS = 3
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class System:
    """A way to foretell: a curve as it is, or fitted to the training cards.

    Attributes:
        name: the row's name.
        curve: the curve, or where fitting starts.
        fitted: whether it is fitted.
        once: fit to all gaps, whatever gaps are scored.
    """

    name: str
    curve: Curve
    fitted: bool = True
    once: bool = False


# On a card a failure is followed by the answer, so it is a presentation: the time since the last begins
# anew, and ACT-R counts it. Nothing in this log is a mere retrieval.
SYSTEMS = (
    System("constant", Constant()),
    System("MemoryBank as given", MemoryBank(lapse_resets=True), fitted=False),
    System("MemoryBank, fitted", MemoryBank(lapse_resets=True)),
    System("exponential, fitted", Exponential(lapse_resets=True)),
    System("power law, fitted", PowerLaw(lapse_resets=True)),
    System("ACT-R base level, fitted", ActR(failed=1.0)),
    System("FSRS-6 default", FSRS6(lapse_resets=True), fitted=False),
    System("FSRS-6 default, fractional days", FSRS6(whole_days=False, lapse_resets=True), fitted=False),
    System("FSRS-6, fitted, fractional days", FSRS6(whole_days=False, lapse_resets=True)),
    System("logistic, fitted", Logistic(lapse_resets=True)),
    System("logistic, one fit", Logistic(lapse_resets=True), once=True),
)
REFERENCE = "logistic, fitted"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.value)} [{_short(self.low)}, {_short(self.high)}]"


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one set of gaps.

    Attributes:
        system, gaps: which.
        reviews: how many were foretold.
        log_loss, auc: the figures.
        behind: log-loss above that of the fitted logistic, on the same resamples.
        off: calibration: root mean square of foretold less seen over ten equal bins of reviews.
        bins: for each of these (foretold, seen).
        seconds: to fit and foretell.
    """

    system: str
    gaps: str
    reviews: int
    log_loss: Figure
    auc: Figure
    behind: Figure
    off: float
    bins: list[tuple[float, float]]
    seconds: float


def read_reviews(path: Path) -> list[History]:
    """The cards of a review log as histories, in order of their ids.

    Raises:
        InvalidInput: the file is missing or is no review log.
    """
    if not path.is_file():
        raise InvalidInput(f"{path} is missing; the folder of data is incomplete")
    cards: dict[str, list[Use]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as stream:
        try:
            for row in csv.DictReader(stream):
                use = Use(to_datetime(row["review_time"]), GRADES[int(row["review_rating"])])
                cards[row["card_id"]].append(use)
        except (KeyError, ValueError, IndexError) as error:
            raise InvalidInput(f"{path} is no review log: {error!r}") from None
    return [_card(sorted(cards[name], key=lambda use: use.at)) for name in sorted(cards)]


def _card(reviews: Sequence[Use]) -> History:
    return History(reviews[0].at, tuple(reviews[1:]), first=reviews[0].grade)


def splits(
    cards: Sequence[History], held: Sequence[History] | None, seed: int
) -> Iterator[tuple[Histories, Histories]]:
    """Pairs of what is fitted on and what is foretold: folds by card, or all and the cards kept aside."""
    if held is not None:
        yield Histories.pack(cards), Histories.pack(held)
        return
    fold = np.random.default_rng(seed).permutation(len(cards)) % FOLDS
    for number in range(FOLDS):
        yield (
            Histories.pack(card for card, own in zip(cards, fold, strict=True) if own != number),
            Histories.pack(card for card, own in zip(cards, fold, strict=True) if own == number),
        )


def foretell(
    system: System, pairs: Sequence[tuple[Histories, Histories]], least: float
) -> tuple[Values, Values, NDArray[np.int64]]:
    """What a system foretells of unseen cards' reviews, how they went, and whose they are."""
    foretold, helped, owners, before = [], [], [], 0
    for train, test in pairs:
        curve = (
            fit(system.curve, train, min_days=0.0 if system.once else least)
            if system.fitted
            else system.curve
        )
        seen = observations(test, min_days=least)
        foretold.append(curve.before_uses(test)[seen.places])
        helped.append(seen.helped)
        owners.append(seen.owners + before)
        before += len(test)
    return np.concatenate(foretold), np.concatenate(helped), np.concatenate(owners)


def run(
    cards: Sequence[History],
    held: Sequence[History] | None = None,
    *,
    systems: Sequence[System] = SYSTEMS,
    seed: int = 0,
    resamples: int = 1000,
) -> list[Row]:
    """Score systems on all columns.

    Args:
        cards: to fit on; without ``held``, in folds.
        held: cards kept aside, or None.
        systems: who is scored; the reference for ``behind`` is the fitted logistic if it is among them.
        seed: of the folds and the resampling.
        resamples: of the bootstrap.
    """
    pairs = list(splits(cards, held, seed))
    rows: list[Row] = []
    for gaps, least in GAPS.items():
        foretold: dict[str, Values] = {}
        spent: dict[str, float] = {}
        helped, owners = np.zeros(0), np.zeros(0, np.int64)
        for system in systems:
            start = time.perf_counter()
            foretold[system.name], helped, owners = foretell(system, pairs, least)
            spent[system.name] = time.perf_counter() - start
        number = int(owners.max()) + 1
        draws = np.random.default_rng(seed).integers(0, number, (resamples, number))
        weights = np.stack([np.bincount(draw, minlength=number) for draw in draws])[:, owners].astype(
            np.float64
        )
        weights = np.concatenate([np.ones((1, len(owners))), weights])  # the first is the sample itself
        losses = {name: _weighted(log_loss(p, helped), weights) for name, p in foretold.items()}
        base = losses.get(REFERENCE, np.full(len(weights), np.nan))
        for name, p in foretold.items():
            bins = calibration(p, helped)
            off = float(np.sqrt(np.mean([(a - b) ** 2 for a, b in bins])))
            area, behind = _figure(weighted_auc(p, helped, weights)), _figure(losses[name] - base)
            rows.append(Row(name, gaps, len(p), _figure(losses[name]), area, behind, off, bins, spent[name]))
    return rows


def weighted_auc(foretold: Values, helped: Values, weights: Values) -> Values:
    """For each row of weights the chance that a success was foretold above a failure; ties count half."""
    order = np.argsort(foretold, kind="stable")
    begins = np.flatnonzero(np.concatenate([[True], np.diff(foretold[order]) > 0]))
    good = np.add.reduceat((weights * helped)[:, order], begins, axis=1)
    bad = np.add.reduceat((weights * (1.0 - helped))[:, order], begins, axis=1)
    below = np.cumsum(bad, axis=1) - 0.5 * bad
    return np.asarray((good * below).sum(axis=1) / (good.sum(axis=1) * bad.sum(axis=1)))


def calibration(foretold: Values, helped: Values, bins: int = 10) -> list[tuple[float, float]]:
    """Mean foretold and mean seen of equal bins of reviews, from least to most foretold."""
    order = np.argsort(foretold, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [(float(foretold[part].mean()), float(helped[part].mean())) for part in parts]


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw foretold against seen for each system, one panel for each set of gaps.

    Raises:
        MissingDependency: matplotlib is not installed (extra ``evals``).
    """
    try:
        from matplotlib.figure import Figure as Picture
    except ImportError:
        raise MissingDependency("matplotlib", "evals") from None
    picture = Picture(figsize=(12, 5.5), layout="constrained")
    for axes, gaps in zip(picture.subplots(1, len(GAPS)), GAPS, strict=True):
        axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":")
        for number, row in enumerate(row for row in rows if row.gaps == gaps):
            style = "-o" if number < 10 else "--s"
            axes.plot(*zip(*row.bins, strict=True), style, markersize=3, linewidth=1, label=row.system)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="foretold", ylabel="remembered")
        axes.set_title("gaps of a day and more" if gaps == "long" else "all gaps")
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    picture.savefig(path, dpi=120)


def table(rows: Sequence[Row], command: str, wall: float) -> str:
    """The rows as Markdown."""
    lines: list[str] = []
    for gaps, least in GAPS.items():
        chosen = [row for row in rows if row.gaps == gaps]
        what = f"gaps of {least:g} day and more" if least else "all gaps"
        lines += [
            f"## {what}: {chosen[0].reviews} reviews foretold [95 % interval]",
            "",
            "| | log-loss | AUC | behind the logistic | calibration off by | s |",
            "|---|---|---|---|---|---|",
        ]
        for row in chosen:
            cells = [row.system, row.log_loss, row.auc, row.behind, _short(row.off), f"{row.seconds:.1f}"]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        lines.append("")
    about = ", ".join(f"{key} {value}" for key, value in {**machine(), **versions()}.items())
    return "\n".join([*lines, f"`{command}`", "", f"{about}; {wall:.0f} s in all"])


def defaults(cards: Sequence[History]) -> dict[str, Any]:
    """The numbers shipped as defaults: exponential and power law fitted on long gaps, the logistic on all."""
    packed = Histories.pack(cards)
    chosen: Mapping[str, float] = {"exponential": 1.0, "power": 1.0, "logistic": 0.0}
    return {
        name: fit(by_name(name, lapse_resets=True), packed, min_days=least).to_dict()
        for name, least in chosen.items()
    }


def _weighted(values: Values, weights: Values) -> Values:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _figure(values: Values) -> Figure:
    """The first is the sample's own value, the others are resampled."""
    low, high = np.quantile(values[1:], [0.025, 0.975]) if len(values) > 1 else (values[0], values[0])
    return Figure(float(values[0]), float(low), float(high))


def _short(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m agentmem.evals.forgetting", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--data", help="folder of the data; else the environment's AGENTMEM_DATA")
    parser.add_argument(
        "--held", type=Path, help="a review log kept aside: fit on all of --data, score on it"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the folds and the bootstrap")
    parser.add_argument("--resamples", type=int, default=1000, help="of the bootstrap")
    parser.add_argument("--plot", type=Path, help="save a calibration plot here")
    parser.add_argument("--defaults", action="store_true", help="print the fitted defaults and stop")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args(argv)
    given: list[str] = list(sys.argv[1:] if argv is None else argv)
    command = "python -m agentmem.evals.forgetting " + " ".join(given)
    start = time.perf_counter()
    cards = read_reviews(data_folder(options.data) / FILE)
    if options.defaults:
        sys.stdout.write(json.dumps(defaults(cards), indent=1) + "\n")
        return 0
    held = None if options.held is None else read_reviews(options.held)
    rows = run(cards, held, seed=options.seed, resamples=options.resamples)
    if options.plot is not None:
        plot(rows, options.plot)
    wall = time.perf_counter() - start
    if options.json:
        about = {"command": command, "seed": options.seed, "seconds": wall}
        report = {**about, **machine(), "versions": dict(versions()), "rows": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(report, indent=1) + "\n")
    else:
        sys.stdout.write(table(rows, command, wall) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
