"""What of a cell is alive, and which cells are one program.

An operation is dead where no input reaches it or where what it makes reaches no output: zeros
are cut away, and what only feeds zeros or is fed by nothing but them. What is left is a program:
identities are contracted and sums flattened, so that a term is the input or what an operation
makes, and two cells are one program exactly when a renumbering of the operations turns the one
into the other, how often each term is added included. Such cells compute the same function of
the same weights, up to the rounding of sums.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cgraph.graphs.canonical import certificate_of_arrays, digest
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, KernelGraph
from cgraph.spaces.nasbench201.notation import (
    EDGES,
    N_NODES,
    NONE,
    OPERATIONS,
    SKIP,
    encode,
    indices,
    operations_table,
)

# A term of a sum: the number of the edge whose operation made it, or the input of the cell.
INPUT = -1


def reaches(operations: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which nodes the input reaches, and which reach the output, over edges that are not `none`.

    Parameters
    ----------
    operations : ndarray of int64, shape (n, 6)
        Cells.

    Returns
    -------
    from_input, to_output : ndarray of bool, shape (n, 4)
    """
    passes = operations != NONE
    from_input = np.zeros((len(operations), N_NODES), dtype=bool)
    to_output = np.zeros_like(from_input)
    from_input[:, 0] = to_output[:, -1] = True
    for edge, (source, target) in enumerate(EDGES):
        from_input[:, target] |= passes[:, edge] & from_input[:, source]
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        to_output[:, source] |= passes[:, edge] & to_output[:, target]
    return from_input, to_output


def ignores_input(operations: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which cells have no way from the input to the output, shape (n,).

    Examples
    --------
    >>> int(ignores_input(operations_table()).sum())
    341
    """
    from_input, _ = reaches(operations)
    return np.logical_not(from_input[:, -1])


def cut_dead(operations: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cells with every dead operation replaced by `none`, shape (n, 6).

    Examples
    --------
    >>> cut_dead(np.array([[3, 0, 0, 1, 0, 0]])).tolist()  # the 3x3 convolution leads nowhere
    [[0, 0, 0, 1, 0, 0]]
    """
    from_input, to_output = reaches(operations)
    sources, targets = np.array(EDGES).T
    return np.where(from_input[:, sources] & to_output[:, targets], operations, NONE)


def sums(operations: tuple[int, ...]) -> list[Counter[int]]:
    """What each node of a cell without dead operations adds up: terms, with how often.

    Identities are contracted and sums of sums flattened.

    Examples
    --------
    >>> sums((1, 0, 0, 1, 3, 0))[-1]  # the input, and the convolution on edge 4
    Counter({-1: 1, 4: 1})
    """
    nodes: list[Counter[int]] = [Counter([INPUT])]
    for target in range(1, N_NODES):
        terms: Counter[int] = Counter()
        for edge, (source, end) in enumerate(EDGES):
            if end == target and operations[edge] == SKIP:
                terms += nodes[source]
            elif end == target and operations[edge] != NONE:
                terms[edge] += 1
        nodes.append(terms)
    return nodes


def program_graph(operations: tuple[int, ...]) -> KernelGraph:
    """The program of a cell without dead operations, as a labelled graph.

    Nodes are the input, the operations that compute, and the output; the terms of a sum are the
    predecessors of who reads it. A term that is added m > 1 times goes through a node "times m".

    Examples
    --------
    >>> program_graph((1, 1, 0, 0, 3, 3)).labels
    ('input', 'output', 'nor_conv_3x3', 'nor_conv_3x3')
    """
    labels, edges = _program(operations)
    return KernelGraph(labels, edges)


def _program(operations: tuple[int, ...]) -> tuple[list[str], list[tuple[int, int]]]:
    """Labels and edges of the program of a cell without dead operations."""
    nodes = sums(operations)
    computing = [edge for edge in range(len(EDGES)) if operations[edge] not in (NONE, SKIP)]
    place = {INPUT: 0} | {edge: i for i, edge in enumerate(computing, start=2)}
    labels = [INPUT_LABEL, OUTPUT_LABEL, *(OPERATIONS[operations[edge]] for edge in computing)]
    edges = []
    readers = [(place[edge], nodes[EDGES[edge][0]]) for edge in computing] + [(1, nodes[-1])]
    for reader, terms in readers:
        for term, times in sorted(terms.items()):
            if times == 1:
                edges.append((place[term], reader))
            else:
                edges += [(place[term], len(labels)), (len(labels), reader)]
                labels.append(f"times {times}")
    return labels, edges


@cache
def representatives() -> NDArray[np.int64]:
    """Index of the cell that stands for the program of each cell, shape (15625,), read-only.

    It is the first cell of that program, in the official order, that has no dead operation.
    """
    live = cut_dead(operations_table())
    places = indices()[encode(live)]  # index of each cell once its dead operations are cut
    first: dict[bytes, int] = {}
    found = np.empty(len(live), dtype=np.int64)
    for index in np.unique(places).tolist():  # ascending, so the first of a class comes first
        labels, edges = _program(tuple(operations_table()[index].tolist()))
        form = certificate_of_arrays(labels, np.array(edges, dtype=np.int64).reshape(-1, 2))
        found[index] = first.setdefault(form, index)
    result = found[places]
    result.setflags(write=False)
    return result


@cache
def program_digest(index: int) -> str:
    """Name of the program of a representative: equal for equal programs, on every machine."""
    return digest(program_graph(tuple(operations_table()[index].tolist())))
