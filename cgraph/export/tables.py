"""The table of architectures as Parquet, CSV and JSON, written piece by piece, and read back.

A row for each architecture, with all that the study knows of it: its cluster and the place of
that, its sizes and operations, the statistics where it was evaluated, its accuracy where that is
known, and what it needs of the limits.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Hashable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cgraph.errors import ArgumentError
from cgraph.export.columns import (
    CLUSTER_COLUMNS,
    CLUSTER_PREFIX,
    STATISTIC_COLUMNS,
    USAGE_PREFIX,
    ColumnType,
    column_of,
    kinds_of,
    of_kinds,
    protocols_in,
    statistic_column,
    typed,
)
from cgraph.export.json_text import check_version, parse
from cgraph.export.schema import FORMAT, VERSION, study_schema
from cgraph.export.studied import Chosen, Progress, Studied, batches
from cgraph.files import tables as files
from cgraph.files.writing import whole_file

# Rows that are held at once beside the tables of the study.
BATCH = 20_000

_ARROW_TYPES = {
    "text": pa.string(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "truth": pa.bool_(),
}


def architecture_table(study: Studied, positions: NDArray[np.int64] | None = None) -> pd.DataFrame:
    """Everything that a study knows of its architectures, in one table.

    Parameters
    ----------
    study : Studied
        A study that has run.
    positions : ndarray of int, optional
        Rows of its table of architectures; all by default.

    Returns
    -------
    DataFrame
        The columns of `study.architectures`; "cluster_rank" and other facts of the cluster; for
        each protocol a column of values, under its id, and "<id>:standard_error",
        "<id>:n_draws", "<id>:n_failures", "<id>:reason" and "<id>:note"; and "accuracy", where it
        is known. What an architecture has not is missing.
    """
    parts = _Parts(study)
    return parts.rows(np.arange(len(study.architectures)) if positions is None else positions)


def write_parquet(chosen: Chosen, path: Path, progress: Progress | None = None) -> None:
    """Write the table as Parquet; the configuration of the study is in its metadata."""
    parts = _Parts(chosen.study)
    facts = {b"cgraph": json.dumps(_head(chosen.study)).encode()}
    with whole_file(path) as part, ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for piece in _pieces(chosen, progress):
            rows = pa.Table.from_pandas(parts.rows(piece), preserve_index=False)
            if writer is None:
                schema = rows.schema.with_metadata({**(rows.schema.metadata or {}), **facts})
                writer = stack.enter_context(pq.ParquetWriter(part, schema))
            writer.write_table(rows.cast(writer.schema))


def read_parquet(path: Path) -> pd.DataFrame:
    """The table of a Parquet file."""
    return typed(files.read_parquet(path))


def write_csv(chosen: Chosen, path: Path, progress: Progress | None = None) -> None:
    """Write the table as CSV; what is missing is empty."""
    parts = _Parts(chosen.study)
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        for i, piece in enumerate(_pieces(chosen, progress)):
            parts.rows(piece).to_csv(file, index=False, header=i == 0, lineterminator="\n")


def read_csv(path: Path) -> pd.DataFrame:
    """The table of a CSV file, with the types it was written with."""
    with path.open(newline="", encoding="utf-8") as file:
        names = next(csv.reader(file), [])
    known = {name: column for name in names if (column := column_of(name)) is not None}
    # Arrow reads numbers to the last bit, whichever version it is.
    table = arrow_csv.read_csv(
        path,
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: _ARROW_TYPES[column.kind] for name, column in known.items()},
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return typed(table.to_pandas(integer_object_nulls=True))


def write_json(chosen: Chosen, path: Path, progress: Progress | None = None) -> None:
    """Write the study as JSON, and beside it the schema that it keeps."""
    study, parts = chosen.study, _Parts(chosen.study)
    schema = path.with_name(f"{path.stem}.schema.json")
    with whole_file(schema) as part:
        part.write_text(json.dumps(study_schema(), indent=2) + "\n", encoding="utf-8")
    columns = kinds_of(parts.rows(chosen.positions[:1]))
    head = {
        "$schema": f"./{schema.name}",
        "format": FORMAT,
        "version": VERSION,
        **_head(study),
        "columns": columns,
        "clusters": [_plain(row) for row in study.ranking.table.to_dict("records")],
    }
    with whole_file(path) as part, part.open("w", encoding="utf-8") as file:
        file.write("{\n")
        for name, value in head.items():
            file.write(f" {json.dumps(name)}: {json.dumps(value, allow_nan=False)},\n")
        file.write(' "architectures": [')
        separator = "\n  "
        for piece in _pieces(chosen, progress):
            for record in _records(parts.rows(piece)):
                file.write(separator + json.dumps(record, allow_nan=False))
                separator = ",\n  "
        file.write("\n ]\n}\n")


def read_json(path: Path) -> pd.DataFrame:
    """The table of architectures of a JSON file.

    Raises
    ------
    GraphError
        If the file is cut off, or of a newer version.
    ArgumentError
        If it holds something else.
    """
    value = parse(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ArgumentError("path", f"be a file of the format {FORMAT}", repr(str(path)))
    check_version(value, VERSION)
    columns: dict[str, ColumnType] = value["columns"]
    rows = [_flat(record) for record in value["architectures"]]
    return of_kinds(pd.DataFrame(rows, columns=list(columns)), columns)


class _Parts:
    """The tables of a study, ready to give rows of the whole."""

    def __init__(self, study: Studied) -> None:
        self._architectures = study.architectures
        clusters = study.ranking.table.set_index("cluster")[list(CLUSTER_COLUMNS)]
        self._clusters = clusters.add_prefix(CLUSTER_PREFIX)
        self._protocols = list(dict.fromkeys(study.statistics["protocol"]))
        self._statistics = _wide(study.statistics)
        self._accuracies = None
        if study.accuracies is not None:
            self._accuracies = study.accuracies.set_index("name")["accuracy"]

    def rows(self, positions: NDArray[np.int64]) -> pd.DataFrame:
        own = self._architectures.iloc[positions].reset_index(drop=True)
        clusters = self._clusters.reindex(own["cluster"]).reset_index(drop=True)
        names = [
            statistic_column(protocol, part)
            for protocol in self._protocols
            for part in STATISTIC_COLUMNS
        ]
        measured = self._statistics.reindex(index=own["name"], columns=names)
        parts = [own, clusters, measured.reset_index(drop=True)]
        if self._accuracies is not None:
            known = self._accuracies.reindex(own["name"]).reset_index(drop=True)
            parts.append(known.to_frame("accuracy"))
        return typed(pd.concat(parts, axis=1))


def _wide(statistics: pd.DataFrame) -> pd.DataFrame:
    """A row for each evaluated network; columns as `statistic_column` names them."""
    parts = []
    for protocol, rows in statistics.groupby("protocol", sort=False):
        own = rows.set_index("name")[list(STATISTIC_COLUMNS)]
        own["note"] = own["note"].where(own["note"] != "")
        names = {part: statistic_column(str(protocol), part) for part in own.columns}
        parts.append(own.rename(columns=names))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame()


def _pieces(chosen: Chosen, progress: Progress | None) -> Iterator[NDArray[np.int64]]:
    """Positions in pieces; an empty one where nothing is chosen, for the head of the table."""
    if not len(chosen):
        return iter([chosen.positions])
    return batches(chosen, BATCH, progress)


def _head(study: Studied) -> dict[str, Any]:
    return {"configuration": json.loads(json.dumps(study.configuration))}


def _records(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows as objects: operations and statistics, which have names of their own, in them."""
    names = [str(name) for name in rows.columns]
    used = {
        name: name.removeprefix(USAGE_PREFIX) for name in names if name.startswith(USAGE_PREFIX)
    }
    protocols = protocols_in(names)
    parts = {p: {part: statistic_column(p, part) for part in STATISTIC_COLUMNS} for p in protocols}
    nested = {*used, *(name for columns in parts.values() for name in columns.values())}
    for row in rows.to_dict("records"):
        plain = _plain(row)
        record = {name: value for name, value in plain.items() if name not in nested}
        record["usage"] = {word: plain[name] for name, word in used.items()}
        record["statistics"] = {
            protocol: {part: plain[name] for part, name in columns.items()}
            for protocol, columns in parts.items()
        }
        yield record


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an object."""
    row = {name: value for name, value in record.items() if name not in ("usage", "statistics")}
    row |= {f"{USAGE_PREFIX}{word}": count for word, count in record["usage"].items()}
    for protocol, parts in record["statistics"].items():
        row |= {statistic_column(protocol, part): value for part, value in parts.items()}
    return row


def _plain(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """A row of Python's own values; what is missing or no number is null."""
    plain: dict[str, Any] = {}
    for name, value in row.items():
        own = value.item() if isinstance(value, np.generic) else value
        lacks = own is None or own is pd.NA or (isinstance(own, float) and not math.isfinite(own))
        plain[str(name)] = None if lacks else own
    return plain
