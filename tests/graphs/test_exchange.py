import networkx as nx
import pytest
from hypothesis import given

from cgraph.errors import GraphError
from cgraph.graphs.computational import ComputationalGraph
from tests.strategies import computational_graphs


@given(computational_graphs())
def test_networkx_and_back(program):
    assert ComputationalGraph.from_networkx(program.to_networkx()) == program


@given(computational_graphs())
def test_networkx_is_bipartite_with_plain_values(program):
    graph = program.to_networkx()
    sides = nx.get_node_attributes(graph, "bipartite")
    assert all(sides[u] != sides[v] for u, v in graph.edges)
    assert nx.is_directed_acyclic_graph(graph)
    for _, data in graph.nodes(data=True):
        assert all(isinstance(value, str | int) for value in data.values())


@given(computational_graphs())
def test_graphml_and_back(tmp_path_factory, program):
    path = tmp_path_factory.mktemp("graphml") / "graph.xml"
    nx.write_graphml(program.to_networkx(), path)
    assert ComputationalGraph.from_networkx(nx.read_graphml(path)) == program


def test_errors():
    graph = nx.DiGraph()
    graph.add_node("m0")
    with pytest.raises(GraphError, match="attribute 'bipartite' on every node, got none on 'm0'"):
        ComputationalGraph.from_networkx(graph)
    graph.add_node("m0", bipartite=0, name="x")
    with pytest.raises(GraphError, match="on every node, got none on 'm0'"):
        ComputationalGraph.from_networkx(graph)
    fields = {"operation": "a", "attributes": "{}", "scope": "", "macs": 0}
    graph = nx.DiGraph()
    graph.add_node("a", bipartite=1, name="a", **fields)
    graph.add_node("b", bipartite=1, name="b", **fields)
    graph.add_edge("a", "b")
    with pytest.raises(GraphError, match="bipartite, got an edge between two nodes of one side"):
        ComputationalGraph.from_networkx(graph)
