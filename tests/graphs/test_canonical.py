import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cgraph.graphs import canonical
from cgraph.graphs.canonical import canonical_order, certificate, digest
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.refining import form_of, order_of, refined
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


# Large graphs, whose way is taken by small ones here


def described(graph):
    """The certificate that a large graph would get."""
    return form_of(graph.labels, graph.edges) if graph.labels else b""


@given(renumbered())
def test_renumbering_changes_nothing_in_the_form_of_large_graphs(pair):
    a, b = pair
    assert described(a) == described(b)


@settings(deadline=None)
@given(kernel_graphs(max_kernels=5, labels="ab"), kernel_graphs(max_kernels=5, labels="ab"))
def test_forms_of_large_graphs_are_equal_exactly_for_isomorphic_ones(a, b):
    assert (described(a) == described(b)) == are_isomorphic(a, b)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_parts_that_are_alike_are_ordered_by_nauty(data):
    """Copies of a drawn graph side by side, joined to one kernel before and one behind."""
    piece = data.draw(kernel_graphs(max_kernels=4, labels="ab"))
    n, n_copies = len(piece), data.draw(st.integers(1, 3))
    labels, edges = ["in"], []
    for copy in range(n_copies):
        labels += piece.labels
        first = 1 + copy * n
        edges += [(u + first, v + first) for u, v in piece.edges.tolist()]
        edges += [(0, first + k) for k in range(n)]
    edges += [(k, len(labels)) for k in range(len(labels))]
    graph = KernelGraph([*labels, "out"], edges)
    number = np.array(data.draw(st.permutations(range(len(graph)))))
    moved = [""] * len(graph)
    for old, new in enumerate(number):
        moved[new] = graph.labels[old]
    other = KernelGraph(moved, number[graph.edges])
    assert described(graph) == described(other)


def test_what_refinement_cannot_tell_apart_is_left_to_nauty():
    """A cycle of six and two of three, each kernel feeding two and fed by none, or the like."""

    def rings(*sizes):
        edges, start = [], 0
        for size in sizes:
            for i in range(size):
                edges += [(start + i, start + size + i), (start + i, start + size + (i + 1) % size)]
            start += 2 * size
        return KernelGraph(["a"] * start, edges)

    one, two = rings(6), rings(3, 3)
    assert len(set(refined(one.labels, one.edges).tolist())) == 2
    assert described(one) != described(two)
    assert described(two) == described(rings(3, 3))


def test_a_large_graph_takes_the_way_of_large_graphs(monkeypatch):
    graph = KernelGraph(["a", "b"] * 10, [(i, i + 1) for i in range(19)])
    monkeypatch.setattr(canonical, "LARGEST_DENSE", 10)
    assert certificate(graph) == described(graph)
    assert canonical_order(graph).tolist() == order_of(graph.labels, graph.edges).tolist()
    monkeypatch.undo()
    assert certificate(graph) != described(graph)


@pytest.mark.parametrize("n_branches", [1, 2])
def test_a_hundred_thousand_kernels(n_branches):
    """Chains side by side between a first and a last kernel, in any order."""
    n = 50_000
    labels = ["relu", *["conv", "relu"] * (n * n_branches // 2), "add"]
    edges = [
        np.stack([np.arange(n - 1), np.arange(1, n)], 1) + 1 + b * n for b in range(n_branches)
    ]
    edges += [np.array([[0, 1 + b * n], [n + b * n, len(labels) - 1]]) for b in range(n_branches)]
    graph = KernelGraph(labels, np.concatenate(edges))
    number = np.random.default_rng(0).permutation(len(graph))
    moved = np.empty(len(graph), dtype=object)
    moved[number] = graph.labels
    other = KernelGraph(moved.tolist(), number[graph.edges])
    assert digest(graph) == digest(other)
    changed = KernelGraph(["conv", *graph.labels[1:]], graph.edges)
    assert digest(graph) != digest(changed)
