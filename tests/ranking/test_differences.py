import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError
from cgraph.ranking.differences import cluster_differences


def sample(shift, n=200, seed=0):
    """Networks of four clusters whose statistic is shifted by their number."""
    rng = np.random.default_rng(seed)
    cluster = np.arange(n) % 4
    names = [f"network {i}" for i in range(n)]
    table = pd.DataFrame(
        {
            "name": names,
            "statistic": "s",
            "protocol": "s@1",
            "value": rng.normal(size=n) + shift * cluster,
            "standard_error": 0.0,
            "direction": 1,
        }
    )
    return table, pd.Series(cluster, index=names)


def test_clusters_that_do_not_differ_explain_nothing():
    found = cluster_differences(*sample(0.0), n_bootstrap=100).iloc[0]
    assert found["p"] > 0.01
    assert found["explained"] < 0.05


def test_clusters_that_part_all_networks_explain_nearly_all():
    found = cluster_differences(*sample(100.0), n_bootstrap=100).iloc[0]
    # Ranks within four parts of n vary as 1 / 16 of those of the whole.
    assert found["explained"] == pytest.approx(15 / 16, abs=0.01)
    assert found["explained_low"] <= found["explained"] <= found["explained_high"]
    assert found["p_adjusted"] < 1e-6


def test_the_interval_holds_what_many_networks_show():
    truth = cluster_differences(*sample(0.5, n=40_000), n_bootstrap=1)["explained"].iloc[0]
    found = cluster_differences(*sample(0.5), n_bootstrap=300).iloc[0]
    assert found["explained_low"] < truth < found["explained_high"]


def test_the_p_values_are_corrected_for_their_number():
    table, clusters = sample(0.2)
    noise, _ = sample(0.0, seed=3)
    both = pd.concat([table, noise.assign(statistic="t", protocol="t@1")])
    found = cluster_differences(both, clusters, n_bootstrap=10)
    least = found["p"].min()
    assert found["p_adjusted"].min() == pytest.approx(min(2 * least, found["p"].max()))


def test_where_nothing_can_differ_there_is_no_number():
    table, clusters = sample(1.0, n=8)
    for changed in (table.assign(value=1.0), table.assign(value=np.nan)):
        found = cluster_differences(changed, clusters, n_bootstrap=5).iloc[0]
        assert found[["h", "p", "p_adjusted", "explained", "explained_low"]].isna().all()
    one = cluster_differences(table, clusters * 0, n_bootstrap=5).iloc[0]
    assert np.isnan(one["p"])


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"clusters": pd.Series({"network 0": 1})}, "none for 7, first 'network 1'"),
        ({"n_bootstrap": 0}, "n_bootstrap must be a whole number, from 1 to 1,000,000, got 0"),
    ],
    ids=["clusters", "bootstrap"],
)
def test_errors_say_what_came(change, fact):
    table, clusters = sample(1.0, n=8)
    with pytest.raises(ArgumentError, match=fact):
        cluster_differences(table, **{"clusters": clusters, **change})
