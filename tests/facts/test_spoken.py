"""What speakers say of themselves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from agentmem.facts.spoken import spoken
from agentmem.facts.view import FactView
from agentmem.memory import Memory

NOW = datetime(2024, 6, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("I live in Berlin.", "Ada lives in Berlin."),
        ("I no longer live in Berlin.", "Ada no longer lives in Berlin."),
        ("I study in Rome.", "Ada studies in Rome."),
        ("I teach at Lumen School.", "Ada teaches at Lumen School."),
        ("I'm from Oslo.", "Ada is from Oslo."),
        ("I've moved to Lima.", "Ada moved to Lima."),
        ("My favourite colour is blue.", "Ada's favourite colour is blue."),
        ("I went to the park.", None),
        ("I'm so happy about the trip!", None),
        ("I love you.", None),
        ("I live with my sister, she is nice.", None),
        ("My dog ran away.", None),
        ("I would never work there.", None),
        ("Ada lives in Berlin.", None),
        ("I", None),
        ("", None),
    ],
)
def test_what_lasts_is_told_in_the_third_person(text: str, want: str | None) -> None:
    assert spoken(text, "Ada") == want


def view(*turns: tuple[str, str | None, str | None]) -> FactView:
    made = FactView()
    made.take(
        (i, Memory(f"m{i}", (), text, at=NOW + timedelta(days=i), recorded_at=NOW, speaker=who, role=role))
        for i, (text, who, role) in enumerate(turns)
    )
    made.settle()
    return made


def ask(of: FactView, question: str) -> str | None:
    chain = of.ask(question, NOW + timedelta(days=99))
    return None if chain is None else chain.answer


def test_each_speaker_has_facts_of_their_own_and_the_newest_answers() -> None:
    made = view(
        ("I live in Paris.", "Ada", "user"),
        ("I live in Oslo.", "Ben", "user"),
        ("I live in Rome.", "Ada", "user"),
        ("I live in the cloud.", None, "assistant"),
        ("My favourite colour is green.", None, None),
        ("My favourite colour is blue now.", None, None),
    )
    assert ask(made, "Where does Ada live?") == "Rome"
    assert ask(made, "Where did Ada live before?") == "Paris"
    assert ask(made, "Where does Ben live?") == "Oslo"
    assert ask(made, "What is my favourite colour?") == "blue"
    assert ask(made, "What is my favourite food?") is None
    assert [fact.sentence for fact in made.facts("I")] == [
        "My favourite colour is blue now.",
        "My favourite colour is green.",
    ]


def test_a_title_with_my_in_it_is_no_speaker() -> None:
    made = view(
        ("I live in Paris.", None, None),
        ("Love of My Life was performed by Ora Lind.", None, None),
    )
    assert ask(made, "Who performed “Love of My Life”?") == "Ora Lind"
