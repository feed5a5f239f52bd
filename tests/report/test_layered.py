import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.report.layered import layered_layout


@st.composite
def dags(draw, max_nodes=9):
    n = draw(st.integers(0, max_nodes))
    pairs = [(u, v) for v in range(n) for u in range(v)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return [draw(st.sampled_from([0.5, 1.0, 2.0])) for _ in range(n)], edges


@settings(max_examples=40, deadline=None)
@given(dags())
def test_edges_point_down_and_nodes_leave_room(graph):
    widths, edges = graph
    layout = layered_layout(widths, edges, gap=0.3)
    for u, v in edges:
        assert layout.layer[u] < layout.layer[v]
        assert [h for _, h in layout.bends[u, v]] == list(
            range(layout.layer[u] + 1, layout.layer[v])
        )
    for u in range(len(widths)):
        assert layout.x[u] - widths[u] / 2 >= -1e-6
        assert layout.x[u] + widths[u] / 2 <= layout.width + 1e-5
        for v in range(u):
            if layout.layer[u] == layout.layer[v]:
                room = abs(layout.x[u] - layout.x[v]) - (widths[u] + widths[v]) / 2
                assert room >= 0.3 - 1e-5


@settings(max_examples=20, deadline=None)
@given(dags())
def test_a_layout_follows_from_the_graph_alone(graph):
    assert layered_layout(*graph) == layered_layout(*graph)


def test_a_chain_is_a_straight_line():
    layout = layered_layout([1.0, 3.0, 2.0], [(0, 1), (1, 2)])
    assert layout.x == (1.5, 1.5, 1.5)
    assert layout.width == 3
    assert layout.n_layers == 3


def test_an_edge_that_passes_layers_is_straight():
    layout = layered_layout([1.0] * 5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)])
    assert len({x for x, _ in layout.bends[0, 4]}) == 1


def test_a_source_stands_right_above_what_it_feeds():
    layout = layered_layout([1.0] * 4, [(0, 1), (1, 2), (3, 2)])
    assert layout.layer == (0, 1, 2, 1)


def test_a_graph_that_can_be_drawn_without_crossings_is():
    # Two chains that start crossed, as nodes are numbered, and a binary tree.
    crossed = [(0, 3), (1, 2), (2, 4), (3, 5)]
    tree = [(i, 2 * i + k) for i in range(1, 8) for k in (0, 1)]
    for n, edges in ((6, crossed), (16, tree), (20, list(nx.balanced_tree(3, 2).edges))):
        layout = layered_layout([1.0] * n, edges)
        for u, v in edges:
            for a, b in edges:
                if layout.layer[u] == layout.layer[a] and layout.layer[v] == layout.layer[b]:
                    assert (layout.x[u] - layout.x[a]) * (layout.x[v] - layout.x[b]) >= 0
