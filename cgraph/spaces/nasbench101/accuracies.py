"""Trained accuracies of cells, from official files and from tables in the benchmark's terms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArchitectureError, ArgumentError, UnknownNameError
from cgraph.spaces.accuracies import read_table
from cgraph.spaces.nasbench101 import cells, table
from cgraph.spaces.nasbench101.hashing import hash_bytes, module_hashes
from cgraph.spaces.nasbench101.official import ACCURACIES, official_runs

if TYPE_CHECKING:
    import pandas as pd

HASH_COLUMN = "module_hash"
MATRIX_COLUMNS = ("adjacency", "ops")


def read_accuracies(
    path: str | Path, column: str, *, epochs: int, unit: Literal["percent", "fraction"]
) -> pd.Series[float]:
    """Accuracies in percent by index; see `NASBench101.published_accuracies`."""
    path = Path(path)
    if unit not in ("percent", "fraction"):
        raise UnknownNameError("unit", unit, ["percent", "fraction"])
    if path.suffix == ".tfrecord":
        if column not in ACCURACIES:
            raise UnknownNameError("column", column, ACCURACIES)
        unit = "fraction"
        series = official_runs(path, epochs).groupby("index")[column].mean()
    else:
        frame = read_table(path)
        if column not in frame.columns:
            raise UnknownNameError("column", column, map(str, frame.columns))
        index = indices_of_rows(frame, path)
        twice = np.flatnonzero(np.bincount(index) > 1)
        if len(twice):
            rows = np.flatnonzero(index == twice[0]).tolist()
            raise ArgumentError("path", "name each cell once", f"{str(path)!r} with rows {rows}")
        series = frame[column].set_axis(index).sort_index()
    return _in_percent(series.astype(np.float64), unit).rename_axis("index").rename(column)


def indices_of_rows(frame: pd.DataFrame, path: Path) -> NDArray[np.int64]:
    """Index of the cell of each row of a table, by its matrix and operations or by its hash.

    Parameters
    ----------
    frame : DataFrame
        With the columns "adjacency" (digits) and "ops" (with commas between), with "module_hash",
        or with all three, which then have to agree.
    path : path
        Where it comes from, for the errors.

    Raises
    ------
    ArgumentError
        If the columns are missing, or a row is not of the space; says which.
    """
    has_matrix = all(name in frame.columns for name in MATRIX_COLUMNS)
    if not has_matrix and HASH_COLUMN not in frame.columns:
        raise ArgumentError(
            "path",
            f"hold the column {HASH_COLUMN!r}, or {' and '.join(map(repr, MATRIX_COLUMNS))}",
            f"{str(path)!r} with {', '.join(map(repr, frame.columns))}",
        )
    try:
        if not has_matrix:
            return table.indices_of_hashes(frame[HASH_COLUMN])
        codes = _codes(frame)
        if HASH_COLUMN in frame.columns:
            differs = module_hashes(codes) != hash_bytes(frame[HASH_COLUMN])
            for row in np.flatnonzero(differs.any(axis=1)).tolist():
                raise ArgumentError(
                    HASH_COLUMN,
                    f"be that of the matrix in row {row}",
                    repr(frame[HASH_COLUMN].iloc[row]),
                )
    except ArchitectureError as error:
        raise ArgumentError(
            "path", "name cells of the space", f"{str(path)!r} with another", str(error)
        ) from error
    return table.indices(codes)


def _codes(frame: pd.DataFrame) -> NDArray[np.int64]:
    codes = np.empty(len(frame), dtype=np.int64)
    rows = zip(*(frame[name] for name in MATRIX_COLUMNS), strict=True)
    for row, (adjacency, operations) in enumerate(rows):
        try:
            codes[row] = cells.encode(cells.from_strings(adjacency, operations))
        except ArchitectureError as error:
            raise ArchitectureError(
                MATRIX_COLUMNS[0], f"be a cell of the space in row {row}", repr(adjacency),
                str(error),
            ) from error  # fmt: skip
    return codes


def _in_percent(values: pd.Series[float], unit: str) -> pd.Series[float]:
    """Values between 0 and 100; a column in the wrong unit is refused."""
    kept = values.dropna()
    top = 1.0 if unit == "fraction" else 100.0
    outside = kept[(kept < 0) | (kept > top)]
    if len(outside):
        raise ArgumentError(
            "column", f"hold accuracies in [0, {top:g}] (unit={unit!r})", f"{outside.iloc[0]:g}"
        )
    if unit == "percent" and len(kept) and kept.max() <= 1:
        raise ArgumentError(
            "column", "hold percent", f"at most {kept.max():g}", "pass unit='fraction'"
        )
    return kept * (100.0 / top)
