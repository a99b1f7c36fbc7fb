"""Where a short sentence can be cut into subject, relation wording and object.

A cut leaves a wording with two holes, ``pre {1} mid {2}``: the object ends the sentence, the wording
holds a verb or copula between the holes and at least one content word. Which of a sentence's cuts is
right is seen from other sentences (:mod:`agentmem.facts.frames`); here every possible one is listed, with
how odd its holes look as names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentmem.facts.verbs import CHANGES, SAID
from agentmem.language.stopwords import STOP

LONGEST = 24
"""Words of a sentence beyond which it is not cut."""
LONGEST_HOLE = 9
"""Words of a name beyond which it is none."""
_LONGEST_PART = 9
_PLAIN = 10
_COMMON = 0.5  # how odd a common noun looks as a name

_TOKEN = re.compile(r"[^\s]+?(?=['’]s(?:\s|$))|['’]s(?=\s|$)|[^\s]+")
_ARTICLES = frozenset(("a", "an", "the"))
_OWN = frozenset(("'s", "’s"))
_RELATIVE = frozenset(("that", "which", "who", "whom", "where"))
VERBS = frozenset("is are was were be been has have had does did can could will would became remains".split())
"""Copulas and auxiliaries: what makes a wording a statement when it has no verb of its own."""
_LINKS = frozenset(
    """
    of in at to for by with from on as into about that which who whose whom where when than between among
    under over near and or the a an s during against without
    """.split()
)
FUNCTION = _LINKS | VERBS
"""Words that join others; a wording ends in one before a hole, and no name does."""
_OPENS_CLAUSE = _RELATIVE | frozenset(("and", "or", "than", "when", "whose"))
_INSIDE = frozenset("of the and de la le du von van der den di da del al bin ibn y e et a an & for".split())
_ODD_INSIDE = frozenset("in at by with from on to as into that which who where when than or about".split())
_LOOSE = STOP - frozenset(("one", "will", "may", "down", "up", "out", "off", "own", "same", "go", "get"))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as words with their places.

    Attributes:
        text: verbatim, without the full stop at its end.
        words: ``"'s"`` is a word of its own.
        starts, ends: where each word stands in ``text``.
        low: the words in lower case.
        capital: whether each word begins with a capital (or is written with one inside, or is a number).
    """

    text: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    low: tuple[str, ...]
    capital: tuple[bool, ...]

    def span(self, first: int, last: int) -> str:
        """The words first to last - 1 as written, without punctuation at the ends."""
        return self.text[self.starts[first] : self.ends[last - 1]].strip(" ,;:") if first < last else ""


@dataclass(frozen=True, slots=True)
class Cut:
    """One way to cut a sentence: words [p, i) are the first hole, [j, n) the second.

    Attributes:
        key: the wording, canonical: see :func:`wording`.
        p, i, j: places of words.
        swapped: the second hole is the subject ("{o} is the mayor of {s}").
        constants: words of the wording.
        capitals: those of them that begin with a capital as names do.
        odd: how little the holes look like names; 0 for two names.
        plain: both holes are written as names, and the wording as wordings mostly are; so it may be taken
            without having been seen before.
    """

    key: str
    p: int
    i: int
    j: int
    swapped: bool
    constants: int
    capitals: int
    odd: float
    plain: bool


def parse(text: str) -> Sentence:
    """Words and places of a sentence."""
    text = text.strip()
    if text.endswith("."):
        text = text[:-1].rstrip()
    found = list(_TOKEN.finditer(text))
    words = tuple(m.group() for m in found)
    return Sentence(
        text,
        words,
        tuple(m.start() for m in found),
        tuple(m.end() for m in found),
        tuple(word.lower() for word in words),
        tuple(not word.islower() and (word.lower() != word or word[:1].isdigit()) for word in words),
    )


def cuts(sentence: Sentence, known: tuple[str, str] | None = None) -> list[Cut]:
    """Every cut that may be one; [] for a sentence that is too long or has none.

    Args:
        sentence: the sentence.
        known: the names it begins and ends with where those are known to be its subject and object; its only
            cut is given then.
    """
    if known is not None:
        return _known(sentence, *known)
    low, capital, n = sentence.low, sentence.capital, len(sentence.words)
    if not 3 <= n <= LONGEST:
        return []
    found: list[Cut] = []
    starts = [0]
    for p in range(2, min(_LONGEST_PART, n - 2) + 1):
        joined = low[p - 1] in _LINKS or low[p - 2] in _RELATIVE  # "of", or "that produced"
        if joined and not capital[p - 1]:
            starts.append(p)
    ends: list[tuple[int, bool]] = []  # where the second hole may begin
    for j in range(2, n):
        if low[j - 1] in _OPENS_CLAUSE:
            continue
        if low[j - 1] in FUNCTION:
            if not capital[j - 1] and (capital[j] or low[j] not in _LINKS - _ARTICLES):
                ends.append((j, True))
        elif not capital[j - 1] and low[j] not in FUNCTION and low[j - 1] not in _OWN:
            ends.append((j, False))
    objects = {j: _odd(sentence, j, n) for j, _ in ends}
    for p in starts:
        if p and not _has_content(low, 0, p):
            continue
        for i in range(p + 1, min(p + LONGEST_HOLE, n - 2) + 1):
            if capital[i] or not _begins_middle(low, i) or low[i - 1][-1] in ",;:":
                continue
            if not p and low[i + 1] in _COPULAS and low[i] not in _OWN:
                continue  # "X music was created": with nothing before it, a subject ends at the verb
            odd = _odd(sentence, p, i)
            if odd is None:
                continue
            for j, linked in ends:
                other = objects[j]
                if j <= i or j - i > _LONGEST_PART or other is None:
                    continue
                if not linked and j - i > 2:
                    continue
                if any(word[-1] in ",;:" for word in (*low[:p], *low[i:j])):
                    continue
                verb = any(word in VERBS for word in low[i:j]) or _verb(low, i)
                if not verb or not (p or _has_content(low, i, j)):
                    continue
                key, swapped = wording(low, p, i, j)
                capitals = sum(capital[1:p]) + sum(capital[i:j]) + bool(p and low[0] not in FUNCTION)
                plain = not (odd or other) and capital[i - 1] and (capital[j] or low[j] in _ARTICLES)
                plain = plain and capital[n - 1] and (capital[p] or low[p] in _ARTICLES)
                plain = plain and p + j - i <= _PLAIN and (not p or low[0] in _ARTICLES)
                plain = plain and not any(word[0].isdigit() for word in (*low[:p], *low[i:j]))
                plain = plain or (not (p or odd) and other <= _COMMON and _lasting(sentence, i, j))
                found.append(Cut(key, p, i, j, swapped, p + j - i, capitals, odd + other, plain))
    return found


