"""A scripted OpenAI-compatible server on 127.0.0.1, to test what talks to one.

    with ScriptedOpenAI(["Hello!", RateLimited(), "Hello again."]) as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="test")
        ...
    assert server.requests[0]["messages"][-1]["content"] == "Hi"

Each chat request takes the next step of the script; after its end the server answers 500 and says so.
Embedding requests take no step: they get unit vectors made from the words of the text.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import sqrt
from types import TracebackType
from typing import Any, TypeAlias


@dataclass(frozen=True)
class RateLimited:
    """Answer 429; ``after`` is the Retry-After header in seconds."""

    after: float = 0.01


@dataclass(frozen=True)
class ServerError:
    """Answer with a failing status."""

    status: int = 500
    message: str = "scripted failure"


@dataclass(frozen=True)
class Raw:
    """Answer 200 with this body, whatever it is: broken JSON, HTML, another shape."""

    body: str
    content_type: str = "application/json"


@dataclass(frozen=True)
class Slow:
    """Wait before the answer, at most until the server is closed."""

    seconds: float
    text: str = "late"


@dataclass(frozen=True)
class Dropped:
    """Send so many words of the answer, then drop the connection.

    With ``clean`` the stream ends as if it were whole, but without its end marks.
    """

    text: str
    words: int = 2
    clean: bool = False


@dataclass(frozen=True)
class ToolCalls:
    """Answer with calls of tools, each a name and its arguments as JSON."""

    calls: tuple[tuple[str, str], ...]


Step: TypeAlias = "str | RateLimited | ServerError | Raw | Slow | Dropped | ToolCalls"
Answering: TypeAlias = Callable[[dict[str, Any]], Step]


class ScriptedOpenAI:
    """The server. Use it as a context manager.

    Args:
        script: the steps, in order; a string is an answer. Or a function from the request's body
            to a step, which then answers every request.
        dim: width of the vectors that embedding requests get.
        usage: whether answers carry a count of tokens, as words.

    Attributes:
        requests: bodies of the chat requests, in order of arrival, failed attempts included.
        embedding_requests: bodies of the embedding requests.
        headers: headers of the chat requests, names in lower case.
        base_url: what to give to a client.
    """

    def __init__(self, script: Iterable[Step] | Answering = (), *, dim: int = 8, usage: bool = True) -> None:
        self._answering = script if callable(script) else None
        self._steps: list[Step] = [] if callable(script) else list(script)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.dim = dim
        self.usage = usage
        self.requests: list[dict[str, Any]] = []
        self.embedding_requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ScriptedOpenAI:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def extend(self, steps: Iterable[Step]) -> None:
        """Add steps to the script."""
        with self._lock:
            self._steps.extend(steps)

    @property
    def left(self) -> int:
        """How many steps were not taken yet."""
        return len(self._steps)

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the closing of the server."""
        self._closing.wait(seconds)

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> Step:
        """Record a chat request and say what to answer."""
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            if self._answering is None:
                if not self._steps:
                    return ServerError(500, "the script has no step left for this request")
                return self._steps.pop(0)
        return self._answering(body)


