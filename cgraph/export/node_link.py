"""Graphs as node-link JSON, as networkx and D3 read it, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import networkx as nx

from cgraph.errors import GraphError
from cgraph.export.json_text import parse
from cgraph.export.networks import Fact, Graph, from_network, to_network

_INFINITE = (math.inf, -math.inf)  # no numbers of JSON: written as text


def to_node_link(graph: Graph, facts: Mapping[str, Fact] | None = None) -> str:
    """A graph as node-link JSON; facts are attributes of the graph.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to write.
    facts : mapping of str to plain value, optional
        What is known of the program: its cluster, its statistics.

    Examples
    --------
    >>> from cgraph.graphs.kernel import KernelGraph
    >>> to_node_link(KernelGraph(["relu"], []), {"cluster": 3})[:60]
    '{"directed": true, "multigraph": false, "graph": {"cgraph": '
    """
    return node_link_of(to_network(graph, facts))


def from_node_link(text: str) -> Graph:
    """The graph of a node-link JSON text.

    Raises
    ------
    GraphError
        If the text is not JSON (says at which line), not of this form, or its nodes lack what a
        graph needs.
    """
    return from_network(network_of_node_link(text))


def network_of_node_link(text: str) -> nx.DiGraph:
    """The networkx graph of a node-link JSON text.

    Raises
    ------
    GraphError
        If the text is not JSON, not of this form, or of no directed graph.
    """
    value = parse(text)
    if not isinstance(value, dict) or "nodes" not in value or not {"edges", "links"} & {*value}:
        raise GraphError("the text", "have nodes, and edges or links", "JSON without them")
    try:
        network = nx.node_link_graph(value, edges="edges" if "edges" in value else "links")
    except (KeyError, TypeError, AttributeError, nx.NetworkXError) as error:
        raise GraphError(
            "the text", "be node-link JSON", f"{type(error).__name__}: {error}"
        ) from error
    if network.is_multigraph() or not network.is_directed():
        raise GraphError(
            "the graph", "be directed, with one edge from a node to another", f"a {network}"
        )
    return network


def node_link_of(network: nx.DiGraph) -> str:
    """A networkx graph with plain attributes as node-link JSON."""
    value = nx.node_link_data(network, edges="edges")
    for record in (value["graph"], *value["nodes"]):
        record.update({name: repr(v) for name, v in record.items() if v in _INFINITE})
    return json.dumps(value, allow_nan=False) + "\n"
