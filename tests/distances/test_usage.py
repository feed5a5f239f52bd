import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.usage import (
    NEAR,
    hellinger_embedding,
    proportions,
    smoothed_proportions,
    x_log2_x,
)
from tests import naive

COUNTS = arrays(
    np.int64, st.tuples(st.integers(0, 6), st.integers(1, 6)), elements=st.integers(0, 9)
)
USAGE = pytest.mark.parametrize("metric", list(naive.USAGE_DISTANCES))


@USAGE
@given(counts=COUNTS)
def test_equal_to_the_naive_loop(metric, counts):
    wanted = [[naive.USAGE_DISTANCES[metric](p, q) for q in counts] for p in counts]
    found = pairwise_distances(counts, metric)
    # SciPy's own sum leaves 1e-8 where the distance is 0.
    assert np.allclose(found, np.array(wanted).reshape(found.shape), rtol=1e-11, atol=3e-8)


@USAGE
@pytest.mark.parametrize("n_categories", [1, 2, 5, 20, 70])
def test_equal_to_the_naive_loop_on_many(metric, n_categories):
    rng = np.random.default_rng(n_categories)
    counts = rng.integers(0, 7, (40, n_categories)) * rng.integers(0, 2, (40, n_categories))
    other = rng.dirichlet(np.ones(n_categories), 30)
    wanted = [[naive.USAGE_DISTANCES[metric](p, q) for q in other] for p in counts]
    found = pairwise_distances(counts, metric, other)
    assert np.allclose(found, wanted, rtol=1e-10, atol=1e-12 if n_categories > 1 else 3e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("step", [10.0**-k for k in range(1, 15)])
def test_jensen_shannon_near_zero(step, dtype):
    """Nothing cancels: the relative error stays at the rounding of the proportions."""
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(5), 8)
    q = p * (1 + step * rng.standard_normal(p.shape))
    distances = pairwise_distances(p, "jensen-shannon", q, dtype=dtype)
    for i in range(len(p)):
        wanted = naive.exact_jensen_shannon(p[i] / p[i].sum(), q[i] / q[i].sum())
        tolerance = 1e-9 if dtype == np.float64 else 1e-7
        assert distances[i, i] == pytest.approx(wanted, rel=tolerance)


def test_jensen_shannon_around_the_switch():
    """The sum of entropies and the sum of pairs agree where one hands over to the other."""
    p = np.array([[0.5, 0.3, 0.2]])
    steps = np.linspace(0.5, 2, 50)[:, None] * math.sqrt(NEAR)
    q = p + steps * np.array([[1.0, -0.5, -0.5]])
    distances = pairwise_distances(p, "jensen-shannon", q)[0]
    assert (distances**2 < NEAR).any()
    assert (distances**2 > NEAR).any()
    wanted = [naive.exact_jensen_shannon(p[0], row) for row in q / q.sum(axis=1, keepdims=True)]
    assert np.allclose(distances, wanted, rtol=1e-10, atol=0)


@given(st.floats(0, 2))
def test_x_log2_x(x):
    wanted = x * math.log2(x) if x > 0 else 0.0
    assert abs(x_log2_x(x) - wanted) <= 3e-13 * x + 1e-300


@pytest.mark.parametrize("metric", ["jensen-shannon", "hellinger"])
def test_nothing_is_a_category_of_its_own(metric):
    counts = np.array([[0, 0], [3, 1], [0, 0], [0, 2]])
    distances = pairwise_distances(counts, metric)
    assert distances[0].tolist() == [0.0, 1.0, 0.0, 1.0]
    assert pairwise_distances(counts[:1], metric, counts[1:2]).tolist() == [[1.0]]


def test_kl_makes_nothing_use_everything_alike():
    distances = pairwise_distances([[0, 0], [4, 4], [1, 0]], "kl")
    assert distances[0, 1] == 0
    assert distances[0, 2] == pytest.approx(0.25 * math.log(3))


@pytest.mark.parametrize("metric", ["jensen-shannon", "hellinger"])
def test_disjoint_programs_are_at_one_and_multiples_at_zero(metric):
    distances = pairwise_distances([[3, 0], [0, 7], [6, 0]], metric)
    assert np.allclose(distances, [[0, 1, 0], [1, 0, 1], [0, 1, 0]], rtol=0, atol=1e-15)
    assert distances.max() <= 1


@given(COUNTS)
def test_the_embedding_keeps_distances(counts):
    points = hellinger_embedding(counts.astype(float))
    differences = points[:, None] - points[None]
    found = np.sqrt((differences**2).sum(axis=-1))
    assert np.allclose(found, pairwise_distances(counts, "hellinger"), rtol=0, atol=1e-12)


@given(COUNTS)
def test_proportions_sum_to_one(counts):
    for shares in (proportions(counts.astype(float)), smoothed_proportions(counts.astype(float))):
        assert np.allclose(shares.sum(axis=1), 1)
    assert (smoothed_proportions(counts.astype(float)) > 0).all()
