"""MemoryCode: a mentor's coding rules, given in passing over many sessions, some of them changed later.

Rakotonirina et al. 2025, arXiv 2502.13791. A dialogue is a namespace, a session a day, a paragraph of it a
memory of whoever says it. A *changing rule* is one that a dialogue gives in two versions or more; asked is
for what all its versions say ("end attribute names with"), and the newest of them is wanted.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from agentmem.errors import InvalidInput
from agentmem.memory import Draft, Namespace

SOURCE = "MemoryCode, arXiv 2502.13791; Apache-2.0"
_START = datetime(2024, 1, 1, tzinfo=timezone.utc)
_SAID = re.compile(r"([^\s:]{1,40}): (.*)", re.DOTALL)
_WORD = re.compile(r"[^\W\d_]+")
_QUANTIFIERS = frozenset(("always", "never"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a dialogue that changes.

    Attributes:
        question: the words of all its versions, in order.
        sessions: the names of the sessions that give it, in order of time.
        at: when it is asked, after the last session.
    """

    question: str
    sessions: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Turns of one mentor with one trainee, and the rules that change in them.

    Attributes:
        namespace: ("memorycode", number).
        turns: in order; their session is the number of the session.
        rules: those with two versions or more.
    """

    namespace: Namespace
    turns: list[Draft]
    rules: list[Rule]


def dialogues(folder: Path) -> Iterator[Dialogue]:
    """The dialogues of ``folder/memorycode``, loose or in archives, in order of their number.

    Raises:
        InvalidInput: there are none.
    """
    found: dict[int, dict[str, Any]] = {}
    for archive in sorted((folder / "memorycode").glob("*.tar.gz")):
        with tarfile.open(archive) as files:
            for member in files:
                stream = files.extractfile(member) if member.name.endswith(".json") else None
                if stream is not None:
                    found[_number(member.name)] = json.load(stream)
    for file in sorted((folder / "memorycode").glob("dialogue_*.json")):
        found[_number(file.name)] = json.loads(file.read_text("utf-8"))
    if not found:
        raise InvalidInput(f"{folder / 'memorycode'} holds no dialogues (*.tar.gz or dialogue_*.json)")
    for number in sorted(found):
        yield read(found[number], number)


def _number(name: str) -> int:
    digits = re.findall(r"\d+", Path(name).stem)
    if not digits:
        raise InvalidInput(f"{name} has no number; dialogues are named dialogue_<number>.json")
    return int(digits[-1])


def read(given: dict[str, Any], number: int) -> Dialogue:
    """A dialogue as it stands in its file."""
    turns: list[Draft] = []
    versions: dict[int, list[tuple[str, str]]] = {}
    for i, session in enumerate(given["sessions"]):
        name = str(i)
        paragraphs = [part.strip() for part in session["text"].split("\n") if part.strip()]
        for j, part in enumerate(paragraphs):
            said = _SAID.match(part)
            speaker, text = said.groups() if said else (None, part)
            at = _START + timedelta(days=i, minutes=j)
            turns.append(Draft(text, at=at, speaker=speaker, session=name, id=f"{i}.{j}"))
        topics = [t for kind, t in zip(session["type"], session["topic"], strict=True) if _is_rule(kind)]
        for rule, topic in zip((one for one in given["instructions"][i] if one != -1), topics, strict=True):
            versions.setdefault(rule[0], []).append((name, topic))
    end = _START + timedelta(days=len(given["sessions"]))
    rules = [
        Rule(shared([topic for _, topic in told]), tuple(name for name, _ in told), end)
        for told in versions.values()
        if len({topic for _, topic in told}) > 1
    ]
    return Dialogue(("memorycode", str(number)), turns, rules)


def _is_rule(kind: str) -> bool:
    return kind.startswith("instruction")


def shared(versions: list[str]) -> str:
    """The words that all versions of a rule have, as the first has them, without "always" and "never"."""
    common = set.intersection(*({word.lower() for word in _words(one)} for one in versions))
    return " ".join(word for word in _words(versions[0]) if word.lower() in common - _QUANTIFIERS)


def _words(text: str) -> list[str]:
    return _WORD.findall(re.sub(r"'[^']*'", " ", text))
