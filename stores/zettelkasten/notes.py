"""The note: an annotation of one episode, written as a memory of its own and never changed in place.

An episode's notes form a chain. Each says which one it replaced and why, so that the history can be
read and taken back, and the id of a note tells its episode without a look into the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from agentmem.memory import Draft, Memory
from agentmem.validate import new_id

KIND = "zettel"
"""The kind of memory a note is."""
LINK = "related"
"""The kind of link between the episodes of two notes that belong together."""
FAILED = "annotation"
"""The kind of artifact that marks an episode whose annotation failed."""
LINKED = "linking"
"""The kind of artifact that says whether the links of a note were decided."""
LAYOUTS = ("paper", "code", "content")
_MARK = "#note-"


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is said about an episode: K, G and X of the paper's note.

    Attributes:
        keywords: K, its key terms, the most important first.
        tags: G, its categories.
        context: X, a sentence that places it.
        by: who made it: ``"local"``, or the language model.
    """

    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    context: str = ""
    by: str = "local"


@dataclass(frozen=True, slots=True)
class Note:
    """One version of the note of an episode.

    Attributes:
        id: of the memory that holds it.
        episode: id of the episode it annotates.
        annotation: what it says.
        number: 1 for the first version of its chain.
        chain: shared by all versions that grew out of one annotation.
        previous: id of the version it replaced, or None.
        cause: why there is this version: ``"annotated"``, ``"linked"``, ``"evolved"``, ``"renewed"``.
        authors: ids of the episodes whose arrival rewrote it, in order.
        basis: id -> digest of the text of each episode that it must be made anew with.
        seen: ids of further episodes whose text may have flowed into it.
        reasons: id of a linked episode -> why.
        recorded_at: when it was written, None before.
        retired_at: when it was replaced, None while it is live.
    """

    id: str
    episode: str
    annotation: Annotation
    number: int = 1
    chain: str = ""
    previous: str | None = None
    cause: str = "annotated"
    authors: tuple[str, ...] = ()
    basis: Mapping[str, str] = field(default_factory=dict)
    seen: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    recorded_at: datetime | None = None
    retired_at: datetime | None = None

    @classmethod
    def first(cls, episode: Memory, annotation: Annotation, context: Sequence[Memory] = ()) -> Note:
        """The first note of a chain.

        Args:
            episode: what it annotates.
            annotation: what it says.
            context: other episodes that it was made from.
        """
        chain = new_id()
        basis = {memory.id: digest(memory.text) for memory in (episode, *context)}
        return cls(_id(episode.id, chain, 1), episode.id, annotation, chain=chain, basis=basis)

    def next(self, cause: str, **changes: Any) -> Note:
        """The version after this one, with other fields."""
        number = self.number + 1
        return replace(
            self,
            id=_id(self.episode, self.chain, number),
            number=number,
            previous=self.id,
            cause=cause,
            recorded_at=None,
            retired_at=None,
            **changes,
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """Every episode it owes something to, its own first; erasing one of them erases it."""
        return tuple(dict.fromkeys((self.episode, *self.basis, *self.authors, *self.seen)))

    def draft(self, episode: Memory, layout: str) -> Draft:
        """The memory to write."""
        return Draft(
            index_text(episode.text, self.annotation, layout),
            at=episode.at,
            kind=KIND,
            id=self.id,
            sources=self.sources,
            trust=episode.trust if self.annotation.by == "local" else min(episode.trust, 0.5),
            data={
                "keywords": list(self.annotation.keywords),
                "tags": list(self.annotation.tags),
                "context": self.annotation.context,
                "by": self.annotation.by,
                "previous": self.previous,
                "cause": self.cause,
                "authors": list(self.authors),
                "basis": dict(self.basis),
                "reasons": dict(self.reasons),
            },
        )

    @classmethod
    def of(cls, memory: Memory) -> Note:
        """The note that a memory holds."""
        data = memory.data
        episode, _, rest = memory.id.rpartition(_MARK)
        chain, _, number = rest.partition(".")
        basis, authors = dict(data["basis"]), tuple(data["authors"])
        known = {episode, *basis, *authors}
        return cls(
            memory.id,
            episode,
            Annotation(tuple(data["keywords"]), tuple(data["tags"]), data["context"], data["by"]),
            number=int(number),
            chain=chain,
            previous=data["previous"],
            cause=data["cause"],
            authors=authors,
            basis=basis,
            seen=tuple(id for id in memory.sources if id not in known),
            reasons=dict(data["reasons"]),
            recorded_at=memory.recorded_at,
            retired_at=memory.retired_at,
        )


def episode_of(note_id: str) -> str:
    """The episode of a note, by the note's id."""
    return note_id.rpartition(_MARK)[0]


def chain_of(note_id: str) -> str:
    """The chain of a note, by the note's id."""
    return note_id.rpartition(_MARK)[2].partition(".")[0]


def index_text(content: str, annotation: Annotation, layout: str = "paper") -> str:
    """The text whose vector stands for a note; one layout, wherever a note is written.

    ``"paper"`` is concat(c, K, G, X) (section 3.1, equation 3); ``"code"`` is context and keywords alone, as
    the first published code embeds; ``"content"`` is c.
    """
    keywords, tags = ", ".join(annotation.keywords), ", ".join(annotation.tags)
    parts = {
        "paper": (content, keywords, tags, annotation.context),
        "code": (annotation.context, keywords),
        "content": (content,),
    }[layout]
    return "\n".join(part for part in parts if part) or content


def digest(text: str) -> str:
    """A short hash of a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _id(episode: str, chain: str, number: int) -> str:
    return f"{episode}{_MARK}{chain}.{number}"
