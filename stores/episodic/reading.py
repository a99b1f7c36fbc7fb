"""From events found to events read: ranking by turns or by keys, loading, windows of long ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from agentmem.index.space import Space
from agentmem.language import text as language
from agentmem.language.tokens import count_tokens
from agentmem.memory import Hit, Memory
from agentmem.runtime import Runtime
from agentmem.stores.episodic.buffers import coarse_to_fine
from agentmem.stores.episodic.spans import Docs, Span
from agentmem.stores.episodic.timeline import Timeline

MEAN_SHARE = 0.3
"""Share of an event's mean in its similarity, beside its best representative."""
_READ = 3  # budgets of events that are loaded to choose from
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Event:
    """Consecutive turns of a session that belong together.

    Attributes:
        id: id of its first turn.
        session: the conversation, or None.
        turns: its turns in order; those that a filter or a budget leaves.
        tokens: estimated tokens of the turns.
        surprise: how many deviations its first turn was over what was expected; None when no surprise
            began it.
        closed: whether nothing said later changes where it begins and ends.
        representatives: ids of the turns that stand for it, best first.
        whole: whether all its turns are there.
        score: how similar it is to the question, comparable within one question; 0 for a neighbour.
        relevance: of its best turn, in [0, 1].
        why: "similar", or "beside" one that is; empty in a timeline.
    """

    id: str
    session: str | None
    turns: tuple[Memory, ...]
    tokens: int
    surprise: float | None
    closed: bool
    representatives: tuple[str, ...]
    whole: bool = True
    score: float = 0.0
    relevance: float = 0.0
    why: str = ""

    @property
    def start(self) -> datetime:
        """When its first turn was said."""
        return self.turns[0].at

    @property
    def end(self) -> datetime:
        """When its last turn was said."""
        return self.turns[-1].at


@dataclass(frozen=True, slots=True)
class Found:
    """An event with the turns of it that may be read, by document, id of all turns, and row."""

    span: Span
    docs: Docs
    ids: Sequence[str]
    rows: NDArray[np.int64]


def found(space: Space, span: Span, mask: Mask) -> Found:
    """An event with the turns that a mask leaves."""
    docs = span.docs[mask[span.docs]]
    return Found(span, docs, space.ids_of(span.docs), space.rows[docs])


def load(runtime: Runtime, events: Sequence[Found]) -> list[Event]:
    """Events with their turns, in the order given."""
    memories = runtime.backend.memories_by_row([int(row) for one in events for row in one.rows])
    made = []
    for one in events:
        turns = tuple(memories[int(row)] for row in one.rows if int(row) in memories)
        made.append(
            Event(
                id=one.ids[0],
                session=turns[0].session if turns else None,
                turns=turns,
                tokens=sum(count_tokens(turn.text) for turn in turns),
                surprise=one.span.surprise,
                closed=one.span.closed,
                representatives=tuple(one.ids[i] for i in one.span.representatives),
                whole=len(turns) == len(one.span.docs),
            )
        )
    return made


def in_order(events: Sequence[Event]) -> list[Event]:
    """Events by the time of their first turn."""
    return sorted((one for one in events if one.turns), key=lambda one: one.start)


def by_hits(
    space: Space, events: Timeline, hits: Sequence[Hit], mask: Mask, budget: int
) -> list[tuple[int, float]]:
    """Events by the score of their best turn among the hits; while there is room, the newest others."""
    best: dict[int, float] = {}
    for hit in hits:
        doc = space.doc_of(hit.memory.id)
        number = int(events.number[doc]) if doc >= 0 else -1
        if number >= 0 and hit.score > best.get(number, -np.inf):
            best[number] = hit.score
    ranked = sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))
    if sum(events.spans[number].tokens for number in best) < _READ * budget:
        least = min([0.0, *best.values()]) - 1.0
        numbers = np.unique(events.number[mask & (events.number >= 0)]).tolist()
        rest = sorted(numbers, key=lambda one: -int(space.at[events.spans[one].docs[0]]))
        ranked += [(number, least) for number in rest if number not in best]
    return likely(events, ranked, budget)


