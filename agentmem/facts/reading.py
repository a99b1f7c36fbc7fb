"""The sentences of a memory that may state a fact, each with its number and what qualifies it.

A memory may be one line, a passage, a chat turn, or a piece of a numbered list whose line ends are lost:
such a list is cut at the *expected next number*, so that "Washington, D.C.. 6. The capital of ..." ends
where 6 begins. A sentence that leans on others ("It was founded by him") states nothing that can be kept
by itself; those with pronouns are left out, which also keeps ordinary talk cheap: most of it is dismissed
by one expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agentmem.facts.cuts import LONGEST
from agentmem.facts.model import Flag
from agentmem.facts.spoken import SELF, spoken

_SHORTEST, _LONGEST = 8, 220
"""Characters of a sentence that is looked at."""

_NUMBER = re.compile(r"(?<!\S)(\d{1,9})[.)]\s+(?=\S)")
_BREAK = re.compile(r"(?<=[.!?])\s+|\n+")
_WHOLE = re.compile(r"[.!?]\s+[A-Z]")
_UNFINISHED = re.compile(
    r"(?:\b(?:[A-Z]|Dr|Mrs?|Ms|St|Jr|Sr|vs|No|Prof|Inc|Mt|Ft|Gen|Col|Lt|Capt)|\.[A-Z])\.$"
)
_STRANGE = re.compile(r"[?:;(){}\[\]=<>|*#_`\t]")
_LEANING = frozenset(
    """
    i i'm i've you you're your yours we we're our us my me mine he she him his her hers it it's its they them
    their theirs this these those here there what how let's please I'm I've I'll I'd
    """.split()
)
_HIS = re.compile(r"\b(?:his|her|its|their)\b")
_FULL_NAME = re.compile(r"[A-Z][\w.-]*[a-z]\s+[A-Z]")
_LEANS = re.compile(
    r"\b(?:i|i'm|i've|you|you're|your|yours|we|we're|our|us|my|me|mine|he|she|him|his|her|hers|it|its|they|them|"
    r"their|theirs|this|these|those|here|there|what|how|let's|please)\b"
    r"|(?:^|[^\w\s]\s*|\b[a-z]\w*\s+)I(?:['’](?!s\b)\w+)?\s+[a-z]|\bI\s+(?!(?:of|is|was)\b)[a-z]"
    r"|^\W*(?:I|You|We|He|She|It|They|This|That|These|Those|There|Here|My|Your|Our|His|Her|Its|Their|What|How|Why|"
    r"If|When|While|But|And|So|Or|Because|Although|Let|Please|Yes|No|Oh|Well|Thanks|Hi|Hello|Hey)"
    r"(?:['’]\w+)?[\s,]+(?:[a-z]|$)"
)
_CUES: tuple[tuple[Flag, re.Pattern[str]], ...] = (
    (
        "ended",
        re.compile(
            r"\b(?:no longer|ceased to|stopped)\b|\b(?:not|[a-z]\w*n['’]t)\b.*\b(?:any ?more|any longer)\b"
        ),
    ),
    ("negated", re.compile(r"\bnot\b|\b[a-z]\w*n['’]t\b|\bnever\b|\bneither\b|\bnor\b")),
    (
        "past",
        re.compile(
            r"\bused to\b|\bformer(?:ly)?\b|\bprevious(?:ly)?\b|\bonce\b|\bex-|\bpast\b|\bback then\b"
        ),
    ),
    (
        "hypothetical",
        re.compile(
            r"\b(?:might|may|could|would|will|if|perhaps|maybe|probably|likely|possibly|plans? to|hopes? to|"
            r"wants? to|going to|expected to|nearly|almost|rumou?red|allegedly|reportedly|should)\b"
        ),
    ),
    ("additive", re.compile(r"\balso\b|\banother\b|\btoo$|\bas well\b|\badditionally\b")),
)
_ANY_CUE = re.compile("|".join(pattern.pattern for _, pattern in _CUES))
_ADVERBS = re.compile(
    r"\s+(?:no longer|not|also|now|currently|formerly|previously|once|still|today|recently|never|nowadays)\b"
    r"(?=\s)"
)
_TAIL = re.compile(
    r",?\s+(?:any ?more|any longer|now|today|too|as well|these days|nowadays|currently|yesterday|recently|"
    r"instead|"
    r"(?:last|this) (?:spring|summer|autumn|fall|winter|week|month|year)|"
    r"(?:an?|a few|some|one|two|three|four|five|six|seven|eight|nine|ten|\d+) "
    r"(?:days?|weeks?|months?|years?) ago)"
    r"(?=[.!]*$)"
)
_NAMED = re.compile(
    r"((?:[A-Z][\w-]*\s+){0,2}[A-Z][\w-]*)['’]s\s+((?:[a-z][a-z-]*\s+)?[a-z][a-z-]*)\s+"
    r"((?:[A-Z][\w-]*\s+){0,2}[A-Z][\w-]*)(?=\s+[a-z]+\s)"
)
_DO = re.compile(r"\s+(?:does|do)(?:n['’]t| not)\s+([a-z]+)")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that may state a fact.

    Attributes:
        sentence: verbatim, without its number.
        core: what is cut: without "no longer", "now", "also" and the like.
        serial: its number, or None.
        flags: what qualifies it.
        about: the subject where a speaker tells of him- or herself or theirs, else None.
        object: what it leads to where ``about`` is known, at the end of ``core``.
        clause: the part of the sentence that tells it, where ``about`` is known.
    """

    sentence: str
    core: str
    serial: int | None
    flags: frozenset[Flag]
    about: str | None = None
    object: str | None = None
    clause: str = ""

    @property
    def known(self) -> tuple[str, str] | None:
        """Subject and object, where they are known."""
        return None if self.about is None or self.object is None else (self.about, self.object)


