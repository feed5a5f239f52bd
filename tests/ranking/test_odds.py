import math

import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError
from cgraph.ranking.odds import operation_odds


def population(n, share, rng, n_kernels=8):
    """Networks of two operations, the first with a share of the kernels on average."""
    first = rng.binomial(n_kernels, share, size=n)
    return pd.DataFrame({"conv": first, "pool": n_kernels - first})


def test_the_ratio_is_that_of_the_mean_shares():
    rng = np.random.default_rng(0)
    usage = pd.concat([population(4000, 0.6, rng), population(6000, 0.3, rng)], ignore_index=True)
    odds = operation_odds(usage, np.arange(10_000) < 4000).set_index("operation")
    expected = math.log(0.6 / 0.4) - math.log(0.3 / 0.7)
    assert odds.loc["conv", "low"] < expected < odds.loc["conv", "high"]
    assert odds.loc["conv", "log_odds"] == pytest.approx(expected, abs=0.05)
    assert odds.loc["pool", "log_odds"] == pytest.approx(-odds.loc["conv", "log_odds"])
    assert odds.loc["conv", "p_adjusted"] < 1e-6


def test_a_network_counts_once_however_many_kernels_it_has():
    usage = pd.DataFrame({"conv": [1, 300, 1, 1], "pool": [3, 100, 1, 1]})
    odds = operation_odds(usage, [True, True, False, False]).set_index("operation")
    assert odds.loc["conv", "share_best"] == pytest.approx((0.25 + 0.75) / 2)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    held = [
        (lambda odds: (odds["low"] < 0) & (odds["high"] > 0))(
            operation_odds(population(60, 0.4, rng), np.arange(60) < 20)
        ).all()
        for _ in range(150)
    ]
    assert 0.9 <= np.mean(held) <= 0.99


def test_a_weight_is_worth_as_many_equal_programs_but_no_more_evidence():
    rng = np.random.default_rng(2)
    usage = population(40, 0.5, rng)
    is_best = np.arange(40) < 15
    plain, heavy = (operation_odds(usage, is_best, weights=np.full(40, w)) for w in (1, 7))
    pd.testing.assert_frame_equal(plain, heavy)
    once = operation_odds(usage, is_best, weights=np.where(np.arange(40) == 0, 3, 1))
    repeated = usage.loc[[0, 0, *range(40)]]
    thrice = operation_odds(repeated, [True, True, *is_best])
    assert once["share_best"].tolist() == pytest.approx(thrice["share_best"].tolist())
    assert (once["high"] - once["low"] > thrice["high"] - thrice["low"]).all()


def test_an_operation_that_a_side_never_uses_has_a_finite_ratio():
    usage = pd.DataFrame({"conv": [2] * 10, "pool": [0] * 5 + [2] * 5, "unused": 0})
    odds = operation_odds(usage, np.arange(10) < 5)
    assert np.isfinite(odds[["log_odds", "low", "high", "p", "p_adjusted"]]).all().all()
    pool = odds.set_index("operation").loc["pool"]
    assert pool["share_best"] == 0
    assert pool["log_odds"] < 0


def test_p_values_are_corrected_for_their_number():
    rng = np.random.default_rng(3)
    usage = pd.DataFrame(rng.integers(0, 4, (50, 6)), columns=list("abcdef"))
    odds = operation_odds(usage, np.arange(50) < 20)
    ranked = odds.sort_values("p")["p"].to_numpy()
    by_hand = np.minimum.accumulate((ranked * 6 / np.arange(1, 7))[::-1])[::-1].clip(max=1)
    assert odds.sort_values("p")["p_adjusted"].tolist() == pytest.approx(by_hand.tolist())


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"is_best": [True, True]}, "got 2 best of 2"),
        ({"is_best": [True]}, r"is_best must have shape \(2,\), got \(1,\)"),
        ({"weights": [1, 0]}, "weights must be positive, got 0"),
    ],
    ids=["one kind", "shape", "weights"],
)
def test_errors_say_what_came(change, fact):
    usage = pd.DataFrame({"conv": [1, 2], "pool": [2, 1]})
    with pytest.raises(ArgumentError, match=fact):
        operation_odds(usage, **{"is_best": [True, False], **change})


def test_networks_without_kernels_are_left_out():
    usage = pd.DataFrame({"conv": [1, 2, 0, 0], "pool": [2, 1, 0, 0]})
    odds = operation_odds(usage, [True, False, True, False])
    assert odds.equals(operation_odds(usage.iloc[:2], [True, False]))
