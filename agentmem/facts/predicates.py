"""What a clause says of its subject: its verb as a relation wording, what it leads to, how it is meant.

"live in Lyon with my sister" leads to Lyon, "works as a nurse at Charité" to a nurse and to Charité; when and
how often are left out. Whom only the talk tells ("my sister", "it") is not named. What may be or is wished
for says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agentmem.facts.arguments import ADVERBS, ARTICLES, PREPOSITIONS, TALK, Verb, things
from agentmem.facts.model import Flag
from agentmem.facts.verbs import (
    CHANGES,
    ENDS,
    ENDS_WITH,
    GERUND,
    IN_HAND,
    LASTING,
    PARTICLES,
    PAST,
    SAID,
    STAYING,
    THIRD,
    UNDER_WAY,
    WORK,
)

_BETWEEN = frozenset(
    """
    now also still currently recently just already finally actually really usually always often mostly mainly
    both normally generally originally officially only nowadays since happily proudly even
    """.split()
)
ASIDE = _BETWEEN | frozenset(
    "am are was were have been do does did not never hardly barely ever no longer used to".split()
)
"""What may stand between "I" and the verb that says something."""
STATES = frozenset("married engaged allergic intolerant based called named".split())
"""What follows "is" and belongs to the wording: "is married to"."""
_NOT = frozenset("not never hardly barely rarely scarcely cannot".split())
_MODAL = frozenset(
    """
    might may could would will wo shall should must want wants wanted need needs hope hopes plan plans wish
    wishes try tries going gonna thinking considering planning hoping looking about 'd 'll had
    """.split()
)
_BE = frozenset(("am", "is", "are", "'m", "'re", "'s"))
_HAVE = frozenset(("have", "has", "'ve"))


@dataclass(frozen=True, slots=True)
class Said:
    """What a clause says.

    Attributes:
        wording: verb and preposition, such as "lives in".
        article: of what it leads to, or nothing.
        object: what it leads to, as written.
        flags: how it is meant.
    """

    wording: str
    article: str
    object: str
    flags: frozenset[Flag]


def read(words: Sequence[str], first: bool = False) -> Iterator[Said]:
    """What a clause says of its subject.

    Args:
        words: the clause after its subject; a contracted verb is a word of its own, ``'m``.
        first: the subject is "I" or "we".
    """
    verb = _verb(words, first)
    if verb is None:
        return
    for link, article, thing in things(words[verb.rest :], verb):
        head = THIRD.get(verb.base, verb.wording) if link else verb.wording
        yield Said(f"{head} {link}".rstrip(), article, thing, verb.flags)


@dataclass(slots=True)
class _Group:
    """The auxiliaries and adverbs before a verb, read so far.

    Attributes:
        flags: how it is meant.
        base: the verb has its base form, as after "I" and "used to".
        have, be, was, did: which auxiliaries there are.
    """

    flags: set[Flag]
    base: bool
    have: bool = False
    be: bool = False
    was: bool = False
    did: bool = False

    def take(self, low: Sequence[str], i: int) -> int:
        """How many words at a place belong to the group; -1 where it says what may or will be."""
        word, after = low[i], low[i + 1 : i + 2]
        if word in _MODAL or (word.endswith("n't") and word[:-3] in _MODAL):
            return -1
        if (word, *after) == ("no", "longer"):
            self.flags.add("ended")
            return 2
        if (word, *after) == ("used", "to") and not self.be:
            self.flags.add("past")
            self.base = True
            return 2
        if word in _BETWEEN:
            self.flags |= {"additive"} if word == "also" else set()
            return 1
        if word in _NOT or word.endswith("n't"):
            self.flags.add("negated")
            if word.endswith("n't"):
                self._auxiliary(word[:-3])
            self.base = self.base or word == "cannot"
            return 2 if (word, *after) == ("hardly", "ever") else 1
        if word in ("do", "does", "did") or (word, *after) == ("can", "speak"):
            self._auxiliary(word)
            return 1
        if word in _HAVE and (self.have or not _participle(low[i + 1 :])):
            return 0
        if word in _BE and self.be:
            return 0
        return int(self._auxiliary(word))

    def _auxiliary(self, word: str) -> bool:
        if word in ("do", "does", "did", "can", "ca"):
            self.did = self.did or word == "did"
            self.base = True
        elif word in ("was", "were"):
            self.was = True
        elif word in _BE or (word == "been" and self.have):
            self.be = True
        elif word in _HAVE:
            self.have = True
        else:
            return False
        return True


def _participle(rest: Sequence[str]) -> bool:
    """Whether "have" is an auxiliary before these words."""
    for word in rest:
        if word not in _BETWEEN and word not in _NOT:
            return word in ("been", "got") or word in PAST or word in CHANGES or word in ENDS
    return False


def _verb(words: Sequence[str], first: bool) -> Verb | None:
    """The verb of a clause, or None where it says nothing that lasts."""
    low = [word.lower() for word in words]
    group = _Group(set(), first)
    i = 0
    while i < len(low):
        taken = group.take(low, i)
        if taken < 0:
            return None
        if taken == 0:
            break
        i += taken
    if i >= len(low) - (0 if group.be or group.was else 1):
        return None
    if "negated" in group.flags and re.search(r"\b(?:any ?more|any longer)\b", " ".join(low)):
        group.flags = group.flags - {"negated"} | {"ended"}
    flags: frozenset[Flag] = frozenset(group.flags)
    return _state(low, i, flags, group, first) if group.be or group.was else _deed(low, i, flags, group)


def _state(low: Sequence[str], i: int, flags: frozenset[Flag], group: _Group, first: bool) -> Verb | None:
    """What "is" says: of a lasting verb, a state, a profession, or of a thing what it is."""
    word = low[i]
    if group.was:
        if word in ("born", "raised"):
            return Verb(f"was {word}", i + 1, flags)
        flags |= {"past"}
    base = GERUND.get(word)
    if base is not None:
        if base in UNDER_WAY:
            return _lasting(base, i, flags)
        return replace(_lasting(base, i, flags), name=True) if base in IN_HAND and not group.was else None
    if word in STATES:
        return Verb("is called" if word == "named" else f"is {word}", i + 1, flags)
    if word == "from":
        return Verb("comes", i, flags)
    if first:
        return Verb("works as", i, flags, "work") if _profession(low[i:]) else None
    return None if word == "been" else Verb("is", i, flags, dated=True)


def _profession(rest: Sequence[str]) -> bool:
    """Whether "a nurse at Charité" tells somebody's work."""
    if rest[:1] not in (["a"], ["an"], ["the"]):
        return False
    ends = next((k for k, word in enumerate(rest) if word in PREPOSITIONS), len(rest))
    words = [word for word in rest[1:ends] if word not in ADVERBS]
    return 0 < len(words) <= 4 and words[-1] in WORK and TALK.isdisjoint(words)


