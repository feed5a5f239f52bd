"""What every method of distance takes and gives: options, a plan of work, a table.

Programs repeat: 15,625 cells have 210 histograms. A method therefore says which programs are
equal for it and computes distances between the distinct ones only, a *table*; the matrix over all
programs is that table spread out by index. Whoever needs no matrix works on the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


BLOCKS_A_SIDE = 16
"""Of a table whose progress is told."""


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
class Certainty:
    """How many of some distances are proved, and how far the others may be off.

    A distance that is not proved is the middle of its certified interval, so it is off by at most
    half of the interval's width.

    Parameters
    ----------
    n_pairs : int, default=0
        Pairs of distinct programs.
    n_open : int, default=0
        Those whose distance is not proved.
    width : float, default=0.0
        Sum of the widths of their intervals.
    widest : float, default=0.0
        The largest width.

    Examples
    --------
    >>> print(Certainty(9, 1, 2.0, 2.0) + Certainty(1, 1, 4.0, 4.0))
    2 of 10 distances are middles of certified intervals, 3 wide in the mean and 4 at most
    >>> print(Certainty(10))
    all 10 distances are proved
    """

    n_pairs: int = 0
    n_open: int = 0
    width: float = 0.0
    widest: float = 0.0

    @property
    def mean_width(self) -> float:
        """Mean width of the intervals of the distances that are not proved; 0 without any."""
        return self.width / self.n_open if self.n_open else 0.0

    def __add__(self, other: Certainty) -> Certainty:
        return Certainty(
            self.n_pairs + other.n_pairs,
            self.n_open + other.n_open,
            self.width + other.width,
            max(self.widest, other.widest),
        )

    def __str__(self) -> str:
        if not self.n_open:
            return f"all {self.n_pairs:,} distances are proved"
        return (
            f"{self.n_open:,} of {self.n_pairs:,} distances are middles of certified intervals, "
            f"{self.mean_width:.3g} wide in the mean and {self.widest:.3g} at most"
        )


def joint(parts: list[Certainty | None]) -> Certainty | None:
    """Certainty of several parts of a table; None where one says nothing."""
    total = Certainty()
    for part in parts:
        if part is None:
            return None
        total += part
    return total


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
        gives the same bits. To be run by another process it has to be picklable. It gives how
        certain the distances are, those above the diagonal of a block on the diagonal of a
        mirrored table, where the method knows.
    is_mirrored : bool
        Whether there are no other programs and the table is symmetric, so that half of it tells
        all.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    shape: tuple[int, int]
    block: Callable[[slice, slice, Floats], Certainty | None]
    is_mirrored: bool

    def fill(self, out: Floats, progress: Progress | None = None) -> Certainty | None:
        """Write the whole table into an array; by blocks where the progress is asked for."""
        n, m = self.shape
        if progress is None:
            return self.block(slice(0, n), slice(0, m), out)
        blocks = list(self._blocks())
        total = sum((a.stop - a.start) * (b.stop - b.start) for a, b in blocks)
        done, found = 0, []
        progress(0, total)
        for rows, columns in blocks:
            part = np.empty((rows.stop - rows.start, columns.stop - columns.start), out.dtype)
            found.append(self.block(rows, columns, part))
            out[rows, columns] = part
            if self.is_mirrored and rows != columns:
                out[columns, rows] = part.T
            done += part.size
            progress(done, total)
        return joint(found)

    def _blocks(self) -> Iterator[tuple[slice, slice]]:
        n, m = self.shape
        step = max(1, -(-max(n, m) // BLOCKS_A_SIDE))
        for i in range(0, n, step):
            for j in range(i if self.is_mirrored else 0, m, step):
                yield slice(i, min(i + step, n)), slice(j, min(j + step, m))

    def compute(self, dtype: np.dtype[Any], progress: Progress | None = None) -> DistanceTable:
        """The table, computed."""
        values = np.empty(self.shape, dtype)
        certainty = self.fill(values, progress)
        return DistanceTable(values, self.rows, self.columns, certainty)


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
    certainty : Certainty, optional
        How many of the distances are proved, for a method that may leave some open.
    """

    values: Floats
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    certainty: Certainty | None = None

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
