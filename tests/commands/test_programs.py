import pytest

from cgraph.commands.factories import build_model
from cgraph.commands.inputs import example_input
from cgraph.commands.programs import architecture_of, read_program
from cgraph.errors import ArchitectureError, ArgumentError

MODELS = """
from torch import nn

class Small(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 4), nn.ReLU())

ready = nn.ReLU()
number = 3
"""


@pytest.fixture
def models(tmp_path):
    (tmp_path / "models_of_mine.py").write_text(MODELS)
    return tmp_path / "models_of_mine.py"


def test_architectures_by_string_and_by_place():
    space, name = architecture_of("nasbench201:6111")
    assert space.name == "nasbench201"
    assert architecture_of(f"nasbench201:{name}")[1] == name
    assert architecture_of("torch.nn:ReLU") is None
    assert len(read_program("nasbench201:1462").kernels) > 0
    with pytest.raises(ArchitectureError, match="got 15625"):
        architecture_of("nasbench201:15625")


def test_models_from_a_file_and_from_a_module(models, monkeypatch):
    graph = read_program(f"{models}:Small", ["2,4"])
    assert [kernel.operation for kernel in graph.kernels] == ["linear", "relu"]
    assert len(read_program(f"{models}:ready", ["2,4"]).kernels) == 1
    monkeypatch.chdir(models.parent)
    graph = read_program("models_of_mine:Small", ["2,4"], depth="fused")
    assert len(graph.kernels) == 1
    assert not build_model("torch.nn:Identity").training


def test_inputs_have_shapes_and_dtypes():
    assert tuple(example_input("1, 3,8,8").shape) == (1, 3, 8, 8)
    assert str(example_input("int64:2").dtype) == "torch.int64"
    assert example_input("float16:").shape == ()
    for text in ("a,b", "int63:1", "1,-2", "nn:3"):
        with pytest.raises(ArgumentError, match=r"--input must be a shape like 1,3,224,224"):
            example_input(text)


@pytest.mark.parametrize(
    ("text", "inputs", "quoted"),
    [
        ("torch.nn:ReLU", [], r"--input must give the shape of the input of 'torch.nn:ReLU'"),
        ("nasbench201:3", ["1,2"], r"--input must be left out: nasbench201 has its own, got 1,2"),
        ("relu", ["1"], r"be SPACE:ARCHITECTURE.*got 'relu'"),
        ("nasbench21:3", ["1"], r"be MODULE:NAME.*got 'nasbench21'; did you mean the space nasb"),
        (
            "torch.nn:Identiti",
            ["1"],
            r"name a factory in torch.nn, got 'Identiti'; did you mean Identity",
        ),
        ("math:pi.real", ["1"], r"name what builds a torch.nn.Module"),
        ("absent.py:Net", ["1"], r"be an existing file, got 'absent.py'"),
    ],
)
def test_errors(text, inputs, quoted):
    with pytest.raises(ArgumentError, match=quoted):
        read_program(text, inputs)
