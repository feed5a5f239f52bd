"""Time and memory of a population drawn from DARTS: linear in its architectures.

    python tests/benchmarks/bench_drawn.py
    python tests/benchmarks/bench_drawn.py --sizes 2000 20000 100000

Each size runs in a process of its own, from the draw to clusters and back to them: the seconds of
each stage on all cores, and the peak memory of the process and of its largest worker.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="darts", help="a space that is drawn from")
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--one", action="store_true", help="run the first size in this process")
    args = parser.parse_args()
    if args.one:
        one(args.space, args.sizes[0])
        return
    stages = ("draw", "capture", "graphs", "programs", "clusters", "assign")
    print("architectures", *(f"{stage:>9}" for stage in stages), "    MiB", " worker", "programs")
    for size in args.sizes:
        command = [sys.executable, __file__, "--one", "--space", args.space, "--sizes", str(size)]
        subprocess.run(command, check=True)


def one(space: str, size: int) -> None:
    """Print the row of one size."""
    import cgraph

    seconds = []

    def timed(work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
        return result

    drawn = timed(lambda: cgraph.spaces.get(space).draw(size))
    timed(drawn.capture)
    graphs = timed(drawn.population)
    programs = timed(lambda: graphs.classes(sized=True))
    found = timed(lambda: cgraph.cluster(graphs, n_clusters=8))
    labels = timed(lambda: found.assign(graphs))
    assert (labels == found.labels).all()
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peaks = [resource.getrusage(each).ru_maxrss / 1024 for each in who]
    columns = " ".join(f"{value:9.2f}" for value in seconds)
    print(
        f"{size:13,} {columns} {peaks[0]:7.0f} {peaks[1]:7.0f} {programs.max() + 1:8,}", flush=True
    )


if __name__ == "__main__":
    main()
