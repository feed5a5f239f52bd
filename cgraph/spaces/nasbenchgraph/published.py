"""What the package `nas-bench-graph` holds of each architecture: accuracies, latency, parameters.

Its files are pickles of a mapping from keys to numbers. They are read without the package's code,
and nothing in them is run.
"""

from __future__ import annotations

from functools import cache, partial
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import (
    ArchitectureError,
    ArgumentError,
    MissingPackageError,
    UnknownNameError,
    of_file,
)
from cgraph.files.pickles import load_plain
from cgraph.files.reading import reading
from cgraph.files.source import plain
from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS
from cgraph.spaces.nasbenchgraph.table import places, strings
from cgraph.spaces.sources import AccuracySource, Found, RowKey, SourceOptions

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "nas-bench-graph"
PUBLISHED = "published"
_MODULE = "nas_bench_graph"
_ENDING = ".bench"

# What the files call it, what it is called here, and what it is multiplied by.
_FIELDS = {
    "valid_perf": ("validation_accuracy", 100.0),
    "perf": ("test_accuracy", 100.0),
    "latency": ("latency_seconds", 1.0),
    "para": ("n_parameters", 1e6),
}
ACCURACIES = ("test_accuracy", "validation_accuracy")
"""Columns of accuracies; test accuracy is that of the epoch of the best validation accuracy."""


@cache
def published(dataset: str) -> pd.DataFrame:
    """What the package holds of a data set; shared, so do not change it. See `read_file`.

    Raises
    ------
    MissingPackageError
        If `nas-bench-graph` is not installed.
    """
    return read_file(_file_of(dataset), dataset)


def read_file(path: Path, dataset: str) -> pd.DataFrame:
    """What a file of the package holds of each architecture.

    Parameters
    ----------
    path : path
        A file "<data set>.bench".
    dataset : str
        A name of `DATA_SETS`.

    Returns
    -------
    DataFrame of float64
        "validation_accuracy" and "test_accuracy" in percent, "latency_seconds" and
        "n_parameters", means over the runs of the benchmark; indexed by architecture, in order.

    Raises
    ------
    ArgumentError
        If there is no such file, it is damaged or holds anything but numbers, or its architectures
        are not those of the data set; says which.
    """
    import pandas as pd

    if not path.is_file():
        raise ArgumentError("source", "be an existing file", repr(str(path)))
    must = f"be a whole file of {PACKAGE}, and hold nothing but numbers"
    with reading(path, must, argument="source"), plain(path) as source:
        content = load_plain(source)
    known = places(dataset)
    if not isinstance(content, dict) or set(content) != set(known):
        raise ArgumentError(
            "source",
            f"hold the {len(known):,} architectures of {dataset}, each by its key",
            of_file(path, f"with {_described(content, known)}"),
        )
    columns = {
        column: np.array([_value(content[key], field, path) for key in known]) * factor
        for field, (column, factor) in _FIELDS.items()
    }
    return pd.DataFrame(columns, index=pd.Index(strings(dataset), name="architecture"))


def sources_of(dataset: str) -> tuple[AccuracySource, ...]:
    """Where accuracies on a data set are read from: the package, or a file of it."""
    return (
        AccuracySource(
            PACKAGE,
            f"trained accuracies on {dataset}, in the package {PACKAGE}",
            _accepts,
            partial(_read, dataset),
        ),
    )


def row_keys_of(dataset: str) -> tuple[RowKey, ...]:
    """How a row of a table can name an architecture: by the benchmark's "key"."""
    return (RowKey(("key",), partial(_indices_of_keys, dataset)),)


def _accepts(source: Any) -> bool:
    if source is None:
        return True
    return isinstance(source, str | Path) and (
        source in (PACKAGE, PUBLISHED) or Path(source).suffix == _ENDING
    )


def _read(dataset: str, source: Any, column: str | None, options: SourceOptions) -> Found:  # noqa: ARG001
    column = ACCURACIES[0] if column is None else column
    if column not in ACCURACIES:
        raise UnknownNameError(f"column of {PACKAGE}", column, ACCURACIES)
    is_package = source is None or source in (PACKAGE, PUBLISHED)
    table = published(dataset) if is_package else read_file(Path(source), dataset)
    where = f"{PACKAGE if is_package else source} ({DATA_SETS[dataset].metric}, {dataset}):{column}"
    values = table[column].to_numpy(dtype=np.float64)
    return Found(np.arange(len(table)), values, column, where, "percent")


def _indices_of_keys(dataset: str, table: pd.DataFrame) -> NDArray[np.int64]:
    known = places(dataset)
    for row, key in enumerate(table["key"]):
        if key not in known:
            raise ArchitectureError("key", f"be one of the benchmark in row {row}", repr(key))
    return np.array([known[key] for key in table["key"]], dtype=np.int64)


def _value(record: Any, field: str, path: Path) -> float:
    value = record.get(field) if isinstance(record, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(
            "source", f"hold the number {field!r} for each key", of_file(path, f"with {value!r}")
        )
    return float(value)


def _described(content: Any, known: dict[int, int]) -> str:
    if not isinstance(content, dict):
        return f"a {type(content).__name__}"
    return f"{len(content.keys() & known.keys()):,} of them and {len(content):,} keys"


def _file_of(dataset: str) -> Path:
    # The spec of a module at top level is found without importing anything.
    spec = util.find_spec(_MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(
            PACKAGE, "reading the accuracies of nasbenchgraph", "nasbenchgraph"
        )
    return Path(spec.submodule_search_locations[0]) / "light" / f"{dataset}{_ENDING}"
