"""The one form of a filter: a JSON object that says which memories may be found.

    {"topic": "travel"}                              the metadata key has this value
    {"@speaker": "Ada", "stars": {"$gte": 4}}        all of several keys
    {"@at": {"$gte": "2023-05-01", "$lt": "2023-06-01"}}
    {"$or": [{"topic": "food"}, {"$not": {"@kind": "episode"}}]}

A key is a top-level key of the metadata or, if there is none of that name, a path of names with dots
into nested objects. ``@speaker @session @role @kind @id @at @made_by`` are fields of the memory.
Operators: ``$eq $ne $gt $gte $lt $lte $in $exists``, and ``$and $or $not`` around whole filters.

A missing key or a value of another type never matches, by ``$ne`` either; only ``{"$exists": false}``
asks for a missing key, and ``$not`` turns any answer round. Numbers compare with numbers (a bool is
no number), strings with strings in code point order; other values only for equality. A field that is
None, such as the speaker of a memory without one, is missing; a metadata value of null is not.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import to_datetime, to_micros
from agentmem.errors import InvalidFilter, InvalidInput
from agentmem.index.arrays import Coded
from agentmem.memory import Memory

__all__ = ["MISSING", "SYSTEM_KEYS", "Coded", "Filter", "compile_filter", "distinct", "getter", "lookup"]

SYSTEM_KEYS: Final = ("@at", "@id", "@kind", "@made_by", "@role", "@session", "@speaker")
OPERATORS: Final = ("$eq", "$exists", "$gt", "$gte", "$in", "$lt", "$lte", "$ne")
CONNECTIVES: Final = ("$and", "$not", "$or")
_UFUNCS: Final = {
    "$eq": np.equal,
    "$ne": np.not_equal,
    "$gt": np.greater,
    "$gte": np.greater_equal,
    "$lt": np.less,
    "$lte": np.less_equal,
}


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""What a ``get`` returns for a key that is not there."""

Mask = NDArray[np.bool_]
Column = Callable[[str], Coded | NDArray[np.int64]]
Test = Callable[[Any], bool]


class _Node(ABC):
    @abstractmethod
    def matches(self, get: Callable[[str], Any]) -> bool: ...

    @abstractmethod
    def mask(self, column: Column, n: int) -> Mask: ...


@dataclass(frozen=True)
class _Field(_Node):
    key: str
    operator: str
    value: Any
    test: Test

    def matches(self, get: Callable[[str], Any]) -> bool:
        return self.test(get(self.key))

    def mask(self, column: Column, n: int) -> Mask:
        given = column(self.key)
        if isinstance(given, np.ndarray):
            return _compare(given, self.operator, self.value)
        codes, values = given
        answers = np.empty(len(values) + 1, bool)  # the last one is that of code -1
        answers[:-1] = np.fromiter((self.test(value) for value in values), bool, len(values))
        answers[-1] = self.test(MISSING)
        found = np.flatnonzero(answers)
        if not len(found):
            return np.zeros(n, bool)
        if len(found) == 1:
            code = int(found[0])
            one: Mask = codes == (code if code < len(values) else -1)
            return one
        return answers[codes]


@dataclass(frozen=True)
class _All(_Node):
    nodes: tuple[_Node, ...]

    def matches(self, get: Callable[[str], Any]) -> bool:
        return all(node.matches(get) for node in self.nodes)

    def mask(self, column: Column, n: int) -> Mask:
        result = np.ones(n, bool)
        for node in self.nodes:
            result &= node.mask(column, n)
        return result


@dataclass(frozen=True)
class _Any(_Node):
    nodes: tuple[_Node, ...]

    def matches(self, get: Callable[[str], Any]) -> bool:
        return any(node.matches(get) for node in self.nodes)

    def mask(self, column: Column, n: int) -> Mask:
        result = np.zeros(n, bool)
        for node in self.nodes:
            result |= node.mask(column, n)
        return result


@dataclass(frozen=True)
class _Not(_Node):
    node: _Node

    def matches(self, get: Callable[[str], Any]) -> bool:
        return not self.node.matches(get)

    def mask(self, column: Column, n: int) -> Mask:
        return ~self.node.mask(column, n)


@dataclass(frozen=True)
class Filter:
    """A compiled filter.

    Attributes:
        keys: the keys it asks for.
    """

    keys: frozenset[str]
    _node: _Node

    def matches(self, get: Callable[[str], Any]) -> bool:
        """Whether one memory matches.

        Args:
            get: the value of a key, or :data:`MISSING`; "@at" in microseconds. See :func:`getter`.
        """
        return self._node.matches(get)

    def accepts(self, memory: Memory) -> bool:
        """Whether a memory matches."""
        return self._node.matches(getter(memory))

    def mask(self, column: Column, n: int) -> Mask:
        """Which of n memories match; conditions are tested once for each distinct value.

        Args:
            column: the column of a key: int32 codes (n,), -1 where it is missing, and the values; or,
                for "@at", int64 (n,) microseconds.
            n: how many memories there are.
        """
        return self._node.mask(column, n)


def compile_filter(filter: Mapping[str, Any] | None) -> Filter | None:
    """Read a filter.

    Args:
        filter: the JSON form above; None or an empty object let everything pass.

    Returns:
        The compiled filter, or None when everything passes.

    Raises:
        InvalidFilter: an unknown operator or field, or a value of the wrong shape; the message says
            what is known.
    """
    if filter is None:
        return None
    keys: set[str] = set()
    node = _compile(filter, keys)
    return None if isinstance(node, _All) and not node.nodes else Filter(frozenset(keys), node)


