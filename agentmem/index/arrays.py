"""Arrays that grow at the end, and columns of few distinct values."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

V = TypeVar("V", bound=Hashable)


class Coded(NamedTuple):
    """A column of values as numbers of distinct values.

    Attributes:
        codes: int32 (n,), an index into ``values``; -1 where there is none.
        values: the distinct values, in order of first arrival.
    """

    codes: NDArray[np.int32]
    values: Sequence[Any]


class Growing:
    """An array that is appended to at amortised constant cost.

    ``view`` is a view of the filled part. Appending never moves what a view taken before shows: it
    writes behind the view or into a new buffer. A buffer that is handed in is taken over without a
    copy (and copied at the first append; a read-only one too).

    Args:
        array: the rows to begin with.
    """

    __slots__ = ("_buffer", "n", "view")

    def __init__(self, array: NDArray[Any]) -> None:
        self._buffer = array
        self.n = len(array)
        self.view = array

    @classmethod
    def empty(cls, dtype: DTypeLike, width: int | None = None) -> Growing:
        """No rows yet, of a type and (for two dimensions) a width."""
        return cls(np.empty((0,) if width is None else (0, width), dtype=dtype))

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows, converted to the buffer's type."""
        end = self.n + len(rows)
        if end > len(self._buffer):
            grown = np.empty((max(end, 2 * self.n, 64), *self._buffer.shape[1:]), self._buffer.dtype)
            grown[: self.n] = self._buffer[: self.n]
            self._buffer = grown
        self._buffer[self.n : end] = rows
        self.n = end
        self.view = self._buffer[:end]

    def extend_to(self, n: int, fill: Any) -> None:
        """Append a value until there are ``n`` rows."""
        if n > self.n:
            self.append(np.full((n - self.n, *self._buffer.shape[1:]), fill, self._buffer.dtype))

    def writable(self) -> NDArray[Any]:
        """The filled part, writable: a read-only buffer is copied first."""
        if not self._buffer.flags.writeable:
            self._buffer = np.array(self._buffer)
            self.view = self._buffer[: self.n]
        return self.view

    @property
    def nbytes(self) -> int:
        """Bytes of the buffer."""
        return int(self._buffer.nbytes)


class CodedColumn(Generic[V]):
    """A growing column of strings (or other hashable values) as codes, None as -1.

    Args:
        values: the distinct values to begin with, in the order of their codes.
        codes: int32 (n,) the rows to begin with.
        keys: what tells the values apart, where they do not do so themselves.
    """

    __slots__ = ("_codes", "_numbers", "values")

    def __init__(
        self,
        values: Iterable[Any] = (),
        codes: NDArray[np.int32] | None = None,
        keys: Iterable[V] | None = None,
    ) -> None:
        self.values: list[Any] = list(values)
        self._numbers: dict[V | None, int] | None = None
        if keys is not None:
            self._numbers = {None: -1, **{key: i for i, key in enumerate(keys)}}
        self._codes = Growing(np.empty(0, np.int32) if codes is None else codes)

    def append(self, items: Sequence[Any], keys: Sequence[V | None] | None = None) -> NDArray[np.int32]:
        """Append rows; returns their codes.

        Args:
            items: the values.
            keys: what tells them apart, None for "none"; the values themselves by default.
        """
        numbers, values = self.numbers, self.values
        keyed = items if keys is None else keys
        for key, item in dict(zip(keyed, items, strict=True)).items():
            if key not in numbers:
                numbers[key] = len(values)
                values.append(item)
        codes = np.fromiter(map(numbers.__getitem__, keyed), np.int32, len(items))
        self._codes.append(codes)
        return codes

    @property
    def numbers(self) -> dict[V | None, int]:
        """Value -> code; None -> -1."""
        if self._numbers is None:
            self._numbers = {None: -1, **{value: i for i, value in enumerate(self.values)}}
        return self._numbers

    def code(self, value: V | None) -> int:
        """The code of a value, -1 when it never came."""
        return self.numbers.get(value, -1)

    @property
    def codes(self) -> NDArray[np.int32]:
        """int32 (n,), a view."""
        return self._codes.view

    @property
    def column(self) -> Coded:
        """Codes and values together."""
        return Coded(self._codes.view, self.values)

    @property
    def nbytes(self) -> int:
        """Bytes held, the values estimated."""
        return self._codes.nbytes + 150 * len(self.values)
