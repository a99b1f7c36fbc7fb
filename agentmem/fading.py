"""Stores that fade: any store can take a forgetting curve.

A store that inherits from :class:`Fading` instead of :class:`~agentmem.store.MemoryStore` has the options
``curve`` and ``fading``. Its recall then weighs each memory by

    prior = 1 - fading · (1 - R)        R: the curve's retention at the asked time, from the log of uses

so that ``fading=0`` leaves recall as it is and ``fading=1`` multiplies a score by the retention. Nothing
is hidden or deleted by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from agentmem.clock import TimeLike
from agentmem.errors import InvalidInput
from agentmem.store import MemoryStore

if TYPE_CHECKING:
    from agentmem.decay import Curve, History
    from agentmem.index.space import Space
    from agentmem.recall.prior import Prior

FADING = 0.1
"""The default share of a score that retention decides: it orders what is otherwise alike."""


class Fading(MemoryStore):
    """A store whose recall may weigh memories by a forgetting curve.

    Options:
        curve: None (memories do not fade), a name of :func:`agentmem.decay.names`, a mapping
            ``{"curve": name, parameter: value, ...}``, or a :class:`~agentmem.decay.Curve`.
        fading: from 0 to 1, how much of a score retention decides.
    """

    options: ClassVar[Mapping[str, Any]] = {"curve": None, "fading": FADING}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        share = self._options["fading"]
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise InvalidInput(f"fading={share!r} is not a number from 0 to 1")
        if self._options["curve"] is not None:
            self.curve  # noqa: B018  # a curve that does not exist is told at the opening

    @cached_property
    def curve(self) -> Curve | None:
        """The forgetting curve, or None."""
        return read_curve(self._options["curve"])

    def life(self, id: str) -> History:
        """When a memory was written and how it was used: what a curve reads.

        Its importance is the number from 0 to 1 under ``"importance"`` in its metadata, or 1.

        Raises:
            MemoryNotFound: there is no such memory.
        """
        from agentmem.decay import History

        memory = self.get(id)
        number = self._runtime.number(self._namespace)
        events = [] if number is None else self._runtime.backend.events(number, [id])
        return History.from_events(memory.at, events, importance=importance(memory.metadata))

    def retention(self, id: str, at: TimeLike | None = None) -> float:
        """How much of a memory is retained at a time, from 0 to 1; 1 without a curve.

        Raises:
            MemoryNotFound: there is no such memory.
        """
        life = self.life(id)
        return 1.0 if self.curve is None else self.curve.retention(life, self._now(at))

    def plot_retention(self, id: str, path: str | Path, *, until: TimeLike | None = None) -> Path:
        """Draw the forgetting curve of a memory, with a mark at each use, and save the picture.

        Args:
            id: the memory.
            path: where to; its ending chooses the format (png, svg, pdf).
            until: the end of the time axis.

        Raises:
            MemoryNotFound: there is no such memory.
            MissingDependency: matplotlib is not installed.
        """
        from agentmem.decay import Constant, plot_curve

        return plot_curve(self.curve or Constant(), self.life(id), path, until=until)

    def _priors(self, space: Space, at: datetime, known_at: datetime | None) -> Prior | None:
        """Retention as a prior."""
        share = float(self._options["fading"])
        if self.curve is None or share == 0:
            return None
        from agentmem.recall.retention import Retention

        return Retention(self.curve, space, self._runtime.backend, at, known_at, share)


def read_curve(given: Any) -> Curve | None:
    """A curve from an option: None, a name, a mapping or a curve.

    Raises:
        UnknownOption: there is no such curve or parameter.
        InvalidInput: it is something else.
    """
    if given is None:
        return None
    from agentmem import decay

    if isinstance(given, decay.Curve):
        return given
    if isinstance(given, str):
        return decay.by_name(given)
    if isinstance(given, Mapping):
        return decay.from_dict(given)
    raise InvalidInput(f"curve={given!r} is no forgetting curve: pass a name, such as 'power', or a Curve")


def importance(metadata: Mapping[str, Any]) -> float:
    """The number from 0 to 1 under ``"importance"``; 1 where there is none."""
    value = metadata.get("importance", 1.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 1.0
    return min(max(float(value), 0.0), 1.0)
