"""Accuracies out of the package `analog-nasbench`, if the user has installed it.

It is an independent retraining of all 15,625 cells on CIFAR-10, not the benchmark's own: each
cell as trained, quantised after and during training, and with the noise and drift of analog
hardware. Its pickle is read without importing the package. Cells are written as NASLib writes
them: skip, none, 3x3, 1x1, pool on the edges (0,1), (0,2), (0,3), (1,2), (1,3), (2,3).
"""

from __future__ import annotations

from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArgumentError, UnknownNameError, of_file
from cgraph.files.pickles import Record, load_plain, record
from cgraph.files.reading import reading
from cgraph.files.source import plain
from cgraph.spaces.nasbench201.notation import (
    AVG_POOL,
    CONV_1X1,
    CONV_3X3,
    EDGES,
    NONE,
    SKIP,
    encode,
    indices,
)
from cgraph.spaces.sources import AccuracySource, Found, SourceOptions

PACKAGE = "analog-nasbench"
_MODULE = "analognasbench"
_ENDING = ".anb"

_OPERATIONS = np.array([SKIP, NONE, CONV_3X3, CONV_1X1, AVG_POOL])
_SOURCE_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))

_SECONDS = (60, 3600, 86400, 2592000)
COLUMNS = (
    "baseline_accuracy",
    "ptq_accuracy",
    "qat_accuracy",
    "noisy_accuracy",
    "analog_accuracy",
    *(f"{kind}_drift_{seconds}" for kind in ("baseline", "analog") for seconds in _SECONDS),
)
"""Its accuracies, in percent; a drift is an accuracy after so many seconds on the device."""


def _read(source: Any, column: str | None, options: SourceOptions) -> Found:  # noqa: ARG001
    if column not in COLUMNS:
        raise UnknownNameError(f"column of {PACKAGE}", column, COLUMNS)
    path, version = _file(source)
    cells = _cells(path)
    codes = [_code(cell, path) for cell in cells]
    values = [_value(cell, column, path) for cell in cells.values()]
    where = f"{PACKAGE}{version} (an independent retraining, not the benchmark's own):{column}"
    return Found(indices()[np.array(codes)], np.array(values), column, where, "percent")


def _file(source: Any) -> tuple[Path, str]:
    """The pickle, and the version of the package that brings it."""
    if source != PACKAGE:
        return Path(source), ""
    # The spec of a module at top level is found without importing anything.
    spec = util.find_spec(_MODULE)
    if spec is None or spec.origin is None:
        raise ArgumentError(
            "source", "be installed", f"{PACKAGE!r}, which is not", f"pip install {PACKAGE}"
        )
    return Path(spec.origin).parent / f"data{_ENDING}", f" {_version()}"


def _version() -> str:
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _cells(path: Path) -> dict[Any, Any]:
    if not path.is_file():
        raise ArgumentError("source", "be an existing file", repr(str(path)))
    # Records without any behaviour stand in for the classes of the package.
    names = {f"{_MODULE}.data.{name}": record for name in ("Architecture", "DriftMeasurement")}
    must = f"be the whole data of {PACKAGE}, and nothing else"
    with reading(path, must, argument="source"), plain(path) as source:
        content = load_plain(source, names)
    if not isinstance(content, dict):
        raise ArgumentError(
            "source", f"be the data of {PACKAGE}", of_file(path, f", a {type(content).__name__}")
        )
    return content


def _code(cell: Any, path: Path) -> int:
    is_cell = isinstance(cell, tuple) and len(cell) == len(EDGES)
    if not is_cell or not all(isinstance(k, int) and 0 <= k < len(_OPERATIONS) for k in cell):
        raise ArgumentError(
            "source", "name cells by six numbers below 5", of_file(path, f"with {cell!r}")
        )
    operations: NDArray[np.int64] = _OPERATIONS[list(cell)]
    return int(encode(operations[[_SOURCE_EDGES.index(edge) for edge in EDGES]]))


def _value(cell: Any, column: str, path: Path) -> float:
    value = cell.attributes.get(column) if isinstance(cell, Record) else None
    if isinstance(value, Record):
        value = value.attributes.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(
            "source", f"hold {column} for each cell", of_file(path, f"with {value!r}")
        )
    return float(value)


def _accepts(source: Any) -> bool:
    return isinstance(source, str | Path) and (source == PACKAGE or Path(source).suffix == _ENDING)


ANALOG = AccuracySource(
    PACKAGE,
    "an independent retraining of all cells on CIFAR-10, on digital and analog hardware",
    _accepts,
    _read,
)
