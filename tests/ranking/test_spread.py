"""Samples of a cluster are different programs that lie far from each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.errors import ArgumentError
from cgraph.ranking.order import rank
from cgraph.ranking.spread import N_SPREAD, Layout, different
from tests.ranking.test_order import clustering_of, table_of


@st.composite
def layouts(draw):
    n = draw(st.integers(1, 20))
    numbers = st.lists(st.integers(0, 4), min_size=n, max_size=n)
    where = np.stack([draw(numbers), draw(numbers)], axis=1).astype(float)
    points = where[:, : draw(st.integers(0, 2))]
    medoid = draw(st.none() | st.integers(0, n - 1))
    return Layout(np.array(draw(numbers)), points, medoid)


@settings(deadline=None, max_examples=60)
@given(layouts(), st.integers(0, 3))
def test_each_is_another_program_and_the_farthest_there_is(layout, seed):
    n = layout.n_programs
    positions, copies = different(layout, n, seed)
    programs = layout.programs[positions]
    assert len(set(programs.tolist())) == n
    assert copies.tolist() == [int((layout.programs == p).sum()) for p in programs]
    assert copies.sum() == len(layout.programs)
    if layout.medoid is not None:
        assert positions[0] == layout.medoid
    for k in range(1, n):

        def gap(i, before=positions[:k]):
            return min(np.sum((layout.points[i] - layout.points[j]) ** 2) for j in before)

        assert gap(positions[k]) == max(gap(i) for i in positions[k:])
    # Fewer are the first of many.
    for fewer in range(1, n):
        assert different(layout, fewer, seed)[0].tolist() == positions[:fewer].tolist()


def test_many_programs_are_all_there():
    n = N_SPREAD + 50
    layout = Layout(np.arange(n), np.arange(n, dtype=float)[:, None], 3)
    positions, _ = different(layout, n)
    assert sorted(positions.tolist()) == list(range(n))
    assert positions[:2].tolist() == [3, n - 1]


PROGRAMS = [0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 6, 6]
POINTS = [[x, 0.0] for x in (0, 0, 0, 1, 1, 9, 2, 2, 3, 7, 9, 9)]
LABELS = [0] * 6 + [1] * 6


def ranking_with_copies(**kwargs):
    values = np.arange(12.0)
    return rank(clustering_of(LABELS), table_of(values), programs=PROGRAMS, points=POINTS, **kwargs)


def test_a_sample_is_of_different_programs_by_default():
    ranking = ranking_with_copies()
    assert ranking.sample(3) == ["n6", "n10", "n9"]
    table = ranking.sample_table(4)
    assert table["name"].tolist() == ["n6", "n10", "n9", "n8"]
    assert table["n_copies"].tolist() == [2, 2, 1, 1]
    with pytest.raises(
        ArgumentError,
        match=r"n must be a whole number, from 1 to 4, got 5; the different programs of cluster 1",
    ):
        ranking.sample(5)


def test_copies_are_drawn_where_they_are_asked_for():
    ranking = ranking_with_copies()
    assert sorted(ranking.sample(6, distinct=False)) == sorted(f"n{i}" for i in range(6, 12))
    table = ranking.sample_table(6, distinct=False, random_state=1)
    assert table.set_index("name")["n_copies"].to_dict() == {
        "n6": 2, "n7": 2, "n8": 1, "n9": 1, "n10": 2, "n11": 2,
    }  # fmt: skip


def test_copies_that_are_not_eligible_are_none():
    ranking = rank(
        clustering_of(LABELS),
        table_of(np.arange(2.0), ["n1", "n7"]),
        programs=PROGRAMS,
        points=POINTS,
        eligible=[i not in (0, 6) for i in range(12)],
    )
    table = ranking.sample_table(3, cluster=0)
    assert dict(zip(table["name"], table["n_copies"], strict=True)) == {"n1": 2, "n3": 2, "n5": 1}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("programs", [0, 1], r"programs must be 12 whole numbers, .* got shape \(2,\)"),
        ("programs", [0.5] * 12, r"programs must be 12 whole numbers, .* of float64"),
        ("points", [[np.nan]] * 12, "points must be 12 rows of finite numbers"),
        ("points", [1.0] * 12, "points must be 12 rows of finite numbers"),
    ],
)
def test_programs_and_points_are_checked(name, value, words):
    with pytest.raises(ArgumentError, match=words):
        rank(clustering_of(LABELS), table_of(np.arange(12.0)), **{name: value})
