"""Names and titles of one namespace's documents: which text names what, and which texts share a name.

A :class:`NamesIndex` belongs to a space (:attr:`agentmem.index.space.Space.names`) and is a cache like it:
documents have the space's numbers, those not read yet are read from the backend by :func:`names_of`, dead
ones are passed over wherever documents are given out, so that a removal costs nothing. Everything is
derived from the texts one by one; what depends on several (how many texts hold a name) is counted when it
is asked for. So reading text by text gives the same as reading all at once.

Hold the space's lock while you use it.

    names = names_of(space, backend)
    names.keys(doc)                # the keys of the names in a text, with their bits
    names.holders(key)             # the live documents whose text has the name
    names.bearers(key)             # the live documents whose title it is
    names.reading(doc)             # where names and titles of others stand in its text
    key_of("Ada Lovelace")         # the key of a name in any form
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import Growing
from agentmem.index.names_postings import Postings
from agentmem.index.names_text import (
    INSIDE,
    LONGEST,
    SINGLE,
    UNCASED,
    WHOLE,
    Mention,
    key_of,
    keys_of,
    mentions,
    normal,
    question_spots,
    title_keys,
    title_of,
    title_spots,
)

if TYPE_CHECKING:
    from agentmem.backends.base import Backend
    from agentmem.index.space import Space

__all__ = [
    "INSIDE",
    "LONGEST",
    "SINGLE",
    "UNCASED",
    "WHOLE",
    "Mention",
    "NamesIndex",
    "Reading",
    "key_of",
    "keys_of",
    "mentions",
    "names_of",
    "normal",
    "question_spots",
    "title_keys",
    "title_of",
]

Docs = NDArray[np.int64]
Keys = NDArray[np.uint64]
Mask = NDArray[np.bool_]

READ_AT_ONCE: Final = 2_000
READINGS: Final = 1_024


@dataclass(frozen=True, slots=True)
class Reading:
    """A text read closely, for what it names and where.

    Attributes:
        text: verbatim, the title before it if that stands only in the metadata.
        title: its title, or None.
        mentions: its names.
        spelled: their keys, with where each stands first.
        spots: where titles of others may stand; ``spot_keys`` are their keys.
    """

    text: str
    title: str | None
    mentions: tuple[Mention, ...]
    spelled: Mapping[int, tuple[int, int]]
    spots: tuple[Mention, ...]
    spot_keys: Keys

    def name(self, key: int) -> str:
        """A name as it stands in the text first; empty when it does not."""
        start, end = self.spelled.get(key, (0, 0))
        return self.text[start:end]


@dataclass(eq=False)
class NamesIndex:
    """Names and titles by document number.

    Attributes:
        n: documents read so far, dead ones included.
        names: name -> documents, with the bits of :mod:`agentmem.index.names_text`.
        titles: title -> documents.
        titled, turns: bool (n,), whether a document has a title, or is a turn of a dialogue.
    """

    n: int = 0
    names: Postings = field(default_factory=Postings)
    titles: Postings = field(default_factory=Postings)
    _titled: Growing = field(default_factory=lambda: Growing.empty(np.bool_))
    _turns: Growing = field(default_factory=lambda: Growing.empty(np.bool_))
    _keys: Growing = field(default_factory=lambda: Growing.empty(np.uint64))
    _bits: Growing = field(default_factory=lambda: Growing.empty(np.uint8))
    _ends: Growing = field(default_factory=lambda: Growing(np.zeros(1, np.int64)))
    _live: Mask = field(default_factory=lambda: np.empty(0, np.bool_))
    _readings: OrderedDict[int, Reading] = field(default_factory=OrderedDict)
    _source: tuple[int, Docs, Any] = (-1, np.empty(0, np.int64), None)
    _looked: int = 0
    _mixed: bool = False
    _speakers: tuple[int, frozenset[int]] = (0, frozenset())

    # --- keeping up --------------------------------------------------------------------------------
    def sync(self, space: Space, backend: Backend) -> None:
        """Read the documents of a space that came since the last call; see :func:`names_of`."""
        for start in range(self.n, space.n, READ_AT_ONCE):
            docs = np.arange(start, min(start + READ_AT_ONCE, space.n))
            alive = docs[space.live[docs]]
            rows = space.rows[alive].tolist()
            read = {row: (text, title) for row, text, title in backend.texts(space.ns, rows)}
            texts: list[tuple[str, str | None] | None] = [None] * len(docs)
            turns = is_turn(space, docs)
            for doc, row in zip(alive.tolist(), rows, strict=True):
                if row in read:
                    text, given = read[row]
                    texts[doc - start] = (text, None if turns[doc - start] else title_of(text, given))
            self.add(texts)
            self._turns.append(turns)
            space.unsaved += len(docs)  # worth a new snapshot: the texts need not be read again
        self._live = space.live
        self._source = (space.ns, space.rows, backend)

    def add(self, texts: Sequence[tuple[str, str | None] | None]) -> None:
        """Add the next documents: (text, title or None) each; None for one that is dead already."""
        keys: list[int] = []
        bits: list[int] = []
        sizes = np.zeros(len(texts), np.int64)
        titled = np.zeros(len(texts), np.bool_)
        borne: list[tuple[int, int]] = []
        for i, one in enumerate(texts):
            if one is None:
                continue
            text, title = one
            if title is not None:
                titled[i] = True
                borne += [(key, self.n + i) for key in title_keys(title)]
                text = with_title(text, title)
            found = keys_of(text)
            keys.extend(found)
            bits.extend(found.values())
            sizes[i] = len(found)
        docs = np.repeat(np.arange(self.n, self.n + len(texts), dtype=np.int32), sizes)
        some, marks = np.array(keys, np.uint64), np.array(bits, np.uint8)
        self.names.add(some, docs, marks)
        if borne:
            pairs = np.array(borne, np.uint64)
            self.titles.add(pairs[:, 0], pairs[:, 1].astype(np.int32), np.zeros(len(pairs), np.uint8))
        self._keys.append(some)
        self._bits.append(marks)
        self._ends.append(self._ends.view[-1] + np.cumsum(sizes))
        self._titled.append(titled)
        self.n += len(texts)

    def worth(self, space: Space) -> bool:
        """Whether a space holds anything but turns of a dialogue, among which names say nothing.

        Looks at the columns of new documents only, not at texts; what others derived does not count.
        """
        if not self._mixed and self._looked < space.n:
            docs = np.arange(self._looked, space.n)
            self._mixed = bool((~is_turn(space, docs) & (space.made_by[docs] < 0)).any())
            self._looked = space.n
        return self._mixed

    # --- asking ------------------------------------------------------------------------------------
    @property
    def titled(self) -> Mask:
        """Whether documents have a title; bool (n,)."""
        return self._titled.view

    @property
    def turns(self) -> Mask:
        """Whether documents are turns of a dialogue; bool (n,)."""
        return self._turns.view

    def keys(self, doc: int) -> tuple[Keys, NDArray[np.uint8]]:
        """The keys of the names in a document's text, and their bits, in order of first appearance."""
        part = slice(int(self._ends.view[doc]), int(self._ends.view[doc + 1]))
        return self._keys.view[part], self._bits.view[part]

    def places(self, keys: Keys, docs: Docs) -> NDArray[np.int64]:
        """How many names come before a name in a document's text, for each of some (name, document).

        The documents have the names. A name inside a longer one counts as one of its own.
        """
        ends, held = self._ends.view, self._keys.view
        sizes = ends[docs + 1] - ends[docs]
        first = np.cumsum(sizes) - sizes
        at = np.arange(int(sizes.sum())) - np.repeat(first - ends[docs], sizes)
        found = np.flatnonzero(held[at] == np.repeat(keys, sizes))
        return np.asarray(found - first, np.int64)

    def holders(self, key: int) -> tuple[Docs, NDArray[np.uint8]]:
        """The live documents whose text has a name, ascending, and its bits in each."""
        _, docs, bits = self.holders_of(np.array([key], np.uint64))
        return docs, bits

    def holders_of(self, keys: Keys) -> tuple[NDArray[np.int64], Docs, NDArray[np.uint8]]:
        """:meth:`holders` of many keys: (place in ``keys``, document, bits) triples, by place."""
        return self._alive(self.names.find(keys))

    def bearers(self, key: int) -> Docs:
        """The live documents whose title is this name, ascending."""
        return self.bearers_of(np.array([key], np.uint64))[1]

    def bearers_of(self, keys: Keys) -> tuple[NDArray[np.int64], Docs]:
        """:meth:`bearers` of many keys: (place in ``keys``, document) pairs, by place."""
        places, docs, _ = self._alive(self.titles.find(keys))
        return places, docs

    def _alive(
        self, found: tuple[NDArray[np.int64], Docs, NDArray[np.uint8]]
    ) -> tuple[NDArray[np.int64], Docs, NDArray[np.uint8]]:
        places, docs, bits = found
        kept = self._live[docs]
        return (places, docs, bits) if kept.all() else (places[kept], docs[kept], bits[kept])

    def reading(self, doc: int) -> Reading | None:
        """A live document's text read closely; None if it is gone from the backend."""
        return self.read_closely([doc]).get(doc)

    def read_closely(self, docs: Sequence[int]) -> dict[int, Reading]:
        """:meth:`reading` of several documents, with one access to the backend; kept for the next time."""
        ns, numbers, backend = self._source
        known = {doc: self._readings[doc] for doc in docs if doc in self._readings}
        for doc in known:
            self._readings.move_to_end(doc)
        missing = [doc for doc in docs if doc not in known]
        if missing:
            rows = numbers[missing].tolist()
            read = {row: (text, title) for row, text, title in backend.texts(ns, rows)}
            for doc, row in zip(missing, rows, strict=True):
                if row in read:
                    text, given = read[row]
                    title = title_of(text, given) if self.titled[doc] else None
                    known[doc] = self._readings[doc] = closely(text, title)
            while len(self._readings) > READINGS:
                self._readings.popitem(last=False)
        return known

    def texts(self, docs: Sequence[int]) -> dict[int, str]:
        """The texts of live documents, their titles before them."""
        ns, numbers, backend = self._source
        found = {doc: self._readings[doc].text for doc in docs if doc in self._readings}
        missing = [doc for doc in docs if doc not in found]
        place = dict(zip(numbers[missing].tolist(), missing, strict=True)) if missing else {}
        for row, text, given in backend.texts(ns, list(place)):
            title = title_of(text, given) if self.titled[place[row]] else None
            found[place[row]] = text if title is None else with_title(text, title)
        return found

    def speaker_keys(self, space: Space) -> frozenset[int]:
        """The keys of the names of those who speak in the space, whole and first."""
        n, keys = self._speakers
        if n < len(space.speakers):
            new = space.speakers[n:]
            forms = [form for name in new for form in (name, *name.split()[:1])]
            self._speakers = (len(space.speakers), keys | {key_of(form) for form in forms})
        return self._speakers[1]

    # --- snapshots ---------------------------------------------------------------------------------
    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as arrays; nothing when nothing was read yet."""
        if not self.n:
            return {}
        arrays: dict[str, NDArray[Any]] = {
            "titled": self._titled.view,
            "turns": self._turns.view,
            "keys": self._keys.view,
            "bits": self._bits.view,
            "ends": self._ends.view,
        }
        arrays |= {f"names.{name}": array for name, array in self.names.to_arrays().items()}
        return arrays | {f"titles.{name}": array for name, array in self.titles.to_arrays().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> NamesIndex:
        """The inverse of :meth:`to_arrays`; arrays may be read-only."""
        if not arrays:
            return cls()

        def part(prefix: str) -> dict[str, NDArray[Any]]:
            return {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}

        return cls(
            n=len(arrays["titled"]),
            names=Postings.from_arrays(part("names.")),
            titles=Postings.from_arrays(part("titles.")),
            _titled=Growing(arrays["titled"]),
            _turns=Growing(arrays["turns"]),
            _keys=Growing(arrays["keys"]),
            _bits=Growing(arrays["bits"]),
            _ends=Growing(arrays["ends"]),
        )

    @property
    def nbytes(self) -> int:
        """Memory held, readings estimated."""
        columns = (self._titled, self._turns, self._keys, self._bits, self._ends)
        held = self.names.nbytes + self.titles.nbytes + sum(column.nbytes for column in columns)
        return held + 30_000 * len(self._readings)


def names_of(space: Space, backend: Backend) -> NamesIndex:
    """The names index of a space, up to what the space has read.

    Args:
        space: the namespace's index, whose lock the caller holds; not one of versions known at another
            time (``space.ns < 0``), whose texts are not the live ones.
        backend: where the texts are.
    """
    space.names.sync(space, backend)
    return space.names


def is_turn(space: Space, docs: Docs) -> Mask:
    """Which documents are turns of a dialogue: they belong to a session, and somebody says them."""
    said = (space.speaker[docs] >= 0) | (space.role[docs] >= 0)
    return np.asarray((space.session[docs] >= 0) & said)


def with_title(text: str, title: str) -> str:
    """A text that begins with its title."""
    return text if text.startswith(title) else f"{title}\n{text}"


def closely(text: str, title: str | None) -> Reading:
    """Read a text closely."""
    whole = text if title is None else with_title(text, title)
    spots = tuple(title_spots(whole))
    keys = np.array([one.key for one in spots], np.uint64)
    found = tuple(mentions(whole))
    spelled = {one.key: (one.start, one.end) for one in reversed(found)}
    return Reading(whole, title, found, spelled, spots, keys)
