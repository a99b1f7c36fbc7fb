"""The store itself; :mod:`agentmem.stores.hipporag` is its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from agentmem.errors import InvalidInput, LanguageModelError, UnknownOption
from agentmem.language.roles import Asker
from agentmem.memory import Cue, Derived, Memory, Namespace
from agentmem.recall.pairs import Pairs
from agentmem.recall.query import parse
from agentmem.recall.recipe import Recipe
from agentmem.recall.spread import Spread
from agentmem.runtime import Runtime
from agentmem.store import MemoryStore
from agentmem.stores.hipporag import extract
from agentmem.stores.hipporag.cache import Shape, state_of, triples_artifact
from agentmem.stores.hipporag.consolidate import Maintenance
from agentmem.stores.hipporag.linking import Settings, Trace
from agentmem.stores.hipporag.roles import PassageReader, QuestionReader, Recognition
from agentmem.stores.hipporag.step import Noted, PageRank, Weight

if TYPE_CHECKING:
    import networkx

    from agentmem.index.space import Space
    from agentmem.stores.hipporag.graph import PhraseGraph

_RECOGNITION = ("none", "local", "llm")
_SPREAD = ("pagerank", "pairs")
_WRITE = 500

PAPER: Mapping[int, Mapping[str, Any]] = {
    1: {"version": 1, "link_from": 0.0, "lexical": 0.0, "dense": 0.0, "near": None},
    2: {
        "version": 2,
        "lexical": 0.0,
        "dense": 0.0,
        "passage_seeds": None,
        "recognition": "none",
        "near": None,
    },
}
"""Options under which a version ranks as published (2: with ``recognition="llm"`` as in the full system)."""


class HippoRAGStore(MemoryStore):
    """Memories joined by what they speak of, recalled by Personalized PageRank; see the module."""

    name = "hipporag"
    options: ClassVar[Mapping[str, Any]] = {
        "version": 2,
        "damping": 0.5,
        "synonymy": 0.8,
        "synonyms": 100,
        "specificity": True,
        "ensemble": None,
        "facts": 5,
        "seeds": 5,
        "passage_weight": 0.05,
        "passage_seeds": 200,
        "dense_share": None,
        "link_from": 0.6,
        "recognition": "local",
        "recognition_from": 0.3,
        "entities": False,
        "exact": False,
        "near": 25,
        "doubled": False,
        "lexical": 1.0,
        "dense": 1.0,
        "spread": "pagerank",
        "pagerank": None,
        "pagerank_turns": 0.0,
        "pagerank_read": 100.0,
        "prompts": None,
    }

    def __init__(self, runtime: Runtime, name: Namespace = (), **options: Any) -> None:
        super().__init__(runtime, name, **options)
        chosen = self._options
        _check(chosen)
        self._settings = Settings(
            version=chosen["version"],
            damping=chosen["damping"],
            specificity=chosen["specificity"],
            ensemble=chosen["ensemble"],
            facts=chosen["facts"],
            seeds=chosen["seeds"],
            passage_weight=chosen["passage_weight"],
            passage_seeds=chosen["passage_seeds"],
            dense_share=chosen["dense_share"],
            link_from=chosen["link_from"],
            recognition=chosen["recognition"],
            recognition_from=chosen["recognition_from"],
            exact=chosen["exact"],
            near=chosen["near"],
        )
        self._made: tuple[Shape, PageRank, Recipe] | None = None

    # --- hooks ---------------------------------------------------------------------------------------
    def _encode(self, episodes: Sequence[Memory]) -> Derived:
        """Triples by rules, with the episodes; those of a new version wait for consolidation."""
        number = self._runtime.number(self._namespace)
        ids = [memory.id for memory in episodes]
        known = set() if number is None else set(self._runtime.backend.get(number, ids))
        made = []
        for memory in episodes:
            if memory.text and memory.id not in known:
                read = extract.extract(memory)
                made.append(triples_artifact(memory.id, 1, read.entities, read.triples, extract.MAKER))
        return Derived(artifacts=tuple(made))

    def _recipe(self) -> Recipe:
        return self._parts()[2]

    def _cue(self, query: str, k: int) -> Cue:
        walks = self._options["spread"] == "pagerank"
        if walks and self._settings.recognition == "llm" and self._runtime.llm is not None:
            self._parts()[1].note(query, self._ask(query))
        return Cue(query)

    def _maintain(self, at: datetime) -> Iterable[Derived]:
        number = self._runtime.number(self._namespace)
        if number is None:
            return ()
        maintenance = Maintenance(
            runtime=self._runtime,
            number=number,
            shape=self._parts()[0],
            facts=self._settings.version == 2,
            degree=self._options["synonyms"],
            reader=None if self._runtime.llm is None else PassageReader(self._asker()),
        )
        return maintenance.run(self.list(order="position"))

    # --- verbs of its own ----------------------------------------------------------------------------
    def load_openie(self, path: str | Path) -> int:
        """Take ready triples from an OpenIE file, in place of what was read by rules.

        A passage is found by its words. Run :meth:`consolidate` afterwards, for synonym edges.

        Args:
            path: a file as HippoRAG writes it, see :mod:`agentmem.stores.hipporag.openie`.

        Returns:
            How many memories got triples.

        Raises:
            InvalidInput: the file is something else.
        """
        from agentmem import writing
        from agentmem.stores.hipporag.openie import passage_key, read_openie

        found = read_openie(path)
        number = self._runtime.number(self._namespace)
        if number is None:
            return 0
        made = []
        for memory in self.list(order="position"):
            read = found.get(passage_key(memory.text))
            if read is not None:
                made.append(
                    triples_artifact(memory.id, memory.version, read.entities, read.triples, "openie")
                )
        for start in range(0, len(made), _WRITE):
            with self._runtime.backend.transaction() as transaction:
                derived = Derived(artifacts=tuple(made[start : start + _WRITE]))
                at = self._runtime.clock()
                writing.write_derived(transaction, number, derived, (), (), maker=self._maker, at=at)
        return len(made)

    def trace(self, query: str) -> Trace:
        """How a question is led to its ranking: entities, facts, seeds, and which stage ranks."""
        self._cue(query, 1)
        number = self._runtime.number(self._namespace)
        if number is None:
            return Trace("none")
        space = self._runtime.space(number)
        with space.lock:
            return self._parts()[1].trace(space, parse(query, self._runtime.clock()))

    def graph_size(self) -> dict[str, int]:
        """How many passages, phrases, facts and edges of the walk the graph of this namespace holds."""
        number = self._runtime.number(self._namespace)
        if number is None:
            return {"passages": 0, "phrases": 0, "facts": 0, "edges": 0}
        space = self._runtime.space(number)
        with space.lock:
            graph = self._graph_of(number, space)
            edges = sum(len(part.ends) // 2 for part in graph.walk.compiled(graph.n).parts)
            phrases = int((graph.held_by > 0).sum())
            facts = int((graph.fact_count > 0).sum())
            return {"passages": graph.live, "phrases": phrases, "facts": facts, "edges": edges}

    def graph(self) -> networkx.MultiGraph:
        """The graph of this namespace, to take away, draw and analyse.

        Returns:
            A networkx MultiGraph. Nodes: ``"phrase:KEY"`` (``kind``, ``label``, ``passages``) and
            ``"passage:ID"`` (``kind``, ``label``, ``text``). Edges by ``kind``: "fact" (``label``,
            ``weight``), "synonym" (``weight``: the cosine), "holds" (``weight``: how often).
        """
        from agentmem.stores.hipporag.export import to_networkx

        number = self._runtime.number(self._namespace)
        if number is None:
            import networkx

            return networkx.MultiGraph()
        space = self._runtime.space(number)
        with space.lock:
            graph = self._graph_of(number, space)
            made = to_networkx(graph)
            ids = [id for id, _ in graph.passages()]
        for memory in self.get_many(ids):
            node = f"passage:{memory.id}"
            if node in made:
                made.nodes[node]["text"] = memory.text
                made.nodes[node]["label"] = memory.text.split("\n", 1)[0][:60]
        return made

    # --- inside --------------------------------------------------------------------------------------
    def _graph_of(self, number: int, space: Space) -> PhraseGraph:
        """The graph of a namespace, whose space's lock is held."""
        state = state_of(self._runtime, number, self._parts()[0])
        return state.sync(space, self._runtime.backend, self._runtime.spaces.snapshots)

    def _parts(self) -> tuple[Shape, PageRank, Recipe]:
        """Shape, step and recipe, made anew when the file has moved to another embedder."""
        made = self._made
        if made is None or made[0].fingerprint != self._runtime.fingerprint:
            chosen = self._options
            embedder = self._runtime.embedder
            fast = embedder is None or embedder.speed == "fast"
            shape = Shape(
                contains=chosen["version"] == 2,
                entities=chosen["entities"],
                synonymy=chosen["synonymy"],
                doubled=chosen["doubled"],
                keep=not fast or chosen["near"] is None,
                fingerprint=self._runtime.fingerprint,
            )
            alone = not chosen["lexical"] and not chosen["dense"]
            passages = chosen["pagerank"]
            if passages is None:
                passages = 1.0 if fast else chosen["pagerank_read"]
            weight = Weight(passages, chosen["pagerank_turns"], chosen["pagerank_read"])
            step = PageRank(self._runtime, shape, self._settings, weight, alone=alone)
            pairs = Pairs(self._runtime.backend, maker=lambda: self._maker)
            spread = pairs if chosen["spread"] == "pairs" else step
            made = self._made = (shape, step, recipe(chosen["lexical"], chosen["dense"], spread))
        return made

    def _asker(self) -> Asker:
        folder = self._options["prompts"]
        return Asker(self._runtime.llm, prompts=None if folder is None else Path(folder))

    def _ask(self, query: str) -> Noted:
        """What the language model says about a question; its failure is noted and stops nothing."""
        try:
            if self._settings.version == 1:
                return Noted(names=tuple(QuestionReader(self._asker()).read(query)))
            number = self._runtime.number(self._namespace)
            if number is None:
                return Noted()
            space = self._runtime.space(number)
            with space.lock:
                facts = self._parts()[1].candidates(space, query)
            if not facts:
                return Noted()
            chosen = Recognition(self._asker()).choose(query, facts)
            return Noted(kept=frozenset(facts[i] for i in chosen))
        except LanguageModelError as error:
            return Noted(failed=str(error) or type(error).__name__)


