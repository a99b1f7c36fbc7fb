"""A space that was kept up to date equals one that is built anew, whatever happened in between."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy as np
import pytest

from agentmem.errors import EmbedderMismatch
from agentmem.filters import compile_filter
from agentmem.index.layout import Settings
from agentmem.index.lexical import QueryTerm
from agentmem.index.space import Space
from agentmem.index.spaces import Spaces

DIM = 8
SETTINGS = Settings("numpy", DIM)


def vectors(random: random.Random, pieces: int = 1) -> Any:
    rows = np.array([[random.gauss(0, 1) for _ in range(DIM)] for _ in range(pieces)], np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def step(backend: Any, random: random.Random) -> None:
    """One write of any kind."""
    live = [row for row, one in backend.rows.items() if one["live"]]
    what = random.choice(["add", "add", "add", "update", "retire", "embed", "pend", "reindex"])
    tokens = [random.randrange(20) for _ in range(random.randrange(6))]
    if what in ("add", "pend") or not live:
        backend.add(
            f"m{len(backend.rows)}",
            tokens,
            vectors(random, random.choice([1, 1, 3])) if what == "add" else None,
            session=random.choice([None, "s1", "s2"]),
            speaker=random.choice([None, "Ada", "Bo"]),
            metadata={"a": random.randrange(3)} if random.random() < 0.7 else {},
            flags=random.randrange(4),
        )
    elif what == "update":
        backend.update(random.choice(live), tokens, vectors(random))
    elif what == "retire":
        backend.retire(random.choice(live))
    elif what == "embed":
        backend.embed(random.choice(live), vectors(random, 2))
    else:
        backend.embed(random.choice(live), vectors(random), tokens)


def seen(space: Space, backend: Any) -> dict[str, Any]:
    """What a space says of its live documents, by id, free of document numbers."""
    docs = np.flatnonzero(space.live)
    words = space.lexical.score([QueryTerm(1.0, ((term, 1.0),)) for term in (1, 5, 7)], space.n)
    query = np.ones(DIM, np.float32) / np.float32(np.sqrt(DIM))
    assert space.vectors is not None
    cosines = space.vectors.scores(query, docs)
    probe = space.vectors.probe(query, 5, space.live)
    filter = compile_filter({"$or": [{"a": {"$gte": 1}}, {"@speaker": "Ada"}]})
    assert filter is not None
    passed = space.mask(filter, backend)
    ids = space.ids_of(docs)
    assert docs.tolist() == space.docs_of(ids).tolist()
    rows = {
        id: (
            int(space.rows[doc]),
            int(space.positions[doc]),
            int(space.at[doc]),
            int(space.flags[doc]),
            None if space.session[doc] < 0 else space.sessions[space.session[doc]],
            None if space.speaker[doc] < 0 else space.speakers[space.speaker[doc]],
            space.kinds[space.kind[doc]],
            bool(passed[doc]),
            round(float(words[doc]), 4),
            None if np.isnan(cosine) else round(float(cosine), 4),
        )
        for id, doc, cosine in zip(ids, docs, cosines, strict=True)
    }
    return {
        "rows": rows,
        "best": [
            (id, round(float(score), 4))
            for id, score in zip(space.ids_of(probe.docs), probe.scores, strict=True)
        ],
        "moments": (round(probe.mean, 4), round(probe.std, 4)),
        "df": space.lexical.df([1, 5, 7]).tolist(),
        "n": (space.n_live, len(space.vectors), space.lexical.n),
    }


@pytest.mark.parametrize("seed", range(12))
def test_kept_up_to_date_equals_built_anew(make_backend: Any, seed: int) -> None:
    rolls = random.Random(seed)
    backend = make_backend(DIM)
    spaces = Spaces(backend, "numpy", DIM)
    for _ in range(40):
        for _ in range(rolls.randrange(4)):
            step(backend, rolls)
        kept = spaces.get(1)
        if rolls.random() < 0.5:
            anew = Space(1, SETTINGS)
            anew.refresh(backend)
            assert seen(kept, backend) == seen(anew, backend)


def test_retired_documents_keep_their_number_until_a_rebuild(make_backend: Any) -> None:
    backend = make_backend(DIM)
    rolls = random.Random(0)
    rows = [backend.add(f"m{i}", [i % 50], vectors(rolls)) for i in range(2000)]
    spaces = Spaces(backend, "numpy", DIM)
    space = spaces.get(1)
    generation = space.generation
    for row in rows[:1000]:
        backend.retire(row)
    assert spaces.get(1) is space
    assert (space.n, space.n_live, space.generation) == (2000, 1000, generation)
    for row in rows[1000:1010]:
        backend.retire(row)
    spaces.get(1)
    assert (space.n, space.n_live, space.generation) == (990, 990, generation + 1)


def test_a_log_that_cannot_tell_means_a_rebuild(make_backend: Any) -> None:
    backend = make_backend(DIM)
    backend.add("a", [1])
    space = Space(1, SETTINGS)
    space.refresh(backend)
    space.cursor = 99
    assert space.refresh(backend)
    assert (space.generation, space.n, backend.scans) == (2, 1, 2)


def test_a_refresh_that_fails_midway_is_made_good(make_backend: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = make_backend(DIM)
    backend.add("a", [1])
    spaces = Spaces(backend, "numpy", DIM)
    space = spaces.get(1)
    backend.add("b", [2], vectors(random.Random(0)))
    with monkeypatch.context() as patch:
        patch.setattr(space.lexical, "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            spaces.get(1)
    assert spaces.get(1).ids_of([0, 1]) == ["a", "b"]
    assert space.n == space.lexical.n == 2


def test_nothing_new_asks_the_backend_for_its_version_only(
    make_backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = make_backend(DIM)
    backend.add("a", [1])
    spaces = Spaces(backend, "numpy", DIM)
    space = spaces.get(1)
    monkeypatch.setattr(backend, "changes", lambda *_: 1 / 0)
    assert spaces.get(1) is space


def test_spaces_beyond_the_bytes_are_dropped_oldest_first(make_backend: Any) -> None:
    backend = make_backend(DIM)
    for i in range(100):
        backend.add(f"m{i}", [i], vectors(random.Random(i)))
    one = Spaces(backend, "numpy", DIM).get(1).nbytes
    spaces = Spaces(backend, "numpy", DIM, max_bytes=3 * one)
    first = spaces.get(1)
    kept = [spaces.get(ns) for ns in (2, 3)]
    assert spaces.get(1) is first  # used again: 2 is the oldest now
    spaces.get(4)
    assert spaces.nbytes <= 3 * one
    assert spaces.get(1) is first and spaces.get(3) is kept[1]
    assert spaces.get(2) is not kept[0]
    alone = Spaces(backend, "numpy", DIM, max_bytes=1)
    assert alone.get(1).n == 100 and alone.stats()["spaces"] == 1


def test_vectors_of_another_width_are_refused_by_name(make_backend: Any) -> None:
    backend = make_backend(DIM)
    backend.add("a", [1], vectors(random.Random(0)))
    with pytest.raises(EmbedderMismatch, match="reindex"):
        Spaces(backend, "numpy", 2 * DIM).get(1)
    assert Spaces(backend, "numpy", 0).get(1).vectors is None


def test_a_temporary_space_of_columns(make_backend: Any) -> None:
    backend = make_backend(DIM)
    row = backend.add("a", [1, 2], vectors(random.Random(0)), metadata={"a": 1})
    backend.retire(row)
    _, columns = backend.columns(1, [row])
    space = Space.of(columns, SETTINGS)
    assert (space.n, space.id_of(0), space.doc_of("a"), space.doc_of("b")) == (1, "a", 0, -1)
    filter = compile_filter({"a": 1, "@id": "a"})
    assert filter is not None and space.mask(filter, backend).tolist() == [True]


def test_searching_while_another_thread_adds(make_backend: Any) -> None:
    backend = make_backend(DIM)
    spaces = Spaces(backend, "numpy", DIM)
    rolls = random.Random(0)
    errors: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                space = spaces.get(1)
                with space.lock:
                    arrays = (space.rows, space.live, space.session, space.at, space.trust)
                    assert {len(array) for array in arrays} == {space.n}
                    assert space.lexical.n == space.n_live
                    if space.vectors is not None:
                        probe = space.vectors.probe(np.ones(DIM, np.float32), 3, space.live)
                        assert space.live[probe.docs].all()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(150):
        step(backend, rolls)
    done.set()
    for thread in threads:
        thread.join()
    assert not errors
