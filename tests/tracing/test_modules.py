"""Nests of modules drawn at random: shared, branching, writing in place; against a replay."""

import copy
from dataclasses import replace
from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from torch.export import export

from cgraph.graphs.computational import ComputationalGraph
from cgraph.graphs.fusion import contract
from cgraph.tracing.record import trace
from tests.laws import reached_from
from tests.naive import replay_of_modules
from tests.strategies import module_trees
from tests.tracing.programs import SHAPE, tree_module


@settings(deadline=None, max_examples=50)
@given(module_trees())
def test_operations_modules_and_dependencies_equal_a_replay(tree):
    leaves, nest = tree
    model, pool = tree_module(leaves, nest)
    graph = trace(model, torch.ones(SHAPE))
    made, sources = replay_of_modules(leaves, nest, SHAPE)
    assert [kernel.operation for kernel in graph.kernels] == [name for name, _ in made]

    index = {memory.name: i for i, memory in enumerate(graph.memories)}
    (output,) = graph.outputs
    assert ("x" in sources) == (output in reached_from(graph, index["input"]))
    for name, module in model.named_modules():
        for parameter, _ in module.named_parameters(recurse=False):
            is_reached = output in reached_from(graph, index[f"{name}.{parameter}"])
            assert is_reached == (pool.index(module) in sources)


@settings(deadline=None, max_examples=50)
@given(module_trees())
def test_module_depth_is_operator_depth_contracted(tree):
    leaves, nest = tree
    model, _ = tree_module(leaves, nest)
    operators, modules = (trace(model, torch.ones(SHAPE), depth=d) for d in ("operator", "module"))
    made, _ = replay_of_modules(leaves, nest, SHAPE)
    above = {path[:n] for _, path in made for n in range(len(path))}
    units = []
    for path, run in groupby(range(len(made)), key=lambda k: made[k][1]):
        members = list(run)
        units += [[k] for k in members] if path in above else [members]
    assert len(modules.kernels) == len(units)
    by_hand = contract(operators, list(zip(units, modules.kernels, strict=True)))
    assert by_hand == modules


@settings(deadline=None, max_examples=20)
@given(module_trees())
def test_every_way_to_run_it_gives_the_same_graph(tree):
    model, _ = tree_module(*tree)
    x = torch.ones(SHAPE)
    graph = trace(model, x)
    assert trace(model, x) == graph
    assert trace(copy.deepcopy(model), x) == graph
    assert trace(model, x, fake=False) == graph
    assert trace(copy.deepcopy(model).to("meta"), x.to("meta")) == graph


def without_scopes(graph):
    """The graph without the names of modules: an export has several for a shared one."""
    memories = [replace(m, scope="") for m in graph.memories]
    kernels = [replace(k, scope="") for k in graph.kernels]
    return ComputationalGraph(memories, kernels, graph.reads, graph.writes, graph.outputs)


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=8)
@given(module_trees())
def test_export_gives_the_same_graph(tree):
    model, _ = tree_module(*tree)
    x = torch.ones(SHAPE)
    program = export(model, (x,))
    for depth in ("operator", "module"):
        expected = without_scopes(trace(model, x, depth=depth))
        assert without_scopes(trace(program, depth=depth)) == expected
