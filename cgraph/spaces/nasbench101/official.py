"""The benchmark's own files, ``nasbench_only108.tfrecord`` and ``nasbench_full.tfrecord``.

A record is a JSON list: the module hash, the epochs trained, the adjacency matrix as digits, the
operations, and the metrics of one training run in base64. There are three runs for each cell and
number of epochs. Files are read as a stream, in any order of rows.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArchitectureError, ArgumentError, of_file
from cgraph.spaces.nasbench101 import cells, table
from cgraph.spaces.nasbench101.hashing import module_hashes
from cgraph.spaces.nasbench101.tfrecord import broken, read_records
from cgraph.spaces.nasbench101.wire import Metrics, WireError, decode_metrics

if TYPE_CHECKING:
    import pandas as pd

EPOCHS = (4, 12, 36, 108)

# What a run ends with: the third evaluation, after those before training and half-way.
_FINAL = 2
ACCURACIES = ("train_accuracy", "validation_accuracy", "test_accuracy")
_COLUMNS = ("training_seconds", *ACCURACIES)


@dataclass(frozen=True, slots=True)
class Run:
    """One training run of one cell.

    Parameters
    ----------
    module_hash : str
        The benchmark's hash of the cell.
    epochs : int
        How long it was trained for.
    adjacency : str
        The V * V entries of the matrix, row by row.
    operations : str
        One for each vertex, with commas between.
    metrics : Metrics
        What was measured.
    """

    module_hash: str
    epochs: int
    adjacency: str
    operations: str
    metrics: Metrics


def read_runs(path: str | Path) -> Iterator[Run]:
    """Training runs of a file, in its order; one is held at a time.

    Parameters
    ----------
    path : path
        An official file, or one in its format.

    Raises
    ------
    ArgumentError
        If the file is broken or a record is not of this format; says which record, at which byte.
    """
    path = Path(path)
    for number, (offset, data) in enumerate(read_records(path)):
        try:
            yield _parse(data)
        except (ValueError, WireError, RecursionError) as error:
            raise broken(path, number, offset, str(error)) from error


def official_runs(path: str | Path, epochs: int | None = 108) -> pd.DataFrame:
    """Results of every training run of a file, joined to the cells of the space.

    Parameters
    ----------
    path : path
        An official file, or one in its format; it need not hold every cell.
    epochs : {4, 12, 36, 108}, optional
        Runs of this length only; all of them where it is None.

    Returns
    -------
    DataFrame
        One row for each run: "index" (of the cell), "epochs", "run" (0, 1, ... in the order of
        the file), "n_parameters", "training_seconds", and "train_accuracy",
        "validation_accuracy" and "test_accuracy" at the end of training, as fractions. Sorted by
        index, epochs and run.

    Raises
    ------
    ArgumentError
        If the file is broken, no run is of this length, a hash is not that of its matrix, or
        runs of one cell disagree on the matrix or the parameters.
    """
    import pandas as pd

    path = Path(path)
    if epochs is not None and epochs not in EPOCHS:
        raise ArgumentError("epochs", f"be one of {', '.join(map(str, EPOCHS))}", epochs)
    slots: dict[str, int] = {}  # of each cell, by its hash, in order of appearance
    codes, counts = array("q"), array("q")
    slot_of_run, epochs_of_run = array("q"), array("q")
    values = array("d")
    for number, run in enumerate(read_runs(path)):
        if epochs is not None and run.epochs != epochs:
            continue
        code = _code(path, number, run)
        slot = slots.setdefault(run.module_hash, len(slots))
        if slot == len(codes):
            codes.append(code)
            counts.append(run.metrics.n_parameters)
        elif codes[slot] != code or counts[slot] != run.metrics.n_parameters:
            raise _disagreement(path, number, run)
        slot_of_run.append(slot)
        epochs_of_run.append(run.epochs)
        final = run.metrics.evaluations[_FINAL]
        values.extend([getattr(final, name) for name in _COLUMNS])
    if not slots:
        wanted = "runs" if epochs is None else f"runs of {epochs} epochs"
        raise ArgumentError("path", f"hold {wanted}", of_file(path, "without any"))
    indices = _indices(path, np.array(codes, dtype=np.int64), list(slots))
    chosen = np.array(slot_of_run, dtype=np.int64)
    frame = pd.DataFrame(np.array(values).reshape(-1, len(_COLUMNS)), columns=list(_COLUMNS))
    frame.insert(0, "index", indices[chosen])
    frame.insert(1, "epochs", np.array(epochs_of_run, dtype=np.int64))
    frame.insert(2, "n_parameters", np.array(counts, dtype=np.int64)[chosen])
    frame = frame.sort_values(["index", "epochs"], kind="stable", ignore_index=True)
    frame.insert(2, "run", frame.groupby(["index", "epochs"]).cumcount())
    return frame


def _parse(data: bytes) -> Run:
    fields = json.loads(data)
    if not isinstance(fields, list) or list(map(type, fields)) != [str, int, str, str, str]:
        raise ValueError("something else than a hash, epochs, a matrix, operations and metrics")
    module_hash, epochs, adjacency, operations, raw = fields
    try:
        metrics = decode_metrics(base64.b64decode(raw, validate=True))
    except binascii.Error as error:
        raise ValueError(f"metrics that are not base64 ({error})") from error
    if len(metrics.evaluations) <= _FINAL:
        raise ValueError(f"{len(metrics.evaluations)} evaluations where 3 are expected")
    return Run(module_hash, epochs, adjacency, operations, metrics)


def _code(path: Path, number: int, run: Run) -> int:
    try:
        return _code_of(run.adjacency, run.operations)
    except ArchitectureError as error:
        raise ArgumentError(
            "path", "hold cells of the space", of_file(path, f"with another in record {number}"),
            str(error),
        ) from error  # fmt: skip


def _code_of(adjacency: str, operations: str) -> int:
    """Code of a cell. Matrices and operations repeat from cell to cell: each is read once."""
    skeleton, n_vertices = _skeleton(adjacency)
    digits, n_operations = _digits(operations)
    if n_vertices == n_operations:
        return skeleton | digits
    return cells.encode(cells.from_strings(adjacency, operations))


@lru_cache(maxsize=16_384)
def _skeleton(adjacency: str) -> tuple[int, int]:
    """Code of a matrix with the first operation throughout, and its vertices after pruning."""
    n = max(math.isqrt(len(adjacency)), 2)
    cell = cells.from_strings(adjacency, ",".join([cells.OPERATIONS[0]] * (n - 2)))
    return cells.encode(cell), cell.n_vertices


@lru_cache(maxsize=1_024)
def _digits(operations: str) -> tuple[int, int]:
    """The operations in the digits of a code, and how many vertices they are for."""
    names = operations.split(",")
    if len(names) < 2 or names[0] != cells.INPUT or names[-1] != cells.OUTPUT:
        raise ArchitectureError("operations", "go from input to output", repr(operations))
    digits = 0
    for vertex, name in enumerate(names[1:-1], start=1):
        digits = 3 * digits + cells.operation_number(name, f"vertex {vertex}")
    return digits, len(names)


def _indices(path: Path, codes: NDArray[np.int64], hashes: list[str]) -> NDArray[np.int64]:
    """Place in the order of each cell, whose hash has to be that of its matrix."""
    for code, row, kept in zip(codes, module_hashes(codes), hashes, strict=True):
        if row.tobytes().hex() != kept:
            raise ArgumentError(
                "path",
                "name each cell by the hash of its matrix",
                of_file(
                    path,
                    f"with {kept!r} for a cell whose hash is {row.tobytes().hex()!r} (code {code})",
                ),
            )
    return table.indices(codes)


def _disagreement(path: Path, number: int, run: Run) -> ArgumentError:
    return ArgumentError(
        "path",
        "have one matrix and one number of parameters for each hash",
        of_file(path, f"with others for {run.module_hash!r} in record {number}"),
    )
