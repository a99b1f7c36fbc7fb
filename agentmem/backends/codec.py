"""How text, JSON, token ids, vectors and times are laid down in a database column.

Everything a person wrote passes a :class:`Codec`, whose name stands in the header; no SQL looks
inside what it gave. The only codec there is keeps values as they are; one that encrypts needs no
change elsewhere.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agentmem.clock import EPOCH, from_micros
from agentmem.errors import NewerSchema
from agentmem.memory import Json

Laid: TypeAlias = Any
"""What a codec gives for a text: a value the database keeps and compares, such as str or bytes."""

TOKEN = np.dtype("<u4")
VECTOR_TYPES: Mapping[str, np.dtype[Any]] = {"float16": np.dtype("<f2"), "float32": np.dtype("<f4")}
_LITTLE = sys.byteorder == "little"


class Codec:
    """Keeps values as they are: the codec called "plain", and the base of others.

    Attributes:
        name: stands in the header of every file written with it.
    """

    name = "plain"

    def text(self, value: str) -> Laid:
        """Lay down a text or JSON."""
        return value

    def read_text(self, value: Laid) -> str:
        """The inverse of :meth:`text`."""
        return value  # type: ignore[no-any-return]

    def word(self, value: str) -> Laid:
        """Lay down a word of the dictionary; equal words must give equal values."""
        return value

    def read_word(self, value: Laid) -> str:
        """The inverse of :meth:`word`."""
        return value  # type: ignore[no-any-return]

    def blob(self, value: bytes) -> bytes:
        """Lay down token ids or vectors."""
        return value

    def read_blobs(self, values: Sequence[bytes]) -> Sequence[bytes]:
        """The inverse of :meth:`blob`, many at once."""
        return values


PLAIN = Codec()
_CODECS = {PLAIN.name: PLAIN}


def codec_named(name: str) -> Codec:
    """The codec a header names.

    Raises:
        NewerSchema: this version has none of that name.
    """
    if name not in _CODECS:
        raise NewerSchema(f"the file was written with the codec {name!r}, which this agentmem does not have")
    return _CODECS[name]


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dump_json(value: Json) -> str:
    """JSON without blanks, every script as it is."""
    return _ENCODER.encode(value)


@lru_cache(maxsize=10_000)
def pack_name(name: tuple[str, ...]) -> str:
    """The labels of a namespace as they are stored."""
    return dump_json(list(name))


def load_object(text: str) -> dict[str, Json]:
    """A JSON object."""
    return {} if text == "{}" else dict(json.loads(text))


def pack_tokens(ids: Iterable[int]) -> bytes:
    """Token ids as little-endian uint32."""
    packed = array("I", ids)
    if not _LITTLE:
        packed.byteswap()
    return packed.tobytes()


def pack_vectors(vectors: Sequence[NDArray[np.float32] | None], kind: str) -> list[tuple[int, bytes | None]]:
    """Vectors of many texts as (pieces, bytes); None stays None, for pending."""
    dtype = VECTOR_TYPES[kind]
    present = [v for v in vectors if v is not None and v.size]
    if not present:
        return [(0, None if v is None else b"") for v in vectors]
    if len({v.shape[1] for v in present}) > 1:
        return [(0, None) if v is None else (len(v), v.astype(dtype).tobytes()) for v in vectors]
    joined = (present[0] if len(present) == 1 else np.concatenate(present)).astype(dtype).tobytes()
    width = present[0].shape[1] * dtype.itemsize
    result: list[tuple[int, bytes | None]] = []
    start = 0
    for v in vectors:
        if v is None:
            result.append((0, None))
        elif not v.size:
            result.append((0, b""))
        else:
            stop = start + len(v) * width
            result.append((len(v), joined[start:stop]))
            start = stop
    return result


def unpack_vectors(pieces: int, blob: bytes, kind: str) -> NDArray[np.float32]:
    """The inverse of :func:`pack_vectors` for one text: float32 (pieces, dim)."""
    if not pieces:
        return np.empty((0, 0), dtype=np.float32)
    return np.frombuffer(blob, dtype=VECTOR_TYPES[kind]).astype(np.float32).reshape(pieces, -1)


@lru_cache(maxsize=256)
def _zone(offset: int) -> timezone:
    return timezone(timedelta(minutes=offset))


def moment(micros: int, offset: int = 0) -> datetime:
    """The aware datetime of microseconds since 1970, at an offset in minutes."""
    if not offset:
        return EPOCH + timedelta(0, 0, micros)
    try:
        return (EPOCH + timedelta(0, 0, micros)).astimezone(_zone(offset))
    except OverflowError:
        return from_micros(micros, offset)


def moment_or_none(micros: int | None, offset: int | None = 0) -> datetime | None:
    """:func:`moment`, where None is no time."""
    return None if micros is None else moment(micros, offset or 0)
