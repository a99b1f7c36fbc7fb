"""Stories and their threads: what is read as a story, and where a line leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agentmem
from agentmem.index.space import Space
from agentmem.memory import Draft
from agentmem.recall import engine
from agentmem.recall.engine import Found
from agentmem.recall.recipe import Recipe
from agentmem.recall.story import is_line, read, story_of
from agentmem.recall.threads import Threads, ThreadWeights, reason

START = datetime(2024, 3, 1, 9, tzinfo=timezone.utc)
LATER = START + timedelta(days=1)

HARBOUR = [
    "Nora walked to the harbour.",
    "Emil walked to the market.",
    "Nora picked up the lantern.",
    "Emil sailed to the island.",
    "Nora walked to the chapel.",
    "Then she climbed the tower.",
    "Emil rowed back to the market.",
    "Nora walked to the bakery.",
]


def lines(texts: list[str], **given: Any) -> list[Draft]:
    fields = {"session": "s", **given}
    return [Draft(text, id=str(i), at=START + timedelta(minutes=i), **fields) for i, text in enumerate(texts)]


def ask(space: Space, world: Any, question: str, k: int, *steps: Any, masks: Any = None) -> list[Found]:
    recipe = Recipe(spread=steps)
    return engine.search([space], question, k, recipe=recipe, at=LATER, term_ids=world.term_ids, masks=masks)


def ids(space: Space, found: list[Found]) -> list[str]:
    return [space.id_of(one.doc) for one in found]


KINDS = {
    "Mia": ("an otter", "brown"),
    "Tom": ("a heron", "grey"),
    "Ida": ("a toad", "green"),
    "Kai": ("a heron", "white"),
}

# --- what a story is ---------------------------------------------------------------------------------


def test_subjects_and_threads(world: Any) -> None:
    """A word that begins most of its lines is a subject; a pronoun goes on about the line before."""
    space = world.space(lines(HARBOUR))
    story = read(space, np.arange(len(HARBOUR)))
    word = {column: word for word, id in world.vocabulary.items() for column in [story.column.get(id)]}
    told = {word[column]: places.tolist() for column, places in story.threads.items()}
    assert told == {"nora": [0, 2, 4, 5, 7], "emil": [1, 3, 6]}
    assert story.gate == 1.0
    assert [story.until[i] for i in range(8)] == [1, 2, 3, 4, 6, 6, 7, 8]


def test_columns_hold_what_lines_say(world: Any) -> None:
    space = world.space(lines(["The", "fox fox hen", "", "Hen"]))
    story = read(space, np.arange(4))
    fox, hen = (story.column[world.vocabulary[word]] for word in ("fox", "hen"))
    assert story.words == [[], sorted([fox, hen]), [], [hen]]
    assert story.places[hen].tolist() == [1, 3] and story.places[fox].tolist() == [1]


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ({"speaker": "Ada"}, HARBOUR),
        ({"role": "user"}, HARBOUR),
        ({"session": None}, HARBOUR),
        ({}, [f"I said {text} Did you see it?" for text in HARBOUR]),
        ({}, [f"{text[:-1]}, which took {'a good while, and ' * 5}it rained." for text in HARBOUR]),
        (
            {},
            [f"{word}lin {word}dor near{word}" for word in ("ka", "mo", "ri", "su", "te", "va", "xo", "zu")],
        ),
    ],
    ids=["speaker", "role", "no session", "talk", "long", "nothing recurs"],
)
def test_what_is_no_story_is_left_alone(world: Any, given: dict[str, Any], texts: list[str]) -> None:
    space = world.space(lines(texts, **given))
    for question in ("Where is the lantern?", "Where is Nora?", "Rilin xodor"):
        assert ask(space, world, question, 8, Threads()) == ask(space, world, question, 8)


def test_a_stretch_around_a_line(world: Any) -> None:
    """A long session is read around the line that was found; dead, spoken and derived lines are not read."""
    drafts = lines([f"Nora counted stone {i}." for i in range(30)])
    drafts[10] = replace(drafts[10], speaker="Ada")
    space = world.space(drafts)
    around = story_of(space, 12, 4)
    assert around is not None and around.docs.tolist() == [8, 9, 11, 12, 13, 14, 15, 16]
    assert not is_line(space, np.array([10]))[0] and story_of(space, 12, 30) is story_of(space, 3, 30)
    assert space.lexical.turns.stretch(0, 2).tolist() == [0, 1, 2]
    assert space.lexical.turns.openings(np.array([0, 10])).tolist() == [world.vocabulary["nora"]] * 2


# --- where a line leads ------------------------------------------------------------------------------


def test_from_a_thing_to_who_has_it(world: Any) -> None:
    """The lantern leads to Nora, and Nora to where she is; without the step neither is found."""
    space = world.space(lines(HARBOUR))
    found = ids(space, ask(space, world, "Where is the lantern?", 3, Threads()))
    assert found[0] == "2" and "7" in found
    assert "7" not in ids(space, ask(space, world, "Where is the lantern?", 3))


def test_from_one_of_a_kind_to_another(world: Any) -> None:
    """What nobody's thread continues, what it is continues: "Rex is an otter" leads to other otters."""
    space = world.space(
        lines([*(f"{who} is {what}." for who, both in KINDS.items() for what in both), "Rex is an otter."])
    )
    assert set(ids(space, ask(space, world, "What colour is Rex?", 3, Threads()))) == {"8", "0", "1"}


