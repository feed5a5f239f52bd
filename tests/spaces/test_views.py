"""Cells of spaces of one's own, and what architectures are shown as."""

import numpy as np
import pytest
import torch
from torch import nn

from cgraph.errors import ArgumentError
from cgraph.graphs.cells import part_of
from cgraph.graphs.series import compact
from cgraph.spaces import available, get
from cgraph.spaces.choices import ChoiceSpace
from cgraph.spaces.models import from_models
from cgraph.spaces.views import View, view_for
from cgraph.study.study import Study
from cgraph.tracing.record import trace
from tests.benchmarks.cells import Cell, Cells


class Few(Cells):
    """The first two edges alone have a choice."""

    choices = (("skip", "conv3"), ("pool", "conv1")) + (("conv1",),) * 4


class Stems(ChoiceSpace):
    """Equal cells behind a stem that has a choice too."""

    name, summary, source = "stems", "stems", "a test"
    input_shapes = {"full": (3, 8, 8)}  # noqa: RUF012
    choices = (("1", "3"), ("relu", "tanh"))

    def build(self, arch, skeleton):  # noqa: ARG002
        size, word = arch.split("|")
        words = {"relu": nn.ReLU, "tanh": nn.Tanh}
        cells = [nn.Sequential(nn.Conv2d(4, 4, 1), words[word]()) for _ in range(3)]
        return nn.Sequential(nn.Conv2d(3, 4, int(size)), *cells)


def test_the_repeated_module_is_the_cell():
    space = Few()
    cell = space.chosen_cell()
    assert (cell.scope, cell.n_alike, cell.tells_apart) == ("1.0", 10, True)
    assert "the first of 10 alike" in str(cell)
    words = space.architectures()[2].split("|")
    alone = trace(Cell(words, 8), torch.ones(1, 8, 16, 16))
    part = space.graph(2, "cell")
    assert [k.operation for k in part.kernels] == [k.operation for k in alone.kernels]
    assert (part.macs, part.n_parameters) == (alone.macs, alone.n_parameters)
    assert [part.memories[m].shape for m in part.inputs] == [(1, 8, 16, 16)]
    assert len(part.outputs) == 1
    cells = space.population("cell", boundary=True)
    assert np.array_equal(cells.classes(), space.population(boundary=True).classes())
    shown = space.population("compact", boundary=True)
    assert np.array_equal(shown.label_ids, compact(cells).label_ids)


def test_parts_of_a_network_hold_together():
    graph = Few().graph(1)
    whole = [part_of(graph, scope) for scope in ("0", "1", "2", "3", "4")]
    assert sum(len(part.kernels) for part in whole) == len(graph.kernels)
    assert sum(part.macs for part in whole) == graph.macs
    assert sum(part.n_parameters for part in whole) == graph.n_parameters
    assert part_of(graph, "") is graph
    assert not part_of(graph, "9").kernels
    assert part_of(part_of(graph, "1"), "1.4") == part_of(graph, "1.4")


def test_a_cell_that_does_not_tell_all_is_not_compared_alone():
    space = Stems()
    cell = space.chosen_cell()
    assert (cell.scope, cell.n_alike, cell.tells_apart) == ("1", 3, False)
    assert "networks may differ outside of it" in str(cell)
    assert space.population("cell").classes().max() == 1
    assert space.population("compact").classes().max() == 3


def test_a_cell_that_the_space_names():
    class Named(Few):
        cell = "1.3"

    assert str(Named().chosen_cell()) == "module '1.3', named by the space"
    assert {k.scope[:3] for k in Named().graph(0, "cell").kernels} == {"1.3"}

    class Misnamed(Few):
        cell = "cells.0"

    with pytest.raises(ArgumentError, match=r"cell must be a module that runs .*'cells.0'"):
        Misnamed().population("cell")


def test_without_a_repeated_module_the_network_is_the_cell():
    space = from_models({"a": lambda: nn.Linear(4, 4), "b": lambda: nn.Linear(4, 2)}, (4,))
    assert str(space.chosen_cell()) == "the network: no module repeats"
    for part in space.parts:
        assert len(space.population(part)) == 2


def test_the_default_view_is_decided_in_one_place():
    for name in available():
        space = get(name)
        assert view_for(space).part == space.parts[0]
        shown = view_for(space, "graph")
        assert shown == View("operations" if "operations" in space.parts else "compact", True)
    assert view_for(Few()) == View("network", False)
    assert view_for(Few(), "graph") == View("compact", True)
    with pytest.raises(ArgumentError, match="part must be one of network, cell, compact, got 'x'"):
        view_for(Few(), part="x")
    assert Study(Few()).resolved().part == "network"
    assert Study(Few(), metric="edit", method="spectral").resolved().part == "compact"
