"""Cues: what the words of a sentence say about how it is meant, and thesaurus and holes behind them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import InvalidInput
from agentmem.facts.claims import Claim, wording
from agentmem.facts.cues import mask, vetoes
from agentmem.facts.senses import GENERAL, SEVERAL, senses, stems
from agentmem.facts.wordings import Pair

ADA = "Ada Brandt"


def vetoed(
    new: str, new_object: str, old: str = "Ada Brandt lives in Oslo.", subject: str = ADA
) -> list[str]:
    pair = Pair.of(Claim(old, subject, "Oslo"), Claim(new, subject, new_object))
    return [*vetoes(pair.new_cues, pair.old_cues)]


@pytest.mark.parametrize(
    ("text", "veto"),
    [
        ("Ada Brandt has settled in Rome.", None),
        ("In May 2021 Ada Brandt moved to Rome.", None),
        ("Not only did Ada Brandt leave, she settled in Rome.", None),
        ("Ada Brandt no longer liked Oslo but lives in Rome.", None),
        ("Ada Brandt lives in Rome once a week.", None),
        ("Ada Brandt does not live in Rome.", "negated"),
        ("It is false that Ada Brandt lives in Rome.", "negated"),
        ("Ada Brandt nearly moved to Rome.", "negated"),
        ("Ada Brandt used to live in Rome.", "past"),
        ("As a child Ada Brandt lived in Rome.", "past"),
        ("Ada Brandt lived in Rome for ten years.", "past"),
        ("Ada Brandt was once at home in Rome.", "past"),
        ("Ada Brandt may move to Rome.", "hypothetical"),
        ("Ada Brandt will move to Rome next year.", "hypothetical"),
        ("If all goes well, Ada Brandt moves to Rome.", "hypothetical"),
        ("Ada Brandt reportedly lives in Rome.", "hypothetical"),
        ("Does Ada Brandt live in Rome?", "question"),
        ("Ada Brandt's sister lives in Rome.", "other subject"),
        ("The mother of Ada Brandt lives in Rome.", "other subject"),
        ("Ada Brandt also lives in Rome.", "additive"),
        ("Ada Brandt has a second home in Rome.", "additive"),
    ],
)
def test_vetoes_of_a_name(text: str, veto: str | None) -> None:
    found = vetoed(text, "Rome")
    assert found[:1] == ([] if veto is None else [veto])


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("My sister lives in Rome.", True),
        ("I heard my sister lives in Rome.", True),
        ("I live with my sister in Rome.", False),
        ("My doctor sent me to Rome.", False),
        ("My wife and I moved to Rome.", False),
    ],
)
def test_who_belongs_to_the_speaker(text: str, other: bool) -> None:
    assert ("other subject" in vetoed(text, "Rome", "I live in Oslo.", "I")) is other


def test_a_relation_to_a_person_is_about_the_subject() -> None:
    old = Claim("I'm married to Ben.", "I", "Ben")
    for new in ("My husband is Carl.", "Carl took over as my boss."):
        pair = Pair.of(old, Claim(new, "I", "Carl"))
        assert vetoes(pair.new_cues, pair.old_cues) == []
    vegan = Pair.of(Claim("I'm vegetarian.", "I", "vegetarian"), Claim("My husband is vegan.", "I", "vegan"))
    assert vetoes(vegan.new_cues, vegan.old_cues) == ["other subject"]


def test_a_cue_of_both_sentences_tells_nothing() -> None:
    old = "The former mayor of Ada Brandt is Oslo."
    assert vetoed("Ada Brandt's former mayor is Rome.", "Rome", old) == []


def test_when_is_no_veto_where_the_past_is_told_anyway() -> None:
    died = "Ada Brandt died in the city of Oslo."
    assert vetoed("Ada Brandt passed away in Rome during the war.", "Rome", died) == []
    assert vetoed("Ada Brandt lived in Rome during the war.", "Rome") == ["past"]


def test_masks() -> None:
    text = "Ada Brandt’s home is Rome, not Oslo."
    assert mask(text, ADA, "Rome", "Oslo") == "{s}'s home is {o}, not {a}."
    assert mask("He met ada brandt in May.", ADA) == "he met {s} in month."
    assert mask("Romeo lives in Rome.", "Romeo", "Rome") == "{s} lives in {o}."
    assert wording("{s} moved from {a} to {o}.") == "{s} moved from it to {o}"


@given(st.text(max_size=60), st.text(min_size=1, max_size=8), st.none() | st.text(max_size=8))
def test_any_text_can_be_read(text: str, subject: str, value: str | None) -> None:
    if not text.strip() or not subject.strip():
        with pytest.raises(InvalidInput):
            Claim(text, subject, value)
        return
    claim = Claim(text, subject, value)
    reading = claim.reading()
    assert vetoes(reading, reading) in ([], ["question"])


def test_senses() -> None:
    assert senses("{s} passed away in {o}") & senses("{s} died in the city of {o}")
    assert not senses("{s} grew up in {o}") & senses("{s} was born in {o}")
    assert not senses("the vice president of {s} is {o}") & senses("{o} is president of {s}")
    assert senses("{s} zzz {o}") == frozenset()
    assert "language_speak" in SEVERAL and "death" not in SEVERAL
    assert senses("{s} is located in {o}") <= GENERAL
    assert not senses("the headquarters of {s} is located in {o}") & GENERAL
    assert stems("The wives of {s}") == ["wive", "of", "{s}"]
