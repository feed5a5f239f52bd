from dataclasses import replace

import numpy as np
import pytest
import torch

from cgraph.errors import UnknownNameError
from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.spaces.nasbenchgraph import graphs, network, table
from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS
from cgraph.spaces.nasbenchgraph.measured import block_graph
from cgraph.spaces.nasbenchgraph.population import compose_population
from cgraph.spaces.nasbenchgraph.space import NASBenchGraph
from cgraph.tracing.record import trace
from tests.naive import nasbenchgraph_logits

# Every operation, reading features and not, and every number of leaves.
ARCHITECTURES = (
    "gat~0|gcn~0|gin~0|cheb~0",
    "sage~0|arma~0|graph~0|gat~1",
    "gcn~0|gin~1|cheb~1|skip~1",
    "skip~0|fc~1|sage~2|arma~3",
    "graph~0|fc~0|gat~1|skip~1",
    "fc~0|graph~1|gcn~2|sage~2",
)


def known_on(dataset):
    allowed = set(DATA_SETS[dataset.name].operations)
    found = [a for a in ARCHITECTURES if {w.split("~")[0] for w in a.split("|")} <= allowed]
    return found or ["skip~0|gcn~1|arma~1|sage~2", "fc~0|gcn~0|arma~0|skip~1"]


def nodes_of(text):
    from cgraph.spaces.nasbenchgraph.notation import parse

    return parse(text)


def example(dataset, seed=0):
    """Features and edges in the numbers of a data set, without loops."""
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(0, dataset.n_nodes, (2, 2 * dataset.n_edges), generator=generator)
    edges = edges[:, edges[0] != edges[1]][:, : dataset.n_edges]
    return torch.randn(dataset.n_nodes, dataset.n_features, generator=generator), edges


def test_values_are_those_of_dense_matrices(small):
    x, edges = example(small)
    edges = block_graph(small.n_nodes, 3)  # both ways, each once
    for text in known_on(small):
        torch.manual_seed(1)
        model = network.build(*nodes_of(text), small).double().eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(std=0.3)
            found = model(x.double(), edges)
        expected = nasbenchgraph_logits(model, text, x.double(), edges, small)
        torch.testing.assert_close(found, expected)


def test_composed_is_traced(small):
    x, edges = example(small)
    for text in known_on(small):
        nodes = nodes_of(text)
        model = network.build(*nodes, small)
        assert graphs.compose_network(*nodes, small) == trace(model, x, edges, fake=False)
        inner = model.pre(x).detach()
        assert graphs.compose_cell(*nodes, small) == trace(model.cell, inner, edges, fake=False)


def test_composed_is_traced_on_the_graph_of_cora():
    dataset = DATA_SETS["cora"]
    x, edges = example(dataset)
    space = NASBenchGraph()
    for text in ("gat~0|cheb~1|gin~1|arma~2", "gcn~0|sage~0|graph~1|fc~1"):
        traced = trace(space.model(text), x, edges, fake=False)
        assert space.graph(text, "network") == traced
        assert space.graph(text, "network", "live") == live(traced)


