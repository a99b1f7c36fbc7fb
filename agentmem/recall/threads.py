"""Threads: in a story, a line that was found leads to the lines that go on about the same.

"Where is the milk?" is answered by two lines, "Mary took the milk" and, later, "She went to the garden":
only the first says a word of the question. This step reads on as a person does. It picks lines one by one,
each the best by what is still open::

    value(i) = Σ_c open(c) · [line i tells of c] + lift(i) + recency · (i + 1) / n + vectors · vector(i)

At first the question's words are open, with their rarity in the story (:mod:`agentmem.recall.story`). A line
that is picked

- dampens its words: what has been told is worth ``damp`` of it;
- opens its other words that come back elsewhere: ``open`` · rarity, divided among them by how much of a
  subject each is (``thing`` for what is none), so that a story leads on from "Mary" and not from "went", and
  from "swan" where there is nothing better;
- lifts, for each of its subjects, the lines before and after it in that subject's thread, and the newest, by
  ``lift``; and what goes on about it by a pronoun, and what its own pronoun stands for.

The lines picked rank above what else was found of that story, in their order, and no higher than just above
the best of it. All this is weighed by a gate that looks at the texts alone (:attr:`Story.gate`): lines that
nobody speaks, short, telling, in a session, of subjects that come back. A dialogue, a passage or a note is
none of these and is left as it is.

A greedy form of spreading activation (Collins and Loftus, "A spreading-activation theory of semantic
processing", Psychological Review 82, 1975) over subjects, with the recency of a situation model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agentmem.index.names_text import INSIDE, mentions
from agentmem.language.text import query_words
from agentmem.recall.query import Question, surfaces
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms
from agentmem.recall.spread import extend
from agentmem.recall.story import Ints, Story, Values, is_line, story_of

if TYPE_CHECKING:
    from agentmem.backends.base import Backend

SIGNAL = "thread"
"""The name of the signal, and of the step by which a line was reached."""


@dataclass(frozen=True, slots=True)
class ThreadWeights:
    """All numbers of the step.

    Attributes:
        picks: lines picked at most.
        reach: lines before and after the best one that are read.
        damp: what a word is worth once it was told.
        open: weight of what a picked line opens.
        thing: how much of a subject a word is that is none.
        lift: of the next lines of a thread.
        recency: what the newest line is worth.
        vectors: weight of the vectors' signal.
        step: how far apart picked lines rank, as a share of the best score.
    """

    picks: int = 8
    reach: int = 256
    damp: float = 0.3
    open: float = 1.5
    thing: float = 0.05
    lift: float = 1.0
    recency: float = 0.5
    vectors: float = 0.1
    step: float = 0.02


@dataclass(frozen=True, slots=True)
class Pick:
    """A line that was picked.

    Attributes:
        line: its place in the story.
        parent: the place of the line that led to it most, or None where the question did.
        about: the column of the word that both are about, or None.
    """

    line: int
    parent: int | None = None
    about: int | None = None


class Threads:
    """The step for ``Recipe.spread``; last among others, since it ranks what they found.

    Args:
        backend: where the texts are, to say in words what two lines are both about; or None.
        weights: the numbers.
    """

    def __init__(self, backend: Backend | None = None, weights: ThreadWeights | None = None) -> None:
        self._backend = backend
        self.weights = weights or ThreadWeights()

    def fingerprint(self) -> str:
        """See :class:`agentmem.recall.spread.Spread`."""
        return f"threads {self.weights}"

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """See :class:`agentmem.recall.spread.Spread`."""
        for pool in pools:
            if not len(pool.score):
                continue
            root = int(pool.docs[int(pool.score.argmax())])
            if not is_line(pool.space, np.array([root]))[0]:
                continue
            story = story_of(pool.space, root, self.weights.reach)
            if story is not None and story.gate > 0:
                self._read_on(pool, story, root, asked(story, question, terms), recipe)

    def _read_on(self, pool: Pool, story: Story, root: int, question: Asked, recipe: Recipe) -> None:
        w = self.weights
        docs = story.docs
        open_to = np.ones(len(docs), np.bool_) if pool.allowed is None else pool.allowed[docs]
        extend(pool, docs[open_to])
        at = np.minimum(np.searchsorted(pool.docs, docs), len(pool.docs) - 1)
        near = np.where(open_to, pool.signals["vectors"][at], 0.0) if "vectors" in pool.signals else None
        story.spell(pool.space, lambda some: self._texts(pool, some))
        place = int(np.flatnonzero(docs == root)[0])
        picked = pick(story, question, open_to, place, near, w, (recipe.soft, recipe.soft_from))
        top = float(pool.score.max())
        lifted = np.zeros(len(pool.docs))
        for rank, one in enumerate(picked):
            place = int(at[one.line])
            target = top + w.step * abs(top) * (len(picked) - rank)
            lifted[place] = story.gate * (target - pool.score[place])
        pool.add(SIGNAL, lifted)
        self._explain(pool, story, picked)

    def _explain(self, pool: Pool, story: Story, picked: Sequence[Pick]) -> None:
        """Say by which line each pick was reached, and what both are about."""
        led = [(one, one.parent) for one in picked if one.parent is not None]
        docs = {place: int(story.docs[place]) for one, parent in led for place in (one.line, parent)}
        texts = self._texts(pool, list(docs.values())) if led else {}
        for one in picked:
            pool.why[SIGNAL, int(story.docs[one.line])] = ""  # what the question itself led to, its words say
        for one, parent in led:
            doc, by = docs[one.line], docs[parent]
            pool.via[doc] = ((pool.space.id_of(by), SIGNAL, 1.0),)
            stem = None if one.about is None else story.stems.get(one.about)
            pool.why[SIGNAL, doc] = reason(one.line - parent, stem, (texts.get(doc), texts.get(by)))

    def _texts(self, pool: Pool, docs: Sequence[int]) -> dict[int, str]:
        space = pool.space
        if self._backend is None or space.ns < 0:  # texts of another time are not those in the backend
            return {}
        rows = {int(space.rows[doc]): doc for doc in docs}
        return {rows[row]: text for row, text, _ in self._backend.texts(space.ns, list(rows))}


Asked = tuple[dict[int, float], dict[int, float]]


def asked(story: Story, question: Question, terms: Terms) -> Asked:
    """(column -> weight of the question's words, column -> 1.0 of those that are names) in a story.

    A word capitalised inside the question names somebody, and is a subject wherever it stands.
    """
    weights: dict[int, float] = {}
    names: dict[int, float] = {}
    spoken = {
        word
        for one in mentions(question.text)
        if one.bits & INSIDE
        for word in query_words(question.text[one.start : one.end])
    }
    for term, word in zip(terms.terms, terms.words, strict=True):
        for id, factor in term.variants:
            column = story.column.get(id)
            if column is None:
                continue
            weights[column] = max(weights.get(column, 0.0), factor * float(story.idf[column]))
            if factor == 1.0 and word in spoken:
                names[column] = 1.0
    return weights, names


def pick(
    story: Story,
    question: Asked,
    allowed: NDArray[np.bool_],
    root: int,
    vectors: Values | None,
    weights: ThreadWeights,
    soft: tuple[float, float] = (0.0, 1.0),
) -> list[Pick]:
    """The lines that tell of a question, and where they lead, best first.

    Args:
        story: the lines.
        question: see :func:`asked`.
        allowed: (n,) which lines may be picked.
        root: the line to begin with where no line says a word of the question.
        vectors: (n,) how near each line is in meaning, or None.
        weights: the numbers.
        soft: what a word of the same meaning counts, and from which cosine, see :class:`Recipe`.
    """
    return _Reading(story, question, allowed, vectors, weights, soft).run(root)


class _Reading:
    """One reading of a story: what is open, and what each line is worth."""

    def __init__(
        self,
        story: Story,
        question: Asked,
        allowed: NDArray[np.bool_],
        vectors: Values | None,
        weights: ThreadWeights,
        soft: tuple[float, float],
    ) -> None:
        n = len(story.docs)
        self.story, self.w, self.soft = story, weights, soft
        self.opened = dict(question[0])
        self.named = question[1]
        self.threads: dict[int, Ints] = {column: story.told(column) for column in self.named}
        self.value = np.zeros(n)  # what of the open words each line tells, and its lifts
        for column, weight in self.opened.items():
            self.value[self.lines(column)] += weight
        self.order = weights.recency * np.arange(1, n + 1) / n
        if vectors is not None:
            self.order = self.order + weights.vectors * vectors
        self.free = allowed.copy()
        self.most = np.zeros(n)  # that one line has given to another
        self.led: dict[int, Pick] = {}

    def subject(self, column: int) -> float:
        """How much of a subject a word is."""
        return max(float(self.story.subject[column]), self.named.get(column, 0.0))

    def lines(self, column: int) -> Ints:
        """The lines that tell of a word."""
        found = self.threads.get(column)
        if found is None:
            found = self.story.threads.get(column)
        return self.story.places[column] if found is None else found

    def words(self, line: int) -> list[int]:
        """The words a line tells of: its own, and the subjects it goes on about."""
        own = self.story.words[line]
        start = line
        while start and self.story.until[start - 1] > start:
            start -= 1
        taken = [c for other in range(start, line) for c in self.story.words[other] if self.subject(c) > 0]
        return list(dict.fromkeys([*own, *taken]))

    def run(self, root: int) -> list[Pick]:
        """Pick lines until nothing is open."""
        picked: list[Pick] = []
        while len(picked) < self.w.picks and self.free.any():
            worth = np.where(self.free, self.value + self.order, -np.inf)
            line = int(worth.argmax())
            if self.value[line] <= 1e-9:
                if picked or not self.free[root]:
                    break
                line = root
            self.free[line] = False
            picked.append(self.led.get(line, Pick(line)))
            self.tell(line)
        return picked

    def tell(self, line: int) -> None:
        """Take a line as told: dampen its words, open its others, lift what goes on about it."""
        w, story = self.w, self.story
        words = self.words(line)
        kin = {c: story.kin(c, *self.soft) for c in words}
        shares = {c: max(self.subject(c), w.thing) for c in words if len(story.places[c]) > 1 or kin[c]}
        total = sum(shares.values())
        for column in words:
            if column in self.opened:
                self.value[self.lines(column)] += (w.damp - 1.0) * self.opened[column]
                self.opened[column] *= w.damp
            elif column in shares:
                weight = w.open * float(story.idf[column]) * shares[column] / total
                for other, factor in ((column, 1.0), *kin[column]):
                    more = factor * weight - self.opened.get(other, 0.0)
                    if more > 0:
                        self.opened[other] = factor * weight
                        self.give(line, self.lines(other), more, other)
        for column in words:
            subject = self.subject(column)
            if subject > 0:
                thread = self.lines(column)
                place = int(np.searchsorted(thread, line))
                beside = {int(thread[i]) for i in (place - 1, place + 1) if 0 <= i < len(thread)}
                for other in beside:
                    self.give(line, np.array([other]), w.lift * subject, column)
                if int(thread[-1]) != line:
                    self.give(line, thread[-1:], w.lift * subject, column)
        after = line + 1
        if after < len(story.docs) and story.until[line] > after:
            self.give(line, np.array([after]), w.lift)
        if line and story.until[line - 1] > line:
            self.give(line, np.array([line - 1]), w.lift)

    def give(self, line: int, others: Ints, amount: float, about: int | None = None) -> None:
        """Add to the value of lines, and note who gave them most."""
        self.value[others] += amount
        for other in others[(amount > self.most[others]) & (others != line)].tolist():
            self.most[other] = amount
            self.led[other] = Pick(other, line, about)


def reason(distance: int, stem: str | None, texts: Sequence[str | None]) -> str:
    """Why a line was reached, in words: "also about Mary, two lines later".

    Args:
        distance: lines from the one that led to it; negative for earlier.
        stem: the word that both are about, where it is known.
        texts: both lines, where they can be read.
    """
    count = abs(distance)
    many = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    where = f"{many} {'line' if count == 1 else 'lines'} {'later' if distance > 0 else 'earlier'}"
    for text in texts:
        form = surfaces(text).get(stem) if text is not None and stem is not None else None
        if form is not None:
            return f"also about {form}, {where}"
    return f"goes on about the same, {where}"


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
