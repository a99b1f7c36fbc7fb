"""Turns of an event lift each other, and so may events side by side: the buffers inside ``search``.

::

    score(i) += event · max over the turns j of i's event of score(j)
              + beside · max over the turns j of the events before and after of score(j)

It is a step of :mod:`agentmem.recall.spread`; what is below zero lifts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from agentmem.backends.base import Backend
from agentmem.recall.query import Question
from agentmem.recall.recipe import Recipe
from agentmem.recall.signals import Pool, Terms
from agentmem.stores.episodic.spans import Rules
from agentmem.stores.episodic.timeline import Timeline, timeline


@dataclass(frozen=True)
class EventLift:
    """The step.

    Attributes:
        rules: how turns are cut into events.
        event: share of the best turn of the same event.
        beside: share of the best turn of the neighbouring events.
        backend: where the events' records are.
        maker: says who made those records.
    """

    rules: Rules
    event: float
    beside: float
    backend: Backend = field(compare=False)
    maker: Callable[[], str] = field(compare=False)

    def fingerprint(self) -> str:
        """The step and its parameters in one line."""
        return f"events({self.rules.fingerprint()},event={self.event},beside={self.beside})"

    def __call__(self, pools: Sequence[Pool], question: Question, terms: Terms, recipe: Recipe) -> None:
        """Lift the candidates."""
        for pool in pools:
            if len(pool.docs) and (self.event or self.beside):
                self._lift(pool, timeline(pool.space, self.rules, self.backend, self.maker()))

    def _lift(self, pool: Pool, events: Timeline) -> None:
        numbers, places = np.unique(events.number[pool.docs], return_inverse=True)
        best = np.zeros(len(numbers))
        np.maximum.at(best, places, np.maximum(pool.score, 0.0))
        best[numbers < 0] = 0.0
        if self.event:
            pool.add("event", self.event * best[places])
        if self.beside:
            known = {int(number): float(value) for number, value in zip(numbers, best, strict=True)}
            near = np.zeros(len(numbers))
            for i, number in enumerate(numbers.tolist()):
                if number >= 0:
                    around = events.beside(events.spans[number])
                    near[i] = max((known.get(span.number, 0.0) for span, _ in around), default=0.0)
            pool.add("beside", self.beside * near[places])
