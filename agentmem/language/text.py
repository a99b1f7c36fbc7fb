"""The analyser: from a text to the words that index and question share.

A word is lower-cased (Unicode case folding, NFKC), loses ``'s`` and accents, is dropped when it is an
English function word, and stemmed by Snowball's English stemmer when it is of ASCII letters. Digits are
words. Words of other scripts with spaces stay as they are. Runs of scripts without spaces, and of Hangul,
whose particles stick to the word, become pairs of neighbouring characters, as Lucene's CJKAnalyzer has it;
a run of one character is a word. (On Chinese messages pairs alone find more than pairs with single
characters, and cutting runs at particles does not help.)

Beside the words a text has *flags*: an integer of bits and a count, see :data:`ASKS` to :func:`length`.
"""

from __future__ import annotations

import itertools
import re
import threading
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import Stemmer
from numpy.typing import NDArray

from agentmem.language.stopwords import SCAFFOLDING, STOP

ANALYSER = "words-1:snowball-english:stop-1:bigrams-1"
"""Fingerprint: two texts analysed under the same one have comparable words."""

ASKS = 1
"""Flag: the text holds a question mark."""
ENDS_ASKING = 2
"""Flag: the text ends in a question mark."""
TIME_WORD = 4
"""Flag: the text says when ("yesterday", "last week", "in 2023", a month, a weekday)."""
FIRST_PERSON = 8
"""Flag: the speaker speaks of him- or herself ("I", "my", "we")."""
REFERS = 16
"""Flag: the text speaks of somebody by a pronoun ("he", "her", "they"), named there or before."""
LENGTH_SHIFT = 16
LENGTH_MAX = 0xFFFF

_LONGEST = 64
_SEEN_MAX = 262_144

Flags = TypeVar("Flags", int, NDArray[np.int64])


@dataclass(frozen=True, slots=True)
class Analysis:
    """What the analyser makes of a text.

    Attributes:
        words: content words in order, repeated as in the text.
        flags: bits :data:`ASKS`, :data:`ENDS_ASKING`, :data:`TIME_WORD`, :data:`FIRST_PERSON`,
            :data:`REFERS`, and from bit 16 on the number of raw words; :func:`length` reads it.
    """

    words: list[str]
    flags: int


# --- flags -----------------------------------------------------------------------------------------


def asks(flags: Flags) -> Flags:
    """1 where the text holds a question mark, else 0; of a number or an array."""
    return flags & ASKS


def ends_asking(flags: Flags) -> Flags:
    """1 where the text ends in a question mark, else 0."""
    return (flags & ENDS_ASKING) >> 1


def time_word(flags: Flags) -> Flags:
    """1 where the text says when, else 0."""
    return (flags & TIME_WORD) >> 2


def first_person(flags: Flags) -> Flags:
    """1 where the text speaks in the first person, else 0."""
    return (flags & FIRST_PERSON) >> 3


def refers(flags: Flags) -> Flags:
    """1 where the text speaks of somebody by a pronoun of the third person, else 0."""
    return (flags & REFERS) >> 4


def length(flags: Flags) -> Flags:
    """The number of raw words, stop words included; two characters of an unspaced script are one word."""
    return (flags >> LENGTH_SHIFT) & LENGTH_MAX


# --- tokens ----------------------------------------------------------------------------------------

_NUMBER = r"\d+(?:[.,:]\d+)+"
_ACRONYM = r"(?:[^\W\d_]\.){2,}"
# Letters and digits; vowel signs and viramas of Indic and south-east Asian scripts, which \w leaves out.
_MARKS = "\u0900-\u0dff\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
_TOKEN = re.compile(rf"{_NUMBER}|{_ACRONYM}|[^\W_]+(?:'[^\W_]+)*")
_TOKEN_MARKED = re.compile(rf"{_NUMBER}|{_ACRONYM}|(?:[^\W_]|[{_MARKS}])+(?:'[^\W_]+)*")

# Punctuation that the fast way may meet outside ASCII: dashes, quotes, bullets, ellipsis.
_ODD = re.compile(
    "[^\x00-\x7f\u2010-\u2015\u2018-\u201f\u2022\u2026\u20ac\u00a3\u00b0\ufe0f\U0001f300-\U0001faff]"
)
_APOSTROPHES = str.maketrans(
    {"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\uff07": "'", "\u201b": "'", "`": "'", "\u00b4": "'"}
)

# Thai and Lao; Burmese; Khmer; Hangul jamo; kana and bopomofo; Han with extensions; Hangul syllables;
# compatibility Han; half-width kana; Han beyond the basic plane.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u3130-\u318f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
"""Character class, without brackets, of the scripts whose runs become pairs of characters."""
_RUNS = re.compile(f"([{UNSPACED}]+)")

