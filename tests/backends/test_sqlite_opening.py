"""Opening: what is refused is left untouched, what is old moves forward, what cannot be written is read."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agentmem.backends import sqlite_schema
from agentmem.backends.sqlite_path import refuse_network
from agentmem.errors import (
    DamagedFile,
    FileLocked,
    NetworkFileSystem,
    NewerSchema,
    NotAMemoryFile,
    ReadOnlyFile,
    StoreClosed,
    UnknownOption,
)


def raw(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def beside(path: Path) -> set[str]:
    return {entry.name for entry in path.parent.iterdir()}


def test_a_new_file_and_its_header(opened, path, make):
    backend = opened(path)
    header = backend.header()
    assert (header.schema, header.erase_epoch, header.dim, header.codec) == (
        sqlite_schema.SCHEMA,
        0,
        0,
        "plain",
    )
    assert header.embedder is header.fingerprint is header.analyser is None
    assert (backend.path, backend.readonly) == (str(path), False)
    number = make.write(backend, make.memory("a"))
    assert beside(path) == {"memory.db", "memory.db-wal", "memory.db-shm"}
    backend.close()
    assert beside(path) == {"memory.db"}  # complete in itself
    again = opened(path)
    assert again.header().uuid == header.uuid
    assert again.header().embedder == "e"
    assert list(again.get(number, ["a"])) == ["a"]


def test_the_file_is_set_up_as_promised(opened, path):
    def pragmas(backend):
        with backend._pool.use() as connection:
            return [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous", "secure_delete", "temp_store")
            ]

    assert pragmas(opened(path)) == ["wal", 2, 1, 2]
    assert pragmas(opened(path, durability="relaxed")) == ["wal", 1, 1, 2]
    raw(path, "PRAGMA journal_mode")  # a reader of another kind does no harm
    assert path.read_bytes()[68:72] == b"agmm"


def test_sqlite_utils_is_not_imported_for_a_current_file(tmp_path):
    code = """
        import sys
        from agentmem.backends.sqlite import open_sqlite
        open_sqlite(sys.argv[1]).close()
        open_sqlite(sys.argv[1]).close()
        assert "sqlite_utils" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "m.db")], check=True)


@pytest.mark.parametrize("options", [{"durability": "maybe"}, {"vectors": "int8"}])
def test_unknown_options(path, opened, options):
    with pytest.raises(UnknownOption, match=next(iter(options.values()))):
        opened(path, **options)
    assert not path.exists()


def test_folders(opened, path, tmp_path):
    with pytest.raises(NotAMemoryFile, match="is a folder"):
        opened(tmp_path)
    with pytest.raises(NotAMemoryFile, match="does not exist"):
        opened(tmp_path / "no" / "such.db")
    with pytest.raises(NotAMemoryFile, match="no file"):
        opened(path, readonly=True)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAMemoryFile, match="regular"):
        opened(tmp_path / "pipe")
    assert beside(path) == {"pipe"}


@pytest.mark.parametrize("content", [b"notes on my cat\n", b"\x00" * 4096, b"SQLite format 2\x00" * 300])
def test_other_files_are_left_untouched(opened, path, content):
    path.write_bytes(content)
    with pytest.raises(NotAMemoryFile, match="left as it is"):
        opened(path)
    assert path.read_bytes() == content
    assert beside(path) == {"memory.db"}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_other_sqlite_files_are_left_untouched(opened, path, mode):
    raw(path, f"PRAGMA journal_mode={mode}", "CREATE TABLE cats (name)", "INSERT INTO cats VALUES ('Tom')")
    content = path.read_bytes()
    with pytest.raises(NotAMemoryFile, match="not one of agentmem's"):
        opened(path)
    assert path.read_bytes() == content
    assert beside(path) == {"memory.db"}


def test_empty_files_become_memory_files(opened, path, make):
    path.touch()
    make.write(opened(path), make.memory("a"))
    other = path.with_name("other.db")
    raw(other, "PRAGMA journal_mode=WAL", "VACUUM")
    make.write(opened(other), make.memory("a"))
    with pytest.raises(NotAMemoryFile, match="empty"):
        path.with_name("third.db").touch()
        opened(path.with_name("third.db"), readonly=True)


