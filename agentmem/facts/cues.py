"""How a sentence is meant: asserted now, past, denied, only possible, asked, added, or said of someone else.

Words alone decide, general English, no model. Cues are read around the new value: in "I no longer live in
Rome but in Oslo" the negation does not reach Oslo. A cue that the older sentence has too tells the two
apart no more and is left out by :func:`vetoes`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from agentmem.facts.model import Flag

Veto: TypeAlias = Literal["question", "negated", "past", "hypothetical", "other subject", "additive"]
"""Why a sentence cannot replace an older one, in the order in which they are named."""

LONGEST = 600
"""Characters of a sentence that are read; one statement is not longer."""
SUBJECT, OBJECT, OLD = "{s}", "{o}", "{a}"
"""Holes of a masked sentence: the subject, its own object, and the older statement's object."""


def _pattern(lines: str) -> re.Pattern[str]:
    """Alternatives, some a line, as whole words; holes are no words."""
    every = "|".join(line.strip() for line in lines.split("\n") if line.strip())
    return re.compile(rf"(?<![\w{{])(?:{every})(?![\w}}])")


_PRONOUN = "(?:i|we|he|she|it|they|you|[{]s[}])"
_NEGATED = _pattern(
    r"""
    not|\w+n't|cannot|never|no|none|nobody|neither|nor|without|hardly|barely|scarcely|nearly|almost
    little about|nothing to do with|said no to|says no to|refus(?:e|es|ed|ing)|declin(?:e|es|ed)
    den(?:y|ies|ied)|fail(?:s|ed)? to|reject(?:s|ed)?|turned down|turn down|decided against|avoid(?:s|ed)?
    stay(?:ed)? out of|lost the|far from|(?:is|was|it's) (?:false|untrue|wrong|a myth)(?: that)?|contrary to
    denied that|instead of|rather than|outside|turn(?:s|ed) (?:his|her|its|their|my) back on
    walked away from|dropped (?:its|his|her|their|the) plans?|falsely
    """
)
_ENDED = _pattern(
    r"""
    no longer|(?:not|\w+n't) (?:[^,;.]* )?(?:any ?more|any longer)|stopped|quit|quits|gave up|given up
    giving up|gave away|give away|given away|divorced?|separated from|split up|splitting up|broke up
    broken up|parted (?:ways|company)|sold|got rid of|rid of|resigned|resigns|stepped down|steps down|left
    leaving|laid off|fired|sacked|dismissed|retired from|dropped|dumped|ceased|cancel(?:l?ed)|called off
    came off|outgr(?:ew|own)|deleted|finished|moved out(?! to\b)|ended|closed|dissolved|lapse|lapsed|stolen
    died on|broke down|forgotten|abandoned|expired|over with|done with|renounced|withdrew from
    dropped out of|scrapped|gone for good|broken off|terminated|disbanded|unsubscribed
    """
)
_FORMER = _pattern(
    r"""
    (?<!\bam )(?<!\bare )(?<!\bis )(?<!'m )(?<!\bget )(?<!\bgot )used to|formerly|former|ex|previously
    previous|once(?! (?:more|again|every|per)\b| (?:an?|in a) (?:day|night|week|month|year|while)\b)
    erstwhile|back (?:then|when)|in those days|at (?:the|that) time|at first|initially|started out as
    ages ago|long ago|(?:years|decades|seasons) ago|began as|began (?:\w+ ){0,4}as|early on|in a past life
    at one (?:time|point)|temporarily|briefly|for a (?:while|time|spell)|spell at|until|till
    (?:my|his|her|their|our) (?:very )?first \w+ (?:\w+ )?(?:was|were)
    had (?:\w+ly )?(?:\w+ed|been|had|gone|done|made|taken|held|kept|run|led|won|lost|left|met)
    """
)
_THEN = _pattern(
    rf"""
    as an? (?:\w+ )?(?:kid|child|boy|girl|teen(?:ager)?|student|baby|toddler|freshman|undergraduate)
    in (?:my|his|her|their|its|our) (?:\w+ )?(?:youth|childhood|teens|twenties|thirties|days|years)
    when {_PRONOUN} (?:was|were)|growing up|(?:in|at|during) (?:\w+ )?(?:school|college|university|uni)
    before (?:{_PRONOUN}|that|moving|the|becoming)|in the (?:\w+ )?(?:\w+ties|[12]\d\d0s|\d0s)
    in (?:my|his|her|their) day|in (?:my|his|her|their|our|the) (?:last|old|previous|first|former|early) \w+
    last (?:year|summer|winter|season)
    during (?:the |his |her )?(?:\w+ )?(?:wars?|revolution|occupation|reign|pandemic|siege)|early in
    earlier in|back (?:in|at|home)|in first year
    """
)
_DURATION = _pattern(
    r"for (?:\w+ ){0,3}(?:years|months|decades|seasons|summers|terms)"
    r"|for (?:a|one) (?:year|decade|season|summer|term)"
    r"|from \d{4} (?:to|until|till) \d{4}|between \d{4} and \d{4}"
)
_PERFECT = re.compile(r"\b(?:has|have|is|are|am)\b|'(?:ve|m|re)\b")
_FUTURE = _pattern(
    r"""
    will|shall|\w+'ll|going to (?!\{)\w+|(?:about|set|due|bound) to \w+|someday|some day|one day|tomorrow
    (?:is|are|was|were|am) to \w+|intends?|plan(?:s|ned|ning)? (?:to|on)|hop(?:e|es|ing|ed) (?:to|for)
    expects?|expected to|next (?:week|month|year|summer|winter|spring|autumn|fall|season|time)
    """
)
_POSSIBLE = _pattern(
    r"""
    if|unless|whether|in case|would|could|might|may|perhaps|maybe|possibly|probably|presumably|conceivably
    \w+'d (?:love|like|rather|prefer|want|be|consider|never|go|take|move|have to)|want(?:s|ed)?(?: \w+)? to
    wish(?:es|ed)?|consider(?:s|ed|ing)?|think(?:s|ing)? (?:of|about)|thought (?:of|about)
    dream(?:s|t|ed|ing)? (?:of|about)|tempted|eyeing|looking (?:at|into|forward)|wait(?:s|ing)? for
    sav(?:e|es|ing) (?:up )?for|meaning to|supposed to|appl(?:y|ied|ies|ying) (?:to|for|at)
    interview(?:s|ed|ing)? (?:with|at|for)|interview|candidate|negotiat(?:e|es|ed|ing|ions)|in talks
    linked (?:with|to)|tipped|running for|ran for|runs for|standing for|nominated|shortlisted|bid for
    offer(?:s|ed)? (?:me|him|her|us|them|\{s\})|asked (?:if|whether|for|about)|asked me|ask
    sent (?:me|us) a quote|said to (?:be|have)|rumou?red|rumou?rs?|alleged|allegedly|reportedly|supposedly
    thought to (?:be|have)|believed to|claims? to|people say|my goal|goal|aim(?:s|ing)? (?:to|for)
    on my list|recommended|suggested|should|ought to|fantasi[sz](?:e|es|ed|ing)|imagin(?:e|es|ed|ing)
    toying with|proposed|pretend(?:s|ed|ing)? to|as though|as if|hop(?:e|es|ed|ing)|hopefully
    try(?:ing)? to get|see if|likely|unlikely
    """
)
_ADDITIVE = _pattern(
    r"""
    also|another|as well|additional|additionally|besides|in addition|on top of (?:that|this|it)|either
    one of|(?:a|my|his|her|their|our|its) (?:second|third|other|further|side)|alongside|co-\w+|both
    apart from|on the side|jointly|joint|too(?=\s*(?:$|[.,;!]))|among|amongst|as a second|along with
    together with|plus|furthermore|moreover
    """
)
_CHANGE = _pattern(
    r"""
    now|nowadays|these days|currently|at the moment|right now|at present|presently|instead|new|newly|newest
    latest|by now|from now on|as of|recently|lately|just|finally|moved|moving|switch(?:ed|ing|es)?
    chang(?:ed|ing|es)|swapped|replac(?:e|es|ed|ing)|upgraded|downgraded|trad(?:ed|ing)|transferred
    converted|turned (?:to|into)|becom(?:e|es|ing)|became|t(?:ook|aken|akes) (?:over|up)|joined|appointed
    named|elected|sworn in|promoted|reassigned|renamed|rescheduled|postponed|pushed|brought forward|raised
    lowered|increased|reduced|cut|up to|down to|went up|went down|went (?:over )?to|gone|adopted|introduced
    relocated|settled|succeed(?:s|ed)|started|crossed over|defected|got myself|retrained|migrated|rebooked
    turned out|actually|correction|in fact|anew|beat|signed (?:up|for|with)
    """
)
_INDEFINITE = re.compile(r"\ban? (?:\w+ )?\{o\}|\{o\} (?:is|was) an? |\bsome \{o\}")
_STATIVE = re.compile(
    r"\b(?:was|were)(?! \w+(?:ed|en|wn|un|orn|old|ought|uilt|ung|ept|ade|aid|et|ut)\b)|\bhad\b"
    r"|\b(?:lived|worked|owned|drove|played|studied|earned|weighed|knew|spoke|stayed|belonged|served|kept|used|ran|"
    r"went out|loved|liked|attended|taught|drank|ate|wore|shared|dated)\b"
)
_PRESENT = re.compile(
    r"\b(?:is|are|am|has|have|do|does)\b|'(?:m|re|ve)\b|\b(?:i|we) (?!was\b|were\b|had\b)\w+(?<!ed)\b"
    r"|\{s\} (?!was\b)\w*[^\Ws]s\b"
)
_PERSONS = (
    "sisters?|brothers?|mothers?|mum|mom|fathers?|dad|parents?|wife|husband|spouse|sons?|daughters?|"
    "kids?|child|children|cousins?|aunt|uncle|nephew|niece|"
    "grand(?:ma|pa|mother|father|parents|son|daughter)|in-laws|twins?|siblings?|friends?|roommate|"
    "flatmate|housemate|colleagues?|co-?workers?|boss|manager|neighbou?rs?|landlord|landlady|partner|"
    "girlfriend|boyfriend|fianc[eé]e?|ex|family|buddy|pal|mate|trainer|teacher|tutor|students?|pupils?|"
    "doctor|assistant|secretary|deputy|rivals?|competitors?|auditor|successor|predecessor|lawyer|"
    "biographer|agent|clients?|customers?|guests?|team|company|relatives?|namesake|employees?|owner|"
    "founder|stepmother|stepfather|widow|widower"
)
_NAMING = re.compile(r"(?:'s name)?(?: (?:is|was|are|remains)|'s)(?: now| called| named)? \{[oa]\}")
_PREDICATE = re.compile(r"(?:\b(?:is|was|are|were|as|be|became|becomes|isn't|wasn't|not)|'s) (?:now )?$")
_REPORTED = re.compile(
    r"^(?:well, )?(?:i|we) (?:just )?(?:heard|hear|think|know|learned|guess|believe|noticed|found out|see)"
    r" (?:that )?"
    r"|\b(?:told|tells|reminded) (?:me|us) (?:that )?"
)
_MY_PERSON = re.compile(rf"\b(?:my|our)(?: [\w'-]+){{0,3}}? (?P<who>{_PERSONS})\b(?!,)")
_THEIR_PERSON = re.compile(
    rf"\{{s\}}'s?(?: [\w-]+){{0,2}}? (?P<who>{_PERSONS})\b"
    rf"|(?:^|, )(?:an?|the|one|some|many)?(?: ?[\w-]+){{0,2}}? ?(?P<of>{_PERSONS}) (?:of|to) \{{s\}}"
    r"|\bunlike \{s\}"
)
_TOWARDS = re.compile(r"\b(?:to|for|into|in favou?r of) (?:\w+ ){0,2}\{o\}")
_FIRST = frozenset({"i", "me", "my", "mine", "we", "us", "our", "user"})
_CONTRAST = re.compile(
    r"\s*(?:[;–—]|\bbut\b|\bwhereas\b|\balthough\b|\bthough\b|\bhowever\b|\band now\b"
    r"|\b(?:and )?these days\b)\s*"
)
_CLAUSE = re.compile(
    r"\s*(?:[,;:–—]|\bbut\b|\band\b|\bwhereas\b|\bwhile\b|\balthough\b|\bbecause\b|\bafter\b)\s*"
)
_NOT_EITHER = re.compile(r"\b(?:not only|no doubt|no wonder|no problem|nothing beats|why not)\b")
_MONTH_MAY = re.compile(
    r"\b(?:in|since|on|of|by|until|last|this|next|early|late|\d+) May\b|\bMay \d|\bMay\b(?=[,.]| \d)"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the words of one sentence say about how it is meant.

    Attributes:
        flags: see :data:`agentmem.facts.model.Flag`.
        former: it says that something was and is no more ("used to", "former"), not only when it was.
        other_subject: whom it speaks of, someone who only belongs to the subject ("sister" in "my sister
            lives in ..."); empty where it speaks of the subject.
        change: a word of change or of the present ("now", "moved", "new").
        indefinite: it says one of some ("a daughter of").
        stative_past: a lasting state put in the past ("lived", "was a member").
        present: it speaks of the present.
        future: it speaks of what is to come.
        ends_object: what it ends is the object itself, not something that the object takes the place of.
    """

    flags: frozenset[Flag]
    former: bool = False
    other_subject: str = ""
    change: bool = False
    indefinite: bool = False
    stative_past: bool = False
    present: bool = False
    future: bool = False
    ends_object: bool = False


def is_first_person(subject: str) -> bool:
    """Whether a subject is the speaker."""
    return subject.lower() in _FIRST


def mask(sentence: str, subject: str, object: str | None = None, old: str | None = None) -> str:
    """A sentence in lower case with holes: ``{s}``, ``{o}`` and, for the older statement's object, ``{a}``.

    The speaker ("I", "my") keeps its words, since they carry the grammar. A name that does not occur
    leaves no hole, nor does one beyond :data:`LONGEST`. The month of May is taken out, so that no "may" is
    left that is none.
    """
    text = sentence[:LONGEST].replace("’", "'")
    holes = [(object, OBJECT), (old, OLD)]
    if not is_first_person(subject):
        holes.append((subject, SUBJECT))
    found: list[tuple[int, int, str]] = []
    for name, hole in sorted(holes, key=lambda item: -len(item[0] or "")):
        for span in _occurrences(text, name):
            if all(span[1] <= start or end <= span[0] for start, end, _ in found):
                found.append((*span, hole))
                if hole != SUBJECT:
                    break
    parts: list[str] = []
    last = 0
    for start, end, hole in sorted(found):
        parts += [_lower(text[last:start]), hole]
        last = end
    return " ".join("".join([*parts, _lower(text[last:])]).split())


def _lower(text: str) -> str:
    return _MONTH_MAY.sub(lambda found: found.group().replace("May", "month"), text).lower()


def _occurrences(text: str, name: str | None) -> list[tuple[int, int]]:
    """Spans of a name in a text as whole words; by letter case first, in any case where there is none."""
    name = (name or "").strip().replace("’", "'")
    if not name:
        return []
    low = text.lower()
    # A letter that grows when it is made small would shift what comes after it.
    return _spans(text, name) or (_spans(low, name.lower()) if len(low) == len(text) else [])


def _spans(text: str, name: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if not (start and _in_word(text[start - 1])) and not (end < len(text) and _in_word(text[end])):
            found.append((start, end))
        start = text.find(name, start + 1)
    return found


def _in_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


@lru_cache(maxsize=4096)
def read_cues(masked: str, first_person: bool = False, named: bool = True) -> Reading:
    """Read the cues of a masked sentence.

    Args:
        masked: as :func:`mask` gives it; without ``{o}`` the whole sentence counts.
        first_person: the subject is the speaker.
        named: the object is a name: "my partner is Ada" tells of the speaker, "my partner is vegan" does not.
    """
    text = _NOT_EITHER.sub("", masked)
    part = _around(text, _CONTRAST)
    clause = _around(part, _CLAUSE)
    flags: set[Flag] = set()
    if masked.rstrip(" \"'”’)").endswith("?"):
        flags.add("question")
    if _ENDED.search(text):
        flags.add("ended")
    # An ending with "not ... anymore" is an ending, not a denial of what once was.
    if _NEGATED.search(_ENDED.sub(" ", clause)):
        flags.add("negated")
    former = _FORMER.search(part) is not None
    if former or _THEN.search(part) or (_DURATION.search(part) and not _PERFECT.search(part)):
        flags.add("past")
    future = _FUTURE.search(part) is not None
    if future or _POSSIBLE.search(part):
        flags.add("hypothetical")
    if _ADDITIVE.search(part):
        flags.add("additive")
    return Reading(
        frozenset(flags),
        former=former,
        other_subject=_whom(part, first_person, named),
        change=_CHANGE.search(text) is not None,
        indefinite=_INDEFINITE.search(text) is not None,
        stative_past=_STATIVE.search(clause) is not None,
        present=_PRESENT.search(part) is not None,
        future=future
        or re.search(r"\b(?:due|scheduled|going to|upcoming|this (?:summer|winter|week))\b", part)
        is not None,
        ends_object=OBJECT in clause
        and OLD not in text
        and _ENDED.search(clause) is not None
        and _TOWARDS.search(clause) is None,
    )


def vetoes(new: Reading, old: Reading) -> list[Veto]:
    """What keeps the new sentence from replacing the older one; cues that both have do not count."""
    found: list[Veto] = []
    flags = new.flags - old.flags
    if "question" in new.flags:
        found.append("question")
    if "negated" in flags:
        found.append("negated")
    # "As a child she lived in" ends nothing that is told in the past anyway: "died in 1990".
    if "past" in flags and (new.former or old.present):
        found.append("past")
    if "hypothetical" in flags and not (new.future and old.future):
        found.append("hypothetical")
    if new.other_subject not in ("", old.other_subject):
        found.append("other subject")
    if "additive" in flags:
        found.append("additive")
    return found


def _around(text: str, separator: re.Pattern[str]) -> str:
    """The part of a text that holds the object, up to the subject where that comes after; else all of it."""
    parts = [part for part in separator.split(text) if part]
    held = [i for i, part in enumerate(parts) if OBJECT in part]
    if not held:
        return text
    after = [i for i, part in enumerate(parts) if SUBJECT in part and i > held[0]]
    last = after[0] if after and not any(SUBJECT in part for part in parts[: held[0] + 1]) else held[0]
    return " ".join(parts[held[0] : last + 1])


def _whom(text: str, first_person: bool, named: bool) -> str:
    """The person other than the subject that a text speaks of, or nothing."""
    text = _REPORTED.sub("", text)
    found = (_MY_PERSON if first_person else _THEIR_PERSON).search(text)
    if found is None:
        return ""
    # "I live with my sister" and "my doctor switched me" are about the speaker, "my sister lives" is not.
    if first_person and re.search(r"\b(?:i|we|me|us)\b", text):
        return ""
    # "He isn't my boss any more" names no other subject, nor does "took over as my manager".
    if _PREDICATE.search(text[: found.start()]) or (named and _NAMING.match(text, found.end())):
        return ""
    groups = found.groupdict()
    return str(groups.get("who") or groups.get("of") or found.group())
