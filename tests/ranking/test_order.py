import numpy as np
import pandas as pd
import pytest

import cgraph
from cgraph.clustering.result import Clustering
from cgraph.errors import ArgumentError
from cgraph.ranking.order import rank


def clustering_of(labels):
    labels = np.asarray(labels)
    medoids = [int(np.flatnonzero(labels == c)[0]) for c in range(labels.max() + 1)]
    names = tuple(f"n{i}" for i in range(len(labels)))
    return Clustering(labels, medoids, {}, names, "kmeans", "hellinger")


def table_of(values, names=None, protocol="naswot-v2@zen-nas", direction=1, errors=None):
    names = [f"n{i}" for i in range(len(values))] if names is None else names
    return pd.DataFrame(
        {
            "name": names,
            "statistic": protocol.split("@")[0],
            "protocol": protocol,
            "direction": direction,
            "value": values,
            "standard_error": np.nan if errors is None else errors,
        }
    )


LABELS = [0] * 6 + [1] * 6
VALUES = [1.0, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]


def test_the_cluster_of_the_best_networks_is_first():
    ranking = rank(clustering_of(LABELS), table_of(VALUES))
    assert ranking.best == 1
    assert ranking.table["cluster"].tolist() == [1, 0]
    assert ranking.table["rank"].tolist() == [1, 2]
    assert ranking.table["p_best"].tolist() == [1.0, 0.0]
    assert ranking.table["tied_with_best"].tolist() == [True, False]


def test_a_statistic_of_which_less_is_better_turns_the_order():
    ranking = rank(clustering_of(LABELS), table_of(VALUES, protocol="ntk@full", direction=-1))
    assert ranking.best == 0
    # Means are shown in the statistic's own direction.
    assert ranking.table["ntk@full"].tolist() == [3.5, 13.5]


def test_the_score_is_the_weighted_mean_of_log_ranks():
    weights = {f"n{i}": 1.0 + i for i in range(4)}
    ranking = rank(clustering_of([0, 0, 1, 1]), table_of([4.0, 1.0, 3.0, 2.0]), weights=weights)
    logs = np.log([4 / 4, 1 / 4, 3 / 4, 2 / 4])
    expected = {0: np.average(logs[:2], weights=[1, 2]), 1: np.average(logs[2:], weights=[3, 4])}
    found = ranking.table.set_index("cluster")["score"]
    for cluster, score in expected.items():
        assert found[cluster] == pytest.approx(score)


def test_equal_clusters_share_their_place():
    ranking = rank(clustering_of([0, 0, 1, 1]), table_of([1.0, 2.0, 1.0, 2.0]))
    assert ranking.table["rank"].tolist() == [1, 1]
    assert ranking.table["tied_with_best"].all()


def test_a_cluster_that_is_evaluated_whole_has_no_error_from_sampling():
    whole = rank(clustering_of(LABELS), table_of(VALUES))
    np.testing.assert_allclose(whole.table["score_low"], whole.table["score"])
    half = rank(clustering_of(LABELS), table_of(VALUES[::2], [f"n{i}" for i in range(0, 12, 2)]))
    assert (half.table["score_low"] < half.table["score"]).all()
    assert (half.table["score_high"] > half.table["score"]).all()


def test_errors_of_measurement_widen_the_interval():
    exact = rank(clustering_of(LABELS), table_of(VALUES, errors=[0.0] * 12))
    noisy = rank(clustering_of(LABELS), table_of(VALUES, errors=[5.0] * 12))
    width = [(r.table["score_high"] - r.table["score_low"]).min() for r in (exact, noisy)]
    assert width[0] == pytest.approx(0.0, abs=1e-12)
    assert width[1] > 0.1


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    values = rng.normal(size=400) + 0.5 * labels
    clustering = clustering_of(labels)
    whole = rank(clustering, table_of(values), n_bootstrap=1).table
    truth = whole.set_index("cluster")["score"].sort_index()
    held = 0
    for _ in range(60):
        chosen = np.concatenate([rng.choice(200, 30, replace=False) + 200 * c for c in (0, 1)])
        table = table_of(values[chosen], [f"n{i}" for i in chosen])
        found = rank(clustering, table, n_bootstrap=300).table.set_index("cluster").sort_index()
        held += ((found["score_low"] <= truth) & (truth <= found["score_high"])).sum()
    # Ranks among 60 stand for ranks among 400, so coverage is near 95 %, not exact.
    assert 0.85 <= held / 120 <= 1.0


