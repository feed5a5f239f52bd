"""The pieces that pickles make numbers and arrays of numpy of, each checked before it is used.

Numpy's own functions believe what they are given: a dtype of objects over bytes of a file makes
numpy follow addresses that the file has chosen. There are no dtypes of objects here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph.files.source import BrokenFileError

# Codes of the dtypes that hold one number.
_CODES = frozenset(
    ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
)
_STATE = (None, None, None, -1, -1, 0)
_MOST_DIMENSIONS = 32


class DType:
    """A dtype of numbers as a pickle makes it: a code, and the order of bytes afterwards.

    Parameters
    ----------
    arguments : tuple
        What `numpy.dtype` is called with.
    """

    __slots__ = ("_code", "_order")

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        code, *flags = arguments
        if type(code) is not str or code not in _CODES or not all(f in (0, 1) for f in flags):
            raise BrokenFileError(f"a dtype of {str(code)[:20]!r}, which is no number")
        self._code = code
        self._order = "="

    def set_state(self, state: Any) -> None:
        """Take the order of bytes from a state, which may hold nothing else."""
        if type(state) is not tuple or len(state) not in (8, 9) or state[0] not in (3, 4):
            raise BrokenFileError("a dtype with a state of another form")
        fields = state[2:8]
        is_plain = [(type(a), a) for a in fields] == [(type(b), b) for b in _STATE]
        if not is_plain or type(state[1]) is not str or state[1] not in ("<", ">", "|", "="):
            raise BrokenFileError("a dtype with fields, of which numbers have none")
        self._order = "=" if state[1] == "|" else state[1]

    def numpy(self) -> np.dtype[Any]:
        """The dtype."""
        return np.dtype(self._order + self._code)


def is_scalar(value: object) -> bool:
    """Whether a value is a number of numpy."""
    return isinstance(value, np.generic)


def scalar(arguments: tuple[Any, ...]) -> Any:
    """The number that `numpy.core.multiarray.scalar` makes of a dtype and bytes."""
    dtype, content = _dtype(arguments[0]), arguments[1]
    if len(arguments) != 2 or type(content) is not bytes or len(content) != dtype.itemsize:
        raise BrokenFileError(f"a number of {dtype} without its {dtype.itemsize} bytes")
    return np.frombuffer(content, dtype)[0]


def blank(arguments: tuple[Any, ...]) -> NDArray[Any]:
    """The array without contents that `_reconstruct` makes; `fill` gives it some."""
    if len(arguments) != 3 or getattr(arguments[0], "name", "") != "numpy.ndarray":
        raise BrokenFileError("an array of a class of its own")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def size_of(state: Any) -> int:
    """Bytes that the contents of an array take."""
    content = state[4] if type(state) is tuple and len(state) == 5 else None
    return len(content) if type(content) is bytes else 0


def fill(array: NDArray[Any], state: Any) -> None:
    """Give a blank array its contents.

    Raises
    ------
    BrokenFileError
        If they are of another form, or there are not as many bytes as the shape tells.
    """
    if type(state) is not tuple or len(state) != 5:
        raise BrokenFileError("an array with a state of another form")
    version, shape, kind, is_fortran, content = state
    dtype = _dtype(kind)
    _check(shape, dtype, content, (bytes,))
    if version != 1 or type(is_fortran) not in (bool, int):
        raise BrokenFileError("an array with a state of another form")
    array.__setstate__((1, shape, dtype, bool(is_fortran), content))  # type: ignore[arg-type]


def from_buffer(arguments: tuple[Any, ...]) -> NDArray[Any]:
    """The array that `_frombuffer` makes of bytes, a dtype, a shape and an order."""
    content, kind, shape, order = arguments
    dtype = _dtype(kind)
    _check(shape, dtype, content, (bytes, bytearray))
    if order not in ("C", "F"):
        raise BrokenFileError("an array in no order")
    return np.frombuffer(content, dtype).reshape(shape, order=order).copy(order=order)


def _dtype(value: Any) -> np.dtype[Any]:
    if not isinstance(value, DType):
        raise BrokenFileError(f"a {type(value).__name__} in the place of a dtype")
    return value.numpy()


def _check(shape: Any, dtype: np.dtype[Any], content: Any, kinds: tuple[type, ...]) -> None:
    is_shape = type(shape) is tuple and all(type(n) is int and 0 <= n < 2**48 for n in shape)
    if not is_shape or len(shape) > _MOST_DIMENSIONS:
        raise BrokenFileError("an array without a shape")
    if type(content) not in kinds:
        raise BrokenFileError(f"an array of a {type(content).__name__} in the place of bytes")
    needed = math.prod(shape) * dtype.itemsize
    if needed != len(content):
        raise BrokenFileError(f"an array that needs {needed:,} bytes and has {len(content):,}")
