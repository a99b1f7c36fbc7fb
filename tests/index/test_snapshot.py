"""Snapshots serve when they are right, catch up when they are old, and are passed over otherwise."""

from __future__ import annotations

import json
import random
import shutil
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentmem.backends.base import Backend, Encoding
from agentmem.backends.sqlite import open_sqlite
from agentmem.filters import compile_filter
from agentmem.index.layout import Settings
from agentmem.index.lexical import QueryTerm
from agentmem.index.snapshot import Snapshots
from agentmem.index.space import Space
from agentmem.index.spaces import Spaces
from agentmem.memory import Memory

DIM = 8
WHEN = datetime(2024, 1, 1, tzinfo=timezone.utc)
SETTINGS = Settings("numpy", DIM)


def write(backend: Backend, numbers: range, seed: int = 0) -> list[int]:
    """Add memories to the root namespace."""
    rolls = np.random.default_rng(seed)
    vectors = rolls.standard_normal((len(numbers), DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    memories = [
        Memory(
            id=f"m{i}",
            namespace=(),
            text=f"text {i}",
            at=WHEN + timedelta(seconds=i),
            recorded_at=WHEN,
            session=f"s{i // 10}",
            speaker="é" if i % 3 else None,
            metadata={"a": i % 4},
        )
        for i in numbers
    ]
    words = [[f"w{w}" for w in rolls.integers(0, 30, 6)] for _ in numbers]
    encodings = [
        Encoding(words[i], i % 3, vectors[i : i + 1] if i % 5 else None) for i in range(len(numbers))
    ]
    with backend.transaction() as transaction:
        return transaction.insert(transaction.namespace(()), memories, encodings)


def spaces_of(backend: Backend, settings: Settings = SETTINGS, least: int = 50) -> Spaces:
    spaces = Spaces(backend, settings.vectors, settings.dim, settings.lexical)
    assert spaces.snapshots is not None
    spaces.snapshots.min_documents = least
    return spaces


def seen(space: Space) -> Any:
    docs = np.flatnonzero(space.live)
    order = docs[np.argsort(space.rows[docs])]
    assert space.vectors is not None
    query = np.ones(DIM, np.float32) / np.float32(np.sqrt(DIM))
    words = space.lexical.score([QueryTerm(1.0, ((3, 1.0), (4, 0.5)))], space.n)
    return (
        space.ids_of(order),
        space.rows[order].tolist(),
        space.at[order].tolist(),
        [space.sessions[code] for code in space.session[order]],
        [None if code < 0 else space.speakers[code] for code in space.speaker[order]],
        np.round(words[order], 4).tolist(),
        np.round(np.nan_to_num(space.vectors.scores(query, order), nan=9), 4).tolist(),
        space.lexical.df([3, 4]).tolist(),
    )


def anew(backend: Backend) -> Any:
    space = Space(1, SETTINGS)
    space.refresh(backend)
    return seen(space)


def no_scan(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a scan of all rows is an error."""
    columns = backend.columns

    def guarded(ns: int, rows: Any = None, **more: Any) -> Any:
        assert rows is not None, "all rows were scanned"
        return columns(ns, rows, **more)

    monkeypatch.setattr(backend, "columns", guarded)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with 200 memories, some retired, and its snapshot."""
    backend = open_sqlite(tmp_path / "m.db")
    with backend.transaction() as transaction:
        transaction.set_embedder("e", "print", DIM)
        transaction.set_analyser("a")
    rows = write(backend, range(200))
    spaces = spaces_of(backend)
    spaces.get(1)
    with backend.transaction() as transaction:
        transaction.retire(1, rows[:5], WHEN)
    spaces.get(1)
    assert spaces.save() == 1
    backend.close()
    return tmp_path / "m.db"


def snapshot_of(file: Path) -> Path:
    (folder,) = [one for one in Path(f"{file}.cache").iterdir() if one.is_dir()]
    return folder


def test_a_snapshot_spares_the_scan(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = open_sqlite(file)
    truth = anew(backend)
    no_scan(backend, monkeypatch)
    space = spaces_of(backend).get(1)
    assert seen(space) == truth
    assert space.unsaved == 0
    assert space.doc_of("m7") >= 0 and space.doc_of("m1") == -1


@pytest.mark.parametrize("kind", ["numpy", "faiss"])
def test_an_old_snapshot_is_brought_up_to_the_log(
    file: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "faiss":
        pytest.importorskip("faiss")
    backend = open_sqlite(file)
    settings = Settings(kind, DIM)
    spaces = spaces_of(backend, settings)
    spaces.get(1)
    spaces.save(force=True)
    rows = write(backend, range(200, 230), 1)
    with backend.transaction() as transaction:
        transaction.retire(1, [rows[3], 20, 21], WHEN)
        transaction.set_vectors(1, [11, rows[0]], [np.eye(DIM, dtype=np.float32)[:1]] * 2)
    truth = anew(backend)
    no_scan(backend, monkeypatch)
    later = spaces_of(backend, settings)
    space = later.get(1)
    assert seen(space) == truth
    assert later.save() == 1  # enough has changed
    assert later.save() == 0
    assert seen(spaces_of(backend, settings).get(1)) == truth
    assert snapshot_of(file).name == ("1-000002" if kind == "numpy" else "1-000003")


def refused(file: Path, settings: Settings = SETTINGS) -> bool:
    """Whether the snapshot is passed over, and the space right all the same."""
    backend = open_sqlite(file)
    snapshots = Snapshots.beside(backend, settings)
    assert snapshots is not None
    space = Space(1, settings)
    loaded = snapshots.load(space)
    if settings == SETTINGS:
        assert seen(spaces_of(backend).get(1)) == anew(backend)
    backend.close()
    return not loaded


def test_a_truncated_file_is_noticed(file: Path) -> None:
    assert not refused(file)
    path = snapshot_of(file) / "vectors.rows.npy"
    path.write_bytes(path.read_bytes()[:-4])
    assert refused(file)


@pytest.mark.parametrize("name", ["header.json", "rows.npy", "vectors.rows.npy", "ids.text.npy"])
def test_a_flipped_byte_is_noticed(file: Path, name: str) -> None:
    path = snapshot_of(file) / name
    content = bytearray(path.read_bytes())
    content[random.Random(name).randrange(len(content) - 5)] ^= 1
    path.write_bytes(content)
    assert refused(file)


def test_a_missing_file_is_noticed(file: Path) -> None:
    (snapshot_of(file) / "trust.npy").unlink()
    assert refused(file)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("uuid", "another"),
        ("erase_epoch", 99),
        ("schema", 99),
        ("format", 99),
        ("analyser", "another"),
        ("embedder", "another"),
        ("ns", 2),
        ("last", [3, "m999"]),
        ("cursor", {"not": "one"}),
    ],
)
def test_a_snapshot_of_something_else_is_passed_over(file: Path, key: str, value: Any) -> None:
    path = snapshot_of(file) / "header.json"
    header = json.loads(path.read_bytes().partition(b"\n")[0])
    header[key] = value
    line = json.dumps(header).encode()
    path.write_bytes(line + b"\n%d\n" % zlib.crc32(line))
    if key == "cursor":
        backend = open_sqlite(file)
        assert seen(spaces_of(backend).get(1)) == anew(backend)
    else:
        assert refused(file)


def test_other_settings_pass_it_over(file: Path) -> None:
    assert refused(file, Settings("numpy", 0))
    assert refused(file, Settings("auto", DIM))


def test_a_copy_of_the_file_gone_back_in_time(file: Path) -> None:
    """The cache knows more than the file: the file was replaced by an older copy."""
    old = file.with_suffix(".old")
    shutil.copy(file, old)
    backend = open_sqlite(file)
    write(backend, range(200, 260), 1)
    spaces = spaces_of(backend)
    spaces.get(1)
    assert spaces.save(force=True) == 1
    backend.close()
    for suffix in ("-wal", "-shm"):
        Path(str(file) + suffix).unlink(missing_ok=True)
    old.replace(file)
    backend = open_sqlite(file)
    assert seen(spaces_of(backend).get(1)) == anew(backend)


def test_erasing_removes_snapshots(file: Path) -> None:
    backend = open_sqlite(file)
    spaces = spaces_of(backend)
    spaces.get(1)
    backend.erase(1, ["m9"])
    assert spaces.erased()
    assert not Path(f"{file}.cache").exists()
    space = spaces.get(1)
    assert space.doc_of("m9") == -1
    assert refused(file)


def test_an_erasure_by_another_process_makes_a_snapshot_stale(file: Path) -> None:
    backend = open_sqlite(file)
    backend.erase(1, ["m9"])
    backend.close()
    assert refused(file)


def test_metadata_columns_come_along(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filter = compile_filter({"a": {"$gte": 2}})
    assert filter is not None
    backend = open_sqlite(file)
    spaces = spaces_of(backend)
    spaces.get(1).mask(filter, backend)
    write(backend, range(200, 204), 1)
    spaces.get(1)
    assert spaces.save(force=True) == 1
    asked: list[int] = []
    metadata = backend.metadata
    monkeypatch.setattr(backend, "metadata", lambda ns, rows: asked.extend(rows) or metadata(ns, rows))
    space = spaces_of(backend).get(1)
    mask = space.mask(filter, backend)
    assert len(asked) == 4
    assert {id for id, one in zip(space.ids_of(range(space.n)), mask, strict=True) if one} == {
        f"m{i}" for i in range(5, 204) if i % 4 >= 2
    } | {id for id in ("m2", "m3") if id in space.ids_of(np.flatnonzero(mask))}


def test_check_reads_everything(file: Path) -> None:
    backend = open_sqlite(file)
    snapshots = spaces_of(backend).snapshots
    assert snapshots is not None and snapshots.check() == []
    path = snapshot_of(file) / "at.npy"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    (problem,) = snapshots.check()
    assert "at.npy" in problem.what


def test_small_spaces_and_memory_and_readers_leave_no_files(tmp_path: Path) -> None:
    backend = open_sqlite(tmp_path / "m.db")
    write(backend, range(60))
    spaces = Spaces(backend, "numpy", DIM)
    spaces.get(1)
    assert spaces.save(force=True) == 0
    backend.close()
    backend = open_sqlite(tmp_path / "m.db", readonly=True)
    spaces = spaces_of(backend)
    spaces.get(1)
    assert spaces.save(force=True) == 0
    assert not Path(f"{tmp_path / 'm.db'}.cache").exists()
    memory = open_sqlite(":memory:")
    assert Spaces(memory, "numpy", DIM).folder is None


def test_one_writer_at_a_time_and_leftovers_go(file: Path) -> None:
    backend = open_sqlite(file)
    spaces = spaces_of(backend)
    space = spaces.get(1)
    snapshots = spaces.snapshots
    assert snapshots is not None
    (snapshots.folder / "tmp-1-000009").mkdir()
    with snapshots._writer() as alone:
        assert alone
        assert not snapshots.save(space)
    assert snapshots.save(space)
    assert sorted(one.name for one in snapshots.folder.iterdir()) == ["1-000002", "lock"]


def test_a_folder_that_cannot_be_made_is_no_error(file: Path) -> None:
    backend = open_sqlite(file)
    spaces = spaces_of(backend)
    spaces.get(1)
    assert spaces.erased()
    Path(f"{file}.cache").write_text("in the way")
    assert spaces.save(force=True) == 0
    assert seen(spaces.get(1)) == anew(backend)
