import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.distances import neighbours
from cgraph.distances.matrix import pairwise_distances
from cgraph.distances.methods import DISTANCES
from cgraph.distances.neighbours import landmarks, nearest
from cgraph.errors import ArgumentError
from cgraph.graphs.kernel import KernelGraph
from cgraph.graphs.population import Population
from tests.strategies import populations

COUNTS = np.random.default_rng(0).integers(0, 3, (70, 3))


def nearest_by_sorting(distances, k, itself):
    indices, found = [], []
    for i, row in enumerate(distances):
        order = [j for j in np.argsort(row, kind="stable") if not (itself and i == j)][:k]
        indices.append(order)
        found.append(row[order])
    return np.array(indices).reshape(-1, k), np.array(found).reshape(-1, k)


@pytest.mark.parametrize("metric", list(DISTANCES))
@settings(max_examples=10)
@given(population=populations(min_size=2, max_size=4, max_kernels=4), data=st.data())
def test_the_nearest_are_those_of_the_matrix(metric, population, data):
    k = data.draw(st.integers(1, len(population) - 1))
    found = nearest(population, k, metric, n_jobs=1, distinct=False)
    indices, distances = nearest_by_sorting(pairwise_distances(population, metric), k, True)
    assert np.array_equal(found.indices, indices)
    assert np.array_equal(found.distances, distances)
    found = nearest(population, k, metric, population, n_jobs=1, distinct=False)
    indices, distances = nearest_by_sorting(pairwise_distances(population, metric), k, False)
    assert np.array_equal(found.indices, indices)


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "other"])
@settings(max_examples=15, deadline=None)
@given(populations(min_size=2, max_size=8, max_kernels=2), st.data())
def test_the_nearest_are_different_programs(is_own, population, data):
    classes = population.classes()
    first = np.unique(classes, return_index=True)[1]
    most = len(first) - is_own
    other = None if is_own else population
    with pytest.raises(ArgumentError, match=f"k must be a whole number, from 1 to {most}, got 9"):
        nearest(population, 9, other=other)
    if not most:
        return
    k = data.draw(st.integers(1, most))
    found = nearest(population, k, other=other, n_jobs=1)
    for i, row in enumerate(pairwise_distances(population)):
        left = [j for j in first if not (is_own and classes[i] == classes[j])]
        expected = sorted(left, key=lambda j: (row[j], j))[:k]
        assert found.indices[i].tolist() == expected
        assert found.distances[i].tolist() == row[expected].tolist()


@pytest.mark.parametrize("k", [1, 5, 69])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_blocks_and_threads_change_nothing(n_jobs, k, monkeypatch):
    monkeypatch.setattr(neighbours, "_BLOCK", 100)
    seen = []
    found = nearest(
        COUNTS, k, n_jobs=n_jobs, progress=lambda done, total: seen.append(total - done)
    )
    indices, distances = nearest_by_sorting(pairwise_distances(COUNTS), k, True)
    assert np.array_equal(found.indices, indices)
    assert np.array_equal(found.distances, distances)
    assert len(seen) == 4
    assert seen[-1] == 0
    single = nearest(COUNTS, k, dtype=np.float32)
    assert np.array_equal(single.distances, distances.astype(np.float32))


def test_landmarks_are_farthest_from_those_before():
    distances = pairwise_distances(COUNTS)
    chosen = landmarks(COUNTS, 12, random_state=3)
    assert len(set(chosen.tolist())) == 12
    for i in range(1, 12):
        near = distances[:, chosen[:i]].min(axis=1)
        assert near[chosen[i]] == near.max()
    assert np.array_equal(landmarks(COUNTS, 5, random_state=3), chosen[:5])
    assert {int(landmarks(COUNTS, 1, random_state=s)[0]) for s in range(9)} != {int(chosen[0])}


def test_as_many_landmarks_as_programs_that_differ():
    programs = Population(
        [KernelGraph(list(labels), []) for labels in ("a", "b", "a", "ab", "aab", "")]
    )
    seen = []
    for metric in ("hellinger", "edit"):
        chosen = landmarks(programs, 5, metric, progress=lambda i, n: seen.append((i, n)))
        assert sorted(chosen.tolist()) == [0, 1, 3, 4, 5]
        assert seen[-1] == (5, 5)
    with pytest.raises(ArgumentError, match="a whole number, from 0 to 5, got 6"):
        landmarks(programs, 6, "edit")
    assert landmarks(np.empty((0, 2)), 0).tolist() == []


def test_bad_numbers_are_named():
    for k in (0, 70, 1.5):
        with pytest.raises(ArgumentError, match=f"from 1 to 69, got {k}"):
            nearest(COUNTS, k)
    with pytest.raises(ArgumentError, match="from 1 to 2, got 3"):
        nearest(COUNTS, 3, other=COUNTS[:2])
    with pytest.raises(ArgumentError, match=r"random_state must be .*got -1"):
        landmarks(COUNTS, 3, random_state=-1)
