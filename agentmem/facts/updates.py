"""Noticing that a statement updates an older one in other words: proposals with a score, acted on by nobody.

"X passed away in Y" may update "X died in the city of Z"; "X lived in Y" does not. No similarity of wordings
tells the two apart, so that a judge decides in this order:

1. the same wording is no proposal: statements of one wording share a slot, where the newest answers first;
2. "no longer", "sold", "divorced" propose to *close* the older statement, without a new value;
3. a veto: questions, denials, the past, mere possibilities, another subject, additions update nothing;
4. what was decided before about this pair of wordings, by a person, a model or agreement;
5. a logistic regression over the likeness of the wordings and the cues around them
   (:mod:`agentmem.facts.wordings`), with a strong level at which 2 % of unrelated statements about the same
   subject were taken when it was fitted, and a weak one at 10 %. ``python -m agentmem.evals.updates`` says
   what the levels find and take on statements that the fit never saw.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agentmem.embed.base import Embedder
from agentmem.errors import UnknownOption
from agentmem.facts.claims import Claim, wording
from agentmem.facts.cues import OBJECT, OLD, Veto, vetoes
from agentmem.facts.decisions import Decisions
from agentmem.facts.model import Fact, Proposal
from agentmem.facts.names import alike, name_key
from agentmem.facts.regression import Weights
from agentmem.facts.senses import apart, senses, stem
from agentmem.facts.update_weights import WEIGHTS
from agentmem.facts.wordings import Pair, features

Level: TypeAlias = Literal["strong", "weak"]
Mode: TypeAlias = Literal["strict", "propose", "auto"]
Action: TypeAlias = Literal["keep", "propose", "supersede", "close"]

MODES: tuple[Mode, ...] = ("strict", "propose", "auto")
CONFIRMED = 10.0
"""Score, in log-odds, of a pair of wordings that was confirmed."""
ESTABLISHED = 20
"""Support from which on a wording is established.

