"""The store itself; see the package for what it is composed of and when to use it."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from agentmem import validate
from agentmem.clock import TimeLike, to_micros
from agentmem.decay.base import Curve
from agentmem.decay.history import Histories, code_of
from agentmem.errors import InvalidInput, UnknownOption
from agentmem.fading import Fading, importance
from agentmem.language.roles import Asker
from agentmem.memory import Artifact, Derived, Link, Memory
from agentmem.recall.recipe import Recipe
from agentmem.stores.forgetting.asleep import sleepers
from agentmem.stores.forgetting.days import Day, by_day, zone_named
from agentmem.stores.forgetting.digesting import DAY, KINDS, NEVER_FOUND, OVERVIEW, PORTRAIT, Digesting
from agentmem.stores.forgetting.digests import Roles, asked_roles, local_roles
from agentmem.stores.forgetting.fate import POLICIES, Fate, Policy, Turn

if TYPE_CHECKING:
    from agentmem.index.base import Docs, Mask
    from agentmem.index.space import Space

FORGOTTEN = "forgotten"
"""The kind of a link from a memory to itself: it is hidden while its retention is not above the weight."""
_DENSE = Recipe(
    lexical=0.0, soft=0.0, speaker=0.0, told=0.0, date=0.0, event=0.0, time_word=0.0, length=0.0,
    question=0.0, session=0.0, dense_knee=1e6,
)  # fmt: skip
_ENGINE = Recipe()
_RETRIEVAL = {"engine": _ENGINE, "dense": _DENSE}
_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a consolidation would ask a language model: at least so many calls, so many tokens sent."""

    calls: int
    tokens: int


