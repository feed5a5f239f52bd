"""The kernel graph: a program projected onto its operations.

Kernel u feeds kernel v where v reads a memory that u wrote. What is left is a directed acyclic
graph whose nodes carry labels of operations; it is what distances and clusters work on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cgraph import checks
from cgraph.errors import GraphError
from cgraph.graphs.computational import ComputationalGraph, Kernel, check_graph, edge_array
from cgraph.graphs.labels import LABELLINGS
from cgraph.graphs.tensors import element_bytes, kernel_tensors, sized_labels

INPUT_LABEL = "input"
OUTPUT_LABEL = "output"


@dataclass(frozen=True, slots=True, eq=False, init=False)
class KernelGraph:
    """A directed acyclic graph of labelled kernels.

    Parameters
    ----------
    labels : sequence of str
        Operation of each kernel.
    edges : array-like of shape (n_edges, 2)
        Row (u, v): kernel u feeds kernel v. Rows are a set; they are kept sorted, each once.
    names : sequence of str, optional
        Name of each kernel, for people to read; "0", "1", ... by default.
    macs, bytes : array-like of int, shape (n_kernels,), optional
        Multiply-accumulates of each kernel, and the bytes that it reads and writes, >= 0; None
        where nobody knows them.

    Raises
    ------
    GraphError
        If an index is out of range, an edge is a loop, the edges close a cycle, a number of MACs
        or bytes is negative, or names or numbers are not one for each label.

    Examples
    --------
    >>> graph = KernelGraph(["relu", "conv2d[3x3]", "add"], [(0, 1), (1, 2), (0, 2)])
    >>> graph
    KernelGraph(3 kernels, 3 edges)
    >>> graph.to_networkx().nodes[1]
    {'label': 'conv2d[3x3]', 'name': '1'}
    """

    labels: tuple[str, ...]
    edges: NDArray[np.int64]
    names: tuple[str, ...]
    macs: NDArray[np.int64] | None
    bytes: NDArray[np.int64] | None

    def __init__(
        self,
        labels: Iterable[str],
        edges: ArrayLike,
        names: Iterable[str] | None = None,
        *,
        macs: ArrayLike | None = None,
        bytes: ArrayLike | None = None,  # noqa: A002
    ) -> None:
        labels = checks.texts("labels", labels, error=GraphError)
        n = len(labels)
        rows = edge_array("edges", edges)
        if len(rows):
            if rows.min() < 0 or rows.max() >= n:
                bad = rows[((rows < 0) | (rows >= n)).any(axis=1)][0]
                raise GraphError("edges", f"hold kernels, 0 <= u < {n}", tuple(bad.tolist()))
            rows = np.unique(rows, axis=0)
            rows.setflags(write=False)
        if names is None:
            names = tuple(map(str, range(n)))
        else:
            names = checks.texts("names", names, n=n, of="kernels", error=GraphError)
        put = object.__setattr__
        put(self, "labels", labels)
        put(self, "edges", rows)
        put(self, "names", names)
        put(self, "macs", size_array("macs", macs, n))
        put(self, "bytes", size_array("bytes", bytes, n))
        # A graph whose every edge goes forward needs no search for cycles.
        if len(rows) and not (rows[:, 0] < rows[:, 1]).all():
            _check_acyclic(rows, n)

    @property
    def n_kernels(self) -> int:
        """Number of kernels."""
        return len(self.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, KernelGraph):
            return NotImplemented
        return (
            self.labels == other.labels
            and self.names == other.names
            and np.array_equal(self.edges, other.edges)
            and _same_sizes(self.macs, other.macs)
            and _same_sizes(self.bytes, other.bytes)
        )

    def __hash__(self) -> int:
        return hash((self.labels, self.names, self.edges.tobytes()))

    def __repr__(self) -> str:
        n, m = len(self.labels), len(self.edges)
        return (
            f"KernelGraph({n:,} kernel{'s' if n != 1 else ''}, {m:,} edge{'s' if m != 1 else ''})"
        )

    def to_networkx(self) -> nx.DiGraph:
        """The graph in networkx: nodes 0, 1, ... with attributes "label" and "name".

        Where they are known, "macs" and "bytes" are attributes too.
        """
        graph = nx.DiGraph()
        for i, (label, name) in enumerate(zip(self.labels, self.names, strict=True)):
            graph.add_node(i, label=label, name=name)
        for attribute, sizes in (("macs", self.macs), ("bytes", self.bytes)):
            if sizes is not None:
                nx.set_node_attributes(graph, dict(enumerate(sizes.tolist())), attribute)
        graph.add_edges_from(self.edges.tolist())
        return graph

    def _repr_html_(self) -> str:
        """What a notebook shows: how many kernels have which label."""
        from cgraph.graphs.html import kernel_graph_html

        return kernel_graph_html(self)

    @staticmethod
    def from_networkx(graph: nx.DiGraph, label: str = "label") -> KernelGraph:
        """The kernel graph of a networkx graph, whatever its nodes are.

        Parameters
        ----------
        graph : networkx.DiGraph
            Acyclic; its nodes are numbered in their order. "name", "macs" and "bytes" are taken
            over where all nodes have them.
        label : str, default="label"
            The node attribute that holds the operation.

        Raises
        ------
        GraphError
            If the graph is not directed or a node lacks the attribute.
        """
        checks.instance(
            "graph", graph, nx.DiGraph, "be a networkx.DiGraph, which is directed", error=GraphError
        )
        checks.text("label", label)
        index = {node: i for i, node in enumerate(graph.nodes)}
        for node, data in graph.nodes(data=True):
            if label not in data:
                raise GraphError("graph", f"have {label!r} on every node", f"none on {node!r}")
        labels = [str(data[label]) for _, data in graph.nodes(data=True)]
        names = [str(data.get("name", node)) for node, data in graph.nodes(data=True)]
        macs, sizes = (nx.get_node_attributes(graph, name).values() for name in ("macs", "bytes"))
        return KernelGraph(
            labels,
            [(index[u], index[v]) for u, v in graph.edges()],
            names,
            macs=list(macs) if labels and len(macs) == len(labels) else None,
            bytes=list(sizes) if labels and len(sizes) == len(labels) else None,
        )


def project(
    graph: ComputationalGraph,
    label: str | Callable[[Kernel], str] = "attributes",
    *,
    boundary: bool = False,
) -> KernelGraph:
    """Kernel graph of a computational graph.

    Parameters
    ----------
    graph : ComputationalGraph
        The program.
    label : {"attributes", "operation", "family", "sized"} or callable, default="attributes"
        How a kernel is labelled: with the attributes that matter ("conv2d[3x3]"), by its
        operation ("conv2d"), by its family ("convolution"), with the attributes and the sizes of
        its tensors ("conv2d[3x3]{432,28672,442368,6b1c90e5}"; see `EditCosts.sized`), or by a
        function of the `Kernel`.
    boundary : bool, default=False
        Whether the inputs and outputs of the program are nodes too, labelled "input" and
        "output", so that where the program begins and ends is kept.

    Returns
    -------
    KernelGraph
        Its nodes are the kernels in order, with their MACs and with the bytes they read and write
        (see `bytes_moved`); with `boundary`, the inputs stand before them and the outputs after
        them, without MACs and with the bytes they are.

    Raises
    ------
    ArgumentError
        If `graph` is something else.
    GraphError
        If sizes are asked for and not all known.
    UnknownNameError
        If `label` is a name that is not in `LABELLINGS`.

    Examples
    --------
    >>> from cgraph.graphs.computational import Memory
    >>> program = ComputationalGraph(
    ...     [Memory("x", "input", (8,), "float32", 32), Memory("y", "output", (8,), "float32", 32)],
    ...     [Kernel("relu", "relu")], reads=[(0, 0)], writes=[(0, 1)], outputs=[1])
    >>> project(program, boundary=True).labels
    ('input', 'relu', 'output')
    """
    check_graph(graph)
    checks.truth("boundary", boundary)
    labels = labels_of(graph, label)
    names = [kernel.name for kernel in graph.kernels]
    writer = graph.writers()
    source = writer[graph.reads[:, 0]]
    inner = source >= 0
    edges = np.stack([source[inner], graph.reads[inner, 1]], axis=1)
    is_sized = graph.is_sized
    macs = [kernel.macs for kernel in graph.kernels] if is_sized else None
    moved = bytes_moved(graph) if is_sized else None
    if not boundary:
        return KernelGraph(labels, edges, names, macs=macs, bytes=moved)

    inputs, outputs = graph.inputs, graph.outputs
    n_inputs, n_kernels = len(inputs), len(labels)
    feeder = np.where(writer >= 0, writer + n_inputs, -1)  # node that provides each memory
    feeder[list(inputs)] = np.arange(n_inputs)
    source = feeder[graph.reads[:, 0]]
    fed = source >= 0
    rows = [np.stack([source[fed], graph.reads[fed, 1] + n_inputs], axis=1)]
    for i, memory in enumerate(outputs):
        if feeder[memory] >= 0:
            rows.append(np.array([[feeder[memory], n_inputs + n_kernels + i]]))
    if macs is not None and moved is not None:
        sizes = element_bytes(graph)
        macs = [0] * n_inputs + macs + [0] * len(outputs)
        moved = np.concatenate([sizes[list(inputs)], moved, sizes[list(outputs)]])
    return KernelGraph(
        [INPUT_LABEL] * n_inputs + labels + [OUTPUT_LABEL] * len(outputs),
        np.concatenate(rows),
        [graph.memories[m].name for m in inputs]
        + names
        + [f"{graph.memories[m].name} (output {i})" for i, m in enumerate(outputs)],
        macs=macs,
        bytes=moved,
    )


def labels_of(graph: ComputationalGraph, label: str | Callable[[Kernel], str]) -> list[str]:
    """Label of each kernel of a program, in order; see `project`.

    Raises
    ------
    GraphError
        If sizes are asked for and not all known.
    UnknownNameError
        If `label` is a name that is not in `LABELLINGS`.
    """
    if callable(label):
        return [label(kernel) for kernel in graph.kernels]
    labelling = LABELLINGS[label]
    labels = [labelling.function(kernel) for kernel in graph.kernels]
    return list(sized_labels(labels, kernel_tensors(graph))) if labelling.adds_sizes else labels


def bytes_moved(graph: ComputationalGraph) -> NDArray[np.int64]:
    """Bytes that each kernel reads and writes, parameters included, shape (n_kernels,).

    A view that is read counts with the bytes of its elements. A kernel that only makes views
    moves nothing.

    Raises
    ------
    GraphError
        If the size of a memory is not known.

    Examples
    --------
    >>> bytes_moved(ComputationalGraph([], [], [], [])).tolist()
    []
    """
    sizes = element_bytes(graph)
    is_view = np.array([memory.alias == "view" for memory in graph.memories], dtype=bool)
    moved = np.zeros(len(graph.kernels), dtype=np.int64)
    np.add.at(moved, graph.reads[:, 1], sizes[graph.reads[:, 0]])
    written = graph.writes[~is_view[graph.writes[:, 1]]]
    np.add.at(moved, written[:, 0], sizes[written[:, 1]])
    makes_values = np.zeros(len(graph.kernels), dtype=bool)
    makes_values[written[:, 0]] = True
    return np.where(makes_values, moved, 0)


def size_array(name: str, sizes: ArrayLike | None, n: int) -> NDArray[np.int64] | None:
    """Read-only numbers of MACs or bytes, one for each of n kernels; None for None.

    Raises
    ------
    GraphError
        If they are not so many, or one is negative.
    """
    if sizes is None:
        return None
    words = f"be whole numbers, one for each of the {n} kernels"
    array = checks.integers(name, sizes, (n,), 0, words=words, error=GraphError)
    array.setflags(write=False)
    return array


def _same_sizes(a: NDArray[np.int64] | None, b: NDArray[np.int64] | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)


def _check_acyclic(edges: NDArray[np.int64], n_nodes: int) -> None:
    """Raise where the edges close a cycle, naming it."""
    graph = nx.DiGraph(edges.tolist())
    graph.add_nodes_from(range(n_nodes))
    if not nx.is_directed_acyclic_graph(graph):
        cycle = [u for u, _ in nx.find_cycle(graph)]
        raise GraphError("edges", "be free of cycles", f"the cycle {cycle}")
