"""Any OpenAI-compatible chat endpoint: OpenAI, vLLM, Ollama, llama.cpp, OpenRouter and others.

The ``openai`` client does the talking: time-outs, and retries with growing, jittered pauses (or
as long as the server asks) after a 429, a 5xx, a time-out or a lost connection. Its errors come
out as agentmem's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentmem.errors import (
    LanguageModelError,
    LanguageModelRateLimited,
    LanguageModelTimeout,
    MissingDependency,
    UnexpectedAnswer,
)
from agentmem.language.base import Budget, Message, Reply, Usage
from agentmem.language.tokens import count_tokens
from agentmem.memory import Json

DEFAULT_TIMEOUT = 60.0


class Endpoint:
    """What every kind of call to an OpenAI-compatible endpoint needs: the client, a budget, prices.

    Args:
        model: the model's name at the endpoint.
        base_url: the endpoint; None is OpenAI's own.
        api_key: for endpoints that need one.
        timeout: seconds to wait.
        retries: further attempts after a 429, a 5xx, a time-out or a lost connection.
        budget: caps; calls over it raise ``BudgetSpent``.
        price: US dollars for a million tokens sent and received.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = 3,
        budget: Budget | None = None,
        price: tuple[float, float] | None = None,
    ) -> None:
        try:
            import openai
        except ImportError:
            raise MissingDependency("openai", "all") from None
        self.model = model
        self.budget = budget if budget is not None else Budget()
        self.price = price
        self._client = openai.OpenAI(
            api_key=api_key or "none", base_url=base_url, timeout=timeout, max_retries=retries
        )

    @property
    def usage(self) -> Usage:
        """What was used so far."""
        return self.budget.used

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def cost(self, sent: int, received: int) -> float | None:
        """US dollars for so many tokens, None without prices."""
        return None if self.price is None else (sent * self.price[0] + received * self.price[1]) / 1e6


class OpenAIChat(Endpoint):
    """A chat model behind an OpenAI-compatible endpoint.

    Args:
        model: the model's name at the endpoint.
        base_url: the endpoint, such as ``http://localhost:11434/v1``; by default the environment
            variable OPENAI_BASE_URL, else OpenAI's own.
        api_key: by default the environment variable OPENAI_API_KEY; an endpoint of your own may
            need none.
        timeout: seconds to wait for an answer, or for the next piece of a stream.
        retries: further attempts after a 429, a 5xx, a time-out or a lost connection.
        temperature: for calls that name none; None leaves it to the server.
        budget: caps on calls, tokens and cost; calls over it raise ``BudgetSpent``.
        price: US dollars for a million tokens sent and received, for the cost record.

    Raises:
        LanguageModelError: no key was given and OpenAI's own endpoint needs one.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        retries: int = 3,
        temperature: float | None = None,
        budget: Budget | None = None,
        price: tuple[float, float] | None = None,
    ) -> None:
        base_url = base_url or os.environ.get("OPENAI_BASE_URL") or None
        api_key = api_key or os.environ.get("OPENAI_API_KEY") or None
        if api_key is None and base_url is None:
            raise LanguageModelError(
                "OpenAI's endpoint needs a key: set OPENAI_API_KEY, pass api_key=, or pass base_url= "
                "of a server of your own"
            )
        super().__init__(
            model,
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            retries=retries,
            budget=budget,
            price=price,
        )
        self.temperature = temperature

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        schema: Mapping[str, Json] | None = None,
    ) -> Reply:
        """Answer in one piece.

        Raises:
            BudgetSpent: the call would go over the budget; nothing was sent.
            LanguageModelTimeout: no answer in time.
            LanguageModelRateLimited: refused for too many calls, retries included.
            UnexpectedAnswer: what came is no chat completion.
            LanguageModelError: any other failure.
        """
        request = self._request(messages, max_tokens, temperature)
        if schema is not None:
            request["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(schema), "strict": True},
            }
        claim = self._claim(messages, max_tokens)
        usage: Usage | None = None
        try:
            try:
                answer: Any = self._client.chat.completions.create(**request)
            except Exception as error:
                raise translated(error) from error
            text, finish = _first_choice(answer)
            usage = self._usage(getattr(answer, "usage", None), messages, text)
            return Reply(text, usage, str(getattr(answer, "model", None) or self.model), finish)
        finally:
            self.budget.settle(claim, usage)

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> Iterator[str]:
        """Answer piece by piece. Raises as :meth:`complete`, also when the answer breaks off midway."""
        request = self._request(messages, max_tokens, temperature)
        request |= {"stream": True, "stream_options": {"include_usage": True}}
        claim = self._claim(messages, max_tokens)
        pieces: list[str] = []
        counted: Any = None
        opened = finished = False
        try:
            try:
                for chunk in self._client.chat.completions.create(**request):
                    opened = True
                    counted = getattr(chunk, "usage", None) or counted
                    for choice in getattr(chunk, "choices", None) or ():
                        finished = finished or bool(choice.finish_reason)
                        if choice.delta is not None and choice.delta.content:
                            pieces.append(choice.delta.content)
                            yield choice.delta.content
            except Exception as error:
                raise translated(error) from error
            if not finished:
                raise LanguageModelError(
                    "the connection closed early: the answer broke off after "
                    f"{len(''.join(pieces))} characters"
                )
        finally:
            usage = self._usage(counted, messages, "".join(pieces)) if opened else None
            self.budget.settle(claim, usage)

    def _request(
        self, messages: Sequence[Message], max_tokens: int | None, temperature: float | None
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self.model, "messages": [dict(m) for m in messages]}
        if max_tokens is not None:
            request["max_tokens"] = max_tokens
        heat = self.temperature if temperature is None else temperature
        if heat is not None:
            request["temperature"] = heat
        return request

    def _claim(self, messages: Sequence[Message], max_tokens: int | None) -> int:
        claim = _estimate(messages) + (max_tokens or 0) if self.budget.tokens is not None else 0
        self.budget.reserve(claim)
        return claim

    def _usage(self, counted: Any, messages: Sequence[Message], text: str) -> Usage:
        """The server's count, or our estimate of it."""
        sent = getattr(counted, "prompt_tokens", None)
        received = getattr(counted, "completion_tokens", None)
        sent = sent if isinstance(sent, int) else _estimate(messages)
        received = received if isinstance(received, int) else count_tokens(text)
        cost = getattr(counted, "cost", None)
        if not isinstance(cost, (int, float)):
            cost = self.cost(sent, received)
        return Usage(1, sent, received, cost)


