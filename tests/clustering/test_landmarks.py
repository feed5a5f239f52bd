"""Clusters from distances to a few programs, against those from all pairs."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from cgraph import cluster, embed, pairwise_distances
from cgraph.clustering.landmarks import (
    LandmarkTable,
    landmark_silhouette,
    landmark_table,
    planar_coordinates,
    spectral_coordinates,
)
from cgraph.errors import ArgumentError
from cgraph.graphs.population import Population
from tests.distances.cells import random_cells


@pytest.fixture(scope="module")
def cells():
    return Population(random_cells(400))


@pytest.fixture(scope="module")
def table(cells):
    return landmark_table(cells, 60, "edit")


def test_the_table_holds_the_distances_to_the_landmarks(cells, table):
    assert len(table) == 400
    assert np.array_equal(table.landmarks, np.unique(table.landmarks))
    expected = pairwise_distances(cells, "edit", cells[table.landmarks])
    assert np.array_equal(table.values[table.index], expected.astype(np.float32))


def test_coordinates_are_eigenvectors_of_the_walk_written_out(table):
    scale = 6.0
    affinity = np.exp(-np.square(table.values[table.index] / scale, dtype=float))
    chance = affinity / affinity.sum(axis=1, keepdims=True)
    walk = chance @ np.diag(1 / chance.sum(axis=0)) @ chance.T
    assert walk.sum(axis=1) == pytest.approx(1.0)
    values = np.sort(np.linalg.eigvalsh(walk))[::-1]
    found = spectral_coordinates(table, 5, scale)[table.index]
    for k in range(5):
        assert walk @ found[:, k] == pytest.approx(values[k] * found[:, k], abs=1e-8)
        assert found[:, k] @ found[:, k] == pytest.approx(1.0)


def test_all_programs_as_landmarks_keep_separate_groups_apart():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], [20, 30, 40])
    counts = np.eye(3, dtype=int)[groups] * 50 + rng.integers(0, 3, (90, 3))
    found = cluster(counts, "spectral", 3, metric="hellinger", n_landmarks=30)
    assert adjusted_rand_score(groups, found.labels) == 1.0
    assert found.sizes.tolist() == [40, 30, 20]
    assert found.quality["silhouette"] > 0.5
    assert found.parameters["n_landmarks"] == 30


def test_clusters_are_near_those_of_all_pairs(cells):
    whole = cluster(cells, "spectral", 5, metric="edit")
    some = cluster(cells, "spectral", 5, metric="edit", n_landmarks=200)
    assert adjusted_rand_score(whole.labels, some.labels) > 0.4


def test_the_same_bytes_for_any_number_of_threads(cells):
    one = cluster(cells, "spectral", 5, metric="edit", n_landmarks=50, n_jobs=1)
    two = cluster(cells, "spectral", 5, metric="edit", n_landmarks=50, n_jobs=2)
    assert np.array_equal(one.labels, two.labels)
    assert one.quality == two.quality


def test_copies_share_a_cluster_and_medoids_lie_in_theirs(cells):
    found = cluster(cells, "spectral", 6, metric="edit", n_landmarks=50)
    classes = cells.classes()
    for c in np.unique(classes):
        assert len(set(found.labels[classes == c])) == 1
    assert found.labels[found.medoids].tolist() == list(range(6))


def test_points_of_a_plane_come_back_where_they_were():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(50, 2))
    distances = np.linalg.norm(points[:, None] - points[None, ::5], axis=2)
    table = LandmarkTable(
        distances, np.arange(50), np.arange(0, 50, 5), tuple(map(str, range(50))), "edit"
    )
    found = planar_coordinates(table, 3)
    again = np.linalg.norm(found[:, None] - found[None], axis=2)
    assert again == pytest.approx(np.linalg.norm(points[:, None] - points[None], axis=2))
    assert np.array_equal(found[:, 2], np.zeros(50))
    assert embed(table).shape == (50, 2)


def test_a_program_far_from_every_landmark_still_has_a_place(table):
    far = type(table)(
        table.values * np.float32(1e6), table.index, table.landmarks, table.names, "edit"
    )
    assert np.isfinite(spectral_coordinates(far, 3, 1.0)).all()


def test_a_silhouette_needs_two_clusters(table):
    assert landmark_silhouette(table, np.zeros(400, dtype=np.int64)) is None


@pytest.mark.parametrize("n_landmarks", [1, 401, 2.5])
def test_the_number_of_landmarks_is_checked(cells, n_landmarks):
    with pytest.raises(ArgumentError, match=r"from 2 to 400, got"):
        landmark_table(cells, n_landmarks)


def test_what_landmarks_do_not_go_with(cells):
    with pytest.raises(ArgumentError, match="method spectral, got method 'kmeans'"):
        cluster(cells, n_landmarks=10)
    with pytest.raises(ArgumentError, match="weights must be left out"):
        cluster(cells, "spectral", metric="edit", n_landmarks=10, weights=np.ones(400))
    with pytest.raises(ArgumentError, match="at most 10, the number of landmarks"):
        cluster(cells, "spectral", 11, metric="edit", n_landmarks=10)
