"""Consolidation's part in facts: which wordings mean one relation, asked once a pair and kept.

With ``updates="strict"`` nothing is asked. Else the pairs of wordings of standing proposals are settled
where the facts themselves agree on enough subjects, and, with a language model, by one call a pair. What
is found is written as a correction of its author, gone with ``undo(run)`` or by itself; a person's stands
above it. It moves a proposal up or down; only with ``updates="auto"`` is it acted on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agentmem.errors import LanguageModelError
from agentmem.facts import corrections
from agentmem.facts.access import opened
from agentmem.facts.model import Fact, Proposal
from agentmem.language.roles import Asker
from agentmem.memory import Derived, Draft, Namespace

if TYPE_CHECKING:
    from agentmem.facts.decisions import Decision
    from agentmem.runtime import Runtime


def with_facts(
    batches: Iterable[Derived], runtime: Runtime, name: Namespace, updates: str
) -> Iterator[Derived]:
    """A store's batches and then those of :func:`settle`; what the store left to do stays left."""
    left = 0
    for derived in batches:
        left = derived.left
        yield derived
    for derived in settle(runtime, name, updates):
        yield replace(derived, left=left + derived.left)


def settle(runtime: Runtime, name: Namespace, updates: str) -> Iterator[Derived]:
    """Decisions about pairs of wordings, a batch each; a model that fails ends it with what was done.

    Args:
        runtime: the opened file, with or without a language model.
        name: the namespace.
        updates: see :data:`agentmem.validate.UPDATES`.
    """
    if updates == "strict":
        return
    from agentmem.facts.decisions import confirm_by_agreement
    from agentmem.facts.update_check import UpdateCheck, check_proposals

    with opened(runtime, name, "propose") as access:  # what "auto" acts on is asked about too
        if access is None:
            return
        decisions = access.decisions()
        waiting = _one_a_pair([one for one in access.proposals() if not one.closes])
        waiting = [one for one in waiting if decisions.get(*_keys(one)) is None]
        oldest = {fact.frame.key: fact for fact in reversed(_by_arrival(access.view.facts()))}
        pairs = [(one.older.frame, one.newer.frame) for one in waiting]
        agreed = confirm_by_agreement(access.view.facts(), pairs, decisions) if pairs else []
    if agreed:
        yield Derived(memories=tuple(_draft(one, oldest) for one in agreed))
    if runtime.llm is None:
        return
    waiting = [one for one in waiting if decisions.get(*_keys(one)) is None]
    asker = Asker(runtime.llm)
    checker = UpdateCheck(asker)
    for place, proposal in enumerate(waiting):
        calls, cost = asker.calls, asker.usage.cost or 0.0
        left = len(waiting) - place
        try:
            made = check_proposals([proposal], checker, decisions)
        except LanguageModelError:
            yield Derived(calls=asker.calls - calls, cost=(asker.usage.cost or 0.0) - cost, left=left)
            return
        yield Derived(
            memories=tuple(_draft(one, oldest) for one in made),
            calls=asker.calls - calls,
            cost=(asker.usage.cost or 0.0) - cost,
            left=left - 1,
        )


def _keys(proposal: Proposal) -> tuple[str, str]:
    return proposal.older.frame.key, proposal.newer.frame.key


def _one_a_pair(some: list[Proposal]) -> list[Proposal]:
    """The surest proposal of each pair of wordings, in whatever order they stand."""
    found: dict[frozenset[str], Proposal] = {}
    for one in some:
        found.setdefault(frozenset(_keys(one)), one)
    return list(found.values())


def _by_arrival(facts: list[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: fact.order[2])


def _draft(decision: Decision, oldest: dict[str, Fact]) -> Draft:
    facts = [oldest[decision.older], oldest[decision.newer]]
    verb: Any = "same" if decision.same else "different"
    return corrections.draft(verb, facts, by=decision.by, note=decision.note)
