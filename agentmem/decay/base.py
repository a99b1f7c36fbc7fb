"""The contract of a forgetting curve, and the curves by name.

A curve is a value: its parameters and nothing else. It keeps no state, reads no clock and draws no
random number, so the same history at the same time always has the same retention.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import numpy as np

from agentmem.clock import TimeLike, from_micros, to_datetime, to_micros
from agentmem.decay.history import DAY, Histories, History, Times, Values
from agentmem.errors import InvalidInput, UnknownOption

_CURVES: dict[str, type[Curve]] = {}
_Class = TypeVar("_Class", bound="type[Curve]")


class Curve(ABC):
    """A policy of forgetting: how likely a memory is to be remembered (or needed) at a time.

    A subclass is a frozen dataclass of its parameters with a ``name``, decorated with :func:`register`,
    and implements :meth:`_retentions`.
    """

    name: ClassVar[str]

    @abstractmethod
    def _retentions(self, histories: Histories, at: Times) -> Values:
        """Retention of each memory at its time; no presentation is later, except a writing."""

    def retention(self, history: History, at: TimeLike) -> float:
        """The retention in [0, 1] of one memory at a time; uses after it are not looked at."""
        return float(self.retentions([history], at)[0])

    def retentions(self, histories: Histories | Iterable[History], at: TimeLike | Times) -> Values:
        """The retention in [0, 1] of each memory.

        Args:
            histories: many, best packed once.
            at: one time for all, or one for each as int64 microseconds since 1970 UTC.
        """
        packed = histories if isinstance(histories, Histories) else Histories.pack(histories)
        if not len(packed):
            return np.zeros(0)
        if isinstance(at, np.ndarray):
            if at.shape != (len(packed),):
                raise InvalidInput(f"{len(packed)} histories need as many times, not {at.shape}")
            moments = at.astype(np.int64)
        else:
            moments = np.full(len(packed), to_micros(to_datetime(at)), dtype=np.int64)
        return _bounded(self._retentions(packed.upto(moments), moments))

    def before_uses(self, histories: Histories | Iterable[History]) -> Values:
        """The retention just before each use: what the curve foretold.

        Returns:
            One value for each presentation in ``Histories.times``; NaN for the writing itself.
        """
        packed = histories if isinstance(histories, Histories) else Histories.pack(histories)
        result = np.full(len(packed.times), np.nan)
        if len(packed.times) > len(packed):
            prefixes, uses = packed.prefixes()
            result[uses] = _bounded(self._retentions(prefixes, packed.times[uses]))
        return result

    def prepare(self, histories: Histories | Iterable[History]) -> Callable[[TimeLike], Values]:
        """Do once what does not depend on the time asked; the result gives retentions at any time."""
        packed = histories if isinstance(histories, Histories) else Histories.pack(histories)
        return lambda at: self.retentions(packed, at)

    def fades_at(self, history: History, level: float, *, days: float = 36_500.0) -> datetime | None:
        """When retention first falls below a level if the memory is used no more.

        Args:
            history: the memory's life.
            level: in (0, 1).
            days: how far to look after the last use.

        Returns:
            The time, to the microsecond; None when it stays at or above the level for that long.
        """
        packed = Histories.pack([history])
        low = int(packed.times[-1])
        high = min(low + int(days * DAY), to_micros(to_datetime("9999-12-30")))

        def faded(moment: int) -> bool:
            return float(self.retentions(packed, np.array([moment], dtype=np.int64))[0]) < level

        if not faded(high):
            return None
        if faded(low):
            return from_micros(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if faded(middle) else (middle, high)
        return from_micros(high)

    def to_dict(self) -> dict[str, Any]:
        """Name and parameters as JSON values; :func:`from_dict` reads it."""
        parameters = asdict(self)  # type: ignore[call-overload]  # every curve is a dataclass
        return {
            "curve": self.name,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in parameters.items()},
        }

    def fingerprint(self) -> str:
        """A short hash of name and parameters; equal for equal curves in every process."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def register(cls: _Class) -> _Class:
    """Make a curve known by its ``name`` to :func:`by_name` and :func:`from_dict`."""
    _CURVES[cls.name] = cls
    return cls


def names() -> list[str]:
    """The names of the known curves."""
    return sorted(_CURVES)


def class_named(name: str) -> type[Curve]:
    """The class of a name.

    Raises:
        UnknownOption: there is no such curve.
    """
    if name not in _CURVES:
        raise UnknownOption("forgetting curve", name, _CURVES)
    return _CURVES[name]


def by_name(name: str, **parameters: Any) -> Curve:
    """A curve by its name; parameters not given have their defaults.

    Raises:
        UnknownOption: there is no such curve, or it has no such parameter.
        InvalidInput: a parameter is out of its range.
    """
    cls = class_named(name)
    known = [field.name for field in fields(cls)]  # type: ignore[arg-type]  # every curve is a dataclass
    for given in parameters:
        if given not in known:
            raise UnknownOption(f"parameter of the curve {name!r}", given, known)
    return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()})


def from_dict(data: Mapping[str, Any]) -> Curve:
    """The curve that :meth:`Curve.to_dict` wrote.

    Raises:
        InvalidInput: the mapping does not name a curve.
    """
    if not isinstance(data.get("curve"), str):
        raise InvalidInput(f"a curve is written as {{'curve': name, ...}}; known: {', '.join(names())}")
    return by_name(data["curve"], **{key: value for key, value in data.items() if key != "curve"})


def need(holds: bool, what: str) -> None:
    """Refuse a parameter out of its range.

    Raises:
        InvalidInput: it does not hold.
    """
    if not holds:
        raise InvalidInput(f"a forgetting curve needs {what}")


def elapsed_days(since: Times, until: Times) -> Values:
    """Days between times, never below zero (clocks may go back)."""
    days: Values = np.maximum(until - since, 0) / DAY
    return days


def _bounded(values: Values) -> Values:
    bounded: Values = np.clip(values, 0.0, 1.0)
    return bounded
