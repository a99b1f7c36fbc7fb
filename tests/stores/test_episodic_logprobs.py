"""Surprise by log-probabilities: what is asked, when, and what happens when it fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

import agentmem
from agentmem import Draft, ManualClock
from agentmem.errors import LanguageModelError, UnexpectedAnswer
from agentmem.language.base import Budget
from agentmem.stores.episodic import EchoedLogProbs, EpisodicStore
from agentmem.stores.episodic.logprobs import turn_surprises

WORDS = (
    "garden tomatoes compost snails fence boat harbour mast regatta sail violin concerto scales recital bow"
).split()


def chat(blocks: int = 9, session: str = "s", day: int = 1) -> list[Draft]:
    """A conversation that moves on to five other words every six turns."""
    return [
        Draft(
            f"Let us say {' '.join(WORDS[(n // 6) % 3 * 5 :][:5])} and then some more about it {n}.",
            f"2024-03-{day:02d}T{10 + n // 60:02d}:{n % 60:02d}:00Z",
            "Ada" if n % 2 else "Ben",
            session,
        )
        for n in range(6 * blocks)
    ]


def open_store(**options: Any) -> EpisodicStore:
    store = agentmem.open(":memory:", store="episodic", clock=ManualClock("2024-05-01"), **options)
    assert isinstance(store, EpisodicStore)
    return store


class Echo(BaseHTTPRequestHandler):
    """A completion endpoint: a token a word; a word never seen in the prompt costs 5 nats, a known one 1."""

    script: ClassVar[list[str]] = []
    prompts: ClassVar[list[str]] = []

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.prompts.append(body["prompt"])
        step = self.script.pop(0) if self.script else ""
        offsets, values, place, seen = [], [], 0, set()
        for word in body["prompt"].split(" "):
            offsets.append(place)
            values.append(-1.0 if word in seen else -5.0)
            seen.add(word)
            place += len(word) + 1
        values[0] = None  # type: ignore[call-overload]
        held = {"tokens": [], "token_logprobs": values, "text_offset": offsets, "top_logprobs": None}
        choice = {"index": 0, "text": body["prompt"], "finish_reason": "length", "logprobs": held}
        if step == "none":
            choice["logprobs"] = None
        answer = {"id": "x", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]}
        payload = json.dumps({"error": {"message": "slow down"}} if step == "429" else answer).encode()
        self.send_response(429 if step == "429" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


@pytest.fixture
def echo() -> Iterator[str]:
    Echo.script, Echo.prompts = [], []
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def test_surprise_of_turns_by_hand(echo: str) -> None:
    """Mean nats of a turn's own tokens but the first two; neither label nor earlier turns count."""

    class Fixed:
        def logprobs(self, text: str) -> list[tuple[int, float]]:
            assert text == "A: one two\nB: six four nine two"
            return [(3, -9.0), (7, -9.0), (11, -9.0), (14, -7.0), (18, -7.0), (23, -3.0), (28, -1.0)]

    assert turn_surprises(Fixed(), [("A: ", "one two")], [("B: ", "six four nine two")]) == [2.0]
    model = EchoedLogProbs("m", base_url=echo, price=(1.0, 1.0))
    assert turn_surprises(model, [], [("", "a b c d"), ("", "")]) == [5.0, None]
    assert model.usage.calls == 1 and (model.usage.cost or 0) > 0


def test_a_model_measures_in_consolidation_only(echo: str) -> None:
    model = EchoedLogProbs("m", base_url=echo, price=(1.0, 1.0))
    with open_store(llm=model) as store:
        store.add_many(chat(25))
        store.search("boat")
        assert not Echo.prompts and {event.by for event in spans(store)} <= {"start", "size", "novelty"}
        report = store.consolidate()
        assert report.calls == len(Echo.prompts) > 1 and report.cost > 0
        assert "logprobs" in {event.by for event in spans(store)}
        assert store.consolidate().calls == 0
        store.add("A word that was never said: xylophone.", session="s", at="2024-03-01T20:00:00Z")
        assert store.consolidate().calls == 1


def test_a_failed_call_is_marked_and_retried(echo: str) -> None:
    Echo.script = ["429", "none"]
    model = EchoedLogProbs("m", base_url=echo, retries=0)
    with open_store(llm=model) as store:
        items = chat(25)
        store.add_many(items)
        first = store.consolidate()
        assert not records(store)  # not before the model has judged the whole session
        held = store._runtime.backend.artifacts(store._runtime.number(()) or 0, kind="surprise")
        failed = [one for one in held if "failed" in one.data]
        assert failed and {"slow down" in one.data["failed"] for one in failed} == {True, False}
        assert len(held) == len(items) and len(store.timeline()) > 3
        again = store.consolidate()
        assert 0 < again.calls < first.calls
        held = store._runtime.backend.artifacts(store._runtime.number(()) or 0, kind="surprise")
        assert all("nats" in one.data for one in held) and records(store)


def test_a_dead_server_and_a_spent_budget_end_it_cleanly(echo: str) -> None:
    Echo.script = ["429"] * 50
    with open_store(llm=EchoedLogProbs("m", base_url=echo, retries=0)) as store:
        store.add_many([*chat(20, "a"), *chat(20, "b", 2)])
        assert store.consolidate().calls == 3
    Echo.script = []
    model = EchoedLogProbs("m", base_url=echo, budget=Budget(calls=2))
    with open_store(llm=model) as store:
        store.add_many([*chat(20, "a"), *chat(20, "b", 2)])
        assert store.consolidate().calls == 2
        assert store.timeline()


def test_an_endpoint_that_does_not_echo(echo: str) -> None:
    Echo.script = ["none", "429"]
    model = EchoedLogProbs("m", base_url=echo, retries=0, budget=Budget(tokens=10_000))
    with pytest.raises(UnexpectedAnswer, match="echo"):
        model.logprobs("a b c")
    with pytest.raises(LanguageModelError):
        model.logprobs("a b c")


def records(store: EpisodicStore) -> list[Any]:
    return store._runtime.backend.artifacts(store._runtime.number(()) or 0, kind="event")


def spans(store: EpisodicStore) -> list[Any]:
    space, events = store._timeline(store._runtime.number(()) or 0)
    with space.lock:
        return list(events.spans.values())
