"""The vocabulary of families, and what labels say."""

import pytest
import torch

from cgraph.graphs.computational import Attributes, ComputationalGraph, Kernel
from cgraph.graphs.kernel import project
from cgraph.graphs.labels import (
    FAMILIES,
    LABELLINGS,
    OPERATION_FAMILIES,
    family_of,
    label_with_attributes,
)
from cgraph.tracing.operators import base_name
from cgraph.tracing.record import trace
from tests.tracing.zoo import unit


def kernel(operation, **attributes):
    return Kernel("k", operation, Attributes(attributes))


@pytest.mark.parametrize(
    ("kernel", "label"),
    [
        (kernel("relu"), "relu"),
        (kernel("conv2d", kernel_size=(3, 3), stride=(1, 1), groups=1), "conv2d[3x3]"),
        (kernel("conv2d", kernel_size=(1, 1)), "conv2d[1x1]"),
        (kernel("conv2d", kernel_size=(3, 5), stride=(1, 2)), "conv2d[3x5,s1x2]"),
        (kernel("conv2d", kernel_size=(3, 3), dilation=(2, 2), groups=4), "conv2d[3x3,d2,g4]"),
        (
            kernel("conv2d", kernel_size=(5, 5), stride=(2, 2), groups=8, depthwise=True),
            "conv2d[dw5x5,s2]",
        ),
        (kernel("conv1d", kernel_size=(8,), stride=(4,)), "conv1d[8,s4]"),
        (kernel("conv2d", kernel_size=(3, 3), activation="relu"), "conv2d[3x3]+relu"),
        (kernel("linear", activation="gelu"), "linear+gelu"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_labels_with_attributes(kernel, label):
    assert label_with_attributes(kernel) == label


def test_labels_of_captured_kernels():
    model = torch.nn.Sequential(unit(3, 8, s=2), unit(8, 8, 5, groups=8), torch.nn.AvgPool2d(2))
    graph = trace(model, torch.ones(1, 3, 16, 16))
    labels = project(graph).labels
    assert labels[0] == "conv2d[3x3,s2]"
    assert labels[3] == "conv2d[dw5x5]"
    assert labels[-1] == "avg_pool2d[2x2,s2]"
    families = project(graph, "family").labels
    assert families == ("convolution", "normalisation", "activation") * 2 + ("pooling",)
    assert set(project(graph, lambda k: k.scope[:1]).labels) == {"0", "1", "2"}


def test_an_operation_is_in_one_family():
    listed = [name for family in OPERATION_FAMILIES.values() for name in family.operations]
    assert len(listed) == len(set(listed)) == len(FAMILIES)


def test_an_unknown_operation_is_other_and_is_counted():
    graph = ComputationalGraph([], [Kernel("k", "my_operator")], [], [])
    assert family_of("my_operator") == "other"
    assert project(graph, "family").labels == ("other",)
    assert "1 of the kernels are of no known family" in graph.summary()


def test_an_operator_of_a_library_of_its_own():
    @torch.library.custom_op("cgraph_tests::fold_twice", mutates_args=())
    def fold_twice(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @fold_twice.register_fake
    def _(x):
        return torch.empty_like(x)

    class Custom(torch.nn.Module):
        def forward(self, x):
            return fold_twice(x)

    graph = trace(Custom(), torch.ones(3))
    assert project(graph).labels == ("fold_twice",)
    assert project(graph, "family").labels == ("other",)


def test_most_operators_of_pytorch_have_a_family():
    from torch.overrides import get_testing_overrides

    names = {base_name(f"aten::{f.__name__}") for f in get_testing_overrides() if callable(f)}
    known = {s.name for s in torch._C._jit_get_all_schemas()}
    names = {name for name in names if f"aten::{name}" in known}
    without = {name for name in names if family_of(name) == "other"}
    assert len(names) > 400
    assert len(without) < 0.25 * len(names)


def test_labellings_are_a_table():
    assert list(LABELLINGS) == ["attributes", "operation", "family", "sized"]