_PLAIN: frozenset[Flag] = frozenset()


def statements(text: str, speaker: str | None = SELF) -> list[Statement]:
    """The sentences of a memory that may state a fact, in order.

    Args:
        text: the memory's.
        speaker: whom "I" means; None where nobody speaks of him- or herself.
    """
    found: list[Statement] = []
    for serial, part in _numbered(text):
        if speaker is not None:
            for told in spoken(part, speaker):
                found.append(
                    Statement(
                        told.sentence, told.core, serial, told.flags, told.subject, told.object, told.clause
                    )
                )
        for sentence in _sentences(part, serial is not None):
            words = sentence.split(None, LONGEST)
            if not 3 <= len(words) <= LONGEST:
                continue
            if not _LEANING.isdisjoint(words) or _LEANS.search(sentence):
                # "Ada Lind makes her home in Rome" leans on nobody but her.
                rest = _HIS.sub("the", sentence) if _FULL_NAME.match(sentence) else ""
                if not rest or not _LEANING.isdisjoint(rest.split()) or _LEANS.search(rest):
                    continue
            flags = _flags(sentence) if _ANY_CUE.search(sentence) else _PLAIN
            core = _core(sentence)
            named = _NAMED.match(core) if "'s " in core or "’s " in core else None
            if named is not None:  # "Ada's sister Clara lives in Rome"
                whose, what, who = named.groups()
                called = f"{whose}'s {what} is called {who}"
                found.append(Statement(sentence, called, serial, _PLAIN, whose, who))
                core = core[named.start(3) :]
            found.append(Statement(sentence, core, serial, flags))
    return found


def _sentences(text: str, item: bool) -> list[str]:
    """Sentences that end in a full stop; a short text or item of a list of only one is one without, too."""
    if len(text) <= _LONGEST and "\n" not in text.strip() and (item or not _WHOLE.search(text)):
        text = text.strip()
        return (
            [text]
            if len(text) >= _SHORTEST and "?" not in text and (item or not _STRANGE.search(text))
            else []
        )
    found: list[str] = []
    begun = ""
    for part in _BREAK.split(text):
        sentence = f"{begun} {part}" if begun else part
        begun = ""
        if not sentence.endswith("."):
            continue
        if _UNFINISHED.search(sentence[-8:]) and len(sentence) < _LONGEST:
            begun = sentence
        elif _SHORTEST <= len(sentence) <= _LONGEST and not _STRANGE.search(sentence):
            found.append(sentence)
    if begun and len(begun) >= _SHORTEST and not _STRANGE.search(begun):
        found.append(begun)
    return found


def _flags(sentence: str) -> frozenset[Flag]:
    flags: set[Flag] = {flag for flag, pattern in _CUES if pattern.search(sentence)}
    if "ended" in flags:
        flags.discard("negated")
    return frozenset(flags)


def _core(sentence: str) -> str:
    core = _ADVERBS.sub("", _TAIL.sub("", _DO.sub(_third, sentence)))
    return core[:-1] if core.endswith("!") else core


def _third(match: re.Match[str]) -> str:
    """The third person of a verb: "does not work" as "works"."""
    verb = match.group(1)
    return f" {verb}{'es' if verb.endswith(('s', 'sh', 'ch', 'x', 'z', 'o')) else 's'}"


def _numbered(text: str) -> list[tuple[int | None, str]]:
    """The items of a numbered list with their numbers; a text that is none is one item without."""
    marks = [(int(m.group(1)), m.start(), m.end()) for m in _NUMBER.finditer(text)]
    if not marks:
        return [(None, text)]
    kept = _run(marks)
    if len(kept) < 2 and marks[0][1] != 0:
        return [(None, text)]
    if len(kept) < 2:
        kept = marks[:1]
    items: list[tuple[int | None, str]] = [(None, text[: kept[0][1]])] if kept[0][1] else []
    ends = [start for _, start, _ in kept[1:]] + [len(text)]
    items += [(number, text[begin:end].strip()) for (number, _, begin), end in zip(kept, ends, strict=True)]
    number, last = items[-1]
    line, _, rest = last.partition("\n")  # what follows the list is none of its last item
    return [*items[:-1], (number, line), (None, rest)] if rest else items


def _run(marks: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The numbers that follow one another by one, from the first that has a successor."""
    later = {number for number, _, _ in marks}
    run: list[tuple[int, int, int]] = []
    for mark in marks:
        if (run and mark[0] == run[-1][0] + 1) or (not run and mark[0] + 1 in later):
            run.append(mark)
    return run
