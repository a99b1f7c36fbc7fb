"""Names as they are compared, and which names a question holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from functools import lru_cache

from agentmem.language.stopwords import STOP

NUMBERS = frozenset(
    """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen twenty thirty
    """.split()
)
"""Numbers as words."""
_MARKS = "'.,;:!?()[]`*"
_POSSESSIVE = re.compile(r"(?:'s|s')$")
_LONGEST = 12
_QUOTES = frozenset('"“”„«»')
_TABLE = str.maketrans(
    {"’": "'", "‘": "'", "–": "-", "—": "-", "ʻ": "'", "ʼ": "'"} | dict.fromkeys('"“”„«»', "")
)


@lru_cache(maxsize=65_536)
def name_key(name: str) -> str:
    """A name as compared: case, accents, quotation marks and a "the" at its beginning do not count."""
    words = tokens(name)
    if len(words) > 1 and words[0] == "the" and not (len(words) == 2 and words[1] in STOP):
        words = words[1:]
    return " ".join(words)


@lru_cache(maxsize=65_536)
def alike(one: str, other: str) -> bool:
    """Whether two keys may name one thing: all content words of one are in the other."""
    words = [frozenset(word for word in key.split() if word not in STOP) for key in (one, other)]
    return bool(words[0] and words[1]) and (words[0] <= words[1] or words[1] <= words[0])


def tokens(text: str) -> list[str]:
    """The words of a text, folded, without punctuation at their ends."""
    text = text.translate(_TABLE)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(c for c in text if not unicodedata.combining(c))
    return [word for word in (one.strip(_MARKS) for one in text.lower().split()) if word]


def stressed(text: str) -> list[bool]:
    """Which of a text's :func:`tokens` are written as names: capital, digit or quotation marks."""
    marks: list[bool] = []
    quoted = False
    for place, word in enumerate(text.split()):
        opens = word[0] in _QUOTES
        marks += [quoted or opens or (place > 0 and word[0].isupper()) or _inner(word)] * len(tokens(word))
        if opens != (word.rstrip("'s.,?!;:’")[-1:] in _QUOTES):
            quoted = opens
    return marks


def find(words: Sequence[str], known: Container[str], stress: Sequence[bool]) -> list[tuple[int, int, str]]:
    """The names among words, as (first, last + 1, key): the longest at each place, none inside another.

    A possessive or plural ending of its last word does not hide a name; a function word is one only where it
    is written as one.
    """
    found: list[tuple[int, int, str]] = []
    first = 0
    while first < len(words):
        for last in range(min(first + _LONGEST, len(words)), first, -1):
            key = None
            if last > first + 1 or words[first] not in STOP or stress[first]:
                key = _known(words[first:last], known)
            if key is not None:
                found.append((first, last, key))
                first = last - 1
                break
        first += 1
    return found


def _inner(word: str) -> bool:
    return any(c.isupper() or c.isdigit() for c in word[1:])


def _known(words: Sequence[str], known: Container[str]) -> str | None:
    for form in _forms(words):
        if form in known:
            return form
    return None


def _forms(words: Sequence[str]) -> list[str]:
    whole = " ".join(words)
    bare = _POSSESSIVE.sub(lambda m: "s" if m.group() == "s'" else "", whole).rstrip(_MARKS)
    forms = [whole] if bare == whole else [whole, bare]
    if words[0] == "the" and len(words) > 1:
        forms += [form[4:] for form in forms]
    if bare.endswith("s") and len(bare) > 4:
        forms.append(bare[:-1])
    return forms
