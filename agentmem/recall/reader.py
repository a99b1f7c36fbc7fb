"""The local reader behind ``ask``: it quotes, and never makes up.

The best sentence of the best hits is chosen (:mod:`agentmem.recall.reader_choice`); from it come the date
(relative words resolved against the memory's own time), the number, the name or the place that the question
asks for (:mod:`agentmem.recall.reader_spans`), or, where it names none, nothing but itself. Where the
evidence is too thin the answer is None: the memory does not hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import exp

from agentmem.clock import day_in_words
from agentmem.language.text import analyse
from agentmem.memory import Answer, Hit, Namespace
from agentmem.recall import sentences as reading
from agentmem.recall.dates import When
from agentmem.recall.query import Question, name_words, named, parse
from agentmem.recall.reader_asking import Asking, weighed
from agentmem.recall.reader_choice import LOOKED_AT, Candidate, Choice, candidates
from agentmem.recall.reader_scene import asks
from agentmem.recall.reader_spans import speaks_of_self, times

__all__ = ["LOOKED_AT", "THRESHOLD", "asks", "confidence", "evidence", "phrase", "read", "span"]

THRESHOLD = 0.5
"""Confidence below which the memory is said not to hold the answer."""


def read(
    question: str,
    hits: Sequence[Hit],
    at: datetime,
    before: Mapping[tuple[Namespace, str], str] | None = None,
    names: Sequence[str] = (),
) -> Answer:
    """Answer a question by what was found.

    Args:
        question: the question.
        hits: what search found, best first.
        at: when it is asked.
        before: (namespace, id) of a memory -> what the other one had said right before it.
        names: names in the question of which facts are known; that a memory says the name alone does not
            speak for its holding the answer.
    """
    asked = parse(question, at)
    choice = candidates(asked, hits, before)
    if not choice.ranked:
        return Answer(None, tuple(hits[:1]), 0.0)
    best = choice.ranked[0]
    rest = tuple(hit for hit in hits if hit is not best.hit)
    sure = confidence(asked, hits, choice, names)
    if sure < THRESHOLD:
        return Answer(None, (best.hit, *rest), sure)
    return Answer(phrase(choice.asking, best), (best.hit, *rest), sure, quote=best.sentence)


# --- is it there at all? ---------------------------------------------------------------------------


def evidence(
    asked: Question, hits: Sequence[Hit], choice: Choice, names: Sequence[str] = ()
) -> tuple[float, ...]:
    """What speaks for the answer being there: (1, said, behind, relevance, unnamed, another's).

    ``said`` is the share of the question's words, by rarity, that the hits read say among them, or say in
    like words, which count as much as they are alike; for a question of nothing but persons and times,
    whether the best hit fits these and names a thing of the kind asked for (``relevance`` is ½ then). A
    question about Ada that only Ben's words fit was probably never answered by Ada: ``behind`` is how far
    the score by words of the best memory of the person named falls behind the best of somebody else's.
    ``relevance`` is that of the memory quoted; ``unnamed`` is 1 when the question names something that none
    of the hits names in full, ``another's`` when the sentence chosen speaks of somebody else than the person
    asked about.

    Args:
        asked: the question.
        hits: what search found, best first, at least one.
        choice: what was read.
        names: see :func:`read`.
    """
    hits = hits[:LOOKED_AT]
    best = choice.ranked[0] if choice.ranked else None
    relevance = 0.0 if best is None else best.relevance
    weights = weighed(asked, hits, names)
    if not weights:
        fits = best is not None and bool({"speaker", "date"} & hits[0].signals.keys())
        if best is None or choice.asking.kind == "other":
            return (1.0, float(fits), 0.0, relevance, 0.0, 0.0)
        return (1.0, float(fits and best.names_it), 0.0, 0.5 * best.names_it, 0.0, 0.0)
    alike = choice.asking.alike
    said = 0.0
    for word, weight in weights.items():
        near = max(
            (near for other, near in alike.get(word, {}).items() if other in choice.heard), default=0.0
        )
        said += weight * (1.0 if word in choice.heard else near)
    persons = named(asked.text, list(dict.fromkeys(hit.memory.speaker for hit in hits if hit.memory.speaker)))
    behind = 0.0
    if len(persons) == 1:
        own = [hit for hit in hits if hit.memory.speaker == persons[0]]
        others = [hit for hit in hits if hit.memory.speaker != persons[0] and not asks(hit.memory.text)]
        mine, theirs = (
            max((h.signals.get("words", 0.0) for h in some), default=0.0) for some in (own, others)
        )
        behind = max(theirs - mine, 0.0) / max(theirs, mine, 1e-9)
    heard = choice.heard | name_words([hit.memory.speaker for hit in hits if hit.memory.speaker])
    unnamed = any(not heard.issuperset(analyse(name).words) for _, name in reading.named(asked.text))
    return (
        1.0,
        said,
        behind,
        relevance,
        float(unnamed),
        float(best is not None and best.feature("owner") < 0),
    )


_CONFIDENCE = (-1.7, 1.6, -16.2, 4.8, -0.9, -1.4)


def confidence(asked: Question, hits: Sequence[Hit], choice: Choice, names: Sequence[str] = ()) -> float:
    """σ(w · evidence): the probability that the memory holds the answer.

    The weights are maximum likelihood over questions of development conversations and passages
    (``python -m agentmem.evals.fit --reader``): answerable ones on the one side, on the other those turned
    from one speaker to another, taken for four of ten questions, and answerable ones whose evidence was taken
    away, taken for three of twenty. Half of the questions turned from one speaker to another are refused, and
    one in ten of those with an answer; one about a detail of a topic that was talked of is rarely told apart.
    """
    value = sum(w * v for w, v in zip(_CONFIDENCE, evidence(asked, hits, choice, names), strict=True))
    return 1.0 / (1.0 + exp(-min(max(value, -30.0), 30.0)))


# --- the wording -----------------------------------------------------------------------------------


def phrase(asking: Asking, best: Candidate) -> str:
    """The short answer where the question asks for a thing that the sentence names, else the sentence."""
    if asking.kind == "when":
        return _date(asking, best)
    return _short(best)


def _short(best: Candidate) -> str:
    """What the sentence names of the kind asked for, with the sentence, if it is more than that."""
    if not best.spans or best.spans[0] == best.sentence.strip(" .!\"'“”‘’"):
        return best.sentence
    return f"{best.spans[0]} (“{best.sentence}”)"


def _date(asking: Asking, best: Candidate) -> str:
    """The date a sentence names, or else the day it was said; relative words are quoted with it."""
    memory = best.hit.memory
    said = f"said on {day_in_words(memory.at)}"
    found = times(asking, best.sentence, memory.at) or times(asking, memory.text, memory.at)
    if found:
        when = found[0]
        return f"{span(when)} (“{when.phrase}”, {said})" if when.relative else span(when)
    if best.spans or asking.until is None:
        return _short(best)  # "when do you get up" asks for no day
    if memory.speaker or memory.role or memory.session or speaks_of_self(best.sentence):
        return f"{day_in_words(memory.at)} (the day it was said)"
    return best.sentence  # a passage tells of another time than its own


def span(when: When) -> str:
    """A stretch of time in words: a day, "the week of 1 May 2023", "May 2023", "2022"."""
    if when.grain == "year":
        return str(when.start.year)
    if when.grain == "month":
        return f"{when.start:%B} {when.start.year}"
    if when.grain == "season":
        return when.phrase if not when.relative else f"{when.start:%B} to {_last(when):%B} {_last(when).year}"
    if when.grain == "day" and (when.end - when.start).days <= 1:
        return day_in_words(when.start)
    if when.grain == "week":
        return f"the week of {day_in_words(when.start)}"
    return f"{day_in_words(when.start)} to {day_in_words(_last(when))}"


def _last(when: When) -> datetime:
    return when.end - timedelta(days=1)
