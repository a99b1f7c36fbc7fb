"""Memories to measure speed with: real turns where a data folder is given, cycled and varied."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from agentmem.memory import Draft

_START = datetime(2023, 1, 1, tzinfo=timezone.utc)
_TURNS_A_SESSION = 20
_SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "er", "is")]


def texts(data: Path | None, seed: int = 0) -> list[str]:
    """Distinct sentences: turns of LoCoMo and BEAM and book sentences below ``data``, else made ones."""
    found: list[str] = []
    if data is not None:
        for file in sorted(data.glob("locomo/*.json")):
            _collect(json.loads(file.read_text(encoding="utf-8")), ("text",), found)
        for file in sorted(data.glob("beam/100K/*/chat.json")):
            _collect(json.loads(file.read_text(encoding="utf-8")), ("content",), found)
        for file in sorted(data.glob("booksort/**/*.txt")):
            found += re.split(r"(?<=[.!?])\s+", file.read_text(encoding="utf-8", errors="replace"))
    found = [" ".join(text.split()[:40]) for text in found if 3 <= len(text.split())]
    if len(found) < 1000:
        found += list(_made(20_000, seed))
    return list(dict.fromkeys(found))


def _collect(node: object, keys: tuple[str, ...], out: list[str]) -> None:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in keys and isinstance(value, str):
                out.append(value)
            else:
                _collect(value, keys, out)
    elif isinstance(node, list):
        for value in node:
            _collect(value, keys, out)


def _made(count: int, seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    words = ["".join(rng.choices(_SYLLABLES, k=rng.randint(1, 4))) for _ in range(30_000)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(words))))
    for _ in range(count):
        yield " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(8, 30)))


@lru_cache(maxsize=2)
def _words(texts: tuple[str, ...]) -> list[str]:
    return [word for text in texts for word in text.split()]


def drafts(base: list[str], count: int, seed: int = 0, first: int = 0) -> Iterator[Draft]:
    """Turns of sessions of 20 by two speakers; a second pass over ``base`` redraws 15 % of the words."""
    rng = random.Random(seed + first)
    pool = _words(tuple(base[:20_000]))
    for i in range(first, first + count):
        text = base[i % len(base)]
        if i >= len(base):
            text = " ".join(w if rng.random() > 0.15 else rng.choice(pool) for w in text.split())
        session = i // _TURNS_A_SESSION
        yield Draft(
            text,
            at=_START + timedelta(hours=7 * session, minutes=i % _TURNS_A_SESSION),
            speaker="Ada" if i % 2 else "Ben",
            session=f"s{session}",
        )


def questions(data: Path | None, count: int, seed: int = 0) -> list[str]:
    """Real questions of LoCoMo below ``data``; else the first words of made texts."""
    found: list[str] = []
    if data is not None:
        for file in sorted(data.glob("locomo/*.json")):
            _collect(json.loads(file.read_text(encoding="utf-8")), ("question",), found)
    if not found:
        found = [" ".join(text.split()[:6]) for text in _made(1000, seed + 1)]
    random.Random(seed).shuffle(found)
    return [found[i % len(found)] for i in range(count)]
