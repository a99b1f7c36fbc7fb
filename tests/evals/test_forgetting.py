from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from agentmem.errors import InvalidInput
from agentmem.evals import forgetting, metrics

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a made log: what was seen lately is remembered."""
    random = np.random.default_rng(3)
    path = tmp_path / forgetting.FILE
    path.parent.mkdir()
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["card_id", "review_rating", "review_time", "review_duration"])
        for card in range(60):
            when = START
            writer.writerow([card, 3, when.isoformat(), 10])
            for _ in range(6):
                gap = float(np.exp(random.normal(1, 1.5)))
                when += timedelta(days=gap)
                writer.writerow([card, 3 if random.random() < 1 / (1 + gap / 8) else 1, when.isoformat(), 10])
    return tmp_path


def test_it_reports_every_system_on_both_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data", str(folder), "--resamples", "20"]
    assert forgetting.main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["command"].startswith("python -m agentmem.evals.forgetting --data")
    rows = {(row["system"], row["gaps"]): row for row in report["rows"]}
    assert len(rows) == 2 * len(forgetting.SYSTEMS)
    assert rows["logistic, fitted", "all"]["reviews"] == 360
    assert rows["constant", "all"]["reviews"] > rows["constant", "long"]["reviews"]
    for row in rows.values():
        assert row["log_loss"]["low"] <= row["log_loss"]["value"] <= row["log_loss"]["high"]
    best = rows["power law, fitted", "all"]["log_loss"]["value"]
    assert best < rows["constant", "all"]["log_loss"]["value"]


def test_it_fits_on_all_and_scores_what_was_kept_aside(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    plot = folder / "calibration.png"
    held = str(folder / forgetting.FILE)
    arguments = ["--data", str(folder), "--held", held, "--plot", str(plot), "--resamples", "5"]
    assert forgetting.main(arguments) == 0
    table = capsys.readouterr().out
    assert "| FSRS-6 default |" in table
    assert "360 reviews" in table
    assert plot.stat().st_size > 5_000


def test_the_defaults_can_be_made_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert forgetting.main(["--data", str(folder), "--defaults"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"exponential", "power", "logistic"}


def test_a_log_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="missing"):
        forgetting.main(["--data", str(tmp_path)])
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInput, match="no review log"):
        forgetting.read_reviews(wrong)


def test_cards_fall_into_three_folds(folder: Path) -> None:
    cards = forgetting.read_reviews(folder / forgetting.FILE)
    pairs = list(forgetting.splits(cards, None, seed=0))
    assert [len(test) for _, test in pairs] == [20, 20, 20]
    assert [len(train) for train, _ in pairs] == [40, 40, 40]


def test_the_auc_counts_ties_half() -> None:
    foretold, helped = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0.0, 1.0, 0.0, 1.0])
    plain = forgetting.weighted_auc(foretold, helped, np.ones((1, 4)))[0]
    assert plain == pytest.approx(metrics.auc([0.4, 0.8], [0.1, 0.4]))
    twice = forgetting.weighted_auc(foretold, helped, np.array([[1.0, 1.0, 2.0, 1.0]]))[0]
    assert twice == pytest.approx(metrics.auc([0.4, 0.8], [0.1, 0.4, 0.4]))


def test_calibration_of_a_sure_and_right_system_is_exact() -> None:
    helped = np.array([0.0, 1.0] * 20)
    assert forgetting.calibration(helped, helped, bins=2) == [(0.0, 0.0), (1.0, 1.0)]