def _deed(low: Sequence[str], i: int, flags: frozenset[Flag], group: _Group) -> Verb | None:
    """What another verb says."""
    word = low[i]
    past: frozenset[Flag] = flags | {"past"}
    if group.have and word in PAST:
        if any(one in ("since", "for") for one in low[i:]):
            return _lasting(PAST[word], i, flags)
        return _lasting(PAST[word], i, past) if PAST[word] in STAYING else None
    if word == "started" and low[i + 1] in GERUND:
        return _lasting(GERUND[low[i + 1]], i + 1, flags)
    if word == "got":
        return _got(low, i, flags)
    if low[i : i + 2] == ["grew", "up"]:
        return Verb("grew up", i + 2, flags)
    ending = _ending(low, i, flags)
    if ending is not None and (word != "lost" or "job" in low):
        return ending
    if word in CHANGES and not group.did:
        if low[i + 1] in PARTICLES:
            return Verb(f"{word} {low[i + 1]}", i + 2, flags, word, dated=True)
        return Verb(word, i + 1, flags, word, dated=True)
    base = word if group.base and word in LASTING else SAID.get(word)
    if base is not None and base != "read":  # "I read it" is told of the past
        return _lasting(base, i, past if group.did else flags)
    return _lasting(PAST[word], i, past) if PAST.get(word) in STAYING else None


def _lasting(base: str, i: int, flags: frozenset[Flag]) -> Verb:
    return Verb(THIRD[base], i + 1, flags, base)


def _got(low: Sequence[str], i: int, flags: frozenset[Flag]) -> Verb | None:
    """What somebody got that lasts: a job, a husband."""
    rest = [word for word in low[i + 1 : i + 4] if word not in (*ARTICLES, "new")]
    if rest[:1] in (["married"], ["engaged"]):
        return Verb(f"is {rest[0]}", i + 2, flags)
    if rest[:1] == ["job"]:
        return Verb("got a job", low.index("job", i) + 1, flags)
    return None


def _ending(low: Sequence[str], i: int, flags: frozenset[Flag]) -> Verb | None:
    """A verb of ending, itself or the lasting one whose end it tells ("stopped working at")."""
    ended: frozenset[Flag] = flags | {"ended"} if "negated" not in flags else flags
    verb = " ".join(low[i : i + 2])
    verb = verb if verb in ENDS_WITH else low[i]
    if verb not in ENDS_WITH and verb not in ENDS:
        return None
    i += len(verb.split())
    if low[i : i + 1] and low[i] in GERUND:
        return _lasting(GERUND[low[i]], i, ended)
    return Verb(verb, i, ended, ends=True)
