"""FactConsolidation of MemoryAgentBench: many numbered facts, the later of two that conflict is right.

The published 6K context is read as it is. Contexts of any length are rebuilt from MQuAKE's facts and
edits as MemoryAgentBench describes (arXiv 2507.05257, section on conflict resolution): every fact is one
sentence with a serial number, numbering from 0, of a fact and its edit the edit has the larger number,
the sentences are joined and cut into chunks of so many tokens, in which line ends have become blanks.
Beyond what MQuAKE holds, made-up subjects are added, each a copy of a real one's relations with a name
mixed of two and other objects.
"""

from __future__ import annotations

import json
import random
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agentmem.errors import InvalidInput
from agentmem.evals.tasks.base import read_parts
from agentmem.language.tokens import count_tokens

SIZES = {"6k": 455, "32k": 2_310, "64k": 4_580, "262k": 18_332}
"""Length as the benchmark names it -> facts."""
LEAD_IN = "Here is a list of facts:"
_LINE = re.compile(r"^\s*(\d+)\.\s+(.*\S)\s*$")
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question.

    Attributes:
        text: what is asked.
        gold: the answers that count.
        kind: ``"single"``, ``"multi"`` or ``"reworded"``.
    """

    text: str
    gold: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Consolidation:
    """A context with its questions.

    Attributes:
        name: such as ``"rebuilt 32k"``.
        lines: the facts in order, numbered.
        questions: what is asked of them.
    """

    name: str
    lines: tuple[str, ...]
    questions: tuple[Asked, ...]

    def chunks(self, tokens: int) -> list[str]:
        """The context as the benchmark feeds it: sentences joined by blanks up to so many tokens a chunk."""
        made: list[str] = []
        held = [LEAD_IN]
        size = count_tokens(LEAD_IN)
        for line in self.lines:
            more = count_tokens(line)
            if size + more > tokens:
                made.append(" ".join(held))
                held, size = [], 0
            held.append(line)
            size += more
        return [*made, " ".join(held)]


def normalise(text: str) -> str:
    """Lower case, without ASCII punctuation and articles, blanks squeezed: MemoryAgentBench's rule."""
    text = _PUNCTUATION.sub("", text.lower())
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", text).split())


def right(answer: str | None, gold: Sequence[str], *, exact: bool = False) -> bool:
    """Whether an answer holds one of the gold strings (substring match), or equals one."""
    said = normalise(answer or "")
    wanted = [normalise(one) for one in gold if normalise(one)]
    return any(said == one if exact else one in said for one in wanted)


def published(folder: Path) -> Consolidation:
    """The published 6K context with the questions that lie beside it.

    Raises:
        InvalidInput: the files are not there, or the context is no numbered list.
    """
    source = folder / "memoryagentbench"
    context = source / "factconsolidation_6k_context.txt"
    if not context.is_file():
        raise InvalidInput(f"{context} is missing; pass a --data folder that holds memoryagentbench/")
    lines = [line for line in context.read_text("utf-8").splitlines() if _LINE.match(line)]
    if len(lines) < 400:
        raise InvalidInput(f"{context} holds {len(lines)} numbered lines, not the 455 of the 6K context")
    asked = []
    for file in sorted(source.glob("factconsolidation_*_6k.results.jsonl")):
        for text in file.read_text("utf-8").splitlines():
            row = json.loads(text)
            kind = "multi" if "_mh_" in row["source"] else "single"
            asked.append(Asked(row["prompt"], tuple(row["golds"]), kind))
    return Consolidation("published 6k", tuple(lines), tuple(asked))


# --- rebuilding ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _World:
    """Facts by slot.

    Attributes:
        slots: (wording, subject) -> objects, oldest first; at most one older than the last.
        asked: slot -> a question for it.
        size: sentences.
        chained: slots that would be short cuts of the questions.
    """

    slots: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    asked: dict[tuple[str, str], str] = field(default_factory=dict)
    size: int = 0
    chained: set[tuple[str, str]] = field(default_factory=set)

    def put(self, wording: str, subject: str, objects: Sequence[str], question: str = "") -> bool:
        """Add a slot unless it is there with another newest object."""
        key = (wording, subject)
        if key in self.slots:
            return self.slots[key][-1] == objects[-1]
        kept = [one for one in objects[:-1] if one != objects[-1]][-1:]
        self.slots[key] = [*kept, objects[-1]]
        self.size += len(self.slots[key])
        if question:
            self.asked[key] = question
        return True


