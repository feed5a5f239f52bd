"""Everything that a study is exported as reads back equal."""

import csv
import json
import subprocess
import sys

import jsonschema
import networkx as nx
import numpy as np
import optuna
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings

import cgraph
from cgraph import spaces
from cgraph.errors import ArchitectureError, ArgumentError, GraphError, UnknownNameError
from cgraph.export import STUDY_FORMATS, export_study, read_export, study_schema
from cgraph.export.studied import choose
from cgraph.export.tables import architecture_table
from cgraph.graphs.tensor import adjacency_tensor
from cgraph.spaces.choices import ChoiceSpace
from cgraph.spaces.encodings import encoding_of
from cgraph.spaces.nasbench101.notation import format_cell
from tests.export.studies import Copies, copies_study, made_study, nasbench201_study
from tests.strategies import nasbench101_cells

GRAPHS = [name for name, kind in STUDY_FORMATS.items() if kind.takes_graphs]
TABLES = ["parquet", "csv", "json"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return nasbench201_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def space():
    return spaces.get("nasbench201")


class Towers(ChoiceSpace):
    name, summary, source = "towers", "layers in a row", "a test"
    input_shapes = {"full": (4,)}  # noqa: RUF012
    choices = (("linear", "relu"),) * 3

    def build(self, arch, skeleton):  # noqa: ARG002
        layers = {"linear": torch.nn.Linear(4, 4), "relu": torch.nn.ReLU()}
        return torch.nn.Sequential(*[layers[word] for word in arch.split("|")])


def representatives(study):
    return choose(study, "representatives").names


# Tables


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("only", ["all", "evaluated", "cluster 2"])
def test_a_table_reads_back_equal(name, only, study, tmp_path):
    path = export_study(study, tmp_path / STUDY_FORMATS[name].file_name, to=name, only=only)
    expected = architecture_table(study, choose(study, only).positions)
    pd.testing.assert_frame_equal(read_export(path), expected)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_written_in_pieces_is_the_same_bytes(name, study, tmp_path, monkeypatch):
    # Parquet keeps the pieces as groups of rows.
    whole = export_study(study, tmp_path / f"whole.{name}", to=name, only="evaluated")
    monkeypatch.setattr("cgraph.export.tables.BATCH", 5)
    steps = []
    pieces = export_study(
        study,
        tmp_path / f"pieces.{name}",
        to=name,
        only="evaluated",
        progress=lambda *step: steps.append(step),
    )
    assert steps == [(5, 12), (10, 12), (12, 12)]
    if name == "parquet":
        assert pq.ParquetFile(pieces).num_row_groups == 3
        pd.testing.assert_frame_equal(read_export(pieces), read_export(whole))
    else:
        text = whole.read_text().replace("./whole.schema.json", "./pieces.schema.json")
        assert pieces.read_text() == text


def test_the_table_holds_what_the_study_knows(study):
    table = architecture_table(study)
    assert len(table) == 15_625
    assert table["name"].tolist() == list(study.architectures["name"])
    best = table[table["cluster"] == study.ranking.best]
    assert (best["cluster_rank"] == 1).all()
    wide = table.set_index("name")
    for row in study.statistics.itertuples():
        value = wide.loc[row.name, row.protocol]
        assert value == row.value or (np.isnan(value) and np.isnan(row.value))
        assert wide.loc[row.name, f"{row.protocol}:n_failures"] == row.n_failures
    assert table["ntk@full"].notna().sum() == 11
    assert table["ntk@full:reason"].dropna().tolist() == ['no "gradient", it says\nat all']
    assert table["accuracy"].tolist() == study.accuracies["accuracy"].tolist()
    assert table["fits"].tolist() == study.architectures["fits"].tolist()


def test_the_csv_is_one_that_others_read(study, tmp_path):
    path = export_study(study, tmp_path / "table.csv", to="csv", only="evaluated")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == choose(study, "evaluated").names
    assert {row["is_medoid"] for row in rows} <= {"True", "False"}


def test_the_parquet_says_what_was_studied(study, tmp_path):
    path = export_study(study, tmp_path / "table.parquet", to="parquet", only="medoids")
    metadata = pq.ParquetFile(path).schema_arrow.metadata
    assert json.loads(metadata[b"cgraph"])["configuration"] == study.configuration


def test_the_json_keeps_its_schema(study, tmp_path):
    path = export_study(study, tmp_path / "mine.json", to="json", only="representatives")
    value = json.loads(path.read_text(), parse_constant=pytest.fail)
    schema = json.loads((tmp_path / "mine.schema.json").read_text())
    assert schema == study_schema()
    assert value["$schema"] == "./mine.schema.json"
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    validator(schema).validate(value)
    ranks = [row["rank"] for row in value["clusters"]]
    assert ranks == [1, 2, 3, None]  # of one cluster, no network was evaluated
    first = value["architectures"][0]
    assert set(first["statistics"]) == {"ntk@full", "naswot-v2@full"}
    for wrong in ({**value, "version": 2}, {**value, "architectures": [{**first, "cluster": "a"}]}):
        assert not validator(schema).is_valid(wrong)


def test_a_study_without_accuracy_has_no_such_column(tmp_path):
    study = made_study(tmp_path, Towers(), n_clusters=2, n_evaluated=3, accuracy=False)
    for name in TABLES:
        path = export_study(study, tmp_path / f"table.{name}", to=name)
        pd.testing.assert_frame_equal(read_export(path), architecture_table(study))
        assert "accuracy" not in read_export(path)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ('{"format": "cgraph.study", "version": 1, "archit', "its end at line 1"),
        ('{"format": "cgraph.study", "version": 9}', "at most 1"),
    ],
    ids=["cut off", "newer"],
)
def test_a_json_that_is_wrong_names_the_place(content, fact, tmp_path):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(GraphError, match=fact):
        read_export(tmp_path / "study.json")


