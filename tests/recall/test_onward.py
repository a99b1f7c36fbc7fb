"""What follows a hit in a conversation comes up after it."""

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
from agentmem.recall import engine
from agentmem.recall.engine import Found
from agentmem.recall.onward import Onward, OnwardWeights, following
from agentmem.recall.recipe import Recipe

START = datetime(2024, 3, 1, 9, tzinfo=timezone.utc)
LATER = START + timedelta(days=90)
MINUTE = timedelta(minutes=1)

HIKE = [
    ("Ada", "Last week we went hiking to the old mill, it was steep and hot."),
    ("Ben", "How nice, I have not been up there for years and years."),
    ("Ada", "My brother came along and carried all of our lunch up there."),
    ("Ben", "Good that somebody in the family is strong enough for it."),
    ("Ada", "He sang the whole way back and frightened all the sheep off."),
    ("Ben", "I would have liked to hear that, he has such a voice."),
]


def talk(turns: list[tuple[str, str]], start: datetime = START, session: str = "s") -> list[Draft]:
    return [
        Draft(text, id=f"{session}{i}", at=start + i * MINUTE, speaker=who, session=session)
        for i, (who, text) in enumerate(turns)
    ]


def ask(space: Space, world: Any, question: str, k: int, *steps: Any, masks: Any = None) -> list[Found]:
    recipe = Recipe(spread=steps)
    return engine.search([space], question, k, recipe=recipe, at=LATER, term_ids=world.term_ids, masks=masks)


def lifted(found: list[Found]) -> dict[int, float]:
    return {one.doc: one.signals["onward"] for one in found if "onward" in one.signals}


def test_what_follows_comes_up(world: Any) -> None:
    """The turns after the hit get a share of what it is better by, each further one less; none before it."""
    drafts = talk([*HIKE[3:], *HIKE])
    space = world.space(drafts)
    weights = OnwardWeights(hits=1)
    plain = {one.doc: one for one in ask(space, world, "hiking to the mill", 9)}
    found = ask(space, world, "hiking to the mill", 9, Onward(weights))
    before = {doc: one.score - one.signals["session"] for doc, one in plain.items()}
    for distance, doc in enumerate((4, 5, 6, 7)):
        share = weights.lift * weights.damp**distance
        assert lifted(found)[doc] == pytest.approx(share * (before[3] - max(before[doc], 0.0)))
    assert set(lifted(found)) == {4, 5, 6, 7} and found[0].doc == 3


def test_the_reason(world: Any) -> None:
    space = world.space(talk(HIKE))
    found = {
        one.doc: one for one in ask(space, world, "hiking to the mill", 6, Onward(OnwardWeights(hits=1)))
    }
    assert found[1].via[0][:2] == ("s0", "onward") and found[1].via[0][2] > 0
    assert "comes right after Ada says 'hiking', 'mill'" in found[1].why
    assert "goes on three turns after what was found" in found[3].why
    assert not found[0].via


@pytest.mark.parametrize(
    "changed",
    [
        [replace(one, speaker="Ada") for one in talk(HIKE)],
        [replace(one, speaker=None, role="user") for one in talk(HIKE)],
        [replace(one, session=None) for one in talk(HIKE)],
        [replace(one, text=one.text + " and so on" * 60) for one in talk(HIKE)],
        [replace(one, at=START + i * timedelta(hours=1)) for i, one in enumerate(talk(HIKE))],
    ],
    ids=["one speaker", "one role", "no session", "long turns", "pauses"],
)
def test_what_is_no_talk_is_left_alone(world: Any, changed: list[Draft]) -> None:
    space = world.space(changed)
    assert ask(space, world, "hiking to the mill", 6, Onward()) == ask(space, world, "hiking to the mill", 6)


