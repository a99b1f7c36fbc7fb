"""What speakers say of themselves, as a statement about them: "I live in Rome" is "Ada lives in Rome".

Only short sentences with a verb of what lasts ("live", "work as", "moved to"), "I am" and "my ... is":
talk about the moment ("I went there, it was fun") is no fact that a later one would replace.
"""

from __future__ import annotations

import re

SELF = "I"
"""The subject of what is said by nobody in particular."""

_LONGEST = 12
_SELF = re.compile(r"^(?:Well, |So, |Yes, |Yeah, |Oh, )?(I['’]m|I am|I['’]ve|I|My)\s+(?=[^\s])")
_OTHERS = re.compile(
    r"\b(?:I|i|me|my|mine|myself|you|your|yours|we|our|us|he|she|him|his|her|hers|it|its|it's|they|them|their|"
    r"this|that|these|those|here|there|what|who|which|when|while|because|but|so|if)\b|[?:;(){}\[\]=<>|*#_`\t,]"
)
_LASTING = frozenset("live work study teach speak play own drive attend rent".split())
_LASTED = frozenset("moved joined bought adopted married switched relocated".split())
_STATES = frozenset("a an the from based married engaged allergic".split())
_BETWEEN = frozenset("now also still currently recently just no longer".split())


def spoken(sentence: str, name: str) -> str | None:
    """A first-person sentence as one about ``name``, or None where it is none that lasts."""
    begun = _SELF.match(sentence)
    if begun is None:
        return None
    rest = sentence[begun.end() :]
    words = rest.split()
    if not 2 <= len(words) <= _LONGEST or _OTHERS.search(rest):
        return None
    start = begun.group(1)
    if start == "My":
        return f"{name}'s {rest}" if any(word in ("is", "are", "was") for word in words[1:]) else None
    if start in ("I'm", "I’m", "I am"):
        return f"{name} is {rest}" if words[0] in _STATES else None
    before = []
    while words and words[0] in _BETWEEN:
        before.append(words.pop(0))
    if not words:
        return None
    if words[0] in _LASTED:
        verb = words[0]
    elif words[0] in _LASTING and start == "I":
        verb = words[0] + ("es" if words[0].endswith(("s", "ch", "sh")) else "s")
        verb = re.sub(r"([^aeiou])ys$", r"\1ies", verb)
    else:
        return None
    return " ".join((name, *before, verb, *words[1:]))
