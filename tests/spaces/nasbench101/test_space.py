import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from cgraph.errors import ArchitectureError, ArgumentError, UnknownNameError
from cgraph.graphs.kernel import project
from cgraph.spaces.nasbench101 import channels, hashing, kernels, network, table
from cgraph.spaces.nasbench101.space import NASBench101
from tests import naive
from tests.spaces.nasbench101.test_official import row_of, write

SPACE = NASBench101()
VARIANTS = [(form, boundary) for form in ("raw", "live") for boundary in (False, True)]
# The smallest cells, the last one, and a few of the others; every fifth large one is sliced.
CHOSEN = [0, 1, 4, 45, 423_623, *np.random.default_rng(5).integers(423_624, size=12).tolist()]


@pytest.fixture(scope="module")
def traced():
    return {index: {form: SPACE.graph(index, "cell", form) for form in ("raw", "live")}
            for index in CHOSEN}  # fmt: skip


@pytest.mark.parametrize(("form", "boundary"), VARIANTS)
def test_kernel_graphs_are_those_of_traced_cells(traced, form, boundary):
    found = kernels.cell_population(
        table.codes()[CHOSEN], list(map(str, CHOSEN)), is_flat=form == "live", boundary=boundary
    )
    for graph, index in zip(found, CHOSEN, strict=True):
        expected = project(traced[index][form], boundary=boundary)
        assert graph.labels == expected.labels
        assert graph.edges.tolist() == expected.edges.tolist()
    assert "slice" in found.vocabulary


def test_the_population_is_all_cells():
    population = SPACE.population()
    assert len(population) == 423_624
    assert population.names == SPACE.architectures()
    part = kernels.cell_population(table.codes()[CHOSEN], list(map(str, CHOSEN)))
    for graph, index in zip(part, CHOSEN, strict=True):
        assert population[index].labels == graph.labels
        assert population[index].edges.tolist() == graph.edges.tolist()
    # All 423,624: benchmarks/bench_nasbench101.py.
    some = np.random.default_rng(0).choice(423_624, 1500, replace=False)
    assert population[some].classes().max() + 1 == 1500
    assert (SPACE.programs() == np.arange(423_624)).all()


def test_all_networks_at_once_are_refused():
    with pytest.raises(ArgumentError, match=r"part must be 'cell' for a population.*'network'"):
        SPACE.population("network")
    with pytest.raises(UnknownNameError, match="raw, live, got 'dead'"):
        SPACE.population("cell", "dead")


def test_graphs_of_networks_have_the_sizes_of_the_formula():
    sizes = SPACE.sizes()
    for index in (0, 45, 423_623):
        graph = SPACE.graph(index, "network")
        assert graph.n_parameters == sizes["n_parameters"][index]
        assert graph.macs == sizes["macs"][index]
    assert len(sizes["macs"]) == len(SPACE) == 423_624


def test_another_numbering_is_the_same_cell():
    index = 200_000
    for cell in naive.nasbench101_renumberings(table.cell(index)):
        from cgraph.spaces.nasbench101.notation import format_cell

        assert SPACE.index(format_cell(cell)) == index
    with pytest.raises(ArchitectureError, match="at character 0"):
        SPACE.index("conv5x5~0|output~1")
    with pytest.raises(ArchitectureError, match="0 <= arch < 423624, got 423624"):
        SPACE.model(423_624)


def test_candidates_are_scaled_down():
    candidate = pickle.loads(pickle.dumps(SPACE.candidate(45)))
    assert candidate.name == SPACE.architectures()[45]
    assert candidate.program == SPACE.module_hash(45) == hashing.module_hash(table.cell(45))
    assert sorted(candidate.input_shapes) == ["cell", "full", "thin"]
    with torch.device("meta"):
        widths = {name: next(candidate.build(name).parameters()) for name in ("full", "thin")}
        assert {name: len(weight) for name, weight in widths.items()} == {"full": 16, "thin": 8}
        for name, shape in candidate.input_shapes.items():
            candidate.build(name)(torch.empty(2, *shape))


def test_skeletons_are_those_of_the_networks():
    shapes = {skeleton.name: skeleton.input_shape for skeleton in network.SKELETONS.values()}
    assert dict(SPACE.input_shapes) == shapes


def test_the_sampled_accuracies_are_joined(sample, tmp_path):
    sample.to_parquet(tmp_path / "sample.parquet")
    path, column = tmp_path / "sample.parquet", "cifar10_valid_108ep"
    with pytest.raises(ArgumentError, match=r"423,624 architectures, .* without 413,624 of them"):
        SPACE.accuracies(path, column, unit="fraction")
    found = SPACE.accuracies(path, column, unit="fraction", missing="allow")
    assert len(found) == 10_000
    assert found.attrs["join"][:3] == (10_000, 413_624, 0)
    assert found.index.name == "architecture"
    for row in (0, 17, 9_999):
        index = SPACE.index(found.index[row])
        expected = sample.loc[sample["module_hash"] == SPACE.module_hash(index)].iloc[0]
        assert found.iloc[row] == pytest.approx(100 * expected["cifar10_valid_108ep"])
    positions = [SPACE.index(name) for name in found.index[::500]]
    assert positions == sorted(positions)


