"""Programs that others are measured from, and how: what is kept of a distance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.clustering.sources import MetricOptions
from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.plans import Floats
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population

PROGRAMS_A_BLOCK = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Programs that others are measured from.

    Parameters
    ----------
    programs : Population or ndarray of shape (m, K)
        The programs, their counts of usage, or their features where the metric is "euclidean".
    options : MetricOptions
        The distance.
    is_single : bool, default=False
        Whether distances are rounded to single precision.
    """

    programs: Population | NDArray[np.float64]
    options: MetricOptions
    is_single: bool = False

    def __len__(self) -> int:
        return len(self.programs)

    def distances(self, x: Population | ArrayLike) -> Iterator[tuple[slice, Floats]]:
        """Distances of other programs to these, block by block, each of shape (b, m).

        Raises
        ------
        ArgumentError
            If `x` is not what these are: a population, counts or features of as many columns.
        """
        others = self.check(x)
        for start in range(0, len(others), PROGRAMS_A_BLOCK):
            rows = slice(start, min(start + PROGRAMS_A_BLOCK, len(others)))
            yield rows, self._block(others[rows])

    def check(self, x: Population | ArrayLike) -> Population | NDArray[np.float64]:
        """`x` as what these programs are."""
        if isinstance(self.programs, Population):
            if not isinstance(x, Population):
                raise ArgumentError(
                    "population", "be a Population, as what was clustered", type(x).__name__
                )
            return x
        if isinstance(x, Population):
            raise ArgumentError("population", "be an array, as what was clustered", "a Population")
        width = self.programs.shape[1]
        words = f"be finite and of {width} columns, as what was clustered"
        return checks.numbers("population", x, (None, width), words=words)

    def _block(self, others: Population | NDArray[np.float64]) -> Floats:
        how = self.options
        if how.metric == "euclidean":
            from scipy.spatial.distance import cdist

            return np.asarray(cdist(np.asarray(others), np.asarray(self.programs)))
        return pairwise_distances(
            others,
            how.metric,
            self.programs,
            dtype=np.float32 if self.is_single else np.float64,
            feature=how.feature,
            costs=how.costs,
            n_jobs=how.n_jobs,
        )