def recipe(lexical: float, dense: float, step: Spread) -> Recipe:
    """The engine's recipe with its words and vectors weighed, and the walk (or pairs).

    With ``lexical`` and ``dense`` both 0 nothing but the walk speaks, as in the papers.
    """
    plain = Recipe()
    if not lexical and not dense:
        silent = dict.fromkeys(
            ("lexical", "speaker", "told", "date", "event", "time_word", "length", "question", "session"), 0.0
        )
        return Recipe(**silent, dense={"other": 0.0}, spread=(step,))  # type: ignore[arg-type]
    weights = {name: dense * weight for name, weight in plain.dense.items()}
    return Recipe(lexical=lexical * plain.lexical, dense=weights, spread=(step,))


def _check(chosen: Mapping[str, Any]) -> None:
    """Refuse options that mean nothing."""
    if chosen["version"] not in (1, 2):
        raise UnknownOption("version of HippoRAG", chosen["version"], ["1", "2"])
    if chosen["recognition"] not in _RECOGNITION:
        raise UnknownOption("recognition", chosen["recognition"], _RECOGNITION)
    if chosen["spread"] not in _SPREAD:
        raise UnknownOption("spread", chosen["spread"], _SPREAD)
    if chosen["spread"] == "pairs" and not chosen["lexical"] and not chosen["dense"]:
        raise InvalidInput("spread='pairs' lifts what words or vectors found: leave lexical or dense above 0")
    for name, low, high in (("damping", 0.0, 1.0), ("synonymy", 0.0, 1.0)):
        if not low < chosen[name] < high:
            raise InvalidInput(f"{name}={chosen[name]!r} is not between {low:g} and {high:g}")
    for name in ("facts", "seeds", "synonyms", "near"):
        if name == "near" and chosen[name] is None:
            continue
        if not isinstance(chosen[name], int) or chosen[name] < 1:
            raise InvalidInput(f"{name}={chosen[name]!r} is not a whole number of 1 or more")
    for name in ("lexical", "dense", "pagerank", "pagerank_turns", "pagerank_read", "passage_weight"):
        if (chosen[name] or 0.0) < 0:
            raise InvalidInput(f"{name}={chosen[name]!r} is below 0")
    share = chosen["dense_share"]
    if share is not None and not 0 <= share < 1:
        raise InvalidInput(f"dense_share={share!r} is not from 0 up to, but not, 1")
