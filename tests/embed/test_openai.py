"""OpenAIEmbedder with the real client against a scripted server on this machine."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from agentmem.embed.openai import OpenAIEmbedder
from agentmem.errors import EmbedderError, InvalidInput

Reply = tuple[int, dict[str, str], str]
Script = Callable[[dict[str, Any]], Reply]
AGAIN = {"retry-after-ms": "1"}


def vector(text: str, width: int) -> list[float]:
    return [float(len(text)), float(text.count("e")), *[1.0] * (width - 2)]


def good(request: dict[str, Any], width: int = 8) -> Reply:
    width = request.get("dimensions", width)
    data = [
        {"object": "embedding", "index": n, "embedding": vector(text, width)}
        for n, text in enumerate(request["input"])
    ]
    body = {
        "object": "list",
        "model": "m",
        "data": data[::-1],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    return 200, {}, json.dumps(body)


def failing(status: int) -> Script:
    return lambda request: (status, AGAIN, json.dumps({"error": {"message": f"scripted {status}"}}))


class Server:
    """Answers the n-th request by the n-th line of the script, the last one for ever."""

    def __init__(self) -> None:
        self.script: list[Script] = [good]
        self.requests: list[dict[str, Any]] = []
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                request["authorization"] = self.headers["authorization"]
                outer.requests.append(request)
                line = outer.script[min(len(outer.requests), len(outer.script)) - 1]
                status, headers, body = line(request)
                try:
                    self.send_response(status)
                    for key, value in {"content-type": "application/json", **headers}.items():
                        self.send_header(key, value)
                    self.send_header("content-length", str(len(body.encode())))
                    self.end_headers()
                    self.wfile.write(body.encode())
                except OSError:  # the client has given up
                    pass

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.release.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    made = Server()
    yield made
    made.close()


@pytest.fixture
def make(server: Server) -> Iterator[Callable[..., OpenAIEmbedder]]:
    opened: list[OpenAIEmbedder] = []

    def build(**options: Any) -> OpenAIEmbedder:
        embedder = OpenAIEmbedder("m", **{"base_url": server.url, "dim": 8, "max_retries": 2, **options})
        opened.append(embedder)
        return embedder

    yield build
    for embedder in opened:
        embedder.close()


Make = Callable[..., OpenAIEmbedder]


def test_good_answers(server: Server, make: Make) -> None:
    found = make().embed(["one", "", "three e", "  "])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 0, 1, 0], atol=1e-6)
    wanted = np.array([vector("one", 8), vector("three e", 8)])
    np.testing.assert_allclose(found[[0, 2]], wanted / np.linalg.norm(wanted, axis=1)[:, None], atol=1e-6)
    (request,) = server.requests
    assert request["input"] == ["one", "three e"]
    assert request["model"] == "m"
    assert request["encoding_format"] == "float"
    assert "dimensions" not in request


def test_nothing_to_ask(server: Server, make: Make) -> None:
    assert make().embed([]).shape == (0, 8)
    assert not make().embed([""]).any()
    assert server.requests == []


def test_batches(server: Server, make: Make) -> None:
    texts = [f"text {'e' * n}" for n in range(10)]
    found = make(batch_size=4).embed(texts)
    assert [len(request["input"]) for request in server.requests] == [4, 4, 2]
    np.testing.assert_allclose(found, make().embed(texts))


def test_a_batch_is_bounded_in_characters_too(server: Server, make: Make) -> None:
    make().embed(["x" * 300_000, "y" * 300_000, "z"])
    assert [len(request["input"]) for request in server.requests] == [1, 2]


def test_asked_dimensions_prefixes_and_key(server: Server, make: Make) -> None:
    embedder = make(dimensions=4, query_prefix="query: ", text_prefix="passage: ", api_key="secret")
    assert embedder.embed(["a"]).shape == (1, 4)
    embedder.embed(["b"], query=True)
    assert [request["input"] for request in server.requests] == [["passage: a"], ["query: b"]]
    assert [request["dimensions"] for request in server.requests] == [4, 4]
    assert server.requests[0]["authorization"] == "Bearer secret"


@pytest.mark.parametrize("status", [429, 408, 500, 503])
def test_tried_again(server: Server, make: Make, status: int) -> None:
    server.script = [failing(status), failing(status), good]
    assert make().embed(["hello"]).any()
    assert len(server.requests) == 3


def test_given_up(server: Server, make: Make) -> None:
    server.script = [failing(429)]
    with pytest.raises(EmbedderError, match=r"openai:m failed on 1 texts: RateLimitError.*scripted 429"):
        make().embed(["hello"])
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404])
def test_not_tried_again(server: Server, make: Make, status: int) -> None:
    server.script = [failing(status)]
    with pytest.raises(EmbedderError, match=f"scripted {status}"):
        make().embed(["hello"])
    assert len(server.requests) == 1


def test_a_server_that_does_not_answer(server: Server, make: Make) -> None:
    def silent(request: dict[str, Any]) -> Reply:
        server.release.wait(30)
        return good(request)

    server.script = [silent]
    with pytest.raises(EmbedderError, match="APITimeoutError"):
        make(timeout=0.05, max_retries=0).embed(["hello"])


def test_a_server_that_is_not_there(make: Make) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EmbedderError, match="APIConnectionError"):
            make(base_url=url, max_retries=0).embed(["hello"])


BAD = {
    "wrong width": (lambda r: good(r, 5), "width 5, expected 8"),
    "not JSON": (lambda r: (200, {}, "{broken"), "failed on 1 texts"),
    "a web page": (lambda r: (200, {"content-type": "text/html"}, "<html>"), "base_url"),
    "no data": (lambda r: (200, {}, "{}"), "did not answer with embeddings|failed on"),
    "data is null": (lambda r: (200, {}, '{"data": null}'), "did not answer with embeddings|failed on"),
    "empty": (lambda r: (200, {}, '{"data": []}'), "answered 1 texts|failed on"),
    "rows of words": (
        lambda r: (200, {}, '{"data": [{"index": 0, "embedding": ["a", "b"]}]}'),
        "something else than rows",
    ),
    "no index": (lambda r: (200, {}, '{"data": [{"index": null, "embedding": null}]}'), "openai:m"),
    "not finite": (
        lambda r: (200, {}, json.dumps({"data": [{"index": 0, "embedding": [float("inf")] * 8}]})),
        "not finite|failed on",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_answers(server: Server, make: Make, name: str) -> None:
    reply, message = BAD[name]
    server.script = [reply]
    with pytest.raises(EmbedderError, match=message):
        make(max_retries=0).embed(["hello"])


def test_widths() -> None:
    assert OpenAIEmbedder().dim == 1536
    assert OpenAIEmbedder("text-embedding-3-large").dim == 3072
    assert OpenAIEmbedder("text-embedding-3-large", dimensions=256).dim == 256
    with pytest.raises(InvalidInput, match="pass dim="):
        OpenAIEmbedder("nomic-embed-text")
    with pytest.raises(InvalidInput):
        OpenAIEmbedder(batch_size=0)


def test_fingerprints() -> None:
    base = OpenAIEmbedder().fingerprint
    assert OpenAIEmbedder(base_url="http://elsewhere/v1", api_key="x", batch_size=3).fingerprint == base
    changed: list[dict[str, Any]] = [
        {"dimensions": 256},
        {"model": "text-embedding-3-large"},
        {"text_prefix": "passage: "},
    ]
    assert len({base, *(OpenAIEmbedder(**options).fingerprint for options in changed)}) == 4


def test_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EmbedderError, match="OPENAI_API_KEY"):
        OpenAIEmbedder().embed(["hello"])


def test_a_given_client(server: Server) -> None:
    from openai import OpenAI

    with OpenAI(base_url=server.url, api_key="k") as client:
        assert OpenAIEmbedder("m", dim=8, client=client).embed(["hello"]).any()