def lookup(metadata: Mapping[str, Any], key: str) -> Any:
    """The value of a metadata key: the literal key, else the path with dots, else :data:`MISSING`."""
    if key in metadata:
        return metadata[key]
    value: Any = metadata
    if "." not in key:
        return MISSING
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def distinct(value: Any) -> Any:
    """What tells metadata values apart: 1, 1.0 and true are three; None for a missing one."""
    if value is MISSING:
        return None
    if value is None or isinstance(value, (str, int, float)):
        return (type(value), value)
    return json.dumps(value, sort_keys=True)


def getter(memory: Memory) -> Callable[[str], Any]:
    """The ``get`` of a memory, for :meth:`Filter.matches`."""

    def get(key: str) -> Any:
        if not key.startswith("@"):
            return lookup(memory.metadata, key)
        if key == "@at":
            return to_micros(memory.at)
        value = getattr(memory, key[1:])
        return MISSING if value is None else value

    return get


# --- reading ---------------------------------------------------------------------------------------
def _compile(filter: object, keys: set[str]) -> _Node:
    if not isinstance(filter, Mapping):
        raise InvalidFilter(f"a filter is a mapping such as {{'topic': 'travel'}}, not {filter!r}")
    nodes: list[_Node] = []
    for key, condition in filter.items():
        if not isinstance(key, str):
            raise InvalidFilter(f"a filter's keys are strings, not {key!r}")
        if key.startswith("$"):
            nodes.append(_connective(key, condition, keys))
        else:
            nodes.extend(_conditions(key, condition, keys))
    return nodes[0] if len(nodes) == 1 else _All(tuple(nodes))


def _connective(name: str, condition: object, keys: set[str]) -> _Node:
    if name == "$not":
        return _Not(_compile(condition, keys))
    if name not in CONNECTIVES:
        raise InvalidFilter(
            f"unknown operator {name!r}; around filters stand {', '.join(CONNECTIVES)}, "
            f"after a key {', '.join(OPERATORS)}"
        )
    if not isinstance(condition, (list, tuple)) or not condition:
        raise InvalidFilter(f"{name} takes a list of one or more filters, not {condition!r}")
    nodes = tuple(_compile(part, keys) for part in condition)
    return _All(nodes) if name == "$and" else _Any(nodes)


def _conditions(key: str, condition: object, keys: set[str]) -> Iterable[_Node]:
    if key.startswith("@") and key not in SYSTEM_KEYS:
        raise InvalidFilter(f"there is no field {key!r}; fields are {', '.join(SYSTEM_KEYS)}")
    keys.add(key)
    operators = {"$eq": condition}
    if isinstance(condition, Mapping) and any(str(name).startswith("$") for name in condition):
        operators = dict(condition)
    for name, value in operators.items():
        if name not in OPERATORS:
            raise InvalidFilter(f"unknown operator {name!r} for {key!r}; known are {', '.join(OPERATORS)}")
        yield _Field(key, name, value, _test(key, name, value))


def _test(key: str, operator: str, value: Any) -> Test:
    """The test of one operator; it gets :data:`MISSING` where the key is missing."""
    if operator == "$exists":
        if not isinstance(value, bool):
            raise InvalidFilter(f"$exists takes true or false, not {value!r}")
        return lambda given: (given is not MISSING) == value
    if operator == "$in":
        if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, set, frozenset)):
            raise InvalidFilter(f"$in takes a list of values, not {value!r}")
        allowed = {_identity(_operand(key, item)) for item in value}
        return lambda given: given is not MISSING and _identity(given) in allowed
    wanted = _operand(key, value)
    if operator in ("$eq", "$ne"):
        same, kind, negate = _identity(wanted), _kind(wanted), operator == "$ne"
        if negate:
            return lambda given: given is not MISSING and _kind(given) == kind and _identity(given) != same
        return lambda given: given is not MISSING and _identity(given) == same
    kind = _kind(wanted)
    if kind not in ("number", "string"):
        raise InvalidFilter(f"{operator} takes a number or a string, not {value!r}")
    return _order(operator, kind, wanted)


def _order(operator: str, kind: str, wanted: Any) -> Test:
    if operator == "$gt":
        return lambda given: _kind(given) == kind and given > wanted
    if operator == "$gte":
        return lambda given: _kind(given) == kind and given >= wanted
    if operator == "$lt":
        return lambda given: _kind(given) == kind and given < wanted
    return lambda given: _kind(given) == kind and given <= wanted


def _compare(times: NDArray[np.int64], operator: str, value: Any) -> Mask:
    """The test of "@at" on a whole column."""
    if operator == "$exists":
        return np.full(len(times), value)
    if operator == "$in":
        return np.isin(times, np.array([_operand("@at", item) for item in value], np.int64))
    result: Mask = _UFUNCS[operator](times, _operand("@at", value))
    return result


def _operand(key: str, value: Any) -> Any:
    """The value a key is compared with, as the key's column holds it."""
    if key == "@at":
        try:
            return to_micros(to_datetime(value, name=key))
        except InvalidInput as error:
            raise InvalidFilter(str(error)) from None
    if key.startswith("@"):
        if value is None:
            raise InvalidFilter(f"{key} is never null; ask for {{{key!r}: {{'$exists': False}}}}")
        if not isinstance(value, str):
            raise InvalidFilter(f"{key} is a string, not {value!r}")
    elif _kind(value) == "other":
        raise InvalidFilter(f"{value!r} is no JSON value; metadata holds none like it")
    return value


def _kind(value: Any) -> str:
    """The JSON type of a value."""
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, (list, tuple)) else "other"


def _identity(value: Any) -> Any:
    """What equal JSON values share, hashable: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, (str, bool)) or value is None:
        return value if isinstance(value, str) else (value,)
    if isinstance(value, (int, float)):
        return value if value == value else object()  # nan equals nothing
    return json.dumps(value, sort_keys=True, default=repr), "json"
