"""`cgraph study` of a space that has several data sets, and its accuracies with it."""

import json

import pandas as pd
import pytest

import cgraph
from cgraph.errors import ArgumentError


def test_a_study_of_a_data_set_knows_its_accuracies(run, tmp_path, monkeypatch):
    pytest.importorskip("nas_bench_graph")
    # Figures and page have tests of their own, and take longer than all else here.
    monkeypatch.setattr("cgraph.study.run.write_report", lambda *_, **__: None)
    out = tmp_path / "proteins"
    options = (
        *("--clusters", 3), *("--sample", 2), *("--draws", 1), *("--workers", 1),
        *("--statistics", "naswot-v2,regions"), *("--accuracy", "published"),
    )  # fmt: skip
    status, printed, err = run(
        "study", "nasbenchgraph", "--dataset", "proteins", "--out", out, *options
    )
    assert status == 0, err
    assert "2,021 of 2,021 accuracies from nas-bench-graph (ROC AUC, proteins)" in err
    assert "Against trained accuracy" in printed
    configuration = json.loads((out / "study.json").read_text())["configuration"]
    assert configuration["space"] == "nasbenchgraph"
    assert configuration["options"] == {"dataset": "proteins"}
    assert len(pd.read_parquet(out / "accuracies.parquet")) == 2_021
    statistics = pd.read_parquet(out / "statistics.parquet")
    assert statistics["value"].notna().all()
    status, _, err = run("study", "nasbenchgraph", "--out", out, *options)
    assert status == 2
    assert "options is {'dataset': 'proteins'} there and {'dataset': 'cora'} here" in err


def test_a_data_set_that_is_not_there_is_named(run, tmp_path):
    for space, options, quoted in [
        ("nasbenchgraph", ("--dataset", "citeser"), "did you mean 'citeseer'"),
        ("nasbench201", ("--dataset", "cora"), "be those of 'nasbench201' (none), got dataset"),
        ("nasbench201", ("--accuracy", "published"), "--accuracy must be FILE:COLUMN"),
    ]:
        status, _, err = run("study", space, "--out", tmp_path / "new", *options)
        assert status == 2
        assert quoted in err
        assert not (tmp_path / "new").exists()


def test_options_make_the_space_of_a_study():
    study = cgraph.Study("nasbenchgraph", options={"dataset": "proteins"}).resolved()
    assert study.space.dataset.name == "proteins"
    assert study.configuration()["options"] == {"dataset": "proteins"}
    assert study.resolved() == study
    default = cgraph.Study("nasbenchgraph").resolved()
    assert default.configuration()["options"] == {"dataset": "cora"}
    with pytest.raises(ArgumentError, match="be left out for 'nasbenchgraph', which is made"):
        cgraph.Study(study.space, options={"dataset": "cora"}).resolved()
    with pytest.raises(ArgumentError, match="'nasbench201'"):
        cgraph.Study("nasbench201", options={"dataset": "cora"}).resolved()
