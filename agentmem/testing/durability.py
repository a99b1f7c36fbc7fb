"""The contract of a file: it stays, it is shared, and it closes."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentmem.clock import ManualClock
from agentmem.errors import (
    AgentmemError,
    BackendError,
    EmbedderMismatch,
    NotAMemoryFile,
    ReadOnlyFile,
    StoreClosed,
    UnknownOption,
)
from agentmem.store import MemoryStore
from agentmem.testing.base import DIARY, NOW, OtherEmbedder, StoreCase, episodes, fingerprint, texts


class FileContract(StoreCase):
    """What holds of a store whose memories lie in a file."""

    # --- it stays ---------------------------------------------------------------------------------
    def test_everything_is_there_after_reopening(self, path: str, clock: ManualClock) -> None:
        """Memories, versions, namespaces and answers outlive the store."""
        questions = ["Where did Grace move?", "Biscuit's basket", "driving test"]
        with self.make_store(path, clock) as store:
            store.add_many(DIARY)
            ids = [m.id for m in store.list()]
            store.update(ids[0], metadata={"seen": True})
            store.delete(ids[9])
            store.namespace("a", "b").add("in a namespace")
            everything = [m.to_dict() for m in store.list(subtree=True)]
            versions = [m.to_dict() for m in store.history(ids[0])]
            answers = [fingerprint(store.search(q)) for q in questions]
        for _ in range(2):
            with self.make_store(path, clock) as store:
                assert [m.to_dict() for m in store.list(subtree=True)] == everything
                assert [m.to_dict() for m in store.history(ids[0])] == versions
                assert [fingerprint(store.search(q)) for q in questions] == answers
                assert store.list_namespaces() == [(), ("a", "b")]
                assert store.restore(ids[9]) == 1
                assert store.delete(ids[9]) == 1
                assert store.check() == []

    def test_caches_are_disposable(self, path: str, clock: ManualClock) -> None:
        """Without, with old and with damaged snapshots beside the file, the answers are the same."""
        with self.make_store(path, clock) as store:
            store.add_many(DIARY)
            store.search("warm")
            answer = fingerprint(store.search("Where did Grace move?"))
        snapshots = Path(path + ".cache")
        for harm in (_nothing, _flip_bytes, _truncate, _remove):
            for file in sorted(p for p in snapshots.rglob("*") if p.is_file()):
                harm(file)
            with self.make_store(path, clock) as store:
                assert fingerprint(store.search("Where did Grace move?")) == answer
                id = store.add("One more about Grace.").id
                assert store.erase(ids=id).complete

    def test_no_other_files(self, path: str, clock: ManualClock) -> None:
        """Nothing but the file and its companions is written, and the file alone is complete."""
        with self.make_store(path, clock) as store:
            store.add_many(DIARY)
            store.search("Grace")
        name = Path(path).name
        allowed = {name, name + "-wal", name + "-shm", name + ".cache"}
        assert {p.name for p in Path(path).parent.iterdir()} <= allowed
        moved = Path(path).with_name("moved.db")
        Path(path).rename(moved)
        with self.make_store(str(moved), clock) as store:
            assert len(episodes(store)) == len(DIARY)

    def test_reading_changes_no_byte(self, path: str, clock: ManualClock) -> None:
        """Searching, asking, listing and counting leave the file as it is."""
        with self.make_store(path, clock) as store:
            store.add_many(DIARY)
        before = _content(path)
        with self.make_store(path, clock) as store:
            for question in ("Where did Grace move?", "cabin"):
                store.search(question)
                store.ask(question)
                store.context(question)
                store.search(question, known_at=NOW)
            assert len(list(store.list())) == store.stats().memories
            store.forget(dry_run=True)
            store.duplicates()
        assert _content(path) == before

    def test_a_backup_is_a_complete_copy(self, path: str, clock: ManualClock) -> None:
        """A backup made while the store is open answers as the store does; it overwrites nothing."""
        copy = str(Path(path).with_name("copy.db"))
        with self.make_store(path, clock) as store:
            store.add_many(DIARY)
            store.backup(copy)
            answer = fingerprint(store.search("Where did Grace move?"))
            with pytest.raises(AgentmemError):
                store.backup(copy)
            store.add("after the backup")
        with self.make_store(copy, clock) as store:
            assert fingerprint(store.search("Where did Grace move?")) == answer
            assert "after the backup" not in texts(store.list())
            assert store.check() == []

    # --- it is shared -----------------------------------------------------------------------------
    def test_two_handles_see_each_other(self, path: str, clock: ManualClock) -> None:
        """Writes of one handle are in the next call of the other, searches included."""
        with self.make_store(path, clock) as one, self.make_store(path, clock) as two:
            one.search("x")
            two.search("x")
            for i, (writer, reader) in enumerate([(one, two), (two, one)] * 3):
                id = writer.add(f"Message {i} is about {'tuvwxy'[i] * 5}.").id
                assert reader.get(id).id == id
                assert reader.search("tuvwxy"[i] * 5, k=1)[0].memory.id == id
                clock.advance(timedelta(seconds=1))
                writer.update(id, text=f"Message {i} is about {'TUVWXY'[i] * 4}zz.")
                assert reader.search("tuvwxy"[i] * 4 + "zz", k=1)[0].memory.id == id
                writer.delete(id)
                assert reader.search("tuvwxy"[i] * 4 + "zz") == []
                writer.restore(id)
                writer.erase(ids=id)
                assert reader.search("tuvwxy"[i] * 4 + "zz") == []
            assert one.check() == two.check() == []

    def test_threads_share_a_store(self, path: str, clock: ManualClock) -> None:
        """Writers and readers on one store, in threads: nothing is lost, each sees its own writes."""
        with self.make_store(path, clock) as store:
            _in_threads(4, lambda n: _write_and_find(store, n, 15))
            assert len(episodes(store)) == 4 * 15
            assert store.check() == []

    def test_threads_with_a_store_each(self, path: str, clock: ManualClock) -> None:
        """The same with a handle for each thread."""

        def work(n: int) -> None:
            with self.make_store(path, clock) as store:
                _write_and_find(store, n, 10)

        self.make_store(path, clock).close()
        _in_threads(4, work)
        with self.make_store(path, clock) as store:
            assert len(episodes(store)) == 4 * 10
            assert store.check() == []

    def test_merges_do_not_lose_each_other(self, path: str, clock: ManualClock) -> None:
        """Threads that lay different keys over one memory's metadata all find theirs there."""
        with self.make_store(path, clock) as store:
            id = store.add("shared").id
            _in_threads(
                4, lambda n: [store.update(id, metadata={f"{n}-{i}": i}, merge=True) for i in range(6)]
            )
            assert len(store.get(id).metadata) == 4 * 6
            assert [m.version for m in store.history(id)] == list(range(1, 26))

    @pytest.mark.parametrize("method", ["spawn", "fork"])
    def test_processes_share_a_file(self, path: str, clock: ManualClock, method: str) -> None:
        """Another process's writes are seen by an open store; a forked process may go on with it."""
        if method not in multiprocessing.get_all_start_methods():
            pytest.skip(f"this system cannot {method}")
        context: Any = multiprocessing.get_context(method)
        with self.make_store(path, clock) as store:
            store.add("from the parent", id="parent")
            store.search("parent")
            inherited = store if method == "fork" else None
            child = context.Process(target=_child, args=(type(self), path, inherited))
            child.start()
            for i in range(10):
                store.add(f"meanwhile {i}")
            child.join(60)
            assert child.exitcode == 0
            assert store.get("child").text == "from the child zebra"
            assert store.search("zebra", k=1)[0].memory.id == "child"
            assert len(episodes(store)) == 12
            assert store.check() == []

    # --- what is refused --------------------------------------------------------------------------
    def test_another_embedder_is_refused(self, path: str, clock: ManualClock) -> None:
        """A file is opened with the embedder that wrote it, or not at all; ``reindex`` moves it."""
        with self.make_store(path, clock, embedder=OtherEmbedder()) as store:
            store.add_many(DIARY)
            assert store.stats().embedder == "other" and store.stats().dim == 16
        for stranger in (OtherEmbedder("third"), OtherEmbedder("other", 24)):
            with pytest.raises(EmbedderMismatch, match="other"):
                self.make_store(path, clock, embedder=stranger)
        with self.make_store(path, clock, embedder=OtherEmbedder()) as store:
            store.reindex(embedder=OtherEmbedder("third", 24))
            found = texts(store.search("Where did Grace move?", k=3))
        with pytest.raises(EmbedderMismatch, match="third"):
            self.make_store(path, clock, embedder=OtherEmbedder())
        with self.make_store(path, clock, embedder=OtherEmbedder("third", 24)) as store:
            assert texts(store.search("Where did Grace move?", k=3)) == found
            assert store.check() == []

    def test_a_remote_embedder_is_put_off(self, path: str, clock: ManualClock) -> None:
        """With a remote embedder ``add`` does not wait: the memory is found by words until ``flush``."""
        embedder = OtherEmbedder(speed="remote")
        with self.make_store(path, clock, embedder=embedder) as store:
            store.add_many(DIARY)
            assert embedder.calls == 0
            assert store.pending() == len(DIARY)
            assert texts(store.search("plumber", k=1)) == [DIARY[8].text]
            assert store.flush() == len(DIARY)
            assert store.pending() == 0
            calls = embedder.calls
            store.flush()
            assert embedder.calls == calls
            assert store.check() == []

    @pytest.mark.parametrize("options", [{"colour": "red"}, {"embedder": "no such embedder"}])
    def test_unknown_options(self, path: str, clock: ManualClock, options: dict[str, Any]) -> None:
        """An option there is none of is refused by name."""
        with pytest.raises(UnknownOption, match=next(iter(options.values())) + "|" + next(iter(options))):
            self.make_store(path, clock, **options)

    def test_foreign_files(self, path: str, clock: ManualClock) -> None:
        """A file of another kind is refused, and left as it is."""
        for content in (b"Dear diary,\n" * 500, b"SQLite format 3\0" + b"\0" * 4080):
            Path(path).write_bytes(content)
            with pytest.raises(BackendError):
                self.make_store(path, clock)
            assert Path(path).read_bytes() == content

    def test_a_foreign_database(self, path: str, clock: ManualClock) -> None:
        """A database of somebody else's is refused, and left as it is."""
        import sqlite3

        other = sqlite3.connect(path)
        other.execute("create table t (x)")
        other.commit()
        other.close()
        before = Path(path).read_bytes()
        with pytest.raises(NotAMemoryFile):
            self.make_store(path, clock)
        assert Path(path).read_bytes() == before

    def test_a_file_that_can_only_be_read(self, path: str, clock: ManualClock) -> None:
        """Opened for reading, a file is read, and writes are refused by name."""
        with self.make_store(path, clock) as store:
            store.add_many(DIARY)
        with self.make_store(path, clock, readonly=True) as store:
            assert len(episodes(store)) == len(DIARY)
            assert store.search("Where did Grace move?", k=1)
            for write in (store.add, store.recall, store.reinforce, store.delete):
                with pytest.raises(ReadOnlyFile):
                    write(store.search("Where did Grace move?", k=1)[0].memory.id)

    def test_a_closed_store(self, path: str, clock: ManualClock) -> None:
        """After ``close`` every call fails by name; a second ``close`` does nothing."""
        store = self.make_store(path, clock)
        id = store.add("x").id
        child = store.namespace("a")
        child.close()
        store.search("a child's close closes nothing")
        store.close()
        store.close()
        calls: list[Callable[[], Any]] = [
            lambda: store.add("y"),
            lambda: store.search("x"),
            lambda: store.get(id),
            lambda: list(store.list()),
            lambda: store.stats(),
            lambda: store.delete(id),
            lambda: store.update(id, text="z"),
            lambda: store.context("x"),
            lambda: child.add("y"),
        ]
        for call in calls:
            with pytest.raises(StoreClosed):
                call()

    # --- erasing ----------------------------------------------------------------------------------
    def test_no_byte_of_what_was_erased(self, path: str, clock: ManualClock) -> None:
        """After ``erase`` the file and its companions hold neither the text nor a word only it used."""
        secrets = ["xylophonist", "quarterstaff", "bergschrund"]
        with self.make_store(path, clock) as store:
            store.add_many([f"filler number {i} about ordinary things" for i in range(300)])
            id = store.add(f"The {secrets[0]} lent me a {secrets[1]}.", speaker="Zaphodine", id="Vogonid").id
            store.add_many([f"more filler number {i}" for i in range(300)])
            clock.advance(timedelta(days=1))
            store.update(id, text=f"The {secrets[0]} fell into a {secrets[2]}.", metadata={"k": "Krikkitish"})
            store.recall(secrets[0])
            store.reinforce(id)
            store.search("filler")
        with self.make_store(path, clock) as store:
            store.search(secrets[0])
            assert store.erase(ids=id).complete
            store.search("filler")
            _assert_absent(path, secrets)
            assert store.check() == []
        _assert_absent(path, [*secrets, "Zaphodine", "Vogonid", "Krikkitish"])

    def test_erasing_beside_readers(self, path: str, clock: ManualClock) -> None:
        """With readers open, an erasure is complete or says that it is not; they stop finding it."""
        with self.make_store(path, clock) as writer, self.make_store(path, clock) as reader:
            writer.add_many([f"filler number {i}" for i in range(50)])
            id = writer.add("The xylophonist sleeps.").id
            assert reader.search("xylophonist", k=1)[0].memory.id == id
            listing = reader.list(order="position")
            next(listing)  # a read that was begun and not ended
            report = writer.erase(ids=id)
            assert report.complete or report.detail
            if report.complete:
                _assert_absent(path, ["xylophonist"])
            assert all(hit.memory.id != id for hit in reader.search("xylophonist"))
            assert id not in [m.id for m in reader.list()]
        self.make_store(path, clock).close()
        _assert_absent(path, ["xylophonist"])


