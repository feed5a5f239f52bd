"""Strings of DARTS architectures, and the genotypes in which papers print them.

A node is written ``sep_conv_3x3~0+skip_connect~1``: its two operations, each with the number of
what it reads, 0 and 1 for the outputs of the two cells before, 2 to 4 for the nodes before it; the
lower one first. The four nodes of the normal cell stand before those of the reduction cell, with
"|" between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from cgraph import checks
from cgraph.errors import ArchitectureError, ArgumentError
from cgraph.spaces.places import SEPARATOR, Choices

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
N_NODES = 4
"""Nodes of a cell, beside its two inputs."""

Edge = tuple[str, int]
"""An operation and what it reads."""

Genotype = Sequence[tuple[str, int]]
"""The edges of a cell as papers print them: two for each node, in any order."""


def choices() -> Choices:
    """The options of each node of both cells."""
    nodes = [
        tuple(
            _node([(a, i), (b, j)])
            for i, j in combinations(range(2 + node), 2)
            for a, b in product(OPERATIONS, repeat=2)
        )
        for node in range(N_NODES)
    ]
    return (*nodes, *nodes)


def sorted_nodes(text: str) -> str:
    """The string with the lower input of each node first."""
    checks.text("arch", text, error=ArchitectureError)
    return SEPARATOR.join(
        "+".join(sorted(word.split("+"), key=lambda edge: edge.rpartition("~")[2]))
        for word in text.split(SEPARATOR)
    )


def cells(text: str) -> tuple[list[list[Edge]], list[list[Edge]]]:
    """Edges of each node of the normal and of the reduction cell."""
    nodes = [[_edge(edge) for edge in word.split("+")] for word in text.split(SEPARATOR)]
    return nodes[:N_NODES], nodes[N_NODES:]


def from_genotype(normal: Genotype, reduction: Genotype) -> str:
    """String of an architecture from the lists in which papers print its two cells.

    Parameters
    ----------
    normal, reduction : sequence of (str, int)
        Two edges for each node: the operation, and the number of what it reads.

    Raises
    ------
    ArgumentError
        If one is not four times two edges.
    ArchitectureError
        If an edge is not of the space.

    Examples
    --------
    >>> cell = [("skip_connect", 1), ("max_pool_3x3", 0)] * 4
    >>> from_genotype(cell, cell)[:36]
    'max_pool_3x3~0+skip_connect~1|max_po'
    """
    words = []
    for name, genotype in (("normal", normal), ("reduction", reduction)):
        if len(genotype) != 2 * N_NODES:
            raise ArgumentError(name, f"be {2 * N_NODES} edges", len(genotype))
        edges = [(operation, int(source)) for operation, source in genotype]
        words += [_node(edges[2 * k : 2 * k + 2]) for k in range(N_NODES)]
    for word, options in zip(words, choices(), strict=True):
        if word not in options:
            raise ArchitectureError("genotype", "be of nodes with two inputs of DARTS", repr(word))
    return SEPARATOR.join(words)


def changed_edges(nodes: Sequence[str]) -> Iterator[list[str]]:
    """The nodes where one operation, or one input of a node, is another."""
    for place, word in enumerate(nodes):
        edges = [_edge(edge) for edge in word.split("+")]
        for which, (operation, source) in enumerate(edges):
            other = edges[1 - which]
            changed = [(name, source) for name in OPERATIONS if name != operation]
            inputs = range(2 + place % N_NODES)
            changed += [(operation, i) for i in inputs if i not in (source, other[1])]
            for edge in changed:
                yield [*nodes[:place], _node([edge, other]), *nodes[place + 1 :]]


def _node(edges: Sequence[Edge]) -> str:
    ordered = sorted(edges, key=lambda edge: edge[1])
    return "+".join(f"{operation}~{source}" for operation, source in ordered)


def _edge(text: str) -> Edge:
    operation, _, source = text.partition("~")
    return operation, int(source)
