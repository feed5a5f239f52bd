"""The columns of the table of architectures: what each is, and of which type.

Parquet, CSV and JSON hold the same table. The types, the schema of the JSON and the way back from
CSV are derived from the records here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from cgraph.registry import Table

ColumnType = Literal["text", "whole", "number", "truth"]

USAGE_PREFIX = "usage:"

_DTYPES = {"text": "string", "whole": "int64", "number": "float64", "truth": "bool"}
_NULLABLE = {"text": "string", "whole": "Int64", "number": "float64", "truth": "boolean"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Parameters
    ----------
    name : str
        What it is called; of a statistic, what stands behind the id of the protocol and a colon.
    kind : {"text", "whole", "number", "truth"}
        What it holds.
    may_lack : bool
        Whether a value may be missing.
    summary : str
        What it says, in a line.
    """

    name: str
    kind: ColumnType
    may_lack: bool
    summary: str

    @property
    def dtype(self) -> str:
        """The dtype that pandas has for it."""
        return (_NULLABLE if self.may_lack else _DTYPES)[self.kind]


ARCHITECTURE_COLUMNS: Table[Column] = Table(
    "column",
    [
        Column("name", "text", False, "string of the architecture, in the notation of the space"),
        Column("class", "whole", False, "class of identical programs"),
        Column("cluster", "whole", False, "number of its cluster"),
        Column("is_medoid", "truth", False, "whether it is the medoid of its cluster"),
        Column("n_parameters", "whole", False, "scalar parameters of the trained network"),
        Column("macs", "whole", False, "multiply-accumulates of the trained network, one input"),
        Column("x", "number", True, "first coordinate in the map of the space"),
        Column("y", "number", True, "second coordinate in the map of the space"),
        Column("accuracy", "number", True, "trained accuracy in percent, where it was given"),
    ],
)

CLUSTER_PREFIX = "cluster_"
CLUSTER_COLUMNS: Table[Column] = Table(
    "column",
    [
        Column("rank", "whole", True, "place of the cluster, best 1"),
        Column("score", "number", True, "mean log-rank of its evaluated networks"),
        Column("score_low", "number", True, "lower end of the 95 % interval of the score"),
        Column("score_high", "number", True, "upper end of the 95 % interval of the score"),
        Column("p_best", "number", False, "share of the replicates in which it comes first"),
        Column("tied_with_best", "truth", False, "whether it cannot be told from the first"),
    ],
)

STATISTIC_COLUMNS: Table[Column] = Table(
    "column",
    [
        Column("value", "number", True, "mean over the draws that have a value"),
        Column("standard_error", "number", True, "standard error of that mean"),
        Column("n_draws", "whole", True, "draws of an initialisation and a batch"),
        Column("n_failures", "whole", True, "draws without a value"),
        Column("reason", "text", True, "why a draw has no value"),
        Column("note", "text", True, "what is to be known of the value"),
    ],
)


def statistic_column(protocol: str, name: str) -> str:
    """Name of a column of a statistic: the protocol itself for its value.

    Examples
    --------
    >>> statistic_column("ntk@full", "value"), statistic_column("ntk@full", "reason")
    ('ntk@full', 'ntk@full:reason')
    """
    return protocol if name == "value" else f"{protocol}:{name}"


def column_of(name: str) -> Column | None:
    """What is known of a column; None where a study brings it itself.

    Examples
    --------
    >>> column_of("ntk@full:n_draws").dtype, column_of("usage:relu").dtype, column_of("mine")
    ('Int64', 'int64', None)
    """
    if name in ARCHITECTURE_COLUMNS:
        return ARCHITECTURE_COLUMNS[name]
    if name.startswith(USAGE_PREFIX):
        return Column(name, "whole", False, "how often the program uses an operation")
    short = name.removeprefix(CLUSTER_PREFIX)
    if short != name and short in CLUSTER_COLUMNS:
        return CLUSTER_COLUMNS[short]
    protocol, colon, part = name.partition(":")
    if "@" in protocol:
        return STATISTIC_COLUMNS.get(part if colon else "value")
    return None


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """A table with every column in the dtype that it is to have.

    Columns that a study brings itself keep theirs; text is of pandas' type of strings.
    """
    dtypes: dict[str, str] = {}
    for name in map(str, table.columns):
        column = column_of(name)
        if column is not None:
            dtypes[name] = column.dtype
        elif not pd.api.types.is_numeric_dtype(table[name].dtype):
            dtypes[name] = "string"
    return table.astype(dtypes)


def kinds_of(table: pd.DataFrame) -> dict[str, ColumnType]:
    """What each column of a typed table holds.

    Examples
    --------
    >>> kinds_of(typed(pd.DataFrame({"name": ["a"], "mine": [1.5], "fits": [True]})))
    {'name': 'text', 'mine': 'number', 'fits': 'truth'}
    """
    types = pd.api.types
    found: dict[str, ColumnType] = {}
    for name in map(str, table.columns):
        dtype = table[name].dtype
        if types.is_bool_dtype(dtype):
            found[name] = "truth"
        elif types.is_integer_dtype(dtype):
            found[name] = "whole"
        else:
            found[name] = "number" if types.is_float_dtype(dtype) else "text"
    return found


def of_kinds(table: pd.DataFrame, kinds: Mapping[str, ColumnType]) -> pd.DataFrame:
    """A table whose columns hold what they are said to hold; as `typed` where that knows more."""
    dtypes: dict[str, str] = {}
    for name, kind in kinds.items():
        column = column_of(name) or Column(name, kind, bool(table[name].isna().any()), "")
        dtypes[name] = column.dtype
    return table.astype(dtypes)


def protocols_in(columns: Iterable[str]) -> list[str]:
    """Ids of the protocols whose values are among columns, in order."""
    return [name for name in columns if "@" in name and ":" not in name]
