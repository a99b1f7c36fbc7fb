"""Artifacts: what a store keeps beside memories."""

from pathlib import Path

from agentmem.memory import Artifact


def test_round_trip_replace_and_filter(opened, path, make):
    backend = opened(path)
    number = make.write(backend, make.memory("a"), make.memory("b"))
    with backend.transaction() as transaction:
        one = Artifact("a", "triples", [["Ada", "lives in", "Porto"]], made_by="graph:1")
        other = Artifact("b", "keywords", {"k": "é"}, made_by="notes:1")
        assert transaction.put_artifacts(number, [one, other, Artifact("z", "k", 1, made_by="x")]) == 2
    assert backend.artifacts(number) == [one, other]
    assert backend.artifacts(number, made_by="graph:1") == [one]
    assert backend.artifacts(number, kind="keywords") == [other]
    assert backend.artifacts(number, sources=["b", "c"]) == [other]
    with backend.transaction() as transaction:
        new = Artifact("a", "triples", [], version=2, made_by="graph:1")
        transaction.put_artifacts(number, [new])
    assert backend.artifacts(number) == [other, new]


def test_they_go_with_their_memory(opened, path, make):
    backend = opened(path)
    number = make.write(backend, make.memory("a"), make.memory("b"))
    with backend.transaction() as transaction:
        transaction.put_artifacts(number, [Artifact("a", "k", "an unmistakable xylophone", made_by="m")])
        transaction.put_artifacts(number, [Artifact("b", "k", 2, made_by="m")])
    before = backend.cursor(number)
    backend.erase(number, ["a"])
    assert [one.source for one in backend.artifacts(number)] == ["b"]
    assert backend.cursor(number) != before
    backend.close()
    assert b"xylophone" not in Path(path).read_bytes()
