"""Which memories tell anything that could be a fact: kept beside the file, so that the rest is read once.

Of a chat nine turns in ten tell nothing that facts are read from, and whether one does depends on its
text alone, which a row never changes. So a new process reads only the telling ones again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import Growing

if TYPE_CHECKING:
    from agentmem.index.snapshot import Snapshots
    from agentmem.index.space import Space

READER = 2
"""Counted up whenever another sentence than before may be a fact."""
_CHANGED = 0.05  # share of rows read since the last snapshot that makes the next worth it


class Telling:
    """The telling rows of a namespace up to one; a companion of its space.

    Attributes:
        rows: row numbers of memories from which something was read, or that nobody has read yet.
        upto: the highest row that was read, -1 for none; what is higher is not known.
        unsaved: rows read since the last snapshot.
    """

    def __init__(self) -> None:
        self.rows = Growing.empty(np.int64)
        self.upto = -1
        self.unsaved = 0

    def load(self, space: Space, snapshots: Snapshots | None) -> None:
        """Begin with what was kept of a namespace, if anything fits."""
        self.__init__()  # type: ignore[misc]
        if snapshots is None or space.ns < 0 or space.n_live < snapshots.min_documents:
            return
        found = snapshots.take(_name(space))
        if found is None:
            return
        arrays, header = found
        if "rows" in arrays and isinstance(header.get("upto"), int):
            self.rows.append(np.asarray(arrays["rows"], np.int64))
            self.upto = header["upto"]

    def among(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows have to be read."""
        return np.asarray((rows > self.upto) | np.isin(rows, self.rows.view))

    def read(self, rows: NDArray[np.int64], telling: NDArray[np.bool_]) -> None:
        """Note rows that were read and which of them tell something."""
        new = rows > self.upto
        self.rows.append(rows[new & telling])
        self.unsaved += int(new.sum())

    def save(self, snapshots: Snapshots, space: Space, *, force: bool) -> bool:
        """See :class:`agentmem.index.layout.Companion`."""
        if snapshots.readonly or space.n_live < snapshots.min_documents:
            return False
        if self.unsaved <= (0 if force else _CHANGED * space.n_live):
            return False
        if not snapshots.put(_name(space), {"rows": self.rows.view}, {"upto": self.upto}):
            return False
        self.unsaved = 0
        return True


def _name(space: Space) -> str:
    return f"telling{READER}-{space.ns}"
