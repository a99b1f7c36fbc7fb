"""Snapshots of large spaces in ``FILE.cache/``: a new process answers without reading every row.

    FILE.cache/lock                 held by whoever writes or removes snapshots
    FILE.cache/17-000003/           the third snapshot of namespace 17
    FILE.cache/graph…-000001/       what a store keeps beside it
        header.json                 a line of JSON and its checksum
        rows.npy, vectors.rows.npy  raw arrays, memory-mapped when read

A snapshot is disposable. One of another database, schema, analyser, embedder or setting, one older than
an erasure, and one that is incomplete or damaged are passed over and the space is built from the
backend; one that is only older serves, and the change log is replayed over it.

What is checked at loading: the header's checksum, every file's size, and the checksum of sampled
blocks of every file (all of it up to 256 KB). :meth:`Snapshots.check` reads everything.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentmem.backends.base import Backend, Problem
from agentmem.errors import AgentmemError
from agentmem.index.layout import Settings
from agentmem.index.space import Space

FORMAT = 1
MIN_DOCUMENTS = 5_000
_CHANGED = 0.02  # the share of documents that must have changed before a snapshot is written again
_BLOCK = 64 << 10
_logger = logging.getLogger(__name__)


class Snapshots:
    """The snapshots of one file.

    Args:
        folder: ``FILE.cache``; made when the first snapshot is written.
        backend: the database.
        settings: how spaces are made.
        min_documents: smaller spaces are built from the backend faster than it is worth.
    """

    def __init__(
        self, folder: Path, backend: Backend, settings: Settings, *, min_documents: int = MIN_DOCUMENTS
    ) -> None:
        self.folder = folder
        self.min_documents = min_documents
        self._backend = backend
        self._settings = settings

    @classmethod
    def beside(cls, backend: Backend, settings: Settings) -> Snapshots | None:
        """The snapshots of a backend that is a file on disk; None for any other."""
        path = backend.path
        if path == ":memory:" or "://" in path:
            return None
        return cls(Path(path + ".cache"), backend, settings)

    @property
    def readonly(self) -> bool:
        """Whether nothing may be written."""
        return self._backend.readonly

    # --- writing -------------------------------------------------------------------------------
    def wants(self, space: Space, *, force: bool = False) -> bool:
        """Whether a space is large enough and has changed enough to be written."""
        if self._backend.readonly or not space.loaded or space.n_live < self.min_documents:
            return False
        return space.unsaved > (0 if force else _CHANGED * space.n)

    def save(self, space: Space) -> bool:
        """Write a space, whose lock the caller holds; returns whether it was written.

        It is not when another process is writing, or the folder cannot be written.
        """
        if json.loads(json.dumps(space.cursor)) != space.cursor:
            return False
        last = int(np.flatnonzero(space.live)[-1])
        arrays, names = space.to_arrays()
        header = {
            "ns": space.ns,
            "cursor": space.cursor,
            "names": names,
            "last": [int(space.rows[last]), space.id_of(last)],
        }
        if not self.put(str(space.ns), arrays, header):
            return False
        space.unsaved = 0
        return True

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> bool:
        """Write arrays and a JSON header in place of what has this name; returns whether that was done.

        Args:
            name: a space has its number; what a store keeps beside one begins with a letter.
            arrays: what to write.
            header: what to write beside it.
        """
        try:
            with self._writer() as alone:
                if not alone:
                    return False
                self._write(name, arrays, header)
        except OSError as error:
            _logger.debug("no snapshot %s: %s", name, error)
            return False
        return True

    def _write(self, kind: str, arrays: Mapping[str, NDArray[Any]], given: Mapping[str, Any]) -> None:
        old = self._folders(kind)
        number = 1 + max((int(folder.name.rpartition("-")[2]) for folder in old), default=0)
        building = self.folder / f"tmp-{kind}-{number:06d}"
        building.mkdir()
        files: dict[str, dict[str, int]] = {}
        for name, array in arrays.items():
            path = building / f"{name}.npy"
            with path.open("wb") as file:
                np.save(file, np.ascontiguousarray(array), allow_pickle=False)
            files[name] = {"size": path.stat().st_size, "sampled": sampled(path), "all": checksum(path)}
        header = {**given, **self._identity(), "files": files}
        line = json.dumps(header).encode()
        (building / "header.json").write_bytes(line + b"\n%d\n" % zlib.crc32(line))
        building.rename(self.folder / f"{kind}-{number:06d}")
        for folder in old:
            _remove(folder)

    def clear(self) -> bool:
        """Remove all snapshots, waiting for a writer; returns whether none is left."""
        if not self.folder.exists():
            return True
        try:
            with self._writer(wait=True):
                for folder in self._folders():
                    _remove(folder)
                left = self._folders()
            if not left:
                shutil.rmtree(self.folder, ignore_errors=True)
            return not left
        except OSError:
            return False

    @contextlib.contextmanager
    def _writer(self, *, wait: bool = False) -> Iterator[bool]:
        """Hold the folder's lock; false when another process holds it. Leftovers are removed."""
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "lock").open("ab") as file:
            if not _lock(file.fileno(), wait):
                yield False
                return
            for leftover in self.folder.glob("tmp-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            yield True  # closing the file releases the lock

    # --- reading -------------------------------------------------------------------------------
    def load(self, space: Space) -> bool:
        """Restore a space, whose lock the caller holds, from its newest usable snapshot."""
        for folder in reversed(self._folders(str(space.ns))):
            try:
                read = self._read(folder)
                if read is None or read[1]["ns"] != space.ns:
                    continue
                arrays, header = read
                row, id = header["last"]
                found = self._backend.memories([row])
                if not found or found[0].id != id:
                    continue
                space.restore(arrays, header["names"], header["cursor"])
                return True
            except AgentmemError:
                raise
            except Exception as error:  # a damaged cache must never stop a reader
                _logger.debug("snapshot %s passed over: %s", folder, error)
        return False

    def take(self, name: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """The newest usable arrays that were put under a name, with their header; None without any."""
        for folder in reversed(self._folders(name)):
            try:
                read = self._read(folder)
            except Exception as error:  # a damaged cache must never stop a reader
                _logger.debug("snapshot %s passed over: %s", folder, error)
                continue
            if read is not None:
                return read
        return None

    def _read(self, folder: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        header = self._header(folder)
        if header is None:
            return None
        return {name: _map(folder / f"{name}.npy", file) for name, file in header["files"].items()}, header

    def check(self) -> list[Problem]:
        """Read all snapshots whole; damaged ones are reported, stale ones are not."""
        problems = []
        for folder in self._folders():
            try:
                line, _, _ = (folder / "header.json").read_bytes().partition(b"\n")
                for name, file in json.loads(line)["files"].items():
                    if checksum(folder / f"{name}.npy") != file["all"]:
                        raise ValueError(f"{name}.npy has another checksum")
            except (OSError, ValueError, KeyError, TypeError) as error:
                problems.append(Problem(str(folder), f"damaged ({error}); it is a cache: delete the folder"))
        return problems

    def _header(self, folder: Path) -> dict[str, Any] | None:
        line, _, rest = (folder / "header.json").read_bytes().partition(b"\n")
        if int(rest) != zlib.crc32(line):
            raise ValueError("the header is damaged")
        header: dict[str, Any] = json.loads(line)
        wanted = self._identity()
        return header if {key: header.get(key) for key in wanted} == wanted else None

    def _identity(self) -> dict[str, Any]:
        """What must be equal for a snapshot to be of use, as JSON gives it back."""
        header = self._backend.header()
        identity = {
            "format": FORMAT,
            "byteorder": sys.byteorder,
            "uuid": header.uuid,
            "schema": header.schema,
            "erase_epoch": header.erase_epoch,
            "analyser": header.analyser,
            "embedder": header.fingerprint,
            "settings": asdict(self._settings),
        }
        same: dict[str, Any] = json.loads(json.dumps(identity, default=repr))
        return same

    def _folders(self, kind: str | None = None) -> list[Path]:
        """The snapshots of a name, or of all, oldest first."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.folder) if entry.is_dir())
        except OSError:
            return []
        cut = [(name, *name.rpartition("-")) for name in names if not name.startswith("tmp-")]
        return [self.folder / name for name, of, _, n in cut if n.isdigit() and kind in (None, of)]

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


def _remove(folder: Path) -> None:
    """Remove a snapshot whole or leave it whole: a kill midway leaves only a leftover."""
    with contextlib.suppress(OSError):
        leftover = folder.with_name(f"tmp-gone-{folder.name}")
        folder.rename(leftover)
        shutil.rmtree(leftover, ignore_errors=True)


def checksum(path: Path) -> int:
    """CRC-32 of a whole file."""
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc


def sampled(path: Path) -> int:
    """CRC-32 of the first, the last and fourteen blocks between; of all of a small file."""
    size = path.stat().st_size
    if size <= 4 * _BLOCK:
        return checksum(path)
    crc = 0
    with path.open("rb") as file:
        for i in range(16):
            file.seek((size - _BLOCK) * i // 15)
            crc = zlib.crc32(file.read(_BLOCK if i in (0, 15) else 4096), crc)
    return crc


def _map(path: Path, expected: dict[str, int]) -> NDArray[Any]:
    """An array mapped read-only from a file that is as it was written; small ones are read."""
    size = path.stat().st_size
    if size != expected["size"]:
        raise ValueError(f"{path.name} has {size} bytes instead of {expected['size']}")
    _read_ahead(path)
    if sampled(path) != expected["sampled"]:
        raise ValueError(f"{path.name} has another checksum")
    array: NDArray[Any] = np.load(path, mmap_mode=None if size < _BLOCK else "r", allow_pickle=False)
    return np.asarray(array)


def _read_ahead(path: Path) -> None:
    """Have the system read a file in order; mapped pages fault in one by one otherwise."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def _lock(file: int, wait: bool) -> bool:
    """Lock an open file for this process; false when another holds it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
