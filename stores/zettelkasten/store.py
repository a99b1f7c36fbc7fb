"""The store itself: options, recipes, and the verbs that read and take back the history of notes."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from agentmem import validate, writing
from agentmem.errors import MemoryNotFound, UnknownOption
from agentmem.language.roles import Asker
from agentmem.memory import Cue, Derived, Hit, Memory, Namespace
from agentmem.recall.recipe import Recipe
from agentmem.runtime import Runtime
from agentmem.store import MemoryStore
from agentmem.stores.zettelkasten import roles
from agentmem.stores.zettelkasten.notes import FAILED, KIND, LAYOUTS, LINK, LINKED, Note
from agentmem.stores.zettelkasten.overlay import Overlay
from agentmem.stores.zettelkasten.spread import NoteSpread
from agentmem.stores.zettelkasten.weaving import Weaver
from agentmem.stores.zettelkasten.words import weights

RECALLS = ("paper", "hybrid")
EXPANDS = (None, "each", "scored", "none")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a consolidation would take.

    Attributes:
        notes: episodes to annotate.
        links: notes whose links are to be decided, those to be annotated included.
        calls: calls at least: one a note, one a decision; evolution and repeated answers come on top.
        tokens: of the prompts for annotation, as estimated; those of the decisions depend on the answers.
    """

    notes: int = 0
    links: int = 0
    calls: int = 0
    tokens: int = 0


