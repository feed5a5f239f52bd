"""The first thing a newcomer gets wrong: the value of another stage. Each error names the way."""

import pytest
from torch import nn

import cgraph
from cgraph.clustering.result import Clustering

GRAPH = cgraph.KernelGraph(["relu"], [])
CLUSTERING = Clustering([0], [0], {}, ("a",), "kmeans", "hellinger")


@pytest.mark.parametrize(
    ("call", "fact"),
    [
        (lambda: cgraph.project(nn.ReLU()), "got ReLU; a model has to go through trace"),
        (lambda: cgraph.project(GRAPH), "must be a ComputationalGraph, got KernelGraph"),
        (lambda: cgraph.footprint(nn.ReLU()), "got ReLU; a model has to go through trace"),
        (lambda: cgraph.Population(3), "graphs must be kernel graphs, got int"),
        (lambda: cgraph.adjacency_tensor(nn.ReLU()), "got ReLU"),
        (lambda: cgraph.trace(GRAPH), "model must be a torch.nn.Module, .*, got KernelGraph"),
        (lambda: cgraph.rank(CLUSTERING, [1]), "table must be a DataFrame, got list"),
        (lambda: cgraph.Study(3).resolved(), "space must be a Space or the name of one, got int"),
        (lambda: cgraph.edit_distance(GRAPH, nn.ReLU()), "b must be a KernelGraph, got ReLU"),
    ],
    ids=["project model", "project twice", "footprint", "population", "tensor", "trace", "rank",
         "study", "edit"],
)  # fmt: skip
def test_the_error_names_what_came_and_the_way(call, fact):
    with pytest.raises(cgraph.CGraphError, match=fact):
        call()
