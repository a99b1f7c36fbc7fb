"""LangGraph's items as memories: which text is indexed, what is kept beside the value, what matches.

An item is a memory of the kind ``"item"``: its key is the id, its value the ``data``, its time of
updating ``at``. What has no field of its own (time of creation, time to live, a key that is no id)
stands in the metadata under ``"item"``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from agentmem import validate
from agentmem.clock import to_datetime, to_micros
from agentmem.errors import InvalidFilter, InvalidInput, MissingDependency
from agentmem.memory import Draft, Memory, Namespace

try:
    from langgraph.store.base import Item, SearchItem, get_text_at_path
except ModuleNotFoundError as error:
    raise MissingDependency("langgraph", "langgraph") from error

KIND: Final = "item"
ONLY_ITEMS: Final = {"@kind": KIND}
WHOLE: Final = "$"
_UNLABELLED: Final = frozenset({"content", "memory", "text"})
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
}
OPERATORS: Final = ("$eq", "$ne", *_ORDERS)


# --- keys ----------------------------------------------------------------------------------------------
def id_of(key: str) -> str:
    """The id of the memory of a key: the key itself where it can be one."""
    if 0 < len(key) <= 512 and all(ord(c) >= 32 for c in key):
        return key
    return f"key-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


# --- texts ---------------------------------------------------------------------------------------------
def text_of(value: Mapping[str, Any], paths: Sequence[str]) -> str:
    """The text by which an item is found: what stands at the paths, one a line; empty for no path.

    ``"$"`` is the whole value as readable lines, ``food: pizza``; other paths are LangGraph's:
    ``a.b``, ``a[*].b``, ``a[0]``.
    """
    texts: list[str] = []
    for path in paths:
        texts += whole(value) if path == WHOLE else get_text_at_path(value, path)
    joined = "\n".join(text for text in dict.fromkeys(texts) if text)
    return joined.replace("\0", " ").encode("utf-8", "replace").decode()


def whole(value: Mapping[str, Any]) -> list[str]:
    """All leaves of a value as lines with their names; a single one, or a text, goes without."""
    leaves = [(name, str(leaf)) for name, leaf in _leaves(value, ()) if leaf not in (None, "")]
    if len(leaves) == 1:
        return [leaves[0][1]]
    return [
        leaf if name[-1:] and name[-1] in _UNLABELLED else f"{' '.join(name)}: {leaf}"
        for name, leaf in leaves
    ]


def _leaves(value: Any, name: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*name, str(key)))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner, name)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, value


# --- items ---------------------------------------------------------------------------------------------
def draft(
    key: str,
    value: Mapping[str, Any],
    *,
    text: str,
    now: datetime,
    old: Memory | None,
    ttl: float | None,
) -> Draft:
    """The memory of an item.

    Args:
        key: its key.
        value: its value; refused by name when it is not JSON.
        text: the text that is indexed.
        now: the time of the write.
        old: the memory that it replaces, whose time of creation it keeps.
        ttl: minutes to live, or None.
    """
    if not isinstance(value, Mapping):
        given = type(value).__name__
        raise InvalidInput(f'the value of {key!r} is a mapping such as {{"text": "…"}}, not {given}')
    id = id_of(key)
    beside: dict[str, Any] = {}
    if id != key:
        beside["key"] = key
    if old is not None:
        beside["created_at"] = created_at(old).isoformat()
    expires_at = None
    if ttl is not None:
        beside["ttl"] = ttl
        try:
            to_micros(now + timedelta(minutes=2 * ttl))  # it must be possible to prolong it
            expires_at = now + timedelta(minutes=ttl)
        except (TypeError, ValueError, OverflowError):
            raise InvalidInput(f"ttl={ttl!r} is no number of minutes; None is for ever") from None
    return Draft(
        text,
        at=now,
        kind=KIND,
        id=id,
        data=validate.json_value(dict(value), f"the value of {key!r}"),
        metadata={"item": beside} if beside else None,
        expires_at=expires_at,
    )


def beside(memory: Memory) -> Mapping[str, Any]:
    """What is kept of an item outside its value."""
    kept = memory.metadata.get("item")
    return kept if isinstance(kept, Mapping) else {}


def created_at(memory: Memory) -> datetime:
    """When an item was first put."""
    kept = beside(memory).get("created_at")
    return memory.at if kept is None else to_datetime(kept)


def alive(memory: Memory, now: datetime) -> bool:
    """Whether a memory is an item that has not expired."""
    return memory.kind == KIND and (memory.expires_at is None or memory.expires_at > now)


def to_item(memory: Memory, root: Namespace) -> Item:
    """The item that a memory is, its namespace seen from a handle's."""
    return Item(**_fields(memory, root))


def to_search_item(memory: Memory, root: Namespace, score: float | None) -> SearchItem:
    """The item that was found."""
    return SearchItem(**_fields(memory, root), score=score)


def _fields(memory: Memory, root: Namespace) -> dict[str, Any]:
    return {
        "value": memory.data,
        "key": beside(memory).get("key", memory.id),
        "namespace": memory.namespace[len(root) :],
        "created_at": created_at(memory),
        "updated_at": memory.at,
    }


# --- filters -------------------------------------------------------------------------------------------
Test = Callable[[Any], bool]


def conditions(filter: Mapping[str, Any] | None) -> dict[str, Test]:
    """LangGraph's filter as tests of what stands at the keys of a value, all of which must pass.

    A missing key counts as None. ``$gt`` and its kin compare numbers (also those written as text), or
    two texts; what cannot be compared does not match.

    Raises:
        InvalidFilter: an operator is unknown; it is a ValueError.
    """
    return {key: _condition(wanted) for key, wanted in (filter or {}).items()}


def _condition(wanted: Any) -> Test:
    if isinstance(wanted, Mapping):
        if any(str(key).startswith("$") for key in wanted):
            parts = [_operator(name, operand) for name, operand in wanted.items()]
            return lambda value: all(part(value) for part in parts)
        inner = {key: _condition(one) for key, one in wanted.items()}
        return lambda value: (
            isinstance(value, Mapping) and all(test(value.get(key)) for key, test in inner.items())
        )
    if isinstance(wanted, (list, tuple)):
        each = [_condition(one) for one in wanted]
        return lambda value: (
            isinstance(value, (list, tuple))
            and len(value) == len(each)
            and all(test(one) for test, one in zip(each, value, strict=True))
        )
    return lambda value: bool(value == wanted)


def _operator(name: str, operand: Any) -> Test:
    if name == "$eq":
        return lambda value: bool(value == operand)
    if name == "$ne":
        return lambda value: bool(value != operand)
    if name in _ORDERS:
        order = _ORDERS[name]
        return lambda value: _ordered(order, value, operand)
    raise InvalidFilter(f"Unsupported operator: {name}; known: {', '.join(OPERATORS)}")


def _ordered(order: Callable[[Any, Any], bool], value: Any, operand: Any) -> bool:
    try:
        return order(float(value), float(operand))
    except (TypeError, ValueError):
        return isinstance(value, str) and isinstance(operand, str) and order(value, operand)


# --- namespaces ----------------------------------------------------------------------------------------
def fits(name: Namespace, match_type: str, path: Sequence[str]) -> bool:
    """Whether a namespace begins or ends with a path in which "*" stands for any label."""
    if match_type not in ("prefix", "suffix"):
        raise InvalidFilter(f"Unsupported match type: {match_type}; known: prefix, suffix")
    if len(name) < len(path):
        return False
    part = name[: len(path)] if match_type == "prefix" else name[len(name) - len(path) :]
    return all(wanted in ("*", label) for label, wanted in zip(part, path, strict=True))
