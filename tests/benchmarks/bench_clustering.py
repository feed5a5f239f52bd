"""How fast clustering is, against scikit-learn on the full matrix, and whether it finds the same.

    python tests/benchmarks/bench_clustering.py

The programs are all cells of `--edges` operations out of five. scikit-learn gets the full matrix of
affinities; cgraph works on the distinct programs with their weights. The spaces that the leading
eigenvectors span are compared by their largest angle, inertias and costs by their ratio.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from scipy.linalg import subspace_angles
from sklearn.cluster import KMeans
from sklearn.manifold import spectral_embedding

from cgraph.clustering.cluster import cluster
from cgraph.clustering.points import points_of_table
from cgraph.clustering.spectral import spectral_embedding as weighted_embedding
from cgraph.distances.matrix import distance_table, pairwise_distances
from cgraph.distances.usage import hellinger_embedding
from tests.benchmarks.bench_usage import cell_counts

Result = TypeVar("Result")


def timed(function: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def compare(counts: np.ndarray, k: int) -> list[tuple[str, float, float, str]]:
    """Name, seconds of the peer, seconds of cgraph, and how the results compare."""
    for method in ("kmeans", "spectral", "kmedoids"):  # compile and import first
        cluster(counts, method, 2)
    points = hellinger_embedding(counts)
    peer, estimator = timed(lambda: KMeans(k, n_init=10, random_state=0).fit(points))
    own, found = timed(lambda: cluster(counts, "kmeans", k))
    lines = [
        ("k-means", peer, own, f"inertia x {found.quality['inertia'] / estimator.inertia_:.4f}")
    ]

    own, found = timed(lambda: cluster(counts, "spectral", k))
    scale = found.parameters["scale"]
    affinity = np.exp(-np.square(pairwise_distances(counts) / scale))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer, wanted = timed(
            lambda: spectral_embedding(affinity, n_components=k, drop_first=False, random_state=0)
        )
    table = points_of_table(distance_table(counts), np.ones(len(counts)))
    embedding = weighted_embedding(table, k, scale)[table.index]
    angle = subspace_angles(embedding, wanted).max()
    lines.append(("spectral (peer: embedding alone)", peer, own, f"largest angle {angle:.1e}"))

    own, found = timed(lambda: cluster(counts, "kmedoids", k))
    lines.append(("k-medoids (no peer)", float("nan"), own, f"cost {found.quality['cost']:.1f}"))
    return lines


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", type=int, default=5, help="5^edges programs")
    parser.add_argument("--clusters", type=int, default=5)
    options = parser.parse_args(arguments)
    counts = cell_counts(options.edges)
    print(f"{len(counts):,} programs, {len(np.unique(counts, axis=0)):,} distinct")
    for name, peer, own, result in compare(counts, options.clusters):
        print(f"{name:34}{peer:9.3f} s {own:9.3f} s   x {peer / own:8.1f}   {result}")


if __name__ == "__main__":
    main()