def test_one_network_of_several_gives_a_score_without_interval():
    table = table_of([1.0, 2.0, 3.0], ["n0", "n6", "n7"])
    ranking = rank(clustering_of(LABELS), table)
    row = ranking.table.set_index("cluster").loc[0]
    assert np.isfinite(row["score"])
    assert np.isnan(row["score_low"])
    assert row["tied_with_best"]


def test_a_cluster_without_evaluated_networks_is_last_and_unranked():
    ranking = rank(clustering_of(LABELS), table_of([1.0, 2.0], ["n0", "n1"]))
    row = ranking.table.iloc[-1]
    assert row["cluster"] == 1
    assert pd.isna(row["rank"])
    assert np.isnan(row["score"])
    assert not row["tied_with_best"]


def test_a_failed_statistic_counts_as_last_and_is_counted():
    values = [np.nan, *VALUES[1:]]
    ranking = rank(clustering_of(LABELS), table_of(values))
    assert ranking.table.set_index("cluster")["n_failed"].to_dict() == {0: 1, 1: 0}
    scores = ranking.scores.set_index("name")["score"]
    assert scores["n0"] == pytest.approx(np.log(1 / 12))


def test_the_order_does_not_depend_on_the_order_of_rows():
    table = table_of(VALUES, errors=[0.0] * 12)
    shuffled = table.sample(frac=1, random_state=3)
    first, second = rank(clustering_of(LABELS), table), rank(clustering_of(LABELS), shuffled)
    columns = ["cluster", "rank", "score", "tied_with_best"]
    pd.testing.assert_frame_equal(first.table[columns], second.table[columns])


def test_the_same_seed_gives_the_same_table():
    names = [f"n{i}" for i in range(0, 12, 2)]
    tables = [
        rank(clustering_of(LABELS), table_of(VALUES[::2], names), random_state=7).table
        for _ in range(2)
    ]
    pd.testing.assert_frame_equal(*tables)


def test_samples_come_from_the_best_cluster_none_twice():
    ranking = rank(clustering_of(LABELS), table_of(VALUES))
    drawn = ranking.sample(6)
    assert sorted(drawn) == sorted(f"n{i}" for i in range(6, 12))
    assert ranking.sample(2, cluster=0, random_state=1) == ranking.sample(
        2, cluster=0, random_state=1
    )
    with pytest.raises(ArgumentError, match="n must be a whole number, from 1 to 6"):
        ranking.sample(7)
    with pytest.raises(ArgumentError, match="cluster must be a whole number, from 0 to 1, got 2"):
        ranking.sample(1, cluster=2)


def test_a_network_that_is_in_no_cluster_is_named():
    with pytest.raises(ArgumentError, match="first 'stranger'"):
        rank(clustering_of(LABELS), table_of([1.0], ["stranger"]))


def test_the_representation_names_the_best_cluster_and_its_ties():
    assert repr(rank(clustering_of(LABELS), table_of(VALUES))) == "Ranking(2 clusters, best 1)"
    tied = cgraph.rank(clustering_of([0, 0, 1, 1]), table_of([1.0, 2.0, 1.0, 2.0]))
    assert repr(tied) == "Ranking(2 clusters, best 0, 1 tied with it)"


def test_only_eligible_networks_are_members():
    eligible = np.array([True] * 6 + [True, True] + [False] * 4)
    ranking = rank(clustering_of(LABELS), table_of(VALUES[:8]), eligible=eligible)
    assert ranking.table["n_members"].tolist() == [2, 6]
    assert ranking.members[1] == ("n6", "n7")
    assert set(ranking.sample(2)) == {"n6", "n7"}


def test_a_cluster_without_eligible_networks_is_last():
    eligible = np.array([True] * 6 + [False] * 6)
    ranking = rank(clustering_of(LABELS), table_of(VALUES[:6]), eligible=eligible)
    assert ranking.table["cluster"].tolist() == [0, 1]
    assert ranking.table["n_members"].tolist() == [6, 0]
    assert ranking.members[1] == ()


def test_an_evaluated_network_that_is_not_eligible_is_named():
    eligible = np.array([True] * 11 + [False])
    with pytest.raises(ArgumentError, match="networks that are eligible, got others, first 'n11'"):
        rank(clustering_of(LABELS), table_of(VALUES), eligible=eligible)


@pytest.mark.parametrize("eligible", [[True] * 3, [1] * 12], ids=["short", "numbers"])
def test_eligible_is_a_truth_value_for_each(eligible):
    with pytest.raises(ArgumentError, match="be 12 truth values"):
        rank(clustering_of(LABELS), table_of(VALUES), eligible=eligible)
