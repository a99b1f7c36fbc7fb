"""Verbs of what people tell of themselves: which last, which change what lasts, which end it; their forms.

General English. A lasting verb in the simple present ("I live", "she teaches") says how things stand, one of
change in the past ("I moved", "I joined") how they stand since, one of ending ("I quit") that they do no
more. What only happened ("I went", "I saw") is not among them: no later statement would replace it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LASTING = """
    live work study learn teach speak play own drive attend rent run lead manage coach train volunteer serve
    commute cycle drink eat wear use take collect support follow practise practice prefer love like enjoy hate
    dislike adore come go date code bank breed grow sing write paint cook bake brew sell report belong weigh
    earn reside share read watch
"""
_IRREGULAR = """
    taught:teach learnt:learn spoke:speak spoken:speak drove:drive driven:drive ran:run led:lead drank:drink
    drunk:drink ate:eat eaten:eat wore:wear worn:wear took:take taken:take sang:sing sung:sing wrote:write
    written:write bred:breed came:come
"""
_CHANGES = """
    moved joined bought adopted married switched relocated became become started transferred converted
    inherited enrolled changed upgraded retrained qualified graduated founded
"""
_ENDS = """
    quit left sold stopped cancelled canceled dropped deleted abandoned divorced resigned retired lost
"""
_ENDS_WITH = (
    "gave up,given up,moved out,gave away,given away,got rid,broke up,split up,stepped down,dropped out"
)

LASTING = frozenset(_LASTING.split())
"""Base forms of verbs of what lasts."""
CHANGES = frozenset(_CHANGES.split())
"""Past forms of verbs after which something else holds."""
ENDS = frozenset(_ENDS.split())
"""Past forms of verbs after which something holds no more."""
ENDS_WITH = frozenset(_ENDS_WITH.split(","))
"""The same with what belongs to them: "gave up"."""
PARTICLES = frozenset("up over back on in".split())
"""What may belong to a verb of change: "moved back to", "switched over to"."""
PLACED = frozenset("live work study learn teach play volunteer train coach serve run".split())
"""Lasting verbs that say where beside what: "teach chemistry at a school"."""
UNDER_WAY = frozenset("live work study learn teach attend commute train rent reside volunteer date".split())
"""Lasting verbs of which the progressive says the same: "I'm living in", but not "I'm eating"."""
IN_HAND = frozenset("play read watch use".split())
"""Verbs of which the progressive tells of a thing with a name: "I'm reading Emma"."""
STAYING = frozenset("live work study teach own rent manage coach lead serve volunteer drive".split())
"""Lasting verbs whose past tells of a time that is over, not of an occasion."""
INTRANSITIVE = (
    frozenset("live work go come bank commute cycle volunteer serve reside belong report".split())
    | frozenset("moved relocated switched transferred converted graduated retired resigned started".split())
    | frozenset("enrolled changed upgraded retrained qualified".split())
)
"""Verbs that lead to things by prepositions alone."""
TOWARDS = CHANGES | frozenset("go commute report belong".split())
"""Verbs after which "to" leads to a name, not to another verb."""
LIKING = frozenset("prefer love like enjoy hate dislike adore".split())
"""Verbs of liking; "the" of what they lead to is mostly of the talk."""

_WORK = """
    accountant actor actress architect artist baker banker barber barista bartender biologist bookkeeper
    bricklayer builder butcher carer caretaker carpenter cashier chef chemist cleaner clerk coach consultant
    cook coordinator counselor counsellor courier decorator designer detective developer director doctor
    driver editor electrician engineer farmer firefighter fisherman florist freelancer gardener geologist
    guard hairdresser historian illustrator instructor interpreter janitor jeweller journalist judge lawyer
    lecturer librarian lifeguard locksmith manager mechanic midwife miner model musician nanny nurse
    nutritionist officer optician painter paramedic pharmacist photographer physician physicist
    physiotherapist pilot plumber policeman policewoman politician porter postman potter printer professor
    programmer psychologist realtor receptionist recruiter reporter researcher roofer sailor salesman
    saleswoman scientist secretary soldier solicitor surgeon surveyor tailor tattooist teacher technician
    therapist trainer translator tutor vet waiter waitress watchmaker welder writer
"""
WORK = frozenset(_WORK.split())
"""What people are by profession."""


def either(words: Iterable[str]) -> str:
    """A regular expression for any of some words, grouped by their first letters, as it is read faster."""
    groups: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        groups.setdefault(word[:1], []).append(re.escape(word[1:]))
    return "(?:" + "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in groups.items()) + ")"


def _regular(base: str) -> tuple[str, str, str]:
    """Third person, past and gerund of a verb that is formed by rule."""
    if base.endswith("y") and base[-2] not in "aeiou":
        return f"{base[:-1]}ies", f"{base[:-1]}ied", f"{base}ing"
    third = base + ("es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")
    if base.endswith("e"):
        return third, f"{base}d", f"{base[:-1]}ing"
    return third, f"{base}ed", f"{base}ing"


_FORMS = {base: _regular(base) for base in LASTING}
THIRD = {base: forms[0] for base, forms in _FORMS.items()}
"""Base form -> third person."""
PAST = {forms[1]: base for base, forms in _FORMS.items()} | dict(
    pair.split(":") for pair in _IRREGULAR.split()
)
"""Past form or participle -> base form."""
GERUND = {forms[2]: base for base, forms in _FORMS.items()} | {"running": "run", "seeing": "date"}
"""Form in -ing -> base form."""
SAID = {third: base for base, third in THIRD.items()}
"""Third person -> base form."""
