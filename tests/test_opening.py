"""``agentmem.open``: options, embedders, reindexing."""

import numpy as np
import pytest

import agentmem
from agentmem.embed.base import Embedder
from agentmem.errors import BackendError, EmbedderError, EmbedderMismatch, InvalidInput, UnknownOption
from agentmem.stores.episodic import EpisodicStore


class Letters(Embedder):
    """Counts letters: deterministic, 26 wide."""

    name = "letters"
    dim = 26
    speed = "local"
    fingerprint = "letters-1"
    calls = 0
    broken = False

    def embed(self, texts, *, query=False):
        if self.broken:
            raise EmbedderError("out of order")
        type(self).calls += len(texts)
        rows = np.zeros((len(texts), 26), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for c in text.lower():
                if "a" <= c <= "z":
                    row[ord(c) - 97] += 1
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(norms == 0, 1, norms)


class Remote(Letters):
    speed = "remote"
    fingerprint = "letters-remote"


def test_wrong_kinds_of_arguments():
    for path, options in ((None, {}), (5, {}), (":memory:", {"clock": 5})):
        with pytest.raises(InvalidInput):
            agentmem.open(path, **options)
    with agentmem.open(":memory:") as memory:
        with pytest.raises(InvalidInput, match="run"):
            memory.undo(None)
        with pytest.raises(InvalidInput, match="threshold"):
            memory.duplicates("x")


def test_unknown_names(tmp_path):
    with pytest.raises(UnknownOption, match="unified"):
        agentmem.open(tmp_path / "a.db", store="nonesuch")
    with pytest.raises(UnknownOption, match="durability"):
        agentmem.open(tmp_path / "a.db", durabilty="full")
    with pytest.raises(UnknownOption):
        agentmem.open(tmp_path / "a.db", embedder="nonesuch")


def test_a_class_is_a_store(tmp_path):
    with agentmem.open(tmp_path / "a.db", store=EpisodicStore) as store:
        assert isinstance(store, EpisodicStore)


def test_missing_files_are_not_made_when_not_asked_for(tmp_path):
    for options in ({"create": False}, {"readonly": True}):
        with pytest.raises(BackendError, match="there is no file"):
            agentmem.open(tmp_path / "none.db", **options)
    assert not (tmp_path / "none.db").exists()


def test_the_file_remembers_its_embedder(tmp_path):
    path = tmp_path / "a.db"
    with agentmem.open(path, embedder="none") as store:
        store.add("a walk by the sea")
    with agentmem.open(path) as store:
        assert store.stats().embedder == "none"
    with pytest.raises(EmbedderMismatch, match="reindex"):
        agentmem.open(path, embedder="static")


def test_an_unregistered_embedder_must_be_passed(tmp_path):
    path = tmp_path / "a.db"
    with agentmem.open(path, embedder=Letters()) as store:
        store.add("a walk by the sea")
    with pytest.raises(EmbedderMismatch, match="letters"):
        agentmem.open(path)
    with agentmem.open(path, embedder=Letters()) as store:
        assert store.search("walk")


def test_reindex_moves_a_file(tmp_path):
    path = tmp_path / "a.db"
    with agentmem.open(path, embedder=Letters()) as store:
        first = store.add("a walk by the sea")
        store.update(first.id, text="a walk by the lake")
        store.add("bread and butter")
    seen = []
    with agentmem.open(path, embedder="static", reindexing=True) as store:
        with pytest.raises(EmbedderMismatch):
            store.search("lake")
        assert store.reindex(progress=lambda done, total: seen.append((done, total))) == 3
        assert store.search("lake", 1)[0].memory.id == first.id
    assert seen[-1] == (3, 3)
    with agentmem.open(path) as store:
        assert store.stats().embedder == "static"
        assert store.check() == []


def test_equal_texts_are_embedded_once(tmp_path):
    with agentmem.open(tmp_path / "a.db", embedder=Letters()) as store:
        store.add("the same words")
        before = Letters.calls
        store.add("the same words")
        assert Letters.calls == before


def test_a_failed_embedder_loses_nothing(tmp_path):
    embedder = Letters()
    with agentmem.open(tmp_path / "a.db", embedder=embedder) as store:
        embedder.broken = True
        store.add("kept all the same")
        assert store.pending() == 1
        with pytest.raises(EmbedderError):
            store.flush()
        embedder.broken = False
        assert store.flush() == 1
        assert store.pending() == 0


def test_a_remote_embedder_is_put_off(tmp_path):
    with agentmem.open(tmp_path / "a.db", embedder=Remote()) as store:
        before = Remote.calls
        store.add("found by words at once")
        assert Remote.calls == before
        assert store.search("words", 1)[0].memory.text == "found by words at once"
        assert store.consolidate().embedded == 1
        assert store.pending() == 0


def test_near_duplicates(tmp_path):
    with agentmem.open(tmp_path / "a.db") as store:
        store.add("the red kite flew over the old harbour wall")
        store.add("something else entirely, about bread")
        store.add("The red kite flew over the old harbour wall!")
        groups = store.duplicates()
        assert [[m.text[:7] for m in group] for group in groups] == [["the red", "The red"]]
