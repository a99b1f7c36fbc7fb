"""Every error a caller can meet, under one base class.

AgentmemError
├── InvalidInput (also ValueError)      an argument cannot be stored or understood
│   ├── InvalidFilter                   a filter has an unknown operator or shape
│   └── InvalidNamespace                a label is empty, not a string, or outside the handle
├── MemoryNotFound (also KeyError)      no live memory has this id
├── DuplicateId                         the id exists and on_conflict="error"
├── BatchFailed                         add_many stopped midway; says what was stored
├── BackendError                        the file or database cannot serve the call
│   ├── NotAMemoryFile                  the file is not one of ours
│   ├── DamagedFile                     the file is ours and broken
│   ├── NewerSchema                     written by a newer agentmem
│   ├── FileLocked                      another process held the file for too long
│   ├── NetworkFileSystem               SQLite's locks do not hold there
│   ├── ReadOnlyFile                    a write on a file that cannot be written
│   └── StoreClosed                     the store was closed
├── EmbedderError                       an embedder failed
│   └── EmbedderMismatch                the file was written with another embedder
├── LanguageModelError                  an LLM call failed
│   ├── LanguageModelTimeout            it did not answer in time
│   ├── LanguageModelRateLimited        it refused for too many calls
│   ├── BudgetSpent                     the next call would go over the budget; not made
│   ├── DryRun                          a call that a dry run counted and did not make
│   └── UnexpectedAnswer                it answered with something else than asked
├── MissingDependency (also ImportError)  an extra is not installed; names it
└── UnknownOption                       an option, store, embedder or order that does not exist
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


class AgentmemError(Exception):
    """The base of every error raised by agentmem."""


class InvalidInput(AgentmemError, ValueError):
    """An argument cannot be stored or understood; the message says what to change."""


class InvalidFilter(InvalidInput):
    """A filter has an unknown operator or the wrong shape."""


class InvalidNamespace(InvalidInput):
    """A namespace label is empty, not a string, or holds a control character."""


class MemoryNotFound(AgentmemError, KeyError):
    """No live memory of this namespace has the id."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"no memory has the id {self.id!r} in this namespace; list() shows the ids there are"


class DuplicateId(AgentmemError):
    """The id exists in the namespace and ``on_conflict`` is ``"error"``."""

    def __init__(self, id: str) -> None:
        super().__init__(
            f"a memory with the id {id!r} exists in this namespace; "
            "pass on_conflict='replace' for a new version or 'skip' to keep the old one"
        )
        self.id = id


class BatchFailed(AgentmemError):
    """``add_many`` stopped midway. Finished batches stay.

    Attributes:
        stored: how many items, from the first, are stored.
        cause: the error that stopped the batch after them.
    """

    def __init__(self, stored: int, cause: Exception) -> None:
        super().__init__(f"the first {stored} items are stored; the batch after them failed: {cause}")
        self.stored = stored
        self.cause = cause


class BackendError(AgentmemError):
    """The file or database cannot serve the call."""


class NotAMemoryFile(BackendError):
    """The file exists and is not an agentmem file."""


class DamagedFile(BackendError):
    """The file is an agentmem file and is broken; the message says how to save what is left."""


class NewerSchema(BackendError):
    """The file was written by a newer agentmem; upgrade to read it."""


class FileLocked(BackendError):
    """Another process held the write lock for longer than the retries last."""


class NetworkFileSystem(BackendError):
    """The file lies on a network file system, where SQLite's locks do not hold."""


class ReadOnlyFile(BackendError):
    """A write was asked of a file that cannot be written."""


class StoreClosed(BackendError):
    """The store was closed; open it again."""


class EmbedderError(AgentmemError):
    """An embedder failed or returned vectors of the wrong shape."""


class EmbedderMismatch(EmbedderError):
    """The file was written with another embedder; ``agentmem reindex`` moves it."""


class LanguageModelError(AgentmemError):
    """A call of a language model failed."""


class LanguageModelTimeout(LanguageModelError):
    """The language model did not answer in time."""


class LanguageModelRateLimited(LanguageModelError):
    """The language model refused for too many calls."""


class BudgetSpent(LanguageModelError):
    """The next call would go over the budget; it was not made."""


class DryRun(LanguageModelError):
    """Raised instead of a call in a dry run, which only counts."""


class UnexpectedAnswer(LanguageModelError):
    """The language model answered with something else than asked; ``answer`` holds it."""

    def __init__(self, message: str, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer


class MissingDependency(AgentmemError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'agentmem-kit[{extra}]'")
        self.package = package
        self.extra = extra


class UnknownOption(AgentmemError):
    """An option, store, embedder or order that does not exist."""

    def __init__(self, what: str, given: object, known: Iterable[str]) -> None:
        names: Sequence[str] = sorted(known)
        super().__init__(f"there is no {what} {given!r}; known: {', '.join(names) or 'none'}")
