from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import agentmem

Run = Callable[..., Any]
Json = Callable[..., Any]


@pytest.fixture
def told(file: str, run: Run) -> str:
    """A file in which Ada moved twice, once in other words."""
    for id, text, at in (
        ("a", "Ada lives in Paris.", "2019-02-01"),
        ("b", "Ben lives in Oslo.", "2019-02-02"),
        ("c", "Ada lives in Lima.", "2021-06-01"),
        ("d", "Ada moved to Madrid.", "2023-01-01"),
        ("e", "Felix moved to Quito.", "2023-01-02"),
    ):
        run("add", file, text, "--id", id, "--at", at)
    return file


def test_listing(run: Run, run_json: Json, told: str) -> None:
    rows = [line.split("\t") for line in run("facts", told, "list", "Ada").stdout.splitlines()]
    assert [row[0] for row in rows] == ["d#0", "c#0", "a#0"]
    assert rows[2][1:] == ["older", "2019-02-01", "Ada", "… lives in _", "Paris"]
    assert len(run_json("facts", told)) == 5
    assert [one["object"] for one in run_json("facts", told, "list", "Ada", "--at", "2020-01-01")] == [
        "Paris"
    ]
    found = run_json("facts", told, "--relation", "moved", "--state", "active")
    assert {one["object"] for one in found} == {"Madrid", "Quito"}
    assert run("facts", told, "list", "Nobody", code=1).stdout == ""
    run("facts", told, "list", "--known-at", "2018-01-01", code=1)
    assert "{s} lives in {o}" in run("facts", told, "relations").stdout


def test_explaining(run: Run, run_json: Json, told: str) -> None:
    text = run("facts", told, "explain", "c#0").stdout
    assert "replaces\tParis (2019-02-01, a#0)" in text and "sentence\tAda lives in Lima." in text
    assert "since\t2021-06-01" in text and "strong proposal\tc#0 → d#0" in text
    assert "replaced by\tLima" in run("facts", told, "explain", "a#0").stdout
    assert run_json("facts", told, "explain", "c#0")["replaces"]["id"] == "a#0"
    missing = run("facts", told, "explain", "z#0", code=1)
    assert "z#0" in missing.stderr


def test_correcting_and_taking_it_back(run: Run, run_json: Json, told: str) -> None:
    def holds() -> set[str]:
        return {one["object"] for one in run_json("facts", told, "list", "Ada", "--state", "active")}

    assert holds() == {"Madrid", "Lima"}
    for options, left in (
        (["--wrong"], {"Madrid", "Paris"}),
        (["--until", "2022-01-01"], {"Madrid"}),
        (["--by", "d#0"], {"Madrid"}),
        (["--same-as", "d#0"], {"Madrid"}),
        (["--several"], {"Madrid", "Lima", "Paris"}),
        (["--single"], {"Madrid", "Lima"}),
        (["--not-by", "d#0"], {"Madrid", "Lima"}),
        (["--not-same-as", "d#0"], {"Madrid", "Lima"}),
    ):
        result = run("facts", told, "correct", "c#0", *options)
        id = result.stdout.strip()
        assert f"agentmem facts {told} undo {id}" in result.stderr
        assert (holds() - {"Paris"} if options == ["--until", "2022-01-01"] else holds()) == left, options
        (noted,) = run_json("facts", told, "corrections")
        assert noted["id"] == id and id in run("facts", told, "corrections").stdout
        assert run("facts", told, "undo", id).stdout == ""
        assert holds() == {"Madrid", "Lima"}
    run("facts", told, "corrections", code=1)
    run("facts", told, "undo", "nothing", code=1)


def test_outdated(run: Run, run_json: Json, told: str) -> None:
    run("facts", told, "outdated", code=1)
    with agentmem.open(told) as memory:
        memory.add("Home: Lima.", id="n", kind="note", sources=["c"])
    run("add", told, "Ada lives in Bern.", "--at", "2024-01-01")
    assert run("facts", told, "outdated").stdout == "n\tAda lives in Lima.\tAda lives in Bern.\tHome: Lima.\n"
    assert run_json("facts", told, "outdated")[0]["newer"]["object"] == "Bern"


def test_proposals(run: Run, run_json: Json, told: str) -> None:
    line = next(line for line in run("facts", told, "proposals").stdout.splitlines() if "Madrid" in line)
    assert line.split("\t")[2:4] == ["c#0", "d#0"]
    run("facts", told, "correct", "c#0", "--not-by", "d#0")
    assert all(one["newer"]["id"] != "d#0" for one in run_json("facts", told, "proposals", code=1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain"], "an ID"),
        (["list", "a", "b"], "at most one SUBJECT"),
        (["corrections", "x"], "no further argument"),
        (["correct", "a#0"], "--wrong"),
        (["correct", "a#0", "--wrong", "--single"], "one of"),
        (["sing"], "sing"),
        (["--state", "gone"], "gone"),
    ],
)
def test_wrong_usage(run: Run, told: str, arguments: list[str], message: str) -> None:
    assert message in run("facts", told, *arguments, code=2).stderr
