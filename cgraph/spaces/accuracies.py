"""Trained accuracies from a table of one's own, joined to the architectures of a space.

A join that goes wrong silently ends in a wrong conclusion, so whatever does not fit is refused:
unknown architectures, repetitions, gaps, keys that disagree, fractions where percent is meant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cgraph.errors import ArchitectureError, ArgumentError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

STRING_COLUMNS = ("arch", "architecture", "arch_str", "name")
INDEX_COLUMN = "index"


def join_accuracies(
    path: str | Path,
    column: str | None,
    *,
    names: tuple[str, ...],
    wanted: Sequence[int],
    parse: Callable[[str], int],
    unit: Literal["percent", "fraction"],
) -> pd.Series[float]:
    """Accuracy of each wanted architecture, in percent; see `Space.accuracies`.

    Parameters
    ----------
    path : path
        A Parquet, CSV or JSON file.
    column : str or None
        The column of accuracies; None where the table has a single one of numbers.
    names : tuple of str
        The architectures of the space, in the official order.
    wanted : sequence of int
        Indices of those whose accuracy is asked for.
    parse : callable
        From a string to an index; explains a string that is not of the space.
    unit : {"percent", "fraction"}
        What the table holds.

    Returns
    -------
    Series of float64
        Named after the column, indexed by architecture in the order of `wanted`.
    """
    if unit not in ("percent", "fraction"):
        raise UnknownNameError("unit", unit, ["percent", "fraction"])
    path = Path(path)
    table = read_table(path)
    index = _indices_of_rows(table, path, names, parse)
    column = _column(table, path, column)
    values = _values(table[column], unit)
    _refuse_repetitions(index, path, names)
    _refuse_gaps(index[~np.isnan(values)], wanted, names, f"{path}:{column}")
    by_index = np.full(len(names), np.nan)
    by_index[index] = values
    import pandas as pd

    chosen = np.asarray(wanted, dtype=np.int64)
    labels = pd.Index([names[i] for i in wanted], name="architecture")
    return pd.Series(by_index[chosen], index=labels, name=column, dtype=np.float64)


def read_table(path: Path) -> pd.DataFrame:
    """The table in a Parquet, CSV or JSON file, by the ending of its name.

    A JSON file is a list of records, a mapping from column to values, or a mapping from
    architecture to its accuracy or its record.

    Raises
    ------
    ArgumentError
        If there is no such file, it has another ending, or it cannot be read as what it says.
    """
    import pandas as pd

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": pd.read_parquet,
        ".csv": pd.read_csv,
        ".json": _read_json,
    }
    endings = ", ".join(readers)
    if not path.is_file():
        raise ArgumentError("path", f"be an existing file ({endings})", repr(str(path)))
    if path.suffix not in readers:
        raise ArgumentError("path", f"end in one of {endings}", repr(path.name))
    try:
        table = readers[path.suffix](path)
    except (ValueError, OSError) as error:  # what pandas, pyarrow and json raise on bad content
        raise ArgumentError(
            "path", f"be a readable {path.suffix} table", f"{str(path)!r}: {error}"
        ) from error
    if table.index.name is not None and table.index.name not in table.columns:
        table = table.reset_index()
    return table


def _read_json(path: Path) -> pd.DataFrame:
    import pandas as pd

    content = json.loads(path.read_text())
    if isinstance(content, list):
        return pd.DataFrame.from_records(content)
    if not isinstance(content, dict):
        raise ValueError(f"a list or a mapping was expected, not {type(content).__name__}")
    if {*STRING_COLUMNS, INDEX_COLUMN} & set(content):
        return pd.DataFrame(content)
    rows: dict[str, Any] = {
        name: value if isinstance(value, dict) else {"accuracy": value}
        for name, value in content.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("architecture").reset_index()


def _indices_of_rows(
    table: pd.DataFrame, path: Path, names: tuple[str, ...], parse: Callable[[str], int]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Index in the space of the architecture of each row."""
    keys = [name for name in STRING_COLUMNS if name in table.columns]
    if not keys and INDEX_COLUMN not in table.columns:
        raise ArgumentError(
            "path",
            f"hold a column of architectures ({', '.join(STRING_COLUMNS)}) or of their official "
            f"{INDEX_COLUMN}",
            f"{str(path)!r} with {_listed(table.columns)}",
        )
    by_number = _by_number(table, len(names)) if INDEX_COLUMN in table.columns else None
    if not keys:
        assert by_number is not None
        return by_number
    by_string = _by_string(table[keys[0]], names, parse)
    if by_number is not None and (by_string != by_number).any():
        row = int(np.flatnonzero(by_string != by_number)[0])
        raise ArgumentError(
            INDEX_COLUMN,
            f"agree with the column {keys[0]!r}",
            f"{by_number[row]} for the architecture of index {by_string[row]} in row {row}",
            "drop the column that is wrong",
        )
    return by_string


