"""Bytes of tensors, as captured or as they would be stored in another type."""

from __future__ import annotations

import math
from functools import cache

from cgraph.errors import ArgumentError
from cgraph.graphs.computational import Memory, check_sized

# The types that a network may be stored in, with bytes of an element.
STORED_TYPES = {"int8": 1, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}

# Other names that people use for them.
_SYNONYMS = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "fp64": "float64"}

# Bits of an element, where its name does not end in them.
_BITS = {"bool": 8, "bfloat16": 16, "qint8": 8, "quint8": 8, "qint32": 32}


def item_bytes(dtype: str) -> int:
    """Bytes of an element of a type that networks are stored in.

    Parameters
    ----------
    dtype : str
        "int8", "float16", "bfloat16", "float32", "float64", or in short "fp16", "bf16", "fp32",
        "fp64".

    Returns
    -------
    int

    Raises
    ------
    ArgumentError
        If the type is another one.

    Examples
    --------
    >>> item_bytes("int8"), item_bytes("fp16")
    (1, 2)
    """
    name = _SYNONYMS.get(dtype, dtype)
    if name not in STORED_TYPES:
        known = ", ".join([*STORED_TYPES, *_SYNONYMS])
        raise ArgumentError("dtype", f"be one of {known}", repr(dtype))
    return STORED_TYPES[name]


@cache
def bits_of(dtype: str) -> int:
    """Bits of an element of a type: 32 for "float32", 128 for "complex128".

    Examples
    --------
    >>> bits_of("bool"), bits_of("float8_e4m3fn")
    (8, 8)
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
        Type that floating-point numbers are stored in, see `item_bytes`; as captured by default.
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
    size = item_bytes(dtype)
    return memory.bytes * 8 * size // bits_of(memory.dtype) if _is_float(memory) else memory.bytes


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
    if dtype is not None:
        bits = 8 * item_bytes(dtype) if _is_float(memory) else bits
    return math.prod(memory.shape) * bits // 8


def _is_float(memory: Memory) -> bool:
    return "float" in memory.dtype
