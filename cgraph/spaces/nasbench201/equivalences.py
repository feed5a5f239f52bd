"""Which cells of NAS-Bench-201 count as the same: ten answers, by name.

Papers disagree on how many distinct cells there are because they mean different things by it. An
equivalence gives a key for each cell; cells are equivalent where the keys are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cgraph.graphs.canonical import certificate_of_arrays
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL
from cgraph.registry import Table
from cgraph.spaces.nasbench201.notation import (
    EDGES,
    N_NODES,
    NONE,
    OPERATIONS,
    codes,
    encode,
    operations_table,
)
from cgraph.spaces.nasbench201.programs import cut_dead, representatives

_AUTHORS = "Dong and Yang, 2020, NAS-Bench-201"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """A way to say which cells are the same.

    Parameters
    ----------
    name : str
        What it is called.
    keys : callable
        Gives one hashable key for each cell, in the official order.
    n_classes : int
        How many classes the 15,625 cells fall into.
    summary : str
        What makes two cells equivalent, in a line.
    source : str
        Whose it is.
    """

    name: str
    keys: Callable[[], Iterable[Hashable]]
    n_classes: int
    summary: str
    source: str


@cache
def classes(name: str) -> NDArray[np.int64]:
    """Class of each cell under an equivalence, numbered by first appearance, read-only.

    Parameters
    ----------
    name : str
        A name of `EQUIVALENCES`.

    Returns
    -------
    ndarray of int64, shape (15625,)

    Raises
    ------
    UnknownNameError
        If there is no such equivalence.

    Examples
    --------
    >>> int(classes("authors").max()) + 1
    6466
    """
    found: dict[Hashable, int] = {}
    keys = EQUIVALENCES[name].keys()
    result = np.array([found.setdefault(key, len(found)) for key in keys], dtype=np.int64)
    result.setflags(write=False)
    return result


def expression(
    operations: tuple[int, ...],
    *,
    zeros: Literal["operation", "term", "dropped"],
    flatten: bool = False,
) -> str:
    """A cell as an expression in its input, sums sorted and skips contracted.

    Parameters
    ----------
    operations : tuple of 6 int
        The cell.
    zeros : {"operation", "term", "dropped"}
        What a zero is: an operation like any other; the term "#", which every operation passes
        on but which still counts in a sum; or nothing.
    flatten : bool, default=False
        Whether a sum that a skip carries into another sum is merged into it.

    Examples
    --------
    >>> expression((3, 0, 0, 1, 1, 0), zeros="term")
    '#+(0)@nor_conv_3x3+0'
    """
    nodes = [["0"]]
    for target in range(1, N_NODES):
        terms = []
        for edge, (source, end) in enumerate(EDGES):
            if end != target:
                continue
            terms += _terms(OPERATIONS[operations[edge]], nodes[source], zeros, flatten)
        nodes.append(sorted(terms))
    return "+".join(nodes[-1])


def _terms(operation: str, source: list[str], zeros: str, flatten: bool) -> list[str]:
    """Terms that an edge adds to a sum, given the terms of the node that it comes from."""
    value = "+".join(source)
    if zeros == "term" and (operation == "none" or value == "#"):
        return ["#"]
    if zeros == "dropped" and (operation == "none" or not source):
        return []
    if operation == "skip_connect":
        return source if flatten else [value]
    return [f"({value})@{operation}"]


def _expressions(
    *, zeros: Literal["operation", "term", "dropped"], flatten: bool = False
) -> Iterable[str]:
    for row in operations_table().tolist():
        yield expression(tuple(row), zeros=zeros, flatten=flatten)


def _live_codes() -> Iterable[int]:
    result: list[int] = encode(cut_dead(operations_table())).tolist()
    return result


def _operation_certificates() -> Iterable[bytes]:
    live = cut_dead(operations_table())
    form = {int(encode(row)): _operation_certificate(row) for row in np.unique(live, axis=0)}
    return (form[code] for code in encode(live).tolist())


def _operation_certificate(operations: NDArray[np.int64]) -> bytes:
    """Certificate of a cell whose nodes are its operations, skips included."""
    edges = np.flatnonzero(operations != NONE).tolist()
    labels = [INPUT_LABEL, OUTPUT_LABEL, *(OPERATIONS[operations[edge]] for edge in edges)]
    # The input ends at the first node of the cell; the output begins at the last.
    begins = [-1, N_NODES - 1, *(EDGES[edge][0] for edge in edges)]
    ends = [0, -2, *(EDGES[edge][1] for edge in edges)]
    rows = [(u, v) for u, end in enumerate(ends) for v, begin in enumerate(begins) if end == begin]
    return certificate_of_arrays(labels, np.array(rows, dtype=np.int64).reshape(-1, 2))


def _kernel_classes(*, boundary: bool) -> Iterable[int]:
    # Tracing the pieces loads PyTorch.
    from cgraph.spaces.nasbench201.population import compose_population

    result: list[int] = compose_population("cell", "live", boundary=boundary).classes().tolist()
    return result


EQUIVALENCES: Table[Equivalence] = Table(
    "equivalence",
    [
        Equivalence("string", lambda: codes().tolist(), 15625, "the same string", _AUTHORS),
        Equivalence(
            "skips",
            partial(_expressions, zeros="operation"),
            12751,
            "the same expression, skips contracted",
            f"{_AUTHORS}, to_unique_str(consider_zero=False)",
        ),
        Equivalence(
            "dead-branches",
            _live_codes,
            9445,
            "the same string once dead operations are cut",
            "reachability",
        ),
        Equivalence(
            "operations",
            _operation_certificates,
            8765,
            "isomorphic live parts, a skip kept as a node",
            "exact certificates",
        ),
        Equivalence(
            "authors",
            partial(_expressions, zeros="term"),
            6466,
            "the same expression, skips contracted and zeros passed on",
            f"{_AUTHORS}, to_unique_str(consider_zero=True)",
        ),
        Equivalence(
            "zero-terms",
            partial(_expressions, zeros="dropped"),
            5390,
            "as authors, and zeros dropped from sums",
            "expressions",
        ),
        Equivalence(
            "flat-sums",
            partial(_expressions, zeros="dropped", flatten=True),
            4930,
            "as zero-terms, and sums carried by skips merged",
            "expressions",
        ),
        Equivalence(
            "programs",
            lambda: representatives().tolist(),
            5425,
            "isomorphic live programs, how often each term is added included",
            "exact certificates",
        ),
        Equivalence(
            "kernels",
            partial(_kernel_classes, boundary=False),
            4329,
            "isomorphic live kernel graphs",
            "exact certificates",
        ),
        Equivalence(
            "kernels-with-boundary",
            partial(_kernel_classes, boundary=True),
            5303,
            "isomorphic live kernel graphs, inputs and outputs kept as nodes",
            "exact certificates",
        ),
    ],
)
