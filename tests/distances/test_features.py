from collections import Counter

import numpy as np
import pytest
from hypothesis import given

from cgraph.distances.features import FEATURES, WL_ROUNDS, histograms
from cgraph.distances.matrix import pairwise_distances
from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests import laws, naive
from tests.strategies import populations


@given(populations())
def test_kernels_are_usage(population):
    counts, _ = histograms(population, None)
    assert np.array_equal(counts, population.usage())


@given(populations())
def test_bigrams_are_edges_by_labels(population):
    words, counts = FEATURES["bigrams"].function(population)
    for row, graph in zip(counts, population, strict=True):
        found = {word: n for word, n in zip(words, row.tolist(), strict=True) if n}
        assert found == Counter((graph.labels[u], graph.labels[v]) for u, v in graph.edges)


@given(populations(min_size=1, max_kernels=4))
def test_neighbourhoods_are_the_colours_of_weisfeiler_and_leman(population):
    """Columns and colours correspond one to one."""
    _, counts = FEATURES["neighbourhoods"].function(population)
    colours = [naive.weisfeiler_leman_colours(graph, WL_ROUNDS) for graph in population]
    wanted = [Counter(found) for found in colours]
    words = sorted({repr(word) for found in colours for word in found})
    table = np.array(
        [[sum(n for c, n in row.items() if repr(c) == w) for w in words] for row in wanted]
    ).reshape(len(population), len(words))
    assert sorted(map(tuple, counts.T.tolist())) == sorted(map(tuple, table.T.tolist()))


@pytest.mark.parametrize("feature", list(FEATURES))
@given(population=populations(max_kernels=4))
def test_numbering_of_kernels_does_not_matter(feature, population):
    counts, _ = histograms(population, None, feature)
    renumbered, _ = histograms(laws.renumbered_population(population), None, feature)
    assert np.array_equal(counts, renumbered)


@pytest.mark.parametrize("feature", list(FEATURES))
@given(population=populations(max_kernels=4), other=populations(max_kernels=4, labels="cab"))
def test_two_populations_share_their_categories(feature, population, other):
    counts, other_counts = histograms(population, other, feature)
    assert counts.shape[1] == other_counts.shape[1]
    both = Population([*population, *other])
    together = pairwise_distances(both, "hellinger", feature=feature)
    apart = pairwise_distances(population, "hellinger", other, feature=feature)
    assert np.allclose(together[: len(population), len(population) :], apart, rtol=0, atol=1e-12)


def test_order_is_seen_by_pairs_and_neighbourhoods_alone():
    population = Population(
        [KernelGraph("ab", [(0, 1)]), KernelGraph("ab", [(1, 0)]), KernelGraph("ab", [])]
    )
    for feature, n_distinct in (("kernels", 1), ("bigrams", 3), ("neighbourhoods", 3)):
        distances = pairwise_distances(population, feature=feature)
        assert len(np.unique(distances, axis=0)) == n_distinct


def test_different_vocabularies():
    a = Population([KernelGraph(["relu"], [])], vocabulary=["add", "relu"])
    b = Population([KernelGraph(["relu"], []), KernelGraph(["mul"], [])])
    assert pairwise_distances(a, "hellinger", b).tolist() == [[0.0, 1.0]]


def test_errors():
    population = Population([KernelGraph(["relu"], [])])
    with pytest.raises(UnknownNameError, match="'bigram'; did you mean 'bigrams'"):
        pairwise_distances(population, feature="bigram")
    with pytest.raises(ArgumentError, match="'kernels' where counts are given, got 'bigrams'"):
        pairwise_distances([[1, 2]], feature="bigrams")
