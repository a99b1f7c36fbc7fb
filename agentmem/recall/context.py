"""Recalled text for a prompt: dated, cited by id, fenced as data, within a budget of tokens.

The best hits are chosen until the budget is full and printed in the order in which they
happened, a blank line between sessions (or days): a language model reads a story better than a
ranking. A text too long for the room it may take is cut to whole sentences around the one that
answers the query best.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from agentmem.language.tokens import count_tokens
from agentmem.memory import Context, Hit
from agentmem.recall.fence import CLOSE, HEADER, OPEN, fence, neutralise

ELLIPSIS = "…"

_SENTENCE_END = re.compile(r"[.!?]{1,4}[\"'”’)\]]{0,4}(?=\s)|[。！？]{1,4}[」』”]{0,2}|\n")
_WORD = re.compile(r"\w+")
# A cut that leaves less than this says too little to be worth its citation.
_LEAST = 12
# Of a longer text only a stretch is read.
_LONG = 8000
_STOP = frozenset(
    "a an and are as at be been but by can could did do does for from had has have he her his how i in is it "
    "its me my of on or our she so that the their them they this to was we were what when where which who "
    "whom whose why will with would you your".split()
)


def build_context(
    hits: Sequence[Hit],
    *,
    tokens: int,
    at: datetime | None = None,
    query: str | None = None,
    order: Mapping[str, int] | None = None,
) -> Context:
    """Fit hits into a budget.

    Args:
        hits: best first.
        tokens: the most that the text, fence included, may cost by :func:`count_tokens`.
        at: the time of asking; printed, so that a model can count the days, and used to say
            which records no longer hold.
        query: what was asked; says which sentences of a long text stay.
        order: id -> order of arrival, for memories of one time.

    Returns:
        The text, the hits that stand in it in its order, and how many were left out.
    """
    frame = [HEADER] if at is None else [HEADER, _asked(at)]
    room = tokens - count_tokens("\n".join((OPEN, *frame, CLOSE))) - len(frame) - 3
    words = _query_words(query)
    hits = [hit for hit in hits if hit.memory.text.strip()]
    most = room if len(hits) == 1 else max(room // 2, min(room, 40))
    chosen: list[tuple[Hit, str]] = []
    for hit in hits:
        if room < _LEAST:
            break
        line = _line(hit, at, min(room - 2, most), words)
        if line is not None:
            chosen.append((hit, line))
            room -= count_tokens(line) + line.count("\n") + 2
    if not chosen:
        return Context(text="", hits=(), tokens=0, left_out=len(hits))
    order = order or {}
    chosen.sort(key=lambda pair: (pair[0].memory.at, order.get(pair[0].memory.id, 0)))
    lines = [] if at is None else [_asked(at)]
    group: object = None
    for hit, line in chosen:
        memory = hit.memory
        here = (memory.session, None if memory.session else memory.at.date())
        if group is not None and here != group:
            lines.append("")
        group = here
        lines.append(line)
    text = fence(lines)
    return Context(
        text=text,
        hits=tuple(hit for hit, _ in chosen),
        tokens=count_tokens(text),
        left_out=len(hits) - len(chosen),
    )


def _asked(at: datetime) -> str:
    return f"Asked on {at.date().isoformat()} ({at:%A})."


def _line(hit: Hit, at: datetime | None, room: int, words: frozenset[str]) -> str | None:
    """One record, cut to the room there is; None when too little of it would be left."""
    memory = hit.memory
    citation = neutralise(_citation(hit, at)).replace("\n", " ")
    room -= count_tokens(citation)
    if room < _LEAST // 2:
        return None
    text = neutralise(_stretch(memory.text.strip(), max(_LONG, room * 12), words))
    if len(text) <= room * 12 and count_tokens(text) + text.count("\n") <= room:
        return f"{citation} {text}"
    cut = _cut(text, room - 2, words)
    return None if cut is None else f"{citation} {cut}"


def _citation(hit: Hit, at: datetime | None) -> str:
    memory, notes = hit.memory, []
    if memory.kind != "episode":
        notes.append(memory.kind)
    if hit.stale:
        notes.append("out of date")
    if memory.role == "tool":
        notes.append("a tool's output")
    elif memory.trust < 0.5:
        notes.append("unverified")
    if memory.valid_until is not None and (at is None or memory.valid_until <= at):
        notes.append(f"until {memory.valid_until.date().isoformat()}")
    who = " ".join(part for part in (memory.speaker, f"({', '.join(notes)})" if notes else None) if part)
    day = memory.at.date().isoformat()
    return f"[{memory.id}] {day} {who}:" if who else f"[{memory.id}] {day}:"


def _query_words(query: str | None) -> frozenset[str]:
    return frozenset(_stems(query or "", without=_STOP))


def _stems(text: str, without: frozenset[str] = frozenset()) -> set[str]:
    """First letters of the words, so that "lost" meets "losts"; words with digits whole."""
    return {w[:5] if w.isalpha() else w for w in _WORD.findall(text.casefold()) if w not in without}


def _stretch(text: str, most: int, words: frozenset[str]) -> str:
    """A text, or of one that can never fit the stretch around the rarest word of the query."""
    if len(text) <= most:
        return text
    low = text.lower()
    found = [(count, word) for word in sorted(words) if (count := low.count(word))]
    start = max(0, low.find(min(found)[1]) - most // 2) if found else 0
    start = min(start, len(text) - most)
    end = start + most
    before = f"{ELLIPSIS} " if start else ""
    after = f" {ELLIPSIS}" if end < len(text) else ""
    return f"{before}{text[start:end]}{after}"


def _cut(text: str, room: int, words: frozenset[str]) -> str | None:
    """Whole sentences around the best one, with an ellipsis where something is missing."""
    if room < _LEAST // 2:
        return None
    sentences = _sentences(text)
    best = 0
    if words:
        scores = [len(words & _stems(sentence)) for sentence in sentences]
        best = max(range(len(scores)), key=lambda index: (scores[index], -index))
    cost = _cost(sentences[best])
    if cost > room:
        return _cut_words(sentences[best].strip(), room, first=best == 0, words=words)
    first = last = best
    while True:
        grown = False
        for index in (last + 1, first - 1):
            if 0 <= index < len(sentences) and cost + _cost(sentences[index]) <= room:
                cost += _cost(sentences[index])
                first, last = min(first, index), max(last, index)
                grown = True
        if not grown:
            break
    body = "".join(sentences[first : last + 1]).strip()
    before = f"{ELLIPSIS} " if first else ""
    after = f" {ELLIPSIS}" if last + 1 < len(sentences) else ""
    return f"{before}{body}{after}"


def _sentences(text: str) -> list[str]:
    """The sentences, each with what separates it from the last."""
    found, start = [], 0
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        if text[start:end].strip():
            found.append(text[start:end])
            start = end
    return found


def _cut_words(sentence: str, room: int, *, first: bool, words: frozenset[str]) -> str | None:
    """A stretch of one sentence too long for the room, around the words of the query."""
    pieces = re.findall(r"\S{1,24}\s*", sentence)
    start = 0
    for index, piece in enumerate(pieces):
        if words & _stems(piece):
            start = max(0, index - 4)
            break
    kept: list[str] = []
    for piece in pieces[start:]:
        cost = _cost(piece)
        if cost > room:
            break
        room -= cost
        kept.append(piece)
    body = "".join(kept).strip()
    if not body:
        return None
    before = f"{ELLIPSIS} " if start or not first else ""
    after = "" if start + len(kept) == len(pieces) else f" {ELLIPSIS}"
    return f"{before}{body}{after}"


def _cost(piece: str) -> int:
    return count_tokens(piece) + piece.count("\n")