def _lasting(sentence: Sentence, i: int, j: int) -> bool:
    """Whether a name is said to do what lasts to what need not be a name: "works as a nurse"."""
    low = sentence.low
    verb = low[i + 1] if low[i] == "has" else low[i]
    lasts = verb in CHANGES if low[i] == "has" else verb in SAID or verb in CHANGES
    named = all(sentence.capital[:i]) and low[0] not in STOP and not low[0].endswith("ly")
    return lasts and named and j - i <= 4 and len(low) - j <= 3


def _known(sentence: Sentence, subject: str, object: str) -> list[Cut]:
    """The cut between a subject and an object that are known."""
    i, n = len(parse(subject).words), len(sentence.words)
    j = n - len(parse(object).words)
    if not i < j < n <= LONGEST:
        return []
    key, swapped = wording(sentence.low, 0, i, j)
    return [Cut(key, 0, i, j, swapped, j - i, 0, 0.0, True)]


def wording(low: tuple[str, ...], p: int, i: int, j: int) -> tuple[str, bool]:
    """The canonical wording of a cut, and whether its second hole is the subject.

    Articles beside a hole go. "The mayor of {s} is {o}", "{o} is the mayor of {s}" and "{s}'s mayor is {o}"
    say the same, and are the first.
    """
    pre = list(low[:p])
    mid = [word.replace("’", "'") for word in low[i:j]]
    if pre and pre[-1] in _ARTICLES:
        pre.pop()
    article = bool(mid) and mid[-1] in _ARTICLES
    if article:
        mid.pop()
    if not pre and len(mid) > 2 and mid[0] == "'s" and mid[-1] in _COPULAS:
        return f"the {' '.join(mid[1:-1])} of {{s}} {mid[-1]} {{o}}", False
    if not pre and len(mid) > 3 and mid[0] in _COPULAS and mid[1] == "the" and mid[-1] == "of":
        return f"the {' '.join(mid[2:])} {{s}} {mid[0]} {{o}}", True
    return " ".join((*pre, "{s}", *mid, "{o}")).replace("{s} 's", "{s}'s"), False


_COPULAS = frozenset(("is", "was", "are", "were"))


def _has_content(low: tuple[str, ...], first: int, last: int) -> bool:
    return any(word not in STOP and word not in FUNCTION and word not in _OWN for word in low[first:last])


def _begins_middle(low: tuple[str, ...], i: int) -> bool:
    """A wording goes on after its first hole with a verb, "'s" or a noun, not with "of" or "and"."""
    return low[i] not in _LINKS


def _verb(low: tuple[str, ...], i: int) -> bool:
    """Whether the word after the first hole can be a verb."""
    word = low[i]
    return word.isalpha() and len(word) > 2 and word not in STOP


def _odd(sentence: Sentence, first: int, last: int) -> float | None:
    """How little the words first to last - 1 look like a name; None when they cannot be one."""
    low, capital = sentence.low, sentence.capital
    if low[first] in _ARTICLES and not (capital[first] and first):
        article = True
        first += 1
    else:
        article = False
    size = last - first
    if article and low[first - 1] == "the" and not any(capital[first:last]):
        return None  # "the film": which one, only the context says
    if not 0 < size <= LONGEST_HOLE or (low[last - 1] in FUNCTION and not capital[last - 1]):
        return None
    if low[first] in FUNCTION and not capital[first]:
        return None
    head = sentence.words[first]
    odd = 0.0
    if first == 0 and size > 1 and (low[0] in STOP or low[0] in FUNCTION or low[0].endswith(",")):
        odd += 1.0  # "In 2003 Ada", "However, Ada": a capital only because it comes first
    lower = 0
    for k in range(first, last):
        word = low[k]
        if capital[k] or word in _OWN:
            continue
        if word in VERBS:
            odd += 2.0
        elif word in _ODD_INSIDE:
            odd += 1.0
        elif word in _INSIDE:
            if word == "and" and first and capital[first] and not capital[k + 1]:
                return None  # "Montreal and raised in Welland"
            odd += 0.0 if k and capital[k - 1] else 0.5
        elif word in _LOOSE:
            odd += 2.0
        else:
            lower += 1
    if any(mark in sentence.text[sentence.starts[first] : sentence.ends[last - 1]] for mark in ";:!?()[]"):
        odd += 1.0
    if lower == 0:
        return odd
    if not capital[first]:
        if any(capital[first:last]):
            odd += 2.0  # "city of Rodez"
        odd += 0.5 + 0.5 * (lower > 3)
        odd += 0.5 * article
    else:
        odd += 0.25 + 0.75 * article + 0.25 * (first == 0 and not head[1:].islower())
    return odd
