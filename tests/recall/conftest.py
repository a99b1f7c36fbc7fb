from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from agentmem.backends.base import NO_TIME_HIGH, NO_TIME_LOW, Columns
from agentmem.clock import to_datetime, to_micros
from agentmem.index.layout import Settings
from agentmem.index.space import Space
from agentmem.language.text import analyse
from agentmem.memory import Draft

START = datetime(2023, 5, 8, 10, tzinfo=timezone.utc)


@dataclass
class World:
    """Spaces that share a vocabulary, as namespaces of one database do."""

    vocabulary: dict[str, int]

    def term_ids(self, words: Sequence[str]) -> Mapping[str, int]:
        return {word: self.vocabulary[word] for word in words if word in self.vocabulary}

    def space(self, items: Sequence[Draft], vectors: Any = None) -> Space:
        tokens: list[int] = []
        ends = [0]
        flags = []
        for item in items:
            analysis = analyse(item.text)
            tokens += [self.vocabulary.setdefault(w, len(self.vocabulary) + 1) for w in analysis.words]
            ends.append(len(tokens))
            flags.append(analysis.flags)
        n = len(items)
        numbers = np.arange(n, dtype=np.int64)
        times = [
            START + timedelta(minutes=i) if d.at is None else to_datetime(d.at) for i, d in enumerate(items)
        ]

        def bound(values: Sequence[Any], without: int) -> Any:
            return np.array([without if v is None else to_micros(to_datetime(v)) for v in values], np.int64)

        columns = Columns(
            rows=numbers,
            positions=numbers,
            ids=[item.id or f"m{i}" for i, item in enumerate(items)],
            kinds=[item.kind for item in items],
            speakers=[item.speaker for item in items],
            sessions=[item.session for item in items],
            roles=[item.role for item in items],
            made_by=[None] * n,
            at=np.array([to_micros(time) for time in times], np.int64),
            valid_from=bound([d.valid_from for d in items], NO_TIME_LOW),
            valid_until=bound([d.valid_until for d in items], NO_TIME_HIGH),
            expires_at=bound([d.expires_at for d in items], NO_TIME_HIGH),
            trust=np.ones(n, np.float32),
            flags=np.array(flags, np.int64),
            tokens=np.array(tokens, np.uint32),
            token_offsets=np.array(ends, np.int64),
            vectors=None if vectors is None else np.asarray(vectors, np.float32),
            vector_offsets=np.arange(n + 1) if vectors is not None else np.zeros(n + 1, np.int64),
        )
        return Space.of(columns, Settings(dim=0 if vectors is None else len(vectors[0]), vectors="numpy"))


@pytest.fixture
def world() -> World:
    return World({})


@pytest.fixture
def conversation() -> list[Draft]:
    return [
        Draft("I started a pottery class yesterday", speaker="Ada", session="s1"),
        Draft("Which colours did you choose?", speaker="Ben", session="s1"),
        Draft("Blue and green glaze, mostly", speaker="Ada", session="s1"),
        Draft("My brother moved to Lisbon", speaker="Ben", session="s2", at="2023-06-20T09:00"),
        Draft("Pottery calms me down", speaker="Ben", session="s2", at="2023-06-20T09:01"),
    ]
