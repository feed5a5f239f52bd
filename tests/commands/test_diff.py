import json
import math

import pandas as pd
import pytest

from cgraph.commands.kernels import kernel_names
from cgraph.distances.edit.script import EditOperation, apply_edits
from cgraph.export import write_graph
from cgraph.graphs.canonical import certificate
from cgraph.graphs.computational import Kernel
from cgraph.graphs.kernel import KernelGraph
from cgraph.spaces import get
from cgraph.spaces.nasbench201.naming import node_names

MODELS = """
from torch import nn

def small():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU())

def large():
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Sigmoid())

class Words(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.table, self.cells = nn.Embedding(9, width), nn.LSTM(width, width)
    def forward(self, ids):
        return self.cells(self.table((ids * 4).long().flatten()))[0][0]

def narrow_words():
    return Words(4)

def deep_words():
    return nn.Sequential(Words(4), nn.Linear(4, 4))
"""


@pytest.fixture
def models(tmp_path):
    (tmp_path / "nets.py").write_text(MODELS)
    return f"{tmp_path / 'nets.py'}"


def test_two_architectures(run):
    names = get("nasbench201").architectures()
    status, out, _ = run("diff", f"nasbench201:{names[3]}", "nasbench201:1462")
    assert status == 0
    assert "exact" in out
    assert "replace" in out
    assert "edge(0,3) -> output" in out
    status, again, _ = run("diff", "nasbench201:3", "nasbench201:1462")
    assert again.splitlines()[1:] == out.splitlines()[1:]


@pytest.mark.parametrize("costs", ["heuristic", "uniform", "hardware"])
def test_models_with_an_embedding(run, models, costs):
    sides = f"{models}:narrow_words", f"{models}:deep_words"
    status, out, _ = run("diff", *sides, "--input", "1,4", "--costs", costs)
    assert status == 0
    assert "linear" in out
    status, out, _ = run("diff", sides[0], sides[0], "--input", "1,4", "--costs", costs)
    assert out.splitlines()[2] == "edit distance 0, exact"


def test_a_string_that_one_space_reads(run):
    name = get("nasbench201").architectures()[3]
    status, out, _ = run("diff", name, name)
    assert status == 0
    assert out.splitlines()[0].startswith(name)


def test_no_name_at_all(run):
    status, _, said = run("diff", "", "nasbench201:1")
    assert status == 2
    assert "program must be named, got ''; like nasbench201:6111" in " ".join(said.split())


def test_names_that_look_like_pictures(run, tmp_path):
    (tmp_path / "nets.py").write_text("from torch.nn import ReLU as a, Tanh as b\n")
    status, out, _ = run(
        "diff", f"{tmp_path / 'nets.py'}:a", f"{tmp_path / 'nets.py'}:b", "--input", "1,4"
    )
    assert status == 0
    assert "nets.py:a:" in out


@pytest.mark.parametrize("ending", ["parquet", "csv", "json"])
def test_a_wider_layer_is_a_difference(run, tmp_path, ending):
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n"
        "def net(n): return nn.Sequential(nn.Linear(8, n), nn.Linear(n, 4))\n"
        "def thin(): return net(16)\n"
        "def wide(): return net(4096)\n"
    )
    sides, table = [f"{tmp_path / 'nets.py'}:{name}" for name in ("thin", "wide")], tmp_path / "t"
    table = table.with_suffix(f".{ending}")
    status, out, _ = run("diff", *sides, "--input", "1,8", "--out", str(table))
    assert status == 0
    lines = out.splitlines()
    assert lines[2:5] == [
        "edit distance 6.2, exact",
        "0 edits",
        "2 kernels on other sizes: +53,040 parameters, +48,960 MACs",
    ]
    assert lines[5] == (
        "  linear 8 -> 16 became 8 -> 4096 at 0: +36,720 parameters, +147 kB, +32,640 MACs (3.1)"
    )
    readers = {"parquet": pd.read_parquet, "csv": pd.read_csv, "json": pd.read_json}
    assert readers[ending](table)["n_parameters"].tolist() == [36_720, 16_320]
    _, out, _ = run("diff", *sides, "--input", "1,8", "--costs", "hardware")
    assert out.splitlines()[2] == "edit distance of the structure 0, exact"