# Graphs


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "dot"])
def test_graphs_of_a_directory_read_back_equal(name, study, space, tmp_path):
    path = export_study(study, tmp_path / "graphs", to=name)
    population = space.population(part="cell")
    expected = {name: population[space.index(name)] for name in representatives(study)}
    assert read_export(path) == expected


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "dot"])
def test_whole_programs_read_back_equal(name, study, space, tmp_path):
    path = export_study(study, tmp_path / "graphs", to=name, graphs="computational", only="medoids")
    names = choose(study, "medoids").names
    assert read_export(path) == {name: space.graph(name, "cell", "live") for name in names}


@pytest.mark.parametrize("ending", [".graphml", ".gexf", ".node-link.json"])
def test_graphs_side_by_side_read_back_equal(ending, study, space, tmp_path):
    path = tmp_path / f"graphs{ending}"
    to = next(name for name in GRAPHS if ending.startswith(f".{name}"))
    export_study(study, path, to=to)
    population = space.population(part="cell")
    expected = {name: population[space.index(name)] for name in representatives(study)}
    assert read_export(path) == expected


def test_every_node_of_a_joint_gexf_knows_cluster_and_statistics(study, tmp_path):
    path = export_study(study, tmp_path / "graphs.gexf", to="gexf", only="evaluated")
    known = architecture_table(study).set_index("name")
    network = nx.read_gexf(path)
    assert len(network) > 12
    for _, data in network.nodes(data=True):
        row = known.loc[data["architecture"]]
        assert data["cluster"] == row["cluster"]
        assert data["cluster_rank"] == row["cluster_rank"]
        assert data["naswot-v2@full"] == row["naswot-v2@full"]
        assert data["accuracy"] == row["accuracy"]
        assert ("ntk@full" in data) == (not pd.isna(row["ntk@full"]))
        assert data["label"]


def test_the_index_and_the_graph_know_cluster_and_statistics(study, tmp_path):
    path = export_study(study, tmp_path / "graphs", to="graphml", only="evaluated")
    index = pd.read_csv(path / "index.csv")
    known = architecture_table(study).set_index("name")
    for row in index.itertuples():
        network = nx.read_graphml(path / row.file)
        assert network.graph["architecture"] == row.architecture
        assert network.graph["cluster"] == row.cluster == known.loc[row.architecture, "cluster"]
        assert network.graph["fits"] is bool(known.loc[row.architecture, "fits"])


def test_drawings_have_no_way_back(study, tmp_path):
    path = export_study(study, tmp_path / "graphs", to="dot", only="medoids")
    assert len(list(path.glob("*.dot"))) == 4
    with pytest.raises(ArgumentError, match="'dot'"):
        read_export(path)


# Arrays


