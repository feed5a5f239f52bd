import numpy as np
import pytest
from hypothesis import given

from cgraph.errors import ArgumentError, GraphError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.tensor import adjacency_tensor, from_adjacency_tensor
from tests.strategies import kernel_graphs, populations

GRAPH = KernelGraph(["relu", "add"], [(0, 1)])


@given(kernel_graphs())
def test_a_graph_and_back(graph):
    tensor = adjacency_tensor(graph, list("abc"))
    assert tuple(tensor.shape) == (len(graph), len(graph), 3)
    assert from_adjacency_tensor(tensor, list("abc")) == graph
    assert from_adjacency_tensor(tensor.to_dense(), list("abc")) == graph


@given(populations(max_size=4))
def test_a_population_is_its_graphs(population):
    tensor = adjacency_tensor(population)
    assert tensor.is_coalesced()
    size = int(population.n_kernels.max(initial=0))
    assert tuple(tensor.shape) == (len(population), size, size, len(population.vocabulary))
    dense = tensor.to_dense()
    for i, graph in enumerate(population):
        assert from_adjacency_tensor(dense[i], population.vocabulary) == graph


@given(populations(max_size=4))
def test_usage_is_the_sum_of_the_diagonal(population):
    dense = adjacency_tensor(population).to_dense().numpy()
    usage = np.einsum("niik->nk", dense.astype(np.int64))
    assert np.array_equal(usage, population.usage())


@given(populations(max_size=4))
def test_entries_follow_the_vocabulary(population):
    order = population.vocabulary[::-1]
    dense = adjacency_tensor(population, order).to_dense()
    assert (dense.flip(-1) == adjacency_tensor(population).to_dense()).all()


@given(kernel_graphs())
def test_entries_are_their_definition(graph):
    dense = adjacency_tensor(graph, list("abc")).to_dense().numpy()
    wanted = np.zeros_like(dense)
    for i, label in enumerate(graph.labels):
        wanted[i, i, "abc".index(label)] = 1
    for i, j in graph.edges:
        wanted[i, j, "abc".index(graph.labels[i])] = 1
    assert np.array_equal(dense, wanted)


def test_errors():
    with pytest.raises(ArgumentError, match="a KernelGraph or a Population, got list"):
        adjacency_tensor([])
    with pytest.raises(GraphError, match="hold every label that occurs, got none for 'relu'"):
        adjacency_tensor(GRAPH, ["add"])
    tensor = adjacency_tensor(GRAPH)
    with pytest.raises(GraphError, match=r"shape \(V, V, 3\), got \(2, 2, 2\)"):
        from_adjacency_tensor(tensor, list("abc"))
    dense = tensor.to_dense()
    dense[0, 0, 0] = 1
    with pytest.raises(GraphError, match="each kernel one operation, got two"):
        from_adjacency_tensor(dense, ["add", "relu"])
    dense[0, 0] = 0
    with pytest.raises(GraphError, match="each kernel an operation, got none"):
        from_adjacency_tensor(dense, ["add", "relu"])
