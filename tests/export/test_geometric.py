"""Graphs as PyTorch Geometric's data."""

import warnings

import pytest
import torch
from hypothesis import given, settings

from cgraph.errors import ArgumentError, GraphError
from cgraph.export import from_data, from_hetero_data, to_data, to_hetero_data
from cgraph.export.geometric import FAMILIES, READS, WRITES
from cgraph.graphs.computational import MEMORY_KINDS
from cgraph.graphs.kernel import KernelGraph, project
from cgraph.tracing.record import trace
from tests.strategies import computational_graphs, kernel_graphs

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from torch_geometric.loader import DataLoader


@pytest.fixture(scope="module")
def program():
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()).eval()
    return trace(model, torch.empty(1, 3, 8, 8))


def test_a_program_has_two_types_of_nodes_and_of_edges(program):
    data = to_hetero_data(program)
    assert data.node_types == ["memory", "kernel"]
    assert data.edge_types == [READS, WRITES]
    data.validate()
    assert data["memory"].num_nodes == len(program.memories)
    assert data[READS].edge_index.T.tolist() == program.reads.tolist()
    assert data[WRITES].edge_index.T.tolist() == program.writes.tolist()
    weight = [memory.name for memory in program.memories].index("0.weight")
    assert data["memory"].shape[weight].tolist() == [4, 3, 3, 3, -1, -1, -1, -1]
    assert data["memory"].bytes[weight] == 4 * 3 * 3 * 3 * 4
    assert data["memory"].kind[weight] == MEMORY_KINDS.index("parameter")
    assert data["memory"].x[weight, 0] == pytest.approx(torch.log1p(torch.tensor(432.0)))
    assert data.operations == ["conv2d", "relu"]
    assert data["kernel"].operation.tolist() == [0, 1]
    assert data["kernel"].macs.tolist() == [kernel.macs for kernel in program.kernels]
    assert [FAMILIES[k] for k in data["kernel"].family] == ["convolution", "activation"]


def test_the_numbers_of_operations_can_be_given(program):
    data = to_hetero_data(program, ["relu", "add", "conv2d"])
    assert data["kernel"].operation.tolist() == [2, 0]
    assert from_hetero_data(data) == program
    with pytest.raises(GraphError, match=r"operations must hold .* none for 'conv2d'"):
        to_hetero_data(program, ["relu"])


@settings(deadline=None, max_examples=25)
@given(computational_graphs())
def test_hetero_data_and_back(graph):
    assert from_hetero_data(to_hetero_data(graph)) == graph


@settings(deadline=None, max_examples=25)
@given(kernel_graphs())
def test_data_and_back(graph):
    data = to_data(graph)
    assert from_data(data) == graph
    assert data.validate()
    assert data.x.shape == (len(graph), len(set(graph.labels)))
    assert data.x.nonzero()[:, 1].tolist() == data.operation.tolist()


def test_data_of_several_graphs_make_a_batch(program):
    words = ["add", "conv2d[3x3]", "relu"]
    sizes = {"macs": [0, 0], "bytes": [8, 8]}
    graphs = [project(program), KernelGraph(["add", "relu"], [(0, 1)], **sizes)]
    batch = next(iter(DataLoader([to_data(graph, words) for graph in graphs], batch_size=2)))
    assert batch.x.tolist() == torch.eye(3)[[1, 2, 0, 2]].tolist()
    assert batch.edge_index.tolist() == [[0, 2], [1, 3]]
    assert batch.macs.tolist() == [3888, 0, 0, 0]
    assert [from_data(data) for data in batch.to_data_list()] == graphs
    pair = [to_hetero_data(program, ["conv2d", "relu"])] * 2
    both = next(iter(DataLoader(pair, batch_size=2)))
    assert both["memory"].shape.shape == (2 * len(program.memories), 8)


def test_each_function_names_what_it_takes(program):
    with pytest.raises(ArgumentError, match=r"be a KernelGraph, got ComputationalGraph; .*project"):
        to_data(program)
    with pytest.raises(ArgumentError, match="be a ComputationalGraph, got KernelGraph; to_data"):
        to_hetero_data(project(program))
    with pytest.raises(GraphError, match="be made by to_hetero_data"):
        from_hetero_data(to_data(project(program)))
    with pytest.raises(GraphError, match="be made by to_data"):
        from_data(to_hetero_data(program))