def test_sizes_that_pieces_are_traced_in_stand_nowhere_else():
    traced = {19, 46, 19 + 46}
    for record in DATA_SETS.values():
        widths = {record.n_features, record.n_classes, record.channels, record.channels // 4}
        assert not traced & {k * width for width in widths for k in range(1, 5)}


@pytest.mark.parametrize("form", ["raw", "live"])
@pytest.mark.parametrize("part", ["cell", "network"])
def test_the_population_is_every_graph_projected(small, part, form):
    rows = table.rows("proteins")[::300] if not small.is_normalised else table.rows("cora")[::3300]
    names = [str(i) for i in range(len(rows))]
    compose = graphs.compose_cell if part == "cell" else graphs.compose_network
    for boundary in (False, True):
        found = compose_population(rows, names, small, part, form, boundary=boundary)
        for i, row in enumerate(rows.tolist()):
            graph = compose(*table.nodes_of(row), small)
            expected = project(live(graph) if form == "live" else graph, boundary=boundary)
            assert found[i].labels == expected.labels
            np.testing.assert_array_equal(found[i].edges, expected.edges)
            np.testing.assert_array_equal(found[i].macs, expected.macs)
            np.testing.assert_array_equal(found[i].bytes, expected.bytes)


def test_totals_are_those_of_models_and_graphs(small):
    name = "cora" if small.is_normalised else "proteins"
    rows = table.rows(name)[:: len(table.rows(name)) // 12]
    totals = graphs.totals(rows, small)
    for i, row in enumerate(rows.tolist()):
        nodes = table.nodes_of(row)
        with torch.device("meta"):
            model = network.build(*nodes, small)
        graph = graphs.compose_network(*nodes, small)
        assert totals["n_parameters"][i] == sum(p.numel() for p in model.parameters())
        assert totals["n_parameters"][i] == graph.n_parameters
        assert totals["macs"][i] == graph.macs


@pytest.mark.parametrize("dataset", [name for name in DATA_SETS if name != "physics"])
def test_parameters_are_the_published_ones(dataset):
    pytest.importorskip("nas_bench_graph")
    space = NASBenchGraph(dataset)
    published = space.published()["n_parameters"].round().to_numpy(dtype=np.int64)
    np.testing.assert_array_equal(space.sizes()["n_parameters"], published)


def test_parameters_on_physics_are_the_published_ones_but_of_mixed_runs(monkeypatch):
    pytest.importorskip("nas_bench_graph")
    space = NASBenchGraph("physics")
    published = 3 * space.published()["n_parameters"].to_numpy()
    differs = np.abs(published - 3 * space.sizes()["n_parameters"]) > 0.5
    assert differs.sum() == 1_567
    # Of most of them one run in three had 128 channels, and no layer before the cell.
    name = "narrow physics"
    narrow = replace(DATA_SETS["physics"], name=name, channels=128, has_pre=False)
    monkeypatch.setitem(DATA_SETS._records, name, narrow)
    others = graphs.totals(table.rows("physics")[differs], narrow)["n_parameters"]
    mixed = 2 * space.sizes()["n_parameters"][differs] + others
    assert (np.abs(published[differs] - mixed) < 0.5).sum() == 1_478


def test_no_two_architectures_are_one_program():
    space = NASBenchGraph("proteins")
    assert space.population().classes().tolist() == space.programs().tolist()


def test_models_of_the_space_run_and_train():
    space = NASBenchGraph("pubmed")
    edges = block_graph(12, 3)
    for skeleton, (width,) in space.input_shapes.items():
        model = space.model("gcn~0|gat~1|skip~1|fc~0", skeleton)
        assert model.training
        out = model(torch.randn(12, width), edges)
        out.sum().backward()
        assert len(out) == 12
    assert space.model(3)(torch.randn(12, 500), edges).shape == (12, 3)
    with pytest.raises(UnknownNameError, match="one of full, cell, got 'thin'"):
        space.model(0, "thin")


def test_a_graph_draws_nothing_from_the_callers_generator():
    graphs.pieces.cache_clear()
    torch.manual_seed(0)
    NASBenchGraph("pubmed").graph("gcn~0|gat~1|skip~1|fc~0")
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))


def test_operations_are_drawn_as_a_tree():
    space = NASBenchGraph()
    population = space.population("operations", boundary=True)
    index = space.index("gcn~0|fc~0|gat~1|skip~1")
    graph = population[index]
    assert graph.labels == ("input", "gcn", "fc", "gat", "skip", "output")
    assert graph.edges.tolist() == [[0, 1], [0, 2], [1, 3], [1, 4], [2, 5], [3, 5], [4, 5]]
    inner = space.population("operations")[index]
    assert inner.labels == ("gcn", "fc", "gat", "skip")
    assert inner.edges.tolist() == [[0, 2], [0, 3]]
    assert space.population("operations", boundary=True)[:2000].classes().max() == 1999
