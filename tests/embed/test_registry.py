"""From a name or an object to an embedder."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from agentmem.embed import registry
from agentmem.embed.langchain import LangChainEmbedder
from agentmem.embed.minilm import MiniLMEmbedder
from agentmem.embed.registry import names, resolve
from agentmem.embed.static import StaticEmbedder
from agentmem.errors import EmbedderError, UnknownOption


class Nothing:
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[1.0, float(len(text))] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return [1.0, float(len(text))]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("mine", "agentmem.embed.static:StaticEmbedder", registry.GROUP),
        EntryPoint("absent", "agentmem.nowhere:Embedder", registry.GROUP),
        EntryPoint("other", "builtins:dict", registry.GROUP),
        EntryPoint("static", "builtins:list", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == registry.GROUP else [])


def test_the_default_is_static() -> None:
    assert isinstance(resolve(), StaticEmbedder)
    assert isinstance(resolve(None), StaticEmbedder)


def test_names_of_the_packaged() -> None:
    assert isinstance(resolve("static"), StaticEmbedder)
    assert isinstance(resolve("minilm"), MiniLMEmbedder)
    assert resolve("none") is None
    assert {"minilm", "none", "static"} <= set(names())


def test_an_embedder_is_itself() -> None:
    embedder = StaticEmbedder()
    assert resolve(embedder) is embedder


def test_a_langchain_like_object_is_wrapped() -> None:
    assert isinstance(resolve(Nothing()), LangChainEmbedder)


@pytest.mark.parametrize("spec", ["nonsense", "", 7, object(), Nothing, StaticEmbedder, ["static"]])
def test_anything_else_is_unknown(spec: object) -> None:
    with pytest.raises(UnknownOption, match="minilm, none, static"):
        resolve(spec)


@pytest.mark.usefixtures("registered")
def test_entry_points() -> None:
    assert isinstance(resolve("mine"), StaticEmbedder)
    assert {"mine", "absent", "other"} <= set(names())


@pytest.mark.usefixtures("registered")
def test_the_packaged_names_cannot_be_taken() -> None:
    assert isinstance(resolve("static"), StaticEmbedder)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("name", ["absent", "other"])
def test_entry_points_that_fail(name: str) -> None:
    with pytest.raises(EmbedderError, match=f"'{name}'"):
        resolve(name)


def test_the_package_offers_its_names_lazily() -> None:
    code = (
        "import sys, agentmem.embed as e\n"
        "assert 'agentmem.embed.static' not in sys.modules\n"
        "assert all(getattr(e, name) is not None for name in e.__all__)\n"
        "assert set(e.__all__) <= set(dir(e))\n"
        "try:\n    e.nonsense\n"
        "except AttributeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "module 'agentmem.embed' has no attribute 'nonsense'"