def test_a_data_set_has_cluster_and_statistics_as_targets(study, space, tmp_path):
    path = export_study(study, tmp_path / "set.pt", to="pyg")
    found = read_export(path)
    known = architecture_table(study).set_index("name")
    population = space.population(part="cell")
    assert [data.architecture for data in found] == representatives(study)
    for data in found:
        row = known.loc[data.architecture]
        assert data.targets == ["ntk@full", "naswot-v2@full", "accuracy"]
        assert int(data.cluster) == row["cluster"]
        assert int(data.n_macs) == row["macs"]
        graph = population[space.index(data.architecture)]
        assert data.edge_index.T.tolist() == graph.edges.tolist()
        assert [data.vocabulary[k] for k in data.operation] == list(graph.labels)
        for value, is_known, target in zip(data.y[0], data.is_known[0], data.targets, strict=True):
            assert bool(is_known) == (not pd.isna(row[target]))
            assert float(value) == pytest.approx(row[target] if is_known else 0)
    assert found.y.shape == (len(found), 3)


def test_tensors_are_those_of_the_library(study, space, tmp_path):
    path = export_study(study, tmp_path / "tensors.npz", to="npz")
    archive = read_export(path)
    positions = choose(study, "representatives").positions
    population = space.population(part="cell")[positions]
    expected = adjacency_tensor(population)
    found = archive.tensor()
    assert torch.equal(found.to_dense(), expected.to_dense())
    assert found.dtype == expected.dtype
    assert np.array_equal(archive.dense(), expected.to_dense().numpy())
    assert archive.names == population.names
    assert archive.vocabulary == population.vocabulary
    assert archive.clusters.tolist() == study.architectures["cluster"].iloc[positions].tolist()
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(ArgumentError, match="without 'version'"):
        read_export(tmp_path / "other.npz")


# Lists and start points


def test_a_list_is_in_the_notation_of_the_space(study, space, tmp_path):
    names = read_export(export_study(study, tmp_path / "list.txt", to="list"))
    assert set(names) == set(study.ranking.members[study.ranking.best])
    assert all(space.architectures()[space.index(name)] == name for name in names)


@pytest.mark.parametrize("searcher", ["optuna", "ray"])
def test_start_points_read_back_equal(searcher, study, tmp_path):
    path = export_study(study, tmp_path / f"{searcher}.json", to=searcher, only="medoids")
    start = read_export(path)
    clusters = study.architectures.set_index("name").loc[list(start.architectures), "cluster"]
    assert clusters.tolist() == study.ranking.table["cluster"].tolist()
    assert [start.architecture(point) for point in start.points] == list(start.architectures)
    field = {"optuna": "enqueue_trial", "ray": "points_to_evaluate"}[searcher]
    value = json.loads(path.read_text())
    assert value[field] == list(start.points)
    for point in value[field]:
        assert list(point) == list(value["choices"])
        assert all(point[name] in options for name, options in value["choices"].items())


def test_optuna_begins_with_the_start_points(study, space, tmp_path):
    start = read_export(export_study(study, tmp_path / "optuna.json", to="optuna"))
    assert len(start.points) == 16
    best = set(study.ranking.members[study.ranking.best])
    assert set(start.architectures) <= best
    tried = []

    def objective(trial):
        for name, options in start.choices.items():
            trial.suggest_categorical(name, options)
        tried.append(space.from_parameters(trial.params))
        return float(study.accuracies.set_index("name").loc[tried[-1], "accuracy"])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0)
    )
    for point in start.points:
        search.enqueue_trial(point)
    search.optimize(objective, n_trials=20)
    assert tried[:16] == list(start.architectures)
    assert len(set(tried[16:]) - set(tried[:16])) > 0
    assert search.best_value >= max(trial.value for trial in search.trials[:16])


@pytest.mark.parametrize("only", ["best", "all", "cluster 1"])
def test_start_points_are_different_programs_with_copies_and_live_sizes(only, tmp_path):
    study, space = copies_study(tmp_path), Copies()
    start = read_export(export_study(study, to="optuna", only=only, limit=99, space=space))
    own = study.architectures
    if only != "all":
        number = study.ranking.best if only == "best" else 1
        own = own[own["cluster"] == number]
        assert own.loc[own["name"] == start.architectures[0], "is_medoid"].item()
    programs = [space.canonical(name) for name in start.architectures]
    assert len(set(programs)) == len(programs) == own["class"].nunique()
    assert sum(start.n_copies) == len(own)
    for name, sizes in zip(start.architectures, start.sizes, strict=True):
        declared = own.set_index("name").loc[name]
        assert sizes["n_parameters"] == declared["n_parameters"]
        graph = space.graph(name, "network", "live")
        assert (sizes["live_parameters"], sizes["live_macs"]) == (graph.n_parameters, graph.macs)
    every = read_export(
        export_study(study, to="optuna", only=only, limit=99, distinct=False, space=space)
    )
    assert sorted(every.architectures) == sorted(own["name"])
    few = read_export(export_study(study, to="list", only=only, limit=3, space=space))
    assert len({space.canonical(name) for name in few}) == 3


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "nasbenchgraph"])
def test_exported_parameters_are_turned_back(name, tmp_path):
    space = spaces.get(name)
    rng = np.random.default_rng(0)
    for i in rng.choice(len(space), 200, replace=False).tolist():
        values = space.to_parameters(i)
        assert space.from_parameters({**values, "another": 1}) == space.architectures()[i]
    if name == "nasbench201":
        start = read_export(export_study(nasbench201_study(tmp_path), to="optuna"))
        assert [space.from_parameters(p) for p in start.points] == list(start.architectures)


