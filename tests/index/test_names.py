"""The names index: what is a name, and incremental equals rebuilt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agentmem
from agentmem.backends.sqlite import open_sqlite
from agentmem.index.names import NamesIndex, key_of, keys_of, mentions, names_of, normal, question_spots
from agentmem.index.names_postings import Postings
from agentmem.index.names_text import INSIDE, SINGLE, UNCASED, WHOLE, title_keys, title_of, title_spots
from agentmem.index.space import Space
from agentmem.store import MemoryStore


def spans(text: str) -> list[str]:
    return [text[one.start : one.end] for one in mentions(text)]


def space_of(store: MemoryStore) -> tuple[Space, NamesIndex]:
    runtime = store._runtime
    number = runtime.number(store._namespace)
    assert number is not None
    space = runtime.space(number)
    return space, names_of(space, runtime.backend)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "Beatles"),
        ("J. R. R. Tolkien", "J.R.R. Tolkien"),
        ("Beyoncé's", "beyonce"),
        ("ADA Lovelace", "Ada  Lovelace"),
        ("O'Brien", "O’Brien"),
        ("Jean-Luc Picard", "Jean Luc Picard"),
    ],
)
def test_forms_of_a_name_are_equal(one: str, other: str) -> None:
    assert normal(one) == normal(other) != ""
    assert key_of(one) == key_of(other) != 0


def test_keys_are_the_same_in_every_process() -> None:
    assert key_of("Ada Lovelace") == 12179199424147358866
    assert key_of("...") == 0


def test_mentions_of_a_sentence() -> None:
    found = spans("However, the Duke of Wellington met Ada Lovelace in St. Ives. Thanks to Apollo 11!")
    assert {"Duke of Wellington", "Ada Lovelace", "St. Ives", "Apollo 11", "Wellington"} <= set(found)
    assert not {"However", "the", "Thanks to"} & set(found)


def test_a_capital_at_the_beginning_of_a_sentence_is_marked() -> None:
    found = keys_of("Pottery is fun. I met Caroline and the Smiths. “Wow”, said Ada Byron.")
    assert found[key_of("Pottery")] == WHOLE | SINGLE
    assert found[key_of("Caroline")] == WHOLE | SINGLE | INSIDE
    assert found[key_of("Byron")] == SINGLE | INSIDE
    assert found[key_of("Ada Byron")] == WHOLE | INSIDE
    assert key_of("I") not in found


def test_names_where_there_are_no_capitals() -> None:
    found = keys_of("我昨天在看《红楼梦》，和カタカナ。")
    assert found[key_of("红楼梦")] & UNCASED
    assert found[key_of("カタカナ")] & UNCASED
    assert keys_of("Анна Каренина жила в Москве.")[key_of("Анна Каренина")] & WHOLE


@pytest.mark.parametrize(
    ("text", "given", "title"),
    [
        ("Ada Lovelace\nShe wrote the first program.", None, "Ada Lovelace"),
        ("It rained.\nWe stayed at home and read a book.", None, None),
        ("Just one line", None, None),
        ("Title\n", None, None),
        ("Anything at all.", " The given one ", "The given one"),
        ("Anything at all.", 7, None),
    ],
)
def test_titles(text: str, given: object, title: str | None) -> None:
    assert title_of(text, given) == title


def test_a_title_may_be_named_without_its_parenthesis() -> None:
    assert title_keys("Move (1970 film)") == [key_of("Move (1970 film)"), key_of("Move")]
    assert title_keys("The Who") == [key_of("Who")]


def test_spots_reach_over_small_words() -> None:
    spots = title_spots("He wrote War and Peace in Russia.")
    assert key_of("War and Peace") in {one.key for one in spots}
    assert key_of("war and peace") in {one.key for one in question_spots("who wrote war and peace?")}


# --- the index -------------------------------------------------------------------------------------


def test_who_names_whom() -> None:
    store = agentmem.open(":memory:", embedder="none")
    store.add("Nosferatu\nA silent film directed by F. W. Murnau in the town of Wismar.", id="film")
    store.add("F. W. Murnau\nA director, who was born in Bielefeld.", id="man")
    store.add("We stayed a night in Wismar.", id="note")
    space, names = space_of(store)
    film, man, note = (space.doc_of(id) for id in ("film", "man", "note"))
    assert names.titled.tolist() == [True, True, False]
    assert names.bearers(key_of("F.W. Murnau")).tolist() == [man]
    assert sorted(names.holders(key_of("Wismar"))[0].tolist()) == sorted([film, note])
    assert key_of("Bielefeld") in names.keys(man)[0]
    reading = names.reading(film)
    assert reading is not None and reading.title == "Nosferatu"
    assert key_of("F. W. Murnau") in {one.key for one in reading.mentions}
    store.delete("note")
    space, names = space_of(store)
    assert names.holders(key_of("Wismar"))[0].tolist() == [film]
    store.close()


def test_turns_have_no_title_and_alone_are_not_worth_reading() -> None:
    store = agentmem.open(":memory:", embedder="none")
    store.add("Paris\nWe went to Paris, it was so nice there.", speaker="Ada", session="1")
    space = store._runtime.space(1)
    assert not space.names.worth(space)
    store.add("Paris\nThe capital of France, on the Seine, is a city.")
    space, names = space_of(store)
    assert names.worth(space)
    assert names.titled.tolist() == [False, True]
    assert names.turns.tolist() == [True, False]
    store.close()


WORDS = (
    "Ada",
    "Bob Marley",
    "the sea",
    "Paris",
    "went home",
    "New York",
    "wrote to",
    "Ada Byron",
    "。红楼梦",
)
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(TEXTS, min_size=1, max_size=4), st.booleans()),
        st.tuples(st.just("delete"), st.integers(0, 30), st.just(False)),
        st.tuples(st.just("update"), st.integers(0, 30), TEXTS),
    ),
    min_size=1,
    max_size=8,
)


def contents(space: Space, names: NamesIndex) -> dict[str, object]:
    keys = np.array([key_of(word) for word in (*WORDS, "Marley", "Byron", "York", "红楼梦")], np.uint64)
    held: dict[tuple[int, str], int] = {}
    for place, doc, bits in zip(*names.holders_of(keys), strict=True):
        held[int(place), space.id_of(int(doc))] = int(bits)
    borne = sorted((int(p), space.id_of(int(d))) for p, d in zip(*names.bearers_of(keys), strict=True))
    live = np.flatnonzero(space.live).tolist()
    each = {space.id_of(d): [column.tolist() for column in names.keys(d)] for d in live}
    titled = {space.id_of(d): bool(names.titled[d]) for d in live}
    for doc in live:
        own = names.keys(doc)[0]
        assert names.places(own, np.full(len(own), doc)).tolist() == list(range(len(own)))
    return {"held": held, "borne": borne, "each": each, "titled": titled}


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_incremental_equals_rebuilt(steps: list[tuple[str, object, object]]) -> None:
    store = agentmem.open(":memory:", embedder="none")
    store.add("Begin.", id="0")
    count = 1
    space, names = space_of(store)
    for kind, what, more in steps:
        if kind == "add":
            assert isinstance(what, list)
            for text in what:
                whole = f"{text}\nAnd so the story of it goes on and on." if more else text
                store.add(whole, id=str(count))
                count += 1
        elif (id := str(what)) in {memory.id for memory in store.list()}:
            if kind == "delete":
                store.delete(id)
            else:
                store.update(id, text=str(more))
        space, names = space_of(store)
    runtime = store._runtime
    _, columns = runtime.backend.columns(space.ns)
    fresh = Space.of(columns, space.settings, space.ns)
    assert contents(space, names) == contents(fresh, names_of(fresh, runtime.backend))
    kept = NamesIndex.from_arrays(names.to_arrays())
    kept.sync(space, runtime.backend)
    assert contents(space, kept) == contents(space, names)
    store.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=6), max_size=12))
def test_postings_find_what_was_added(batches: list[list[int]]) -> None:
    postings, expected, doc = Postings(), [], 0
    for batch in batches:
        docs = np.arange(doc, doc + len(batch), dtype=np.int32)
        postings.add(np.array(batch, np.uint64), docs, np.ones(len(batch), np.uint8))
        expected += [(key, int(d)) for key, d in zip(batch, docs, strict=True)]
        doc += len(batch)
    asked = np.array([3, 0, 9, 6], np.uint64)
    places, found, _ = postings.find(asked)
    got = list(zip(asked[places].astype(int).tolist(), found.tolist(), strict=True))
    assert sorted(got) == sorted(pair for pair in expected if pair[0] in (3, 0, 6))
    assert len(postings) == len(expected)
    assert np.all(np.diff(places) >= 0)
    again = Postings.from_arrays(postings.to_arrays())
    assert again.find(asked)[1].tolist() == found.tolist()


def test_a_snapshot_keeps_names(tmp_path: Path) -> None:
    path = f"{tmp_path}/m.db"
    texts = [f"Page {i}\nThis page tells of Ada Byron and of Town{i % 7} at length." for i in range(60)]
    with agentmem.open(path, embedder="none") as store:
        store.add_many(texts)
        snapshots = store._runtime.spaces.snapshots
        assert snapshots is not None
        snapshots.min_documents = 10
        before = contents(*space_of(store))
    backend = open_sqlite(path)
    from agentmem.index.spaces import Spaces

    spaces = Spaces(backend)
    assert spaces.snapshots is not None
    spaces.snapshots.min_documents = 10
    space = spaces.get(1)
    assert space.names.n == 60  # read from the snapshot, not from texts
    assert contents(space, names_of(space, backend)) == before
    backend.close()