def test_names_that_an_address_would_misread(opened, tmp_path, make):
    for name in ("a b.db", "what?.db", "100%.db", "#1.db", "ключ.db", "file:x.db"):
        make.write(opened(tmp_path / name), make.memory("a"))
        assert (tmp_path / name).exists()


def test_relative_paths_stay_where_they_were(opened, path, make, monkeypatch):
    monkeypatch.chdir(path.parent)
    backend = opened("memory.db")
    monkeypatch.chdir("/")
    make.write(backend, make.memory("a"))
    assert backend.path == str(path)


def filled(opened, path, make, count=400):
    backend = opened(path)
    make.write(backend, *(make.memory(str(i), f"some text {i} " * 20) for i in range(count)))
    backend.close()


@pytest.mark.parametrize("keep", [10, 50, 99, 4096, 40_000])
def test_a_file_cut_short(opened, path, make, keep):
    filled(opened, path, make)
    whole = path.read_bytes()
    assert len(whole) > 80_000
    path.write_bytes(whole[:keep])
    with pytest.raises(DamagedFile, match="cut short"):
        opened(path)
    assert path.read_bytes() == whole[:keep]


def test_a_damaged_file(opened, path, make):
    filled(opened, path, make)
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="backup"):
        opened(path)
    content[4096:] = b"\x55" * (len(content) - 4096)
    content[:4096] = bytes(content[:100]) + bytes(3996)
    path.write_bytes(content)
    with pytest.raises(DamagedFile):
        opened(path)