def test_how_far_a_talk_goes_on(world: Any) -> None:
    drafts = talk([("Ada", "One."), ("Ada", "Two words."), ("Ben", "Three."), ("Ada", "Four.")])
    drafts += talk([("Ada", "Another day.")], START + timedelta(days=1), "t")
    late = replace(drafts[3], id="late", at=START + timedelta(hours=3))
    space = world.space([*drafts, late])
    usual = OnwardWeights()
    assert following(space, 0, usual) == [
        -1,
        2,
        3,
    ]  # by the second only Ada has spoken
    assert following(space, 2, usual) == [3] and following(space, 4, usual) == []
    assert following(space, 0, replace(usual, reach=2)) == [-1, 2]
    assert following(space, 0, replace(usual, words=4)) == [-1, 2]
    assert following(space, 0, replace(usual, words=3)) == [-1]
    assert following(space, 2, replace(usual, pause=240.0)) == [3, 5]


def test_what_a_mask_hides_stays_hidden(world: Any) -> None:
    space = world.space(talk(HIKE))
    mask = np.ones(space.n, np.bool_)
    mask[1] = False
    found = ask(space, world, "hiking to the mill", 6, Onward(), masks=[mask])
    assert 1 not in {one.doc for one in found} and 2 in lifted(found)


def test_two_namespaces_share_the_hits(world: Any) -> None:
    """The best of both lift, not the best of each."""
    spaces = [world.space(talk(HIKE)), world.space(talk([("Ada", "A mill."), ("Ben", "Which one?")] * 3))]
    recipe = Recipe(spread=(Onward(OnwardWeights(hits=1)),))
    question = "went hiking to the old mill"
    found = engine.search(spaces, question, 12, recipe=recipe, at=LATER, term_ids=world.term_ids)
    assert {one.space for one in found if "onward" in one.signals} == {0}
    assert engine.search(spaces, "", 3, recipe=recipe, at=LATER, term_ids=world.term_ids)


WORDS = ("mill", "hike", "lunch", "sheep", "voice", "boat", "piano", "rain")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Ada", "Ben"]),
            st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
            st.sampled_from("st"),
        ),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
)
def test_nothing_passes_the_hit_it_follows(world: Any, turns: Any, asked: list[str]) -> None:
    """The first hit stays first with its score; no score falls; what is lifted stays below its hit."""
    drafts = [
        Draft(" ".join(words), at=START + i * MINUTE, speaker=who, session=session)
        for i, (who, words, session) in enumerate(turns)
    ]
    space = world.space(drafts)
    question = " ".join(asked)
    plain = {one.doc: one.score for one in ask(space, world, question, 20)}
    found = ask(space, world, question, 20, Onward())
    now = {one.doc: one.score for one in found}
    assert set(now) == set(plain) and all(now[doc] >= plain[doc] - 1e-9 for doc in now)
    best = max(plain.values())
    assert found[0].score == pytest.approx(best) and plain[found[0].doc] == pytest.approx(best)
    for one in found:
        if "onward" in one.signals:
            assert one.score <= now[space.doc_of(one.via[0][0])] + 1e-9


def test_the_option() -> None:
    """On by default, off by name, and nothing else but True or False."""
    for value in (True, False):
        with agentmem.open(":memory:", embedder="none", onward=value) as store:
            store.add_many(talk(HIKE))
            hits = store.search("hiking to the mill", 6)
            assert any("onward" in hit.signals for hit in hits) is value
            store.delete("s1")
            again = store.search("hiking to the mill", 6)
            assert "s1" not in {hit.memory.id for hit in again}
            assert any(step.id == "s0" for hit in again for step in hit.via) is value
    with pytest.raises(InvalidInput, match="onward='yes' is neither True nor False"):
        agentmem.open(":memory:", onward="yes")


def test_one_reason_is_enough() -> None:
    """What says beside which turn it stands does not say once more that it goes on after what was found."""
    with agentmem.open(":memory:", embedder="none") as store:
        store.add_many(talk(HIKE))
        reached = [hit for hit in store.search("hiking to the mill", 5) if "onward" in hit.signals]
        for hit in reached:
            reasons = [reason.startswith(("goes on ", "comes ")) for reason in hit.why]
            assert sum(reasons) == 1
    assert reached
