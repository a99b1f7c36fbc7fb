"""What the word index keeps of each document: its terms, and its place in the conversation.

Documents of a session form a chain ordered by (time, position, document number); ``before`` and ``after``
link neighbours, so that a late turn or a removal changes a few links and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from agentmem.index.arrays import CodedColumn, Growing

Ints = NDArray[np.int64]


class Turns:
    """Terms and chains of documents, by document number. Numbers never given have no turn."""

    def __init__(self) -> None:
        self.tokens = Growing.empty(np.uint32)
        self.first_token = Growing.empty(np.int64)
        self.length = Growing.empty(np.int32)
        self.at = Growing.empty(np.int64)
        self.position = Growing.empty(np.int64)
        self.asks = Growing.empty(np.bool_)
        self.alive = Growing.empty(np.bool_)
        self.before = Growing.empty(np.int32)
        self.after = Growing.empty(np.int32)
        self.sessions: CodedColumn[str] = CodedColumn()
        self.head = Growing.empty(np.int32)
        self.tail = Growing.empty(np.int32)

    def __len__(self) -> int:
        return self.alive.n

    # --- changing --------------------------------------------------------------------------------

    def add(
        self,
        docs: Ints,
        sessions: Sequence[str | None],
        at: Ints,
        positions: Ints,
        asks: NDArray[np.bool_],
        tokens: NDArray[np.uint32],
        offsets: Ints,
    ) -> Ints:
        """Append documents; returns the older ones whose neighbours changed, perhaps more than once."""
        end = int(docs[-1]) + 1
        new = docs - len(self)
        gaps = end - len(self) - len(docs)
        first = offsets[:-1] - offsets[0] + self.tokens.n
        if offsets[-1] > offsets[0]:
            self.tokens.append(tokens[offsets[0] : offsets[-1]])
        columns: list[tuple[Growing, NDArray[np.generic]]] = [
            (self.first_token, first),
            (self.length, np.diff(offsets)),
            (self.at, at),
            (self.position, positions),
            (self.asks, asks),
            (self.alive, np.ones(len(docs), dtype=np.bool_)),
        ]
        for column, rows in columns:
            if gaps:
                spread = np.zeros(len(docs) + gaps, dtype=rows.dtype)
                spread[new] = rows
                rows = spread
            column.append(rows)
        self.before.extend_to(end, -1)
        self.after.extend_to(end, -1)
        if gaps:
            named: list[str | None] = [None] * (len(docs) + gaps)
            for place, session in zip(new.tolist(), sessions, strict=True):
                named[place] = session
            sessions = named
        codes = self.sessions.append(sessions)
        self.head.extend_to(len(self.sessions.values), -1)
        self.tail.extend_to(len(self.sessions.values), -1)
        return self._link(docs, codes[new].astype(np.int64) if gaps else codes.astype(np.int64))

    def remove(self, doc: int) -> list[int]:
        """Take a document out of its chain; returns the documents whose neighbours changed."""
        self.alive.writable()[doc] = False
        session = int(self.sessions.codes[doc])
        if session < 0:
            return []
        before, after = self.before.writable(), self.after.writable()
        previous, following = int(before[doc]), int(after[doc])
        if previous >= 0:
            after[previous] = following
        else:
            self.head.writable()[session] = following
        if following >= 0:
            before[following] = previous
        else:
            self.tail.writable()[session] = previous
        before[doc] = after[doc] = -1
        return self._around(previous, following)

    def _link(self, docs: Ints, sessions: Ints) -> Ints:
        """Put new documents into their chains."""
        chained = np.flatnonzero(sessions >= 0)
        if not len(chained):
            return chained
        docs, sessions = docs[chained], sessions[chained]
        order = np.lexsort((docs, self.position.view[docs], self.at.view[docs], sessions))
        docs, sessions = docs[order], sessions[order]
        before, after = self.before.writable(), self.after.writable()
        head, tail = self.head.writable(), self.tail.writable()
        same = sessions[1:] == sessions[:-1]
        starts = np.append(0, np.flatnonzero(~same) + 1)
        ends = np.append(starts[1:], len(docs))
        last = tail[sessions[starts]].astype(np.int64)
        late = np.flatnonzero((last >= 0) & ~self._precedes(last, docs[starts]))
        if len(late):
            # These groups are put in one by one, below.
            slow = np.zeros(len(docs), dtype=np.bool_)
            for group in late.tolist():
                slow[starts[group] : ends[group]] = True
            same &= ~slow[1:]
        left, right = docs[:-1][same], docs[1:][same]
        after[left], before[right] = right, left
        fast = np.ones(len(starts), dtype=np.bool_)
        fast[late] = False
        firsts, finals = docs[starts[fast]], docs[ends[fast] - 1]
        keys, lasts = sessions[starts[fast]], last[fast]
        follows = lasts >= 0
        after[lasts[follows]] = firsts[follows]
        before[firsts] = lasts
        head[keys[~follows]] = firsts[~follows]
        tail[keys] = finals
        changed = lasts[follows]
        second = before[changed]
        found = [changed, second[second >= 0].astype(np.int64)]
        for group in late.tolist():
            for doc in docs[starts[group] : ends[group]].tolist():
                found.append(np.asarray(self._insert(doc, int(sessions[starts[group]])), dtype=np.int64))
        return np.concatenate(found)

    def _insert(self, doc: int, session: int) -> list[int]:
        """Put one document into a chain, looking for its place from both ends."""
        before, after = self.before.view, self.after.view
        key = self._key(doc)
        left, right = int(self.head.view[session]), int(self.tail.view[session])
        while True:
            if self._key(right) < key:
                previous, following = right, int(after[right])
                break
            if key < self._key(left):
                previous, following = int(before[left]), left
                break
            right, left = int(before[right]), int(after[left])
        before[doc], after[doc] = previous, following
        if previous >= 0:
            after[previous] = doc
        else:
            self.head.view[session] = doc
        if following >= 0:
            before[following] = doc
        else:
            self.tail.view[session] = doc
        return self._around(previous, following)

    def _around(self, previous: int, following: int) -> list[int]:
        """Two neighbours and theirs on the far side, those that exist."""
        around = [previous, following]
        if previous >= 0:
            around.append(int(self.before.view[previous]))
        if following >= 0:
            around.append(int(self.after.view[following]))
        return [doc for doc in around if doc >= 0]

    def _key(self, doc: int) -> tuple[int, int, int]:
        return int(self.at.view[doc]), int(self.position.view[doc]), doc

    def _precedes(self, left: Ints, right: Ints) -> NDArray[np.bool_]:
        """Whether each left document comes before its right one in time; left -1 gives anything."""
        at, position = self.at.view, self.position.view
        later = (position[left] < position[right]) | ((position[left] == position[right]) & (left < right))
        before: NDArray[np.bool_] = (at[left] < at[right]) | ((at[left] == at[right]) & later)
        return before

    # --- reading ---------------------------------------------------------------------------------

    def step(self, docs: Ints, direction: int) -> Ints:
        """The neighbour before (-1) or after (1) each document; -1 where there is none."""
        links = self.before.view if direction < 0 else self.after.view
        found = links[docs].astype(np.int64)
        found[docs < 0] = -1
        return found

    def postings(self, docs: Ints) -> tuple[Ints, Ints, NDArray[np.float64]]:
        """(term, place in ``docs``, how often) of own terms, sorted by term, then place."""
        lengths = self.length.view[docs].astype(np.int64)
        total = int(lengths.sum())
        places = np.repeat(np.arange(len(docs)), lengths)
        starts = self.first_token.view[docs] - (np.cumsum(lengths) - lengths)
        tokens = self.tokens.view[np.repeat(starts, lengths) + np.arange(total)].astype(np.int64)
        keys = np.sort(tokens * len(docs) + places)
        change = np.empty(total, dtype=np.bool_)
        change[:1] = True
        np.not_equal(keys[1:], keys[:-1], out=change[1:])
        heads = np.flatnonzero(change)
        counts = np.diff(np.append(heads, total)).astype(np.float64)
        terms, places = np.divmod(keys[heads], max(len(docs), 1))
        return terms, places, counts

    def own_terms(self, doc: int) -> NDArray[np.uint32]:
        """The terms of a document's own text, in order."""
        first = int(self.first_token.view[doc])
        terms: NDArray[np.uint32] = self.tokens.view[first : first + int(self.length.view[doc])]
        return terms

    def openings(self, docs: Ints) -> Ints:
        """The first term of each document's own text; -1 for one without."""
        found = np.full(len(docs), -1, dtype=np.int64)
        some = np.flatnonzero(self.length.view[docs] > 0)
        found[some] = self.tokens.view[self.first_token.view[docs[some]]]
        return found

    def stretch(self, doc: int, reach: int) -> Ints:
        """A document with up to ``reach`` before and after it in its session, in order."""
        sides: list[list[int]] = []
        for links in (self.before.view, self.after.view):
            side: list[int] = []
            place = int(links[doc])
            while place >= 0 and len(side) < reach:
                side.append(place)
                place = int(links[place])
            sides.append(side)
        around = [*reversed(sides[0]), doc, *sides[1]]
        return np.asarray(around, dtype=np.int64)

    def held(self, docs: Ints, terms: Ints) -> tuple[Ints, Ints]:
        """(place in ``docs``, place in ``terms``) wherever an own text has a term, repeats included.

        Equal ``terms``, which ascend, are each given.
        """
        lengths = self.length.view[docs].astype(np.int64)
        starts = self.first_token.view[docs] - (np.cumsum(lengths) - lengths)
        at = np.repeat(starts, lengths) + np.arange(int(lengths.sum()))
        tokens = self.tokens.view[at]
        wanted = np.zeros(1 << 16, dtype=np.bool_)  # by their lower halves most are known to be others
        wanted[terms & 0xFFFF] = True
        some = np.flatnonzero(wanted[tokens & 0xFFFF])
        tokens = tokens[some].astype(np.int64)
        first = np.searchsorted(terms, tokens, "left")
        counts = np.searchsorted(terms, tokens, "right") - first
        hit = np.flatnonzero(counts)
        places = np.repeat(np.arange(len(docs)), lengths)[some[hit]]
        first, counts = first[hit], counts[hit]
        found = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts - first, counts)
        return np.repeat(places, counts), found

    # --- snapshots -------------------------------------------------------------------------------

    _COLUMNS = (
        "tokens",
        "first_token",
        "length",
        "at",
        "position",
        "asks",
        "alive",
        "before",
        "after",
        "head",
        "tail",
    )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything as arrays, session names as UTF-8 with their lengths."""
        arrays: dict[str, NDArray[np.generic]] = {name: getattr(self, name).view for name in self._COLUMNS}
        names = [name.encode("utf-8", "surrogatepass") for name in self.sessions.values]
        arrays["session"] = self.sessions.codes
        arrays["session_names"] = np.frombuffer(b"".join(names), dtype=np.uint8)
        arrays["session_sizes"] = np.asarray([len(name) for name in names], dtype=np.int64)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Turns:
        """The reverse of :meth:`to_arrays`; arrays may be read-only and are copied only when they change."""
        turns = cls()
        for name in cls._COLUMNS:
            setattr(turns, name, Growing(arrays[name]))
        text = arrays["session_names"].tobytes()
        ends = np.cumsum(arrays["session_sizes"]).tolist()
        names = [text[a:b].decode("utf-8", "surrogatepass") for a, b in zip([0, *ends], ends, strict=False)]
        turns.sessions = CodedColumn(names, np.asarray(arrays["session"], dtype=np.int32))
        return turns

    @property
    def nbytes(self) -> int:
        """Memory held."""
        columns: list[Growing] = [getattr(self, name) for name in self._COLUMNS]
        return sum(column.nbytes for column in columns) + self.sessions.nbytes
