"""Pairs: what a strong memory leads to, and what it must leave alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import agentmem
from agentmem import Derived, Draft
from agentmem.errors import InvalidInput
from agentmem.index.names import names_of
from agentmem.index.terms import QueryTerm
from agentmem.memory import Hit
from agentmem.recall.pairs import Pairs, PairWeights, presence
from agentmem.recall.pairs_links import Asked, Side
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms
from agentmem.store import MemoryStore
from agentmem.stores.unified import UnifiedStore

FILM = "Nosferatu\nNosferatu is a silent film directed by Friedrich Murnau, whose star was Max Schreck."
MAN = "Friedrich Murnau\nMurnau came from Bielefeld, as the son of Heinrich Plumpe."
ASKED = "In which city was the director of Nosferatu born?"


def filled(path: Path | str = ":memory:", **options: object) -> MemoryStore:
    store = agentmem.open(path, embedder="none", **options)
    store.add(FILM, id="film")
    store.add(MAN, id="man")
    for i in range(30):
        store.add(f"Page {i}\nThis page is about the tools of a garden in season {i * 7}.", id=f"page{i}")
    return store


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.memory.id for hit in hits]


def test_a_text_leads_to_the_one_whose_title_it_names() -> None:
    store = filled()
    hits = store.search(ASKED, 2)
    assert ids(hits) == ["film", "man"]
    assert hits[1].why[0] == "named in 'Nosferatu'"
    assert [(step.id, step.kind) for step in hits[1].via] == [("film", "named in")]
    assert hits[0].why[0] == "the question names its title"
    assert "leads to what else is asked" in hits[0].why
    assert hits[0].score > hits[1].score
    store.close()


def test_a_shared_rare_name_leads_on() -> None:
    store = filled()
    store.add(
        "Wismar\nThe harbour of this town was the scene of a famous film by Heinrich Plumpe.", id="town"
    )
    hits = store.search("Friedrich Murnau: which harbour town, a scene of a film?", 3)
    assert "town" in ids(hits)
    why = next(hit.why for hit in hits if hit.memory.id == "town")
    assert "shares the name 'Heinrich Plumpe' with 'Friedrich Murnau'" in why
    store.close()


def test_each_kind_of_link_can_be_turned_off() -> None:
    for options, kinds in (
        ({"pairs": False}, set()),
        ({"named": False, "shared": False}, set()),
        ({"named": False}, {"shares a name"}),
        ({"shared": False}, {"named in"}),
    ):
        store = filled(**options)
        assert {step.kind for hit in store.search(ASKED, 5) for step in hit.via} == kinds
        store.close()
    with pytest.raises(InvalidInput, match="named=1 is neither"):
        agentmem.open(":memory:", embedder="none", named=1)


def test_seeds_can_be_turned_off() -> None:
    store = filled(seeds=False)
    assert "title" not in store.search(ASKED, 1)[0].signals
    store.close()


def test_a_store_of_turns_is_left_as_it_is() -> None:
    turns = [
        {
            "text": f"I saw Max Schreck and Greta Garbo, number {i}, in Wismar",
            "speaker": "Ada",
            "session": "s",
        }
        for i in range(20)
    ]
    with agentmem.open(":memory:", embedder="none") as on:
        with agentmem.open(":memory:", embedder="none", pairs=False) as off:
            for store in (on, off):
                store.add_many([{**turn, "id": str(i)} for i, turn in enumerate(turns)])
            asked = "Who saw Greta Garbo in Wismar?"
            one, other = on.search(asked, 20), off.search(asked, 20)
            assert [(h.memory.id, h.score) for h in one] == [(h.memory.id, h.score) for h in other]
            assert on._runtime.space(1).names.n == 0  # no text was read


def test_a_partner_stays_below_its_root() -> None:
    store = agentmem.open(":memory:", embedder="none")
    store.add("Ada Byron\nAda Byron lived in London.", id="ada")
    store.add("London\nThe occupation of London, an old city, is trade; a city, an occupation.", id="london")
    for i in range(20):
        store.add(f"Page {i}\nSome page about gardens and their tools, part {i}.")
    assert ids(store.search("What was the occupation of Ada Byron?", 2)) == ["ada", "london"]
    store.close()


def test_filters_hold_for_what_is_reached() -> None:
    store = filled()
    store.update("man", metadata={"hidden": True})
    found = store.search(ASKED, 40, filter={"hidden": {"$exists": False}})
    assert "man" not in ids(found)
    store.delete("man")
    assert "man" not in ids(store.search(ASKED, 40))
    store.close()


def test_versions_known_at_another_time_have_no_pairs() -> None:
    store = filled()
    before = store.get("man").recorded_at
    assert not any(hit.via for hit in store.search(ASKED, 5, known_at=before))
    store.close()


def test_links_do_not_cross_namespaces() -> None:
    store = agentmem.open(":memory:", embedder="none")
    store.namespace("a").add(FILM, id="film")
    store.namespace("b").add(MAN, id="man")
    store.namespace("b").add("Gardens\nAll about gardens and their tools in autumn.", id="other")
    hits = store.search(ASKED, 5, subtree=True)
    assert not any(hit.via for hit in hits)
    store.namespace("a").add(MAN, id="man")
    reached = [hit for hit in store.search(ASKED, 5, subtree=True) if hit.via]
    assert [(hit.memory.namespace, hit.memory.id) for hit in reached] == [(("a",), "man")]
    store.close()


def test_what_is_reached_in_a_large_namespace_is_scored_like_the_rest() -> None:
    store = filled()
    assert isinstance(store, UnifiedStore)
    whole = {hit.memory.id: hit.signals for hit in store.search(ASKED, 5)}
    few = Recipe(pool=1, exhaustive=1, spread=(Pairs(store._runtime.backend),))
    store.__dict__["_made"] = few
    part = {hit.memory.id: hit.signals for hit in store.search(ASKED, 2)}
    assert set(part) == {"film", "man"}
    for id, signals in part.items():
        for name in ("words", "length", "title"):
            assert signals.get(name) == whole[id].get(name)
        assert signals["pairs"] == pytest.approx(whole[id]["pairs"], abs=0.5)
    store.close()


def test_presence_is_own_words_and_similar_ones() -> None:
    store = agentmem.open(":memory:", embedder="none")
    store.add_many(["big cats", "a large dog", "a dog and a dog, big"])
    space = store._runtime.space(1)
    ids = store._runtime.backend.term_ids(["big", "larg", "dog"])
    terms = (
        QueryTerm(1.0, ((ids["big"], 1.0), (ids["larg"], 0.5))),
        QueryTerm(2.0, ((ids["dog"], 1.0), (ids["big"], 0.1))),
        QueryTerm(1.0, ((10**6 + ids["dog"], 1.0),)),
    )
    said = presence(space, np.array([0, 2, 1]), Terms(terms, ("big", "dog", "x"), 4.0))
    assert said.tolist() == [[1.0, 1.0, 0.5], [0.1, 1.0, 1.0], [0.0, 0.0, 0.0]]
    store.close()


class Counting:
    """Tokens that hold everything for equally near, but for one text."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self.cleared = 0

    def closeness(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(texts)
        return np.array([[0.9 if "Bielefeld" in text else 0.1 for text in texts]], np.float32)

    def clear(self) -> None:
        self.cleared += 1


def test_tokens_measure_the_gain_of_the_best_partners_only() -> None:
    store = filled()
    tokens = Counting()
    step = Pairs(store._runtime.backend, PairWeights(measured=3), tokens=tokens)
    store.__dict__["_made"] = Recipe(spread=(step,))
    assert ids(store.search(ASKED, 2)) == ["film", "man"]
    (texts,) = tokens.asked
    assert len(texts) <= 2 * 3 + 10 and any(text.startswith("Friedrich Murnau\n") for text in texts)
    assert step.fingerprint() != Pairs(store._runtime.backend).fingerprint()
    store.erase(ids="man")
    import gc

    gc.collect()
    assert tokens.cleared  # what an erased text meant is forgotten with the index
    store.close()


def test_turns_lead_nowhere_and_keep_their_place_among_texts() -> None:
    turns = [
        {
            "text": f"I saw Friedrich Murnau in Bielefeld, day {i}",
            "speaker": "Ada",
            "session": "s",
            "id": f"t{i}",
        }
        for i in range(12)
    ]
    on, off = filled(), filled(pairs=False)
    for store in (on, off):
        store.add_many(turns)
    hits = on.search("Whom did Ada see on day 3?", 12)
    assert not any(hit.via for hit in hits)
    assert ids(hits)[:5] == ids(off.search("Whom did Ada see on day 3?", 5))
    assert ids(on.search(ASKED, 1)) == ["film"]
    on.close()
    off.close()


def test_a_note_is_reached_beside_texts_with_titles_as_well_as_they() -> None:
    store = agentmem.open(":memory:", embedder="none")
    store.add("Anticimex was sold to EQT Partners in the spring, as everybody had expected.", id="root")
    store.add("EQT Partners, headquartered in Stockholm, buys and sells firms.", id="note")
    store.add("Vasa\nThis ship of Stockholm, headquartered nowhere, met EQT Partners.", id="titled")
    for i in range(40):
        store.add(f"Some line about gardens and their tools, part {i}.")
    hits = store.search("Where is the parent of Anticimex headquartered?", 3)
    parts = {hit.memory.id: hit.signals.get("pairs", 0.0) for hit in hits}
    assert parts["note"] >= parts["titled"] > 0  # it has the name at its beginning
    store.close()


def strengths(*partners: str) -> list[float]:
    """The strengths of the links from one text to others that share a name with it."""
    store = agentmem.open(":memory:", embedder="none")
    store.add("The bells of Saint Ivo were cast by Orla Quint, and nobody else.", id="root")
    for i, text in enumerate((*partners, *(f"a line about gardens, part {i}" for i in range(30)))):
        store.add(text, id=str(i))
    space, backend = store._runtime.space(1), store._runtime.backend
    docs = np.array([space.doc_of("root")])
    pool = Pool(space, 0, docs, score=np.ones(1))
    side = Side(pool, names_of(space, backend), backend, PairWeights())
    links = side.links([(0, int(docs[0]))], Asked(Terms((), (), 0.0), Recipe()), True, True)
    best = [
        float(links.strength[links.doc == space.doc_of(str(i))].max(initial=0)) for i in range(len(partners))
    ]
    store.close()
    return best


def test_a_name_links_best_what_is_about_it() -> None:
    early = "Orla Quint lived by the sea, with Ben Lund of Harwick."
    late = "Ben Lund of Harwick lived by the sea, with Orla Quint."
    within = "The Orla Quint Memorial Prize lived on by the sea, with Ben Lund of Harwick."
    first, last, part = strengths(early, late, within)
    assert first > last > 0 and first > part > 0


def test_what_another_store_derived_makes_no_name_less_rare(tmp_path: Path) -> None:
    class Echo(MemoryStore):
        name = "echo"

        def _maintain(self, at: datetime) -> Iterator[Derived]:
            yield Derived(tuple(Draft(text, kind="echo", sources=("film",)) for text in (FILM, MAN) * 4))

    filled(path=tmp_path / "a.db").close()
    scores = []
    for _ in range(2):
        with agentmem.open(tmp_path / "a.db", embedder="none") as store:
            hits = store.search(ASKED, 5)
            assert hits[1].via
            scores.append([(hit.memory.id, pytest.approx(hit.score, rel=1e-6)) for hit in hits])
        with agentmem.open(tmp_path / "a.db", embedder="none", store=Echo) as other:
            other.consolidate()
    assert [(id, held.expected) for id, held in scores[1]] == scores[0]


def test_a_date_is_no_name() -> None:
    dated = "Orders of July 1944 reached the harbour of Harwick, where a bell of July was cast."
    store = agentmem.open(":memory:", embedder="none")
    store.add("In July 1944 the bells of Saint Ivo fell silent, and in July nobody knew why.", id="root")
    store.add(dated, id="other")
    store.add_many(f"a line about gardens, part {i}" for i in range(30))
    hits = store.search("Which harbour did the bells of Saint Ivo reach?", 3)
    assert not any("shares the name" in why for hit in hits for why in hit.why)
    store.close()


def test_where_the_best_pair_is_weak_all_lifts_are() -> None:
    def lift(least: float) -> float:
        store = filled()
        pairs = Pairs(store._runtime.backend, PairWeights(least=least, below=0.0))
        store._made = Recipe(spread=(pairs,))  # type: ignore[attr-defined]
        (root,) = [hit for hit in store.search(ASKED, 3) if hit.memory.id == "film"]
        store.close()
        return root.signals["pairs"]

    whole = lift(0.0)
    assert whole == pytest.approx(PairWeights().root_bonus)  # the best pair's root gets all of it
    assert lift(1e6) == pytest.approx(0.0, abs=1e-3)
    assert 0 < lift(4.0) < whole
