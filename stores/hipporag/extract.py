"""Reading passages and questions without a language model: names, and relations between them.

No model is needed, and none is imitated: names are capitalised spans, quoted titles, years, and runs of
scripts that know no capitals; a relation is what stands between two names of one sentence. The first line
of a passage that is a title is a name, and related to the names of each sentence. Of a chat turn, "I" is
its speaker, and its speaker is related to what the turn speaks of, so that all users' turns do not meet in
one node "i".
"""

from __future__ import annotations

import re
from itertools import pairwise

from agentmem.language.stopwords import SCAFFOLDING, STOP
from agentmem.language.text import UNSPACED
from agentmem.memory import Memory
from agentmem.stores.hipporag.phrases import Extraction, Triple, phrase

MAKER = "rules-1"
"""Counted up whenever the rules change what is read."""

_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de\u0386-\u038f\u0391-\u03ab\u0400-\u042f\u0531-\u0556"
_WORD = r"[^\W_]+(?:['\u2019.\-&][^\W_]+)*"
_NAME = rf"(?:[{_UPPER}][^\W_]*(?:['\u2019.\-&][^\W_]+)*\.?)"
_INNER = r"(?:of|the|de|la|le|du|des|del|di|da|dos|von|van|der|den|el|al|bin|ibn|&)"
# A name: capitalised words with small words of names between them, and numbers behind.
_SPAN = re.compile(rf"{_NAME}(?:(?:\s+{_INNER}){{0,2}}\s+(?:{_NAME}|\d+(?:st|nd|rd|th)?\b))*")
_QUOTED = re.compile(
    r"[\"\u201c\u00ab\u300c\u300e\u300a]"
    r"([^\"\u201c\u201d\u00bb\u300d\u300f\u300b]{2,60})[\"\u201d\u00bb\u300d\u300f\u300b]"
)
_YEAR = re.compile(r"\b(?:1\d|20)\d\d\b")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc]{2,}")
_RUN = re.compile(f"[{UNSPACED}]{{2,}}")
_PARTICLES = re.compile("[的了是在和与及也都就着过把被对从到给\u3041-\u309f，。、]+")
_SENTENCE = re.compile(r"(?<=[.!?])[\"\u201d')]?\s+(?=[^a-z])|[\n\r。！？]+")
_LATIN = re.compile("[A-Za-z]")
_SMALL = re.compile(rf"{_WORD}")
_I = re.compile(r"^(?:I|I'm|I've|I'd|I'll|Me|My|We|We're|We've|Our)$")
_LONGEST_NAME = 12
_FEW = 5


def extract(memory: Memory) -> Extraction:
    """Entities and triples of a memory."""
    title, body = _titled(memory)
    entities: dict[str, None] = {}
    triples: list[Triple] = []
    about = title or memory.speaker
    for sentence in _SENTENCE.split(body):
        if not sentence.strip():
            continue
        spans = names(sentence)
        here = [name for name, _, _ in spans]
        entities.update(dict.fromkeys(here))
        for (one, _, end), (other, start, _) in pairwise(spans):
            triples.append((one, _between(sentence[end:start]), other))
        if memory.speaker:
            topics = list(dict.fromkeys([*here, *_topics(sentence)]))
            entities.update(dict.fromkeys(topics))
            triples += [(memory.speaker, "said", topic) for topic in topics]
        elif title:
            last = 0
            for name, start, end in spans:
                triples.append((title, _between(sentence[last:start]), name))
                last = end
            if not spans:
                triples += [(title, "", topic) for topic in _topics(sentence)]
        elif not spans:
            entities.update(dict.fromkeys(_topics(sentence)))
    if about:
        entities = {about: None, **entities}
    kept = [
        t for t in dict.fromkeys(triples) if phrase(t[0]) and phrase(t[2]) and phrase(t[0]) != phrase(t[2])
    ]
    return Extraction(tuple(kept), tuple(entities))


def question_entities(question: str) -> list[str]:
    """The names in a question: capitalised spans without the words that ask, quoted titles, years."""
    found = [name for name, _, _ in names(question)]
    if found:
        return list(dict.fromkeys(found))
    return _topics(question)