def _estimate(messages: Sequence[Message]) -> int:
    return sum(count_tokens(str(message.get("content") or "")) + 4 for message in messages)


def _first_choice(answer: Any) -> tuple[str, str]:
    """Text and finish reason; servers that are only nearly compatible send all sorts of things."""
    choices: Any = getattr(answer, "choices", None)
    message: Any = getattr(choices[0], "message", None) if choices else None
    if message is None:
        raise UnexpectedAnswer(
            "the server answered with something that is no chat completion", str(answer)[:500]
        )
    text = message.content
    if text is None and getattr(message, "refusal", None):
        text = message.refusal
    if not isinstance(text, str):
        raise UnexpectedAnswer("the model answered without text", str(message)[:500])
    return text, str(choices[0].finish_reason or "stop")


def translated(error: Exception) -> Exception:
    """The client's error as one of ours; what is not about the call stays as it is."""
    import openai

    if isinstance(error, LanguageModelError):
        return error
    if isinstance(error, openai.APITimeoutError):
        return LanguageModelTimeout("the language model did not answer in time; raise timeout= or try again")
    if isinstance(error, openai.RateLimitError):
        return LanguageModelRateLimited(f"the language model refused for too many calls: {error.message}")
    if isinstance(error, openai.AuthenticationError):
        return LanguageModelError("the server does not accept the API key; check OPENAI_API_KEY or api_key=")
    if isinstance(error, openai.APIStatusError):
        return LanguageModelError(f"the server answered {error.status_code}: {error.message}")
    if isinstance(error, openai.APIConnectionError):
        return LanguageModelError(f"the connection to the server failed: {error.__cause__ or error}")
    if isinstance(error, ValueError):
        return UnexpectedAnswer(f"the server's answer is not JSON: {error}")
    if isinstance(error, openai.OpenAIError):
        return LanguageModelError(str(error))
    if type(error).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2"):
        # Some versions of the client let what happens in the middle of a stream through.
        return LanguageModelError(f"the connection to the server failed: {error}")
    return error
