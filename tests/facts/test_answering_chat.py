"""What ``ask`` says of chats: updates in other words are shown, several values are listed, ends are told."""

from __future__ import annotations

import pytest

import agentmem

MOVED = (("I live in Lyon with my sister.", "2023-01-05"), ("I moved to Berlin last week!", "2023-05-03"))
QUIT = (("I drive a Skoda.", "2023-01-05"), ("I sold the Skoda yesterday.", "2023-05-03"))
WHERE, CAR = "Where does Ada live?", "Which car does Ada drive?"


def ask(
    question: str, said: tuple[tuple[str, str], ...], updates: str = "strict", at: str = "2023-06-01"
) -> str:
    with agentmem.open(":memory:", updates=updates) as store:
        store.add_many([{"text": text, "speaker": "Ada", "at": day} for text, day in said])
        answer = store.ask(question, at=at)
        assert updates != "strict" or not any(fact.valid_until for fact in store.facts("Ada", state="active"))
        return answer.text or ""


def test_an_update_in_other_words_is_shown_and_only_auto_acts_on_it() -> None:
    note = "Lyon (may have changed: “I moved to Berlin last week!”, said on 3 May 2023)"
    assert ask(WHERE, MOVED) == note
    assert (
        ask(WHERE, MOVED, "propose") == "Berlin (said on 3 May 2023; or still Lyon, said on 5 January 2023)"
    )
    assert ask(WHERE, MOVED, "auto") == "Berlin"


def test_an_end_told_with_a_new_value_is_an_update() -> None:
    said = (("I work at a bakery.", "2023-01-05"), ("I quit the bakery and started at Acme.", "2023-05-03"))
    where = "Where does Ada work?"
    note = "bakery (may have changed: “I quit the bakery and started at Acme.”, said on 3 May 2023)"
    assert ask(where, said) == note
    assert ask(where, said, "propose") == "Acme (said on 3 May 2023; or still bakery, said on 5 January 2023)"
    assert ask(where, said, "auto") == "Acme"


def test_as_of_a_time_before_it_there_was_no_update() -> None:
    assert ask(WHERE, MOVED, at="2023-02-01") == "Lyon"


def test_an_end_is_told_and_only_auto_acts_on_it() -> None:
    note = "Skoda (may hold no more: “I sold the Skoda yesterday.”, said on 3 May 2023)"
    assert ask(CAR, QUIT) == note
    assert ask(CAR, QUIT, "propose") == note
    assert ask(CAR, QUIT, "auto") == "no longer Skoda (until 3 May 2023)"


def test_what_is_no_more_in_the_same_words_is_no_answer_but_told() -> None:
    said = (("I work at Acme.", "2023-01-05"), ("I no longer work at Acme.", "2023-05-03"))
    want = "no longer Acme (“I no longer work at Acme.”, said on 3 May 2023)"
    assert ask("Where does Ada work?", said) == want


@pytest.mark.parametrize(
    ("older", "newer", "question", "want"),
    [
        ("I speak German.", "I speak French too.", "Which languages does Ada speak?", "French; also German"),
        ("I collect stamps.", "I collect coins.", "What does Ada collect?", "coins; also stamps"),
    ],
)
def test_what_people_have_several_of_is_listed(older: str, newer: str, question: str, want: str) -> None:
    text = ask(question, ((older, "2023-01-05"), (newer, "2023-05-03")))
    assert text == f"{want} (said on 5 January 2023)"


@pytest.mark.parametrize(
    "newer",
    [
        "I might move to Oslo.",
        "My parents moved to Oslo.",
        "I don't live in Oslo.",
        "I used to live in Oslo.",
        "I visited Oslo last week.",
        "Should I move to Oslo?",
        "My favourite city is Oslo.",
    ],
)
def test_what_is_no_update_changes_nothing(newer: str) -> None:
    said = (("I live in Lyon.", "2023-01-05"), (newer, "2023-05-03"))
    assert ask(WHERE, said) == "Lyon"
    assert ask(WHERE, said, "auto") == "Lyon"


def test_a_favourite_of_another_kind_is_no_update() -> None:
    said = (("My favourite colour is green.", "2023-01-05"), ("My favourite food is sushi.", "2023-05-03"))
    assert ask("What is Ada's favourite colour?", said, "propose") == "green"


def test_of_a_subject_of_whom_much_is_said_updates_are_found_all_the_same() -> None:
    said = [
        {"text": f"My thing{chr(97 + n)} is Foo{n}.", "speaker": "Ada", "at": "2023-01-01"} for n in range(26)
    ]
    said += [{"text": f"I follow Bar{n}.", "speaker": "Ada", "at": "2023-01-02"} for n in range(26)]
    said += [{"text": text, "speaker": "Ada", "at": day} for text, day in MOVED]
    with agentmem.open(":memory:") as store:
        store.add_many(said)
        surest = store.facts.proposals("Ada")[0]
        assert (surest.older.object, surest.newer.object, surest.level) == ("Lyon", "Berlin", "strong")
        assert "Berlin" in (store.ask(WHERE, at="2023-06-01").text or "")


def test_the_newest_count_answers() -> None:
    said = (("I have two cats.", "2023-01-05"), ("I have three cats now!", "2023-05-03"))
    assert ask("How many cats does Ada have?", said) == "three"


def test_things_of_other_kinds_update_nothing() -> None:
    said = (
        "My guitar is a Fender.",
        "My bike is a Trek.",
        "My dog is called Rex.",
        "My cat is called Tom.",
        "My favourite food is sushi.",
        "My favourite band is Muse.",
        "I drive a Fiat.",
        "I play chess.",
        "I work at Acme.",
        "I study law.",
        "I joined a gym.",
        "My bank is Ing.",
        "I bank with Revolut now.",
    )
    with agentmem.open(":memory:") as store:
        store.add_many(
            [{"text": text, "speaker": "Ada", "at": f"2023-01-{n + 1:02}"} for n, text in enumerate(said)]
        )
        strong = [one.older.object for one in store.facts.proposals() if one.level == "strong"]
        assert strong == ["Ing"]
