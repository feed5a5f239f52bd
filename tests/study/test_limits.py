"""Studies of networks that have to keep limits, and of spaces too large for all pairs."""

import numpy as np
import pytest

import cgraph
from cgraph.errors import ArgumentError, StudyError
from cgraph.spaces.limits import Limits
from tests.study.test_run import Words

SMALL = Limits(max_parameters="0.1kB@int8")


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    study = cgraph.Study(
        Words(), n_clusters=3, n_sampled=2, n_draws=1, statistics=("naswot-v2",), limits=SMALL
    )
    return study.run(tmp_path_factory.mktemp("limits") / "words")


def test_only_networks_that_keep_the_limits_are_evaluated_and_count(limited):
    table = limited.architectures.set_index("name")
    assert table["keeps_limits"].tolist() == (table["n_parameters"] <= 100).tolist()
    assert 0 < table["keeps_limits"].sum() < len(table)
    assert table.loc[limited.statistics["name"], "keeps_limits"].all()
    for members in limited.ranking.members:
        assert table.loc[list(members), "keeps_limits"].all()
    assert limited.ranking.table["n_members"].sum() == table["keeps_limits"].sum()


def test_clusters_are_those_of_the_whole_space(limited, tmp_path):
    study = cgraph.Study(Words(), n_clusters=3, n_sampled=2, n_draws=1, statistics=("naswot-v2",))
    whole = study.run(tmp_path / "whole")
    assert whole.architectures["cluster"].tolist() == limited.architectures["cluster"].tolist()
    assert "keeps_limits" not in whole.architectures


def test_a_study_read_again_ranks_the_same(limited):
    again = cgraph.load_study(limited.directory)
    assert again.ranking.table.equals(limited.ranking.table)
    assert again.ranking.members == limited.ranking.members


def test_other_limits_are_another_study(limited):
    study = cgraph.Study(Words(), n_clusters=3, n_sampled=2, n_draws=1, statistics=("naswot-v2",))
    with pytest.raises(StudyError, match=r"0\.1kB@int8"):
        study.run(limited.directory)


def test_limits_that_nobody_keeps_leave_nothing(tmp_path):
    study = cgraph.Study(Words(), n_clusters=3, limits=Limits(max_parameters="1B@int8"))
    with pytest.raises(ArgumentError, match="at the nearest"):
        study.run(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_accuracy_is_that_of_the_networks_that_keep_the_limits(limited, tmp_path):
    import pandas as pd

    names = Words().architectures()
    accuracies = pd.Series(np.arange(10.0) * 10, index=names)
    study = cgraph.Study(
        Words(), n_clusters=3, n_sampled=2, n_draws=1, statistics=("naswot-v2",), limits=SMALL
    )
    found = study.run(tmp_path / "checked", accuracies=accuracies).validation()
    kept = limited.architectures.set_index("name")["keeps_limits"]
    assert found.population_accuracy == pytest.approx(accuracies[kept].mean())


def test_a_study_by_landmarks(tmp_path):
    study = cgraph.Study(
        Words(), method="spectral", metric="edit", landmarks=6, n_clusters=2, n_sampled=2,
        n_draws=1, statistics=("naswot-v2",),
    )  # fmt: skip
    stages = []
    result = study.run(tmp_path / "far", progress=lambda *step: stages.append(step))
    assert [done == total for stage, done, total in stages if stage == "distances"][-1]
    assert (tmp_path / "far" / "landmarks.npy").exists()
    assert np.isfinite(result.architectures[["x", "y"]].to_numpy()).all()
    again = study.run(tmp_path / "far")
    assert again.architectures.equals(result.architectures)
