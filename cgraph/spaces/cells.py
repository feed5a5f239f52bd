"""Which module of the networks of a space is its cell, and the graphs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from cgraph.errors import ArgumentError
from cgraph.graphs.canonical import certificate
from cgraph.graphs.cells import find_cell, part_of
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph, project
from cgraph.graphs.passes import live
from cgraph.graphs.population import Population
from cgraph.parallel import parallel_map

_SAMPLED = 24  # networks that are looked at, and as many neighbours of the first of them
_NAMES_A_TASK = 64

Graphs = Callable[[str], ComputationalGraph]
"""From the string of an architecture to the computational graph of its network."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The module that is taken as the cell of a space.

    Parameters
    ----------
    scope : str
        Its dotted name; "" where nothing repeats, so that the network is its own cell.
    n_alike : int
        How many modules of a network are alike it, at least.
    is_named : bool
        Whether the space names it; otherwise it was found from the module tree.
    tells_apart : bool
        Whether it differs wherever the networks differ, as far as the networks that were looked
        at say; not without neighbours, which show each choice alone. What a space names is taken
        to.
    """

    scope: str
    n_alike: int
    is_named: bool
    tells_apart: bool

    def __str__(self) -> str:
        if not self.scope:
            return "the network: no module repeats"
        if self.is_named:
            return f"module {self.scope!r}, named by the space"
        told = "" if self.tells_apart else "; networks may differ outside of it"
        return f"module {self.scope!r}, the first of {self.n_alike} alike in each network{told}"


def choose_cell(names: Sequence[str], near: Iterable[str], graphs: Graphs, named: str) -> Cell:
    """The cell of a space: the one that it names, or the module that repeats.

    Parameters
    ----------
    names : sequence of str
        All architectures.
    near : iterable of str
        The neighbours of some architecture: where each of its choices shows.
    graphs : callable
        Gives the network of an architecture.
    named : str
        The scope that the space names; "" where it names none.

    Raises
    ------
    ArgumentError
        If the first network has no module of the name that is given.
    """
    if named:
        first = graphs(names[0])
        if not part_of(first, named).kernels:
            scopes = sorted({kernel.scope for kernel in first.kernels if kernel.scope})
            raise ArgumentError(
                "cell", "be a module that runs in every network", f"{named!r:.200}",
                f"there are {', '.join(scopes[:8])}",
            )  # fmt: skip
        return Cell(named, 1, is_named=True, tells_apart=True)
    drawn = np.random.default_rng(0).permutation(len(names))[:_SAMPLED]
    chosen = dict.fromkeys([names[i] for i in sorted(drawn.tolist())])
    beside = list(near)[:_SAMPLED]
    chosen |= dict.fromkeys(beside)
    networks = [graphs(name) for name in chosen]
    found = find_cell([graph for graph in networks if graph.kernels])
    if found is None:
        return Cell("", 1, is_named=False, tells_apart=True)
    scope, n_alike = found
    pairs = [
        tuple(certificate(shown_part(graph, at, is_live=True, boundary=True)) for at in ("", scope))
        for graph in networks
    ]
    # Networks drawn at random differ in all their choices; their neighbours differ in one.
    tells_apart = bool(beside) and len(set(pairs)) == len({cell for _, cell in pairs})
    return Cell(scope, n_alike, is_named=False, tells_apart=tells_apart)


def shown_part(
    graph: ComputationalGraph, scope: str, *, is_live: bool, boundary: bool
) -> KernelGraph:
    """Kernel graph of a module of a network."""
    part = part_of(graph, scope)
    return project(live(part) if is_live else part, boundary=boundary)


def cell_population(
    names: Sequence[str], graphs: Graphs, scope: str, *, is_live: bool, boundary: bool, n_jobs: int
) -> Population:
    """Kernel graphs of the cells of all architectures."""
    work = partial(_shown, graphs=graphs, scope=scope, is_live=is_live, boundary=boundary)
    tasks = [names[i : i + _NAMES_A_TASK] for i in range(0, len(names), _NAMES_A_TASK)]
    found = [graph for part in parallel_map(work, tasks, n_jobs=n_jobs) for graph in part]
    return Population(found, names)


def _shown(
    names: Sequence[str], *, graphs: Graphs, scope: str, is_live: bool, boundary: bool
) -> list[KernelGraph]:
    return [shown_part(graphs(name), scope, is_live=is_live, boundary=boundary) for name in names]
