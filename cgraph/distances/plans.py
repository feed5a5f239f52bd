"""What every method of distance takes and gives: options, a plan of work, a table.

Programs repeat: 15,625 cells have 210 histograms. A method therefore says which programs are
equal for it and computes distances between the distinct ones only, a *table*; the matrix over all
programs is that table spread out by index. Whoever needs no matrix works on the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cgraph.graphs.population import Population

if TYPE_CHECKING:
    from cgraph.distances.edit.costs import EditCosts

Programs: TypeAlias = "Population | NDArray[np.float64]"
"""A population, or its counts of usage, shape (n, K)."""

Floats: TypeAlias = "NDArray[np.floating[Any]]"

Progress: TypeAlias = "Callable[[int, int], None]"
"""Takes how much is done and how much there is."""


@dataclass(frozen=True, slots=True)
class DistanceOptions:
    """What a method may be told; each reads the fields it needs.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the distances that are kept. Methods compute in float64 and round once.
    n_jobs : int, default=1
        Number of threads. Results are the same bytes for any number.
    costs : EditCosts, optional
        Costs of edits; None leaves the choice to the method.
    feature : str, default="kernels"
        What a histogram counts, a name in `FEATURES`.
    weigh_by : str, optional
        What occurrences count by, a name in `WEIGHINGS`; each counts 1 by default.
    """

    dtype: np.dtype[Any]
    n_jobs: int = 1
    costs: EditCosts | None = None
    feature: str = "kernels"
    weigh_by: str | None = None


@dataclass(frozen=True, slots=True)
class DistancePlan:
    """Distances between distinct programs, before they are computed.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        For each program, which row of the table is its own; rows are numbered by first appearance.
    columns : ndarray of int64, shape (m,)
        The same for columns.
    shape : tuple of two int
        Shape (a, b) of the table.
    block : callable
        From some rows and some columns of the table, two slices with start and stop, and an array
        of their shape, of any floating dtype, which it fills. Every block of a pair of programs
        gives the same bits. To be run by another process it has to be picklable.
    is_mirrored : bool
        Whether there are no other programs and the table is symmetric, so that half of it tells
        all.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    shape: tuple[int, int]
    block: Callable[[slice, slice, Floats], None]
    is_mirrored: bool

    def fill(self, out: Floats) -> None:
        """Write the whole table into an array."""
        self.block(slice(0, self.shape[0]), slice(0, self.shape[1]), out)

    def compute(self, dtype: np.dtype[Any]) -> DistanceTable:
        """The table, computed."""
        values = np.empty(self.shape, dtype)
        self.fill(values)
        return DistanceTable(values, self.rows, self.columns)


@dataclass(frozen=True, slots=True, eq=False)
class DistanceTable:
    """Distances between distinct programs, and which of them each program is.

    The distance of programs i and j is ``values[rows[i], columns[j]]``.

    Parameters
    ----------
    values : ndarray of shape (a, b)
        Distances between distinct programs.
    rows : ndarray of int64, shape (n,)
        Row of each program.
    columns : ndarray of int64, shape (m,)
        Column of each program of the other side; `rows` where there is no other.
    """

    values: Floats
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def __post_init__(self) -> None:
        for array in (self.values, self.rows, self.columns):
            array.setflags(write=False)

    def __repr__(self) -> str:
        a, b = self.values.shape
        return f"DistanceTable({len(self.rows):,} x {len(self.columns):,}, {a:,} x {b:,} distinct)"


@dataclass(frozen=True, slots=True)
class DistanceMethod:
    """A way to measure how far two programs are from each other.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        From programs, other programs (or None for the first again) and `DistanceOptions` to a
        `DistancePlan`.
    feature : {"usage", "graph"}
        What it looks at. A method of usage also takes an array of counts.
    is_metric : bool
        Whether the triangle inequality holds. Programs that look alike to the method are at 0,
        so between programs a metric is a pseudometric.
    is_symmetric : bool
        Whether the order of two programs does not matter.
    is_exact : bool
        Whether the number is the distance itself and not a bound.
    cost : str
        Time of one pair, in words.
    summary : str
        What it measures, in a line.
    source : str
        Where it is defined.
    embedding : callable, optional
        From programs, the name of a feature and what it is weighed by to points of shape (n, d)
        whose Euclidean distances are the distances, where there are such points.
    holds_lock : bool, default=False
        Whether it runs Python, so that processes are needed to run it in parallel.
    """

    name: str
    function: Callable[[Programs, Programs | None, DistanceOptions], DistancePlan]
    feature: Literal["usage", "graph"]
    is_metric: bool
    is_symmetric: bool
    is_exact: bool
    cost: str
    summary: str
    source: str
    embedding: Callable[[Programs, str, str | None], NDArray[np.float64]] | None = None
    holds_lock: bool = False
