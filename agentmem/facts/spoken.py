"""What speakers say of themselves and theirs: "I live in Rome" is "Ada lives in Rome".

A clause is looked for at each "I", "we", "my" and "our" with a verb of what lasts, where it begins one: at
the beginning of a sentence, after what opens it ("Oh,", "by the way"), after a comma or "and". What it says
is taken from its verb (:mod:`agentmem.facts.predicates`), what follows "and" without a subject of its own
from the same one. "My sister Clara lives in Rome" says who the sister is and where Clara lives. Questions,
conditions and wishes say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentmem.facts import predicates
from agentmem.facts.arguments import is_time
from agentmem.facts.model import Flag
from agentmem.facts.names import NUMBERS
from agentmem.facts.predicates import ASIDE, STATES, Said
from agentmem.facts.senses import senses
from agentmem.facts.verbs import (
    CHANGES,
    ENDS,
    ENDS_WITH,
    GERUND,
    IN_HAND,
    LASTING,
    PAST,
    SAID,
    UNDER_WAY,
    either,
)
from agentmem.language.stopwords import STOP

SELF = "I"
"""The subject of what is said by nobody in particular."""

_LONGEST = 400
"""Characters of a sentence that is read."""
_BACK = 16
"""Characters before a clause that are looked at."""
_BREAK = re.compile(r"(?<=[.!?…])[\"”’')\]]*\s+|\n+")
_UNFINISHED = re.compile(r"\b(?:[A-Z]|Dr|Mrs?|Ms|St|Jr|Sr|vs|Prof|Mt|Ft)\.$")
_MAIN = LASTING | CHANGES | ENDS | PAST.keys() | {"got", "grew", *(one.split()[0] for one in ENDS_WITH)}
_VERBS = either(_MAIN)
_SAYING = either(
    _MAIN
    | STATES
    | {"a", "an", "the"}
    | {"from", "born", "raised"}
    | {word for word, base in GERUND.items() if base in UNDER_WAY | IN_HAND}
)
_POSSESSING = (
    SAID.keys() | CHANGES | ENDS | (PAST.keys() & {"lived", "worked", "studied", "taught"})
) | frozenset("is are was were has does doesn't don't isn't aren't no used".split())
_NUMBERS = NUMBERS - {"one"}
_MY = r"(?:(?<=[Mm])y|(?<=[Oo])ur)"
_BEGINS = re.compile(  # its first letter comes first, so that most places are passed by at once
    r"[IWwMmOo](?<![\w'’-].)(?:(?:(?<=I)|(?<=[Ww])e)(?:"
    rf"(?:['’](?:m|ve|re))?(?:\s+(?:{either(ASIDE)}\b|\w+n['’]t))*\s+{_SAYING}\b"
    r"|(?:['’]ve)?(?:\s+\w+)?\s+(?:have|got|adopted)\s+(?:an?|two|another)\s[^.!?,;]{2,40}\s(?:called|named)\s"
    rf"|(?:['’]ve)?(?:\s+\w+)?\s+(?:have|own|got)\s+(?:\d|{either(_NUMBERS)}\b))"
    rf"|{_MY}\s+(?:(?!own\b)(?:[\w'’-]+\s+){{1,6}}?{either(_POSSESSING)}\b|(?:[\w-]+\s+){{0,3}}name['’]s\s))"
)
_OPENING = frozenset(
    """
    and but so because cause cuz plus though although well yes yeah oh ok okay now actually honestly currently
    also luckily nowadays anyway btw hi hey then finally personally lol haha days way moment fact course what
    """.split()
)
"""Words before a clause that begins there; the last words of "these days", "by the way", "guess what"."""
_UNSURE = re.compile(
    r"\b(?:if|unless|whether|wish\w*|imagin\w*|pretend\w*|suppos\w*|hop\w+|dream\w*|when\w*|until|before|maybe|"
    r"perhaps|might|would|could|said|says|told|asked|once|years ago|back then)\b",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"\s*(?:[;:–—()\"“”!?…]|,(?!\d|\s*(?:too|as well|instead)\b)|\.(?=\s|$)|\s-\s|"
    r"\s(?:but|because|cause|so|which|who|whom|whose|that|when|where|while|if|although|though|unless|after|"
    r"before|than|whenever|whereas|until|except)\b|"
    r"\s(?:and|then|or)\s+(?=(?:(?:then|now|also|recently|just)\s+)?(?:I|we|my|our|he|she|it|they|you|the|this|"
    rf"that|there|so|his|her|their|your|can|don['’]t|have|am|want|need|think|feel|know|get|{_VERBS})\b))"
)
_GOES_ON = re.compile(
    rf"\s*,?\s*(?:and|then|but)\s+(?:then\s+)?(?=(?:(?:now|also|recently|just)\s+)?(?:{_VERBS})\b)"
)
_AM = re.compile(r"(?:I|[Ww]e)(?:['’](?:m|re)| am| are)\b")
_ADDITIVE = re.compile(r"\b(?:also|another|as well)\b|\btoo$")
_CONTRACTED = re.compile(r"(?<=\w)['’](m|re|ve|s|d|ll)\b")
_FORMER = frozenset("old ex first former previous last late".split())
_NEWER = frozenset(("new", "current", "present"))
_NO_THING = frozenset(
    """
    own next future whole way opinion mind head heart thoughts thought day weekend week life one point
    question advice guess bad turn plan plans hope goal aim dream idea problem issue concern fault favorite
    favourite
    """.split()
)
_ATTRIBUTES = frozenset(
    """
    occupation hobby size colour contact religion date price age number commute diet drink study_subject field
    mother_tongue genre
    """.split()
)
"""Senses of things whose value may be any word: "my hobby is pottery"."""
_LIKED = frozenset(("favourite", "favorite"))
_HAVING = re.compile(
    r"^(?:I|[Ww]e)(?:['’]ve)?(?:\s+\w+)?\s+(?:have|got|adopted)\s+(?:an?|two|another)\s+(?:new\s+)?"
    r"(?:[a-z-]+\s+){0,2}?(?P<what>[a-z-]+?),?\s+(?:called|named)\s+"
)
_COUNTED = re.compile(
    r"^(?:I|[Ww]e)(?:['’]ve)?(?:\s+(?:now|currently|already|still|also))?\s+(?:have|own|got|have got)"
    rf"(?:\s+now)?\s+(?P<number>\d+|{either(_NUMBERS)})\s+(?P<what>[a-z-]+(?:\s+[a-z-]+){{0,2}}?)(?:\s+now)?$"
)
_MINE = re.compile(r"[se](?: now)? (?:my|our)\b")
_IS_MINE = re.compile(
    r"(?P<who>(?<![\w'’-])[A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*){0,2})\s+(?:is|has become|became)(?:\s+now)?\s+"
    r"(?:my|our)\s+(?:new\s+)?(?P<what>[a-z-]+(?:\s+[a-z-]+)?)(?:\s+(?:now|these days))?\s*"
    r"(?=[,.!;]|$|and\b|but\b)"
)
_NAME = r"[A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*){0,2}"
_NAMES = re.compile(rf"{_NAME}(?:\s+and\s+{_NAME})?")
_CALLED = "is called"


@dataclass(frozen=True, slots=True)
class Told:
    """What a speaker tells.

    Attributes:
        sentence: verbatim.
        clause: the part of it that tells it, verbatim.
        subject: of whom, a name.
        core: as a statement about the subject.
        object: what it leads to, at the end of ``core``.
        flags: how it is meant.
    """

    sentence: str
    clause: str
    subject: str
    core: str
    object: str
    flags: frozenset[Flag]


def spoken(text: str, name: str) -> list[Told]:
    """What a speaker tells of him- or herself, in order.

    Args:
        text: a turn.
        name: the speaker's.
    """
    starts = [found.start() for found in _BEGINS.finditer(text) if _opens(text, found.start())]
    if " my" in text and _MINE.search(text):
        starts += [found.start() for found in _IS_MINE.finditer(text) if _opens(text, found.start())]
    if not starts:
        return []
    return [told for part in _sentences(text, sorted(starts)) for told in _of_sentence(*part, name)]


def _opens(text: str, start: int) -> bool:
    """Whether a clause begins at a place."""
    before = text[max(start - _BACK, 0) : start].rstrip(' "“‘(')
    return (
        not before or before[-1] in ",;:–—!?.…-\n" or before.rpartition(" ")[2].strip(",").lower() in _OPENING
    )


def _sentences(text: str, starts: list[int]) -> Iterator[tuple[str, list[int]]]:
    """Sentences that may tell something, and where clauses begin in them; questions tell nothing."""
    first, place = 0, 0
    for end in [*(m.start() for m in _BREAK.finditer(text)), len(text)]:
        if _UNFINISHED.search(text[max(end - 8, 0) : end]) and end < len(text):
            continue
        begun = place
        while place < len(starts) and starts[place] < end:
            place += 1
        if place > begun:
            sentence = text[first:end]
            if len(sentence) <= _LONGEST and not sentence.rstrip("\"”’') ").endswith("?"):
                yield sentence, [start - first for start in starts[begun:place]]
        first = end


def _of_sentence(sentence: str, starts: list[int], name: str) -> Iterator[Told]:
    done = 0
    for begins in starts:
        start = begins
        before = sentence[:start]
        if start < done or _UNSURE.search(before):
            continue
        while True:
            ends = _ENDS.search(sentence, start + 1)
            done = len(sentence) if ends is None else ends.start()
            clause = sentence[start:done].rstrip(" .")
            made = list(_clause(clause, name))
            for subject, said in made:
                head = subject if said.wording[0] == "'" else f"{subject} "
                core = " ".join(f"{head}{said.wording} {said.article} {said.object}".split())
                extra: frozenset[Flag] = frozenset({"additive"}) if _ADDITIVE.search(clause) else frozenset()
                yield Told(sentence.strip(), clause, subject, core, said.object, said.flags | extra)
            goes_on = None if sentence[begins] in "MmOo" else _GOES_ON.match(sentence, done)
            if goes_on is None or not (made or _AM.match(clause)):
                break
            start = goes_on.end()


def _clause(clause: str, name: str) -> Iterator[tuple[str, Said]]:
    """(subject, what is said of it) of a clause, which begins with its subject or its verb."""
    words = _CONTRACTED.sub(r" '\1", clause.replace("’", "'")).split()
    if words[0] in ("My", "my", "Our", "our"):
        yield from _possessed(words[1:], name)
        return
    mine = _IS_MINE.match(clause)
    if mine is not None:
        thing = mine["what"].split()
        if words[0].lower() not in STOP and _NO_THING.isdisjoint(thing):
            yield name, Said(f"'s {mine['what']} is", "", mine["who"], frozenset())
        return
    counted = _COUNTED.match(clause)
    if counted is not None:
        what = counted["what"]
        if not any(map(is_time, what.split())) and _NO_THING.isdisjoint(what.removesuffix("s").split()):
            yield name, Said(f"'s number of {what} is", "", counted["number"], frozenset())
        return
    having = _HAVING.match(clause)
    if having is not None:
        called = _NAMES.match(clause[having.end() :])
        if called is not None:
            yield name, Said(f"'s {having['what']} {_CALLED}", "", called.group(), frozenset())
        return
    for said in predicates.read(words[words[0] in ("I", "We", "we") :], first=True):
        yield name, said


def _possessed(words: list[str], name: str) -> Iterator[tuple[str, Said]]:
    """What "my ..." says: of the thing, or, where it is named, of who that is."""
    verb = next((k for k in range(1, min(len(words), 8)) if _verbal(words, k)), 0)
    thing, rest = words[:verb], words[verb:]
    if thing[-1:] == ["name"] and len(thing) > 2 and thing[-2] == "'s" and rest[0] in ("is", "'s", "are"):
        thing, rest = thing[:-2], ["is", "called", *rest[1:]]
    past = False
    while thing and thing[0].lower() in _FORMER | _NEWER:
        if thing[0].lower() in _FORMER:
            past = rest[0] in ("was", "were")
            if not past:
                return  # "my first task is", "my old car is"
        thing = thing[1:]
    person = thing[next((k for k, word in enumerate(thing) if word[0].isupper()), len(thing)) :]
    thing = thing[: len(thing) - len(person)]
    if (
        not 0 < len(thing) <= 3
        or len(person) > 3
        or not all(word[0].isupper() and word[-1].islower() for word in person)
    ):
        return
    if not all(word.replace("-", "").isalpha() for word in thing) or not _NO_THING.isdisjoint(thing[-1:]):
        return
    what, who = " ".join(thing), " ".join(person)
    if person:
        yield name, Said(f"'s {what} {_CALLED}", "", who, frozenset())
    for said in predicates.read(rest):
        flags: frozenset[Flag] = said.flags | {"past"} if past else said.flags
        if person:
            if said.wording != "is":
                yield who, said
        elif said.wording == _CALLED:
            called = _NAMES.fullmatch(said.object)
            if called is not None:
                yield name, Said(f"'s {what} {_CALLED}", "", said.object, flags)
        elif said.wording != "is" or ((past or "past" not in flags) and _lasts(said, thing)):
            yield name, Said(f"'s {what} {said.wording}", said.article, said.object, flags)


def _verbal(words: list[str], k: int) -> bool:
    """Whether the verb of "my ..." stands at a place."""
    if words[k] == "'s":
        return words[k + 1 : k + 2] != ["name"]
    return words[k] in _POSSESSING and (words[k] != "no" or words[k + 1 : k + 2] == ["longer"])


def _lasts(said: Said, thing: list[str]) -> bool:
    """Whether "my X is Y" says what lasts: a name, a number, a kind; not that the dog is asleep."""
    value = said.object
    if said.article or value[:1].isupper() or value[:1].isdigit():
        return True
    if "past" in said.flags:
        return False
    return thing[0].lower() in _LIKED or not _ATTRIBUTES.isdisjoint(senses(" ".join(thing)))
