import re
from pathlib import Path

import pytest

from cgraph.commands.figure import OF_PROGRAMS, OF_STUDIES
from cgraph.report.figures.catalogue import FIGURES
from cgraph.study.result import StudyResult
from tests.report.made_up import study_tables


@pytest.fixture
def study(monkeypatch):
    """Whatever directory is asked for holds a small study."""

    def load(directory):
        tables = study_tables(accuracies="without" not in str(directory))
        monkeypatch.setattr(StudyResult, "tables", lambda _: tables)
        return StudyResult(Path(directory), {}, tables.architectures, tables.statistics, None)

    monkeypatch.setattr("cgraph.study.study.load_study", load)
    return "studies/made-up"


def test_the_names_in_the_help_are_those_of_the_table():
    assert list(OF_STUDIES + OF_PROGRAMS) == list(FIGURES)
    assert tuple(n for n, kind in FIGURES.items() if kind.source == "study") == OF_STUDIES


def test_the_list_says_how_each_figure_is_drawn(run):
    status, out, _ = run("figure", "--list")
    assert status == 0
    words = " ".join(out.split())  # lines are folded
    for name, kind in FIGURES.items():
        assert f"cgraph figure {name} {kind.example}" in words
    assert "Needs accuracy." in words


def test_a_name_is_asked_for(run):
    status, _, err = run("figure")
    assert status == 2
    assert "NAME must be given, got none; --list shows the figures" in " ".join(err.split())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_small_picture_in_the_gallery(name):
    picture = Path(__file__).parents[2] / "docs" / "images" / "gallery" / f"{name}.png"
    assert 0 < picture.stat().st_size < 60_000


@pytest.mark.parametrize("name", ["scores", "tau"])
def test_a_figure_of_a_study(name, run, study, tmp_path):
    path = tmp_path / "new" / "figure.svg"
    status, out, _ = run("figure", name, study, "--out", path, "--width", "column")
    assert status == 0
    assert out.strip() == str(path)
    assert re.search(r'width="237\.6pt"', path.read_text())  # 3.3 inches


def test_limits_are_chosen(run, study, tmp_path):
    path = tmp_path / "tau.svg"
    assert run("figure", "tau", study, "--out", path, "--limit", "0.6MB@int8")[0] == 0
    assert "0.6 MB at int8" in path.read_text()


@pytest.mark.parametrize(
    ("name", "sources", "options"),
    [
        ("graph", ["nasbench201:6111"], []),
        ("graph", ["nasbench201:6111"], ["--part", "network", "--nodes", "12"]),
        ("difference", ["nasbench201:3", "nasbench201:6111"], []),
        ("memory", ["nasbench201:6111"], ["--device", "stm32f746"]),
    ],
    ids=["operations", "network", "difference", "memory"],
)
def test_a_figure_of_a_program(name, sources, options, run, tmp_path):
    path = tmp_path / f"{name}.pdf"
    status, out, _ = run("figure", name, *sources, *options, "--out", path)
    assert status == 0
    assert out.strip() == str(path)
    assert path.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["map", "a", "--out", "map.gif"], "end with one of .pdf, .svg, .png, got 'map.gif'"),
        (["mpa", "a"], "did you mean 'map'"),
        (["difference", "nasbench201:3"], "be two programs for the figure 'difference'"),
        (["map", "a", "b"], "be the directory of a study for the figure 'map', got a b"),
        (["map", "a", "--limit", "1MB"], "--limit must be left out for the figure 'map'"),
        (["map", "a", "--width", "wide"], "be page, column, or from 2 to 30 inches, got 'wide'"),
        (["map", "a", "--width", "90"], "from 2 to 30 inches, got '90'"),
        (["memory", "nasbench201:3", "--device", "stm32f74"], "did you mean 'stm32f746'"),
        (["tau", "without"], "be a study with accuracy for the figure 'tau'"),
    ],
)
def test_errors_say_what_to_do(arguments, fact, run, study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("figure", *arguments)
    assert status == 2
    assert fact in err
    assert not list(tmp_path.iterdir())
