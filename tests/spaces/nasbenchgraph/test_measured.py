import numpy as np
import pytest
import torch
from torch import nn

import cgraph
from cgraph.spaces.nasbenchgraph import network
from cgraph.spaces.nasbenchgraph.measured import (
    NOTE,
    _Arma,
    _attention_of,
    block_graph,
    build_measured,
)
from cgraph.spaces.nasbenchgraph.notation import OPERATIONS, parse
from cgraph.spaces.nasbenchgraph.space import NASBenchGraph
from cgraph.statistics.candidate import Candidate
from cgraph.statistics.layers import layers_of
from cgraph.statistics.methods import statistic_names

# Layers of which every operation reads another, but for the identity.
ARCHITECTURES = ("gat~0|arma~1|cheb~1|sage~0", "gin~0|gcn~1|graph~2|fc~3")


@pytest.mark.parametrize("n_nodes", [1, 2, 9, 32, 64, 200])
def test_the_graph_of_a_number_of_nodes(n_nodes):
    edges = block_graph(n_nodes, 5)
    assert torch.equal(edges, block_graph(n_nodes, 5))
    pairs = {tuple(pair) for pair in edges.t().tolist()}
    assert len(pairs) == edges.shape[1]
    assert all((v, u) in pairs and u != v for u, v in pairs)
    assert edges.shape[1] == 0 or 0 <= edges.min() <= edges.max() < n_nodes
    if n_nodes >= 64:
        assert 3 < edges.shape[1] / n_nodes < 5
        n_blocks = min(5, n_nodes // 16)
        is_within = (edges[0] % n_blocks == edges[1] % n_blocks).float().mean()
        assert 0.7 < is_within < 0.9
    adjacency = np.eye(n_nodes)
    adjacency[edges[0], edges[1]] = 1
    assert np.linalg.matrix_rank(adjacency) == n_nodes


def test_what_is_measured_computes_what_is_trained():
    x, edges = torch.randn(40, 12), block_graph(40, 4)
    arma = network.make_operation(OPERATIONS.index("arma"), 12, 8)
    nn.init.normal_(arma.bias)
    torch.testing.assert_close(_Arma(arma)(x, edges), arma(x, edges))
    gat = network.make_operation(OPERATIONS.index("gat"), 12, 8)
    nn.init.normal_(gat.bias)
    torch.testing.assert_close(_attention_of(gat)(x, edges), gat(x, edges))
    space = NASBenchGraph("pubmed")
    for text in (ARCHITECTURES[1], "skip~0|gin~1|sage~2|skip~2"):
        torch.manual_seed(0)
        trained = space.model(text).eval()
        torch.manual_seed(0)
        measured = build_measured(*parse(text), "pubmed").eval()
        x = torch.randn(24, 500)
        torch.testing.assert_close(measured(x), trained(x, block_graph(24, 3)))


@pytest.fixture(scope="module")
def table():
    space = NASBenchGraph("pubmed")
    names = [name for name in statistic_names() if name != "accuracy"]
    return cgraph.evaluate(space.candidates(ARCHITECTURES), names, n_draws=2)


WITHOUT_IMAGES = {
    "zen": "the network has no global average pooling, before which the definition stops",
    "meco": "no layer gives a feature map of several channels and two axes or three",
}


def test_every_statistic_has_a_value_or_says_why_not(table):
    for row in table.to_dict("records"):
        expected = WITHOUT_IMAGES.get(row["statistic"])
        reason = row["reason"] if isinstance(row["reason"], str) else None
        assert reason == expected
        assert np.isfinite(row["value"]) == (expected is None)
    samples = table[table["statistic"].isin(["ntk", "naswot-v2", "regions"])]
    assert samples["note"].str.startswith(NOTE).all()
    assert not table.set_index("statistic").loc["params", "note"].any()


def test_sizes_are_those_of_the_network_that_is_trained(table):
    space = NASBenchGraph("pubmed")
    values = table.pivot_table(index="name", columns="statistic", values="value")
    for text in map(space.canonical, ARCHITECTURES):
        index = space.index(text)
        assert values.loc[text, "params"] == space.sizes()["n_parameters"][index]
        macs = space.sizes()["macs"][index]
        assert values.loc[text, "macs"] * space.dataset.n_nodes == macs
    # The head; attention 1, ARMA 2, Chebyshev 2, SAGE 2; and one each of GIN and GCN, 2 of graph.
    assert values["layers"].tolist() == [8.0, 6.0]


def test_units_are_those_of_nodes(table):
    assert not table["reason"].eq("a tensor does not have the batch as its first axis").any()
    space = NASBenchGraph("pubmed")
    network_ = space.candidate(ARCHITECTURES[0]).build("full")
    outcome = cgraph.measure(network_, "naswot-v2", torch.randn(16, 500))
    # Two operations behind a ReLU of 128 units, ARMA's own, and the head's of three leaves.
    assert dict(outcome.parameters)["n_units"] == (2 + 1 + 3) * 128


def test_programs_and_draws_are_told_apart_by_data_set():
    one, two = (NASBenchGraph(d).candidate("fc~0|fc~1|fc~2|gcn~3") for d in ("cora", "pubmed"))
    assert one.name == two.name
    assert one.program != two.program
    assert one.program == NASBenchGraph().candidate("fc~0|fc~1|fc~2|gcn~3").program


def test_layers_of_graph_networks_are_counted_where_they_come_from_elsewhere():
    model = nn.Sequential(nn.Linear(3, 3), network.make_operation(OPERATIONS.index("gcn"), 3, 4))
    assert [type(layer).__module__.split(".")[0] for layer in layers_of(model)] == [
        "torch", "torch_geometric",
    ]  # fmt: skip


class DependsOnValues(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(x) if x.sum() < 1e9 else x


def test_macs_of_a_network_that_looks_at_values():
    candidate = Candidate("a", "p", lambda _: DependsOnValues(), {"full": (4,)})
    assert cgraph.evaluate(candidate, ["macs"], n_draws=1)["value"].tolist() == [8.0]
