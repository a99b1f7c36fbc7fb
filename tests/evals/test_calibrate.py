"""The fits of the reader, on a small talk."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np

from agentmem.evals import calibrate
from agentmem.evals.direct import index_pool
from agentmem.evals.tasks import Pool, Question
from agentmem.memory import Draft
from agentmem.recall.reader_scene import FEATURES

AT = datetime(2023, 6, 1, tzinfo=timezone.utc)


def indexes() -> calibrate.Indexes:
    items = [
        Draft(
            "Hello Ben! I planted tomatoes last week.", at="2023-05-01", speaker="Ada", session="1", id="a"
        ),
        Draft("Where does your brother live?", at="2023-05-02T10:00", speaker="Ada", session="2", id="b"),
        Draft("In Lisbon. He likes the sea.", at="2023-05-02T10:01", speaker="Ben", session="2", id="c"),
        Draft(
            "The piano needs tuning again. Tom tuned it.", at="2023-05-03", speaker="Ada", session="3", id="d"
        ),
    ]
    questions = [
        Question("1", "What did Ada plant?", AT, frozenset("a"), "x", "tomatoes"),
        Question("2", "Where does Ben's brother live?", AT, frozenset("c"), "x", "Lisbon"),
        Question("3", "When did Ada plant tomatoes?", AT, frozenset("a"), "x", "the week before 1 May 2023"),
        Question("4", "What did Ben plant?", AT, frozenset(), "x", answerable=False),
    ]
    return {"none": {"locomo": [index_pool(Pool(("sample",), items, questions), None)]}}


def test_confidence_is_fitted() -> None:
    report = calibrate.reader_fit(indexes())
    assert report.startswith("weights [") and "locomo, turned: AUC" in report and "locomo, taken" in report


def test_the_choice_is_fitted() -> None:
    report = calibrate.choice_fit(indexes())
    assert all(f"{name} " in report.splitlines()[0] for name in FEATURES)
    assert "locomo: first right in" in report


def test_what_was_said_before() -> None:
    (indexed,) = indexes()["none"]["locomo"]
    read = list(calibrate.readings({"locomo": [indexed]}))
    brother = next(choice for _, question, _, choice in read if question.id == "2")
    assert brother.ranked[0].sentence == "In Lisbon." and brother.ranked[0].feature("lent") > 0
    without = list(calibrate.readings({"locomo": [indexed]}, without=True))
    assert len(without) == 3
    assert all(hit.memory.id not in question.gold for _, question, got, _ in without for hit in got)


def test_logistic_tells_apart() -> None:
    x = np.array([[1.0, value] for value in (0.0, 0.2, 0.8, 1.0)])
    w = calibrate.logistic(x, np.array([0.0, 0.0, 1.0, 1.0]), np.ones(4))
    assert w[1] > 0 > w[0]