def likely(events: Timeline, ranked: Sequence[tuple[int, float]], budget: int) -> list[tuple[int, float]]:
    """The best events, so many that three budgets would be full: no others are ever read."""
    room = _READ * budget
    kept = []
    for number, score in ranked:
        kept.append((number, score))
        room -= events.spans[number].tokens
        if room < 0:
            break
    return kept


def keys(
    space: Space, events: Timeline, vector: NDArray[np.float32], mask: Mask
) -> list[tuple[int, float, Docs, NDArray[np.float64]]]:
    """(event, similarity, its turns, their cosines): 0.7 · max over representatives + 0.3 · mean.

    The mean is that of the turns' vectors, each times ln(1 + words), made a unit vector.
    """
    if space.vectors is None:
        return []
    cosines = np.nan_to_num(space.vectors.scores(vector, np.arange(space.n)).astype(np.float64))
    weighed = cosines * np.log1p(language.length(space.flags))
    scored = []
    for number, span in events.spans.items():
        docs = span.docs[mask[span.docs]]
        if len(docs):
            best = float(cosines[span.docs[list(span.representatives)]].max())
            mean = float(weighed[span.docs].sum() / span.norm) if span.norm > 0 else best
            scored.append((number, (1 - MEAN_SHARE) * best + MEAN_SHARE * mean, docs, cosines[docs]))
    return scored


def by_representatives(
    space: Space, events: Timeline, vector: NDArray[np.float32], mask: Mask, budget: int
) -> list[tuple[int, float]]:
    """Events by :func:`keys`, best first."""
    ranked = [(number, score) for number, score, _, _ in keys(space, events, vector, mask)]
    return likely(events, sorted(ranked, key=lambda pair: (-pair[1], pair[0])), budget)


def tree(
    space: Space, events: Timeline, vector: NDArray[np.float32], mask: Mask, k: int, most: int
) -> list[tuple[int, float]]:
    """(row, share) of the k best turns, read coarse to fine."""
    scored = keys(space, events, vector, mask)
    shares = coarse_to_fine([(score, cosines) for _, score, _, cosines in scored], most=most)
    if not shares:
        return []
    docs = np.concatenate([docs for _, _, docs, _ in scored])
    flat = np.concatenate(shares)
    order = np.lexsort((space.positions[docs], -flat))[:k]
    return [(int(space.rows[docs[i]]), float(flat[i])) for i in order.tolist() if flat[i] > 0]


def window(event: Event, hits: Sequence[Hit], budget: int) -> Event:
    """As many turns around an event's best one as a budget takes."""
    rank = {hit.memory.id: i for i, hit in enumerate(hits)}
    if not event.turns:
        return event
    best = min(range(len(event.turns)), key=lambda i: rank.get(event.turns[i].id, len(rank)))
    sizes = [count_tokens(turn.text) for turn in event.turns]
    low = high = best
    room = budget - sizes[best]
    if room < 0:
        return replace(event, turns=(), tokens=0, whole=False)
    grown = True
    while grown:
        grown = False
        if high + 1 < len(sizes) and sizes[high + 1] <= room:
            high, room, grown = high + 1, room - sizes[high + 1], True
        if low > 0 and sizes[low - 1] <= room:
            low, room, grown = low - 1, room - sizes[low - 1], True
    turns = event.turns[low : high + 1]
    return replace(event, turns=turns, tokens=budget - room, whole=len(turns) == len(event.turns))


def place_of(passage: str, text: str) -> int:
    """Where a passage begins in a text, by its first words; -1 when it is not there."""
    words = passage.split()
    joined = " ".join(text.split())
    for length in range(len(words), 0, -1):
        place = joined.find(" ".join(words[:length]))
        if place >= 0:
            return place
    return -1
