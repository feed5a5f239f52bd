"""The architectures of a data set: their operations, strings and numbers, in the official order."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cgraph.errors import ArchitectureError
from cgraph.spaces.nasbenchgraph import notation
from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS
from cgraph.spaces.nasbenchgraph.notation import LINKS, OPERATIONS, SKIP, Nodes


@cache
def rows(dataset: str) -> NDArray[np.int64]:
    """Tree and operations of each architecture, by rising key, shape (n, 5), read-only.

    Parameters
    ----------
    dataset : str
        A name of `DATA_SETS`.

    Examples
    --------
    >>> len(rows("cora")), len(rows("proteins"))
    (26206, 2021)
    """
    every = notation.rows()
    allowed = [OPERATIONS.index(name) for name in DATA_SETS[dataset].operations]
    found = every[np.isin(every[:, 1:], allowed).all(axis=1)]
    found.setflags(write=False)
    return found


@cache
def strings(dataset: str) -> tuple[str, ...]:
    """String of each architecture.

    Examples
    --------
    >>> strings("cora")[:2]
    ('gat~0|gat~0|gat~0|gat~0', 'gat~0|gat~0|gat~0|gcn~0')
    """
    return tuple(notation.format_nodes(*nodes_of(row)) for row in rows(dataset).tolist())


@cache
def places(dataset: str) -> dict[int, int]:
    """Place of each key in the official order."""
    return {notation.key_of(*nodes_of(row)): i for i, row in enumerate(rows(dataset).tolist())}


def nodes_of(row: list[int]) -> Nodes:
    """What each operation reads, and what it is."""
    return LINKS[row[0]], tuple(row[1:])


def place_of(nodes: Nodes, dataset: str) -> int:
    """Place of an architecture in the official order.

    Raises
    ------
    ArchitectureError
        If it is not in the space; says which one the benchmark has in its place.
    """
    place = places(dataset).get(notation.key_of(*nodes))
    if place is not None:
        return place
    links, operations = nodes
    text = notation.format_nodes(links, operations)
    allowed = DATA_SETS[dataset].operations
    for operation in operations:
        if OPERATIONS[operation] not in allowed:
            raise ArchitectureError(
                "arch", f"be made of {', '.join(allowed)} on {dataset}",
                f"{OPERATIONS[operation]!r} in {text!r}",
            )  # fmt: skip
    if set(operations) == {SKIP}:
        raise ArchitectureError("arch", "hold more than skips", repr(text))
    other = notation.format_nodes(*notation.settled(links, operations))
    raise ArchitectureError(
        "arch",
        "have its skips at the root, or as leaves beside another operation",
        repr(text),
        f"the benchmark has {other!r} in its place",
    )


@cache
def neighbours(place: int, dataset: str) -> tuple[int, ...]:
    """Places of the architectures that differ by the least change, rising."""
    known = places(dataset)
    keys = (
        notation.key_of(*nodes)
        for nodes in notation.neighbours(*nodes_of(rows(dataset)[place].tolist()))
    )
    return tuple(sorted(known[key] for key in keys if key in known))


def program_of(place: int, dataset: str) -> str:
    """Name of the program of an architecture, its sizes included, the same on every machine."""
    record = DATA_SETS[dataset]
    facts = (
        rows(dataset)[place].tolist(), record.n_features, record.n_classes, record.channels,
        record.has_pre, record.has_post, record.is_normalised,
    )  # fmt: skip
    return hashlib.blake2b(repr(("nasbenchgraph", facts)).encode(), digest_size=16).hexdigest()
