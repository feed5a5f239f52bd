import networkx as nx
from hypothesis import assume, given

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
