import json

import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.spaces.nasbench201.space import NASBench201

SPACE = NASBench201()
NAMES = SPACE.architectures()


@pytest.fixture
def table():
    """Every architecture with a made-up accuracy, shuffled."""
    frame = pd.DataFrame({"arch": NAMES, "index": range(len(NAMES))})
    frame["test"] = 10 + 80 * np.random.default_rng(0).random(len(frame))
    frame["valid"] = frame["test"] - 1
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


def write(frame, path):
    match path.suffix:
        case ".parquet":
            frame.to_parquet(path)
        case ".csv":
            frame.to_csv(path, index=False)
        case ".json":
            frame.to_json(path, orient="records")
    return path


def expected(frame, column="test"):
    return frame.sort_values("index")[column].to_numpy()


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".json"])
@pytest.mark.parametrize("dropped", ["index", "arch", None])
def test_a_table_joins_by_string_or_index(table, tmp_path, ending, dropped):
    frame = table if dropped is None else table.drop(columns=dropped)
    found = SPACE.accuracies(write(frame, tmp_path / f"table{ending}"), "test")
    assert found.name == "test"
    assert found.index.name == "architecture"
    assert tuple(found.index) == NAMES
    np.testing.assert_allclose(found.to_numpy(), expected(table), rtol=1e-9)


def test_the_index_of_a_frame_counts_as_a_column(table, tmp_path):
    path = tmp_path / "table.parquet"
    table.drop(columns="index").set_index("arch").to_parquet(path)
    np.testing.assert_array_equal(SPACE.accuracies(path, "valid"), expected(table, "valid"))


@pytest.mark.parametrize(
    "content",
    [
        {NAMES[3]: 12.5, NAMES[1]: 50},
        {NAMES[3]: {"top1": 12.5}, NAMES[1]: {"top1": 50}},
        {"architecture": [NAMES[3], NAMES[1]], "top1": [12.5, 50]},
        [{"name": NAMES[3], "top1": 12.5}, {"name": NAMES[1], "top1": 50}],
    ],
    ids=["numbers", "records by name", "columns", "records"],
)
def test_forms_of_json(content, tmp_path):
    path = tmp_path / "table.json"
    path.write_text(json.dumps(content))
    found = SPACE.accuracies(path, architectures=[1, NAMES[3]])
    assert found.to_dict() == {NAMES[1]: 50.0, NAMES[3]: 12.5}


def test_the_single_column_of_numbers_needs_no_name(table, tmp_path):
    path = write(table[["arch", "index", "test"]], tmp_path / "table.csv")
    assert SPACE.accuracies(path).name == "test"
    path = write(table, tmp_path / "two.csv")
    with pytest.raises(ArgumentError, match=r"2 columns of numbers.*choose from test, valid"):
        SPACE.accuracies(path)


def test_an_unknown_column_gets_near_names(table, tmp_path):
    path = write(table, tmp_path / "table.csv")
    with pytest.raises(UnknownNameError, match=r"'tset'; did you mean 'test'"):
        SPACE.accuracies(path, "tset")
    with pytest.raises(ArgumentError, match=r"column must hold numbers, got 'arch'"):
        SPACE.accuracies(path, "arch")


def test_fractions_are_not_taken_for_percent(table, tmp_path):
    table["test"] /= 100
    path = write(table, tmp_path / "table.parquet")
    with pytest.raises(ArgumentError, match=r"15,625 values .* at most 1; .*unit='fraction'"):
        SPACE.accuracies(path, "test")
    np.testing.assert_allclose(
        SPACE.accuracies(path, "test", unit="fraction"), 100 * expected(table)
    )
    with pytest.raises(ArgumentError, match=r"in fraction, 0 to 1, got .* \(15,625 such\)"):
        SPACE.accuracies(path, "valid", unit="fraction")
    with pytest.raises(UnknownNameError, match=r"unit must be one of percent, fraction"):
        SPACE.accuracies(path, "test", unit="ratio")


BAD = {
    "missing rows": (
        lambda t: t[t["index"] > 1],
        ["each of the 15,625", "without 2 of them", repr(NAMES[0]), "(index 0)"],
    ),
    "missing values": (
        lambda t: t.assign(test=t["test"].where(t["index"] != 7)),
        ["without 1 of them", "(index 7)"],
    ),
    "repetitions": (
        lambda t: pd.concat([t, t[t["index"].isin([4, 9])]]),
        ["each architecture once", "2 of them repeated", repr(NAMES[4]), "(rows "],
    ),
    "unknown architecture": (
        lambda t: t.assign(arch=t["arch"].where(t["index"] != 5, "|conv~0|")),
        ["architectures of the space", "'|conv~0|' in row", "at character 1"],
    ),
    "keys that disagree": (
        lambda t: t.assign(index=(t["index"] + 1) % 15625),
        ["index must agree with the column 'arch'", "drop the column"],
    ),
    "index out of range": (
        lambda t: t.drop(columns="arch").assign(index=t["index"] + 1),
        ["index must lie in 0 <= index < 15625", "got 15625 in row"],
    ),
    "index not whole": (
        lambda t: t.drop(columns="arch").assign(index=t["index"] + 0.5),
        ["index must hold whole numbers", "float64"],
    ),
    "above 100": (
        lambda t: t.assign(test=t["test"].where(t["index"] != 5, 100.5)),
        ["in percent, 0 to 100", "got 100.5 in row", "(1 such)"],
    ),
    "negative": (
        lambda t: t.assign(test=t["test"].where(t["index"] != 5, -1.0)),
        ["in percent, 0 to 100", "got -1 in row"],
    ),
    "no key": (
        lambda t: t.drop(columns=["arch", "index"]),
        ["hold a column of architectures (arch, architecture, arch_str, name)", "test, valid"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_join_is_refused(case, table, tmp_path):
    spoil, quoted = BAD[case]
    path = write(spoil(table), tmp_path / "table.parquet")
    with pytest.raises(ArgumentError) as error:
        SPACE.accuracies(path, "test")
    for words in quoted:
        assert words in str(error.value)


def test_rows_that_are_not_asked_for_may_be_missing(table, tmp_path):
    path = write(table[table["index"] > 1], tmp_path / "table.csv")
    assert len(SPACE.accuracies(path, "test", architectures=range(2, 100))) == 98


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ArgumentError, match=r"existing file .*, got '.*none.csv'"):
        SPACE.accuracies(tmp_path / "none.csv", "test")
    (tmp_path / "table.xlsx").write_text("")
    with pytest.raises(ArgumentError, match=r"end in one of .parquet, .csv, .json, got 'table"):
        SPACE.accuracies(tmp_path / "table.xlsx", "test")
    for ending, content in ((".parquet", "PAR"), (".json", "{"), (".json", "3"), (".csv", "")):
        path = tmp_path / f"bad{ending}"
        path.write_text(content)
        with pytest.raises(
            ArgumentError, match=rf"source must be a readable {ending} table"
        ) as error:
            SPACE.accuracies(path, "test")
        assert error.value.__cause__ is not None


def test_the_published_table_joins(accuracy_table, shared_data):
    path = shared_data / "nasbench201_accuracy.parquet"
    found = SPACE.accuracies(path, "cifar10_test")
    assert found.iloc[6111] == found.max()
    assert round(found.max(), 3) == 94.373
    assert round(found.mean(), 2) == 87.06
