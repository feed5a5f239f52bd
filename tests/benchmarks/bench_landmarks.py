"""All cells of NAS-Bench-101 against landmarks: time and memory where the square does not fit.

    python -m tests.benchmarks.bench_landmarks [--cells N] [--landmarks M] [--threads N]

Landmarks are chosen farthest first by usage of neighbourhoods. Cells are compared as kernel graphs
by usage, and as their authors draw them by edits. Distances are kept in four bytes.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.neighbours import landmarks, nearest
from cgraph.graphs.population import Population
from cgraph.spaces import get

Result = TypeVar("Result")


def timed(said: str, function: Callable[[], Result]) -> Result:
    """What a call gives; prints its time, that of the cores, and the most memory so far."""
    start, begun = time.perf_counter(), time.process_time()
    result = function()
    seconds, cores = time.perf_counter() - start, time.process_time() - begun
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{said:46}{seconds:9.2f} s {cores:9.2f} s of cores {used:9,.0f} MB at most", flush=True)
    return result


def some_of(population: Population, n: int) -> Population:
    """Graphs at equal steps; all of them for 0."""
    if n == 0:
        return population
    return population[np.linspace(0, len(population) - 1, n).astype(np.int64)]


def main(n_cells: int, n_landmarks: int, threads: int) -> None:
    """Run the measurement."""
    space = get("nasbench101")
    kernels = timed("kernel graphs", lambda: some_of(space.population(), n_cells))
    operations = timed(
        "operations", lambda: some_of(space.population("operations", boundary=True), n_cells)
    )
    n = len(kernels)
    chosen = timed(
        f"{n_landmarks} landmarks by neighbourhoods",
        lambda: landmarks(operations, n_landmarks, feature="neighbourhoods", n_jobs=threads),
    )
    out = np.zeros((n, n_landmarks), np.float32)
    print(f"{n:,} cells x {n_landmarks:,} landmarks, {out.nbytes / 2**20:,.0f} MB")
    for metric, population in (
        ("hellinger", kernels),
        ("jensen-shannon", kernels),
        ("kl", kernels),
        ("edit", operations),
    ):
        few = population[chosen]
        pairwise_distances(population[:50], metric, few[:5], out=np.zeros((50, 5), np.float32))
        timed(
            metric,
            lambda m=metric, p=population, f=few: pairwise_distances(  # type: ignore[misc]
                p, m, f, out=out, n_jobs=threads
            ),
        )
    few = operations[chosen]
    timed("5 nearest landmarks by edit", lambda: nearest(operations, 5, "edit", few))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=0, help="0 for all of NAS-Bench-101")
    parser.add_argument("--landmarks", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.cells, arguments.landmarks, arguments.threads)
