"""Distances of usage as plans: dense where categories are few, sparse where they are many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cgraph.distances._loops import Tile, distinct_rows, fill_by_tiles
from cgraph.distances.features import FEATURES, histograms, sparse_histograms
from cgraph.distances.plans import DistanceOptions, DistancePlan, Floats, Programs
from cgraph.distances.sparse import (
    Fill,
    Prepare,
    fill_hellinger,
    fill_jensen_shannon,
    fill_kullback_leibler,
    roots_of_shares,
    shares_with_entropies,
    smoothed_shares,
    sparse_plan,
)
from cgraph.distances.usage import (
    euclidean_tile,
    hellinger_embedding,
    jensen_shannon_tile,
    kl_tile,
    shares_and_entropies,
    shares_and_logarithms,
)
from cgraph.graphs.population import Population


@dataclass(frozen=True, slots=True)
class Measure:
    """A distance between histograms, in two forms.

    Parameters
    ----------
    features : callable
        From counts of shape (n, K) to what the distance is computed from, shape (n, F).
    tile : callable
        Compiled: from features of some rows (r, F) and of some columns (F, c) to distances,
        written into an array of shape (r, c).
    prepare : callable
        From a sparse histogram to its `Rows`.
    fill : callable
        Compiled: from the rows of one side and of the other to distances.
    """

    features: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    tile: Tile
    prepare: Prepare
    fill: Fill

    def plan(self, x: Programs, other: Programs | None, options: DistanceOptions) -> DistancePlan:
        """Distances of usage between distinct histograms; see `DistanceMethod.function`."""
        if isinstance(x, Population) and FEATURES[options.feature].is_open:
            assert other is None or isinstance(other, Population)
            sides = sparse_histograms(x, other, options.feature, options.weigh_by)
            return sparse_plan(self.prepare, self.fill, *sides, options.n_jobs)
        counts, other_counts = histograms(x, other, options.feature, options.weigh_by)
        n = len(counts)
        both = counts if other_counts is None else np.concatenate([counts, other_counts])
        features = self.features(both)
        first, rows = distinct_rows(features[:n])
        left = features[first]
        if other_counts is None:
            block = partial(_fill_block, self.tile, left, None, options.n_jobs)
            return DistancePlan(rows, rows, (len(left), len(left)), block, is_mirrored=True)
        other_first, columns = distinct_rows(features[n:])
        right = features[n:][other_first]
        block = partial(_fill_block, self.tile, left, right, options.n_jobs)
        return DistancePlan(rows, columns, (len(left), len(right)), block, is_mirrored=False)


def _fill_block(
    tile: Tile,
    left: NDArray[np.float64],
    right: NDArray[np.float64] | None,
    n_jobs: int,
    rows: slice,
    columns: slice,
    out: Floats,
) -> None:
    if right is None and rows == columns:
        fill_by_tiles(tile, left[rows], None, n_jobs, out)
    else:
        fill_by_tiles(tile, left[rows], (left if right is None else right)[columns], n_jobs, out)


KULLBACK_LEIBLER = Measure(shares_and_logarithms, kl_tile, smoothed_shares, fill_kullback_leibler)
JENSEN_SHANNON = Measure(
    shares_and_entropies, jensen_shannon_tile, shares_with_entropies, fill_jensen_shannon
)
HELLINGER = Measure(hellinger_embedding, euclidean_tile, roots_of_shares, fill_hellinger)
