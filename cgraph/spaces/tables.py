"""Tables of one's own from files: Parquet, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cgraph.errors import ArgumentError
from cgraph.files.reading import reading
from cgraph.files.tables import read_parquet

if TYPE_CHECKING:
    import pandas as pd


def read_table(
    path: Path, known: frozenset[str] = frozenset(), texts: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """The table in a Parquet, CSV or JSON file, by the ending of its name.

    Parameters
    ----------
    path : Path
        The file. One of JSON is a list of records, a mapping from column to values, or a mapping
        from architecture to its accuracy or its record.
    known : frozenset of str
        Names of columns: a mapping in JSON that has one of them is one from column to values.
    texts : frozenset of str
        Columns that are text in CSV, whatever it looks like: 0110 is no number.

    Returns
    -------
    DataFrame
        With its index as a column, where that has a name. In the last form of JSON the columns
        are "architecture" and "accuracy", or those of the records.

    Raises
    ------
    ArgumentError
        If there is no such file, it has another ending, or it cannot be read as what it says.
    """
    import pandas as pd

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".parquet": read_parquet,
        ".csv": lambda path: pd.read_csv(path, dtype=dict.fromkeys(texts, "str")),
        ".json": lambda path: _read_json(path, known),
    }
    endings = ", ".join(readers)
    if not path.is_file():
        raise ArgumentError("source", f"be an existing file ({endings})", repr(str(path)))
    if path.suffix not in readers:
        raise ArgumentError("source", f"end in one of {endings}", repr(path.name))
    with reading(path, f"be a readable {path.suffix} table", argument="source"):
        table = readers[path.suffix](path)
    if table.index.name is not None and table.index.name not in table.columns:
        table = table.reset_index()
    return table


def _read_json(path: Path, known: frozenset[str]) -> pd.DataFrame:
    import pandas as pd

    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, list):
        return pd.DataFrame.from_records(content)
    if not isinstance(content, dict):
        raise ValueError(f"a list or a mapping was expected, not {type(content).__name__}")
    if known & set(content):
        return pd.DataFrame(content)
    rows: dict[str, Any] = {
        name: value if isinstance(value, dict) else {"accuracy": value}
        for name, value in content.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("architecture").reset_index()
