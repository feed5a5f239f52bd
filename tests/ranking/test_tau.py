import itertools

import numpy as np
import pytest
from scipy.stats import kendalltau

from cgraph.ranking.subsets import TOGETHER, WHOLE
from cgraph.ranking.tau import _taus, accuracy_tau
from tests.ranking.judged import judged_networks

LIMITS = ["4kB@int8", "9kB@int8"]


@pytest.fixture(scope="module")
def found():
    table, accuracies, sizes = judged_networks()
    taus = accuracy_tau(table, accuracies, n_parameters=sizes, limits=LIMITS, n_bootstrap=60)
    return taus.set_index(["limit", "protocol"])


def test_each_limit_has_each_protocol(found):
    assert list(found.loc[WHOLE].index) == ["good@1", "noisy@1", "coarse@1", TOGETHER]
    assert list(found.index.get_level_values("limit").unique()) == [WHOLE, *LIMITS]


def test_tau_counts_pairs(found):
    table, accuracies, sizes = judged_networks()
    values = -table[table["protocol"] == "noisy@1"].set_index("name")["value"].dropna()
    kept = [name for name in values.index if sizes[name] <= 4_000]
    signs = [
        np.sign(values[a] - values[b]) * np.sign(accuracies[a] - accuracies[b])
        for a, b in itertools.combinations(kept, 2)
    ]
    shown = found.loc["4kB@int8", "noisy@1"]
    assert shown["n"] == len(kept)
    assert shown["tau"] == pytest.approx(np.mean(signs))


def test_tau_b_is_that_of_scipy_with_ties_and_repetitions():
    rng = np.random.default_rng(0)
    for n in (2, 5, 40):
        x, y = rng.integers(0, 6, n).astype(float), rng.integers(0, 9, n).astype(float)
        times = np.concatenate([np.ones((1, n), dtype=np.int64), rng.integers(1, 4, (20, n))])
        for tau, row in zip(_taus(x, y, times), times, strict=True):
            slow = kendalltau(np.repeat(x, row), np.repeat(y, row)).statistic
            assert tau == pytest.approx(slow, nan_ok=True)


def test_a_perfect_order_is_certain(found):
    shown = found.loc[WHOLE, "good@1"]
    assert [shown["tau"], shown["tau_low"], shown["tau_high"]] == pytest.approx([1, 1, 1])
    assert shown["change"] == 0


def test_intervals_hold_their_tau(found):
    assert (found["tau_low"] <= found["tau"] + 1e-9).all()
    assert (found["tau"] <= found["tau_high"] + 1e-9).all()
    noisy = found.loc["4kB@int8", "noisy@1"]
    assert noisy["change"] == pytest.approx(noisy["tau"] - found.loc[WHOLE, "noisy@1"]["tau"])
    assert noisy["change_low"] < noisy["change"] < noisy["change_high"]


def test_a_limit_that_all_keep_changes_nothing(found):
    all_kept = found.loc[LIMITS[1]]
    assert (all_kept["change"] == 0).all()
    assert (all_kept["change_high"] == 0).all()
    assert all_kept["tau_low"].tolist() == found.loc[WHOLE]["tau_low"].tolist()


def test_where_there_is_no_order_there_is_no_tau():
    table, accuracies, sizes = judged_networks(n=10)
    found = accuracy_tau(
        table, accuracies, n_parameters=sizes, limits=["1B@int8"], n_bootstrap=3
    ).set_index(["limit", "protocol"])
    assert found.loc["1B@int8", ["tau", "tau_low", "change_high"]].isna().all().all()
    assert (found.loc["1B@int8", "n"] == 0).all()


def test_few_networks_have_no_interval():
    table, accuracies, _ = judged_networks(n=9)
    found = accuracy_tau(table, accuracies, n_bootstrap=20)
    assert found["tau"].notna().all()
    assert found[["tau_low", "tau_high", "change_low"]].isna().all().all()
