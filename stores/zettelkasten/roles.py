"""The jobs that the paper gives to a language model, each with a local twin: annotate, link, evolve.

The local twins are deterministic and cost nothing:

- key terms by tf · idf over what came into the namespace, notes not counted:
  tf(t) · ln(1 + (n - df + ½) / (df + ½))^0.7 · e(t), with e the rarity in English, see
  :func:`agentmem.language.text.idf`; tags by what kind of text it is; as context the turn before it;
- a link where w = (1 - s) · cos + s · J is high enough, J being the Jaccard overlap of the key terms of both
  notes, each term weighted by its rarity: Σ_{t in both} idf(t) / Σ_{t in either} idf(t);
- a neighbour's tags gain the key terms that it shares with none of its own, few and bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from agentmem.language.roles import Asker, strings
from agentmem.language.text import ASKS, FIRST_PERSON, TIME_WORD, analyse
from agentmem.memory import Memory
from agentmem.recall.query import surfaces
from agentmem.stores.zettelkasten.notes import Annotation, Note

Weigh = Callable[[Sequence[str]], Mapping[str, float]]
"""Words -> how rare each is in what came into the namespace."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A note near the new one: what it annotates and the cosine of both."""

    note: Note
    episode: Memory
    similarity: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What linking found.

    Attributes:
        links: episode id -> (weight in [0, 1], reason).
        tags: the new note's tags; empty leaves them as they are.
        rewrite: ids of the neighbours' episodes that should evolve.
    """

    links: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    rewrite: tuple[str, ...] = ()


class Annotator(Protocol):
    """Makes K, G and X of a note (section 3.1, equation 2)."""

    def annotate(self, episode: Memory, before: Sequence[Memory]) -> Annotation:
        """Annotate an episode; ``before`` are the turns before it, the nearest last."""
        ...


class Linker(Protocol):
    """Decides which of the nearest notes belong with a new one (section 3.2, equation 6)."""

    def link(self, note: Note, episode: Memory, near: Sequence[Neighbour]) -> Decision:
        """Decide the links of a note."""
        ...


class Evolver(Protocol):
    """Rewrites neighbours of a new note (section 3.3, equation 7)."""

    def evolve(self, note: Note, episode: Memory, near: Sequence[Neighbour]) -> Mapping[str, Annotation]:
        """Episode id -> its new annotation; what is not in it stays."""
        ...


# --- local -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalAnnotator:
    """Key terms by tf · idf, tags by kind of text, the turn before as context.

    Attributes:
        weigh: rarity of words in the namespace.
        keywords: how many key terms.
        words: most words taken of the turn before; 0 leaves the context empty.
    """

    weigh: Weigh
    keywords: int = 5
    words: int = 20

    def annotate(self, episode: Memory, before: Sequence[Memory]) -> Annotation:
        """See :class:`Annotator`."""
        analysis = analyse(episode.text)
        counts = Counter(analysis.words)
        rarity = self.weigh(list(counts))
        spoken = set(analyse(episode.speaker or "").words)
        ranked = sorted(
            (word for word in counts if word not in spoken),
            key=lambda word: (-counts[word] * rarity[word], word),
        )
        forms = surfaces(episode.text)
        tags = [
            name
            for flag, name in ((ASKS, "question"), (TIME_WORD, "time"), (FIRST_PERSON, "personal"))
            if analysis.flags & flag
        ]
        context = ""
        if before and self.words:
            last = before[-1]
            said = " ".join(last.text.split()[: self.words])
            context = f"{last.speaker}: {said}" if last.speaker else said
        return Annotation(tuple(forms.get(w, w) for w in ranked[: self.keywords]), tuple(tags), context)


@dataclass(frozen=True, slots=True)
class LocalLinker:
    """Links by similarity and shared rare terms.

    Attributes:
        weigh: rarity of words in the namespace.
        threshold: least weight of a link.
        share: s, how much shared terms count beside the cosine.
    """

    weigh: Weigh
    threshold: float = 0.55
    share: float = 0.5

    def link(self, note: Note, episode: Memory, near: Sequence[Neighbour]) -> Decision:
        """See :class:`Linker`."""
        own = terms(note)
        found: dict[str, tuple[float, str]] = {}
        for neighbour in near:
            other = terms(neighbour.note)
            rarity = self.weigh(sorted(own | other))
            total = sum(rarity.values())
            overlap = sum(rarity[word] for word in own & other) / total if total else 0.0
            weight = (1 - self.share) * max(neighbour.similarity, 0.0) + self.share * overlap
            if weight >= self.threshold:
                found[neighbour.note.episode] = (min(weight, 1.0), shared(note, neighbour.note))
        return Decision(found, rewrite=tuple(found))


@dataclass(frozen=True, slots=True)
class LocalEvolver:
    """A linked neighbour gains the new note's rarest key terms as tags.

    Attributes:
        weigh: rarity of words in the namespace.
        gain: terms gained from one note.
        most: tags beyond which nothing is gained.
    """

    weigh: Weigh
    gain: int = 1
    most: int = 6

    def evolve(self, note: Note, episode: Memory, near: Sequence[Neighbour]) -> Mapping[str, Annotation]:
        """See :class:`Evolver`."""
        result: dict[str, Annotation] = {}
        for neighbour in near:
            old = neighbour.note.annotation
            known = terms(neighbour.note) | set(analyse(" ".join(old.tags)).words)
            new = [w for w in note.annotation.keywords if not known & set(analyse(w).words)]
            room = min(self.gain, self.most - len(old.tags))
            if new and room > 0:
                tags = (*old.tags, *new[:room])
                result[neighbour.note.episode] = Annotation(old.keywords, tags, old.context, old.by)
        return result


def terms(note: Note) -> frozenset[str]:
    """The words of a note's keywords."""
    return _terms(note.annotation.keywords)


