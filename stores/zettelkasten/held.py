"""The live notes of a namespace as a consolidation needs them: known by id, read when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agentmem.backends.base import Backend
from agentmem.stores.zettelkasten.notes import Note, chain_of

_PAGE = 500


class Notes:
    """Episode -> its note. What is set counts at once; what is written by others meanwhile does not.

    Args:
        backend: where notes lie.
        rows: episode -> (row, id) of its live note.
    """

    def __init__(self, backend: Backend, rows: Mapping[str, tuple[int, str]]) -> None:
        self._backend = backend
        self._rows = dict(rows)
        self._read: dict[str, Note] = {}

    def __contains__(self, episode: str) -> bool:
        return episode in self._read or episode in self._rows

    def __getitem__(self, episode: str) -> Note:
        if episode not in self._read:
            self.read([episode])
        return self._read[episode]

    def __setitem__(self, episode: str, note: Note) -> None:
        self._read[episode] = note

    def pop(self, episode: str) -> Note | None:
        """Take a note out; None where there is none."""
        if episode in self._rows:
            self.read([episode])
            del self._rows[episode]
        return self._read.pop(episode, None)

    def chain(self, episode: str) -> str:
        """The chain of a note, told by its id."""
        note = self._read.get(episode)
        return chain_of(self._rows[episode][1]) if note is None else note.chain

    def read(self, episodes: Iterable[str]) -> None:
        """Read notes together; what has none is passed over."""
        wanted = {self._rows[id][0]: id for id in episodes if id in self._rows and id not in self._read}
        rows = sorted(wanted)
        for start in range(0, len(rows), _PAGE):
            found = self._backend.memories_by_row(rows[start : start + _PAGE])
            self._read.update({wanted[row]: Note.of(memory) for row, memory in found.items()})
        for row in rows:
            if wanted[row] not in self._read:  # erased meanwhile
                del self._rows[wanted[row]]
