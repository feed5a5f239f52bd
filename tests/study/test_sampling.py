import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgraph.errors import ArgumentError
from cgraph.study.sampling import stratified_sample


@st.composite
def labelled_programs(draw):
    """Labels and programs of a population in which identical programs share a cluster."""
    n_programs = draw(st.integers(1, 30))
    cluster_of = draw(st.lists(st.integers(0, 3), min_size=n_programs, max_size=n_programs))
    _, cluster_of = np.unique(cluster_of, return_inverse=True)
    extra = draw(st.lists(st.integers(0, n_programs - 1), max_size=40))
    programs = np.array([*range(n_programs), *extra])
    return cluster_of[programs], programs


@given(labelled_programs(), st.integers(1, 8), st.integers(0, 3))
def test_sample_holds_distinct_programs_of_each_cluster(population, n_per_cluster, seed):
    labels, programs = population
    sample = stratified_sample(labels, programs, n_per_cluster=n_per_cluster, seed=seed)
    for c in range(labels.max() + 1):
        own = sample.table[sample.table["cluster"] == c]
        distinct = set(programs[labels == c])
        assert sample.n_programs[c] == len(distinct)
        assert len(own) == min(n_per_cluster, len(distinct))
        assert own["program"].is_unique
        assert set(own["program"]) <= distinct
    for row in sample.table.itertuples():
        assert programs[row.position] == row.program
        assert labels[row.position] == row.cluster
        assert row.weight == (programs == row.program).sum()


@given(labelled_programs(), st.integers(1, 5))
def test_a_larger_sample_holds_the_smaller_one(population, n):
    small = stratified_sample(*population, n_per_cluster=n)
    large = stratified_sample(*population, n_per_cluster=n + 3)
    assert set(small.table["program"]) <= set(large.table["program"])


def test_two_clusterings_share_what_they_evaluate():
    programs = np.arange(1000)
    halves = stratified_sample(programs // 500, programs, n_per_cluster=50, seed=3)
    whole = stratified_sample(np.zeros(1000, dtype=int), programs, n_per_cluster=50, seed=3)
    assert set(whole.table["program"]) <= set(halves.table["program"])


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(ArgumentError, match="n_per_cluster must be 1 or more, got 0"):
        stratified_sample(np.zeros(3, int), np.arange(3), n_per_cluster=0)
