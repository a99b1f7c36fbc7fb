from __future__ import annotations

import inspect
import pickle
import re

import pytest

from agentmem import errors

CLASSES = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__
]


def test_one_base_for_all() -> None:
    assert all(issubclass(kind, errors.AgentmemError) for kind in CLASSES)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """Each class stands in the tree, under its base, with the builtin it also is."""
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^(?P<lead>[\s│├└─]*)(?P<name>[A-Z]\w+)\b", line)
        if match is None or not hasattr(errors, match["name"]):
            continue
        depth = len(match["lead"])
        while path and path[-1][0] >= depth:
            path.pop()
        drawn[match["name"]] = path[-1][1] if path else ""
        path.append((depth, match["name"]))
        for also in re.findall(r"also (\w+)", line):
            assert any(base.__name__ == also for base in getattr(errors, match["name"]).__mro__)
    assert set(drawn) == {kind.__name__ for kind in CLASSES}
    for name, base in drawn.items():
        if base:
            assert getattr(errors, name).__bases__[0].__name__ == base


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_is(kind: type[Exception]) -> None:
    assert kind.__doc__ and len(kind.__doc__.splitlines()[0]) > 20


def test_errors_that_callers_know_already() -> None:
    assert issubclass(errors.InvalidInput, ValueError)
    assert issubclass(errors.MemoryNotFound, KeyError)
    assert issubclass(errors.MissingDependency, ImportError)


def test_messages_say_what_to_do() -> None:
    assert "'abc'" in str(errors.MemoryNotFound("abc")) and "list()" in str(errors.MemoryNotFound("abc"))
    assert "on_conflict" in str(errors.DuplicateId("abc"))
    assert "first 6 items" in str(errors.BatchFailed(6, ValueError("no")))
    assert "pip install 'agentmem-kit[faiss]'" in str(errors.MissingDependency("faiss", "faiss"))
    assert str(errors.UnknownOption("store", "x", {"b", "a"})) == "there is no store 'x'; known: a, b"
    assert "known: none" in str(errors.UnknownOption("option", "x", ()))


def test_errors_carry_what_happened() -> None:
    failed = errors.BatchFailed(6, ValueError("no"))
    assert (failed.stored, str(failed.cause)) == (6, "no")
    assert errors.UnexpectedAnswer("not JSON", answer="hm").answer == "hm"
    assert errors.MissingDependency("faiss", "gpu").extra == "gpu"
    assert errors.MemoryNotFound("abc").id == errors.DuplicateId("abc").id == "abc"


def test_errors_cross_process_borders() -> None:
    """A worker process hands an error over by pickle."""
    for error in (errors.MemoryNotFound("abc"), errors.InvalidInput("text is empty"), errors.FileLocked("x")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and str(again) == str(error)
