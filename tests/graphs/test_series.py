"""Series of kernels contracted to one node, and what that keeps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.errors import ArgumentError
from cgraph.graphs.canonical import certificate
from cgraph.graphs.kernel import INPUT_LABEL, OUTPUT_LABEL, KernelGraph
from cgraph.graphs.population import Population
from cgraph.graphs.series import compact, expand, steps_of
from tests import naive
from tests.laws import sized_population
from tests.strategies import kernel_graphs, populations, renumbered

LABELS = ("a", "b", INPUT_LABEL, OUTPUT_LABEL)


@given(kernel_graphs(max_kernels=7, labels=LABELS))
def test_equals_contraction_one_edge_at_a_time(graph):
    labels, edges = naive.compact(graph)
    view = compact(graph)
    assert list(view.labels) == labels
    assert view.edges.tolist() == edges


@given(kernel_graphs(max_kernels=7, labels=LABELS))
def test_nothing_is_lost_and_nothing_is_left_to_contract(graph):
    view = compact(graph)
    assert certificate(expand(view)) == certificate(graph)
    assert compact(view) == view


@given(renumbered())
def test_numbering_does_not_matter(pair):
    a, b = map(compact, pair)
    assert certificate(a) == certificate(b)


@given(kernel_graphs(max_kernels=7, labels=LABELS))
def test_inputs_and_outputs_stand_alone(graph):
    for label in compact(graph).labels:
        steps = steps_of(label)
        assert len(steps) == 1 or not {INPUT_LABEL, OUTPUT_LABEL}.intersection(steps)


@given(populations(max_kernels=6), st.integers(0, 2**32 - 1))
def test_a_population_is_its_graphs(population, seed):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 99, (2, len(population.label_ids)))
    population = sized_population(population, *sizes)
    view = compact(population)
    assert view.names == population.names
    for i, graph in enumerate(population):
        alone = compact(graph)
        assert (alone.labels, alone.edges.tolist()) == (view[i].labels, view[i].edges.tolist())
        assert np.array_equal(alone.macs, view[i].macs)
        assert view[i].macs.sum() == graph.macs.sum()
        assert view[i].bytes.sum() == graph.bytes.sum()
    assert np.array_equal(view.classes(), population.classes())


def test_names_and_sizes():
    graph = KernelGraph(
        ["relu", "conv2d[3x3]", "add"],
        [(0, 1), (1, 2)],
        list("rca"),
        macs=[0, 5, 1],
        bytes=[1, 2, 3],
    )
    view = compact(graph)
    assert view.labels == ("relu>conv2d[3x3]>add",)
    assert view.names == ("r to a",)
    assert (view.macs.tolist(), view.bytes.tolist()) == ([6], [6])


def test_anything_else_is_refused():
    with pytest.raises(ArgumentError, match="KernelGraph or a Population, got list"):
        compact([KernelGraph(["a"], [])])
    assert len(compact(Population([]))) == 0
    assert len(compact(KernelGraph([], []))) == 0
