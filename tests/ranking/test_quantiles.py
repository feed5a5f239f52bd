import math

import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError
from cgraph.ranking.quantiles import ALL, best_quantiles
from cgraph.ranking.subsets import TOGETHER, WHOLE
from tests.ranking.judged import judged_networks

LIMITS = ["4kB@int8", "9kB@int8"]


@pytest.fixture(scope="module")
def found():
    table, accuracies, sizes = judged_networks()
    return best_quantiles(table, accuracies, n_parameters=sizes, limits=LIMITS, n_bootstrap=200)


def row(table, limit, protocol, fraction):
    own = table[(table["limit"] == limit) & (table["protocol"] == protocol)]
    return own[own["fraction"] == fraction].iloc[0]


def test_each_limit_has_all_networks_and_the_best_of_each_protocol(found):
    protocols = ["good@1", "noisy@1", "coarse@1", TOGETHER]
    assert list(found["limit"].unique()) == [WHOLE, *LIMITS]
    for _, own in found.groupby("limit"):
        assert list(own["protocol"]) == [ALL, *[p for p in protocols for _ in range(3)]]


@pytest.mark.parametrize("fraction", [0.25, 0.1, 0.05])
def test_the_best_are_the_first_of_a_sorted_list(found, fraction):
    table, accuracies, sizes = judged_networks()
    kept = [name for name in accuracies.index if sizes[name] <= 4_000]
    values = table[table["protocol"] == "noisy@1"].set_index("name")["value"].dropna()
    ordered = sorted((values[name], accuracies[name]) for name in kept if name in values)
    best = [accuracy for _, accuracy in ordered[: math.ceil(fraction * len(kept))]]
    shown = row(found, "4kB@int8", "noisy@1", fraction)
    assert shown["n"] == len(best)
    assert shown["mean"] == pytest.approx(np.mean(best))
    assert shown["median"] == pytest.approx(np.median(best))
    assert shown["gain"] == pytest.approx(np.mean(best) - np.mean(accuracies[kept]))


def test_networks_tied_with_the_last_of_the_best_count_too(found):
    table, _, _ = judged_networks()
    values = table.loc[table["protocol"] == "coarse@1", "value"].to_numpy()
    n_best = (values >= np.sort(values)[::-1][14]).sum()
    assert row(found, WHOLE, "coarse@1", 0.25)["n"] == n_best > 15


def test_a_limit_that_all_keep_changes_nothing(found):
    columns = ["protocol", "fraction", "n", "mean", "gain", "gain_low", "gain_high"]
    whole, all_kept = (
        found.loc[found["limit"] == limit, columns].reset_index(drop=True)
        for limit in (WHOLE, LIMITS[1])
    )
    pd.testing.assert_frame_equal(whole, all_kept)


def test_a_perfect_statistic_gains_for_sure_and_a_random_one_does_not():
    table, accuracies, _ = judged_networks(n=400, n_failed=0)
    rng = np.random.default_rng(1)
    table.loc[table["protocol"] == "noisy@1", "value"] = rng.normal(size=400)
    found = best_quantiles(table, accuracies, n_bootstrap=300)
    good, noise = row(found, WHOLE, "good@1", 0.25), row(found, WHOLE, "noisy@1", 0.25)
    # The mean of the upper quarter of a normal distribution is 1.27 deviations above its own.
    assert good["gain_low"] < 1.27 < good["gain_high"]
    assert good["gain_low"] > 1
    assert noise["gain_low"] < 0 < noise["gain_high"]


def test_a_bootstrap_that_draws_one_by_one_gives_the_same_interval():
    table, accuracies, _ = judged_networks(n=40)
    found = best_quantiles(
        table, accuracies, statistics=["noisy"], fractions=[0.25], n_bootstrap=4000
    )
    value = -table.loc[table["protocol"] == "noisy@1", "value"].to_numpy()
    accuracy = accuracies.to_numpy()
    rng = np.random.default_rng(5)
    gains = []
    for _ in range(4000):
        drawn = rng.integers(40, size=40)
        ranked = np.sort(value[drawn][~np.isnan(value[drawn])])[::-1]
        best = value[drawn] >= ranked[9]
        gains.append(accuracy[drawn][best].mean() - accuracy[drawn].mean())
    shown = row(found, WHOLE, "noisy@1", 0.25)
    low, high = np.quantile(gains, [0.025, 0.975])
    assert shown["gain_low"] == pytest.approx(low, abs=0.05)
    assert shown["gain_high"] == pytest.approx(high, abs=0.05)


def test_where_no_network_is_left_there_is_no_number():
    table, accuracies, sizes = judged_networks(n=10, n_failed=0)
    table.loc[table["protocol"] == "good@1", "value"] = np.nan
    found = best_quantiles(
        table, accuracies, n_parameters=sizes, limits=["1B@int8"], n_bootstrap=10
    )
    assert (found.loc[found["limit"] == "1B@int8", "n"] == 0).all()
    assert found.loc[found["limit"] == "1B@int8", ["mean", "gain", "gain_low"]].isna().all().all()
    assert found.loc[found["protocol"] == "good@1", ["mean", "gain_high"]].isna().all().all()


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"fractions": [1.5]}, "fractions must lie between 0 and 1, got 1.5"),
        ({"n_bootstrap": 0}, "n_bootstrap must be a whole number, from 1 to 1,000,000, got 0"),
        ({"limits": ["1kB"]}, "n_parameters must be given where there are limits"),
        ({"accuracies": pd.Series({"network 0": 90.0})}, "none for 9, first 'network 1'"),
    ],
    ids=["fraction", "bootstrap", "sizes", "accuracies"],
)
def test_errors_say_what_came(change, fact):
    table, accuracies, _ = judged_networks(n=10)
    with pytest.raises(ArgumentError, match=fact):
        best_quantiles(table, **{"accuracies": accuracies, **change})