def word_vector(text: str, dim: int) -> list[float]:
    """A unit vector to which each word adds a direction of its own: equal words, close vectors."""
    total = [0.0] * dim
    for word in text.lower().split() or [""]:
        digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
        for place in range(dim):
            total[place] += digest[place % 32] / 127.5 - 1.0
    norm = sqrt(sum(value * value for value in total)) or 1.0
    return [value / norm for value in total]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    script: ScriptedOpenAI

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of the tests, and no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """List the one model."""
        if self.path.rstrip("/").endswith("/models"):
            self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})
        else:
            self._error(404, f"no such path: {self.path}")

    def do_POST(self) -> None:
        """Answer a chat or embedding request."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            self._error(400, "the body is not JSON")
            return
        script = self.server.script
        if self.path.endswith("/chat/completions"):
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._chat(body, script.take(body, headers))
        elif self.path.endswith("/embeddings"):
            script.embedding_requests.append(body)
            self._embeddings(body)
        else:
            self._error(404, f"no such path: {self.path}")

    def _chat(self, body: dict[str, Any], step: Step) -> None:
        if isinstance(step, RateLimited):
            self._error(429, "scripted rate limit", {"Retry-After": f"{step.after:g}"})
        elif isinstance(step, ServerError):
            self._error(step.status, step.message)
        elif isinstance(step, Raw):
            self._send(200, step.body.encode(), step.content_type)
        elif isinstance(step, Slow):
            self.server.script.wait(step.seconds)
            self._chat(body, step.text)
        elif body.get("stream"):
            self._stream(body, step)
        elif isinstance(step, Dropped):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b'{"choices": [')
            self.close_connection = True
        else:
            self._json(200, self._completion(body, step))

    def _completion(self, body: dict[str, Any], step: str | ToolCalls) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": step if isinstance(step, str) else None}
        if isinstance(step, ToolCalls):
            message["tool_calls"] = _calls(step)
        answer: dict[str, Any] = {
            "id": "chatcmpl-scripted",
            "object": "chat.completion",
            "created": 0,
            "model": body.get("model", "scripted"),
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "finish_reason": "stop" if isinstance(step, str) else "tool_calls",
                }
            ],
        }
        if self.server.script.usage:
            answer["usage"] = _usage(body, step if isinstance(step, str) else "")
        return answer

    def _stream(self, body: dict[str, Any], step: str | Dropped | ToolCalls) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if isinstance(step, ToolCalls):
            calls = [{"index": place, **call} for place, call in enumerate(_calls(step))]
            self._event(self._chunk(body, {"role": "assistant", "tool_calls": calls}))
            self._event(self._chunk(body, {}, "tool_calls"))
        else:
            text = step if isinstance(step, str) else step.text
            words = [word if place == 0 else f" {word}" for place, word in enumerate(text.split(" "))]
            if isinstance(step, Dropped):
                words = words[: step.words]
            for word in words:
                self._event(self._chunk(body, {"content": word}))
            if isinstance(step, Dropped):
                if step.clean:
                    self.wfile.write(b"0\r\n\r\n")
                self.close_connection = True
                return
            self._event(self._chunk(body, {}, "stop"))
        if self.server.script.usage and (body.get("stream_options") or {}).get("include_usage"):
            text = step if isinstance(step, str) else ""
            self._event({**self._chunk(body, {}), "choices": [], "usage": _usage(body, text)})
        self._write_chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(
        self, body: dict[str, Any], delta: dict[str, Any], finish: str | None = None
    ) -> dict[str, Any]:
        return {
            "id": "chatcmpl-scripted",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": body.get("model", "scripted"),
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    def _event(self, data: dict[str, Any]) -> None:
        self._write_chunk(b"data: " + json.dumps(data).encode() + b"\n\n")

    def _write_chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _embeddings(self, body: dict[str, Any]) -> None:
        given = body.get("input", [])
        texts = [given] if isinstance(given, str) else list(given)
        vectors = [word_vector(str(text), self.server.script.dim) for text in texts]
        data: list[dict[str, Any]] = []
        for place, vector in enumerate(vectors):
            value: Any = vector
            if body.get("encoding_format") == "base64":
                value = _base64(vector)
            data.append({"object": "embedding", "index": place, "embedding": value})
        total = sum(len(str(text).split()) for text in texts)
        usage = {"prompt_tokens": total, "total_tokens": total}
        self._json(
            200, {"object": "list", "data": data, "model": body.get("model", "scripted"), "usage": usage}
        )

    def _error(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        self._json(status, {"error": {"message": message, "type": "scripted", "code": None}}, headers)

    def _json(self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(answer).encode(), "application/json", headers)

    def _send(
        self, status: int, payload: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)


def _calls(step: ToolCalls) -> list[dict[str, Any]]:
    return [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(step.calls)
    ]


def _usage(body: dict[str, Any], text: str) -> dict[str, int]:
    sent = sum(len(str(message.get("content") or "").split()) for message in body.get("messages", []))
    received = len(text.split())
    return {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}


def _base64(vector: list[float]) -> str:
    import base64
    import struct

    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
