"""Graphs of NAS-Bench-201 composed from traced pieces, against tracing every network.

    python tests/benchmarks/bench_compose.py [--networks N]

Traces N networks, composes the same, and composes the kernel graphs of all 15,625; prints times
and ratios. What is composed is compared with what was traced.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.spaces import get
from cgraph.spaces.nasbench201 import graphs, population
from cgraph.tracing.record import trace

Result = TypeVar("Result")


def timed(function: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that a call takes, and what it gives."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def main(n_networks: int) -> None:
    """Run the comparison on `n_networks` random networks."""
    space = get("nasbench201")
    chosen = np.random.default_rng(0).choice(len(space), n_networks, replace=False).tolist()
    models = [space.model(index) for index in chosen]
    x = torch.zeros(1, 3, 32, 32)
    trace(models[0], x)  # the first trace loads what tracing needs
    seconds_of_pieces, _ = timed(graphs.pieces)
    print(f"pieces traced once                {seconds_of_pieces:9.3f} s")

    tracing, traced = timed(lambda: [trace(model, x) for model in models])
    composing, composed = timed(lambda: [space.graph(index, "network") for index in chosen])
    assert traced == composed
    print(f"traced, {n_networks:,} networks           {tracing / n_networks:9.5f} s each")
    print(
        f"composed, the same                {composing / n_networks:9.5f} s each, "
        f"{tracing / composing:.0f} times as fast"
    )
    projecting, projected = timed(lambda: [project(live(graph)) for graph in traced])
    one = (tracing + projecting) / n_networks
    for part in ("cell", "network"):
        population._cells.cache_clear()
        seconds, found = timed(lambda part=part: space.population(part))  # type: ignore[misc]
        print(f"all live {part:7} kernel graphs     {seconds:9.3f} s", end="")
        print(f", {one * len(space) / seconds:,.0f} times as fast" if part == "network" else "")
    for index, graph in zip(chosen, projected, strict=True):
        assert found[index].labels == graph.labels
        assert np.array_equal(found[index].edges, graph.edges)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory of the process        {peak:9.2f} GiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=50, help="how many to trace")
    main(parser.parse_args().networks)
