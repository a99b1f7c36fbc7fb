"""The places where the papers ask a language model: reading a passage, reading a question, recognition.

Each is a small class with one method over :class:`agentmem.language.roles.Asker`; the local twins are
:func:`agentmem.stores.hipporag.extract.extract`, :func:`~agentmem.stores.hipporag.extract.question_entities`
and :func:`agentmem.stores.hipporag.linking.recognise`. Answers are JSON that is checked, never code that is
run; the filter answers with numbers, so that it cannot invent a fact.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentmem.language.roles import Asker, strings
from agentmem.memory import Json, Memory
from agentmem.stores.hipporag.phrases import Extraction, Triple, checked


@dataclass(frozen=True, slots=True)
class PassageReader:
    """Entities of a passage, then its triples given the entities: two calls, as in both papers."""

    asker: Asker

    def read(self, memory: Memory) -> Extraction:
        """What a passage says.

        Raises:
            LanguageModelError: a call failed, the budget is spent, or no answer was what was asked for.
        """
        text = memory.text if memory.speaker is None else f"{memory.speaker}: {memory.text}"
        passage = json.dumps(text, ensure_ascii=False)
        entities = self.asker.ask("hipporag_entities", {"passage": passage}, _entities)
        given = json.dumps(entities, ensure_ascii=False)
        triples = self.asker.ask(
            "hipporag_triples", {"passage": passage, "entities": given}, _triples, max_tokens=2000
        )
        return checked(entities, triples)


@dataclass(frozen=True, slots=True)
class QuestionReader:
    """The entities of a question that version 1 begins from."""

    asker: Asker

    def read(self, question: str) -> list[str]:
        """Names in a question; see :meth:`PassageReader.read` for what it raises."""
        return self.asker.ask("hipporag_question", {"question": question}, _entities, max_tokens=200)


@dataclass(frozen=True, slots=True)
class Recognition:
    """Version 2's recognition memory: which of the best facts bear on the question."""

    asker: Asker

    def choose(self, question: str, facts: Sequence[Triple]) -> list[int]:
        """Places of the facts chosen; see :meth:`PassageReader.read` for what it raises."""

        def read(answer: Json) -> list[int]:
            chosen = answer["facts"]
            if not isinstance(chosen, list) or not all(type(one) is int for one in chosen):
                raise ValueError("expected a list of numbers under 'facts'")
            if not all(1 <= one <= len(facts) for one in chosen):
                raise ValueError(f"expected numbers from 1 to {len(facts)}")
            return sorted({one - 1 for one in chosen})

        listed = "\n".join(
            f"{place}. {json.dumps(list(fact), ensure_ascii=False)}" for place, fact in enumerate(facts, 1)
        )
        values = {"question": question, "facts": listed}
        return self.asker.ask("hipporag_filter", values, read, max_tokens=200)


def _entities(answer: Json) -> list[str]:
    return strings(answer["entities"])


def _triples(answer: Json) -> list[Any]:
    triples = answer["triples"]
    if not isinstance(triples, list):
        raise ValueError("expected a list under 'triples'")
    good = [one for one in triples if isinstance(one, list) and len(one) == 3]
    if triples and not good:
        raise ValueError("expected lists of three strings under 'triples'")
    return good
