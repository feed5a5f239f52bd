import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import subspace_angles
from scipy.sparse.csgraph import laplacian

from cgraph.clustering import spectral
from cgraph.clustering.points import points_of_matrix
from cgraph.distances.matrix import pairwise_distances


def points_and_distances(seed=0, n=300):
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(6, [0.4, 0.3, 0.2, 0.1], size=n)
    distances = pairwise_distances(counts)
    return points_of_matrix(distances, np.ones(n)), distances


@pytest.mark.parametrize("k", [2, 5, 9])
@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0])
def test_the_eigenspace_is_that_of_all_programs(k, scale):
    points, distances = points_and_distances()
    assert len(points) < 100
    operator, root = laplacian(np.exp(-((distances / scale) ** 2)), normed=True, return_diag=True)
    values, vectors = np.linalg.eigh(operator)
    assert values[k] - values[k - 1] > 1e-6  # the space of k vectors is defined
    found = spectral.spectral_embedding(points, k, scale)[points.index]
    wanted = vectors[:, :k] / root[:, None]
    assert subspace_angles(found, wanted).max() < 1e-6
    # Not the space alone: normalised vectors, each with its eigenvalue.
    found = found * root[:, None]
    assert np.allclose(found.T @ found, np.eye(k), atol=1e-8)
    assert np.allclose(found.T @ operator @ found, np.diag(values[:k]), atol=1e-8)


def test_scikit_learn_finds_the_same_space():
    from sklearn.manifold import spectral_embedding

    points, distances = points_and_distances(1)
    affinity = np.exp(-((distances / 0.2) ** 2))
    wanted = spectral_embedding(affinity, n_components=5, drop_first=False, random_state=0)
    found = spectral.spectral_embedding(points, 5, 0.2)[points.index]
    assert subspace_angles(found, wanted).max() < 1e-5


def test_programs_far_from_all_others_are_components():
    positions = np.array([0.0, 1e-3, 1e3, 2e3])
    distances = abs(positions[:, None] - positions)
    points = points_of_matrix(distances, np.ones(4))
    labels = spectral.spectral(points, 3, 0, 1.0).labels
    assert labels[0] == labels[1]
    assert len(set(labels)) == 3


def test_some_of_the_spectrum_is_that_of_all(monkeypatch):
    points, _ = points_and_distances()
    wanted = spectral.spectral_embedding(points, 4, 0.3)
    monkeypatch.setattr(spectral, "DENSE", 10)
    found = spectral.spectral_embedding(points, 4, 0.3)
    assert np.allclose(found, wanted, atol=1e-8)


@given(
    arrays(np.float64, st.integers(1, 7), elements=st.sampled_from([0.0, 1.0, 1.5, 3.0, 1e-9])),
    st.data(),
)
def test_weighted_median(positions, data):
    n = len(positions)
    weights = np.array(data.draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)), float)
    distances = abs(positions[:, None] - positions)
    pairs = [
        distances[a, b]
        for a in range(n)
        for b in range(a + 1, n)
        for _ in range(int(weights[a] * weights[b]))
        if distances[a, b] > 0
    ]
    wanted = sorted(pairs)[(len(pairs) - 1) // 2] if pairs else 0.0
    assert spectral.weighted_median(distances, weights) == wanted
    single = distances.astype(np.float32)
    assert spectral.weighted_median(single, weights) == np.float32(wanted)


def test_the_scale_follows_the_median():
    points, distances = points_and_distances()
    above = distances[np.triu_indices(len(distances), 1)]
    above = np.sort(above[above > 0])
    wanted = 0.6 * above[(len(above) - 1) // 2]
    assert spectral.default_scale(points) == pytest.approx(wanted, rel=1e-12)
    alone = points_of_matrix(np.zeros((3, 3)), np.ones(3))
    assert spectral.default_scale(alone) == 1.0


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_units_do_not_matter(unit):
    from cgraph.clustering.cluster import cluster

    _, distances = points_and_distances(n=60)
    a = cluster(distances, "spectral", 4, metric="precomputed")
    b = cluster(distances * unit, "spectral", 4, metric="precomputed")
    assert np.array_equal(a.labels, b.labels)
    assert b.parameters["scale"] == pytest.approx(unit * a.parameters["scale"])
