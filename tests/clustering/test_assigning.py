"""Clusters of programs that were not clustered."""

import numpy as np
import pytest

from cgraph import cluster, pairwise_distances
from cgraph.clustering.keeping import read_assigner, write_assigner
from cgraph.clustering.landmarks import landmark_table
from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.distances.cells import random_cells

WAYS = {
    "kmeans": {"method": "kmeans"},
    "kmeans-bigrams": {"method": "kmeans", "feature": "bigrams"},
    "kmedoids-edit": {"method": "kmedoids", "metric": "edit"},
    "kmedoids-usage": {
        "method": "kmedoids",
        "metric": "jensen-shannon",
        "feature": "neighbourhoods",
    },
    "spectral": {"method": "spectral", "metric": "jensen-shannon"},
    "spectral-edit": {"method": "spectral", "metric": "edit"},
    "landmarks": {"method": "spectral", "metric": "edit", "n_landmarks": 40},
}


@pytest.fixture(scope="module")
def cells():
    return Population([*random_cells(200), KernelGraph([], []), KernelGraph([], [])])


@pytest.fixture(scope="module", params=WAYS)
def found(request, cells):
    return cluster(cells, n_clusters=5, **WAYS[request.param])


def test_the_programs_of_a_clustering_get_their_labels_back(found, cells):
    assert np.array_equal(found.assign(cells), found.labels)
    assert found.assigner.share >= 0.99
    assert found.assign(cells[[]]).shape == (0,)


def test_no_program_changes_the_label_of_another(found, cells):
    some = [201, 7, 50]
    assert np.array_equal(found.assign(cells[some]), found.labels[some])


def test_a_renumbered_program_with_other_words_around_keeps_its_cluster(found, cells):
    graph = cells[11]
    order = np.random.default_rng(0).permutation(len(graph))
    place = np.argsort(order)
    turned = KernelGraph([graph.labels[i] for i in order], place[graph.edges])
    others = Population([KernelGraph(["strange", "words"], [(0, 1)]), turned])
    assert found.assign(others)[1] == found.labels[11]


def test_a_file_keeps_what_assigns(found, cells, tmp_path):
    write_assigner(tmp_path / "kept.npz", found.assigner)
    read = read_assigner(tmp_path / "kept.npz", found.n_clusters)
    new = Population(random_cells(30, seed=9))
    assert np.array_equal(read.labels(new), found.assign(new))
    assert read.share == found.assigner.share
    with pytest.raises(ArgumentError, match="be the 4 of the study"):
        read_assigner(tmp_path / "kept.npz", 4)


def test_new_programs_go_to_the_nearest_medoid(cells):
    new = Population(random_cells(30, seed=9))
    found = cluster(cells, "kmedoids", 5, metric="edit")
    distances = pairwise_distances(new, "edit", cells[found.medoids])
    chosen = distances[np.arange(30), found.assign(new)]
    assert chosen == pytest.approx(distances.min(axis=1))


def test_spectral_clusters_of_separate_groups_take_the_programs_next_to_them():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], [20, 30, 40])
    counts = np.eye(3, dtype=int)[groups] * 50 + rng.integers(0, 3, (90, 3))
    new = np.eye(3, dtype=int) * 60 + 1
    for given in ({}, {"n_landmarks": 30}):
        found = cluster(counts, "spectral", 3, metric="hellinger", **given)
        assert found.assign(new).tolist() == [2, 1, 0]
        assert found.assigner.rule == "nearest centre among eigenvectors, extended by the walk"


def test_features_are_assigned_to_the_nearest_centre():
    features = [[0.0, 0.0], [0.0, 1.0], [9.0, 9.0], [9.0, 8.0], [8.0, 9.0]]
    found = cluster(features, n_clusters=2, metric="euclidean")
    assert found.assign(features).tolist() == found.labels.tolist()
    assert found.assign([[4.0, 3.0], [5.0, 6.0]]).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[1, 2, 3]], "population must be a Population, as what was clustered, got list"),
        (None, "population must be a Population, as what was clustered, got NoneType"),
    ],
    ids=["counts", "nothing"],
)
def test_programs_have_to_be_of_the_kind_that_was_clustered(given, message, cells):
    with pytest.raises(ArgumentError, match=message):
        cluster(cells, n_clusters=2).assign(given)


def test_counts_have_to_have_as_many_columns():
    found = cluster([[4, 0], [0, 3]], n_clusters=2)
    with pytest.raises(ArgumentError, match=r"of 2 columns, as what was clustered, got shape"):
        found.assign([[1, 2, 3]])


def test_a_matrix_of_distances_says_nothing_of_other_programs(cells):
    distances = pairwise_distances(cells, "hellinger")
    found = cluster(distances, "kmedoids", 3, metric="precomputed")
    with pytest.raises(ArgumentError, match="know the programs that it was made of"):
        found.assign(cells)


def test_a_table_of_landmarks_assigns_as_the_call_does(cells):
    table = landmark_table(cells, 40, "edit")
    assert np.array_equal(
        cluster(table, n_clusters=4, method="spectral").assign(cells),
        cluster(table, n_clusters=4, method="spectral").labels,
    )


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "kept.npz").write_bytes(b"nothing")
    with pytest.raises(ArgumentError, match="be a file of how a study assigns programs"):
        read_assigner(tmp_path / "kept.npz", 4)
