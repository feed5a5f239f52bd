import sys

import pandas as pd
import pytest

from cgraph import cli, spaces
from cgraph.commands import console


def run(monkeypatch, capsys, *arguments):
    """(exit status, standard output, standard error) of a command line."""
    monkeypatch.setattr(sys, "argv", ["cgraph", *map(str, arguments)])
    for wide in (console.out, console.err):  # whatever terminal, or none, the tests run in
        monkeypatch.setattr(wide, "_width", 200)
        monkeypatch.setattr(wide, "_height", 50)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    captured = capsys.readouterr()
    return stopped.value.code or 0, captured.out, captured.err


@pytest.mark.parametrize("command", [[], *([c.__name__] for c in cli.COMMANDS)], ids=" ".join)
def test_help_tells_what_a_command_does(command, monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, *command, "--help")
    assert status == 0
    assert "Usage" in out


def test_spaces_are_listed_with_their_sizes(monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, "spaces")
    assert status == 0
    for name in spaces.available():
        assert name in out
    assert "15,625" in out


def test_version_is_printed(monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, "--version")
    assert status == 0
    assert out.strip()[0].isdigit()


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["nasbench21"], "did you mean 'nasbench201'"),
        (["nasbench201", "--metric", "helinger", "--method", "spectral"], "'hellinger'"),
        (["nasbench201", "--clusters", "5000"], "at most 134"),
        (["nasbench201", "--clusters", "0"], "n_clusters must be a whole number"),
        (["nasbench201", "--statistics", "ntk,ntq"], "got 'ntq'"),
        (["nasbench201", "--accuracy", "table.parquet"], "must be FILE:COLUMN"),
    ],
    ids=["space", "metric", "clusters", "no clusters", "statistic", "accuracy"],
)
def test_an_error_is_one_message_and_leaves_nothing(options, fact, monkeypatch, capsys, tmp_path):
    status, _, err = run(monkeypatch, capsys, "study", *options, "--out", tmp_path / "new")
    assert status == 2
    assert fact in err
    assert "Traceback" not in err
    assert not (tmp_path / "new").exists()


def test_a_table_with_gaps_is_refused_before_any_work(monkeypatch, capsys, tmp_path):
    names = spaces.get("nasbench201").architectures()[:-5]
    pd.DataFrame({"arch": names, "accuracy": 90.0}).to_csv(tmp_path / "part.csv", index=False)
    spec = f"{tmp_path / 'part.csv'}:accuracy"
    status, _, err = run(
        monkeypatch, capsys, "study", "nasbench201", "--out", tmp_path / "new", "--accuracy", spec
    )
    assert status == 2
    assert "without 5 of them" in err
    assert not (tmp_path / "new").exists()


def test_a_directory_without_study_is_named(monkeypatch, capsys, tmp_path):
    status, _, err = run(monkeypatch, capsys, "report", tmp_path)
    assert status == 2
    assert "holds no study" in err


def test_an_interruption_says_how_to_go_on(monkeypatch, capsys, tmp_path):
    def stop(draw):
        raise KeyboardInterrupt

    monkeypatch.setattr("cgraph.statistics.evaluate.draw_statistics", stop)
    options = ["--out", tmp_path / "new", "--quick", "--workers", "1"]
    status, _, err = run(monkeypatch, capsys, "study", "nasbench201", *options)
    assert status == 130
    assert "The same command goes on" in err
    assert (tmp_path / "new" / "study.json").exists()