def _content(path: str) -> bytes:
    """The file with what stands in its write-ahead log."""
    return b"".join(file.read_bytes() for file in (Path(path), Path(path + "-wal")) if file.exists())


def _assert_absent(path: str, words: list[str]) -> None:
    for file in Path(path).parent.rglob("*"):
        if file.is_file():
            content = file.read_bytes().lower()
            for word in words:
                for stem in (word, word[:-1]):
                    assert stem.lower().encode() not in content, f"{stem} is still in {file.name}"


def _write_and_find(store: MemoryStore, n: int, count: int) -> None:
    for i in range(count):
        word = f"w{n}x{i}q"
        id = store.add(f"Writer {n} wrote {word} as note {i}.", session=f"s{n}").id
        assert store.get(id).text.split()[3] == word
        assert id in [hit.memory.id for hit in store.search(word, k=3)]


def _in_threads(count: int, work: Callable[[int], Any]) -> None:
    errors: list[BaseException] = []

    def guarded(n: int) -> None:
        try:
            work(n)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _child(case: type[FileContract], path: str, inherited: MemoryStore | None) -> None:
    store = inherited if inherited is not None else case().make_store(path, ManualClock(NOW))
    assert store.get("parent").text == "from the parent"
    assert store.search("parent", k=1)[0].memory.id == "parent"
    store.add("from the child zebra", id="child")
    if inherited is None:
        store.close()


def _nothing(file: Path) -> None:
    """Leave it."""


def _flip_bytes(file: Path) -> None:
    """Turn round every tenth byte."""
    content = bytearray(file.read_bytes())
    for i in range(0, len(content), 10):
        content[i] ^= 255
    file.write_bytes(content)


def _truncate(file: Path) -> None:
    """Cut it in half."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _remove(file: Path) -> None:
    """Take it away."""
    file.unlink()
