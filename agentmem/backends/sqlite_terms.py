"""The dictionary's cache: word to token id, for as long as nothing is erased."""

from __future__ import annotations

import sqlite3
import threading

_MOST = 2_000_000
"""Words kept; beyond, the cache begins anew."""


class Terms:
    """Token ids of words seen, shared by the threads of an opened file.

    An erasure may take words away, in any process; so the cache belongs to an erase epoch. A dict
    that was handed out may still be added to after the epoch has passed: nobody reads it any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch = -1
        self._words: dict[str, int] = {}

    def of(self, connection: sqlite3.Connection) -> dict[str, int]:
        """The words of the epoch that a connection sees; only committed ids may be added."""
        epoch = connection.execute("SELECT value FROM meta WHERE key = 'erase_epoch'").fetchone()[0]
        return self.at(int(epoch))

    def at(self, epoch: int) -> dict[str, int]:
        """The words of an epoch."""
        with self._lock:
            if epoch < self._epoch:  # an older view: it must not spoil the cache
                return {}
            if epoch > self._epoch or len(self._words) > _MOST:
                self._epoch, self._words = epoch, {}
            return self._words