def test_parameters_of_a_space_with_nested_choices_are_turned_back():
    class Deep(cgraph.spaces.SampledChoiceSpace):
        name, summary, source = "deep", "", ""
        input_shapes = {"full": (8,)}  # noqa: RUF012
        choices = (
            {str(n): [("linear", "relu")] * n for n in range(1, 4)},
            ("wide", "narrow"),
            {"plain": [], "gate": [("a", "b")], "norm": [("c", "d")]},
        )

        def build(self, arch, skeleton):  # noqa: ARG002
            return torch.nn.Identity()

    space = Deep()
    options = encoding_of(space).choices
    # A layer has one name at every depth; what only one option opens has its own.
    assert list(options) == [
        *("choice_0", "choice_0.0", "choice_0.1", "choice_0.2", "choice_1", "choice_2"),
        *("choice_2=gate.0", "choice_2=norm.0"),
    ]
    for arch in space.sample(60):
        values = space.to_parameters(arch)
        assert list(values) == list(options)
        assert space.from_parameters(values) == arch
        assert space.draw(1).from_parameters(values) == arch


def test_wrong_parameters_are_named():
    space = spaces.get("nasbench201")
    values = space.to_parameters(3)
    with pytest.raises(ArgumentError, match="values must map parameters to values, got str"):
        space.from_parameters("x")
    with pytest.raises(ArgumentError, match=r"edge_0_1 must be one of .*, got 'conv'"):
        space.from_parameters({**values, "edge_0_1": "conv"})
    with pytest.raises(ArgumentError, match="values must have one for 'edge_0_1'"):
        space.from_parameters({})


@settings(deadline=None, max_examples=20)
@given(nasbench101_cells())
def test_cells_of_nasbench101_as_parameters_and_back(cell):
    space = spaces.get("nasbench101")
    encoding = encoding_of(space)
    text = space.architectures()[space.index(format_cell(cell))]
    values = encoding.encode(text)
    assert len(values) == 5 + 21
    assert encoding.decode(values) == text


def test_parameters_of_no_cell_are_refused():
    encoding = encoding_of(spaces.get("nasbench101"))
    values = {name: options[0] for name, options in encoding.choices.items()}
    with pytest.raises(ArchitectureError, match="path from the input to the output"):
        encoding.decode(values)


def test_start_points_of_nasbenchgraph_and_back(tmp_path):
    space = spaces.get("nasbenchgraph", dataset="proteins")
    study = made_study(tmp_path, space, n_clusters=2, n_evaluated=3)
    start = read_export(export_study(study, to="ray"))
    assert start.options == {"dataset": "proteins"}
    assert [start.architecture(point) for point in start.points] == list(start.architectures)
    assert start.choices["source_4"] == (0, 1, 2, 3)


def test_a_space_of_ones_own_is_encoded_by_its_choices(tmp_path):
    study = made_study(tmp_path, Towers(), n_clusters=2, n_evaluated=3)
    start = read_export(
        export_study(study, tmp_path / "ray.json", to="ray", only="all", space=Towers())
    )
    assert start.choices["choice_0"] == ("linear", "relu")
    names = [start.architecture(point, Towers()) for point in start.points]
    assert sorted(names) == sorted(Towers().architectures())
    with pytest.raises(ArgumentError, match=r"choice_0 must be one of .* got 'tanh'"):
        start.architecture({**start.points[0], "choice_0": "tanh"}, Towers())
    with pytest.raises(ArgumentError, match="have one for 'choice_2'"):
        start.architecture({"choice_0": "relu", "choice_1": "relu"}, Towers())


