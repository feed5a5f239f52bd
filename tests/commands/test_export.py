"""`cgraph export` of a study that has run."""

import pandas as pd
import pytest
from torch import nn

import cgraph
from cgraph.commands.export import FORMAT_NAMES
from cgraph.export import STUDY_FORMATS, read_export
from cgraph.export.tables import architecture_table
from cgraph.spaces.choices import ChoiceSpace
from cgraph.study import directory as files
from tests.export.studies import made_study
from tests.test_cli import run

SPACE = """
from torch import nn
from cgraph.spaces.choices import ChoiceSpace

class Towers(ChoiceSpace):
    name, summary, source = "towers", "layers in a row", "a test"
    input_shapes = {"full": (4,)}
    choices = (("linear", "relu"),) * 3

    def build(self, arch, skeleton):
        layers = {"linear": nn.Linear(4, 4), "relu": nn.ReLU()}
        return nn.Sequential(*[layers[word] for word in arch.split("|")])
"""


class Towers(ChoiceSpace):
    name, summary, source = "towers", "layers in a row", "a test"
    input_shapes = {"full": (4,)}  # noqa: RUF012
    choices = (("linear", "relu"),) * 3

    def build(self, arch, skeleton):  # noqa: ARG002
        layers = {"linear": nn.Linear(4, 4), "relu": nn.ReLU()}
        return nn.Sequential(*[layers[word] for word in arch.split("|")])


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A study as it lies on disk when it has run."""
    home = tmp_path_factory.mktemp("home")
    (home / "towers_to_export.py").write_text(SPACE)
    study = made_study(home / "study", Towers(), n_clusters=2, n_evaluated=4)
    settings = {"method": "kmeans", "metric": "hellinger", "statistics": ["ntk", "naswot-v2"]}
    files.claim(study.directory, {**study.configuration, **settings}, {})
    for name, table in (
        (files.ARCHITECTURES, study.architectures),
        (files.STATISTICS, study.statistics),
        (files.ACCURACIES, study.accuracies),
    ):
        files.write_table(study.directory, name, table)
    return study.directory


def test_the_names_of_formats_are_those_of_the_table():
    assert tuple(STUDY_FORMATS) == FORMAT_NAMES


@pytest.mark.parametrize("name", STUDY_FORMATS)
def test_every_format_is_written_where_it_is_said(name, directory, monkeypatch, capsys):
    monkeypatch.chdir(directory.parent)
    options = ["--to", name, "--space", "towers_to_export.py"]
    status, out, _ = run(monkeypatch, capsys, "export", directory, *options)
    assert status == 0
    path = directory / "exports" / STUDY_FORMATS[name].file_name
    assert str(path) in out
    assert path.exists()
    if name != "dot":
        assert len(STUDY_FORMATS[name].read(path)) if name not in ("npz", "optuna", "ray") else path


def test_a_study_that_ran_is_exported_whole(directory, monkeypatch, capsys, tmp_path):
    path = tmp_path / "towers.csv"
    status, _, _ = run(monkeypatch, capsys, "export", directory, "--to", "csv", "--out", path)
    assert status == 0
    result = cgraph.load_study(directory)
    pd.testing.assert_frame_equal(read_export(path), architecture_table(result))
    assert read_export(path)["accuracy"].tolist() == result.accuracies["accuracy"].tolist()


def test_what_is_exported_can_be_chosen(directory, monkeypatch, capsys, tmp_path):
    options = ["--to", "list", "--only", "cluster 1", "--limit", "2", "--out", tmp_path / "two.txt"]
    status, _, _ = run(monkeypatch, capsys, "export", directory, *options)
    assert status == 0
    members = cgraph.load_study(directory).ranking.members[1]
    assert len(read_export(tmp_path / "two.txt")) == min(2, len(members))
    assert set(read_export(tmp_path / "two.txt")) <= set(members)


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--to", "parket"], "did you mean 'parquet'"),
        (["--to", "gexf"], "space must be given for a study of 'towers'"),
        (["--to", "csv", "--only", "bst"], "got 'bst'"),
        (["--to", "csv", "--limit", "0"], "limit must be a whole number"),
        (["--to", "gexf", "--space", "towrs"], "got 'towrs'"),
        (["--to", "csv", "--graphs", "computational"], "graphs must be 'kernel' for csv"),
    ],
    ids=["format", "space", "only", "limit", "unknown space", "graphs"],
)
def test_an_error_is_one_message(options, fact, directory, monkeypatch, capsys):
    status, _, err = run(monkeypatch, capsys, "export", directory, *options)
    assert status == 2
    assert fact in " ".join(err.split())
    assert "Traceback" not in err


def test_a_directory_without_study_is_named(monkeypatch, capsys, tmp_path):
    status, _, err = run(monkeypatch, capsys, "export", tmp_path, "--to", "csv")
    assert status == 2
    assert "holds no study" in err
