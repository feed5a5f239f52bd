import networkx as nx
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cgraph.graphs.canonical import canonical_order, certificate, digest
from cgraph.graphs.kernel import KernelGraph
from tests.naive import are_isomorphic
from tests.strategies import kernel_graphs, renumbered


@given(renumbered())
def test_renumbering_changes_nothing(pair):
    a, b = pair
    assert certificate(a) == certificate(b)
    assert digest(a) == digest(b)


@given(kernel_graphs(max_kernels=4, labels="ab"), kernel_graphs(max_kernels=4, labels="ab"))
def test_equal_exactly_for_isomorphic_graphs(a, b):
    assert (certificate(a) == certificate(b)) == are_isomorphic(a, b)


@given(kernel_graphs(max_kernels=4))
def test_labels_are_told_apart(graph):
    assume(graph.labels)
    other = KernelGraph(["d", *graph.labels[1:]], graph.edges)
    assert certificate(graph) != certificate(other)


@given(renumbered())
def test_canonical_order_makes_isomorphic_graphs_equal(pair):
    forms = []
    for graph in pair:
        order = canonical_order(graph)
        place = {int(old): new for new, old in enumerate(order)}
        edges = [(place[u], place[v]) for u, v in graph.edges.tolist()]
        forms.append(KernelGraph([graph.labels[k] for k in order], edges))
    assert forms[0] == forms[1]


def test_graphs_that_local_refinement_cannot_tell_apart():
    """Two triangles and a hexagon, directed so that every kernel looks alike."""
    hexagon = nx.DiGraph([(i, j % 6) for i in range(0, 6, 2) for j in (i + 1, i + 5)])
    squares = nx.DiGraph([(0, 1), (0, 3), (2, 1), (2, 3), (4, 5)])
    for graph in (hexagon, squares):
        nx.set_node_attributes(graph, "a", "label")
    a, b = (KernelGraph.from_networkx(graph) for graph in (hexagon, squares))
    assert (certificate(a) == certificate(b)) == are_isomorphic(a, b)


def test_the_separator_cannot_be_forged():
    assert certificate(KernelGraph(["a", "b"], [])) != certificate(KernelGraph(["a\0b"], []))
    assert certificate(KernelGraph([], [])) == b""


@given(st.permutations(range(91)), st.integers(0, 14))
@settings(max_examples=10, deadline=None)
def test_long_networks_of_branches_that_are_alike(number, changed):
    """nauty alone would try every combination of the pairs of branches."""
    labels, edges = ["input"], []
    for _ in range(15):
        start = len(labels)
        labels += ["relu", "conv2d[1x1]", "relu", "conv2d[1x1]", "add", "batch_norm"]
        edges += [(start - 1, start), (start - 1, start + 2), (start, start + 1)]
        edges += [(start + 2, start + 3), (start + 1, start + 4), (start + 3, start + 4)]
        edges.append((start + 4, start + 5))
    a = KernelGraph(labels, edges)
    moved = [""] * len(labels)
    for old, new in enumerate(number):
        moved[new] = labels[old]
    b = KernelGraph(moved, [(number[u], number[v]) for u, v in edges])
    assert certificate(a) == certificate(b)
    one, other = canonical_order(a), canonical_order(b)
    assert [a.labels[k] for k in one] == [b.labels[k] for k in other]
    place_a, place_b = np.argsort(one), np.argsort(other)
    assert sorted(place_a[a.edges].tolist()) == sorted(place_b[b.edges].tolist())
    labels[changed * 6 + 2] = "gelu"
    assert certificate(KernelGraph(labels, edges)) != certificate(a)
