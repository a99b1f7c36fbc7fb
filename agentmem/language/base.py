"""The interface of a language model, and the record of what it cost.

A language model is an upgrade, never a need: whatever asks one has a local way too. So the
interface is small, and each call is counted against a budget before it is made.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from agentmem.errors import BudgetSpent, UnexpectedAnswer
from agentmem.memory import Json

Message: TypeAlias = Mapping[str, Any]
"""An OpenAI-shaped message: ``{"role": "user", "content": "..."}``."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls took.

    Attributes:
        calls: how many calls were answered.
        prompt_tokens: tokens sent, as the server counted them (estimated where it did not).
        completion_tokens: tokens received.
        cost: US dollars; None when no price is known.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None

    @property
    def tokens(self) -> int:
        """Sent and received together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        known = [part.cost for part in (self, other) if part.cost is not None]
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            sum(known) if known else None,
        )


_CODE_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a language model answered.

    Attributes:
        text: the answer.
        usage: what this call took.
        model: the model that answered, as the server names it.
        finish: why it stopped: ``"stop"``, ``"length"``, …
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    finish: str = "stop"

    def json(self) -> Json:
        """The answer read as JSON, with or without a Markdown fence around it.

        Raises:
            UnexpectedAnswer: it is not JSON.
        """
        match = _CODE_FENCE.match(self.text)
        try:
            return json.loads(match.group(1) if match else self.text)
        except ValueError as error:
            cut = " (it was cut off: finish='length')" if self.finish == "length" else ""
            raise UnexpectedAnswer(f"the model's answer is not JSON: {error}{cut}", self.text) from None


class ChatModel(Protocol):
    """Anything that answers chat messages. Implement these two; agents need nothing else."""

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        schema: Mapping[str, Json] | None = None,
    ) -> Reply:
        """Answer in one piece.

        Args:
            messages: the conversation, OpenAI-shaped.
            max_tokens: the longest answer.
            temperature: None leaves it to the server.
            schema: a JSON schema that the answer must follow.
        """
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> Iterator[str]:
        """Answer piece by piece; raises in the middle when the answer breaks off."""
        ...


class Budget:
    """A cap on calls, tokens and cost, and the record of what was used. Threads may share it.

    Args:
        calls: at most so many calls.
        tokens: at most so many tokens, sent and received together.
        cost: at most so many US dollars, where prices are known.
    """

    def __init__(
        self, *, calls: int | None = None, tokens: int | None = None, cost: float | None = None
    ) -> None:
        self.calls = calls
        self.tokens = tokens
        self.cost = cost
        self._used = Usage()
        self._open = 0
        self._open_tokens = 0
        self._lock = threading.Lock()

    @property
    def used(self) -> Usage:
        """What was used so far."""
        return self._used

    def reserve(self, tokens: int) -> None:
        """Claim one call of about so many tokens.

        Raises:
            BudgetSpent: it would go over a cap.
        """
        with self._lock:
            used = self._used
            if self.calls is not None and used.calls + self._open >= self.calls:
                raise BudgetSpent(f"the budget of {self.calls} calls is spent; nothing was sent")
            going = used.tokens + self._open_tokens
            if self.tokens is not None and going + tokens > self.tokens:
                raise BudgetSpent(
                    f"the next call needs about {tokens} tokens and {going} of the budget of {self.tokens} "
                    "are used; nothing was sent"
                )
            if self.cost is not None and used.cost is not None and used.cost >= self.cost:
                raise BudgetSpent(
                    f"the budget of ${self.cost:g} is spent (${used.cost:.4f}); nothing was sent"
                )
            self._open += 1
            self._open_tokens += tokens

    def settle(self, tokens: int, usage: Usage | None) -> None:
        """Replace a claim by what the call took; None for a call that was not answered."""
        with self._lock:
            self._open -= 1
            self._open_tokens -= tokens
            if usage is not None:
                self._used = self._used + usage
