"""Older statements that a new one may bear on, ranked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.embed.base import Embedder
from agentmem.embed.static import StaticEmbedder
from agentmem.errors import InvalidInput
from agentmem.facts.earlier import earlier, sentences

OLDS = [
    "The weather was awful all week.",
    "A question about pasta. By the way, I have tried three Korean restaurants so far! Any tips?",
    "I need help with a letter to my landlord about the broken heating.",
    "",
]
NEW = "Can you suggest a dessert? I just tried my fourth Korean restaurant in the city."


@pytest.mark.parametrize("embedder", [None, StaticEmbedder()], ids=["words", "static"])
def test_the_older_count_is_found_in_its_side_sentence(embedder: Embedder | None) -> None:
    found = earlier(NEW, OLDS, embedder, k=2)
    assert len(found) == 2 and found[0].place == 1 and found[0].score > found[1].score
    assert "three Korean restaurants" in found[0].older and "fourth Korean" in found[0].newer


def test_edges() -> None:
    assert earlier("", OLDS) == [] and earlier(NEW, []) == [] and earlier(NEW, ["", " "]) == []
    assert [one.place for one in earlier("Same words here.", ["Same words here."] * 3)] == [2, 1, 0]
    with pytest.raises(InvalidInput, match="k must"):
        earlier(NEW, OLDS, k=0)


def test_sentences() -> None:
    assert sentences("Hi! I moved to Rome. It is warm.\nBye now my friend") == [
        "I moved to Rome.",
        "It is warm.",
        "Bye now my friend",
    ]
    assert sentences("Ok.") == ["Ok."] and sentences(" \n ") == []
    assert sentences("我住在巴黎。我喜欢茶。") == ["我住在巴黎。", "我喜欢茶。"]


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=4), st.integers(1, 5))
def test_any_texts(new: str, olds: list[str], k: int) -> None:
    found = earlier(new, olds, k=k)
    assert len(found) <= min(k, len(olds)) and len({one.place for one in found}) == len(found)
    for one in found:
        assert one.older in olds[one.place] and one.newer in new and one.score <= 1.0 + 1e-9
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