Two established wordings are more likely two relations ("sport", "position") than one told in two ways: unless
confirmed, they are proposed as weak at the most, and only where the thesaurus knows a common sense of them.
"""
CLOSING: dict[Level, float] = {"strong": 3.0, "weak": 0.0}
"""Scores of closings, which have no regression of their own."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of a newer claim against an older one.

    Attributes:
        level: ``"strong"``, ``"weak"``, or None: no proposal.
        score: log-odds that it is an update, either equally likely beforehand; None where it was not weighed.
        veto: why it can update nothing, or None.
        closes: it ends the older claim without a new value.
        reason: one line a person understands.
        wordings: keys of the older and the newer wording, the pair that a decision is about.
    """

    level: Level | None
    score: float | None
    veto: Veto | None
    closes: bool
    reason: str
    wordings: tuple[str, str]


_OWNED = re.compile(
    r"^(?:the|\{s\}'s) (?:(favou?rite|best|first|main|worst|least) )?(?:[\w-]+ )?([\w-]+) "
    r"(?:of \{s\} |)(?:is|are)\b"
)
_Key: TypeAlias = "tuple[str, str, str, str, str, bool]"
_Score: TypeAlias = "tuple[float, dict[str, float]]"
_SEEN: dict[_Key, _Score] = {}
_SEEN_MAX = 50_000


class UpdateJudge:
    """Weighs newer statements against older ones: a :class:`~agentmem.facts.model.Judge`.

    Args:
        embedder: for the likeness of wordings; ``static`` and ``minilm`` have fitted weights, with
            any other, as with None, words alone decide.
        decisions: pairs of wordings that were decided before; they are asked first.
    """

    def __init__(self, embedder: Embedder | None = None, decisions: Decisions | None = None) -> None:
        known = embedder is not None and embedder.name in WEIGHTS
        self._embedder = embedder if known else None
        self._weights: Weights = WEIGHTS[embedder.name if embedder is not None and known else "none"]
        self.decisions = decisions if decisions is not None else Decisions()

    def __call__(self, older: Fact, newer: Fact) -> Proposal | None:
        """A proposal about two facts, or None.

        None also where ``newer`` is not newer, or speaks of another subject by its key.
        """
        return self.propose([(older, newer)])[0]

    def propose(self, pairs: Sequence[tuple[Fact, Fact]]) -> list[Proposal | None]:
        """:meth:`__call__` for many pairs, which costs an embedder one batch."""
        made = {fact.id: Claim.from_fact(fact) for pair in pairs for fact in pair}
        claims = [(made[older.id], made[newer.id]) for older, newer in pairs]
        found: list[Proposal | None] = []
        for (older, newer), said in zip(pairs, self.compare(claims), strict=True):
            wrong = newer.order <= older.order or newer.subject_key != older.subject_key
            if wrong or said.level is None or said.score is None:
                found.append(None)
                continue
            level, reason = said.level, said.reason
            both = min(older.frame.support, newer.frame.support) >= ESTABLISHED
            if both and not said.closes and said.score < CONFIRMED:
                level, reason = "weak", f"{reason}; but both wordings are common here"
                if not senses(older.frame.key) & senses(newer.frame.key):
                    found.append(None)
                    continue
            found.append(Proposal(older, newer, said.score, level, reason, said.closes))
        return found

    def compare(self, claims: Sequence[tuple[Claim, Claim]]) -> list[Judgement]:
        """Judge pairs of an older and a newer claim about one subject.

        Returns:
            One judgement a pair, in order.
        """
        pairs = [Pair.of(older, newer) for older, newer in claims]
        found = [ruled(pair, self.decisions) for pair in pairs]
        for i, (score, parts) in self._scores({i: pairs[i] for i, said in enumerate(found) if said is None}):
            found[i] = self._weighed(pairs[i], score, parts)
        return [said for said in found if said is not None]

    def _scores(self, pairs: Mapping[int, Pair]) -> Iterator[tuple[int, _Score]]:
        """The score of each pair, and what each feature adds to it; pairs of one key are weighed once."""
        mark = "" if self._embedder is None else self._embedder.fingerprint
        keys: dict[int, _Key] = {i: (mark, *pair.key) for i, pair in pairs.items()}
        known = {key: _SEEN.get(key) for key in keys.values()}
        fresh = {key: pairs[i] for i, key in keys.items() if known[key] is None}
        if fresh:
            rows = features(list(fresh.values()), self._embedder)
            scores = map(float, self._weights.scores(rows))
            made = dict(zip(fresh, zip(scores, self._weights.parts(rows), strict=True), strict=True))
            known.update(made)
            if len(_SEEN) > _SEEN_MAX:
                _SEEN.clear()
            _SEEN.update(made)
        for i, key in keys.items():
            found = known[key]
            assert found is not None
            yield i, found

    def _weighed(self, pair: Pair, score: float, parts: dict[str, float]) -> Judgement:
        level = self._weights.level(score)
        best = max(parts, key=lambda name: parts[name] if score > 0 else -parts[name])
        says = {
            None: "another relation, as it seems",
            "weak": "may say the same in other words",
            "strong": "seems to say the same in other words",
        }[level]
        return Judgement(level, score, None, False, f"{says} ({_PARTS.get(best, best)})", wordings_of(pair))


def ruled(pair: Pair, decisions: Decisions | None = None) -> Judgement | None:
    """The judgement of a pair by steps 1 to 4 of this module; None where it must be weighed."""
    keys = wordings_of(pair)
    if keys[0] == keys[1]:
        return _nothing(keys, "the same wording: the newest of its slot answers first, nothing to propose")
    found = vetoes(pair.new_cues, pair.old_cues)
    if "ended" in pair.new_cues.flags - pair.old_cues.flags:
        dated = "past" if not pair.new_cues.former else ""  # "I gave it up last year" is no less an end
        closing = _closing(pair, keys, [veto for veto in found if veto not in ("negated", dated)])
        if closing is not None:
            return closing
    if found:
        return _nothing(keys, _VETOES[found[0]], found[0])
    if pair.newer.object is None:
        return _nothing(keys, "it names no value")
    if _another_thing(pair):
        return _nothing(keys, "it speaks of another thing")
    if pair.newer.object == pair.older.object:
        return _nothing(keys, "it says the same value again")
    decided = decisions.get(*keys) if decisions is not None else None
    if decided is None:
        return None
    if not decided.same:
        return _nothing(keys, f"these wordings were found to differ ({decided.by})")
    return Judgement("strong", CONFIRMED, None, False, f"confirmed as another wording ({decided.by})", keys)


def _closing(pair: Pair, keys: tuple[str, str], found: Sequence[Veto]) -> Judgement | None:
    """What an ending says; None where it makes room for a new value."""
    ends = pair.newer.object
    kind = ends is not None and ends.islower() and pair.new_cues.ends_object
    kind = kind and bool(senses(pair.old) & senses(pair.newer.sentence.lower()))
    if ends is not None and ends != pair.older.object and not (_alike(pair) or kind):
        return _nothing(keys, "it ends something else", "negated") if pair.new_cues.ends_object else None
    if found:
        return _nothing(keys, _VETOES[found[0]], found[0])
    named = OLD in pair.new or (OBJECT in pair.new and (_alike(pair) or not kind))
    if not named and not kind and not senses(pair.old) & senses(pair.new):
        return _nothing(keys, "it ends something, but does not say what")
    level: Level = "strong" if named else "weak"
    return Judgement(level, CLOSING[level], None, True, "it ends this, and names no new value", keys)


def _another_thing(pair: Pair) -> bool:
    """Whether each is about a thing of its own that the subject has: "my guitar", "my favourite food"."""
    one, other = _OWNED.match(pair.older.frame), _OWNED.match(pair.newer.frame)
    if one is None or other is None:
        return False
    (rank, head), (other_rank, other_head) = one.groups(), other.groups()
    if stem(head) == stem(other_head):
        return False
    alone = pair.older.first_person or (rank is not None and rank == other_rank)
    return (alone and senses(head).isdisjoint(senses(other_head))) or apart(stem(head), stem(other_head))


def _alike(pair: Pair) -> bool:
    """Whether both name one thing, one of them perhaps more briefly: "the bakery"."""
    one, other = pair.older.object, pair.newer.object
    return one is not None and other is not None and alike(name_key(one), name_key(other))


def wordings_of(pair: Pair) -> tuple[str, str]:
    """The keys of a decision about two claims: their frames, else their wordings with holes."""
    return pair.older.frame or wording(pair.old), pair.newer.frame or wording(pair.new)


def action(said: Judgement, mode: Mode = "strict", auto: Level | float = "strong") -> Action:
    """What a store does about a judgement.

    Args:
        said: the judgement.
        mode: ``strict``: nothing; ``propose``: the proposal is shown with both dates and nothing changes;
            ``auto``: it is acted on from a level on. Even at ``"strong"`` some of what is acted on is false:
            ``python -m agentmem.evals.updates`` prints the rate; ask for ``auto`` only where a
            wrong supersession costs little.
        auto: for ``auto``: a level, or a score in log-odds.

    Raises:
        UnknownOption: there is no such mode.
    """
    if mode not in MODES:
        raise UnknownOption("mode", mode, MODES)
    if mode == "strict" or said.level is None or said.score is None:
        return "keep"
    if mode == "propose":
        return "propose"
    if isinstance(auto, (int, float)):
        enough = said.score >= auto
    else:
        enough = auto == "weak" or said.level == "strong"
    if not enough:
        return "propose"
    return "close" if said.closes else "supersede"


def _nothing(keys: tuple[str, str], reason: str, veto: Veto | None = None) -> Judgement:
    return Judgement(None, None, veto, False, reason, keys)


_VETOES: dict[Veto, str] = {
    "question": "it asks",
    "negated": "it denies",
    "past": "it speaks of the past",
    "hypothetical": "it speaks of what may or will be",
    "other subject": "it speaks of someone else",
    "additive": "it adds a value",
}
_PARTS = {
    "shared words": "how many words they share",
    "shared letters": "how alike their words are",
    "same sense": "wordings of one sense",
    "other sense": "wordings of different senses",
    "unknown sense": "a wording of unknown sense",
    "names the old value": "it names the older value",
    "change": "a word of change",
    "indefinite": "one of several",
    "past state": "a lasting state of the past",
    "length": "how much else it says",
    "subject absent": "whether it names the subject",
    "other shape of value": "the kind of the value",
    "several at a time": "whether people have several of it",
    "holes": "how alike the wordings are",
    "bare": "how alike the wordings are",
    "filled": "how alike the sentences are with one value in both",
    "same sense by vector": "alike wordings of one sense",
}
