"""After an erasure no byte of it is left, in the file and in its log."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from agentmem.backends import sqlite_erase
from agentmem.backends.base import Encoding, Event
from agentmem.memory import Link

SECRET = "xylophone-of-ada"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sqlite_erase.scrub, "__kwdefaults__", {"patience": 0.1})


def bytes_of(path) -> bytes:
    parts = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    return b"".join(part.read_bytes() for part in parts if part.exists())


def remember(backend, make, number, memories):
    with backend.transaction() as transaction:
        transaction.set_embedder("e", "f", make.dim)
        transaction.insert(number, memories, [make.encoding(memory.text) for memory in memories])


def replace_text(backend, make, number, id, text, minutes):
    with backend.transaction() as transaction:
        old = transaction.live(number, [id])[id]
        transaction.retire(number, [old.row], make.time(minutes))
        new = replace(old.memory, text=text, version=old.memory.version + 1, recorded_at=make.time(minutes))
        transaction.insert(number, [new], [make.encoding(text)], [old.position])


def test_all_that_belongs_to_a_memory_goes(backend, make):
    number = make.write(
        backend,
        make.memory("a", "apples are red"),
        make.memory("b", "pears are green"),
        make.memory("n", "fruit note", kind="note", sources=("a", "b")),
        make.memory("m", "note of the note", kind="note", sources=("n",)),
    )
    replace_text(backend, make, number, "a", "apples are yellow", 1)
    with backend.transaction() as transaction:
        transaction.add_links(
            number, [Link("a", "b", "k"), Link("b", "m", "k"), Link("b", "b", "k")], make.time()
        )
        transaction.add_events(number, [Event("a", make.time()), Event("b", make.time())])
        transaction.note_run(number, "r", ["a", "b"])
    cursor, epoch = backend.cursor(number), backend.header().erase_epoch
    erased = backend.erase(number, ["a", "nobody", "a"])
    assert (erased.ids, set(erased.derived)) == (("a",), {"n", "m"})
    assert (erased.versions, erased.links) == (4, 2)
    assert erased.words == len("apples red yellow fruit note of the".split())
    assert erased.log == 5 + 1  # four rows came, one was retired, one use event
    assert erased.complete and not erased.detail
    assert backend.history(number, "a") == [] and backend.get(number, ["n", "m"]) == {}
    assert backend.columns(number)[1].ids == ["b"]
    assert backend.columns(number, known_at=make.time(99))[1].ids == ["b"]
    assert [(k.source, k.target) for k in backend.links(number, known_at=make.time(99))] == [("b", "b")]
    assert [e.id for e in backend.events(number)] == ["b"]
    assert backend.term_ids("apples red yellow pears are".split()).keys() == {"pears", "are"}
    assert backend.header().erase_epoch == epoch + 1
    assert backend.changes(number, cursor).rebuild
    assert backend.changes(number, None).added == [2]
    assert backend.check() == []


def test_an_erasure_in_one_namespace_leaves_the_others_alone(backend, make):
    number = make.write(backend, make.memory("a", "one"), make.memory("b", "two"))
    other = make.write(
        backend, make.memory("a", "one"), make.memory("n", "three", sources=("a",)), name=("b",)
    )
    cursor = backend.cursor(other)
    assert backend.erase(number, ["a"]).words == 0
    assert backend.columns(other)[1].ids == ["a", "n"]
    assert not backend.changes(other, cursor)


def test_numbers_are_not_used_again(backend, make):
    number = make.write(backend, make.memory("a", "one"), make.memory("b", "two"))
    before = backend.term_ids(["two"])["two"]
    assert backend.erase(number, ["b"]).words == 1
    make.write(backend, make.memory("c", "two"))
    assert backend.columns(number)[1].rows.tolist() == [1, 3]
    assert backend.term_ids(["two"])["two"] > before


def test_an_emptied_namespace_loses_its_labels(backend, make):
    number = make.write(backend, make.memory("a"), name=("users", "Ada Lovelace"))
    cursor = backend.cursor(number)
    backend.erase(number, ["a"])
    assert backend.namespaces(past=True) == []
    assert backend.namespace_number(("users", "Ada Lovelace")) is None
    assert backend.changes(number, cursor).rebuild
    assert len(backend.columns(number)[1]) == 0
    assert make.write(backend, make.memory("a"), name=("users", "Ada Lovelace")) > number
    assert backend.check() == []


def test_words_no_row_uses_any_more_go_too(backend, make):
    """After a reindex the words of the old analyser stand in the dictionary alone."""
    number = make.write(backend, make.memory("a", "oldstem"), make.memory("b", "other"))
    with backend.transaction() as transaction:
        transaction.set_encodings(number, [1], [Encoding(["newstem"], 0, make.vector("a"))])
    assert backend.erase(number, ["a"]).words == 2
    assert backend.term_ids(["oldstem", "newstem", "other"]).keys() == {"other"}


def test_another_process_forgets_erased_words(opened, path, make):
    mine, yours = opened(path), opened(path)
    number = make.write(mine, make.memory("a", "one two"))
    make.write(mine, make.memory("b", "three"))
    assert len(yours.term_ids(["one", "two"])) == 2
    mine.erase(number, ["a"])
    assert yours.term_ids(["one", "two", "three"]).keys() == {"three"}
    make.write(yours, make.memory("c", "two four"))
    ids = mine.term_ids(["two", "three", "four"])
    assert len(set(ids.values())) == 3
    assert yours.columns(number)[1].tokens.tolist() == [ids["three"], ids["two"], ids["four"]]
    assert mine.check() == []


def test_nothing_to_erase(backend, make):
    number = make.write(backend, make.memory("a"))
    epoch = backend.header().erase_epoch
    erased = backend.erase(number, ["nobody"])
    assert (erased.ids, erased.versions, erased.complete) == ((), 0, True)
    assert backend.erase(number, []).ids == backend.erase(99, ["a"]).ids == ()
    assert backend.header().erase_epoch == epoch


def churn(backend, make, number, chance, count=300):
    """Inserts at random places of every b-tree, updates, deletions and page splits."""
    ids = [f"{chance.getrandbits(40):010x}" for _ in range(count)]
    for start in range(0, count, 50):
        part = ids[start : start + 50]
        remember(backend, make, number, [
            make.memory(id, f"filler {id} " * chance.randrange(1, 60), chance.randrange(9999)) for id in part
        ])  # fmt: skip
    for id in chance.sample(ids, count // 4):
        replace_text(backend, make, number, id, f"changed {id} " * chance.randrange(1, 60), 1)
    with backend.transaction() as transaction:
        gone = chance.sample(ids, count // 4)
        rows = [s.row for s in transaction.live(number, gone).values()]
        transaction.retire(number, rows, make.time(2))


@pytest.mark.parametrize("seed", range(4))
def test_no_byte_is_left(opened, path, make, seed):
    """Text, words, metadata, ids, vectors; after churn, with other connections open."""
    chance = random.Random(seed)
    backend = opened(path, durability="relaxed")
    bystander = opened(path, readonly=True)
    with backend.transaction() as transaction:
        number = transaction.namespace(("a",))
    needles: set[bytes] = set()
    victims: list[str] = []
    for i in range(12):
        churn(backend, make, number, chance, 60)
        id = f"{chance.getrandbits(40):010x}-victim{i}"
        text = f"{SECRET} {i} tells unique{i}word " * chance.randrange(1, 80)
        fields = {
            "metadata": {"where": f"meta{i}secret"},
            "data": [f"data{i}secret"],
            "speaker": f"speaker{i}secret",
        }
        if i % 3 == 2:
            fields["sources"] = (victims[-1],)
        remember(backend, make, number, [make.memory(id, text, chance.randrange(9999), **fields)])
        with backend.transaction() as transaction:
            transaction.add_links(number, [Link(id, id, "k")], make.time())
            transaction.add_events(number, [Event(id, make.time())])
        if i % 2:
            replace_text(backend, make, number, id, f"{SECRET} again{i}secret", 3)
        victims.append(id)
        needles |= {n.encode() for n in (SECRET, f"unique{i}word", f"meta{i}secret", f"data{i}secret",
                                         f"speaker{i}secret", f"again{i}secret", f"victim{i}")}  # fmt: skip
        needles.add(make.vector(text).astype(np.float16).tobytes())
    churn(backend, make, number, chance, 100)
    assert len(bystander.columns(number)[1]) > 500
    asked = [id for i, id in enumerate(victims) if i % 3 != 2]
    erased = backend.erase(number, asked)
    assert erased.complete and len(erased.derived) == 4
    left = {needle for needle in needles if needle in bytes_of(path)}
    assert left == set()
    assert backend.check() == []
    assert len(bystander.columns(number)[1]) > 500
    backend.close()
    assert not {needle for needle in needles if needle in bytes_of(path)}


@pytest.mark.parametrize("seed", [0, 5])
def test_no_copy_is_left_where_pages_were_split(opened, path, make, seed):
    """In these layouts ``secure_delete`` alone left copies of words and ids (SQLite 3.40)."""
    chance = random.Random(seed)
    backend = opened(path, durability="relaxed")
    number = make.write(backend)
    ids = [f"{chance.getrandbits(64):016x}" for _ in range(1500)]
    start = 0
    while start < len(ids):
        part = ids[start : start + chance.randrange(1, 20)]
        start += len(part)
        made = [
            make.memory(f"id{i}", f"tx{i} " + "filler " * chance.randrange(120), chance.randrange(9999))
            for i in part
        ]
        with backend.transaction() as transaction:
            transaction.insert(number, made, [Encoding([f"w{i}"]) for i in part])
    rows = backend.all_rows(number)
    chance.shuffle(rows)
    for start in range(0, len(rows), 25):
        with backend.transaction() as transaction:
            part = rows[start : start + 25]
            transaction.set_vectors(number, part, [make.vector(str(row)) for row in part])
    victims = chance.sample(ids, 500)
    assert backend.erase(number, [f"id{i}" for i in victims]).words == 500
    content = bytes_of(path)
    assert not [i for i in victims for kind in ("id", "tx", "w") if f"{kind}{i}".encode() in content]


def test_a_reader_in_the_way(opened, path, make, impatient):
    backend = opened(path)
    number = make.write(backend, make.memory("a", SECRET), make.memory("b", "kept"))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM memory").fetchone() == (2,)
    erased = backend.erase(number, ["a"])
    assert not erased.complete
    assert "next open" in erased.detail
    assert backend.get(number, ["a"]) == {}
    assert SECRET.encode() in bytes_of(path)
    assert [problem.where for problem in backend.check()] == ["file"]
    assert list(reader.execute("SELECT text FROM memory")) == [(SECRET,), ("kept",)]
    reader.execute("COMMIT")
    # Anybody's next open finishes it, ...
    other = opened(path)
    assert SECRET.encode() not in bytes_of(path)
    assert other.check() == []
    assert list(reader.execute("SELECT text FROM memory")) == [("kept",)]
    reader.close()


def test_the_next_erasure_finishes_it_too(opened, path, make, impatient):
    backend = opened(path)
    number = make.write(backend, make.memory("a", SECRET), make.memory("b", "kept"))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM memory").fetchall()
    assert not backend.erase(number, ["a"]).complete
    opened(path).close()  # an open that finds the reader still there does not wait
    assert not backend.erase(number, []).complete
    reader.close()
    assert backend.erase(number, []).complete
    assert SECRET.encode() not in bytes_of(path)
    assert backend.check() == []


def test_a_writer_in_the_way(opened, path, make, impatient):
    backend = opened(path)
    number = make.write(backend, make.memory("a", SECRET))
    other = sqlite3.connect(path, isolation_level=None)
    with backend.transaction() as transaction:
        sqlite_erase.erase(transaction, backend._reader, number, ["a"])
    other.execute("BEGIN IMMEDIATE")
    assert not sqlite_erase.scrub(backend._pool)
    other.execute("ROLLBACK")
    assert sqlite_erase.scrub(backend._pool)
    other.close()
    assert SECRET.encode() not in bytes_of(path)


def test_a_crash_between_the_steps(opened, path, make):
    """The process ends after the rows are gone and before the file is clean."""
    backend = opened(path)
    number = make.write(backend, make.memory("a", SECRET), make.memory("b", "kept"))
    backend.close()
    backend = opened(path)
    with backend.transaction() as transaction:
        sqlite_erase.erase(transaction, backend._reader, number, ["a"])
    backend.close()
    again = opened(path)
    assert SECRET.encode() not in bytes_of(path)
    assert again.columns(number)[1].ids == ["b"]
    assert again.check() == []


def test_an_erasure_that_fails_changes_nothing(opened, path, make, monkeypatch):
    backend = opened(path)
    number = make.write(backend, make.memory("a"))
    monkeypatch.setattr(sqlite_erase, "_drop_words", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        backend.erase(number, ["a"])
    assert list(backend.get(number, ["a"])) == ["a"]
    assert backend.check() == []
