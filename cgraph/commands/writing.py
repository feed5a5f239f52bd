"""Tables that commands write: by the ending of the file, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cgraph.files.writing import whole_file

if TYPE_CHECKING:
    import pandas as pd


def write_frame(table: pd.DataFrame, path: Path) -> None:
    """Write a table as what the file's ending says: .csv, .json, else Parquet.

    Raises
    ------
    WriteError
        If the system does not let it be written.
    """
    with whole_file(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        elif path.suffix == ".json":
            table.to_json(temporary, orient="records", indent=1)
        else:
            table.to_parquet(temporary, index=False)
