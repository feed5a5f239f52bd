import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError
from cgraph.ranking.scores import log_rank_scores, oriented_values


def statistics_table(values, protocol="s@x", direction=1, errors=None):
    names = [f"n{i}" for i in range(len(values))]
    return pd.DataFrame(
        {
            "name": names,
            "statistic": protocol.split("@")[0],
            "protocol": protocol,
            "value": values,
            "standard_error": errors if errors is not None else [np.nan] * len(values),
            "direction": direction,
        }
    )


def naive_log_rank(values):
    """Mean log of the mid-rank over n, written out; missing values are last and tied."""
    n, m = values.shape
    scores = []
    for i in range(n):
        total = 0.0
        for j in range(m):
            own = -np.inf if np.isnan(values[i, j]) else values[i, j]
            others = [-np.inf if np.isnan(v) else v for v in values[:, j]]
            below = sum(v < own for v in others)
            equal = sum(v == own for v in others)
            total += np.log((below + (equal + 1) / 2) / n)
        scores.append(total / m)
    return np.array(scores)


def test_scores_equal_the_definition():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, size=(12, 3)).astype(float)
    values[[2, 5], 1] = np.nan
    np.testing.assert_allclose(log_rank_scores(values), naive_log_rank(values))


def test_scores_only_depend_on_the_order():
    values = np.random.default_rng(1).normal(size=(9, 4))
    np.testing.assert_array_equal(log_rank_scores(values), log_rank_scores(np.exp(3 * values)))


def test_one_poor_rank_costs_more_than_one_good_rank_gains():
    # Network 0 is first by one statistic and last by the other; network 1 is in the middle twice.
    values = np.array([[5.0, 1.0], [3.0, 3.0], [1.0, 5.0], [2.0, 2.0], [4.0, 4.0]])
    scores = log_rank_scores(values)
    assert scores[1] > scores[0]


def test_failure_counts_as_last_and_ties_with_other_failures():
    scores = log_rank_scores(np.array([[np.nan], [1.0], [np.nan], [2.0]]))
    np.testing.assert_allclose(scores, np.log([1.5 / 4, 3 / 4, 1.5 / 4, 1.0]))


def test_direction_turns_a_statistic():
    table = pd.concat(
        [
            statistics_table([1.0, 2.0], "ntk@a", -1),
            statistics_table([1.0, 2.0], "regions@b", 1),
        ]
    )
    values, _ = oriented_values(table)
    assert values["ntk@a"].tolist() == [-1.0, -2.0]
    assert values["regions@b"].tolist() == [1.0, 2.0]


def test_statistics_are_chosen_by_name_or_protocol():
    table = pd.concat([statistics_table([1.0], "ntk@a"), statistics_table([2.0], "regions@b")])
    assert list(oriented_values(table, ("regions",))[0].columns) == ["regions@b"]
    assert list(oriented_values(table, ("ntk@a", "regions"))[0].columns) == ["ntk@a", "regions@b"]


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (lambda t: t.drop(columns="direction"), "direction"),
        (lambda t: pd.concat([t, t]), "two for 'n0'"),
    ],
    ids=["column missing", "row twice"],
)
def test_a_table_that_does_not_fit_says_why(change, fact):
    with pytest.raises(ArgumentError, match=fact):
        oriented_values(change(statistics_table([1.0, 2.0])))


def test_a_statistic_that_was_not_evaluated_is_named():
    with pytest.raises(ArgumentError, match="'zico'"):
        oriented_values(statistics_table([1.0]), ("zico",))
