"""Graphs as networkx graphs with plain attributes, and back: what the text formats share.

Every graph says what it is in the attribute "cgraph"; nodes of a computational graph get a
"label" to be shown by; facts that are known of the program stand beside the graph's own
attributes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import networkx as nx
import numpy as np

from cgraph.errors import ArgumentError, GraphError
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.labels import label_with_attributes
from cgraph.graphs.records import KERNEL_FIELDS, MEMORY_FIELDS

Graph: TypeAlias = "ComputationalGraph | KernelGraph"
Fact: TypeAlias = "bool | int | float | str | None"

KIND = "cgraph"
COMPUTATIONAL = "computational-graph"
KERNEL = "kernel-graph"

# What graphs, networkx and the formats mean something else by.
_RESERVED_WORDS = (
    "id label pid key name outputs start end viz parents slices spells mode node_default "
    "edge_default directed multigraph cgraph"
)
RESERVED = frozenset((*_RESERVED_WORDS.split(), *MEMORY_FIELDS, *KERNEL_FIELDS, "bipartite", "row"))


def to_network(graph: Graph, facts: Mapping[str, Fact] | None = None) -> nx.DiGraph:
    """The networkx graph of a graph, labelled, with facts among its attributes.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to convert.
    facts : mapping of str to plain value, optional
        What is known of the program. None and NaN are left out.

    Returns
    -------
    networkx.DiGraph
        Every attribute is a truth value, a number or text.

    Raises
    ------
    ArgumentError
        If a fact has a name that means something else, or is not plain.
    """
    if not isinstance(graph, ComputationalGraph | KernelGraph):
        raise ArgumentError(
            "graph",
            "be a ComputationalGraph or a KernelGraph",
            type(graph).__name__,
            "a model has to go through trace() first",
        )
    network = graph.to_networkx()
    if isinstance(graph, ComputationalGraph):
        network.graph[KIND] = COMPUTATIONAL
        for i, memory in enumerate(graph.memories):
            network.nodes[f"m{i}"]["label"] = memory.name
        for i, kernel in enumerate(graph.kernels):
            network.nodes[f"k{i}"]["label"] = label_with_attributes(kernel)
    else:
        network.graph[KIND] = KERNEL
    network.graph.update(plain_facts(facts))
    return network


def from_network(network: nx.DiGraph) -> Graph:
    """The graph of `to_network`, or of any networkx graph with the same attributes.

    Raises
    ------
    GraphError
        If it is neither a computational graph nor a labelled one; says what a node lacks.
    """
    kind = network.graph.get(KIND)
    if kind is None:
        is_bipartite = any("bipartite" in data for _, data in network.nodes(data=True))
        kind = COMPUTATIONAL if is_bipartite else KERNEL
    if kind == COMPUTATIONAL:
        return ComputationalGraph.from_networkx(network)
    if kind == KERNEL:
        return KernelGraph.from_networkx(network)
    raise GraphError(f"the attribute {KIND!r}", f"be {COMPUTATIONAL!r} or {KERNEL!r}", repr(kind))


def plain_facts(facts: Mapping[str, Fact] | None) -> dict[str, bool | int | float | str]:
    """Facts without those that are missing, as Python's own types.

    Raises
    ------
    ArgumentError
        If a name is reserved, or a value is not plain.

    Examples
    --------
    >>> plain_facts({"cluster": 3, "ntk": float("nan"), "reason": None})
    {'cluster': 3}
    """
    found: dict[str, bool | int | float | str] = {}
    for name, value in (facts or {}).items():
        if name in RESERVED:
            raise ArgumentError(
                "facts", f"have other names than {', '.join(sorted(RESERVED))}", repr(name)
            )
        plain: Any = value.item() if isinstance(value, np.generic) else value
        if plain is None or (isinstance(plain, float) and math.isnan(plain)):
            continue
        if not isinstance(plain, bool | int | float | str):
            raise ArgumentError(
                f"facts[{name!r}]", "be a truth value, a number or text", type(value).__name__
            )
        found[name] = plain
    return found
