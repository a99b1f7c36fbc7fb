"""What lies at a path, found out before SQLite touches it."""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

from agentmem.backends.sqlite_schema import APPLICATION_ID
from agentmem.errors import DamagedFile, NetworkFileSystem, NotAMemoryFile

MEMORY = ":memory:"
_MAGIC = b"SQLite format 3\x00"
_NETWORK = re.compile(
    r"^(nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|9p|ceph|glusterfs|lustre|beegfs|davfs|gpfs|ocfs2|gfs2|"
    r"fuse\.(sshfs|glusterfs|ceph|davfs2?|s3fs|rclone|gcsfuse|goofys|smbnetfs|curlftpfs|nfs))$"
)
_MOUNTS = Path("/proc/self/mountinfo")


def look(path: Path, *, readonly: bool) -> bool:
    """Look at a path without changing it.

    Args:
        path: an absolute path.
        readonly: whether it is going to be read only, and so must exist.

    Returns:
        Whether a memory file is there already; False when one can be made.

    Raises:
        NotAMemoryFile: a folder, a missing folder, or a file that is something else.
        DamagedFile: a memory file that was cut short.
    """
    if path.is_dir():
        raise NotAMemoryFile(f"{path} is a folder; name a file in it, such as {path / 'memory.db'}")
    if not path.parent.is_dir():
        raise NotAMemoryFile(f"the folder {path.parent} does not exist; make it first")
    if not path.exists():
        if readonly:
            raise NotAMemoryFile(f"there is no file {path} to read")
        return False
    if not path.is_file():
        raise NotAMemoryFile(f"{path} is not a regular file")
    with path.open("rb") as file:
        head = file.read(100)
    if not head:
        if readonly:
            raise NotAMemoryFile(f"{path} is empty")
        return False
    if head[:16] != _MAGIC:
        if _MAGIC.startswith(head):
            raise DamagedFile(_cut_short(path))
        raise NotAMemoryFile(f"{path} is not an agentmem file, and was left as it is; choose another path")
    if len(head) < 100:
        raise DamagedFile(_cut_short(path))
    page, pages, identity = _numbers(head)
    # The order matters: the header before the WAL before the size, so that a checkpoint of another
    # process between them cannot look like a file cut short.
    wal = path.with_name(path.name + "-wal")
    hot = wal.exists() and wal.stat().st_size > 0
    size = path.stat().st_size
    if identity != APPLICATION_ID:
        if identity == 0 and size <= page:
            return False  # an empty database: one that is being made, or made and not filled
        raise NotAMemoryFile(
            f"{path} is an SQLite file, but not one of agentmem's; it was left as it is; choose another path"
        )
    if not hot and size < page * pages:
        raise DamagedFile(_cut_short(path))
    return True


def refuse_network(path: Path, mounts: str | None = None) -> None:
    """Refuse a path on a network file system, where SQLite's locks do not hold.

    Args:
        path: an absolute path.
        mounts: the text of ``/proc/self/mountinfo``; None reads it, where there is one.

    Raises:
        NetworkFileSystem: it lies on one.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return
    kind = _file_system(os.path.realpath(path.parent), mounts)
    if _NETWORK.match(kind):
        raise NetworkFileSystem(
            f"{path} lies on a network file system ({kind}), where the locks of SQLite do not hold; "
            "put the file on a local disk, or use a postgresql:// address"
        )


def can_write(path: Path, exists: bool) -> bool:
    """Whether the file can be written, and the files SQLite needs beside it can be made."""
    beside = [path.with_name(path.name + end) for end in ("-wal", "-shm")]
    folder = os.access(path.parent, os.W_OK | os.X_OK)
    if not exists:
        return folder or (path.exists() and os.access(path, os.W_OK))
    if not os.access(path, os.W_OK):
        return False
    return folder or all(part.exists() and os.access(part, os.W_OK) for part in beside)


def _numbers(head: bytes) -> tuple[int, int, int]:
    page, pages, identity = (
        struct.unpack_from(">H", head, 16)[0],
        struct.unpack_from(">I", head, 28)[0],
        struct.unpack_from(">I", head, 68)[0],
    )
    return (65536 if page == 1 else page), pages, identity


def _cut_short(path: Path) -> str:
    return (
        f"{path} was cut short (an interrupted copy?); copy it again or restore it from a backup. "
        f"What is left can be read with: sqlite3 {path} .recover"
    )


def _file_system(folder: str, mounts: str) -> str:
    best, kind = "", ""
    for line in mounts.splitlines():
        left, mark, right = line.partition(" - ")
        parts = left.split(" ")
        if not mark or len(parts) < 5:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), parts[4])
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind
