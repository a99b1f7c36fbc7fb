"""What a verb leads to: Lyon in "live in Lyon with my sister", two in "work as a nurse at Charité".

When and how often are left out, and so is what only the talk tells ("my sister", "it", "the name").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from agentmem.facts.model import Flag
from agentmem.facts.names import NUMBERS
from agentmem.facts.verbs import CHANGES, INTRANSITIVE, LIKING, PLACED, TOWARDS

_LONGEST = 5
"""Words of a name that a clause leads to."""
PREPOSITIONS = frozenset(
    """
    in at to for with from as on into near by under over between about around through during since until
    without towards against like than
    """.split()
)
"""Words that begin a part of a clause."""
_LEADING = frozenset("in at to for with from as on into near under".split())
"""Those that a verb leads on by; what follows any other is left out."""
ARTICLES = frozenset(("a", "an", "the"))
TALK = frozenset(
    """
    i me my mine myself you your yours we us our ours he she him his her hers it its they them their theirs
    this that these those here there what who which when where while because but so if how anything something
    everything nothing someone everyone some any all each every things stuff lot lots much more most very too
    really well hard fast one out up back together around away either not no again
    """.split()
)
"""Words whose thing only the talk tells."""
ADVERBS = frozenset(
    """
    now too also again together today yesterday nowadays currently recently instead anymore regularly daily
    weekly often sometimes usually full-time part-time alone already lately still once twice then soon forever
    """.split()
)
"""Words at the ends of a part that tell when, how often or with whom."""
_ENDS_DIRECT = frozenset("left quit sold lost".split())
_DATING = dict.fromkeys(CHANGES, "to")
"""Verbs of change -> prepositions after which a time is what something was moved to, not when."""
_VAGUE = frozenset("being getting having seeing spending doing making going taking".split())
_SCHOOLS = frozenset("school college university uni kindergarten".split())
_TIME = re.compile(
    r"(?:\d{4}|\d{1,2}(?::\d\d)?|morning|afternoon|evening|night|noon|midnight|day|week|weekend|month|year|"
    r"decade|season|hour|minute|while|time|spring|summer|autumn|fall|winter|mon|tues|wednes|thurs|fri|satur|sun|"
    r"\w+day|january|february|march|april|may|june|july|august|september|october|november|december|age|moment|"
    r"past|future|birth|now|then|once|least|first|work|fun)s?",
    re.IGNORECASE,
)
_OF_TIME = NUMBERS | frozenset("of early late few couple several many past last first".split())
_WHEN = re.compile(
    r"\s+(?:(?:every|each|last|this|next|these|those|most|few|all|some|one|two|three|four|five|six|several|many|"
    r"a few|once|twice|\d+)\s+(?:\w+\s+)?(?:day|night|morning|afternoon|evening|week|weekend|month|year|"
    r"spring|summer|autumn|fall|winter|time|\w+day)s?(?:\s+(?:ago|a\s+\w+))?|right now|at the moment|"
    r"(?:a|an|some) \w+ ago|back (?:then|when|in)|"
    r"(?:any ?more|any longer|as well|a lot|so much|very much))\b.*$",
    re.IGNORECASE,
)

_Part: TypeAlias = tuple[str, list[str]]
"""A preposition, or nothing, and the words after it."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb as found.

    Attributes:
        wording: of the relation.
        rest: where its arguments begin.
        flags: how it is meant.
        base: its base form, or itself where it is a past form of change.
        name: it must lead to a name.
        ends: it tells an end.
        dated: it may lead to a time.
    """

    wording: str
    rest: int
    flags: frozenset[Flag] = frozenset()
    base: str = ""
    name: bool = False
    ends: bool = False
    dated: bool = False


def things(words: Sequence[str], verb: Verb) -> Iterator[tuple[str, str, str]]:
    """(preposition or nothing, article or nothing, name) of each thing that a verb leads to."""
    text = _WHEN.sub("", f" {' '.join(words)}").strip()
    parts: list[_Part] = [("", [])]
    for word in text.split():
        if word in PREPOSITIONS and word != "of":
            parts.append((word, []))
        else:
            parts[-1][1].append(word)
    direct = False
    for link, part in parts:
        if _leads_on(link, part, verb):
            return
        bare = not link and verb.base in INTRANSITIVE and verb.wording != "works as"
        if bare or (link and (link not in _LEADING or (direct and verb.base not in PLACED))):
            continue
        article, thing = _thing(part, verb.ends)
        if not thing:
            if not link and any(word.lower() in TALK for word in part):
                return  # "I love you", "I take it"
            continue
        if link and _is_when(link, article, thing, verb):
            continue
        if _of_the_talk(link, article, thing, parts, verb):
            return
        direct = direct or not link
        yield link, article, thing


def _leads_on(link: str, part: Sequence[str], verb: Verb) -> bool:
    """Whether a part leads to what is done, not to a thing, so that nothing after it is the verb's own."""
    if part and part[0].endswith("ing") and (link or verb.base not in LIKING):
        return True  # "I work on becoming better"
    if link == "to" and verb.base not in TOWARDS and not verb.wording.startswith("is "):
        return True  # "I like to go for a walk"
    if (verb.base, link) == ("work", "on"):
        return True  # "I work on a project"
    if not link and verb.base in INTRANSITIVE and verb.wording != "works as":
        return bool(part) and (verb.base == "started" or len(part) > 1)  # "I volunteered my time"
    # "I left for a holiday"
    return bool(verb.ends and link and (verb.wording in _ENDS_DIRECT or link not in ("from", "of")))


