"""Programs drawn at random, with views and writes in place, against an element-wise replay."""

import torch
from hypothesis import given, settings

from cgraph.tracing.record import trace
from tests.laws import reached_from
from tests.naive import sources_of_tensors
from tests.strategies import tensor_programs
from tests.tracing.programs import SHAPE, Program


@settings(deadline=None, max_examples=150)
@given(tensor_programs())
def test_dependencies_equal_a_replay(instructions):
    graph = trace(Program(instructions), torch.ones(SHAPE), torch.ones(SHAPE))
    index = {memory.name: i for i, memory in enumerate(graph.memories)}
    reached = {
        source: reached_from(graph, index[name])
        for source, name in ((0, "x"), (1, "y"), ("w", "w"))
    }
    expected, is_partial = sources_of_tensors(instructions, SHAPE)
    assert len(graph.outputs) == len(expected)
    for output, sources in zip(graph.outputs, expected, strict=True):
        found = {source for source in reached if output in reached[source]}
        # A kernel that writes a part of a memory is one node: what the rest depends on joins in.
        assert sources <= found if is_partial else sources == found


@settings(deadline=None, max_examples=50)
@given(tensor_programs())
def test_real_tensors_give_the_same_graph(instructions):
    x, y = torch.ones(SHAPE), torch.ones(SHAPE)
    model = Program(instructions)
    graph = trace(model, x, y)
    assert trace(model, x, y, fake=False) == graph
    assert torch.equal(x, y)
    for memory in graph.memories:
        assert (memory.bytes == 0) == (memory.base is not None)
    storages = sum(memory.bytes for memory in graph.memories)
    with torch.no_grad():
        made = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in model(x, y)}
    assert storages >= sum(made.values())
