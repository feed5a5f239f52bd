"""Trained accuracies of cells: the benchmark's own files, and how tables name cells.

A row of a table names a cell by the benchmark's module hash, or by its matrix and operations.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArchitectureError, UnknownNameError
from cgraph.spaces.nasbench101 import cells, table
from cgraph.spaces.nasbench101.hashing import hash_bytes, module_hashes
from cgraph.spaces.sources import AccuracySource, Found, RowKey, SourceOptions

if TYPE_CHECKING:
    import pandas as pd

# Characters that the list of a cell of seven vertices has at most, spaces and all.
_LONGEST_LIST = 1_000

ACCURACIES = ("train_accuracy", "validation_accuracy", "test_accuracy")


def by_hash(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Index of the cell of each row, by the column "module_hash"."""
    return table.indices_of_hashes(frame["module_hash"])


def by_matrix(matrices: str, operations: str) -> Callable[[pd.DataFrame], NDArray[np.int64]]:
    """What gives the index of the cell of each row, by two columns.

    Parameters
    ----------
    matrices : str
        The column of adjacency matrices: their digits as a string, as in the benchmark's files,
        or lists of rows.
    operations : str
        The column of operations: a string with commas between, or a list.
    """

    def indices(frame: pd.DataFrame) -> NDArray[np.int64]:
        codes = np.empty(len(frame), dtype=np.int64)
        rows = zip(frame[matrices], frame[operations], strict=True)
        for row, (matrix, names) in enumerate(rows):
            try:
                codes[row] = cells.encode(_cell(matrix, names))
            except ArchitectureError as error:
                raise ArchitectureError(
                    matrices, f"be of a cell of the space in row {row}", repr(matrix), str(error)
                ) from error
        return table.indices(codes)

    return indices


def by_hash_and_matrix(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Index of the cell of each row, by its matrix, of which its hash has to be."""
    index = by_matrix("adjacency", "ops")(frame)
    differs = module_hashes(table.codes()[index]) != hash_bytes(frame["module_hash"])
    for row in np.flatnonzero(differs.any(axis=1)).tolist():
        raise ArchitectureError(
            "module_hash",
            f"be that of the matrix in row {row}",
            repr(frame["module_hash"].iloc[row]),
        )
    return index


def _cell(matrix: Any, operations: Any) -> cells.Cell:
    if isinstance(matrix, str) and matrix.lstrip().startswith("["):
        matrix = _listed(matrix, "matrix")  # as CSV has a list
    if isinstance(operations, str) and operations.lstrip().startswith("["):
        operations = _listed(operations, "operations")
    if isinstance(matrix, str):
        words = operations if isinstance(operations, str) else ",".join(operations)
        return cells.from_strings(matrix, words)
    if matrix is None or isinstance(matrix, float):
        raise ArchitectureError("matrix", "be digits or a list of rows", repr(matrix))
    names = operations.split(",") if isinstance(operations, str) else list(operations)
    return cells.from_matrix([list(row) for row in matrix], names)


def _listed(text: str, argument: str) -> list[Any]:
    """The list that a text writes out, by Python's rules or JSON's."""
    try:
        found = ast.literal_eval(text) if len(text) <= _LONGEST_LIST else None
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ArchitectureError(argument, "be a list", repr(text)) from error
    if not isinstance(found, list):
        raise ArchitectureError(argument, "be a list", repr(text))
    return found


def _read_official(path: Any, column: str | None, options: SourceOptions) -> Found:
    from cgraph.spaces.nasbench101.official import official_runs

    if column not in ACCURACIES:
        raise UnknownNameError(f"column of {Path(path).name}", column, ACCURACIES)
    epochs = 108 if options.epochs is None else options.epochs
    means = official_runs(path, epochs).groupby("index")[column].mean()
    where = f"{path}:{column} after {epochs} epochs"
    return Found(means.index.to_numpy(), means.to_numpy(), column, where, "fraction")


def _is_official(source: Any) -> bool:
    return isinstance(source, str | Path) and Path(source).suffix == ".tfrecord"


ROW_KEYS = (
    # The matrix tells the cell; the hashes of all cells, a quarter of a minute, are not needed.
    RowKey(("module_hash", "adjacency", "ops"), by_hash_and_matrix, is_text=True),
    RowKey(("module_hash",), by_hash, is_text=True),
    *(
        RowKey(columns, by_matrix(*columns), is_text=True)
        for columns in (
            ("adjacency", "ops"),
            ("matrix", "operations"),
            ("module_adjacency", "module_operations"),
        )
    ),
)

SOURCES = (
    AccuracySource(
        "nasbench .tfrecord",
        "nasbench_only108.tfrecord or nasbench_full.tfrecord, means over the runs of a cell",
        _is_official,
        _read_official,
        ("epochs",),
    ),
)
