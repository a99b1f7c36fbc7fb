"""Deciding about a pair of wordings: do both state one relation, so that the newer value replaces the older?

One question a new pair of wordings, never one a fact; the answer is kept among the decisions. Two ways to
answer, one interface: :class:`UpdateCheck` asks a language model, :class:`LocalCheck` the classifier. An
entailment model of one's own needs the one method of :class:`Checker`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from agentmem.facts.claims import Claim
from agentmem.facts.decisions import By, Decision, Decisions
from agentmem.facts.model import Proposal
from agentmem.facts.updates import UpdateJudge, wordings_of
from agentmem.facts.wordings import Pair
from agentmem.language.roles import Asker
from agentmem.memory import Json


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker says of two claims.

    Attributes:
        same: the wordings state one relation and the newer value takes the older one's place.
        several: the relation holds several values at a time, so that the newer one is added; None: unknown.
        reason: in a line.
    """

    same: bool
    several: bool | None = None
    reason: str = ""

    @property
    def replaces(self) -> bool:
        """Whether the newer value replaces the older one."""
        return self.same and not self.several


class Checker(Protocol):
    """Anything that can be asked about two claims."""

    @property
    def by(self) -> By:
        """Who decides."""
        ...

    def check(self, older: Claim, newer: Claim) -> Verdict:
        """Compare two claims about one subject."""
        ...


@dataclass(frozen=True, slots=True)
class UpdateCheck:
    """Asks a language model.

    Attributes:
        asker: asks and counts; its prompt is ``facts_update``.
    """

    asker: Asker
    by: By = "model"

    def check(self, older: Claim, newer: Claim) -> Verdict:
        """Compare two claims about one subject: one call.

        Raises:
            LanguageModelError: the call failed, the budget is spent, or no answer was what was asked for.
        """
        values = {
            "subject": json.dumps("the speaker" if older.first_person else older.subject, ensure_ascii=False),
            "older": json.dumps(older.sentence, ensure_ascii=False),
            "newer": json.dumps(newer.sentence, ensure_ascii=False),
        }
        return self.asker.ask("facts_update", values, _read, max_tokens=200)


@dataclass(frozen=True, slots=True)
class LocalCheck:
    """Asks the classifier: the same is what it proposes as strong."""

    judge: UpdateJudge
    by: By = "agreement"

    def check(self, older: Claim, newer: Claim) -> Verdict:
        """Compare two claims about one subject."""
        said = self.judge.compare([(older, newer)])[0]
        several = True if said.veto == "additive" else None
        return Verdict(said.level == "strong" and not said.closes, several, said.reason)


def check_proposals(proposals: Iterable[Proposal], checker: Checker, decisions: Decisions) -> list[Decision]:
    """Ask about every pair of wordings that is proposed and not decided yet, each pair once.

    Closings are left out: they are about one fact, not about a pair of wordings.

    Args:
        proposals: what a judge proposes; of a pair of wordings the first is asked about.
        checker: whom to ask.
        decisions: where answers are kept, each as soon as it is there.

    Returns:
        The new decisions.

    Raises:
        LanguageModelError: a call failed or the budget is spent; the answers until then are kept, and
            calling again goes on where it stopped.
    """
    made: list[Decision] = []
    for proposal in proposals:
        if proposal.closes:
            continue
        older, newer = Claim.from_fact(proposal.older), Claim.from_fact(proposal.newer)
        keys = wordings_of(Pair.of(older, newer))
        if decisions.get(*keys) is not None:
            continue
        verdict = checker.check(older, newer)
        decision = Decision(*keys, verdict.replaces, checker.by, verdict.reason)
        decisions.add(decision)
        made.append(decision)
    return made


def _read(answer: Json) -> Verdict:
    same, several, reason = answer["same"], answer.get("several"), answer.get("reason", "")
    if not isinstance(same, bool) or not (several is None or isinstance(several, bool)):
        raise ValueError("expected true or false under 'same', and true, false or null under 'several'")
    if not isinstance(reason, str):
        raise ValueError("expected a string under 'reason'")
    return Verdict(same, several, reason.strip())
