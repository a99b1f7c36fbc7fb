"""The judge of updates in other words: proposals, vetoes, closings, modes, and asking a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.embed.base import Embedder, Vectors
from agentmem.embed.static import StaticEmbedder
from agentmem.errors import (
    BudgetSpent,
    DryRun,
    LanguageModelRateLimited,
    LanguageModelTimeout,
    UnexpectedAnswer,
    UnknownOption,
)
from agentmem.facts.claims import Claim
from agentmem.facts.decisions import Decision, Decisions
from agentmem.facts.model import Fact, Frame, Judge, Proposal
from agentmem.facts.update_check import LocalCheck, UpdateCheck, Verdict, check_proposals
from agentmem.facts.update_weights import WEIGHTS
from agentmem.facts.updates import MODES, Judgement, UpdateJudge, action, wordings_of
from agentmem.facts.wordings import VECTOR_FEATURES, WORD_FEATURES, Pair, features
from agentmem.language.base import Budget
from agentmem.language.openai import OpenAIChat
from agentmem.language.roles import Asker
from agentmem.testing_openai import RateLimited, ScriptedOpenAI, Slow, Step

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
DIED = Claim("Andy Warhol died in the city of New York.", "Andy Warhol", "New York")


def fact(frame: str, subject: str, object: str, day: int) -> Fact:
    return Fact(
        f"m{day}#0",
        subject,
        Frame(frame.lower(), frame, 4),
        object,
        "forward",
        f"m{day}",
        frame.format(s=subject, o=object),
        START + timedelta(days=day),
        subject.lower(),
        object.lower(),
        order=(-1, day, day),
    )


def said(older: Claim, text: str, object: str | None, embedder: Embedder | None = None) -> Judgement:
    return UpdateJudge(embedder).compare([(older, Claim(text, older.subject, object))])[0]


@pytest.mark.parametrize("embedder", [None, StaticEmbedder()], ids=["words", "static"])
def test_other_words_are_told_from_another_relation(embedder: Embedder | None) -> None:
    update = said(DIED, "Andy Warhol passed away in Montmelian.", "Montmelian", embedder)
    assert update.level == "strong" and update.score is not None and not update.closes
    assert "same in other words" in update.reason
    for text in (
        "Andy Warhol lived in Paris.",
        "Andy Warhol grew up in Paris.",
        "Andy Warhol visited Paris.",
    ):
        assert said(DIED, text, "Paris", embedder).level is None
    works = Claim("Tim Cook is employed by Apple.", "Tim Cook", "Apple")
    assert said(works, "Tim Cook works for Google.", "Google", embedder).level == "strong"
    assert said(works, "Tim Cook sued Google.", "Google", embedder).level is None


@pytest.mark.parametrize(
    ("text", "veto"),
    [
        ("Andy Warhol did not pass away in Rome.", "negated"),
        ("Andy Warhol may have passed away in Rome.", "hypothetical"),
        ("Did Andy Warhol pass away in Rome?", "question"),
        ("Andy Warhol's brother passed away in Rome.", "other subject"),
    ],
)
def test_a_veto_speaks_before_any_score(text: str, veto: str) -> None:
    found = said(DIED, text, "Rome", StaticEmbedder())
    assert (found.level, found.score, found.veto) == (None, None, veto)
    assert found.reason.startswith("it ")


def test_what_is_no_proposal() -> None:
    lives = Claim("I live in Oslo.", "I", "Oslo")
    assert "same wording" in said(lives, "I live in Rome.", "Rome").reason
    assert "same value" in said(lives, "I moved to Oslo.", "Oslo").reason
    assert "names no value" in said(lives, "I moved house.", None).reason


def test_endings_close_without_a_new_value() -> None:
    works = Claim("I work at Acme.", "I", "Acme")
    closing = said(works, "I don't work at Acme anymore.", "Acme")
    assert closing.closes and closing.level == "strong"
    assert said(works, "I quit my job.", None).level == "weak"
    assert said(works, "I sold my boat.", None).level is None
    other = said(works, "I quit Globex.", "Globex")
    assert not other.closes and other.level is None and other.veto == "negated"
    assert said(works, "My brother quit Acme.", "Acme").veto == "other subject"
    change = said(works, "I quit Acme and work for Globex now.", "Globex")
    assert not change.closes and change.level == "strong"


def test_modes() -> None:
    strong = Judgement("strong", 3.0, None, False, "", ("a", "b"))
    weak, closing = replace(strong, level="weak", score=0.5), replace(strong, closes=True)
    nothing = Judgement(None, -2.0, None, False, "", ("a", "b"))
    assert {action(one) for one in (strong, weak, closing, nothing)} == {"keep"}
    assert [action(one, "propose") for one in (strong, weak, nothing)] == ["propose", "propose", "keep"]
    assert [action(one, "auto") for one in (strong, weak, closing)] == ["supersede", "propose", "close"]
    assert action(weak, "auto", "weak") == "supersede" and action(strong, "auto", 3.5) == "propose"
    with pytest.raises(UnknownOption, match="mode"):
        action(strong, "always")  # type: ignore[arg-type]
    assert MODES[0] == "strict"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=8), st.text(max_size=8))
def test_strict_never_acts(old: str, new: str, one: str, other: str) -> None:
    judged = UpdateJudge().compare([(Claim("Ada " + old, "Ada", one), Claim("Ada " + new, "Ada", other))])[0]
    assert action(judged, "strict") == "keep"
    assert judged.level is None or (judged.score is not None and np.isfinite(judged.score))


def test_facts_are_judged_by_a_judge() -> None:
    judge: Judge = UpdateJudge(StaticEmbedder())
    older = fact("{s} died in the city of {o}", "Andy Warhol", "New York", 0)
    newer = fact("{s} passed away in {o}", "Andy Warhol", "Rome", 1)
    found = judge(older, newer)
    assert isinstance(found, Proposal) and found.level == "strong" and found.older is older
    assert judge(newer, older) is None
    assert judge(older, replace(newer, subject="Ada", subject_key="ada")) is None
    assert json.dumps(found.to_dict())


def test_two_established_wordings_are_weak_at_the_most_until_confirmed() -> None:
    judge = UpdateJudge()
    old, new = "{s} died in the city of {o}", "{s} passed away in {o}"
    many = [
        replace(one, frame=replace(one.frame, support=50))
        for one in (fact(old, "Andy Warhol", "New York", 0), fact(new, "Andy Warhol", "Rome", 1))
    ]
    found = judge(*many)
    assert found is not None and found.level == "weak" and "common" in found.reason
    few = judge(many[0], fact(new, "Andy Warhol", "Rome", 1))
    assert few is not None and few.level == "strong"
    judge.decisions.add(Decision(old, new, True))
    confirmed = judge(*many)
    assert confirmed is not None and confirmed.level == "strong"


def test_decisions_are_asked_before_the_score_and_after_the_vetoes() -> None:
    new = Claim("Andy Warhol frobbed in Rome.", "Andy Warhol", "Rome")
    keys = wordings_of(Pair.of(DIED, new))
    assert keys == ("{s} died in the city of {o}", "{s} frobbed in {o}")
    yes = UpdateJudge(decisions=Decisions([Decision(*keys, True)])).compare([(DIED, new)])[0]
    assert yes.level == "strong" and "person" in yes.reason
    same = Claim("Andy Warhol passed away in Rome.", "Andy Warhol", "Rome")
    rejected = Decisions([Decision(keys[0], "{s} passed away in {o}", False, "model")])
    assert UpdateJudge(decisions=rejected).compare([(DIED, same)])[0].level is None
    asked = Claim("Andy Warhol frobbed in Rome?", "Andy Warhol", "Rome")
    assert (
        UpdateJudge(decisions=Decisions([Decision(*wordings_of(Pair.of(DIED, asked)), True)]))
        .compare([(DIED, asked)])[0]
        .veto
        == "question"
    )


class Counting(StaticEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    def embed(self, texts: Any, *, query: bool = False) -> Vectors:
        self.texts += len(texts)
        return super().embed(texts, query=query)


def test_a_pair_of_wordings_is_weighed_once() -> None:
    embedder = Counting()
    judge = UpdateJudge(embedder)
    for name in ("Ada", "Ben", "Cleo"):
        older = Claim(f"{name} quibbles about Rome.", name, "Rome")
        judge.compare([(older, Claim(f"{name} grumbles over Oslo.", name, "Oslo"))])
    assert 0 < embedder.texts <= 6


def test_an_unknown_embedder_leaves_it_to_words() -> None:
    embedder = Counting()
    embedder.name = "theirs"
    found = UpdateJudge(embedder).compare(
        [(DIED, Claim("Andy Warhol passed away in X.", "Andy Warhol", "X"))]
    )
    assert found[0].level == "strong" and embedder.texts == 0


def test_weights_fit_the_features() -> None:
    assert {*WEIGHTS} == {"none", "static", "minilm"}
    pair = Pair.of(DIED, Claim("Andy Warhol passed away in Rome.", "Andy Warhol", "Rome"))
    for name, weights in WEIGHTS.items():
        assert weights.names == (WORD_FEATURES if name == "none" else WORD_FEATURES + VECTOR_FEATURES)
        sizes = {
            len(part) for part in (weights.names, weights.coefficients, weights.means, weights.deviations)
        }
        assert len(sizes) == 1 and weights.strong > weights.weak
        assert [weights.level(score) for score in (99.0, weights.strong, -99.0)] == ["strong", "weak", None]
    assert features([pair], StaticEmbedder()).shape == (1, len(WORD_FEATURES + VECTOR_FEATURES))
    assert features([], None).shape == (0, len(WORD_FEATURES))


# --- asking a model ------------------------------------------------------------------------------------


def proposals() -> list[Proposal]:
    older = fact("{s} died in the city of {o}", "Andy Warhol", "New York", 0)
    newer = [
        fact("{s} passed away in {o}", "Andy Warhol", "Rome", 1),
        fact("{s} passed away in {o}", "Andy Warhol", "Oslo", 2),
        fact("{s} was killed in {o}", "Andy Warhol", "Lima", 3),
    ]
    made = [Proposal(older, one, 2.0, "strong", "") for one in newer]
    return [*made, replace(made[0], closes=True, newer=fact("{s} left {o}", "Andy Warhol", "New York", 4))]


class Asked:
    """A scripted server and a checker that asks it."""

    def __init__(self, *script: Step, **options: Any) -> None:
        self.server = ScriptedOpenAI(script)
        self.model = OpenAIChat("tiny", base_url=self.server.base_url, **{"timeout": 5.0, **options})
        self.check = UpdateCheck(Asker(self.model))

    def __enter__(self) -> Asked:
        self.server.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.model.close()
        self.server.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    yield


YES = json.dumps({"same": True, "several": False, "reason": "both say where he died"})
NO = json.dumps({"same": False, "several": None, "reason": "another relation"})


def test_a_pair_of_wordings_is_asked_about_once() -> None:
    decisions = Decisions()
    with Asked(YES, NO) as asked:
        made = check_proposals(proposals(), asked.check, decisions)
        assert check_proposals(proposals(), asked.check, decisions) == []
        assert len(asked.server.requests) == 2
        prompt = asked.server.requests[0]["messages"][-1]["content"]
    assert '"Andy Warhol died in the city of New York"' in prompt and '"Andy Warhol"' in prompt
    assert [(one.newer, one.same, one.by) for one in made] == [
        ("{s} passed away in {o}", True, "model"),
        ("{s} was killed in {o}", False, "model"),
    ]
    assert decisions.merged() == {"{s} passed away in {o}": "{s} died in the city of {o}"}


def test_several_values_are_added_not_replaced() -> None:
    with Asked(json.dumps({"same": True, "several": True, "reason": ""})) as asked:
        made = check_proposals(proposals()[:1], asked.check, Decisions())
    assert [one.same for one in made] == [False]


def test_bad_answers_are_asked_again_and_then_raised() -> None:
    with Asked("yes, the same", '{"same": "yes"}', YES) as asked:
        assert asked.check.check(DIED, DIED) == Verdict(True, False, "both say where he died")
    with Asked("1", "[]", '{"several": true}') as asked, pytest.raises(UnexpectedAnswer):
        asked.check.check(DIED, DIED)


def test_a_rate_limit_is_waited_for_and_then_raised() -> None:
    with Asked(RateLimited(), YES) as asked:
        assert asked.check.check(DIED, DIED).replaces
    with Asked(RateLimited(), RateLimited(), retries=1) as asked, pytest.raises(LanguageModelRateLimited):
        asked.check.check(DIED, DIED)


def test_a_time_out() -> None:
    with Asked(Slow(5.0), timeout=0.05, retries=0) as asked, pytest.raises(LanguageModelTimeout):
        asked.check.check(DIED, DIED)


def test_a_spent_budget_keeps_what_was_answered() -> None:
    decisions = Decisions()
    with Asked(YES, YES, budget=Budget(calls=1)) as asked, pytest.raises(BudgetSpent):
        check_proposals(proposals(), asked.check, decisions)
    assert len(decisions) == 1


def test_a_dry_run_counts() -> None:
    asker = Asker(None)
    with pytest.raises(DryRun):
        UpdateCheck(asker).check(DIED, DIED)
    assert asker.calls == 1 and asker.planned_tokens > 100


def test_the_local_twin() -> None:
    check = LocalCheck(UpdateJudge())
    assert check.check(DIED, Claim("Andy Warhol passed away in Rome.", "Andy Warhol", "Rome")).replaces
    added = check.check(DIED, Claim("Andy Warhol also died in Rome.", "Andy Warhol", "Rome"))
    assert not added.same and added.several
    made = check_proposals(proposals(), check, Decisions())
    assert [one.by for one in made] == ["agreement", "agreement"]
