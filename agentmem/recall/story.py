"""The lines of a story: what is told in a session by nobody in particular, and what its threads are.

A *thread* is what several lines tell of: somebody or something that comes back as the subject of a line.
No grammar is read. A word is taken for a subject when it begins most of the lines that hold it, function
words apart ("*Mary* went home", "*The triangle* is above …"), and a line with a pronoun ("Then *she* …") goes
on about the subjects of the line before. So it works on the index's words alone, needs no capitals, and no
word is known beforehand. It is a heuristic of languages that say the subject first.

``python -m agentmem.evals.babi`` measures what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agentmem.embed.words import similar
from agentmem.index.space import Space
from agentmem.language import text as language

Texts = Callable[[Sequence[int]], Mapping[int, str]]
"""Documents -> their texts, of those that can be read."""
Ints = NDArray[np.int64]
Values = NDArray[np.float64]

SUBJECT = 0.6
"""A word begins at least this share of its lines to be a subject."""
SHORT, LONG = 12.0, 20.0
"""Mean words of a line up to which a session is read as a story, and from which it is not."""
TALK = 0.25, 0.5
"""Share of lines that ask or say "I", up to which, and from which not."""
RECURRING = 0.5, 0.75
"""Share of lines of a subject that comes back, from which it is a story at all, and wholly."""
COMMON = 0.03, 0.08
"""The same for the share of the other lines that hold its words: few lines have hardly a subject twice."""


@dataclass(slots=True)
class Story:
    """Lines of a session in order, and their words as columns.

    Attributes:
        docs: (n,) documents.
        column: term -> column.
        words: for each line the columns of its own words, each once.
        places: for each column the lines that hold it, ascending.
        idf: (columns,) ln(1 + (n - df + ½) / (df + ½)).
        subject: (columns,) the share of its lines that a subject begins; 0 for other words.
        threads: subject -> the lines that tell of it, by name or by pronoun.
        until: (n,) the first line after each that does not go on about it.
        gate: in [0, 1], how much of a story it is.
        stems: column -> word, once :meth:`spell` has read them.
    """

    docs: Ints
    column: dict[int, int]
    words: list[list[int]]
    places: list[Ints]
    idf: Values
    subject: Values
    threads: dict[int, Ints]
    until: Ints
    gate: float
    stems: dict[int, str] = field(default_factory=dict)
    _kin: dict[int, list[tuple[int, float]]] = field(default_factory=dict)

    def spell(self, space: Space, texts: Texts) -> None:
        """Read which words the columns are, from as few texts as hold them all."""
        if self.stems:
            return
        needed: list[int] = []
        seen: set[int] = set()
        for line, columns in enumerate(self.words):
            if not seen.issuperset(columns):
                seen.update(columns)
                needed.append(int(self.docs[line]))
        for doc, text in texts(needed).items():
            words = language.analyse(text).words
            terms = space.lexical.turns.own_terms(doc).tolist()
            if len(words) == len(terms):
                self.stems.update((self.column[term], word) for term, word in zip(terms, words, strict=True))

    def kin(self, column: int, soft: float, least: float) -> list[tuple[int, float]]:
        """(column, soft · cos²) of words of the story that mean nearly the same: cosine ≥ ``least``."""
        if column not in self._kin:
            of = {stem: other for other, stem in self.stems.items()}
            near = similar(self.stems[column]) if column in self.stems and soft > 0 else ()
            self._kin[column] = [
                (of[stem], soft * cosine * cosine)
                for stem, cosine in near
                if cosine >= least and stem in of and of[stem] != column
            ]
        return self._kin[column]

    def told(self, column: int) -> Ints:
        """The lines that hold a word, and those that go on about it."""
        return followed(self.places[column], self.until)


def is_line(space: Space, docs: Ints) -> NDArray[np.bool_]:
    """Which documents may be lines of a story: in a session, said by nobody, and not derived."""
    said = (space.speaker[docs] >= 0) | (space.role[docs] >= 0) | (space.made_by[docs] >= 0)
    return np.asarray((space.session[docs] >= 0) & ~said)


def story_of(space: Space, doc: int, reach: int) -> Story | None:
    """The story around a line, of up to ``reach`` lines before and after it; None without any line.

    Kept until a document of the space changes, if the session is no longer than that.
    """
    key = ("story", int(space.session[doc]))
    if key in space.memo:
        kept: Story = space.memo[key]
        return kept
    docs = space.lexical.turns.stretch(doc, reach)
    whole = len(docs) <= reach
    docs = docs[is_line(space, docs)]
    if not len(docs):
        return None
    story = read(space, docs)
    if whole:
        space.memo[key] = story
    return story


def read(space: Space, docs: Ints) -> Story:
    """The story of these lines, given in order."""
    n = len(docs)
    turns = space.lexical.turns
    terms, lines, _ = turns.postings(docs)
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(terms)), np.bool_), terms[1:] != terms[:-1]]))
    known = terms[starts]
    places = np.split(lines, starts[1:]) if len(starts) else []
    df = np.diff(np.append(starts, len(terms)))
    columns = np.repeat(np.arange(len(starts)), df)
    order = np.argsort(lines, kind="stable")
    ends = np.cumsum(np.bincount(lines, minlength=n))
    words = [part.tolist() for part in np.split(columns[order], ends[:-1])]
    begun = np.zeros(len(starts))
    first = turns.openings(docs)
    np.add.at(begun, np.searchsorted(known, first[first >= 0]), 1.0)
    share = begun / np.maximum(df, 1)
    subject = np.where((share >= SUBJECT) & (df >= 2), share, 0.0)
    flags = space.flags[docs]
    until = _until(language.refers(flags) > 0)
    threads = {column: followed(places[column], until) for column in np.flatnonzero(subject).tolist()}
    return Story(
        docs=docs,
        column={term: i for i, term in enumerate(known.tolist())},
        words=words,
        places=places,
        idf=np.log1p((n - df + 0.5) / (df + 0.5)),
        subject=subject,
        threads=threads,
        until=until,
        gate=_gate(flags, threads, words, df),
    )


def followed(places: Ints, until: Ints) -> Ints:
    """Lines, and those after each of them that go on about it."""
    ends = until[places]
    if (ends == places + 1).all():
        return places
    parts = [np.arange(start, end) for start, end in zip(places.tolist(), ends.tolist(), strict=True)]
    return np.unique(np.concatenate(parts))


def _until(follows: NDArray[np.bool_]) -> Ints:
    """For each line the next one that does not follow, or n."""
    n = len(follows)
    free = np.where(follows, n, np.arange(n))
    after = np.append(free[1:], n)
    return np.asarray(np.minimum.accumulate(after[::-1])[::-1])


def _gate(flags: Ints, threads: dict[int, Ints], words: list[list[int]], df: Ints) -> float:
    """How much of a story lines are: short, telling rather than talking, of few things that come back."""
    n = len(flags)
    talk = float(np.mean((language.asks(flags) | language.first_person(flags)) > 0))
    held = np.zeros(n, np.bool_)
    for places in threads.values():
        held[places] = True
    common = float(np.mean([df[line].mean() - 1 if line else 0.0 for line in words])) / max(n - 1, 1)
    back = max(_rise(float(held.mean()), *RECURRING), _rise(common, *COMMON))
    brief = _rise(-float(language.length(flags).mean()), -LONG, -SHORT)
    return brief * _rise(-talk, -TALK[1], -TALK[0]) * back


def _rise(value: float, low: float, high: float) -> float:
    """0 up to ``low``, 1 from ``high``, linear between."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
