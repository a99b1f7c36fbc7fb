"""The facts of a namespace, kept in step with its space.

A view is a cache like every index: made at the first need, brought up to what the space has read by
:meth:`FactView.sync`, thrown away without loss. Only episodes are read, and of a conversation what people
said; what a store derived says nothing new.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np

from agentmem.backends.base import Backend
from agentmem.clock import to_micros
from agentmem.facts.frames import Induction
from agentmem.facts.match import Matcher
from agentmem.facts.model import (
    NO_CORRECTIONS,
    Chain,
    Corrections,
    Fact,
    Frame,
    Slot,
    State,
)
from agentmem.facts.names import name_key
from agentmem.facts.slots import ASSISTANT, Entry, Line, Standing, entries
from agentmem.facts.telling import Telling
from agentmem.index.arrays import Growing
from agentmem.index.snapshot import Snapshots
from agentmem.index.space import Space
from agentmem.language.text import length
from agentmem.memory import Memory
from agentmem.runtime import Runtime

_BATCH = 2_000


class FactView:
    """The facts of one namespace; use it while holding the space's lock.

    Attributes:
        corrections: what was decided about facts; see :meth:`correct`.
        lines: (subject, frame) keys -> slot.
        by_subject: subject key -> frame keys of its slots.
        by_object: object key -> entries that lead to it.
        replaced: id of a fact -> keys of the frames in which it replaces another one.
        latest: the latest time (microseconds) at which anything was said or begins or ends to hold.
        objects: frame key -> object key -> how many facts lead to it by this frame.
    """

    def __init__(self) -> None:
        self.corrections: Corrections = NO_CORRECTIONS
        self._forget()
        self._space: Space | None = None
        self._generation = -1
        self._changed = -1
        self._matcher: Matcher | None = None
        self._telling = Telling()

    def _forget(self) -> None:
        self.replaced: dict[str, list[str]] = {}
        self.latest = 0
        self._seen = 0
        self._next = 0
        self._induction = Induction()
        self._entries: dict[int, Entry] = {}
        self._docs = Growing.empty(np.int64)
        self._spelled: dict[str, dict[str, str]] = {}
        self._of_doc: dict[int, list[int]] = {}
        self._by_id: dict[str, Entry] = {}
        self._numbers: dict[str, list[int]] = {}
        self._clear_lines()

    def _clear_lines(self) -> None:
        self.lines: dict[tuple[str, str], Line] = {}
        self.by_subject: dict[str, dict[str, Line]] = {}
        self.by_object: dict[str, dict[str, Entry]] = {}
        self.objects: dict[str, dict[str, int]] = {}
        self._frames: dict[str, Frame] = {}
        self._established: tuple[tuple[int, int], list[str]] = ((-1, -1), [])

    # --- keeping up ----------------------------------------------------------------------------
    def sync(self, space: Space, backend: Backend, snapshots: Snapshots | None = None) -> FactView:
        """Read what came since, drop what went; the caller holds the space's lock.

        With ``snapshots`` memories that told nothing to an earlier process are not read again.
        """
        if self._space is space and self._generation == space.generation and self._changed == space.changed:
            return self
        if self._space is not space or self._generation != space.generation:
            self._forget()
            self._space, self._generation = space, space.generation
            self._telling.load(space, snapshots)
            if snapshots is not None:
                space.companions["facts"] = self._telling
        held = self._docs.view
        self.drop(doc for doc in held[~space.live[held]].tolist() if doc in self._of_doc)
        fresh = np.arange(self._seen, space.n)
        readable = space.live[fresh] & (length(space.flags[fresh]) > 0) & (space.made_by[fresh] < 0)
        assistant = space.code("role", ASSISTANT)
        if assistant >= 0:
            readable &= space.role[fresh] != assistant
        readable &= self._telling.among(space.rows[fresh])
        docs = fresh[readable]
        for start in range(0, len(docs), _BATCH):
            batch = docs[start : start + _BATCH].tolist()
            numbers = space.rows[batch]
            rows = numbers.tolist()
            memories = backend.memories_by_row(rows)
            self.take((doc, memories[row]) for doc, row in zip(batch, rows, strict=True) if row in memories)
            self._telling.read(numbers, np.array([doc in self._of_doc for doc in batch]))
        self._telling.upto = max(self._telling.upto, int(space.rows[fresh].max(initial=-1)))
        self.settle()
        self._seen = space.n
        self._changed = space.changed
        return self

    def take(self, memories: Iterable[tuple[int, Memory]]) -> None:
        """Take in memories, each with its number in order of arrival; :meth:`settle` reads them."""
        for doc, memory in memories:
            numbers = []
            for entry in entries(memory, doc):
                if self._induction.add(self._next, entry.statement.core, entry.statement.known):
                    self._entries[self._next] = entry
                    numbers.append(self._next)
                    self._next += 1
            if numbers:
                self._docs.append(np.array([doc]))
                self._of_doc[doc] = numbers
                self._numbers[memory.id] = numbers
                times = (memory.at, memory.valid_from, memory.valid_until)
                self.latest = max(self.latest, *(to_micros(time) for time in times if time is not None))

    def drop(self, docs: Iterable[int]) -> None:
        """Forget memories by their numbers; :meth:`settle` makes up for it."""
        for doc in docs:
            numbers = self._of_doc.pop(doc)
            for number in numbers:
                entry = self._entries.pop(number)
                self._unfile(entry)
                if self._numbers.get(entry.memory) is numbers:
                    del self._numbers[entry.memory]
            self._induction.remove(numbers)

    def settle(self) -> None:
        """Read what is new, and again what reads otherwise now."""
        for number in self._induction.settle():
            entry = self._entries[number]
            self._unfile(entry)
            self._read(entry, number)
            self._file(entry)

    def _read(self, entry: Entry, number: int) -> None:
        chosen = self._induction.chosen[number]
        entry.frame = None
        if chosen is None:
            return
        sentence, cut = chosen
        first = sentence.span(cut.p, cut.i)
        second = sentence.span(cut.j, len(sentence.words))
        entry.subject, entry.object = (second, first) if cut.swapped else (first, second)
        entry.direction = "backward" if cut.swapped else "forward"
        entry.subject_key, entry.object_key = name_key(entry.subject), name_key(entry.object)
        if entry.subject_key and entry.object_key:
            entry.frame = cut.key
            if cut.capitals and cut.key not in self._spelled:
                places = [*range(1, cut.p), *range(cut.i, cut.j)]
                self._spelled[cut.key] = {sentence.low[k]: sentence.words[k] for k in places}

    def _file(self, entry: Entry) -> None:
        if entry.frame is None or entry.id in self.corrections.removed:
            return
        self._by_id[entry.id] = entry
        frame = self.corrections.merged.get(entry.frame, entry.frame)
        self._line(entry.subject_key, frame).add(entry)
        counts = self.objects.setdefault(frame, {})
        counts[entry.object_key] = counts.get(entry.object_key, 0) + 1
        self.by_object.setdefault(entry.object_key, {})[entry.id] = entry

    def _line(self, subject_key: str, frame: str) -> Line:
        line = self.lines.get((subject_key, frame))
        if line is None:
            line = self.lines[subject_key, frame] = Line(subject_key, frame)
            self.by_subject.setdefault(subject_key, {})[frame] = line
        return line

    def _unfile(self, entry: Entry) -> None:
        if entry.frame is None or self._by_id.get(entry.id) is not entry:
            return
        del self._by_id[entry.id]
        frame = self.corrections.merged.get(entry.frame, entry.frame)
        for line in list(self.by_subject.get(entry.subject_key, {}).values()):
            if line.frame == frame or self.corrections.superseded:
                line.remove(entry)
                if not line.entries:
                    del self.lines[line.subject_key, line.frame]
                    del self.by_subject[line.subject_key][line.frame]
        counts = self.objects[frame]
        counts[entry.object_key] -= 1
        if not counts[entry.object_key]:
            del counts[entry.object_key]
        if not counts:
            del self.objects[frame]
        if not self.by_subject.get(entry.subject_key, True):
            del self.by_subject[entry.subject_key]
        into = self.by_object[entry.object_key]
        into.pop(entry.id, None)
        if not into:
            del self.by_object[entry.object_key]

    # --- decisions -----------------------------------------------------------------------------
    def correct(self, corrections: Corrections) -> None:
        """Build under these decisions from now on; earlier ones are forgotten."""
        if corrections == self.corrections:
            return
        self.corrections = corrections
        self.latest = max([self.latest, *(to_micros(time) for time in corrections.closed.values())])
        self._by_id = {}
        self.replaced = {}
        self._clear_lines()
        for entry in self._entries.values():
            self._file(entry)
        for old, new in corrections.superseded.items():
            older, newer = self._by_id.get(old), self._by_id.get(new)
            if older is None or newer is None or older.frame is None:
                continue
            frame = corrections.merged.get(older.frame, older.frame)
            line = self.lines[older.subject_key, frame]
            self.replaced.setdefault(new, []).append(frame)
            if newer not in line.entries:  # what replaced it answers in its place
                line.add(newer)

    # --- looking up ----------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self._by_id)

    def frame(self, key: str) -> Frame:
        """The frame with a key."""
        known = self._frames.get(key)
        if known is None or known.support != self._induction.support(key):
            words = self._spelled.get(key, {})
            text = " ".join(words.get(word, word) for word in key.split())
            text = text if text.startswith("{") else text[:1].upper() + text[1:]
            known = self._frames[key] = Frame(key, text, self._induction.support(key))
        return known

    def support(self, key: str) -> int:
        """Support of a frame, in steps."""
        return self._induction.support(key)

    def stands(self, entry: Entry, at: datetime | None) -> bool:
        """Whether an entry is the newest of its slot at a time (None: now)."""
        if entry.frame is None:
            return False
        return self.standing(entry, at).state == "active"

    def standing(self, entry: Entry, at: datetime | None) -> Standing:
        """How an entry stands in its slot at a time (None: now)."""
        frame = self.corrections.merged.get(entry.frame or "", entry.frame or "")
        found = self.lines[entry.subject_key, frame].standing(at, self.corrections)
        return next((one for one in found if one.entry is entry), Standing(entry, "closed", None))

    def line_of(self, entry: Entry) -> Line:
        """The slot of an entry."""
        frame = self.corrections.merged.get(entry.frame or "", entry.frame or "")
        return self.lines[entry.subject_key, frame]

    def before(self, entry: Entry) -> Entry | None:
        """The newest entry of another value beneath an entry in its slot, or None."""
        frame = self.corrections.merged.get(entry.frame or "", entry.frame or "")
        ranked = self.lines[entry.subject_key, frame].ranked()
        beneath = ranked[ranked.index(entry) + 1 :] if entry in ranked else []
        others = [one for one in beneath if one.asserted and one.object_key != entry.object_key]
        former = [one for one in ranked if one.former and one.object_key != entry.object_key]
        return next(iter(others or former), None)

    @property
    def matcher(self) -> Matcher:
        """What compares words with the frames."""
        if self._matcher is None:
            self._matcher = Matcher(self)
        return self._matcher

    def established(self, n: int) -> list[str]:
        """Keys of the best supported frames, n at most."""
        stamp = (len(self.objects), self._induction.steps)
        if self._established[0] != stamp:
            self._established = (stamp, sorted(self.objects, key=lambda one: (-self.support(one), one)))
        return self._established[1][:n]

    def frames(self) -> list[Frame]:
        """All relation wordings, the best supported first."""
        return sorted((self.frame(key) for key in self.objects), key=lambda one: (-one.support, one.key))

    def facts(
        self, subject: str | None = None, state: State | None = None, *, at: datetime | None = None
    ) -> list[Fact]:
        """Facts, newest first.

        Args:
            subject: a name; None: of all subjects.
            state: only those of this state.
            at: as things stood then; None: as they stand.
        """
        keys = list(self.by_subject) if subject is None else [name_key(subject)]
        found = {fact.id: fact for key in keys for fact in self._facts_of(key, at)}
        return sorted(
            (fact for fact in found.values() if state is None or fact.state == state),
            key=lambda fact: (fact.order[1:], fact.order[0]),
            reverse=True,
        )

    def _facts_of(self, subject_key: str, at: datetime | None) -> list[Fact]:
        lines = self.by_subject.get(subject_key, {}).values()
        return [self.as_fact(one) for line in lines for one in line.standing(at, self.corrections)]

    def fact(self, id: str) -> Fact | None:
        """The fact with an id, or None."""
        entry = self._by_id.get(id)
        if entry is None or entry.frame is None:
            return None
        return self.as_fact(self.standing(entry, None))

    def of_memory(self, memory: str) -> list[Fact]:
        """The facts read from a memory, in the order of its sentences."""
        numbers = self._numbers.get(memory, [])
        found = (self.fact(self._entries[number].id) for number in numbers)
        return [one for one in found if one is not None]

    def slots(self, subject: str | None = None, *, at: datetime | None = None) -> Iterator[Slot]:
        """All slots, or those of a subject (a name)."""
        lines = (
            self.lines.values() if subject is None else self.by_subject.get(name_key(subject), {}).values()
        )
        for line in lines:
            yield self._slot(line, at)

    def slot(self, subject: str, frame: Frame | str, *, at: datetime | None = None) -> Slot | None:
        """The slot of a subject (a name) in a relation (a frame, or its key), or None."""
        key = frame.key if isinstance(frame, Frame) else frame
        line = self.lines.get((name_key(subject), self.corrections.merged.get(key, key)))
        return None if line is None else self._slot(line, at)

    def _slot(self, line: Line, at: datetime | None) -> Slot:
        facts = tuple(self.as_fact(one) for one in line.standing(at, self.corrections))
        first = facts[0]
        return Slot(first.subject, line.subject_key, self.frame(line.frame), first.direction, facts)

    def as_fact(self, one: Standing) -> Fact:
        """An entry as plain data."""
        entry = one.entry
        assert entry.frame is not None
        return Fact(
            id=entry.id,
            subject=entry.subject,
            frame=self.frame(entry.frame),
            object=entry.object,
            direction=entry.direction,
            memory=entry.memory,
            sentence=entry.statement.sentence,
            at=entry.at,
            subject_key=entry.subject_key,
            object_key=entry.object_key,
            serial=entry.statement.serial,
            valid_from=entry.valid_from,
            valid_until=one.until,
            state=one.state,
            flags=entry.statement.flags,
            order=entry.order,
            clause=entry.statement.clause,
        )

    def ask(self, question: str, at: datetime, runtime: Runtime | None = None) -> Chain | None:
        """Walk the facts for an answer; None where no walk is sure enough.

        Args:
            question: the question.
            at: when it is asked: facts are taken as they stood then.
            runtime: whose embedder compares wordings; None: by their words alone.
        """
        from agentmem.facts.walk import walk

        return walk(self, question, at, None if runtime is None else runtime.embedder)


_views: WeakKeyDictionary[Runtime, dict[int, FactView]] = WeakKeyDictionary()
_guard = threading.Lock()


def view_of(runtime: Runtime, number: int) -> FactView:
    """The view of a namespace, made if there is none yet; :meth:`FactView.sync` fills it."""
    with _guard:
        return _views.setdefault(runtime, {}).setdefault(number, FactView())
