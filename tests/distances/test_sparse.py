import numpy as np
import pytest
from hypothesis import given, settings

from cgraph.distances import features, sparse
from cgraph.distances.features import FEATURES, histograms, sparse_histograms
from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.methods import DISTANCES
from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests import laws
from tests.distances.cells import random_cells
from tests.strategies import populations

USAGE = [name for name, method in DISTANCES.items() if method.feature == "usage"]
OPEN = [name for name, feature in FEATURES.items() if feature.is_open]
CELLS = Population(random_cells(150, seed=8))

metrics = pytest.mark.parametrize("metric", USAGE)
some = settings(max_examples=25)


@metrics
@pytest.mark.parametrize("feature", OPEN)
@some
@given(population=populations(max_kernels=4), other=populations(max_kernels=4, labels="cab"))
def test_distances_are_those_of_all_counts_written_out(metric, feature, population, other):
    counts, _ = histograms(population, None, feature)
    found = pairwise_distances(population, metric, feature=feature)
    assert np.allclose(found, pairwise_distances(counts, metric), rtol=0, atol=1e-9)
    laws.check_zero_to_itself(found)
    laws.check_symmetry(found)
    counts, other_counts = histograms(population, other, feature)
    found = pairwise_distances(population, metric, other, feature=feature)
    wanted = pairwise_distances(counts, metric, other_counts)
    assert np.allclose(found, wanted, rtol=0, atol=1e-9)


@metrics
def test_of_cells_in_any_number_of_threads(metric, monkeypatch):
    counts, _ = histograms(CELLS, None, "neighbourhoods")
    assert counts.shape[1] > 300
    one = pairwise_distances(CELLS, metric, feature="neighbourhoods", n_jobs=1)
    assert np.allclose(one, pairwise_distances(counts, metric), rtol=0, atol=1e-9)
    monkeypatch.setattr(sparse, "_SMALL", 0)
    monkeypatch.setattr(sparse, "_PAIRS_A_TASK", 1000)
    two = pairwise_distances(CELLS, metric, feature="neighbourhoods", n_jobs=2)
    assert np.array_equal(one, two)
    single = pairwise_distances(CELLS, metric, feature="neighbourhoods", dtype=np.float32)
    assert np.array_equal(single, one.astype(np.float32))
    assert np.array_equal(pairwise_distances(CELLS, metric, CELLS, feature="neighbourhoods"), one)


def test_near_zero_digits_are_kept():
    """Two long chains that differ in one kernel of a thousand."""
    chain = [(i, i + 1) for i in range(999)]
    a = KernelGraph(["a"] * 1000, chain)
    b = KernelGraph(["a"] * 500 + ["b"] + ["a"] * 499, chain)
    population = Population([a, b])
    counts, _ = histograms(population, None, "bigrams")
    p, q = counts / counts.sum(axis=1, keepdims=True)
    s = p + q
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(p * np.log2(2 * p / s)) + np.nan_to_num(q * np.log2(2 * q / s))
    found = pairwise_distances(population, "jensen-shannon", feature="bigrams")[0, 1]
    assert found == pytest.approx(np.sqrt(terms.sum() / 2), rel=1e-6)
    assert found < 0.05


def test_histograms_hold_what_occurs():
    counts, other = sparse_histograms(CELLS[:40], CELLS[40:], "neighbourhoods", None)
    assert counts.n_categories == other.n_categories
    for histogram in (counts, other):
        assert (histogram.counts > 0).all()
        for start, stop in zip(histogram.offsets, histogram.offsets[1:], strict=False):
            assert (np.diff(histogram.categories[start:stop]) > 0).all()


def test_too_many_categories_to_write_out_are_refused(monkeypatch):
    monkeypatch.setattr(features, "_MOST_DENSE", 1000)
    with pytest.raises(
        ArgumentError, match=r"feature must have fewer categories.*for 150 programs"
    ):
        histograms(CELLS, None, "neighbourhoods")
    pairwise_distances(CELLS, feature="neighbourhoods")
