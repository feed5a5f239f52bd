import numpy as np
import pytest
import torch

from cgraph.errors import ArchitectureError, UnknownNameError
from cgraph.graphs.kernel import project
from cgraph.graphs.passes import live
from cgraph.hardware.devices import DEVICES
from cgraph.hardware.footprint import fit, fit_chain
from cgraph.spaces.nasbench201 import network, notation
from cgraph.spaces.nasbench201.space import NASBench201
from cgraph.tracing.record import trace
from tests.naive import macs_of_layers

SPACE = NASBench201()
PARTS = ("cell", "network")  # for operations see test_operations.py
# All zero, all skip, the best on CIFAR-10, zeros that feed operations, and some at random.
SAMPLE = [1651, SPACE.index("|skip_connect~0|+|skip_connect~0|skip_connect~1|"
                            "+|skip_connect~0|skip_connect~1|skip_connect~2|"),
          6111, SPACE.index("|none~0|+|none~0|nor_conv_3x3~1|"
                            "+|nor_conv_3x3~0|nor_conv_1x1~1|avg_pool_3x3~2|"),
          *np.random.default_rng(0).choice(15625, 6, replace=False).tolist()]  # fmt: skip


def traced(index, part):
    if part == "network":
        return trace(SPACE.model(index), torch.zeros(1, 3, 32, 32))
    cell = network.Cell(notation.operations_table()[index].tolist(), 16)
    return trace(cell, torch.zeros(1, 16, 32, 32))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("index", SAMPLE)
def test_composed_is_traced(index, part):
    graph = traced(index, part)
    assert SPACE.graph(index, part) == graph
    assert SPACE.graph(index, part, "live") == live(graph)


@pytest.mark.parametrize("index", np.random.default_rng(2).choice(15625, 60, replace=False))
def test_what_is_alive_of_a_network_is_what_is_alive_of_its_cells(index):
    assert SPACE.graph(int(index), "network", "live") == live(SPACE.graph(int(index), "network"))


@pytest.mark.parametrize("device", ["stm32f746", "raspberry-pi-4"])
@pytest.mark.parametrize(
    "index", [*SAMPLE, *np.random.default_rng(3).choice(15625, 20, replace=False).tolist()]
)
def test_a_network_fits_as_its_chain_of_blocks_does(index, device):
    whole = fit(SPACE.graph(index, "network", "live"), DEVICES[device])
    assert fit_chain(SPACE.live_chain(index), DEVICES[device]) == whole


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("form", ["raw", "live"])
@pytest.mark.parametrize("boundary", [False, True], ids=["kernels", "boundary"])
def test_the_population_is_every_graph_projected(part, form, boundary):
    population = SPACE.population(part, form, boundary=boundary)
    assert population.names == SPACE.architectures()
    assert list(population.vocabulary) == sorted(population.vocabulary)
    occurring = np.unique(population.label_ids)
    assert len(occurring) == len(population.vocabulary)
    n_random = {"cell": 60, "network": 6}[part]
    for i in [*SAMPLE[:4], *np.random.default_rng(1).choice(15625, n_random, replace=False)]:
        expected = project(SPACE.graph(int(i), part, form), boundary=boundary)
        found = population[int(i)]
        assert found.labels == expected.labels
        np.testing.assert_array_equal(found.edges, expected.edges)


@pytest.mark.parametrize("form", ["raw", "live"])
def test_edges_of_a_population_are_sorted(form):
    population = SPACE.population("network", form)
    owner = np.repeat(np.arange(len(population)), np.diff(population.edge_offsets))
    assert (
        np.diff((owner * 1000 + population.edges[:, 0]) * 1000 + population.edges[:, 1]) > 0
    ).all()


def test_a_dead_program_has_no_kernels():
    ignores_input = SPACE.ignores_input()
    for part in PARTS:
        n_kernels = SPACE.population(part).n_kernels
        assert (n_kernels[ignores_input] == 0).all()
    # The cell that is one identity has none either; its network has.
    assert (SPACE.population("network").n_kernels[~ignores_input] > 0).all()


def test_graphs_leave_the_random_state_alone():
    from cgraph.spaces.nasbench201.graphs import pieces

    pieces.cache_clear()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    SPACE.graph(0, "network")
    assert torch.equal(torch.get_rng_state(), before)


def test_sizes_are_the_formulas():
    table = notation.operations_table()
    n_1x1 = (table == notation.CONV_1X1).sum(axis=1)
    n_3x3 = (table == notation.CONV_3X3).sum(axis=1)
    sizes = SPACE.sizes()
    np.testing.assert_array_equal(sizes["n_parameters"], 73306 + 28000 * n_1x1 + 243040 * n_3x3)
    np.testing.assert_array_equal(sizes["macs"], 7783040 + 3932160 * n_1x1 + 35389440 * n_3x3)
    assert sizes["n_parameters"][6111] == 1073466


def test_sizes_are_the_published_ones(accuracy_table):
    sizes = SPACE.sizes()
    table = accuracy_table.sort_values("index")
    np.testing.assert_allclose(sizes["n_parameters"] / 1e6, table["params_m_cifar10"], atol=5e-7)
    np.testing.assert_allclose(sizes["macs"] / 1e6, table["flops_m_cifar10"], atol=5e-6)


@pytest.mark.parametrize("index", SAMPLE[:6])
def test_sizes_are_those_of_the_graph_and_the_model(index):
    sizes, graph = SPACE.sizes(), SPACE.graph(index, "network")
    assert graph.n_parameters == sizes["n_parameters"][index]
    assert graph.macs == sizes["macs"][index]
    model = SPACE.model(index)
    assert sum(p.numel() for p in model.parameters()) == graph.n_parameters
    assert macs_of_layers(model, torch.zeros(1, 3, 32, 32)) == graph.macs


def test_bad_arguments_are_named():
    with pytest.raises(UnknownNameError, match=r"part must be one of cell, network, got 'cel'"):
        SPACE.graph(0, "cel")
    with pytest.raises(UnknownNameError, match=r"form must be one of raw, live, got 'dead'"):
        SPACE.population("cell", "dead")
    with pytest.raises(ArchitectureError, match=r"index, 0 <= arch < 15625, got 15625"):
        SPACE.graph(15625)
    with pytest.raises(ArchitectureError, match=r"0 <= arch < 15625, got -1"):
        SPACE.model(-1)
    with pytest.raises(ArchitectureError, match=r"a string or an index, got True"):
        SPACE.model(True)
    with pytest.raises(ArchitectureError, match=r"a string or an index, got 1.0"):
        SPACE.model(1.0)


def test_the_benchmark_runs(capsys):
    from tests.benchmarks.bench_compose import main

    main(2)
    assert "times as fast" in capsys.readouterr().out