def test_damage_met_later(opened, path, make):
    filled(opened, path, make)
    content = bytearray(path.read_bytes())
    for page in range(30, len(content) // 4096):
        content[page * 4096 : page * 4096 + 4096] = b"\x99" * 4096
    path.write_bytes(content)
    backend = opened(path)
    with pytest.raises(DamagedFile, match="recover"):
        backend.columns(1)
    problems = backend.check()
    assert problems and all(problem.where == "file" for problem in problems)


def test_a_header_that_lacks_something(opened, path):
    opened(path).close()
    raw(path, "DELETE FROM meta WHERE key = 'uuid'")
    with pytest.raises(DamagedFile, match="uuid"):
        opened(path)


def test_a_newer_schema(opened, path, make):
    number = make.write(opened(path), make.memory("a"))
    newer = sqlite_schema.SCHEMA + 1
    raw(path, f"PRAGMA user_version={newer}")
    backend = opened(path)  # its lowest reader is still us: it may be read
    assert backend.readonly
    assert list(backend.get(number, ["a"])) == ["a"]
    with pytest.raises(ReadOnlyFile):
        make.write(backend, make.memory("b"))
    raw(path, f"UPDATE meta SET value = {newer} WHERE key = 'lowest_reader'")
    with pytest.raises(NewerSchema, match="agentmem-kit"):
        opened(path)


def test_a_codec_we_do_not_have(opened, path):
    opened(path).close()
    raw(path, "UPDATE meta SET value = 'rot13' WHERE key = 'codec'")
    with pytest.raises(NewerSchema, match="rot13"):
        opened(path)


# --- reading only ---------------------------------------------------------------------------------
def test_reading_only(opened, path, make):
    writer = opened(path)
    number = make.write(writer, make.memory("a"))
    reader = opened(path, readonly=True)
    assert reader.readonly
    assert list(reader.get(number, ["a"])) == ["a"]
    before = reader.version()
    make.write(writer, make.memory("b"))
    assert reader.version() != before
    assert reader.columns(number)[1].ids == ["a", "b"]
    with pytest.raises(ReadOnlyFile):
        make.write(reader, make.memory("c"))
    with pytest.raises(ReadOnlyFile):
        reader.erase(number, ["a"])
    assert reader.check() == []
    reader.backup(str(path.with_name("copy.db")))
    assert list(opened(path.with_name("copy.db")).get(number, ["b"])) == ["b"]


READ_AS_NOBODY = """
    import os, sys, urllib.parse  # before the folder it lies in can no longer be read
    path = sys.argv[1]
    from agentmem.backends.sqlite import open_sqlite
    from agentmem.errors import ReadOnlyFile
    import agentmem.backends.sqlite_check
    os.setgid(65534); os.setuid(65534)
    backend = open_sqlite(path)
    assert backend.readonly
    assert list(backend.get(1, ["a"])) == ["a"], "reads"
    assert backend.check() == []
    try:
        backend.transaction().__enter__()
    except ReadOnlyFile:
        print("refused")
    backend.close()
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to become another user")
@pytest.mark.parametrize("folder_mode, file_mode", [(0o555, 0o444), (0o555, 0o666), (0o777, 0o444)])
def test_without_the_right_to_write(opened, make, folder_mode, file_mode):
    folder = Path(f"/var/tmp/agentmem-test-{os.getpid()}")
    folder.mkdir()
    try:
        path = folder / "memory.db"
        backend = opened(path)
        make.write(backend, make.memory("a"))
        backend.close()
        path.chmod(file_mode)
        folder.chmod(folder_mode)
        code = textwrap.dedent(READ_AS_NOBODY)
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == ("refused\n", "")
    finally:
        shutil.rmtree(folder)


def test_a_medium_without_room_for_shm_is_read_as_it_stands(opened, path, make, monkeypatch):
    filled(opened, path, make, 3)
    from agentmem.backends.sqlite_connect import Connections

    connect = Connections._connect

    def refuse(self, address, *, uri):
        if "immutable" not in address:
            raise sqlite3.OperationalError("unable to open database file")
        return connect(self, address, uri=uri)

    monkeypatch.setattr(Connections, "_connect", refuse)
    backend = opened(path, readonly=True)
    assert backend.columns(1)[1].ids == ["0", "1", "2"]
    assert beside(path) == {"memory.db"}


# --- network file systems --------------------------------------------------------------------------
MOUNTS = r"""22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / /mnt/my\040share rw - nfs4 server:/x rw
31 22 0:41 / /mnt/ssh rw,nosuid shared:1 - fuse.sshfs me@there:/ rw
32 31 8:1 / /mnt/ssh/local rw - xfs /dev/sda1 rw
33 22 0:42 / /mnt/win rw - cifs //pc/share rw
34 22 0:43 / /mnt/fuse rw - fuse.mergerfs x rw
"""


@pytest.mark.parametrize("path", ["/mnt/my share/m.db", "/mnt/ssh/a/m.db", "/mnt/win/m.db"])
def test_network_file_systems_are_refused(path):
    with pytest.raises(NetworkFileSystem, match="local disk"):
        refuse_network(Path(path), MOUNTS)


@pytest.mark.parametrize("path", ["/m.db", "/mnt/ssh/local/m.db", "/mnt/sshx/m.db", "/mnt/fuse/m.db"])
def test_local_file_systems_are_taken(path):
    refuse_network(Path(path), MOUNTS)


def test_no_list_of_mounts_means_no_objection():
    refuse_network(Path("/m.db"), "garbage\n\n- - -")
    refuse_network(Path(__file__))


# --- backups and ends ------------------------------------------------------------------------------
def test_a_backup(backend, opened, tmp_path, make):
    number = make.write(backend, make.memory("a"), make.memory("b", sources=("a",)))
    copy = tmp_path / "copies" / "copy.db"
    with pytest.raises(NotAMemoryFile, match="does not exist"):
        backend.backup(str(copy))
    copy.parent.mkdir()
    backend.backup(str(copy))
    assert beside(copy) == {"copy.db"}
    other = opened(copy)
    assert other.header().uuid != backend.header().uuid
    assert other.header().embedder == "e"
    assert list(other.get(number, ["a", "b"])) == ["a", "b"]
    assert other.check() == []
    make.write(other, make.memory("c"))
    with pytest.raises(NotAMemoryFile, match="exists"):
        backend.backup(str(copy))


def test_after_close(backend, make):
    number = make.write(backend, make.memory("a"))
    backend.close()
    backend.close()
    for call in (
        backend.header,
        backend.version,
        backend.check,
        backend.namespaces,
        lambda: backend.columns(number),
        lambda: next(backend.scan([number])),
        lambda: make.write(backend, make.memory("b")),
        lambda: backend.erase(number, ["a"]),
    ):
        with pytest.raises(StoreClosed):
            call()


def test_the_write_lock_of_another(opened, path, make):
    backend = opened(path, busy_timeout=0.2)
    number = make.write(backend, make.memory("a"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(FileLocked, match=r"0\.2 s"):
        make.write(backend, make.memory("b"))
    assert list(backend.get(number, ["a"])) == ["a"]  # readers do not wait
    other.execute("ROLLBACK")
    other.close()
    make.write(backend, make.memory("b"))
