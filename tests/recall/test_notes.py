"""Notes of one voice: what was found leads to those on the same that say more of the question."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agentmem
from agentmem.errors import InvalidInput
from agentmem.index.space import Space
from agentmem.memory import Draft
from agentmem.recall import engine, signals
from agentmem.recall.engine import Found
from agentmem.recall.notes import Notes, NotesWeights, gains, links
from agentmem.recall.recipe import Recipe

START = datetime(2024, 3, 1, 9, tzinfo=timezone.utc)
LATER = START + timedelta(days=90)

COURSES = [
    "The bread course of the guild takes place in Turin.",
    "I signed up for the bread course of the guild.",
    "The glass course by the river lasts two weeks.",
    "The bread course of the guild lasts nine weeks.",
    "The bread course of the guild costs little.",
    "Sailing takes place in Ostia.",
    "Glass takes place in Genoa.",
]
ASKED = "The one that lasts nine weeks, where does it take place?"


def noted(texts: list[str] = COURSES, **given: Any) -> list[Draft]:
    fields = {"role": "user", "session": "s", **given}
    return [Draft(text, id=str(i), at=START + timedelta(hours=i), **fields) for i, text in enumerate(texts)]


def ask(space: Space, world: Any, question: str, k: int, *steps: Any, masks: Any = None) -> list[Found]:
    recipe = Recipe(spread=steps)
    return engine.search([space], question, k, recipe=recipe, at=LATER, term_ids=world.term_ids, masks=masks)


def docs(found: list[Found]) -> list[int]:
    return [one.doc for one in found]


def test_from_what_was_found_to_what_is_asked(world: Any) -> None:
    """The nine weeks lead to the place of that course, not of another, and not to its price."""
    space = world.space(noted())
    assert docs(ask(space, world, ASKED, 2)) == [3, 2]
    found = ask(space, world, ASKED, 7, Notes())
    assert docs(found)[:2] == [3, 0]
    assert found[1].via[0][:2] == ("3", "note") and "says more of the question" in " ".join(found[1].why)
    lifted = {one.doc: one.signals["note"] for one in found if "note" in one.signals}
    assert set(lifted) == {0}


def test_in_any_script(world: Any) -> None:
    texts = [
        "面包课程的时间是九周。",
        "面包课程的费用是五元。",
        "面包课程的地点是都灵。",
        "玻璃课程的地点是热那亚。",
    ]
    space = world.space(noted(texts))
    assert docs(ask(space, world, "时间是九周的课程，地点是什么？", 2, Notes())) == [0, 2]


def test_gain_and_link(world: Any) -> None:
    space = world.space(noted())
    asked = ["lasts", "nine", "place"]
    terms = signals.query_terms(
        [agentmem.language.text.analyse(word).words[0] for word in asked],
        [space],
        Recipe(soft=0.0),
        world.term_ids,
    )
    every = np.arange(len(COURSES))
    ids, gain = gains(space, every, 3, terms)
    assert gain.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0] and ids.tolist() == sorted(ids)
    link = links(space, every, 3, ids)
    assert link[3] == link[5] == link[6] == 0.0 and 0.0 < link[0] <= 1.0 and 0.0 < link[2] <= 1.0
    assert not links(space, np.array([3, 5]), 0, ids).any()  # nothing of it comes back
    assert not gains(space, np.array([1, 3]), 1, signals.Terms((), (), 0.0))[1].any()


@pytest.mark.parametrize(
    "changed",
    [
        [replace(one, role="assistant" if i % 2 else "user") for i, one in enumerate(noted())],
        [replace(one, speaker="Ben" if i == 6 else "Ada") for i, one in enumerate(noted())],
        noted([text + " and so on" * 30 for text in COURSES]),
        noted([f"Note\n{text}" for text in COURSES], session=None),
    ],
    ids=["a talk", "two speakers", "long", "no session, and texts not at hand"],
)
def test_what_is_no_note_is_left_alone(world: Any, changed: list[Draft]) -> None:
    space = world.space(changed)
    assert ask(space, world, ASKED, 7, Notes()) == ask(space, world, ASKED, 7)


def test_how_far_notes_reach(world: Any) -> None:
    space = world.space(noted())
    near = Notes(weights=NotesWeights(reach=1))
    assert not any("note" in one.signals for one in ask(space, world, ASKED, 7, near) if one.doc == 0)
    mask = np.ones(space.n, np.bool_)
    mask[0] = False
    assert 0 not in docs(ask(space, world, ASKED, 7, Notes(), masks=[mask]))
    assert ask(space, world, "", 3, Notes()) and ask(space, world, "zzz", 3, Notes())


def test_without_a_session() -> None:
    """Notes may stand alone; a text with a title is none, and neither is one of somebody else."""
    for value in (True, False):
        with agentmem.open(":memory:", embedder="none", notes=value) as store:
            store.add_many(noted(session=None))
            hits = store.search(ASKED, 7)
            assert ([hit.memory.id for hit in hits[:2]] == ["3", "0"]) is value
            assert any("note" in hit.signals for hit in hits) is value
            store.delete("0")
            assert "0" not in {hit.memory.id for hit in store.search(ASKED, 7)}
    with agentmem.open(":memory:", embedder="none", pairs=False) as store:
        store.add_many(noted([f"Course {i}\n{text}" for i, text in enumerate(COURSES)], session=None))
        assert not any("note" in hit.signals for hit in store.search(ASKED, 7))
    with pytest.raises(InvalidInput, match="notes=1 is neither True nor False"):
        agentmem.open(":memory:", notes=1)


WORDS = ("bread", "guild", "Turin", "weeks", "nine", "glass", "river", "cost")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=1, max_size=10),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
)
def test_nothing_passes_what_it_was_reached_from(world: Any, texts: Any, asked: list[str]) -> None:
    """The first hit stays first with its score; no score falls; nothing comes above the first."""
    space = world.space(noted([" ".join(words) for words in texts]))
    question = " ".join(asked)
    plain = {one.doc: one.score for one in ask(space, world, question, 20)}
    found = ask(space, world, question, 20, Notes())
    now = {one.doc: one.score for one in found}
    assert set(now) == set(plain) and all(now[doc] >= plain[doc] - 1e-9 for doc in now)
    assert found[0].score == pytest.approx(max(plain.values()))
    assert plain[found[0].doc] == pytest.approx(max(plain.values()))
