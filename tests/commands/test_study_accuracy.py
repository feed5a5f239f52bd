import pandas as pd
import pytest

from cgraph.spaces.nasbench201 import notation
from tests.test_cli import run


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "part.csv"
    frame = pd.DataFrame({"arch": notation.architectures()[5:], "top1": 0.9, "id": 1.5})
    frame.to_csv(path, index=False)
    return path


def study(monkeypatch, capsys, table, tmp_path, *options):
    """What a study says that cannot be run: it has more clusters than programs."""
    return run(
        monkeypatch, capsys, "study", "nasbench201", "--out", tmp_path / "new",
        "--accuracy", f"{table}:top1", "--clusters", "5000", *options,
    )  # fmt: skip


def test_a_table_of_fractions_with_gaps_says_what_matched(table, tmp_path, monkeypatch, capsys):
    options = ["--accuracy-unit", "fraction", "--accuracy-gaps"]
    status, _, err = study(monkeypatch, capsys, table, tmp_path, *options)
    assert status == 2
    assert f"15,620 of 15,625 accuracies from {table}:top1" in err
    assert "at most 134" in err  # the study came next


@pytest.mark.parametrize(
    ("options", "quoted"),
    [
        (["--accuracy-gaps"], "--accuracy-unit fraction"),
        (["--accuracy-unit", "fraction"], "--accuracy-gaps"),
        (["--accuracy-unit", "share"], "got 'share'"),
    ],
)
def test_what_is_wrong_with_a_table_says_the_option(
    options, quoted, table, tmp_path, monkeypatch, capsys
):
    status, _, err = study(monkeypatch, capsys, table, tmp_path, *options)
    assert status == 2
    assert quoted in err
    assert not (tmp_path / "new").exists()


def test_a_data_set_is_passed_on_to_the_space(monkeypatch, capsys, tmp_path):
    options = ["--dataset", "cora", "--out", tmp_path / "new"]
    status, _, err = run(monkeypatch, capsys, "study", "nasbench201", *options)
    assert status == 2
    assert "options must be those of 'nasbench201' (none), got dataset" in err