_ACCENTED = re.compile("([a-z\u0370-\u03ff])[\u0300-\u036f]+")
# Hebrew and Arabic vowel points, the Arabic lengthening stroke, joiners and soft hyphens.
_POINTS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200b-\u200f\u2060\u00ad]"
)
# Letters that do not decompose: o, l, d, h with stroke, eth, dotless i, ae, oe, thorn.
_LETTERS = str.maketrans(
    {
        "\u00f8": "o",
        "\u0142": "l",
        "\u0111": "d",
        "\u00f0": "d",
        "\u0131": "i",
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u00fe": "th",
        "\u0127": "h",
    }
)

_ELISION = re.compile(r"^(?:[cdjlmnst]|qu)'(?=.)")
_SUFFIX = re.compile(r"'(?:s|d|m|ll|re|ve)$")
_CLOCK = re.compile(r"^(\d{1,2})(?:am|pm)$")
_THOUSANDS = re.compile(r"^\d{1,3}(?:,\d{3})+(?:\.\d+)?$")


def _fold(text: str) -> str:
    """Case-fold, compose by NFKC and take accents off; Cyrillic й and kana keep their marks."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    text = _ACCENTED.sub(r"\1", text).replace("\u0435\u0308", "\u0435")
    return unicodedata.normalize("NFC", _POINTS.sub("", text)).translate(_LETTERS)


class _Stems(dict[str, str]):
    """Tokens seen before -> their word, or "" for a stop word. Bounded; safe to share between threads."""

    def __init__(self) -> None:
        super().__init__()
        # A stemmer keeps state while it works, so that each thread needs its own.
        self._local = threading.local()

    def __missing__(self, token: str) -> str:
        word = self._word(token)
        if len(token) <= _LONGEST:
            if len(self) >= _SEEN_MAX:
                self.clear()
            self[token] = word
        return word

    def _word(self, token: str) -> str:
        if "'" in token:
            if token.endswith("n't"):
                return ""
            token = _ELISION.sub("", _SUFFIX.sub("", token)).replace("'", "")
        if token[0].isdigit():
            if _THOUSANDS.match(token):
                return token.replace(",", "")[:_LONGEST]
            token = _CLOCK.sub(r"\1", token)
        elif "." in token:
            token = token.rstrip(".")
            return "" if token in ("a.m", "p.m", "i.e", "e.g") else token[:_LONGEST]
        token = token[:_LONGEST]
        if token in STOP or not token.isascii():
            return "" if token in STOP else token
        try:
            stemmer = self._local.stemmer
        except AttributeError:
            stemmer = self._local.stemmer = Stemmer.Stemmer("english", 0)
        return str(stemmer.stemWord(token))


_seen = _Stems()
_word_of = _seen.__getitem__


def _tokens(text: str) -> tuple[list[str], bool]:
    """(tokens of a text, folded; whether some belong to a script without spaces)."""
    if text.isascii():
        return _TOKEN.findall(text.lower()), False
    text = text.translate(_APOSTROPHES)
    if not _ODD.search(text):
        return _TOKEN.findall(text.lower()), False
    text = _fold(text)
    return _TOKEN_MARKED.findall(text), _RUNS.search(text) is not None


def _split(tokens: Iterable[str]) -> tuple[list[str], int]:
    """(words, raw length) of tokens among which are unspaced runs."""
    words: list[str] = []
    count = 0.0
    for token in tokens:
        if token.isascii() or not _RUNS.search(token):
            count += 1
            word = _seen[token]
            if word:
                words.append(word)
            continue
        for i, part in enumerate(_RUNS.split(token)):
            if i % 2:
                count += len(part) / 2
                words.extend(map("".join, itertools.pairwise(part)) if len(part) > 1 else part)
            elif part:
                count += 1
                word = _seen[part]
                if word:
                    words.append(word)
    return words, round(count + 0.25)


# --- time words and the first person -----------------------------------------------------------------


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FIRST = _set(
    "i me my mine myself we us our ours ourselves i'm i've i'd i'll we're we've we'd we'll let's im ive"
)
_FIRST_HAN = re.compile("[我咱俺私僕]")
_THIRD = _set(
    "he him his himself she her hers herself they them their theirs themselves he's he'd he'll she's she'd "
    "she'll they're they've they'd they'll"
)
_THIRD_HAN = re.compile("[他她]")

# Words that say when by themselves; "may" and "march" are verbs too, and need a companion.
_TIMES = _set(
    """
    monday tuesday wednesday thursday friday saturday sunday tues thurs
    mondays tuesdays wednesdays thursdays fridays saturdays sundays weekend weekends
    january february april june july august september october november december
    jan feb apr jun jul aug sept oct nov dec
    yesterday today tonight tomorrow ago recently lately
    """
) | frozenset(map(str, range(1900, 2100)))
_UNIT = (
    "days?|weeks?|months?|years?|nights?|mornings?|afternoons?|evenings?|hours?|minutes?|decades?|centur(?:y|ies)|"
    "spring|summer|fall|autumn|winter|quarter|semester|christmas|easter|thanksgiving|halloween|birthday|holidays?"
)
_QUANTITY = (
    "last|next|this|past|previous|coming|following|that|every|each|earlier|few|couple of|two|three|four|five|"
    r"six|seven|eight|nine|ten|\d+"
)
_PHRASE = re.compile(
    rf"\b(?:(?:{_QUANTITY})\s+(?:\w+\s+)?(?:{_UNIT})|(?:in|since|of|by|until|last|next|this|early|late|mid)\s+"
    r"(?:may|march)\b|(?:may|march)\s+\d|\d(?:st|nd|rd|th)?\s+(?:of\s+)?(?:may|march)|the other day|"
    r"the (?:day|week|month|year) (?:before|after)|a while back)"
)
# Any of these must be among the words before the expression above is tried.
_UNITS = _set(
    """
    day days week weeks month months year years night nights morning mornings afternoon afternoons evening
    evenings hour hours minute minutes decade decades century centuries spring summer fall autumn winter
    quarter semester christmas easter thanksgiving halloween birthday holiday holidays may march while
    """
)
_TIMES_HAN = re.compile(
    "[昨今明前后後去]天|[昨今明]日|[昨今明后後去前]年|[上下这這本今来來先]个?個?[周週月年]|星期|礼拜|"
    "[周週][一二三四五六日末]|[0-9一二三四五六七八九十]+[月日号號点點時时]|[0-9]{4}年|刚才|刚刚|最近|以前|之前"
)


def _marks(text: str, tokens: list[str], foreign: bool) -> int:
    """The flag bits of a text, without its length."""
    flags = 0
    if "?" in text or (not text.isascii() and ("\uff1f" in text or "\u061f" in text)):
        flags = ASKS
        if text.rstrip(" \t\r\n\"'\u201d\u2019)*_")[-1:] in ("?", "\uff1f", "\u061f"):
            flags |= ENDS_ASKING
    if not _FIRST.isdisjoint(tokens):
        flags |= FIRST_PERSON
    if not _THIRD.isdisjoint(tokens):
        flags |= REFERS
    if not _TIMES.isdisjoint(tokens) or (not _UNITS.isdisjoint(tokens) and _PHRASE.search(text.lower())):
        flags |= TIME_WORD
    if foreign:
        if _FIRST_HAN.search(text):
            flags |= FIRST_PERSON
        if _THIRD_HAN.search(text):
            flags |= REFERS
        if _TIMES_HAN.search(text):
            flags |= TIME_WORD
    return flags


# --- the analyser ------------------------------------------------------------------------------------


def analyse(text: str) -> Analysis:
    """Words and flags of a text."""
    tokens, foreign = _tokens(text)
    flags = _marks(text, tokens, foreign)
    if foreign:
        words, count = _split(tokens)
    else:
        words, count = list(filter(None, map(_word_of, tokens))), len(tokens)
    return Analysis(words, flags | min(count, LENGTH_MAX) << LENGTH_SHIFT)


def analyse_many(texts: Iterable[str]) -> list[Analysis]:
    """:func:`analyse` of each text."""
    return [analyse(text) for text in texts]


def query_words(text: str) -> list[str]:
    """The words of a question, each once, in order, without what belongs to the asking.

    A question of nothing but scaffolding keeps its words; one of nothing but stop words has none.
    """
    tokens, foreign = _tokens(text)
    kept = [token for token in tokens if token not in SCAFFOLDING]
    words = _split(kept)[0] if foreign else list(filter(None, map(_word_of, kept)))
    if not words:
        words = analyse(text).words
    return list(dict.fromkeys(words))


# --- how much a word says ----------------------------------------------------------------------------


def english_weights(words: Sequence[str]) -> NDArray[np.float64]:
    """ln(rank + 2) / 8 of each word by its rank in an English frequency list; a word not on it comes last."""
    from agentmem.embed.words import ranked_words, stem_rank

    last = ranked_words()
    ranks = [stem_rank(word) for word in words]
    found = np.asarray([last if rank is None else rank for rank in ranks], dtype=np.float64)
    return np.log(found + 2.0) / 8.0


def idf(n: int, df: NDArray[np.int64], words: Sequence[str] | None = None) -> NDArray[np.float64]:
    """How much words tell memories apart: their rarity here times their rarity in English.

    idf(q) = ln(1 + (n - df + ½) / (df + ½))^0.7 · ln(rank + 2) / 8; the first factor is the idf of
    Robertson and Spärck Jones as Lucene smooths it, flattened by the power because a namespace is small.

    Args:
        n: memories of the namespace.
        df: (words,) how many of them hold each word.
        words: the words, for their rank in English; None leaves that factor out.
    """
    here = np.log1p((n - df + 0.5) / (df + 0.5)) ** 0.7
    return here if words is None else here * english_weights(words)
