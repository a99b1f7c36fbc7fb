"""One file, many threads, forks and processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentmem.backends.sqlite_connect import Held
from agentmem.errors import FileLocked, StoreClosed

fork_only = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def test_the_version_tells_of_every_commit(opened, path, make):
    mine, yours = opened(path), opened(path)
    seen = [mine.version()]

    def changed() -> bool:
        seen.append(mine.version())
        return seen[-1] != seen[-2]

    assert not changed()
    number = make.write(mine, make.memory("a"))
    assert changed() and not changed()
    make.write(yours, make.memory("b"))
    assert changed() and not changed()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(make.write, mine, make.memory("c")).result()
        assert changed()
        later = pool.submit(mine.version).result()
        make.write(yours, make.memory("d"))
        assert pool.submit(mine.version).result() != later
    mine.columns(number), mine.get(number, ["a"])
    changed()
    assert not changed()
    mine.erase(number, ["a"])
    assert changed()


def test_a_thread_that_comes_later_is_not_taken_for_up_to_date(opened, path, make):
    """Its connection has never seen the commit that an older thread has not looked for yet."""
    mine, yours = opened(path), opened(path)
    make.write(mine, make.memory("a"))
    before = mine.version()
    make.write(yours, make.memory("b"))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(mine.version).result() != before


def test_threads_write_and_read(backend, make):
    number = make.write(backend)
    everyone = threading.Barrier(6)

    def work(who: int) -> None:
        everyone.wait()
        for i in range(15):
            make.write(backend, make.memory(f"{who}-{i}", f"shared word{i} by{who}"))
            assert list(backend.get(number, [f"{who}-{i}"])) == [f"{who}-{i}"]
            _, columns = backend.columns(number)
            assert len(columns.ids) == len(set(columns.ids))
            assert columns.positions.tolist() == sorted(columns.positions.tolist())

    with ThreadPoolExecutor(6) as pool:
        for future in [pool.submit(work, who) for who in range(6)]:
            future.result()
    assert backend.counts([number])["memories"] == 90
    ids = backend.term_ids([f"word{i}" for i in range(15)] + [f"by{i}" for i in range(6)] + ["shared"])
    assert len(set(ids.values())) == 22
    assert backend.check() == []


def test_a_snapshot_is_of_one_moment(opened, path, make):
    """columns() and its cursor agree however the writers hurry."""
    backend = opened(path, durability="relaxed")
    number = make.write(backend)
    done = threading.Event()

    def write() -> None:
        for i in range(60):
            make.write(backend, make.memory(f"x{i}"), make.memory(f"y{i}"))
        done.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(write)
        rounds = 0
        while not done.is_set() or not rounds:
            cursor, columns = backend.columns(number)
            assert len(columns) % 2 == 0
            assert cursor.endswith(f":{len(columns)}")
            rounds += 1
        future.result()


def test_a_writer_waits_for_another_thread(opened, path, make):
    backend = opened(path, busy_timeout=0.1)
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with backend.transaction():
            inside.set()
            leave.wait(10)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(hold)
        inside.wait(10)
        with pytest.raises(FileLocked, match="another thread"):
            make.write(backend, make.memory("a"))
        leave.set()
        future.result()
    make.write(backend, make.memory("a"))


def test_connections_of_ended_threads_are_closed(opened, path, make):
    backend = opened(path)
    for _ in range(20):
        thread = threading.Thread(target=backend.version)
        thread.start()
        thread.join()
    gc.collect()
    assert len(backend._pool._all) <= 2


def test_close_waits_for_a_call_of_another_thread(opened, path, make):
    backend = opened(path)
    number = make.write(backend, make.memory("a"))
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with backend.transaction() as transaction:
            inside.set()
            leave.wait(10)
            transaction.insert(number, [make.memory("b")], [make.encoding("b")])

    with ThreadPoolExecutor(2) as pool:
        writer = pool.submit(hold)
        inside.wait(10)
        closing = pool.submit(backend.close)
        leave.set()
        writer.result()
        closing.result()
    with pytest.raises(StoreClosed):
        backend.version()
    assert sorted(opened(path).get(number, ["a", "b"])) == ["a", "b"]


def test_an_unclosed_backend_leaves_nothing_open(path, make):
    from agentmem.backends.sqlite import open_sqlite

    make.write(open_sqlite(path), make.memory("a"))
    gc.collect()
    assert not path.with_name("memory.db-wal").exists()


# --- forks ------------------------------------------------------------------------------------------
def child(call) -> int:
    """Run a call in a forked child; its exit status."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads
        process = os.fork()
    if process == 0:
        status = 1
        try:
            call()
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@fork_only
def test_a_forked_child_opens_its_own(backend, make):
    number = make.write(backend, make.memory("a"))
    shared = backend.path != ":memory:"

    def call() -> None:
        assert list(backend.get(number, ["a"])) == ["a"]
        make.write(backend, make.memory("b"))
        assert backend.columns(number)[1].ids == ["a", "b"]

    before = backend.version()
    assert child(call) == 0
    assert (backend.version() != before) >= shared
    assert backend.columns(number)[1].ids == (["a", "b"] if shared else ["a"])
    make.write(backend, make.memory("c"))
    assert backend.check() == []


