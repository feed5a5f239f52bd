"""Exact edit distances against networkx and against every map of kernels, on many pairs.

    python -m tests.benchmarks.verify_edit [--cells N] [--maps M]

Random pairs of live cells of NAS-Bench-201 against networkx, and random pairs of graphs of up to
six kernels against the least cost over all maps, for uniform, heuristic and random costs; by the
search, and by tables where the costs allow them. networkx is told an upper bound a little above
our distance: it then finds a smaller one where there is one, and nothing where ours is too small.
Where substitutions may cost more than a deletion and an insertion networkx sometimes misses the
cheapest edit; all maps that cost no more than ours are then gone through, one by one.
"""

from __future__ import annotations

import argparse
import math
import time

import networkx as nx
import numpy as np

from cgraph.distances.edit.costs import EditCosts
from cgraph.distances.edit.exact import edit_distance, edit_intervals
from cgraph.distances.edit.script import apply_edits, script_cost
from cgraph.distances.matrix import pairwise_distances
from cgraph.graphs.canonical import certificate
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.distances.cells import random_cells, random_graph
from tests.distances.edit.models import random_costs
from tests.naive import edit_distance_over_maps

SLACK = 1e-6


def networkx_below(a: KernelGraph, b: KernelGraph, costs: EditCosts, limit: float) -> float | None:
    """The distance by networkx, where it is at most a limit."""
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
        upper_bound=limit,
    )
    return None if distance is None else float(distance)


def least_over_maps(a: KernelGraph, b: KernelGraph, costs: EditCosts, limit: float) -> float:
    """The least cost of all maps of kernels that cost at most a limit; infinity for none.

    Kernels of `a` are mapped one after the other; a map is given up once it has spent too much.
    """
    words = {label: i for i, label in enumerate(costs.vocabulary)}
    x, y = ([words[label] for label in graph.labels] for graph in (a, b))
    edges, others = ({(u, v) for u, v in graph.edges.tolist()} for graph in (a, b))
    best = math.inf
    image: list[int | None] = []

    def changed(u: int) -> int:
        """Edges between u and the kernels before it that only one side has."""
        n = 0
        for w in range(u):
            for e, f in (((w, u), (image[w], image[u])), ((u, w), (image[u], image[w]))):
                n += (e in edges) != (f in others)
        return n

    def extend(spent: float) -> None:
        nonlocal best
        u = len(image)
        if spent > min(limit, best):
            return
        if u == len(x):
            new = [j for j in range(len(y)) if j not in image]
            inserted = sum(v in new or w in new for v, w in others)
            total = spent + sum(costs.insert[y[j]] for j in new) + costs.edge * inserted
            best = min(best, float(total)) if total <= limit else best
            return
        for j in [None, *(j for j in range(len(y)) if j not in image)]:
            image.append(j)
            price = costs.delete[x[u]] if j is None else costs.substitute[x[u], y[j]]
            extend(spent + price + costs.edge * changed(u))
            image.pop()

    extend(0.0)
    return best


def models(words: tuple[str, ...], seed: int) -> dict[str, EditCosts]:
    """The cost models that are verified."""
    return {
        "uniform": EditCosts.uniform(vocabulary=words),
        "heuristic": EditCosts.heuristic(words),
        "random": random_costs(words, seed=seed),
    }


def verify_cells(n_pairs: int) -> None:
    """Pairs of cells against networkx."""
    cells = random_cells(2 * n_pairs, seed=1)
    population = Population(cells)
    pairs = np.arange(2 * n_pairs).reshape(-1, 2)
    for name, costs in models(population.vocabulary, seed=1).items():
        start, n_missed = time.perf_counter(), 0
        found = edit_intervals(population, pairs, costs)
        assert found.exact.all()
        for (i, j), distance in zip(pairs.tolist(), found.upper.tolist(), strict=True):
            theirs = networkx_below(cells[i], cells[j], costs, distance + SLACK)
            if theirs is None:
                n_missed += 1
                theirs = least_over_maps(cells[i], cells[j], costs, distance + SLACK)
            assert abs(theirs - distance) < SLACK, (name, i, j, distance, theirs)
        matrix = pairwise_distances(population[:300], "edit", population[1:301:2], costs=costs)
        some = min(n_pairs, 150)
        tabled = matrix[np.arange(0, 2 * some, 2), np.arange(some)]
        assert np.allclose(tabled, found.upper[:some], rtol=0, atol=1e-9)
        seconds = time.perf_counter() - start
        print(
            f"{name:10} {n_pairs:,} pairs of cells equal networkx ({seconds:.0f} s), "
            f"mean {found.upper.mean():.3f}; {n_missed} that it missed equal the best of all maps",
            flush=True,
        )


def verify_maps(n_pairs: int) -> None:
    """Pairs of graphs of up to six kernels against all maps; scripts are applied."""
    rng = np.random.default_rng(2)
    pairs = []
    for _ in range(n_pairs):
        n, m = rng.integers(0, 7, 2)
        density = rng.choice([0.2, 0.5, 0.9])
        pairs.append((random_graph(rng, n, density=density), random_graph(rng, m, density=density)))
    for name in ("uniform", "heuristic", "random"):
        start = time.perf_counter()
        for k, (a, b) in enumerate(pairs):
            costs = models(("a", "b", "c"), seed=k)[name]
            found = edit_distance(a, b, costs)
            assert found.exact
            assert abs(found.upper - edit_distance_over_maps(a, b, costs)) < SLACK, (name, k)
            assert script_cost(found.operations) == found.upper
            assert certificate(apply_edits(a, found.operations)) == certificate(b)
            both = Population([a, b])
            assert abs(pairwise_distances(both, "edit", costs=costs)[0, 1] - found.upper) < SLACK
        seconds = time.perf_counter() - start
        print(
            f"{name:10} {n_pairs:,} pairs equal the best of all maps ({seconds:.0f} s)", flush=True
        )


def main(n_cells: int, n_maps: int) -> None:
    """Verify."""
    verify_cells(n_cells)
    verify_maps(n_maps)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=2000, help="pairs of cells for networkx")
    parser.add_argument("--maps", type=int, default=500, help="pairs of graphs for all maps")
    arguments = parser.parse_args()
    main(arguments.cells, arguments.maps)
