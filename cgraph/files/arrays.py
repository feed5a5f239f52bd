"""Arrays of numpy from files, whose headers are compared with the bytes that there are.

numpy makes an array of the size that a header claims before it reads the first element.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cgraph.files import archives
from cgraph.files.source import BrokenFileError

_KINDS = "biufcUS"
_LONGEST_HEADER = 10_000
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_OF_PARSER = (ValueError, SyntaxError, TypeError, LookupError, RecursionError, MemoryError)


def load_array(path: Path) -> NDArray[Any]:
    """The array of a `.npy` file.

    Raises
    ------
    BrokenFileError
        If it is none, holds objects, or claims more elements than there are bytes.
    """
    with path.open("rb") as file:
        check_header(file, path.stat().st_size)
        file.seek(0)
        return np.asarray(npy.read_array(file, allow_pickle=False))


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npz` archive, by name.

    Raises
    ------
    BrokenFileError
        As `load_array`, and for an archive that unpacks to more than it may.
    """
    if not zipfile.is_zipfile(path):
        raise BrokenFileError("it is no .npz archive, or cut off")
    found = {}
    with archives.opened(path, may_pack=True) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                check_header(file, member.file_size)
            with archive.open(member) as file:
                name = member.filename.removesuffix(".npy")
                found[name] = np.asarray(npy.read_array(file, allow_pickle=False))
    return found


def check_header(file: IO[bytes], n_bytes: int) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype that a `.npy` file of so many bytes claims.

    Raises
    ------
    BrokenFileError
        If there are fewer bytes, or elements are no numbers or texts.
    """
    try:
        version = npy.read_magic(file)
        if version not in _READERS:
            raise BrokenFileError(f"an array of version {version[0]}.{version[1]}")
        shape, _, dtype = _READERS[version](file, max_header_size=_LONGEST_HEADER)
    # A header is a dict as Python writes it, and is read by Python's own parser.
    except (*_OF_PARSER, tokenize.TokenError) as error:
        raise BrokenFileError(f"a header that is none: {error}") from error
    if dtype.kind not in _KINDS or dtype.names or dtype.subdtype:
        raise BrokenFileError(f"an array of {dtype}")
    needed = math.prod(shape) * dtype.itemsize
    there = n_bytes - file.tell()
    if any(n < 0 for n in shape) or needed > there:
        raise BrokenFileError(f"an array that needs {needed:,} bytes and has {there:,}")
    return shape, dtype
