"""How fast distances of usage are: against SciPy, and against copying memory.

    python tests/benchmarks/bench_usage.py

Two sets of programs: the histograms of all cells of six operations out of five (15,625 rows, 210 of
them distinct), and as many distinct rows of 20 categories. Each round times everything once, one
after the other, so that a busy machine is busy for all; ratios are medians over rounds, with the
smallest and the largest. SciPy runs on a part of the rows, and its time is scaled by the number of
pairs. Its `pdist` computes each pair once; `cdist` gives the square matrix that cgraph gives.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist, pdist

from cgraph.distances.matrix import distance_table, pairwise_distances


def cell_counts(n_edges: int) -> np.ndarray:
    """Counts of five operations on each edge, for every cell, shape (5^n_edges, 5)."""
    cells = np.array(list(itertools.product(range(5), repeat=n_edges)))
    return np.stack([(cells == k).sum(axis=1) for k in range(5)], axis=1).astype(np.float64)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(counts: np.ndarray, n_peer: int, rounds: int, n_jobs: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round, for the matrix over all rows of `counts`."""
    n = len(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    some = shares[np.random.default_rng(0).permutation(n)[:n_peer]]
    pairs = n * (n - 1) / (len(some) * (len(some) - 1))
    square = (n / len(some)) ** 2
    out, source = np.zeros((n, n)), np.ones((n, n))
    single = np.zeros((n, n), np.float32)
    contestants: dict[str, tuple[Callable[[], object], float]] = {
        "copy of the matrix": (lambda: np.copyto(out, source), 1.0),
        "scipy pdist jensenshannon": (lambda: pdist(some, "jensenshannon"), pairs),
        "scipy cdist jensenshannon": (lambda: cdist(some, some, "jensenshannon"), square),
        "scipy cdist euclidean of roots": (lambda: cdist(some**0.5, some**0.5), square),
        "jensen-shannon": (
            lambda: pairwise_distances(counts, "jensen-shannon", out=out, n_jobs=n_jobs),
            1.0,
        ),
        "jensen-shannon float32": (
            lambda: pairwise_distances(counts, "jensen-shannon", out=single, n_jobs=n_jobs),
            1.0,
        ),
        "hellinger": (lambda: pairwise_distances(counts, out=out, n_jobs=n_jobs), 1.0),
        "kl": (lambda: pairwise_distances(counts, "kl", out=out, n_jobs=n_jobs), 1.0),
    }
    if len(np.unique(counts, axis=0)) < n:
        contestants["jensen-shannon, table alone"] = (
            lambda: distance_table(counts, "jensen-shannon", n_jobs=n_jobs),
            1.0,
        )
    for metric in ("jensen-shannon", "hellinger", "kl"):  # compile first
        pairwise_distances(counts[:3], metric)
        pairwise_distances(counts[:3], metric, dtype=np.float32)
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (function, factor) in contestants.items():
            times[name].append(seconds(function) * factor)
    return times


def table(times: dict[str, list[float]]) -> str:
    """Lines of text: seconds, and how many times as fast as the copy and as SciPy's pdist."""
    head = f"{'':34}{'seconds':>9}{'of copy':>9}{'x pdist':>9}   (least to most)"
    lines = [head]
    for name, found in times.items():
        of_copy = [a / b for a, b in zip(times["copy of the matrix"], found, strict=True)]
        speed = [a / b for a, b in zip(times["scipy pdist jensenshannon"], found, strict=True)]
        lines.append(
            f"{name:34}{statistics.median(found):9.3f}{statistics.median(of_copy):9.2f}"
            f"{statistics.median(speed):9.1f}   ({min(speed):.1f} to {max(speed):.1f})"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", type=int, default=6, help="5^edges programs")
    parser.add_argument("--peer", type=int, default=2000, help="rows that SciPy gets")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=-1)
    options = parser.parse_args(arguments)
    counts = cell_counts(options.edges)
    n_distinct = len(np.unique(counts, axis=0))
    print(f"{len(counts):,} rows of 5 categories, {n_distinct:,} distinct")
    print(table(compare(counts, options.peer, options.rounds, options.jobs)))
    rows = np.random.default_rng(0).dirichlet(np.ones(20), len(counts))
    print(f"\n{len(rows):,} rows of 20 categories, all distinct")
    print(table(compare(rows, options.peer, options.rounds, options.jobs)))


if __name__ == "__main__":
    main()
