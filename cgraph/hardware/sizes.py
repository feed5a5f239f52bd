"""Bytes of tensors, as captured or as they would be stored in another type."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from cgraph import checks
from cgraph.errors import ArgumentError
from cgraph.graphs.computational import Memory, check_sized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Number = TypeVar("Number", "int", "NDArray[np.int64]")

# The types that a network may be stored in, with bits of a number. Those below a byte are packed.
STORED_BITS = {"int1": 1, "int2": 2, "int4": 4, "int8": 8, "float8": 8}
STORED_BITS |= {"float16": 16, "bfloat16": 16, "float32": 32, "float64": 64}

# Other names that people use for them.
_SYNONYMS = {"fp8": "float8", "fp16": "float16", "bf16": "bfloat16", "fp32": "float32"}
_SYNONYMS |= {"fp64": "float64"}

# Bits of an element, where its name does not begin with them.
_BITS = {"bool": 8, "bfloat16": 16, "qint8": 8, "quint8": 8, "qint32": 32, "bits8": 8, "bits16": 16}
_BITS |= {"quint4x2": 4, "quint2x4": 2}
_BITS |= {"bits1x8": 8, "bits2x4": 8, "bits4x2": 8, "float4_e2m1fn_x2": 8}

# Numbers of an element, where it holds several.
_PACKED = {"float4_e2m1fn_x2": 2}


def stored_bits(dtype: str) -> int:
    """Bits of a number of a type that networks are stored in.

    Parameters
    ----------
    dtype : str
        "int1", "int2", "int4", "int8", "float8", "float16", "bfloat16", "float32", "float64", or
        in short "fp8", "fp16", "bf16", "fp32", "fp64".

    Returns
    -------
    int

    Raises
    ------
    ArgumentError
        If the type is another one.

    Examples
    --------
    >>> stored_bits("int4"), stored_bits("fp16")
    (4, 16)
    """
    name = _SYNONYMS.get(dtype, dtype) if isinstance(dtype, str) else ""
    if name not in STORED_BITS:
        known = ", ".join([*STORED_BITS, *_SYNONYMS])
        raise ArgumentError("dtype", f"be one of {known}", checks.came(dtype))
    return STORED_BITS[name]


def packed_bytes(n_numbers: Number, dtype: str) -> Number:
    """Bytes of so many numbers in a row, each of a type that networks are stored in.

    Parameters
    ----------
    n_numbers : int or ndarray of int
        How many.
    dtype : str
        See `stored_bits`.

    Returns
    -------
    int or ndarray of int
        Full bytes: three numbers of four bits take two.

    Raises
    ------
    ArgumentError
        If `dtype` is not known.

    Examples
    --------
    >>> packed_bytes(3, "int4"), packed_bytes(3, "float32")
    (2, 12)
    """
    return -(-n_numbers * stored_bits(dtype) // 8)


@cache
def bits_of(dtype: str) -> int:
    """Bits of an element of a type: 32 for "float32", 128 for "complex128".

    Examples
    --------
    >>> bits_of("bool"), bits_of("float8_e4m3fn"), bits_of("uint4")
    (8, 8, 4)
    """
    if dtype in _BITS:
        return _BITS[dtype]
    digits = "".join(c for c in dtype.partition("_")[0] if c.isdigit())
    return int(digits)


def storage_bytes(memory: Memory, dtype: str | None = None) -> int:
    """Bytes that a memory adds to a program.

    Parameters
    ----------
    memory : Memory
        Any memory; a view or a version of another one adds none.
    dtype : str, optional
        Type that floating-point numbers are stored in, see `stored_bits`; as captured by default.
        Integers and booleans stay as they are.

    Returns
    -------
    int

    Raises
    ------
    ArgumentError
        If `dtype` is not known.
    GraphError
        If the size of the memory is not known.

    Examples
    --------
    >>> weight = Memory("w", "parameter", (4, 8), "float32", 128)
    >>> storage_bytes(weight), storage_bytes(weight, "int8")
    (128, 32)
    """
    check_sized(memory)
    if dtype is None:
        return memory.bytes
    bits = stored_bits(dtype)
    if not _is_float(memory):
        return memory.bytes
    n_numbers = memory.bytes * 8 * _PACKED.get(memory.dtype, 1) // bits_of(memory.dtype)
    return -(-n_numbers * bits // 8)


def element_bytes(memory: Memory, dtype: str | None = None) -> int:
    """Bytes of the elements of a memory, whether or not they are its own.

    Parameters
    ----------
    memory : Memory
        Any memory.
    dtype : str, optional
        Type that floating-point numbers are stored in; as captured by default.

    Returns
    -------
    int

    Raises
    ------
    ArgumentError
        If `dtype` is not known.
    GraphError
        If the size of the memory is not known.

    Examples
    --------
    >>> view = Memory("v", "activation", (4, 8), "float32", 0, base=0, alias="view")
    >>> element_bytes(view), element_bytes(view, "float16")
    (128, 64)
    """
    check_sized(memory)
    bits = bits_of(memory.dtype)
    if dtype is not None and _is_float(memory):
        bits = stored_bits(dtype) * _PACKED.get(memory.dtype, 1)
    return -(-math.prod(memory.shape) * bits // 8)


def _is_float(memory: Memory) -> bool:
    return "float" in memory.dtype
