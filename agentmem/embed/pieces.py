"""Cut long texts into overlapping windows, so that the best window can speak for the text.

A model that reads 256 tokens forgets the rest, and an average over a long text says little of any
part of it. Windows of 110 to 180 words found the needed passage in long documents where whole
documents did not; so a memory has one vector a piece, and its best piece counts.
"""

from __future__ import annotations

import re

from agentmem.embed.scripts import UNSPACED
from agentmem.errors import InvalidInput

LONGEST_WORD = 24

# A unit with the spaces before it: one character of a script written without spaces, or a word; what
# is longer than a word ever is (a link, base64) is cut.
_UNIT = rf"\s*(?:[{UNSPACED}]|[^\s{UNSPACED}]{{1,{LONGEST_WORD}}})"


def pieces(text: str, words: int = 150, step: int = 130) -> list[str]:
    """Cut a text into windows of ``words`` words, each starting ``step`` words after the one before.

    A text of at most ``words`` words is returned whole, as the only piece. Characters of scripts
    without spaces count as words, and so does each 24 characters of a run that is longer than that.
    Every character that is not space is in some piece.

    Args:
        text: any text.
        words: the most words of a piece.
        step: how far a piece starts after the one before it.

    Raises:
        InvalidInput: ``step`` is not in 1 ... ``words``.
    """
    if not 0 < step <= words:
        raise InvalidInput(f"step must be between 1 and words ({words}), not {step}")
    if len(text) <= words:
        return [text]
    if text.isascii() and len(text.split()) + len(text) // LONGEST_WORD <= words:
        return [text]  # surely short enough, and most turns are: no need to count with care
    stride = re.compile(f"(?:{_UNIT}){{1,{step}}}")
    rest = re.compile(f"(?:{_UNIT}){{1,{words - step}}}") if words > step else None
    out = []
    start, limit = 0, len(text.rstrip())
    while start < limit:
        stepped = _end(stride, text, start)
        end = _end(rest, text, stepped) if rest and stepped < limit else stepped
        out.append(text if start == 0 and end >= limit else text[start:end].strip())
        if end >= limit:
            break
        start = stepped
    return out or [text]


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else len(text)
