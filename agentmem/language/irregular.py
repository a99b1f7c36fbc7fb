"""English verbs whose past is another word: "sold" of "sell", "bought" of "buy".

A stemmer leaves these apart. Verbs that are function words (be, have, do, go, get, can) are not listed, nor
those whose forms have one stem.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from agentmem.language.text import analyse

_VERBS = """
    arise arose arisen, awake awoke awoken, bear bore borne born, beat beaten, become became, begin began
    begun, bend bent, bind bound, bite bit bitten, bleed bled, blow blew blown, break broke broken, breed
    bred, bring brought, build built, burn burnt, buy bought, catch caught, choose chose chosen, cling
    clung, come came, creep crept, deal dealt, dig dug, draw drew drawn, dream dreamt, drink drank drunk,
    drive drove driven, eat ate eaten, fall fell fallen, feed fed, feel felt, fight fought, find found,
    flee fled, fly flew flown, forbid forbade forbidden, forget forgot forgotten, forgive forgave
    forgiven, freeze froze frozen, give gave given, grind ground, grow grew grown, hang hung, hear heard,
    hide hid hidden, hold held, keep kept, kneel knelt, know knew known, lay laid, lead led, leap leapt,
    learn learnt, leave left, lend lent, lie lain, light lit, lose lost, make made, mean meant, meet met,
    pay paid, ride rode ridden, ring rang rung, rise rose risen, run ran, say said, see saw seen, seek
    sought, sell sold, send sent, sew sewn, shake shook shaken, shine shone, shoot shot, show shown,
    shrink shrank shrunk, sing sang sung, sink sank sunk, sit sat, sleep slept, slide slid, smell smelt,
    speak spoke spoken, speed sped, spell spelt, spend spent, spill spilt, spin spun, split, spring sprang
    sprung, stand stood, steal stole stolen, stick stuck, sting stung, strike struck stricken, strive
    strove striven, swear swore sworn, sweep swept, swell swollen, swim swam swum, swing swung, take took
    taken, teach taught, tear tore torn, tell told, think thought, throw threw thrown, understand
    understood, wake woke woken, wear wore worn, weave wove woven, weep wept, win won, wind wound,
    withdraw withdrew withdrawn, write wrote written
"""


@cache
def _forms() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for verb in _VERBS.split(","):
        stems = frozenset(stem for form in verb.split() for stem in analyse(form).words)
        for stem in stems:
            found[stem] = found.get(stem, frozenset()) | stems
    return found


def other_forms(stem: str) -> frozenset[str]:
    """The stems of a verb's other forms: of "sell", {"sold"}; empty for a regular verb."""
    return _forms().get(stem, frozenset()) - {stem}