def test_a_space_without_choices_has_one_parameter():
    class Words(cgraph.spaces.TracedSpace):
        name, summary, source = "words", "", ""
        input_shapes = {"full": (4,)}  # noqa: RUF012

        def architectures(self):
            return ("a", "b")

        def build(self, arch, skeleton):  # noqa: ARG002
            return torch.nn.Identity()

    encoding = encoding_of(Words())
    assert encoding.choices == {"architecture": ("a", "b")}
    assert encoding.decode(encoding.encode("b")) == "b"


# Choices and errors


@pytest.mark.parametrize("name", STUDY_FORMATS)
def test_the_same_study_is_the_same_bytes(name, study, tmp_path):
    def contents(directory):
        path = export_study(
            study, directory / STUDY_FORMATS[name].file_name, to=name, only="medoids"
        )
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [file.read_bytes() for file in files]

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@pytest.mark.parametrize("name", STUDY_FORMATS)
def test_progress_ends_at_the_end(name, study, tmp_path):
    steps = []
    path = tmp_path / STUDY_FORMATS[name].file_name
    export_study(study, path, to=name, only="medoids", progress=lambda *step: steps.append(step))
    assert steps[-1] == (4, 4)


def test_by_default_an_export_lies_in_the_directory_of_the_study(study):
    path = export_study(study, to="list", limit=3)
    assert path == study.directory / "exports" / "architectures.txt"
    assert len(read_export(path)) == 3
    assert read_export(export_study(study, to="list", limit=3)) == read_export(path)


def test_selections(study):
    sizes = {only: len(choose(study, only)) for only in ("all", "evaluated", "medoids")}
    assert sizes == {"all": 15_625, "evaluated": 12, "medoids": 4}
    assert len(choose(study, "representatives")) in range(13, 17)
    labels = study.architectures["cluster"]
    for only in ("cluster 1", "cluster:1", "cluster1"):
        chosen = choose(study, only)
        assert chosen.positions.tolist() == np.flatnonzero(labels == 1).tolist()
    assert choose(study, "best").names == list(study.ranking.members[study.ranking.best])


@pytest.mark.parametrize(
    ("options", "error", "fact"),
    [
        ({"to": "xlsx"}, UnknownNameError, "'xlsx'"),
        ({"to": "csv", "only": "bestt"}, ArgumentError, r"one of all, .* got 'bestt'"),
        ({"to": "csv", "only": "cluster 9"}, ArgumentError, r"a cluster, 0 to 3, got 'cluster 9'"),
        ({"to": "csv", "limit": 0}, ArgumentError, "limit must be a whole number, 1 or more"),
        ({"to": "csv", "graphs": "computational"}, ArgumentError, "graphs must be 'kernel' for"),
        ({"to": "gexf", "graphs": "bipartite"}, ArgumentError, "kernel or computational"),
        (
            {"to": "gexf", "space": Towers()},
            ArgumentError,
            "be that of the study, whose name is 'nasbench201'",
        ),
    ],
    ids=["format", "selection", "cluster", "limit", "graphs", "kind", "space"],
)
def test_options_that_do_not_fit(options, error, fact, study, tmp_path):
    with pytest.raises(error, match=fact):
        export_study(study, tmp_path / "out", **options)


def test_what_cannot_stand_in_one_file_is_refused(study, tmp_path):
    with pytest.raises(ArgumentError, match="be a directory for computational graphs"):
        export_study(study, tmp_path / "a.gexf", to="gexf", graphs="computational")
    with pytest.raises(ArgumentError, match="a file of graphml, gexf, node-link"):
        export_study(study, tmp_path / "a.dot", to="dot")


def test_a_space_that_nobody_knows_has_to_be_given(tmp_path):
    study = made_study(tmp_path, Towers(), n_clusters=2, n_evaluated=3)
    with pytest.raises(ArgumentError, match="space must be given for a study of 'towers'"):
        export_study(study, to="graphml")
    assert len(read_export(export_study(study, to="graphml", space=Towers()))) >= 2


def test_what_is_no_export_is_refused(tmp_path):
    (tmp_path / "a.xyz").write_text("")
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(ArgumentError, match=r"end in one of .parquet, .* got 'a.xyz'"):
        read_export(tmp_path / "a.xyz")
    with pytest.raises(ArgumentError, match="file or directory that is there"):
        read_export(tmp_path / "absent")
    with pytest.raises(ArgumentError, match="be a directory with index"):
        read_export(tmp_path)
    with pytest.raises(GraphError, match="have nodes, and edges or links"):
        read_export(tmp_path / "a.json")


def test_the_package_opens_without_anything_heavy():
    code = "import cgraph.export, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "networkx"} & set(done.stdout.split())
