from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agentmem.errors import (
    LanguageModelError,
    LanguageModelRateLimited,
    LanguageModelTimeout,
    UnexpectedAnswer,
)
from agentmem.language.base import Budget, BudgetSpent, Reply, Usage
from agentmem.language.openai import OpenAIChat
from agentmem.testing_openai import (
    Dropped,
    RateLimited,
    Raw,
    ScriptedOpenAI,
    ServerError,
    Slow,
    Step,
    ToolCalls,
)

HELLO = [{"role": "user", "content": "Hi there"}]


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


class Talk:
    """A server and a model on it."""

    def __init__(self, *script: Step, usage: bool = True, **options: Any) -> None:
        self.server = ScriptedOpenAI(script, usage=usage)
        self.model = OpenAIChat("tiny", base_url=self.server.base_url, **{"timeout": 5.0, **options})

    def __enter__(self) -> Talk:
        self.server.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.model.close()
        self.server.__exit__(None, None, None)


def test_an_answer_with_its_usage() -> None:
    with Talk("Hello Ada", price=(1.0, 2.0), api_key="k", temperature=0.0) as talk:
        reply = talk.model.complete(HELLO, max_tokens=50)
    assert reply == Reply("Hello Ada", Usage(1, 2, 2, 6e-6), "tiny", "stop")
    assert talk.model.usage == reply.usage
    (request,) = talk.server.requests
    assert request == {"model": "tiny", "messages": HELLO, "max_tokens": 50, "temperature": 0.0}
    assert talk.server.headers[0]["authorization"] == "Bearer k"


def test_a_server_that_counts_no_tokens() -> None:
    with Talk("Hello Ada", "Hello you", usage=False) as talk:
        usage = talk.model.complete(HELLO).usage
        assert "".join(talk.model.stream(HELLO)) == "Hello you"
    assert usage.prompt_tokens >= 2
    assert usage.completion_tokens >= 2
    assert usage.cost is None
    assert talk.model.usage.calls == 2


def test_a_stream() -> None:
    with Talk("one two three") as talk:
        assert list(talk.model.stream(HELLO)) == ["one", " two", " three"]
    assert talk.model.usage == Usage(1, 2, 3)


def test_a_stream_left_early_is_counted() -> None:
    with Talk("one two three") as talk:
        stream = talk.model.stream(HELLO)
        assert next(stream) == "one"
        stream.close()  # type: ignore[attr-defined]
    assert talk.model.usage.calls == 1


def test_json_with_a_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    with Talk('```json\n{"a": 1}\n```', "{") as talk:
        assert talk.model.complete(HELLO, schema=schema).json() == {"a": 1}
        assert talk.server.requests[0]["response_format"]["json_schema"]["schema"] == schema
        with pytest.raises(UnexpectedAnswer, match="not JSON") as caught:
            talk.model.complete(HELLO).json()
    assert caught.value.answer == "{"


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_then_an_answer(stream: bool) -> None:
    with Talk(RateLimited(), RateLimited(), "ok") as talk:
        answer = "".join(talk.model.stream(HELLO)) if stream else talk.model.complete(HELLO).text
    assert answer == "ok"
    assert len(talk.server.requests) == 3
    assert talk.model.usage.calls == 1


def test_a_rate_limit_without_end() -> None:
    with Talk(*[RateLimited()] * 3, retries=2) as talk:
        with pytest.raises(LanguageModelRateLimited, match="too many calls"):
            talk.model.complete(HELLO)
    assert len(talk.server.requests) == 3
    assert talk.model.usage.calls == 0


def test_a_server_that_fails_once_and_one_that_fails_always() -> None:
    with Talk(ServerError(503), "ok", retries=1) as talk:
        assert talk.model.complete(HELLO).text == "ok"
        talk.server.extend([ServerError(500, "out of order")] * 2)
        with pytest.raises(LanguageModelError, match=r"500.*out of order"):
            talk.model.complete(HELLO)


def test_a_wrong_request_is_not_repeated() -> None:
    with Talk(ServerError(400, "no such model"), "never") as talk:
        with pytest.raises(LanguageModelError, match=r"400.*no such model"):
            talk.model.complete(HELLO)
    assert len(talk.server.requests) == 1
    with Talk(ServerError(401, "bad key sk-123")) as talk, pytest.raises(LanguageModelError) as caught:
        talk.model.complete(HELLO)
    assert "sk-123" not in str(caught.value)


@pytest.mark.parametrize("stream", [False, True])
def test_no_answer_in_time(stream: bool) -> None:
    with Talk(Slow(20.0), timeout=0.2, retries=0) as talk:
        started = time.monotonic()
        with pytest.raises(LanguageModelTimeout):
            _ = list(talk.model.stream(HELLO)) if stream else talk.model.complete(HELLO)
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "body",
    [
        '{"choices": [',
        "<html>login</html>",
        "[]",
        "{}",
        '{"choices": []}',
        '{"choices": [{"index": 0, "message": {"role": "assistant"}, "finish_reason": "stop"}]}',
        '"text"',
        "null",
    ],
)
def test_an_answer_that_is_none(body: str) -> None:
    with Talk(Raw(body), retries=0) as talk, pytest.raises(UnexpectedAnswer):
        talk.model.complete(HELLO)
    assert talk.model.usage.calls == 0