@fork_only
def test_a_child_writes_on_while_its_parent_closes(opened, path, make):
    """An inherited connection would let the parent delete the log under the child: lost writes."""
    backend = opened(path)
    make.write(backend, make.memory("a"))
    ready, go = multiprocessing.Pipe(), multiprocessing.Pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process == 0:
        status = 1
        try:
            make.write(backend, make.memory("b"))
            ready[1].send(1)
            go[0].recv()
            make.write(backend, make.memory("c"))
            status = 0
        finally:
            os._exit(status)
    ready[0].recv()
    backend.close()
    go[1].send(1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    again = opened(path)
    assert again.columns(1)[1].ids == ["a", "b", "c"]
    assert again.check() == []


@fork_only
def test_forking_while_threads_write(opened, path, make):
    backend = opened(path, durability="relaxed")
    number = make.write(backend)
    stop = threading.Event()

    def work(who: int) -> int:
        count = 0
        while not stop.is_set():
            make.write(backend, make.memory(f"{who}-{count}"))
            count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(work, who) for who in range(3)]
        statuses = [child(lambda i=i: make.write(backend, make.memory(f"child {i}"))) for i in range(8)]
        stop.set()
        total = sum(future.result() for future in futures)
    assert statuses == [0] * 8
    assert backend.counts([number])["memories"] == total + 8
    assert backend.check() == []


@fork_only
def test_forking_inside_a_transaction(opened, path, make):
    backend = opened(path)
    number = make.write(backend, make.memory("a"))
    with backend.transaction() as transaction:
        transaction.insert(number, [make.memory("b")], [make.encoding("b")])
        assert child(lambda: backend.get(number, ["a"])["a"]) == 0
        transaction.insert(number, [make.memory("c")], [make.encoding("c")])
    assert backend.columns(number)[1].ids == ["a", "b", "c"]


def test_a_connection_of_another_process_is_forgotten_not_closed():
    held = Held()
    connection = held.connection = sqlite3.connect(":memory:")
    held.process = -1
    del held
    gc.collect()
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()


# --- processes --------------------------------------------------------------------------------------
WRITER = """
import sys
from datetime import datetime, timezone
from agentmem.backends.base import Encoding
from agentmem.backends.sqlite import open_sqlite
from agentmem.memory import Memory
path, who, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
backend = open_sqlite(path, durability="relaxed")
now = datetime(2024, 1, 1, tzinfo=timezone.utc)
for i in range(count):
    with backend.transaction() as transaction:
        ns = transaction.namespace(("a",))
        words = [f"word{i}", f"by{who}"]
        transaction.insert(ns, [Memory(f"{who}-{i}", (), "text", at=now, recorded_at=now)], [Encoding(words)])
    assert f"{who}-{i}" in backend.get(ns, [f"{who}-{i}"])
backend.close()
"""


def test_processes_open_a_new_file_at_once_and_write(opened, path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(who), "25"], stderr=subprocess.PIPE)
        for who in range(4)
    ]
    errors = [writer.communicate()[1].decode() for writer in writers]
    assert errors == [""] * 4
    backend = opened(path)
    assert backend.counts([1])["memories"] == 100
    ids = backend.term_ids([f"word{i}" for i in range(25)] + [f"by{i}" for i in range(4)])
    assert len(set(ids.values())) == 29
    assert backend.check() == []
