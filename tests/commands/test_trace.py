"""`cgraph trace`: what it prints and writes, and what it says when it cannot."""

import json
import subprocess
import sys

import pytest
import torch

import cgraph
from cgraph.commands.inputs import example_inputs
from cgraph.commands.trace import FORMAT_NAMES
from cgraph.errors import ArgumentError
from cgraph.export import FORMATS, read_graph, write_graph
from cgraph.graphs.kernel import project
from tests.test_cli import run

MODELS = """
import torch
from torch import nn

class Small(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())

class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(100, 8)

    def forward(self, ids, *, mask=None):
        return self.table(ids) if mask is None else self.table(ids) * mask.unsqueeze(-1)

class Deciding(nn.Module):
    def forward(self, x):
        return x.relu() if x.sum().item() > -1e9 else x.tanh()

class Demanding(nn.Module):
    def __init__(self, width):
        super().__init__()

def failing():
    raise RuntimeError("no weights here")

def huge():
    return nn.Linear(100_000, 1_000_000)

def number():
    return 3
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "models_to_trace.py").write_text(MODELS)
    (tmp_path / "broken_to_trace.py").write_text("def f(:\n")
    (tmp_path / "needy_to_trace.py").write_text("import not_there_for_a_test\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()
    ).eval()
    return cgraph.trace(model, torch.empty(1, 3, 8, 8))


SMALL = ("models_to_trace:Small", "--input", "1,3,8,8")


def test_the_names_of_formats_are_those_of_the_table():
    assert tuple(FORMATS) == FORMAT_NAMES


def test_a_summary_is_printed(here, monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, "trace", *SMALL)
    assert status == 0
    assert out.startswith("ComputationalGraph('Small', 3 kernels")
    assert "conv2d[3x3]" in out


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].is_text])
def test_every_format_of_text_is_printed_as_it_is_written(name, here, monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, "trace", *SMALL, "--format", name)
    assert status == 0
    path = here / f"small{FORMATS[name].endings[0]}"
    status, said, _ = run(monkeypatch, capsys, "trace", *SMALL, "--out", path)
    assert status == 0
    assert path.read_text() == out
    assert f"3 kernels, 11 memories, 120 parameters, 3,888 MACs) is in {path}." in said


def test_what_is_written_is_what_the_library_gives(here, monkeypatch, capsys):
    run(monkeypatch, capsys, "trace", *SMALL, "--out", "small.json")
    found, expected = read_graph("small.json"), small()
    assert found.kernels == expected.kernels
    assert found.memories == expected.memories
    run(monkeypatch, capsys, "trace", *SMALL, "--out", "small.pt", "--kernels")
    assert read_graph("small.pt") == project(expected)
    run(monkeypatch, capsys, "trace", *SMALL, "--out", "small.txt", "--depth", "fused")
    assert (here / "small.txt").read_text().startswith("ComputationalGraph('Small', 1 kernel,")


def test_a_graph_that_was_written_is_read_again(here, monkeypatch, capsys):
    write_graph(small(), here / "small.json")
    status, out, _ = run(monkeypatch, capsys, "trace", "small.json", "--format", "json")
    assert status == 0
    assert out == (here / "small.json").read_text()
    _, out, _ = run(monkeypatch, capsys, "trace", "small.json", "--depth", "fused")
    assert "1 kernel," in out


def test_a_program_that_was_exported(here, monkeypatch, capsys):
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
    inputs = torch.zeros(2, 4)
    torch.export.save(torch.export.export(model, (inputs,)), here / "saved.pt2")
    status, out, _ = run(monkeypatch, capsys, "trace", "saved.pt2", "--format", "json")
    assert status == 0
    (here / "saved.json").write_text(out)
    expected = cgraph.trace(model, inputs)
    assert read_graph("saved.json") == read_graph("saved.pt2")
    assert [kernel.operation for kernel in read_graph("saved.pt2").kernels] == [
        kernel.operation for kernel in expected.kernels
    ]


def test_a_file_of_code_and_inputs_of_every_kind(here, monkeypatch, capsys):
    home = here / "models_to_trace.py"
    options = ["--input", "2,5:int64", "--input", "mask=2,5:bool", "--format", "json"]
    status, out, _ = run(monkeypatch, capsys, "trace", f"{home}:Tokens", *options)
    assert status == 0
    memories = {memory["name"]: memory for memory in json.loads(out)["memories"]}
    assert memories["ids"]["dtype"] == "int64"
    assert memories["mask"]["dtype"] == "bool"


def test_options_that_change_the_model(here, monkeypatch, capsys):
    _, out, _ = run(monkeypatch, capsys, "trace", *SMALL, "--dtype", "float16", "--format", "json")
    assert {m["dtype"] for m in json.loads(out)["memories"] if m["kind"] != "buffer"} == {"float16"}
    _, out, _ = run(monkeypatch, capsys, "trace", *SMALL, "--train", "--format", "json")
    assert "version" in {memory["alias"] for memory in json.loads(out)["memories"]}
    huge = ("models_to_trace:huge", "--input", "1,100000", "--meta")
    _, out, _ = run(monkeypatch, capsys, "trace", *huge)
    assert "100,001,000,000 parameters" in out
    deciding = ("models_to_trace:Deciding", "--input", "3")
    status, _, err = run(monkeypatch, capsys, "trace", *deciding)
    assert status == 2
    assert "fake=False" in err
    status, out, _ = run(monkeypatch, capsys, "trace", *deciding, "--real")
    assert status == 0
    assert "relu" in out


def test_an_architecture_of_a_space(here, monkeypatch, capsys):
    _, out, _ = run(monkeypatch, capsys, "trace", "nasbench201:6111", "--format", "json")
    space = cgraph.spaces.get("nasbench201")
    (here / "graph.json").write_text(out)
    assert read_graph("graph.json") == space.graph(6111, "network", "live")
    text = f"nasbench201:{space.architectures()[6111]}"
    options = ["--part", "cell", "--raw", "--format", "json"]
    _, out, _ = run(monkeypatch, capsys, "trace", text, *options)
    (here / "graph.json").write_text(out)
    assert read_graph("graph.json") == space.graph(6111, "cell", "raw")


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["models_to_trac:Small", "--input", "1"], "'models_to_trac'"),
        (["models_to_trace:Smal", "--input", "1"], "did you mean Small?"),
        (["models_to_trace:failing", "--input", "1"], "RuntimeError: no weights here at "),
        (["models_to_trace:Demanding", "--input", "1"], "argument: 'width'"),
        (["models_to_trace:number", "--input", "1"], "a int"),
        (["broken_to_trace:f", "--input", "1"], "SyntaxError: invalid syntax at "),
        (["broken_to_trace.py:f", "--input", "1"], "broken_to_trace.py:1"),
        (["needy_to_trace:f", "--input", "1"], "'not_there_for_a_test' at "),
        (["absent.py:Small", "--input", "1"], "be an existing file, got 'absent.py'"),
        (["absent.pt2"], "a file that is there, got 'absent.pt2'"),
        (["absent.json"], "a file that is there, got 'absent.json'"),
        (["models_to_trace:Small"], "--input must give the shape"),
        (["models_to_trace:Small", "--input", "1,2,8,8"], "module '0'"),
        (["models_to_trace:Small", "--input", "1,2,eight"], "like 1,3,224,224 or 1,128:int64"),
        (["nasbench201:99999"], "got 99999"),
        (["nasbench201:6111", "--input", "1"], "--input must be left out"),
        (["nasbench201:6111", "--train"], "--train must be left out for an architecture"),
        (["nasbench201:6111", "--part", "cel"], "got 'cel'"),
        (
            ["nasbench201:6111", "--part", "cell", "--depth", "module"],
            "--depth must be operator or",
        ),
        ([*SMALL, "--part", "cell"], "--part must be left out"),
        ([*SMALL, "--real", "--meta"], "--meta must be left out with --real"),
        ([*SMALL, "--dtype", "float8"], "--dtype must be one of float32"),
        ([*SMALL, "--format", "jsn"], "did you mean 'json'"),
        ([*SMALL, "--format", "pyg"], "--out must name a file for pyg"),
        ([*SMALL, "--kernels"], "--kernels must come with a --format of graphs"),
        ([*SMALL, "--out", "graph.xyz"], "'graph.xyz'"),
        ([*SMALL, "--out", "absent/graph.json"], "in a directory that is there"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:1]),
)
def test_an_error_is_one_message(arguments, fact, here, monkeypatch, capsys):
    before = sorted(here.iterdir())
    status, out, err = run(monkeypatch, capsys, "trace", *arguments)
    assert status == 2
    assert fact in err
    assert "Traceback" not in err
    assert out == ""
    assert [path for path in sorted(here.iterdir()) if path.name != "__pycache__"] == before


def test_keywords_are_given_once_and_have_names():
    with pytest.raises(ArgumentError, match="'mask' twice"):
        example_inputs(["mask=1", "mask=2"])
    with pytest.raises(ArgumentError, match="begin with the name of an argument, got '1=2'"):
        example_inputs(["1=2"])
    (drawn,), _ = example_inputs(["4"], is_drawn=True)
    assert drawn.unique().numel() == 4
    assert torch.equal(drawn, example_inputs(["4"], is_drawn=True)[0][0])


def test_python_runs_the_package():
    done = subprocess.run(
        [sys.executable, "-m", "cgraph", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip()[0].isdigit()
