"""Pickles without code: plain data and numbers are read, and nothing else.

A pickle is a program, and reading one from a stranger runs what the stranger wrote. Here a class
or function that is not in a short table is an error before anything of it is looked up.
"""

from __future__ import annotations

import collections
import pickle
from collections.abc import Mapping
from typing import IO, Any

import numpy as np


def _bytes(text: str, encoding: str) -> bytes:
    """What pickles before protocol 3 make bytes with."""
    if encoding != "latin1":
        raise ForeignClassError(f"_codecs.encode to {encoding}")
    return text.encode(encoding)


# What numbers and plain containers are pickled as, by old and new versions of Python and numpy.
PLAIN: Mapping[str, Any] = {
    "builtins.set": set,
    "__builtin__.set": set,
    "_codecs.encode": _bytes,
    "collections.OrderedDict": collections.OrderedDict,
    "numpy.dtype": np.dtype,
    **dict.fromkeys(
        ("numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"),
        type(np.float64()).__reduce__(np.float64())[0],  # numpy has no public name for it
    ),
}

# What the machine of pickles raises on a program that makes no sense.
BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    MemoryError,
    ImportError,
)


class ForeignClassError(pickle.UnpicklingError):
    """A pickle asks for a class or function that is not allowed."""


def load_plain(file: IO[bytes], allowed: Mapping[str, Any] = PLAIN) -> Any:
    """What a pickle holds, without running anything of it.

    Parameters
    ----------
    file : file
        Open for reading bytes, at the beginning of a pickle.
    allowed : mapping of str to object
        What stands for a class or function in the pickle, by "module.name".

    Raises
    ------
    ForeignClassError
        If it asks for a class or function that is not allowed; nothing was imported or called.
    pickle.UnpicklingError
        Or another of `BROKEN`, if it is no pickle, or one that was cut off.

    Examples
    --------
    >>> import io, os
    >>> load_plain(io.BytesIO(pickle.dumps({"accuracy": np.float64(93.5)})))
    {'accuracy': np.float64(93.5)}
    >>> load_plain(io.BytesIO(pickle.dumps(os.getcwd)))
    Traceback (most recent call last):
        ...
    cgraph.spaces.pickles.ForeignClassError: posix.getcwd
    """
    return _PlainUnpickler(file, allowed).load()


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], allowed: Mapping[str, Any]) -> None:
        super().__init__(file)
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        found = self._allowed.get(f"{module}.{name}")
        if found is None:
            raise ForeignClassError(f"{module}.{name}")
        return found