@pytest.fixture
def by_matrix():
    indices = [45, 3, 200_000]
    rows = []
    for index in indices:
        cell = table.cell(index)
        n = cell.n_vertices
        rows.append(
            {
                "module_hash": hashing.module_hash(cell),
                "adjacency": "".join(
                    str(cell.matrix[x, y]) for x in range(n) for y in range(x + 1, n)
                ),
                "ops": ",".join(["conv3x3", "conv1x1", "maxpool3x3"][k] for k in cell.operations),
                "accuracy": 0.9 + len(rows) / 100,
            }
        )
    return pd.DataFrame(rows)


def test_tables_by_matrix_or_hash_say_the_same(by_matrix, tmp_path, monkeypatch):
    codes = table.codes()[[3, 45, 200_000]]
    rows = np.full((423_624, 16), 255, dtype=np.uint8)
    rows[[3, 45, 200_000]] = hashing.module_hashes(codes)
    monkeypatch.setattr(table, "hashes", lambda *_: rows)
    expected = [SPACE.architectures()[i] for i in (3, 45, 200_000)]
    cells = [table.cell(i) for i in (45, 3, 200_000)]
    by_matrix["matrix"] = [cell.matrix.tolist() for cell in cells]
    by_matrix["operations"] = by_matrix["ops"].str.split(",")
    by_matrix["index"] = [45, 3, 200_000]
    for columns in (
        ["module_hash"],
        ["adjacency", "ops"],
        ["module_hash", "adjacency", "ops"],
        ["matrix", "operations", "index"],
    ):
        path = tmp_path / "table.json"
        by_matrix[[*columns, "accuracy"]].to_json(path, orient="records")
        found = SPACE.accuracies(path, "accuracy", unit="fraction", missing="allow")
        assert found.index.tolist() == expected
        assert found.tolist() == pytest.approx([91.0, 90.0, 92.0])


def change(frame, column, value):
    frame.loc[1, column] = value
    return frame


@pytest.mark.parametrize(
    ("spoil", "column", "unit", "problem"),
    [
        (lambda f: f.drop(columns=["module_hash", "ops"]), "accuracy", "fraction",
         "module_hash, adjacency with ops, matrix with operations"),
        (lambda f: f, "acuracy", "fraction", "did you mean 'accuracy'"),
        (lambda f: f, "accuracy", "part", "percent, fraction, got 'part'"),
        (lambda f: f, "accuracy", "percent", "unit='fraction'"),
        (lambda f: change(f, "accuracy", 90.0), "accuracy", "fraction", "0 to 1, got 90 in row 1"),
        (lambda f: change(f, "adjacency", "11x"), "accuracy", "fraction", "row 1.*'11x'"),
        (lambda f: change(f, "module_hash", "0" * 32), "accuracy", "fraction", "row 1, .*0000"),
        (lambda f: change(f, "module_hash", "zz"), "accuracy", "fraction", "number 1.*'zz'"),
        (lambda f: pd.concat([f, f[:1]]), "accuracy", "fraction", r"once.*\(rows 0, 3\)"),
    ],
)  # fmt: skip
def test_a_wrong_join_is_refused(by_matrix, tmp_path, spoil, column, unit, problem):
    path = tmp_path / "table.json"
    spoil(by_matrix).to_json(path, orient="records")
    with pytest.raises((ArgumentError, UnknownNameError), match=problem):
        SPACE.accuracies(path, column, unit=unit, missing="allow")


def test_accuracies_of_an_official_file_are_means_over_runs(tmp_path):
    path = write(tmp_path / "x.tfrecord", [row_of(i, run) for run in range(3) for i in (45, 3)])
    found = SPACE.accuracies(path, "validation_accuracy", missing="allow")
    assert found.index.tolist() == [SPACE.architectures()[i] for i in (3, 45)]
    assert found.tolist() == pytest.approx([100 * (3 / 1e6 + 0.01), 100 * (45 / 1e6 + 0.01)])
    assert found.attrs["join"].source == f"{path}:validation_accuracy after 108 epochs"
    with pytest.raises(UnknownNameError, match=r"test_accuracy, got 'accuracy'"):
        SPACE.accuracies(path, "accuracy")
    with pytest.raises(ArgumentError, match=r"hold runs of 4 epochs"):
        SPACE.accuracies(path, "test_accuracy", epochs=4)
    with pytest.raises(ArgumentError, match=r"unit must be left out, or 'fraction', got 'perce"):
        SPACE.accuracies(path, "test_accuracy", unit="percent", missing="allow")
    with pytest.raises(ArgumentError, match=r"seed must be left out for nasbench .tfrecord, got 7"):
        SPACE.accuracies(path, "test_accuracy", seed=777)


def test_sizes_differ_between_numberings_where_a_split_has_a_remainder():
    # Three vertices share 128 channels as 43, 43, 42: who comes last matters.
    from cgraph.spaces.nasbench101.cells import encode
    from cgraph.spaces.nasbench101.notation import parse

    pair = ["conv3x3~0|conv3x3~0|maxpool3x3~0|output~1,2,3",
            "conv3x3~0|maxpool3x3~0|conv3x3~0|output~1,2,3"]  # fmt: skip
    sizes = channels.network_sizes(np.array([encode(parse(text)) for text in pair]))
    assert SPACE.index(pair[0]) == SPACE.index(pair[1])
    assert sizes["n_parameters"][0] != sizes["n_parameters"][1]
