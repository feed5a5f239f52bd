"""Edit distances against networkx: cells from tables and by search, networks by bounds.

    python -m tests.benchmarks.bench_edit [--cells N] [--networks N] [--checks N] [--threads N]

Everything is compiled first. Equal answers are checked in the same run: tables against the
search on every table entry that is drawn, the search against networkx on `--checks` pairs.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable
from typing import TypeVar

import networkx as nx
import numpy as np

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import edit_bounds, edit_distance, edit_intervals
from cgraph.distances.edit.matrix import fill_distances
from cgraph.errors import ArchitectureError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.distances.cells import nasbench201_cells, random_cells

Result = TypeVar("Result")
MODELS = {"uniform": EditCosts.uniform(), "heuristic": EditCosts.heuristic()}


def timed(function: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that a call takes, and what it gives."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def rated(n: int, function: Callable[[], Result]) -> tuple[float, str, Result]:
    """Pairs a second, the same in words with those of one core's time, and the result.

    On a machine that others use as well, the time of the cores says what an idle one would do.
    """
    begun = time.process_time()
    seconds, result = timed(function)
    cores = time.process_time() - begun
    rate = n / seconds
    return rate, f"{rate:14,.0f} pairs/s ({n / cores:,.0f} a core)", result


def networkx_pair(a: KernelGraph, b: KernelGraph, costs: EditCosts) -> float:
    """The same distance by networkx."""
    words = {label: i for i, label in enumerate(costs.vocabulary)}

    def price(x: dict[str, str], y: dict[str, str]) -> float:
        return float(min(costs.substitute[words[x["label"]], words[y["label"]]], 1e6))

    distance = nx.graph_edit_distance(
        a.to_networkx(),
        b.to_networkx(),
        node_subst_cost=price,
        node_del_cost=lambda x: costs.delete[words[x["label"]]],
        node_ins_cost=lambda y: costs.insert[words[y["label"]]],
        edge_subst_cost=lambda _x, _y: 0,
        edge_del_cost=lambda _x: costs.edge,
        edge_ins_cost=lambda _y: costs.edge,
    )
    return float(distance)


def classes(graphs: list[KernelGraph]) -> Population:
    """One graph of each class of identical programs."""
    population = Population(graphs)
    _, first = np.unique(population.classes(), return_index=True)
    return population[np.sort(first)]


def cells_of(n_cells: int) -> Population:
    """Different live cells of NAS-Bench-201, all of them for 0."""
    return classes(nasbench201_cells() if n_cells == 0 else random_cells(n_cells))


def nasbench101_cells(n_cells: int) -> Population:
    """Different cells of NAS-Bench-101 among so many random ones, vertices as kernels."""
    from cgraph.spaces.nasbench101.cells import OPERATIONS, from_matrix

    rng = np.random.default_rng(0)
    graphs = []
    while len(graphs) < n_cells:
        matrix = np.triu(rng.random((7, 7)) < 0.4, 1).astype(int)
        try:
            cell = from_matrix(matrix, rng.choice(OPERATIONS, 5).tolist())
        except ArchitectureError:  # too many edges, or no path
            continue
        labels = ["input", *(OPERATIONS[k] for k in cell.operations), "output"]
        graphs.append(KernelGraph(labels, np.argwhere(cell.matrix)))
    return classes(graphs)


def bench_cells(population: Population, n_checks: int, threads: int) -> None:
    """Tables and search on cells, and networkx on a few pairs of them; all answers are equal."""
    n = len(population)
    rng = np.random.default_rng(0)
    everything, warm = np.arange(n), np.arange(min(n, 30))
    drawn = rng.integers(0, n, size=(max(1000, 20 * n), 2))
    out = np.ones((n, n))  # memory that is in use: first touches cost more than distances
    for name, costs in MODELS.items():
        fill_distances(population, warm, None, costs, np.empty((len(warm), len(warm))))
        edit_intervals(population, drawn[:10], costs)
        tables, tables_said, _ = rated(
            n * (n - 1) // 2,
            lambda c=costs: fill_distances(population, everything, None, c, out, n_jobs=threads),  # type: ignore[misc]
        )
        search, search_said, found = rated(
            len(drawn),
            lambda c=costs: edit_intervals(population, drawn, c, n_jobs=threads),  # type: ignore[misc]
        )
        assert found.exact.all()
        assert np.array_equal(found.upper, out[drawn[:, 0], drawn[:, 1]])
        aligned = costs.over(population.vocabulary)
        pairs = drawn[:n_checks].tolist()
        seconds, theirs = timed(
            lambda c=aligned, p=pairs: [  # type: ignore[misc]
                networkx_pair(population[i], population[j], c) for i, j in p
            ]
        )
        assert np.allclose(theirs, found.upper[:n_checks])
        peer = n_checks / seconds
        print(f"{n:,} cells, {name} costs, {threads} threads, mean {found.upper.mean():.3f}")
        print(f"  tables     {tables_said}, {tables / peer:,.0f} x networkx")
        print(
            f"  search     {search_said}, {search / peer:,.0f} x networkx, "
            f"{found.expansions.mean():.1f} expansions a pair"
        )
        print(f"  networkx   {peer:14,.1f} pairs/s, equal on {n_checks:,} pairs")


def bench_networks(population: Population, n_pairs: int, threads: int) -> None:
    """Certified intervals of whole networks, and one interval of networkx."""
    pairs = np.random.default_rng(0).integers(0, len(population), size=(n_pairs, 2))
    mean = population.n_kernels.mean()
    for name, costs in MODELS.items():
        edit_bounds(population, pairs[:10], costs)
        _, said, found = rated(
            n_pairs,
            lambda c=costs: edit_bounds(population, pairs, c, n_jobs=threads),  # type: ignore[misc]
        )
        apart = found.upper > 0
        gap = float(((found.upper - found.lower)[apart] / found.upper[apart]).mean())
        a, b = population[int(pairs[0, 0])], population[int(pairs[0, 1])]
        one, script = timed(lambda x=a, y=b, c=costs: edit_distance(x, y, c))  # type: ignore[misc]
        print(
            f"networks of {mean:.0f} kernels, {name} costs: {said.strip()}, "
            f"mean gap {gap:.1%} of the upper bound; {found.exact.mean():.1%} closed"
        )
        print(
            f"  one pair with its script: {one:.3f} s, {script.lower:g} to {script.upper:g}, "
            f"{len(script.operations)} edits"
        )
        if name == "uniform":
            seconds, first = timed(
                lambda x=a, y=b: next(  # type: ignore[misc]
                    itertools.islice(
                        nx.optimize_graph_edit_distance(
                            x.to_networkx(),
                            y.to_networkx(),
                            node_match=lambda u, v: u["label"] == v["label"],
                        ),
                        1,
                    )
                )
            )
            print(f"  networkx, its first upper bound: {seconds:.2f} s, {first:g}")


def main(n_cells: int, n_networks: int, n_checks: int, threads: int) -> None:
    """Run the comparison."""
    print("NAS-Bench-201")
    bench_cells(cells_of(n_cells), n_checks, threads)
    print("NAS-Bench-101")
    bench_cells(nasbench101_cells(n_cells or 10_000), n_checks, threads)
    if n_networks:
        from cgraph.spaces import get

        networks = get("nasbench201").population("network")
        bench_networks(networks, n_networks, threads)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=0, help="0 for all of NAS-Bench-201")
    parser.add_argument("--networks", type=int, default=100_000, help="pairs of networks")
    parser.add_argument("--checks", type=int, default=50, help="pairs for networkx")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    main(arguments.cells, arguments.networks, arguments.checks, arguments.threads)
