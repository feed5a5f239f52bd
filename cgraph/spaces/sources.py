"""Where trained accuracies come from, beyond plain tables: what a space can say about it.

A space lists the files and packages that it reads (`AccuracySource`), and the ways in which a row
of a table can name one of its architectures beside its string and index (`RowKey`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cgraph import checks
from cgraph.errors import ArgumentError

if TYPE_CHECKING:
    import pandas as pd

Unit: TypeAlias = Literal["percent", "fraction"]


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What can be chosen of a source; None and False where nothing was.

    Parameters
    ----------
    epochs : int or None, default=None
        Results of trainings of this length.
    seed : int or None, default=None
        Results of the training with this seed, not the mean over all.
    allow_pickle : bool, default=False
        Whether a file may run code when it is read.
    """

    epochs: int | None = None
    seed: int | None = None
    allow_pickle: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Accuracies as a source has them, a row for each.

    Parameters
    ----------
    index : ndarray of int64, shape (n_rows,)
        The architecture of each row.
    values : ndarray of float64, shape (n_rows,)
        Its accuracy; NaN where there is none.
    column : str
        What the accuracies are called.
    where : str
        What they are from.
    unit : {"percent", "fraction"} or None
        None where the source does not say it.
    """

    index: NDArray[np.int64]
    values: NDArray[np.float64]
    column: str
    where: str
    unit: Unit | None


@dataclass(frozen=True, slots=True)
class AccuracySource:
    """A kind of files, or a package, that accuracies of a space are read from.

    Parameters
    ----------
    name : str
        What it is called.
    summary : str
        What it holds, in a line.
    accepts : callable
        Whether what was given is of this kind; looks at names and nothing else.
    read : callable
        Takes what was given, the name of a column or None, and `SourceOptions`.
    options : tuple of str, default=()
        The options that it knows.
    """

    name: str
    summary: str
    accepts: Callable[[Any], bool]
    read: Callable[[Any, str | None, SourceOptions], Found]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowKey:
    """A way in which the rows of a table name architectures.

    Of a space's several, one whose columns are all taken by those before it is not needed.

    Parameters
    ----------
    columns : tuple of str
        The columns that it takes, all of which have to be there.
    indices : callable
        From the table to the index of the architecture of each row; raises `ArchitectureError`
        and says which row.
    is_text : bool, default=False
        Whether the columns are text in CSV.
    """

    columns: tuple[str, ...]
    indices: Callable[[pd.DataFrame], NDArray[np.int64]]
    is_text: bool = False


def check_options(options: SourceOptions, known: tuple[str, ...], name: str) -> None:
    """Raise where an option is chosen that a source does not know.

    Raises
    ------
    ArgumentError
        Names the option.
    """
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name == "allow_pickle":
            checks.truth(field.name, value)
        elif value is not None:
            checks.whole(field.name, value, 0)
        if field.name not in known and value != field.default:
            raise ArgumentError(field.name, f"be left out for {name}", value)
