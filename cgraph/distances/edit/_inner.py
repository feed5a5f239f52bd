"""How kernels are compiled that only other kernels call.

They get no entry from Python: it would be compiled for each of them again, with all that it
calls, which is most of the time to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def inner(function: Function) -> Function:
    """The function compiled by numba, for other compiled functions to call."""
    return cast("Function", njit(**_OPTIONS)(function))


def inlined(function: Function) -> Function:
    """The function compiled into each place that calls it.

    A workspace is a tuple of twenty arrays: handing it over costs more than a bound.
    """
    return cast("Function", njit(forceinline=True, **_OPTIONS)(function))
