import numpy as np
import pytest
from hypothesis import given, settings

from cgraph.distances.matrix import distance_table, pairwise_distances
from cgraph.distances.methods import DISTANCES
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests import laws
from tests.strategies import populations

METRICS = pytest.mark.parametrize("metric", list(DISTANCES))
some = settings(max_examples=25)


@METRICS
@some
@given(population=populations(max_kernels=4))
def test_zero_to_itself_and_finite(metric, population):
    distances = pairwise_distances(population, metric)
    assert distances.shape == (len(population), len(population))
    laws.check_finite(distances)
    laws.check_zero_to_itself(distances)


@pytest.mark.parametrize("metric", [m.name for m in DISTANCES.values() if m.is_symmetric])
@some
@given(population=populations(max_kernels=4))
def test_symmetry(metric, population):
    distances = pairwise_distances(population, metric)
    laws.check_symmetry(distances)
    again = pairwise_distances(population, metric, population)
    assert np.array_equal(distances, again)


@pytest.mark.parametrize("metric", [m.name for m in DISTANCES.values() if m.is_metric])
@some
@given(population=populations(max_kernels=4))
def test_triangle_inequality(metric, population):
    laws.check_triangle_inequality(pairwise_distances(population, metric))


@METRICS
@some
@given(population=populations(max_kernels=4))
def test_numbering_of_kernels_does_not_matter(metric, population):
    renumbered = laws.renumbered_population(population)
    assert np.allclose(
        pairwise_distances(population, metric),
        pairwise_distances(renumbered, metric),
        rtol=0,
        atol=1e-12,
    )


@METRICS
@some
@given(population=populations(max_kernels=4))
def test_order_of_graphs_does_not_matter(metric, population):
    order = np.random.default_rng(0).permutation(len(population))
    moved = pairwise_distances(population[order], metric)
    assert np.array_equal(moved, pairwise_distances(population, metric)[np.ix_(order, order)])


@METRICS
@some
@given(population=populations(max_kernels=4, max_size=4))
def test_pairs_are_the_matrix(metric, population):
    distances = pairwise_distances(population, metric)
    for i in range(len(population)):
        for j in range(len(population)):
            pair = pairwise_distances(population[[i]], metric, population[[j]])
            assert np.array_equal(pair, distances[i : i + 1, j : j + 1])


@METRICS
@some
@given(
    population=populations(max_kernels=4, max_size=4),
    other=populations(max_kernels=4, max_size=4, labels="dab"),
)
def test_another_vocabulary_is_joined(metric, population, other):
    """Distances to others are those in the population of both."""
    apart = pairwise_distances(population, metric, other)
    both = Population([*population, *other], vocabulary=list("abcd"))
    n = len(population)
    assert np.allclose(pairwise_distances(both, metric)[:n, n:], apart, rtol=0, atol=1e-12)


@METRICS
def test_corners(metric):
    """Nothing, one kernel, parts without a way between them, edges that are given twice."""
    graphs = [
        KernelGraph([], []),
        KernelGraph(["a"], []),
        KernelGraph(list("aa"), []),
        KernelGraph(list("abab"), [(0, 1), (2, 3)]),
        KernelGraph(list("abab"), [(0, 1), (2, 3), (0, 1), (2, 3), (0, 1)]),
        KernelGraph(list("abab"), [(0, 1), (1, 2), (2, 3)]),
    ]
    distances = pairwise_distances(Population(graphs), metric)
    laws.check_finite(distances)
    laws.check_zero_to_itself(distances)
    laws.check_symmetry(distances)
    assert distances[3, 4] == 0
    if DISTANCES[metric].feature == "graph":
        assert distances[3, 5] > 0
        assert distances[0, 1] > 0
    if DISTANCES[metric].is_metric:
        laws.check_triangle_inequality(distances)


@METRICS
@given(population=populations(min_size=1, max_kernels=4))
@some
def test_the_table_spread_out_is_the_matrix(metric, population):
    table = distance_table(population, metric)
    distances = pairwise_distances(population, metric)
    assert np.array_equal(table.values[np.ix_(table.rows, table.columns)], distances)
    first = list(dict.fromkeys(table.rows.tolist()))
    assert first == list(range(table.values.shape[0]))


@METRICS
def test_any_number_of_threads_gives_the_same_bytes(metric, monkeypatch):
    monkeypatch.setattr("cgraph.distances._loops.SMALL", 16)
    monkeypatch.setattr("cgraph.distances._loops.SPREAD", 500)
    graphs = list(_many_graphs())
    population = Population(graphs)
    wanted = pairwise_distances(population, metric, n_jobs=1)
    for n_jobs in (2, 3, -1):
        assert np.array_equal(pairwise_distances(population, metric, n_jobs=n_jobs), wanted)
    monkeypatch.setattr("cgraph.distances._loops.TILE_ROWS", 7)
    monkeypatch.setattr("cgraph.distances._loops.TILE_COLUMNS", 5)
    assert np.array_equal(pairwise_distances(population, metric, n_jobs=2), wanted)


@METRICS
def test_float32_is_float64_rounded_once(metric):
    population = Population(list(_many_graphs()))
    exact = pairwise_distances(population, metric)
    single = pairwise_distances(population, metric, dtype=np.float32)
    assert single.dtype == np.float32
    assert np.array_equal(single, exact.astype(np.float32))


def _many_graphs():
    rng = np.random.default_rng(0)
    for n in rng.integers(0, 6, size=60):
        labels = rng.choice(list("abc"), size=n)
        edges = [(u, v) for v in range(n) for u in range(v) if rng.random() < 0.5]
        yield KernelGraph(map(str, labels), edges)
