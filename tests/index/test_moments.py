"""The moments of all cosines, kept up by what came and went, against all of them computed."""

from __future__ import annotations

import numpy as np
import pytest

from agentmem.index.entries import Entries
from agentmem.index.moments import Moments

DIM = 12


@pytest.mark.parametrize("seed", range(4))
def test_kept_up_is_computed_anew(seed: int) -> None:
    random = np.random.default_rng(seed)
    entries, kept = Entries.empty(), Moments(DIM)
    stored = np.empty((0, DIM), np.float16)
    live: set[int] = set()
    doc = 0
    for step in range(60):
        most = 1 if seed == 0 or step < 10 else 4  # pieces of a document
        counts = random.integers(1, most + 1, int(random.integers(1, 9)))
        docs = np.arange(doc, doc + len(counts))
        stored = np.concatenate([stored, random.normal(size=(counts.sum(), DIM)).astype(np.float16)])
        entries.add(docs, counts)
        live.update(docs.tolist())
        doc += len(counts)
        if random.random() < 0.4:
            gone = random.choice(sorted(live), min(len(live), 3), replace=False)
            live -= set(gone.tolist())
            kept.forget(entries, entries.remove(gone), stored)
        if step in (20, 45):
            kept.update(entries, lambda held=stored: held)
            entries, rows = entries.compacted()
            stored = stored[rows]
            kept.renumber(len(rows))
        if random.random() < 0.7:
            kept.update(entries, lambda held=stored: held)
            query = random.normal(size=(1, DIM)).astype(np.float32)
            scores = (stored.astype(np.float32) @ query[0]).astype(np.float64)
            numbers = entries.of(np.array(sorted(live), np.int64))
            best = [scores[entries.rows_of(number[None])[0]].max() for number in numbers]
            assert kept.of(query)[0] == pytest.approx((np.mean(best), np.std(best)), abs=1e-3)