class ForgettingStore(Fading):
    """MemoryBank: a log, its digests, and a curve by which memories fade. See the module's docstring."""

    name = "forgetting"
    options: ClassVar[Mapping[str, Any]] = {
        **Fading.options,
        "curve": "memorybank",
        "forget": "none",
        "threshold": 0.05,
        "seed": 0,
        "capacity": None,
        "touch_log": False,
        "zone": None,
        "find_days": True,
        "retrieval": "engine",
        "prompts": None,
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        given = self._options
        if given["forget"] not in POLICIES:
            raise UnknownOption("way to forget", given["forget"], POLICIES)
        if given["retrieval"] not in _RETRIEVAL:
            raise UnknownOption("retrieval", given["retrieval"], _RETRIEVAL)
        if not isinstance(self.curve, Curve):
            raise InvalidInput("curve=None: this store needs a forgetting curve; 'constant' never fades")
        threshold = validate.number(given["threshold"], "threshold", 0, 1)
        capacity, seed = given["capacity"], given["seed"]
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise InvalidInput(f"seed={seed!r} is not a whole number")
        if capacity is not None and (
            isinstance(capacity, bool) or not isinstance(capacity, int) or capacity < 0
        ):
            raise InvalidInput(f"capacity={capacity!r} is not a whole number of 0 or more, or None")
        for option in ("touch_log", "find_days"):
            validate.flag(given[option], option)
        self._prompts = validate.folder(given["prompts"], "prompts")
        self._policy = Policy(given["forget"], threshold, seed, capacity)
        self._zone = zone_named(given["zone"])

    # --- what a caller asks it ---------------------------------------------------------------------
    def overview(self) -> Memory | None:
        """The summary over all days that are remembered, or None before there is one."""
        return self._newest(OVERVIEW)

    def portrait(self) -> Memory | None:
        """The portrait of the user over all days that are remembered, or None before there is one."""
        return self._newest(PORTRAIT)

    def forgotten(self, at: TimeLike | None = None) -> builtins.list[Fate]:
        """What recall does not find at a time because it was forgotten, and why; oldest first."""
        number = self._runtime.number(self._namespace)
        if number is None or not self._policy:
            return []
        when = self._now(at)
        notes = {a.source: a.data for a in self._runtime.backend.artifacts(number, kind=FORGOTTEN)}
        space = self._runtime.space(number)
        with space.lock:
            docs, bounds, retained = self._asleep(space, when, None)
            order = np.argsort(space.at[docs], kind="stable")
            ids = space.ids_of(docs[order])
        bounds, retained = bounds[order], retained[order]
        return [
            Fate(id, float(value), float(bound), notes.get(id, {}).get("reason", ""))
            for id, value, bound in zip(ids, retained, bounds, strict=True)
        ]

    def fates(self, at: TimeLike | None = None) -> builtins.list[Fate]:
        """Whom a consolidation at a time would forget, and why; nothing is changed.

        First those whose retention is too low, oldest first, then those for whom there is no room, the
        first to leave first.
        """
        log = builtins.list(self._log())
        return builtins.list(self._judge(log, self._now(at)).values())

    def plan(self, at: TimeLike | None = None) -> Plan:
        """What ``consolidate`` would ask a language model at a time: a dry run, nothing is asked.

        Days are counted exactly; the overview and the portrait, which rest on answers, with a call each
        and the tokens of nothing.
        """
        asker = Asker(None, self._prompts)
        work = Digesting(self, asked_roles(asker, self._by), self._zone)
        calls = work.plan(builtins.list(self._log()), self._now(at))
        return Plan(asker.calls + calls, asker.planned_tokens)

    # --- hooks -------------------------------------------------------------------------------------
    def _recipe(self) -> Recipe:
        """The engine's own, or vectors alone."""
        return _RETRIEVAL[self._options["retrieval"]]

    def _maintain(self, at: datetime) -> Iterator[Derived]:
        """Forget first, then digest the days, then what rests on them."""
        log = builtins.list(self._log())
        fates = self._judge(log, at) if self._policy else {}
        days = by_day(log, self._zone)
        gone: set[str] = set()
        if self._options["touch_log"]:
            gone = set(fates)
            going = [memory.id for memory in log if memory.id in gone]
            for start in range(0, len(going), _BATCH):
                yield Derived(retire=tuple(going[start : start + _BATCH]))
            fates = {}
            days = by_day((memory for memory in log if memory.id not in gone), self._zone)
        yield from self._hide(fates, days, at)
        work = Digesting(self, self._roles(), self._zone)
        yield from work.run(days, at, hidden=set(fates))

    def _faded(self, at: datetime) -> Iterator[Memory]:
        """What ``forget()`` retires beyond what has expired: nothing, unless the log may be touched."""
        if self._policy and self._options["touch_log"]:
            log = builtins.list(self._log())
            fates = self._judge(log, at)
            yield from (memory for memory in log if memory.id in fates)

    def _hidden(self, space: Space, at: datetime, known_at: datetime | None) -> Mask | None:
        """What is forgotten at a time, and the digests that are for the prompt alone."""
        mask = np.zeros(space.n, bool)
        kinds = NEVER_FOUND if self._options["find_days"] else KINDS
        codes = [space.code("kind", kind) for kind in kinds]
        makers = [code for code, maker in enumerate(space.makers) if self._mine(maker)]
        if makers and max(codes) >= 0:
            mask |= np.isin(space.kind, codes) & np.isin(space.made_by, makers)
        if self._policy:
            docs, _, _ = self._asleep(space, at, known_at)
            mask[docs] = True
        return mask

    # --- forgetting --------------------------------------------------------------------------------
    def _log(self) -> Iterator[Memory]:
        """What came in, in the order it happened; what any store derived is left out."""
        return (memory for memory in self.list() if memory.made_by is None)

    def _judge(self, log: Sequence[Memory], at: datetime) -> dict[str, Fate]:
        number = self._runtime.number(self._namespace)
        if number is None or not log:
            return {}
        place = {memory.id: i for i, memory in enumerate(log)}
        events = [event for event in self._runtime.backend.events(number) if event.id in place]
        used = [memory.at for memory in log]
        for event in events:
            i = place[event.id]
            if event.at <= at:
                used[i] = max(used[i], event.at)
        histories = Histories.from_columns(
            [to_micros(memory.at) for memory in log],
            [place[event.id] for event in events],
            [to_micros(event.at) for event in events],
            [code_of(event.grade) for event in events],
        )
        assert self.curve is not None
        turns = [
            Turn(m.id, m.at, importance(m.metadata), m.metadata.get("pinned") is True, last)
            for m, last in zip(log, used, strict=True)
        ]
        return self._policy.judge(turns, self.curve.retentions(histories, at))

    def _hide(self, fates: Mapping[str, Fate], days: Mapping[Any, Day], at: datetime) -> Iterator[Derived]:
        """Links and notes for what is forgotten now; links closed for what is not any more."""
        number = self._runtime.number(self._namespace)
        if number is None:
            return
        wanted = dict(fates)
        if fates:
            for summary in self.digests(DAY):
                sources = summary.sources
                if sources and all(id in fates for id in sources):
                    value = self.retention(summary.id, at)
                    wanted[summary.id] = Fate(summary.id, value, value, "all of its day is forgotten")
        links = {link.source: link for link in self._runtime.backend.links(number) if self._is_note(link)}
        closing = [link for id, link in links.items() if id not in wanted]
        new = [
            fate for id, fate in wanted.items() if id not in links or fate.retention > links[id].weight + 1e-9
        ]
        for start in range(0, max(len(new), len(closing)), _BATCH):
            part = new[start : start + _BATCH]
            yield Derived(
                links=tuple(Link(f.id, f.id, FORGOTTEN, min(max(f.bound, 0.0), 1.0)) for f in part),
                artifacts=tuple(
                    Artifact(f.id, FORGOTTEN, {**f.to_dict(), "at": at.isoformat()}) for f in part
                ),
                unlink=tuple(closing[start : start + _BATCH]),
            )

    def _asleep(self, space: Space, at: datetime, known_at: datetime | None) -> tuple[Docs, Any, Any]:
        """(documents that are forgotten at a time, their bounds, their retention)."""
        assert self.curve is not None
        return sleepers(space, self._runtime.backend, self.curve, self._is_note, at, known_at)

    def _is_note(self, link: Link) -> bool:
        return link.kind == FORGOTTEN and self._mine(link.made_by)

    def _mine(self, maker: str | None) -> bool:
        return maker is not None and maker.startswith(f"{self.name}:")

    # --- digests -----------------------------------------------------------------------------------
    def digests(self, *kinds: str) -> builtins.list[Memory]:
        """The live digests of some kinds (all by default), oldest first."""
        wanted = {"@kind": {"$in": builtins.list(kinds or KINDS)}, "@made_by": self._maker}
        return builtins.list(self.list(filter=wanted))

    def notes(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What is noted of digests that failed or found nothing to keep, by (first source, kind)."""
        number = self._runtime.number(self._namespace)
        if number is None:
            return {}
        found = self._runtime.backend.artifacts(number, made_by=self._maker)
        return {(one.source, one.kind): one.data for one in found if one.kind in KINDS}

    def _newest(self, kind: str) -> Memory | None:
        found = self.digests(kind)
        return found[-1] if found else None

    @property
    def _by(self) -> str:
        return f"llm:{getattr(self._runtime.llm, 'model', 'model')}"

    def _roles(self) -> Roles:
        if self._runtime.llm is None:
            return local_roles()
        return asked_roles(Asker(self._runtime.llm, self._prompts), self._by)