def rebuilt(
    folder: Path, size: str, *, seed: int = 0, questions: int = 100, dense: bool = False
) -> Consolidation:
    """A context of the size named in :data:`SIZES` with single- and multi-hop questions.

    Args:
        folder: the data.
        size: its name.
        seed: of everything drawn.
        questions: of each kind, at most.
        dense: fill up with further relations of the subjects that are there, not with made-up subjects; so
            each name has many ways to go on.

    Raises:
        InvalidInput: an unknown size, or the files are not there.
    """
    if size not in SIZES:
        raise InvalidInput(f"{size!r} is no size; take one of {', '.join(SIZES)}")
    wanted = SIZES[size]
    rng = random.Random(f"{size}/{seed}")
    cases = read_parts(folder / "mquake", "MQuAKE-hard_*.json")
    rng.shuffle(cases)
    world = _World()
    multi: list[Asked] = []
    for case in cases:
        if world.size > 0.8 * wanted or len(multi) >= 3 * questions:
            break
        multi += _case(world, case)
    singles = [one[0] for one in read_parts(folder / "mquake", "contradict*.json")]
    rng.shuffle(singles)
    prompts = _wordings(cases, singles)
    for one in singles:
        if world.size >= wanted:
            break
        _single(world, one, prompts)
    if dense:
        _thicken(world, wanted, rng)
    _invent(world, wanted, rng)
    edited = [key for key in world.asked if len(world.slots[key]) > 1]
    rest = [key for key in world.asked if len(world.slots[key]) == 1]
    chosen = rng.sample(edited, min(len(edited), questions * 4 // 5))
    chosen += rng.sample(rest, min(len(rest), questions - len(chosen)))
    single = [Asked(world.asked[key], (world.slots[key][-1],), "single") for key in chosen]
    return Consolidation(
        f"rebuilt {size}{' dense' * dense}",
        tuple(_lines(world, rng)),
        (*single, *_first_of_three(multi, questions)),
    )


def _first_of_three(multi: Sequence[Asked], questions: int) -> list[Asked]:
    """Of the three wordings of each case the first counts as the question, the others as re-worded."""
    kept = list(multi[: 3 * questions])
    return [Asked(a.text, a.gold, "multi" if i % 3 == 0 else "reworded") for i, a in enumerate(kept)]


def _case(world: _World, case: dict) -> list[Asked]:  # type: ignore[type-arg]
    """Put the edits of a case into the world, or nothing when they contradict what is there."""
    edits = case["requested_rewrite"]
    for edit in edits:
        held = world.slots.get((edit["prompt"], edit["subject"]))
        if held is not None and held[-1] != edit["target_new"]["str"]:
            return []
    for edit in edits:
        both = (edit["target_true"]["str"], edit["target_new"]["str"])
        world.put(edit["prompt"], edit["subject"], both, edit["question"])
    # A relation that the question names, at another of its names, would be a short cut that is right, too.
    world.chained |= {(one["prompt"], other["subject"]) for one in edits for other in edits}
    gold = (case["new_answer"], *case["new_answer_alias"])
    return [Asked(text, gold, "multi") for text in case["questions"]]


def _wordings(cases: Sequence[dict], singles: Sequence[dict]) -> list[tuple[str, str, str]]:  # type: ignore[type-arg]
    """(before, after the subject, before the object) of wordings, for reading single facts; longest first."""
    found = {edit["prompt"] for case in cases for edit in case["requested_rewrite"]}
    parts = [(p.split("{}")[0], p.split("{}")[1] + " ", p) for p in found]
    return sorted(parts, key=lambda one: -len(one[2]))


def _single(world: _World, one: dict, prompts: Sequence[tuple[str, str, str]]) -> None:  # type: ignore[type-arg]
    new, old = one["gold_retrieve_fact"], one["gold_generate"]
    answer = one["answer_correct"]
    if not new.endswith(answer):
        return
    for before, after, prompt in prompts:
        stem = new[: len(new) - len(answer)]
        if stem.startswith(before) and stem.endswith(after) and len(stem) > len(before) + len(after):
            subject = stem[len(before) : len(stem) - len(after)]
            objects = [old[len(stem) :], answer] if old.startswith(stem) else [answer]
            world.put(prompt, subject, objects, one["question"])
            return


def _invent(world: _World, wanted: int, rng: random.Random) -> None:
    """Made-up subjects until there are so many facts."""
    of: dict[str, list[str]] = {}
    objects: dict[str, list[str]] = {}
    for (wording, subject), values in world.slots.items():
        of.setdefault(subject, []).append(wording)
        objects.setdefault(wording, []).extend(values)
    subjects = list(of)
    alike: dict[str, list[str]] = {}
    for wording, subject in world.slots:
        alike.setdefault(wording, []).append(subject)
    named = (*subjects, *(value for values in objects.values() for value in values))
    taken = {name.removeprefix("The ").lower() for name in named}
    while world.size < wanted:
        like = rng.choice(subjects)
        name = _mixed(like, rng.choice(alike[of[like][0]]))
        if name.removeprefix("The ").lower() in taken:
            continue
        taken.add(name.removeprefix("The ").lower())
        for wording in of[like]:
            room = wanted - world.size
            many = min(len(objects[wording]), 2 if rng.random() < 0.5 else 1, room)
            values = rng.sample(objects[wording], many)
            if values:
                world.put(wording, name, values)


def _thicken(world: _World, wanted: int, rng: random.Random) -> None:
    """Relations that subjects alike have, with other objects, until there are so many facts."""
    of: dict[str, list[str]] = {}
    alike: dict[str, list[str]] = {}
    objects: dict[str, list[str]] = {}
    for (wording, subject), values in world.slots.items():
        of.setdefault(subject, []).append(wording)
        alike.setdefault(wording, []).append(subject)
        objects.setdefault(wording, []).extend(values)
    subjects = list(of)
    for _ in range(20 * wanted):
        if world.size >= wanted - 1:
            return
        subject = rng.choice(subjects)
        wording = rng.choice(of[rng.choice(alike[rng.choice(of[subject])])])
        if (wording, subject) not in world.slots and (wording, subject) not in world.chained:
            many = min(len(objects[wording]), 2 if rng.random() < 0.5 else 1)
            world.put(wording, subject, rng.sample(objects[wording], many))


def _mixed(one: str, other: str) -> str:
    """The beginning of a name with the end of another."""
    first, last = one.split(), other.split()
    return " ".join((*first[: max(len(first) - 1, 1)], last[-1]))


def _lines(world: _World, rng: random.Random) -> Iterator[str]:
    """All sentences numbered in order of time, of each slot the older before the newer."""
    placed: list[tuple[float, str]] = []
    for (wording, subject), values in world.slots.items():
        for place, value in zip(sorted(rng.random() for _ in values), values, strict=True):
            placed.append((place, f"{wording.replace('{}', subject)} {value}."))
    for number, (_, sentence) in enumerate(sorted(placed)):
        yield f"{number}. {sentence}"
