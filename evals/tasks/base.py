"""What a quality task is: pools of memories to write, and questions with the ids that answer them.

A task reads a folder of public data that the user names; no data lies in the package.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agentmem.errors import InvalidInput
from agentmem.memory import Draft, Namespace


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a task.

    Attributes:
        id: unique within the task.
        text: what is asked.
        at: when it is asked.
        gold: ids of the memories that hold the answer; empty when nothing does.
        category: the task's own kind of question.
        answer: the reference answer, or None.
        also: other answers that are as good.
        k: cut the list here and nowhere else (a task that asks for exactly as many as are gold).
        answerable: false when the right reply is that the memory does not hold it.
    """

    id: str
    text: str
    at: datetime
    gold: frozenset[str]
    category: str
    answer: str | None = None
    k: int | None = None
    answerable: bool = True
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pool:
    """What is written into one namespace, and what is asked of it."""

    namespace: Namespace
    items: list[Draft]
    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Task:
    """A named loader.

    Attributes:
        name: what the command line calls it.
        load: folder of the data -> its pools.
        cuts: the k at which recall is reported; empty when every question has its own ``k``.
        source: where the data comes from, and under which licence.
    """

    name: str
    load: Callable[[Path], Iterator[Pool]]
    cuts: tuple[int, ...]
    source: str


def data_folder(given: str | None) -> Path:
    """The folder of the data: the argument, else the environment's ``AGENTMEM_DATA``.

    Raises:
        InvalidInput: neither names a folder.
    """
    name = given or os.environ.get("AGENTMEM_DATA")
    if not name:
        raise InvalidInput("no folder of data was given; pass --data DIR or set AGENTMEM_DATA")
    if not Path(name).is_dir():
        raise InvalidInput(f"{name!r} is no folder; pass --data DIR or set AGENTMEM_DATA to the data's")
    return Path(name)


def read_json(path: Path) -> Any:
    """A JSON file, or its gzipped twin.

    Raises:
        InvalidInput: neither is there.
    """
    if path.exists():
        return json.loads(path.read_text("utf-8"))
    twin = path.with_name(path.name + ".gz")
    if twin.exists():
        with gzip.open(twin, "rt", encoding="utf-8") as stream:
            return json.load(stream)
    raise InvalidInput(f"{path} is missing; the folder of data is incomplete")


def read_parts(folder: Path, pattern: str) -> list[Any]:
    """The entries of every JSON list in a folder that fits a pattern: sets come split under several names.

    Raises:
        InvalidInput: no file fits.
    """
    files = sorted(folder.glob(pattern)) or sorted(folder.glob(pattern + ".gz"))
    if not files:
        raise InvalidInput(f"{folder} has no {pattern}; the folder of data is incomplete")
    return [entry for file in files for entry in read_json(file.with_name(file.name.removesuffix(".gz")))]
