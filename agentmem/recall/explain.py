"""Why a memory was found, in words a person understands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from agentmem.index.space import Space
from agentmem.language.text import analyse
from agentmem.recall.onward import SIGNAL as ONWARD
from agentmem.recall.query import Question, surfaces
from agentmem.recall.signals import Pool, Terms

_FEW = 4
_BESIDE = "comes "  # so begins what says which neighbour speaks of it; then that it goes on is no news


class Explainer:
    """Says why, for the hits of one question.

    Args:
        question: what was asked.
        names: persons the question names.
        terms: the question's words.
    """

    def __init__(self, question: Question, names: Sequence[str], terms: Terms) -> None:
        self._question = question
        self._names = names
        forms = surfaces(question.text)
        strongest = sorted(zip(terms.terms, terms.words, strict=True), key=lambda pair: -pair[0].weight)
        self._exact: dict[int, str] = {}
        self._alike: dict[int, str] = {}
        for term, word in strongest:
            for term_id, factor in term.variants:
                (self._exact if factor == 1.0 else self._alike)[term_id] = f"'{forms.get(word, word)}'"
        self._every = self._exact.keys() | self._alike.keys()
        event = set(analyse(question.around.event).words) if question.around is not None else set()
        pairs = zip(terms.terms, terms.words, strict=True)
        self._event = {id for term, word in pairs if word in event for id, _ in term.variants}

    def reasons(self, pool: Pool, doc: int, parts: Mapping[str, float]) -> tuple[str, ...]:
        """The reasons for one hit, the strongest first.

        Args:
            pool: the candidates it is one of.
            doc: its document.
            parts: the parts of its score.
        """
        question = self._question
        told: list[tuple[float, str]] = []
        said = self._said(pool, doc) if parts.get("words") else ""
        told.append((parts.get("words", 0.0), said))
        if parts.get("vectors", 0.0) > 1.0:
            told.append((parts["vectors"], "means something close to the question"))
        if parts.get("speaker"):
            told.append((parts["speaker"], self._speaker()))
        if parts.get("date", 0.0) > 0 and question.times:
            told.append((parts["date"], f"dated {question.times[0].phrase.removeprefix('of ')}, as asked"))
        if parts.get("event", 0.0) > 0 and question.around is not None:
            itself = pool.space.lexical.said(doc, self._event)
            event = f"tells of {question.around.event}" if itself else f"comes {question.around.phrase}"
            told.append((parts["event"], event))
        if parts.get("time word", 0.0) > 0:
            told.append((parts["time word"], "says when"))
        told += [
            (value, pool.why.get((name, doc), name))
            for name, value in parts.items()
            if name not in _KNOWN and value > 0 and not (name == ONWARD and said.startswith(_BESIDE))
        ]
        if (
            parts.get("session", 0.0) > 0
            and not any(reason for _, reason in told)
            and pool.space.session[doc] >= 0
        ):
            told.append((parts["session"], "belongs to a conversation about this"))
        if parts.get("prior", 0.0) < 0:
            told.append((0.0, "does not hold at the asked time, has faded, or is stale"))
        told.sort(key=lambda reason: -reason[0])
        return tuple(reason for _, reason in told if reason) or ("little speaks for it",)

    def _speaker(self) -> str:
        if self._names:
            return f"{self._names[0]} said it"
        return "the assistant said it, as asked" if self._question.told else "the user said it"

    def _said(self, pool: Pool, doc: int) -> str:
        """``says 'pottery', 'class'``; where it says nothing of the question itself, its neighbours do."""
        said = pool.space.lexical.said(doc, self._every)
        if own := self._words(said):
            return f"says {own}"
        return self._beside(pool, doc) or "the turns around it speak of what is asked"

    def _words(self, said: Collection[int]) -> str:
        """The words of the question among terms, the strongest first; "" for none."""
        if not said:
            return ""
        for words, how in ((self._exact, ""), (self._alike, " in other words")):
            if found := dict.fromkeys(word for term_id, word in words.items() if term_id in said):
                return ", ".join(list(found)[:_FEW]) + how
        return ""

    def _beside(self, pool: Pool, doc: int) -> str | None:
        """``comes two turns after Ada says 'pottery'``: by the neighbour that says most of the question."""
        space = pool.space
        before, after = space.lexical.turns.before.view, space.lexical.turns.after.view
        previous, following = before.item(doc), after.item(doc)
        around = {1: previous, -1: following}
        if previous >= 0:
            around[2] = before.item(previous)
        if following >= 0:
            around[-2] = after.item(following)
        most, nearest, distance = (0, 0), "", 0
        for step, other in around.items():
            if other < 0 or (pool.allowed is not None and not pool.allowed[other]):
                continue
            said = space.lexical.said(other, self._every)
            count = (len(said.intersection(self._exact)), len(said))
            if count > most:
                most, nearest, distance = count, self._words(said), step
        if not distance:
            return None
        far, side = "right" if abs(distance) == 1 else "two turns", "after" if distance > 0 else "before"
        return f"{_BESIDE}{far} {side} {_who(space, around[distance])} says {nearest}"


def _who(space: Space, doc: int) -> str:
    speaker: str | None = space.speakers[space.speaker[doc]] if space.speaker[doc] >= 0 else None
    role: str | None = space.roles[space.role[doc]] if space.role[doc] >= 0 else None
    if speaker is not None and speaker != role:
        return speaker
    return "somebody" if role is None else f"the {role}"


_KNOWN = frozenset(
    ("words", "vectors", "speaker", "date", "event", "time word", "length", "question", "session", "prior")
)