def names(sentence: str) -> list[tuple[str, int, int]]:
    """(name, start, end) of the names of a sentence, in order and without overlap."""
    spans: list[tuple[str, int, int]] = []
    for match in _QUOTED.finditer(sentence):
        spans.append((match.group(1).strip(), match.start(), match.end()))
    if _LATIN.search(sentence) or not _RUN.search(sentence):
        first = len(sentence) - len(sentence.lstrip())
        for match in _SPAN.finditer(sentence):
            spans.extend(_trimmed(match.group(), match.start(), match.start() <= first))
        spans.extend((m.group(), m.start(), m.end()) for m in _YEAR.finditer(sentence))
    for run in _RUN.finditer(sentence):
        foreign = [(m.group(), m.start(), m.end()) for m in _KATAKANA.finditer(run.group())]
        place = 0
        for part in _PARTICLES.split(run.group()):
            at = run.group().find(part, place)
            place = at + len(part)
            if 2 <= len(part) <= _LONGEST_NAME:
                foreign.append((part, at, place))
        spans.extend((text, run.start() + a, run.start() + b) for text, a, b in foreign)
    spans.sort(key=lambda span: (span[1], -span[2]))
    kept: list[tuple[str, int, int]] = []
    for span in spans:
        if span[0] and (not kept or span[1] >= kept[-1][2]):
            kept.append(span)
    return kept


def _trimmed(text: str, start: int, opens: bool) -> list[tuple[str, int, int]]:
    """A capitalised span without function words at its ends; of a sentence's first word be suspicious."""
    while True:
        head = re.match(_WORD, text)
        if head is None:
            return []
        word = head.group()
        plain = word.lower().replace("\u2019", "'").split("'")[0]
        alone = head.end() == len(text.rstrip("."))
        if (
            _I.match(word.replace("\u2019", "'"))
            or (plain in STOP and not (word.isupper() and len(word) > 1))
            or (opens and (plain in SCAFFOLDING or (alone and plain in _OPENERS)))
        ):
            rest = text[head.end() :].lstrip(" .'\u2019-&")
            if not rest or rest == text:
                return []
            start += len(text) - len(rest)
            text = rest
            if not text[0].isupper() and not text[0].isdigit():
                following = re.search(rf"[{_UPPER}\d]", text)
                if following is None:
                    return []
                start += following.start()
                text = text[following.start() :]
            opens = False
            continue
        break
    whole = len(text)
    text = re.sub(r"['\u2019]s$", "", text.rstrip(". "))
    parts = []
    for part in re.finditer(r"(?:(?!['\u2019]s\s).)+(?:['\u2019]s\s+)?", text):  # Ada's Lisbon: two names
        name = re.sub(r"['\u2019]s\s*$", "", part.group()).strip()
        if name:
            parts.append((name, start + part.start(), start + min(whole, part.end())))
    return parts


_OPENERS = frozenset(
    "however although though thus also today yesterday tomorrow meanwhile yes no yeah hey hi hello thanks "
    "thank wow oh well sure please great good nice congrats sorry maybe perhaps since during there then "
    "currently originally according first later after before despite many most several other another "
    "name list tell give describe".split()
)


def _titled(memory: Memory) -> tuple[str | None, str]:
    """(title, text under it): of the metadata, or a first line that ends as no sentence does."""
    given = memory.metadata.get("title")
    first, newline, rest = memory.text.partition("\n")
    if isinstance(given, str) and given.strip():
        return given.strip(), rest if newline and phrase(first) == phrase(given) else memory.text
    if memory.speaker is None and newline and rest.strip() and 0 < len(first.split()) <= 15:
        if first.strip()[-1:] not in (".", "?", "!", ":", ",", ";", ""):
            return first.strip(), rest
    return None, memory.text


def _between(text: str) -> str:
    """The relation: the words between two names, the last few of them."""
    words = _SMALL.findall(text)
    return " ".join(words[-_FEW:]) if words else ","


def _topics(sentence: str) -> list[str]:
    """Content words of a sentence without names: the longest few, in order."""
    words = [w for w in _SMALL.findall(sentence) if len(w) > 3 and _content(w)]
    chosen = set(sorted(dict.fromkeys(words), key=lambda w: (-len(w), w))[:_FEW])
    return [w for w in dict.fromkeys(words) if w in chosen]


def _content(word: str) -> bool:
    plain = word.lower().replace("\u2019", "'").split("'")[0]
    return plain not in STOP and plain not in SCAFFOLDING and not word[0].isdigit()
