"""Cells as their authors draw them, against plain definitions."""

import numpy as np
import pytest

from cgraph import spaces
from cgraph.errors import ArgumentError, UnknownNameError
from cgraph.graphs.kernel import KernelGraph
from tests.distances.cells import live_cell


@pytest.fixture(scope="module", params=["nasbench101", "nasbench201"])
def space(request):
    return spaces.get(request.param)


@pytest.fixture(scope="module")
def drawn(space):
    return np.random.default_rng(0).choice(len(space), size=300, replace=False)


def plain_graph(space, index):
    """The operations of a cell, by its definition."""
    if space.name == "nasbench201":
        operations = [
            part.split("~")[0]
            for node in space.architectures()[index].split("+")
            for part in node.strip("|").split("|")
        ]
        return live_cell(operations)
    from cgraph.spaces.nasbench101.cells import OPERATIONS

    cell = space.cell(index)
    labels = ["input", *(OPERATIONS[k] for k in cell.operations), "output"]
    return KernelGraph(labels, np.argwhere(cell.matrix))


def test_equal_to_the_definition(space, drawn):
    population = space.population("operations", boundary=True)
    for index in drawn.tolist():
        expected = plain_graph(space, index)
        assert population[index].labels == expected.labels
        found = sorted(map(tuple, population[index].edges.tolist()))
        assert found == sorted(map(tuple, expected.edges.tolist()))


def test_without_boundary_the_ends_are_left_out(space, drawn):
    inner, whole = (space.population("operations", boundary=b) for b in (False, True))
    assert not {"input", "output"} & set(inner.vocabulary)
    for index in drawn.tolist():
        labels = whole[index].labels
        assert inner[index].labels == labels[1:-1]
        ends = {0, len(labels) - 1}
        kept = [[a - 1, b - 1] for a, b in whole[index].edges.tolist() if not {a, b} & ends]
        assert inner[index].edges.tolist() == kept


def test_every_cell_of_nasbench201_has_the_counted_classes():
    space = spaces.get("nasbench201")
    population = space.population("operations", boundary=True)
    operations = space.equivalence("operations")
    assert population.classes().max() == operations.max() == 8764


def test_operations_have_one_form_and_no_computational_graph(space):
    with pytest.raises(ArgumentError, match="'raw'"):
        space.population("operations", "raw")
    with pytest.raises(UnknownNameError, match="cell, network, got 'operations'"):
        space.graph(0, "operations")
