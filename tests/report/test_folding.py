import networkx as nx
import pytest

from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import KernelGraph
from cgraph.report.folding import as_drawn
from tests.report.made_up import chain


def test_a_small_program_is_drawn_whole_with_its_ends():
    drawn = as_drawn(chain(["conv2d", "relu"]))
    assert drawn.labels == ("input", "conv2d", "relu", "output")
    assert drawn.n_kernels == (0, 1, 1, 0)
    assert drawn.edges == ((0, 1), (1, 2), (2, 3))


def test_kernels_are_folded_into_the_smallest_modules_that_are_few_enough():
    scopes = ["stem", *(f"body.{block}.{layer}" for block in range(3) for layer in "aab"), "head"]
    graph = chain(["conv2d"] * len(scopes), scopes)
    assert as_drawn(graph, max_nodes=13).labels[1:-1] == ("conv2d",) * 11
    finer = as_drawn(graph, max_nodes=10)
    assert finer.labels[1:-1] == (
        "conv2d", "body.0.a", "conv2d", "body.1.a", "conv2d", "body.2.a", "conv2d", "conv2d",
    )  # fmt: skip
    coarser = as_drawn(graph, max_nodes=7)
    assert coarser.labels == (
        "input", "conv2d", "body.0", "body.1", "body.2", "conv2d", "output",
    )  # fmt: skip
    assert coarser.n_kernels == (0, 1, 3, 3, 3, 1, 0)
    assert as_drawn(graph, max_nodes=5).labels[1:-1] == ("conv2d", "body", "conv2d")


def test_a_module_that_is_called_twice_closes_no_cycle():
    graph = chain(["relu"] * 6, ["a.0", "a.1", "b", "c", "a.0", "a.1"])
    drawn = as_drawn(graph, max_nodes=6)
    assert drawn.labels[1:-1] == ("a", "relu", "relu", "a")
    assert nx.is_directed_acyclic_graph(nx.DiGraph(drawn.edges))


def test_where_the_outermost_modules_are_too_many_runs_of_them_are_drawn():
    drawn = as_drawn(chain(["relu"] * 90, [str(i) for i in range(90)]), max_nodes=12)
    assert len(drawn.labels) == 12
    assert sum(drawn.n_kernels) == 90
    assert drawn.labels[1] == "0 … 8"


def test_a_kernel_graph_is_drawn_in_an_order_in_which_edges_go_forward():
    drawn = as_drawn(KernelGraph(["add", "relu"], [(1, 0)]))
    assert drawn.labels == ("relu", "add")
    assert drawn.edges == ((0, 1),)


@pytest.mark.parametrize(
    ("graph", "fact"),
    [
        (KernelGraph(["relu"] * 50, []), "at most 40 kernels to be drawn, got 50"),
        ("resnet", "be a KernelGraph or a ComputationalGraph, got str"),
    ],
    ids=["large", "text"],
)
def test_what_cannot_be_drawn_is_refused(graph, fact):
    with pytest.raises(ArgumentError, match=fact):
        as_drawn(graph)