def test_an_architecture_and_itself(run):
    _, out, _ = run("diff", "nasbench201:7", "nasbench201:7")
    assert "edit distance 0, exact" in out
    assert out.splitlines()[-1] == "0 edits"


@pytest.mark.parametrize("part", ["operations", "cell"])
def test_the_edits_as_json_turn_one_into_the_other(part, run):
    status, out, _ = run(
        "diff", "nasbench201:3", "nasbench201:6111", "--json", "--part", part, "--budget", "50"
    )
    assert status == 0
    found = json.loads(out)
    costs = [edit["cost"] for edit in (*found["operations"], *(found["changes"] or ()))]
    assert found["lower"] <= found["upper"] == pytest.approx(math.fsum(costs))
    assert found["exact"] == (found["lower"] == found["upper"])
    population = get("nasbench201").population(part, boundary=True)
    edits = [EditOperation(**edit) for edit in found["operations"]]
    assert certificate(apply_edits(population[3], edits)) == certificate(population[6111])


def test_names_of_operations_are_one_for_each():
    population = get("nasbench201").population("operations", boundary=True)
    for index in (3, 6111, 14000):
        assert len(node_names(index)) == len(population[index])


def test_two_models_by_every_cost(models, run):
    pair = [f"{models}:small", f"{models}:large", "--input", "2,4"]
    for costs in ("heuristic", "uniform", "hardware"):
        status, out, _ = run("diff", *pair, "--costs", costs)
        assert status == 0
        assert "2 kernels inserted" in out
    status, out, _ = run("diff", *pair, "--depth", "fused")
    assert "linear+sigmoid" in out


def test_saved_graphs(tmp_path, models, run):
    graph = KernelGraph(["input", "relu", "output"], [(0, 1), (1, 2)], ["x", "act", "y"])
    write_graph(graph, tmp_path / "a.json")
    status, _, _ = run("trace", f"{models}:small", "--input", "2,4", "--out", tmp_path / "b.json")
    assert status == 0
    status, out, _ = run("diff", tmp_path / "a.json", tmp_path / "b.json")
    assert status == 0
    assert "linear" in out
    status, out, _ = run("diff", tmp_path / "a.json", f"{models}:small", "--input", "2,4")
    assert "linear" in out


def test_a_long_script_is_cut(run):
    pair = ["nasbench201:3", "nasbench201:6111"]
    _, out, _ = run("diff", *pair, "--limit", "3")
    assert "... and 11 more; --limit 0 prints them all" in out
    _, out, _ = run("diff", *pair, "--limit", "0")
    assert len(out.splitlines()) == 4 + 14


@pytest.mark.parametrize(
    ("options", "quoted"),
    [
        (["--costs", "hardware"], "--costs must be heuristic or uniform for graphs without sizes"),
        (["--part", "operations", "--depth", "fused"], "left out for the part 'operations'"),
        (["--part", "cel"], "got 'cel'; did you mean 'cell'"),
        (["--input", "1,2"], "--input must be left out: both programs have their own"),
        (
            ["--budget", "0"],
            "budget must be a whole number, from 1 to 4,611,",
        ),
    ],
)
def test_errors(options, quoted, run):
    status, _, err = run("diff", "nasbench201:3", "nasbench201:4", *options)
    assert status == 2
    assert quoted in err
    assert "Traceback" not in err


def test_names_of_kernels_are_what_people_call_them():
    scopes = ["stem", "layer.0.relu", "layer.0", "layer.0.relu", "", "layer.0", "layer.1"]
    operations = ["conv2d", "relu", "add", "relu", "flatten", "add", "linear"]
    kernels = [
        Kernel(str(i), operation, scope=scope)
        for i, (operation, scope) in enumerate(zip(operations, scopes, strict=True))
    ]
    assert kernel_names(kernels, str) == [
        "stem",
        "layer.0.relu",
        "layer.0.add",
        "layer.0.relu_2",
        "flatten",
        "layer.0.add_2",
        "layer.1",
    ]


def test_a_new_kernel_is_told_from_an_old_one_of_its_name():
    from cgraph.distances.edit.exact import edit_distance

    a = KernelGraph(["relu"], [], ["x"])
    b = KernelGraph(["relu", "gelu"], [(0, 1)], ["z", "x"])
    assert [str(edit) for edit in edit_distance(a, b).operations] == [
        "insert gelu as new x",
        "connect x -> new x",
    ]
