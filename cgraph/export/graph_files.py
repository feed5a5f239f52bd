"""Graphs to files and back: one table of formats, and the two functions that use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cgraph import checks
from cgraph.errors import ArgumentError, GraphError
from cgraph.export import dot, geometric, json_text, markup, node_link
from cgraph.export.networks import Fact, Graph
from cgraph.files.reading import reading
from cgraph.files.writing import whole_file
from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.kernel import KernelGraph
from cgraph.registry import Table


@dataclass(frozen=True, slots=True)
class GraphFormat:
    """A format of files that hold one graph.

    Parameters
    ----------
    name : str
        What it is called.
    endings : tuple of str
        Endings of its files, the usual one first.
    write : callable
        From a graph and facts to the bytes of a file.
    read : callable or None
        From the bytes of a file to the graph; None for a format that is only looked at.
    is_text : bool
        Whether the bytes are UTF-8 text.
    takes_facts : bool
        Whether it has room for what is known of a program.
    summary : str
        Whom it is for, in a line.
    """

    name: str
    endings: tuple[str, ...]
    write: Callable[[Graph, Mapping[str, Fact] | None], bytes]
    read: Callable[[bytes], Graph] | None
    is_text: bool
    takes_facts: bool
    summary: str


def _text_format(
    name: str,
    endings: str,
    write: Callable[[Graph, Mapping[str, Fact] | None], str],
    read: Callable[[str], Graph] | None,
    summary: str,
    *,
    takes_facts: bool = True,
) -> GraphFormat:
    return GraphFormat(
        name,
        tuple(endings.split()),
        lambda graph, facts: write(graph, facts).encode(),
        None if read is None else lambda content: read(_decoded(content)),
        is_text=True,
        takes_facts=takes_facts,
        summary=summary,
    )


FORMATS: Table[GraphFormat] = Table(
    "format",
    [
        _text_format(
            "json",
            ".json",
            lambda graph, _: json_text.to_json(graph),
            json_text.from_json,
            "everything, byte for byte the same when it is written again",
            takes_facts=False,
        ),
        _text_format(
            "node-link",
            ".node-link.json",
            node_link.to_node_link,
            node_link.from_node_link,
            "JSON of nodes and edges, as networkx and D3 read it",
        ),
        _text_format(
            "graphml",
            ".graphml",
            markup.to_graphml,
            markup.from_graphml,
            "for networkx, yEd, Cytoscape and Gephi",
        ),
        _text_format(
            "gexf",
            ".gexf",
            markup.to_gexf,
            markup.from_gexf,
            "for Gephi; facts are on every node",
        ),
        _text_format(
            "dot",
            ".dot .gv",
            dot.to_dot,
            None,
            "for Graphviz; to look at",
        ),
        GraphFormat(
            "pyg",
            (".pt",),
            geometric.to_archive,
            geometric.from_archive,
            is_text=False,
            takes_facts=True,
            summary="for PyTorch Geometric: the to_dict() of HeteroData or Data",
        ),
    ],
)

# What cgraph.trace makes a graph of, by itself.
PROGRAM_ENDINGS = (".pt2", ".onnx")


def write_graph(
    graph: Graph,
    path: str | Path,
    format: str | None = None,  # noqa: A002
    *,
    facts: Mapping[str, Fact] | None = None,
) -> Path:
    """Write a graph into a file.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to write.
    path : path
        The file; one that is there is replaced.
    format : {"json", "node-link", "graphml", "gexf", "dot", "pyg"}, optional
        By the ending of the path by default: .json, .node-link.json, .graphml, .gexf, .dot or
        .gv, .pt.
    facts : mapping of str to plain value, optional
        What is known of the program (its cluster, its statistics), written as attributes of the
        graph; in GEXF, which has none, also of every node. None and NaN are left out.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ArgumentError
        If the ending is of no format, or the format has no room for facts.
    UnknownNameError
        If there is no such format.
    GraphError
        If the format cannot hold a name of the graph.

    Examples
    --------
    >>> import tempfile
    >>> graph = KernelGraph(["relu", "add"], [(0, 1)])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = write_graph(graph, f"{directory}/graph.graphml", facts={"cluster": 3})
    ...     read_graph(path) == graph
    True
    """
    path = checks.path("path", path)
    chosen = format_of(path) if format is None else FORMATS[format]
    with whole_file(path) as temporary:
        temporary.write_bytes(render(graph, chosen.name, facts))
    return path


def read_graph(path: str | Path, format: str | None = None) -> Graph:  # noqa: A002
    """The graph of a file.

    Parameters
    ----------
    path : path
        A file as `write_graph` writes it, or one that `cgraph.trace` takes: a program that
        `torch.export` saved (.pt2), an ONNX model (.onnx).
    format : str, optional
        By the ending of the path by default. A .json file may be in either form.

    Returns
    -------
    ComputationalGraph or KernelGraph
        As it was written.

    Raises
    ------
    ArgumentError
        If there is no such file, its ending is of no format, or it is in one that is only
        looked at.
    GraphError
        If the file is cut off, foreign, or of a newer version; says where.
    """
    path = checks.path("path", path)
    if not path.is_file():
        raise ArgumentError("path", "be a file that is there", repr(str(path)))
    if format is None and path.suffix in PROGRAM_ENDINGS:
        from cgraph.tracing.record import trace

        program: Any = path
        return trace(program)
    chosen = format_of(path) if format is None else FORMATS[format]
    with reading(path, f"hold a graph as {chosen.name}", argument="the file", error=GraphError):
        return _read(path.read_bytes(), chosen, format)


def _read(content: bytes, chosen: GraphFormat, format: str | None) -> Graph:  # noqa: A002
    if format is None and chosen.name == "json" and _is_node_link(content):
        chosen = FORMATS["node-link"]
    if chosen.read is None:
        readable = ", ".join(name for name, kind in FORMATS.items() if kind.read is not None)
        raise ArgumentError(
            "format", f"be one that can be read, {readable}", repr(chosen.name), "write it as json"
        )
    return chosen.read(content)


def render(graph: Graph, format: str, facts: Mapping[str, Fact] | None = None) -> bytes:  # noqa: A002
    """The bytes of a file that holds a graph.

    Parameters
    ----------
    graph : ComputationalGraph or KernelGraph
        What to write.
    format : str
        A name of `FORMATS`.
    facts : mapping of str to plain value, optional
        As for `write_graph`.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    ArgumentError
        If `graph` is something else, or the format has no room for facts.
    """
    chosen = FORMATS[format]
    hint = "a model has to go through trace() first"
    kinds = (ComputationalGraph, KernelGraph)
    checks.instance("graph", graph, kinds, "be a ComputationalGraph or a KernelGraph", hint)
    if facts is not None:
        facts = checks.mapping("facts", facts, "map names to plain values")
        for name in facts:
            checks.text("a name of facts", name)
    if facts and not chosen.takes_facts:
        able = ", ".join(name for name, kind in FORMATS.items() if kind.takes_facts)
        raise ArgumentError("facts", f"be left out of {format}", sorted(facts), f"{able} take them")
    return chosen.write(graph, facts)


def format_of(path: Path) -> GraphFormat:
    """The format of a file, by its ending.

    Raises
    ------
    ArgumentError
        If no format has it.

    Examples
    --------
    >>> format_of(Path("graph.node-link.json")).name
    'node-link'
    """
    fitting = [
        (len(ending), kind)
        for kind in FORMATS.values()
        for ending in kind.endings
        if path.name.lower().endswith(ending)
    ]
    if not fitting:
        known = ", ".join(ending for kind in FORMATS.values() for ending in kind.endings)
        raise ArgumentError("path", f"end in one of {known}", repr(path.name), "or give a format")
    return max(fitting, key=lambda pair: pair[0])[1]


def _is_node_link(content: bytes) -> bool:
    """Whether JSON is in the form of nodes and edges; broken JSON is in none."""
    try:
        value = json_text.parse(_decoded(content))
    except GraphError:
        return False
    return isinstance(value, dict) and "format" not in value and "nodes" in value


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise GraphError(
            "the file", "be UTF-8 text", f"byte 0x{content[error.start]:02x} at {error.start}"
        ) from error
