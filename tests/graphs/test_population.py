from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.errors import ArgumentError, GraphError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.naive import are_isomorphic
from tests.strategies import kernel_graphs, populations

A = KernelGraph(["relu", "add"], [(0, 1)])
B = KernelGraph(["add", "relu"], [(1, 0)])
C = KernelGraph(["add"], [])


@given(st.lists(kernel_graphs(), max_size=5))
def test_graphs_come_out_as_they_went_in(graphs):
    population = Population(graphs)
    assert len(population) == len(graphs)
    assert list(population) == graphs
    assert population.vocabulary == tuple(sorted({w for g in graphs for w in g.labels}))
    assert population.n_kernels.tolist() == [len(graph) for graph in graphs]


@given(populations())
def test_usage_counts_labels(population):
    usage = population.usage()
    assert usage.shape == (len(population), len(population.vocabulary))
    for row, graph in zip(usage, population, strict=True):
        counts = Counter(graph.labels)
        assert row.tolist() == [counts[label] for label in population.vocabulary]


@given(populations(max_size=5, max_kernels=4))
def test_classes_are_isomorphic_graphs(population):
    classes = population.classes()
    for i, a in enumerate(population):
        for j, b in enumerate(population):
            assert (classes[i] == classes[j]) == are_isomorphic(a, b)
    first = list(dict.fromkeys(classes.tolist()))
    assert first == list(range(len(first)))


@given(populations(min_size=1), st.data())
def test_indexing_is_that_of_a_list(population, data):
    graphs, n = list(population), len(population)
    i = data.draw(st.integers(-n, n - 1))
    assert population[i] == population[np.int64(i)] == graphs[i]
    mask = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    chosen = np.flatnonzero(mask)
    for index in (np.array(mask), chosen, chosen.tolist()):
        part = population[index]
        assert list(part) == [graphs[j] for j in chosen]
        assert part.names == tuple(population.names[j] for j in chosen)
        assert part.vocabulary == population.vocabulary
    assert list(population[1::2]) == graphs[1::2]
    assert list(population[::-1]) == graphs[::-1]


@given(populations())
def test_arrays_and_back(population):
    again = Population.from_arrays(
        vocabulary=population.vocabulary,
        node_offsets=population.node_offsets,
        label_ids=population.label_ids,
        edge_offsets=population.edge_offsets,
        edges=population.edges,
        names=population.names,
    )
    assert list(again) == list(population)
    assert again.names == population.names


def test_an_index_beyond_the_end():
    with pytest.raises(IndexError):
        Population([A])[1]


def test_values_are_frozen():
    population = Population([A])
    with pytest.raises(AttributeError):
        population.names = ("a",)
    with pytest.raises(ValueError, match="read-only"):
        population.label_ids[0] = 0


def test_equal_programs():
    assert Population([C, A, B, A]).classes().tolist() == [0, 1, 1, 1]


def test_errors():
    with pytest.raises(ArgumentError, match=r"kernel graphs, got str.*project\(\)"):
        Population(["relu"])
    with pytest.raises(ArgumentError, match="one for each of the 2 graphs, got 1"):
        Population([A, B], names=["a"])
    with pytest.raises(ArgumentError, match="be different, each once, got 'a' twice"):
        Population([A, B], names=["a", "a"])
    with pytest.raises(GraphError, match="hold every label that occurs, got none for 'relu'"):
        Population([A], vocabulary=["add"])
    with pytest.raises(ArgumentError, match=r"be different, each once, got 'add' twice"):
        Population([C], vocabulary=["add", "add"])


@pytest.mark.parametrize(
    ("change", "quoted"),
    [
        ({"node_offsets": [0, 1]}, "node_offsets must go from 0 to 2 in 2 steps"),
        ({"node_offsets": [0, 3, 2], "edge_offsets": [0, 0, 1]}, "node_offsets must never fall"),
        ({"edge_offsets": [0, 2]}, "edge_offsets must go from 0 to 1 in 2 steps"),
        ({"label_ids": [0, 2]}, "label_ids must be labels, 0 <= label < 2, got 2"),
        ({"label_ids": [0, -1]}, "label_ids must be labels, 0 <= label < 2, got -1"),
        ({"edges": [(0, 2)]}, "edges must hold kernels of their graph"),
        ({"edges": [(-1, 1)]}, "edges must hold kernels of their graph"),
    ],
)
def test_errors_of_arrays(change, quoted):
    valid = {
        "vocabulary": ["add", "relu"],
        "node_offsets": [0, 2],
        "label_ids": [0, 1],
        "edge_offsets": [0, 1],
        "edges": [(0, 1)],
    }
    assert len(Population.from_arrays(**valid)) == 1
    with pytest.raises(GraphError, match=quoted):
        Population.from_arrays(**(valid | change))


def test_sizes_of_kernels_are_packed_and_taken_with_their_graphs():
    a = KernelGraph(list("ab"), [(0, 1)], macs=[3, 0], bytes=[8, 4])
    b = KernelGraph(["c"], [], macs=[5], bytes=[2])
    population = Population([a, KernelGraph([], []), b])
    assert population.macs.tolist() == [3, 0, 5]
    assert population.bytes.tolist() == [8, 4, 2]
    assert population[0] == KernelGraph(list("ab"), [(0, 1)], macs=[3, 0], bytes=[8, 4])
    assert population[[2, 0]].macs.tolist() == [5, 3, 0]
    assert population[[1]].macs.tolist() == []
    assert Population([a, KernelGraph(["c"], [])]).macs is None
    assert a != KernelGraph(list("ab"), [(0, 1)], macs=[3, 1], bytes=[8, 4])
    assert a != KernelGraph(list("ab"), [(0, 1)])
    with pytest.raises(GraphError, match="one for each of the 2 kernels, got shape"):
        KernelGraph(list("ab"), [], macs=[1])
    with pytest.raises(GraphError, match=r"bytes must hold whole numbers, 0 or more, got -1"):
        KernelGraph(list("ab"), [], bytes=[1, -1])
