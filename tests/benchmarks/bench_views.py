"""Spectral clusters by edit distances on the default view of each space, and of one's own.

    python -m tests.benchmarks.bench_views [SPACE ...] [--threads N]

For each space, in a process of its own: seconds for the graphs and for the clusters, the most
memory, how many distances are not proved and how wide their intervals are. "cells" is a space of
4,096 networks of some 200 kernels.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

from cgraph.clustering.cluster import cluster
from cgraph.spaces import get
from cgraph.spaces.views import view_for
from tests.benchmarks.cells import Cells

SPACES = ("nasbench201", "nasbenchgraph", "nasbench101", "cells")


def measure(name: str, threads: int) -> None:
    """Measure one space, in this process."""
    space = Cells() if name == "cells" else get(name)
    start = time.perf_counter()
    view = view_for(space, "graph")
    population = view.of(space)
    graphs = time.perf_counter() - start
    start = time.perf_counter()
    told = 0

    def progress(*_: int) -> None:
        nonlocal told
        told += 1

    found = cluster(population, "spectral", 8, metric="edit", n_jobs=threads, progress=progress)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{name:14}{view.part:11}{len(population):9,} programs, {found.n_distinct:7,} distinct, "
        f"{int(found.parameters.get('n_landmarks', 0)):4} landmarks: graphs {graphs:6.1f} s, "
        f"clusters {seconds:6.1f} s, {used:5.2f} GiB, progress told {told} times; "
        f"{found.certainty}",
        flush=True,
    )


def main(names: list[str], threads: int) -> None:
    """Measure spaces, each in a process of its own."""
    if len(names) == 1:
        measure(names[0], threads)
        return
    for name in names:
        command = [sys.executable, "-m", __spec__.name, name, "--threads", str(threads)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spaces", nargs="*", default=list(SPACES))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.spaces, arguments.threads)
