"""What goes in comes out: records, vectors, words, columns."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agentmem.backends import codec
from agentmem.backends.base import NO_TIME_HIGH, NO_TIME_LOW, Encoding
from agentmem.backends.sqlite import open_sqlite
from agentmem.errors import DuplicateId
from agentmem.memory import Memory

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
times = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001  # the zones are drawn beside
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001  # as above
    timezones=st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m))),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
optional = st.none() | names
memories = st.builds(
    Memory,
    id=names,
    namespace=st.lists(names, max_size=3).map(tuple),
    text=texts,
    kind=names,
    speaker=optional,
    role=optional,
    session=optional,
    metadata=st.dictionaries(texts, json_values, max_size=4),
    data=json_values,
    sources=st.lists(names, max_size=3).map(tuple),
    trust=st.floats(0, 1),
    valid_from=st.none() | times,
    valid_until=st.none() | times,
    expires_at=st.none() | times,
    retired_at=st.none(),
    version=st.integers(1, 10**6),
    made_by=optional,
    run=optional,
    at=times,
    recorded_at=times.map(lambda t: t.astimezone(timezone.utc)),
)


def offsets(memory: Memory) -> list[timedelta | None]:
    moments = (memory.at, memory.valid_from, memory.valid_until, memory.expires_at)
    return [None if m is None else m.utcoffset() for m in moments]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(memory=memories)
@example(
    memory=Memory(
        "a",
        (),
        "",
        at=datetime(9999, 12, 31, 23, 59, 59, 999999, timezone.utc),
        recorded_at=datetime(1, 1, 1, tzinfo=timezone.utc),
    )
)
@example(
    memory=Memory(
        "\u202e",
        ("\U0001f980",),
        "e\u0301 \ufeff \U0010ffff",
        at=datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        recorded_at=datetime(1969, 12, 31, 23, 59, 59, 999999, timezone.utc),
    )
)
def test_a_memory_comes_back_as_it_went_in(memory: Memory) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m.db"
        backend = open_sqlite(file, durability="relaxed")
        with backend.transaction() as transaction:
            number = transaction.namespace(memory.namespace)
            (row,) = transaction.insert(number, [memory], [Encoding(memory.text.split())])
        backend.close()
        again = open_sqlite(file)
        try:
            for found in (
                again.memories([row])[0],
                again.memories_by_row([row])[row],
                again.get(number, [memory.id])[memory.id].memory,
                again.history(number, memory.id)[0],
                next(again.scan([number])).memory,
                again.get(number, [memory.id], known_at=memory.recorded_at)[memory.id].memory,
            ):
                assert found == memory
                assert offsets(found) == offsets(memory)
            assert again.namespace_number(memory.namespace) == number
            assert dict(again.metadata(number, [row])) == {row: dict(memory.metadata)}
        finally:
            again.close()


def test_columns_hold_what_the_records_hold(backend, make):
    first = make.memory("x", "Hello big world", speaker="ada", session="s", role="user", trust=0.25)
    second = make.memory(
        "y", "small", 5, kind="note", made_by="z",
        valid_from=make.time(1), valid_until=make.time(2), expires_at=make.time(3),
    )  # fmt: skip
    number = make.write(backend, first, second)
    cursor, found = backend.columns(number)
    assert cursor == backend.cursor(number)
    assert len(found) == 2
    assert found.ids == ["x", "y"]
    assert found.kinds == ["episode", "note"]
    assert (found.speakers, found.sessions, found.roles) == (["ada", None], ["s", None], ["user", None])
    assert found.made_by == [None, "z"]
    assert found.rows.tolist() == found.positions.tolist() == [1, 2]
    minute = 60_000_000
    zero = int(make.start.timestamp() * 1e6)
    assert found.at.tolist() == [zero, zero + 5 * minute]
    assert found.valid_from.tolist() == [NO_TIME_LOW, zero + minute]
    assert found.valid_until.tolist() == [NO_TIME_HIGH, zero + 2 * minute]
    assert found.expires_at.tolist() == [NO_TIME_HIGH, zero + 3 * minute]
    assert found.trust.tolist() == [0.25, 1.0]
    assert found.flags.tolist() == [15, 5]
    ids = backend.term_ids(["hello", "big", "world", "small", "never"])
    assert "never" not in ids
    assert found.tokens.tolist() == [ids[w] for w in ("hello", "big", "world", "small")]
    assert found.token_offsets.tolist() == [0, 3, 4]
    assert found.vector_offsets.tolist() == [0, 1, 2]
    expected = np.concatenate([make.vector(first.text), make.vector(second.text)])
    assert found.vectors.dtype == np.float16
    np.testing.assert_allclose(found.vectors, expected, atol=1e-3)
    for array in (found.rows, found.positions, found.at, found.flags, found.token_offsets):
        assert array.dtype == np.int64
    assert found.tokens.dtype == np.uint32
    assert found.trust.dtype == np.float32


def test_columns_of_nothing(backend, make):
    number = make.write(backend, make.memory("x"))
    for _, found in (backend.columns(99), backend.columns(number, []), backend.columns(number, [99])):
        assert len(found) == 0
        assert found.vectors is None
        assert found.token_offsets.tolist() == found.vector_offsets.tolist() == [0]
        assert found.tokens.dtype == np.uint32


def test_columns_of_some_rows_stay_in_their_namespace_and_order(backend, make):
    number = make.write(backend, *(make.memory(str(i)) for i in range(600)))
    other = make.write(backend, make.memory("other"), name=("b",))
    _, found = backend.columns(number, list(range(601, 0, -1)))
    assert found.rows.tolist() == list(range(1, 601))
    assert backend.columns(other, [601])[1].ids == ["other"]


def test_pieces_pending_and_nothing_to_say(backend, make):
    three = make.vector("three", 3)
    silent = np.empty((0, make.dim), dtype=np.float32)
    with backend.transaction() as transaction:
        transaction.set_embedder("e", "f", make.dim)
        number = transaction.namespace(("a",))
        transaction.insert(
            number,
            [make.memory(id) for id in "abc"],
            [Encoding(["w"], 0, three), Encoding([], 0, None), Encoding([], 0, silent)],
        )
    _, found = backend.columns(number)
    assert found.vector_offsets.tolist() == [0, 3, 3, 3]
    np.testing.assert_allclose(found.vectors, three, atol=1e-3)
    assert [(ns, row) for ns, row, _ in backend.pending()] == [(number, 2)]
    assert backend.count_pending() == backend.count_pending([number]) == 1
    assert backend.count_pending([number + 1]) == backend.count_pending([]) == 0


def test_vectors_of_another_width_count_as_none(backend, make):
    number = make.write(backend, make.memory("a"), make.memory("b"))
    wide = np.ones((1, 16), dtype=np.float32) / 4
    with backend.transaction() as transaction:
        transaction.set_vectors(number, [1], [wide])
    _, found = backend.columns(number)
    assert found.vector_offsets.tolist() == [0, 0, 1]
    assert found.vectors.shape == (1, make.dim)


def test_vectors_in_full_precision(opened, path, make):
    number = make.write(opened(path, vectors="float32"), make.memory("a"))
    again = opened(path)  # the file remembers
    _, found = again.columns(number)
    assert found.vectors.dtype == np.float32
    assert np.array_equal(found.vectors, make.vector("text of a"))


def test_vectors_by_digest(backend, make):
    with backend.transaction() as transaction:
        transaction.set_embedder("e", "f", make.dim)
        number = transaction.namespace(("a",))
        transaction.insert(
            number,
            [make.memory(id) for id in "abc"],
            [
                make.encoding("one", digest=b"1" * 16),
                make.encoding("one", digest=b"1" * 16),
                make.encoding("two", digest=b"2" * 16, pending=True),
            ],
        )
    found = backend.vectors_by_digest([b"1" * 16, b"2" * 16, b"3" * 16])
    assert list(found) == [b"1" * 16]
    assert found[b"1" * 16].dtype == np.float32
    np.testing.assert_allclose(found[b"1" * 16], make.vector("one"), atol=1e-3)


def test_many_words_and_rows(backend, make):
    rows = [make.memory(str(i), " ".join(f"w{i * 7 + j}" for j in range(7))) for i in range(700)]
    number = make.write(backend, *rows)
    words = [f"w{i}" for i in range(4900)]
    ids = backend.term_ids(words)
    assert len(set(ids.values())) == 4900
    _, found = backend.columns(number)
    assert found.tokens.tolist() == [ids[word] for word in words]
    wanted = [600, 5, 5, 10**6, 1]
    assert [m.id for m in backend.memories(wanted)] == ["599", "4", "4", "0"]
    assert len(backend.get(number, [str(i) for i in range(800)])) == 700


def test_lone_surrogates_and_nul_never_get_this_far_but_do_no_harm(backend, make):
    number = make.write(backend, make.memory("a", "nul \x00 inside"))
    assert backend.get(number, ["a"])["a"].memory.text == "nul \x00 inside"
    with pytest.raises(UnicodeEncodeError):
        make.write(backend, make.memory("b", "half \ud83d"))
    assert backend.get(number, ["b"]) == {}
    assert make.write(backend, make.memory("b")) == number


class Mirrored(codec.Codec):
    """Turns every byte round."""

    name = "mirrored"

    def text(self, value: str) -> bytes:
        return value.encode()[::-1]

    def read_text(self, value: bytes) -> str:
        return value[::-1].decode()

    word, read_word = text, read_text

    def blob(self, value: bytes) -> bytes:
        return value[::-1]

    def read_blobs(self, values):
        return [value[::-1] for value in values]


def test_everything_written_passes_the_codec(opened, path, make, monkeypatch):
    opened(path).close()
    monkeypatch.setitem(codec._CODECS, "mirrored", Mirrored())
    import sqlite3

    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = 'mirrored' WHERE key = 'codec'")
    connection.close()
    backend = opened(path)
    assert backend.header().codec == "mirrored"
    memory = make.memory("a", "abracadabra simsalabim", metadata={"hocus": "pocus"}, data={"fidi": "bus"})
    number = make.write(backend, memory)
    assert backend.get(number, ["a"])["a"].memory == replace(memory, namespace=("a",))
    assert set(backend.term_ids(["abracadabra", "simsalabim"])) == {"abracadabra", "simsalabim"}
    np.testing.assert_allclose(backend.columns(number)[1].vectors, make.vector(memory.text), atol=1e-3)
    assert backend.check() == []
    assert list(backend.metadata(number, [1])) == [(1, {"hocus": "pocus"})]
    vector = make.vector(memory.text).astype(np.float16).tobytes()
    backend.close()
    stored = path.read_bytes()
    for plain in (b"abracadabra", b"simsalabim", b"pocus", b"fidi", vector):
        assert plain not in stored
        assert plain[::-1] in stored


def test_an_id_is_live_once(backend, make):
    number = make.write(backend, make.memory("a"))
    for batch in (["b", "a"], ["c", "d", "c"]):
        with pytest.raises(DuplicateId) as caught:
            make.write(backend, *(make.memory(id) for id in batch))
        assert caught.value.id == batch[-1]
        assert backend.columns(number)[1].ids == ["a"]
    with backend.transaction() as transaction:  # the transaction lives on after the refusal
        with pytest.raises(DuplicateId):
            transaction.insert(number, [make.memory("e"), make.memory("a")], [make.encoding("x")] * 2)
        transaction.insert(number, [make.memory("f")], [make.encoding("x")])
    assert backend.columns(number)[1].ids == ["a", "f"]
    assert backend.check() == []