def _by_string(
    column: pd.Series[Any], names: tuple[str, ...], parse: Callable[[str], int]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    places = {name: i for i, name in enumerate(names)}
    found = np.array([places.get(name, -1) for name in column], dtype=np.int64)
    for row in np.flatnonzero(found < 0).tolist():
        # A string may be written in another way than the space writes it.
        try:
            found[row] = parse(column.iloc[row])
        except ArchitectureError as error:
            raise ArgumentError(
                str(column.name),
                "hold architectures of the space",
                f"{column.iloc[row]!r} in row {row}",
                str(error),
            ) from error
    return found


def _by_number(table: pd.DataFrame, n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    column = table[INDEX_COLUMN]
    numbers = column.to_numpy()
    if not np.issubdtype(numbers.dtype, np.integer):
        raise ArgumentError(INDEX_COLUMN, "hold whole numbers", f"dtype {numbers.dtype}")
    outside = np.flatnonzero((numbers < 0) | (numbers >= n))
    if len(outside):
        row = int(outside[0])
        raise ArgumentError(
            INDEX_COLUMN, f"lie in 0 <= index < {n}", f"{numbers[row]} in row {row}"
        )
    return numbers.astype(np.int64)


def _column(table: pd.DataFrame, path: Path, column: str | None) -> str:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    keys = {*STRING_COLUMNS, INDEX_COLUMN}
    numeric = [
        str(name)
        for name in table.columns
        if name not in keys and is_numeric_dtype(table[name]) and not is_bool_dtype(table[name])
    ]
    if column is None and len(numeric) == 1:
        return numeric[0]
    if column is None:
        raise ArgumentError(
            "column",
            f"be given, as {path.name} has {len(numeric)} columns of numbers",
            "none",
            f"choose from {_listed(numeric)}" if numeric else "",
        )
    if column in table.columns and column not in numeric:
        raise ArgumentError("column", "hold numbers", f"{column!r} of {table[column].dtype}")
    if column not in numeric:
        raise UnknownNameError(f"column of {path.name}", column, numeric)
    return column


def _values(
    column: pd.Series[Any], unit: Literal["percent", "fraction"]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Accuracies in percent; NaN where there is none."""
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    known = values[~np.isnan(values)]
    top = 100.0 if unit == "percent" else 1.0
    outside = np.flatnonzero((values < 0) | (values > top))
    if len(outside):
        raise ArgumentError(
            f"column {column.name!r}",
            f"hold accuracies in {unit}, 0 to {top:g}",
            f"{values[outside[0]]:g} in row {outside[0]} ({len(outside):,} such)",
        )
    if unit == "percent" and len(known) and known.max() <= 1.0:
        raise ArgumentError(
            f"column {column.name!r}",
            "hold accuracies in percent",
            f"{len(known):,} values that are all at most 1",
            "pass unit='fraction' if they are fractions",
        )
    return values if unit == "percent" else 100.0 * values


def _refuse_repetitions(
    index: np.ndarray[tuple[int], np.dtype[np.int64]], path: Path, names: tuple[str, ...]
) -> None:
    counts = np.bincount(index, minlength=len(names))
    repeated = np.flatnonzero(counts > 1)
    if len(repeated):
        raise ArgumentError(
            "path",
            "hold each architecture once",
            f"{str(path)!r} with {len(repeated):,} of them repeated, first "
            f"{names[repeated[0]]!r} ({counts[repeated[0]]} rows)",
            "average the rows, or keep one of each",
        )


def _refuse_gaps(
    index: np.ndarray[tuple[int], np.dtype[np.int64]],
    wanted: Sequence[int],
    names: tuple[str, ...],
    where: str,
) -> None:
    known = set(index.tolist())
    missing = [i for i in wanted if i not in known]
    if missing:
        raise ArgumentError(
            "path",
            f"hold an accuracy for each of the {len(wanted):,} architectures",
            f"{where!r} without {len(missing):,} of them, first {names[missing[0]]!r} "
            f"(index {missing[0]})",
            "add the rows, or name the architectures it has by the argument architectures",
        )


def _listed(names: Any) -> str:
    words = [str(name) for name in names]
    return ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")
