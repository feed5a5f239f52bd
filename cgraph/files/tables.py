"""Tables from files: Parquet, whose head is looked at before its columns are unpacked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cgraph.files.source import BrokenFileError

if TYPE_CHECKING:
    import pandas as pd

# Columns of one value are packed to nothing, so a small file may well hold many rows.
_FREE_CELLS = 100_000_000
_FOR_EACH_BYTE = 100


def read_parquet(path: Path) -> pd.DataFrame:
    """The table of a Parquet file.

    Raises
    ------
    BrokenFileError
        If it claims more cells than a file of its size may have, 10^8 and 100 for each byte.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    head = pq.read_metadata(path)
    size = path.stat().st_size
    most = _FREE_CELLS + _FOR_EACH_BYTE * size
    groups = [head.row_group(k) for k in range(head.num_row_groups)]
    cells = max(head.num_rows, sum(group.num_rows for group in groups)) * max(head.num_columns, 1)
    unpacked = sum(group.total_byte_size for group in groups)
    if cells > most or unpacked > 8 * most or min(cells, unpacked) < 0:
        raise BrokenFileError(f"{cells:,} cells of {unpacked:,} bytes in a file of {size:,}")
    return pd.read_parquet(path)