def test_html_in_place_of_json() -> None:
    with Talk(Raw("<html>login</html>", "text/html"), retries=0) as talk, pytest.raises(UnexpectedAnswer):
        talk.model.complete(HELLO)


def test_broken_json_in_a_stream() -> None:
    with Talk(Raw('data: {"choices": [\n\n', "text/event-stream"), retries=0) as talk:
        with pytest.raises(UnexpectedAnswer, match="not JSON"):
            list(talk.model.stream(HELLO))


@pytest.mark.parametrize("clean", [False, True])
def test_a_stream_that_is_dropped(clean: bool) -> None:
    heard: list[str] = []
    with Talk(Dropped("one two three four", words=2, clean=clean), retries=0) as talk:
        with pytest.raises(LanguageModelError):
            heard.extend(talk.model.stream(HELLO))
        iterator: Iterator[str] = iter(heard)
        assert "".join(iterator) in ("", "one two")
    assert talk.model.usage.calls == 1


def test_a_dropped_connection() -> None:
    with Talk(Dropped("one"), retries=0) as talk, pytest.raises(LanguageModelError):
        talk.model.complete(HELLO)


def test_nobody_there() -> None:
    with ScriptedOpenAI() as server:
        url = server.base_url
    model = OpenAIChat("tiny", base_url=url, retries=0, timeout=2)
    with pytest.raises(LanguageModelError, match="connection"):
        model.complete(HELLO)
    model.close()


def test_the_budget_of_calls() -> None:
    with Talk("a", "b", "c", budget=Budget(calls=2)) as talk:
        talk.model.complete(HELLO)
        list(talk.model.stream(HELLO))
        with pytest.raises(BudgetSpent, match="2 calls"):
            talk.model.complete(HELLO)
        with pytest.raises(BudgetSpent):
            next(talk.model.stream(HELLO))
    assert len(talk.server.requests) == 2


def test_a_failed_call_costs_no_budget() -> None:
    with Talk(ServerError(400), "a", budget=Budget(calls=1)) as talk:
        with pytest.raises(LanguageModelError, match="400"):
            talk.model.complete(HELLO)
        assert talk.model.complete(HELLO).text == "a"


def test_the_budget_of_tokens_is_checked_before_the_call() -> None:
    with Talk("a", budget=Budget(tokens=100)) as talk:
        with pytest.raises(BudgetSpent, match="100"):
            talk.model.complete([{"role": "user", "content": "word " * 200}])
        assert talk.server.requests == []
        assert talk.model.complete(HELLO).text == "a"


def test_the_budget_of_cost() -> None:
    with Talk("a b c", "d", budget=Budget(cost=0.001), price=(0.0, 1000.0)) as talk:
        talk.model.complete(HELLO)
        with pytest.raises(BudgetSpent, match=r"\$0.001"):
            talk.model.complete(HELLO)


def test_key_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LanguageModelError, match="OPENAI_API_KEY"):
        OpenAIChat("tiny")
    with ScriptedOpenAI(["hi"]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "from-env")
        model = OpenAIChat("tiny")
        assert model.complete(HELLO).text == "hi"
        model.close()
    assert server.headers[0]["authorization"] == "Bearer from-env"


def test_the_server_can_be_used_by_others() -> None:
    import openai

    with ScriptedOpenAI([ToolCalls((("weather", "{}"),)), ToolCalls((("weather", "{}"),))], dim=4) as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="x", max_retries=0)
        message = client.chat.completions.create(model="m", messages=[]).choices[0].message
        assert message.tool_calls is not None
        assert len(list(client.chat.completions.create(model="m", messages=[], stream=True))) == 2
        vectors = [d.embedding for d in client.embeddings.create(model="m", input=["a b", "b a", "c"]).data]
        assert vectors[0] == pytest.approx(vectors[1])
        assert len(vectors[0]) == 4
        assert [m.id for m in client.models.list()] == ["scripted"]
        with pytest.raises(openai.InternalServerError, match="no step left"):
            client.chat.completions.create(model="m", messages=[])
        client.close()
    with ScriptedOpenAI(lambda body: body["messages"][-1]["content"].upper()) as server:
        model = OpenAIChat("tiny", base_url=server.base_url)
        assert model.complete(HELLO).text == "HI THERE"
        model.close()


def test_openai_is_imported_late() -> None:
    code = "import sys, agentmem.language.openai, agentmem.testing_openai; assert 'openai' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
