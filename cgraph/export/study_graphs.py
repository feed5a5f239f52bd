"""Graphs of the architectures of a study: a file for each, or all of them in one.

A directory has a file for each architecture and an `index.csv` that says whose it is. One file
holds the kernel graphs side by side, every node with what is known of its architecture: what Gephi
colours and filters by.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from cgraph.errors import ArgumentError, GraphError
from cgraph.export.columns import USAGE_PREFIX, column_of
from cgraph.export.graph_files import FORMATS, read_graph, render
from cgraph.export.markup import gexf_of, graphml_of, network_of_gexf, network_of_graphml
from cgraph.export.networks import Fact, Graph, from_network, plain_facts, to_network
from cgraph.export.node_link import network_of_node_link, node_link_of
from cgraph.export.studied import Chosen, Progress, batches
from cgraph.export.tables import architecture_table
from cgraph.files.writing import whole_file
from cgraph.graphs.kernel import KernelGraph
from cgraph.registry import Table

INDEX = "index.csv"
ARCHITECTURE = "architecture"
EMPTY = "empty"

# Of the map or of how often was measured, not of the program.
_LEFT_OUT = ("x", "y")
_LEFT_OUT_ENDINGS = (":n_draws", ":n_failures")
# On a node "macs" are those of the kernel.
_RENAMED = {"macs": "network_macs"}


@dataclass(frozen=True, slots=True)
class JointFormat:
    """A format that holds many graphs in one file.

    Parameters
    ----------
    name : str
        Its name among the formats of graphs.
    write : callable
        From a networkx graph to text.
    read : callable
        From text to a networkx graph.
    """

    name: str
    write: Callable[[nx.DiGraph], str]
    read: Callable[[str], nx.DiGraph]


JOINT_FORMATS: Table[JointFormat] = Table(
    "format of many graphs",
    [
        JointFormat("graphml", graphml_of, network_of_graphml),
        JointFormat("gexf", gexf_of, network_of_gexf),
        JointFormat("node-link", node_link_of, network_of_node_link),
    ],
)


def graphs_of(
    chosen: Chosen, progress: Progress | None = None
) -> Iterator[tuple[int, str, Graph, Mapping[str, Fact]]]:
    """Position, string, graph and facts of each chosen architecture.

    Parameters
    ----------
    chosen : Chosen
        The architectures.
    progress : callable, optional
        Called with those that are done, and how many there are.

    Yields
    ------
    tuple of int, str, graph, dict
        Kernel graphs are those that were clustered. Facts are plain values.
    """
    space, part = chosen.found_space(), chosen.study.configuration["part"]
    population = space.population(part=part) if chosen.graphs == "kernel" else None
    rows = architecture_table(chosen.study, chosen.positions).to_dict("records")
    for piece, row in zip(batches(chosen, 1, progress), rows, strict=True):
        (position,) = piece.tolist()
        graph = space.graph(position, part, "live") if population is None else population[position]
        yield position, str(row["name"]), graph, _facts(row)


def write_graphs(name: str, chosen: Chosen, path: Path, progress: Progress | None = None) -> None:
    """Write graphs in a format: into one file where the path has an ending, else a directory.

    Parameters
    ----------
    name : str
        A name of the formats of graphs.
    chosen : Chosen
        The architectures.
    path : Path
        The directory, made where it does not exist, or the file.
    progress : callable, optional
        Called with the architectures that are done, and how many there are.

    Raises
    ------
    ArgumentError
        If the format, or what is chosen, cannot stand in one file.
    """
    if path.suffix:
        _write_joint(name, chosen, path, progress)
        return
    path.mkdir(parents=True, exist_ok=True)
    ending = FORMATS[name].endings[0]
    width = len(str(max(chosen.positions.tolist(), default=0)))
    rows = []
    for position, architecture, graph, facts in graphs_of(chosen, progress):
        file = f"{position:0{width}}{ending}"
        known = {ARCHITECTURE: architecture, **facts} if FORMATS[name].takes_facts else None
        with whole_file(path / file) as temporary:
            temporary.write_bytes(render(graph, name, known))
        rows.append({"file": file, ARCHITECTURE: architecture, **facts})
    table = pd.DataFrame(rows) if rows else pd.DataFrame({"file": [], ARCHITECTURE: []})
    with whole_file(path / INDEX) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def read_graphs(path: Path, name: str | None = None) -> dict[str, Graph]:
    """Graphs of a directory or a file that `write_graphs` made, by architecture.

    Parameters
    ----------
    path : Path
        The directory, or the file.
    name : str, optional
        Format of a file; by its ending by default.

    Raises
    ------
    ArgumentError
        If the directory has no index, or the file is of a format that holds one graph.
    GraphError
        If a file is cut off, or its nodes do not say whose they are.
    """
    if path.is_dir():
        if not (path / INDEX).is_file():
            raise ArgumentError("path", f"be a directory with {INDEX}", repr(str(path)))
        index = pd.read_csv(path / INDEX, dtype="string", keep_default_na=False)
        pairs = zip(index["file"], index[ARCHITECTURE], strict=True)
        return {str(name): read_graph(_inside(path, str(file))) for file, name in pairs}
    return _split(_joint_format(name, path).read(path.read_text(encoding="utf-8")))


def _inside(directory: Path, file: str) -> Path:
    """A file that an index names, which lies beside it and nowhere else."""
    if file != Path(file).name or "\\" in file or (directory / file).is_symlink():
        raise ArgumentError("path", f"be a directory whose {INDEX} names its own files", repr(file))
    return directory / file


def _write_joint(name: str, chosen: Chosen, path: Path, progress: Progress | None) -> None:
    joint = _joint_format(name, path)
    if chosen.graphs != "kernel":
        raise ArgumentError(
            "path",
            "be a directory for computational graphs",
            repr(str(path)),
            "leave the ending out",
        )
    whole, empty = nx.DiGraph(), []
    for position, architecture, graph, facts in graphs_of(chosen, progress):
        network = to_network(graph)
        known = {ARCHITECTURE: architecture, **facts}
        if not len(network):
            empty.append(architecture)
        for node, data in network.nodes(data=True):
            whole.add_node(f"{position}.{node}", **{**known, **data})
        whole.add_edges_from((f"{position}.{u}", f"{position}.{v}") for u, v in network.edges)
    if empty:
        whole.graph[EMPTY] = json.dumps(empty)  # they have no node to say so
    with whole_file(path) as temporary:
        temporary.write_text(joint.write(whole), encoding="utf-8")


def _joint_format(name: str | None, path: Path) -> JointFormat:
    if name is None:
        fitting = [
            format_name
            for format_name in JOINT_FORMATS
            if any(path.name.endswith(ending) for ending in FORMATS[format_name].endings)
        ]
        name = fitting[0] if fitting else path.suffix
    if name not in JOINT_FORMATS:
        raise ArgumentError(
            "path",
            f"be a directory, or a file of {', '.join(JOINT_FORMATS)}",
            repr(str(path)),
            "leave the ending out for a file of each graph",
        )
    return JOINT_FORMATS[name]


def _split(whole: nx.DiGraph) -> dict[str, Graph]:
    members: dict[str, list[str]] = {}
    for node, data in whole.nodes(data=True):
        if ARCHITECTURE not in data:
            raise GraphError("graph", f"have {ARCHITECTURE!r} on every node", f"none on {node!r}")
        members.setdefault(str(data[ARCHITECTURE]), []).append(node)
    found: dict[str, Graph] = {}
    for architecture, nodes in members.items():
        own = nx.DiGraph()
        own.add_nodes_from((node, whole.nodes[node]) for node in nodes)
        own.add_edges_from(whole.subgraph(nodes).edges)
        found[architecture] = from_network(own)
    for architecture in json.loads(whole.graph.get(EMPTY, "[]")):
        found[architecture] = KernelGraph([], [])
    return found


def _facts(row: Mapping[Hashable, Any]) -> Mapping[str, Fact]:
    """What is known of an architecture, without words and what is missing."""
    found: dict[str, Fact] = {}
    for key, value in row.items():
        name, column = str(key), column_of(str(key))
        is_words = column is not None and column.kind == "text"
        is_other = name in _LEFT_OUT or name.endswith(_LEFT_OUT_ENDINGS)
        if is_words or is_other or name.startswith(USAGE_PREFIX) or value is pd.NA:
            continue
        found[_RENAMED.get(name, name)] = value.item() if isinstance(value, np.generic) else value
    return plain_facts(found)
