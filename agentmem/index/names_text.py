"""Names in a text, read without a model: capitalised spans, and their like in scripts without capitals.

A *name* is known by its normal form (case, accents, dots, possessive and a leading "the" taken off) and
kept as a 64-bit key. A span of several words gives its own key, those of the runs of two and more words
inside it, and those of its single words, marked as parts. What is a name and what is only a capital at the
beginning of a sentence, is decided where the keys are used: by how often, and how, they recur.

Where a script has no capitals, the counterparts are what stands in quotation marks, runs of katakana, runs
of Han between the commonest particles, and words of the other scripts; they count only while they are rare.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from zlib import adler32, crc32

from agentmem.language.stopwords import STOP

WHOLE: Final = 1
"""The name stands by itself, not as a part of a longer one."""
INSIDE: Final = 2
"""It stands capitalised inside a sentence at least once, or is a part of a name of several words."""
SINGLE: Final = 4
"""It is one word: a capital at the beginning of a sentence says nothing."""
UNCASED: Final = 8
"""Its script has no capitals."""

LONGEST: Final = 8
"""Words of a name at most."""
_REMEMBERED = 65_536
_TITLE_LENGTH = 100
_TITLE_WORDS = 14

_UPPER = "".join(
    chr(code) for start, end in ((65, 91), (0xC0, 0x590), (0x1E00, 0x2000)) for code in range(start, end)
    if chr(code).isupper()
)  # fmt: skip
_TAIL = r"[^\W_]*(?:['\u2019.&-][^\W_]+)*"
_ABBREVIATED = r"(?:[A-Z]|St|Mr|Mrs|Ms|Dr|Jr|Sr|Mt|Ft|Lt|Col|Gen|Capt|Sgt|Prof|Rev|Hon|No)\."
_SMALL = r"of|the|de|la|le|du|des|del|di|da|dos|von|van|der|den|el|al|bin|ibn|y|e|&"


def _span(upper: str) -> re.Pattern[str]:
    word = rf"(?:{_ABBREVIATED}|[{upper}]{_TAIL})"
    return re.compile(rf"{word}(?:(?: (?:{_SMALL})){{0,2}} (?:{word}|\d+(?![\w.,])))*")


_SPAN_ASCII = _span("A-Z")
_SPAN_ANY = _span(_UPPER)
_WORD = re.compile(r"[^\W_]+(?:['\u2019.&-][^\W_]+)*\.?")
_LETTERS = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile(r"['\u2019]s?$")
_PARENTHESIS = re.compile(r"\s*[(\uff08][^()\uff08\uff09]*[)\uff09]\s*$")

_KATAKANA = "\u30a1-\u30fa\u30fc"
_HAN = "\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SPACED = "\u0590-\u06ff\u0750-\u077f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\uac00-\ud7a3"
_FOREIGN = re.compile(f"[{_KATAKANA}{_HAN}{_SPACED}]")
_PARTICLES = "的了是在和与及也都就着过把被对从到给我你他她它们这那有很不吗呢吧啊上下说去来想会要"
_QUOTED = re.compile(
    '["\u201c\u00ab\u300c\u300e\u300a]'
    '([^"\u201c\u201d\u00ab\u00bb\u300c\u300d\u300e\u300f\u300a\u300b\n]{2,40})'
    '["\u201d\u00bb\u300d\u300f\u300b]'
)
_RUN = re.compile(f"[{_KATAKANA}]{{2,}}|(?:(?![{_PARTICLES}])[{_HAN}]){{2,8}}|[{_SPACED}]{{2,}}")
_ENDS = frozenset(".!?:;\u2026\u3002\uff01\uff1f")
_OPENS = frozenset('\n"\u201c\u2018(\u300c*-\u2022\u2014')


class Mention(NamedTuple):
    """A name in a text.

    Attributes:
        key: of its normal form.
        bits: :data:`WHOLE`, :data:`INSIDE`, :data:`SINGLE`, :data:`UNCASED`.
        start, end: where it stands.
    """

    key: int
    bits: int
    start: int
    end: int


# --- normal forms and keys ---------------------------------------------------------------------------


def normal(name: str) -> str:
    """The form under which names are equal; empty for what holds no letter or digit.

    >>> normal("The J. R. R. Tolkien Society's"), normal("Beyoncé")
    ('jrr tolkien society', 'beyonce')
    """
    name = _POSSESSIVE.sub("", name.strip())
    name = name.lower() if name.isascii() else _fold(name)
    words = _LETTERS.findall(
        name.replace(".", " " if "." in name[:-1] else "").replace("'", "").replace("\u2019", "")
    )
    if len(words) > 1:
        joined: list[str] = []
        open_initials = False
        for word in words:
            letter = len(word) == 1 and word.isalpha()
            if letter and open_initials:
                joined[-1] += word
            else:
                joined.append(word)
            open_initials = letter
        words = joined[1:] if joined[0] == "the" and len(joined) > 1 else joined
    return " ".join(words)


def _fold(name: str) -> str:
    folded = _ACCENTS.sub("", unicodedata.normalize("NFKD", name.casefold()))
    return unicodedata.normalize("NFC", folded)


def key_of(name: str) -> int:
    """The key of a name in any form; 0 for what holds no letter or digit."""
    return _hashed(normal(name))


def _hashed(form: str) -> int:
    """64 bits of two checksums of different kinds: the same in every process, and quick."""
    data = form.encode("utf-8", "surrogatepass")
    return crc32(data) << 32 | adler32(data) if data else 0


# --- titles ------------------------------------------------------------------------------------------


def title_of(text: str, metadata_title: Any = None) -> str | None:
    """The title of a text: the one given, else a short first line that is followed by more text.

    Args:
        text: the text.
        metadata_title: what its metadata has under ``"title"``, of any type.
    """
    if isinstance(metadata_title, str) and metadata_title.strip():
        return metadata_title.strip()[:_TITLE_LENGTH]
    end = text.find("\n", 0, _TITLE_LENGTH + 1)
    if end <= 0:
        return None
    line = text[:end].strip()
    if not line or line[-1] in ".!?,;:\u3002\uff01\uff1f\uff0c" or len(line.split()) > _TITLE_WORDS:
        return None
    return line if len(text) - end > max(len(line), 20) and text[end:].strip() else None


def title_keys(title: str) -> list[int]:
    """The keys by which a title may be named: itself, and without what stands in parentheses behind it."""
    forms = dict.fromkeys((normal(title), normal(_PARENTHESIS.sub("", title))))
    return [_hashed(form) for form in forms if len(form) > 1]


# --- mentions ----------------------------------------------------------------------------------------


class _Spans(dict[str, tuple[tuple[int, int, int, int], ...]]):
    """Spans seen before -> (key, bits, start, end) of all names in them. Bounded; safe for threads."""

    def __missing__(self, span: str) -> tuple[tuple[int, int, int, int], ...]:
        found = tuple(_names_of(span))
        if len(self) >= _REMEMBERED:
            self.clear()
        self[span] = found
        return found


_spans = _Spans()


def keys_of(text: str) -> dict[int, int]:
    """Key -> bits of all names in a text; bits of several mentions are joined."""
    found: dict[int, int] = {}
    spans = _spans
    get = found.get
    ascii_only = text.isascii()
    for match in (_SPAN_ASCII if ascii_only else _SPAN_ANY).finditer(text):
        names = spans[match.group()]
        if not names:
            continue
        inside = 0 if _begins(text, match.start()) else INSIDE
        for key, bits, first, _ in names:
            found[key] = get(key, 0) | bits | (inside if not first else INSIDE)
    if not ascii_only and _FOREIGN.search(text):
        for key, bits, _, _ in _uncased(text):
            found[key] = get(key, 0) | bits
    return found


def mentions(text: str) -> list[Mention]:
    """All names of a text, those inside others too, in order of their beginning."""
    found: list[Mention] = []
    ascii_only = text.isascii()
    for match in (_SPAN_ASCII if ascii_only else _SPAN_ANY).finditer(text):
        start = match.start()
        inside = 0 if _begins(text, start) else INSIDE
        for key, bits, first, last in _spans[match.group()]:
            found.append(Mention(key, bits | (inside if not first else INSIDE), start + first, start + last))
    if not ascii_only and _FOREIGN.search(text):
        found += _uncased(text)
    return sorted(found, key=lambda one: (one.start, -one.end))


def _begins(text: str, start: int) -> bool:
    """Whether a sentence, a line or a quotation begins at a place."""
    if start < 2:
        return start == 0 or text[0] in _OPENS
    before = text[start - 1]
    return before in _OPENS or (before == " " and (text[start - 2] in _ENDS or text[start - 2] in _OPENS))


def _names_of(span: str) -> Iterator[tuple[int, int, int, int]]:
    """The names of a capitalised span: its runs of words that begin and end in one that is no stop word."""
    words = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(span)]
    plain = [not _is_stop(word) for word, _, _ in words]
    while words and not plain[0]:
        words, plain = words[1:], plain[1:]
    while words and not plain[-1]:
        words, plain = words[:-1], plain[:-1]
    if not words or len(words) > 4 * LONGEST:
        return
    n = len(words)
    for first in range(n):
        for last in range(first + 1, min(n, first + LONGEST) + 1):
            if not (plain[first] and plain[last - 1]):
                continue
            form = normal(span[words[first][1] : words[last - 1][2]])
            if len(form) < 2 or (last - first == 1 and form.isdigit()):
                continue
            bits = WHOLE if last - first == n else 0
            bits |= SINGLE if " " not in form else INSIDE
            yield _hashed(form), bits, words[first][1], words[last - 1][2]


def _is_stop(word: str) -> bool:
    lowered = word.lower().rstrip(".")
    return lowered.replace("'", "").replace("\u2019", "") in STOP and not (len(word) > 1 and word.isupper())


def _uncased(text: str) -> Iterator[Mention]:
    """What stands for names in scripts without capitals."""
    whole = WHOLE | INSIDE | UNCASED
    for match in _QUOTED.finditer(text):
        if _FOREIGN.search(match.group(1)):
            yield Mention(key_of(match.group(1)), whole, *match.span(1))
    for match in _RUN.finditer(text):
        yield Mention(key_of(match.group()), whole, *match.span())


# --- where titles may stand --------------------------------------------------------------------------


def title_spots(text: str) -> list[Mention]:
    """Every run of up to eight words in which a title may stand: it begins with a capital or a digit.

    In texts without capitals, every run of 2 to 12 characters. Only :attr:`Mention.key`, ``start`` and
    ``end`` say something.
    """
    found: list[Mention] = []
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    for i, (start, _) in enumerate(words):
        if not (text[start].isupper() or text[start].isdigit()):
            continue
        for j in range(i, min(i + LONGEST, len(words))):
            if j > i and text[words[j - 1][1] : words[j][0]].strip(" \u00a0'\"\u201c\u201d,&-") != "":
                break
            if j == i and _is_stop(text[start : words[j][1]]):
                continue
            form = normal(text[start : words[j][1]])
            if len(form) > 1:
                found.append(Mention(_hashed(form), 0, start, words[j][1]))
    if not text.isascii() and _FOREIGN.search(text):
        for run in re.finditer(f"[{_KATAKANA}{_HAN}{_SPACED}\u3041-\u309f]+", text):
            for start in range(run.start(), run.end()):
                for end in range(start + 2, min(start + 12, run.end()) + 1):
                    found.append(Mention(key_of(text[start:end]), UNCASED, start, end))
    return found


def question_spots(text: str) -> list[Mention]:
    """As :func:`title_spots` of a question, whose writer need not mind capitals: every run of words."""
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    found = []
    for i, (start, _) in enumerate(words):
        for j in range(i, min(i + LONGEST + 4, len(words))):
            form = normal(text[start : words[j][1]])
            if len(form) > 1 and not (j == i and _is_stop(text[start : words[j][1]])):
                found.append(Mention(_hashed(form), 0, start, words[j][1]))
    if not text.isascii():
        found += [one for one in title_spots(text) if one.bits & UNCASED]
    return found
