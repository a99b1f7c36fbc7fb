"""``agentmem graph``: GraphML, a page of its own, a picture."""

from __future__ import annotations

import json
import re
from pathlib import Path

import networkx
import pytest
from click.testing import CliRunner

import agentmem
from agentmem.cli.graph import graph_command
from agentmem.stores.hipporag import HippoRAGStore


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = str(tmp_path / "ada.db")
    monkeypatch.setitem(
        __import__("agentmem.opening").opening.STORES, "hipporag", "agentmem.stores.hipporag:HippoRAGStore"
    )
    with agentmem.open(path, store=HippoRAGStore) as store:
        store.add("Ada met </script><b>Babbage</b> in London.\x0b", id="a")
        store.add("Byron wrote Don Juan & Cain in Venice. 東京タワー は 大阪城 より高い。", id="b")
    return path


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(graph_command, list(arguments), standalone_mode=False)
    if result.exception is not None:
        error = result.exception
        return getattr(error, "code", getattr(error, "exit_code", 99)), str(error)
    return int(result.return_value), result.output


def test_graphml_comes_back(file: str, tmp_path: Path) -> None:
    out = tmp_path / "g.graphml"
    assert run(file, str(out))[0] == 0
    graph = networkx.read_graphml(out)
    assert {"phrase:ada", "phrase:babbage", "phrase:東京タワー", "passage:a"} <= set(graph)
    kinds = {data["kind"] for _, _, data in graph.edges(data=True)}
    assert kinds == {"fact", "holds"}


def test_the_page_loads_nothing_and_holds_the_graph(file: str, tmp_path: Path) -> None:
    out = tmp_path / "g.html"
    assert run(file, str(out))[0] == 0
    text = out.read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)\s*=|https?://|@import|fetch\(", text)
    assert text.count("</script>") == 2 and "<b>" not in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert {"Ada", "Babbage"} <= {node["l"] for node in data["nodes"]}
    assert any("</script>" in node["t"] for node in data["nodes"])


def test_a_picture(file: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "g.png"
    assert run(file, str(out))[0] == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_part_of_it(file: str, tmp_path: Path) -> None:
    out = tmp_path / "g.graphml"
    assert run(file, str(out), "--around", "byron", "--hops", "1")[0] == 0
    assert "phrase:ada" not in networkx.read_graphml(out)
    assert run(file, str(out), "--nodes", "3")[0] == 0
    assert len(networkx.read_graphml(out)) == 3
    assert run(file, str(out), "--around", "nobody")[0] == 1


def test_what_cannot_be(file: str, tmp_path: Path) -> None:
    assert run(file, str(tmp_path / "g.pdf"))[0] == 2
    assert run(file, str(tmp_path / "g.png"), "--store", "episodic")[0] == 3
    empty = str(tmp_path / "empty.db")
    agentmem.open(empty).close()
    assert run(empty, str(tmp_path / "g.html"))[0] == 1
