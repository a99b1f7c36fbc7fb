"""Which note stands for which episode, as document numbers of a namespace's index.

A note counts as long as its row is newer than its episode's: an updated episode is searched by its own
new text until the next consolidation writes its note anew. Follows the index by what was added to it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import Growing
from agentmem.index.space import Space
from agentmem.stores.zettelkasten.notes import KIND, episode_of

Docs = NDArray[np.int64]


@dataclass(slots=True)
class _State:
    generation: int = -1
    changed: int = -1
    seen: int = 0
    newest: int = -1
    note_of: Growing = field(default_factory=lambda: Growing.empty(np.int64))
    annotated: Growing = field(default_factory=lambda: Growing.empty(np.int64))


class Overlay:
    """Notes over episodes, for every space asked for. Call it while holding the space's lock.

    Args:
        maker: whose notes.
    """

    def __init__(self, maker: str) -> None:
        self._maker = maker
        self._states: WeakKeyDictionary[Space, _State] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def notes(self, space: Space) -> NDArray[np.bool_]:
        """Which documents are live notes of the maker; bool (n,)."""
        return self._notes(space, 0)

    def _notes(self, space: Space, start: int) -> NDArray[np.bool_]:
        """The same of the documents from a number on."""
        kind, maker = space.code("kind", KIND), space.code("made_by", self._maker)
        if kind < 0 or maker < 0:
            return np.zeros(space.n - start, bool)
        mine = (space.kind[start:] == kind) & (space.made_by[start:] == maker)
        return np.asarray(mine & space.live[start:])

    def of(self, space: Space, docs: Docs) -> Docs:
        """The document of the note of each document, -1 where it has none."""
        found = self._state(space).note_of.view[docs]
        return np.where((found >= 0) & space.live[found], found, -1)

    def standing(self, space: Space, docs: Docs) -> Docs:
        """The document whose vector stands for each document: its note's, else its own."""
        notes = self.of(space, docs)
        return np.where(notes >= 0, notes, docs)

    def annotated(self, space: Space, docs: Docs) -> Docs:
        """The inverse of :meth:`standing`: the episodes of notes, other documents as they are."""
        episodes = self._state(space).annotated.view[docs]
        return np.where(episodes >= 0, episodes, docs)

    def _state(self, space: Space) -> _State:
        with self._lock:
            state = self._states.setdefault(space, _State())
            if (state.generation, state.changed) != (space.generation, space.changed):
                self._follow(space, state)
            return state

    def _follow(self, space: Space, state: _State) -> None:
        if state.generation != space.generation or (
            space.n > state.seen and int(space.rows[state.seen :].min()) <= state.newest
        ):
            state.seen, state.newest = 0, -1
            state.note_of, state.annotated = Growing.empty(np.int64), Growing.empty(np.int64)
        state.note_of.extend_to(space.n, -1)
        state.annotated.extend_to(space.n, -1)
        new = np.flatnonzero(self._notes(space, state.seen)) + state.seen
        new = new[np.argsort(space.rows[new], kind="stable")]
        if len(new):
            docs = space.docs_of([episode_of(id) for id in space.ids_of(new)])
            held = docs >= 0
            held[held] = space.rows[new[held]] > space.rows[docs[held]]
            state.note_of.view[docs[held]] = new[held]  # of two notes the newer one
            state.annotated.view[new[held]] = docs[held]
        state.newest = max(state.newest, int(space.rows[state.seen :].max()) if space.n > state.seen else -1)
        state.seen, state.generation, state.changed = space.n, space.generation, space.changed
