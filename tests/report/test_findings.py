import dataclasses

import pandas as pd
import pytest

from cgraph.errors import ArgumentError
from cgraph.report.findings import has_odds, odds_of, quantiles_of, storage_limits, tau_of
from tests.report.made_up import study_tables


@pytest.mark.parametrize(
    ("sizes", "limits"),
    [
        (range(1_000), []),
        ([5] * 10, []),
        ([200_000, 900_000, 2_000_000], ["1MB@int8", "0.25MB@int8"]),
        ([30_000_000, 40_000_000, 50_000_000], ["45MB@int8", "40MB@int8", "35MB@int8"]),
    ],
    ids=["small", "equal", "some", "large"],
)
def test_limits_tell_networks_apart(sizes, limits):
    found = storage_limits(pd.Series(sizes))
    if len(limits) == 0 and len(set(sizes)) > 1:
        assert len(found) == 3  # the quartiles
    else:
        assert found[:1] == limits[:1]
        assert set(limits) <= set(found) | {"0.5MB@int8"}


def test_the_tables_are_of_the_evaluated_networks():
    tables = study_tables()
    assert quantiles_of(tables, []).loc[0, "n"] == 12
    assert tau_of(tables, [])["n"].max() == 12


def test_the_best_clusters_are_those_tied_with_the_first_unless_all_are():
    tables = study_tables()
    tied = tables.clusters.assign(tied_with_best=True)
    every = dataclasses.replace(tables, clusters=tied)
    pd.testing.assert_frame_equal(odds_of(tables), odds_of(every))


def test_equal_programs_are_one():
    tables = study_tables()
    doubled = pd.concat([tables.architectures] * 2, ignore_index=True)
    twice = dataclasses.replace(tables, architectures=doubled)
    pd.testing.assert_frame_equal(odds_of(tables), odds_of(twice))


def test_one_cluster_has_no_rest():
    assert not has_odds(study_tables(1))
    assert has_odds(study_tables(2))


def test_without_accuracies_there_is_nothing_to_hold_statistics_against():
    with pytest.raises(ArgumentError, match="accuracies must be known"):
        tau_of(study_tables(accuracies=False))
