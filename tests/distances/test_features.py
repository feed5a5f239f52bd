from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.distances.features import FEATURES, WEIGHINGS, WL_ROUNDS, histograms
from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.methods import DISTANCES
from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests import laws, naive
from tests.strategies import populations

USAGE = [name for name, method in DISTANCES.items() if method.feature == "usage"]


@given(populations())
def test_kernels_are_usage(population):
    counts, _ = histograms(population, None)
    assert np.array_equal(counts, population.usage())


@given(populations())
def test_bigrams_are_edges_by_labels(population):
    words = FEATURES["bigrams"].function(population).categories
    counts, _ = histograms(population, None, "bigrams")
    for row, graph in zip(counts, population, strict=True):
        found = {word: n for word, n in zip(words, row.tolist(), strict=True) if n}
        assert found == Counter((graph.labels[u], graph.labels[v]) for u, v in graph.edges)


@given(populations(min_size=1, max_kernels=4))
def test_neighbourhoods_are_the_colours_of_weisfeiler_and_leman(population):
    """Columns and colours correspond one to one."""
    counts, _ = histograms(population, None, "neighbourhoods")
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
        [
            KernelGraph(list("ab"), [(0, 1)]),
            KernelGraph(list("ab"), [(1, 0)]),
            KernelGraph(list("ab"), []),
        ]
    )
    for feature, n_distinct in (("kernels", 1), ("bigrams", 3), ("neighbourhoods", 3)):
        distances = pairwise_distances(population, feature=feature)
        assert len(np.unique(distances, axis=0)) == n_distinct


def test_different_vocabularies():
    a = Population([KernelGraph(["relu"], [])], vocabulary=["add", "relu"])
    b = Population([KernelGraph(["relu"], []), KernelGraph(["mul"], [])])
    assert pairwise_distances(a, "hellinger", b).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("weigh_by", list(WEIGHINGS))
@pytest.mark.parametrize("feature", list(FEATURES))
@given(population=populations(max_kernels=4), sizes=st.lists(st.integers(0, 9), min_size=24))
def test_histograms_by_size(feature, weigh_by, population, sizes):
    """Each occurrence counts its share of the sizes of all, times their number."""
    n = len(population.label_ids)
    sized = laws.sized_population(population, macs=sizes[:n], bytes=sizes[-n:] if n else [])
    own = getattr(sized, weigh_by)
    counts, _ = histograms(sized, None, feature, weigh_by)
    found = FEATURES[feature].function(sized)
    wanted = np.zeros(counts.shape)
    for g, k, kernels in zip(found.graph, found.category, found.kernels, strict=True):
        wanted[g, k] += own[kernels].sum()
    n_occurrences = np.bincount(found.graph, minlength=len(sized))
    for row, total, number in zip(wanted, wanted.sum(axis=1), n_occurrences, strict=True):
        row *= number / total if total else 0
    assert np.allclose(counts, wanted)


def test_equal_sizes_are_no_sizes():
    population = laws.sized_population(
        Population(
            [KernelGraph(list("aab"), [(0, 1)]), KernelGraph([], []), KernelGraph(["c"], [])]
        ),
        macs=[7, 7, 7, 7],
        bytes=[1, 1, 1, 1],
    )
    for metric in USAGE:
        for feature in FEATURES:
            plain = pairwise_distances(population, metric, feature=feature)
            sized = pairwise_distances(population, metric, feature=feature, weigh_by="macs")
            assert np.array_equal(plain, sized)


def test_two_networks_weighed_by_their_macs():
    """Two convolutions of 3 and 1 MACs; a population without MACs is refused."""
    a = KernelGraph(["conv", "relu"], [(0, 1)], macs=[3, 0])
    b = KernelGraph(["conv", "linear"], [(0, 1)], macs=[1, 1])
    found = pairwise_distances(Population([a, b]), weigh_by="macs")
    assert found[0, 1] == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))
    with pytest.raises(ArgumentError, match=r"population must know the bytes of its kernels, got"):
        pairwise_distances(Population([a, b]), weigh_by="bytes")
    bare = Population([KernelGraph(["a"], [])])
    with pytest.raises(ArgumentError, match=r"other must know the macs of its kernels"):
        pairwise_distances(Population([a, b]), other=bare, weigh_by="macs")
    with pytest.raises(UnknownNameError, match=r"weigh_by must be one of macs, bytes, got 'mac'"):
        pairwise_distances(Population([a, b]), weigh_by="mac")
    with pytest.raises(ArgumentError, match=r"weigh_by must go with a metric of usage, got metric"):
        pairwise_distances(Population([a, b]), "edit", weigh_by="macs")
    with pytest.raises(ArgumentError, match=r"weigh_by must be left out where counts are given"):
        pairwise_distances([[1, 2]], weigh_by="macs")


def test_errors():
    population = Population([KernelGraph(["relu"], [])])
    with pytest.raises(UnknownNameError, match="'bigram'; did you mean 'bigrams'"):
        pairwise_distances(population, feature="bigram")
    with pytest.raises(
        ArgumentError, match="feature must be left out where counts are given, got 'bigrams'"
    ):
        pairwise_distances([[1, 2]], feature="bigrams")