def _is_when(link: str, article: str, thing: str, verb: Verb) -> bool:
    """Whether a part tells when: "in May"; not what something was moved to: "to Mondays"."""
    if link == "in" and not article and thing in _SCHOOLS:
        return True
    return is_time(thing) and not (verb.dated and link in _DATING.get(verb.base, "on in at to"))


def _of_the_talk(link: str, article: str, thing: str, parts: Sequence[_Part], verb: Verb) -> bool:
    """Whether a thing is one that only the talk tells, or told of the moment."""
    if (verb.name or verb.base == "go") and not thing[0].isupper():
        return True  # "I'm reading a book"
    if verb.wording == "is" and link:
        return not (thing[0].isupper() or is_time(thing))  # "my family is on a trip"
    if verb.base not in LIKING:
        return False
    if link or article == "the" or thing.split()[0] in _VAGUE:
        return True  # "I love the name"
    on = thing.endswith("ing") and any(one in ("to", "into") for one, _ in parts)
    return on or any(not TALK.isdisjoint(words) for _, words in parts)  # "I love escaping to that world"


def is_time(thing: str) -> bool:
    """Whether a noun phrase names a time: "the morning", "2015", "ten years"."""
    *before, last = thing.lower().split()
    return _TIME.fullmatch(last) is not None and all(
        word in _OF_TIME or _TIME.fullmatch(word) is not None for word in before
    )


def _thing(part: Sequence[str], ends: bool) -> tuple[str, str]:
    """(article, noun phrase); no phrase where it is none that stands by itself."""
    words = list(part)
    while words and words[-1].lower() in ADVERBS:
        words.pop()
    article = words.pop(0).lower() if words and words[0].lower() in ARTICLES else ""
    if ends and words and words[0].lower() in ("my", "our"):
        words.pop(0)
    if (
        not 0 < len(words) <= _LONGEST
        or not words[0][0].isalnum()
        or any(word.lower() in TALK for word in words)
    ):
        return "", ""
    if words[0].lower() in ADVERBS or words[0].endswith("ly") or words[-1].lower() in ("of", "and"):
        return "", ""
    return article, " ".join(words).strip(" ,;:'\"“”‘’")
