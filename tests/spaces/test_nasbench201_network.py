import pickle

import numpy as np
import pytest
import torch
from torch import nn

from cgraph.errors import ArchitectureError, ArgumentError, UnknownNameError
from cgraph.spaces.nasbench201 import network, notation
from tests.naive import nasbench201_cell_value

# Indices and published parameter counts (CIFAR-10): the cells of the golden statistics, and the
# best cell.
PUBLISHED = {
    544: 185306, 2251: 316346, 3893: 559386, 4871: 316346, 6614: 344346, 7388: 372346,
    7992: 101306, 11792: 615386, 12854: 587386, 13577: 101306, 14818: 559386, 14843: 157306,
    6111: 1073466,
}  # fmt: skip


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("index", PUBLISHED)
def test_parameters_are_the_published_ones(index):
    model = network.build(notation.architectures()[index])
    assert count(model) == PUBLISHED[index]


@pytest.mark.parametrize(("n_classes", "extra"), [(100, 90 * 65), (120, 110 * 65)])
def test_classes_only_change_the_linear_layer(n_classes, extra):
    model = network.build(notation.architectures()[6111], n_classes=n_classes)
    assert count(model) == 1073466 + extra


@pytest.mark.parametrize("skeleton", network.SKELETONS)
@pytest.mark.parametrize("skip_zeros", [False, True], ids=["zeros", "no-zeros"])
def test_modules_are_made_in_the_order_they_run(skeleton, skip_zeros):
    arch = notation.format_operations((3, 2, 1, 4, 3, 0))
    model = network.build(arch, skeleton, skip_zeros=skip_zeros)
    ran = []
    weighted = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.BatchNorm2d)]
    for module in weighted:
        module.register_forward_hook(lambda module, _inputs, _output: ran.append(module))
    model(torch.zeros(2, *network.SKELETONS[skeleton].input_shape))
    assert ran == weighted


@pytest.mark.parametrize(
    ("skeleton", "shape"), [("full", (2, 10)), ("thin", (2, 10)), ("cell", (2, 1, 3, 3))]
)
def test_skeletons_run_in_train_mode(skeleton, shape):
    model = network.build(notation.architectures()[1], skeleton)
    assert model.training
    out = model(torch.zeros(2, *network.SKELETONS[skeleton].input_shape))
    assert tuple(out.shape) == shape


@pytest.mark.parametrize("seed", range(8))
def test_a_cell_is_its_definition(seed):
    rng = np.random.default_rng(seed)
    operations = tuple(rng.integers(5, size=6).tolist())
    torch.manual_seed(seed)
    cell = network.Cell(operations, 4).double()
    lean = network.Cell(operations, 4, skip_zeros=True).double()
    lean.load_state_dict(cell.state_dict())
    x = torch.randn(3, 4, 6, 6, dtype=torch.float64)
    expected = nasbench201_cell_value(cell.edges, x)
    torch.testing.assert_close(cell(x), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(lean(x), cell(x))


def test_the_zero_cell_gives_zeros():
    for skip_zeros in (False, True):
        cell = network.Cell((0,) * 6, 2, skip_zeros=skip_zeros)
        assert torch.equal(cell(torch.ones(1, 2, 3, 3)), torch.zeros(1, 2, 3, 3))


def test_a_network_pickles():
    model = network.build(notation.architectures()[0], "thin")
    again = pickle.loads(pickle.dumps(model))
    x = torch.ones(2, 3, 32, 32)
    assert torch.equal(model(x), again(x))


def test_bad_arguments_are_named():
    arch = notation.architectures()[0]
    with pytest.raises(UnknownNameError, match=r"full, thin, cell, got 'ful'.*'full'"):
        network.build(arch, "ful")
    with pytest.raises(ArgumentError, match=r"n_classes must be a whole number, from 1 .*, got 0"):
        network.build(arch, n_classes=0)
    with pytest.raises(ArchitectureError, match=r"at character 0 .*, got 'n'"):
        network.build("nonsense")
