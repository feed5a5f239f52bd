import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.errors import GraphError, UnknownNameError
from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel, Memory
from cgraph.graphs.kernel import KernelGraph, project
from tests.strategies import computational_graphs, kernel_graphs


@given(kernel_graphs())
def test_networkx_and_back(graph):
    assert KernelGraph.from_networkx(graph.to_networkx()) == graph


@given(kernel_graphs())
def test_networkx_holds_the_graph(graph):
    found = graph.to_networkx()
    assert nx.is_directed_acyclic_graph(found)
    assert sorted(found.edges) == [tuple(edge) for edge in graph.edges.tolist()]
    assert tuple(nx.get_node_attributes(found, "label").values()) == graph.labels


@given(kernel_graphs(), st.randoms())
def test_edges_are_a_set(graph, random):
    rows = graph.edges.tolist() * 2
    random.shuffle(rows)
    again = KernelGraph(graph.labels, rows)
    assert again == graph
    assert hash(again) == hash(graph)


def test_other_nodes_are_numbered_in_their_order():
    graph = nx.DiGraph()
    graph.add_node("b", operation="relu")
    graph.add_node("a", operation="add", name="sum")
    graph.add_edge("b", "a")
    found = KernelGraph.from_networkx(graph, label="operation")
    assert found == KernelGraph(["relu", "add"], [(0, 1)], ["b", "sum"])


def test_values_are_frozen():
    graph = KernelGraph(["relu", "add"], [(1, 0)])
    with pytest.raises(AttributeError):
        graph.labels = ()
    with pytest.raises(ValueError, match="read-only"):
        graph.edges[0, 0] = 0


def test_the_argument_is_copied():
    rows = np.array([[0, 1]])
    graph = KernelGraph(["relu", "add"], rows)
    rows[0] = 5
    assert graph.edges.tolist() == [[0, 1]]


def test_differences_are_seen():
    graph = KernelGraph(["relu", "add"], [(0, 1)])
    assert graph != KernelGraph(["relu", "add"], [])
    assert graph != KernelGraph(["add", "relu"], [(0, 1)])
    assert graph != KernelGraph(["relu", "add"], [(0, 1)], ["a", "b"])
    assert graph != "graph"


@pytest.mark.parametrize(
    ("labels", "edges", "names", "quoted"),
    [
        (["relu"], [(0, 1)], None, r"edges must hold kernels, 0 <= u < 1, got \(0, 1\)"),
        (["relu"], [(-1, 0)], None, r"got \(-1, 0\)"),
        (["relu"], [(0, 0)], None, r"free of cycles, got the cycle \[0\]"),
        (["relu", "add", "mul"], [(0, 1), (1, 2), (2, 0)], None, r"the cycle \[0, 1, 2\]"),
        (["relu"], [], ["a", "b"], "one for each of the 1 kernels, got 2"),
        (["relu"], [0, 1], None, r"shape \(n, 2\), got shape \(2,\)"),
        (
            ["relu", "add"],
            [(0.0, 1.5)],
            None,
            r"be whole numbers of shape \(n, 2\), got 0.0 in an array of dtype float64",
        ),
    ],
    ids=["range", "negative", "loop", "cycle", "names", "shape", "dtype"],
)
def test_errors(labels, edges, names, quoted):
    with pytest.raises(GraphError, match=quoted):
        KernelGraph(labels, edges, names)


def test_networkx_errors():
    with pytest.raises(GraphError, match="which is directed, got Graph"):
        KernelGraph.from_networkx(nx.Graph())
    graph = nx.DiGraph()
    graph.add_node("here")
    with pytest.raises(GraphError, match="'label' on every node, got none on 'here'"):
        KernelGraph.from_networkx(graph)


@given(computational_graphs())
def test_projection_joins_writers_to_readers(program):
    graph = project(program, "operation")
    assert graph.labels == tuple(kernel.operation for kernel in program.kernels)
    wanted = {
        (u, v)
        for u, written in program.writes.tolist()
        for read, v in program.reads.tolist()
        if read == written
    }
    assert {tuple(edge) for edge in graph.edges.tolist()} == wanted


@given(computational_graphs())
def test_a_boundary_adds_ends_alone(program):
    graph = project(program, boundary=True)
    n_inputs, n_kernels = len(program.inputs), len(program.kernels)
    assert graph.labels[:n_inputs] == ("input",) * n_inputs
    assert graph.labels[n_inputs + n_kernels :] == ("output",) * len(program.outputs)
    inside = slice(n_inputs, n_inputs + n_kernels)
    assert graph.labels[inside] == project(program).labels
    inner = graph.edges - n_inputs
    inner = inner[((inner >= 0) & (inner < n_kernels)).all(axis=1)]
    assert inner.tolist() == project(program).edges.tolist()


def test_labels():
    window = Attributes(kernel_size=(3, 3), stride=(2, 2))
    program = ComputationalGraph(
        [Memory("x", "input", (), "float32", 4), Memory("y", "output", (), "float32", 4)],
        [Kernel("conv", "conv2d", window)],
        [(0, 0)],
        [(0, 1)],
    )
    assert project(program).labels == ("conv2d[3x3,s2]",)
    assert project(program, "family").labels == ("convolution",)
    assert project(program, lambda kernel: kernel.name).labels == ("conv",)
    with pytest.raises(UnknownNameError, match="'atributes'; did you mean 'attributes'"):
        project(program, "atributes")


def test_kernels_carry_their_macs_and_the_bytes_they_move():
    program = ComputationalGraph(
        [
            Memory("x", "input", (2, 4), "float32", 32),
            Memory("w", "parameter", (4, 4), "float32", 64),
            Memory("row", "activation", (4,), "float32", 0, base=0, alias="view"),
            Memory("y", "output", (4,), "float32", 16),
        ],
        [Kernel("take", "select"), Kernel("multiply", "linear", macs=16)],
        reads=[(0, 0), (1, 1), (2, 1)],
        writes=[(0, 2), (1, 3)],
        outputs=[3],
    )
    graph = project(program)
    assert graph.macs.tolist() == [0, 16]
    assert graph.bytes.tolist() == [0, 64 + 16 + 16]
    graph = project(program, boundary=True)
    assert graph.macs.tolist() == [0, 0, 16, 0]
    assert graph.bytes.tolist() == [32, 0, 96, 16]
