"""The space of a study: with its options, and never a file that only the study names."""

import json

import numpy as np
import pandas as pd
import pytest

import cgraph
from cgraph.errors import ArgumentError
from cgraph.export import read_export
from cgraph.spaces import get
from cgraph.spaces.limits import Limits
from cgraph.study.result import StudyResult, ranking_of
from cgraph.study.study import load_study
from tests.export.studies import made_study
from tests.study.test_run import Words
from tests.test_cli import run

SETTINGS = {"method": "kmeans", "metric": "hellinger", "statistics": ["ntk", "naswot-v2"]}

OWN = """
from pathlib import Path
from tests.study.test_run import Words as Base

Path("it-ran").touch()

class Words(Base):
    pass
"""


def studied(directory, own, **configuration):
    """A study on disk, made without running one."""
    made = made_study(directory, own, n_clusters=2, n_evaluated=4)
    directory.mkdir()
    known = {**made.configuration, **SETTINGS, **configuration}
    (directory / "study.json").write_text(json.dumps({"configuration": known}))
    made.architectures.to_parquet(directory / "architectures.parquet")
    made.statistics.to_parquet(directory / "statistics.parquet")
    return directory


@pytest.fixture(scope="module")
def pubmed(tmp_path_factory):
    space = get("nasbenchgraph", dataset="pubmed")
    table = pd.DataFrame({"name": space.architectures()})
    table["cluster"], table["class"] = table.index % 2, space.programs()
    table["is_medoid"] = table.index < 2
    known = {"space": "nasbenchgraph", "options": {"dataset": "pubmed"}, "seed": 0, **SETTINGS}
    rows = [
        {"name": name, "program": name, "statistic": "ntk", "protocol": "ntk@full",
         "direction": -1, "value": float(i), "standard_error": 0.1, "n_draws": 2, "n_failures": 0,
         "reason": None, "note": "", "cluster": 0, "weight": 1}
        for i, name in enumerate(table["name"][::100])
    ]  # fmt: skip
    known["statistics"] = ["ntk"]
    statistics = pd.DataFrame(rows)
    ranking = ranking_of(table, statistics, known)
    directory = tmp_path_factory.mktemp("pubmed")
    return StudyResult(directory, known, table, statistics, ranking)


def test_a_study_is_ranked_again_with_the_sizes_of_its_own_data_set(pubmed):
    sizes = {
        name: get("nasbenchgraph", dataset=name).sizes()["n_parameters"]
        for name in ("pubmed", "cora")
    }
    largest = int(np.median(sizes["pubmed"]))
    kept = {name: int((own <= largest).sum()) for name, own in sizes.items()}
    assert kept["pubmed"] != kept["cora"]
    again = cgraph.rank_again(pubmed, limits=Limits(max_parameters=f"{largest}B@int8"))
    assert again.table["n_members"].sum() == kept["pubmed"]


def test_the_space_of_a_study_has_its_options(pubmed):
    assert pubmed.space().options == {"dataset": "pubmed"}
    assert pubmed.space("nasbenchgraph").options == {"dataset": "pubmed"}


def test_a_space_with_other_options_is_refused(pubmed):
    with pytest.raises(ArgumentError, match=r"whose options is {'dataset': 'pubmed'}, got one"):
        pubmed.space(get("nasbenchgraph"))
    with pytest.raises(ArgumentError, match="whose name is 'nasbenchgraph', got one"):
        cgraph.rank_again(pubmed, space=Words())


@pytest.mark.parametrize("name", ["own.py", "own.py:Words", "own:Words"])
@pytest.mark.parametrize(
    "command",
    [
        ("export", "--to", "gexf"),
        ("export", "--to", "npz"),
        ("export", "--to", "optuna"),
        ("rank", "--max-parameters", "1MB@int8"),
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_a_file_that_only_a_study_names_is_not_run(name, command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    directory = studied(tmp_path / "study", Words(), space=name)
    status, _, err = run(monkeypatch, capsys, command[0], directory, *command[1:])
    assert status == 2
    assert f"space must be given for a study of '{name}'" in " ".join(err.split())
    assert not (tmp_path / "it-ran").exists()


def test_a_file_that_only_a_list_of_start_points_names_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    result = load_study(studied(tmp_path / "study", Words()))
    path = cgraph.export_study(result, to="optuna", space=Words())
    path.write_text(path.read_text().replace('"words"', '"own.py"'))
    start = read_export(path)
    with pytest.raises(ArgumentError, match=r"space must be given for a study of 'own\.py'"):
        start.architecture(start.points[0])
    assert not (tmp_path / "it-ran").exists()
    assert start.architecture(start.points[0], Words()) == start.architectures[0]


def test_a_file_is_run_where_the_caller_names_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "named_words.py").write_text(OWN)
    directory = studied(tmp_path / "study", Words())
    options = ("--max-parameters", "1MB@int8", "--space", "named_words.py")
    status, _, err = run(monkeypatch, capsys, "rank", directory, *options)
    assert status == 0, err
    assert (tmp_path / "it-ran").exists()
    status, _, err = run(monkeypatch, capsys, "rank", directory, "--space", "nasbench201")
    assert status == 2
    assert "be that of the study, whose name is 'words'" in " ".join(err.split())


def test_a_space_without_the_architectures_of_the_study_is_refused(tmp_path):
    class Fewer(Words):
        def architectures(self):
            return super().architectures()[:-1]

    class Others(Words):
        def architectures(self):
            return (*super().architectures()[:-1], "II")

    result = load_study(studied(tmp_path / "study", Words()))
    with pytest.raises(ArgumentError, match="have the 10 architectures of this study of 'words'"):
        result.space(Fewer())
    with pytest.raises(ArgumentError, match="with 'II' in place of 'I' at 9"):
        result.space(Others())


@pytest.mark.parametrize(
    ("record", "fact"),
    [
        ({"space": ["words"]}, "space must be a name in the record of a study"),
        ({"options": "words"}, "options must map names to values in the record of a study"),
        ({"space": "nasbench201", "options": {"dataset": "cora"}}, "be those of 'nasbench201'"),
    ],
    ids=["name", "options", "unknown option"],
)
def test_a_record_that_names_no_space_is_refused(record, fact, tmp_path):
    result = load_study(studied(tmp_path / "study", Words(), **record))
    with pytest.raises(ArgumentError, match=fact):
        result.space()
