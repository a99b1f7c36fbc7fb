"""The contract of namespaces: walls, and prefixes of labels."""

from __future__ import annotations

from typing import Any

import pytest

from agentmem.clock import ManualClock
from agentmem.errors import AgentmemError, InvalidNamespace, MemoryNotFound
from agentmem.memory import Draft
from agentmem.store import MemoryStore
from agentmem.testing.base import DIARY, StoreCase, episodes, fingerprint, texts


class NamespaceContract(StoreCase):
    """``namespace``, ``list_namespaces``, ``subtree``."""

    def test_a_namespace_is_a_wall(self, memory: MemoryStore) -> None:
        """No verb of one namespace reaches a memory of another."""
        ada, ben = memory.namespace("users", "ada"), memory.namespace("users", "ben")
        secret = ada.add("Ada's secret is a tattoo.", id="secret", metadata={"n": 1})
        ben.add("Ben has nothing to say.", id="nothing")
        for other in (ben, memory, memory.namespace("users")):
            assert "secret" not in [m.id for m in other.list()]
            assert all(hit.memory.id != "secret" for hit in other.search("secret tattoo", k=50))
            with pytest.raises(MemoryNotFound):
                other.get("secret")
            with pytest.raises(MemoryNotFound):
                other.update("secret", text="x")
            with pytest.raises(MemoryNotFound):
                other.history("secret")
            with pytest.raises(MemoryNotFound):
                other.reinforce("secret")
            assert other.get_many(["secret"]) == []
            assert other.delete("secret") == 0
            assert other.erase(ids="secret").ids == ()
            assert other.erase(filter={"n": 1}).ids == ()
            assert other.links("secret") == []
            assert "tattoo" not in other.context("tattoo").text
            assert "tattoo" not in other.context().text
        assert ada.get("secret") == secret
        assert secret.namespace == ("users", "ada")
        assert ada.delete("secret") == 1
        assert ben.restore("secret") == 0

    def test_prefixes_are_of_labels(self, memory: MemoryStore) -> None:
        """``("foo",)`` is a prefix of ``("foo", "x")`` and none of ``("foobar",)``."""
        for labels in (("foo",), ("foo", "x"), ("foobar",), ("foo/x",), ("fo",), ("foo", "x", "y")):
            memory.namespace(*labels).add(f"here in {labels}")
        foo = memory.namespace("foo")
        assert foo.list_namespaces() == [("foo",), ("foo", "x"), ("foo", "x", "y")]
        below = {m.namespace for m in foo.list(subtree=True)}
        assert below == {("foo",), ("foo", "x"), ("foo", "x", "y")}
        assert {hit.memory.namespace for hit in foo.search("here in", k=20, subtree=True)} == below
        assert {m.namespace for m in foo.list()} == {("foo",)}
        assert len(memory.list_namespaces()) == 6
        assert len(list(memory.list(subtree=True))) == 6

    @pytest.mark.parametrize(
        "label", ["a.b", "a/b", "a%b", "a_b", "*", "'", '"', "a b", "é", "漢", "A", "0", "\x7f"]
    )
    def test_any_label(self, memory: MemoryStore, label: str) -> None:
        """Labels are any text without control characters, and none means something else."""
        child = memory.namespace(label)
        child.add("in the odd one")
        memory.namespace(label + "b").add("beside it")
        memory.namespace("b" + label).add("and before it")
        assert child.list_namespaces() == [(label,)]
        assert texts(child.list(subtree=True)) == ["in the odd one"]
        assert texts(child.search("odd one beside before", k=9, subtree=True)) == ["in the odd one"]

    @pytest.mark.parametrize("labels", [("",), ("a", ""), (None,), (7,), ("a\0",), ("a\n",), ("\ud800",), ()])
    def test_labels_that_are_none(self, memory: MemoryStore, labels: Any) -> None:
        """Empty labels, control characters and no labels are refused by name."""
        with pytest.raises(InvalidNamespace):
            memory.namespace(*labels)

    def test_a_handle_opens_only_what_is_below(self, path: str, clock: ManualClock) -> None:
        """A handle is a capability: its children are below it, however they are named."""
        with self.make_store(path, clock, namespace=("users", "ada")) as ada:
            ada.add("mine")
            child = ada.namespace("..", "ben")
            child.add("below")
            assert ada.list_namespaces() == [("users", "ada"), ("users", "ada", "..", "ben")]
            assert texts(ada.list(subtree=True)) == ["mine", "below"]
            assert [m.namespace for m in child.list()] == [("users", "ada", "..", "ben")]
            for verb in (child.check, child.reindex, lambda: child.backup(path + ".copy")):
                with pytest.raises(AgentmemError):
                    verb()

    def test_ids_are_unique_within_a_namespace(self, memory: MemoryStore) -> None:
        """The same id may stand in two namespaces, for two memories."""
        one, two = memory.namespace("one"), memory.namespace("two")
        one.add("in one", id="a")
        two.add("in two", id="a")
        memory.add("at the root", id="a")
        assert (one.get("a").text, two.get("a").text, memory.get("a").text) == (
            "in one",
            "in two",
            "at the root",
        )
        one.delete("a")
        assert sorted(texts(memory.list(subtree=True))) == ["at the root", "in two"]

    def test_statistics_stay_behind_the_wall(self, memory: MemoryStore) -> None:
        """What others wrote changes no score."""
        alone, crowded = memory.namespace("alone"), memory.namespace("crowded")
        alone.add_many(DIARY)
        crowded.add_many(DIARY)
        before = fingerprint(crowded.search("Where did Grace move?"))
        memory.add_many(["Grace Grace Grace moved"] * 50)
        memory.namespace("crowded", "below").add_many(["Grace moved to Lisbon"] * 50)
        memory.namespace("other").add_many(Draft(f"Grace {i}", session="one") for i in range(50))
        assert fingerprint(crowded.search("Where did Grace move?")) == before
        assert fingerprint(alone.search("Where did Grace move?")) == before

    def test_a_subtree_sums_its_statistics(self, memory: MemoryStore) -> None:
        """Searched as a subtree, many namespaces answer as one that holds all of it."""
        one, many = memory.namespace("one"), memory.namespace("many")
        one.add_many(DIARY)
        for draft in DIARY:  # a session a namespace, so that neighbours stay together
            many.namespace(str(draft.session)).add_many([draft])
        for query in ("Where did Grace move?", "Biscuit's basket", "driving test"):
            assert fingerprint(many.search(query, subtree=True)) == fingerprint(one.search(query))
        assert many.search("Grace") == []

    def test_subtrees_take_what_searches_take(self, memory: MemoryStore) -> None:
        """Filters, times and contexts reach below with ``subtree=True`` as they do without."""
        memory.namespace("a").add("the blue ladder", metadata={"n": 1}, at="2024-01-01", id="x")
        memory.namespace("b", "c").add("the blue bucket", metadata={"n": 2}, at="2024-02-01", id="x")
        assert texts(memory.search("blue", filter={"n": 2}, subtree=True)) == ["the blue bucket"]
        assert texts(memory.search("blue", during=("2024-01-01", "2024-01-02"), subtree=True)) == [
            "the blue ladder"
        ]
        assert texts(memory.list(order="-at", subtree=True)) == ["the blue bucket", "the blue ladder"]
        context = memory.context("blue", subtree=True)
        assert "ladder" in context.text and "bucket" in context.text
        assert memory.stats().namespaces == 2 and memory.stats().memories == 2
        assert memory.namespace("b").stats().memories == 1
        memory.recall("blue", subtree=True)

    def test_namespaces_that_are_empty(self, memory: MemoryStore) -> None:
        """A namespace that holds nothing is not listed, and reading it makes none."""
        empty = memory.namespace("empty")
        assert empty.search("x") == [] and list(empty.list()) == [] and empty.stats().memories == 0
        assert empty.list_namespaces() == memory.list_namespaces() == []
        id = empty.add("something").id
        assert memory.list_namespaces() == [("empty",)]
        empty.delete(id)
        assert memory.list_namespaces() == []

    def test_many_namespaces(self, memory: MemoryStore) -> None:
        """Hundreds of small namespaces each know their own."""
        for i in range(200):
            memory.namespace("user", str(i)).add_many([f"I am number {i}.", f"My colour is {i % 7}."])
        assert len(memory.list_namespaces()) == 200
        for i in (0, 99, 199):
            child = memory.namespace("user", str(i))
            assert texts(child.search("What number am I?", k=1)) == [f"I am number {i}."]
            assert len(episodes(child)) == 2
