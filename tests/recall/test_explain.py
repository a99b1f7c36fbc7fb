"""Why a memory was found, in words a person understands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import agentmem
from agentmem import ManualClock
from agentmem.store import MemoryStore

TALK = (
    ("Ada", "I started a pottery class yesterday."),
    ("Ben", "Which colours did you choose?"),
    ("Ada", "Blue and green, mostly."),
    ("Ben", "Sounds lovely."),
    ("Ada", "And how was the exam?"),
)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    with agentmem.open(":memory:", embedder="none", clock=ManualClock("2024-05-01T12:00:00Z")) as opened:
        for minute, (speaker, text) in enumerate(TALK):
            opened.add(
                text, speaker=speaker, session="s", at=f"2024-04-01T10:{minute:02}:00Z", id=str(minute)
            )
        yield opened


def why(store: MemoryStore, question: str, **options: object) -> dict[str, tuple[str, ...]]:
    return {hit.memory.id: hit.why for hit in store.search(question, **options)}  # type: ignore[arg-type]


def test_a_turn_is_explained_by_its_neighbour(store: MemoryStore) -> None:
    found = why(store, "pottery class")
    assert found["0"] == ("says 'pottery', 'class'",)
    assert "comes right after Ada says 'pottery', 'class'" in found["1"]
    assert "comes two turns after Ada says 'pottery', 'class'" in found["2"]
    found = why(store, "exam")
    assert "comes right before Ada says 'exam'" in found["3"]
    assert "comes two turns before Ada says 'exam'" in found["2"]


def test_the_neighbour_that_says_most(store: MemoryStore) -> None:
    assert why(store, "colours of the exam and lovely blue")["1"][0].startswith("says")
    assert "comes two turns after Ada says 'pottery', 'class'" in why(store, "pottery class or exam")["2"]


def test_a_turn_that_may_not_be_found_is_not_quoted(store: MemoryStore) -> None:
    found = why(store, "pottery class", filter={"@speaker": "Ben"})
    assert "the turns around it speak of what is asked" in found["1"]


def test_other_words_are_named_by_the_question_s(store: MemoryStore) -> None:
    store.add("She passed the test at last.", id="t")
    assert why(store, "an examination")["t"] == ("says 'examination' in other words",)


def test_roles_stand_for_who_has_no_name() -> None:
    with agentmem.open(":memory:", embedder="none") as chat:
        chat.add_messages(
            [
                {"role": "user", "content": "Where can I learn pottery?"},
                {"role": "assistant", "content": "At the mill."},
                {"role": "user", "content": "Thanks!"},
                {"role": "assistant", "content": "The glaze is included."},
            ],
            session="s",
        )
        found = {hit.memory.text: hit.why[0] for hit in chat.search("pottery glaze")}
        assert found["At the mill."] == "comes right after the user says 'pottery'"
        assert found["Thanks!"] == "comes right before the assistant says 'glaze'"


def test_what_nothing_speaks_for_says_so(store: MemoryStore) -> None:
    store.add("Rain again.", id="r")
    assert why(store, "pottery class")["r"] == ("little speaks for it",)


def test_what_tells_of_the_event_does_not_come_after_it(store: MemoryStore) -> None:
    found = why(store, "What did Ada say after the pottery class?")
    assert "tells of the pottery class" in found["0"]
    assert "comes after the pottery class" in found["2"]


def test_a_date_reads_as_it_is_asked(store: MemoryStore) -> None:
    assert "dated April, as asked" in why(store, "the pottery of April")["0"]
    assert "dated in April, as asked" in why(store, "pottery in April")["0"]
