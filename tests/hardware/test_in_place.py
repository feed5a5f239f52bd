import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cgraph.graphs.computational import ComputationalGraph, Kernel, Memory
from cgraph.hardware.footprint import footprint
from cgraph.hardware.in_place import write_in_place
from cgraph.hardware.schedule import best_schedule, memory_over_time
from cgraph.tracing.record import trace
from tests.hardware.networks import mobilenet_v2, resnet50
from tests.hardware.test_schedule import program
from tests.naive import every_schedule


def as_engine(model):
    with torch.device("meta"):
        return write_in_place(trace(model().eval(), torch.empty(1, 3, 224, 224)))


def test_resnet50_by_hand():
    needs = footprint(as_engine(resnet50))
    # Second block: its input and its result of 256 maps, 64 maps before the last convolution.
    assert needs.peak_bytes == (256 + 256 + 64) * 56 * 56 * 4
    assert needs.peak_bytes_without_io == needs.traced_peak_bytes == needs.peak_bytes
    assert needs.best.exact


def test_mobilenet_v2_by_hand():
    graph = as_engine(mobilenet_v2)
    # The first depthwise convolution of stride 2, on 96 maps.
    assert footprint(graph).peak_bytes == 96 * (112 * 112 + 56 * 56) * 4
    at_int8 = footprint(graph, dtype="int8")
    assert at_int8.peak_bytes == at_int8.peak_bytes_without_io == 1_505_280


def residual(operation, n_readers=1, kind="activation"):
    """x -> h -> f; y = operation(h, f), and perhaps a later reader of h."""
    late = n_readers == 2
    return ComputationalGraph(
        [
            Memory("x", "input", (4,), "int8", 4),
            Memory("h", kind, (4,), "int8", 4),
            Memory("f", "activation", (4,), "int8", 4),
            Memory("y", "activation", (4,), "int8", 4),
            Memory("z", "output", (4,), "int8", 4),
        ],
        [Kernel("a", "conv2d"), Kernel("b", "conv2d"), Kernel("c", operation), Kernel("d", "cat")],
        [(0, 0), (1, 1), (1, 2), (2, 2), (3, 3), *([(1, 3)] if late else [])],
        [(0, 1), (1, 2), (2, 3), (3, 4)],
        [4],
    )


@pytest.mark.parametrize(
    ("graph", "base"),
    [
        (residual("add"), 1),
        (residual("add", n_readers=2), 2),
        (residual("conv2d"), None),
    ],
    ids=["first operand", "the operand that nobody needs later", "not element by element"],
)
def test_the_sum_is_written_over_an_operand(graph, base):
    memory = write_in_place(graph).memories[3]
    assert memory.base == base
    assert memory.bytes == (4 if base is None else 0)


def test_inputs_weights_outputs_and_other_sizes_are_not_written_over():
    graph = ComputationalGraph(
        [
            Memory("x", "input", (4,), "int8", 4),
            Memory("w", "parameter", (4,), "int8", 4),
            Memory("s", "output", (4,), "int8", 4),
            Memory("t", "activation", (4,), "int8", 4),
            Memory("u", "output", (4,), "int16", 8),
        ],
        [Kernel("a", "add"), Kernel("b", "mul"), Kernel("c", "mul")],
        [(0, 0), (1, 0), (2, 1), (3, 2)],
        [(0, 2), (1, 3), (2, 4)],
        [2, 4],
    )
    assert write_in_place(graph) == graph


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.booleans())
def test_no_order_becomes_impossible_and_none_needs_more(seed, count_io):
    graph = program(seed)
    rng = np.random.default_rng(seed)
    kernels = [Kernel(kernel.name, str(rng.choice(["add", "conv2d"]))) for kernel in graph.kernels]
    memories = [
        Memory(m.name, m.kind, (1,), "int8", min(m.bytes, 1), base=m.base, alias=m.alias)
        for m in graph.memories
    ]
    graph = ComputationalGraph(memories, kernels, graph.reads, graph.writes, graph.outputs)
    changed = write_in_place(graph)
    before, after = dict(every_schedule(graph, count_io)), dict(every_schedule(changed, count_io))
    assert before.keys() == after.keys()
    assert all(after[order] <= peak for order, peak in before.items())
    assert best_schedule(changed, count_io=count_io).upper_bytes == min(after.values())
    assert write_in_place(changed) == changed
    traced = memory_over_time(changed, count_io=count_io).peak_bytes
    assert traced == after[tuple(range(len(kernels)))]
