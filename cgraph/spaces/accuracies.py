"""Trained accuracies from files and packages, joined to the architectures of a space.

A join that goes wrong silently ends in a wrong conclusion, so whatever does not fit is refused:
unknown architectures, repetitions, gaps, keys that disagree, fractions where percent is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArchitectureError, ArgumentError, UnknownNameError, of_file
from cgraph.files.reading import reading
from cgraph.spaces.sources import Found, SourceOptions, Unit, check_options
from cgraph.spaces.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

    from cgraph.spaces.space import Architecture, Space

STRING_COLUMNS = ("arch", "architecture", "arch_str", "name")
INDEX_COLUMN = "index"

Gaps: TypeAlias = Literal["error", "allow"]


class Join(NamedTuple):
    """What was found where: in the `attrs` of a series of accuracies, as "join".

    `matched` of the architectures that were asked for have an accuracy, `missing` have none;
    `ignored` rows of the source were not needed, or have no value. `source` is what they are from.
    """

    matched: int
    missing: int
    ignored: int
    source: str

    def __str__(self) -> str:
        ignored = f"; {self.ignored:,} rows not used" if self.ignored else ""
        asked = self.matched + self.missing
        return f"{self.matched:,} of {asked:,} accuracies from {self.source}{ignored}"


def join_accuracies(
    space: Space,
    source: Any,
    column: str | None,
    *,
    architectures: Iterable[Architecture] | None,
    unit: Unit | None,
    missing: Gaps,
    options: SourceOptions,
) -> pd.Series[float]:
    """Accuracies of architectures, in percent; see `Space.accuracies`.

    Parameters
    ----------
    space : Space
        Whose architectures they are.
    source, column, architectures, unit, missing
        As for `Space.accuracies`.
    options : SourceOptions
        Its other arguments.

    Returns
    -------
    Series of float64
        Named after the column, indexed by architecture, with a `Join` in its `attrs`.
    """
    for name, value, known in (
        ("unit", unit, (None, "percent", "fraction")),
        ("missing", missing, ("error", "allow")),
    ):
        if value is not None or None not in known:
            checks.choice(name, value, filter(None, known))
    if column is not None:
        checks.text("column", column)
    names = space.architectures()
    wanted = (
        np.arange(len(names))
        if architectures is None
        else np.array(
            [
                space.index(arch)
                for arch in checks.items("architectures", architectures, "be architectures")
            ],
            dtype=np.int64,
        )
    )
    found = _read(space, source, column, options)
    values = _in_percent(found, unit)
    _refuse_repetitions(found, names)
    by_index = np.full(len(names), np.nan)
    by_index[found.index] = values
    is_known = ~np.isnan(by_index[wanted])
    if missing == "error" or not is_known.any():
        _refuse_gaps(wanted[~is_known], len(wanted), names, found.where)
    used = np.isin(found.index[~np.isnan(values)], wanted).sum()
    return _series(
        names,
        wanted[is_known],
        by_index,
        found.column,
        Join(int(is_known.sum()), int((~is_known).sum()), int(len(values) - used), found.where),
    )


def _series(
    names: tuple[str, ...],
    chosen: NDArray[np.int64],
    by_index: NDArray[np.float64],
    column: str,
    join: Join,
) -> pd.Series[float]:
    import pandas as pd

    labels = pd.Index([names[i] for i in chosen], name="architecture")
    series = pd.Series(by_index[chosen], index=labels, name=column, dtype=np.float64)
    series.attrs["join"] = join
    return series


def _read(space: Space, source: Any, column: str | None, options: SourceOptions) -> Found:
    for kind in space.accuracy_sources:
        if kind.accepts(source):
            check_options(options, kind.options, kind.name)
            return kind.read(source, column, options)
    if not isinstance(source, str | Path):
        known = ", ".join(kind.name for kind in space.accuracy_sources)
        raise ArgumentError(
            "source",
            f"be a file{f' or one of {known}' if known else ''}",
            f"a {type(source).__name__}",
        )
    check_options(options, (), "a table")
    return _read_table(space, Path(source), column)


def _read_table(space: Space, path: Path, column: str | None) -> Found:
    own = [name for key in space.row_keys for name in key.columns]
    keys = frozenset([*STRING_COLUMNS, INDEX_COLUMN, *own])
    texts = [name for key in space.row_keys if key.is_text for name in key.columns]
    table = read_table(path, keys, frozenset([*STRING_COLUMNS, *texts]))
    with reading(path, f"name architectures of {space.name} in each row", argument="source"):
        index = _indices_of_rows(space, table, path)
    column = _column(table, path, column, keys)
    values = table[column].to_numpy(dtype=np.float64, na_value=np.nan)
    return Found(index, values, column, f"{path}:{column}", None)


def _indices_of_rows(space: Space, table: pd.DataFrame, path: Path) -> NDArray[np.int64]:
    """Index in the space of the architecture of each row, by every key that the table has."""
    found: dict[str, NDArray[np.int64]] = {}
    for name in STRING_COLUMNS:
        if name in table.columns and not found:
            found[name] = _by_string(table[name], space)
    used: set[str] = set()
    for key in space.row_keys:
        if used.issuperset(key.columns):
            continue
        if all(name in table.columns for name in key.columns):
            used.update(key.columns)
            try:
                found[" and ".join(key.columns)] = key.indices(table)
            except ArchitectureError as error:
                raise ArgumentError(
                    "source", f"name architectures of {space.name}", repr(str(path)), str(error)
                ) from error
    if INDEX_COLUMN in table.columns:
        found[INDEX_COLUMN] = _by_number(table, len(space.architectures()))
    if not found:
        own = [" with ".join(key.columns) for key in space.row_keys]
        raise ArgumentError(
            "source",
            f"hold a column of architectures ({', '.join([*STRING_COLUMNS, *own])}) or of their "
            f"official {INDEX_COLUMN}",
            of_file(path, f"with {_listed(table.columns)}"),
        )
    (first, index), *others = found.items()
    for name, other in others:
        differing = np.flatnonzero(other != index)
        if len(differing):
            row = int(differing[0])
            raise ArgumentError(
                name,
                f"agree with the column {first!r}",
                f"{other[row]} for the architecture of index {index[row]} in row {row}",
                "drop the column that is wrong",
            )
    return index


def _by_string(column: pd.Series[Any], space: Space) -> NDArray[np.int64]:
    places = {name: i for i, name in enumerate(space.architectures())}
    found = np.array([places.get(name, -1) for name in column], dtype=np.int64)
    for row in np.flatnonzero(found < 0).tolist():
        # A string may be written in another way than the space writes it.
        try:
            found[row] = space.parse(column.iloc[row])
        except ArchitectureError as error:
            raise ArgumentError(
                str(column.name),
                "hold architectures of the space",
                f"{column.iloc[row]!r} in row {row}",
                str(error),
            ) from error
    return found


def _by_number(table: pd.DataFrame, n: int) -> NDArray[np.int64]:
    numbers = table[INDEX_COLUMN].to_numpy()
    if not np.issubdtype(numbers.dtype, np.integer):
        raise ArgumentError(INDEX_COLUMN, "hold whole numbers", f"dtype {numbers.dtype}")
    outside = np.flatnonzero((numbers < 0) | (numbers >= n))
    if len(outside):
        row = int(outside[0])
        raise ArgumentError(
            INDEX_COLUMN, f"lie in 0 <= index < {n}", f"{numbers[row]} in row {row}"
        )
    return numbers.astype(np.int64)


def _column(table: pd.DataFrame, path: Path, column: str | None, keys: frozenset[str]) -> str:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

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


def _in_percent(found: Found, unit: Unit | None) -> NDArray[np.float64]:
    """Accuracies in percent; NaN where there is none."""
    if unit is not None and found.unit not in (None, unit):
        raise ArgumentError("unit", f"be left out, or {found.unit!r}", repr(unit))
    held = found.unit or unit or "percent"
    values = found.values
    known = values[~np.isnan(values)]
    top = 100.0 if held == "percent" else 1.0
    outside = np.flatnonzero((values < 0) | (values > top))
    if len(outside):
        raise ArgumentError(
            f"column {found.column!r}",
            f"hold accuracies in {held}, 0 to {top:g}",
            f"{values[outside[0]]:g} in row {outside[0]} ({len(outside):,} such)",
        )
    if held == "percent" and len(known) and known.max() <= 1.0:
        raise ArgumentError(
            f"column {found.column!r}",
            "hold accuracies in percent",
            f"{len(known):,} values that are all at most 1",
            "if they are fractions, say so (unit='fraction', or --accuracy-unit fraction)",
        )
    return values if held == "percent" else 100.0 * values


def _refuse_repetitions(found: Found, names: tuple[str, ...]) -> None:
    counts = np.bincount(found.index, minlength=len(names))
    repeated = np.flatnonzero(counts > 1)
    if len(repeated):
        first = int(repeated[0])
        rows = ", ".join(map(str, np.flatnonzero(found.index == first)[:3]))
        raise ArgumentError(
            "source",
            "hold each architecture once",
            of_file(
                found.where,
                f"with {len(repeated):,} of them repeated, first {names[first]!r} "
                f"(rows {rows}{', ...' if counts[first] > 3 else ''})",
            ),
            "average the rows, or keep one of each",
        )


def _refuse_gaps(
    missing: NDArray[np.int64], n_wanted: int, names: tuple[str, ...], where: str
) -> None:
    if len(missing):
        raise ArgumentError(
            "source",
            f"hold an accuracy for each of the {n_wanted:,} architectures",
            of_file(
                where,
                f"without {len(missing):,} of them, first {names[missing[0]]!r} "
                f"(index {missing[0]})",
            ),
            "add the rows, allow gaps (missing='allow', or --accuracy-gaps), or name the "
            "architectures it has by the argument architectures",
        )


def _listed(names: Sequence[str] | pd.Index) -> str:
    words = [str(name) for name in names]
    return ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")
