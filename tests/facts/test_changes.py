"""What the facts of hits replaced, or were replaced by, from the outside."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

import agentmem
from agentmem import ManualClock
from agentmem.facts import view as views
from agentmem.facts.names import alike
from agentmem.facts.senses import several
from agentmem.memory import Draft, Hit
from agentmem.store import MemoryStore

SAID = (
    ("w1", "Ada works for Acme.", "2019-02-01"),
    ("w2", "Ben works for Globex.", "2019-02-02"),
    ("l1", "Acme is led by Dora.", "2019-02-03"),
    ("l2", "Globex is led by Emil.", "2019-02-04"),
    ("l3", "Acme is led by Emil.", "2022-05-03"),
)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    with agentmem.open(":memory:", embedder="none", clock=ManualClock("2024-05-01T12:00:00Z")) as opened:
        fill(opened)
        yield opened


def fill(store: MemoryStore) -> None:
    store.add_many([Draft(text, id=id, at=at) for id, text, at in SAID])


def changed(store: MemoryStore, question: str = "Acme Globex works led", **options: Any) -> dict[str, str]:
    """Id -> what explaining adds."""
    hits = store.search(question, **options)
    options.pop("subtree", None)
    told = store.explain(hits, **options)
    assert [hit.memory for hit in told] == [hit.memory for hit in hits]
    assert all(after.why[: len(before.why)] == before.why for before, after in zip(hits, told, strict=True))
    pairs = zip(hits, told, strict=True)
    return {a.memory.id: "; ".join(b.why[len(a.why) :]) for a, b in pairs if a.why != b.why}


DORA = "replaced by “Acme is led by Emil.” on 3 May 2022"
EMIL = "replaces “Acme is led by Dora.” since 3 May 2022"


def test_both_sides_of_a_change(store: MemoryStore) -> None:
    assert changed(store) == {"l1": DORA, "l3": EMIL}
    assert store.ask("Who leads Acme?").hits[0].why == (EMIL,), "the same words as in an answer"


def test_a_search_alone_reads_no_facts(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(views.FactView, "sync", fail)
    assert all(EMIL not in hit.why for hit in store.search("Who leads Acme?"))
    assert changed(store)["l3"] == EMIL, "nor does explaining read the whole namespace"


def test_as_of_a_time(store: MemoryStore) -> None:
    assert changed(store, at="2020-01-01") == {}
    store.add("Acme is led by Ida.", id="l4", at="2023-01-01")
    assert changed(store, at="2022-12-01") == {"l1": DORA, "l3": EMIL}
    assert changed(store)["l3"] == "replaced by “Acme is led by Ida.” on 1 January 2023"
    assert changed(store)["l1"] == "replaced by “Acme is led by Ida.” on 1 January 2023"


def test_as_known_at_a_time() -> None:
    clock = ManualClock("2024-05-01T12:00:00Z")
    with agentmem.open(":memory:", embedder="none", clock=clock) as store:
        fill(store)
        clock.set("2024-06-01")
        store.delete("l3")
        assert changed(store) == {}
        assert changed(store, known_at="2024-05-15") == {"l1": DORA, "l3": EMIL}


def test_the_end_of_a_fact(store: MemoryStore) -> None:
    store.add("Ada no longer works for Acme.", id="w3", at="2023-06-05")
    found = changed(store)
    assert found["w1"] == "has not held since 5 June 2023"
    assert found["w3"] == "ends “Ada works for Acme.” on 5 June 2023"


def test_decisions_count(store: MemoryStore) -> None:
    correction = store.facts.wrong("l3#0")
    assert changed(store) == {}
    store.facts.undo(correction.id)
    assert changed(store) == {"l1": DORA, "l3": EMIL}
    store.facts.several("l1#0")
    assert changed(store) == {}
    store.add("Ben has joined Initech.", id="b", at="2023-01-01")
    store.add("Cleo has joined Initrode.", id="c", at="2023-01-02")
    assert "w2" not in changed(store, "Ben")
    store.facts.replace("w2#0", "b#0")
    assert changed(store, "Ben")["w2"] == "replaced by “Ben has joined Initech.” on 1 January 2023"
    assert changed(store, "Ben")["b"] == "replaces “Ben works for Globex.” since 1 January 2023"


def test_updates_in_other_words_count_where_they_are_acted_on() -> None:
    with agentmem.open(":memory:", updates="auto", clock=ManualClock("2024-05-01T12:00:00Z")) as store:
        for n, (who, where) in enumerate((("Ada", "Rome"), ("Ben", "Oslo"), ("Cleo", "Bonn"))):
            store.add(f"{who} lives in {where}.", id=f"a{n}", at="2023-01-01")
        store.add("Ada has moved to Lisbon.", id="m", at="2023-05-01")
        store.add("Ben has moved to Porto.", id="n", at="2023-05-02")
        answer = store.ask("Where does Ada live?")
        found = changed(store, "Where does Ada live?")
        assert (answer.text == "Lisbon") == ("a0" in found)


def test_what_speakers_say_of_themselves() -> None:
    with agentmem.open(":memory:", embedder="none", clock=ManualClock("2024-05-01T12:00:00Z")) as store:
        for n, (who, text) in enumerate(
            (
                ("Ada", "I live in Oslo."),
                ("Ben", "Nice! I live in Rome."),
                ("Cleo", "I live in Bonn."),
                ("Ada", "I live in Porto."),
            )
        ):
            store.add(text, speaker=who, session="s", id=f"m{n}", at=f"2023-01-0{n + 1}")
        assert changed(store, "live") == {
            "m0": "seems replaced by “I live in Porto” on 4 January 2023",
            "m3": "seems to replace “I live in Oslo” since 4 January 2023",
        }


def test_what_may_have_several_values_is_not_replaced() -> None:
    with agentmem.open(":memory:", embedder="none", clock=ManualClock("2024-05-01T12:00:00Z")) as store:
        for n, text in enumerate(("I'm using Flask for my backend.", "I'm using Bootstrap for my pages.")):
            store.add(text, speaker="Ada", session="s", id=f"m{n}", at=f"2023-01-0{n + 1}")
        store.add("Bea speaks French.", id="f", at="2023-02-01")
        store.add("Bea speaks French well.", id="g", at="2023-02-02")
        assert changed(store, "using Flask Bootstrap French") == {}


def test_hits_of_several_namespaces(store: MemoryStore) -> None:
    other = store.namespace("other")
    other.add_many([Draft(text, id=id, at=at) for id, text, at in SAID[:4]])
    hits = store.explain(store.search("Acme", k=20, subtree=True))
    told = {(hit.memory.namespace, hit.memory.id): hit.why[-1] for hit in hits}
    assert told[(), "l1"] == DORA and told[("other",), "l1"] == "says 'Acme'"


def test_hits_that_are_no_longer_so(store: MemoryStore) -> None:
    hits = store.search("Acme")
    store.update("l3", text="Acme is led by Ida.")
    found = {hit.memory.id: hit.why[-1] for hit in store.explain(hits)}
    assert found["l1"].startswith("replaced by “Acme is led by Ida.”")
    assert found["l3"] == "says 'Acme'", "the version that was found is not the one that stands"
    store.erase(ids=["l1", "l3"])
    assert store.explain(hits) == hits
    assert store.explain([]) == []


def test_nothing_where_nothing_was_written() -> None:
    with agentmem.open(":memory:") as store:
        fill(store)
        hits = store.search("Acme")
        with agentmem.open(":memory:") as empty:
            assert empty.explain(hits) == hits


def test_async(store: MemoryStore) -> None:
    async def told() -> list[Hit]:
        return await store.aexplain(await store.asearch("Who leads Acme?"))

    assert EMIL in asyncio.run(told())[0].why


def test_what_is_read_around_hits_tells_what_all_would() -> None:
    """A slot of many values, names of several words, objects that stand in many slots, talk between."""
    draw = random.Random(5)
    names = [a + b for a in ("Or", "Ka", "Zen", "Tar") for b in ("ion", "dan", "mar")]
    items = []
    for n in range(1_500):
        name, other = draw.choice(names[:3] if n % 2 else names), draw.choice(names)
        text, speaker = (
            (f"The build status of {name} is {draw.choice(['green', 'red', 'yellow'])}.", None),
            (f"{name} is led by {other} {draw.choice(names)}.", None),
            (f"I live in {name}.", draw.choice(["Ada", "Ben"])),
            (
                f"Hm! How was {name}? I walked to {other}. My boss is {other}. Bye.",
                draw.choice(["Ada", "Ben"]),
            ),
            (f"I like to live near {name}, but the build of {other} leads nowhere, so no.", "Ada"),
        )[n % 5]
        at = f"20{draw.randrange(10, 24)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"
        items.append(
            Draft(text, id=f"m{n}", at=at, speaker=speaker, session=f"s{n // 20}" if speaker else None)
        )
    with agentmem.open(":memory:", embedder="none") as store:
        memories = {memory.id: memory for memory in store.add_many(items)}
        facts = [fact for fact in store.facts() if fact.state != "closed"]
        active = {(one.subject_key, one.frame.key): one for one in facts if one.state == "active"}
        older = [one for one in facts if one.state == "older"]
        for fact in draw.sample(older, 20):
            newest = active[fact.subject_key, fact.frame.key]
            past, now = store.explain([Hit(memories[one.memory], 0.0, 0.0, {}) for one in (fact, newest)])
            if not alike(fact.object_key, newest.object_key) and not (
                fact.clause and several(fact.frame.key)
            ):
                assert f"replaced by “{newest.clause or newest.sentence}” on " in past.why[0]
                assert now.why[0].startswith(("replaces ", "seems to replace "))


def test_of_a_text_that_says_more_the_sentence_is_named(store: MemoryStore) -> None:
    store.add("Rain again. Globex is led by Ida. Bring a coat.", id="x", at="2023-01-01")
    store.add("Globex is led by Jon.", id="y", at="2023-02-01")
    found = changed(store)
    assert found["x"] == "“Globex is led by Ida.” was replaced by “Globex is led by Jon.” on 1 February 2023"
    assert found["y"] == "replaces “Globex is led by Ida.” since 1 February 2023"


def test_a_wall_is_not_looked_over(store: MemoryStore) -> None:
    hits = store.search("Acme")
    assert store.namespace("below").explain(hits) == hits
    one, other = store.namespace("one"), store.namespace("other")
    one.add_many([Draft(text, id=id, at=at) for id, text, at in SAID])
    hits = one.search("Acme")
    assert other.explain(hits) == hits
    assert EMIL in one.explain(hits)[0].why + one.explain(hits)[1].why


def test_what_a_search_would_not_find_is_not_told_of(store: MemoryStore) -> None:
    store.update("l3", metadata={"private": True})
    public = {"$not": {"private": True}}
    assert changed(store, filter=public) == {}
    assert changed(store) == {"l1": DORA, "l3": EMIL}
    store.update("l3", expires_at="2023-01-01")
    assert changed(store) == {}
    assert changed(store, at="2022-12-01") == {"l1": DORA, "l3": EMIL}