def test_a_name_in_the_question_is_a_subject_anywhere(world: Any) -> None:
    texts = ["Yesterday Nora sailed.", "Emil rowed on Monday.", "Emil slept.", "Emil ate."]
    texts += ["Today Nora baked.", "Then she rested.", "Then Emil sang.", "Emil left."]
    space = world.space(lines(texts))
    assert set(ids(space, ask(space, world, "Where is Nora?", 3, Threads()))) == {"0", "4", "5"}


def test_a_question_without_a_word_of_the_story_begins_at_the_root(world: Any) -> None:
    space = world.space(lines(HARBOUR))
    plain = ask(space, world, "zzz", 1)
    assert ids(space, ask(space, world, "zzz", 1, Threads())) == ids(space, plain)


def test_only_allowed_lines_are_picked(world: Any) -> None:
    space = world.space(lines(HARBOUR))
    mask = np.array([True] * 7 + [False])
    found = ids(space, ask(space, world, "Where is the lantern?", 8, Threads(), masks=[mask]))
    assert "7" not in found and found[0] == "2"


def test_other_sessions_stay_where_they_are(world: Any) -> None:
    """Only the story of the best hit is read on."""
    other = [Draft(text, id=f"o{i}", at=START, session="other") for i, text in enumerate(HARBOUR[:4])]
    space = world.space([*lines([*HARBOUR, "Nora lit the lantern and the lamp."]), *other])
    without = {one.doc: one.score for one in ask(space, world, "lantern lamp", 20)}
    for one in ask(space, world, "lantern lamp", 20, Threads()):
        assert one.score >= without[one.doc] - 1e-9 or one.signals["session"] >= 0
        assert ("thread" in one.signals) <= (space.sessions[space.session[one.doc]] == "s")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(
        st.tuples(st.sampled_from(["Nora", "Emil", "The otter", "Then she"]), st.sampled_from("pqrst")),
        min_size=1,
        max_size=14,
    ),
    question=st.sampled_from(["Where is Nora?", "p", "Who has the otter?", "q r"]),
)
def test_laws(world: Any, told: list[tuple[str, str]], question: str) -> None:
    """No score falls; what is picked stands first in its order, close to the best; the same every time."""
    world = type(world)({})
    space = world.space(lines([f"{who} took {what}{what}." for who, what in told]))
    recipe = Recipe(session=0.0, invalid=1.0)
    plain = Recipe(session=0.0, invalid=1.0, spread=(Threads(),))

    def run(with_: Recipe) -> list[Found]:
        return engine.search([space], question, 50, recipe=with_, at=LATER, term_ids=world.term_ids)

    before = {one.doc: one.score for one in run(recipe)}
    after = run(plain)
    assert after == run(plain) and {one.doc for one in after} == set(before)
    top = max(before.values())
    weights = ThreadWeights()
    for one in after:
        assert one.score >= before[one.doc] - 1e-9
        assert one.score <= top + weights.step * weights.picks * abs(top) + 1e-9
    lifted = ["thread" in one.signals for one in after]
    assert lifted == sorted(lifted, reverse=True)


def test_large_namespaces_find_lines_that_no_signal_brought(world: Any) -> None:
    """Beyond the exhaustive size the lines of the story join the candidates."""
    noise = [Draft(f"word{i} thing{i}", id=f"n{i}", at=START) for i in range(60)]
    space = world.space([*lines(HARBOUR), *noise])
    recipe = Recipe(spread=(Threads(),), exhaustive=0, pool=2)
    found = engine.search(
        [space], "Where is the lantern?", 3, recipe=recipe, at=LATER, term_ids=world.term_ids
    )
    assert ids(space, found)[0] == "2" and "7" in ids(space, found)


# --- through the store -------------------------------------------------------------------------------


def test_reasons_a_person_understands() -> None:
    assert reason(2, "nora", ("Nora slept.", "Nora ate.")) == "also about Nora, two lines later"
    assert reason(-1, "nora", ("She slept.", "Nora ate.")) == "also about Nora, one line earlier"
    assert reason(-12, None, (None, None)) == "goes on about the same, 12 lines earlier"


def test_the_default_store_reads_on() -> None:
    """As lines come one by one, the answer follows; a deleted line leads nowhere."""
    with agentmem.open(":memory:") as memory:
        kept = [
            memory.add(text, session="s", at=START + timedelta(minutes=i)) for i, text in enumerate(HARBOUR)
        ]
        first, *rest = memory.search("Where is the lantern?", 3, at=LATER)
        assert first.memory == kept[2] and kept[7] in [hit.memory for hit in rest]
        led = next(hit for hit in rest if hit.memory == kept[7])
        assert led.why[0] == "also about Nora, five lines later"
        assert led.via[0].kind == "thread" and led.via[0].id == kept[2].id
        later = memory.add("Nora sailed to the lighthouse.", session="s", at=START + timedelta(hours=1))
        assert later in [hit.memory for hit in memory.search("Where is the lantern?", 3, at=LATER)]
        memory.delete(kept[2].id)
        assert memory.search("Where is the lantern?", 1, at=LATER)[0].memory != kept[2]


def test_words_of_the_same_meaning_lead_on() -> None:
    with agentmem.open(":memory:") as memory:
        texts = ["Mice fear owls.", "Cats fear dogs.", "Owls fear cats.", "Pia is a mouse.", "Leo is a cat."]
        memory.add_many(Draft(t, session="s", at=START + timedelta(minutes=i)) for i, t in enumerate(texts))
        found = [hit.memory.text for hit in memory.search("Whom does Pia fear?", 2, at=LATER)]
        assert found == ["Pia is a mouse.", "Mice fear owls."]


def test_fingerprint() -> None:
    assert Threads().fingerprint() == Threads().fingerprint()
    assert Threads().fingerprint() != Threads(weights=ThreadWeights(lift=2.0)).fingerprint()
