"""Surprise as a language model measures it: -ln P of each token of a turn, given what was said before.

Chat endpoints do not give the probabilities of a prompt. Completion endpoints that echo it do (vLLM,
llama.cpp, TGI and others): :class:`EchoedLogProbs` asks one. Anything else with the method of
:class:`LogProbs` serves as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from agentmem.errors import UnexpectedAnswer
from agentmem.language.base import Usage
from agentmem.language.openai import Endpoint, translated
from agentmem.language.tokens import count_tokens

SKIPPED = 2
"""The first tokens of a turn are left out: they are surprising only because something begins."""


@runtime_checkable
class LogProbs(Protocol):
    """A model that tells how likely a text is."""

    def logprobs(self, text: str) -> Sequence[tuple[int, float]]:
        """(place in the text, ln P) of each token after the first, in order.

        Raises:
            LanguageModelError: the call failed or the budget is spent.
        """
        ...


class EchoedLogProbs(Endpoint):
    """A completion endpoint that echoes its prompt with log-probabilities.

    Its arguments are those of :class:`~agentmem.language.openai.Endpoint`; ``base_url`` is such as
    ``http://localhost:8000/v1``.
    """

    def logprobs(self, text: str) -> list[tuple[int, float]]:
        """(place in the text, ln P) of each token after the first."""
        claim = count_tokens(text) if self.budget.tokens is not None else 0
        self.budget.reserve(claim)
        usage: Usage | None = None
        try:
            try:
                answer: Any = self._client.completions.create(
                    model=self.model, prompt=text, max_tokens=1, echo=True, logprobs=1, temperature=0.0
                )
            except Exception as error:
                raise translated(error) from error
            sent = getattr(getattr(answer, "usage", None), "prompt_tokens", None)
            sent = sent if isinstance(sent, int) else count_tokens(text)
            usage = Usage(1, sent, 1, self.cost(sent, 1))
            return _read(answer, len(text))
        finally:
            self.budget.settle(claim, usage)


def _read(answer: Any, length: int) -> list[tuple[int, float]]:
    choices = getattr(answer, "choices", None)
    held = getattr(choices[0], "logprobs", None) if choices else None
    values, places = getattr(held, "token_logprobs", None), getattr(held, "text_offset", None)
    if not isinstance(values, list) or not isinstance(places, list) or len(values) != len(places):
        raise UnexpectedAnswer(
            "the endpoint gave no log-probabilities of the prompt; it must support echo", str(answer)[:500]
        )
    pairs = [(p, float(v)) for p, v in zip(places, values, strict=True) if v is not None and p < length]
    if not pairs:
        raise UnexpectedAnswer("the endpoint gave log-probabilities of no token", str(answer)[:500])
    return pairs


def turn_surprises(
    model: LogProbs, before: Sequence[tuple[str, str]], turns: Sequence[tuple[str, str]]
) -> list[float | None]:
    """Mean -ln P of each turn's tokens, given the turns before it, by one call.

    Args:
        model: is asked.
        before: the conversation before the turns: what stands before a line ("Ada: ") and the line.
        turns: the turns in question; only tokens of the lines themselves count.

    Returns:
        None for a turn without a token of its own.

    Raises:
        LanguageModelError: the call failed.
    """
    lines = [*before, *turns]
    known = model.logprobs("\n".join(label + line for label, line in lines))
    found: list[float | None] = []
    begin = 0
    for i, (label, line) in enumerate(lines):
        begin += len(label)
        end = begin + len(line)
        if i >= len(before):
            own = [-value for place, value in known if begin <= place < end]
            own = own[SKIPPED:] or own
            found.append(sum(own) / len(own) if own else None)
        begin = end + 1
    return found
