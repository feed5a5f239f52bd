"""A matrix in blocks: tiles of the table of distinct programs, each written where it belongs.

A tile is some rows and some columns of the table. Written, it fills every place of the matrix
that belongs to programs of those rows and columns, and for a mirrored table the places across the
diagonal too. Tiles share no place, so they can be done in any order and by anybody.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._compile import compiled
from cgraph.distances.plans import Certainty, DistancePlan, Floats
from cgraph.parallel import parallel_map

CHUNK = 1 << 22  # entries that are spread at a time


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Some rows and some columns of a table, and the programs that they are the rows of.

    Parameters
    ----------
    rows, columns : slice
        Of the table, with start and stop.
    row_programs, column_programs : ndarray of int64
        Positions in the matrix, ascending.
    row_places, column_places : ndarray of int64
        Row and column of each program, counted from the first of the tile.
    is_mirrored : bool
        Whether the transpose of the tile is a part of the matrix as well.
    """

    rows: slice
    columns: slice
    row_programs: NDArray[np.int64]
    column_programs: NDArray[np.int64]
    row_places: NDArray[np.int64]
    column_places: NDArray[np.int64]
    is_mirrored: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns of the table."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def size(self) -> int:
        """Number of distances."""
        return self.shape[0] * self.shape[1]


def cut(plan: DistancePlan, size: int) -> list[Tile]:
    """The tiles of a plan, of at most `size` programs a side unless one row has more.

    Of a mirrored table, those on and above the diagonal.
    """
    left = _sides(plan.rows, plan.shape[0], size)
    right = left if plan.is_mirrored else _sides(plan.columns, plan.shape[1], size)
    return [
        Tile(
            rows,
            columns,
            own,
            others,
            plan.rows[own] - rows.start,
            plan.columns[others] - columns.start,
            plan.is_mirrored and i != j,
        )
        for i, (rows, own) in enumerate(left)
        for j, (columns, others) in enumerate(right)
        if j >= i or not plan.is_mirrored
    ]


def compute(
    plan: DistancePlan, tiles: list[Tile], dtype: np.dtype[Any], *, n_jobs: int, threads: bool
) -> Iterator[tuple[Floats, Certainty | None]]:
    """The values of each tile and how certain they are, in the order of the tiles."""
    return parallel_map(
        partial(_values, plan.block, dtype),
        [(tile.rows, tile.columns) for tile in tiles],
        n_jobs=n_jobs,
        threads=threads,
    )


def write_square(tile: Tile, values: Floats, out: Floats) -> None:
    """Write a tile into the matrix, shape (n, m)."""
    columns = _index(tile.column_programs)
    for some in _chunks(tile):
        rows = _index(tile.row_programs[some])
        part = values[tile.row_places[some]][:, tile.column_places]
        _put(out, rows, columns, part)
        if tile.is_mirrored:
            _put(out, columns, rows, part.T)


def write_condensed(tile: Tile, values: Floats, out: Floats, n: int) -> None:
    """Write a tile of a mirrored table into the condensed vector of n programs."""
    write_pairs(
        values,
        tile.row_programs,
        tile.column_programs,
        tile.row_places,
        tile.column_places,
        not tile.is_mirrored,
        n,
        np.asarray(out),
    )


def checksum_square(tile: Tile, matrix: Floats) -> int:
    """CRC-32 of what a matrix holds in the places of a tile."""
    crc = 0
    columns = _index(tile.column_programs)
    for some in _chunks(tile):
        rows = _index(tile.row_programs[some])
        crc = zlib.crc32(_get(matrix, rows, columns).data, crc)
        if tile.is_mirrored:
            crc = zlib.crc32(_get(matrix, columns, rows).data, crc)
    return crc


def checksum_condensed(tile: Tile, vector: Floats, n: int) -> int:
    """CRC-32 of what a condensed vector of n programs holds in the places of a tile."""
    crc = 0
    for i, row in enumerate(tile.row_programs.tolist()):
        others = tile.column_programs[0 if tile.is_mirrored else i + 1 :]
        part = np.empty(len(others), vector.dtype)
        read_pairs(np.asarray(vector), row, others, n, part)
        crc = zlib.crc32(part.data, crc)
    return crc


def _sides(
    index: NDArray[np.int64], n_rows: int, size: int
) -> list[tuple[slice, NDArray[np.int64]]]:
    """Ranges of the rows of a table, each with its programs."""
    order = np.argsort(index, kind="stable")
    offsets = np.searchsorted(index[order], np.arange(n_rows + 1))
    sides, start = [], 0
    while start < n_rows:
        stop = int(np.searchsorted(offsets, offsets[start] + size, side="right")) - 1
        stop = max(stop, start + 1)
        programs = np.sort(order[offsets[start] : offsets[stop]]).astype(np.int64)
        sides.append((slice(start, stop), programs))
        start = stop
    return sides


def _values(
    block: Any, dtype: np.dtype[Any], where: tuple[slice, slice]
) -> tuple[Floats, Certainty | None]:
    rows, columns = where
    values = np.empty((rows.stop - rows.start, columns.stop - columns.start), dtype)
    return values, block(rows, columns, values)


def _chunks(tile: Tile) -> Iterator[slice]:
    step = max(1, CHUNK // max(1, len(tile.column_programs)))
    for first in range(0, len(tile.row_programs), step):
        yield slice(first, first + step)


def _index(programs: NDArray[np.int64]) -> Any:
    """The programs as a slice where they follow each other, which is quicker."""
    if len(programs) and programs[-1] - programs[0] == len(programs) - 1:
        return slice(int(programs[0]), int(programs[-1]) + 1)
    return programs


def _put(out: Floats, rows: Any, columns: Any, part: Floats) -> None:
    if isinstance(rows, slice) or isinstance(columns, slice):
        out[rows, columns] = part
    else:
        out[np.ix_(rows, columns)] = part


def _get(matrix: Floats, rows: Any, columns: Any) -> Floats:
    is_simple = isinstance(rows, slice) or isinstance(columns, slice)
    part = matrix[rows, columns] if is_simple else matrix[np.ix_(rows, columns)]
    return np.ascontiguousarray(part)


@compiled
def write_pairs(
    values: Any,
    row_programs: Any,
    column_programs: Any,
    row_places: Any,
    column_places: Any,
    is_diagonal: bool,
    n: int,
    out: Any,
) -> None:
    """Write the distances of pairs of programs where a condensed vector has them."""
    for i in range(len(row_programs)):
        p = row_programs[i]
        row = values[row_places[i]]
        for j in range(i + 1 if is_diagonal else 0, len(column_programs)):
            q = column_programs[j]
            u, v = min(p, q), max(p, q)
            out[n * u - u * (u + 1) // 2 + v - u - 1] = row[column_places[j]]


@compiled
def read_pairs(vector: Any, p: int, others: Any, n: int, out: Any) -> None:
    """Read the distances of a program to others from a condensed vector."""
    for j in range(len(others)):
        u, v = min(p, others[j]), max(p, others[j])
        out[j] = vector[n * u - u * (u + 1) // 2 + v - u - 1]
