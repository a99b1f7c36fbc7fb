"""Which words of a question are names of facts, and which only ask."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from agentmem.facts import names
from agentmem.facts.spoken import SELF

if TYPE_CHECKING:
    from agentmem.facts.view import FactView

_OWNS = frozenset(("i", "my", "me", "mine"))
_FEW = 8
_SELF = names.name_key(SELF)
_SCAFFOLD = frozenset(("name", "type", "kind", "sort"))
_TIMES = frozenset(("previous", "previously", "former", "formerly", "earlier", "current", "currently", "now"))
_BEFORE = frozenset(("the", "what", "which"))


class _Known:
    """The names of a view."""

    def __init__(self, view: FactView) -> None:
        self.view = view

    def __contains__(self, key: object) -> bool:
        return key in self.view.by_subject or key in self.view.by_object


def asked_names(view: FactView, words: Sequence[str], stress: Sequence[bool]) -> list[tuple[int, int, str]]:
    """The names of facts among words; "my" is whoever speaks."""
    found = names.find(words, _Known(view), stress)
    if _SELF in view.by_subject:
        for i, word in enumerate(words):
            if word in _OWNS and not any(first <= i < last for first, last, _ in found):
                found.append((i, i + 1, _SELF))
    return found


def known_names(view: FactView, question: str) -> list[str]:
    """The names of facts that a question holds, as it writes them; "dog" is none."""
    words = names.tokens(question)
    found = asked_names(view, words, names.stressed(question))
    return [" ".join(words[first:last]) for first, last, key in found if _written(view, key)]


def _written(view: FactView, key: str) -> bool:
    """Whether a name is written as one in some fact."""
    said = [line.entries[0].subject for line in islice(view.by_subject.get(key, {}).values(), _FEW)]
    said += [entry.object for entry in islice(view.by_object.get(key, {}).values(), _FEW)]
    return any(not one.islower() for one in said)


def only_asks(words: Sequence[str], i: int) -> bool:
    """Whether a word belongs to the asking: the name in "what is the name of", the type in "what type of"."""
    if words[i] in _TIMES:
        return True
    return words[i] in _SCAFFOLD and 0 < i and words[i + 1 : i + 2] == ["of"] and words[i - 1] in _BEFORE
