"""Graphs as GraphML and as GEXF, for Gephi, yEd, Cytoscape and networkx, and back.

Both are written and read by networkx. GEXF has no attributes of a whole graph: they stand as JSON
in its description, and facts on every node besides, where Gephi can colour and filter by them.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

import networkx as nx
from networkx.readwrite.gexf import GEXFWriter

from cgraph.errors import GraphError
from cgraph.export.networks import Fact, Graph, from_network, plain_facts, to_network

# What XML 1.0 cannot hold, and the carriage return, which its readers turn into a line feed.
_UNFIT = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_graphml(graph: Graph, facts: Mapping[str, Fact] | None = None) -> str:
    """A graph as GraphML; facts are attributes of the graph.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to write.
    facts : mapping of str to plain value, optional
        What is known of the program: its cluster, its statistics.

    Raises
    ------
    GraphError
        If a name holds a character that XML cannot hold.
    """
    return graphml_of(to_network(graph, facts))


def from_graphml(text: str) -> Graph:
    """The graph of a GraphML text.

    Raises
    ------
    GraphError
        If the text is not GraphML (says at which line), or its nodes lack what a graph needs.
    """
    return from_network(network_of_graphml(text))


def network_of_graphml(text: str) -> nx.DiGraph:
    """The networkx graph of a GraphML text.

    Raises
    ------
    GraphError
        If the text is not GraphML, or of no directed graph.
    """
    return _read(lambda: nx.parse_graphml(text), "GraphML")


def graphml_of(network: nx.DiGraph) -> str:
    """A networkx graph with plain attributes as GraphML."""
    _check_characters(network)
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n'
    return declaration + "\n".join(nx.generate_graphml(network)) + "\n"


def to_gexf(graph: Graph, facts: Mapping[str, Fact] | None = None) -> str:
    """A graph as GEXF 1.2; facts are attributes of every node, and in the description.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to write.
    facts : mapping of str to plain value, optional
        What is known of the program: its cluster, its statistics.

    Raises
    ------
    GraphError
        If a name holds a character that XML cannot hold.
    """
    network = to_network(graph, facts)
    known = plain_facts(facts)
    for _, data in network.nodes(data=True):
        data.update({name: value for name, value in known.items() if name not in data})
    return gexf_of(network)


def from_gexf(text: str) -> Graph:
    """The graph of a GEXF text.

    Raises
    ------
    GraphError
        If the text is not GEXF (says at which line), or its nodes lack what a graph needs.
    """
    return from_network(network_of_gexf(text))


def network_of_gexf(text: str) -> nx.DiGraph:
    """The networkx graph of a GEXF text.

    Raises
    ------
    GraphError
        If the text is not GEXF, or of no directed graph.
    """
    network = _read(lambda: nx.read_gexf(io.BytesIO(text.encode())), "GEXF")
    network.graph.update(_description(text))
    return network


def gexf_of(network: nx.DiGraph) -> str:
    """A networkx graph with plain attributes as GEXF; equal graphs give equal bytes."""
    _check_characters(network)
    writer = GEXFWriter(version="1.2draft")
    writer.add_graph(network)
    writer.graph_element.attrib.pop("name")  # not of the format: it is in the description
    meta = writer.xml.find("meta")
    meta.attrib.pop("lastmodifieddate")
    meta.find("creator").text = "cgraph"
    ElementTree.SubElement(meta, "description").text = json.dumps(network.graph)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue().decode() + "\n"


def _description(text: str) -> dict[str, Any]:
    """Attributes of the graph from the description; none where another program wrote it."""
    found = ElementTree.fromstring(text.encode()).find("{*}meta/{*}description")
    try:
        value = json.loads(found.text or "") if found is not None else {}
    except json.JSONDecodeError:
        return {}  # a description in words
    return value if isinstance(value, dict) else {}


def _read(read: Callable[[], nx.Graph], language: str) -> nx.DiGraph:
    try:
        network = read()
    except ElementTree.ParseError as error:
        line, column = error.position
        raise GraphError(
            "the text",
            f"be {language}",
            f"XML that breaks off at line {line}, column {column} ({error})",
        ) from error
    except (nx.NetworkXError, KeyError, ValueError, TypeError) as error:
        raise GraphError(
            "the text", f"be {language}", f"{type(error).__name__}: {error}"
        ) from error
    if network.is_multigraph() or not network.is_directed():
        raise GraphError(
            "the graph", "be directed, with one edge from a node to another", f"a {network}"
        )
    return network


def _check_characters(network: nx.DiGraph) -> None:
    """Raise where a text cannot stand in XML."""
    records = [("the graph", network.graph), *network.nodes(data=True)]
    for place, data in records:
        for name, value in data.items():
            for text in (str(name), str(value)):
                if _UNFIT.search(text):
                    raise GraphError(
                        f"{name!r} of {place}",
                        "hold characters that XML has",
                        repr(text),
                        "write JSON instead",
                    )
