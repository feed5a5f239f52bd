import pickle

import numpy as np
import pandas as pd
import pytest

from cgraph.errors import ArgumentError, MissingPackageError, UnknownNameError
from cgraph.spaces.nasbenchgraph import published
from cgraph.spaces.nasbenchgraph.datasets import DATA_SETS
from cgraph.spaces.nasbenchgraph.space import NASBenchGraph
from cgraph.spaces.nasbenchgraph.table import places

N_PROTEINS = 2_021


@pytest.fixture
def content():
    """What a file on proteins could hold: every number tells the place."""
    return {
        key: {
            "valid_perf": 0.5 + i / 10_000,
            "perf": 0.4 + i / 10_000,
            "latency": float(i),
            "para": np.float64(i / 1e6),
        }
        for key, i in places("proteins").items()
    }


def written(tmp_path, content, name="proteins.bench"):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(content, protocol=3))
    return path


def test_a_file_is_joined_by_keys(tmp_path, content):
    path = written(tmp_path, dict(reversed(content.items())))
    table = published.read_file(path, "proteins")
    assert table["latency_seconds"].tolist() == list(range(N_PROTEINS))
    assert table["n_parameters"].iloc[7] == pytest.approx(7)
    space = NASBenchGraph("proteins")
    found = space.accuracies(path)
    assert found.index.tolist() == list(space.architectures())
    assert found.iloc[1000] == pytest.approx(50.0)
    assert found.name == "test_accuracy"
    assert space.accuracies(path, "validation_accuracy").iloc[0] == pytest.approx(50.0)
    assert "ROC AUC, proteins" in str(found.attrs["join"])


class Foreign:
    def __reduce__(self):
        return (pytest.fail, ("foreign code was run",))


def test_what_is_wrong_in_a_file_is_named(tmp_path, content):
    space = NASBenchGraph("proteins")
    first = next(iter(content))
    for change, quoted in [
        ({**content, 7: content[first]}, "2,021 of them and 2,022 keys"),
        ({key: content[key] for key in list(content)[1:]}, "2,020 of them and 2,020 keys"),
        ({**content, first: {"perf": 0.5}}, "the number 'valid_perf' for each key"),
        ({**content, first: {**content[first], "para": True}}, "number 'para' for each key"),
        ([1, 2], "with a list"),
        ({**content, first: Foreign()}, "ForeignClassError: _pytest.outcomes"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            space.accuracies(written(tmp_path, change))
        assert quoted in str(caught.value)
    path = written(tmp_path, content)
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(ArgumentError, match="cannot be read"):
        space.accuracies(path)
    with pytest.raises(ArgumentError, match=r"existing file, got '.*gone\.bench'"):
        space.accuracies(tmp_path / "gone.bench")
    with pytest.raises(ArgumentError, match="the 26,206 architectures of cora"):
        NASBenchGraph().accuracies(written(tmp_path, content))


def test_a_table_may_name_architectures_by_the_key(tmp_path):
    space = NASBenchGraph("proteins")
    keys = list(places("proteins"))
    path = tmp_path / "mine.csv"
    pd.DataFrame({"key": keys[::-1], "top1": np.linspace(10, 90, len(keys))}).to_csv(path)
    assert space.accuracies(path, "top1").iloc[0] == 90
    pd.DataFrame({"key": [12], "top1": [3.0]}).to_csv(path)
    with pytest.raises(ArgumentError, match="key must be one of the benchmark in row 0"):
        space.accuracies(path, "top1", missing="allow")


@pytest.mark.parametrize("dataset", DATA_SETS)
def test_the_package_has_every_architecture_of_every_data_set(dataset):
    pytest.importorskip("nas_bench_graph")
    space = NASBenchGraph(dataset)
    found = space.accuracies()
    assert len(found) == len(space)
    assert 0 < found.min() < found.max() < 100
    assert space.accuracies("published").equals(found)
    table = space.published()
    table.iloc[0] = 0.0
    assert space.published().iloc[0].min() > 0


def test_a_value_is_that_of_the_package():
    architecture = pytest.importorskip("nas_bench_graph.architecture")
    # Read from the file of version 1.4.0, on Cora: gcn, gin, fc and cheb as in its description.
    key = architecture.Arch([0, 1, 2, 1], ["gcn", "gin", "fc", "cheb"]).valid_hash()
    space = NASBenchGraph()
    text = "gcn~0|gin~1|fc~2|cheb~1"
    assert space.key(text) == key
    assert space.accuracies()[space.canonical(text)] == pytest.approx(80.46666666666667)


def test_a_missing_package_and_a_wrong_column_are_named(monkeypatch):
    space = NASBenchGraph()
    with pytest.raises(UnknownNameError, match="one of test_accuracy, validation_accuracy, got"):
        space.accuracies(column="accuracy")
    published.published.cache_clear()
    monkeypatch.setattr(published.util, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'cgraph\[nasbenchgraph\]'"):
        space.accuracies()
    # The networks need nothing of it.
    assert len(space.architectures()) == 26_206
    assert sum(p.numel() for p in space.model(0).parameters()) == 1_736_711


def test_an_unknown_data_set_gets_near_names():
    with pytest.raises(UnknownNameError, match="got 'pubmet'; did you mean 'pubmed'"):
        NASBenchGraph("pubmet")
