"""A quoted sentence against what it was read as: one that is known to tell something else answers nothing.

Where no walk over facts is sure, ``ask`` quotes the sentence that says most of the question. "The mayor of
Vellhaven is Oskar Brenn" says most of "What is the capital of Vellhaven?" and yet does not answer it; that it
is about a mayor is known, since it was read as a fact, and so is that the memory does not hold the answer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from agentmem.facts import names
from agentmem.facts.access import Access, opened
from agentmem.facts.match import phrase, stem
from agentmem.facts.questions import asked_names, only_asks
from agentmem.facts.senses import senses, stems
from agentmem.language.text import analyse, english_weights
from agentmem.memory import Answer

if TYPE_CHECKING:
    from agentmem.facts.model import Fact
    from agentmem.runtime import Runtime

_NAMING = 0.7
"""What a word of the question must name a relation by."""
_SAID = 0.6
"""Share of the question's words, by rarity, that a relation must be named by."""
_WHOLE = 0.8
"""Share of a sentence that its facts must be read from, so that it says nothing else."""
_ASKS = re.compile(
    r"^\W*(?:(?:in|at|to|for|from|by|with|on|of)\s+)?(?:who|whom|whose|what|which|where|when)\b", re.I
)


def checked(runtime: Runtime, question: str, answer: Answer, known_at: datetime | None) -> Answer:
    """The same answer, or none where facts tell that the quoted sentence does not hold it.

    Args:
        runtime: the opened file.
        question: a question; only one of who, what, which, where or when is looked at.
        answer: a quotation.
        known_at: by the versions known then.
    """
    if answer.quote is None or not answer.hits or not _ASKS.search(question):
        return answer
    memory = answer.hits[0].memory
    with opened(runtime, memory.namespace, "strict", known_at) as access:
        if access is None:
            return answer
        quoted = _plain(answer.quote)
        told = [one for one in access.view.of_memory(memory.id) if _plain(one.sentence) == quoted]
        if not told or _says(access, question, told):
            return answer
    return replace(answer, text=None, quote=None)


def _unlike(said: str, frame: str) -> bool:
    """Whether what a word and a relation mean is known, and is not the same, however alike they seem."""
    one, other = senses(said), senses(frame)
    return bool(one and other) and one.isdisjoint(other) and stem(said) not in stems(frame)


def _plain(sentence: str) -> str:
    return sentence.strip(" .!\"'“”‘’")


def _says(access: Access, question: str, told: list[Fact]) -> bool:
    """Whether one of the facts of a sentence may be what a question asks, or not all of it was read."""
    words, stress = names.tokens(question), names.stressed(question)
    spans = asked_names(access.view, words, stress)
    about = {key for _, _, key in spans}
    within = {i for first, last, _ in spans for i in range(first, last)}
    asking = [
        (word, stem(word), phrase(words, i), stress[i])
        for i, word in enumerate(words)
        if i not in within and stem(word) and not only_asks(words, i)
    ]
    if not asking or not about:
        return True
    frames = [one.frame.key for one in told]
    matrix = access.view.matcher.matrix(asking, frames, access.runtime.embedder)
    matrix *= [[not _unlike(said, frame) for frame in frames] for _, _, said, _ in asking]
    meant = matrix >= _NAMING
    own = np.array([not about.isdisjoint((one.subject_key, one.object_key)) for one in told])
    held = set(analyse(told[0].sentence).words)
    weights = english_weights([root for _, root, *_ in asking])
    weights /= max(float(weights.sum()), 1e-9)
    # A word of the sentence counts unless it is read as told of somebody else.
    here = np.array([root in held for _, root, *_ in asking]) & ~meant[:, ~own].any(axis=1)
    if float(weights @ (meant[:, own].any(axis=1) | here)) < _SAID:
        return max(len(one.clause or one.sentence) for one in told) < _WHOLE * len(told[0].sentence)
    denied = [weights @ meant[:, i] >= _SAID and "negated" in one.flags for i, one in enumerate(told)]
    return not any(denied)
