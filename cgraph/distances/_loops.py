"""The loops that methods share: over tiles of a table, over rows to spread, over equal rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances._stream import stream
from cgraph.distances.plans import DistanceTable, Floats
from cgraph.parallel import parallel_map

TILE_ROWS, TILE_COLUMNS = 128, 128  # a tile of 20 categories stays in the first cache
SPREAD = 1 << 22  # entries that a thread spreads at a time
SMALL = 1 << 18  # entries that are done sooner than threads are started

Tile = Callable[[NDArray[np.float64], NDArray[np.float64], Floats], None]


def fill_by_tiles(
    tile: Tile,
    x: NDArray[np.float64],
    y: NDArray[np.float64] | None,
    n_jobs: int,
    out: Floats,
) -> None:
    """Fill `out` of shape (a, b) with the distances between rows of `x` and rows of `y`.

    Parameters
    ----------
    tile : callable
        Compiled: from rows of shape (r, F), columns of shape (F, c) and an array of shape (r, c)
        that it fills.
    x : ndarray of shape (a, F)
        Features of the rows.
    y : ndarray of shape (b, F) or None
        Features of the columns; None for `x` again, where half of the tiles are mirrored.
    n_jobs : int
        Number of threads.
    out : ndarray of shape (a, b)
        Filled.
    """
    columns = np.ascontiguousarray((x if y is None else y).T)
    strip = partial(_fill_strip, tile, x, columns, y is None, out)
    _over_blocks(strip, len(x), TILE_ROWS, n_jobs if out.size > SMALL else 1)


def spread(table: DistanceTable, out: Floats, n_jobs: int) -> None:
    """Fill `out` of shape (n, m) with ``table.values[table.rows[i], table.columns[j]]``."""
    block = partial(_spread_block, table, out)
    rows = max(1, SPREAD // max(1, out.shape[1]))
    _over_blocks(block, len(out), rows, n_jobs if out.size > SMALL else 1)


def distinct_rows(features: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which rows of an array are equal, numbered by first appearance.

    Parameters
    ----------
    features : ndarray of shape (n, F)
        Numbers of four or eight bytes, without NaN and without negative zeros.

    Returns
    -------
    first : ndarray of int64, shape (a,)
        The first row of each kind.
    index : ndarray of int64, shape (n,)
        Kind of each row: ``features[first][index]`` is `features`.
    """
    bits = np.ascontiguousarray(features)
    bits = bits.view(f"u{bits.itemsize}")
    first = np.empty(len(bits), np.int64)
    index = np.empty(len(bits), np.int64)
    slots = np.full(1 << (2 * len(bits) + 1).bit_length(), -1, np.int64)
    n_kinds = number_rows(bits, slots, first, index)
    return first[:n_kinds].copy(), index


def is_identity(index: NDArray[np.int64]) -> bool:
    """Whether an index by first appearance leaves everything in its place."""
    return len(index) == 0 or int(index.max()) == len(index) - 1


def _over_blocks(function: Callable[[slice], None], n: int, size: int, n_jobs: int) -> None:
    blocks: Iterator[slice] = (slice(i, min(i + size, n)) for i in range(0, n, size))
    for _ in parallel_map(function, blocks, n_jobs=n_jobs, threads=True):
        pass


def _spread_block(table: DistanceTable, out: Floats, rows: slice) -> None:
    spread_rows(table.values, table.rows[rows], table.columns, out[rows])


def _fill_strip(
    tile: Tile,
    x: NDArray[np.float64],
    columns: NDArray[np.float64],
    is_mirrored: bool,
    out: Floats,
    rows: slice,
) -> None:
    """Tiles of some rows: of all columns, or of those from the diagonal on, mirrored."""
    m = columns.shape[1]
    for j in range(rows.start if is_mirrored else 0, m, TILE_COLUMNS):
        some = slice(j, min(j + TILE_COLUMNS, m))
        part = np.empty((rows.stop - rows.start, some.stop - j), out.dtype)
        tile(x[rows], np.ascontiguousarray(columns[:, some]), part)
        out[rows, some] = part
        if is_mirrored:
            write_transposed(part, out[some, rows])


@compiled
def write_transposed(part: Floats, out: Floats) -> None:
    """Write the transpose, eight columns at a time: a cache line of `part` is used up at once."""
    for first in range(0, part.shape[1], 8):
        last = min(first + 8, part.shape[1])
        for i in range(part.shape[0]):
            for j in range(first, last):
                out[j, i] = part[i, j]


@compiled
def spread_rows(
    values: Floats,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    out: Floats,
) -> None:
    """Fill `out` from the table."""
    for i in range(rows.shape[0]):
        row = values[rows[i]]
        target = out[i]
        for j in range(columns.shape[0]):
            stream(target, j, row[columns[j]])


@compiled
def number_rows(
    bits: NDArray[np.unsignedinteger[Any]],
    slots: NDArray[np.int64],
    first: NDArray[np.int64],
    index: NDArray[np.int64],
) -> int:
    """Number equal rows by a hash table of open addressing; returns how many kinds there are."""
    n, width = bits.shape
    mask = np.uint64(len(slots) - 1)
    n_kinds = 0
    for i in range(n):
        key = np.uint64(0x9E3779B97F4A7C15)
        for k in range(width):
            key = (key ^ np.uint64(bits[i, k])) * np.uint64(0xBF58476D1CE4E5B9)
            key ^= key >> np.uint64(29)
        slot = np.int64(key & mask)
        while True:
            kind = slots[slot]
            if kind < 0:
                slots[slot] = n_kinds
                first[n_kinds] = i
                index[i] = n_kinds
                n_kinds += 1
                break
            same = True
            for k in range(width):
                if bits[first[kind], k] != bits[i, k]:
                    same = False
                    break
            if same:
                index[i] = kind
                break
            slot = np.int64(np.uint64(slot + 1) & mask)
    return n_kinds
