import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import silhouette_score

from cgraph.clustering.cluster import cluster
from cgraph.clustering.methods import CLUSTERINGS
from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.usage import hellinger_embedding
from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population

METHODS = pytest.mark.parametrize("method", list(CLUSTERINGS))
COUNTS = arrays(np.int64, st.tuples(st.integers(1, 12), st.just(3)), elements=st.integers(0, 3))


def many_counts(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return rng.multinomial(6, [0.4, 0.3, 0.2, 0.1], size=n)


@METHODS
@settings(max_examples=15)
@given(counts=COUNTS, data=st.data())
def test_laws(method, counts, data):
    distances = pairwise_distances(counts)
    n_distinct = len(np.unique(distances.round(12), axis=0))
    k = data.draw(st.integers(1, n_distinct))
    found = cluster(counts, method, k)
    assert found.n_clusters == k
    assert found.n_distinct == n_distinct
    assert set(found.labels) == set(range(k))
    # Copies share a cluster.
    same = distances < 1e-12
    assert (found.labels[:, None] == found.labels[None])[same].all()
    # Numbered by size, then by the first program.
    first = [np.flatnonzero(found.labels == c)[0] for c in range(k)]
    keys = list(zip(-found.sizes, first, strict=True))
    assert keys == sorted(keys)
    # A medoid is a member from which the sum to all members is the smallest.
    power = 2 if CLUSTERINGS[method].objective == "inertia" else 1
    for c, medoid in enumerate(found.medoids):
        members = found.members(c)
        sums = (distances[np.ix_(members, members)] ** power).sum(axis=1)
        assert medoid in members
        assert sums[members == medoid] <= sums.min() + 1e-9
        assert medoid == members[sums <= sums.min() + 1e-12][0]


@METHODS
def test_quality_is_that_of_all_programs(method):
    counts = many_counts()
    found = cluster(counts, method, 5)
    distances = pairwise_distances(counts)
    wanted = silhouette_score(distances, found.labels, metric="precomputed")
    assert found.quality["silhouette"] == pytest.approx(wanted, abs=1e-9)
    objective = CLUSTERINGS[method].objective
    if objective == "inertia":
        points = hellinger_embedding(counts.astype(float))
        centres = np.array([points[found.labels == c].mean(axis=0) for c in range(5)])
        value = ((points - centres[found.labels]) ** 2).sum()
    else:
        value = distances[np.arange(len(counts)), found.medoids[found.labels]].sum()
    assert found.quality[objective] == pytest.approx(value, abs=1e-9)


@METHODS
def test_the_same_seed_gives_the_same_clusters(method):
    counts = many_counts()
    found = [cluster(counts, method, 6, random_state=3, n_jobs=n) for n in (1, 2, 2)]
    for other in found[1:]:
        assert np.array_equal(found[0].labels, other.labels)
        assert np.array_equal(found[0].medoids, other.medoids)
        assert found[0].quality == other.quality


@METHODS
def test_well_separated_groups_are_found(method):
    counts = np.repeat([[90, 5, 5], [5, 90, 5], [5, 5, 90]], [30, 20, 10], axis=0)
    counts = counts + np.random.default_rng(0).integers(0, 4, counts.shape)
    found = cluster(counts, method, 3)
    assert found.labels.tolist() == [0] * 30 + [1] * 20 + [2] * 10
    assert found.quality["silhouette"] > 0.9


@METHODS
def test_a_population_is_its_counts(method):
    counts = many_counts(40)
    graphs = [
        KernelGraph([w for w, n in zip("abcd", r, strict=True) for _ in range(n)], [])
        for r in counts
    ]
    names = [f"net{i}" for i in range(40)]
    population = Population(graphs, names, list("abcd"))
    found, wanted = cluster(population, method, 4), cluster(counts, method, 4)
    assert np.array_equal(found.labels, wanted.labels)
    assert found.names == tuple(names)


@METHODS
def test_one_cluster_has_no_silhouette(method):
    found = cluster(many_counts(20), method, 1)
    assert set(found.labels) == {0}
    assert "silhouette" not in found.quality


@METHODS
def test_as_many_clusters_as_distinct_programs(method):
    counts = np.array([[1, 0], [0, 1], [1, 1], [2, 2], [0, 0]])
    found = cluster(counts, method, 4)
    assert found.sizes.tolist() == [2, 1, 1, 1]
    objective = CLUSTERINGS[method].objective
    assert found.quality[objective] == pytest.approx(0, abs=1e-12)


@METHODS
def test_weights_are_copies(method):
    counts = many_counts(60, seed=1)
    distinct, copies = np.unique(counts, axis=0, return_counts=True)
    found = cluster(distinct, method, 4, weights=copies)
    wanted = cluster(np.repeat(distinct, copies, axis=0), method, 4)
    objective = CLUSTERINGS[method].objective
    if method != "spectral":  # a copy is a neighbour of its own there, a weight is none
        assert found.quality[objective] == pytest.approx(wanted.quality[objective])
    assert found.n_distinct == wanted.n_distinct


@pytest.mark.parametrize("method", ["spectral", "kmedoids"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_precomputed_distances(method, dtype):
    counts = many_counts(80)
    distances = pairwise_distances(counts, "jensen-shannon", dtype=dtype)
    found = cluster(distances, method, 5, metric="precomputed")
    wanted = cluster(counts, method, 5, metric="jensen-shannon")
    assert np.array_equal(found.labels, wanted.labels)
    assert np.array_equal(found.medoids, wanted.medoids)


@METHODS
def test_features(method):
    counts = many_counts(80)
    points = hellinger_embedding(counts.astype(float))
    found = cluster(points, method, 5, metric="euclidean")
    wanted = cluster(counts, method, 5)
    assert found.quality["silhouette"] == pytest.approx(wanted.quality["silhouette"])


SQUARE = np.array([[0.0, 1.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("x", "options", "quoted"),
    [
        ([[1, 0], [2, 0]], {"n_clusters": 2}, "at most 1, .* that 'hellinger' tells apart, got 2"),
        ([[1, 0]], {"n_clusters": 0}, "n_clusters must be a whole number, 1 or more, got 0"),
        ([[1, 0]], {"n_clusters": 1.5}, "got 1.5"),
        ([[1, 0]], {"random_state": -1}, "random_state must be a whole number.*got -1"),
        ([[1, 0]], {"random_state": None}, "got None"),
        ([[1, 0]], {"metric": "kl"}, "one of hellinger, euclidean for k-means.*got 'kl'"),
        ([[1, 0]], {"scale": 1.0}, "scale must go with a method that has one, got method 'kmeans'"),
        ([[1, 0]], {"scale": 0.0, "method": "spectral"}, "a finite number above 0, got 0.0"),
        ([[1, 0]], {"weights": [1, 1]}, r"one for each of the 1 programs, got shape \(2,\)"),
        ([[1, 0]], {"weights": [0]}, "finite numbers above 0, got 0 at 0"),
        ([1, 0], {}, r"Population or an array of numbers of two dimensions, got shape \(2,\)"),
        ([[1, -1]], {}, "finite numbers, 0 or more, got -1 at"),
        ([[1, np.nan]], {"metric": "euclidean"}, r"hold numbers, got nan at \(0, 1\)"),
        (
            SQUARE[:1],
            {"metric": "precomputed", "method": "spectral"},
            r"square.*got shape \(1, 2\)",
        ),
        (-SQUARE, {"metric": "precomputed", "method": "spectral"}, r">= 0, got -1.0 at \(0, 1\)"),
        (SQUARE * np.nan, {"metric": "precomputed", "method": "kmedoids"}, "got nan"),
        (np.eye(2), {"metric": "precomputed", "method": "kmedoids"}, "diagonal, got 1.0 at 0"),
        (
            np.triu(SQUARE),
            {"metric": "precomputed", "method": "kmedoids"},
            r"symmetric, got 1.0 at \(0, 1\) and 0.0 at \(1, 0\); use \(x \+ x.T\) / 2",
        ),
        (
            SQUARE,
            {"metric": "precomputed", "method": "spectral", "feature": "bigrams"},
            "be left out",
        ),
    ],
)
def test_errors(x, options, quoted):
    with pytest.raises(ArgumentError, match=quoted):
        cluster(x, **({"n_clusters": 1} | options))


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="'spectal'; did you mean 'spectral'"):
        cluster([[1, 0]], "spectal")
    with pytest.raises(
        UnknownNameError, match=r"metric must be one of .*precomputed, got 'cosine'"
    ):
        cluster([[1, 0]], metric="cosine")
    population = Population([KernelGraph(["a"], [])])
    for metric in ("precomputed", "euclidean"):
        with pytest.raises(ArgumentError, match=f"metric '{metric}', got a Population"):
            cluster(population, "spectral", 1, metric=metric)