class ZettelkastenStore(MemoryStore):
    """Episodes found by the notes on them, and notes that bring what they are linked with.

    The page on it is the docstring of :mod:`agentmem.stores.zettelkasten`.
    """

    name = "zettelkasten"
    options: ClassVar[Mapping[str, Any]] = {
        "recall": "paper",
        "expand": None,
        "index_text": "paper",
        "link_k": 10,
        "evolve": True,
        "most_rewrites": 20,
        "linked": 10,
        "mix": 0.1,
        "keywords": 5,
        "threshold": 0.55,
        "prompts": None,
    }

    def __init__(self, runtime: Runtime, name: Namespace = (), **options: Any) -> None:
        super().__init__(runtime, name, **options)
        for option, known in (("recall", RECALLS), ("expand", EXPANDS), ("index_text", LAYOUTS)):
            if self._options[option] not in known:
                raise UnknownOption(option, self._options[option], filter(None, known))
        for option in ("link_k", "most_rewrites", "linked", "keywords"):
            validate.count(self._options[option], option)
        for option in ("mix", "threshold"):
            validate.number(self._options[option], option, 0, 1)
        validate.flag(self._options["evolve"], "evolve")
        self._prompts = validate.folder(self._options["prompts"], "prompts")
        self._overlay = Overlay(self._maker)
        self._made_recipe = self._make_recipe()

    @property
    def _maker(self) -> str:
        """Notes are the same however they are searched, so only what they are made of counts."""
        return f"{self.name}:{self._options['index_text']}-1"

    def _make_recipe(self) -> Recipe:
        paper = self._options["recall"] == "paper" and self._runtime.embedder is not None
        step = NoteSpread(
            self._runtime.backend,
            self._overlay,
            self._maker,
            weight=1.0 if paper else 0.5,
            standard=not paper,
            note_words=0.0 if paper else 0.5,
            expand=self._options["expand"] or ("each" if paper else "scored"),
            mix=self._options["mix"],
            most=self._options["linked"],
        )
        if not paper:
            return Recipe(spread=(step,))
        return Recipe(
            lexical=0.0, soft=0.0, dense={"other": 0.0}, speaker=0.0, told=0.0, date=0.0, event=0.0,
            time_word=0.0, length=0.0, question=0.0, session=0.0, spread=(step,),
        )  # fmt: skip

    # --- hooks -----------------------------------------------------------------------------------
    def _recipe(self) -> Recipe:
        return self._made_recipe

    def _cue(self, query: str, k: int) -> Cue:
        return Cue(query, filter={"@kind": {"$ne": KIND}})

    def _assemble(self, query: str, hits: builtins.list[Hit]) -> builtins.list[Hit]:
        """Say by which note or link a hit came."""
        return [replace(hit, why=tuple(self._reasons(hit))) for hit in hits]

    def _reasons(self, hit: Hit) -> Iterator[str]:
        for reason in hit.why:
            if reason == "note":
                yield "its note means something close to the question"
            elif reason == "note words":
                yield "its note says it in words of the question"
            elif reason == "linked note":
                yield f"its note is linked with that of {hit.via[0].id!r}, which was found"
            else:
                yield reason

    def _maintain(self, at: datetime) -> Iterable[Derived]:
        number = self._runtime.number(self._namespace)
        if number is None:
            return ()
        llm = self._runtime.llm
        asker = None if llm is None else Asker(llm, self._prompts)
        return self._weaver(number, asker).run()

    # --- verbs of its own ------------------------------------------------------------------------
    def note(self, id: str) -> Note | None:
        """The live note of an episode, or None while it has none."""
        found = self._notes_of([id])
        return found.get(id)

    def evolution(self, id: str) -> builtins.list[Note]:
        """All notes an episode's live note grew out of, oldest first, each with why it replaced the last."""
        number = self._runtime.number(self._namespace)
        note = self.note(id)
        chain: builtins.list[Note] = []
        seen: set[str] = set()
        while note is not None and number is not None:
            chain.append(note)
            seen.add(note.id)
            previous = note.previous
            versions = (
                self._runtime.backend.history(number, previous) if previous and previous not in seen else []
            )
            note = Note.of(versions[-1]) if versions else None
        return chain[::-1]

    def revert(self, id: str) -> Note:
        """Take back the last rewriting of an episode's note; returns the note that holds again.

        Raises:
            MemoryNotFound: the episode has no note, or its note is the first.
        """
        versions = self.evolution(id)
        if len(versions) < 2:
            raise MemoryNotFound(id)
        last, before = versions[-1], versions[-2]
        writing.restore(self._runtime, self._namespace, [before.id])
        writing.retire(self._runtime, self._namespace, [last.id])
        return before

    def linked(self, id: str) -> builtins.list[tuple[Memory, float, str]]:
        """What the notes linked with an episode's annotate, strongest first: (episode, weight, reason)."""
        weight: dict[str, float] = {}
        for link in self.links(id):
            if link.made_by == self._maker and link.kind == LINK:
                other = link.target if link.source == id else link.source
                weight[other] = max(weight.get(other, 0.0), link.weight)
        notes = self._notes_of([id, *weight])
        own = notes.pop(id, None)
        reasons: dict[str, str] = {}
        for other, note in notes.items():
            told = note.reasons.get(id, "") if own is None else own.reasons.get(other) or note.reasons.get(id)
            reasons[other] = told or ("" if own is None else roles.shared(own, note))
        found = self.get_many(weight)
        found.sort(key=lambda memory: (-weight[memory.id], memory.id))
        return [(memory, weight[memory.id], reasons.get(memory.id, "")) for memory in found]

    def failed(self) -> dict[str, str]:
        """Episodes whose annotation or linking failed, with the error; the next consolidation tries again."""
        number = self._runtime.number(self._namespace)
        if number is None:
            return {}
        return {
            artifact.source: artifact.data["error"]
            for kind in (FAILED, LINKED)
            for artifact in self._runtime.backend.artifacts(number, made_by=self._maker, kind=kind)
            if artifact.data["status"] == "failed"
        }

    def plan(self) -> Plan:
        """What the next consolidation would ask a language model at least; nothing is asked or written."""
        number = self._runtime.number(self._namespace)
        if number is None:
            return Plan()
        asker = Asker(None, self._prompts)
        notes, links = self._weaver(number, asker).plan()
        return Plan(notes, links, asker.calls + links, asker.planned_tokens)

    async def anote(self, id: str) -> Note | None:
        """Async twin of :meth:`note`."""
        return await self._twin(self.note, id)

    async def aevolution(self, id: str) -> builtins.list[Note]:
        """Async twin of :meth:`evolution`."""
        return await self._twin(self.evolution, id)

    async def arevert(self, id: str) -> Note:
        """Async twin of :meth:`revert`."""
        return await self._twin(self.revert, id)

    async def alinked(self, id: str) -> builtins.list[tuple[Memory, float, str]]:
        """Async twin of :meth:`linked`."""
        return await self._twin(self.linked, id)

    async def afailed(self) -> dict[str, str]:
        """Async twin of :meth:`failed`."""
        return await self._twin(self.failed)

    async def aplan(self) -> Plan:
        """Async twin of :meth:`plan`."""
        return await self._twin(self.plan)

    # --- inside ----------------------------------------------------------------------------------
    def _notes_of(self, ids: Sequence[str]) -> dict[str, Note]:
        number = self._runtime.number(self._namespace)
        if number is None:
            return {}
        space = self._runtime.space(number)
        with space.lock:
            docs = space.docs_of(ids)
            notes = self._overlay.of(space, docs[docs >= 0])
            rows = space.rows[notes[notes >= 0]].tolist()
        found = [Note.of(memory) for memory in self._runtime.backend.memories(rows)]
        return {note.episode: note for note in found}

    def _weaver(self, number: int, asker: Asker | None) -> Weaver:
        runtime, options = self._runtime, self._options
        annotator: roles.Annotator
        linker: roles.Linker
        evolver: roles.Evolver
        if asker is None:
            weigh = _Rarity(runtime, number)
            annotator = roles.LocalAnnotator(weigh, options["keywords"])
            linker = roles.LocalLinker(weigh, options["threshold"])
            evolver = roles.LocalEvolver(weigh)
        else:
            model = str(getattr(runtime.llm, "model", "") or "model")
            annotator = roles.ModelAnnotator(asker, model)
            linker = roles.ModelLinker(asker)
            evolver = roles.ModelEvolver(asker, model)
        return Weaver(
            runtime,
            number,
            self._maker,
            self._overlay,
            annotator,
            linker,
            evolver if options["evolve"] else None,
            asker,
            self.flush,
            link_k=options["link_k"],
            layout=options["index_text"],
            most_rewrites=options["most_rewrites"],
        )


class _Rarity:
    """Rarity of words in what came into a namespace, each looked up once a run."""

    def __init__(self, runtime: Runtime, number: int) -> None:
        self._runtime = runtime
        self._number = number
        self._known: dict[str, float] = {}

    def __call__(self, words: Sequence[str]) -> Mapping[str, float]:
        if missing := [word for word in words if word not in self._known]:
            space = self._runtime.space(self._number)
            with space.lock:
                self._known |= weights(space, self._runtime.backend, missing)
        return {word: self._known[word] for word in words}