@lru_cache(maxsize=65_536)
def _terms(keywords: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word for keyword in keywords for word in analyse(keyword).words)


def shared(one: Note, other: Note) -> str:
    """What two notes have in common, in words."""
    theirs = terms(other)
    both = [k for k in one.annotation.keywords if not theirs.isdisjoint(analyse(k).words)]
    return f"both speak of {', '.join(both)}" if both else "they are alike"


# --- with a language model ---------------------------------------------------------------------------

_LIST = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class ModelAnnotator:
    """Asks for keywords, a sentence of context and tags; at least one keyword and the context must come."""

    asker: Asker
    name: str

    def annotate(self, episode: Memory, before: Sequence[Memory]) -> Annotation:
        """See :class:`Annotator`."""
        values = {
            "speaker": episode.speaker or "unknown",
            "when": episode.at.strftime("%A, %d %B %Y, %H:%M"),
            "text": episode.text,
        }
        return self.asker.ask("zettel_annotate", values, self._read, schema=_ANNOTATION)

    def _read(self, answer: Any) -> Annotation:
        keywords, tags = strings(answer["keywords"], least=1), strings(answer["tags"])
        return Annotation(tuple(keywords), tuple(tags), sentence(answer["context"]), self.name)


@dataclass(frozen=True, slots=True)
class ModelLinker:
    """Asks which of the nearest notes belong with a new one; labels that were not shown are refused."""

    asker: Asker

    def link(self, note: Note, episode: Memory, near: Sequence[Neighbour]) -> Decision:
        """See :class:`Linker`."""
        shown = labels(near)

        def read(answer: Any) -> Decision:
            links: dict[str, tuple[float, str]] = {}
            for entry in answer["links"]:
                neighbour = _shown(shown, entry["label"])
                weight = min(max(neighbour.similarity, 0.0), 1.0)
                links[neighbour.note.episode] = (weight, sentence(entry["reason"], empty=True))
            rewrite = [_shown(shown, label).note.episode for label in strings(answer["rewrite"])]
            return Decision(links, tuple(strings(answer["tags"])), tuple(rewrite))

        values = {"note": page(note, episode), "neighbours": _listed(shown)}
        return self.asker.ask("zettel_link", values, read, schema=_LINKS)


@dataclass(frozen=True, slots=True)
class ModelEvolver:
    """Asks for new context and tags of some neighbours, matched by label and never by order."""

    asker: Asker
    name: str

    def evolve(self, note: Note, episode: Memory, near: Sequence[Neighbour]) -> Mapping[str, Annotation]:
        """See :class:`Evolver`."""
        shown = labels(near)

        def read(answer: Any) -> Mapping[str, Annotation]:
            result: dict[str, Annotation] = {}
            for entry in answer["notes"]:
                old = _shown(shown, entry["label"]).note
                tags = tuple(strings(entry["tags"])) or old.annotation.tags
                context = sentence(entry["context"])
                result[old.episode] = Annotation(old.annotation.keywords, tags, context, self.name)
            return result

        values = {"note": page(note, episode), "neighbours": _listed(shown)}
        return self.asker.ask("zettel_evolve", values, read, schema=_NOTES)


def labels(near: Sequence[Neighbour]) -> dict[str, Neighbour]:
    """Neighbours under labels N1, N2, … as prompts show them."""
    return {f"N{place}": neighbour for place, neighbour in enumerate(near, 1)}


def page(note: Note, episode: Memory) -> str:
    """A note as prompts show it."""
    said = f"{episode.speaker}: " if episode.speaker else ""
    lines = [
        f"when: {episode.at:%Y-%m-%d %H:%M}",
        f"text: {said}{episode.text}",
        f"context: {note.annotation.context}",
        f"keywords: {', '.join(note.annotation.keywords)}",
        f"tags: {', '.join(note.annotation.tags)}",
    ]
    return "\n".join(lines)


def sentence(value: Any, *, empty: bool = False) -> str:
    """A text on one line.

    Raises:
        ValueError: it is no text, or empty where it must not be.
    """
    if not isinstance(value, str) or not (value.strip() or empty):
        raise ValueError(f"expected a sentence, not {value!r}")
    return " ".join(value.split())


def _listed(shown: Mapping[str, Neighbour]) -> str:
    return "\n\n".join(f"{label}\n{page(n.note, n.episode)}" for label, n in shown.items())


def _shown(shown: Mapping[str, Neighbour], label: Any) -> Neighbour:
    if label not in shown:
        raise ValueError(f"no note with the label {label!r} was shown")
    return shown[label]


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT = {"type": "string"}
_ANNOTATION = _object(keywords=_LIST, context=_TEXT, tags=_LIST)
_LINKS = _object(
    links={"type": "array", "items": _object(label=_TEXT, reason=_TEXT)}, tags=_LIST, rewrite=_LIST
)
_NOTES = _object(notes={"type": "array", "items": _object(label=_TEXT, context=_TEXT, tags=_LIST)})
