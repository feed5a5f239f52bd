"""`cgraph rank`, on a study and on tables."""

import pandas as pd
import pytest

import cgraph
from cgraph.spaces.limits import Limits
from cgraph.study.again import rank_again
from tests.test_cli import run

STATISTICS = ("naswot-v2", "params")


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    study = cgraph.Study("nasbench201", n_clusters=3, n_sampled=2, n_draws=1, statistics=STATISTICS)
    return study.run(tmp_path_factory.mktemp("rank") / "first")


@pytest.fixture(scope="module")
def tables(studied, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tables")
    studied.clustering().to_frame().to_parquet(directory / "clusters.parquet", index=False)
    studied.statistics.to_csv(directory / "statistics.csv", index=False)
    return directory


def test_a_study_is_ranked_by_some_of_its_statistics(studied, monkeypatch, capsys, tmp_path):
    options = ["--statistics", "params", "--out", tmp_path / "order.csv"]
    status, out, _ = run(monkeypatch, capsys, "rank", studied.directory, *options)
    assert status == 0
    assert "params" in out
    assert "naswot-v2" not in out
    order = pd.read_csv(tmp_path / "order.csv")
    means = order["params@static"]
    assert means.is_monotonic_decreasing


def test_limits_leave_what_keeps_them(studied, monkeypatch, capsys):
    status, out, _ = run(
        monkeypatch, capsys, "rank", studied.directory, "--max-parameters", "0.5MB@int8"
    )
    assert status == 0
    ranking = rank_again(studied, limits=Limits(max_parameters="0.5MB@int8"))
    assert sum(map(len, ranking.members)) == 10_240
    for name in ranking.scores["name"]:
        assert studied.architectures.set_index("name")["n_parameters"][name] <= 500_000
    assert f"{len(ranking.members[ranking.best]):,}" in out


def test_the_same_limits_as_a_study_give_its_order(tmp_path):
    limits = Limits(max_parameters="0.5MB@int8")
    study = cgraph.Study(
        "nasbench201", n_clusters=3, n_sampled=2, n_draws=1, statistics=STATISTICS, limits=limits
    )
    result = study.run(tmp_path / "limited")
    again = rank_again(result, limits=limits)
    pd.testing.assert_frame_equal(again.table, result.ranking.table)


def test_tables_are_ranked_like_the_study_they_are_of(studied, tables, monkeypatch, capsys):
    files = [tables / "clusters.parquet", tables / "statistics.csv"]
    status, out, _ = run(monkeypatch, capsys, "rank", *files)
    assert status == 0
    assert "Networks of the best cluster" in out
    limited = ["--max-parameters", "0.5MB@int8", "--space", "nasbench201"]
    status, out, _ = run(
        monkeypatch,
        capsys,
        "rank",
        tables / "clusters.parquet",
        tables / "statistics.csv",
        *limited,
    )
    assert status == 0


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["STUDY", "--statistics", "ntk"], "got 'ntk'"),
        (["STUDY", "--max-parameters", "1B@int8"], "at the nearest"),
        (["STUDY", "--out", "order.txt"], ".csv or .parquet"),
        (["STUDY", "TABLES/statistics.csv"], "be left out for a study"),
        (["TABLES/clusters.parquet"], "`cgraph evaluate` writes one"),
        (["TABLES/nothing.parquet", "TABLES/statistics.csv"], "a file that is there"),
        (["TABLES/statistics.csv", "TABLES/statistics.csv"], "without 'is_medoid'"),
        (
            ["TABLES/clusters.parquet", "TABLES/statistics.csv", "--fits", "stm32f746"],
            "--space must be given",
        ),
    ],
)
def test_what_does_not_fit_is_one_message(options, fact, studied, tables, monkeypatch, capsys):
    places = {"STUDY": str(studied.directory), "TABLES": str(tables)}
    arguments = []
    for option in options:
        head, slash, tail = option.partition("/")
        arguments.append(places.get(head, head) + slash + tail)
    status, _, err = run(monkeypatch, capsys, "rank", *arguments)
    assert status == 2
    assert fact in " ".join(err.split())
    assert "Traceback" not in err
