"""Why a memory was found, in words a person understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agentmem.recall.query import Question, surfaces
from agentmem.recall.signals import Pool, Terms

_FEW = 4


class Explainer:
    """Says why, for the hits of one question.

    Args:
        question: what was asked.
        names: persons the question names.
        terms: the question's words.
        pools: the candidates.
        places: the hits, as (pool, place among its candidates).
    """

    def __init__(
        self,
        question: Question,
        names: Sequence[str],
        terms: Terms,
        pools: Sequence[Pool],
        places: Sequence[tuple[int, int]],
    ) -> None:
        self._question = question
        self._names = names
        forms = surfaces(question.text)
        strongest = sorted(zip(terms.terms, terms.words, strict=True), key=lambda pair: -pair[0].weight)
        exact = [(term.variants[0], word) for term, word in strongest]
        words = {term_id: f"'{forms.get(word, word)}'" for (term_id, factor), word in exact if factor == 1.0}
        wanted = words.keys()
        self._own: dict[tuple[int, int], list[str]] = {}
        for number, i in places:
            doc = int(pools[number].docs[i])
            said = pools[number].space.lexical.said(doc, wanted)
            self._own[number, doc] = [word for term_id, word in words.items() if term_id in said]

    def reasons(self, pool: Pool, doc: int, parts: Mapping[str, float]) -> tuple[str, ...]:
        """The reasons for one hit, the strongest first.

        Args:
            pool: the candidates it is one of.
            doc: its document.
            parts: the parts of its score.
        """
        question = self._question
        told: list[tuple[float, str]] = []
        if parts.get("words"):
            told.append((parts["words"], self._said(pool, doc)))
        if parts.get("vectors", 0.0) > 1.0:
            told.append((parts["vectors"], "means something close to the question"))
        if parts.get("speaker"):
            told.append((parts["speaker"], self._speaker()))
        if parts.get("date", 0.0) > 0 and question.times:
            told.append((parts["date"], f"dated {question.times[0].phrase}, as asked"))
        if parts.get("event", 0.0) > 0 and question.around is not None:
            told.append((parts["event"], f"comes {question.around.phrase}"))
        if parts.get("time word", 0.0) > 0:
            told.append((parts["time word"], "says when"))
        told += [
            (value, pool.why.get((name, doc), name))
            for name, value in parts.items()
            if name not in _KNOWN and value > 0
        ]
        if parts.get("session", 0.0) > 0 and not told and pool.space.session[doc] >= 0:
            told.append((parts["session"], "belongs to a conversation about this"))
        if parts.get("prior", 0.0) < 0:
            told.append((0.0, "does not hold at the asked time, has faded, or is stale"))
        told.sort(key=lambda reason: -reason[0])
        return tuple(reason for _, reason in told if reason)

    def _speaker(self) -> str:
        if self._names:
            return f"{self._names[0]} said it"
        return "the assistant said it, as asked" if self._question.told else "the user said it"

    def _said(self, pool: Pool, doc: int) -> str:
        """``says 'pottery', 'class'``; where it says nothing of the question itself, its neighbours do."""
        own = self._own.get((pool.number, doc), ())
        if own:
            return "says " + ", ".join(own[:_FEW])
        if pool.space.session[doc] < 0:
            return "says it in other words"
        return "the turns around it speak of what is asked"


_KNOWN = frozenset(
    ("words", "vectors", "speaker", "date", "event", "time word", "length", "question", "session", "prior")
)
