"""Which sentence of the hits answers a question: the one with the best weighted sum of features.

Where the question asks for now, the newest of those that say as much of it as the best does; for before, the
oldest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from agentmem.memory import Hit, Namespace
from agentmem.recall import reader_spans as spans
from agentmem.recall.query import Question
from agentmem.recall.reader_asking import Asking, read
from agentmem.recall.reader_scene import CHEAP, FEATURES, WEIGHTS, Scene

LOOKED_AT = 8
"""Hits that are read."""
_LOOKED_INTO = 16
_LENT = 0.3
_AS_MUCH, _AS_GOOD = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may hold the answer.

    Attributes:
        sentence: verbatim.
        hit: the memory it stands in.
        place: the hit's rank, from 0.
        features: see :data:`FEATURES`.
        spans: the things of the kind asked for that it names, the most likely first.
        relevance: that of its hit, or, where it speaks by name of what the question asks about of somebody's,
            that of the most relevant hit.
        score: by which the best is chosen.
    """

    sentence: str
    hit: Hit
    place: int
    features: tuple[float, ...]
    spans: tuple[str, ...]
    relevance: float
    score: float

    def feature(self, name: str) -> float:
        """One of the features by its name."""
        return self.features[FEATURES.index(name)]

    @property
    def names_it(self) -> bool:
        """Whether it names a thing of the kind asked for, or its memory names the time."""
        return bool(self.spans) or self.feature("timed") + self.feature("near") > 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What was read.

    Attributes:
        asking: what the question wants.
        ranked: the sentences that may answer, best first.
        heard: the words, as stems, of the hits that were read.
    """

    asking: Asking
    ranked: list[Candidate]
    heard: set[str]


def candidates(
    asked: Question, hits: Sequence[Hit], before: Mapping[tuple[Namespace, str], str] | None = None
) -> Choice:
    """The sentences that may answer.

    Args:
        asked: the question.
        hits: what was found, best first.
        before: (namespace, id) of a memory -> what somebody else had said right before it. The first
            sentence after a question says what that question says: "What's it called, the bakery?" –
            "Fermento."
    """
    hits = hits[:LOOKED_AT]
    asking = read(asked, hits)
    scene = Scene(asked, hits, asking)
    found: list[tuple[float, tuple[float, ...], str, Hit, int]] = []
    for place, hit in enumerate(hits):
        told = (before or {}).get((hit.memory.namespace, hit.memory.id), "")
        for sentence, features in scene.of(hit, told):
            value = sum(w * f for w, f in zip(WEIGHTS, features, strict=False))
            found.append((value, features, sentence, hit, place))
    found.sort(key=lambda one: -one[0])
    looked = [_looked_into(asking, scene, *one) for one in found[:_LOOKED_INTO]]
    looked.sort(key=lambda one: -one.score)
    return Choice(asking, _in_time(scene, looked), scene.heard)


def _in_time(scene: Scene, ranked: list[Candidate]) -> list[Candidate]:
    """With the newest of those that say as much of the question first, or the oldest, as it asks for."""
    if not ranked or not (scene.now or scene.past):
        return ranked
    best = ranked[0]
    said = best.feature("said") + best.feature("alike") + best.feature("lent") - _AS_MUCH
    who = (best.hit.memory.speaker, best.hit.memory.role)
    same = [
        one
        for one in ranked
        if one.score >= best.score - _AS_GOOD
        and one.feature("said") + one.feature("alike") + one.feature("lent") >= said
        and (one.hit.memory.speaker, one.hit.memory.role) == who
        and one.names_it == best.names_it
    ]
    moments = [one.hit.memory.at for one in same]
    first = same[moments.index(max(moments) if scene.now else min(moments))]
    first = replace(first, relevance=max(first.relevance, best.relevance))
    return [first, *(one for one in ranked if one.sentence != first.sentence or one.hit is not first.hit)]


def _looked_into(
    asking: Asking,
    scene: Scene,
    value: float,
    features: tuple[float, ...],
    sentence: str,
    hit: Hit,
    place: int,
) -> Candidate:
    """A candidate with the things of the kind asked for."""
    held: tuple[str, ...] = ()
    timed = near = called = 0.0
    if asking.kind == "when":
        held = tuple(spans.habits(asking, sentence)) if asking.until is None else ()
        timed = float(bool(spans.times(asking, sentence, hit.memory.at)))
        near = float(not timed and bool(spans.times(asking, hit.memory.text, hit.memory.at)))
    elif asking.kind == "other":
        called = float(asking.called and spans.names_more(asking, sentence))
    else:
        doer = spans.self_named(asking, sentence, hit.memory.speaker)
        lent = features[FEATURES.index("lent")] > _LENT
        held = (doer,) if doer else tuple(spans.spans(asking, sentence, hit.memory.at, lent))
    more = (float(bool(held)), timed, near, called)
    value += sum(w * f for w, f in zip(WEIGHTS[CHEAP:], more, strict=True))
    relevance = hit.relevance
    if features[FEATURES.index("whose")] > 0 and hit.memory.speaker != scene.person:
        relevance = scene.relevance
    return Candidate(sentence, hit, place, (*features, *more), held, relevance, value)
