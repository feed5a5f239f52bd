import numpy as np
import pandas as pd
import pytest

from cgraph.clustering.result import Clustering
from cgraph.errors import ArgumentError
from cgraph.ranking.validate import validate

NAMES = tuple(f"n{i}" for i in range(40))
LABELS = np.repeat([0, 1], [30, 10])
CLUSTERING = Clustering(LABELS, [0, 30], {}, NAMES, "kmeans", "hellinger")
ACCURACIES = pd.Series(np.linspace(50, 89, 40), index=NAMES)


def test_figures_are_those_of_the_definition():
    found = validate(CLUSTERING, 0, ACCURACIES)
    assert found.accuracy == pytest.approx(ACCURACIES[:30].mean())
    assert found.regret == pytest.approx(ACCURACIES[30:].mean() - ACCURACIES[:30].mean())
    assert found.population_accuracy == pytest.approx(ACCURACIES.mean())
    # The two best networks are both in cluster 1, a quarter of the space.
    assert found.lift == 0.0
    assert validate(CLUSTERING, 1, ACCURACIES).lift == pytest.approx(4.0)
    assert validate(CLUSTERING, 1, ACCURACIES).regret == 0.0


def test_lifts_average_to_one_over_the_networks():
    clusters = validate(CLUSTERING, 0, ACCURACIES).clusters
    assert np.average(clusters["lift"], weights=clusters["n_members"]) == pytest.approx(1.0)


def test_accuracies_are_joined_by_name_not_by_order():
    shuffled = ACCURACIES.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        validate(CLUSTERING, 0, shuffled).clusters, validate(CLUSTERING, 0, ACCURACIES).clusters
    )


def test_a_sample_of_the_accuracies_says_how_sure_it_is():
    whole = validate(CLUSTERING, 0, ACCURACIES)
    assert (whole.n_known, whole.n_members, whole.accuracy_se) == (30, 30, 0.0)
    drawn = ACCURACIES[[*NAMES[:30:3], NAMES[35]]]
    found = validate(CLUSTERING, 0, drawn, missing="allow")
    assert (found.n_known, found.n_members) == (10, 30)
    expected = drawn[:10].std() / np.sqrt(10) * np.sqrt(1 - 10 / 30)
    assert found.accuracy_se == pytest.approx(expected)
    assert "known for 11 of 40 networks" in repr(found)
    assert np.isnan(found.clusters["accuracy_se"].iloc[1])  # one of ten: no error is known
    none = validate(CLUSTERING, 0, ACCURACIES[:30], missing="allow").clusters.iloc[1]
    assert none["n_known"] == 0
    assert none[["accuracy", "accuracy_se", "lift"]].isna().all()


def test_networks_as_accurate_as_the_last_of_the_best_count_too():
    level = pd.Series(70.0, index=NAMES)
    assert validate(CLUSTERING, 0, level).clusters["lift"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("chosen", "accuracies", "top", "fact"),
    [
        (0, ACCURACIES[:-3], 0.05, "none for 3, first 'n37'"),
        (2, ACCURACIES, 0.05, "chosen must be a cluster below 2, got 2"),
        (0, ACCURACIES, 1.0, "top_fraction must lie between 0 and 1, got 1.0"),
    ],
    ids=["gap", "cluster", "fraction"],
)
def test_what_does_not_fit_is_named(chosen, accuracies, top, fact):
    with pytest.raises(ArgumentError, match=fact):
        validate(CLUSTERING, chosen, accuracies, top_fraction=top)
