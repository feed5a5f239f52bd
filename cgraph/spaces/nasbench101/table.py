"""All 423,624 cells, numbered, with their strings and module hashes; and how to find one.

The *index* of a cell is its place among the codes in rising order, which is the order in which
the benchmark's own script lists them. Codes take a moment and are made when asked for; the module
hashes take a quarter of a minute, so they are kept in a file of 8.5 MB.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from cgraph.errors import ArchitectureError, ArgumentError, of_file
from cgraph.files.arrays import load_arrays
from cgraph.files.reading import reading
from cgraph.files.writing import whole_file
from cgraph.spaces.nasbench101.cells import MAX_VERTICES, OPERATIONS, Cell, decode, encode
from cgraph.spaces.nasbench101.enumeration import canonical_codes, enumerate_codes
from cgraph.spaces.nasbench101.hashing import HASH_BYTES, hash_bytes, module_hash, module_hashes
from cgraph.spaces.nasbench101.notation import format_cell

Scalar = TypeVar("Scalar", bound=np.generic)

N_ARCHITECTURES = 423_624
CACHE_NAME = "nasbench101-cells-1.npz"

_KEPT = "be a file of the cells of NAS-Bench-101"
_MADE_ANEW = "delete it to have it made anew"

# How many hashes of a file are computed anew when it is read.
_N_CHECKED = 32


@cache
def codes() -> NDArray[np.uint32]:
    """Code of each cell, shape (423624,), rising, read-only.

    Examples
    --------
    >>> [format_cell(decode(code)) for code in codes()[:3]]
    ['output~0', 'conv3x3~0|output~1', 'conv1x1~0|output~1']
    """
    return _frozen(enumerate_codes())


def cell(index: int) -> Cell:
    """Cell at a place in the order.

    Examples
    --------
    >>> format_cell(cell(400_000))
    'maxpool3x3~0|conv3x3~1|maxpool3x3~2|conv3x3~3|conv1x1~2,4|output~1,4,5'
    """
    return decode(int(codes()[index]))


def index_of(cell: Cell) -> int:
    """Place of a cell in the order, however its vertices are numbered.

    Examples
    --------
    >>> index_of(Cell((2, 0), 51)) == index_of(Cell((0, 2), 51)) == 45
    True
    """
    return int(indices(np.array([encode(cell)]))[0])


def indices(cell_codes: NDArray[np.integer]) -> NDArray[np.int64]:
    """Places in the order of cells given by codes, however their vertices are numbered.

    Parameters
    ----------
    cell_codes : ndarray of shape (n,)
        Codes of cells, as `cells.encode` makes them; not checked.
    """
    return np.searchsorted(codes(), canonical_codes(cell_codes)).astype(np.int64)


@cache
def strings() -> tuple[str, ...]:
    """String of each cell, in order.

    Examples
    --------
    >>> strings()[45]
    'conv3x3~0|maxpool3x3~0|output~1,2'
    """
    found: list[str] = []
    all_codes = codes().astype(np.int64)
    skeletons, starts = np.unique(all_codes >> 8, return_index=True)
    # The cells of a skeleton stand together and differ in their operations alone.
    for skeleton, chosen in zip(skeletons, np.split(all_codes, starts[1:]), strict=True):
        example = format_cell(decode(int(skeleton) << 8))
        template = example.replace(OPERATIONS[0], "%s")
        names = _labellings(example.count("|"))
        found.extend(template % names[k] for k in (chosen & 255).tolist())
    return tuple(found)


def hashes(path: str | Path | None = None) -> NDArray[np.uint8]:
    """Module hash of each cell, from a file that is made where there is none.

    Parameters
    ----------
    path : path, optional
        The file; by default ``nasbench101-cells-1.npz`` in the user's cache directory.

    Returns
    -------
    ndarray of uint8, shape (423624, 16)
        The bytes of the hashes, in order; read-only.

    Raises
    ------
    ArgumentError
        If there is a file and it does not hold what was written.
    """
    file = Path(path) if path is not None else user_cache_path("cgraph") / CACHE_NAME
    if file.exists():
        return _frozen(read_cells(file, codes()))
    made = module_hashes(codes())
    write_cells(file, codes(), made)
    return _frozen(made)


def indices_of_hashes(texts: Iterable[str], path: str | Path | None = None) -> NDArray[np.int64]:
    """Places in the order of cells given by their module hashes.

    Parameters
    ----------
    texts : iterable of str
        Hashes of 32 hexadecimal digits.
    path : path, optional
        As for `hashes`.

    Raises
    ------
    ArchitectureError
        If one is malformed or of no cell of the space; says which.
    """
    return find_rows(hash_bytes(texts), hashes(path))


def find_rows(wanted: NDArray[np.uint8], rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where each wanted hash stands among hashes that are all different.

    Parameters
    ----------
    wanted : ndarray of uint8, shape (n, 16)
        What to look for.
    rows : ndarray of uint8, shape (m, 16)
        Where to look.

    Raises
    ------
    ArchitectureError
        If one is not there; says which.
    """
    kept, asked = _keys(rows), _keys(wanted)
    order = np.argsort(kept)
    place = np.searchsorted(kept, asked, sorter=order)
    found = order[np.minimum(place, len(order) - 1)]
    missing = np.flatnonzero((rows[found] != wanted).any(axis=1))
    if len(missing):
        raise ArchitectureError(
            "module_hash",
            f"be that of a cell of the space (number {missing[0]})",
            repr(wanted[missing[0]].tobytes().hex()),
        )
    return found.astype(np.int64)


def write_cells(path: Path, cell_codes: NDArray[np.uint32], cell_hashes: NDArray[np.uint8]) -> None:
    """Keep codes and hashes in a file, which is complete whenever it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(file, codes=cell_codes, hashes=cell_hashes)


def read_cells(path: Path, cell_codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Hashes that `write_cells` kept with these codes.

    Raises
    ------
    ArgumentError
        If the file cannot be read, is for other cells, or its hashes are not those of the cells:
        the checksums of the file are compared, and some hashes are computed anew.
    """
    with reading(path, _KEPT, _MADE_ANEW):
        file = load_arrays(path)
        kept_codes, kept_hashes = file["codes"], file["hashes"]
    if not np.array_equal(kept_codes, cell_codes):
        raise _bad_file(path, f"other cells ({len(kept_codes):,})")
    if kept_hashes.shape != (len(cell_codes), HASH_BYTES) or kept_hashes.dtype != np.uint8:
        raise _bad_file(path, f"hashes of shape {kept_hashes.shape}")
    for i in np.linspace(0, len(cell_codes) - 1, _N_CHECKED).astype(int):
        if kept_hashes[i].tobytes().hex() != module_hash(decode(int(cell_codes[i]))):
            raise _bad_file(path, f"another hash for cell {i}")
    return np.asarray(kept_hashes, dtype=np.uint8)


def _bad_file(path: Path, got: str) -> ArgumentError:
    return ArgumentError("path", _KEPT, of_file(path, f"with {got}"), _MADE_ANEW)


@cache
def _labellings(n: int) -> tuple[tuple[str, ...], ...]:
    assert n <= MAX_VERTICES - 2
    return tuple(product(OPERATIONS, repeat=n))


def _keys(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """First half of each hash as a number: no two cells of the space share it."""
    return np.ascontiguousarray(rows[:, :8]).view(np.uint64)[:, 0]


def _frozen(array: NDArray[Scalar]) -> NDArray[Scalar]:
    array.setflags(write=False)
    return array
