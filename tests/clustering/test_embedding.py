import numpy as np
import pytest
from sklearn.decomposition import PCA

from cgraph.clustering.embedding import embed
from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.usage import hellinger_embedding
from cgraph.errors import ArgumentError, UnknownNameError

COUNTS = np.random.default_rng(0).multinomial(9, [0.5, 0.3, 0.15, 0.05], size=120)


def distances_of(points):
    return np.linalg.norm(points[:, None] - points, axis=-1)


def test_all_coordinates_keep_all_distances():
    points = embed(COUNTS, n_components=4)
    assert np.allclose(distances_of(points), pairwise_distances(COUNTS), atol=1e-9)


def test_two_coordinates_are_the_principal_components():
    wanted = PCA(2).fit_transform(hellinger_embedding(COUNTS.astype(float)))
    found = embed(COUNTS)
    assert np.allclose(abs(found), abs(wanted), atol=1e-9)
    assert np.allclose(found.mean(axis=0), 0, atol=1e-12)


def test_scaling_of_a_matrix_is_the_same():
    found = embed(pairwise_distances(COUNTS), "precomputed")
    assert np.allclose(found, embed(COUNTS), atol=1e-7)


def test_weights_are_copies():
    distinct, copies = np.unique(COUNTS, axis=0, return_counts=True)
    for metric in ("hellinger", "jensen-shannon"):
        found = embed(distinct, metric, weights=copies)
        wanted = embed(np.repeat(distinct, copies, axis=0), metric)
        assert np.allclose(np.repeat(found, copies, axis=0), wanted, atol=1e-8)


@pytest.mark.parametrize("metric", ["kl", "jensen-shannon"])
def test_copies_share_their_place(metric):
    points = embed(COUNTS, metric)
    assert points.shape == (120, 2)
    same = pairwise_distances(COUNTS, metric) == 0
    assert np.allclose(distances_of(points)[same], 0)


@pytest.mark.parametrize("metric", ["hellinger", "jensen-shannon", "euclidean"])
def test_what_programs_do_not_fill_is_zero(metric):
    points = embed([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], metric, n_components=5)
    assert points.shape == (3, 5)
    assert np.ptp(points[:, 0]) > 0.9
    assert np.allclose(points[:, 2:], 0)
    assert embed(np.empty((0, 2)), metric).shape == (0, 2)
    assert np.allclose(embed([[1.0, 2.0]], metric), 0)


def test_errors():
    with pytest.raises(ArgumentError, match="n_components must be a whole number"):
        embed(COUNTS, n_components=0)
    with pytest.raises(UnknownNameError, match="got 'helinger'; did you mean 'hellinger'"):
        embed(COUNTS, "helinger")
