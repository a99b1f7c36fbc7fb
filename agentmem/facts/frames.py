"""Relation wordings found by their recurrence: which cut of a sentence is right is seen from the others.

A wording is good when its constant words recur with many different subjects and many different objects.
For each possible cut of a sentence (:mod:`agentmem.facts.cuts`)

    ½ ln(support) + constant words · (1 - 1 / support) - oddness of the holes

where support = min(distinct subjects, distinct objects) over all sentences that could be cut so; the best
cut is taken if it is good enough. Support is counted up to :data:`FULL` and in steps, so that a sentence
is read again only when a wording that it may have crosses a step: adding costs the same in a large store
as in a small one, and what comes out does not depend on the order in which sentences came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import log

from agentmem.facts.cuts import Cut, Sentence, cuts, parse

FULL = 64
"""Support from which on more of it says nothing more."""
_STEPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, FULL)
_GOOD = 1.25
_CAPITAL = 3.5  # a capital in a wording is likely part of a name
_FEW = 3
"""Support from which on a wording may have holes that are not written as names."""


class Wording:
    """What is known of a wording that occurs in several sentences."""

    __slots__ = ("holes", "sentences", "step")

    def __init__(self) -> None:
        self.sentences: dict[int, tuple[int, int]] = {}
        self.holes: tuple[set[int], set[int]] = (set(), set())
        self.step = 1

    def support(self) -> int:
        """Distinct subjects or distinct objects, whichever are fewer."""
        return min(len(self.holes[0]), len(self.holes[1]))


class Induction:
    """All sentences of a namespace and the cut that is taken of each."""

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self._known: dict[int, tuple[str, str]] = {}
        self.chosen: dict[int, tuple[Sentence, Cut] | None] = {}
        self.steps = 0  # counts changes of support
        self._once: dict[int, tuple[int, int, int]] = {}
        self._wordings: dict[int, Wording] = {}
        self._dirty: dict[int, tuple[Sentence, list[Cut]] | None] = {}

    def add(self, number: int, text: str, known: tuple[str, str] | None = None) -> bool:
        """Take in a sentence, which :meth:`settle` reads.

        Args:
            number: its own, any that is not in use.
            text: the sentence.
            known: the names it begins and ends with where those are known to be its subject and object.

        Returns:
            False if it has no cut; it is not kept then.
        """
        sentence = parse(text)
        found = cuts(sentence, known)
        if not found:
            return False
        if known is not None:
            self._known[number] = known
        self.texts[number] = text
        self._dirty[number] = (sentence, found)
        for key, cut in _by_wording(found).items():
            self._count(key, number, *_holes(sentence, cut))
        return True

    def _count(self, key: int, number: int, subject: int, object: int) -> None:
        known = self._wordings.get(key)
        if known is None:
            first = self._once.pop(key, None)
            if first is None:
                self._once[key] = (number, subject, object)
                return
            known = self._wordings[key] = Wording()
            known.sentences[first[0]] = first[1:]
            known.holes[0].add(first[1])
            known.holes[1].add(first[2])
        known.sentences[number] = (subject, object)
        if known.step < FULL:
            known.holes[0].add(subject)
            known.holes[1].add(object)
            self._step(known)

    def _step(self, known: Wording) -> None:
        step = _STEPS[bisect_right(_STEPS, max(known.support(), 1)) - 1]
        if step != known.step:
            known.step = step
            self.steps += 1
            for number in known.sentences:
                self._dirty.setdefault(number, None)

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget sentences."""
        touched: dict[int, Wording] = {}
        for number in numbers:
            sentence = parse(self.texts.pop(number))
            self.chosen.pop(number, None)
            self._dirty.pop(number, None)
            for key in _by_wording(cuts(sentence, self._known.pop(number, None))):
                known = self._wordings.get(key)
                if known is None:
                    self._once.pop(key, None)
                else:
                    known.sentences.pop(number, None)
                    touched[key] = known
        for key, known in touched.items():
            if len(known.sentences) < 2:
                del self._wordings[key]
                for number, holes in known.sentences.items():
                    self._once[key] = (number, *holes)
                    self._dirty.setdefault(number, None)
                continue
            known.holes = (set(), set())
            for subject, object in known.sentences.values():
                known.holes[0].add(subject)
                known.holes[1].add(object)
                if known.support() >= FULL:
                    break
            self._step(known)

    def settle(self) -> list[int]:
        """Read what is new or may be read otherwise now; the numbers of sentences whose reading changed."""
        changed = []
        for number, parsed in self._dirty.items():
            if parsed is None:
                sentence = parse(self.texts[number])
                parsed = (sentence, cuts(sentence, self._known.get(number)))
            sentence, found = parsed
            best = self._best(found)
            now = None if best is None else (sentence, best)
            if number not in self.chosen or self.chosen[number] != now:
                self.chosen[number] = now
                changed.append(number)
        self._dirty = {}
        return changed

    def support(self, key: str) -> int:
        """Support of a wording, in steps up to :data:`FULL`; 1 for one that occurs once."""
        known = self._wordings.get(hash(key))
        return 1 if known is None else known.step

    def _best(self, found: list[Cut]) -> Cut | None:
        best: Cut | None = None
        most = 0.0
        for cut in found:
            support = self.support(cut.key)
            constants = cut.constants - cut.capitals * _CAPITAL
            score = 0.5 * log(support) + constants * (1.0 - 1.0 / support) - cut.odd
            if support < _FEW:
                if not cut.plain:
                    continue
            elif score < _GOOD:
                continue
            score += 0.05 * constants
            if best is None or score > most:
                best, most = cut, score
        return best


def _by_wording(found: list[Cut]) -> dict[int, Cut]:
    """The least odd cut of each wording."""
    kept: dict[int, Cut] = {}
    for cut in found:
        key = hash(cut.key)
        if key not in kept or cut.odd < kept[key].odd:
            kept[key] = cut
    return kept


def _holes(sentence: Sentence, cut: Cut) -> tuple[int, int]:
    return hash(sentence.low[cut.p : cut.i]), hash(sentence.low[cut.j :])
