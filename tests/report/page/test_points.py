import numpy as np
import pandas as pd

from cgraph.report.page.points import point_strata, point_weights, set_around, shown_positions


def space(n=10_000, seed=0):
    rng = np.random.default_rng(seed)
    cluster = rng.choice(4, n, p=[0.6, 0.3, 0.099, 0.001])
    return pd.DataFrame(
        {"name": [f"a{i}" for i in range(n)], "cluster": cluster, "is_medoid": np.arange(n) == 7}
    )


def test_a_small_space_is_shown_whole():
    assert shown_positions(space(300), []).tolist() == list(range(300))


def test_a_large_space_is_shown_in_proportion_with_what_matters():
    table = space()
    evaluated = {"a5", "a6", "a9000"}
    shown = shown_positions(table, evaluated, n_points=1000)
    assert 1000 <= len(shown) <= 1030
    assert {5, 6, 9000, 7} <= set(shown)
    assert (np.diff(shown) > 0).all()
    drawn = np.bincount(table["cluster"][shown])
    size = np.bincount(table["cluster"])
    assert abs(drawn[:3] / size[:3] - 0.1).max() < 0.002
    assert drawn[3] == min(20, size[3])
    assert shown_positions(table, evaluated, n_points=1000).tolist() == shown.tolist()


def test_points_stand_for_their_cluster_and_for_what_keeps_its_limits():
    table = space().assign(keeps_limits=np.arange(10_000) % 3 == 0)
    shown = shown_positions(table, [], n_points=500)
    weights = point_weights(point_strata(table), shown)
    own = table.iloc[shown].assign(weight=weights)
    for columns in (["cluster"], ["cluster", "keeps_limits"]):
        counted = own.groupby(columns)["weight"].sum()
        np.testing.assert_allclose(counted, table.groupby(columns).size())


def test_points_of_one_place_are_set_around_it():
    xy = np.array([[0.0, 0.0]] * 5 + [[1.0, 1.0]])
    moved = set_around(xy)
    assert moved[0].tolist() == [0.0, 0.0]
    assert moved[5].tolist() == [1.0, 1.0]
    assert len(np.unique(moved, axis=0)) == 6
    assert np.abs(moved - xy).max() < 0.01
    assert len(set_around(np.empty((0, 2)))) == 0
