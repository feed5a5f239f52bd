"""Measured latencies and energies of NAS-Bench-201's networks, as users have them in files.

HW-NAS-Bench (Li et al., 2021, "HW-NAS-Bench: hardware-aware neural architecture search
benchmark") gives six devices on three data sets. Its official pickle is read as plain data
(numbers, lists, dicts, arrays of numbers), so that a file cannot run code; a Parquet or CSV table
in this module's columns is read as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cgraph.errors import ArgumentError, UnknownNameError, of_file
from cgraph.files.pickles import load_plain
from cgraph.files.reading import reading
from cgraph.files.source import plain
from cgraph.files.tables import read_parquet

if TYPE_CHECKING:
    import pandas as pd

# Names of the data sets in the official file, and as prefixes of columns.
DATASETS = {"cifar10": "c10", "cifar100": "c100", "ImageNet16-120": "in16"}

# Units of the quantities, as suffixes of columns.
UNITS = {"latency": "_ms", "energy": "_mj", "arithmetic_intensity": ""}

_COLUMN = re.compile(
    rf"({'|'.join(DATASETS.values())})_([a-z0-9]+)_({'|'.join(UNITS)})({'|'.join(UNITS.values())})"
)


def read_measured(path: str | Path) -> pd.DataFrame:
    """Measured latency and energy of architectures, from a file.

    Parameters
    ----------
    path : str or Path
        HW-NAS-Bench's official file (``HW-NAS-Bench-v1_0.pickle``), or a Parquet or CSV table
        with a column "index" and columns as below.

    Returns
    -------
    DataFrame of float64, shape (n_architectures, n_columns)
        Rows by the official index of NAS-Bench-201, named "index". Columns
        "{dataset}_{device}_latency_ms", "..._energy_mj" and "..._arithmetic_intensity", where the
        data set is "c10", "c100" or "in16". NaN where the device could not run the network: the
        official file has no number, or a negative one, there.

    Raises
    ------
    ArgumentError
        If there is no such file, it has another ending, it is not what it says, or it holds
        anything but numbers.
    """
    path = Path(path)
    readers = {
        ".pickle": _read_pickle,
        ".pkl": _read_pickle,
        ".parquet": _read_frame,
        ".csv": _read_frame,
    }
    if not path.is_file():
        raise ArgumentError("path", f"be an existing file ({', '.join(readers)})", repr(str(path)))
    if path.suffix not in readers:
        raise ArgumentError("path", f"end in one of {', '.join(readers)}", repr(path.name))
    return readers[path.suffix](path)


def measured_column(
    table: pd.DataFrame,
    device: str,
    quantity: str = "latency",
    *,
    dataset: str = "cifar10",
) -> pd.Series[float]:
    """One measured quantity of all architectures.

    Parameters
    ----------
    table : DataFrame
        From `read_measured`.
    device : str
        "edgegpu", "raspi4", "edgetpu", "pixel3", "eyeriss" or "fpga" in HW-NAS-Bench.
    quantity : {"latency", "energy", "arithmetic_intensity"}, default="latency"
        Latency in milliseconds, energy in millijoules, MACs for each byte.
    dataset : {"cifar10", "cifar100", "ImageNet16-120"}, default="cifar10"
        What the network was built for.

    Returns
    -------
    Series of float64
        By index of the architecture; NaN where the device could not run it.

    Raises
    ------
    UnknownNameError
        If the table has no such device, quantity or data set; lists what it has.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"c10_raspi4_latency_ms": [10.5, 54.8]})
    >>> measured_column(table, "raspi4").tolist()
    [10.5, 54.8]
    >>> measured_column(table, "edgegpu")
    Traceback (most recent call last):
        ...
    cgraph.errors.UnknownNameError: device must be one of raspi4, got 'edgegpu'
    """
    if dataset not in DATASETS:
        raise UnknownNameError("dataset", dataset, DATASETS)
    if quantity not in UNITS:
        raise UnknownNameError("quantity", quantity, UNITS)
    name = f"{DATASETS[dataset]}_{device}_{quantity}{UNITS[quantity]}"
    if name not in table.columns:
        matches = [_COLUMN.fullmatch(str(column)) for column in table.columns]
        there = [m.group(2) for m in matches if m and m.group(3) == quantity]
        raise UnknownNameError("device", device, dict.fromkeys(there))
    return table[name]


def _read_pickle(path: Path) -> pd.DataFrame:
    import pandas as pd

    with reading(path, "be a pickle of numbers"), plain(path) as source:
        content = load_plain(source)
    space = content.get("nasbench201") if isinstance(content, dict) else None
    if not isinstance(space, dict):
        raise ArgumentError(
            "path", "be HW-NAS-Bench's pickle, with 'nasbench201' in it", repr(str(path))
        )
    columns = {}
    for dataset, prefix in DATASETS.items():
        metrics = space.get(dataset, {})
        if not isinstance(metrics, dict):
            raise ArgumentError("path", "hold metrics by name", f"{dataset} of {path.name} without")
        for metric, values in metrics.items():
            name = _column_of(prefix, str(metric))
            if name is not None:
                columns[name] = _numbers(values, f"{path.name}: {dataset} {metric}")
    if len({len(values) for values in columns.values()}) != 1:
        lengths = sorted({len(values) for values in columns.values()})
        raise ArgumentError("path", "hold metrics of equal length", f"lengths {lengths}")
    table = pd.DataFrame(columns)
    table.index.name = "index"
    return table


def _column_of(prefix: str, metric: str) -> str | None:
    """Name of the column of an official metric; None for what is no metric, as "config"."""
    for quantity, unit in UNITS.items():
        if metric.endswith("_" + quantity):
            return f"{prefix}_{metric}{unit}"
    return None


def _numbers(values: Any, where: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    try:
        numbers = np.array(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise ArgumentError("path", "hold numbers", f"{where}: {error}") from error
    return np.where(numbers < 0, np.nan, numbers)


def _read_frame(path: Path) -> pd.DataFrame:
    import pandas as pd

    reader = read_parquet if path.suffix == ".parquet" else pd.read_csv
    with reading(path, f"be a readable {path.suffix} table"):
        table = reader(path)
    if "index" not in table.columns:
        raise ArgumentError(
            "path", "hold a column 'index'", of_file(path, f"with {', '.join(map(str, table))}")
        )
    table = table.set_index("index")
    names = [name for name in table.columns if _COLUMN.fullmatch(str(name))]
    if not names:
        raise ArgumentError(
            "path",
            "hold columns such as 'c10_raspi4_latency_ms'",
            of_file(path, f"with {', '.join(map(str, table.columns))}"),
        )
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise ArgumentError("index", "name each architecture once", f"{twice} twice")
    with reading(path, "hold numbers in its columns"):
        return table[names].astype(np.float64)
