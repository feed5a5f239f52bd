"""How kernels are compiled, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function compiled by numba: cached on disk, free of the interpreter's lock.

    Multiplications and additions may be fused; the rest of fast arithmetic is left off, as it
    would lose NaN and infinity. A division by zero gives what numpy gives: a check for it would
    keep loops from being vectorised.
    """
    decorate = njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
    return cast("Function", decorate(function))
