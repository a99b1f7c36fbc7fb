"""Which texts the packaged English models can read at all."""

from __future__ import annotations

import re

LIMIT = 0.2

# Thai; Hangul jamo; kana, bopomofo and compatibility jamo; Han with extensions; Hangul syllables;
# compatibility Han; half-width kana and jamo; Han beyond the basic plane.
_RANGES = (
    "\u0e00-\u0e7f\u1100-\u11ff\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
UNSPACED = _RANGES
"""Character class (without brackets) of the scripts meant by :func:`is_foreign`."""

_FOREIGN = re.compile(f"[{_RANGES}]+")
_LETTERS = re.compile(r"[^\W\d_]+")


def is_foreign(text: str) -> bool:
    """Tell whether over a fifth of the letters are Han, kana, hangul or Thai.

    To a model with an English vocabulary such a text is a row of unknown tokens, and its vector
    noise that resembles every other such text.
    """
    if text.isascii():
        return False
    foreign = sum(map(len, _FOREIGN.findall(text)))
    if not foreign:
        return False
    return foreign > LIMIT * sum(map(len, _LETTERS.findall(text)))
